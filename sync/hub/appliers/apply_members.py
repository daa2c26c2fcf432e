"""sql: members as all stores tell of them: profiles, contacts, consents, merges, and who was forgotten.

| what two stores say without hearing of each other | what counts                                                    |
|---------------------------------------------------|----------------------------------------------------------------|
| the same phone for two members                    | both; an incident asks a person whether to merge them          |
| two changes of one profile                        | the higher revision, then the later one; both stay in the inbox|
| a grant and a withdrawal                          | the withdrawal (sync/hub/consents.py)                          |
| anything, and that the member was forgotten       | forgotten: for ever, whatever comes later                      |
| two merges of one member                          | one account for all of them                                    |
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from loyalty.accounts_store import find_aliases, find_survivors
from loyalty.apply_accounts import ChangedAccount, clear_accounts, lock_accounts, refold_accounts
from loyalty.apply_members import put_erased_member, put_member
from loyalty.identifier_store import IdentifierRow, read_identifiers
from loyalty.member_store import MemberRow
from loyalty.transactions import Row, Tx
from sync.chain import private_hash
from sync.facts.members import (
    Consent,
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    MemberMerged,
    MemberParted,
)
from sync.hub.accepted import Accepted
from sync.hub.appliers.apply_contacts import settle_contacts, settle_persons
from sync.hub.inbox import forget_private
from sync.hub.incidents import Incident, incident_id, put_incidents
from sync.profiles import list_more, read_profile, secrets_of

_PLACE = (
    "INSERT INTO member_place (member, op, home, home_at, revision, effective_at, origin, seq)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (member) DO UPDATE SET op = excluded.op, home = excluded.home,"
    " home_at = excluded.home_at, revision = excluded.revision, effective_at = excluded.effective_at,"
    " origin = excluded.origin, seq = excluded.seq"
)
_SAY = (
    "INSERT INTO consent_word (member, channel, purpose, op, granted, frequency, at, effective_at, origin, seq,"
    " replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MERGE = "INSERT INTO member_merge (absorbed, op, into_member, effective_at, origin, seq) VALUES (?, ?, ?, ?, ?, ?)"


class PrivateHalfWrong(ValueError):
    """The personal data beside an entry is not what the entry's hash says: it was swapped on the way."""


class MemberChange(NamedTuple):
    """What an entry changed: whose profile or consents, who was forgotten, who is whose alias now or no longer; and the
    accounts that a merge made anew."""

    members: frozenset[UUID] = frozenset()
    erased: frozenset[UUID] = frozenset()
    aliases: frozenset[UUID] = frozenset()
    accounts: Mapping[bytes, ChangedAccount] = {}


def apply_member_fact(tx: Tx, entry: Accepted) -> MemberChange:
    """What an entry says about members; nothing for one of another kind. Raises PrivateHalfWrong."""
    apply = _APPLIERS.get(type(entry.body))
    return apply(tx, entry, entry.body) if apply is not None else MemberChange()


def is_erased(tx: Tx, member: UUID) -> bool:
    """Whether a member was forgotten, by whatever store."""
    return tx.execute("SELECT 1 FROM erased_member WHERE member = ?", (member.bytes,)).fetchone() is not None


def _enrolled(tx: Tx, entry: Accepted, body: MemberEnrolled) -> MemberChange:
    _put_profile(tx, entry, body, revision=1, enrolled_at=entry.at)
    _say(tx, entry, body.member, entry.at, body.consents)
    return MemberChange(members=frozenset({body.member}))


def _changed(tx: Tx, entry: Accepted, body: MemberChanged) -> MemberChange:
    _put_profile(tx, entry, body, revision=body.revision, enrolled_at=body.enrolled_at)
    return MemberChange(members=frozenset({body.member}))


def _consented(tx: Tx, entry: Accepted, body: ConsentRecorded) -> MemberChange:
    _say(tx, entry, body.member, body.at, body.consents, body.replaces)
    return MemberChange(members=frozenset({body.member}))


def _erased(tx: Tx, entry: Accepted, body: MemberErased) -> MemberChange:
    """Everything personal of all stores goes; the tombstone stays."""
    tx.execute(
        "INSERT INTO erased_member (member, op, at) VALUES (?, ?, ?) ON CONFLICT (member) DO NOTHING",
        (body.member.bytes, entry.op_id.bytes, entry.effective_at),
    )
    # Whatever order her facts come in, nothing is left but the row that her points hang on.
    tx.execute("DELETE FROM member_place WHERE member = ?", (body.member.bytes,))
    had = read_identifiers(tx, body.member)
    put_erased_member(tx, entry.op_id, body.member, body.locale, body.revision, body.enrolled_at)
    settle_contacts(tx, entry, body.member, had, ())
    forget_private(tx, body.member)
    return MemberChange(erased=frozenset({body.member}))


def _merged(tx: Tx, entry: Accepted, body: MemberMerged) -> MemberChange:
    """`absorbed` and `into` are one person: so are all who were merged into either before. The locks of both accounts
    are taken, so that no posting is added to an account that is about to be another's."""
    if body.told is not None:  # the echo of what was told: the merge itself may have been taken back since
        return MemberChange()
    survivors = lock_accounts(tx, (body.absorbed.bytes, body.into.bytes))
    if tx.execute("SELECT 1 FROM parted_merge WHERE merge = ?", (entry.op_id.bytes,)).fetchone() is not None:
        return MemberChange(accounts=refold_accounts(tx, sorted(set(survivors.values()))))
    absorbed, into = survivors[body.absorbed.bytes], survivors[body.into.bytes]
    if absorbed == into:
        return MemberChange(accounts=refold_accounts(tx, [into]))
    tx.execute(_MERGE, (absorbed, entry.op_id.bytes, into, entry.effective_at, entry.epoch, entry.seq))
    tx.execute("UPDATE member SET status = 'merged' WHERE id = ? AND status = 'active'", (absorbed,))
    settle_persons(tx, entry, find_aliases(tx, [into]))
    if absorbed != body.absorbed.bytes or into != body.into.bytes:
        put_incidents(tx, [_merge_conflict(entry, body)])
    clear_accounts(tx, [absorbed])
    return MemberChange(
        members=frozenset({UUID(bytes=into)}),
        aliases=frozenset({UUID(bytes=absorbed)}),
        accounts=refold_accounts(tx, [into]),
    )


def _parted(tx: Tx, entry: Accepted, body: MemberParted) -> MemberChange:
    """A merge counts as if it had never been, also one that a store reports only after its end."""
    if body.is_told:
        return MemberChange()
    tx.execute(
        "INSERT INTO parted_merge (merge, op) VALUES (?, ?) ON CONFLICT (merge) DO NOTHING",
        (body.merge.bytes, entry.op_id.bytes),
    )
    rows = tx.execute("SELECT absorbed, into_member FROM member_merge WHERE op = ?", (body.merge.bytes,)).fetchall()
    if not rows:
        return MemberChange()
    absorbed, into = rows[0]
    lock_accounts(tx, (into,))
    tx.execute("DELETE FROM member_merge WHERE absorbed = ? AND op = ?", (absorbed, body.merge.bytes))
    tx.execute("UPDATE member SET status = 'active' WHERE id = ? AND status = 'merged'", (absorbed,))
    survivors = lock_accounts(tx, (absorbed, into))
    settle_persons(tx, entry, find_aliases(tx, set(survivors.values())))
    return MemberChange(
        members=frozenset({UUID(bytes=absorbed), UUID(bytes=into)}),
        aliases=frozenset({UUID(bytes=absorbed)}),
        accounts=refold_accounts(tx, sorted(set(survivors.values()))),
    )


def _put_profile(
    tx: Tx, entry: Accepted, body: MemberEnrolled | MemberChanged, *, revision: int, enrolled_at: int
) -> None:
    """The profile, unless it is older than the one that is here, or the member was forgotten."""
    key = body.member.bytes
    if is_erased(tx, body.member):
        forget_private(tx, body.member)
        return
    place = (revision, entry.effective_at, entry.epoch, entry.seq)
    known = tx.execute(
        "SELECT revision, effective_at, origin, seq, home, home_at FROM member_place WHERE member = ?", (key,)
    ).fetchone()
    home = _home(entry, body, known)
    if known is not None and tuple(known[:4]) > place:
        tx.execute("UPDATE member_place SET home = ?, home_at = ? WHERE member = ?", (*home, key))
        return
    tx.execute(_PLACE, (key, entry.op_id.bytes, *home, *place))
    profile = read_profile(_private_data(entry, body))
    merged = find_survivors(tx, [key])[key] != key
    row = MemberRow(
        id=body.member,
        status="merged" if merged else "active",
        locale=body.locale,
        revision=revision,
        name=profile.name,
        phone=profile.phone,
        email=profile.email,
        card=profile.card,
        enrolled_at=enrolled_at,
    )
    had = read_identifiers(tx, body.member)
    more = list_more(profile)
    put_member(tx, entry.op_id, row, more, secrets_of(profile))
    own = (("card", profile.card), ("phone", profile.phone), ("email", profile.email))
    has = [IdentifierRow(kind, value) for kind, value in own if value is not None]
    settle_contacts(tx, entry, body.member, had, [*has, *more])


def _home(
    entry: Accepted, body: MemberEnrolled | MemberChanged, known: Row | None
) -> tuple[bytes, int] | tuple[None, None]:
    """Where a member is at home, and since when by head office's own clock: with whom said first that she joined
    there. No store makes another's members its own."""
    said = [(entry.received_at, entry.store.bytes)] if isinstance(body, MemberEnrolled) else []
    if known is not None and known[4] is not None:
        said.append((known[5], known[4]))
    if not said:
        return None, None
    at, home = min(said)
    return home, at


def _private_data(entry: Accepted, body: MemberEnrolled | MemberChanged) -> bytes | None:
    """The personal half; None where it was erased in the store before it came here. Raises PrivateHalfWrong."""
    private = entry.private
    if private is None:
        return None
    if private.member != body.member or private_hash(private.salt, private.data) != body.private:
        raise PrivateHalfWrong("the personal data is not what the entry's hash says")
    return private.data


def _say(
    tx: Tx,
    entry: Accepted,
    member: UUID,
    at: int,
    consents: tuple[Consent, ...],
    replaces: tuple[UUID, ...] = (),
) -> None:
    named = msgspec.json.encode(replaces).decode()
    place = (entry.effective_at, entry.epoch, entry.seq)
    for word in consents:
        tx.execute(
            _SAY,
            (
                *(member.bytes, word.channel, word.purpose, entry.op_id.bytes, int(word.granted), word.frequency, at),
                *(*place, named),
            ),
        )


def _merge_conflict(entry: Accepted, body: MemberMerged) -> Incident:
    """Two stores merged without hearing of each other: one person now, but somebody should look."""
    refs = ({"op": str(entry.op_id), "absorbed": str(body.absorbed), "into": str(body.into)},)
    return Incident(
        id=incident_id("merge_conflict", entry.op_id.bytes),
        kind="merge_conflict",
        store=entry.store,
        member=body.absorbed,
        refs=refs,
        opened_at=entry.effective_at,
    )


_APPLIERS: Mapping[type[msgspec.Struct], Callable[[Tx, Accepted, Any], MemberChange]] = {
    MemberEnrolled: _enrolled,
    MemberChanged: _changed,
    MemberErased: _erased,
    MemberMerged: _merged,
    MemberParted: _parted,
    ConsentRecorded: _consented,
}
