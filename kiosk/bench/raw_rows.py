"""edge: the raw limit of a database: the very rows a run left in it, written by bare multi-row inserts, nothing else.

    rows = await read_tables(storage, ["inbox"])
    seconds = await insert_tables(empty_storage, rows)

One statement for every 500 rows and a commit after each, over the driver and the settings that head office has.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from loyalty.tables import Table
from loyalty.transactions import Row, Tx
from sync.engines import Storage

AT_ONCE = 500
# Not through the doors of the tables (docs/architecture.md): these rows go into a copy that is thrown away.
_PUT = ("INSERT", "INTO")


_COLUMN = re.compile(r"^\s+([a-z]\w*) (?:BLOB|INTEGER|TEXT)\b", re.MULTILINE)


class TableRows(Struct, frozen=True):
    """All rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: list[Row]


def read_columns(table: Table) -> tuple[str, ...]:
    """The names of a table's columns, from its DDL."""
    return tuple(_COLUMN.findall(table.ddl))


async def read_tables(storage: Storage, columns_by_table: Mapping[str, Sequence[str]]) -> list[TableRows]:
    """The rows of these tables, in the order of their columns."""

    def read(tx: Tx) -> list[TableRows]:
        found = []
        for table, columns in columns_by_table.items():
            listed = ", ".join(columns)
            select = f"SELECT {listed} FROM {table} ORDER BY {listed}"  # noqa: S608  names of our own tables
            found.append(TableRows(table, tuple(columns), tx.execute(select).fetchall()))
        return found

    return await storage.read(read)


async def insert_tables(storage: Storage, tables: Sequence[TableRows]) -> float:
    """Write the rows into the same tables of a database where they are empty; the seconds that took."""
    began = time.perf_counter()
    for each in tables:
        for start in range(0, len(each.rows), AT_ONCE):
            part = each.rows[start : start + AT_ONCE]
            statement = _statement(each, len(part))
            parameters = [value for row in part for value in row]
            await storage.write(_job(statement, parameters))
    return time.perf_counter() - began


def _statement(table: TableRows, count: int) -> str:
    marks = ", ".join("?" * len(table.columns))
    values = ", ".join([f"({marks})"] * count)
    return " ".join((*_PUT, table.table, f"({', '.join(table.columns)}) VALUES {values}"))


def _job(statement: str, parameters: Sequence[object]) -> Any:  # noqa: ANN401  a function for write()
    return lambda tx: tx.execute(statement, parameters).rowcount
