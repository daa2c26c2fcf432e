"""sql: what a sale writes, noted statement by statement with its bound values, to be replayed without the program.

job = record(tx, lambda noting: complete_sale(noting, shop, caller, command))
replay(other_tx, job)           # the same rows, without reading, deciding, encoding
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from msgspec import Struct

from loyalty.transactions import Cursor, Tx

_READS = ("SELECT", "WITH", "PRAGMA", "EXPLAIN")


class Kind(Enum):
    """Which statements are noted."""

    READING = True
    WRITING = False


class Statement(Struct, frozen=True):
    """A statement and the values bound to it, once for every time it ran; `together` for one executemany."""

    sql: str
    values: tuple[Sequence[object], ...]
    together: bool


Job = tuple[Statement, ...]


class NotingTx:
    """A transaction that notes the statements of one kind that run through it."""

    def __init__(self, tx: Tx, kind: Kind) -> None:
        self._tx = tx
        self._kind = kind
        self.noted: list[Statement] = []

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run one statement, and note it."""
        if self._is_wanted(sql):
            self.noted.append(Statement(sql, (tuple(parameters),), together=False))
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        """Run one statement for every row, and note it."""
        rows = [tuple(row) for row in parameters]
        if self._is_wanted(sql):
            self.noted.append(Statement(sql, tuple(rows), together=True))
        return self._tx.executemany(sql, rows)

    def _is_wanted(self, sql: str) -> bool:
        return sql.lstrip().upper().startswith(_READS) is self._kind.value


def record(tx: Tx, work: Callable[[Tx], object], kind: Kind) -> Job:
    """Do `work` and answer its statements of this kind, in order."""
    noting = NotingTx(tx, kind)
    work(noting)
    return tuple(noting.noted)


def replay(tx: Tx, job: Job) -> None:
    """Run what was recorded, and read what it answers."""
    for statement in job:
        if statement.together:
            tx.executemany(statement.sql, statement.values)
        else:
            tx.execute(statement.sql, statement.values[0]).fetchall()


def count_statements(jobs: Sequence[Job]) -> float:
    """Statements per job, a row of an executemany counting as one."""
    return sum(len(statement.values) for job in jobs for statement in job) / len(jobs)
