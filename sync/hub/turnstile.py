"""edge: lets so many pushes in at a time, so many wait, and tells the rest when to come again.

    async with turnstile.enter(store, SALES):
        ...                                     # its body is read only now, so a rush does not fill the memory

Who is next is decided in sync/protocol/admission.py; here are the clock and those who wait.
"""

import asyncio
import contextlib
import itertools
import math
from collections.abc import AsyncIterator
from uuid import UUID

from sync.http.problems import TooManyRequests
from sync.protocol.admission import TURN_HEADER, Admission, Limits, Ticket, TurnedAway, Waiting

PATIENCE_S = 20.0
"""How long a request waits at most. A store's own patience is longer, so it hears when to come again."""


class Turnstile:
    """The line of one process, on its event loop."""

    def __init__(self, limits: Limits, *, patience_s: float = PATIENCE_S) -> None:
        self._admission = Admission(limits)
        self._patience_s = patience_s
        self._numbers = itertools.count(1)
        self._waiting: dict[Ticket, asyncio.Future[TurnedAway | None]] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._admission.waiting

    @contextlib.asynccontextmanager
    async def enter(self, store: UUID, priority: int) -> AsyncIterator[None]:
        """Wait for a turn, and give it on afterwards. Raises TooManyRequests, with the time to come
        again."""
        ticket = Ticket(store, priority, next(self._numbers))
        await self._wait_for_turn(ticket)
        try:
            yield
        finally:
            self._leave(ticket)

    async def _wait_for_turn(self, ticket: Ticket) -> None:
        decision = self._admission.arrive(ticket, _now_ms())
        if isinstance(decision, TurnedAway):
            raise _refusal(decision)
        if not isinstance(decision, Waiting):
            return
        if decision.instead_of is not None:
            self._call(decision.instead_of.ticket, decision.instead_of)
        turn = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._patience_s):
                away = await turn
        except TimeoutError:
            away = self._admission.give_up(ticket, _now_ms())
        except BaseException:
            # The service ends, or the client has gone: whatever it had, a place in the line or already its turn, is
            # given on.
            self._admission.give_up(ticket, _now_ms())
            self._leave(ticket)
            raise
        finally:
            self._waiting.pop(ticket, None)
        if away is not None:
            raise _refusal(away)

    def _leave(self, ticket: Ticket) -> None:
        for called in self._admission.leave(ticket, _now_ms()):
            self._call(called, None)

    def _call(self, ticket: Ticket, away: TurnedAway | None) -> None:
        turn = self._waiting.get(ticket)
        if turn is not None and not turn.done():
            turn.set_result(away)


def _refusal(away: TurnedAway) -> TooManyRequests:
    problem = TooManyRequests(math.ceil(away.retry_after_ms / 1000))
    problem.headers[TURN_HEADER] = str(away.ticket.store)
    return problem


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
