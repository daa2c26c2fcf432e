"""pure: goods come back. Which earned points go with them, and where redeemed points return to.

Points of a lot go in this order: what is still there (and in its children, should points of it have been redeemed and
restored); then what has ended by itself, which counts as already gone; and only what was spent, or is on hold, becomes
debt. A return is never refused because its points were spent.

    earned 100: 30 spent, 20 on hold, 50 left    left | gone | debt
    --------------------------------------------|-----|------|-----
    goods that earned 35 come back                15  |    0 |    0
    what is left ends                              0  |    0 |    0
    goods that earned 40 more come back            0  |   15 |   25
    the hold is released                           0  |   15 |    5   its 20 points are among those that are owed

Redeemed points go back to the lots they came from and end when they would have. Where that end is over, or nearer than
the grace the program gives, they become a child lot that ends with the grace.

Both are clamped: no line loses more points than it earned (I7) and no redemption gets back more than it took (I8). What
was asked beyond that is an incident.
"""

from msgspec.structs import replace

from loyalty.points.account import Lot, LotId, lot_of, piece_of, root_of
from loyalty.points.book import Book
from loyalty.points.facts import LinePoints, Posting, PostingId, id_of


def claw_back(book: Book, posting: Posting, earned: PostingId) -> None:
    """Take the points of a `reverse_earn` out of the lot it names, or keep the posting until that lot comes."""
    lot = book.lots.get(lot_of(earned))
    if lot is None or lot.source != "earn":
        book.waiting.setdefault(earned, []).append(posting)
        return
    cause = id_of(posting)
    family = (lot.id, *lot.children)
    asked = -posting.points
    taken_before = lot.clawed + lot.gone + lot.owed
    for child_id in lot.children:
        child = book.lots[child_id]
        taken_before += child.clawed + child.gone + child.owed
    lines = allowed_lines(posting.lines, lot.lines, lot.clawed_lines)
    points = min(asked if not lot.lines or not posting.lines else sum_of(lines), lot.points - taken_before)
    if points < asked:
        book.report("clawed_too_much", cause, asked - points)
    if lines:
        book.lots[lot.id] = replace(lot, clawed_lines=add_lines(lot.clawed_lines, lines))
    left = claw_what_is_there(book, family, points, cause)
    if left:
        left = claw_what_has_ended(book, family, left)
    if left:
        owe_what_was_spent(book, family, left, cause)


def claw_what_is_there(book: Book, family: tuple[LotId, ...], points: int, cause: PostingId) -> int:
    """Take what is free in the lots of a family, pending or active. Answers how many points were not there."""
    for lot_id in family:
        lot = book.lots[lot_id]
        taken = min(points, lot.free)
        if taken:
            points -= taken
            book.lots[lot_id] = replace(lot, free=lot.free - taken, clawed=lot.clawed + taken)
            if lot.available_from > book.now:
                book.pending -= taken
                book.note("reverse_earn", "pending", -taken, cause, lot_id)
            else:
                book.active -= taken
                book.note("reverse_earn", "active", -taken, cause, lot_id)
    return points


def claw_what_has_ended(book: Book, family: tuple[LotId, ...], points: int) -> int:
    """What has ended counts as already gone, once. Answers how many points are still to be taken."""
    for lot_id in family:
        lot = book.lots[lot_id]
        gone = min(points, lot.expired - lot.gone)
        points -= gone
        book.lots[lot_id] = replace(lot, gone=lot.gone + gone)
    return points


def owe_what_was_spent(book: Book, family: tuple[LotId, ...], points: int, cause: PostingId) -> None:
    """What is left to take becomes debt. Points on hold come first: releasing them will pay for it."""
    left = points
    for lot_id in family:
        lot = book.lots[lot_id]
        claimed = min(left, lot.held - lot.claimed)
        left -= claimed
        book.lots[lot_id] = replace(lot, claimed=lot.claimed + claimed, owed=lot.owed + claimed)
    root = book.lots[family[0]]
    book.lots[root.id] = replace(root, owed=root.owed + left)
    book.owe(points, "reverse_earn", cause)


def give_back(book: Book, posting: Posting, redeemed: PostingId) -> None:
    """Return the points of a `reverse_redeem` to the lots of the redemption, or keep the posting until that comes."""
    redemption = book.redemptions.get(redeemed)
    if redemption is None:
        book.waiting.setdefault(redeemed, []).append(posting)
        return
    cause = id_of(posting)
    lines = allowed_lines(posting.lines, redemption.lines, redemption.restored_lines)
    by_line = redemption.lines and posting.lines
    points = min(sum_of(lines) if by_line else posting.points, redemption.points - redemption.restored)
    if points < posting.points:
        book.report("restored_too_much", cause, posting.points - points)
    pieces = list(redemption.pieces)
    # In the order in which they were taken: always the same, so that partial returns end where a full one ends (I14).
    for index, piece in enumerate(pieces):
        restored = min(points, piece.points - piece.restored)
        if restored:
            points -= restored
            pieces[index] = piece_of(piece.lot, piece.points, piece.restored + restored)
            put_back(book, piece.lot, restored, posting.keep_until, cause)
    book.redemptions[redeemed] = replace(
        redemption, pieces=tuple(pieces), restored_lines=add_lines(redemption.restored_lines, lines)
    )


def put_back(book: Book, lot_id: LotId, points: int, keep_until: int | None, cause: PostingId) -> None:
    """Spent points return to their lot, or to the child of it that ends at `keep_until` if that is later."""
    lot = book.lots[lot_id]
    if lot.expires_at is None or keep_until is None or keep_until <= lot.expires_at:
        book.lots[lot_id] = replace(lot, used=lot.used - points)
        book.set_free(lot_id, points, "reverse_redeem", cause)
        return
    book.lots[lot_id] = replace(lot, used=lot.used - points, moved=lot.moved + points)
    child_id = LotId(lot_id.op_id, lot_id.n, lot_id.member, keep_until)
    child = book.lots.get(child_id)
    if child is None:
        child = Lot(child_id, lot.source, 0, lot.available_from, keep_until)
        root = book.lots[root_of(lot_id)]
        book.lots[root.id] = replace(root, children=(*root.children, child_id))
    book.lots[child_id] = replace(child, points=child.points + points)
    book.set_free(child_id, points, "reverse_redeem", cause)


def allowed_lines(asked: LinePoints, whole: LinePoints, before: LinePoints) -> LinePoints:
    """Of what is asked of each line, what is left of it."""
    if not asked or not whole:
        return ()
    left = dict(whole)
    for line, points in before:
        left[line] -= points
    return tuple([(line, min(points, left[line])) for line, points in asked if left.get(line)])


def add_lines(before: LinePoints, more: LinePoints) -> LinePoints:
    """Both together, in the order of the lines."""
    if not before or not more:
        return tuple(sorted(before or more))
    sums = dict(before)
    for line, points in more:
        sums[line] = sums.get(line, 0) + points
    return tuple(sorted(sums.items()))


def sum_of(lines: LinePoints) -> int:
    """All points of the lines."""
    return sum([points for _, points in lines])
