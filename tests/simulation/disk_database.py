"""The product's database, on a disk that can lose its power or be full: one connection, no threads.

The transactions, their order and what each failure means are those of sync/db.py; only who runs them differs. There is
no group commit here (tests/sync/test_db.py is about that): each job is a transaction of its own.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from loyalty.transactions import Tx
from sync.db import Database
from sync.dialect import Engine
from sync.http.problems import StorageUnavailable
from tests.simulation.crash_disk import SIDES, CrashDisk, close

T = TypeVar("T")

_OPEN: dict[Path, "DiskDatabase"] = {}


class InlineHelper:
    """The helper process, without a process. It reads copies of databases that are open here: the product's driver is
    another SQLite than this one, and two of them in one process do not see each other's locks. The second would delete
    the log of the first by its end."""

    async def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401  any function
        """Run it here."""
        with contextlib.ExitStack() as copies:
            return function(*(copies.enter_context(_lent(argument)) for argument in args), **kwargs)

    async def close(self) -> None:
        """Nothing is open."""


@contextlib.contextmanager
def _lent(argument: object) -> Iterator[object]:
    """The same, but for the path or the address of an open database those of a copy beside it."""
    for path, database in _OPEN.items():
        copy = path.with_name("copy.sqlite")
        if argument in (path, f"sqlite://{path}"):
            lent: object = copy if argument == path else f"sqlite://{copy}"
            try:
                database.copy_to(copy)
                yield lent
            finally:
                for side in SIDES:
                    copy.with_name(copy.name + side).unlink(missing_ok=True)
            return
    yield argument


class _CountingCursor(apsw.Cursor):
    """A cursor that says how many rows it changed, as the product's driver does."""

    @property
    def rowcount(self) -> int:
        """Rows that the statement just run has changed."""
        return int(self.connection.changes())


class _Transaction:
    """What a job gets: a connection whose errors are those of the product's own driver."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any) -> None:  # noqa: ANN401  apsw has no types
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Any:  # noqa: ANN401  a Cursor
        """Run one statement."""
        try:
            return self._connection.execute(sql, parameters)
        except apsw.Error as error:
            raise _as_driver_error(error) from error

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Any:  # noqa: ANN401  a Cursor
        """Run it for each of them."""
        try:
            return self._connection.executemany(sql, parameters)
        except apsw.Error as error:
            raise _as_driver_error(error) from error


def _as_driver_error(error: apsw.Error) -> Exception:
    if isinstance(error, apsw.ConstraintError):
        return sqlite3.IntegrityError(str(error))
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return sqlite3.DatabaseError(str(error))
    return sqlite3.OperationalError(str(error))


class DiskDatabase(Database):
    """One file on a CrashDisk. `on_power_cut` is called once, at the write that was the last."""

    engine: Engine = "sqlite"

    def __init__(
        self,
        path: Path,
        disk: CrashDisk,
        synchronous: str,
        *,
        on_power_cut: Callable[[], None],
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(path, on_commit=on_commit)
        self.refused = 0
        self._disk, self._level, self._on_power_cut = disk, synchronous, on_power_cut
        self._tell = on_commit
        self._log = path.with_name(f"{path.name}-wal")
        self._files: Mapping[str, Path] = {}
        self._present: Mapping[str, Path] = {}
        self._is_open = False

    async def open(self) -> None:
        """Open the file."""
        self._connect()

    def _connect(self) -> None:
        self._connection = self._disk.connect(self.path)
        self._connection.cursor_factory = _CountingCursor
        self._connection.execute(f"PRAGMA synchronous = {self._level}")
        self._connection.execute("PRAGMA secure_delete = ON")
        self._present = {}
        self._is_open = True
        _OPEN[self.path] = self

    def drop(self) -> None:
        """The process is gone; nothing more reaches the disk."""
        self._is_open = False
        _OPEN.pop(self.path, None)
        self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            close(connection)

    async def close(self) -> None:
        """In an orderly way."""
        self.drop()

    def is_alive(self) -> bool:
        """Whether it is open."""
        return self._is_open

    def attach(self, files: Mapping[str, Path]) -> None:
        """Let every transaction from now on read these files too."""
        self._files = dict(files)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """One transaction."""
        await asyncio.sleep(0)
        answer = self.write_now(fn)
        self._tell()
        await asyncio.sleep(0)
        return answer

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """On a snapshot."""
        await asyncio.sleep(0)
        return self.read_now(fn)

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        """`write`, without letting anybody else go first."""
        connection = self._need()
        try:
            connection.execute("BEGIN IMMEDIATE")
            answer = fn(cast("Tx", _Transaction(connection)))
        except BaseException as error:
            if not self._disk.is_dead and connection.in_transaction:
                connection.execute("ROLLBACK")
            raise self._problem_of(error) from error
        try:
            connection.execute("COMMIT")
        except apsw.Error as error:
            if not self._disk.is_dead:  # what reached the disk is unknown: opened anew, as the product does
                self._let_go()
            raise self._problem_of(error) from error
        assert self._log.exists(), "another SQLite has opened this file"
        self.commits += 1
        return answer

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        """`read`, at once."""
        connection = self._need()
        try:
            connection.execute("BEGIN")
            return fn(cast("Tx", _Transaction(connection)))
        except BaseException as error:
            raise self._problem_of(error) from error
        finally:
            with contextlib.suppress(apsw.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def copy_to(self, path: Path) -> None:
        """Copy all of it into another file. A copy comes without a log, but says of itself that it has one."""
        with contextlib.closing(apsw.Connection(str(path))) as copied:
            with copied.backup("main", self._need(), "main") as pages:
                pages.step()
            copied.execute("PRAGMA journal_mode = WAL")

    async def erase_traces(self) -> bool:
        """Write every page anew."""
        return self._outside("VACUUM") and await self.truncate_wal()

    async def truncate_wal(self) -> bool:
        """Empty the log."""
        return self._outside("PRAGMA wal_checkpoint(TRUNCATE)")

    def _outside(self, sql: str) -> bool:
        try:
            self._need().execute(sql)
        except apsw.Error as error:
            raise self._problem_of(error) from error
        return True

    def _need(self) -> Any:  # noqa: ANN401  apsw's connection has the shape of a Tx
        if self._connection is None:
            if not self._is_open:
                raise StorageUnavailable("the service has ended")
            try:
                self._connect()
            except apsw.Error as error:  # the disk is still full
                self._let_go()
                raise StorageUnavailable(str(error)) from error
        if self._present != self._files:
            self._attach()
        return self._connection

    def _attach(self) -> None:
        for name in self._present:
            self._connection.execute(f"DETACH {name}")
        for name, path in self._files.items():
            address = f"{path.absolute().as_uri()}?mode=ro&vfs=unix"
            self._connection.execute(f"ATTACH ? AS {name}", (address,))
            self._connection.execute(f"PRAGMA {name}.locking_mode = NORMAL")
        self._present = self._files

    def _problem_of(self, error: BaseException) -> BaseException:
        if self._disk.is_dead:
            if self._connection is not None:
                self._on_power_cut()
            return StorageUnavailable("the power is gone")
        if isinstance(error, apsw.FullError | apsw.IOError | sqlite3.OperationalError):
            self.refused += 1
            return StorageUnavailable(str(error))
        return error
