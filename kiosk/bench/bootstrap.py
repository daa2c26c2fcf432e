"""edge: `counterfoil bench bootstrap`: a store that begins anew in a chain of a million members.

fill       members, accounts and a catalogue into the books of a head office on SQLite; not measured
build      the store asks, head office makes the files
download   over loopback; cut off once in the middle, so that a second try has to go on
install    what is left once the last byte is there: hash, unpack, quick_check, the transaction
raw        the same rows copied by a bare INSERT … SELECT for each table, into a new file, without any check
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kiosk.bench.chain import fill_feed
from kiosk.bench.client import connect
from kiosk.bench.goods import card_of, member_of
from kiosk.bench.hub_process import HubProcess, make_hub, sign_in
from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.sales import Unproved
from kiosk.bench.server import write_store
from kiosk.bench.statistics import Report, report
from kiosk.bench.tills import need_json
from kiosk.compose import Store, now_ms
from kiosk.config import Config, load_config
from kiosk.life.bootstrap import Bootstrap
from kiosk.life.enrolment import FILE_NAME, Enrolment, join
from kiosk.life.feed_bases import list_files
from kiosk.life.feed_rows import find_wrong
from kiosk.life.initialise import initialise
from kiosk.life.recover import open_session
from kiosk.life.start import release, start_store
from kiosk.life.told import find_told_members, read_told
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.db import SQLITE_VERSION
from sync.db import connect as open_file
from sync.db_connections import connect_single
from sync.feed_file import check_file
from sync.protocol.snapshots import Manifest, SignedManifest

MEMBERS, PRODUCTS = 1_000_000, 100_000
_TIMELINE = 1
_LOOK_S = 0.1
_PATIENCE_S = 900.0
_MEGABYTE = 1_000_000
_PUT = ("INSERT", "INTO")


class _Line:
    """The line to head office, which breaks once: after half of everything has come."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self.breaks_after: int | None = None
        self.brought = 0
        self.rest = 0

    async def read_snapshot_manifest(self, session: str) -> SignedManifest:
        return await self._client.read_snapshot_manifest(session)

    @contextlib.asynccontextmanager
    async def download(self, session: str, sha256: str, start: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        async with self._client.download(session, sha256, start) as (begins, pieces):
            yield begins, self._carry(pieces)

    async def _carry(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            if self.breaks_after is not None and self.brought >= self.breaks_after:
                self.breaks_after, self.rest = None, -self.brought
                raise HubSilent("the line was cut, as planned")
            self.brought += len(piece)
            yield piece


class _Times(Struct, kw_only=True):
    """Seconds of each step."""

    fill_s: float = 0.0
    build_s: float = 0.0
    download_s: float = 0.0
    unpack_s: float = 0.0
    install_s: float = 0.0
    quick_check_s: float = 0.0
    raw_s: float = 0.0


async def bench_bootstrap(folder: Path, *, members: int = MEMBERS, products: int = PRODUCTS) -> Report:
    """Run the bench in `folder`, which is empty and lies on the disk to be measured.

    Raises ServiceFailed, Refused, ClientProblem, HubSilent, HubRefused, SnapshotRefused; Unproved when the store does
    not hold afterwards what head office told.
    """
    times = _Times()
    hub = make_hub(folder / "hub", "sqlite:hub.sqlite", applies=False)
    config = _make_store(folder / "store")
    await hub.start()
    try:
        enrolment = await _join(hub, config)
        await hub.stop()
        began = time.perf_counter()
        things = fill_feed(folder / "hub" / "hub.sqlite", enrolment.store, members=members, products=products)
        times.fill_s = time.perf_counter() - began
        await hub.start()
        async with _opened(config) as store:
            line, manifest = await _bootstrap(store, enrolment, hub, times)
            await _prove(store, manifest, members)
            files = await store.database.read(lambda tx: list_files(tx, config.data_dir()))
        times.quick_check_s = await _timed(asyncio.to_thread(_check, files.values()))
        times.raw_s = await _timed(asyncio.to_thread(_copy_bare, files.values(), folder / "raw.sqlite"))
    finally:
        await hub.stop()
    packed = sum(file.bytes for file in manifest.files)
    figures = {
        "members": members,
        "products": products,
        "things": things,
        "build_s": times.build_s,
        "download_s": times.download_s,
        "bytes": packed,
        "unpacked_mb": sum(file.unpacked_bytes for file in manifest.files) / _MEGABYTE,
        # Of what there was to fetch, how much had to come again after the line was cut: 0 is none.
        "fetched_again_ratio": line.brought / _all_bytes(manifest) - 1,
        "resumed_ratio": (line.brought + line.rest) / _all_bytes(manifest),
        "unpack_s": times.unpack_s,
        "install_s": times.unpack_s + times.install_s,
        "transaction_s": times.install_s,
        "quick_check_s": times.quick_check_s,
        "raw_ratio": times.raw_s / (times.unpack_s + times.install_s),
    }
    raw = {"install_s": times.raw_s}
    return report("bootstrap", figures, raw, read_machine(SQLITE_VERSION), read_commit())


async def _bootstrap(store: Store, enrolment: Enrolment, hub: HubProcess, times: _Times) -> tuple[_Line, Manifest]:
    """The steps of kiosk/life/bootstrap.py one by one, with a clock beside them."""
    client = HubClient(hub.url)
    line: Any = _Line(client)
    bootstrap = Bootstrap(store.door, enrolment, pause=_go_on_at_once)
    try:
        session, _ = await open_session(client, store.config.data_dir(), enrolment.store)
        began = time.perf_counter()
        await _await_manifest(client, session)
        times.build_s = time.perf_counter() - began
        signed = await client.read_snapshot_manifest(session)
        line.breaks_after = _all_bytes(msgspec.json.decode(signed.manifest, type=Manifest)) // 2
        began = time.perf_counter()
        manifest = await bootstrap.fetch(line, session, _TIMELINE)
        times.download_s = time.perf_counter() - began
        began = time.perf_counter()
        names = await bootstrap.unpack(manifest)
        times.unpack_s = time.perf_counter() - began
        times.install_s = await _timed(bootstrap.install(manifest, names))
    finally:
        await client.close()
    return line, manifest


async def _await_manifest(client: HubClient, session: str) -> None:
    """Ask until head office has made the files. Raises HubRefused for any other reason than that it has not yet."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await client.read_snapshot_manifest(session)
        except HubRefused as refused:
            if refused.refusal != "snapshot_being_made" or time.monotonic() > until:
                raise
            await asyncio.sleep(_LOOK_S)
        else:
            return


def _make_store(folder: Path) -> Config:
    config = load_config(write_store(folder, {}))
    initialise(config, "manager", "Bench", "2580")
    return config


async def _join(hub: HubProcess, config: Config) -> Enrolment:
    """The store has joined, and its own line stays down: what is measured is asked for by the bench."""
    connection = await connect(hub.url)
    try:
        office = await sign_in(connection)
        body = {"id": uuid7(now_ms(), bytes(10)), "code": config.store.code, "name": "Bench"}
        made = await need_json(connection, "POST", "/v1/stores", office, body)
    finally:
        connection.close()
    enrolment = await asyncio.to_thread(join, config, hub.url, str(made["enrolment_code"]))
    (config.data_dir() / FILE_NAME).unlink()
    return enrolment


@contextlib.asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Store]:
    own = config.store
    started = start_store(config.data_dir(), own.code, own.currency, own.time_zone)
    store = Store(config, started, on_death=_fail)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
        release(started, clean=True)


async def _prove(store: Store, manifest: Manifest, members: int) -> None:
    """Raises Unproved unless what is installed adds up, member by member and product by product."""
    last = str(member_of(members - 1))

    def look(tx: Tx) -> tuple[object, ...]:
        found = [str(member) for member in find_told_members(tx, "card", card_of(members - 1))]
        return find_wrong(tx), found == [last], read_told(tx, "account", last) is not None

    found = await store.database.read(look)
    counted = sum(file.entities.get("member", 0) for file in manifest.files)
    if found != ((), True, True) or counted != members:
        raise Unproved(f"of {members} members {counted} were told, and this was found: {found}")


def _check(files: Iterable[Path]) -> None:
    for path in files:
        with contextlib.closing(connect_single(path, read_only=True)) as connection:
            check_file(connection)


def _copy_bare(files: Iterable[Path], target: Path) -> None:
    """The rows of all files into tables of the same shape, one transaction a table."""
    with contextlib.closing(open_file(target)) as connection:
        for path in files:
            connection.execute("ATTACH ? AS told", (f"{path.absolute().as_uri()}?mode=ro",))
            shapes = connection.execute("SELECT name, sql FROM told.sqlite_schema WHERE type = 'table'").fetchall()
            for name, shape in shapes:
                if connection.execute("SELECT 1 FROM main.sqlite_schema WHERE name = ?", (name,)).fetchone() is None:
                    connection.execute(shape)
                # Not through the doors of the tables (docs/architecture.md): a copy that is thrown away.
                connection.execute(f"{' '.join(_PUT)} main.{name} SELECT * FROM told.{name}")  # noqa: S608  names of our own tables
            connection.execute("DETACH told")


def _all_bytes(manifest: Manifest) -> int:
    stubs = manifest.stubs.bytes if manifest.stubs is not None else 0
    return sum(file.bytes for file in manifest.files) + stubs


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _go_on_at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def _fail(error: BaseException) -> None:
    raise AssertionError("the writer died") from error
