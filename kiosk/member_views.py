"""sql: what the shop answers about a member: profile, whom a code stands for, points, ledger. Writes nothing."""

from uuid import UUID

from kiosk.business_day import utc_text
from kiosk.members import (
    ConsentAnswer,
    MemberAnswer,
    MemberPoints,
    PostingAnswer,
    RecognisedMember,
    ResolvedMember,
    ResolveMember,
    TokenOrPhone,
    initial_of,
)
from kiosk.sale_store import read_balance
from kiosk.shop import Caller, Shop
from loyalty.identity import mask_phone, normalise_phone, read_card
from loyalty.member_store import (
    MemberRow,
    UnknownMember,
    find_by_identifier,
    find_member,
    need_active_member,
    read_consents,
    read_postings_page,
)
from loyalty.transactions import Tx
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of


def show_member(tx: Tx, _shop: Shop, _caller: Caller, member: UUID) -> MemberAnswer:
    """The member as it is now; an erased one with nothing personal. Raises MemberNotFound."""
    return present(tx, find_member(tx, member))


def present(tx: Tx, row: MemberRow) -> MemberAnswer:
    """A member's row with the consents that count."""
    return MemberAnswer(
        id=row.id,
        status=row.status,
        locale=row.locale,
        revision=row.revision,
        name=row.name,
        phone=row.phone,
        email=row.email,
        token=row.card,
        enrolled_at=utc_text(row.enrolled_at),
        consents=tuple(
            ConsentAnswer(consent.channel, consent.purpose, consent.granted, utc_text(consent.at))
            for consent in read_consents(tx, row.id)
        ),
    )


def resolve_member(tx: Tx, shop: Shop, caller: Caller, command: ResolveMember) -> ResolvedMember:
    """Whom a scanned code or a phone number stands for.

    Raises TokenOrPhone, WrongPhone, and UnknownMember for a code or number that no active member has.
    """
    if (command.token is None) == (command.phone is None):
        raise TokenOrPhone
    if command.token is not None:
        kind, value = "card", read_card(command.token)
    else:
        kind, value = "phone", normalise_phone(command.phone or "", shop.terms.phone_prefix)
    found = find_by_identifier(tx, kind, value) if value is not None else []
    if not found:
        raise UnknownMember(pointer="/token" if kind == "card" else "/phone")
    is_staff = caller.role != "kiosk"
    known = [_recognise(need_active_member(tx, member), is_staff=is_staff) for member in found]
    points = _points(tx, found[0], caller.now_ms) if is_staff else None
    return ResolvedMember(member=known[0], others=tuple(known[1:]), points=points)


def show_points(tx: Tx, _shop: Shop, caller: Caller, member: UUID) -> MemberPoints:
    """The member's balance now. Raises MemberNotFound."""
    return _points(tx, find_member(tx, member).id, caller.now_ms)


def list_postings(tx: Tx, _shop: Shop, _caller: Caller, member: UUID, query: PageQuery) -> Page[PostingAnswer]:
    """A page of the member's ledger, newest first. Raises MemberNotFound, InvalidCursor."""
    find_member(tx, member)
    purpose = f"ledger {member}"
    after = decode_cursor(query.after, purpose, tuple[int, bytes, int]) if query.after else None
    rows = read_postings_page(tx, member, after, query.limit + 1)
    page = page_of(rows, query.limit, lambda row: encode_cursor((row.effective_at, row.op.bytes, row.n), purpose))
    return Page(
        tuple(
            PostingAnswer(
                op=row.op,
                n=row.n,
                kind=row.kind,
                points=row.points,
                at=utc_text(row.effective_at),
                reference=row.reference,
                rule=row.rule,
                reason=row.reason,
            )
            for row in page.items
        ),
        page.next,
    )


def _points(tx: Tx, member: UUID, now_ms: int) -> MemberPoints:
    """Points do not expire yet and head office confirms none, so nothing is expiring and nothing provisional."""
    balance = read_balance(tx, member)
    return MemberPoints(
        active=balance.active,
        pending=balance.pending,
        held=balance.held,
        debt=balance.debt,
        expiring=(),
        as_of=utc_text(now_ms),
        provisional=False,
    )


def _recognise(row: MemberRow, *, is_staff: bool) -> RecognisedMember:
    return RecognisedMember(
        id=row.id,
        name=row.name if is_staff else initial_of(row.name),
        phone=mask_phone(row.phone) if row.phone is not None else None,
        locale=row.locale,
    )
