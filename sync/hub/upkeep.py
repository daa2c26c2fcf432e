"""edge: what head office does for its own health: notes how far it has come, forgets tokens that ended and tombstones
that nobody can need, and shows figures of itself.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from loyalty.transactions import Tx
from sync.http.logs import log_unexpected
from sync.http.problems import StorageUnavailable
from sync.hub.apply_loop import Appliers
from sync.hub.door import Door
from sync.hub.feed_store import collect_tombstones, read_positions
from sync.hub.marker import Mark, note_progress
from sync.hub.state import count_entries, read_timeline
from sync.hub.tokens import drop_ended

_NOTE_S = 5.0
_SWEEP_S = 3_600.0
_TOMBSTONES_MS = 90 * 24 * 3_600_000
"""How long a thing that is gone stays in the feed as gone. A store silent longer reads the bucket anew."""


class Upkeep:
    """The small jobs of one process."""

    def __init__(self, door: Door, folder: Path) -> None:
        self._door = door
        self._folder = folder
        self._tasks: list[asyncio.Task[None]] = []
        self.entries = 0

    def start(self) -> None:
        """Begin, on the running loop."""
        self._tasks = [
            asyncio.create_task(_repeat(_NOTE_S, self.note_now)),
            asyncio.create_task(_repeat(_SWEEP_S, self.sweep_now)),
        ]

    async def stop(self) -> None:
        """End, and note how far the database has come; not where it never began, because a database that was refused
        at the start is not one to note."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        with contextlib.suppress(StorageUnavailable):
            await self.note_now()

    async def note_now(self) -> None:
        """Note how far the database has come."""
        found = await self._door.read(lambda tx: Mark(read_timeline(tx), count_entries(tx)))
        self.entries = found.entries
        await asyncio.to_thread(note_progress, self._folder, found)

    async def sweep_now(self) -> None:
        """Forget what nobody can need any more, bucket by bucket, so that no store waits long for its own."""
        now_ms = self._door.now_ms()
        await self._door.write(lambda tx: drop_ended(tx, now_ms))
        for bucket in sorted(await self._door.read(read_positions)):
            await self._door.write(functools.partial(_collect, bucket=bucket, before_ms=now_ms - _TOMBSTONES_MS))

    def collectors(self, appliers: Appliers) -> Iterable[Collector]:
        """What /metrics shows beside the requests."""
        return (_Figures(self, appliers),)


def _collect(tx: Tx, bucket: str, before_ms: int) -> None:
    collect_tombstones(tx, bucket, before_ms)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:  # noqa: BLE001  a full disk or a lost line must not end what mends itself later
            log_unexpected(error, "upkeep")


class _Figures(Collector):
    def __init__(self, upkeep: Upkeep, appliers: Appliers) -> None:
        self._upkeep = upkeep
        self._appliers = appliers

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        figures = (
            ("counterfoil_hub_entries", "Entries of all stores that are held.", self._upkeep.entries),
            ("counterfoil_hub_applied", "Entries this process has applied.", self._appliers.applied),
            ("counterfoil_hub_stopped_lives", "Lives whose appliers wait for a person.", self._appliers.stopped),
        )
        for name, meaning, value in figures:
            yield GaugeMetricFamily(name, meaning, value=value)
