"""pure: the offers that gave nothing, sorted into what is worth telling: near misses, and refusals that need a reason.

A near miss has exactly one thing in its way, one the shopper can do something about, and would really take something
off goods in this cart. A refusal is a coupon that was shown in vain, or an offer whose limit is used up.

    >>> import datetime as dt
    >>> context = OfferContext(at=dt.datetime(2026, 11, 21), channel="till", coupons={"GONE": 1})
    >>> unused = Unused(context)
    >>> unused.refuse("GONE", Code.UNKNOWN_OFFER, {}, None)
    >>> [(note.offer, note.code.value) for note in unused.refused]
    [('GONE', 'unknown_offer')]
"""

from collections.abc import Mapping, Sequence

from loyalty.offers.conditions import Obstacle
from loyalty.offers.context import OfferContext
from loyalty.offers.offer import Offer
from loyalty.offers.outcome import NEAR_MISSES_SHOWN, Code, Note, Reason
from loyalty.offers.reasons import Shortfall, reason_of

_LIMITS = (Code.LIMIT_REACHED, Code.LIMIT_UNKNOWN, Code.BUDGET_USED_UP)
_NEAREST_FIRST = (
    *(Code.ADD_GIFT, Code.MORE_PIECES, Code.MORE_MONEY, Code.WITH_CARD),
    *(Code.FROM_TIME, Code.FROM_DAY, Code.WITH_TIER, Code.IN_CHANNEL),
)
_NEARNESS = {code: rank for rank, code in enumerate(_NEAREST_FIRST)}


class Unused:
    """Collects, during one pricing, what is to be told about offers that gave nothing."""

    def __init__(self, context: OfferContext) -> None:
        self._context = context
        self._near: list[tuple[int, int, str, Note]] = []
        self._refused: dict[str, Note] = {}

    @property
    def near_misses(self) -> tuple[Note, ...]:
        if not self._near:
            return ()
        return tuple(entry[-1] for entry in sorted(self._near, key=lambda entry: entry[:-1])[:NEAR_MISSES_SHOWN])

    @property
    def refused(self) -> tuple[Note, ...]:
        return tuple(self._refused[offer] for offer in sorted(self._refused)) if self._refused else ()

    def was_shown(self, offer: str) -> bool:
        """Whether the shopper showed a coupon of this offer, and so is owed an answer."""
        return self._context.coupons.get(offer, 0) > 0

    def wants_to_know(self, obstacles: Sequence[Obstacle]) -> bool:
        """Whether it matters if the offer would give something without its only obstacle."""
        if len(obstacles) != 1:
            return False
        return obstacles[0].code in _LIMITS or (obstacles[0].near and self._context.with_near_misses)

    def add_obstacles(self, offer: Offer, obstacles: Sequence[Obstacle], *, would_give: bool) -> None:
        """An offer that may not run. With several obstacles only a coupon is told about, and only the first."""
        first = obstacles[0]
        if would_give and len(obstacles) == 1 and first.near and self._context.with_near_misses:
            missing = first.parameters.get("missing_minor", first.parameters.get("pieces", 0))
            self._add_near(offer, first.code, first.parameters, missing if isinstance(missing, int) else 0)
        if self.was_shown(offer.id) or (would_give and first.code in _LIMITS):
            self.refuse(offer.id, first.code, first.parameters, reason_of(offer.effect))

    def add_shortfall(self, offer: Offer, shortfall: Shortfall, *, gave: bool) -> None:
        """An offer that may run and lacks a few pieces, to begin with or to its next set or step (`gave`)."""
        parameters: dict[str, int | str] = {"pieces": shortfall.missing}
        if self._context.with_near_misses:
            self._add_near(offer, shortfall.code, parameters, shortfall.missing, shortfall.step)
        if not gave and self.was_shown(offer.id):
            self.refuse(offer.id, shortfall.code, parameters, reason_of(offer.effect, shortfall.step))

    def refuse(self, offer: str, code: Code, parameters: Mapping[str, int | str], reward: Reason | None) -> None:
        """Name the reason why an offer gives nothing; the first one named counts."""
        self._refused.setdefault(offer, Note(offer, code, parameters, reward))

    def _add_near(
        self, offer: Offer, code: Code, parameters: Mapping[str, int | str], missing: int, step: int = 0
    ) -> None:
        note = Note(offer.id, code, parameters, reason_of(offer.effect, step))
        self._near.append((_NEARNESS[code], missing, offer.id, note))
