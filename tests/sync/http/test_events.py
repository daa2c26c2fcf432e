"""Server-sent events over a real socket: nothing lost, nothing twice, and an end that is clean."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from sync.http import events
from sync.http.calls import Call
from sync.http.events import STREAMS, Bell, Event, encode_event, serve_events
from sync.http.routes import PUBLIC, Route

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve, Served


def sale(number: int) -> dict[str, object]:
    return {"id": str(uuid.UUID(int=number)), "lines": []}


async def read_ids(response: aiohttp.ClientResponse, count: int) -> list[str]:
    ids: list[str] = []
    async with asyncio.timeout(120):
        while len(ids) < count:
            line = await response.content.readline()
            assert line, "the stream ended early"
            if line.startswith(b"id: "):
                ids.append(line[4:].strip().decode())
    return ids


async def test_a_listener_hears_what_was_and_what_comes(served: Served) -> None:
    for number in range(7):
        await served.client.post("/v1/sales", json=sale(number))
    async with served.client.get("/v1/events") as response:
        assert response.content_type == "text/event-stream"
        assert await read_ids(response, 7) == ["1", "2", "3", "4", "5", "6", "7"]
        await served.client.post("/v1/sales", json=sale(7))
        assert await read_ids(response, 1) == ["8"]


async def test_a_listener_goes_on_where_its_line_broke(served: Served) -> None:
    for number in range(5):
        await served.client.post("/v1/sales", json=sale(number))
    async with served.client.get("/v1/events", headers={"Last-Event-ID": "3"}) as response:
        assert await read_ids(response, 2) == ["4", "5"]


async def test_news_come_at_once_and_not_with_the_heartbeat(serve: Serve) -> None:
    sent: list[Event] = []
    bell = Bell()

    async def read_after(cursor: str | None) -> Sequence[Event]:
        return sent[int(cursor or 0) :]

    async def follow(call: Call[object, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, read_after, bell.wait, heartbeat_s=3600)

    served = await serve(
        extra=[Route(method="GET", path="/e", handler=follow, summary="", tag="x", roles=PUBLIC, response=bytes)]
    )
    async with served.client.get("/e") as response:
        for number in range(1, 50):
            sent.append(Event(str(number), "news", b"{}"))
            bell.ring()
            assert await read_ids(response, 1) == [str(number)]


async def test_news_that_come_while_the_source_is_read_are_not_missed(serve: Serve) -> None:
    sent: list[Event] = []
    bell = Bell()

    async def read_after(cursor: str | None) -> Sequence[Event]:
        answer = sent[int(cursor or 0) :]
        if not answer and not sent:
            sent.append(Event("1", "news", b"{}"))
            bell.ring()
        return answer

    async def follow(call: Call[object, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, read_after, bell.wait, heartbeat_s=3600)

    served = await serve(
        extra=[Route(method="GET", path="/e", handler=follow, summary="", tag="x", roles=PUBLIC, response=bytes)]
    )
    async with served.client.get("/e") as response:
        assert await read_ids(response, 1) == ["1"]


async def test_an_idle_stream_shows_that_it_lives(served: Served) -> None:
    async with served.client.get("/v1/events") as response, asyncio.timeout(120):
        while await response.content.readline() != b": still here\n":
            pass


async def test_a_stop_ends_open_streams_at_once(served: Served) -> None:
    served.runner._shutdown_timeout = 3600.0  # so long it would wait for a stream that does not end by itself
    async with served.client.get("/v1/events") as response:
        await response.content.readline()
        async with asyncio.timeout(120):
            await served.runner.cleanup()
            rest = await response.content.read()
    assert rest.endswith(b"\n\n") or rest == b"\n"


async def test_a_stream_ends_after_its_lifetime(serve: Serve) -> None:
    async def nothing(_cursor: str | None) -> Sequence[Event]:
        return ()

    async def follow(call: Call[object, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, nothing, Bell().wait, lifetime_s=0.1)

    served = await serve(
        extra=[Route(method="GET", path="/e", handler=follow, summary="", tag="x", roles=PUBLIC, response=bytes)]
    )
    async with asyncio.timeout(120), served.client.get("/e") as response:
        assert await response.read() == b"retry: 2000\n\n"


async def test_a_listener_that_does_not_read_is_dropped(serve: Serve) -> None:
    async def endless(cursor: str | None) -> Sequence[Event]:
        return [Event(str(int(cursor or 0) + 1), "news", b"x" * 500_000)]

    async def follow(call: Call[object, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, endless, Bell().wait, write_timeout_s=0.2)

    served = await serve(
        extra=[Route(method="GET", path="/e", handler=follow, summary="", tag="x", roles=PUBLIC, response=bytes)]
    )
    with socket.create_connection(("127.0.0.1", served.port)) as listener:
        listener.sendall(b"GET /e HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams = served.runner.app[STREAMS].open
        seen: list[int] = []
        for _ in range(12_000):
            seen.append(len(streams))
            if seen[-1] == 0 and 1 in seen:
                break
            await asyncio.sleep(0.01)
        assert 1 in seen, "it never listened"
        assert seen[-1] == 0, "it was never dropped"
    assert (await served.client.get("/till")).status == 200


async def test_a_broken_source_cuts_the_stream_and_mixes_nothing_into_it(serve: Serve) -> None:
    async def break_off(cursor: str | None) -> Sequence[Event]:
        if cursor:
            raise RuntimeError("lost")
        return [Event("1", "news", b"{}")]

    async def follow(call: Call[object, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, break_off, Bell().wait)

    served = await serve(
        extra=[Route(method="GET", path="/e", handler=follow, summary="", tag="x", roles=PUBLIC, response=bytes)]
    )
    answer = await served.send_raw("GET /e HTTP/1.1\nHost: localhost\n\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"id: 1" in answer
    assert b"problem" not in answer


async def test_too_many_streams_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 1)
    async with served.client.get("/v1/events") as response:
        await response.content.readline()
        async with served.client.get("/v1/events") as second:
            assert second.status == 429
            assert second.headers["Retry-After"] == "5"
            assert second.content_type == "application/problem+json"


@pytest.mark.parametrize("cursor", ["x" * 201, "a\tb"])
async def test_a_cursor_that_cannot_be_ours_is_refused(served: Served, cursor: str) -> None:
    async with served.client.get("/v1/events", headers={"Last-Event-ID": cursor}) as response:
        assert response.status == 422


async def test_head_of_a_stream_ends(served: Served) -> None:
    async with asyncio.timeout(120), served.client.head("/v1/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", b"data: \n"),
        (b"{}", b"data: {}\n"),
        (b"a\nb", b"data: a\ndata: b\n"),
        (b"a\r\nb\rc\n", b"data: a\ndata: b\ndata: c\ndata: \n"),
    ],
)
def test_data_of_several_lines(data: bytes, lines: bytes) -> None:
    assert encode_event(Event("7", "sale", data)) == b"id: 7\nevent: sale\n" + lines + b"\n"


@pytest.mark.parametrize(("id_", "name"), [("a\nb", "x"), ("a\0", "x"), ("a", "x\ndata: y")])
def test_an_event_cannot_smuggle_a_field(id_: str, name: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        encode_event(Event(id_, name, b""))
