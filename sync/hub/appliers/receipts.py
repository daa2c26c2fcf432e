"""sql: the receipts that shops gave out, by number and by the entry behind them.

find_receipts(tx, "S001-T01-000123")     # of whichever store; a number names one store's receipt
"""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from loyalty.bulk import read_rows
from loyalty.transactions import Row, Tx


class Receipt(Struct, frozen=True, kw_only=True):
    """A sale's or a return's receipt. `op` is the id of the fact, (`epoch`, `seq`) its place in the store's journal."""

    number: str
    store: UUID
    op: UUID
    kind: str
    epoch: int
    seq: int


_COLUMNS = "number, store, op, kind, epoch, seq"


def find_receipts(tx: Tx, number: str) -> list[Receipt]:
    """The receipts with this number, by store. Two stores cannot have the same one unless one of them lies."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM receipt WHERE number = ? ORDER BY store", (number,))  # noqa: S608
    return [_receipt(row) for row in rows]


def read_receipts(tx: Tx, ops: Iterable[bytes]) -> dict[bytes, Receipt]:
    """The receipts of these facts, by fact; those that gave none are missing."""
    rows = read_rows(tx, f"SELECT {_COLUMNS} FROM receipt WHERE op IN (?)", ops)  # noqa: S608  columns of ours
    return {receipt.op.bytes: receipt for receipt in sorted(map(_receipt, rows), key=_place, reverse=True)}


def _place(receipt: Receipt) -> tuple[bytes, int, int]:
    return receipt.store.bytes, receipt.epoch, receipt.seq


def _receipt(row: Row) -> Receipt:
    number, store, op, kind, epoch, seq = row
    return Receipt(number=number, store=UUID(bytes=store), op=UUID(bytes=op), kind=kind, epoch=epoch, seq=seq)
