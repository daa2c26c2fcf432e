"""pure: what each kind of posting does to the book. Nothing is refused here: what breaks a rule becomes debt and an
incident, and the invariants hold in any order of the postings.

    hold 80 of 100   active 20, held 80        redeem 80 with it     held 0, used 80
    hold lapsed      active 100                redeem 80 with it     active 20, used 80: the points were still free
    hold lapsed, 50 left                       redeem 80 with it     used 50, debt 30, incident `overspend`
"""

from collections.abc import Callable, Mapping
from heapq import heappush

from msgspec.structs import replace

from loyalty.points.account import Hold, Piece, Redemption, piece_of
from loyalty.points.book import Book
from loyalty.points.facts import Posting, id_of
from loyalty.points.reversals import claw_back, give_back


def _book_earn(book: Book, posting: Posting) -> None:
    """New points. Goods may have come back in the order of the fold before they were sold: that is made good now."""
    cause = id_of(posting)
    book.open_lot(cause, "earn", posting.points, posting, posting.lines)
    for waiting in book.waiting.pop(cause, ()):
        claw_back(book, waiting, cause)


def _book_redeem(book: Book, posting: Posting) -> None:
    """Points pay: those on hold first, then active ones, and what is missing is owed, since the goods are gone."""
    cause = id_of(posting)
    points = left = -posting.points
    pieces: list[Piece] = []
    if posting.hold is not None:
        pieces = _capture(book, posting)
        left -= sum([piece.points for piece in pieces])
    short = 0
    if left:
        taken, short = book.take(left, "used", "redeem", cause)
        pieces += taken
    if short:
        pieces.append(_advance_points(book, posting, short))
    book.redemptions[cause] = Redemption(cause, points, tuple(pieces), posting.lines)
    for waiting in book.waiting.pop(cause, ()):
        give_back(book, waiting, cause)


def _advance_points(book: Book, posting: Posting, short: int) -> Piece:
    """Points that were paid without being there: debt, and a lot that is used up at once, so that a return of the goods
    gives them back like any others. It never ends: what comes back into it settles the debt it made."""
    cause = id_of(posting)
    book.report("overspend", cause, short)
    lot_id = book.open_lot(cause, "redeem", 0, replace(posting, available_from=None, expires_at=None), ())
    book.lots[lot_id] = replace(book.lots[lot_id], points=short, used=short)
    book.owe(short, posting.kind, cause)
    return piece_of(lot_id, short)


def _capture(book: Book, posting: Posting) -> list[Piece]:
    """Pay with a hold. One that has lapsed or was released reserves nothing: its points come from what is active. One
    that was captured already is not captured again (I6)."""
    assert posting.hold is not None
    cause = id_of(posting)
    points = -posting.points
    hold = book.holds.get(posting.hold)
    if hold is None:
        book.holds[posting.hold] = Hold(posting.hold, cause, 0, 0, "captured", captured=points)
        return []
    if hold.state == "captured":
        book.report("hold_reused", cause, points)
        return []
    if hold.points and points > hold.points:
        book.report("capture_above_hold", cause, points - hold.points)
    captured = min(points, hold.points) if hold.points else points
    book.holds[hold.id] = replace(hold, state="captured", pieces=(), captured=captured)
    pieces = []
    for piece in hold.pieces:
        paid = min(points, piece.points)
        points -= paid
        if paid:
            book.pay_from_hold(piece.lot, paid, cause)
            pieces.append(piece if paid == piece.points else piece_of(piece.lot, paid))
        if paid < piece.points:
            book.let_go(piece.lot, piece.points - paid, "redeem", cause)
    return pieces


def _book_hold(book: Book, posting: Posting) -> None:
    """Set points aside, as many as are there."""
    assert posting.expires_at is not None
    cause = id_of(posting)
    known = book.holds.get(posting.op_id)
    if known is not None and known.points:
        book.report("hold_reused", cause, posting.points)
        return
    if known is not None:  # it was ended before it began, in the order of the fold: it reserves nothing
        book.holds[known.id] = replace(
            known,
            posting=cause,
            points=posting.points,
            expires_at=posting.expires_at,
            captured=min(known.captured, posting.points),
        )
        return
    pieces, short = book.take(posting.points, "held", "hold", cause)
    if short:
        book.report("hold_short", cause, short)
    hold = Hold(posting.op_id, cause, posting.points, posting.expires_at, "open", tuple(pieces))
    book.holds[hold.id] = hold
    heappush(book.lapsing, (hold.expires_at, hold.id))
    book.due = min(book.due, hold.expires_at)
    book.advance(book.now)


def _book_release(book: Book, posting: Posting) -> None:
    """End a hold. One that lapsed pays no more from now on; one that has paid or was released stays as it is."""
    assert posting.hold is not None
    hold = book.holds.get(posting.hold)
    if hold is None:
        book.holds[posting.hold] = Hold(posting.hold, id_of(posting), 0, 0, "released")
    elif hold.state in ("open", "lapsed"):
        book.end_hold(hold, "released", id_of(posting))


def _book_adjustment(book: Book, posting: Posting) -> None:
    """Points given or taken by hand, or the half of a transfer. What is missing is owed."""
    cause = id_of(posting)
    if posting.points > 0:
        book.open_lot(cause, posting.kind, posting.points, posting, ())
    elif posting.points < 0:
        _, short = book.take(-posting.points, "used", posting.kind, cause)
        if short and posting.kind == "transfer":
            book.report("overspend", cause, short)
        book.owe(short, posting.kind, cause)


def _book_reverse_earn(book: Book, posting: Posting) -> None:
    assert posting.reference is not None
    claw_back(book, posting, posting.reference)


def _book_reverse_redeem(book: Book, posting: Posting) -> None:
    assert posting.reference is not None
    give_back(book, posting, posting.reference)


BOOKED: Mapping[str, Callable[[Book, Posting], None]] = {
    "earn": _book_earn,
    "redeem": _book_redeem,
    "hold": _book_hold,
    "release": _book_release,
    "reverse_earn": _book_reverse_earn,
    "reverse_redeem": _book_reverse_redeem,
    "adjust": _book_adjustment,
    "transfer": _book_adjustment,
}
