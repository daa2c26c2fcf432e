"""The store's event stream: what was committed, in order, from where the listener left."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.kiosk.shopkit import Running, make_config, running_store


class Heard(NamedTuple):
    """One event of the stream."""

    id: str
    event: str
    data: dict[str, object]

    @property
    def seq(self) -> int:
        return int(self.id.partition(":")[2])


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as running:
        await running.open_shift()
        yield running


class Listener:
    """Somebody who listens from a cursor on."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def hear(self) -> Heard:
        """The next event; blank lines and signs of life are passed over."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(120):
            async for raw in self.response.content:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                elif "id" in fields:
                    return Heard(fields["id"], fields["event"], json.loads(fields["data"]))
        raise AssertionError("the stream ended")


def listen(running: Running, cursor: str | None = None) -> "aiohttp.client._RequestContextManager":
    headers = {"Authorization": f"Bearer {running.tokens['cashier']}"}
    if cursor is not None:
        headers["Last-Event-ID"] = cursor
    return running.client.get("/v1/events", headers=headers)


async def mark(running: Running) -> tuple[str, int]:
    """Epoch and number of the newest entry."""
    sold = await running.sell()
    return sold.json["journal"]["epoch"], sold.json["journal"]["seq"]


async def test_a_listener_begins_at_the_head_and_hears_what_comes(running: Running) -> None:
    epoch, seq = await mark(running)
    async with listen(running) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        listener = Listener(response)
        assert await listener.hear() == Heard(f"{epoch}:{seq}", "head", {"epoch": epoch, "seq": seq})
        sold = await running.sell()
        heard = await listener.hear()
        assert (heard.id, heard.event) == (f"{epoch}:{seq + 1}", "sale.completed")
        assert heard.data["op_id"] == sold.json["id"]


async def test_a_listener_goes_on_behind_the_last_event_it_has_seen(running: Running) -> None:
    epoch, seq = await mark(running)
    sold = [(await running.sell()).json for _ in range(5)]
    async with listen(running, f"{epoch}:{seq}") as response:
        listener = Listener(response)
        heard = [await listener.hear() for _ in sold]
    assert [event.seq for event in heard] == list(range(seq + 1, seq + 6))
    assert [event.data["op_id"] for event in heard] == [each["id"] for each in sold]
    async with listen(running, heard[2].id) as response:
        assert (await Listener(response).hear()).id == heard[3].id


async def test_the_whole_life_can_be_heard_in_order_without_a_gap(running: Running) -> None:
    epoch, seq = await mark(running)
    async with listen(running, f"{epoch}:0") as response:
        listener = Listener(response)
        heard = [await listener.hear() for _ in range(seq)]
    assert [event.seq for event in heard] == list(range(1, seq + 1))
    assert heard[0].event == "epoch.started"
    assert {event.id.partition(":")[0] for event in heard} == {epoch}


@pytest.mark.parametrize(
    "cursor",
    [
        "0000000000000000:3",
        "{epoch}",
        "{epoch}:",
        "{epoch}:x",
        "{epoch}:-1",
        "{epoch}:٣",
        "{epoch}:1e3",
        "7",
        "{epoch}:" + "9" * 40,
    ],
)
async def test_a_cursor_of_another_life_or_of_nowhere_begins_at_the_head(running: Running, cursor: str) -> None:
    epoch, seq = await mark(running)
    async with listen(running, cursor.replace("{epoch}", epoch)) as response:
        assert await Listener(response).hear() == Heard(f"{epoch}:{seq}", "head", {"epoch": epoch, "seq": seq})


async def test_a_cursor_ahead_of_the_journal_waits_for_it(running: Running) -> None:
    epoch, seq = await mark(running)
    async with listen(running, f"{epoch}:{seq + 1}") as response:
        listener = Listener(response)
        await running.sell()
        await running.sell()
        assert (await listener.hear()).seq == seq + 2


async def test_what_was_refused_is_not_heard(running: Running) -> None:
    epoch, seq = await mark(running)
    async with listen(running, f"{epoch}:{seq}") as response:
        listener = Listener(response)
        assert (await running.sell("nothing")).status == 422
        await running.sell()
        assert (await listener.hear()).seq == seq + 1


async def test_no_personal_data_is_in_the_stream(running: Running) -> None:
    epoch, seq = await mark(running)
    member = {
        "id": "01997e7c-0000-7000-8000-000000000001",
        "name": "Anna Kowalska",
        "phone": "600 100 200",
        "locale": "pl",
    }
    assert (await running.call("POST", "/v1/members", {**member, "consents": []})).status == 201
    async with listen(running, f"{epoch}:{seq}") as response:
        heard = await Listener(response).hear()
    assert heard.event == "member.enrolled"
    assert set(heard.data) == {"seq", "kind", "op_id"}


async def test_many_listeners_hear_the_same(running: Running) -> None:
    epoch, seq = await mark(running)
    responses = [await listen(running, f"{epoch}:{seq}") for _ in range(10)]
    try:
        await running.sell()
        heard = await asyncio.gather(*(Listener(response).hear() for response in responses))
    finally:
        for response in responses:
            response.close()
    assert len({event.id for event in heard}) == 1
