"""sql: the journal. One immutable entry per fact, written in the transaction of the rows it changes.

A `Journal` knows the epoch of this life of the database and which function applies which kind; it is built once, by
compose.

    entry = journal.record(tx, origin, op_id, body)   # append, then apply: both or neither
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from loyalty.errors import IdConflict
from loyalty.points.operation import Folded
from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, Content, Head, Stamp, chain_hash, decode_content, mark_of, private_hash
from sync.facts import Body, decode_body, kind_of


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, when, on which business day: taken from the token and the clock, never from a request
    body."""

    now_ms: int
    business_day: str | None = None
    device: UUID | None = None
    operator: str | None = None


class Private(msgspec.Struct, frozen=True):
    """The personal half of an entry: kept beside the chain, deleted by an erasure."""

    member: UUID
    salt: bytes
    data: bytes


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One journal entry with its body decoded. `private` is None where there is none or where it was erased. `folded`
    is the member's account as the decision of this very entry has folded it, for `apply` to write down; None in a
    replay, which folds for itself."""

    epoch: int
    seq: int
    hash: bytes
    kind: str
    op_id: UUID
    at: int
    business_day: str | None
    device: UUID | None
    operator: str | None
    body: Body
    private: Private | None = None
    folded: Folded | None = None

    def stamp(self) -> Stamp:
        """The entry's who, when and where, for answers and papers."""
        return Stamp(
            op_id=self.op_id,
            at=self.at,
            business_day=self.business_day or "",
            operator=self.operator,
            mark=mark_of(self.epoch, self.seq, self.hash),
        )


Apply = Callable[[Tx, Entry], None]
_encode = msgspec.json.Encoder().encode


class _Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`chain.Content` with the body still a value, so that both are encoded in one pass with the same bytes."""

    v: int
    kind: str
    op_id: UUID
    at: int
    business_day: str | None = None
    device: UUID | None = None
    operator: str | None = None
    body: Any


class Journal:
    """Appends to one epoch and applies what it appends."""

    def __init__(self, epoch: int, appliers: Mapping[type[Body], Apply]) -> None:
        self.epoch = epoch
        self._appliers = appliers

    def record(
        self,
        tx: Tx,
        origin: Origin,
        op_id: UUID,
        body: Body,
        private: Private | None = None,
        folded: Folded | None = None,
    ) -> Entry:
        """Append the fact and apply it. The caller has made sure that `op_id` is new (`find`). `folded` is what the
        decision made of the one account that all points of `body` move, where it knows.

        Raises KeyError for a body that is no journal kind. A second record of one op_id in one epoch breaks the unique
        index and with it the whole transaction, so that even a forgotten check cannot book twice.
        """
        kind, version = kind_of(type(body))
        head = read_head(tx, self.epoch)
        content = _encode(
            _Draft(
                v=version,
                kind=kind,
                op_id=op_id,
                at=origin.now_ms,
                business_day=origin.business_day,
                device=origin.device,
                operator=origin.operator,
                body=body,
            )
        )
        seq = head.seq + 1
        entry_hash = chain_hash(self.epoch, seq, head.hash, content)
        tx.execute(
            "INSERT INTO journal (epoch, seq, op_id, kind, content, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (self.epoch, seq, op_id.bytes, kind, content, entry_hash),
        )
        if private is not None:
            tx.execute(
                "INSERT INTO journal_private (epoch, seq, member, salt, bytes) VALUES (?, ?, ?, ?, ?)",
                (self.epoch, seq, private.member.bytes, private.salt, private.data),
            )
        entry = Entry(
            epoch=self.epoch,
            seq=seq,
            hash=entry_hash,
            kind=kind,
            op_id=op_id,
            at=origin.now_ms,
            business_day=origin.business_day,
            device=origin.device,
            operator=origin.operator,
            body=body,
            private=private,
            folded=folded,
        )
        self._appliers[type(body)](tx, entry)
        return entry


def read_head(tx: Tx, epoch: int) -> Head:
    """The newest entry of `epoch`. Read inside the transaction: nothing about the chain is remembered across a
    commit."""
    row = tx.execute("SELECT seq, hash FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch,)).fetchone()
    return Head(epoch, *row) if row else Head(epoch, 0, ZERO_HASH)


def find(tx: Tx, op_id: UUID) -> Entry | None:
    """The entry recorded under `op_id`, in whatever epoch (the newest one, should it have been logged again)."""
    # Nearly every id is new, and the index alone can say so.
    if tx.execute("SELECT 1 FROM journal WHERE op_id = ?", (op_id.bytes,)).fetchone() is None:
        return None
    row = tx.execute(
        "SELECT journal.epoch, seq, journal.kind, content, hash FROM journal JOIN life ON life.epoch = journal.epoch"
        " WHERE op_id = ? ORDER BY ordinal DESC LIMIT 1",
        (op_id.bytes,),
    ).fetchone()
    return read_entry(tx, row) if row else None


def find_same(tx: Tx, op_id: UUID, kind: type[Body], request: str) -> Entry | None:
    """The entry of an earlier delivery of this very request, or None when the id is new.

    Raises IdConflict when the id was used for another kind of fact or for other content.
    """
    entry = find(tx, op_id)
    if entry is None:
        return None
    if not isinstance(entry.body, kind) or getattr(entry.body, "request", None) != request:
        raise IdConflict
    return entry


def read_entry(tx: Tx, row: tuple[Any, ...]) -> Entry:
    """An entry from a row (epoch, seq, kind, content, hash), with its private part if that still exists.

    Raises msgspec.DecodeError or KeyError for bytes that are no entry of this release.
    """
    epoch, seq, _, raw, entry_hash = row
    content = decode_content(raw)
    private = None
    if content.kind.startswith("member."):
        found = tx.execute(
            "SELECT member, salt, bytes FROM journal_private WHERE epoch = ? AND seq = ?", (epoch, seq)
        ).fetchone()
        private = Private(UUID(bytes=found[0]), found[1], found[2]) if found else None
    return entry_of(epoch, seq, entry_hash, content, private)


def entry_of(epoch: int, seq: int, entry_hash: bytes, content: Content, private: Private | None) -> Entry:
    """Content read from the journal as an entry with a typed body."""
    return Entry(
        epoch=epoch,
        seq=seq,
        hash=entry_hash,
        kind=content.kind,
        op_id=content.op_id,
        at=content.at,
        business_day=content.business_day,
        device=content.device,
        operator=content.operator,
        body=decode_body(content.kind, content.v, content.body),
        private=private,
    )


def read_after(tx: Tx, epoch: int, seq: int, limit: int) -> Iterator[tuple[int, str, UUID]]:
    """Up to `limit` entries of `epoch` after `seq`, as (seq, kind, op_id): what an event stream tells."""
    rows = tx.execute(
        "SELECT seq, kind, op_id FROM journal WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?", (epoch, seq, limit)
    )
    for number, kind, op_id in rows:
        yield number, kind, UUID(bytes=op_id)


def read_life(tx: Tx) -> tuple[int, int] | None:
    """(epoch, ordinal) of the newest life of this database, or None for an empty one."""
    row = tx.execute("SELECT epoch, ordinal FROM life ORDER BY ordinal DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else None


def private_hash_of(private: Private) -> str:
    """What an entry holds in place of this personal data."""
    return private_hash(private.salt, private.data)


def forget_private(tx: Tx, member: UUID) -> None:
    """Delete the personal half of all entries that name `member` as theirs."""
    tx.execute("DELETE FROM journal_private WHERE member = ?", (member.bytes,))
