"""edge: wakes the long polls of this process when the feed has something new for them.

A commit of this process is looked at soon after it; what other processes over the same database wrote is found within a
second. One look serves everybody who waits, and nobody looks while nobody waits.
"""

import asyncio
import contextlib
from collections.abc import Mapping

from sync.engines import Storage
from sync.http.events import Bell
from sync.http.logs import log_unexpected
from sync.hub.feed_store import read_positions

_LOOK_S = 1.0
_GATHER_S = 0.02


class FeedWatch:
    """Knows the newest number of every bucket, a second late at most."""

    def __init__(self, database: Storage) -> None:
        self._database = database
        self._positions: dict[str, int] = {}
        self._bell = Bell()
        self._committed = asyncio.Event()
        self._waiting = 0
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

    async def wait(self, behind: Mapping[str, int], timeout_s: float, stopping: asyncio.Event) -> bool:
        """Wait until one of the buckets has come further than `behind` says; False when the time is over or the
        service stops."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        stop = asyncio.ensure_future(stopping.wait())
        self._waiting += 1
        try:
            while not self._is_news(behind):
                left_s = until - loop.time()
                if left_s <= 0 or stopping.is_set():
                    return False
                rings = asyncio.ensure_future(self._bell.wait())
                await asyncio.wait({rings, stop}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                rings.cancel()
        finally:
            self._waiting -= 1
            stop.cancel()
        return True

    def _is_news(self, behind: Mapping[str, int]) -> bool:
        return any(self._positions.get(bucket, 0) > seq for bucket, seq in behind.items())

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._committed.wait(), _LOOK_S)
            # Several commits that come together are looked at once.
            await asyncio.sleep(_GATHER_S)
            self._committed.clear()
            if self._waiting:
                await self._look()

    async def _look(self) -> None:
        try:
            positions = await self._database.read(read_positions)
        except Exception as error:  # noqa: BLE001  whoever waits hears of news late, at the end of the wait, not never
            log_unexpected(error, "feed watch")
            return
        if positions != self._positions:
            self._positions = positions
            self._bell.ring()
