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


def keeps_caches(tx: Tx) -> bool:
    """Whether caches are to be written beside the facts they are made of. Not in the tables of a proof: it compares
    the facts with the store's, and makes the caches anew from those."""
    return not getattr(tx, "facts_only", False)
