"""edge: what the service does for its own health: the nightly verify, old papers, a look at the finding on disk."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kiosk.proof import prove, read_finding
from kiosk.web.door import Door
from loyalty.errors import Problem
from printers import spool

logger = logging.getLogger(__name__)
_LOOK_S = 2.0
_PAPERS_S = 3600.0
_DAY_MS = 86_400_000


class Upkeep:
    """Two small tasks; each survives what goes wrong in one round and says so in the log."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._tidy())]

    async def stop(self) -> None:
        """End both tasks."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def collectors(self) -> Iterable[Collector]:
        """What /metrics shows of the storage."""
        return [_StorageCollector(self._door)]

    async def _watch(self) -> None:
        """Look for a finding of verify every other second; run verify once a night."""
        config = self._door.config
        zone = ZoneInfo(config.store.time_zone)
        verified_on = ""
        while True:
            self._door.read_only = read_finding(config.data_dir())
            local = datetime.now(zone)
            today = local.date().isoformat()
            due = local.strftime("%H:%M") == config.maintenance.verify_at and verified_on != today
            if config.maintenance.verify_enabled and due:
                verified_on = today
                await self._verify()
            await asyncio.sleep(_LOOK_S)

    async def _verify(self) -> None:
        try:
            report = await self._door.helper.run(prove, self._door.database.path, full=True)
        except Exception:
            logger.exception("nightly verify did not run")
            return
        logger.info("nightly verify", extra={"ok": report.ok, "entries": report.entries})

    async def _tidy(self) -> None:
        """Drop papers past their time; they can be rendered again from the facts."""
        while True:
            before = self._door.now_ms() - self._door.config.printing.keep_days * _DAY_MS
            try:
                await self._door.database.write(functools.partial(spool.delete_older_than, before_ms=before))
            except Problem as problem:
                logger.warning("old papers were not deleted", extra={"code": problem.code})
            await asyncio.sleep(_PAPERS_S)


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
