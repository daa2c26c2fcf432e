"""edge: what the agent needs of the store that it runs in."""

from collections.abc import Sequence
from typing import Protocol

from loyalty.transactions import Tx
from sync.chain import Head
from sync.db import Database
from sync.journal_mending import LoggedOp


class StoreSide(Protocol):
    """What the agent needs of the store. Functions that take `tx` run in a transaction that the agent opens."""

    database: Database

    def now_ms(self) -> int:
        """The store's clock."""

    def read_cursors(self, tx: Tx) -> Sequence[Head]:
        """What head office had acknowledged when the store last ran."""

    def save_cursor(self, tx: Tx, head: Head) -> None:
        """Keep what head office acknowledged."""

    def note_line(self, tx: Tx, *, online: bool) -> None:
        """The line came up or went down."""

    def note(self, tx: Tx, name: str, value: str | None) -> None:
        """Something a person should find later: `alarm`, `clock_offset_ms`."""

    def take_back(self, tx: Tx, last: Head, ops: Sequence[LoggedOp]) -> None:
        """Append and apply entries that this disk had lost, up to `last`."""

    def note_whole(self, tx: Tx) -> None:
        """Nothing that head office holds of this store is missing here any more. Said once in each run, and again after
        anything was taken back."""

    def note_lost_life(self, tx: Tx, ordinal: int) -> bool:
        """Head office holds a life of this number, and this disk does not. Whether it began after the open one: its
        letter and numbers are used up, so a new life has to begin before anything else is written."""

    def begin_new_life(self, common: Head) -> None:
        """Stop booking and begin a new life; what stands behind `common` is logged again in it."""
