"""sql: comparing a table with what it should be: row by row, or by one number for the whole table.

    same, digest = compare_rows(store, scratch, table)       # one pass over both, in the order they lie in the file
    for wrong in list_differences(store, scratch, table): ...   # slower: in the order of the keys, each row named

A `Digest` is the number of rows and the sum, modulo 2**64, of an 8 byte BLAKE2b of each row. It does not depend on the
order, and digests of disjoint sets of rows add up: what a table holds now must be what it held when it was proved plus
what the newer entries wrote. Any one changed, lost or added row changes it, but for one chance in 2**64.

Rows are read from the table itself (NOT INDEXED): a value that was damaged there must not be read from an index.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any

import msgspec

from loyalty.tables import Table
from loyalty.transactions import Row, Tx
from sync.chain import epoch_text
from sync.walk import Wrong

_MODULUS = 2**64
_BATCH = 500
_encode = msgspec.msgpack.Encoder().encode


class Digest(msgspec.Struct, frozen=True, array_like=True):
    """How many rows, and the sum of their hashes."""

    rows: int = 0
    sum: int = 0

    def plus(self, more: "Digest") -> "Digest":
        """The digest of both sets of rows together."""
        return Digest(self.rows + more.rows, (self.sum + more.sum) % _MODULUS)

    def minus(self, less: "Digest") -> "Digest":
        """The digest of what is left when `less` is taken out."""
        return Digest(self.rows - less.rows, (self.sum - less.sum) % _MODULUS)


def digest_rows(tx: Tx, table: Table, columns: list[str]) -> Digest:
    """The digest of a whole table."""
    digest = Digest()
    for encoded in _batches(tx, _select(table, columns)):
        digest = digest.plus(_digest(encoded))
    return digest


def compare_rows(store: Tx, scratch: Tx, table: Table) -> tuple[bool, Digest]:
    """Whether both sides hold the same rows in the same order, and the digest of the store's.

    A replay writes rows in the order they were written first, so sound tables are alike to the order. False is no
    verdict yet: `list_differences` gives it.
    """
    select = _select(table, columns_of(scratch, table))
    same, digest = True, Digest()
    for have, want in zip_longest(_batches(store, select), _batches(scratch, select), fillvalue=list[bytes]()):
        same = same and have == want
        digest = digest.plus(_digest(have))
    return same, digest


def columns_of(tx: Tx, table: Table) -> list[str]:
    """A table's columns in the order of its DDL."""
    return [row[1] for row in tx.execute(f"PRAGMA table_info({table.name})")]


def list_differences(store: Tx, scratch: Tx, table: Table) -> Iterator[Wrong]:
    """Every difference between the store's rows and those of the replay, in key order."""
    columns = columns_of(scratch, table)
    keys = [columns.index(key) for key in table.key]
    select = f"{_select(table, columns)} ORDER BY {', '.join(table.key)}"
    ours, theirs = iter(store.execute(select)), iter(scratch.execute(select))
    have, want = next(ours, None), next(theirs, None)
    while have is not None or want is not None:
        have_key = [_rank(have[i]) for i in keys] if have is not None else None
        want_key = [_rank(want[i]) for i in keys] if want is not None else None
        if have is not None and (want_key is None or (have_key is not None and have_key < want_key)):
            yield _wrong_row(store, table, columns, have, "a row that no entry explains")
            have = next(ours, None)
        elif want is not None and (have_key is None or (want_key is not None and want_key < have_key)):
            yield _wrong_row(store, table, columns, want, "a row is missing")
            want = next(theirs, None)
        else:
            if have is not None and want is not None and _encode_row(have) != _encode_row(want):
                yield _wrong_row(store, table, columns, want, _difference(table, columns, have, want))
            have, want = next(ours, None), next(theirs, None)


def _select(table: Table, columns: list[str]) -> str:
    return f"SELECT {', '.join(columns)} FROM {table.name} NOT INDEXED"  # noqa: S608  names of ours


def _batches(tx: Tx, select: str) -> Iterator[list[bytes]]:
    """The rows, encoded, so many at a time: row by row the loop would cost as much as what it does."""
    rows = iter(tx.execute(select))
    while batch := list(islice(rows, _BATCH)):
        try:
            yield list(map(_encode, batch))
        except UnicodeEncodeError:
            yield list(map(_encode_row, batch))


def _digest(encoded: list[bytes]) -> Digest:
    return Digest(len(encoded), sum(map(_hash, encoded)) % _MODULUS)


def _encode_row(row: Row) -> bytes:
    """The cells of a row with their types: 1, 1.0, "1" and b"1" all differ, as they do on the disk."""
    try:
        return _encode(row)
    except UnicodeEncodeError:  # a text of a damaged file that is no UTF-8
        return repr(row).encode("utf-8", "surrogateescape")


def _hash(encoded: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest())


def _rank(cell: Any) -> tuple[int, Any]:  # noqa: ANN401  a damaged file may hold a cell of any type
    """A cell in the order of SQLite: nothing, numbers, texts, bytes (sqlite.org/datatype3.html, section 4.1)."""
    kinds: tuple[tuple[type, ...], ...] = ((type(None),), (int, float), (str,), (bytes,))
    kind = next(n for n, types in enumerate(kinds) if isinstance(cell, types))
    return (kind, cell) if kind else (kind, 0)


def _difference(table: Table, columns: list[str], have: Row, want: Row) -> str:
    at = next(i for i in range(len(columns)) if _encode_row(have[i : i + 1]) != _encode_row(want[i : i + 1]))
    if columns[at] in table.personal:
        # The finding is written to a file and shown at the till: it must not repeat what an erasure would delete.
        return f"{columns[at]} is not what the entry says"
    return f"{columns[at]} is {_show(have[at])}, the entry says {_show(want[at])}"


def _show(value: Any) -> str:  # noqa: ANN401  a cell is whatever SQLite holds
    return value.hex() if isinstance(value, bytes) else repr(value)


def _wrong_row(store: Tx, table: Table, columns: list[str], row: Row, what: str) -> Wrong:
    """Name the entry behind a row, through the op_id the row carries."""
    found = None
    if table.op is not None:
        op_id = row[columns.index(table.op)]
        found = store.execute(
            "SELECT epoch, seq FROM journal WHERE op_id = ? ORDER BY rowid LIMIT 1", (op_id,)
        ).fetchone()
    epoch, seq = found or (0, 0)
    return Wrong(epoch_text(epoch), seq, f"{table.name}: {what}")
