"""edge: connections to SQLite that are not the store's own file, and how this process binds values.

spare_adapting()                     # once per process that serves or verifies
scratch = connect_scratch()          # the empty tables of a proof
single = connect_single(path)        # a database that is one file, as a snapshot is
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

logger = logging.getLogger(__name__)
BUSY_TIMEOUT_MS = 5_000
_NOTHING: dict[None, None] = {}


def spare_adapting() -> None:
    """Let this process bind bytes and None without looking for somebody who could adapt them.

    The driver asks for an adapter of every value but numbers and texts, at three places each time; most of what is
    bound here are ids of 16 bytes, and the search took longer than to write them. A registered adapter that answers the
    value itself ends it (docs.python.org/3/library/sqlite3.html, register_adapter); these two answer it without running
    a line of Python. What is stored stays the same.
    """
    sqlite3.register_adapter(bytes, bytes.__bytes__)
    sqlite3.register_adapter(type(None), _NOTHING.get)


class ScratchConnection(sqlite3.Connection):
    """A database in memory for the facts that a replay writes (loyalty/transactions.py: keeps_caches)."""

    facts_only = True


def connect_scratch() -> Any:  # noqa: ANN401  pysqlite3 has no types
    """An empty database in memory for a proof. It holds what the store's own file was held to when it was written:
    every key and every check of a column counts, but not the order in which rows of two tables come."""
    return sqlite3.connect(":memory:", isolation_level=None, cached_statements=512, factory=ScratchConnection)


def connect_single(path: Path, *, read_only: bool = False) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """A connection to a database that is one file and keeps no log beside it (rollback journal), made where there is
    none. What is deleted is overwritten. Raises SqliteError."""
    address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def attach_files(connection: Any, files: Mapping[str, Path]) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Attach these databases to a connection, for reading only, and detach all others, outside of a transaction. One
    that cannot be opened is left out: whoever would read it goes on without."""
    present = {row[1] for row in connection.execute("PRAGMA database_list")} - {"main", "temp"}
    for name in present - set(files):
        connection.execute(f"DETACH {name}")
    for name in set(files) - present:
        try:
            connection.execute(f"ATTACH ? AS {name}", (f"{files[name].absolute().as_uri()}?mode=ro",))
        except sqlite3.DatabaseError as error:
            logger.warning("a database was not attached", extra={"fields": {"error": type(error).__name__}})
