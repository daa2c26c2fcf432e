"""pure: best_of offers that look at every piece alone. Of these each line takes the one that takes most off it.

Their percentages are compared exactly, in 1/10,000 of a minor unit, and rounded only when each offer's goods are known.

    >>> from loyalty.offers.offer import PercentOff
    >>> rest = Separable([(PercentOff(percent="10"), [0, 1]), (PercentOff(percent="25"), [1])])
    >>> milk, cheese = Parcel(0, 1, 1000, 143), Parcel(1, 1, 1000, 599)
    >>> rest.worth(milk), rest.worth(cheese), [place for place, _ in rest.shares_of({0: milk, 1: cheese})]
    (143000, 1497500, [0, 1])
"""

from collections.abc import Collection, Mapping, Sequence

from loyalty.offers.cart import Parcel
from loyalty.offers.offer import WHOLE_PERCENT, AmountOff, Effect, FixedPrice, PercentOff, hundredths
from loyalty.rounding import Rounding, round_ratio


def is_separable(effect: Effect) -> bool:
    """True where the offer looks at every piece alone, so that what it gives on one never depends on the others."""
    if isinstance(effect, PercentOff | FixedPrice):
        return effect.at_most_pieces is None
    return isinstance(effect, AmountOff) and effect.each and effect.at_most_pieces is None


def worth_of(effect: Effect, parcel: Parcel) -> int:
    """What a separable offer takes off a parcel, in 1/10,000 of a minor unit."""
    amount = parcel.amount_minor
    if isinstance(effect, PercentOff):
        return amount * hundredths(effect.percent)
    if isinstance(effect, FixedPrice):
        price = round_ratio(effect.price_minor * parcel.quantity_milli, 1000, Rounding.HALF_UP)
        return max(0, amount - price) * WHOLE_PERCENT
    if isinstance(effect, AmountOff) and effect.each:
        return min(effect.amount_minor * parcel.pieces, amount) * WHOLE_PERCENT
    raise TypeError("this offer looks at more than one piece at a time")


class Separable:
    """Separable offers and the lines they mean, in the order of their turns; of two as good, the earlier is taken."""

    def __init__(self, offers: Sequence[tuple[Effect, Sequence[int]]]) -> None:
        self._effects = [effect for effect, _ in offers]
        self._by_line: dict[int, list[int]] = {}
        for place, (_, lines) in enumerate(offers):
            for line in lines:
                self._by_line.setdefault(line, []).append(place)
        self._known: dict[Parcel, tuple[int, int]] = {}

    def lines(self) -> Collection[int]:
        """The lines that any of them means."""
        return self._by_line.keys()

    def worth(self, parcel: Parcel) -> int:
        """What they take off a parcel, in 1/10,000 of a minor unit."""
        return self._best(parcel)[0] if parcel.line in self._by_line else 0

    def _best(self, parcel: Parcel) -> tuple[int, int]:
        """The worth and the place of the best offer; worth 0 where there is none."""
        best = self._known.get(parcel)
        if best is None:
            best = (0, 0)
            for place in self._by_line.get(parcel.line, ()):
                worth = worth_of(self._effects[place], parcel)
                if worth > best[0]:
                    best = (worth, place)
            self._known[parcel] = best
        return best

    def shares_of(self, unclaimed: Mapping[int, Parcel]) -> list[tuple[int, list[Parcel]]]:
        """Which of them takes which goods: places in the order of turns, each with its parcels."""
        shares: dict[int, list[Parcel]] = {}
        for line in sorted(self._by_line.keys() & unclaimed.keys()):
            worth, place = self._best(unclaimed[line])
            if worth:
                shares.setdefault(place, []).append(unclaimed[line])
        return sorted(shares.items())

    def is_beaten_by(self, effect: Effect, parcels: Sequence[Parcel]) -> bool:
        """Whether another separable offer would take more off some of these goods."""
        return any(worth_of(effect, parcel) > self.worth(parcel) for parcel in parcels)
