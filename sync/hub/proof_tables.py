"""sql: a table of head office compared with what it should be, page by page, on either engine."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from uuid import UUID

from loyalty.schema import TABLES as LOYALTY_TABLES
from loyalty.tables import Table, TableClass
from loyalty.transactions import Row, Tx
from sync.chain import epoch_text
from sync.compare import columns_of
from sync.hub.schema_apply import TABLES as APPLY_TABLES
from sync.hub.schema_bundles import TABLES as BUNDLE_TABLES
from sync.hub.schema_lending import TABLES as LENDING_TABLES
from sync.walk import Wrong

_PAGE = 2_000


def proved_tables() -> list[Table]:
    """The tables that follow from the journals alone: what the appliers write of the facts. The sums of the reports
    have a proof of their own."""
    proved = (TableClass.FACT, TableClass.CACHE)
    return [
        table
        for table in (*LOYALTY_TABLES, *APPLY_TABLES, *LENDING_TABLES, *BUNDLE_TABLES)
        if table.table_class in proved
    ]


def find_difference(tx: Tx, scratch: Tx, table: Table) -> Wrong | None:
    """The first row, in the order of the key, that is not what applying everything anew has made. `scratch` is on
    SQLite, `tx` on either engine."""
    columns = columns_of(scratch, table)
    pairs = zip_longest(_rows(tx, table, columns), _rows(scratch, table, columns))
    for kept, made in pairs:
        if kept != made:
            return _name(tx, table, columns, kept, made)
    return None


def _rows(tx: Tx, table: Table, columns: Sequence[str]) -> Iterator[Row]:
    """All rows in the order of the key. Only names of ours are put together; every value is bound."""
    key = ", ".join(table.key)
    select = f"SELECT {', '.join(columns)} FROM {table.name}"  # noqa: S608
    order = f" ORDER BY {key} LIMIT {_PAGE}"
    rows = tx.execute(select + order).fetchall()
    places = [columns.index(name) for name in table.key]
    behind = f" WHERE ({key}) > ({', '.join('?' * len(table.key))})"
    while rows:
        yield from (tuple(row) for row in rows)
        last = rows[-1]
        rows = tx.execute(select + behind + order, [last[place] for place in places]).fetchall()


def _name(tx: Tx, table: Table, columns: Sequence[str], kept: Row | None, made: Row | None) -> Wrong:
    """What differs, without a value of a personal column; the entry behind it where the row names one."""
    if kept is None or made is None or _key(table, columns, kept) != _key(table, columns, made):
        missing = kept is None or (made is not None and _key(table, columns, made) < _key(table, columns, kept))
        what = "a row is missing" if missing else "a row that no entry explains"
        row = made if missing else kept
    else:
        name = next(name for name, was, is_ in zip(columns, made, kept, strict=True) if was != is_)
        at = columns.index(name)
        hidden = name in table.personal
        what = f"{name} is wrong" if hidden else f"{name} is {_shown(kept[at])}, the entries say {_shown(made[at])}"
        row = made
    assert row is not None
    epoch, seq = _entry(tx, table, columns, row)
    return Wrong(epoch, seq, f"{table.name}: {what}")


def _key(table: Table, columns: Sequence[str], row: Row) -> Row:
    return tuple(row[columns.index(name)] for name in table.key)


def _entry(tx: Tx, table: Table, columns: Sequence[str], row: Row) -> tuple[str, int]:
    if table.op is None or table.op not in columns:
        return "", 0
    op = row[columns.index(table.op)]
    found = tx.execute("SELECT epoch, seq FROM applied WHERE op_id = ? ORDER BY store LIMIT 1", (op,)).fetchone()
    return (epoch_text(found[0]), found[1]) if found else ("", 0)


def _shown(cell: object) -> str:
    return str(UUID(bytes=cell)) if isinstance(cell, bytes) and len(cell) == 16 else str(cell)
