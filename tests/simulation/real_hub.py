"""A head office for simulations with its real SQL on a disk that can lose power: sessions, pushes, appliers, proof.

Each call is one real transaction. None is answered when head office is down, or loses power before it can answer.
"""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync.db import connect
from sync.dialect import list_definitions
from sync.http.auth import hash_token
from sync.hub import inbox, state, stores
from sync.hub.applier import apply_next
from sync.hub.enrolment import CODE_RANDOM_BYTES, enrol, make_code
from sync.hub.inbox import HeldEntry
from sync.hub.intake import Bearer, FreshToken, open_session, take_push
from sync.hub.proof import prove
from sync.hub.schema_all import ALL_TABLES
from sync.protocol.messages import Push, PushAnswer, SessionAnswer, SessionOpen
from sync.protocol.push_hub import prove_batch
from sync.verify import Report
from tests.simulation.crash_disk import SIDES, CrashDisk, close

T = TypeVar("T")
SYNCHRONOUS = "FULL"
CREDITS = 15
APPLY_AT_ONCE = 25


class HubStore(NamedTuple):
    """A store that is known at head office."""

    id: UUID
    code: str
    key: Ed25519PrivateKey


class RealHub:
    """One head office in a folder."""

    def __init__(self, folder: Path, random: Random, now_ms: Callable[[], int]) -> None:
        self.path = folder / "hub.sqlite"
        self.random, self.now_ms = random, now_ms
        self.timeline_mark = 1
        self.power_cuts = 0
        folder.mkdir(parents=True)
        with contextlib.closing(connect(self.path)) as connection:
            for table in ALL_TABLES:
                for definition in list_definitions("sqlite", table):
                    connection.execute(definition)
            state.begin(connection, random.randbytes(32))
        self.disk: CrashDisk
        self.connection: Any = None
        self.start()

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self.connection is not None

    def start(self) -> None:
        """Start, on whatever is on the disk."""
        if self.up:
            return
        self.disk = CrashDisk(self.random)
        self.connection = self.disk.connect(self.path)
        self.connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")

    def stop(self) -> None:
        """End in an orderly way."""
        if self.up:
            close(self.connection)
            self.connection = None

    def transact(self, work: Callable[[Tx], T]) -> T | Problem | None:
        """One transaction: its answer, the problem it raised, or nothing because the power went."""
        if not self.up:
            return None
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                answer = work(self.connection)
            except BaseException:
                if not self.disk.is_dead:
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")
        except Exception as problem:
            if self.disk.is_dead:
                self._lose_power()
                return None
            if isinstance(problem, Problem):
                return problem
            raise
        return answer

    def _lose_power(self) -> None:
        self.power_cuts += 1
        close(self.connection)
        self.connection = None
        self.disk.lay_out(self.path)

    def add_store(self, code: str) -> HubStore:
        """A store that has joined."""
        key = Ed25519PrivateKey.from_private_bytes(self.random.randbytes(32))
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        store = UUID(bytes=self.random.randbytes(16), version=4)

        def add(tx: Tx) -> None:
            now_ms = self.now_ms()
            stores.add_store(tx, store, code, code, now_ms)
            enrol(tx, make_code(tx, store, self.random.randbytes(CODE_RANDOM_BYTES), now_ms + 1), public, now_ms)

        assert self.transact(add) is None
        return HubStore(store, code, key)

    def open_session(self, message: SessionOpen) -> SessionAnswer | Problem | None:
        """`POST /sync/v1/sessions`."""
        token = self.random.randbytes(16).hex()
        fresh = FreshToken(token, hash_token(token))
        return self.transact(lambda tx: open_session(tx, message, fresh, self.now_ms(), CREDITS))

    def push(self, store: UUID, token: str, message: Push) -> PushAnswer | Problem | None:
        """`POST /sync/v1/push`."""
        bearer = Bearer(store, token, hash_token(token))
        batch = prove_batch(message)
        return self.transact(lambda tx: take_push(tx, bearer, message, batch, self.now_ms(), CREDITS))

    def entries(self, store: UUID, token: str, epoch: int, after: int) -> list[HeldEntry] | Problem | None:
        """`GET /sync/v1/epochs/{epoch}/entries`."""

        def read(tx: Tx) -> list[HeldEntry]:
            stores.check_present(stores.need_store(tx, store), hash_token(token))
            return list(inbox.read_entries(tx, store, epoch, after, 500))

        return self.transact(read)

    def apply_some(self) -> bool:
        """One batch of each life that has something to apply; whether there was anything."""
        if not self.up:
            return False
        waiting = self.connection.execute(
            "SELECT epoch_head.store, epoch_head.epoch FROM epoch_head JOIN apply_cursor"
            " ON apply_cursor.store = epoch_head.store AND apply_cursor.epoch = epoch_head.epoch"
            " WHERE applied_seq < seq ORDER BY epoch_head.store, epoch_head.epoch"
        ).fetchall()
        for store, epoch in waiting:
            place = UUID(bytes=store), epoch
            done = self.transact(lambda tx, place=place: apply_next(tx, *place, self.now_ms(), limit=APPLY_AT_ONCE))
            if isinstance(done, Problem):
                raise done
        return bool(waiting)

    def back_up(self, path: Path) -> None:
        """A copy, beside the running head office."""
        path.unlink(missing_ok=True)
        copied = apsw.Connection(str(path))
        with copied.backup("main", self.connection, "main") as backup:
            backup.step()
        copied.close()

    def restore(self, path: Path, *, mark_too: bool) -> None:
        """Put a copy in place of the database, with or without the mark outside of it that would tell."""
        self.stop()
        for side in SIDES:
            self.path.with_name(self.path.name + side).unlink(missing_ok=True)
        shutil.copy(path, self.path)
        self.start()
        if mark_too:
            self.timeline_mark = state.read_timeline(self.connection)
        else:
            timeline = self.transact(lambda tx: state.raise_timeline(tx, self.timeline_mark))
            assert isinstance(timeline, int), timeline
            self.timeline_mark = timeline

    def ops_of(self, store: UUID, table: str = "inbox") -> set[bytes]:
        """The operations of a store that lie here; of `applied`, those that count."""
        with contextlib.ExitStack() as stack:
            connection = self.connection
            if connection is None:  # down: as it lies on the disk
                connection = stack.enter_context(contextlib.closing(apsw.Connection(str(self.path))))
            rows = connection.execute(f"SELECT op_id FROM {table} WHERE store = ?", (store.bytes,))
            return {op_id for (op_id,) in rows}

    def chain_of(self, store: UUID, epoch: int) -> list[tuple[int, bytes]]:
        """Numbers and hashes of a life."""
        sql = "SELECT seq, hash FROM inbox WHERE store = ? AND epoch = ? ORDER BY seq"
        return list(self.connection.execute(sql, (store.bytes, epoch)))

    def dead_letters(self) -> list[Any]:
        """What could not be applied."""
        return list(self.connection.execute("SELECT kind, code, error FROM dead_letter"))

    def prove(self) -> Report:
        """The proof of a head office, against tables made anew."""
        with contextlib.closing(connect(":memory:")) as scratch:
            for table in ALL_TABLES:
                for definition in list_definitions("sqlite", table):
                    scratch.execute(definition)
            scratch.execute("BEGIN")
            self.connection.execute("BEGIN")
            report = prove(self.connection, scratch)
            self.connection.execute("COMMIT")
        return report
