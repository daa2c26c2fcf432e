"""sql: entries out of the inbox, decoded and placed in time: what the appliers work on.

An entry that cannot be read is no reason to stop: it comes out as `Unread`, with the instant it would have counted at.
"""

from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from loyalty.transactions import Row, Tx
from sync.chain import decode_content
from sync.facts import KINDS, decode_body
from sync.hub.accepted import TOO_NEW, Accepted, PrivateHalf, Unread, place_in_time
from sync.hub.op_names import NO_NAMES, Names, read_names
from sync.hub.plausible import find_nonsense

_SELECT = (
    "SELECT seq, op_id, kind, v, content, received_at, offset_ms FROM inbox WHERE store = ? AND epoch = ? AND seq > ?"
    " ORDER BY seq LIMIT ?"
)
_PRIVATE = "SELECT seq, member, salt, bytes FROM inbox_private WHERE store = ? AND epoch = ? AND seq > ? AND seq <= ?"


class Found(NamedTuple):
    """Entries behind a place of one life. `last` is the number of the newest one, `effective_at` its time; `cut` has
    (received_at, how much was cut) of those whose store's clock ran too far ahead; `more`: there are further ones;
    `people` are those whose personal data came with them."""

    entries: list[Accepted]
    unread: list[Unread]
    last: int
    effective_at: int
    cut: list[tuple[int, int]]
    more: bool
    people: frozenset[UUID]


def read_inbox(tx: Tx, store: UUID, epoch: int, *, after: int, before: int, limit: int) -> Found:
    """Up to `limit` entries behind number `after`. `before` is when the entry `after` counts: no later one counts
    earlier."""
    rows = tx.execute(_SELECT, (store.bytes, epoch, after, limit + 1)).fetchall()
    taken = rows[:limit]
    last = taken[-1][0] if taken else after
    private = _read_private(tx, store, epoch, after, last) if taken else {}
    names = read_names(tx, store) if taken else NO_NAMES
    people = frozenset(half.member for half in private.values())
    found = Found([], [], last, before, [], len(rows) > limit, people)
    at = before
    for row in taken:
        entry, at, cut_ms = _read(store, epoch, row, at, private.get(row[0]), names)
        if cut_ms:
            found.cut.append((row[5], cut_ms))
        if isinstance(entry, Unread):
            found.unread.append(entry)
        else:
            found.entries.append(entry)
    return found._replace(effective_at=at)


def read_one(tx: Tx, store: UUID, epoch: int, seq: int, effective_at: int) -> Accepted | Unread:
    """One entry again, at the instant it was given when it was read first. Raises LookupError where there is none."""
    row = tx.execute(_SELECT, (store.bytes, epoch, seq - 1, 1)).fetchone()
    if row is None or row[0] != seq:
        raise LookupError(f"entry {seq} is not in the inbox")
    private = _read_private(tx, store, epoch, seq - 1, seq).get(seq)
    entry, _, _ = _read(store, epoch, row, 0, private, read_names(tx, store))
    return msgspec.structs.replace(entry, effective_at=effective_at)


def _read(
    store: UUID, epoch: int, row: Row, before: int, private: PrivateHalf | None, names: Names
) -> tuple[Accepted | Unread, int, int]:
    """The entry of a row, when it counts, and how much of its own time was cut."""
    seq, op_id, kind, version, raw, received_at, offset_ms = row
    identity = UUID(bytes=names.of(op_id))

    def unread(code: str, error: str, at: int) -> Unread:
        return Unread(seq=seq, op_id=identity, kind=kind, code=code, error=error, effective_at=at)

    try:
        content = decode_content(names.rewrite(raw))
    except msgspec.DecodeError as error:
        return unread("unreadable", str(error), before), before, 0
    at, cut_ms = place_in_time(before, content.at, offset_ms, received_at)
    try:
        body = decode_body(content.kind, content.v, content.body)
        nonsense = find_nonsense(content, body)
    except (KeyError, msgspec.DecodeError, ValueError, RecursionError) as error:
        code = TOO_NEW if (kind, version) not in KINDS else "unreadable"
        text = "" if code == TOO_NEW else f"{type(error).__name__}: {error}"[:200]
        return unread(code, text, at), at, cut_ms
    if nonsense is not None:
        return unread("implausible", nonsense, at), at, cut_ms
    entry = Accepted(
        store=store,
        epoch=epoch,
        seq=seq,
        op_id=identity,
        kind=content.kind,
        at=content.at,
        business_day=content.business_day,
        device=str(content.device) if content.device else None,
        operator=content.operator,
        effective_at=at,
        body=body,
        content_hash=sha256(raw).digest(),
        private=private,
        received_at=received_at,
    )
    return entry, at, cut_ms


def _read_private(tx: Tx, store: UUID, epoch: int, after: int, last: int) -> dict[int, PrivateHalf]:
    rows = tx.execute(_PRIVATE, (store.bytes, epoch, after, last)).fetchall()
    return {seq: PrivateHalf(UUID(bytes=member), salt, data) for seq, member, salt, data in rows}
