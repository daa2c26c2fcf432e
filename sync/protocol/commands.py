"""pure: what a store asks head office to decide, while the line is up. A fact is never refused; a command may be.

    POST /sync/v1/commands   {"kind": "lease", "id": …, "member": …, "points": 80, "epoch": …, "seq": 412}
                       201   {"lease": …, "member": …, "points": 80, "duration_ms": 3600000}
                       409   points_not_free, not_yet_applied, lending_closed, too_much_lent

                             {"kind": "coupon_use", "id": …, "sale": …, "serial": …, "issuer": "S002", …}
                       201   {"reservation": …}
                       409   coupon_spent, coupon_ended, coupon_of_another, coupon_not_known, reservation_over,
                             too_much_reserved, not_yet_applied, lending_closed

                             {"kind": "return_reserve", "id": …, "taken": …, "sale": …, "lines": [[1, 1000]],
                              "refunds": {"card": 333}, …}
                       201   {"reservation": …}
                       409   return_gone, refund_gone, return_pending, return_changed, reservation_over, …
                       404   not_found

                             {"kind": "gift_card", "id": …, "op": …, "card": …, "amount_minor": 1999, …}
                       201   {"reservation": …, "ending": "0042", "balance_minor": 5000}
                       409   card_not_known, card_short (with balance_minor), reservation_over, …

The id is the idempotency key and the name of the lease or the reservation. A command says how far the store's journal
had come, because head office must count what the store itself has done before it decides.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from sync.protocol.messages import Epoch, Seq

LEASE_POINTS_MAX = 2**31
_SERIAL_MAX = 2**50 - 1

Code = Annotated[str, Meta(min_length=1, max_length=8, pattern=r"^[A-Z0-9]*$(?!\n)")]
Heard = Annotated[str, Meta(max_length=64, pattern=r"^([0-9a-f]{64})?$(?!\n)")]


Line = Annotated[int, Meta(ge=1, le=10_000)]
Milli = Annotated[int, Meta(ge=1, le=2**53)]
Minor = Annotated[int, Meta(ge=1, le=2**53)]
TenderKind = Annotated[str, Meta(min_length=1, max_length=40)]


class LeaseCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="lease"):
    """Lend `points` of a member to this store. `epoch` and `seq` are the newest entry of the store's journal that its
    decision knows of."""

    id: UUID
    member: UUID
    points: Annotated[int, Meta(ge=1, le=LEASE_POINTS_MAX)]
    epoch: Epoch
    seq: Seq


class CouponUseCommand(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="coupon_use"
):
    """Keep one use of a coupon for the sale `sale` of this store. `issuer` is the code of the store whose key signed
    it, `uses_max` how often it may be used as far as this store knows, `member` who buys."""

    id: UUID
    sale: UUID
    serial: Annotated[int, Meta(ge=0, le=_SERIAL_MAX)]
    issuer: Code
    uses_max: Annotated[int, Meta(ge=1, le=2**31)] = 1
    member: UUID | None = None
    epoch: Epoch
    seq: Seq


class ReturnReserveCommand(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="return_reserve"
):
    """Keep goods of a sale for `taken`, a return, exchange or void of this store. `lines` are (line, thousandths of
    pieces), `refunds` what goes back for them by the kind of tender that it settles. What this store knows of the sale
    is said, of another store's, by how many `returns` it was told of; of its own, by what it `heard` of returns at
    other stores (`name_word`)."""

    id: UUID
    taken: UUID
    sale: UUID
    lines: Annotated[tuple[tuple[Line, Milli], ...], Meta(min_length=1, max_length=1000)]
    refunds: Annotated[dict[TenderKind, Minor], Meta(max_length=40)] = {}
    returns: Annotated[int, Meta(ge=0, le=2**31)] = 0
    heard: Heard | None = None
    epoch: Epoch
    seq: Seq


class GiftCardCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="gift_card"):
    """Keep money of a gift card for the fact `op` of this store, a sale that it pays or a return of the card itself.
    `card` is the SHA-256 of its code. With an `amount_minor` of 0 nothing is kept: it only asks what is on it."""

    id: UUID
    op: UUID
    card: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", min_length=64, max_length=64)]
    amount_minor: Annotated[int, Meta(ge=0, le=2**53)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", min_length=3, max_length=3)]
    epoch: Epoch
    seq: Seq


Reserving = CouponUseCommand | ReturnReserveCommand | GiftCardCommand
Command = LeaseCommand | CouponUseCommand | ReturnReserveCommand | GiftCardCommand


def op_of(command: Reserving) -> UUID:
    """The fact that what is reserved is meant for."""
    match command:
        case CouponUseCommand():
            return command.sale
        case ReturnReserveCommand():
            return command.taken
        case GiftCardCommand():
            return command.op


class LeaseAnswer(Struct, frozen=True, kw_only=True, tag_field="kind", tag="lease"):
    """The points are this store's to spend for `duration_ms`, counted on its own uptime from when it asked."""

    lease: UUID
    member: UUID
    points: int
    duration_ms: int


class ReservedAnswer(Struct, frozen=True, kw_only=True, tag_field="kind", tag="reserved"):
    """What was asked for is kept for the sale or the return that the command names, and for nothing else, until this
    store's own fact uses it up or gives it back. Of a gift card it says the end of its code, and what was on it free
    for this fact."""

    reservation: UUID
    ending: str = ""
    balance_minor: int = 0


CommandAnswer = LeaseAnswer | ReservedAnswer


class CouponToken(Struct, frozen=True, kw_only=True):
    """What a typed code stands for: the digits that the store which issued the coupon has signed."""

    serial: int
    token: str


class LeaseValue(Struct, frozen=True, kw_only=True):
    """The feed's word (entity `lease`, key the lease): this store has it, and has not reported its end. A store that
    knows nothing of it reports at once."""

    member: UUID
    points: int
    granted_at: int


class ReservationValue(Struct, frozen=True, kw_only=True):
    """The feed's word (entity `reservation`, key its id): this is kept for the fact `op` of this store, which was not
    heard of yet. A store that will never book it gives the reservation back."""

    kind: str
    op: UUID
    granted_at: int
