"""A storage that notes every statement with what was bound to it, wherever in head office it comes from."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from loyalty.transactions import Cursor, Tx
from sync.engines import Storage

T = TypeVar("T")


class Recorder:
    """The statements that ran, each with the parameters of its first and of its largest run."""

    def __init__(self) -> None:
        self.statements: dict[str, list[Sequence[object]]] = {}

    def note(self, sql: str, parameters: Sequence[object]) -> None:
        self.statements.setdefault(sql, []).append(parameters)

    def watch(self, storage: Storage) -> "WatchedStorage":
        """The same storage, watched."""
        return WatchedStorage(storage, self)


class WatchedStorage:
    """A storage whose jobs get a transaction that notes what they say."""

    def __init__(self, storage: Storage, recorder: Recorder) -> None:
        self._storage, self._recorder = storage, recorder

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the storage has
        return getattr(self._storage, name)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        return await self._storage.write(lambda tx: fn(_NotingTx(tx, self._recorder)))

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return await self._storage.read(lambda tx: fn(_NotingTx(tx, self._recorder)))


class _NotingTx:
    def __init__(self, tx: Tx, recorder: Recorder) -> None:
        self._tx, self._recorder = tx, recorder

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor:
        self._recorder.note(sql, parameters)
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor:
        rows = [tuple(row) for row in parameters]
        for row in rows:
            self._recorder.note(sql, row)
        return self._tx.executemany(sql, rows)
