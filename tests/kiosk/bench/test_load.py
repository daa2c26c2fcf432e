"""Several tills at once against a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from kiosk.bench.client import Answer, Connection, ConnectionLost, connect, encode_request
from kiosk.bench.load import measure

PAUSE_S = 0.02


class Server:
    """Answers after a pause, and remembers the order of what it was asked and how much at once."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def answer(self, asked: web.Request) -> web.Response:
        self.asked.append(asked.path)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(PAUSE_S)
        self.at_once -= 1
        if asked.path == "/dies":
            assert asked.transport is not None
            asked.transport.abort()
        return web.Response(status=503 if asked.path == "/full" else 200, body=b"{}")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    application = web.Application()
    application.router.add_get("/{any}", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield made
    await runner.cleanup()


async def connect_tills(server: Server, count: int) -> list[Connection]:
    return [await connect(server.url) for _ in range(count)]


def asking(*paths: str) -> list[bytes]:
    return [encode_request("GET", path, "till") for path in paths]


async def test_tills_run_side_by_side_each_in_its_own_order(server: Server) -> None:
    tills = await connect_tills(server, 4)
    seen: list[Answer] = []
    load = await measure(
        tills, [asking(*(f"/{till}-{n}" for n in range(5))) for till in range(4)], (50, 100), seen.append
    )
    assert load.requests == len(seen) == 20
    assert load.answers == {200: 20}
    assert server.most_at_once == 4
    for till in range(4):
        assert [path for path in server.asked if path.startswith(f"/{till}-")] == [f"/{till}-{n}" for n in range(5)]
    for connection in tills:
        connection.close()


async def test_latencies_and_rate_agree_with_the_servers_pause(server: Server) -> None:
    (till,) = await connect_tills(server, 1)
    load = await measure([till], [asking(*["/a"] * 5)])
    assert PAUSE_S * 1000 <= load.latency_ms["p50"] <= load.latency_ms["p99"] <= load.elapsed_s * 1000
    assert load.elapsed_s >= 5 * PAUSE_S
    assert load.per_s == pytest.approx(5 / load.elapsed_s)
    assert 0 < load.client_cpu_ms < load.elapsed_s * 1000
    till.close()


async def test_every_status_is_counted(server: Server) -> None:
    tills = await connect_tills(server, 2)
    load = await measure(tills, [asking("/a", "/full"), asking("/full")])
    assert load.answers == {200: 1, 503: 2}
    for connection in tills:
        connection.close()


async def test_a_till_that_loses_its_connection_ends_the_run_for_all(server: Server) -> None:
    tills = await connect_tills(server, 2)
    with pytest.raises(ConnectionLost):
        await measure(tills, [asking("/dies"), asking(*["/a"] * 1000)])
    assert len(server.asked) < 100
    for connection in tills:
        connection.close()


async def test_a_run_needs_requests_and_as_many_tills_as_lists(server: Server) -> None:
    (till,) = await connect_tills(server, 1)
    with pytest.raises(ValueError, match="own requests"):
        await measure([till], [])
    with pytest.raises(ValueError, match="nothing"):
        await measure([till], [[]])
    till.close()
