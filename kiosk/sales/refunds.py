"""pure: which money goes back, and what of it pays for new goods, when goods of one or several sales come back.

Each sale allows each kind only as far as it was paid in it, so what goes back is spread over the sales: kinds other
than cash exactly as offered, cash to the nearest coin, once, over all that goes back in cash. Whether a spread exists
does not depend on the order in which the sales are named: two sales of 100 come back for new goods of 100, one paid by
card and one in cash, and 100 go back to the card.

    sale | owed | allowed  | given back | pays for the new goods
    -----|------|----------|------------|-----------------------
    A    |  100 | card 100 | card 100   |                      0
    B    |  100 | cash 100 |            |                    100

The shop settles the difference, so the difference is what is rounded; the new sale takes the rounding, and all that
goes out is all that was paid. One sale of 260 comes back, new goods are taken, the coin step is 5:

    new goods | cash back | coins | pays | the new sale is due
    ----------|-----------|-------|------|--------------------
          132 |       128 |   130 |  130 | 130, rounding -2
          133 |       127 |   125 |  135 | 135, rounding +2
            1 |       259 |   260 |    0 | 0, rounding -1
            0 |       260 |   260 |    0 | 0

Without new goods this is a plain return: what the coins make of it stays owed, or is carried into the next step.
"""

import itertools
from collections import deque
from collections.abc import Mapping, Sequence

from msgspec import Struct

from kiosk.sales.returns import RefundMismatch, RefundTooLarge
from kiosk.sales.tender import CASH
from loyalty.rounding import round_cash
from sync.facts.returns import Refunded


class Owed(Struct, frozen=True):
    """What is owed for the goods of one sale, and the most that may go back in each kind: together at least that."""

    owed_minor: int
    allowed: Mapping[str, int]


class Settled(Struct, frozen=True):
    """What goes back of each sale by kind, and how much of each pays for the new goods. `rounding_minor` is what the
    coins add to the due of the new sale."""

    given: tuple[Mapping[str, int], ...]
    credits: tuple[int, ...]
    rounding_minor: int = 0


def settle_refunds(
    owed: Sequence[Owed], goods_minor: int, offered: Mapping[str, int], step_minor: int, pointer: str = "/refunds"
) -> Settled:
    """Spread `offered` (kind -> amount) over what is owed beyond new goods of `goods_minor`.

    Raises RefundTooLarge for more in a kind than was paid in it, RefundMismatch (with the right `refund_minor`) for an
    offer that is not what the goods leave over.
    """
    back = max(sum(each.owed_minor for each in owed) - goods_minor, 0)
    exact = sum(amount for kind, amount in offered.items() if kind != CASH)
    if exact > back:
        raise RefundMismatch(f"{exact - back} too much.", pointer=pointer, refund_minor=back)
    given: list[dict[str, int]] = [{} for _ in owed]
    for kind in sorted(offered.keys() - {CASH}):
        placed = _place(owed, given, kind, offered[kind])
        if placed < offered[kind]:
            raise RefundTooLarge(f"{kind}: at most {placed}.", pointer=pointer)
    coins, most = _place_coins(owed, given, back - exact, step_minor)
    cash = offered.get(CASH, 0)
    if coins > cash:
        raise RefundMismatch(f"{coins - cash} is missing.", pointer=pointer, refund_minor=exact + coins)
    if coins > most:
        raise RefundTooLarge(f"cash: at most {most}.", pointer=pointer)
    if coins < cash:
        raise RefundMismatch(f"{cash - coins} too much.", pointer=pointer, refund_minor=exact + coins)
    return _settled(owed, given, goods_minor if back else None)


def quote_refunds(owed: Sequence[Owed], goods_minor: int, step_minor: int) -> tuple[int, dict[str, int]]:
    """What goes back, and the most of it in each kind. It is a coin amount where nothing but cash was paid."""
    back = max(sum(each.owed_minor for each in owed) - goods_minor, 0)
    kinds = sorted({kind for each in owed for kind in each.allowed})
    most = {kind: sum(min(each.owed_minor, each.allowed.get(kind, 0)) for each in owed) for kind in kinds}
    if set(kinds) <= {CASH}:
        back, _ = _place_coins(owed, [{} for _ in owed], back, step_minor)
        most = {kind: max(amount, back) for kind, amount in most.items()}
    return back, most


def refunds_of(given: Mapping[str, int]) -> tuple[Refunded, ...]:
    """Money that goes back by kind, as the fact has it."""
    return tuple(Refunded(kind=kind, amount_minor=amount, settles=kind) for kind, amount in given.items() if amount)


def round_refund(owed_minor: int, most_minor: int, step_minor: int) -> int:
    """What is given back of `owed_minor` in coins: the nearest coin amount, never more than the `most_minor` that is
    left of the cash that was paid (I9). The two part only where an exchange spent an odd amount of that cash:

        owed | most | step | coins
        -----|------|------|------
         129 |  260 |    5 |   130
         127 |  260 |    5 |   125
         129 |  129 |    5 |   125
    """
    coins = round_cash(owed_minor, step_minor)
    return most_minor // step_minor * step_minor if coins > most_minor >= owed_minor else coins


def _place_coins(
    owed: Sequence[Owed], given: list[dict[str, int]], left_minor: int, step_minor: int
) -> tuple[int, int]:
    """Give `left_minor` back in coins: (coins, the most that cash could take). Rounding up may give the last coin
    beyond what is owed, as far as more cash was paid; that shows as a rounding of the return."""
    wanted = max(round_cash(left_minor, step_minor), left_minor)
    trial = [dict(each) for each in given]
    most = _place(owed, trial, CASH, wanted)
    spare = [each.allowed.get(CASH, 0) - gone.get(CASH, 0) for each, gone in zip(owed, trial, strict=True)]
    if most == sum(_room(each, gone) for each, gone in zip(owed, given, strict=True)):
        most += min(wanted - most, sum(spare))
    coins = round_refund(left_minor, most, step_minor)
    beyond = coins - _place(owed, given, CASH, coins)
    for each, gone in zip(owed, given, strict=True):
        part = min(beyond, each.allowed.get(CASH, 0) - gone.get(CASH, 0))
        if part > 0:
            gone[CASH] = gone.get(CASH, 0) + part
            beyond -= part
    return coins, most


def _settled(owed: Sequence[Owed], given: list[dict[str, int]], goods_minor: int | None) -> Settled:
    """`goods_minor` is None when nothing goes back: then the shopper pays the rest, and paying rounds."""
    rest = tuple(_room(each, gone) for each, gone in zip(owed, given, strict=True))
    if goods_minor is None:
        return Settled(tuple(given), rest)
    if not goods_minor:
        return Settled(tuple(given), tuple(0 for _ in owed))
    return Settled(tuple(given), rest, sum(rest) - goods_minor)


def _room(each: Owed, given: Mapping[str, int]) -> int:
    return max(each.owed_minor - sum(given.values()), 0)


def _place(owed: Sequence[Owed], given: list[dict[str, int]], kind: str, amount: int) -> int:
    """Place `amount` of a kind in the sales that allow it, moving other kinds to other sales where that makes room.

    A maximum flow by shortest augmenting paths (Edmonds and Karp): if any spread exists, it is found. Answers how much
    found a place.
    """
    placed = 0
    while placed < amount and (path := _find_path(owed, given, kind)):
        part = min(
            amount - placed,
            _room(owed[path[-1][1]], given[path[-1][1]]),
            *(owed[sale].allowed[moved] - given[sale].get(moved, 0) for moved, sale in path),
            *(given[sale][moved] for (_, sale), (moved, _) in itertools.pairwise(path)),
        )
        for moved, sale in path:
            given[sale][moved] = given[sale].get(moved, 0) + part
        for (_, sale), (moved, _) in itertools.pairwise(path):
            given[sale][moved] -= part
        placed += part
    return placed


def _find_path(owed: Sequence[Owed], given: list[dict[str, int]], kind: str) -> list[tuple[str, int]]:
    """The shortest chain of (kind, sale) that ends in a sale with room: each kind goes into its sale and pushes the
    next kind of the chain out of it. Empty when there is none."""
    queue: deque[tuple[list[tuple[str, int]], str]] = deque([([], kind)])
    reached, seen = {kind}, set[int]()
    while queue:
        path, moving = queue.popleft()
        for sale, there in enumerate(owed):
            if sale in seen or there.allowed.get(moving, 0) <= given[sale].get(moving, 0):
                continue
            seen.add(sale)
            longer = [*path, (moving, sale)]
            if _room(there, given[sale]):
                return longer
            for pushed in sorted(other for other, gone in given[sale].items() if gone and other not in reached):
                reached.add(pushed)
                queue.append((longer, pushed))
    return []
