"""pure: what a shift adds up to. X is the running account, Z the closed one; both are this value.

expected cash = float + taken - change - voided - refunded + paid in - paid out - dropped

The count at closing is blind: while a shift is open, its X shows a cashier no number from which the expected cash could
be computed. She knows the float and what she moved by hand. So the cash taken and given back is hidden, and with it
every sum of money over all kinds, because the card terminal tells its own total: due minus card is cash. Points earned
go too, since they count money. The numbers of sales, voids, returns and drawer openings stay, and so do the kinds that
are not in the drawer. For the same reason a cashier's pay-out is not compared with the drawer (a refusal would tell, by
halving, how much there is), and closing always wants a count of cash. What a cashier can still do is add up every
receipt of the day one by one: the count keeps honest people honest, the Z shows the difference.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from kiosk.sales.tender import CASH, EXCHANGE
from loyalty.errors import Conflict, InvalidInput
from sync.facts.shifts import TenderCount


class ShiftAlreadyOpen(Conflict):
    """This till has an open shift already."""

    code, hint = "shift_already_open", "Go on with it, or count the drawer and close it first."


class ShiftClosedDifferently(Conflict):
    """This shift was closed already, with other counts."""

    code, hint = "shift_closed_differently", "Nothing was changed. Look at the Z report of the shift."


class ShiftNotOpen(Conflict):
    """This shift is closed."""

    code, hint = "shift_not_open", "Open a new shift; what is closed stays as it is."


class CashNotCounted(InvalidInput):
    """The cash in the drawer was not counted."""

    code, hint = "cash_not_counted", "Count the drawer and enter the amount, also when it is nothing."


class DrawerShort(InvalidInput):
    """There is not that much cash in the drawer."""

    code, hint = "drawer_short", "Take out at most what is in the drawer."


class TenderTotal(Struct, frozen=True, kw_only=True):
    """One kind of tender over a shift. While the count is blind, `expected_minor` is None, and for cash all three."""

    kind: str
    taken_minor: int | None
    given_back_minor: int | None
    expected_minor: int | None


class TaxSum(Struct, frozen=True):
    """One tax rate over a shift: sales minus voids minus returns."""

    rate: str
    base_minor: int
    tax_minor: int


class MovementLine(Struct, frozen=True, kw_only=True):
    """Cash moved by hand."""

    id: UUID
    kind: str
    amount_minor: int
    reason: str
    at: str


class MovementAnswer(Struct, frozen=True, kw_only=True):
    """Cash that was moved by hand. It says nothing of what is in the drawer now."""

    id: UUID
    shift: UUID
    kind: str
    currency: str
    amount_minor: int
    reason: str
    at: str


class ShiftTotals(Struct, frozen=True, kw_only=True):
    """Sums of a shift as the tables give them. Voids are in `sales_*` too; `taken` and `given_back` are by tender
    kind."""

    sales: int = 0
    gross_minor: int = 0
    discount_minor: int = 0
    net_minor: int = 0
    due_minor: int = 0
    rounding_minor: int = 0
    points_earned: int = 0
    voids: int = 0
    voided_minor: int = 0
    returns: int = 0
    returned_minor: int = 0
    taken: Mapping[str, int] = {}
    given_back: Mapping[str, int] = {}
    taxes: tuple[TaxSum, ...] = ()
    movements: tuple[MovementLine, ...] = ()
    drawer_openings: int = 0
    first_number: str | None = None
    last_number: str | None = None


class ShiftReport(Struct, frozen=True, kw_only=True):
    """X (state open) or Z (state closed) of a shift. A Z has a `number` (T01-Z0001) and a paper, `print_job`. Sums of
    money are None and the taxes empty while a cashier's count is blind."""

    id: UUID
    kind: str
    state: str
    till: str
    operator: str | None
    business_day: str
    opened_at: str
    closed_at: str | None
    z_number: int | None
    currency: str
    float_minor: int
    sales: int
    gross_minor: int | None
    discount_minor: int | None
    net_minor: int | None
    due_minor: int | None
    rounding_minor: int | None
    voids: int
    voided_minor: int | None
    returns: int
    returned_minor: int | None
    drawer_openings: int
    points_earned: int | None
    taxes: list[TaxSum]
    tenders: list[TenderTotal]
    movements: list[MovementLine]
    counts: list[TenderCount]
    variance_minor: int
    first_number: str | None
    last_number: str | None
    number: str | None = None
    print_job: UUID | None = None


def expected_by_kind(float_minor: int, totals: ShiftTotals) -> dict[str, int]:
    """What should be there of each kind. An exchange's credit is no money and is left out."""
    kinds = {CASH, *totals.taken, *totals.given_back} - {EXCHANGE}
    expected = {kind: totals.taken.get(kind, 0) - totals.given_back.get(kind, 0) for kind in sorted(kinds)}
    expected[CASH] += float_minor
    for movement in totals.movements:
        expected[CASH] += movement.amount_minor if movement.kind == "pay_in" else -movement.amount_minor
    return expected


def total_tenders(float_minor: int, totals: ShiftTotals) -> list[TenderTotal]:
    """Every kind with what came in, what went out, and what should be there."""
    return [
        TenderTotal(
            kind=kind,
            taken_minor=totals.taken.get(kind, 0),
            given_back_minor=totals.given_back.get(kind, 0),
            expected_minor=expected,
        )
        for kind, expected in expected_by_kind(float_minor, totals).items()
    ]


def hide_cash(report: ShiftReport) -> ShiftReport:
    """The X of an open shift as somebody may see it who has yet to count the drawer."""
    tenders = [
        TenderTotal(
            kind=tender.kind,
            taken_minor=None if tender.kind == CASH else tender.taken_minor,
            given_back_minor=None if tender.kind == CASH else tender.given_back_minor,
            expected_minor=None,
        )
        for tender in report.tenders
    ]
    return msgspec.structs.replace(
        report,
        gross_minor=None,
        discount_minor=None,
        net_minor=None,
        due_minor=None,
        rounding_minor=None,
        voided_minor=None,
        returned_minor=None,
        points_earned=None,
        taxes=[],
        tenders=tenders,
    )


def count_shift(expected: Mapping[str, int], counted: Mapping[str, int]) -> tuple[TenderCount, ...]:
    """Compare a blind count with what should be there. Raises CashNotCounted without a count of cash, however little
    should be there: asking only when some is missing would tell."""
    if CASH not in counted:
        raise CashNotCounted(pointer="/counted/cash")
    return tuple(
        TenderCount(kind, expected.get(kind, 0), amount, amount - expected.get(kind, 0))
        for kind, amount in sorted(counted.items())
    )
