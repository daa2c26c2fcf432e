"""HTTP without sockets: the product's own application answers, and the product's own client asks, in virtual time.

reply = await answer(app, "POST", "/v1/sales", {"Authorization": "Bearer x"}, b"{}")
client = line_client(line)          # a HubClient whose connections are a Line
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextvars import Context
from typing import Any, NamedTuple, cast
from unittest import mock

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.typedefs import Middleware
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from kiosk.simulate.network import Network
from loyalty.errors import Problem
from sync.agent.client import HubClient
from sync.http.application import build_app
from sync.http.limits import Limits, Rate
from sync.http.openapi import About
from sync.http.routes import Route

LOST_S = 8.0
"""After so long an answer that has not come is taken for lost; head office holds a question back for a while more."""

PIECE_BYTES = 4096
_NO_LIMITS = Limits(general=Rate(per_s=1e9, burst=10**9), sensitive=Rate(per_s=1e9, burst=10**9))


class Reply(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Written(AbstractStreamWriter):
    """What a handler sends piece by piece."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.length = 0

    async def write(self, chunk: Any) -> None:  # noqa: ANN401  aiohttp's interface
        self.body += chunk

    async def write_eof(self, chunk: bytes = b"") -> None:
        self.body += chunk

    async def drain(self) -> None: ...
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None: ...
    def enable_chunking(self) -> None: ...
    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None: ...


class _Protocol:
    """What aiohttp asks of a connection."""

    ssl_context = None
    peername = sockname = ("127.0.0.1", 1)
    transport = None

    def resume_reading(self, *, resume_parser: bool = True) -> None: ...


_PROTOCOL: Any = _Protocol()


def make_app(routes: Iterable[Route], resolve: Any, *before: Middleware) -> web.Application:  # noqa: ANN401  auth.Resolve
    """The product's application over these routes, with what stands before every handler. Its document is left out:
    nobody reads it here."""
    with mock.patch("sync.http.application.describe_routes", return_value=b"{}"):
        app = build_app(routes, about=About("simulated", "0"), resolve=resolve, limits=_NO_LIMITS)
    app.middlewares.extend(before)
    app.freeze()
    return app


async def answer(app: web.Application, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Let the application answer."""
    loop = asyncio.get_running_loop()
    payload = StreamReader(_PROTOCOL, 2**16, loop=loop)
    payload.feed_data(body)
    payload.feed_eof()
    written = _Written()
    sent_headers = CIMultiDictProxy(CIMultiDict({"Host": "localhost", **headers}))
    message = RawRequestMessage(
        method, target, HttpVersion11, sent_headers, (), False, None, False, False, URL(target, encoded=True)
    )
    request = web.Request(message, payload, _PROTOCOL, written, cast("Any", None), loop)
    response = await app._handle(request)
    assert isinstance(response, web.StreamResponse)
    sent = bytes(written.body) if response.prepared else bytes(getattr(response, "body", None) or b"")
    return Reply(response.status, dict(response.headers), sent)


class Line:
    """Between one store and head office. `serve` answers there, or nothing while nobody is there."""

    def __init__(
        self,
        name: str,
        network: Network,
        serve: Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply | None]],
    ) -> None:
        self.name, self.serve, self._network = name, serve, network
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TimeoutError when nothing came back."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[Reply] = loop.create_future()
        what = f"{method} {target.partition('?')[0]}"

        async def at_hub() -> None:
            reply = await self.serve(method, target, headers, body)
            if reply is not None:
                self._network.send(self.name, f"{self.name} <- {what}", lambda: hear(reply))

        def hear(reply: Reply) -> None:
            if not heard.done():
                heard.set_result(reply)

        def arrive() -> None:
            # It is on its way, whatever becomes of who sent it.
            task = loop.create_task(at_hub(), context=Context())
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

        self._network.send(self.name, f"{self.name} -> {what}", arrive)
        async with asyncio.timeout(LOST_S + (PULL_WAIT_S if "/pull" in target else 0)):
            return await heard


PULL_WAIT_S = 20


class _Content:
    def __init__(self, body: bytes, *, whole: bool) -> None:
        self._body, self._whole = body, whole

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """The body in pieces. Where the line breaks the rest is missing."""
        for start in range(0, len(self._body), PIECE_BYTES):
            yield self._body[start : start + PIECE_BYTES]
        if not self._whole:
            raise aiohttp.ClientPayloadError("the line broke")


class _Response:
    def __init__(self, reply: Reply, *, whole: bool) -> None:
        self.status, self.headers = reply.status, CIMultiDict(reply.headers)
        self.content = _Content(reply.body, whole=whole)


class _Connections:
    """What HubClient asks of aiohttp.ClientSession."""

    def __init__(self, line: Line, breaks: Callable[[], float | None]) -> None:
        self._line, self._breaks = line, breaks

    @contextlib.asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str],
        **_: object,
    ) -> AsyncIterator[_Response]:
        """One call."""
        target = str(URL(url).with_query(params or {}).relative())
        reply = await self._line.ask(method, target, headers, data or b"")
        yield _Response(reply, whole=True)

    @contextlib.asynccontextmanager
    async def get(self, url: str, *, headers: Mapping[str, str], **_: object) -> AsyncIterator[_Response]:
        """A download, which may break in the middle."""
        reply = await self._line.ask("GET", str(URL(url).relative()), headers, b"")
        share = self._breaks()
        if share is None:
            yield _Response(reply, whole=True)
        else:
            yield _Response(reply._replace(body=reply.body[: int(len(reply.body) * share)]), whole=False)

    async def close(self) -> None:
        """Nothing is open."""


class LineClient(HubClient):
    """The product's client over a Line."""

    def __init__(self, url: str, line: Line, breaks: Callable[[], float | None]) -> None:
        """`breaks` says how much of a download arrives before the line breaks; None for all of it."""
        super().__init__(url)
        self._http: Any = _Connections(line, breaks)

    async def close(self) -> None:
        """Connections are the universe's."""


def code_of(reply: Reply) -> str:
    """The code of a problem document; empty for anything else."""
    import msgspec

    if reply.status < 400:
        return ""
    try:
        return str(msgspec.json.decode(reply.body)["code"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"status {reply.status}"


def is_refusal(reply: Reply, *problems: type[Problem]) -> bool:
    """Whether it says one of these."""
    return code_of(reply) in {problem.code for problem in problems}
