"""sql: who is a member, by which identifier, and which postings made the points.

    need_active_member(tx, command.member)     # in a body: 422 unknown_member, pointing at the field
    find_member(tx, call.id())                 # in the path: 404 member_not_found

Several active members may share a phone: two shops can enrol one number while the line between them is down. They are
answered oldest first and a person chooses.
"""

from uuid import UUID

from msgspec import Struct

from loyalty.errors import InvalidInput, NotFound
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


class PostingRow(Struct, frozen=True, kw_only=True):
    """A points fact: `op` is the id of what caused it, `n` tells the postings of one cause apart."""

    op: UUID
    n: int
    kind: str
    points: int
    effective_at: int
    reference: UUID | None
    rule: str | None
    reason: str | None


class ConsentRow(Struct, frozen=True, kw_only=True):
    """The newest word of a member on one channel and purpose. `at` is milliseconds since 1970 UTC."""

    channel: str
    purpose: str
    granted: bool
    at: int


PostingPosition = tuple[int, bytes, int]
"""Where a posting stands in the ledger: (effective_at, op, n)."""

_NEWEST: PostingPosition = (2**63 - 1, b"", 0)


def need_active_member(tx: Tx, member: UUID, *, pointer: str = "/member") -> MemberRow:
    """The active member a request body names. Raises UnknownMember, pointing at the field."""
    row = read_member(tx, member)
    if row is None or row.status != "active":
        raise UnknownMember(pointer=pointer)
    return row


def find_member(tx: Tx, member: UUID) -> MemberRow:
    """The member of the path, whatever its status. Raises MemberNotFound."""
    row = read_member(tx, member)
    if row is None:
        raise MemberNotFound
    return row


def read_member(tx: Tx, member: UUID) -> MemberRow | None:
    """The member of this id, or None."""
    row = tx.execute(
        "SELECT id, status, locale, revision, name, phone, email, card, enrolled_at FROM member WHERE id = ?",
        (member.bytes,),
    ).fetchone()
    return _member(row) if row else None


def find_by_identifier(tx: Tx, kind: str, value: str) -> list[UUID]:
    """The active members with this card, phone or e-mail (normalised), oldest first."""
    rows = tx.execute(
        "SELECT member.id FROM member_identifier JOIN member ON member.id = member_identifier.member"
        " WHERE kind = ? AND value = ? AND status = 'active' ORDER BY enrolled_at, member.id",
        (kind, value),
    )
    return [UUID(bytes=row[0]) for row in rows]


def read_postings_page(tx: Tx, member: UUID, after: PostingPosition | None, limit: int) -> list[PostingRow]:
    """Up to `limit` postings of a member, newest first, beginning after the position `after`."""
    rows = tx.execute(
        "SELECT op, n, kind, points, effective_at, reference, rule, reason FROM posting"
        " WHERE member = ? AND (effective_at, op, n) < (?, ?, ?)"
        " ORDER BY effective_at DESC, op DESC, n DESC LIMIT ?",
        (member.bytes, *(after or _NEWEST), limit),
    )
    return [_posting(row) for row in rows]


def read_consents(tx: Tx, member: UUID) -> list[ConsentRow]:
    """What counts now: the newest event of each channel and purpose of a member, by channel and purpose.

    Should two ever carry the same moment, the withdrawal counts.
    """
    rows = tx.execute(
        "SELECT channel, purpose, granted, at FROM consent WHERE member = ? ORDER BY at, granted DESC", (member.bytes,)
    )
    newest = {(row[0], row[1]): row for row in rows}
    return [
        ConsentRow(channel=channel, purpose=purpose, granted=bool(granted), at=at)
        for channel, purpose, granted, at in (newest[key] for key in sorted(newest))
    ]


def _member(row: Row) -> MemberRow:
    member, status, locale, revision, name, phone, email, card, enrolled_at = row
    return MemberRow(
        id=UUID(bytes=member),
        status=status,
        locale=locale,
        revision=revision,
        name=name,
        phone=phone,
        email=email,
        card=card,
        enrolled_at=enrolled_at,
    )


def _posting(row: Row) -> PostingRow:
    op, n, kind, points, effective_at, reference, rule, reason = row
    return PostingRow(
        op=UUID(bytes=op),
        n=n,
        kind=kind,
        points=points,
        effective_at=effective_at,
        reference=UUID(bytes=reference) if reference is not None else None,
        rule=rule,
        reason=reason,
    )
