"""pure: the shape of an open transaction, so that sql modules need not know who opened it.

Rows come back as plain tuples. UUIDs travel as 16 bytes, times as milliseconds since 1970 UTC.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Cursor(Protocol):
    """What a statement answers."""

    rowcount: int

    def fetchone(self) -> Row | None: ...
    def fetchall(self) -> list[Row]: ...
    def __iter__(self) -> Iterator[Row]: ...


class Tx(Protocol):
    """An open transaction. sql modules take one and never open, commit or roll back."""

    def execute(self, sql: str, parameters: Sequence[object] = ..., /) -> Cursor: ...
    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> Cursor: ...
