"""edge: server-sent events (WHATWG HTML section 9.2) that go on where the listener lost them.

    async def follow(call: Call[Session, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, journal_events.read_after, bell.wait)

Nothing is kept per listener: the source is read again after the last id sent, in pages that the source bounds. A
listener that does not take its bytes is dropped, and comes back with Last-Event-ID like one whose line broke.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web

from loyalty.errors import InvalidInput
from sync.http.headers import headers_of
from sync.http.problems import TooManyRequests

HEARTBEAT_S = 15.0
WRITE_TIMEOUT_S = 10.0
LIFETIME_S = 900.0
STREAMS_MAX = 200
CURSOR_MAX_CHARACTERS = 200
_HEADERS = headers_of("text/event-stream")
_HEARTBEAT = b": still here\n\n"
_RETRY = b"retry: 2000\n\n"


class Streams:
    """What all streams of one application share. `stopping` is set when the service begins to stop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.open: set[web.StreamResponse] = set()


STREAMS: web.AppKey[Streams] = web.AppKey("streams", Streams)
"""Set by build_app. Long polls wait for `request.app[STREAMS].stopping` as well."""


class Event(msgspec.Struct, frozen=True):
    """One event. `id` is the cursor after it: one line of printable text; `data` is usually JSON."""

    id: str
    event: str
    data: bytes


ReadAfter = Callable[[str | None], Awaitable[Sequence[Event]]]
Wait = Callable[[], Awaitable[None]]


class Bell:
    """Wakes whoever waits for news. `ring` is called in the loop (from a thread: loop.call_soon_threadsafe)."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wakes all who wait now."""
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None

    def wait(self) -> Awaitable[None]:
        """Counts from the call on, not from the await: what rings in between is not missed."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return asyncio.shield(self._next)


def encode_event(event: Event) -> bytes:
    r"""The event's lines. Data of several lines is several fields.

    >>> encode_event(Event("7", "sale", b"a\nb"))
    b'id: 7\nevent: sale\ndata: a\ndata: b\n\n'
    """
    if not (event.id + event.event).isprintable():
        raise ValueError("an event's id and name are one line of printable text")
    lines = event.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    data = b"".join(b"data: " + line + b"\n" for line in lines)
    return f"id: {event.id}\nevent: {event.event}\n".encode() + data + b"\n"


async def serve_events(
    request: web.Request,
    read_after: ReadAfter,
    wait: Wait,
    *,
    heartbeat_s: float = HEARTBEAT_S,
    write_timeout_s: float = WRITE_TIMEOUT_S,
    lifetime_s: float = LIFETIME_S,
) -> web.StreamResponse:
    """Answers with the events after Last-Event-ID (None: wherever the source begins) until somebody ends it.

    `read_after` answers the next page, oldest first, empty when there is none. `wait` must count from its call on
    (Bell.wait does); a ring lost all the same costs one heartbeat, since every heartbeat reads again. The stream ends
    when the service stops, when the listener is gone or slower than `write_timeout_s`, and after `lifetime_s`, so that
    a revoked token does not listen for ever. Raises InvalidInput for a Last-Event-ID that cannot be one of ours,
    TooManyRequests beyond STREAMS_MAX streams.
    """
    cursor = _read_cursor(request)
    streams = request.app[STREAMS]
    if len(streams.open) >= STREAMS_MAX:
        raise TooManyRequests(retry_after_s=5)
    response = web.StreamResponse(headers=_HEADERS)
    streams.open.add(response)
    try:
        async with asyncio.timeout(lifetime_s):
            await response.prepare(request)
            listener = _Listener(request, response, write_timeout_s)
            if request.method != "HEAD":
                await listener.write(_RETRY)
                await _follow(listener, cursor, read_after, wait, heartbeat_s, streams.stopping)
    except (TimeoutError, ConnectionError):
        # Lived long enough, too slow, or gone: all come back with the id of the last event they have seen.
        return response
    finally:
        streams.open.discard(response)
    return response


class _Listener:
    """One open stream. Writing ends in ConnectionError when the listener is gone or too slow."""

    def __init__(self, request: web.Request, response: web.StreamResponse, write_timeout_s: float) -> None:
        self._request = request
        self._response = response
        self._write_timeout_s = write_timeout_s

    async def write(self, data: bytes) -> None:
        """Waits while the listener's socket is full."""
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await self._response.write(data)
        except TimeoutError as error:
            # Closing would wait for the bytes that are stuck; aborting frees them at once.
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError("the listener is too slow") from error


async def _follow(
    listener: _Listener,
    cursor: str | None,
    read_after: ReadAfter,
    wait: Wait,
    heartbeat_s: float,
    stopping: asyncio.Event,
) -> None:
    stop = asyncio.ensure_future(stopping.wait())
    try:
        while not stop.done():
            # Asked for before reading: what is added between the reading and the waiting must ring.
            news = asyncio.ensure_future(wait())
            try:
                while not stopping.is_set() and (events := await read_after(cursor)):
                    await listener.write(b"".join([encode_event(event) for event in events]))
                    cursor = events[-1].id
                done, _ = await asyncio.wait({news, stop}, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
                if news in done:
                    news.result()
                if not done:
                    await listener.write(_HEARTBEAT)
            finally:
                news.cancel()
    finally:
        stop.cancel()


def _read_cursor(request: web.Request) -> str | None:
    cursor = request.headers.get("Last-Event-ID")
    if not cursor:
        return None
    if len(cursor) > CURSOR_MAX_CHARACTERS or not cursor.isprintable():
        raise InvalidInput("Last-Event-ID is none of this service's.")
    return cursor
