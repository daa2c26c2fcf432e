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
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.bench.client import Connection, connect, encode_request
from kiosk.bench.goods import make_products, make_sales, member_of
from kiosk.bench.load import measure
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.raw import RawLimit, measure_raw
from kiosk.bench.recording import Job, count_statements, record
from kiosk.bench.server import Readiness, StoreProcess, write_store
from kiosk.bench.statistics import Load, Report, report
from kiosk.bench.tills import Operator, Refused, Till, add_till, import_products, open_shift, pair_till
from kiosk.commands import CompleteSale
from kiosk.compose import now_ms
from kiosk.config import load_config
from kiosk.initialise import initialise, open_offline
from kiosk.sale_service import complete_sale
from kiosk.shop import Caller, Shop
from kiosk.start import DATABASE_NAME
from loyalty.ids import uuid7
from loyalty.transactions import Tx

TILLS = 16
_OPERATOR = Operator("manager", "2580")
_PRINTERS = 'printers = [{{ name = "receipt", kind = "virtual", profile = "epson-80mm", pace_ms = {pace_ms} }}]'
_RESTING_MS = 60_000


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does."""

    products: int = 2_000
    members: int = 2_000
    warm_up: int = 400
    sales_1: int = 1_500
    sales_16: int = 8_000
    recorded: int = 2_000


class Measured(Struct, frozen=True):
    """A run under load: what the tills saw, and what the service did meanwhile."""

    load: Load
    commits: int
    jobs: int
    cpu_ms: float
    rss_mb: float
    synchronous: int

    @property
    def group_size(self) -> float:
        """Write jobs per commit."""
        return self.jobs / max(self.commits, 1)


class Stand(Struct, frozen=True):
    """A prepared store: its configuration, and its tills with open shifts."""

    config_file: Path
    tills: tuple[Till, ...]

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.config_file.with_name(DATABASE_NAME)


def bench_sales(folder: Path | None = None, extent: Extent = Extent()) -> Report:
    """Run the bench in a new folder below `folder`. Raises ServiceFailed, Refused, ClientProblem."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="counterfoil-bench-") as own:
        return asyncio.run(_run(Path(own), extent))


async def _run(folder: Path, extent: Extent) -> Report:
    stand = await _prepare(folder / "base", extent)
    prepared = folder / "prepared.sqlite"
    shutil.copyfile(stand.database, prepared)
    jobs = record_sales(stand, prepared, extent)
    printing = Stand(copy_store(stand.config_file.parent, folder / "printing", pace_ms=0), stand.tills)
    service = StoreProcess(stand.config_file)
    await service.start()
    try:
        numbers = Numbers(extent)
        await _load(service, stand.tills[:1], numbers.take(extent.warm_up))
        warm = await _load(service, stand.tills, numbers.take(2 * extent.warm_up))
        before = _raw(prepared, jobs, warm.group_size)
        one = await _load(service, stand.tills[:1], numbers.take(extent.sales_1))
        all_tills = await _load(service, stand.tills, numbers.take(extent.sales_16))
    finally:
        await service.stop()
    busy = await _print_without_pause(printing, extent)
    after = _raw(prepared, jobs, all_tills.group_size)
    return _report(one, all_tills, busy, before, after, count_statements(jobs))
