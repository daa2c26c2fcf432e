"""edge: `counterfoil bench push`: how many entries a head office acknowledges and applies, on each engine, and how near
that is to what the engine can do.

Entries are sales of five lines with a member, booked by a store's own code. The hub is one process; it is pushed to by
several stores at once, each with one push under way, as in the field. Order of a run, for each engine:

    open       goods and members come in and are applied; not measured
    push       all stores at once, into a head office that applies nothing: what is acknowledged a second
    raw        the rows that left, into an empty database of the same engine, by bare multi-row inserts
    apply      a head office that applies, started on what came in: entries a second, points and reports and all
    drain      one more store with a long backlog, while the same head office receives and applies
    raw        the rows that applying left, by bare inserts
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from kiosk.bench.client import Connection, connect
from kiosk.bench.hub_process import HubProcess, make_hub, sign_in
from kiosk.bench.journals import Journal, book_journals
from kiosk.bench.load import measure
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.postgres_server import PostgresMissing, PostgresServer
from kiosk.bench.pushing import PushingStore, enrol, need_acknowledged
from kiosk.bench.raw_rows import insert_tables, read_columns, read_tables
from kiosk.bench.sales import Unproved
from kiosk.bench.stand import prepare_stand
from kiosk.bench.statistics import Figure, Machine, report
from loyalty.tables import Table
from loyalty.transactions import Tx
from sync.db import SQLITE_VERSION, Database
from sync.dialect import Engine
from sync.engines import Storage, make_tables, open_database, path_of
from sync.hub.schema_all import ALL_TABLES

_LOOK_S = 0.02
_PATIENCE_S = 300.0
_CAME_IN = ("inbox", "inbox_private", "epoch_head")


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does. `drained` is the length of the backlog."""

    stores: int = 8
    sales: int = 1_500
    drained: int = 10_000
    products: int = 500
    members: int = 1_000


class EngineFigures(Struct, frozen=True, kw_only=True):
    """What was measured on one engine; `raw` holds the limits of its rates."""

    engine: Engine
    ops_per_s: Figure
    applied_per_s: Figure
    raw_ratio: Figure
    drain_10000_s: Figure
    drain_10000_applied_s: Figure
    rss_mb: Figure
    raw: dict[str, Figure]


class PushReport(Struct, frozen=True):
    """What `bench push --json` prints. `figures` and `raw` say the same as `engines`, by name."""

    bench: str
    figures: dict[str, Figure]
    raw: dict[str, Figure]
    engines: list[EngineFigures]
    machine: Machine
    commit: str


async def bench_push(folder: Path, extent: Extent | None = None) -> PushReport:
    """Run the bench in `folder`, which is empty and lies on the disk to be measured; PostgreSQL where it is installed.

    Raises ServiceFailed, Refused, ClientProblem, Unproved.
    """
    extent = extent or Extent()
    stand = await prepare_stand(folder / "store", tills=1, products=extent.products, members=extent.members)
    counts = [extent.sales] * extent.stores + [extent.drained]
    opening, *journals, backlog = book_journals(stand, counts, products=extent.products, members=extent.members)
    engines = []
    for engine, address, raw_address in _addresses(folder):
        place = _Place(engine, folder / engine, address, raw_address)
        engines.append(await _measure(place, opening, journals, backlog))
    figures: dict[str, Figure] = {}
    raw: dict[str, Figure] = {}
    for each in engines:
        figures |= {
            f"{each.engine}_{name}": getattr(each, name)
            for name in each.__struct_fields__
            if name not in ("engine", "raw")
        }
        raw |= {f"{each.engine}_{name}": value for name, value in each.raw.items()}
    told = report("push", figures, raw, read_machine(SQLITE_VERSION), read_commit())
    return PushReport(told.bench, told.figures, told.raw, engines, told.machine, told.commit)


class _Place(Struct, frozen=True):
    """Where an engine is measured: a folder, its database, and an empty one for the raw limits."""

    engine: Engine
    folder: Path
    address: str
    raw_address: str

    def looking(self) -> Storage:
        """The database for one who only looks while head office has it open."""
        if self.engine == "sqlite":
            return _Looking(path_of(self.address))
        return open_database(self.address)


class _Looking(Database):
    """An SQLite file beside the process whose it is: nothing is written here."""

    engine: Engine = "sqlite"


def _addresses(folder: Path) -> Iterator[tuple[Engine, str, str]]:
    """Each engine of this machine, with two databases of it while it is measured."""
    yield "sqlite", f"sqlite://{folder / 'hub.sqlite'}", f"sqlite://{folder / 'raw.sqlite'}"
    with contextlib.suppress(PostgresMissing), PostgresServer.start() as server:
        yield "postgresql", server.make_database("hub"), server.make_database("raw")


async def _measure(place: _Place, opening: Journal, journals: Sequence[Journal], backlog: Journal) -> EngineFigures:
    before, count = len(opening.ops), sum(len(journal.ops) for journal in journals)
    async with _running(make_hub(place.folder, place.address, applies=True)) as connections:
        await _push(connections, [opening], first=1)
        await _await_applied(place, before)
    receiving = make_hub(place.folder, place.address, applies=False)
    async with _running(receiving) as connections:
        pushed_s = await _push(connections, journals, first=2)
        peak = receiving.peak_rss_mb()
    raw_s = await _write_bare(place, [table for table in ALL_TABLES if table.name in _CAME_IN])
    applying = make_hub(place.folder, place.address, applies=True)
    async with _running(applying) as connections:
        applied_per_s = await _await_applied(place, before + count, before)
        drained = await _drain(place, connections[0], backlog, before + count)
        peak = max(peak, applying.peak_rss_mb())
    whole = before + count + len(backlog.ops)
    await _prove(place, whole)
    raw_applied_s = await _write_bare(place, [table for table in ALL_TABLES if table.name not in _CAME_IN])
    raw = {"ops_per_s": (before + count) / raw_s, "applied_per_s": whole / raw_applied_s}
    share = len(backlog.ops) / 10_000
    return EngineFigures(
        engine=place.engine,
        ops_per_s=round(count / pushed_s),
        applied_per_s=round(applied_per_s),
        raw_ratio=round(count / pushed_s / raw["ops_per_s"], 3),
        drain_10000_s=round(drained[0] / share, 2),
        drain_10000_applied_s=round(drained[1] / share, 2),
        rss_mb=round(peak, 1),
        raw={name: round(value) for name, value in raw.items()},
    )


@contextlib.asynccontextmanager
async def _running(hub: HubProcess, connections: int = 16) -> AsyncIterator[list[Connection]]:
    await hub.start()
    opened = [await connect(hub.url) for _ in range(connections)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()
        await hub.stop()


async def _push(connections: Sequence[Connection], journals: Sequence[Journal], *, first: int) -> float:
    """Seconds until everything of all journals is acknowledged, each store with one push under way. The stores are
    numbered from `first`."""
    stores = await _enrol(connections[0], journals, first=first)
    requests = [await store.prepare(connections[0]) for store in stores]
    load = await measure(connections[: len(stores)], requests, on_answer=need_acknowledged)
    return load.elapsed_s


async def _enrol(connection: Connection, journals: Sequence[Journal], *, first: int) -> list[PushingStore]:
    office = await sign_in(connection)
    return [await enrol(connection, office, number, journal) for number, journal in enumerate(journals, first)]


async def _drain(place: _Place, connection: Connection, backlog: Journal, before: int) -> tuple[float, float]:
    """Seconds until the backlog is acknowledged, and until it is applied."""
    (store,) = await _enrol(connection, [backlog], first=900)
    requests = await store.prepare(connection)
    began = time.perf_counter()
    await measure([connection], [requests], on_answer=need_acknowledged)
    acknowledged_s = time.perf_counter() - began
    await _await_applied(place, before + len(backlog.ops))
    return acknowledged_s, time.perf_counter() - began


async def _await_applied(place: _Place, count: int, before: int = 0) -> float:
    """Wait until `count` entries are applied; entries a second since more than `before` were seen to be, or since it
    began to wait where they all were at the first look.

    Raises Unproved when they never are.
    """
    until = time.monotonic() + _PATIENCE_S
    began, seen = time.perf_counter(), before
    async with _opened(place.looking()) as books:
        while (applied := await books.read(_count_applied)) < count:
            if seen == before and applied > before:
                began, seen = time.perf_counter(), applied
            if time.monotonic() > until:
                raise Unproved(f"{applied} of {count} entries were applied within {_PATIENCE_S:.0f} s.")
            await asyncio.sleep(_LOOK_S)
    return (count - seen) / (time.perf_counter() - began)


def _count_applied(tx: Tx) -> int:
    row = tx.execute("SELECT coalesce(sum(applied_seq), 0) FROM apply_cursor").fetchone()
    return int(row[0]) if row else 0


async def _write_bare(place: _Place, tables: Sequence[Table]) -> float:
    """Seconds that the rows of these tables take to be written bare. Head office is stopped."""
    shapes = {table.name: read_columns(table) for table in tables}
    async with _opened(open_database(place.address)) as books, _opened(open_database(place.raw_address)) as bare:
        await make_tables(bare, tables)
        return await insert_tables(bare, await read_tables(books, shapes))


async def _prove(place: _Place, count: int) -> None:
    """Raises Unproved unless each entry was applied, none twice, and none was put aside."""

    def look(tx: Tx) -> tuple[int, int]:
        ((applied,),) = tx.execute("SELECT count(*) FROM applied").fetchall()
        ((dead,),) = tx.execute("SELECT count(*) FROM dead_letter").fetchall()
        return int(applied), int(dead)

    async with _opened(open_database(place.address)) as books:
        found = await books.read(look)
    if found != (count, 0):
        raise Unproved(f"of {count} entries {found[0]} were applied and {found[1]} put aside.")


@contextlib.asynccontextmanager
async def _opened(storage: Storage) -> AsyncIterator[Storage]:
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()
