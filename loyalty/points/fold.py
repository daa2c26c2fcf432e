"""pure: the ledger. `fold` makes an account of all its postings; `apply_postings` adds the newest; `view` lets time
pass.

    2026-01-05  earn 100, until 31 March     active 100
    2026-01-06  hold 80 for 15 minutes       active  20  held 80
    2026-01-06  redeem 80 with the hold      active  20
    2026-01-07  the goods of the 5th return  active   0  debt 80    20 were left, 80 were spent
    2026-01-09  earn 50                      active   0  debt 30    debt is settled first
    2026-01-09  redeemed goods return        active  50             80 come back, 30 settle what is owed

Nothing here decides and nothing is refused: the goods are gone. What breaks a rule becomes debt and an incident. The
answer depends on the set of postings only, not on the order in which they came (I11). Postings that name one which has
not come yet wait for it.

A clock set back changes nothing: an account is never looked at earlier than its newest posting.
"""

from collections.abc import Iterable, Sequence

from loyalty.points.account import Account
from loyalty.points.book import Book
from loyalty.points.bookings import BOOKED
from loyalty.points.facts import RETURNS, Merge, Posting, in_order, place_of, place_of_merge


def fold(postings: Iterable[Posting], as_of: int | None = None, merges: Iterable[Merge] = ()) -> Account:
    """The account of a member from all its postings, in any order, with time passed until `as_of`.

    Without `as_of`, or with one before the newest posting, the account is that of its newest posting: time writes
    nothing, so that is what may be stored. `merges` joins the accounts of several members into the last survivor's.

    Raises PostingConflict when one name stands for two facts, ValueError when two accounts are left over.
    """
    ordered = in_order(postings)
    joins = sorted({merge.op_id: merge for merge in merges}.values(), key=place_of_merge)
    if joins:
        book = _fold_group(ordered, joins)
    else:
        book = Book()
        if len({posting.member for posting in ordered}) > 1:
            raise ValueError("postings of several members without a merge")
        run_postings(book, ordered)
    if as_of is not None:
        book.settle()
        book.advance(as_of)
    return book.close()


def apply_postings(account: Account, postings: Iterable[Posting]) -> Account:
    """The account with further postings, which all come after those it has: the same as folding everything anew.

    Give all postings of one operation together, and each fact once: the account keeps no names of old postings, the
    unique key of the table that holds them does. Costs O(lots), and O(log lots) for each posting.

    Raises ValueError when only a new fold can answer; ask `takes` before.
    """
    ordered = in_order(postings)
    if not takes(account, ordered):
        raise ValueError("these postings sort before what is booked: fold all of them")
    return _extend(account, ordered)


def add_postings(
    account: Account, postings: Sequence[Posting], history: Iterable[Posting] = (), merges: Iterable[Merge] = ()
) -> Account:
    """The account with further postings: added where that is possible, else folded anew with `history` and `merges`,
    which then must be all that the account was made of. Raises as `fold`."""
    if takes(account, postings):
        return _extend(account, in_order(postings))
    return fold([*history, *postings], merges=merges)


def takes(account: Account, postings: Iterable[Posting]) -> bool:
    """Whether `apply_postings` can add them: all are new and sort last, nothing waits for a counterpart, and no further
    goods come back in the very instant of the last return, which is to be folded with that."""
    if account.waiting:
        return False
    first = min(postings, key=place_of, default=None)
    if first is None or account.last is None:
        return True
    if place_of(first) <= account.last or first.effective_at < account.as_of:
        return False
    return not (account.returning and first.kind in RETURNS and first.effective_at == account.last[0])


def view(account: Account, as_of: int) -> Account:
    """The account at a later instant: points become active, end, holds lapse, debt is settled. Nothing is written."""
    book = Book(account)
    book.advance(as_of)
    return book.close()


def _extend(account: Account, ordered: Sequence[Posting]) -> Account:
    book = Book(account)
    run_postings(book, ordered)
    return book.close()


def run_postings(book: Book, ordered: Sequence[Posting]) -> None:
    """Apply postings in their order.

    Debt is settled after every posting, except that goods which come back in one instant count as one return, in how
    many parts they were booked: it is settled once, after the last of them. So any split ends in the same lots (I14).
    """
    for posting in ordered:
        at, kind = posting.effective_at, posting.kind
        returning = kind in RETURNS
        if at > book.now or not returning:
            if book.debt:
                book.settle()
            if at >= book.due:
                book.advance(at)
            elif at > book.now:
                book.now = at
        BOOKED[kind](book, posting)
        if book.debt and not returning:
            book.settle()
    book.settle()
    if ordered:
        book.last, book.returning = place_of(ordered[-1]), ordered[-1].kind in RETURNS


def _fold_group(ordered: list[Posting], joins: list[Merge]) -> Book:
    """Fold the accounts of several members side by side and join them where they were merged."""
    books: dict[bytes, Book] = {}
    survivors: dict[bytes, bytes] = {}
    start = 0
    for join in joins:
        place = place_of_merge(join)
        end = next((i for i in range(start, len(ordered)) if place_of(ordered[i]) > place), len(ordered))
        _run_each(books, survivors, ordered[start:end])
        start = end
        into, absorbed = _survivor(survivors, join.into), _survivor(survivors, join.absorbed)
        if into == absorbed:
            continue  # merged before, perhaps through a third
        kept, lost = books.pop(into, None) or Book(), books.pop(absorbed, None) or Book()
        kept.advance(join.effective_at)
        lost.advance(join.effective_at)
        join_books(kept, lost)
        kept.last, kept.returning = max(filter(None, (kept.last, lost.last, place))), False
        books[into] = kept
        survivors[absorbed] = into
    _run_each(books, survivors, ordered[start:])
    if len(books) != 1:
        raise ValueError("these members were never merged into one")
    return next(iter(books.values()))


def _survivor(survivors: dict[bytes, bytes], member: bytes) -> bytes:
    """The member whose account holds the points of `member` now."""
    while member in survivors:
        member = survivors[member]
    return member


def _run_each(books: dict[bytes, Book], survivors: dict[bytes, bytes], ordered: list[Posting]) -> None:
    """Apply postings to the books of their members; each book sees its own, in order."""
    shares: dict[bytes, list[Posting]] = {}
    for posting in ordered:
        shares.setdefault(_survivor(survivors, posting.member), []).append(posting)
    for member, postings in shares.items():
        run_postings(books.setdefault(member, Book()), postings)


def join_books(kept: Book, lost: Book) -> None:
    """Two accounts at one instant become one: everything is added up, and what one has settles what the other owes."""
    kept.lots |= lost.lots
    kept.holds |= lost.holds
    kept.redemptions |= lost.redemptions
    kept.active += lost.active
    kept.pending += lost.pending
    kept.held += lost.held
    kept.debt += lost.debt
    kept.legs = sorted([*kept.legs, *lost.legs], key=lambda leg: leg.at)
    kept.incidents += lost.incidents
    for reference, postings in lost.waiting.items():
        kept.waiting.setdefault(reference, []).extend(postings)
    kept.long_waiting += lost.long_waiting
    kept.index()
    kept.settle()
