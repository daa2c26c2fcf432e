"""Ways to damage a store's database cell by cell, past every rule that SQLite would hold up; and an index by itself.

rows = rows_of(connection, "sale_line")
change_cell(connection, table, rows[0], "net_minor")
"""

from pathlib import Path
from typing import Any

from loyalty.tables import Table
from sync.db import connect

Row = dict[str, Any]
UNIQUE = ("number", "ordinal", "z_number")
"""Columns that no two rows share, beside the keys."""


def allow_anything(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Rules off, so that the damage a disk can do is possible."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")


def rows_of(connection: Any, table: Table) -> list[Row]:  # noqa: ANN401
    """All rows in key order."""
    cursor = connection.execute(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def columns_of(connection: Any, table: Table) -> list[str]:  # noqa: ANN401
    """The columns in order."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")]


def another(connection: Any, table: Table, column: str, cell: Any) -> Any:  # noqa: ANN401
    """A value of the column's type that differs from `cell`: a thousand more, one letter, one bit."""
    kinds = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table.name})")}
    match kinds[column]:
        case "INTEGER":
            return (cell or 0) + 1_000
        case "TEXT":
            return "x" if not cell else ("y" if cell[0] == "x" else "x") + cell[1:]
        case _:
            return bytes([cell[0] ^ 1]) + cell[1:] if cell else b"\1" * 16


def change_cell(connection: Any, table: Table, row: Row, column: str) -> None:  # noqa: ANN401
    """One cell of one row becomes something else."""
    where, values = _where(table, row)
    new = another(connection, table, column, row[column])
    changed = connection.execute(f"UPDATE {table.name} SET {column} = ? WHERE {where}", (new, *values)).rowcount
    assert changed == 1


def delete_row(connection: Any, table: Table, row: Row) -> None:  # noqa: ANN401
    """One row goes."""
    where, values = _where(table, row)
    assert connection.execute(f"DELETE FROM {table.name} WHERE {where}", values).rowcount == 1


def insert_like(connection: Any, table: Table, row: Row) -> None:  # noqa: ANN401
    """A row that nothing explains: like another one, but for its key, its entry and what must be unique."""
    unique = {*table.key, table.op, *UNIQUE}
    copy = {name: another(connection, table, name, cell) if name in unique else cell for name, cell in row.items()}
    names, marks = ", ".join(copy), ", ".join("?" * len(copy))
    connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", tuple(copy.values()))


def flip_in_index(database: Path, index: str, cell: bytes) -> None:
    """Flip one bit of a cell in an index of one page. The table stays as it is; the database must be closed."""
    connection = connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchall()
    ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    content = bytearray(database.read_bytes())
    at = content.index(cell, (page - 1) * size, page * size)
    content[at + len(cell) - 1] ^= 1
    database.write_bytes(bytes(content))


def _where(table: Table, row: Row) -> tuple[str, list[Any]]:
    return " AND ".join(f"{key} = ?" for key in table.key), [row[key] for key in table.key]
