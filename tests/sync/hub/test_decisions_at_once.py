"""Two people at head office decide at the same instant: the second sees what the first has said."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from loyalty.transactions import Tx
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.applier import apply_next
from sync.hub.inbox import lock_epoch
from sync.hub.state import read_timeline
from tests.sync.hub.appliers.office import Shop as Bookkeeper
from tests.sync.hub.appliers.office import take_in
from tests.sync.hub.hubkit import RunningHub
from tests.sync.hub.test_bundles import MILK, OFFER

_PATIENCE_S = 60
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@contextlib.asynccontextmanager
async def journal_held(hub: RunningHub) -> AsyncIterator[None]:
    """Somebody else is writing in head office's journal until this ends."""
    entered, release = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        lock_epoch(tx, HEAD_OFFICE, read_timeline(tx), hub.clock.now_ms)
        entered.set()
        assert release.wait(_PATIENCE_S)

    held = asyncio.create_task(hub.hub.database.write(hold))
    assert await asyncio.to_thread(entered.wait, _PATIENCE_S)
    try:
        yield
    finally:
        release.set()
        await held


async def wait_until_waiting(hub: RunningHub, count: int) -> None:
    """So many transactions wait for a row that another one holds."""

    def look(tx: Tx) -> int:
        return int(tx.execute(_WAITING).fetchall()[0][0])

    async with asyncio.timeout(_PATIENCE_S):
        while await hub.hub.database.read(look) < count:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.01)


async def at_once(hub: RunningHub, *asked: tuple[str, str, object]) -> list[tuple[int, dict[str, Any]]]:
    """The answers to calls all of which began before any of them could decide."""
    token = await hub.office()
    async with journal_held(hub):
        calls = [asyncio.create_task(hub.call(*each, token=token)) for each in asked]
        await wait_until_waiting(hub, len(calls))
    return sorted(await asyncio.gather(*calls), key=lambda answer: answer[0])


@pytest.mark.parametrize("begun", [False, True])
async def test_a_thing_is_made_by_one_and_the_other_needs_its_tag(hub: RunningHub, begun: bool) -> None:
    if begun:
        assert (await hub.call("PUT", "/v1/offers/E", OFFER, token=await hub.office()))[0] == 201
    other = {**OFFER, "title": {"en": "Another week"}}
    answers = await at_once(hub, ("PUT", "/v1/offers/D", OFFER), ("PUT", "/v1/offers/D", other))
    assert [status for status, _ in answers] == [201, 428], answers


async def test_a_campaign_is_made_by_one_and_the_other_needs_its_tag(hub: RunningHub) -> None:
    asked = {"title": "Summer", "offers": {"D": OFFER}}
    answers = await at_once(
        hub, ("PUT", "/v1/campaigns/summer", asked), ("PUT", "/v1/campaigns/summer", {**asked, "title": "Sun"})
    )
    assert [status for status, _ in answers] == [201, 428], answers


async def test_a_barcode_is_given_to_one_product(hub: RunningHub) -> None:
    answers = await at_once(hub, ("PUT", "/v1/products/100", MILK), ("PUT", "/v1/products/200", MILK))
    assert [status for status, _ in answers] == [201, 422], answers
    assert answers[1][1]["code"] == "decision_refused"


async def test_a_member_is_merged_and_forgotten_once(hub: RunningHub) -> None:
    shop = Bookkeeper(at_ms=hub.clock.now_ms - 60_000)
    one, two = shop.id(), shop.id()
    shop.enrol(one, "+48600100200")
    shop.enrol(two, "+48600100201")
    database, now_ms = hub.hub.database, hub.clock.now_ms
    await database.write(lambda tx: take_in(tx, shop.store, shop.epoch, shop.ops, now_ms, 0))
    await database.write(lambda tx: apply_next(tx, shop.store, shop.epoch, now_ms))
    command = {"id": str(hub.new_id()), "absorbed": str(two), "into": str(one)}
    answers = await at_once(hub, *[("POST", "/v1/member-merges", command)] * 2)
    assert [status for status, _ in answers] == [200, 201], answers
    answers = await at_once(hub, *[("POST", f"/v1/members/{one}/erase", None)] * 2)
    assert sorted(len(answer["erased"]) for _, answer in answers) == [0, 2], answers
    _, letters = await hub.call("GET", "/v1/dead-letters", token=await hub.office())
    assert letters["items"] == []
