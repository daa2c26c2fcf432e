"""A head office for simulations: the product's own, with its appliers, feed, snapshots and bundles, on a disk that can
lose power. With PostgreSQL its books are on a server, and only its process dies.

Whoever asks it while it is down, or dies before it can answer, hears nothing.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from unittest.mock import patch
from uuid import UUID

import apsw
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.bench.postgres_server import PostgresServer
from kiosk.config import load_config
from loyalty.transactions import Tx
from sync.agent.key import public_hex
from sync.db import connect
from sync.dialect import list_definitions
from sync.engines import Storage
from sync.http.auth import hash_token
from sync.hub import initialise, state, stores, users
from sync.hub.compose import Hub
from sync.hub.enrolment import CODE_RANDOM_BYTES, enrol, make_code
from sync.hub.marker import FILE_NAME as MARK_NAME
from sync.hub.proof import prove
from sync.hub.schema_all import ALL_TABLES
from sync.hub.settings import Settings
from sync.hub.signing_key import load_key
from sync.hub.tokens import TokenRow, add_token
from sync.hub.web import bundles, commands, lending, lookups, snapshots, sync
from sync.pins import Pins
from sync.postgres import PostgresDatabase
from sync.verify import Report
from tests.simulation.crash_disk import SIDES, CrashDisk
from tests.simulation.disk_database import DiskDatabase, InlineHelper
from tests.simulation.in_process_http import PULL_WAIT_S, Reply, answer, make_app
from tests.simulation.virtual_time import Owner, VirtualLoop

if TYPE_CHECKING:
    from aiohttp import web

T = TypeVar("T")
SYNCHRONOUS = "FULL"
OFFICE_TOKEN = "simulated-office"
DATABASE = "hub.sqlite"
LEAD_S = 5
LEASE_POINTS = 400


class HubStore(NamedTuple):
    """A store that is known at head office."""

    id: UUID
    code: str


_PINS = Pins()
"""Making one takes as long as comparing a PIN; no start in a universe is to wait for that."""


def settings(things: int) -> Settings:
    """The shipped settings for short lives. From `things` to tell on, a store that begins anew is offered a file."""
    return msgspec.structs.replace(
        load_config().hub,
        pull_wait_seconds=PULL_WAIT_S,
        bundle_lead_seconds=LEAD_S,
        store_lease_points=LEASE_POINTS,
        snapshot_things=things,
        lease_minutes=5,
    )


def make_books(tx: Tx, random: Random, engine: str) -> None:
    """The tables of a head office, its first timeline, and somebody in the office."""
    for table in ALL_TABLES:
        for definition in list_definitions(cast("Any", engine), table):
            tx.execute(definition)
    state.begin(tx, random.randbytes(32))
    users.save_user(tx, "office", "head_office", "no password is ever compared")
    user = users.find_user(tx, "office")
    assert user is not None
    add_token(tx, hash_token(OFFICE_TOKEN), TokenRow("head_office", "office", user.generation), 0, None)


def add_store(tx: Tx, code: str, key: Ed25519PrivateKey, random: Random, now_ms: int) -> HubStore:
    """A store that has joined."""
    store = UUID(bytes=random.randbytes(16), version=4)
    stores.add_store(tx, store, code, code, now_ms)
    text = make_code(tx, store, random.randbytes(CODE_RANDOM_BYTES), now_ms + 1)
    enrol(tx, text, bytes.fromhex(public_hex(key)), now_ms)
    return HubStore(store, code)


class RealHub:
    """One head office in a folder that was prepared."""

    def __init__(
        self,
        folder: Path,
        template: Path,
        loop: VirtualLoop,
        random: Random,
        things: int,
        postgres: str | None = None,
    ) -> None:
        """`postgres` is the address of a database that was prepared."""
        shutil.copytree(template, folder)
        self.folder, self.loop, self.random = folder, loop, random
        self.settings = settings(things)
        self.path = folder / DATABASE
        self.postgres = postgres
        self.power_cuts = 0
        self.disk = CrashDisk(random)
        self.hub: Hub | None = None
        self._owner = Owner()
        self._app: web.Application | None = None

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self._app is not None

    @property
    def database(self) -> Any:  # noqa: ANN401  of either engine
        """Its database, while it is up."""
        assert self.hub is not None
        return self.hub.database

    # -- the service

    async def start(self) -> None:
        """Start on whatever is on the disk. Raises HubWasRestored."""
        self.disk = CrashDisk(self.random)
        owner = self._owner = Owner()
        with (
            owner.running(),
            patch("sync.hub.compose.open_database", self._open),
            patch("sync.hub.snapshots.Helper", InlineHelper),
            patch("sync.hub.door.Pins", lambda: _PINS),
        ):
            hub = self.hub = Hub(self.settings, self.folder, "simulated", on_death=_die)
            try:
                await hub.open()
            except BaseException:
                await hub.database.close()
                self.hub = None
                raise
        routes = [
            *sync.routes.bind(hub.door),
            *snapshots.routes.bind(hub.snapshots),
            *commands.routes.bind(hub.door),
            *lending.routes.bind(hub.door),
            *lookups.routes.bind(hub.door),
            *bundles.routes.bind(hub.door),
        ]
        self._app = make_app(routes, hub.door.resolve)

    async def stop(self) -> None:
        """End in an orderly way."""
        hub, self.hub, self._app = self.hub, None, None
        if hub is not None:
            await hub.close()
            self._owner.kill()

    def kill(self) -> None:
        """End at once."""
        if self._app is None and self.hub is None:
            return
        self._app = None
        hub, self.hub = self.hub, None
        self._owner.kill()
        if hub is not None and isinstance(hub.database, DiskDatabase):
            hub.database.drop()
        elif hub is not None:
            self.loop.create_task(hub.database.close())

    def _lose_power(self) -> None:
        self.power_cuts += 1
        self.kill()
        self.disk.lay_out(self.path)

    def _open(self, _address: str, **more: Any) -> Storage:  # noqa: ANN401  those of open_database
        if self.postgres is not None:
            return PostgresDatabase(self.postgres, writers=1, readers=1, on_commit=more.get("on_commit", lambda: None))
        return DiskDatabase(
            self.path,
            self.disk,
            SYNCHRONOUS,
            on_power_cut=self._lose_power,
            on_commit=more.get("on_commit", lambda: None),
        )

    async def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """Answer; nothing while it is down, or when it died meanwhile."""
        app, owner = self._app, self._owner
        if app is None:
            return None
        with owner.running():
            task = asyncio.get_running_loop().create_task(answer(app, method, target, headers, body))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
        if task.cancelled() or self._app is not app:
            return None
        return task.result()

    async def decide(self, path: str, query: str, body: object) -> Reply | None:
        """Somebody in the office looks at a thing and says what it shall be from now on, or from when `query` says."""
        headers = {"Authorization": f"Bearer {OFFICE_TOKEN}", "Content-Type": "application/json"}
        seen = await self.serve("GET", path, headers, b"")
        if seen is None:
            return None
        if seen.status == 200:
            headers["If-Match"] = seen.headers["ETag"]
        return await self.serve("PUT", f"{path}?{query}", headers, msgspec.json.encode(body))

    # -- faults

    def back_up(self, place: Path) -> None:
        """A copy, beside the running head office."""
        place.mkdir(exist_ok=True)
        self.database.copy_to(place / DATABASE)
        if (self.folder / MARK_NAME).exists():
            shutil.copy(self.folder / MARK_NAME, place / MARK_NAME)

    def put_back(self, place: Path, *, mark_too: bool) -> None:
        """Put a copy in place of the database, with or without the mark outside of it that would tell. The loop does
        not run."""
        self.kill()
        for side in SIDES:
            self.path.with_name(self.path.name + side).unlink(missing_ok=True)
        shutil.copy(place / DATABASE, self.path)
        if mark_too:
            (self.folder / MARK_NAME).unlink(missing_ok=True)
            if (place / MARK_NAME).exists():
                shutil.copy(place / MARK_NAME, self.folder / MARK_NAME)

    def begin_timeline(self) -> int:
        """What the operator does about it: `counterfoil hub timeline`. The loop does not run."""
        self.disk = CrashDisk(self.random)
        with patch("sync.hub.initialise.open_database", self._open), patch("asyncio.run", self.loop.run_until_complete):
            return initialise.begin_timeline(self.settings, self.folder)

    # -- what is asked of it

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Look at its books, also while it is down."""
        if self.hub is not None:
            database = self.hub.database
            if isinstance(database, PostgresDatabase):
                return database._readers._run(fn)
            return cast("DiskDatabase", database).read_now(fn)
        with contextlib.closing(apsw.Connection(str(self.path))) as connection:
            return fn(cast("Tx", connection))

    def write(self, fn: Callable[[Tx], T]) -> T:
        """What a person does at head office, at once; the power stays on meanwhile."""
        database = self.database
        if isinstance(database, PostgresDatabase):
            return database._writers._run(fn)
        self.disk.spare()
        return cast("DiskDatabase", database).write_now(fn)

    def ops_of(self, store: UUID, table: str = "inbox") -> set[bytes]:
        """The operations of a store that lie here; of `applied`, those that count."""
        rows = self.read(lambda tx: tx.execute(f"SELECT op_id FROM {table} WHERE store = ?", (store.bytes,)).fetchall())
        return {op_id for (op_id,) in rows}

    def chain_of(self, store: UUID, epoch: int) -> list[tuple[int, bytes]]:
        """Numbers and hashes of a life."""
        sql = "SELECT seq, hash FROM inbox WHERE store = ? AND epoch = ? ORDER BY seq"
        return [(seq, entry_hash) for seq, entry_hash in self.rows(sql, (store.bytes, epoch))]

    def rows(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """What a question answers."""
        return self.read(lambda tx: tx.execute(sql, parameters).fetchall())

    def is_behind(self) -> bool:
        """Whether anything waits to be applied."""
        return bool(
            self.rows(
                "SELECT 1 FROM epoch_head JOIN apply_cursor ON apply_cursor.store = epoch_head.store"
                " AND apply_cursor.epoch = epoch_head.epoch WHERE applied_seq < seq LIMIT 1"
            )
        )

    def prove(self) -> Report:
        """The proof of a head office, against tables made anew."""
        with scratch_tables() as scratch:
            return self.read(lambda tx: prove(tx, scratch))


@contextlib.contextmanager
def scratch_tables() -> Iterator[Any]:
    """The empty tables of a head office, in memory."""
    with contextlib.closing(connect(":memory:")) as scratch:
        for table in ALL_TABLES:
            for definition in list_definitions("sqlite", table):
                scratch.execute(definition)
        scratch.execute("BEGIN")
        yield scratch


def make_template(folder: Path, codes: Mapping[str, Ed25519PrivateKey], random: Random, now_ms: int) -> list[HubStore]:
    """A head office whose stores have joined, in `folder`."""
    folder.mkdir(parents=True)
    load_key(folder)
    with contextlib.closing(connect(folder / DATABASE)) as connection:
        connection.execute("BEGIN")
        made = _fill(connection, codes, random, now_ms, "sqlite")
        connection.execute("COMMIT")
    return made


def make_postgres(
    server: PostgresServer, name: str, codes: Mapping[str, Ed25519PrivateKey], random: Random, now_ms: int
) -> str:
    """The same in a database of a server; its address. The ids are those of the other engine for the same `random`."""
    address = server.make_database(name)
    database = PostgresDatabase(address, writers=1, readers=1)
    database._writers._run(lambda tx: _fill(tx, codes, random, now_ms, "postgresql"))
    asyncio.run(database.close())
    return address


def _fill(tx: Tx, codes: Mapping[str, Ed25519PrivateKey], random: Random, now_ms: int, engine: str) -> list[HubStore]:
    make_books(tx, random, engine)
    return [add_store(tx, code, key, random, now_ms) for code, key in codes.items()]


def _die(error: BaseException) -> None:
    raise error
