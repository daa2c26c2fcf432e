"""sql: merges and their ends that head office tells of, followed here as facts, so that every old card goes on working.

A merge was decided elsewhere, but whose account a card stands for is a fact of each store's own history from then on:
sales are booked for it, and a replay must come to the same. The fact names head office's own, which does not take it
for another merge when it comes back.

    here already              | told: merged                 | told: not merged any more
    --------------------------|------------------------------|-----------------------------------------
    two members               | become one                   | nothing
    one, by whatever merges   | nothing                      | parted, where head office has counted it
    one of them was erased    | nothing                      | nothing
"""

from uuid import UUID

import msgspec

from kiosk.life.told import read_members, read_told
from loyalty.ids import derived_uuid
from loyalty.member_store import read_member
from loyalty.merge_store import survivor_of
from loyalty.transactions import Tx
from sync.facts.members import MemberMerged, MemberParted
from sync.feed_values import MergeValue
from sync.journal import Journal, Origin, find

_REASON = "told by head office"
_decode = msgspec.json.Decoder(MergeValue).decode
_HERE = (
    "SELECT member_merge.op, into_member FROM member_merge JOIN journal ON journal.op_id = member_merge.op"
    " LEFT JOIN head_office_cursor ON head_office_cursor.epoch = journal.epoch"
    " WHERE absorbed = ? AND journal.seq <= coalesce(acknowledged_seq, 0)"
)


def follow_merge(tx: Tx, journal: Journal, now_ms: int, absorbed: UUID) -> None:
    """Make it so here that `absorbed` is, or is no longer, the person that head office says. A value that this release
    cannot read is left alone."""
    value = read_told(tx, "merge", str(absorbed))
    if value is None:
        _part(tx, journal, now_ms, absorbed)
        return
    try:
        _merge(tx, journal, now_ms, absorbed, _decode(value))
    except msgspec.DecodeError:
        return


def follow_all_merges(tx: Tx, journal: Journal, now_ms: int) -> None:
    """Follow every merge that is told now: after a snapshot was installed."""
    rows = tx.execute("SELECT DISTINCT key FROM feed_row WHERE entity = 'merge' ORDER BY key").fetchall()
    for absorbed in read_members(key for (key,) in rows):
        follow_merge(tx, journal, now_ms, absorbed)


def _merge(tx: Tx, journal: Journal, now_ms: int, absorbed: UUID, told: MergeValue) -> None:
    op_id = derived_uuid(told.op, "merge told")
    one, other = survivor_of(tx, absorbed), survivor_of(tx, told.into)
    if one == other or find(tx, op_id) is not None or _is_erased(tx, one) or _is_erased(tx, other):
        return
    body = MemberMerged(
        request="", absorbed=one, into=other, effective_at=told.effective_at, reason=_REASON, told=told.op
    )
    journal.record(tx, Origin(now_ms=now_ms), op_id, body)


def _part(tx: Tx, journal: Journal, now_ms: int, absorbed: UUID) -> None:
    row = tx.execute(_HERE, (absorbed.bytes,)).fetchone()
    if row is None or _is_erased(tx, absorbed):
        return
    merge, into = UUID(bytes=row[0]), UUID(bytes=row[1])
    part_id = derived_uuid(merge, "part")
    if find(tx, part_id) is None:
        body = MemberParted(merge=merge, absorbed=absorbed, into=into, reason=_REASON, is_told=True)
        journal.record(tx, Origin(now_ms=now_ms), part_id, body)


def _is_erased(tx: Tx, member: UUID) -> bool:
    row = read_member(tx, member)
    return row is not None and row.status == "erased"
