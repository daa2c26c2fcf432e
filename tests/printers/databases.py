"""A database for worker tests: real SQLite, real transactions, and a storage that can refuse."""

from collections.abc import Callable
from typing import TypeVar

from printers.transactions import Tx

Answer = TypeVar("Answer")


class StorageUnavailable(Exception):
    """The disk is full."""


class SpoolDatabase:
    """Runs every function in a transaction of its own; `refuse` more writes fail and are rolled back."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.refuse = 0
        self.writes = 0

    async def write(self, work: Callable[[Tx], Answer]) -> Answer:
        self.writes += 1
        self.tx.execute("BEGIN IMMEDIATE")
        try:
            answer = work(self.tx)
            self._refuse_perhaps()
        except BaseException:
            self.tx.execute("ROLLBACK")
            raise
        self.tx.execute("COMMIT")
        return answer

    def _refuse_perhaps(self) -> None:
        if self.refuse:
            self.refuse -= 1
            raise StorageUnavailable

    async def read(self, work: Callable[[Tx], Answer]) -> Answer:
        return work(self.tx)
