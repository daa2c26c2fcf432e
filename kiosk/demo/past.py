"""pure: the weeks a demonstration shop has behind it: real baskets, moved as they are so that they end yesterday.

The baskets lie in another year, on the clock of another country. A whole number of weeks moves them, so a Saturday
stays a Saturday and a purchase at half past five stays one at half past five, by the clock of the demonstration's own
time zone. Only some households shop here, always the same, so that they come back often enough to be looked at over
time; some of them have no card.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kiosk.demo.baskets import Basket
from kiosk.demo.campaigns import SHOP_ZONE

WEEKS = 8
VISITS = 320
"""About how many baskets: enough for every report, few enough for a start within seconds."""
OPENS, CLOSES = dt.time(7), dt.time(22)

_THERE = ZoneInfo(SHOP_ZONE)
_WITHOUT_CARD = 5  # one household in so many


class Visit(Struct, frozen=True):
    """A basket and when it is bought in the demonstration, in milliseconds since 1970 UTC."""

    basket: Basket
    at_ms: int


class TradingDay(Struct, frozen=True):
    """One day on which the shop was open, and everybody who came, in order; never nobody."""

    date: dt.date
    visits: tuple[Visit, ...]


def choose_past(baskets: Iterable[Basket], yesterday: dt.date, zone: str) -> tuple[TradingDay, ...]:
    """The last `WEEKS` weeks up to `yesterday` as they are by the clock of `zone`, out of the newest weeks of
    `baskets`; nothing of baskets outside opening hours."""
    there = [(dt.datetime.fromtimestamp(basket.at_ms / 1000, _THERE), basket) for basket in baskets]
    newest = max(moment.date() for moment, _ in there)
    last = newest - dt.timedelta(days=(newest.weekday() - yesterday.weekday()) % 7)
    first = last - dt.timedelta(weeks=WEEKS, days=-1)
    open_then = [
        (moment, basket)
        for moment, basket in there
        if first <= moment.date() <= last and OPENS <= moment.time() < CLOSES and basket.household_id is not None
    ]
    chosen = _choose_households([basket for _, basket in open_then])
    later, here = yesterday - last, ZoneInfo(zone)
    days: dict[dt.date, list[Visit]] = {}
    for moment, basket in sorted(open_then, key=lambda each: (each[0], each[1].basket_id)):
        if basket.household_id in chosen:
            date = moment.date() + later
            at = dt.datetime.combine(date, moment.time(), here)
            days.setdefault(date, []).append(Visit(_as_shown(basket), round(at.timestamp() * 1000)))
    return tuple(TradingDay(date, tuple(visits)) for date, visits in days.items())


def households_of(days: Sequence[TradingDay]) -> list[str]:
    """Everybody with a card, in the order of their first visit."""
    shown = (visit.basket.household_id for day in days for visit in day.visits)
    return list(dict.fromkeys(household for household in shown if household is not None))


def _choose_households(baskets: Sequence[Basket]) -> set[str]:
    """Households in an order that says nothing about them, until they make `VISITS`."""
    visits = Counter(basket.household_id for basket in baskets if basket.household_id is not None)
    chosen: set[str] = set()
    total = 0
    for household in sorted(visits, key=_draw):
        if total >= VISITS:
            break
        chosen.add(household)
        total += visits[household]
    return chosen


def _as_shown(basket: Basket) -> Basket:
    """Without its household where that one has no card."""
    assert basket.household_id is not None
    if _draw(basket.household_id) % _WITHOUT_CARD:
        return basket
    return msgspec.structs.replace(basket, household_id=None)


def _draw(household: str) -> int:
    return int.from_bytes(hashlib.sha256(household.encode()).digest()[:8])
