"""sql: many rows with few statements, the same text on every engine.

    write_rows(tx, "INSERT INTO lot (id, points) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", rows)
    read_rows(tx, "SELECT id, points FROM lot WHERE id IN (?) AND points > 0", ids)

A statement is written as for one row; its `VALUES (…)` or `IN (?)` is repeated. Only a few lengths are used, so that
each engine prepares a handful of texts and not one for every number of rows.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from loyalty.transactions import Cursor, Row, Tx

ROWS_MAX = 500
_LENGTHS = (ROWS_MAX, 128, 32, 8, 2, 1)
_ROW = re.compile(r"VALUES (\([^()]*\))")
_LIST = "IN (?)"


def write_rows(tx: Tx, statement: str, rows: Sequence[Row]) -> None:
    """Run an INSERT for all rows, up to ROWS_MAX in one statement, in the order given.

    An upsert may not meet one key twice, so keys are to be unique; in their order, two writers never wait for each
    other in a circle.
    """
    for _ in _run(tx, statement, rows):
        pass


def write_returning(tx: Tx, statement: str, rows: Sequence[Row]) -> list[Row]:
    """The same for an INSERT with RETURNING: what it returns of all rows, in no order."""
    return [row for cursor in _run(tx, statement, rows) for row in cursor.fetchall()]


def read_rows(tx: Tx, statement: str, keys: Iterable[object], first: Sequence[object] = ()) -> list[Row]:
    """What a SELECT with one `IN (?)` finds for all the keys. `first` are the parameters that stand before it."""
    wanted = list(dict.fromkeys(keys))
    found: list[Row] = []
    for start in range(0, len(wanted), ROWS_MAX):
        chunk = wanted[start : start + ROWS_MAX]
        length = min(length for length in _LENGTHS if length >= len(chunk))
        padded = chunk + [chunk[-1]] * (length - len(chunk))
        found += tx.execute(_with_list(statement, length), (*first, *padded)).fetchall()
    return found


def _run(tx: Tx, statement: str, rows: Sequence[Row]) -> Iterator[Cursor]:
    start = 0
    for length in _LENGTHS:
        while len(rows) - start >= length:
            values = [value for row in rows[start : start + length] for value in row]
            yield tx.execute(_with_values(statement, length), values)
            start += length


@functools.lru_cache(maxsize=512)
def _with_values(statement: str, count: int) -> str:
    found = _ROW.search(statement)
    if found is None:
        raise ValueError("the statement has no VALUES of one row")
    return statement[: found.end()] + f", {found[1]}" * (count - 1) + statement[found.end() :]


@functools.lru_cache(maxsize=512)
def _with_list(statement: str, count: int) -> str:
    before, mark, after = statement.partition(_LIST)
    if not mark:
        raise ValueError("the statement has no IN (?)")
    return f"{before}IN ({', '.join('?' * count)}){after}"
