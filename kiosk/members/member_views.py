"""sql: what the shop answers about a member: profile, whom a code stands for, points, ledger. Writes nothing."""

from uuid import UUID

from kiosk.members.known_consents import read_consents
from kiosk.members.known_members import find_by_identifier, find_member, need_active_member, refuse_unknown_card
from kiosk.members.member_profile import read_profile
from kiosk.members.member_standing import read_standing
from kiosk.members.members import (
    ConsentAnswer,
    MemberAnswer,
    RecognisedMember,
    ResolvedMember,
    ResolveMember,
    TokenOrPhone,
    initial_of,
)
from kiosk.offers.member_offers import list_member_offers
from kiosk.points.points_views import points_now
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.identity import mask_phone, normalise_phone
from loyalty.member_store import ConsentRow, MemberRow, UnknownMember
from loyalty.one_time_codes import read_identifying
from loyalty.transactions import Tx
from sync.http.paging import Page


def show_member(tx: Tx, _shop: Shop, _caller: Caller, member: UUID) -> MemberAnswer:
    """The member as it is now; an erased one with nothing personal. Raises MemberNotFound."""
    return present(tx, find_member(tx, member))


def present(tx: Tx, row: MemberRow) -> MemberAnswer:
    """A member's row with the consents that count, and by what it is recognised and proved beside it."""
    profile = read_profile(tx, row)
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
        consents=tuple(map(answer_consent, read_consents(tx, row.id))),
        more_phones=profile.more_phones,
        more_emails=profile.more_emails,
        more_cards=profile.more_cards,
        has_pin=profile.pin_hash is not None,
        has_code=profile.code_secret is not None,
    )


def show_consents(tx: Tx, _shop: Shop, _caller: Caller, member: UUID) -> Page[ConsentAnswer]:
    """What counts now of a member's word, by channel and purpose. Raises MemberNotFound."""
    return Page(tuple(map(answer_consent, read_consents(tx, find_member(tx, member).id))), None)


def answer_consent(consent: ConsentRow) -> ConsentAnswer:
    """A word of a member as it is answered."""
    return ConsentAnswer(
        channel=consent.channel,
        purpose=consent.purpose,
        granted=consent.granted,
        frequency=consent.frequency,
        at=utc_text(consent.at),
    )


def resolve_member(tx: Tx, shop: Shop, caller: Caller, command: ResolveMember) -> ResolvedMember:
    """Whom a scanned code or a phone number stands for.

    Raises TokenOrPhone, WrongPhone, CardReplaced, MemberElsewhere, and UnknownMember for a code or number that no
    active member has.
    """
    if (command.token is None) == (command.phone is None):
        raise TokenOrPhone
    if command.token is not None:
        kind, value = "card", read_identifying(command.token)
    else:
        kind, value = "phone", normalise_phone(command.phone or "", shop.terms.phone_prefix)
    found = find_by_identifier(tx, kind, value) if value is not None else []
    if not found and kind == "card" and value is not None:
        refuse_unknown_card(tx, value, "/token")
    if not found:
        raise UnknownMember(pointer="/token" if kind == "card" else "/phone")
    is_staff = caller.role != "kiosk"
    known = [recognise(need_active_member(tx, member), is_staff=is_staff) for member in found]
    points = points_now(tx, found[0], caller.now_ms) if is_staff else None
    tier = read_standing(tx, shop.terms, found[0], caller.now_ms).tier if is_staff else None
    offers = list_member_offers(tx, shop, caller, found[0]).items if is_staff else ()
    return ResolvedMember(member=known[0], others=tuple(known[1:]), points=points, tier=tier, offers=offers)


def recognise(row: MemberRow, *, is_staff: bool) -> RecognisedMember:
    """As much of a member as staff or a shopper at a kiosk may see."""
    return RecognisedMember(
        id=row.id,
        name=row.name if is_staff else initial_of(row.name),
        phone=mask_phone(row.phone) if row.phone is not None else None,
        locale=row.locale,
    )
