"""sql: a person as the whole chain knows her: profile, points, words, where she shops, and everything that happened.

Whoever asks for one of several members that were merged gets the person. What is personal is told to head office only;
somebody who may merely look (`viewer`) sees what happened, and to an id.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from loyalty.accounts_store import find_survivors
from loyalty.bulk import read_rows
from loyalty.identifier_store import read_identifiers
from loyalty.member_store import MemberRow, find_member
from loyalty.merge_store import group_of
from loyalty.points_store import view_account
from loyalty.transactions import Row, Tx
from sync.http.paging import Page, decode_cursor, encode_cursor, page_of
from sync.hub.appliers.receipts import read_receipts
from sync.hub.consent_store import read_standing
from sync.hub.times import utc_text

_POSTINGS = (
    "SELECT effective_at, op, n, kind, points, rule, reason FROM posting"
    " WHERE member = ? AND effective_at <= ? ORDER BY effective_at DESC, op DESC, n DESC LIMIT ?"
)
_TOUCHES = (
    "SELECT at, op, n, kind, source, channel, store FROM member_touch"
    " WHERE member = ? AND at <= ? ORDER BY at DESC, op DESC, n DESC LIMIT ?"
)
_WORDS = (
    "SELECT effective_at, op, channel, purpose, granted, frequency FROM consent_word"
    " WHERE member = ? AND effective_at <= ? ORDER BY effective_at DESC, op DESC LIMIT ?"
)
_FOR_EVER, _EVERYTHING = 2**63 - 1, 2**31
_Place = tuple[int, bytes, int, bytes, str]
"""Where an event stands: time, fact, number in it, member, and what tells two of one fact apart."""


class Identifier(Struct, frozen=True, kw_only=True):
    """By what somebody is recognised. `state`: active, or replaced for a lost card."""

    kind: str
    value: str
    state: str


class Profile(Struct, frozen=True, kw_only=True):
    """What is personal of one record."""

    name: str | None
    phone: str | None
    email: str | None
    card: str | None
    identifiers: tuple[Identifier, ...]


class MemberRecord(Struct, frozen=True, kw_only=True):
    """One record of a person. `profile` is null for whoever may not see it, and for one that was forgotten."""

    id: UUID
    status: str
    locale: str
    revision: int
    enrolled_at: str
    profile: Profile | None


class PointsOfMember(Struct, frozen=True, kw_only=True):
    """An account as head office has it. `expiring`: (points, until when)."""

    active: int
    pending: int
    held: int
    debt: int
    expiring: tuple[tuple[int, str], ...]
    as_of: str


class ConsentNow(Struct, frozen=True, kw_only=True):
    """The word that counts of a channel and purpose."""

    channel: str
    purpose: str
    granted: bool
    frequency: str | None
    at: str


class KnownAt(Struct, frozen=True, kw_only=True):
    """A store that knows the member. `home` is where she was enrolled."""

    store: UUID
    code: str
    home: bool
    last_at: str


class MemberPage(Struct, frozen=True, kw_only=True):
    """A person. `id` is whose account it is, `records` hers first and all that were merged into it."""

    id: UUID
    records: tuple[MemberRecord, ...]
    points: PointsOfMember
    consents: tuple[ConsentNow, ...]
    stores: tuple[KnownAt, ...]


class MemberEvent(Struct, frozen=True, kw_only=True):
    """Something that happened. `kind` is points.earn, points.redeem … of a posting, touch.… of what may have moved her,
    consent.granted or consent.withdrawn. `receipt` is the number of the sale or return behind it."""

    at: str
    kind: str
    op: UUID
    member: UUID
    points: int | None = None
    receipt: str | None = None
    store: UUID | None = None
    what: str = ""


class MemberExport(Struct, frozen=True, kw_only=True):
    """Everything head office knows about a person (GDPR articles 15 and 20); PIN and code are hers alone."""

    exported_at: str
    member: MemberPage
    events: tuple[MemberEvent, ...]


class _Found(NamedTuple):
    place: _Place
    event: MemberEvent


def show_person(tx: Tx, member: UUID, now_ms: int, *, is_personal: bool) -> MemberPage:
    """The person that this member is. Raises MemberNotFound."""
    group = _group(tx, member)
    balance = view_account(tx, group[0], now_ms)
    stores = read_rows(tx, "SELECT member, store, home, last_at FROM member_seen WHERE member IN (?)", _bytes(group))
    seen: dict[bytes, tuple[int, int]] = {}
    for _, store, home, last_at in stores:
        before = seen.get(store, (0, 0))
        seen[store] = (max(home, before[0]), max(last_at, before[1]))
    codes: dict[bytes, str] = dict(read_rows(tx, "SELECT store, code FROM store WHERE store IN (?)", seen))
    return MemberPage(
        id=group[0],
        records=tuple(_record(tx, find_member(tx, alias), is_personal=is_personal) for alias in group),
        points=PointsOfMember(
            active=balance.active,
            pending=balance.pending,
            held=balance.held,
            debt=balance.debt,
            expiring=tuple((points, utc_text(at)) for points, at in balance.balance.expiring),
            as_of=utc_text(now_ms),
        ),
        consents=tuple(
            ConsentNow(
                channel=word.channel,
                purpose=word.purpose,
                granted=word.granted,
                frequency=word.frequency,
                at=utc_text(word.at),
            )
            for word in read_standing(tx, group[0])
        ),
        stores=tuple(
            KnownAt(store=UUID(bytes=store), code=codes.get(store, ""), home=bool(home), last_at=utc_text(last_at))
            for store, (home, last_at) in sorted(seen.items(), key=lambda each: (-each[1][0], -each[1][1], each[0]))
        ),
    )


def list_timeline(tx: Tx, member: UUID, after: str | None, limit: int) -> Page[MemberEvent]:
    """What happened to a person, the newest first. Raises MemberNotFound, InvalidCursor."""
    group = _group(tx, member)
    purpose = f"timeline {group[0]}"
    place = decode_cursor(after, purpose, tuple[int, bytes, int, bytes, str]) if after is not None else None
    found = _newest(tx, group, place, limit + 1)
    page = page_of(found, limit, lambda each: encode_cursor(each.place, purpose))
    return Page(tuple(each.event for each in page.items), page.next)


def export_person(tx: Tx, member: UUID, now_ms: int) -> MemberExport:
    """Everything about a person. Raises MemberNotFound."""
    group = _group(tx, member)
    return MemberExport(
        exported_at=utc_text(now_ms),
        member=show_person(tx, member, now_ms, is_personal=True),
        events=tuple(each.event for each in _newest(tx, group, None, _EVERYTHING)),
    )


def _group(tx: Tx, member: UUID) -> tuple[UUID, ...]:
    """Everybody who is this person, whose account it is first. Raises MemberNotFound."""
    find_member(tx, member)
    survivor = UUID(bytes=find_survivors(tx, [member.bytes])[member.bytes])
    return tuple(alias for alias in group_of(tx, survivor) if _is_known(tx, alias))


def _is_known(tx: Tx, member: UUID) -> bool:
    return tx.execute("SELECT 1 FROM member WHERE id = ?", (member.bytes,)).fetchone() is not None


def _bytes(members: Sequence[UUID]) -> list[bytes]:
    return [member.bytes for member in members]


def _record(tx: Tx, row: MemberRow, *, is_personal: bool) -> MemberRecord:
    profile = None
    if is_personal and row.status != "erased":
        found = read_identifiers(tx, row.id)
        profile = Profile(
            name=row.name,
            phone=row.phone,
            email=row.email,
            card=row.card,
            identifiers=tuple(Identifier(kind=each.kind, value=each.value, state=each.state) for each in found),
        )
    return MemberRecord(
        id=row.id,
        status=row.status,
        locale=row.locale,
        revision=row.revision,
        enrolled_at=utc_text(row.enrolled_at),
        profile=profile,
    )


def _newest(tx: Tx, group: Sequence[UUID], before: _Place | None, limit: int) -> list[_Found]:
    """Up to `limit` events in front of a place, the newest first."""
    found = [
        each
        for member in group
        for select, made in ((_POSTINGS, _posting), (_TOUCHES, _touch), (_WORDS, _word))
        for each in _read(tx, select, made, member, before, limit)
    ]
    found.sort(reverse=True, key=lambda each: each.place)
    newest = found[:limit]
    receipts = read_receipts(tx, {each.place[1] for each in newest})
    return [
        _Found(each.place, replace(each.event, receipt=receipt.number, store=receipt.store)) if receipt else each
        for each, receipt in ((each, receipts.get(each.place[1])) for each in newest)
    ]


def _read(
    tx: Tx, select: str, made: Callable[[UUID, Row], _Found], member: UUID, before: _Place | None, limit: int
) -> list[_Found]:
    """The newest events of one kind in front of a place. Those of the very instant may stand behind it, so a few more
    are read, and more again where these were not enough."""
    until, size = before[0] if before is not None else _FOR_EVER, limit + 64
    while True:
        rows = tx.execute(select, (member.bytes, until, size)).fetchall()
        found = [made(member, row) for row in rows]
        found = [each for each in found if before is None or each.place < before]
        if len(found) >= limit or len(rows) < size:
            return found
        size *= 4


def _posting(member: UUID, row: Row) -> _Found:
    at, op, n, kind, points, rule, reason = row
    event = MemberEvent(
        at=utc_text(at),
        kind=f"points.{kind}",
        op=UUID(bytes=op),
        member=member,
        points=points,
        what=reason or rule or "",
    )
    return _Found((at, op, n, member.bytes, kind), event)


def _touch(member: UUID, row: Row) -> _Found:
    at, op, n, kind, source, _channel, store = row
    event = MemberEvent(
        at=utc_text(at),
        kind=f"touch.{kind}",
        op=UUID(bytes=op),
        member=member,
        store=UUID(bytes=store),
        what=source,
    )
    return _Found((at, op, n, member.bytes, f"touch.{kind}"), event)


def _word(member: UUID, row: Row) -> _Found:
    at, op, channel, purpose, granted, _frequency = row
    subject = f"{channel} {purpose}"
    event = MemberEvent(
        at=utc_text(at),
        kind="consent.granted" if granted else "consent.withdrawn",
        op=UUID(bytes=op),
        member=member,
        what=subject,
    )
    return _Found((at, op, 0, member.bytes, f"consent {subject}"), event)
