"""sql: what the shop answers about a member's points: the balance now, and every posting with what became of it."""

from uuid import UUID

from kiosk.answers import BalanceAnswer, render_balance
from kiosk.members.known_members import find_member
from kiosk.points.accounts import load_account, view_account
from kiosk.points.link import describe_balance
from kiosk.points.points import AccountParts, LedgerPage, LotAnswer, MemberPoints, PostingAnswer, render_points
from kiosk.points.told_accounts import list_told
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.account import Account, lot_of
from loyalty.points.facts import Posting, id_of, place_of
from loyalty.points.fold import fold, view
from loyalty.points_store import read_group, read_postings_page
from loyalty.transactions import Tx
from sync.http.paging import PageQuery, decode_cursor, encode_cursor, page_of


def show_points(tx: Tx, _shop: Shop, caller: Caller, member: UUID) -> MemberPoints:
    """The member's balance now. Raises MemberNotFound."""
    return points_now(tx, find_member(tx, member).id, caller.now_ms)


def points_now(tx: Tx, member: UUID, now_ms: int) -> MemberPoints:
    """The balance of a member who is known to exist. A store that is alone confirms its points itself."""
    provisional, as_of = describe_balance(tx, member, now_ms)
    return render_points(view_account(tx, member, now_ms), provisional=provisional, as_of=as_of)


def split_account(tx: Tx, member: UUID, now_ms: int) -> AccountParts:
    """The balance of the person that this member is, and what of it this store's own postings make. Costs a fold of
    them where head office tells of her account."""
    points, account = points_now(tx, member, now_ms), survivor_of(tx, member).bytes
    if not list_told(tx, account):
        here = BalanceAnswer(points.active, points.pending, points.held, points.debt)
        return AccountParts(points=points, here=here, elsewhere=0, whole=True)
    postings, merges = read_group(tx, account)
    here = render_balance(fold(postings, now_ms, merges).balance)
    return AccountParts(points=points, here=here, elsewhere=_sum(points) - _sum(here), whole=False)


def list_postings(tx: Tx, _shop: Shop, caller: Caller, member: UUID, query: PageQuery) -> LedgerPage:
    """A page of what this store posted for the person that this member is, newest first, beside the balance.

    Raises MemberNotFound, InvalidCursor.
    """
    find_member(tx, member)
    purpose = f"ledger {member}"
    after = decode_cursor(query.after, purpose, tuple[int, int, int, bytes, int, bytes]) if query.after else None
    rows = [
        posting
        for each in group_of(tx, survivor_of(tx, member))
        for posting in read_postings_page(tx, each.bytes, after, query.limit + 1)
    ]
    newest = sorted(rows, key=place_of, reverse=True)[: query.limit + 1]
    page = page_of(newest, query.limit, lambda posting: encode_cursor(place_of(posting), purpose))
    account = view(load_account(tx, member.bytes, "all").account, caller.now_ms)
    parts = split_account(tx, member, caller.now_ms)
    return LedgerPage(
        items=tuple(_answer(posting, account) for posting in page.items),
        next=page.next,
        points=parts.points,
        here=parts.here,
        elsewhere=parts.elsewhere,
        whole=parts.whole,
    )


def _sum(balance: MemberPoints | BalanceAnswer) -> int:
    return balance.active + balance.pending + balance.held - balance.debt


def _answer(posting: Posting, account: Account) -> PostingAnswer:
    hold = account.holds.get(posting.op_id) if posting.kind == "hold" else None
    return PostingAnswer(
        member=UUID(bytes=posting.member),
        op=UUID(bytes=posting.op_id),
        n=posting.n,
        kind=posting.kind,
        points=posting.points,
        at=utc_text(posting.effective_at),
        available_from=_time(posting.available_from),
        expires_at=_time(posting.expires_at),
        lines=posting.lines,
        reference=UUID(bytes=posting.reference.op_id) if posting.reference is not None else None,
        hold=UUID(bytes=posting.hold) if posting.hold is not None else None,
        rule=posting.rule,
        reason=posting.reason,
        lot=_lot(posting, account),
        hold_state=hold.state if hold is not None else None,
    )


def _lot(posting: Posting, account: Account) -> LotAnswer | None:
    """Where the points are now that a posting brought."""
    lot = account.lots.get(lot_of(id_of(posting)))
    if lot is None or posting.kind == "redeem":
        return None
    returned = lot.clawed + lot.moved
    return LotAnswer(left=lot.free, held=lot.held, used=lot.used, expired=lot.expired, returned=returned)


def _time(at: int | None) -> str | None:
    return utc_text(at) if at is not None else None
