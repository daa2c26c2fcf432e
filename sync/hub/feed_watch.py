"""edge: wakes the long polls of this process when the feed has something new for them.

A commit of this process is looked at soon after it; what other processes over the same database wrote is found within a
second. One look serves everybody who waits, and nobody looks while nobody waits. Each bucket wakes those alone who wait
for it: thousands of stores wait while one of them is told something. A store is also woken when what it pushed has been
applied by this process: then it knows that what it has spent counts (`applied` of a page).
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sync.engines import Storage
from sync.http.logs import log_unexpected
from sync.hub.feed_store import read_positions

_LOOK_S = 1.0
_GATHER_S = 0.02
_LOOKING_PART = 0.1
"""How much of the time is spent looking at most: a look reads the number of every bucket, and a large chain has one for
each store."""


class FeedWatch:
    """Knows the newest number of every bucket, a second late at most."""

    def __init__(self, database: Storage) -> None:
        self._database = database
        self._positions: dict[str, int] = {}
        self._applied: dict[str, int] = {}
        self._committed = asyncio.Event()
        # As sets that keep their order: whoever waits longest is woken first.
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; whoever waits goes on waiting until its own time is over."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def committed(self) -> None:
        """Something was written by this process. Called on the loop."""
        self._committed.set()

    def note_applied(self, store: UUID) -> None:
        """All that a store has pushed is applied. Called on the loop."""
        name = applied_of(store)
        self._applied[name] = self._applied.get(name, 0) + 1
        self._wake(name)

    def times_applied(self, store: UUID) -> dict[str, int]:
        """How often that was so: to be waited behind like the number of a bucket."""
        name = applied_of(store)
        return {name: self._applied.get(name, 0)}

    async def wait(self, behind: Mapping[str, int], timeout_s: float, stopping: asyncio.Event) -> bool:
        """Wait until one of the buckets has come further than `behind` says; False when the time is over or the
        service stops."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        stop: asyncio.Task[Any] = asyncio.ensure_future(stopping.wait())
        try:
            while not self._is_news(behind):
                left_s = until - loop.time()
                if left_s <= 0 or stopping.is_set():
                    return False
                await self._wait_for_change(behind, stop, left_s)
        finally:
            stop.cancel()
        return True

    async def _wait_for_change(self, buckets: Iterable[str], stop: asyncio.Task[Any], timeout_s: float) -> None:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for bucket in buckets:
            self._waiting.setdefault(bucket, {})[change] = None
        try:
            ends: set[asyncio.Future[Any]] = {change, stop}
            await asyncio.wait(ends, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for bucket in buckets:
                waiting = self._waiting[bucket]
                waiting.pop(change, None)
                if not waiting:
                    del self._waiting[bucket]

    def _is_news(self, behind: Mapping[str, int]) -> bool:
        known = (self._positions, self._applied)
        return any(seq < max(each.get(bucket, 0) for each in known) for bucket, seq in behind.items())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        gather_s = _GATHER_S
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._committed.wait(), _LOOK_S)
            # Several commits that come together are looked at once.
            await asyncio.sleep(gather_s)
            self._committed.clear()
            if self._waiting:
                begun = loop.time()
                await self._look()
                gather_s = min(_LOOK_S, max(_GATHER_S, (loop.time() - begun) / _LOOKING_PART))

    async def _look(self) -> None:
        try:
            positions = await self._database.read(read_positions)
        except Exception as error:  # noqa: BLE001  whoever waits hears of news late, at the end of the wait, not never
            log_unexpected(error, "feed watch")
            return
        before, self._positions = self._positions, positions
        for bucket in self._waiting:
            if positions.get(bucket, 0) != before.get(bucket, 0):
                self._wake(bucket)

    def _wake(self, bucket: str) -> None:
        for change in self._waiting.get(bucket, ()):
            if not change.done():
                change.set_result(None)


def applied_of(store: UUID) -> str:
    """What a store waits for by the name of a bucket that there is none of."""
    return f"applied:{store}"
