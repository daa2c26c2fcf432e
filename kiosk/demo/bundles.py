"""edge: what the demonstration's head office decides for its shops: new prices at once, an offer for the weekend.

Both go the way of every decision, over HTTP, and once: with bundles on the board nothing more is planned.
"""

import datetime as dt
from collections.abc import Sequence

from kiosk.demo.head_office import HeadOffice
from loyalty.offers.offer import Goods, PercentOff
from loyalty.offers.request import OfferRequest
from sync.facts.catalogue import ProductFact
from sync.hub.campaigns import PutCampaign
from sync.hub.decisions import OfficeProduct

_SATURDAY = 5
_OPENING = dt.time(6)
_DELI = OfferRequest(
    title={
        "en": "Weekend: 15 % off the deli counter",
        "ko": "주말 델리 코너 15% 할인",
        "ja": "週末 デリカ15%引き",
        "pl": "Weekend: delikatesy 15% taniej",
    },
    effect=PercentOff(percent="15", goods=Goods(categories=("Deli",))),
)


def plan_bundles(office: HeadOffice, repriced: Sequence[ProductFact], now: dt.datetime) -> None:
    """Plan them, unless there are bundles already. `now` is by the shop's clock. Raises HeadOfficeSilent."""
    if office.call("GET", "/v1/bundles?limit=1")["items"]:
        return
    prices = PutCampaign(title="New prices", products={each.sku: _cheaper(each) for each in repriced})
    saturday = next_saturday(now)
    weekend = PutCampaign(
        title="Weekend offer",
        active_from=saturday,
        ends_at=saturday + dt.timedelta(days=2),
        offers={"WEEKEND15": _DELI},
    )
    office.call("PUT", "/v1/campaigns/new-prices", prices)
    office.call("PUT", "/v1/campaigns/weekend", weekend)


def next_saturday(now: dt.datetime) -> dt.datetime:
    """The morning of the first Saturday that is not today, by the clock of `now`."""
    days = (_SATURDAY - now.weekday() - 1) % 7 + 1
    return dt.datetime.combine(now.date() + dt.timedelta(days=days), _OPENING, now.tzinfo)


def _cheaper(product: ProductFact) -> OfficeProduct:
    """A tenth off, and down to the next price that ends in a nine: 3.00 becomes 2.69."""
    return OfficeProduct(
        name=product.name,
        department=product.department,
        tax_class=product.tax_class,
        price_minor=product.price_minor * 9 // 100 * 10 - 1,
        gtins=product.gtins,
    )
