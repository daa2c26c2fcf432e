"""sql: what a sale writes, noted statement by statement with its bound values, to be replayed without the program.

job = record(tx, lambda noting: complete_sale(noting, shop, caller, command))
replay(other_tx, job)           # the same rows, without reading, deciding, encoding
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from loyalty.transactions import Cursor, Tx

_WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Statement(Struct, frozen=True):
    """A writing statement and the values bound to it, once for every time it ran; `together` for one executemany."""

    sql: str
    values: tuple[Sequence[object], ...]
    together: bool


Job = tuple[Statement, ...]


class NotingTx:
    """A transaction that notes what is written through it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.noted: list[Statement] = []

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run one statement, and note it if it writes."""
        if _writes(sql):
            self.noted.append(Statement(sql, (tuple(parameters),), together=False))
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        """Run one statement for every row, and note it if it writes."""
        rows = [tuple(row) for row in parameters]
        if _writes(sql):
            self.noted.append(Statement(sql, tuple(rows), together=True))
        return self._tx.executemany(sql, rows)


def record(tx: Tx, work: Callable[[Tx], object]) -> Job:
    """Do `work` and answer what it wrote, in order."""
    noting = NotingTx(tx)
    work(noting)
    return tuple(noting.noted)


def replay(tx: Tx, job: Job) -> None:
    """Write what was recorded."""
    for statement in job:
        if statement.together:
            tx.executemany(statement.sql, statement.values)
        else:
            tx.execute(statement.sql, statement.values[0]).fetchall()


def count_statements(jobs: Sequence[Job]) -> float:
    """Writing statements per job, a row of an executemany counting as one."""
    return sum(len(statement.values) for job in jobs for statement in job) / len(jobs)


def _writes(sql: str) -> bool:
    return sql.lstrip().upper().startswith(_WRITING)
