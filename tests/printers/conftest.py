"""A spool on a real database for the tests of this package."""

from collections.abc import Callable, Iterator

import pytest
from sqlite_utils.utils import sqlite3

from printers.schema import INDEXES, LOCAL_TABLES
from printers.transactions import Tx

Opener = Callable[[str], Tx]


@pytest.fixture
def open_spool() -> Iterator[Opener]:
    """Opens connections to SQLite files (or memory) that have the table of this package."""
    connections = []

    def open_one(path: str) -> Tx:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connections.append(connection)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'print_job'").fetchone():
            for name, ddl in LOCAL_TABLES.items():
                connection.execute(ddl)
                for index in INDEXES[name]:
                    connection.execute(index)
        return connection

    yield open_one
    for connection in connections:
        connection.close()


@pytest.fixture
def tx(open_spool: Opener) -> Tx:
    """An open database with an empty spool."""
    return open_spool(":memory:")
