"""edge: `counterfoil bench sales`: how many durable sales, how quickly, and how near to what this machine can do.

A sale has five lines, a member, tax, points, stock moves, its journal entry and a print job, and is one HTTP request.
The service runs in a process of its own on a file of its own. Order of a run:

    prepare    pair the tills, import goods, enrol members, stop; copy the file; record what sales write into it
    warm up    sales on one till and on all, not counted; their group size is that of the first raw measurement
    raw        the recorded statements, alone and at the group size
    measure    one till, then all tills in turns
    raw        after each turn, at its group size: the better of the raw runs before and after a turn is its limit
    print      all tills again, on a copy of the prepared folder whose printer never rests, between two raw runs: its
               rate counts in parts of what the machine can do then, as that of the turns before it does
    raw        the recorded statements alone again: the better of both is the limit, as it is what the machine can do
    verify     the whole file of the measured run; its raw limit is the recorded statements into a database in memory
    offers     all tills on two more copies in turns: the same sales without offers, and with many and a coupon each

Turns are short, so that the sales and the raw runs beside them meet the same neighbours on the machine. The rate of all
tills and its limit are those of the turn whose ratio is the median; latencies and processor time are of all turns.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from kiosk.bench.goods import make_sales
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.offered import Load as OfferLoad
from kiosk.bench.offered import compare_offers
from kiosk.bench.raw import measure_raw
from kiosk.bench.recording import Job, Kind, count_statements, record, replay
from kiosk.bench.server import ServiceFailed, StoreProcess
from kiosk.bench.stand import RESTING_MS, Run, Stand, copy_stand, join_runs, make_caller, prepare_stand, sell
from kiosk.bench.statistics import Report, rate_per_s, report
from kiosk.commands import CompleteSale
from kiosk.compose import make_shop, now_ms
from kiosk.config import load_config
from kiosk.life.proof import open_scratch, prove
from kiosk.sales.sale_service import complete_sale
from kiosk.shop import Caller, Shop
from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync.db import connect
from sync.journal import read_life

_FIRST_RECEIPT_S = 60.0
_LOOK_S = 0.05


class Unproved(Problem):
    """What the bench sold does not hold: its figures are worth nothing."""

    code, hint, status = "unproved", "This is a fault of the program; please report it with the service's log.", 500


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does."""

    tills: int = 16
    products: int = 2_000
    members: int = 2_000
    warm_up: int = 400
    sales_1: int = 1_500
    sales_16: int = 8_001
    turns_16: int = 9
    recorded: int = 2_000
    offers: int = 50
    offer_turns: int = 15
    offer_sales: int = 300


class _Turn(Struct, frozen=True):
    """All tills for a while, and the raw limit beside it in jobs a second."""

    run: Run
    limit_per_s: float

    @property
    def ratio(self) -> float:
        """How near the service came to the limit."""
        return self.run.load.per_s / self.limit_per_s


class _Sales:
    """Sales that were never sold before, as many as asked for."""

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._next = 0

    def take(self, count: int) -> Iterator[CompleteSale]:
        first, self._next = self._next, self._next + count
        return make_sales(first, count, self._extent.products, self._extent.members)


async def bench_sales(folder: Path, extent: Extent | None = None) -> Report:
    """Run the bench in `folder`, which is empty and lies on the disk to be measured.

    Raises ServiceFailed, Refused, ClientProblem.
    """
    extent = extent or Extent()
    stand = await prepare_stand(folder / "base", tills=extent.tills, products=extent.products, members=extent.members)
    printing = copy_stand(stand, folder / "printing", pace_ms=0)
    plain, offered = (copy_stand(stand, folder / name, pace_ms=RESTING_MS) for name in ("plain", "offered"))
    prepared = folder / "prepared.sqlite"
    shutil.copyfile(stand.database, prepared)
    jobs = record_sales(stand, folder, extent)
    sales = _Sales(extent)
    service = StoreProcess(stand.config_file)
    await service.start()
    try:
        await sell(service, stand.tills[:1], sales.take(extent.warm_up))
        warm = await sell(service, stand.tills, sales.take(2 * extent.warm_up))
        alone_before = _measure_alone(prepared, jobs)
        one = await sell(service, stand.tills[:1], sales.take(extent.sales_1))
        turns = [turn async for turn in _sell_in_turns(service, stand, sales, prepared, jobs, warm.group_size, extent)]
    finally:
        await service.stop()
    many, typical = join_runs([turn.run for turn in turns]), _typical(turns)
    busy, printed = await _sell_while_printing(printing, prepared, jobs, many.group_size, extent)
    alone_after = _measure_alone(prepared, jobs)
    compared = await compare_offers(plain, offered, _offer_load(extent))
    raw = {
        "tills_1_p50_ms": min(alone_before, alone_after),
        "tills_16_per_s": typical.limit_per_s,
        "verify_per_s": write_in_memory(jobs),
    }
    figures = {
        "tills_1_p50_ms": one.load.latency_ms["p50"],
        "tills_1_p99_ms": one.load.latency_ms["p99"],
        "tills_16_per_s": typical.run.load.per_s,
        "tills_16_p99_ms": many.load.latency_ms["p99"],
        "cpu_ms_per_sale": many.cpu_ms / many.load.requests,
        "raw_ratio": typical.ratio,
        "group_size": many.group_size,
        "statements": count_statements(jobs),
        "synchronous": many.synchronous,
        "printing_rate_ratio": busy.ratio / typical.ratio,
        "receipts_printed": printed,
        "rss_mb": many.rss_mb,
        "offers_live": extent.offers,
        "offers_cpu_ms_per_sale": compared.offered_ms,
        "offers_cpu_ratio": compared.ratio,
        "client_cpu_ms_per_sale": many.load.client_cpu_ms,
        "verify_per_s": _verify(stand.database),
    }
    return report("sales", figures, raw, read_machine(many.sqlite), read_commit())


def _offer_load(extent: Extent) -> OfferLoad:
    return OfferLoad(
        offers=extent.offers,
        sales=extent.offer_sales,
        turns=extent.offer_turns,
        warm_up=extent.warm_up,
        products=extent.products,
        members=extent.members,
    )


def record_sales(stand: Stand, folder: Path, extent: Extent) -> list[Job]:
    """What `extent.recorded` sales write, on a copy of the store's file in `folder`."""
    copy = folder / "recorded.sqlite"
    shutil.copyfile(stand.database, copy)
    connection = connect(copy)
    try:
        life = read_life(connection)
        assert life is not None, "a store always has a life"
        shop = make_shop(load_config(stand.config_file), *life)
        jobs = []
        for command in make_sales(0, extent.recorded, extent.products, extent.members):
            selling = _selling(shop, make_caller(connection, stand.tills[0], now_ms()), command)
            connection.execute("BEGIN IMMEDIATE")
            jobs.append(record(connection, selling, Kind.WRITING))
            connection.execute("COMMIT")
    finally:
        connection.close()
    return jobs


def _selling(shop: Shop, caller: Caller, command: CompleteSale) -> Callable[[Tx], object]:
    return lambda tx: complete_sale(tx, shop, caller, command)


async def _sell_while_printing(
    stand: Stand, prepared: Path, jobs: list[Job], group_size: float, extent: Extent
) -> tuple[_Turn, int]:
    """All tills again while receipts are rendered without pause, and how many were printed meanwhile.

    It begins once the first receipt of the warm-up is out: before that the helper process is only being made. The raw
    runs beside it are those before it starts and after it has stopped.
    """
    raw_before = measure_raw(prepared, jobs, group_size)
    sales = _Sales(extent)
    service = StoreProcess(stand.config_file)
    await service.start()
    connection = connect(stand.database, read_only=True)
    try:
        await sell(service, stand.tills, sales.take(2 * extent.warm_up))
        before = await _await_first_receipt(connection)
        run = await sell(service, stand.tills, sales.take(extent.sales_16))
        printed = _count_printed(connection) - before
    finally:
        connection.close()
        await service.stop()
    raw_after = measure_raw(prepared, jobs, run.group_size)
    return _Turn(run, max(raw_before.per_s, raw_after.per_s)), printed


async def _await_first_receipt(tx: Tx) -> int:
    """How many are printed as soon as one is. Raises ServiceFailed when none comes."""
    until = time.monotonic() + _FIRST_RECEIPT_S
    while time.monotonic() < until:
        printed = _count_printed(tx)
        if printed:
            return printed
        await asyncio.sleep(_LOOK_S)
    raise ServiceFailed(f"No receipt was printed within {_FIRST_RECEIPT_S:.0f} s.")


def _count_printed(tx: Tx) -> int:
    ((count,),) = tx.execute("SELECT count(*) FROM print_job WHERE state = 'printed'").fetchall()
    return int(count)


def write_in_memory(jobs: Sequence[Job]) -> float:
    """How many jobs a second go into an empty database in memory: what a proof by replay cannot beat."""
    scratch = open_scratch()
    try:
        began_ns = time.perf_counter_ns()
        for job in jobs:
            replay(scratch, job)
        return rate_per_s(len(jobs), time.perf_counter_ns() - began_ns)
    finally:
        scratch.close()


def _verify(database: Path) -> float:
    """Entries a second of a full verify. Raises Unproved should the run have left something that does not hold."""
    began_ns = time.perf_counter_ns()
    proof = prove(database, full=True)
    elapsed_ns = time.perf_counter_ns() - began_ns
    if not proof.ok:
        raise Unproved(str(proof.first_wrong))
    return rate_per_s(proof.entries, elapsed_ns)


async def _sell_in_turns(
    service: StoreProcess,
    stand: Stand,
    sales: _Sales,
    prepared: Path,
    jobs: list[Job],
    group_size: float,
    extent: Extent,
) -> AsyncIterator[_Turn]:
    """All tills in turns, with a raw run before the first, at `group_size`, and after each."""
    before = measure_raw(prepared, jobs, group_size)
    for _ in range(extent.turns_16):
        run = await sell(service, stand.tills, sales.take(extent.sales_16 // extent.turns_16))
        after = measure_raw(prepared, jobs, run.group_size)
        yield _Turn(run, max(before.per_s, after.per_s))
        before = after


def _typical(turns: Sequence[_Turn]) -> _Turn:
    """The turn whose ratio is the median; of an even number the lower of the two in the middle."""
    return sorted(turns, key=lambda turn: turn.ratio)[(len(turns) - 1) // 2]


def _measure_alone(prepared: Path, jobs: list[Job]) -> float:
    """The median of a commit of one job, in milliseconds."""
    return measure_raw(prepared, jobs[: len(jobs) // 2], 1).commit_p50_ms
