"""Somebody at a kiosk calls the staff: every till hears of it at once, until somebody goes there."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.web.help_waiting import FORGOTTEN_AFTER_MS, HelpCalls
from loyalty.transactions import Tx
from tests.kiosk.shopkit import Running, make_config, running_store
from tests.kiosk.web.test_events import Listener, listen

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as running:
        yield running


async def waiting(running: Running) -> list[str]:
    found = await running.call("GET", "/v1/help-calls")
    assert found.status == 200
    assert found.json["next"] is None
    return [each["id"] for each in found.json["items"]]


async def test_a_call_waits_once_until_somebody_goes_there(running: Running) -> None:
    first = await running.call("POST", "/v1/help-calls", role="kiosk")
    again = await running.call("POST", "/v1/help-calls", role="kiosk")
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert set(first.json) == {"id", "kiosk", "at"}
    assert await waiting(running) == [first.json["id"]]
    for _ in range(2):
        assert (await running.call("DELETE", f"/v1/help-calls/{first.json['id']}")).status == 204
    assert await waiting(running) == []
    later = await running.call("POST", "/v1/help-calls", role="kiosk")
    assert later.json["id"] != first.json["id"]


async def test_the_kiosk_takes_its_own_call_back(running: Running) -> None:
    await running.call("POST", "/v1/help-calls", role="kiosk")
    for _ in range(2):
        assert (await running.call("DELETE", "/v1/help-calls", role="kiosk")).status == 204
    assert await waiting(running) == []


async def test_every_listener_hears_of_a_call_and_of_its_end_and_loses_no_entry(running: Running) -> None:
    async with listen(running) as response:
        listener = Listener(response)
        head = await listener.hear()
        assert head.event == "head"
        call = await running.call("POST", "/v1/help-calls", role="kiosk")
        rung = await listener.hear()
        assert (rung.id, rung.event) == (head.id, "help.changed")
        await running.open_shift()
        opened = await listener.hear()
        assert (opened.event, opened.seq) == ("shift.opened", head.seq + 1)
        await running.call("DELETE", f"/v1/help-calls/{call.json['id']}")
        ended = await listener.hear()
        assert (ended.id, ended.event) == (opened.id, "help.changed")


async def test_who_listens_later_hears_that_there_was_a_call(running: Running) -> None:
    await running.call("POST", "/v1/help-calls", role="kiosk")
    async with listen(running) as response:
        listener = Listener(response)
        assert [(await listener.hear()).event for _ in range(2)] == ["head", "help.changed"]


async def test_a_call_is_no_fact_of_the_books(running: Running) -> None:
    def entries(tx: Tx) -> list[tuple[int]]:
        return tx.execute("SELECT count(*) FROM journal").fetchall()

    before = await running.store.database.read(entries)
    await running.call("POST", "/v1/help-calls", role="kiosk")
    assert await running.store.database.read(entries) == before


def test_each_kiosk_has_one_call_and_the_oldest_comes_first() -> None:
    rung: list[int] = []
    ids = iter(UUID(int=number) for number in range(10, 20))
    calls = HelpCalls(lambda: rung.append(calls.changes))
    second = calls.begin(TWO, "K02", 1_000, lambda: next(ids))
    first = calls.begin(ONE, "K01", 500, lambda: next(ids))
    assert calls.begin(ONE, "K01", 2_000, lambda: next(ids)) == first
    assert calls.waiting(2_000) == [first, second]
    calls.answer(second.id)
    calls.answer(second.id)
    calls.take_back(TWO)
    assert calls.waiting(2_000) == [first]
    assert rung == [1, 2, 3]


def test_nobody_stands_at_a_kiosk_for_ever() -> None:
    calls = HelpCalls(lambda: None)
    old = calls.begin(ONE, "K01", 0, lambda: UUID(int=10))
    assert calls.waiting(FORGOTTEN_AFTER_MS - 1) == [old]
    assert calls.waiting(FORGOTTEN_AFTER_MS) == []
    assert calls.begin(ONE, "K01", FORGOTTEN_AFTER_MS, lambda: UUID(int=11)).id == UUID(int=11)
