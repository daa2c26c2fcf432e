"""sql: what head office itself decides: here about members, to forget one, and that two are one person.

Such a decision is an entry of a journal like a store's: hashed, chained, kept in the inbox, applied by the same
appliers, told to the stores by the same feed, proved by the same proof. Its store is HEAD_OFFICE, its life is the
timeline: a head office that was put back from a backup goes on under a new one, and no number is used twice.

    erase_person(tx, member, "mia", now_ms)         # every alias of hers too; nothing where she is forgotten already
    merge_members(tx, command, "mia", now_ms)       # the same id again is the same merge

Whoever decides holds the head of that journal before anything is looked at (`lock_journal`): of two who decide at the
same instant the second sees what the first has said.
"""

from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.accounts_store import find_survivors
from loyalty.errors import Conflict, IdConflict, InvalidInput
from loyalty.ids import derived_uuid
from loyalty.member_store import MemberRow, UnknownMember, find_member, read_member
from loyalty.merge_store import group_of
from loyalty.transactions import Tx
from sync.chain import Head, chain_hash
from sync.facts import decode_body, kind_of
from sync.facts.members import MemberErased, MemberMerged
from sync.hub.accepted import HEAD_OFFICE
from sync.hub.inbox import add_ops, lock_epoch, move_head
from sync.hub.received import ReceivedOp
from sync.hub.state import read_timeline
from sync.protocol.push_hub import EpochState

_REASON = "decided at head office"
_encode = msgspec.json.Encoder().encode


class SamePerson(InvalidInput):
    """These two are one member already."""

    code, hint = "same_person", "Nothing is to be merged. Look at the member's page."


class MemberForgotten(Conflict):
    """One of these members was forgotten and cannot be merged any more."""

    code, hint = "member_forgotten", "A forgotten member stays without a name; nothing can be done about it."


class MergeCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`absorbed` is the same person as `into`: one account from now on."""

    id: UUID
    absorbed: UUID
    into: UUID


def erase_person(tx: Tx, member: UUID, who: str, now_ms: int) -> list[UUID]:
    """Log that a person is forgotten: this member and everybody who is the same. The members whose entries are new.
    Raises MemberNotFound."""
    lock_journal(tx, now_ms)
    find_member(tx, member)
    survivor = UUID(bytes=find_survivors(tx, [member.bytes])[member.bytes])
    logged = []
    for alias in group_of(tx, survivor):
        row = read_member(tx, alias)
        if row is not None and row.status != "erased":
            log_fact(tx, derived_uuid(alias, "erase"), _erasure_of(row), who, now_ms)
            logged.append(alias)
    return logged


def merge_members(tx: Tx, command: MergeCommand, who: str, now_ms: int) -> bool:
    """Log a merge; False for one that was logged before. Raises UnknownMember, SamePerson, MemberForgotten,
    IdConflict."""
    lock_journal(tx, now_ms)
    known = _find(tx, command.id)
    if known is not None:
        if not isinstance(known, MemberMerged) or (known.absorbed, known.into) != (command.absorbed, command.into):
            raise IdConflict
        return False
    for pointer, member in (("/absorbed", command.absorbed), ("/into", command.into)):
        row = read_member(tx, member)
        if row is None:
            raise UnknownMember(pointer=pointer)
        if row.status == "erased":
            raise MemberForgotten(pointer=pointer)
    survivors = find_survivors(tx, [command.absorbed.bytes, command.into.bytes])
    if len(set(survivors.values())) == 1:
        raise SamePerson
    body = MemberMerged(request="", absorbed=command.absorbed, into=command.into, effective_at=now_ms, reason=_REASON)
    log_fact(tx, command.id, body, who, now_ms)
    return True


def lock_journal(tx: Tx, now_ms: int) -> EpochState:
    """Where head office's own journal stands. Nobody else writes in it until this transaction ends."""
    return lock_epoch(tx, HEAD_OFFICE, read_timeline(tx), now_ms)


def _erasure_of(row: MemberRow) -> MemberErased:
    return MemberErased(
        member=row.id, reason=_REASON, locale=row.locale, revision=row.revision + 1, enrolled_at=row.enrolled_at
    )


def _find(tx: Tx, op_id: UUID) -> Struct | None:
    """The body of a fact of head office's own, by its id."""
    row = tx.execute(
        "SELECT epoch, seq FROM applied WHERE store = ? AND op_id = ?", (HEAD_OFFICE.bytes, op_id.bytes)
    ).fetchone()
    if row is None:
        return None
    found = tx.execute(
        "SELECT kind, v, content FROM inbox WHERE store = ? AND epoch = ? AND seq = ?", (HEAD_OFFICE.bytes, *row)
    ).fetchone()
    assert found is not None, "what was applied is in the inbox"
    kind, version, content = found
    return decode_body(kind, version, _encode(msgspec.json.decode(content)["body"]))


def log_fact(tx: Tx, op_id: UUID, body: Struct, who: str, now_ms: int) -> None:
    """Append to head office's own journal; the appliers do the rest (applier.apply_own)."""
    held = lock_journal(tx, now_ms)
    epoch = held.head.epoch
    kind, version = kind_of(type(body))
    entry = {"v": version, "kind": kind, "op_id": op_id, "at": now_ms, "operator": who, "body": body}
    content = _encode(entry)
    seq = held.head.seq + 1
    entry_hash = chain_hash(epoch, seq, held.head.hash, content)
    add_ops(tx, HEAD_OFFICE, epoch, [ReceivedOp(seq, op_id, kind, version, content, entry_hash, None)], now_ms, 0)
    head = Head(epoch, seq, entry_hash)
    move_head(tx, HEAD_OFFICE, msgspec.structs.replace(held, head=head, announced=head))
