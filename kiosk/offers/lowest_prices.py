"""sql: the lowest price of the 30 days before a reduction, for the lines of a basket that an offer made cheaper.

Where the configuration asks for it (a country's rule, loyalty/offers/lowest_price.py); elsewhere nothing is read. A
reduction begins when its offer became live or, if that is later, on the first day of its schedule; of several offers on
a line the earliest counts. The history is the catalogue's: prices that an offer made are not in it. What a member gets
for points is no reduction that was announced, and has no price beside it.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Protocol

import msgspec

from kiosk.answers import QuoteAnswer
from kiosk.offers.live_offers import Offered
from kiosk.offers.offer_store import read_price_changes
from kiosk.shifts.business_day import utc_of_local
from kiosk.terms import Terms
from loyalty.offers.lowest_price import PriceChange, find_lowest_before
from loyalty.offers.offer import Offer
from loyalty.transactions import Tx
from sync.facts.sales import SaleCompleted


class _Item(Protocol):
    """An article of the basket."""

    @property
    def department(self) -> str: ...


class _Discount(Protocol):
    @property
    def offer(self) -> str | None: ...


class _Line(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def sku(self) -> str: ...
    @property
    def discounts(self) -> Iterable[_Discount]: ...


def show_lowest_in_sale(tx: Tx, terms: Terms, sale: SaleCompleted, offered: Offered) -> SaleCompleted:
    """The sale with the lowest price on each line that an offer made cheaper."""
    if not terms.show_lowest_price or not sale.offers:
        return sale
    lowest = read_lowest(tx, terms, sale.lines, [line.department for line in sale.lines], offered)
    lines = [msgspec.structs.replace(line, lowest_price_minor=lowest.get(line.line)) for line in sale.lines]
    return msgspec.structs.replace(sale, lines=tuple(lines))


def show_lowest_in_quote(
    tx: Tx, terms: Terms, quote: QuoteAnswer, items: Iterable[_Item], offered: Offered
) -> QuoteAnswer:
    """The quote with the lowest price on each line that an offer made cheaper."""
    if not terms.show_lowest_price or offered.context is None:
        return quote
    lowest = read_lowest(tx, terms, quote.lines, [item.department for item in items], offered)
    lines = [msgspec.structs.replace(line, lowest_30_days_minor=lowest.get(line.line)) for line in quote.lines]
    return msgspec.structs.replace(quote, lines=lines)


def read_lowest(
    tx: Tx, terms: Terms, lines: Iterable[_Line], departments: Iterable[str], offered: Offered
) -> dict[int, int]:
    """Line -> minor units of one unit. Lines that no offer made cheaper and goods without a price before the reduction
    are left out. `departments` are those of the lines."""
    live, begun = offered.live, dict[int, int]()
    goods: dict[int, tuple[str, str]] = {}
    for line, department in zip(lines, departments, strict=True):
        names = [each.offer for each in line.discounts if each.offer is not None and each.offer in live.live_since]
        offers = [live.book.by_id[name].offer for name in names]
        if offers:
            begun[line.line] = min(begin_of(each, live.live_since[each.id], terms.time_zone) for each in offers)
            goods[line.line] = line.sku, department
    changes = read_price_changes(tx, [sku for sku, _ in goods.values()]) if goods else {}
    found = {}
    for number, (sku, department) in goods.items():
        history = [PriceChange(_utc(at_ms), price_minor) for at_ms, price_minor in changes.get(sku, ())]
        perishable = department in terms.perishable_departments
        lowest = find_lowest_before(history, _utc(begun[number]), perishable=perishable)
        if lowest is not None:
            found[number] = lowest.price_minor
    return found


def begin_of(offer: Offer, live_since_ms: int, time_zone: str) -> int:
    """When the reduction of an offer began, in milliseconds since 1970 UTC."""
    schedule = offer.conditions.schedule
    if schedule is None or schedule.first_day is None:
        return live_since_ms
    opening = dt.datetime.combine(schedule.first_day, schedule.from_time or dt.time())
    return max(live_since_ms, utc_of_local(opening, time_zone))


def _utc(at_ms: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=at_ms)
