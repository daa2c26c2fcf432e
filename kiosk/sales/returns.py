"""pure: taking goods back. Exact shares, never more money or points than the sale brought, however the return is split.

A sale due 700 (two equal lines of 351 paid in cash, rounded down by 2) that comes back in two steps, coin step 5:

    step     | value | refund in cash | rounding | refunded so far
    ---------|-------|----------------|----------|----------------
    1st line |   350 |            350 |        0 |             350
    2nd line |   350 |            350 |        0 |             700

`value` is the split-independent share of what was due. What the coins make of it is carried into the next step, so the
last refund always ends exactly at what was paid (I9, I14). How the money goes back is decided in `refunds`.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.catalogue.quantities import check_pieces
from kiosk.sales.tender import CASH, EXCHANGE, POINTS
from loyalty.errors import Conflict, InvalidInput
from loyalty.return_shares import cumulative_share, returned_now
from sync.facts.returns import Refunded, ReturnedLine
from sync.protocol.sale_states import ReturnedElsewhere

_PENDING = "elsewhere"
"""Stands in `pending` for what another store gives back now and did not say in which kind."""


class NothingLeftToReturn(Conflict):
    """More would come back than was sold."""

    code, hint = "nothing_left_to_return", "Look at the receipt: part of it may have been returned already."


class UnknownSaleLine(InvalidInput):
    """The receipt has no such line."""

    code, hint = "unknown_sale_line", "Use the line numbers printed on the receipt."


class RefundTooLarge(InvalidInput):
    """More would be given back in this way than was paid in it."""

    code, hint = "refund_too_large", "Give back at most what was paid in each way; the return quote lists it."


class RefundMismatch(InvalidInput):
    """The refund is not what the goods are worth."""

    code, hint = "refund_mismatch", "Ask for a return quote and give back exactly its amount."


class ReturnTooLate(Conflict):
    """The time for returning this receipt is over."""

    code, hint = "return_too_late", "Only a manager can decide otherwise, outside the till."


class VoidedSaleReturned(Conflict):
    """This sale was voided: nothing of it can come back."""

    code, hint = "sale_voided", "The receipt is no longer valid."


class SoldLineState(Struct, frozen=True, kw_only=True):
    """A line of the receipt and how much of it came back before. `amount_minor` is what the shopper paid for it.
    `pending_milli` of what came back is only kept for a return at another store, which may never happen."""

    line: int
    sku: str
    name: str
    unit: str = "piece"
    quantity_milli: int
    net_minor: int
    tax_rate: str
    tax_minor: int
    amount_minor: int
    points: int
    returned_milli: int = 0
    pending_milli: int = 0

    @property
    def booked_milli(self) -> int:
        """How much of it is back for certain: what points, coupons and offers follow from."""
        return min(self.returned_milli - self.pending_milli, self.quantity_milli)


class SoldState(Struct, frozen=True, kw_only=True):
    """A sale as a return finds it. `kept` is what stayed of each tender kind, `refunded` what went back so far,
    `pending` what other stores are giving back now; `tax_added`: the tax came on top of the net when it was sold.
    `reward_postings` are the numbers of the sale's postings that bought a reward: their points come back with the
    goods, and stand for no money."""

    sale: UUID
    number: str
    member: UUID | None
    due_minor: int
    tax_added: bool
    lines: tuple[SoldLineState, ...]
    kept: Mapping[str, int]
    refunded: Mapping[str, int]
    reward_postings: frozenset[int] = frozenset()
    pending: Mapping[str, int] = {}

    def allowed(self) -> dict[str, int]:
        """The most that may still be given back in each kind of money; points come back by themselves."""
        gone = {kind: self.refunded.get(kind, 0) + self.pending.get(kind, 0) for kind in self.kept}
        left = {kind: amount - gone[kind] for kind, amount in self.kept.items()}
        return {kind: amount for kind, amount in left.items() if amount > 0 and kind != POINTS}


class ReturnValue(Struct, frozen=True, kw_only=True):
    """What a return is worth: its lines, `value_minor` (their share of the due) and `owed_minor`, the value and what
    the coins of earlier steps left over. The points of the lines are decided apart (kiosk/sales/return_points.py)."""

    lines: tuple[ReturnedLine, ...]
    value_minor: int
    owed_minor: int


def value_return(
    sold: SoldState, asked: Sequence[tuple[int, int]], pointers: Sequence[str] | None = None
) -> ReturnValue:
    """Value (line, quantity_milli) pairs coming back now. `pointers` say where each pair stands in the request
    (/lines/0, … if not given).

    Raises UnknownSaleLine, WholePiecesOnly, NothingLeftToReturn.
    """
    places = pointers if pointers is not None else [f"/lines/{index}" for index in range(len(asked))]
    by_line = {line.line: line for line in sold.lines}
    before = {line.line: line.returned_milli for line in sold.lines}
    after = dict(before)
    for place, (number, quantity) in zip(places, asked, strict=True):
        if number not in by_line:
            raise UnknownSaleLine(f"There is no line {number}.", pointer=f"{place}/line")
        check_pieces(by_line[number].unit, quantity, f"{place}/quantity_milli")
        after[number] += quantity
        if after[number] > by_line[number].quantity_milli:
            raise NothingLeftToReturn(f"Line {number}.", pointer=f"{place}/quantity_milli")
    lines = tuple(
        _returned_line(by_line[number], before[number], after[number])
        for number in after
        if after[number] > before[number]
    )
    value = value_of(sold, after) - value_of(sold, before)
    owed = max(value_of(sold, after) - sum(sold.refunded.values()) - sum(sold.pending.values()), 0)
    return ReturnValue(lines=lines, value_minor=value, owed_minor=owed)


def value_of(sold: SoldState, returned: Mapping[int, int]) -> int:
    """What all returns up to `returned` are worth together; the whole due when everything is back."""
    total = sum(line.amount_minor for line in sold.lines)
    if total == 0:
        return 0
    back = sum(cumulative_share(line.amount_minor, returned[line.line], line.quantity_milli) for line in sold.lines)
    return cumulative_share(sold.due_minor, back, total)


def count_elsewhere(sold: SoldState, told: ReturnedElsewhere) -> SoldState:
    """A sale with what other stores took back of it. What is kept for them counts as taken and as paid for, in the
    kinds they said: so this store never pays for it again, whatever order the returns arrive in. It counts for no less
    than its share of what was due.

        sold for 300, 200 by card and 100 in cash; one of three pieces is kept for a return elsewhere

        said to be paid back | pending                    | allowed here
        ---------------------|----------------------------|-------------------
        card 100             | card 100                   | card 100, cash 100
        cash 100             | cash 100                   | card 200
        nothing              | elsewhere 100              | card 200, cash 100
    """
    booked = _add_returned(sold, told.returned)
    refunded = dict(sold.refunded)
    for kind, amount in told.refunded.items():
        refunded[kind] = refunded.get(kind, 0) + amount
    both = _add_returned(booked, told.pending)
    share = value_of(both, _returned(both)) - value_of(booked, _returned(booked))
    pending = dict(told.paying)
    unsaid = share - sum(pending.values())
    if unsaid > 0:
        pending[_PENDING] = unsaid
    lines = tuple(replace(line, pending_milli=told.pending.get(line.line, 0)) for line in both.lines)
    return replace(both, lines=lines, refunded=refunded, pending=pending)


def _add_returned(sold: SoldState, more: Mapping[int, int]) -> SoldState:
    lines = [replace(line, returned_milli=line.returned_milli + more.get(line.line, 0)) for line in sold.lines]
    return replace(sold, lines=tuple(lines))


def _returned(sold: SoldState) -> dict[int, int]:
    return {line.line: min(line.returned_milli, line.quantity_milli) for line in sold.lines}


def _returned_line(line: SoldLineState, before: int, after: int) -> ReturnedLine:
    def step(whole: int) -> int:
        return returned_now(whole, before, after, line.quantity_milli)

    return ReturnedLine(
        line=line.line,
        sku=line.sku,
        name=line.name,
        unit=line.unit,
        quantity_milli=after - before,
        net_minor=step(line.net_minor),
        tax_rate=line.tax_rate,
        tax_minor=step(line.tax_minor),
    )


def spend_credit(sold: SoldState, amount_minor: int) -> tuple[Refunded, ...]:
    """Spend `amount_minor` of the return on new goods: it counts against the kinds that were paid, cash first, so that
    a later return of the new goods refunds those kinds.

    Raises RefundTooLarge when the sale's tenders cannot cover it.
    """
    refunds: list[Refunded] = []
    left = amount_minor
    allowed = sold.allowed()
    for settles in sorted(allowed, key=lambda name: (name != CASH, name)):
        part = min(left, allowed[settles])
        if part:
            refunds.append(Refunded(kind=EXCHANGE, amount_minor=part, settles=settles))
            left -= part
    if left:
        raise RefundTooLarge(f"{left} more than was paid.", pointer="/returns")
    return tuple(refunds)
