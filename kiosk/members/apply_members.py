"""sql: what the facts about members write, live and in replay.

The personal half of an entry may be gone when it is replayed, because the member was erased later. Then the row is
written without it; the erasure, further on in the journal, brings it to its final state.
"""

from kiosk.points.apply_postings import refold
from loyalty.apply_members import (
    ConsentWord,
    add_consents,
    end_merge,
    put_erased_member,
    put_member,
    put_merge,
)
from loyalty.member_store import MemberRow
from loyalty.merge_store import survivor_of
from loyalty.points.facts import Merge
from loyalty.transactions import Tx
from sync.facts.members import (
    Consent,
    ConsentRecorded,
    MemberChanged,
    MemberEnrolled,
    MemberErased,
    MemberMerged,
    MemberParted,
    PrivateProfile,
)
from sync.journal import Entry, forget_private
from sync.profiles import list_more, read_profile, secrets_of


def profile_of(entry: Entry) -> PrivateProfile:
    """The personal half of an entry; an empty one where it was erased."""
    return read_profile(entry.private.data if entry.private is not None else None)


def apply_member_enrolled(tx: Tx, entry: Entry) -> None:
    """A new member with its identifiers and first consents."""
    body = entry.body
    assert isinstance(body, MemberEnrolled)
    _put(tx, entry, body, revision=1, enrolled_at=entry.at)
    add_consents(tx, entry.op_id, body.member, entry.at, _words(body.consents))


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


def apply_member_merged(tx: Tx, entry: Entry) -> None:
    """One member becomes an alias of another."""
    body = entry.body
    assert isinstance(body, MemberMerged)
    put_merge(
        tx,
        entry.op_id,
        Merge(
            op_id=entry.op_id.bytes,
            effective_at=body.effective_at,
            absorbed=body.absorbed.bytes,
            into=body.into.bytes,
            origin=entry.epoch,
            seq=entry.seq,
        ),
    )
    refold(tx, body.absorbed.bytes)
    refold(tx, body.into.bytes)


def apply_member_parted(tx: Tx, entry: Entry) -> None:
    """The alias is a member of its own again, with an account of its own."""
    body = entry.body
    assert isinstance(body, MemberParted)
    end_merge(tx, entry.op_id, body.absorbed)
    refold(tx, body.absorbed.bytes)
    refold(tx, survivor_of(tx, body.into).bytes)


def apply_consent_recorded(tx: Tx, entry: Entry) -> None:
    """The member's word, added to the log."""
    body = entry.body
    assert isinstance(body, ConsentRecorded)
    add_consents(tx, entry.op_id, body.member, body.at, _words(body.consents))


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
    put_member(tx, entry.op_id, row, list_more(profile), secrets_of(profile))


def _words(consents: tuple[Consent, ...]) -> list[ConsentWord]:
    return [ConsentWord(each.channel, each.purpose, each.granted, each.frequency) for each in consents]
