"""edge: how much one store asks of head office beside what it hands over: leases, reservations, members, news,
receipts, entries of its own.

    async with questions.enter(store):
        ...                                     # its body is read only now

Whoever asks shares the writer and the readers with everybody's pushes, and a question may wait for the store's own
entries. So a store whose tills, or whose thief, ask without end is told to wait, before anything is read; all others
are answered as ever. To a store that is told to wait it is as if the line were down: the shop sells on.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

from sync.http.limits import Rate, RateLimiter
from sync.http.problems import TooManyRequests

AT_ONCE = 16
"""More than a store's service asks at the same time."""
COMMANDS = Rate(per_s=50, burst=500)
LOOKUPS = Rate(per_s=1, burst=200)
"""A card or phone that a store does not know is rare. A key that was stolen must not try all phones of a country: at
this rate ten million take four months."""
NEWS = Rate(per_s=100, burst=2_000)
"""Questions for news wait for some, one after the other. A line that breaks leaves some behind that still wait; a store
that asks page after page asks for the next when it has written the last."""
READINGS = Rate(per_s=100, burst=1_000)
"""Receipts and coupons of other stores, and a store's own entries, page after page, after its disk was lost."""


class Questions:
    """The questions of one kind, of every store, that one process answers. On its event loop."""

    def __init__(self, rate: Rate, *, at_once: int = AT_ONCE) -> None:
        self._limiter = RateLimiter(rate)
        self._at_once = at_once
        self._asking: Counter[UUID] = Counter()

    @contextlib.asynccontextmanager
    async def enter(self, store: UUID) -> AsyncIterator[None]:
        """One more question of a store is answered. Raises TooManyRequests beyond its share."""
        if self._asking.get(store, 0) >= self._at_once:
            raise TooManyRequests(retry_after_s=1)
        self._limiter.take(str(store), asyncio.get_running_loop().time())
        self._asking[store] += 1
        try:
            yield
        finally:
            self._asking[store] -= 1
            if not self._asking[store]:
                del self._asking[store]
