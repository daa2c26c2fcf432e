"""pure: an account as head office told it, and what this place has posted since: together the account that counts here.

    told        active 120, of another shop's postings and of ours up to number 40
    ours        41: earn 10, 42: redeem 30
    account     active 100

Head office tells what can still change: the lots and holds that are open, and the redemptions that goods may come back
of. What is missing of older ones is taken from the fold of our own postings, as far as they count already: such a lot
is empty by now, whoever emptied it; a redemption gives back to the lots it took from, as far as those say that so much
was used, and the rest to points that do not end. The amounts are right in any case.

Nothing here trusts that head office and this place agree: a posting that both know is counted once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from loyalty.points.account import (
    Account,
    Hold,
    HoldState,
    Lot,
    LotId,
    Piece,
    Redemption,
    lot_of,
    piece_of,
    root_of,
)
from loyalty.points.book import Book
from loyalty.points.facts import Merge, Posting, PostingKind, id_of, in_order
from loyalty.points.fold import fold, join_books, run_postings
from loyalty.points.rows import from_rows
from loyalty.points.told_check import COUNT_MAX, check_account

_Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
_Instant = Annotated[int, Meta(ge=-COUNT_MAX, le=COUNT_MAX)]

AccountRow = tuple[_Count, _Count, _Count, _Count, _Instant, str | None, _Count, str]
"""The columns of loyalty.points.rows.ACCOUNT_COLUMNS."""
# fmt: off
LotRow = tuple[
    bytes, _Count, bytes, _Count, PostingKind, _Count, _Instant, _Instant | None, _Count, _Count, _Count, _Count,
    _Count, _Count, _Count, _Count, _Count, str, str, str
]
# fmt: on
"""The columns of LOT_COLUMNS; ids are base64."""
HoldRow = tuple[bytes, bytes, _Count, bytes, _Count, _Instant, HoldState, str, _Count]
"""The columns of HOLD_COLUMNS."""
RedemptionRow = tuple[bytes, _Count, bytes, _Count, str, str, str]
"""The columns of REDEMPTION_COLUMNS."""


class AccountValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account as head office has it: its balance, the lots and holds that something can still happen to, and the
    newer redemptions with the lots they took from.

    `account_of` is the member whose account it is, `aliases` who was merged into her. `through` says, for each life of
    the database that this store ever had (16 hex digits), up to which number its entries are in it. `due` is the next
    instant at which time does something to the account. `known` are operations of this store that are in the account
    though nothing else here shows it, the newest ones: a later life may log them again under another number.
    """

    account_of: UUID
    account: AccountRow
    lots: tuple[LotRow, ...]
    holds: tuple[HoldRow, ...]
    redemptions: tuple[RedemptionRow, ...] = ()
    due: int | None
    through: dict[str, int]
    aliases: tuple[UUID, ...] = ()
    known: tuple[bytes, ...] = ()


class Told(Struct, frozen=True):
    """What a place was told of an account. `members` are those whose postings are in it, of each life up to the number
    that `through` names, and those of the operations `known`."""

    account: Account
    members: frozenset[bytes]
    through: Mapping[int, int]
    known: frozenset[bytes] = frozenset()


_decode = msgspec.json.Decoder(AccountValue).decode


def read_told(value: bytes) -> Told:
    """What the feed says of an account. Raises ValueError for what is no account, or contradicts itself."""
    return told_of(_decode(value))


def told_of(told: AccountValue) -> Told:
    """The account that a value says. Raises ValueError for one that contradicts itself."""
    account = from_rows(told.account, told.lots, told.holds, told.redemptions)
    check_account(account)
    members = frozenset(member.bytes for member in (told.account_of, *told.aliases))
    through = {int(epoch, 16): seq for epoch, seq in told.through.items()}
    return Told(account, members, through, frozenset(told.known))


def make_account(postings: Iterable[Posting], merges: Iterable[Merge] = (), told: Sequence[Told] = ()) -> Account:
    """The account of a member from all postings this place has of her and of whom she has absorbed, on top of what was
    told of any of them. Without that it is the fold. Raises as `fold`."""
    if not told:
        return fold(postings, merges=merges)
    news: list[Posting] = []
    counted: list[Posting] = []
    for posting in postings:
        (news if _is_news(posting, told) else counted).append(posting)
    before = fold(counted, merges=merges) if counted else Account()
    book = Book(_completed(_joined(told), before))
    run_postings(book, in_order(news))
    return book.close()


def _joined(told: Sequence[Told]) -> Account:
    """What was told of members who are one person here and several there, as one account."""
    if len(told) == 1:
        return told[0].account
    at = max(each.account.as_of for each in told)
    books = [Book(each.account) for each in told]
    for book in books:
        book.advance(at)
    kept = books[0]
    for lost in books[1:]:
        join_books(kept, lost)
        kept.last = max(filter(None, (kept.last, lost.last)), default=None)
        kept.returning = False
    return kept.close()


def _is_news(posting: Posting, told: Sequence[Told]) -> bool:
    """Whether a posting is not in what was told. One that this place wrote down again in a later life has another
    number there: what it made shows that it counts already, or its operation is named."""
    for each in told:
        if posting.member in each.members:
            if posting.seq <= each.through.get(posting.origin, 0) or posting.op_id in each.known:
                return False
            account, name = each.account, id_of(posting)
            hold = account.holds.get(posting.op_id)
            shows = lot_of(name) in account.lots or name in account.redemptions
            return not (shows or (hold is not None and hold.posting == name))
    return True


def _completed(told: Account, before: Account) -> Account:
    """What was told, with what is missing of older lots, holds and redemptions as this place knows them."""
    lots = {
        **{name: _emptied(lot, told.as_of) for name, lot in before.lots.items() if lot.source != "redeem"},
        **told.lots,
    }
    holds = {**{name: _ended(hold) for name, hold in before.holds.items()}, **told.holds}
    _join_families(lots)
    left = {name: lot.used for name, lot in lots.items()}
    redemptions = {}
    for known in (told.redemptions, before.redemptions):
        for name in sorted(known):
            if name not in redemptions:
                redemptions[name] = _refer(known[name], lots, left, told.as_of)
    return replace(told, lots=lots, holds=holds, redemptions=redemptions, legs=(), incidents=())


def _emptied(lot: Lot, as_of: int) -> Lot:
    """A lot of ours that head office does not name any more: nothing is left in it. Who has not spent what ended by now
    is given the doubt."""
    rest = lot.free + lot.held
    is_over = lot.expires_at is not None and lot.expires_at <= as_of
    return replace(
        lot,
        free=0,
        held=0,
        claimed=0,
        used=lot.used + (0 if is_over else rest),
        expired=lot.expired + (rest if is_over else 0),
    )


def _ended(hold: Hold) -> Hold:
    """A hold of ours that head office does not have open any more."""
    return replace(hold, state="lapsed", pieces=()) if hold.state == "open" else hold


def _join_families(lots: dict[LotId, Lot]) -> None:
    """Every child lot has its root, and no root names a child that is not here."""
    children: dict[LotId, list[LotId]] = {}
    for name in sorted(lots):
        if name.restored:
            children.setdefault(root_of(name), []).append(name)
    for name in [name for name in lots if not name.restored]:
        here = children.pop(name, [])
        known = [child for child in lots[name].children if child in here]
        lots[name] = replace(lots[name], children=(*known, *(child for child in here if child not in known)))
    for root, several in children.items():
        child, moved = lots[several[0]], sum(lots[name].points for name in several)
        own = (child.source, moved, child.available_from, child.expires_at)
        lots[root] = Lot(root, *own, moved=moved, children=tuple(several))


def _refer(redemption: Redemption, lots: dict[LotId, Lot], left: dict[LotId, int], as_of: int) -> Redemption:
    """The redemption with every piece in a lot that says that so much of it was used; `left` counts down. What no lot
    accounts for stands in one of its own that never ends."""
    pieces: list[Piece] = []
    missing = 0
    for piece in redemption.pieces:
        spent = piece.points - piece.restored
        found = min(spent, left.get(piece.lot, 0))
        if piece.lot in lots:
            left[piece.lot] -= found
            kept = found + piece.restored
            if kept:
                pieces.append(piece_of(piece.lot, kept, piece.restored))
            missing += spent - found
        else:
            missing += spent
            if piece.restored:  # it is back, wherever that is: nothing more can happen to it
                pieces.append(_restored_piece(redemption, piece.restored, lots, as_of))
    if missing:
        name = _own_lot(redemption, lots, as_of)
        lots[name] = replace(lots[name], points=lots[name].points + missing, used=lots[name].used + missing)
        pieces.append(piece_of(name, missing))
    return replace(redemption, pieces=tuple(pieces))


def _restored_piece(redemption: Redemption, points: int, lots: dict[LotId, Lot], as_of: int) -> Piece:
    return piece_of(_own_lot(redemption, lots, as_of), points, points)


def _own_lot(redemption: Redemption, lots: dict[LotId, Lot], as_of: int) -> LotId:
    name = lot_of(redemption.id)
    lots.setdefault(name, Lot(name, "redeem", 0, as_of, None))
    return name
