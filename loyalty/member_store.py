"""sql: members and their consents as the tables have them. Whoever may have been told of more asks elsewhere: a store
kiosk/members/known_members.py."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from loyalty.errors import InvalidInput, NotFound
from loyalty.merge_store import group_of
from loyalty.transactions import Row, Tx


class UnknownMember(InvalidInput):
    """This member is not known here, or is a member no more."""

    code, hint = "unknown_member", "Scan the card again, or go on without a member."


class MemberNotFound(NotFound):
    """There is no such member."""

    code, hint = "member_not_found", "Look the member up again by card or phone number."


class MemberRow(Struct, frozen=True, kw_only=True):
    """A member as the store knows it. `status` is active, merged or erased; an erased member has nothing personal left.

    `phone` is in E.164 form, `email` normalised, `card` the 20 digits of the loyalty code; `revision` counts changes of
    the profile from 1; `enrolled_at` is milliseconds since 1970 UTC.
    """

    id: UUID
    status: str
    locale: str
    revision: int
    name: str | None
    phone: str | None
    email: str | None
    card: str | None
    enrolled_at: int


class ConsentRow(Struct, frozen=True, kw_only=True):
    """A word of a member on one channel and purpose; `frequency` is how often at most, None for as often as we like.
    `at` is milliseconds since 1970 UTC."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None
    at: int


def find_member(tx: Tx, member: UUID) -> MemberRow:
    """The member of the path, whatever its status. Raises MemberNotFound."""
    row = read_member(tx, member)
    if row is None:
        raise MemberNotFound
    return row


def read_member(tx: Tx, member: UUID) -> MemberRow | None:
    """The member of this id, or None."""
    row = tx.execute(
        "SELECT status, locale, revision, name, phone, email, card, enrolled_at FROM member WHERE id = ?",
        (member.bytes,),
    ).fetchone()
    return _member(member, row) if row else None


def read_consents(tx: Tx, member: UUID) -> list[ConsentRow]:
    """What counts now: the newest event of each channel and purpose of a member, by channel and purpose.

    What was said by a member merged into this one was said by the same person.
    """
    words = [word for alias in group_of(tx, member) for word in read_consent_log(tx, alias)]
    words.sort(key=lambda word: (word.at, not word.granted))
    newest = {(word.channel, word.purpose): word for word in words}
    return [newest[key] for key in sorted(newest)]


def list_withdrawals(tx: Tx, member: UUID, said: Iterable[tuple[str, str]]) -> tuple[UUID, ...]:
    """The facts with withdrawals that count now of these (channel, purpose): what a grant of them says it replaces."""
    asked, found = set(said), dict[UUID, None]()
    for alias in group_of(tx, member) if asked else ():
        rows = tx.execute(
            "SELECT op, channel, purpose FROM consent WHERE member = ? AND granted = 0 AND at >= (SELECT max(word.at)"
            " FROM consent AS word WHERE word.member = consent.member AND word.channel = consent.channel"
            " AND word.purpose = consent.purpose) ORDER BY at, op",
            (alias.bytes,),
        )
        found |= {UUID(bytes=op): None for op, channel, purpose in rows if (channel, purpose) in asked}
    return tuple(found)


def read_consent_log(tx: Tx, member: UUID) -> list[ConsentRow]:
    """Every word of a member, oldest first. Should two ever carry the same moment, the withdrawal comes last."""
    rows = tx.execute(
        "SELECT channel, purpose, granted, frequency, at FROM consent WHERE member = ?"
        " ORDER BY at, granted DESC, channel, purpose",
        (member.bytes,),
    )
    return [
        ConsentRow(channel=channel, purpose=purpose, granted=bool(granted), frequency=frequency, at=at)
        for channel, purpose, granted, frequency, at in rows
    ]


def _member(member: UUID, row: Row) -> MemberRow:
    status, locale, revision, name, phone, email, card, enrolled_at = row
    return MemberRow(
        id=member,
        status=status,
        locale=locale,
        revision=revision,
        name=name,
        phone=phone,
        email=email,
        card=card,
        enrolled_at=enrolled_at,
    )
