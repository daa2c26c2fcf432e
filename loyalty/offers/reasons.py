"""pure: why an offer gave what it gave, and what is missing to the next it would give, as codes and parameters.

>>> from loyalty.offers.offer import Goods
>>> two_plus_one = BuyGet(buy=2, get=1, goods=Goods(products=("cola",)))
>>> reason_of(two_plus_one).code.value, find_missing_pieces(two_plus_one, [5], most_uses=9)
('cheapest_free', Shortfall(code=<Code.MORE_PIECES: 'more_pieces'>, missing=1, step=0))
"""

from collections.abc import Sequence
from typing import NamedTuple

from loyalty.offers.effects import reached_step
from loyalty.offers.offer import (
    WHOLE_PERCENT,
    AmountOff,
    Bundle,
    BuyGet,
    Effect,
    FixedPrice,
    Gift,
    Minimum,
    PercentOff,
    Step,
    Steps,
    hundredths,
)
from loyalty.offers.outcome import Code, Reason


class Shortfall(NamedTuple):
    """How much is missing: minor units for MORE_MONEY, pieces otherwise. `step`: the quantity step that waits there."""

    code: Code
    missing: int
    step: int = 0


def reason_of(effect: Effect, step: int = 0) -> Reason:
    """What the effect does, in a form that `texts` can say in every language. `step` is the quantity step reached."""
    if isinstance(effect, PercentOff):
        return Reason(Code.PERCENT_OFF, {"percent": effect.percent})
    if isinstance(effect, AmountOff):
        code = Code.AMOUNT_OFF_EACH if effect.each else Code.AMOUNT_OFF
        return Reason(code, {"amount_minor": effect.amount_minor})
    if isinstance(effect, FixedPrice):
        return Reason(Code.FIXED_PRICE, {"price_minor": effect.price_minor})
    if isinstance(effect, BuyGet):
        return _reason_of_buy_get(effect)
    if isinstance(effect, Bundle):
        pieces = sum(part.pieces for part in effect.parts)
        return Reason(Code.SET_PRICE, {"pieces": pieces, "price_minor": effect.price_minor})
    if isinstance(effect, Gift):
        return Reason(Code.GIFT, {"pieces": effect.pieces})
    return _reason_of_step(reached_step(effect, step) or effect.steps[0])


def _reason_of_buy_get(effect: BuyGet) -> Reason:
    is_free = hundredths(effect.percent) == WHOLE_PERCENT
    if effect.reward is not None:
        code = Code.REWARD_FREE if is_free else Code.REWARD_PERCENT
        parameters: dict[str, int | str] = {"buy": effect.buy, "get": effect.get}
    else:
        code = Code.CHEAPEST_FREE if is_free else Code.CHEAPEST_PERCENT
        parameters = {"buy": effect.buy, "get": effect.get, "all": effect.buy + effect.get}
    return Reason(code, parameters if is_free else {**parameters, "percent": effect.percent})


def _reason_of_step(step: Step) -> Reason:
    if step.percent is not None:
        return Reason(Code.STEP_PERCENT, {"pieces": step.from_pieces, "percent": step.percent})
    return Reason(Code.STEP_PRICE, {"pieces": step.from_pieces, "price_minor": step.price_minor or 0})


def find_shortfall(minimum: Minimum, amount_minor: int, pieces: int) -> Shortfall | None:
    """What a basket lacks to the minimum of an offer; None when it is reached."""
    if minimum.amount_minor is not None and amount_minor < minimum.amount_minor:
        return Shortfall(Code.MORE_MONEY, minimum.amount_minor - amount_minor)
    if minimum.pieces is not None and pieces < minimum.pieces:
        return Shortfall(Code.MORE_PIECES, minimum.pieces - pieces)
    return None


def is_near(shortfall: Shortfall, needed: int) -> bool:
    """Near is what is at least half there: 7.90 of 10.00, 1 piece of 2; never 1 piece of 6."""
    return 2 * shortfall.missing <= needed


def find_missing_pieces(effect: Effect, pieces: Sequence[int], most_uses: int) -> Shortfall | None:
    """The pieces missing to the next set, step or gift, when at least half of it is there; None else.

    `pieces` are those in the cart by role.

        effect          | pieces | missing
        ----------------|--------|--------------------------------
        buy 2 get 1     | 2      | 1
        buy 2 get 1     | 1      | not near
        buy 2 get 1     | 5      | 1, to the second set
        bundle 1 + 1    | 1 / 0  | 1
        from 3, from 6  | 4      | 2, to step 6
        gift            | 0      | 1: the gift has to be scanned
    """
    if isinstance(effect, Steps):
        return _missing_to_step(effect, pieces[0])
    if isinstance(effect, Gift):
        return Shortfall(Code.ADD_GIFT, effect.pieces) if pieces[0] == 0 and most_uses > 0 else None
    needs = _needs_of(effect)
    if not needs:
        return None
    sets = min(have // need for have, need in zip(pieces, needs, strict=True))
    if sets >= most_uses:
        return None
    missing = sum(max(0, need * (sets + 1) - have) for have, need in zip(pieces, needs, strict=True))
    shortfall = Shortfall(Code.MORE_PIECES, missing)
    return shortfall if is_near(shortfall, sum(needs)) else None


def _needs_of(effect: Effect) -> list[int]:
    """The pieces one set needs of every role; nothing for an effect that knows no sets."""
    if isinstance(effect, BuyGet):
        return [effect.buy + effect.get] if effect.reward is None else [effect.buy, effect.get]
    if isinstance(effect, Bundle):
        return [part.pieces for part in effect.parts]
    return []


def _missing_to_step(effect: Steps, pieces: int) -> Shortfall | None:
    following = next((step for step in effect.steps if step.from_pieces > pieces), None)
    if following is None:
        return None
    shortfall = Shortfall(Code.MORE_PIECES, following.from_pieces - pieces, following.from_pieces)
    return shortfall if is_near(shortfall, following.from_pieces) else None
