"""edge: what offers and a coupon cost a sale: the same sales with and without, in turns, on two services.

Both begin with the same file. In one of them offers of every kind are live and each sale brings a coupon of its own,
issued before. Processor time counts. Turns are short and alternate, so that both of a pair meet the same neighbours on
the machine, and of all pairs the median counts.
"""

import os
from collections.abc import Iterator, Sequence
from statistics import median

import msgspec
from msgspec import Struct

from kiosk.bench.client import connect
from kiosk.bench.goods import make_sales
from kiosk.bench.offers import make_coupon_offer, make_shop_offers
from kiosk.bench.server import StoreProcess
from kiosk.bench.stand import Stand, sell
from kiosk.bench.tills import Refused, Till, need_json
from kiosk.commands import CompleteSale
from kiosk.compose import now_ms
from loyalty.ids import uuid7
from loyalty.offers.offer import Offer
from sync.db import connect as open_database

_CAMPAIGN = 500
_USED_PERCENT = 95
_PLACED_BY_THE_STORE = ("id", "version")


class Load(Struct, frozen=True, kw_only=True):
    """How much is sold: `turns` of `sales` each, after `warm_up`, with `offers` live, the coupon's among them."""

    offers: int
    sales: int
    turns: int
    warm_up: int
    products: int
    members: int


class Compared(Struct, frozen=True):
    """Processor time of a sale in milliseconds without and with offers, and how many times as much the latter is."""

    plain_ms: float
    offered_ms: float
    ratio: float


async def compare_offers(plain: Stand, offered: Stand, load: Load) -> Compared:
    """Sell on both stands in turns. Raises Refused should a coupon not have been used."""
    services = StoreProcess(plain.config_file), StoreProcess(offered.config_file)
    try:
        for service in services:
            await service.start()
        bare = make_sales(0, load.warm_up + load.turns * load.sales, load.products, load.members)
        with_coupons = iter(await _bring_coupons(services[1], offered.tills[0], load))
        turns: tuple[list[float], list[float]] = ([], [])
        for count in (load.warm_up, *[load.sales] * load.turns):
            for service, stand, sales, mine in zip(
                services, (plain, offered), (bare, with_coupons), turns, strict=True
            ):
                run = await sell(service, stand.tills, _take(sales, count))
                mine.append(run.cpu_ms / count)
    finally:
        for service in services:
            await service.stop()
    _need_all_used(offered, load)
    without, with_offers = (mine[1:] for mine in turns)
    ratios = [more / less for less, more in zip(without, with_offers, strict=True)]
    return Compared(median(without), median(with_offers), median(ratios))


async def _bring_coupons(service: StoreProcess, till: Till, load: Load) -> list[CompleteSale]:
    """Make the offers, issue a coupon for each sale to come, and put it into the sale."""
    connection = await connect(service.url)
    try:
        for offer in make_shop_offers(load.offers, load.products):
            await need_json(connection, "PUT", f"/v1/offers/{offer.id}", till.token, _request_of(offer))
        sales = list(make_sales(0, load.warm_up + load.turns * load.sales, load.products, load.members))
        tokens: list[str] = []
        for start in range(0, len(sales), _CAMPAIGN):
            part = sales[start : start + _CAMPAIGN]
            campaign = {
                "id": uuid7(now_ms(), os.urandom(10)),
                "offer": make_coupon_offer().id,
                "members": [sale.member for sale in part],
            }
            answer = await need_json(connection, "POST", "/v1/coupon-campaigns", till.token, campaign)
            tokens += [each["token"] for each in answer["coupons"]]
    finally:
        connection.close()
    return [msgspec.structs.replace(sale, coupons=(token,)) for sale, token in zip(sales, tokens, strict=True)]


def _request_of(offer: Offer) -> object:
    """The offer as PUT takes it."""
    fields = msgspec.to_builtins(offer)
    return {name: value for name, value in fields.items() if name not in _PLACED_BY_THE_STORE}


def _take(sales: Iterator[CompleteSale], count: int) -> Sequence[CompleteSale]:
    return [next(sales) for _ in range(count)]


def _need_all_used(stand: Stand, load: Load) -> None:
    """Had coupons given nothing, less would have been measured than was meant. A few may: exclusive offers took all."""
    database = open_database(stand.database, read_only=True)
    try:
        ((used,),) = database.execute("SELECT count(*) FROM coupon_use").fetchall()
    finally:
        database.close()
    brought = load.warm_up + load.turns * load.sales
    if used < brought * _USED_PERCENT // 100:
        raise Refused(f"Of {brought} coupons only {used} were used.")
