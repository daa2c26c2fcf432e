"""pure: what head office refuses, in words for whoever looks after a store or sits in the office. What the protocol
itself refuses stands in sync/protocol/refusals.py.

    Problem
    ├── StoreUnknown            401  no store of this id is enrolled here
    ├── BadSignature            401  the message is not signed with the store's key
    ├── TooManyLives            409  more epochs than any honest store has
    ├── StoreCodeTaken          409  another store has this code
    ├── StoreNotQuarantined     409  there is nothing to release
    ├── LastHeadOfficeUser      409  nobody would be left to sign in
    ├── PointsNotFree           409  used elsewhere, or lent to another store
    ├── TooMuchLent             409  this store has its share of lent points
    ├── LendingClosed           409  head office was put back from a backup
    ├── NotYetApplied           409  the store's own entries come first
    ├── CouponSpent             409  used elsewhere, or kept for another sale
    ├── CouponEnded             409  voided, or issued again
    ├── CouponOfSomebodyElse    409  another member's
    ├── CouponNotKnown          409  its store has not reported it
    ├── CardNotKnown            409  no store has reported that it sold it
    ├── CardShort               409  less is on it, or free
    ├── ReturnGone              409  these goods came back already
    ├── RefundGone              409  what was paid in this way was given back already
    ├── ReturnPending           409  another shop is taking goods of it back
    ├── ReturnChanged           409  the store knows too little of it
    ├── TooMuchReserved         409  this store has its share of reservations
    ├── ReservationOver         409  this reservation was given back
    ├── WrongOp                 422  an op that no journal could hold
    ├── EnrolmentCodeUnknown    422  wrong, used or too old: one answer for all three
    ├── WrongPassword           422
    ├── UserUnfit               422
    ├── UserLocked              423
    ├── HubNotReady             500  there is no head office in this folder yet
    ├── HubExists               500
    └── HubWasRestored          500  the database is older than the mark beside it
"""

from loyalty.errors import Conflict, InvalidInput, Problem


class StoreUnknown(Problem):
    """Head office knows no such store."""

    code, hint, status = "store_unknown", "Enrol the store with a new code of head office.", 401


class BadSignature(Problem):
    """The message is not signed with this store's key."""

    code, hint, status = "bad_signature", "Enrol the store again with a new code; its key was replaced or lost.", 401


class TooManyLives(Conflict):
    """This store has begun more lives than any store does."""

    code, hint = "too_many_lives", "Call support: its database seems to be made anew again and again."


class StoreCodeTaken(Conflict):
    """Another store has this code."""

    code, hint = "store_code_taken", "Choose another code; it stands in every receipt number for ever."


class StoreNotQuarantined(Conflict):
    """This store is not in quarantine."""

    code, hint = "store_not_quarantined", "Reload the list of stores: somebody may have released it already."


class LastHeadOfficeUser(Conflict):
    """Nobody would be left who may change anything here."""

    code, hint = "last_head_office_user", "Give another user the role head_office first."


class PointsNotFree(Conflict):
    """So many points of this member are not free: they were used elsewhere, or another store has them."""

    code, hint = "points_not_free", "Use fewer points, up to the number shown."


class TooMuchLent(Conflict):
    """This store has as many lent points as it may have."""

    code, hint = "too_much_lent", "Try again later: what the store does not spend comes back by itself."


class LendingClosed(Conflict):
    """Head office was put back from a backup and lends nothing for a while."""

    code, hint = "lending_closed", "Points can be used up to the limits without a line, until every store was heard of."


class NotYetApplied(Conflict):
    """Head office has not counted yet what this store has booked."""

    code, hint = "not_yet_applied", "Try again in a moment."


class CouponSpent(Conflict):
    """This coupon was used, or another shop is using it now."""

    code, hint = "coupon_spent", "Take it off the basket, and show the shopper the new total."


class CouponEnded(Conflict):
    """This coupon was called back, or issued again under another number."""

    code, hint = "coupon_ended", "Ask for the newer paper."


class CouponOfSomebodyElse(Conflict):
    """This coupon was given to another member."""

    code, hint = "coupon_of_another", "Scan the card of the member it was given to."


class CouponNotKnown(Conflict):
    """The store that issued this coupon has not reported it, so nobody here can say whether it was used."""

    code, hint = "coupon_not_known", "The rules without a line decide; the store that issued it takes it."


class CardNotKnown(Conflict):
    """No store has reported that it sold this gift card."""

    code, hint = "card_not_known", "Look at the number again; the store that sold it may not have sent it yet."


class CardShort(Conflict):
    """There is not enough on this gift card, or another shop is charging it now."""

    code, hint = "card_short", "Take what is on it, and the rest in another way."


class ReturnGone(Conflict):
    """These goods came back already, or the sale was voided."""

    code, hint = "return_gone", "Look at the receipt: part of it may have been returned already."


class RefundGone(Conflict):
    """So much was not paid in this way, or it was given back already."""

    code, hint = "refund_gone", "Ask for a return quote anew; it lists what may be given back in each way."


class ReturnPending(Conflict):
    """Another shop is taking goods of this receipt back at this moment."""

    code, hint = "return_pending", "Try again in a moment."


class ReturnChanged(Conflict):
    """Something of this sale came back that the store has not heard of."""

    code, hint = "return_changed", "Ask for the receipt anew."


class TooMuchReserved(Conflict):
    """So much is kept for this store that it gets nothing more for now."""

    code, hint = "too_much_reserved", "Try again in a moment: what is not used comes back by itself."


class ReservationOver(Conflict):
    """This reservation was given back."""

    code, hint = "reservation_over", "Ask again under another id."


class WrongOp(InvalidInput):
    """An entry in this batch is none that a journal holds."""

    code, hint = "wrong_op", "Run counterfoil verify at the store."


class EnrolmentCodeUnknown(InvalidInput):
    """This enrolment code is wrong, was used, or is too old."""

    code, hint = "enrolment_code_unknown", "Ask head office for a new code and type it within its minutes."


class WrongPassword(InvalidInput):
    """The user or the password is wrong."""

    code, hint = "wrong_password", "Type both again; after a few wrong passwords the user is locked for some minutes."


class UserUnfit(InvalidInput):
    """This name or password cannot be used."""

    code, hint = "user_unfit", "Names have 1 to 40 letters, digits, dots or hyphens; passwords 10 to 200 characters."


class UserLocked(Problem):
    """Too many wrong passwords: this user is locked for a while."""

    code, hint, status = "user_locked", "Wait until the time is over, or let another user set a new password.", 423

    def __init__(self, left_s: int) -> None:
        super().__init__(f"Try again in {left_s} s.", retry_after_s=left_s)
        self.headers = {"Retry-After": str(left_s)}


class HubNotReady(Problem):
    """There is no head office here yet."""

    code, status, hint = "hub_not_ready", 500, "Make one with: counterfoil hub init --config FILE"


class HubExists(Problem):
    """There is a head office here already."""

    code, status, hint = "hub_exists", 500, "Use it, or name another database in the configuration."


class HubWasRestored(Problem):
    """The database is older than what ran here last: it was put back from a backup."""

    code, status = "hub_was_restored", 500
    hint = "Run counterfoil hub --restored --config FILE once; stores then send again what the backup does not hold."
