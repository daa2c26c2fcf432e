"""A printer on a real socket that misbehaves on command: it knows DLE EOT, GS r 1 and how to be broken."""

import asyncio
import re
from types import TracebackType
from typing import Self

_REAL_TIME = re.compile(rb"\x10\x04([\x01-\x04])")
_BARRIER = b"\x1dr\x01"
_ANSWERS = {
    "ready": {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12},
    "paper out": {1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x7E},
    "cover open": {1: 0x1A, 2: 0x16, 3: 0x12, 4: 0x12},
}
_AUTO = {"ready": b"\x10\x00\x00\x0f", "paper out": b"\x18\x00\x0c\x0f", "cover open": b"\x38\x00\x00\x0f"}


class FakePrinter:
    """Everything it was sent but questions is in `received`, one entry per connection."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self.state = "ready"
        self.state_on_data: str | None = None
        """Falls into this state when the first byte of a job arrives."""
        self.answers = True
        self.confirms = True
        self.reading = asyncio.Event()
        self.reading.set()
        """Clear it, and it takes no more data."""
        self.reports = True
        """Whether it sends its status by itself."""
        self.breaks_after: int | None = None
        """Resets the connection once it has taken that many bytes of a job."""
        self.closes_politely = False
        self.got_data = asyncio.Event()
        self._held: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def printed(self) -> bytes:
        """Everything, whatever connection it came by."""
        return b"".join(self.received)

    def turn(self, state: str) -> None:
        """Become ready, run out of paper or open the cover; tell everybody connected."""
        self.state = state
        if self.reports:
            for writer in self._writers:
                writer.write(_AUTO[state])
        if state == "ready":
            for writer in self._held:
                writer.write(b"\x00")
            self._held.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self.received.append(b"")
        self._writers.add(writer)
        try:
            while True:
                await self.reading.wait()
                data = await reader.read(512)
                if not data:
                    return
                self._take(number, data, writer)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, number: int, data: bytes, writer: asyncio.StreamWriter) -> None:
        questions = _REAL_TIME.findall(data)
        job = _REAL_TIME.sub(b"", data)
        barrier = job.endswith(_BARRIER)
        job = job.removesuffix(_BARRIER)
        self.received[number] += job
        if job:
            if self.state_on_data is not None:
                state, self.state_on_data = self.state_on_data, None
                self.turn(state)
            self.got_data.set()
        if self.breaks_after is not None and len(self.received[number]) >= self.breaks_after:
            self.received[number] = self.received[number][: self.breaks_after]
            if self.closes_politely:
                writer.close()
            else:
                writer.transport.abort()
            raise ConnectionAbortedError
        if self.answers:
            for question in questions:
                writer.write(bytes([_ANSWERS[self.state][question[0]]]))
        if barrier and self.confirms:
            if self.state == "ready":
                writer.write(b"\x00")
            else:
                self._held.append(writer)
