"""sql: coupons issued, looked at, voided and issued again. Each in one transaction with the paper it prints.

Issued with paper, a coupon and its print job are there together or neither is: a cut in between leaves no coupon that
nobody holds, and no paper that no book knows.
"""

from uuid import UUID

from msgspec.structs import replace

from kiosk.commands import fingerprint
from kiosk.coupons.chain_coupons import is_used_elsewhere
from kiosk.coupons.coupon_check import look_at_coupon
from kiosk.coupons.coupon_issue import find_coupon_offer, make_coupons, today_of
from kiosk.coupons.coupon_print import coupon_job, print_coupons
from kiosk.coupons.coupon_refusals import (
    CouponExpired,
    CouponNotFound,
    CouponUsed,
    CouponVoid,
    CouponVoidNeedsLine,
    ReissuedDifferently,
)
from kiosk.coupons.coupon_rewards import find_payment, give_back_payment, pay_for_coupon
from kiosk.coupons.coupon_store import CouponRow, coupons_of_any, find_coupon
from kiosk.coupons.coupons import (
    CampaignAnswer,
    CouponAnswer,
    CouponVerdict,
    HeldCoupon,
    IssueCampaign,
    IssueCoupon,
    ReissueCoupon,
    VerifyCoupon,
    VoidCoupon,
    render_coupon,
    serial_text,
)
from kiosk.coupons.shown_coupons import Shown
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.members.known_members import find_member, need_active_member
from kiosk.offers.offer_store import read_offer
from kiosk.outcome import Outcome
from kiosk.points.link import read_line
from kiosk.print_answers import PrintJobAnswer
from kiosk.sales.reasons import refuse_names
from kiosk.sales.reservations import NOTHING_KEPT, Kept, still_kept, use_command
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.coupon_codes import print_code
from loyalty.coupons import Scope
from loyalty.ids import derived_uuid
from loyalty.merge_store import group_of
from loyalty.offers.terms import say_terms, say_title
from loyalty.transactions import Tx
from sync.facts.coupons import CouponsIssued, CouponVoided, IssuedCoupon
from sync.facts.points import points_of
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.journal import Entry, find, find_same
from sync.protocol.commands import CouponUseCommand

_PURPOSE = "coupons"


def issue_coupon(tx: Tx, shop: Shop, caller: Caller, command: IssueCoupon) -> Outcome[CouponAnswer]:
    """Issue a coupon, print it if asked to, and use up the points that pay for it.

    Raises NoCouponOffer, MemberNeeded, NoSigningKey, UnknownMember, and what paying raises
    (kiosk.coupons.coupon_rewards.pay_for_coupon).
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, CouponsIssued, request)
    if known is not None:
        return Outcome(_issued(known)[0], replayed=True)
    offer = find_coupon_offer(tx, command.offer)
    if command.member is not None:
        need_active_member(tx, command.member)
    coupons = make_coupons(tx, shop, caller, command.id, offer, [command.member], command.scope)
    paid = pay_for_coupon(tx, shop, caller, command)
    body = CouponsIssued(
        request=request,
        source="kiosk" if caller.role == "kiosk" else "till",
        coupons=coupons,
        printed=command.print,
        hold=command.hold,
        postings=paid.postings,
        balance=paid.balance,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    if command.print:
        print_coupons(tx, shop, caller, entry.stamp(), coupons)
    return Outcome(_issued(entry)[0], replayed=False)


def issue_campaign(tx: Tx, shop: Shop, caller: Caller, command: IssueCampaign) -> Outcome[CampaignAnswer]:
    """One coupon for each of many members, all or none; a member named twice gets two.

    Raises NoCouponOffer, NoSigningKey, UnknownMember.
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, CouponsIssued, request)
    if known is not None:
        return Outcome(_campaign(known), replayed=True)
    offer = find_coupon_offer(tx, command.offer)
    for member in set(command.members):
        need_active_member(tx, member)
    coupons = make_coupons(tx, shop, caller, command.id, offer, command.members, command.scope)
    body = CouponsIssued(request=request, source="campaign", coupons=coupons)
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(_campaign(entry), replayed=False)


def verify_coupon(
    tx: Tx, shop: Shop, caller: Caller, command: VerifyCoupon, tokens: Tokens = NO_TOKENS
) -> CouponVerdict:
    """Whether a coupon would be taken now, and what it gives; `tokens` is what a typed code of another store's stands
    for. Books nothing."""
    check_member = command.member is not None
    shown = look_at_coupon(
        tx, shop, caller, command.code, command.member, pointer="/code", check_member=check_member, tokens=tokens
    )
    return render_verdict(shop, shown)


def render_verdict(shop: Shop, shown: Shown) -> CouponVerdict:
    """A coupon as the till shows it, in the store's language."""
    offer, language, problem = shown.offer, shop.terms.locale, shown.problem
    return CouponVerdict(
        ok=problem is None,
        reason=problem.code if problem else "ok",
        detail=problem.detail if problem else "",
        hint=problem.hint if problem else "",
        serial=serial_text(shown.serial) if shown.serial is not None else None,
        code=print_code(shown.serial) if shown.serial is not None else None,
        offer=offer.id if offer else None,
        title=say_title(offer, language) if offer else None,
        terms=say_terms(offer, language, shop.terms.currency) if offer else None,
        valid_until=shown.valid_until,
        member_only=shown.member is not None,
        store=shown.store,
    )


def void_coupon(
    tx: Tx, shop: Shop, caller: Caller, serial: str, command: VoidCoupon, kept: Kept = NOTHING_KEPT
) -> Outcome[CouponVerdict]:
    """Let a coupon count no longer; points that had paid for it come back. Voiding it again answers the same. `kept` is
    what head office keeps for the void; one that cost nothing is voided without, too.

    Raises CouponNotFound, CouponUsed, ReissuedDifferently, ReasonNamesMember, CouponVoidNeedsLine.
    """
    row = need_coupon(tx, serial)
    op_id = name_void(row)
    request = fingerprint(command)
    known = find(tx, op_id)
    if known is not None:
        assert isinstance(known.body, CouponVoided)
        if known.body.request != request:
            raise ReissuedDifferently
        return Outcome(_verdict_of(tx, shop, caller, row, known.body), replayed=True)
    if row.is_void:
        raise ReissuedDifferently
    _need_unspent(tx, row)
    refuse_names(tx, [row.member], [(command.reason, "/reason")])
    reserved = still_kept(tx, kept).coupons.get(row.serial)
    body = CouponVoided(request=request, serial=row.serial, reason=command.reason, reserved=reserved)
    payment = find_payment(tx, row)
    if payment is not None:
        if reserved is None and needs_line_to_void(tx, row):
            raise CouponVoidNeedsLine
        back = give_back_payment(tx, shop, caller, op_id, payment)
        body = replace(body, offer=row.offer, postings=back.postings, balance=back.balance)
    shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), op_id, body)
    return Outcome(_verdict_of(tx, shop, caller, row, body), replayed=False)


def list_void_coupon_commands(tx: Tx, shop: Shop, _: Caller, serial: str) -> list[CouponUseCommand]:
    """What head office has to keep before a coupon is voided that other stores take, too: nobody has used it then.
    Nothing where the line is down, or it is void already. Raises CouponNotFound."""
    row = need_coupon(tx, serial)
    line = read_line(tx)
    if row.is_void or line is None or not line.online or not needs_line_to_void(tx, row):
        return []
    return [use_command(tx, shop, name_void(row), row)]


def name_void(row: CouponRow) -> UUID:
    """The id of the fact that voids a coupon."""
    return derived_uuid(row.op, f"void coupon {serial_text(row.serial)}")


def needs_line_to_void(tx: Tx, row: CouponRow) -> bool:
    """Whether only head office knows that nobody used it."""
    return row.scope == "chain" and read_line(tx) is not None


def list_reissue_commands(tx: Tx, shop: Shop, _: Caller, serial: str, command: ReissueCoupon) -> list[CouponUseCommand]:
    """The same before it is issued again. Raises CouponNotFound."""
    row, line = need_coupon(tx, serial), read_line(tx)
    if row.is_void or line is None or not line.online or row.scope != "chain" or find(tx, command.id) is not None:
        return []
    return [use_command(tx, shop, command.id, row)]


def reissue_coupon(
    tx: Tx, shop: Shop, caller: Caller, serial: str, command: ReissueCoupon, kept: Kept = NOTHING_KEPT
) -> Outcome[CouponAnswer]:
    """Void a coupon and issue another in its place: the same offer, member, stores and last day.

    Both stand in one entry, so whoever holds the lost paper and whoever holds the new one can never both use theirs;
    and `kept` is what head office keeps of one that other stores take, so that no other store has just taken it.
    Raises CouponNotFound, CouponVoid, CouponUsed, CouponExpired, NoCouponOffer, NoSigningKey, ReasonNamesMember,
    CouponVoidNeedsLine.
    """
    row = need_coupon(tx, serial)
    request = fingerprint(command)
    known = find_same(tx, command.id, CouponVoided, request)
    if known is not None:
        assert isinstance(known.body, CouponVoided)
        if known.body.serial != row.serial or known.body.replacement is None:
            raise ReissuedDifferently
        return Outcome(_render(known.body.replacement, printed=known.body.printed), replayed=True)
    if row.is_void:
        raise CouponVoid
    _need_unspent(tx, row)
    today = today_of(shop, caller)
    if today.isoformat() > row.valid_until:
        raise CouponExpired
    refuse_names(tx, [row.member], [(command.reason, "/reason")])
    reserved = still_kept(tx, kept).coupons.get(row.serial)
    if reserved is None and needs_line_to_void(tx, row):
        raise CouponVoidNeedsLine
    offer = find_coupon_offer(tx, row.offer)
    scope: Scope = "chain" if row.scope == "chain" else "store"
    last_day = today.fromisoformat(row.valid_until)
    (replacement,) = make_coupons(tx, shop, caller, command.id, offer, [row.member], scope, last_day=last_day)
    body = CouponVoided(
        request=request,
        serial=row.serial,
        reason=command.reason,
        replacement=replacement,
        printed=command.print,
        reserved=reserved,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    if command.print:
        print_coupons(tx, shop, caller, entry.stamp(), (replacement,))
    return Outcome(_render(replacement, printed=command.print), replayed=False)


def list_member_coupons(tx: Tx, shop: Shop, caller: Caller, member: UUID, query: PageQuery) -> Page[HeldCoupon]:
    """A member's coupons, printed or not: the paper and the screen show one and the same. Raises MemberNotFound,
    InvalidCursor."""
    language = find_member(tx, member).locale
    purpose = f"{_PURPOSE} {member}"
    (last,) = decode_cursor(query.after, purpose, tuple[int]) if query.after else (-1,)
    rows = coupons_of_any(tx, group_of(tx, member), last, query.limit + 1)
    page = page_of(rows, query.limit, lambda row: encode_cursor((row.serial,), purpose))
    today = today_of(shop, caller).isoformat()
    return Page(tuple(_held(tx, row, today, language) for row in page.items), page.next)


def need_coupon(tx: Tx, serial: str) -> CouponRow:
    """A coupon of this store by its serial as text. Raises CouponNotFound."""
    row = find_coupon(tx, int(serial, 16)) if len(serial) == 16 and _is_hex(serial) else None
    if row is None:
        raise CouponNotFound(serial[:16])
    return row


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text) and int(text, 16) < 2**63


def _need_unspent(tx: Tx, row: CouponRow) -> None:
    """Raises CouponUsed, also where head office has said that another store took it."""
    if row.uses_left < row.uses_max:
        raise CouponUsed
    if row.scope == "chain" and is_used_elsewhere(tx, row.serial, row.valid_until, row.uses_left):
        raise CouponUsed


def _verdict_of(tx: Tx, shop: Shop, caller: Caller, row: CouponRow, voided: CouponVoided) -> CouponVerdict:
    shown = look_at_coupon(tx, shop, caller, print_code(row.serial), None, pointer="/serial", check_member=False)
    return replace(render_verdict(shop, shown), points_given_back=points_of(voided.postings, "reverse_redeem"))


def _issued(entry: Entry) -> list[CouponAnswer]:
    body = entry.body
    assert isinstance(body, CouponsIssued)
    return [_render(coupon, printed=body.printed) for coupon in body.coupons]


def _campaign(entry: Entry) -> CampaignAnswer:
    coupons = _issued(entry)
    return CampaignAnswer(id=entry.op_id, offer=coupons[0].offer, coupons=coupons)


def _render(coupon: IssuedCoupon, *, printed: bool) -> CouponAnswer:
    return render_coupon(coupon, PrintJobAnswer(coupon_job(coupon), "queued") if printed else None)


def _held(tx: Tx, row: CouponRow, today: str, language: str) -> HeldCoupon:
    offer = read_offer(tx, row.offer)
    if row.is_void:
        state = "void"
    elif row.uses_left == 0:
        state = "used"
    else:
        state = "expired" if today > row.valid_until else "live"
    return HeldCoupon(
        serial=serial_text(row.serial),
        code=print_code(row.serial),
        token=row.token,
        offer=row.offer,
        title=say_title(offer.offer, language) if offer else row.offer,
        valid_until=row.valid_until,
        state=state,
    )
