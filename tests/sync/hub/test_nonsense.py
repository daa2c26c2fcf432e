"""A store that books nonsense has it among its dead letters; reports of the chain and everybody's points go on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from loyalty.points.account import Balance
from sync.facts.offers import OfferUsed
from sync.facts.points import PointsAdjusted
from sync.facts.shifts import ShiftMoved
from sync.hub.applier import apply_next
from sync.hub.reports.catalogue import BUILDERS
from tests.sync.hub.appliers.office import OTHER, STORE, Shop, take_in
from tests.sync.hub.appliers.vouchers import used, vouchers
from tests.sync.hub.hubkit import RunningHub

DAY = "2027-01-15"
SPAN = {"from": "2027-01-01", "to": "2027-01-31"}
ANNA = UUID(int=0x5000)
HUGE = 2**62


class Liar(Shop):
    """A store that says of its entries what it likes."""

    def __init__(self, store: UUID = OTHER) -> None:
        self.more: dict[str, object] = {}
        super().__init__(store, epoch=8)

    def log(self, body: Any, op_id: UUID | None = None, **more: Any) -> UUID:  # noqa: ANN401  any fact
        return super().log(body, op_id, **{**self.more, **more})


def sell_on(day: str) -> Callable[[Liar], None]:
    def sell(shop: Liar) -> None:
        shop.more = {"business_day": day}
        shop.sell(ANNA, earn=5)

    return sell


def sell_with(**more: Any) -> Callable[[Liar], None]:  # noqa: ANN401  any field of a sale
    def sell(shop: Liar) -> None:
        shop.sell(ANNA, earn=5, **more)

    return sell


def move(amount_minor: int, currency: str = "EUR") -> Callable[[Shop], None]:
    def move_cash(shop: Shop) -> None:
        cash = {"request": "", "shift": UUID(int=1), "till": "T01", "kind": "drop", "reason": ""}
        for _ in range(2):
            shop.log(ShiftMoved(**cash, currency=currency, amount_minor=amount_minor))  # type: ignore[arg-type]

    return move_cash


def give(points: int, **more: int) -> Callable[[Shop], None]:
    def give_points(shop: Shop) -> None:
        for _ in range(2):
            posting = shop.posting(ANNA, "adjust", points, **more)
            facts = {"request": "", "member": ANNA, "points": points, "reason": "", "balance": Balance()}
            shop.log(PointsAdjusted(**facts, postings=(posting,)))  # type: ignore[arg-type]

    return give_points


@pytest.mark.parametrize(
    "lie",
    [
        sell_on("2027-01-1x"),
        sell_on("2027-01-32"),
        sell_on("2027-02-30"),
        sell_on("２０２７-01-15"),
        move(5, "ZZQ"),
        move(HUGE),
        move(-HUGE),
        sell_with(offers=(OfferUsed(offer="D", version=1, uses=HUGE, discount_minor=5, code=""),) * 2),
        give(HUGE),
        give(5, expires_at=HUGE),
    ],
)
async def test_what_one_store_makes_up_spoils_nothing_of_the_others(
    hub: RunningHub, lie: Callable[[Liar], None]
) -> None:
    honest, liar = Shop(STORE, epoch=7), Liar()
    honest.enrol(ANNA)
    honest.sell(ANNA, earn=10)
    lie(liar)
    honest.sell(ANNA, earn=10)
    database, now_ms = hub.hub.database, hub.clock.now_ms + 60_000

    async def tell(shop: Shop) -> None:
        await database.write(lambda tx: take_in(tx, shop.store, shop.epoch, shop.ops, now_ms, 0))
        await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, now_ms))

    await tell(liar)
    await tell(honest)
    office = await hub.office()
    for name in BUILDERS:
        status, answer = await hub.call("GET", f"/v1/reports/{name}", token=office, params=SPAN)
        assert status == 200, (name, answer)
    status, shown = await hub.call("GET", f"/v1/members/{ANNA}", token=office)
    assert (status, shown["points"]["active"]) == (200, 20)
    _, letters = await hub.call("GET", "/v1/dead-letters", token=office)
    assert {(letter["store"], letter["code"]) for letter in letters["items"]} == {(str(OTHER), "implausible")}


async def test_a_day_that_does_not_balance_is_named_and_the_other_stores_can_be_exported(
    small_hub: RunningHub,
) -> None:
    hub = small_hub
    await hub.enrol("S001")
    shop = await hub.enrol("S666")
    liar = Liar(shop.store)
    sell_on(DAY)(liar)  # a sale that nobody paid
    database, now_ms = hub.hub.database, hub.clock.now_ms + 60_000
    await database.write(lambda tx: take_in(tx, liar.store, liar.epoch, liar.ops, now_ms, 0))
    await database.write(lambda tx: apply_next(tx, liar.store, liar.epoch, now_ms))
    office = await hub.office()
    status, answer = await hub.call("GET", "/v1/exports/journal-entries", token=office, params=SPAN)
    assert (status, answer["code"]) == (409, "books_unbalanced")
    assert "S666" in answer["detail"], "whatever code it says it has"
    _, stores = await hub.call("GET", "/v1/stores", token=office)
    (honest,) = (store["id"] for store in stores["items"] if store["code"] == "S001")
    own = {**SPAN, "store": honest}
    assert (await hub.call("GET", "/v1/exports/journal-entries", token=office, params=own))[0] == 200


@pytest.mark.parametrize(
    "lie",
    [
        sell_on(DAY),
        sell_on(""),
        sell_with(vouchers=vouchers(used=[used(2**50 - 1)])),
        move(10**12),
        give(10**6, expires_at=40_000_000_000_000),
    ],
)
async def test_what_a_shop_may_book_is_no_nonsense(small_hub: RunningHub, lie: Callable[[Liar], None]) -> None:
    hub, shop = small_hub, Liar()
    lie(shop)
    database, now_ms = hub.hub.database, hub.clock.now_ms + 60_000
    await database.write(lambda tx: take_in(tx, shop.store, shop.epoch, shop.ops, now_ms, 0))
    done = await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, now_ms))
    assert (done.fresh, done.dead) == (len(shop.ops), 0)
