"""A shop that lived by its own services, kept in memory for the tests that damage it.

connection, _ = told()
with undone(connection):
    connection.execute("UPDATE sale SET due_minor = 0")
    assert first_wrong(prove_all(connection)).what.startswith("sale: ")
"""

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kiosk.registry import TABLES
from kiosk.shop import Shop
from loyalty.tables import TableClass
from sync.db import connect
from sync.verify import Report
from sync.walk import Wrong
from tests.kiosk.damage import allow_anything
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import open_shop

FACTS = [table for table in TABLES if table.table_class is TableClass.FACT]
CACHES = [table for table in TABLES if table.table_class is TableClass.CACHE]


@functools.cache
def told() -> tuple[Any, Shop]:
    """A shop with one of every kind of fact. Tests damage it only inside `undone`."""
    with tempfile.TemporaryDirectory() as folder:
        connection, shop = open_shop(Path(folder))
        tell_everything(connection, shop)
        return into_memory(connection), shop


def into_memory(connection: Any) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """The same database without its file, and open to any damage."""
    copy = connect(":memory:")
    connection.backup(copy)
    connection.close()
    allow_anything(copy)
    return copy


@contextmanager
def undone(connection: Any) -> Iterator[None]:  # noqa: ANN401  pysqlite3 has no types
    """What happens inside never happened."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def seq_of(connection: Any, op_id: bytes) -> int:  # noqa: ANN401
    row = connection.execute("SELECT seq FROM journal WHERE op_id = ?", (op_id,)).fetchone()
    assert row is not None
    return int(row[0])


def first_wrong(report: Report) -> Wrong:
    assert not report.ok
    assert report.first_wrong is not None
    assert report.mark is None, "what is wrong must not become the start of the next run"
    return report.first_wrong
