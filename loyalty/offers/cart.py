"""pure: a cart as offers see it, and what is left of it while they take their turns.

A line is one parcel at first. A parcel of n pieces and amount a holds a % n pieces at a // n + 1 and the others at
a // n, so every piece has a whole price, and taking pieces out of a parcel is exact: nothing is rounded away.

    >>> parcel = Parcel(line=0, pieces=3, quantity_milli=3000, amount_minor=500)
    >>> piece_prices([parcel])
    [(167, 0, 2), (166, 0, 1)]
    >>> split_off(parcel, 1, 167).amount_minor
    333
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from loyalty.money import allocate


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `amount_minor` is what is left of it after discounts given by hand.

    `pieces` is 0 for goods that are weighed or measured, which belong to an offer whole or not at all. `allowed` is
    False for what never takes part: gift cards, deposits, what the law keeps at one price.
    """

    line: int
    sku: str
    categories: tuple[str, ...]
    pieces: int
    quantity_milli: int
    amount_minor: int
    allowed: bool = True


class Parcel(NamedTuple):
    """Goods of one line that had the same fate so far. `line` is the place in the cart, not the line's number."""

    line: int
    pieces: int
    quantity_milli: int
    amount_minor: int
    in_set: bool = False


class Take(NamedTuple):
    """What an offer claims of a parcel: pieces (0: the whole, weighed one) and what they cost."""

    parcel: Parcel
    pieces: int
    amount_minor: int


# Three times as fast as calling the classes, which are Python functions; a basket makes dozens.
parcel_of: Callable[[tuple[int, int, int, int, bool]], Parcel] = partial(tuple.__new__, Parcel)
take_of: Callable[[tuple[Parcel, int, int]], Take] = partial(tuple.__new__, Take)


class Grant(NamedTuple):
    """What an offer would do to the parcels it was shown. `weights` say how the discount lies on the takes; `step` is
    the highest quantity step reached."""

    discount_minor: int
    uses: int
    takes: Sequence[Take]
    weights: Sequence[int]
    step: int = 0

    def split(self) -> list[tuple[Take, int]]:
        """The takes, each with its part of the discount: never more than it costs, and adding up to all of it."""
        if len(self.takes) == 1:
            return [(self.takes[0], self.discount_minor)]
        return list(zip(self.takes, allocate(self.discount_minor, self.weights), strict=True))


PiecePrice = tuple[int, int, int]
"""Price of a piece, place of its parcel in the list, how many pieces cost this."""


def piece_prices(parcels: Sequence[Parcel]) -> list[PiecePrice]:
    """The pieces of `parcels`, the dearest first, ties by place; pieces that cost nothing any more are left out."""
    found = []
    for place, (_, pieces, _, amount, _) in enumerate(parcels):
        if pieces:
            price, dearer = divmod(amount, pieces)
            if dearer:
                found.append((-price - 1, place, dearer))
            if price:
                found.append((-price, place, pieces - dearer))
    found.sort()
    return [(-price, place, count) for price, place, count in found]


def split_off(parcel: Parcel, pieces: int, amount_minor: int) -> Parcel:
    """What remains of a parcel when its dearest `pieces`, worth `amount_minor`, are taken out."""
    left = parcel.pieces - pieces
    quantity = parcel.quantity_milli * left // parcel.pieces
    return Parcel(parcel.line, left, quantity, parcel.amount_minor - amount_minor, parcel.in_set)


class Left:
    """What is left to pay of each line while offers take their turns. It lives inside one pricing only."""

    def __init__(self, lines: Sequence[CartLine]) -> None:
        self._parcels = [
            [parcel_of((place, line.pieces, line.quantity_milli, line.amount_minor, False))] if line.allowed else []
            for place, line in enumerate(lines)
        ]
        self._amounts = [line.amount_minor if line.allowed else 0 for line in lines]
        self._lines = lines

    def parcels_of(self, lines: Iterable[int], *, for_set: bool) -> list[Parcel]:
        """What an offer may still claim of these lines: not what is closed, nor, for a set, what is in another set."""
        held = self._parcels
        return [
            parcel for line in lines for parcel in held[line] if parcel.amount_minor and not (for_set and parcel.in_set)
        ]

    def amount_of(self, lines: Iterable[int]) -> int:
        """What these lines still cost, closed goods included."""
        amounts = self._amounts
        return sum([amounts[line] for line in lines])

    def pieces_of(self, lines: Iterable[int]) -> int:
        cart = self._lines
        return sum([cart[line].pieces for line in lines if cart[line].allowed])

    def move(self, line: int, amount_minor: int) -> None:
        """Less (or, below nothing, more) to pay for a line after the last turn."""
        self._amounts[line] -= amount_minor

    def settle(self, takes: Sequence[tuple[Take, int]], *, close: bool, in_set: bool) -> None:
        """Carry out what was granted on parcels of this cart as it is now, with the discount of each take. `close`:
        what is claimed takes no other offer."""
        for take, discount in takes:
            parcel, taken, cost_minor = take
            line, pieces, milli, _, was_in_set = parcel
            held = self._parcels[line]
            if taken == pieces and not close and len(held) == 1:  # all of a line that is in one parcel
                self._amounts[line] -= discount
                held[0] = parcel_of((line, pieces, milli, cost_minor - discount, in_set or was_in_set))
                continue
            held.remove(parcel)
            if take.pieces != parcel.pieces:
                rest = split_off(parcel, take.pieces, take.amount_minor)
                held.append(rest)
                quantity = parcel.quantity_milli - rest.quantity_milli
            else:
                quantity = parcel.quantity_milli
            self._amounts[line] -= discount
            if not close:
                amount = take.amount_minor - discount
                self._put(Parcel(line, take.pieces, quantity, amount, in_set or parcel.in_set))

    def _put(self, parcel: Parcel) -> None:
        """Goods in sets are one parcel per line: no set looks at their pieces again."""
        held = self._parcels[parcel.line]
        for place, other in enumerate(held if parcel.in_set else ()):
            if other.in_set:
                held[place] = Parcel(
                    parcel.line,
                    other.pieces + parcel.pieces,
                    other.quantity_milli + parcel.quantity_milli,
                    other.amount_minor + parcel.amount_minor,
                    in_set=True,
                )
                return
        held.append(parcel)
