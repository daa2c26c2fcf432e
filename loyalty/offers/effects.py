"""pure: what one offer takes off the goods it is shown. Every effect is a function of parcels to a grant, or None.

Goods come in roles: one list of parcels for most effects, bought and reward for buy_get, one per part for a bundle; no
parcel is in two. All amounts stay whole: a total is rounded once and later split by largest
remainder (Grant.split). What sets save lies on all their parts by price, on what was to be bought as well: whoever
brings that back is paid what it has cost in the set. A gift alone is not in its effect's hands: the engine lays its
price on what the shopper had to buy, once all offers have had their turns.

    effect                          | pieces and prices   | off          | goods claimed
    --------------------------------|---------------------|--------------|-------------------------
    percent 10                      | 1.43 1.43 0.99      | 0.39 (0.385) | all
    amount 1.00                     | 1.43 1.43 0.99      | 1.00         | all
    amount 1.00 each                | 1.43 1.43 0.99      | 2.99         | all
    fixed price 1.20                | 1.43 1.43 0.99      | 0.46         | the first two
    buy 2 get 1                     | 5.00 4.00 3.00 2.00 | 3.00         | the dearest three
    bundle 1 + 1 for 6.00           | 5.00 / 3.00 2.00    | 2.00         | 5.00 and 3.00
    steps from 3: 10, from 5: 20    | 5.00 4.00 3.00 2.00 | 1.40         | all
    gift, 1 piece                   | 3.00 2.00           | 3.00         | the first

Fewer or cheaper goods never make a grant larger; the search in `choice` relies on it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from loyalty.offers.cart import Grant, Parcel, PiecePrice, Take, piece_prices, take_of
from loyalty.offers.offer import (
    WHOLE_PERCENT,
    AmountOff,
    Bundle,
    BuyGet,
    Effect,
    FixedPrice,
    Gift,
    PercentOff,
    Step,
    Steps,
    hundredths,
)
from loyalty.rounding import Rounding, round_ratio

Roles = Sequence[Sequence[Parcel]]


def grant_effect(effect: Effect, roles: Roles, most_uses: int, budget_minor: int | None = None) -> Grant | None:
    """What the effect takes off, in at most `most_uses` uses; None when that is nothing.

    With a budget as many whole uses as it pays for: a use that does not fit is not given at all, since nobody could
    explain 3.17 percent to a shopper.
    """
    give = _GIVE[type(effect)]
    grant = give(effect, roles, most_uses) if most_uses > 0 else None
    if grant is None or budget_minor is None or grant.discount_minor <= budget_minor:
        return grant
    fits: Grant | None = None
    low, high = 0, grant.uses - 1
    while low < high:
        middle = (low + high + 1) // 2
        tried = give(effect, roles, middle)
        if tried is None or tried.discount_minor <= budget_minor:
            fits, low = tried, middle
        else:
            high = middle - 1
    return fits


def takes_sets(effect: Effect) -> bool:
    """True where pieces are used up in sets, and no other set may count them again."""
    return isinstance(effect, (BuyGet, Bundle, Gift))


def _percent_of(amount_minor: int, percent: str) -> int:
    """The percentage, rounded half away from zero."""
    return round_ratio(amount_minor * hundredths(percent), WHOLE_PERCENT, Rounding.HALF_UP)


def _whole(parcels: Sequence[Parcel]) -> list[Take]:
    return [take_of((parcel, parcel.pieces, parcel.amount_minor)) for parcel in parcels]


def _dearest(prices: Sequence[PiecePrice], parcels: Sequence[Parcel], pieces: int) -> list[Take]:
    """Claims on the dearest `pieces`, at most one claim for each parcel."""
    claims: dict[int, tuple[int, int]] = {}
    left = pieces
    for price, place, count in prices:
        if not left:
            break
        taken = min(count, left)
        left -= taken
        before, amount = claims.get(place, (0, 0))
        claims[place] = before + taken, amount + taken * price
    return [Take(parcels[place], count, amount) for place, (count, amount) in claims.items()]


def _claims(parcels: Sequence[Parcel], at_most_pieces: int | None) -> list[Take]:
    if at_most_pieces is None:
        return _whole(parcels)
    return _dearest(piece_prices(parcels), parcels, at_most_pieces)


def _grant(
    discount_minor: int, takes: Sequence[Take], weights: Sequence[int], uses: int = 1, step: int = 0
) -> Grant | None:
    return Grant(discount_minor, uses, takes, weights, step) if discount_minor > 0 else None


def _grant_set(discount_minor: int, claims: Sequence[Take], sets: int) -> Grant | None:
    """What sets save, on all their parts by price: whoever brings back what was paid must not keep the rest for
    nothing."""
    return _grant(discount_minor, claims, [take.amount_minor for take in claims], sets)


def _give_percent(effect: PercentOff, roles: Roles, _most_uses: int) -> Grant | None:
    claims = _claims(roles[0], effect.at_most_pieces)
    amounts = [amount for _, _, amount in claims]
    return _grant(_percent_of(sum(amounts), effect.percent), claims, amounts)


def _give_amount(effect: AmountOff, roles: Roles, _most_uses: int) -> Grant | None:
    if effect.each:
        claims = [take for take in _claims(roles[0], effect.at_most_pieces) if take.pieces]
        discounts = [min(effect.amount_minor * take.pieces, take.amount_minor) for take in claims]
        return _grant(sum(discounts), claims, discounts)
    claims = _whole(roles[0])
    amounts = [take.amount_minor for take in claims]
    return _grant(min(effect.amount_minor, sum(amounts)), claims, amounts)


def _give_fixed_price(effect: FixedPrice, roles: Roles, _most_uses: int) -> Grant | None:
    claims = []
    discounts = []
    for take in _claims(roles[0], effect.at_most_pieces):
        quantity = take.pieces * 1000 or take.parcel.quantity_milli
        off = take.amount_minor - round_ratio(effect.price_minor * quantity, 1000, Rounding.HALF_UP)
        if off > 0:
            claims.append(take)
            discounts.append(off)
    return _grant(sum(discounts), claims, discounts)


def _give_buy_get(effect: BuyGet, roles: Roles, most_uses: int) -> Grant | None:
    if effect.reward is not None:
        return _give_reward(effect, roles, most_uses)
    prices = piece_prices(roles[0])
    group = effect.buy + effect.get
    sets = min(sum([count for _, _, count in prices]) // group, most_uses)
    if not sets:
        return None
    cheaper = position = 0
    for price, _, count in prices:
        end = min(position + count, sets * group)
        cheaper += (_cheaper_before(end, effect) - _cheaper_before(position, effect)) * price
        position = end
    return _grant_set(_percent_of(cheaper, effect.percent), _dearest(prices, roles[0], sets * group), sets)


def _cheaper_before(position: int, effect: BuyGet) -> int:
    """How many of the first `position` pieces, the dearest first, are the cheapest of their set."""
    sets, rest = divmod(position, effect.buy + effect.get)
    return sets * effect.get + max(0, rest - effect.buy)


def _give_reward(effect: BuyGet, roles: Roles, most_uses: int) -> Grant | None:
    bought, rewards = (piece_prices(parcels) for parcels in roles)
    sets = min(
        sum([count for _, _, count in bought]) // effect.buy,
        sum([count for _, _, count in rewards]) // effect.get,
        most_uses,
    )
    paid = _dearest(bought, roles[0], sets * effect.buy)
    cheaper = _dearest(rewards, roles[1], sets * effect.get)
    total = _percent_of(sum([take.amount_minor for take in cheaper]), effect.percent)
    return _grant_set(total, [*paid, *cheaper], sets)


class _BundleGoods(NamedTuple):
    """The pieces of every part, and how many of them a set needs."""

    prices: list[list[PiecePrice]]
    needed: list[int]
    price_minor: int

    def saved(self, sets: int) -> int:
        """What so many sets of the dearest pieces save, which may be less than nothing."""
        return sum(map(self._dearest_sum, self.prices, [need * sets for need in self.needed])) - sets * self.price_minor

    @staticmethod
    def _dearest_sum(prices: Sequence[PiecePrice], pieces: int) -> int:
        total = 0
        for price, _, count in prices:
            taken = min(count, pieces)
            total += taken * price
            pieces -= taken
        return total


def _give_bundle(effect: Bundle, roles: Roles, most_uses: int) -> Grant | None:
    """Sets of the dearest pieces, as long as a further set still saves something."""
    goods = _BundleGoods(
        [piece_prices(parcels) for parcels in roles], [part.pieces for part in effect.parts], effect.price_minor
    )
    counts = [sum([count for _, _, count in prices]) for prices in goods.prices]
    low, high = 0, min(most_uses, *(count // need for count, need in zip(counts, goods.needed, strict=True)))
    while low < high:  # each further set is of cheaper pieces, so it saves no more than the one before
        middle = (low + high + 1) // 2
        if goods.saved(middle) > goods.saved(middle - 1):
            low = middle
        else:
            high = middle - 1
    claims = [
        take
        for prices, parcels, need in zip(goods.prices, roles, goods.needed, strict=True)
        for take in _dearest(prices, parcels, need * low)
    ]
    return _grant_set(goods.saved(low), claims, low)


def reached_step(effect: Steps, pieces: int) -> Step | None:
    """The highest step so many pieces reach."""
    return next((step for step in reversed(effect.steps) if step.from_pieces <= pieces), None)


def _give_steps(effect: Steps, roles: Roles, _most_uses: int) -> Grant | None:
    claims = [take for take in _whole(roles[0]) if take.pieces]
    step = reached_step(effect, sum([take.pieces for take in claims]))
    if step is None:
        return None
    amounts = [take.amount_minor for take in claims]
    if step.percent is not None:
        return _grant(_percent_of(sum(amounts), step.percent), claims, amounts, step=step.from_pieces)
    if step.price_minor is None:
        return None  # validate_offer refuses such a step; here it must at least not make anything free
    discounts = [max(0, take.amount_minor - step.price_minor * take.pieces) for take in claims]
    return _grant(sum(discounts), claims, discounts, step=step.from_pieces)


def _give_gift(effect: Gift, roles: Roles, _most_uses: int) -> Grant | None:
    claims = _dearest(piece_prices(roles[0]), roles[0], effect.pieces)
    amounts = [take.amount_minor for take in claims]
    return _grant(sum(amounts), claims, amounts)


_GIVE: dict[type, Callable[[Any, Roles, int], Grant | None]] = {
    PercentOff: _give_percent,
    AmountOff: _give_amount,
    FixedPrice: _give_fixed_price,
    BuyGet: _give_buy_get,
    Bundle: _give_bundle,
    Steps: _give_steps,
    Gift: _give_gift,
}
