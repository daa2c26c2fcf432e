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
from sync.db import Database
from sync.http.logs import log_unexpected
from sync.hub.applier import apply_own
from sync.hub.apply_loop import Appliers
from sync.hub.card_owners import Bound, bind_cards
from sync.hub.credits import Caps, list_untold
from sync.hub.door import Door
from sync.hub.feed_store import collect_tombstones, read_positions
from sync.hub.incidents import count_open, put_incidents
from sync.hub.let_through import find_let_through, let_through
from sync.hub.marker import Mark, look, note_progress
from sync.hub.reserving import limits_of
from sync.hub.returns import free_over
from sync.hub.tokens import drop_ended
from sync.hub.voucher_news import forget_over

_NOTE_S = 5.0
_SWEEP_S = 3_600.0
_BIND_S = 10.0
_BIND_AT_ONCE = 200
_CREDITS_S = 10.0
_TOMBSTONES_MS = 90 * 24 * 3_600_000
"""How long a thing that is gone stays in the feed as gone. A store silent longer reads the bucket anew."""


class Upkeep:
    """The small jobs of one process."""

    def __init__(self, door: Door, folder: Path) -> None:
        self._door = door
        self._folder = folder
        self._tasks: list[asyncio.Task[None]] = []
        self.entries = 0
        self._bound_after = b""
        self.incidents: dict[str, int] = {}

    def start(self) -> None:
        """Begin, on the running loop."""
        self._tasks = [
            asyncio.create_task(_repeat(_NOTE_S, self.note_now)),
            asyncio.create_task(_repeat(_SWEEP_S, self.sweep_now)),
            asyncio.create_task(_repeat(_BIND_S, self.bind_now)),
            asyncio.create_task(_repeat(_CREDITS_S, self.look_at_credits)),
            asyncio.create_task(_repeat(_CREDITS_S, self.let_through_now)),
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
        try:
            await self.note_now()
        except Exception as error:  # noqa: BLE001  an older mark only knows less; the database is to be closed all the same
            log_unexpected(error, "upkeep")

    async def note_now(self) -> None:
        """Note how far the database has come and what waits for a person; empty a log with erased data in it."""
        found, self.incidents = await self._door.read(_look)
        self.entries = found.entries
        await asyncio.to_thread(note_progress, self._folder, found)
        database = self._door.database
        if isinstance(database, Database) and database.wal_to_truncate:
            # Somebody was forgotten while a reader kept the log in use.
            await database.truncate_wal()

    async def sweep_now(self) -> None:
        """Forget what nobody can need any more, bucket by bucket, so that no store waits long for its own."""
        now_ms, database = self._door.now_ms(), self._door.database
        await self._door.write(lambda tx: drop_ended(tx, now_ms))
        await self._door.write(lambda tx: free_over(tx, limits_of(self._door.settings), now_ms))
        while await self._door.write(lambda tx: forget_over(tx, now_ms)):
            pass
        for bucket in sorted(await self._door.read(read_positions)):
            await self._door.write(functools.partial(_collect, bucket=bucket, before_ms=now_ms - _TOMBSTONES_MS))
        if isinstance(database, Database) and database.traces_left:
            await database.erase_traces()

    async def bind_now(self) -> None:
        """Join members whom a store took in by a card alone with those who have it, some questions at a time."""
        now_ms, version, after = self._door.now_ms(), self._door.version, self._bound_after

        def bind(tx: Tx) -> Bound:
            bound = bind_cards(tx, after, _BIND_AT_ONCE, now_ms)
            if bound.joined:
                apply_own(tx, now_ms, version)
            return bound

        self._bound_after = (await self._door.write(bind)).after or b""

    async def look_at_credits(self) -> None:
        """Tell the office of stores that gave more than a shop can. It is withheld already, told or not."""
        settings = self._door.settings
        caps = Caps(settings.store_credit_points, settings.store_credit_minor)
        untold = await self._door.read(lambda tx: list_untold(tx, caps))
        if untold:
            await self._door.write(lambda tx: put_incidents(tx, untold))

    async def let_through_now(self) -> None:
        """Apply what waited because its store did too much to what is others', once a person has let it through."""
        door, erased = self._door, False
        now_ms, version = door.now_ms(), door.version
        for store, day in await door.read(lambda tx: find_let_through(tx, now_ms)):
            apply = functools.partial(let_through, store=store, day=day, now_ms=now_ms, version=version)
            while (done := await door.write(apply)).entries:
                erased = erased or done.erased
        if erased and isinstance(door.database, Database):
            await door.database.erase_traces()

    def collectors(self, appliers: Appliers) -> Iterable[Collector]:
        """What /metrics shows beside the requests."""
        return (_Figures(self, appliers),)


def _look(tx: Tx) -> tuple[Mark, dict[str, int]]:
    return look(tx), count_open(tx)


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
        incidents = GaugeMetricFamily("counterfoil_hub_open_incidents", "Incidents nobody looked at.", labels=["kind"])
        for kind, count in self._upkeep.incidents.items():
            incidents.add_metric([kind], count)
        yield incidents
