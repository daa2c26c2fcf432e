"""edge: the store's SQLite file. One writer thread with group commit, readers that cannot write.

    database = Database(path)
    await database.open()
    number = await database.write(lambda tx: complete_sale(tx, ...))   # durable when it returns
    await database.close()                                             # drains what is queued

**Group commit.** The writer takes whatever is queued (a lone job does not wait), runs job after job, commits once, then
answers all. A job may run twice, so it must have no effect outside `tx`. What each failure means:

- a job raises before it wrote anything: it alone gets the error, the others commit;
- a job raises after it wrote: the group is rolled back and run again, each job in a savepoint; it alone gets the error;
- an error that makes SQLite drop the whole transaction (a full disk inside a savepoint does): nothing of the group is
  written, and its jobs run again one by one, so that a small job may still fit;
- COMMIT fails: what reached the disk is unknown. The connection is closed and opened anew (after a failed fsync the
  page cache cannot be trusted), every caller gets StorageUnavailable, and the same id asks again later;
- the caller goes away: the job still runs; its id finds the answer.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync.db_connections import BUSY_TIMEOUT_MS, attach_files
from sync.http.problems import StorageUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

SqliteError = sqlite3.DatabaseError
SqliteUnavailable = sqlite3.OperationalError
SQLITE_VERSION: str = sqlite3.sqlite_version
GROUP_MAX = 64
READERS = 2
_HANGING_S = 30.0
_VACUUM_MAX_BYTES = 128 * 1024 * 1024
_TRUNCATE_TRIES, _TRUNCATE_PAUSE_S, _TRUNCATE_PATIENCE_MS = 20, 0.1, 20
_CHECKPOINT_PAGES = 4_000
_LAST_UNSAFE_SQLITE = (3, 51, 2)


class SqliteTooOld(Problem):
    """This SQLite has the WAL-reset bug (fixed in 3.51.3) and may damage the shop's data."""

    code, status, hint = "sqlite_too_old", 500, "Install pysqlite3 0.6.1 or newer: make run does it."


class _Job(Generic[T]):
    __slots__ = ("fn", "future", "loop", "transactional")

    def __init__(self, fn: Callable[[Tx], T], loop: asyncio.AbstractEventLoop, *, transactional: bool = True) -> None:
        self.fn = fn
        self.transactional = transactional
        self.loop = loop
        self.future: asyncio.Future[T] = loop.create_future()


_Outcome = tuple[_Job[Any], Any, BaseException | None]


def connect(path: Path | str, *, read_only: bool = False) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """A connection with the house's settings: autocommit off by hand, WAL, FULL, foreign keys on.

    Raises SqliteTooOld rather than risk the WAL-reset corruption bug.
    """
    if sqlite3.sqlite_version_info <= _LAST_UNSAFE_SQLITE:
        raise SqliteTooOld(f"SQLite {sqlite3.sqlite_version} is in use.")
    connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        return connection
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # ON, not FAST: FAST leaves what lay on freed pages in the file, and an erased phone with it.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


class Database:
    """One SQLite file: `write(fn)` and `read(fn)` run fn(tx) in a transaction and answer its result."""

    def __init__(
        self,
        path: Path,
        *,
        on_commit: Callable[[], None] = lambda: None,
        on_death: Callable[[BaseException], None] = lambda _: None,
        connect_writer: Callable[[Path], Any] = connect,
    ) -> None:
        """`on_commit` is called on the event loop after each commit; `on_death` from the writer thread should it ever
        end."""
        self.path = path
        self.commits = 0
        self.jobs = 0
        self.busy_since = 0.0
        self.synchronous = 0
        self.wal_to_truncate = False
        self.traces_left = False
        self._on_commit = on_commit
        self._on_death = on_death
        self._connect_writer = connect_writer
        self._queue: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._local = threading.local()
        self._reader_connections: list[Any] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._attached: Mapping[str, Path] = {}
        self._attached_to_writer: Mapping[str, Path] = {}

    def attach(self, files: Mapping[str, Path]) -> None:
        """Let every transaction that begins from now on read these databases too, each under its name; what was
        attached before and is not among them goes. They are only read, and are there whole before this is called."""
        self._attached = dict(files)

    async def open(self) -> None:
        """Open the file and start the writer. Raises StorageUnavailable when the file cannot be opened."""
        try:
            self._connection = self._connect_writer(self.path)
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self.path.name}: {error}") from error
        self.synchronous = self._connection.execute("PRAGMA synchronous").fetchone()[0]
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Commit all that is queued, then close. What is written from now on is refused with StorageUnavailable."""
        self._closing = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._readers.shutdown(wait=True)
        for connection in self._reader_connections:
            connection.close()
        self._reader_connections.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a write transaction; when this returns, it is on the disk.

        Raises what `fn` raises (nothing is written then) and StorageUnavailable.
        """
        return await self._enqueue(_Job(fn, asyncio.get_running_loop()))

    async def erase_traces(self) -> bool:
        """See to it that no copy of a row deleted before is left, in the file or in the log; False where a reader keeps
        the log in use for now.

        `secure_delete` overwrites what a row leaves, but not the copy that stays behind in a page whose cells moved as
        pages split or merged. Only VACUUM writes every page anew: about a second for 100 MB, in which sales wait. A
        larger file is not stopped for that long in the middle of a day (docs/operating.md says what to do then).
        Where the disk is too full for it `traces_left` stays set, and upkeep tries again each hour.
        """
        if self.path.stat().st_size <= _VACUUM_MAX_BYTES:
            self.traces_left = True
            await self._enqueue(_Job(_vacuum, asyncio.get_running_loop(), transactional=False))
            self.traces_left = False
        return await self.truncate_wal()

    async def truncate_wal(self) -> bool:
        """Move the log into the file and empty it, so that no copy of an erased row is left in it.

        A reader in the middle of something old keeps the log in use. The writer never waits for it: this tries again
        for two seconds, between the groups, and says whether it came through. If not, `wal_to_truncate` stays set, and
        upkeep goes on trying: SQLite's own checkpoints move the log's content but leave its old bytes in the file.
        """
        self.wal_to_truncate = True
        for _ in range(_TRUNCATE_TRIES):
            if await self._enqueue(_Job(_truncate_wal, asyncio.get_running_loop(), transactional=False)):
                self.wal_to_truncate = False
                return True
            await asyncio.sleep(_TRUNCATE_PAUSE_S)
        return False

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot that cannot change and cannot be changed."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    def is_alive(self) -> bool:
        """Whether the writer thread runs and does not hang in a disk that no longer answers."""
        begun = self.busy_since
        hangs = begun and time.monotonic() - begun > _HANGING_S
        return self._thread is not None and self._thread.is_alive() and not hangs

    async def _enqueue(self, job: _Job[T]) -> T:
        # Behind the mark that ends the queue nobody would ever answer.
        if self._closing or not self.is_alive():
            raise StorageUnavailable("the writer is closed, or hangs in a disk that does not answer")
        self._queue.put(job)
        return await job.future

    def _read(self, fn: Callable[[Tx], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = self._local.connection = connect(self.path, read_only=True)
            except sqlite3.OperationalError as error:
                raise StorageUnavailable(str(error)) from error
            self._reader_connections.append(connection)
        try:
            if getattr(self._local, "attached", {}) != self._attached:
                self._local.attached = self._attached
                attach_files(connection, self._attached)
            connection.execute("BEGIN")
            return fn(cast("Tx", connection))
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(str(error)) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except BaseException as error:
            # Whatever got here is a bug or the end of memory. A store whose writer is dead must not look alive.
            logger.critical("writer thread died", exc_info=error)
            self._on_death(error)
            raise

    def _step(self) -> bool:
        """Take one group from the queue and settle it; False once the queue was closed and is drained."""
        group: list[_Job[Any]] = []
        job = self._queue.get()
        while job is not None and job.transactional:
            group.append(job)
            if len(group) == GROUP_MAX:
                break
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
        if group:
            self._settle_and_deliver(self._settle, group)
        if job is not None and not job.transactional:
            self._settle_and_deliver(self._settle_outside, [job])
        return job is not None

    def _settle_and_deliver(self, settle: Callable[[list[_Job[Any]]], list[_Outcome]], group: list[_Job[Any]]) -> None:
        self.busy_since = time.monotonic()
        outcomes = settle(group)
        self.busy_since = 0.0
        self._deliver(outcomes)

    def _settle_outside(self, group: list[_Job[Any]]) -> list[_Outcome]:
        """What cannot run inside a transaction, alone and between the groups."""
        job = group[0]
        try:
            if self._connection is None:
                self._connection = self._connect_writer(self.path)
            return [(job, job.fn(self._connection), None)]
        except sqlite3.Error as error:
            self._drop_connection(error)
            return [(job, None, StorageUnavailable(str(error)))]

    def _settle(self, group: list[_Job[Any]]) -> list[_Outcome]:
        try:
            outcomes = self._commit_together(group)
        except sqlite3.Error as error:
            self._drop_connection(error)
            unavailable = StorageUnavailable(str(error))
            return [(job, None, unavailable) for job in group]
        if outcomes is None:
            return [outcome for job in group for outcome in self._settle_alone(job)]
        return outcomes

    def _settle_alone(self, job: _Job[Any]) -> list[_Outcome]:
        try:
            outcomes = self._commit_together([job])
        except sqlite3.Error as error:
            self._drop_connection(error)
            outcomes = None
        return outcomes or [(job, None, StorageUnavailable("the disk is full or does not answer"))]

    def _commit_together(self, group: list[_Job[Any]], *, savepoints: bool = False) -> list[_Outcome] | None:
        """One transaction for the group; None when SQLite dropped it as a whole. Raises sqlite3.Error if COMMIT
        fails.

        A savepoint makes SQLite copy every page a job touches, and hardly any job needs one: what is refused is refused
        before it writes. So the first try has none, and only a job that fails after it wrote sends the group round
        again, each job in its savepoint.
        """
        if self._connection is None:
            self._connection = self._connect_writer(self.path)
            self._attached_to_writer = {}
        connection = self._connection
        if self._attached_to_writer != self._attached:
            self._attached_to_writer = self._attached
            attach_files(connection, self._attached)
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[_Outcome] = []
        for job in group:
            if savepoints:
                connection.execute("SAVEPOINT job")
            written = connection.total_changes
            try:
                outcomes.append((job, job.fn(connection), None))
            except Exception as error:  # noqa: BLE001  the caller of write() gets it, whatever it is
                if not connection.in_transaction:
                    return None
                outcomes.append((job, None, _problem_of(error)))
                if connection.total_changes != written:
                    if len(group) == 1:
                        break
                    if not savepoints:
                        connection.execute("ROLLBACK")
                        return self._commit_together(group, savepoints=True)
                    connection.execute("ROLLBACK TO job")
            if savepoints:
                connection.execute("RELEASE job")
        if len(group) == 1 and outcomes[0][2] is not None:
            connection.execute("ROLLBACK")
        else:
            connection.execute("COMMIT")
            self.commits += 1
            self.jobs += len(group)
        return outcomes

    def _drop_connection(self, error: Exception) -> None:
        """Close the writer's connection; the next group opens it anew, and waits for the disk with
        StorageUnavailable."""
        logger.error("commit failed, the database will be opened anew", extra={"fields": {"reason": str(error)}})
        connection, self._connection = self._connection, None
        self._attached_to_writer = {}
        if connection is None:
            return
        try:
            connection.close()
        except sqlite3.Error as closing:
            logger.error("closing after a failed commit", extra={"fields": {"reason": str(closing)}})  # noqa: TRY400

    def _deliver(self, outcomes: list[_Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
        for outcome in outcomes:
            by_loop.setdefault(outcome[0].loop, []).append(outcome)
        for loop, mine in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._answer, mine)
            except RuntimeError:
                # The loop is closed: nobody waits any more. What was committed stays, and its id finds the answer.
                logger.warning("answers without a listener", extra={"fields": {"count": len(mine)}})

    def _answer(self, outcomes: list[_Outcome]) -> None:
        for job, result, error in outcomes:
            if job.future.done():
                continue
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        self._on_commit()


def _vacuum(connection: Tx) -> None:
    connection.execute("VACUUM")


def _truncate_wal(connection: Tx) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {_TRUNCATE_PATIENCE_MS}")
    try:
        row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return row is not None and row[0] == 0


def _problem_of(error: Exception) -> Exception:
    """A disk that fails inside a job is StorageUnavailable; a broken rule of ours stays what it is."""
    if isinstance(error, sqlite3.OperationalError):
        problem = StorageUnavailable(str(error))
        problem.__cause__ = error
        return problem
    return error
