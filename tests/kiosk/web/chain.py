"""Two real stores and a real head office, for what head office decides between stores.

async def test_x(chain: Chain) -> None:      # the fixture of tests/kiosk/web/conftest.py
    coupon = await chain.issue()
    await cut(chain.second)
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from kiosk.life.enrolment import enrol
from kiosk.life.head_office import make_head_office
from kiosk.points.link import note_line
from sync.protocol.pull_store import ApplyPage
from tests.kiosk.linked import SETTLE_S, settled
from tests.kiosk.shopkit import Running, make_config, new_id, running_store
from tests.sync.hub.hubkit import RunningHub

OFFER = {
    "title": {"en": "Chocolate week"},
    "effect": {"kind": "percent", "percent": "20", "goods": {"products": ["101"]}},
    "trigger": "coupon",
}
CARD = {"name": "Gift card", "department": "GIFT", "tax_class": "zero", "price_minor": 5000}
SETTINGS: dict[str, Any] = {
    "loyalty.offline": {"coupon_limit_minor": 60, "store_limit_minor": 110},
    "gift_cards": {"departments": ["GIFT"]},
    "coupons": {"with_sale": [{"offer": "CHOC20", "from_minor": 1500}]},
}


class Chain:
    """A head office and the stores S001 and S002, both with the same coupon offer, both tills open."""

    def __init__(self, hub: RunningHub, stores: tuple[Running, Running]) -> None:
        self.hub = hub
        self.first, self.second = self.stores = stores

    async def issue(self, scope: str = "chain", **more: object) -> Any:  # noqa: ANN401
        """A coupon of the first store, as soon as head office knows it and the second store its key."""
        body = {"id": str(new_id()), "offer": "CHOC20", "scope": scope, **more}
        reply = await self.first.call("POST", "/v1/coupons", body)
        assert reply.status == 201, reply
        await self.agree()
        return reply.json

    async def agree(self) -> None:
        """Wait until head office has applied what the stores booked, and they have read what it says."""
        await settled(self.hub, *self.stores)
        await self.hub.hub.appliers.settle()
        for store in self.stores:
            await until(
                store, "SELECT count(*) FROM feed_row WHERE entity = 'coupon_key'", lambda n: n >= len(self.stores)
            )

    async def incidents(self) -> list[Any]:
        _, page = await self.hub.call("GET", "/v1/incidents", token=await self.hub.office())
        return list(page["items"])


async def until(store: Running, select: str, holds: Any) -> None:  # noqa: ANN401
    """Wait until what a store reads is so."""
    async with asyncio.timeout(SETTLE_S):
        while not holds((await store.store.database.read(lambda tx: tx.execute(select).fetchone()))[0]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def online(store: Running) -> None:
    await until(store, "SELECT count(*) FROM head_office_line WHERE state = 'online' AND read_at IS NOT NULL", bool)


async def cut(store: Running) -> None:
    """The line is down, and the store knows it."""
    assert store.store.head_office is not None
    await store.store.head_office.stop()
    await store.store.database.write(lambda tx: note_line(tx, online=False, now_ms=store.store.door.now_ms()))


def make_deaf(store: Running, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The store's line is up, but it reads nothing before the event."""
    hears, line = asyncio.Event(), store.store.head_office
    assert line is not None
    reader = line.puller._reader
    keep_page = reader.keep_page

    async def keep_late(page: ApplyPage) -> tuple[str, ...]:
        await hears.wait()
        return await keep_page(page)

    monkeypatch.setattr(reader, "keep_page", keep_late)
    return hears


async def branch(stack: contextlib.AsyncExitStack, hub: RunningHub, folder: Path, code: str) -> Running:
    """A store that had its offer before it joined."""
    config = make_config(folder, store={"code": code, "data_dir": "data"}, **SETTINGS)
    async with running_store(config) as alone:
        assert (await alone.call("PUT", "/v1/offers/CHOC20", OFFER, role="manager")).status == 201
        assert (await alone.call("PUT", "/v1/products/GC", CARD, role="manager")).status == 201
        await alone.open_shift()
    _, enrolment_code = await hub.add_store(code)
    await asyncio.to_thread(enrol, config, hub.url, enrolment_code)
    store = await stack.enter_async_context(running_store(config))
    await online(store)
    return store


async def reconnect(stack: contextlib.AsyncExitStack, store: Running) -> None:
    """The line of a store is up again: a new client on the same database."""
    line = make_head_office(store.store.door, lambda: None)
    assert line is not None
    line.start()
    stack.push_async_callback(line.stop)
    store.store.head_office = line
