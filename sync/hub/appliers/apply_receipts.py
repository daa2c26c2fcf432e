"""sql: which entry has been applied, and which receipt it gave. Both are written before anything else of a batch.

`applied` makes the effect of an entry unique: the same fact logged again by a later life of its store adds nothing; the
same id with other content is a conflict that a person has to look at. Only what a store says by itself, and names after
what it is about, is said again in other words by every life that has lost it: the first word counts, as for any fact.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loyalty.bulk import read_rows, write_returning
from loyalty.transactions import Row, Tx
from sync.facts.lending import LeaseEnded
from sync.facts.members import MemberErased, MemberMerged, MemberParted
from sync.facts.points import PointsReleased
from sync.facts.reserving import ReservationEnded
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import find_receipts
from sync.hub.incidents import Incident, incident_id, put_incidents

_INSERT_APPLIED = (
    "INSERT INTO applied (store, op_id, content_hash, epoch, seq, effective_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (store, op_id) DO NOTHING RETURNING epoch, seq"
)
_INSERT_RECEIPT = (
    "INSERT INTO receipt (number, store, op, kind, epoch, seq) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (number, store) DO NOTHING RETURNING op"
)


class Sorted(NamedTuple):
    """A batch by what is to be done with it: new entries, facts that were applied before, and entries that use the id
    of another fact."""

    fresh: list[Accepted]
    repeated: list[Accepted]
    conflicting: list[Accepted]


def note_applied(tx: Tx, entries: Sequence[Accepted]) -> Sorted:
    """Write down that these entries of one store are applied, and tell which of them really are to be."""
    if not entries:
        return Sorted([], [], [])
    # In the order of keys: another life of the store, applied at the same time, may bring the same facts.
    rows = sorted((_applied_row(entry) for entry in entries), key=lambda row: row[:2])
    returned = write_returning(tx, _INSERT_APPLIED, rows)
    fresh = {(epoch, seq) for epoch, seq in returned}
    known = _known_hashes(tx, [entry for entry in entries if (entry.epoch, entry.seq) not in fresh])
    found = Sorted([], [], [])
    for entry in entries:
        if (entry.epoch, entry.seq) in fresh:
            found.fresh.append(entry)
        elif known[entry.op_id.bytes] == entry.content_hash or is_said_by_itself(entry.body):
            found.repeated.append(entry)
        else:
            found.conflicting.append(entry)
    return found


def is_said_by_itself(body: object) -> bool:
    """Whether a store writes this without anybody's doing, under the name of what it is about. Money never moves by
    it, so two of them are no two payments."""
    return (
        isinstance(body, LeaseEnded | ReservationEnded | PointsReleased | MemberErased | ReturnFollowed)
        or (isinstance(body, MemberMerged) and body.told is not None)
        or (isinstance(body, MemberParted) and body.is_told)
    )


def note_receipts(tx: Tx, entries: Sequence[Accepted]) -> None:
    """The receipts of these entries. A number that the store gave out before stays the first one's: an incident."""
    given = {row[2]: row for entry in entries for row in _receipt_rows(entry)}
    # Of two in one batch the one that came first: a proof takes entries of several lives at once, in the same order.
    first: dict[Row, Row] = {}
    for row in given.values():
        first.setdefault(row[:2], row)
    written = {op for (op,) in write_returning(tx, _INSERT_RECEIPT, sorted(first.values()))}
    again = {op: row for op, row in given.items() if op not in written}
    if again:
        put_incidents(tx, [_number_reused(tx, entry, again) for entry in entries if entry.op_id.bytes in again])


def _number_reused(tx: Tx, entry: Accepted, again: Mapping[bytes, Row]) -> Incident:
    number = again[entry.op_id.bytes][0]
    first = next(receipt for receipt in find_receipts(tx, number) if receipt.store == entry.store)
    refs = ({"op": str(first.op), "number": number}, {"op": str(entry.op_id), "number": number})
    return Incident(
        id=incident_id("number_reused", entry.store.bytes, entry.op_id.bytes),
        kind="number_reused",
        store=entry.store,
        refs=refs,
        opened_at=entry.effective_at,
    )


def _applied_row(entry: Accepted) -> Row:
    return (
        *(entry.store.bytes, entry.op_id.bytes, entry.content_hash),
        *(entry.epoch, entry.seq, entry.effective_at),
    )


def _known_hashes(tx: Tx, entries: Sequence[Accepted]) -> dict[bytes, bytes]:
    ops = [entry.op_id.bytes for entry in entries]
    select = "SELECT op_id, content_hash FROM applied WHERE store = ? AND op_id IN (?)"
    return dict(read_rows(tx, select, ops, first=[entries[0].store.bytes])) if entries else {}


def _receipt_rows(entry: Accepted) -> list[Row]:
    body = entry.body
    if not isinstance(body, SaleCompleted | ReturnTaken):
        return []
    kind = "sale" if isinstance(body, SaleCompleted) else "return"
    return [(body.number, entry.store.bytes, entry.op_id.bytes, kind, entry.epoch, entry.seq)]
