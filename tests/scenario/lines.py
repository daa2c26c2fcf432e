"""The line between one store and head office, in the hands of a test: cut, or an answer held up on its way back.

    async with Line.up(office.url) as line:
        branch = await Branch.joined(folder, "S001", office, url=line.url)
        line.cut()
        line.mend()
        async with line.holding(COMMANDS, 2) as answers:        # head office has granted both, the store does not know
            await branch.service.end(signal.SIGKILL)

It forwards request by request, so it knows what head office has answered before the store does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import aiohttp
from aiohttp import web
from yarl import URL

COMMANDS = "/sync/v1/commands"
_WAIT_S = 180
_NOT_FORWARDED = {"host", "connection", "content-length", "transfer-encoding", "date", "server"}


class Line:
    """Forwards to head office while it is up. `url` is where the store finds it."""

    def __init__(self, office_url: str, client: aiohttp.ClientSession) -> None:
        self.url = ""
        self._office_url, self._client = office_url, client
        self._is_up = True
        self._requests: set[asyncio.Task[web.Response]] = set()
        self._held_path = ""
        self._granted: asyncio.Queue[bytes] = asyncio.Queue()
        self._released = asyncio.Event()

    @classmethod
    @contextlib.asynccontextmanager
    async def up(cls, office_url: str) -> AsyncIterator["Line"]:
        """Forward until the block ends."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as client:
            line = cls(office_url, client)
            app = web.Application(client_max_size=2**30)
            app.router.add_route("*", "/{path:.*}", line._forward)
            runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            line.url = "http://{}:{}".format(*runner.addresses[0][:2])
            try:
                yield line
            finally:
                line.cut()
                await runner.cleanup()

    def cut(self) -> None:
        """Nothing goes through any more; what is under way is lost."""
        self._is_up = False
        self.lose()

    def mend(self) -> None:
        """It works again."""
        self._is_up = True

    def lose(self) -> None:
        """Everything that is under way is lost, answers that are held too."""
        for request in self._requests:
            request.cancel()

    @contextlib.asynccontextmanager
    async def holding(self, path: str, count: int) -> AsyncIterator[None]:
        """From the call on, whatever head office grants at `path` is held; the block begins when `count` answers are.
        They are lost at its end, unless the store is gone anyhow."""
        self.hold(path)
        try:
            async with asyncio.timeout(_WAIT_S):
                for _ in range(count):
                    await self._granted.get()
            yield
        finally:
            self._held_path = ""
            self.lose()

    def hold(self, path: str) -> None:
        """Hold up what head office grants there from now on."""
        self._held_path, self._granted = path, asyncio.Queue()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        forwarding = asyncio.ensure_future(self._ask(request))
        self._requests.add(forwarding)
        try:
            return await forwarding
        except (asyncio.CancelledError, aiohttp.ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        finally:
            forwarding.cancel()
            self._requests.discard(forwarding)

    async def _ask(self, request: web.Request) -> web.Response:
        if not self._is_up:
            raise ConnectionResetError("the line is cut")
        body = await request.read()
        url = URL(self._office_url + request.raw_path, encoded=True)
        headers = _passed_on(request.headers)
        async with self._client.request(request.method, url, data=body or None, headers=headers) as answer:
            raw = await answer.read()
        if request.path == self._held_path and answer.status < 300:
            self._granted.put_nowait(raw)
            await asyncio.get_running_loop().create_future()
        return web.Response(status=answer.status, body=raw, headers=_passed_on(answer.headers))


def _passed_on(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED]
