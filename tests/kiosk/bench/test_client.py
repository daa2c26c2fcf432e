"""The lean client against a server that says what the test tells it to, piece by piece, and against aiohttp."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kiosk.bench.client import (
    AnswerLate,
    Connection,
    ConnectionLost,
    WrongAnswer,
    connect,
    encode_request,
)
from tests.ports import reserve_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Mark: a:b \r\n\r\nhi"
CLOSE, SILENCE = None, 0.0  # instead of bytes: the server hangs up, or says nothing more
Script = Sequence[bytes | float | None]


@asynccontextmanager
async def served(*scripts: Script) -> AsyncIterator[Connection]:
    """A connection to a server that answers its n-th request with the pieces of the n-th script."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for script in scripts:
                await reader.readuntil(b"\r\n\r\n")
                for piece in script:
                    if piece is None:
                        return
                    if isinstance(piece, float):
                        await done.wait()
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.005)
            await done.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client gave up first, as some tests want
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = await connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=120)
    try:
        yield connection
    finally:
        done.set()
        connection.close()
        server.close()
        await asyncio.sleep(0.02)


async def is_closed(connection: Connection) -> None:
    """Wait until it is."""
    async with asyncio.timeout(120):
        while connection.is_open:  # noqa: ASYNC110  it has nothing to wait on
            await asyncio.sleep(0.005)


def request(connection: Connection) -> bytes:
    return encode_request("GET", "/", connection.host)


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ([OK], 200, b"hi"),
        ([OK[:1], OK[1:20], OK[20:-4], OK[-4:-1], OK[-1:]], 200, b"hi"),
        ([OK[:-2], OK[-2:]], 200, b"hi"),
        ([bytes([byte]) for byte in OK], 200, b"hi"),
        ([b"HTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n"], 201, b""),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
        ([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], 304, b""),
        ([b"HTTP/1.1 503 \r\nCONTENT-LENGTH:\t 1\r\n\r\n\n"], 503, b"\n"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 3000 + OK], 200, b"hi"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], 200, b"hi"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + OK[:9], OK[9:]], 200, b"hi"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", b"x" * 299_999, b"y"], 200, b"x" * 299_999 + b"y"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n"], 200, b"\r\n\r\n"),
    ],
)
async def test_an_answer_is_read_however_it_is_cut(pieces: list[bytes], status: int, body: bytes) -> None:
    async with served(pieces, [OK]) as connection:
        answer = await connection.ask(request(connection))
        assert (answer.status, answer.body) == (status, body)
        assert (await connection.ask(request(connection))).body == b"hi", "the connection stays usable"


async def test_headers_are_found_in_any_case() -> None:
    async with served([OK]) as connection:
        answer = await connection.ask(request(connection))
        assert (answer.header("x-mark"), answer.header("CONTENT-LENGTH"), answer.header("date")) == ("a:b", "2", None)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"SSH-2.0-OpenSSH\r\n\r\n"],
        [b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\nhi"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi"],
        [OK + b"more"],
        [OK + OK],
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000],
    ],
)
async def test_what_is_no_plain_answer_closes_the_connection(pieces: list[bytes]) -> None:
    async with served(pieces) as connection:
        with pytest.raises(WrongAnswer):
            await connection.ask(request(connection))
        assert not connection.is_open
        with pytest.raises(ConnectionLost):
            await connection.ask(request(connection))


async def test_something_nobody_asked_for_closes_the_connection() -> None:
    async with served([OK, OK]) as connection:
        await connection.ask(request(connection))
        await is_closed(connection)


@pytest.mark.parametrize("said", [b"", OK[:5], OK[:-3], OK[:-1]])
async def test_a_server_that_dies_before_its_answer_is_complete_leaves_the_outcome_open(said: bytes) -> None:
    async with served([said, CLOSE]) as connection:
        with pytest.raises(ConnectionLost) as caught:
            await connection.ask(request(connection))
        assert "same id" in caught.value.hint
        assert not connection.is_open


async def test_a_late_answer_is_never_taken_for_that_of_the_next_request() -> None:
    async with served([OK[:-1], SILENCE], [OK]) as connection:
        with pytest.raises(AnswerLate):
            await connection.ask(request(connection), timeout_s=0.05)
        with pytest.raises(ConnectionLost):
            await connection.ask(request(connection))


async def test_a_request_that_is_given_up_takes_its_connection_along() -> None:
    async with served([SILENCE], [OK]) as connection:
        task = asyncio.create_task(connection.ask(request(connection)))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connection.is_open


async def test_a_connection_takes_one_request_at_a_time() -> None:
    async with served([SILENCE]) as connection:
        task = asyncio.create_task(connection.ask(request(connection)))
        await asyncio.sleep(0.02)
        with pytest.raises(RuntimeError, match="one request"):
            await connection.ask(request(connection))
        connection.close()
        with pytest.raises(ConnectionLost):
            await task


@pytest.mark.parametrize(
    ("head", "stays_open"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
async def test_a_last_answer_is_given_and_then_the_connection_is_closed(head: bytes, stays_open: bool) -> None:
    async with served([head + b"Content-Length: 2\r\n\r\nhi"]) as connection:
        assert (await connection.ask(request(connection))).body == b"hi"
        assert connection.is_open is stays_open


async def test_a_server_that_hangs_up_between_requests_is_noticed() -> None:
    async with served([OK, CLOSE]) as connection:
        await connection.ask(request(connection))
        await is_closed(connection)


async def test_where_nobody_listens_there_is_no_connection() -> None:
    with pytest.raises(ConnectionLost, match="cannot be reached"):
        await connect(f"http://127.0.0.1:{reserve_port()}")


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://[::1"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(WrongAnswer, match="is not an address"):
        await connect(url)


async def test_aiohttp_reads_what_is_sent_and_its_answers_are_read() -> None:
    async def echo(asked: web.Request) -> web.Response:
        body = await asked.read()
        return web.Response(
            status=201,
            body=body[::-1],
            headers={
                "X-Asked": f"{asked.method} {asked.path_qs} {asked.content_type} {asked.headers['Authorization']}"
            },
        )

    application = web.Application(client_max_size=10_000_000)
    application.router.add_route("*", "/v1/echo", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        connection = await connect(f"http://{host}:{port}/passed/over")
        for body in (b"{}", b"", b"0123456789" * 300_000):
            sent = encode_request("POST", "/v1/echo?a=%20b", connection.host, "secret", body)
            for _ in range(2):
                answer = await connection.ask(sent)
                assert (answer.status, answer.body) == (201, body[::-1])
                assert answer.header("x-asked") == "POST /v1/echo?a=%20b application/json Bearer secret"
        csv = encode_request("PUT", "/v1/echo", connection.host, "t", b"a,b", "text/csv", {"If-Match": '"1"'})
        assert (await connection.ask(csv)).header("x-asked") == "PUT /v1/echo text/csv Bearer t"
        connection.close()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "arguments",
    [
        ("GET", "/a b", "h"),
        ("GET", "/a\r\nX: y", "h"),
        ("GET", "/", "h\r\n"),
        ("GE T", "/", "h"),
        ("HEAD", "/", "h"),
        ("GET", "/", "h", "token\r\nX: y"),
        ("POST", "/", "h", "t", b"", "text/csv\n"),
        ("GET", "/", "h", None, b"", "", {"X\r\nY": "z"}),
        ("GET", "/ł", "h"),
        ("GET", "/é", "h"),
        ("GET", "/", "h", "tokén"),
    ],
)
def test_a_request_that_would_break_its_lines_is_not_made(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"ASCII|HEAD"):
        encode_request(*arguments)


def test_a_request_is_exactly_these_bytes() -> None:
    assert encode_request("GET", "/v1/store", "h:1") == b"GET /v1/store HTTP/1.1\r\nHost: h:1\r\n\r\n"
    assert encode_request("POST", "/a", "h", "t", b"{}") == (
        b"POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
