"""edge: tills that do not give up: the same request with the same id until it is answered, over any number of restarts.

    service = Supervised(StoreProcess(config_file))
    desk = Desk(service, till)
    answer = await desk.deliver("POST", "/v1/sales", order.body)

What a lost answer means (rule 1 of the design): the sale may be on the disk or not. Asking again with the same id and
the same bytes finds out and books it at most once; whatever else one could do here would lose money or take it twice.
"""

import asyncio
import time

from kiosk.bench.client import Answer, AnswerLate, Connection, ConnectionLost, connect, encode_request
from kiosk.bench.server import ServiceFailed, StoreProcess
from kiosk.bench.tills import Till

PATIENCE_S = 60.0
"""How long a till goes on asking without any answer."""

_PAUSE_S = 0.05
_RESTARTS_IN_A_ROW = 5
_ASK_AGAIN = frozenset((429, 503))


class Supervised:
    """A service that is started again when it dies, as systemd would. `restarts` counts how often."""

    def __init__(self, process: StoreProcess) -> None:
        self.process = process
        self.restarts = 0
        self._failures = 0
        self._mending = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where it answers now; a restart may move it."""
        return self.process.url

    def note_answer(self) -> None:
        """Something was answered: earlier deaths count no more."""
        self._failures = 0

    async def mend(self) -> None:
        """Start the service if it is dead. Raises ServiceFailed when that failed several times in a row."""
        async with self._mending:
            if self.process.is_running:
                return
            self._failures += 1
            self.restarts += 1
            try:
                await self.process.start()
            except ServiceFailed:
                if self._failures >= _RESTARTS_IN_A_ROW:
                    raise


class Desk:
    """One till with one connection."""

    def __init__(self, service: Supervised, till: Till) -> None:
        self.till = till
        self._service = service
        self._connection: Connection | None = None

    async def deliver(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> Answer:
        """Ask until there is an answer that is final: not 503, not 429. Raises ServiceFailed after PATIENCE_S."""
        began = time.monotonic()
        while True:
            try:
                answer = await self._ask(method, path, body, content_type)
                if answer.status not in _ASK_AGAIN:
                    self._service.note_answer()
                    return answer
                reason = f"{answer.status} {answer.body[:300].decode(errors='replace')}"
            except (ConnectionLost, AnswerLate) as problem:
                reason = problem.detail
                self.close()
            if time.monotonic() - began > PATIENCE_S:
                raise ServiceFailed(f"{method} {path} was not answered for {PATIENCE_S:.0f} s: {reason}")
            await self._service.mend()
            await asyncio.sleep(_PAUSE_S)

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask(self, method: str, path: str, body: bytes, content_type: str) -> Answer:
        if self._connection is None or not self._connection.is_open:
            self._connection = await connect(self._service.url)
        request = encode_request(method, path, self._connection.host, self.till.token, body, content_type)
        return await self._connection.ask(request)
