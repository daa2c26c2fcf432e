"""sql: ids of facts that two stores have used, told apart. The only writer of `op_alias`.

    apart = tell_apart(tx, entries)         # before a batch of one store is applied
    names = read_names(tx, store)           # whoever reads this store's entries again
    names.of(op_id), names.rewrite(content)

A store makes the ids of its facts itself, and what is written of a fact is named by its id: postings, uses of coupons,
movements of cards. The id of a void follows from that of its sale, which other stores know. So a store that lies could
book another's id first, and the honest fact would find its rows taken. Therefore whoever comes second with an id is
known here by another one, made of the store and the content, which nobody can take before; wherever the same store
names that id in its entries the other one is read. Each store's facts count in its own books, whoever was first.

Facts that every store writes under one id, because all were told the same (that a member was forgotten or merged), stay
as they are: no row of theirs is named by it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from loyalty.bulk import read_rows, write_rows
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.facts.members import MemberEnrolled, MemberErased, MemberMerged, MemberParted
from sync.hub.accepted import Accepted

ALIASES_MAX = 1_000
"""Of one store. An honest one has hardly any; whoever books others' ids without end shall cost nobody time."""
_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PUT = "INSERT INTO op_alias (store, op_id, as_op, is_named) VALUES (?, ?, ?, ?) ON CONFLICT (store, op_id) DO NOTHING"


class Apart(NamedTuple):
    """Whether entries got other names, so that they are to be read again; and those for which there are none left."""

    named: bool
    refused: list[Accepted]


class Names(NamedTuple):
    """The other ids of one store's facts: by id, and by the text that names it in an entry."""

    ids: Mapping[bytes, bytes] = {}
    texts: Mapping[bytes, bytes] = {}

    def of(self, op_id: bytes) -> bytes:
        """The id under which a fact of this store is known here."""
        return self.ids.get(op_id, op_id)

    def rewrite(self, content: bytes) -> bytes:
        """What an entry says, with the ids that are known here."""
        return _ID.sub(self._other_text, content) if self.texts else content

    def _other_text(self, found: re.Match[bytes]) -> bytes:
        return self.texts.get(found[0], found[0])


NO_NAMES = Names()


def read_names(tx: Tx, store: UUID) -> Names:
    """The other names of a store's facts; nearly always none."""
    rows = tx.execute("SELECT op_id, as_op, is_named FROM op_alias WHERE store = ?", (store.bytes,)).fetchall()
    if not rows:
        return NO_NAMES
    return Names(
        {op_id: as_op for op_id, as_op, _ in rows},
        {_text(op_id): _text(as_op) for op_id, as_op, is_named in rows if is_named},
    )


def tell_apart(tx: Tx, entries: Sequence[Accepted]) -> Apart:
    """Give those of these entries of one store another name whose id another store has had applied. Two stores that are
    applied at the very same instant do not see each other: then the second is a dead letter, and replays well."""
    if not entries:
        return Apart(named=False, refused=[])
    store = entries[0].store.bytes
    own = {entry.op_id.bytes: entry for entry in entries if not _is_said_by_all(entry.body)}
    used = read_rows(tx, "SELECT op_id, store FROM applied WHERE op_id IN (?)", own)
    others = {op_id for op_id, _ in used} - {op_id for op_id, by in used if by == store}
    if not others:
        return Apart(named=False, refused=[])
    row = tx.execute("SELECT count(*) FROM op_alias WHERE store = ?", (store,)).fetchone()
    left = max(ALIASES_MAX - (row[0] if row else 0), 0)
    apart = sorted(others)
    write_rows(tx, _PUT, [_alias(own[op_id]) for op_id in apart[:left]])
    return Apart(named=bool(left), refused=[own[op_id] for op_id in apart[left:]])


def _alias(entry: Accepted) -> tuple[bytes, bytes, bytes, int]:
    digest = hashlib.sha256(entry.store.bytes + entry.content_hash).hexdigest()
    # The id of an enrolment is the member's own: whoever names that means her.
    is_named = not isinstance(entry.body, MemberEnrolled)
    return entry.store.bytes, entry.op_id.bytes, derived_uuid(entry.op_id, digest).bytes, int(is_named)


def _is_said_by_all(body: Struct) -> bool:
    if isinstance(body, MemberMerged):
        return body.told is not None
    return isinstance(body, MemberErased | MemberParted)


def _text(op_id: bytes) -> bytes:
    return str(UUID(bytes=op_id)).encode()
