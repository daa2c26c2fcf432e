"""sql: what the facts about members write, live and in replay.

The personal half of an entry may be gone when it is replayed, because the member was erased later. Then the row is
written without it; the erasure, further on in the journal, brings it to its final state.
"""

import msgspec

from loyalty.apply_members import add_consents, put_erased_member, put_member
from loyalty.apply_points import post_points
from loyalty.member_store import MemberRow
from loyalty.transactions import Tx
from sync.facts.members import (
    Consent,
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    PrivateProfile,
)
from sync.facts.store import PointsAdjusted
from sync.journal import Entry, forget_private


def profile_of(entry: Entry) -> PrivateProfile:
    """The personal half of an entry; an empty one where it was erased."""
    if entry.private is None:
        return PrivateProfile()
    return msgspec.json.decode(entry.private.data, type=PrivateProfile)


def apply_member_enrolled(tx: Tx, entry: Entry) -> None:
    """A new member with its identifiers and first consents."""
    body = entry.body
    assert isinstance(body, MemberEnrolled)
    _put(tx, entry, body, revision=1, enrolled_at=entry.at)
    add_consents(tx, entry.op_id, body.member, entry.at, _triples(body.consents))


def apply_member_changed(tx: Tx, entry: Entry) -> None:
    """The whole profile anew."""
    body = entry.body
    assert isinstance(body, MemberChanged)
    _put(tx, entry, body, revision=body.revision, enrolled_at=body.enrolled_at)


def apply_member_erased(tx: Tx, entry: Entry) -> None:
    """Everything personal goes: the columns, the identifiers, and the personal half of all the member's entries."""
    body = entry.body
    assert isinstance(body, MemberErased)
    put_erased_member(tx, entry.op_id, body.member, body.locale, body.revision, body.enrolled_at)
    forget_private(tx, body.member)


def apply_consent_recorded(tx: Tx, entry: Entry) -> None:
    """The member's word, added to the log."""
    body = entry.body
    assert isinstance(body, ConsentRecorded)
    add_consents(tx, entry.op_id, body.member, body.at, _triples(body.consents))


def apply_points_adjusted(tx: Tx, entry: Entry) -> None:
    """One posting. Taking more than there is becomes debt, as in every posting."""
    body = entry.body
    assert isinstance(body, PointsAdjusted)
    post_points(tx, body.member.bytes, entry.op_id.bytes, 1, "adjust", body.points, entry.at, reason=body.reason)


def _put(tx: Tx, entry: Entry, body: MemberEnrolled | MemberChanged, *, revision: int, enrolled_at: int) -> None:
    profile = profile_of(entry)
    row = MemberRow(
        id=body.member,
        status="active",
        locale=body.locale,
        revision=revision,
        name=profile.name,
        phone=profile.phone,
        email=profile.email,
        card=profile.card,
        enrolled_at=enrolled_at,
    )
    put_member(tx, entry.op_id, row)


def _triples(consents: tuple[Consent, ...]) -> list[tuple[str, str, bool]]:
    return [(consent.channel, consent.purpose, consent.granted) for consent in consents]
