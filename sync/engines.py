"""edge: head office's database by its address: one SQLite file for one process, or PostgreSQL for many.

    storage = open_database("sqlite:///var/lib/counterfoil/hub.sqlite")
    storage = open_database("postgresql://hub@db.example/counterfoil")
    await storage.open()
    await make_tables(storage, TABLES)

What is written with `storage.write` never asks which of the two it is.
"""

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from loyalty.errors import Problem
from loyalty.tables import Table
from loyalty.transactions import Tx
from sync.db import Database
from sync.dialect import Engine, list_definitions, select_tables
from sync.http.problems import StorageUnavailable

T = TypeVar("T")

POSTGRES_SCHEMES = ("postgresql", "postgres")
_LOCK_SUFFIX = ".lock"


class AddressWrong(Problem):
    """The address of the database cannot be read."""

    code, status = "database_address_wrong", 500
    hint = "Write sqlite:///folder/hub.sqlite, or postgresql://user@host/database."


class DatabaseInUse(Problem):
    """Another process has this database open."""

    code, status = "database_in_use", 500
    hint = "A head office on SQLite is one process: stop the other one, or move to PostgreSQL."


class DriverMissing(Problem):
    """What speaks to PostgreSQL is not installed."""

    code, status, hint = "postgres_driver_missing", 500, 'Install it: pip install "counterfoil[hub]"'


class Storage(Protocol):
    """A database of either engine. `write` and `read` run fn(tx) in a transaction, perhaps more than once."""

    engine: Engine
    commits: int

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def write(self, fn: Callable[[Tx], T]) -> T: ...
    async def read(self, fn: Callable[[Tx], T]) -> T: ...
    def is_alive(self) -> bool: ...


class LockedFile(Database):
    """An SQLite file that only one process has open, by a lock on a file beside it."""

    engine: Engine = "sqlite"
    _lock: int | None = None

    async def open(self) -> None:
        """Raises DatabaseInUse and StorageUnavailable."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = self.path.with_name(self.path.name + _LOCK_SUFFIX)
            descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailable(str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise DatabaseInUse(str(self.path)) from error
        self._lock = descriptor
        try:
            await super().open()
        except BaseException:
            self._unlock()
            raise

    async def close(self) -> None:
        """Commit all that is queued, close the file, then give it free."""
        await super().close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def open_database(
    address: str,
    *,
    on_commit: Callable[[], None] = lambda: None,
    on_death: Callable[[BaseException], None] = lambda _: None,
) -> Storage:
    """The database that an address names, not opened yet. Raises AddressWrong, and DriverMissing for PostgreSQL where
    the extra `hub` is not installed.

    `on_commit` is called on the event loop after each commit, `on_death` from the writer thread of an SQLite file
    should it ever end.
    """
    scheme = address.partition(":")[0]
    if scheme == "sqlite":
        return LockedFile(path_of(address), on_commit=on_commit, on_death=on_death)
    if scheme in POSTGRES_SCHEMES:
        try:
            from sync.postgres import PostgresDatabase
        except ImportError as error:
            raise DriverMissing(str(error)) from error
        return PostgresDatabase(address, on_commit=on_commit)
    raise AddressWrong(f"no database is reached by {scheme!r}")


def path_of(address: str) -> Path:
    """The file of `sqlite:///folder/file` (from the root) or `sqlite:folder/file` (from here). Raises AddressWrong."""
    parts = urlsplit(address)
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or not parts.path.strip("/"):
        raise AddressWrong("an SQLite file is named sqlite:///folder/file")
    return Path(unquote(parts.path))


async def make_tables(storage: Storage, tables: Iterable[Table]) -> None:
    """Make those tables, with their indexes, that are not there yet. Two processes that start at once do it one after
    the other."""
    wanted = list(tables)

    def make(tx: Tx) -> None:
        if storage.engine == "postgresql":
            tx.execute("SELECT pg_advisory_xact_lock(?)", (_TABLES_LOCK,)).fetchone()
        present = {row[0] for row in tx.execute(select_tables(storage.engine)).fetchall()}
        for table in wanted:
            if table.name not in present:
                for definition in list_definitions(storage.engine, table):
                    tx.execute(definition)

    await storage.write(make)


_TABLES_LOCK = int.from_bytes(b"cntrfoil") >> 1
"""The number of the advisory lock on making tables: any that nothing else in the database takes."""
