"""Prices, offers and rules of head office begin in every store at one instant, all of each bundle or nothing of it."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk import compose
from kiosk.bundles import instant
from kiosk.bundles.activation import activate_due
from kiosk.compose import now_ms
from kiosk.config import Config
from kiosk.life.head_office import FeedReader
from kiosk.life.proof import prove_open
from kiosk.life.start import DATABASE_NAME
from sync.db import connect
from tests.kiosk.bundling import bundle, offer, page_of, product
from tests.kiosk.linked import WallClock, joined_store, office, settled
from tests.kiosk.shopkit import Running, make_config, running_store
from tests.sync.hub.hubkit import RunningHub

HOUR_MS = 3_600_000
WAIT_S = 120
OFFER = {
    "title": {"en": "Dairy week"},
    "effect": {"kind": "percent", "percent": "10", "goods": {"categories": ["DAIRY"]}},
}
MILK = {"name": "Milk 1 l", "department": "DAIRY", "tax_class": "food", "gtins": ["9520000000011"]}
RULE = {
    "title": {"en": "Double on sweets"},
    "trigger": "purchase_line",
    "op": "mult",
    "gives": {"kind": "times", "numerator": 2},
}


class Chain:
    """A head office with its stores; their clocks are the test's."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self._clock = hub.clock
        assert isinstance(self._clock, WallClock)

    @property
    def ahead_ms(self) -> int:
        """How far all clocks are ahead of this machine's."""
        return self._clock.ahead_ms

    @ahead_ms.setter
    def ahead_ms(self, ahead_ms: int) -> None:
        self._clock.ahead_ms = ahead_ms

    async def office(
        self,
        method: str,
        path: str,
        body: object = None,
        expect: int = 200,
        **more: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        status, answer = await self.hub.call(method, path, body, token=await self.hub.office(), **more)
        assert status == expect, (status, answer)
        return answer

    async def board(self, code: str) -> dict[str, Any]:
        """The row of a store on the board."""
        stores = (await self.office("GET", "/v1/stores"))["items"]
        return next(store for store in stores if store["code"] == code)

    def let(self, store: Running) -> None:
        """This store's clock is the chain's."""
        store.store.door.now_ms = lambda: now_ms() + self.ahead_ms


def in_an_hour() -> str:
    """An instant that comes only when a test moves the clocks."""
    return dt.datetime.fromtimestamp((now_ms() + HOUR_MS) / 1000, dt.UTC).isoformat()


@contextlib.asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[Chain]:
    async with office(folder, bundle_lead_seconds=1) as hub:
        yield Chain(hub)


@contextlib.asynccontextmanager
async def opened(chain: Chain, config: Config) -> AsyncIterator[Running]:
    """A running store of the chain, whose till sells."""
    async with running_store(config) as store:
        chain.let(store)
        yield store


async def until(what: Callable[[], Any]) -> None:
    """Wait for something that other tasks do."""
    async with asyncio.timeout(WAIT_S):
        while not await what():  # noqa: ASYNC110  other tasks do it
            await asyncio.sleep(0.02)


async def is_ready(store: Running, version: int) -> bool:
    """Whether a store has all of a bundle."""
    select = "SELECT count(*) FROM bundle_ready WHERE version = ?"
    row = await store.store.database.read(lambda tx: tx.execute(select, (version,)).fetchone())
    return row == (1,)


async def price_of(store: Running, sku: str = "100") -> int:
    return int((await store.call("GET", f"/v1/products/{sku}")).json["price_minor"])


async def facts(store: Running, kind: str) -> int:
    row = await store.store.database.read(
        lambda tx: tx.execute("SELECT count(*) FROM journal WHERE kind = ?", (kind,)).fetchone()
    )
    assert row is not None
    return int(row[0])


def prove(config: Config) -> None:
    with contextlib.closing(connect(config.data_dir() / DATABASE_NAME)) as connection:
        report = prove_open(connection, None, full=True)
    assert report.ok, report.first_wrong


async def test_two_stores_switch_at_one_instant_and_neither_before(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        configs = [await joined_store(made.hub, tmp_path / code, code) for code in ("S001", "S002")]
        async with opened(made, configs[0]) as one, opened(made, configs[1]) as two:
            campaign = {
                "title": "Spring",
                "active_from": in_an_hour(),
                "products": {"100": {**MILK, "price_minor": 149}},
                "offers": {"DAIRY10": OFFER},
                "earning_rules": {"sweets": RULE},
            }
            planned = await made.office("PUT", "/v1/campaigns/spring", campaign, expect=201)
            assert [bundle["state"] for bundle in planned["bundles"]] == ["planned"]
            for store in (one, two):
                await until(lambda store=store: is_ready(store, 1))
                assert await price_of(store) == 129
                assert (await store.call("GET", "/v1/offers")).json["items"] == []
                assert await facts(store, "bundle.activated") == 0, "time alone writes nothing"
            made.ahead_ms = HOUR_MS + 1_000
            for store in (one, two):
                assert await price_of(store) == 149
                assert [each["id"] for each in (await store.call("GET", "/v1/offers")).json["items"]] == ["DAIRY10"]
                rules = (await store.call("GET", "/v1/earning-rules")).json["items"]
                assert "sweets" in [each["definition"]["id"] for each in rules]
                assert await facts(store, "bundle.activated") == 1
            made.ahead_ms = 0
            assert await price_of(one) == 149, "a clock that is put back takes nothing back"
            await settled(made.hub, one, two)
            await until(lambda: has_on_board(made, "S001", 1))
            await until(lambda: has_on_board(made, "S002", 1))
    for config in configs:
        prove(config)


async def has_on_board(made: Chain, code: str, version: int) -> bool:
    bundle = (await made.board(code))["bundle"]
    return bundle is not None and bundle["version"] == version


async def test_a_store_without_a_line_sells_on_and_begins_as_soon_as_it_has_the_bundle(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        config = await joined_store(made.hub, tmp_path / "S001", "S001")
        async with opened(made, config) as store:
            assert store.store.head_office is not None
            await store.store.head_office.puller.stop()
            await made.office("PUT", "/v1/products/100", {**MILK, "price_minor": 149}, expect=201)
            made.ahead_ms = HOUR_MS
            await store.open_shift()
            sold = await store.sell("100")
            assert (sold.status, sold.json["lines"][0]["unit_price_minor"]) == (201, 129)
        async with opened(made, config) as store:
            await until(lambda: is_ready(store, 1))
            await until(lambda: has_price(store, 149))
            sold = await store.sell("100")
            assert sold.json["lines"][0]["unit_price_minor"] == 149
            await until(lambda: has_on_board(made, "S001", 1))
            shown = (await made.board("S001"))["bundle"]
            assert (shown["due"], shown["late"], shown["refused"]) == (1, True, "")
            page = await made.office("GET", "/v1/bundles/1")
            assert [(each["code"], each["state"], each["late"]) for each in page["at_stores"]] == [
                ("S001", "active", True)
            ]
    prove(config)


async def has_price(store: Running, price_minor: int) -> bool:
    return await price_of(store) == price_minor


async def test_a_basket_open_across_the_instant_is_told_before_it_is_paid(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        config = await joined_store(made.hub, tmp_path / "S001", "S001")
        async with opened(made, config) as store:
            await store.open_shift()
            path = "/v1/products/100"
            when = {"active_from": in_an_hour()}
            await made.office("PUT", path, {**MILK, "price_minor": 149}, expect=201, params=when)
            await until(lambda: is_ready(store, 1))
            lines = [{"sku": "100", "quantity_milli": 1000}]
            quote = (await store.call("POST", "/v1/quotes", {"lines": lines})).json
            made.ahead_ms = HOUR_MS + 1_000
            refused = await store.sell("100", quote_due_minor=quote["totals"]["due_minor"])
            assert (refused.status, refused.json["code"]) == (409, "price_changed")
            assert refused.json["quote"]["totals"]["due_minor"] == 149
            assert (await store.sell("100", quote_due_minor=149)).status == 201
    prove(config)


async def test_a_bucket_told_anew_makes_nothing_begin_twice(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        config = await joined_store(made.hub, tmp_path / "S001", "S001")
        async with opened(made, config) as store:
            await made.office("PUT", "/v1/offers/DAIRY10", OFFER, expect=201)
            made.ahead_ms = HOUR_MS
            await until(lambda: has_offer(store))
            assert store.store.head_office is not None
            store.store.head_office.puller.doubt(("global",))

            async def told_anew() -> bool:
                row = await store.store.database.read(
                    lambda tx: tx.execute("SELECT generation FROM feed_bucket WHERE bucket = 'global'").fetchone()
                )
                return row is not None and row[0] > 0

            await until(told_anew)
            await until(lambda: is_ready(store, 1))
            assert (await facts(store, "bundle.activated"), await facts(store, "offer.changed")) == (1, 1)
            refused = await store.call("PUT", "/v1/offers/MINE", OFFER, role="manager")
            assert (refused.status, refused.json["code"]) == (409, "managed_by_head_office")
    prove(config)


async def has_offer(store: Running) -> bool:
    return (await store.call("GET", "/v1/offers/DAIRY10")).status == 200


async def test_a_price_zone_has_prices_of_its_own(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        configs = [await joined_store(made.hub, tmp_path / code, code) for code in ("S001", "S002")]
        north = (await made.board("S002"))["id"]
        assert (await made.office("PUT", f"/v1/stores/{north}/zone", {"zone": "north"}))["zone"] == "north"
        async with opened(made, configs[0]) as one, opened(made, configs[1]) as two:
            everywhere, only_north = {**MILK, "price_minor": 149}, {**MILK, "price_minor": 119}
            await made.office("PUT", "/v1/products/100", only_north, expect=201, params={"zone": "north"})
            await made.office("PUT", "/v1/products/100", everywhere, expect=201)
            made.ahead_ms = HOUR_MS
            await until(lambda: is_ready(one, 2))
            await until(lambda: is_ready(two, 2))
            await until(lambda: is_ready(two, 1))
            assert (await price_of(one), await price_of(two)) == (149, 119)
            shown = await made.office("GET", "/v1/products/100", params={"zone": "north"})
            tag = {"If-Match": shown["headers"]["Etag"]}
            await made.office("DELETE", "/v1/products/100", headers=tag, params={"zone": "north"})
            made.ahead_ms = 2 * HOUR_MS
            await until(lambda: is_ready(two, 3))
            assert await price_of(two) == 149


async def test_killed_between_the_parts_and_the_head_a_store_has_nothing_of_a_bundle(tmp_path: Path) -> None:
    config, puts = make_config(tmp_path), bundle(1, now_ms() - 1, product("100", 149), offer("D", "10"))
    for put in puts[:-1]:
        async with running_store(config) as store:
            await FeedReader(store.store.door).keep_page(page_of(put))
            assert (await price_of(store), (await store.call("GET", "/v1/offers")).json["items"]) == (129, [])
    async with running_store(config) as store:
        await FeedReader(store.store.door).keep_page(page_of(puts[-1]))
        assert await price_of(store) == 149
    async with running_store(config) as store:
        assert (await price_of(store), await facts(store, "bundle.activated")) == (149, 1)
    prove(config)


async def test_a_store_that_was_shut_at_the_instant_opens_with_the_new_prices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, at_ms = make_config(tmp_path), now_ms() + HOUR_MS
    second = bundle(2, at_ms + HOUR_MS, product("100", 159))
    async with running_store(config) as store:
        await FeedReader(store.store.door).keep_page(page_of(*bundle(1, at_ms, product("100", 149)), *second))
        assert await price_of(store) == 129
    monkeypatch.setattr(compose, "now_ms", lambda: at_ms)
    async with running_store(config) as store:
        assert await price_of(store) == 149
        store.store.door.now_ms = lambda: at_ms + HOUR_MS
        assert await price_of(store) == 159, "the next one has its turn as well"


async def test_a_bundle_that_fails_to_begin_keeps_nobody_from_selling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError("the disk is full")

    async with running_store(make_config(tmp_path)) as store:
        await store.open_shift()
        with monkeypatch.context() as patch:
            patch.setattr(instant, "activate_due", fail)
            await FeedReader(store.store.door).keep_page(page_of(*bundle(1, 0, product("100", 149))))
            assert (await store.sell("100")).json["lines"][0]["unit_price_minor"] == 129
        await store.store.door.instant.look(now_ms())
        assert (await store.sell("100")).json["lines"][0]["unit_price_minor"] == 149


async def test_a_bundle_that_was_refused_does_not_keep_the_next_one_from_its_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page comes in between: the line may be down by then. Nor is the refused one tried with every request."""
    at_ms, tried = now_ms(), 0

    def activate(*given: Any) -> bool:  # noqa: ANN401
        nonlocal tried
        tried += 1
        return activate_due(*given)

    monkeypatch.setattr(instant, "activate_due", activate)
    async with running_store(make_config(tmp_path)) as store:
        reader, later = FeedReader(store.store.door), at_ms + HOUR_MS
        await reader.keep_page(page_of(*bundle(2, later, product("100", 159))))
        await reader.keep_page(page_of(*bundle(1, at_ms, product("100", 149, tax_class="none here"))))
        assert await price_of(store) == 129, "the first is refused"
        tried = 0
        store.store.door.now_ms = lambda: later - 1
        assert (await price_of(store), tried) == (129, 0)
        store.store.door.now_ms = lambda: later
        assert await price_of(store) == 159


async def test_a_read_only_store_begins_nothing(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        await FeedReader(store.store.door).keep_page(page_of(*bundle(1, now_ms() + HOUR_MS, product("100", 149))))
        store.store.door.follow_finding("It is broken. Run: counterfoil verify")
        await store.store.door.instant.reach(now_ms() + 2 * HOUR_MS)
        assert await price_of(store) == 129
