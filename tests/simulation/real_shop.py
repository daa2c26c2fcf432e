"""A shop for simulations: the product's own store with its agent, puller and upkeep, on a disk that can lose power.

Its tills call the product's application. Whoever calls while it is down, or when it dies before it can answer, hears
nothing. Everything it asks of head office goes over a line as bad as the universe likes.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from unittest.mock import patch
from uuid import UUID

import apsw
import msgspec

from kiosk.compose import Store
from kiosk.identity.sessions import Sessions
from kiosk.life import backup, proof
from kiosk.life.start import DATABASE_NAME, Started, start_store
from kiosk.web import coupons, members, points, sales
from kiosk.web.door import Session
from kiosk.web.seen import HEADER as SEEN_HEADER
from kiosk.web.seen import SeenMarks
from loyalty.leases import Uptime
from loyalty.transactions import Tx
from sync.http.auth import hash_token
from sync.http.problems import StorageUnavailable
from sync.protocol.push_state import StorePush
from sync.verify import Report
from tests.kiosk.shopkit import CASHIER, MANAGER, device_of, make_config
from tests.simulation.crash_disk import CrashDisk
from tests.simulation.disk_database import DiskDatabase, InlineHelper
from tests.simulation.in_process_http import Line, LineClient, Reply, answer, make_app
from tests.simulation.real_hub import _PINS, HubStore
from tests.simulation.virtual_time import Owner

if TYPE_CHECKING:
    from aiohttp import web

    from tests.simulation.real_universe import RealUniverse

T = TypeVar("T")
SYNCHRONOUS = "FULL"
RESTART_S = 6.0
LOOK_S = 10.0
"""How often the upkeep looks around: less often than in life, for the time it takes."""

SETTINGS: dict[str, dict[str, object]] = {
    "gift_cards": {"departments": ["GIFT"]},
    "maintenance": {"verify_enabled": False, "minimum_free_mb": 0},
}
_TOKENS = {hash_token(role): role for role in ("cashier", "manager")}


def config_of(folder: Path, code: str, floor_minor: int = 0) -> Any:  # noqa: ANN401  a Config
    """The configuration of a shop. `floor_minor`: what a member may spend without a line."""
    offline = {"member_limit_minor": floor_minor, "store_limit_minor": 4 * floor_minor, "coupon_limit_minor": 60}
    sections: dict[str, Mapping[str, object]] = {"loyalty.offline": offline, **SETTINGS}
    return make_config(folder, store={"data_dir": "data", "code": code}, **sections)


class RealShop:
    """One shop in a folder of its own, a copy of one that was prepared."""

    def __init__(self, universe: "RealUniverse", joined: HubStore, template: Path, name: str = "") -> None:
        """`name` is the disk's, where it is not the only one of its store."""
        self.universe, self.joined = universe, joined
        self.name = name or joined.code
        self.folder = universe.folder / self.name
        shutil.copytree(template, self.folder)
        self.config = config_of(self.folder, joined.code, universe.floor_minor)
        self.data: Path = self.config.data_dir()
        self.path = self.data / DATABASE_NAME
        self.told: dict[UUID, bool] = {}
        self.seen = ""
        self.boot = 0
        self.power_cuts = self.refused = self.runs = 0
        self.scrapped = False
        self.installed = 0
        self.disk = CrashDisk(universe.random)
        self.store: Store | None = None
        self._app: web.Application | None = None
        self._started: Started | None = None
        self._closing: asyncio.Future[None] | None = None
        self._owner = Owner()
        self.line = Line(self.name, universe.network, universe.hub.serve)

    @property
    def up(self) -> bool:
        """Whether its tills are answered."""
        return self._app is not None

    @property
    def database(self) -> DiskDatabase:
        """Its database, while it is up."""
        assert self.store is not None
        database = self.store.database
        assert isinstance(database, DiskDatabase)
        return database

    # -- the service

    async def start(self) -> None:
        """Start on whatever is on the disk, as the product does."""
        async with self.universe.starting:
            if self._closing is not None:
                await self._closing
            if self.store is None and not self.scrapped and self.path.exists():
                await self._start()

    async def _start(self) -> None:
        own = self.config.store
        self._started = start_store(self.data, own.code, own.currency, own.time_zone)
        self.disk = CrashDisk(self.universe.random)
        self.runs += 1
        owner = self._owner = Owner()
        with (
            owner.running(),
            patch("kiosk.compose.Database", self._make_database),
            patch("kiosk.compose.Helper", InlineHelper),
            patch("kiosk.life.upkeep._LOOK_S", LOOK_S),
            patch("kiosk.compose.read_uptime", self._read_uptime),
            patch("kiosk.life.head_office.HubClient", self._make_client),
            patch("kiosk.web.door.Pins", lambda: _PINS),
        ):
            store = self.store = Store(self.config, self._started, on_death=_die, on_new_life=self._begin_new_life)
            await store.open()
        tables = (sales, points, coupons, members)
        routes = [route for table in tables for route in table.routes.bind(store.door)]
        seen = SeenMarks(store.door, cast("Sessions", self), self._begin_new_life)
        self._app = make_app(routes, self.resolve, seen.middleware())
        self.universe.note(self.name, f"starts in life {self._started.ordinal}: {self._started.read_only or 'writes'}")
        for op_id in self.told:
            assert self.has(op_id), f"{self.name} told a till that {op_id} is done and does not have it"

    async def stop(self) -> None:
        """The service ends, if it does not end already; what was committed stays."""
        store, self.store, self._app = self.store, None, None
        if store is None:
            if self._closing is not None:
                await self._closing
            return
        closing = self._closing = asyncio.get_running_loop().create_future()
        try:
            await store.close()
            self._let_go()
        finally:
            self._closing = None
            closing.set_result(None)

    def kill(self) -> None:
        """The process ends at once."""
        store, self.store, self._app = self.store, None, None
        if store is not None:
            database = store.database
            assert isinstance(database, DiskDatabase)
            database.drop()
            self._let_go()

    def _let_go(self) -> None:
        self._owner.kill()
        if self._started is not None:
            os.close(self._started.lock)
            self._started = None

    def _lose_power(self) -> None:
        self.power_cuts += 1
        self.boot += 1
        self.universe.note(self.name, "loses power")
        self.kill()
        self.disk.lay_out(self.path)
        self.start_later()

    def start_later(self) -> None:
        """Somebody switches it on again."""
        self.universe.later(RESTART_S, self.start)

    def _begin_new_life(self) -> None:
        self.universe.note(self.name, "begins a new life")
        self.universe.counts["new life"] += 1
        self.universe.later(0.0, self._start_anew)

    async def _start_anew(self) -> None:
        await self.stop()
        self.start_later()

    def _make_database(self, path: Path, *, on_commit: Callable[[], None], **_: object) -> DiskDatabase:
        return DiskDatabase(path, self.disk, SYNCHRONOUS, on_power_cut=self._lose_power, on_commit=on_commit)

    def _make_client(self, url: str) -> LineClient:
        return LineClient(url, self.line, self._breaks)

    def _breaks(self) -> float | None:
        self.installed += 1
        return self.universe.random.random() if self.universe.luck("download broken") else None

    def _read_uptime(self) -> Uptime:
        return Uptime(f"{self.name} {self.boot}", int(self.universe.loop.time() * 1000))

    def resolve(self, token_hash: bytes) -> Session | None:
        """Who calls: the cashier or the manager of T01."""
        role = _TOKENS.get(token_hash)
        operator = MANAGER if role == "manager" else CASHIER
        return Session(role=role, device=device_of("T01"), till="T01", operator=operator) if role else None

    # -- its tills

    async def call(self, method: str, target: str, body: object = None, *, role: str = "manager") -> Reply | None:
        """What a till asks; it says what it has seen, so a disk that went back is noticed. Nothing where nobody
        answered."""
        app = self._app
        if app is None:
            return None
        headers = {"Authorization": f"Bearer {role}", "Content-Type": "application/json"}
        if self.seen:
            headers[SEEN_HEADER] = self.seen
        raw = msgspec.json.encode(body) if body is not None else b""
        with self._owner.running():
            task = asyncio.get_running_loop().create_task(answer(app, method, target, headers, raw))
        await asyncio.wait([task])
        return None if task.cancelled() or self._app is not app else task.result()

    async def approve(self, grant: Callable[[Tx], None]) -> None:
        """A manager types a PIN somewhere."""
        if self.store is not None:
            with contextlib.suppress(StorageUnavailable):
                await self.database.write(grant)

    def remember(self, place: Mapping[str, Any]) -> None:
        """What a till saw last."""
        self.seen = f"{place['epoch']}:{place['seq']}:{place['hash']}"

    def has(self, op_id: UUID) -> bool:
        """Whether the journal has an operation."""
        return bool(self.rows("SELECT 1 FROM journal WHERE op_id = ?", (op_id.bytes,)))

    # -- faults

    def copy_to(self, place: Path) -> None:
        """The disk as an image of the running machine has it."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.data, place, ignore=shutil.ignore_patterns(f"{DATABASE_NAME}*", "*.lock"))
        self.database.copy_to(place / DATABASE_NAME)

    def put_back(self, place: Path, *, marks_too: bool) -> None:
        """The disk is what it was, or a copy is put in place of its database as a backup."""
        self.kill()
        self.boot += 1
        if marks_too:
            shutil.rmtree(self.data)
            shutil.copytree(place, self.data)
        else:
            aside = backup.restore(self.data, place / DATABASE_NAME)
            assert aside is not None
            for file in self.data.glob(f"{aside.name}*"):
                file.unlink()
        self.forget_lost()
        self.start_later()

    def forget_lost(self) -> None:
        """What a disk that went back has lost, its tills were told in vain."""
        held = self.ops()
        self.told = {op_id: True for op_id in self.told if op_id.bytes in held}

    # -- what is asked of it

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Look at its books, also while it is down."""
        if self.store is not None:
            return self.database.read_now(fn)
        with contextlib.closing(apsw.Connection(str(self.path))) as connection:
            return fn(connection)  # type: ignore[arg-type]  # the shape of a Tx

    def rows(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """What a question answers."""
        return self.read(lambda tx: tx.execute(sql, parameters).fetchall())

    def agent_state(self) -> StorePush | None:
        """What its agent knows: its run and its alarm, which the board of stores shows."""
        if self.store is None or self.store.head_office is None:
            return None
        return self.store.head_office.agent._state

    def ops(self) -> set[bytes]:
        """Every operation that lies on this disk."""
        return {op_id for (op_id,) in self.rows("SELECT op_id FROM journal")}

    def chains(self) -> dict[int, list[tuple[int, bytes]]]:
        """Numbers and hashes of every life."""
        chains: dict[int, list[tuple[int, bytes]]] = {}
        for epoch, seq, entry_hash in self.rows("SELECT epoch, seq, hash FROM journal ORDER BY epoch, seq"):
            chains.setdefault(epoch, []).append((seq, entry_hash))
        return chains

    def prove(self) -> Report:
        """The proof of a store, from the first entry; the service is stopped."""
        assert self.store is None
        return proof.prove(self.path, full=True)


def _die(error: BaseException) -> None:
    raise error
