"""sql: whose a phone, an e-mail or a card is in the whole chain. The only writer of `contact`.

Two shops may enrol one phone while they cannot hear each other. The value then belongs to the older member (ids are
made in the order of time), and an incident asks a person whether the two are one.
"""

import hashlib
from collections.abc import Collection, Iterable
from uuid import UUID

from loyalty.accounts_store import find_survivors
from loyalty.identifier_store import IdentifierRow, read_identifiers
from loyalty.transactions import Tx
from sync.hub.accepted import Accepted
from sync.hub.incidents import Incident, incident_id, put_incidents, withdraw_incidents

_KIND = "duplicate_member"
HOLDERS_MAX = 20
"""A phone that more members have is a shop's own, typed in to get on: nobody is asked about it."""
_DOMAIN = b"counterfoil/contact/1"
_CLAIM = (
    "INSERT INTO contact (value_hash, member) VALUES (?, ?)"
    " ON CONFLICT (value_hash) DO UPDATE SET member = contact.member"
)


def settle_contacts(
    tx: Tx, entry: Accepted, member: UUID, had: Iterable[IdentifierRow], has: Iterable[IdentifierRow]
) -> None:
    """A member had these identifiers and has those now: who has each value, and who has it together with others. The
    rows of `member_identifier` are written already."""
    before, after = ({each for each in several if each.state == "active"} for several in (had, has))
    others = set[bytes]()
    for identifier in sorted(before | after):
        value_hash = hash_of(identifier.kind, identifier.value)
        # The row is the lock: of two members who claim one value at once, the second sees the first.
        tx.execute(_CLAIM, (value_hash, member.bytes))
        holders = _holders(tx, identifier.kind, identifier.value)
        others.update(holders)
        if holders:
            tx.execute("UPDATE contact SET member = ? WHERE value_hash = ?", (holders[0], value_hash))
        else:
            tx.execute("DELETE FROM contact WHERE value_hash = ?", (value_hash,))
    _ask_about(tx, entry, member.bytes, others - {member.bytes})


def settle_persons(tx: Tx, entry: Accepted, members: Iterable[bytes]) -> None:
    """Some of these members are one person now, or no longer: who of them is still to be asked about."""
    for member in sorted(set(members)):
        identifiers = read_identifiers(tx, UUID(bytes=member))
        active = [each for each in identifiers if each.state == "active"]
        others = {holder for each in active for holder in _holders(tx, each.kind, each.value)}
        _ask_about(tx, entry, member, others - {member})


def _ask_about(tx: Tx, entry: Accepted, member: bytes, others: Collection[bytes]) -> None:
    """Whether `member` and each of the others may be one person: asked while they have something in common and are two,
    no longer once they are one, or have nothing in common any more."""
    if not others or len(others) > HOLDERS_MAX:
        return
    person = find_survivors(tx, [member, *others])
    asked, settled = [], []
    for other in sorted(others):
        is_two = person[member] != person[other]
        if is_two and _have_in_common(tx, member, other):
            asked.append(_duplicate(entry, *sorted((member, other))))
        else:
            settled.append(pair_incident(member, other))
    put_incidents(tx, asked)
    withdraw_incidents(tx, settled)


def _have_in_common(tx: Tx, one: bytes, other: bytes) -> bool:
    """Whether two members have an active phone, e-mail or card in common."""
    mine, theirs = (
        {(each.kind, each.value) for each in read_identifiers(tx, UUID(bytes=of)) if each.state == "active"}
        for of in (one, other)
    )
    return not mine.isdisjoint(theirs)


def pair_incident(one: bytes, other: bytes) -> UUID:
    """The id of the incident that two members may be one person."""
    return incident_id(_KIND, *sorted((one, other)))


def hash_of(kind: str, value: str) -> bytes:
    """What stands for a value in `contact`: of one length whatever it is. It is as personal as the value itself."""
    return hashlib.sha256(b"\0".join((_DOMAIN, kind.encode(), value.encode()))).digest()


def _holders(tx: Tx, kind: str, value: str) -> list[bytes]:
    """The members with this value, oldest first."""
    rows = tx.execute(
        "SELECT member FROM member_identifier WHERE kind = ? AND value = ? AND state = 'active' ORDER BY member",
        (kind, value),
    ).fetchall()
    return [row[0] for row in rows]


def _duplicate(entry: Accepted, one: bytes, other: bytes) -> Incident:
    return Incident(
        id=pair_incident(one, other),
        kind=_KIND,
        store=entry.store,
        member=UUID(bytes=one),
        refs=({"member": str(UUID(bytes=one))}, {"member": str(UUID(bytes=other))}),
        opened_at=entry.effective_at,
    )
