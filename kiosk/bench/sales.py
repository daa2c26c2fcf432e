"""edge: `counterfoil bench sales`: how many durable sales, how quickly, and how near to what this machine can do.

A sale has five lines, a member, tax, points, stock moves, its journal entry and a print job, and is one HTTP request.
The service runs in a process of its own on a file of its own. Order of a run:

    prepare    pair the tills, import goods, enrol members, stop; copy the file; record what sales write into it
    warm up    sales on one till and on all, not counted; their group size is that of the first raw measurement
    raw        the recorded statements, alone and at the group size
    measure    one till, then all tills
    print      all tills again, on a copy of the prepared folder whose printer never rests
    raw        again, at the measured group size: the better of both is the limit, as it is what the machine can do
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

from msgspec import Struct

from kiosk.bench.goods import make_sales
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.raw import RawLimit, measure_raw
from kiosk.bench.recording import Job, count_statements, record
from kiosk.bench.server import StoreProcess
from kiosk.bench.stand import Run, Stand, copy_stand, prepare_stand, sell
from kiosk.bench.statistics import Report, report
from kiosk.commands import CompleteSale
from kiosk.compose import make_shop, now_ms
from kiosk.config import load_config
from kiosk.sale_service import complete_sale
from kiosk.shop import Caller
from loyalty.transactions import Tx
from sync.db import connect
from sync.journal import read_life


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does."""

    tills: int = 16
    products: int = 2_000
    members: int = 2_000
    warm_up: int = 400
    sales_1: int = 1_500
    sales_16: int = 8_000
    recorded: int = 2_000


class _Sales:
    """Sales that were never sold before, as many as asked for."""

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._next = 0

    def take(self, count: int) -> Iterator[CompleteSale]:
        first, self._next = self._next, self._next + count
        return make_sales(first, count, self._extent.products, self._extent.members)


def bench_sales(folder: Path | None = None, extent: Extent | None = None) -> Report:
    """Run the bench in a new folder below `folder`. Raises ServiceFailed, Refused, ClientProblem."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="counterfoil-bench-") as own:
        return asyncio.run(_run(Path(own), extent or Extent()))


async def _run(folder: Path, extent: Extent) -> Report:
    stand = await prepare_stand(folder / "base", tills=extent.tills, products=extent.products, members=extent.members)
    printing = copy_stand(stand, folder / "printing", pace_ms=0)
    prepared = folder / "prepared.sqlite"
    shutil.copyfile(stand.database, prepared)
    jobs = record_sales(stand, folder, extent)
    sales = _Sales(extent)
    service = StoreProcess(stand.config_file)
    await service.start()
    try:
        await sell(service, stand.tills[:1], sales.take(extent.warm_up))
        warm = await sell(service, stand.tills, sales.take(2 * extent.warm_up))
        before = _measure_limits(prepared, jobs, warm.group_size)
        one = await sell(service, stand.tills[:1], sales.take(extent.sales_1))
        many = await sell(service, stand.tills, sales.take(extent.sales_16))
    finally:
        await service.stop()
    busy = await _sell_while_printing(printing, extent)
    after = _measure_limits(prepared, jobs, many.group_size)
    return _report(one, many, busy, (*before, *after), count_statements(jobs))


def record_sales(stand: Stand, folder: Path, extent: Extent) -> list[Job]:
    """What `extent.recorded` sales write, on a copy of the store's file in `folder`."""
    copy = folder / "recorded.sqlite"
    shutil.copyfile(stand.database, copy)
    connection = connect(copy)
    try:
        life = read_life(connection)
        assert life is not None, "a store always has a life"
        shop = make_shop(load_config(stand.config_file), *life)
        row = connection.execute("SELECT id FROM device WHERE till = ?", (stand.tills[0].name,)).fetchone()
        jobs = []
        for command in make_sales(0, extent.recorded, extent.products, extent.members):
            caller = Caller(
                device=UUID(bytes=row[0]), till=stand.tills[0].name, role="manager", operator="manager", now_ms=now_ms()
            )
            connection.execute("BEGIN IMMEDIATE")
            jobs.append(record(cast("Tx", connection), lambda tx: complete_sale(tx, shop, caller, command)))  # noqa: B023
            connection.execute("COMMIT")
    finally:
        connection.close()
    return jobs


async def _sell_while_printing(stand: Stand, extent: Extent) -> Run:
    """All tills again while receipts are rendered without pause."""
    sales = _Sales(extent)
    service = StoreProcess(stand.config_file)
    await service.start()
    try:
        await sell(service, stand.tills, sales.take(2 * extent.warm_up))
        return await sell(service, stand.tills, sales.take(extent.sales_16))
    finally:
        await service.stop()


def _measure_limits(prepared: Path, jobs: list[Job], group_size: float) -> tuple[RawLimit, RawLimit]:
    """The limit of single commits and that of groups."""
    return measure_raw(prepared, jobs[: len(jobs) // 2], 1), measure_raw(prepared, jobs, group_size)


def _report(one: Run, many: Run, busy: Run, raws: tuple[RawLimit, ...], statements: float) -> Report:
    raw_p50_ms = min(raws[0].commit_p50_ms, raws[2].commit_p50_ms)
    raw_per_s = max(raws[1].per_s, raws[3].per_s)
    figures = {
        "tills_1_p50_ms": one.load.latency_ms["p50"],
        "tills_1_p99_ms": one.load.latency_ms["p99"],
        "tills_16_per_s": many.load.per_s,
        "tills_16_p99_ms": many.load.latency_ms["p99"],
        "cpu_ms_per_sale": many.cpu_ms / many.load.requests,
        "raw_ratio": many.load.per_s / raw_per_s,
        "group_size": many.group_size,
        "statements": statements,
        "synchronous": many.synchronous,
        "printing_rate_ratio": busy.load.per_s / many.load.per_s,
        "rss_mb": many.rss_mb,
        "client_cpu_ms_per_sale": many.load.client_cpu_ms,
    }
    raw = {"tills_1_p50_ms": raw_p50_ms, "tills_16_per_s": raw_per_s}
    return report("sales", figures, raw, read_machine(many.sqlite), read_commit())
