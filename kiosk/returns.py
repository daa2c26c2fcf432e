"""pure: taking goods back. Exact shares, never more money or points than the sale brought, however the return is split.

A sale due 700 (two equal lines of 351 paid in cash, rounded down by 2) that comes back in two steps, coin step 5:

    step     | value | refund in cash | rounding | refunded so far
    ---------|-------|----------------|----------|----------------
    1st line |   350 |            350 |        0 |             350
    2nd line |   350 |            350 |        0 |             700

`value` is the split-independent share of what was due. What the coins make of it is carried into the next step, so the
last refund always ends exactly at what was paid (I9, I14). An exchange that gives cash back rounds what it gives back;
the new sale takes the rounding, so here too all that comes out is all that was paid.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from kiosk.tender import CASH
from loyalty.earning import claw_back
from loyalty.errors import Conflict, InvalidInput
from loyalty.return_shares import cumulative_share
from loyalty.rounding import round_cash
from sync.facts.returns import Refunded, ReturnedLine


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


class SaleVoided(Conflict):
    """This sale was voided: nothing of it can come back."""

    code, hint = "sale_voided", "The receipt is no longer valid."


class SoldLineState(Struct, frozen=True, kw_only=True):
    """A line of the receipt and how much of it came back before. `amount_minor` is what the shopper paid for it."""

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


class SoldState(Struct, frozen=True, kw_only=True):
    """A sale as a return finds it. `kept` is what stayed of each tender kind, `refunded` what went back so far;
    `tax_added`: the tax came on top of the net when it was sold."""

    sale: UUID
    number: str
    member: UUID | None
    due_minor: int
    tax_added: bool
    lines: tuple[SoldLineState, ...]
    kept: Mapping[str, int]
    refunded: Mapping[str, int]

    def allowed(self) -> dict[str, int]:
        """The most that may still be given back in each kind."""
        left = {kind: amount - self.refunded.get(kind, 0) for kind, amount in self.kept.items()}
        return {kind: amount for kind, amount in left.items() if amount > 0}


class ReturnValue(Struct, frozen=True, kw_only=True):
    """What a return is worth: its lines, `value_minor` (their share of the due) and `owed_minor`, the value and what
    the coins of earlier steps left over."""

    lines: tuple[ReturnedLine, ...]
    value_minor: int
    owed_minor: int
    points: int


def value_return(
    sold: SoldState, asked: Sequence[tuple[int, int]], pointers: Sequence[str] | None = None
) -> ReturnValue:
    """Value (line, quantity_milli) pairs coming back now. `pointers` say where each pair stands in the request
    (/lines/0, … if not given).

    Raises UnknownSaleLine, NothingLeftToReturn.
    """
    places = pointers if pointers is not None else [f"/lines/{index}" for index in range(len(asked))]
    by_line = {line.line: line for line in sold.lines}
    before = {line.line: line.returned_milli for line in sold.lines}
    after = dict(before)
    for place, (number, quantity) in zip(places, asked, strict=True):
        if number not in by_line:
            raise UnknownSaleLine(f"There is no line {number}.", pointer=f"{place}/line")
        after[number] += quantity
        if after[number] > by_line[number].quantity_milli:
            raise NothingLeftToReturn(f"Line {number}.", pointer=f"{place}/quantity_milli")
    lines = tuple(
        _returned_line(by_line[number], before[number], after[number])
        for number in after
        if after[number] > before[number]
    )
    value = _value_of(sold, after) - _value_of(sold, before)
    owed = max(_value_of(sold, after) - sum(sold.refunded.values()), 0)
    return ReturnValue(lines=lines, value_minor=value, owed_minor=owed, points=sum(line.points for line in lines))


def _value_of(sold: SoldState, returned: Mapping[int, int]) -> int:
    """What all returns up to `returned` are worth together; the whole due when everything is back."""
    total = sum(line.amount_minor for line in sold.lines)
    if total == 0:
        return 0
    back = sum(cumulative_share(line.amount_minor, returned[line.line], line.quantity_milli) for line in sold.lines)
    return cumulative_share(sold.due_minor, back, total)


def _returned_line(line: SoldLineState, before: int, after: int) -> ReturnedLine:
    def step(whole: int) -> int:
        return cumulative_share(whole, after, line.quantity_milli) - cumulative_share(
            whole, before, line.quantity_milli
        )

    def clawed(returned: int) -> int:
        return claw_back(
            line.points, line.amount_minor, cumulative_share(line.amount_minor, returned, line.quantity_milli)
        )

    return ReturnedLine(
        line=line.line,
        sku=line.sku,
        name=line.name,
        unit=line.unit,
        quantity_milli=after - before,
        net_minor=step(line.net_minor),
        tax_rate=line.tax_rate,
        tax_minor=step(line.tax_minor),
        points=clawed(after) - clawed(before),
    )


def round_refund(owed_minor: int, allowed_minor: int, step_minor: int) -> int:
    """What is given back of `owed_minor` in coins: the nearest coin amount, never more than the `allowed_minor` that is
    left of the cash that was paid (I9). The two part only where an exchange spent an odd amount of that cash:

        owed | allowed | step | coins
        -----|---------|------|------
         129 |     260 |    5 |   130
         127 |     260 |    5 |   125
         129 |     129 |    5 |   125
    """
    coins = round_cash(owed_minor, step_minor)
    return allowed_minor // step_minor * step_minor if coins > allowed_minor >= owed_minor else coins


def suggest_refund(sold: SoldState, owed_minor: int, step_minor: int) -> int:
    """What to give back: rounded to coins where nothing but cash was paid."""
    allowed = sold.allowed()
    return round_refund(owed_minor, allowed.get(CASH, 0), step_minor) if set(allowed) <= {CASH} else owed_minor


def draw_refunds(sold: SoldState, owed_minor: int, pool: dict[str, int], step_minor: int) -> tuple[Refunded, ...]:
    """Take `owed_minor` out of `pool` (kind -> amount offered), within what the sale's tenders allow.

    What is taken is subtracted from `pool`. Kinds other than cash go first and exactly; cash pays the rest, to the
    nearest coin. Raises RefundTooLarge, RefundMismatch.
    """
    allowed = sold.allowed()
    refunds: list[Refunded] = []
    left = owed_minor
    for kind in sorted(pool):
        if kind == CASH or not pool[kind]:
            continue
        take = min(pool[kind], left)
        if take > allowed.get(kind, 0):
            raise RefundTooLarge(f"{kind}: at most {allowed.get(kind, 0)}.", pointer="/refunds")
        if take:
            refunds.append(Refunded(kind=kind, amount_minor=take, settles=kind))
            pool[kind] -= take
            left -= take
    coins = round_refund(left, allowed.get(CASH, 0), step_minor)
    if coins > pool.get(CASH, 0):
        wanted = owed_minor - left + coins
        raise RefundMismatch(f"{coins - pool.get(CASH, 0)} is missing.", pointer="/refunds", refund_minor=wanted)
    if coins > allowed.get(CASH, 0):
        raise RefundTooLarge(f"cash: at most {allowed.get(CASH, 0)}.", pointer="/refunds")
    if coins:
        refunds.append(Refunded(kind=CASH, amount_minor=coins, settles=CASH))
        pool[CASH] -= coins
    return tuple(refunds)


def round_credit(credit_minor: int, cash_back_minor: int, step_minor: int) -> int:
    """What returned goods pay of new ones, once the cash that goes back beside it is a coin amount.

    The shop settles the difference, so the difference is what is rounded. Goods of 260 come back, new ones are taken:

        new goods | cash back | coins (step 5) | credit | the new sale is due
        ----------|-----------|----------------|--------|--------------------
              132 |       128 |            130 |    130 | 130, rounding -2
              133 |       127 |            125 |    135 | 135, rounding +2
                1 |       259 |            260 |      0 | 0, rounding -1
                0 |       260 |            260 |      0 | 0
    """
    if not credit_minor:
        return 0
    return max(credit_minor + cash_back_minor - round_cash(cash_back_minor, step_minor), 0)


def draw_credit(sold: SoldState, amount_minor: int, kind: str) -> tuple[Refunded, ...]:
    """Spend `amount_minor` of the return on new goods: it counts against the kinds that were paid, cash first.

    Raises RefundTooLarge when the sale's tenders cannot cover it.
    """
    refunds: list[Refunded] = []
    left = amount_minor
    allowed = sold.allowed()
    for settles in sorted(allowed, key=lambda name: (name != CASH, name)):
        part = min(left, allowed[settles])
        if part:
            refunds.append(Refunded(kind=kind, amount_minor=part, settles=settles))
            left -= part
    if left:
        raise RefundTooLarge(f"{left} more than was paid.", pointer="/returns")
    return tuple(refunds)
