"""sql: mends the journal of a store whose disk went back in time. The only place where an entry is ever moved.

Three things happen to lives, each inside the caller's transaction:

- `cut_epoch` takes what stands behind a place out of its life, `log_again` appends it to another one: the same ids, the
  same bytes, another number and hash. Nothing of it is lost and nothing counts twice.
- `take_back` appends what head office still has of a life and this disk has lost, and applies it. An entry that was
  logged again meanwhile, or that contradicts what happened here since, stays in the chain and has no effect: the goods
  of both histories are gone, but a table can hold only one sale of a number. The fact says which ones those are, so a
  replay comes to the same rows, and head office has them as incidents.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from loyalty.errors import Problem
from loyalty.transactions import Tx
from sync.chain import Head, chain_hash, decode_content, epoch_text
from sync.facts.lives import EntriesRecovered, SetAside
from sync.journal import Entry, Journal, Origin, Private, entry_of, private_hash_of, read_head
from sync.repairs import MENDINGS

ApplyOrSetAside = Callable[[Tx, Entry], str | None]
"""Applies an entry; or leaves everything as it was and says why it has no effect here."""


class LoggedOp(msgspec.Struct, frozen=True):
    """An entry without its place: the exact bytes and the personal half, where there still is one."""

    content: bytes
    private: Private | None = None


class HistoryWrong(Problem):
    """What head office sent does not continue the journal of this store."""

    code, status = "history_wrong", 502
    hint = "Nothing was taken over. Tell whoever runs head office; the shop may sell on."


def cut_epoch(tx: Tx, kept: Head) -> list[LoggedOp]:
    """Take all entries behind `kept` out of its life, and hand them over in their order."""
    rows = tx.execute(
        "SELECT seq, content FROM journal WHERE epoch = ? AND seq > ? ORDER BY seq", (kept.epoch, kept.seq)
    ).fetchall()
    people = {
        seq: Private(UUID(bytes=member), salt, data)
        for seq, member, salt, data in tx.execute(
            "SELECT seq, member, salt, bytes FROM journal_private WHERE epoch = ? AND seq > ?", (kept.epoch, kept.seq)
        )
    }
    tx.execute("DELETE FROM journal_private WHERE epoch = ? AND seq > ?", (kept.epoch, kept.seq))
    tx.execute("DELETE FROM journal WHERE epoch = ? AND seq > ?", (kept.epoch, kept.seq))
    return [LoggedOp(content, people.get(seq)) for seq, content in rows]


def log_again(tx: Tx, epoch: int, ops: Sequence[LoggedOp]) -> Head:
    """Append entries to a life as they are, without applying them; the new head."""
    head = read_head(tx, epoch)
    for op in ops:
        head = append_op(tx, head, op)
    return head


def take_back(
    tx: Tx, journal: Journal, apply: ApplyOrSetAside, origin: Origin, op_id: UUID, last: Head, ops: Sequence[LoggedOp]
) -> int:
    """Append and apply what came back of an earlier life; `last` is the place of the last one, as head office says.
    Returns how many were set aside.

    Raises HistoryWrong for entries that do not continue what is here; the caller's transaction must then end.
    """
    first = head = read_head(tx, last.epoch)
    set_aside: list[SetAside] = []
    for op in ops:
        content = decode_content(op.content)
        repeated, kept = _is_known(tx, content.op_id), _without_erased(tx, op)
        head = append_op(tx, head, kept)
        entry = entry_of(head.epoch, head.seq, head.hash, content, kept.private)
        code = "repeated" if repeated or content.kind in MENDINGS else apply(tx, entry)
        if code is not None:
            set_aside.append(SetAside(seq=head.seq, code=code))
    if head != last:
        raise HistoryWrong(f"Entry {last.seq} of epoch {epoch_text(last.epoch)}")
    body = EntriesRecovered(
        epoch=epoch_text(last.epoch),
        from_seq=first.seq + 1,
        seq=last.seq,
        hash=last.hash.hex(),
        set_aside=tuple(set_aside),
    )
    journal.record(tx, origin, op_id, body)
    return len(set_aside)


def append_op(tx: Tx, head: Head, op: LoggedOp) -> Head:
    """Append one entry behind `head`, as it is, without applying it; the new head."""
    content = decode_content(op.content)
    seq = head.seq + 1
    entry_hash = chain_hash(head.epoch, seq, head.hash, op.content)
    tx.execute(
        "INSERT INTO journal (epoch, seq, op_id, kind, content, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (head.epoch, seq, content.op_id.bytes, content.kind, op.content, entry_hash),
    )
    if op.private is not None:
        tx.execute(
            "INSERT INTO journal_private (epoch, seq, member, salt, bytes) VALUES (?, ?, ?, ?, ?)",
            (head.epoch, seq, op.private.member.bytes, op.private.salt, op.private.data),
        )
    return Head(head.epoch, seq, entry_hash)


def _is_known(tx: Tx, op_id: UUID) -> bool:
    return tx.execute("SELECT 1 FROM journal WHERE op_id = ?", (op_id.bytes,)).fetchone() is not None


def _without_erased(tx: Tx, op: LoggedOp) -> LoggedOp:
    """Personal data of a member who was erased here does not come back with the entries."""
    if op.private is None:
        return op
    erased = tx.execute(
        "SELECT 1 FROM member WHERE id = ? AND status = 'erased'", (op.private.member.bytes,)
    ).fetchone()
    return LoggedOp(op.content) if erased is not None else op


def check_private(op: LoggedOp) -> None:
    """Raises HistoryWrong for a personal half that is not the one its entry names."""
    if op.private is None:
        return
    named = msgspec.json.decode(decode_content(op.content).body, type=dict[str, msgspec.Raw]).get("private")
    if named is None or bytes(named) != f'"{private_hash_of(op.private)}"'.encode():
        raise HistoryWrong("The personal half of an entry is not its own.")
