"""edge: head office's database on PostgreSQL, behind the same write(fn) and read(fn) as the SQLite file (sync/db.py).

    database = PostgresDatabase("postgresql://hub@db.example/counterfoil")
    await database.open()
    head = await database.write(lambda tx: receive(tx, ...))      # durable when it returns
    await database.close()

Many processes may write one database. READ COMMITTED is enough, because every rule is guarded by one row (its CHECK, a
WHERE, a unique key), and rows are locked in the order of their keys. `fn` may run more than once, so it must have no
effect outside `tx`. What each failure means:

- `fn` raises: rolled back, and the caller gets what it raised;
- two transactions wait for each other, or one cannot be put in an order (40P01, 40001): rolled back, and run again
  after a short random pause. That holds even where `fn` caught the error and went on, because what it did after it was
  built on nothing: a transaction in which such an error was seen is never committed;
- the server goes away before COMMIT: nothing was written; run again on a new connection;
- the server goes away during COMMIT: the outcome is unknown. The caller gets StorageUnavailable, and the same id asks
  again later;
- a statement is refused (a key that is there already, a number too large): StatementRefused, without the values that
  PostgreSQL quotes in its message: they may be personal;
- the caller goes away: a job that waits for a connection is dropped, one that runs goes on to its end.
"""

import asyncio
import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.bool import BoolBinaryLoader
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader
from psycopg.types.string import StrBinaryDumper

from loyalty.transactions import Cursor, Tx
from sync.dialect import Engine, numbered
from sync.http.problems import StorageUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

WRITERS = 6
READERS = 4
TRIES = 8
_PAUSE_S, _PAUSE_MAX_S = 0.005, 0.5
_STATEMENT_TIMEOUT_MS = 30_000
_IDLE_TIMEOUT_MS = 60_000
_HANGING_S = 120.0
# A prepared insert of 500 rows takes 2 MB on the server, in each connection, and saves it a third of its work.
_PREPARED_MAX = 100
_IN_THE_WAY = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_SETTINGS = """
SELECT set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false),
    set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
        THEN 'on' ELSE current_setting('synchronous_commit') END, false),
    current_setting('fsync'), current_setting('server_encoding')
"""


class StatementRefused(Exception):
    """PostgreSQL refused a statement. `code` is its five-letter SQLSTATE; no value of a row is told."""

    def __init__(self, error: psycopg.Error) -> None:
        self.code = error.sqlstate or ""
        at = error.diag
        names = (at.table_name, at.column_name, at.constraint_name)
        where = ", ".join(name for name in names if name)
        if not where and not isinstance(error, psycopg.DataError):
            where = _first_line(error)
        super().__init__(f"{type(error).__name__} ({self.code}): {where}")


class ConstraintBroken(StatementRefused):
    """A row breaks a key or a CHECK of its table."""


class PostgresDatabase:
    """One PostgreSQL database: `write(fn)` and `read(fn)` run fn(tx) in a transaction and answer its result."""

    engine: Engine = "postgresql"

    def __init__(
        self,
        conninfo: str,
        *,
        writers: int = WRITERS,
        readers: int = READERS,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """`conninfo` is an address `postgresql://…` or libpq's `key=value`. `writers` and `readers` are how many
        connections this process holds at most; `on_commit` is called on the event loop after each commit."""
        self.commits = 0
        self._on_commit = on_commit
        self._writers = _Connections(functools.partial(connect, conninfo), writers, "writer")
        self._readers = _Connections(functools.partial(connect, conninfo, read_only=True), readers, "reader")
        self._open = False

    async def open(self) -> None:
        """Try the connection. Raises StorageUnavailable when the server does not answer or is not fit."""
        await self._writers.run(_say_nothing)
        self._open = True

    async def close(self) -> None:
        """Finish what is queued, then close. What comes later is refused with StorageUnavailable."""
        self._open = False
        await self._writers.close()
        await self._readers.close()

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction; when this returns, it is on the server's disk.

        Raises what `fn` raises (nothing is written then) and StorageUnavailable.
        """
        self._need_open()
        result = await self._writers.run(fn)
        self.commits += 1
        self._on_commit()
        return result

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot that cannot change and cannot be changed."""
        self._need_open()
        return await self._readers.run(fn)

    def is_alive(self) -> bool:
        """Whether this end works: open, and no job of it hangs. A server that is away does not count: it comes back."""
        return self._open and not self._writers.hangs()

    def _need_open(self) -> None:
        if not self._open:
            raise StorageUnavailable("the database is closed")


def connect(conninfo: str, *, read_only: bool = False) -> Connection:
    """A connection with the house's settings. Raises StorageUnavailable: the server does not answer, or would lose
    what it has acknowledged (fsync is off), or does not store every letter (its encoding is not UTF8)."""
    try:
        connection = psycopg.connect(
            conninfo,
            cursor_factory=cast("type[psycopg.Cursor[tuple[Any, ...]]]", psycopg.RawCursor),
            autocommit=True,
            client_encoding="utf8",
            connect_timeout=5,
            tcp_user_timeout=_STATEMENT_TIMEOUT_MS,
            application_name="counterfoil",
        )
    except psycopg.Error as error:
        raise StorageUnavailable(_first_line(error)) from error
    try:
        _set_up(connection, read_only=read_only)
    except psycopg.Error as error:
        connection.close()
        raise StorageUnavailable(_first_line(error)) from error
    except StorageUnavailable:
        connection.close()
        raise
    return connection


def _set_up(connection: Connection, *, read_only: bool) -> None:
    connection.prepared_max = _PREPARED_MAX
    for kind, dumper in ((int, Int8BinaryDumper), (bool, _BoolDumper), (str, StrBinaryDumper)):
        connection.adapters.register_dumper(kind, dumper)
    connection.adapters.register_loader("numeric", _SumLoader)
    connection.adapters.register_loader("bool", _BoolLoader)
    timeouts = (str(_STATEMENT_TIMEOUT_MS), str(_IDLE_TIMEOUT_MS))
    row = connection.execute(_SETTINGS, timeouts).fetchone()
    assert row is not None
    if row[-2:] != ("on", "UTF8"):
        raise StorageUnavailable(f"PostgreSQL runs with fsync {row[-2]} and encoding {row[-1]}; on and UTF8 are needed")
    connection.autocommit = False
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    if read_only:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ


class _Connections:
    """Threads with a connection each. A connection that broke is opened anew by the next job."""

    def __init__(self, open_connection: Callable[[], Connection], count: int, name: str) -> None:
        self._connect = open_connection
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._local = threading.local()
        self._opened: set[Connection] = set()
        self._begun: dict[int, float] = {}

    async def run(self, fn: Callable[[Tx], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run_marked, fn)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def hangs(self) -> bool:
        return any(time.monotonic() - begun > _HANGING_S for begun in list(self._begun.values()))

    def _run_marked(self, fn: Callable[[Tx], T]) -> T:
        thread = threading.get_ident()
        self._begun[thread] = time.monotonic()
        try:
            return self._run(fn)
        finally:
            del self._begun[thread]

    def _run(self, fn: Callable[[Tx], T]) -> T:
        """Until it is committed, or failed in a way that another try would not change."""
        reason: Exception | None = None
        for attempt in range(TRIES):
            if reason is not None:
                # The time it rests is drawn, or those that met would meet again.
                time.sleep(random.uniform(0, min(_PAUSE_MAX_S, _PAUSE_S * 2**attempt)))  # noqa: S311  no secret
            connection = self._take()
            tx = _Transaction(connection)
            try:
                result = fn(tx)
                tx.finish()
            except Exception:
                self._roll_back(connection)
                reason = tx.failure
                if reason is None:
                    raise
                if isinstance(reason, _IN_THE_WAY) or connection.closed:
                    continue
                raise StorageUnavailable(_first_line(reason)) from reason
            try:
                connection.commit()
            except _IN_THE_WAY as error:
                self._roll_back(connection)
                reason = error
                continue
            except psycopg.Error as error:
                # Whether COMMIT arrived is not known.
                self._drop(connection, error)
                raise StorageUnavailable(_first_line(error)) from error
            return result
        raise StorageUnavailable(f"given up after {TRIES} tries") from reason

    def _take(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            if connection is not None:
                self._opened.discard(connection)
            connection = self._local.connection = self._connect()
            self._opened.add(connection)
        return connection

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except psycopg.Error as error:
            self._drop(connection, error)

    def _drop(self, connection: Connection, error: Exception) -> None:
        logger.warning("connection to the database lost", extra={"fields": {"reason": _first_line(error)}})
        connection.close()


class _Transaction:
    """What `fn` gets. Remembers the failures after which nothing of this transaction may be committed."""

    __slots__ = ("_connection", "failure")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.failure: psycopg.OperationalError | None = None

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        return cast(
            "Cursor",
            self._try(lambda: self._connection.execute(cast("Any", numbered(sql)), parameters, binary=True)),
        )

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        cursor = self._connection.cursor(binary=True)
        self._try(lambda: cursor.executemany(cast("Any", numbered(sql)), parameters))
        return cast("Cursor", cursor)

    def finish(self) -> None:
        """Raises when this transaction must not be committed, although `fn` came to its end."""
        if self.failure is not None:
            raise self.failure
        if self._connection.info.transaction_status == TransactionStatus.INERROR:
            # COMMIT would answer without an error, and have rolled back.
            raise StorageUnavailable("a statement failed, and what followed it was lost")

    def _try(self, run: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever the driver answers
        if self.failure is not None:
            raise self.failure
        try:
            return run()
        except psycopg.OperationalError as error:
            self.failure = error
            raise
        except psycopg.IntegrityError as error:
            raise ConstraintBroken(error) from None
        except psycopg.Error as error:
            raise StatementRefused(error) from None


class _SumLoader(NumericBinaryLoader):
    """PostgreSQL adds up BIGINT as NUMERIC; it is a whole number all the same. Raises ValueError for one that is not:
    fractions of money and points do not exist here."""

    def load(self, data: Any) -> Any:  # noqa: ANN401  the driver's own types say Decimal
        number = super().load(data)
        if number != number.to_integral_value():
            raise ValueError("the database computed a fraction")
        return int(number)


class _BoolLoader(BoolBinaryLoader):
    """What is true is 1, as in SQLite."""

    def load(self, data: Any) -> Any:  # noqa: ANN401  the driver's own types say bool
        return int(super().load(data))


class _BoolDumper(Int8BinaryDumper):
    """True is written as 1, as in SQLite."""

    def dump(self, obj: Any) -> Any:  # noqa: ANN401  the driver's own types
        return super().dump(int(obj))


def _say_nothing(_: Tx) -> None:
    """A job that only shows that there is a connection."""


def _first_line(error: BaseException) -> str:
    """What a message says first; its later lines may quote values."""
    return str(error).partition("\n")[0]
