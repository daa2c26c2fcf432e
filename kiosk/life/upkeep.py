"""edge: what the service does for its own health: the nightly verify, old papers, a look at the finding on disk."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kiosk.life.feed_bases import overwrite_gone
from kiosk.life.head_office import make_waiting
from kiosk.life.healing import read_notice
from kiosk.life.proof import is_in_doubt, prove, read_finding
from kiosk.points.lease_service import end_leases, let_go_lapsed
from kiosk.sales.basket_service import forget_labels_before
from kiosk.sales.reservations import give_back, has_reservations
from kiosk.web.door import Door
from kiosk.web.reserving import list_in_use
from printers import spool
from sync import marks
from sync.helper import Helper
from sync.journal import read_head

logger = logging.getLogger(__name__)
_LOOK_S, _LEND_S, _NIGHT_S, _TIDY_S = 2.0, 5.0, 20.0, 3600.0
_DAY_MS = 86_400_000


class Upkeep:
    """Small tasks beside the till. Each survives what goes wrong in one round and says so in the log."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tasks: list[asyncio.Task[None]] = []
        self._verified_on = ""
        self._looked_anew = False

    def start(self) -> None:
        """Begin."""
        rounds = (
            (_LOOK_S, self._look),
            (_NIGHT_S, self._verify_at_night),
            (_TIDY_S, self._tidy),
            (_LEND_S, self._end_leases),
            (_LEND_S, self._give_back),
            (_LOOK_S, self._make_waiting),
        )
        self._tasks = [asyncio.create_task(_repeat(seconds, work)) for seconds, work in rounds]

    async def stop(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def collectors(self) -> Iterable[Collector]:
        """What /metrics shows of the storage."""
        return [_StorageCollector(self._door)]

    async def _look(self) -> None:
        """Follow verify's finding on disk, note how far the journal has come, empty a log with erased data in it."""
        folder, database = self._door.config.data_dir(), self._door.database
        self._door.follow_finding(read_finding(folder) or read_notice(folder))
        if database.wal_to_truncate:
            await database.truncate_wal()
        epoch = self._door.shop.journal.epoch
        head = await database.read(lambda tx: read_head(tx, epoch))
        await asyncio.to_thread(marks.note_progress, folder, head.seq)

    async def _verify_at_night(self) -> None:
        """Once a night, in a child of its own: receipts must not wait behind a proof that takes minutes. At once where
        nobody knows whether what the last run found is still true, because the store is read-only until then."""
        config = self._door.config
        local = datetime.now(ZoneInfo(config.store.time_zone))
        today = local.date().isoformat()
        due = local.strftime("%H:%M") == config.maintenance.verify_at and self._verified_on != today
        is_unknown = not self._looked_anew and is_in_doubt(config.data_dir())
        if not is_unknown and (not config.maintenance.verify_enabled or not due):
            return
        self._verified_on = today if due else self._verified_on
        self._looked_anew = self._looked_anew or is_unknown  # a folder that cannot be written stays so
        helper = Helper()
        try:
            report = await helper.run(prove, self._door.database.path, full=True)
        finally:
            await helper.close()
        logger.info("nightly verify", extra={"fields": {"ok": report.ok, "entries": report.entries}})

    async def _end_leases(self) -> None:
        """Report leases that can be used no more, so that head office can lend their points to somebody else."""
        door = self._door
        if door.lender is not None and door.read_only is None:
            await door.database.write(lambda tx: end_leases(tx, door.shop, door.now_ms(), door.uptime()))

    async def _give_back(self) -> None:
        """Give back what head office keeps for sales and returns that were never booked."""
        door = self._door
        if door.reserver is not None and door.read_only is None and await door.database.read(has_reservations):
            await door.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), list_in_use(door)))

    async def _make_waiting(self) -> None:
        """Make accounts anew that wait for it since a service that ended, or since a snapshot was lost."""
        if self._door.read_only is None:
            await make_waiting(self._door)

    async def _tidy(self) -> None:
        """Drop papers and basket labels past their time; papers can be rendered again from the facts. Let go what was
        set aside and nobody came back for."""
        now_ms = self._door.now_ms()
        before = now_ms - self._door.config.printing.keep_days * _DAY_MS
        await self._door.database.write(lambda tx: spool.delete_older_than(tx, before))
        await self._door.database.write(lambda tx: forget_labels_before(tx, before, now_ms - _DAY_MS))
        if self._door.lender is not None and self._door.read_only is None:
            await self._door.database.write(lambda tx: let_go_lapsed(tx, self._door.shop, now_ms))
        # Last: what was deleted may be the space it takes.
        if self._door.database.traces_left:
            await self._door.database.erase_traces()
        await overwrite_gone(self._door.database)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("upkeep will try again", extra={"fields": {"work": getattr(work, "__name__", "?")}})
        await asyncio.sleep(seconds)


class _StorageCollector(Collector):
    def __init__(self, door: Door) -> None:
        self._door = door

    def collect(self) -> Iterable[Metric]:
        """Commits and jobs; their ratio is the group size."""
        database = self._door.database
        yield GaugeMetricFamily("counterfoil_storage_commits", "Commits since the start.", database.commits)
        yield GaugeMetricFamily("counterfoil_storage_jobs", "Write jobs since the start.", database.jobs)
        yield GaugeMetricFamily(
            "counterfoil_storage_synchronous", "PRAGMA synchronous, 2 is FULL.", database.synchronous
        )
        yield GaugeMetricFamily(
            "counterfoil_read_only", "1 while a finding is not mended.", int(bool(self._door.read_only))
        )
