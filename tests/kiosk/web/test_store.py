"""What a store says of itself."""

from pathlib import Path

from kiosk.compose import now_ms
from kiosk.life.head_office import FeedReader
from kiosk.shifts.business_day import utc_text
from tests.kiosk.bundling import bundle, page_of, product
from tests.kiosk.shopkit import make_config, running_store

HOUR_MS = 3_600_000


async def test_a_store_names_the_bundle_that_it_sells_by_once_it_counts(tmp_path: Path) -> None:
    begins = now_ms() + HOUR_MS
    async with running_store(make_config(tmp_path)) as store:
        assert (await store.call("GET", "/v1/store")).json["bundle"] is None
        await FeedReader(store.store.door).keep_page(page_of(*bundle(7, begins, product("100", 149))))
        assert (await store.call("GET", "/v1/store")).json["bundle"] is None
        store.store.door.now_ms = lambda: begins + 5_000
        assert (await store.call("GET", "/v1/store")).json["bundle"] == {
            "version": 7,
            "active_from": utc_text(begins),
            "begun_at": utc_text(begins + 5_000),
        }


async def test_who_types_only_the_name_of_the_machine_is_led_to_the_till(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        async with store.client.get("/", allow_redirects=False) as led:
            assert (led.status, led.headers["Location"]) == (302, "/till")
        async with store.client.get("/") as shown:
            assert shown.status == 200
            assert "text/html" in shown.headers["Content-Type"]
