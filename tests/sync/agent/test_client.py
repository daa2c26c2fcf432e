"""The line to head office against whatever may answer at its address: only a problem document is a refusal."""

import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from aiohttp import web

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.protocol.messages import BODY_BYTES_MAX, Push, SessionOpen
from sync.protocol.packing import unpack

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PULL = b'{"timeline": 1, "cursor": "c", "items": [], "buckets": []}'


@contextlib.asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[HubClient]:
    """A client of somebody who answers every call with `handler`."""
    app = web.Application(handler_args={"auto_decompress": False})
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = HubClient("http://{}:{}/".format(*runner.addresses[0][:2]))
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


async def test_a_batch_goes_up_packed_with_the_sessions_token() -> None:
    seen: dict[str, object] = {}

    async def push(request: web.Request) -> web.Response:
        seen.update(request.headers)
        seen["body"] = unpack(await request.read(), request.headers["Content-Encoding"])
        return web.Response(body=b'{"request":1,"timeline":1,"outcome":"acknowledged","epoch":"00","seq":1,"hash":"x"}')

    async with answering(push) as client:
        message = Push(
            request=1,
            timeline=1,
            epoch="0" * 16,
            from_seq=1,
            previous="0" * 64,
            max_seq=0,
            max_hash="0" * 64,
            ops=(),
            signature="0" * 128,
        )
        assert (await client.push("token-of-session", message)).outcome == "acknowledged"
    assert seen["Authorization"] == "Bearer token-of-session"
    assert b'"from_seq":1' in seen["body"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>Sign in to the guest network</html>"),
        (200, b'{"timeline": "one"}'),
        (200, b"\xff\xfe"),
        (204, b""),
        (302, b""),
        (502, b"<html>Bad Gateway</html>"),
        (500, b""),
    ],
)
async def test_what_is_no_head_office_is_silence(status: int, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={"Location": "http://127.0.0.1:9/"})

    async with answering(answer) as client:
        with pytest.raises(HubSilent):
            await client.pull("token", None, ())


@pytest.mark.parametrize(("retry_after", "wait_ms"), [("7", 7_000), ("soon", 0), ("-1", 0), (None, 0), ("९", 0)])
async def test_a_problem_is_a_refusal_with_its_code_and_wait(retry_after: str | None, wait_ms: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Retry-After": retry_after} if retry_after is not None else {}
        return web.Response(status=409, body=b'{"code": "fenced", "title": "No.", "fence": 9}', headers=headers)

    async with answering(answer) as client:
        with pytest.raises(HubRefused) as refused:
            await client.pull("token", None, ())
    assert (refused.value.refusal, refused.value.fence, refused.value.retry_after_ms) == ("fenced", 9, wait_ms)


async def test_an_opening_that_was_turned_away_names_its_place_until_it_is_let_in() -> None:
    sent: list[str | None] = []
    turns = iter(["01996a00-0000-7000-8000-000000000007", "<b>no name</b>", "01996a00-0000-7000-8000-000000000008"])

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Counterfoil-Turn"))
        turn = next(turns, None)
        if turn is None:
            held = {"timeline": 1, "hub_time": 0, "protocol": 1, "credits": 1, "heads": []}
            return web.json_response({"session": "t" * 16, "fence": 1, **held}, status=201)
        headers = {"Counterfoil-Turn": turn, "Retry-After": "1"}
        return web.Response(status=429, body=b'{"code": "too_many_requests"}', headers=headers)

    opening = SessionOpen(
        store=UUID(int=7),
        run="0" * 32,
        count=1,
        fence=0,
        protocol_min=1,
        protocol_max=1,
        version="1",
        heads=(),
        sent_at=0,
        signature="0" * 128,
    )
    async with answering(answer) as client:
        for _ in range(3):
            with pytest.raises(HubRefused):
                await client.open_session(opening)
        await client.open_session(opening)
        await client.open_session(opening)
    kept = "01996a00-0000-7000-8000-00000000000"
    assert sent == [None, kept + "7", None, kept + "8", None]


async def test_a_few_kilobytes_that_unpack_to_much_are_not_taken() -> None:
    bomb = gzip.compress(b" " * (BODY_BYTES_MAX + 1) + PULL)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with answering(answer) as client:
        with pytest.raises(HubSilent):
            await client.pull("token", None, ())


async def test_a_token_does_not_follow_a_redirect() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with answering(answer) as client:
        with pytest.raises(HubSilent):
            await client.pull("token", None, ())
    assert asked == ["/sync/v1/pull"]


async def test_nobody_there_is_silence() -> None:
    client = HubClient("http://127.0.0.1:9")
    with pytest.raises(HubSilent):
        await client.pull("token", None, ())
    await client.close()
