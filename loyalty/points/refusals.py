"""pure: why points may not be spent, held or adjusted now.

In order of precedence, so that a till shows the reason that must be mended first:

    NothingToSpend      422  less than one point was asked for
    PointsOwed          409  the member owes points
    BelowMinimum        422  fewer than the program pays out
    NotAStep            422  not a multiple of the program's step
    AboveShare          422  more than points may pay of this bill
    InsufficientPoints  409  more than there is
"""

from loyalty.errors import Conflict, Forbidden, InvalidInput, NotFound


class NothingToSpend(InvalidInput):
    """At least one point is needed."""

    code, hint = "nothing_to_spend", "Enter how many points are to be used."


class PointsOwed(Conflict):
    """Points are owed on this account, so none can be used now."""

    code, hint = "points_owed", "New points settle the debt first. The member still earns with every purchase."


class BelowMinimum(InvalidInput):
    """That is fewer points than can be used at once."""

    code, hint = "points_below_minimum", "Use at least the minimum that is shown, or keep the points for next time."


class NotAStep(InvalidInput):
    """Points are used in fixed steps."""

    code, hint = "points_not_a_step", "Use a multiple of the step that is shown."


class AboveShare(InvalidInput):
    """Points may not pay that much of this bill."""

    code, hint = "points_above_share", "Use fewer points, up to the number shown, and pay the rest another way."


class InsufficientPoints(Conflict):
    """There are not enough points on this account."""

    code, hint = (
        "insufficient_points",
        "Use fewer points, up to the number shown. Points on hold or pending do not count.",
    )


class HoldNotFound(NotFound):
    """These points are not on hold."""

    code, hint = "hold_not_found", "Reserve the points again, then pay."


class HoldLapsed(Conflict):
    """The reservation of the points is over, and they are no longer there."""

    code, hint = "hold_lapsed", "Look at the balance and reserve again what is left."


class HoldReleased(Conflict):
    """The reservation of the points was given up."""

    code, hint = "hold_released", "Reserve the points again, then pay."


class HoldCaptured(Conflict):
    """These points have paid for a sale already."""

    code, hint = "hold_captured", "Reserve points again for this sale; to undo the other one, return or void it."


class AboveHold(Conflict):
    """That is more than was reserved."""

    code, hint = "points_above_hold", "Use the number of points that was reserved, or reserve again."


class AdjustmentForbidden(Forbidden):
    """Your role may not change this many points by hand."""

    code, hint = "adjustment_forbidden", "Ask a manager."


class AdjustmentUnexplained(InvalidInput):
    """A change of points by hand needs points and a reason."""

    code, hint = "adjustment_unexplained", "Enter how many points and why, so that the member can be told."


class ReversalUnknown(Conflict):
    """The points of this sale are not on this account."""

    code, hint = "reversal_unknown", "Look for the receipt; the return itself goes on without points."
