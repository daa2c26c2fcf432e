"""pure: the points of one member while one operation is decided, posting by posting.

    anna = OpenAccount(member=…, op_id=…, at=…, origin=epoch, before=account)   # loyalty/points_store.py reads it
    anna = anna.add(take_back(anna.account(), anna.stamp(), earned, lines))
    anna = anna.add(capture(anna.account(), anna.stamp(), hold, 80))
    anna.posted        # what the fact carries; apply writes it

Each decision sees what the postings before it have made of the account, and nothing is written until all are decided.
"""

from msgspec import Struct
from msgspec.structs import replace

from loyalty.points.account import Account
from loyalty.points.decide import Stamp
from loyalty.points.facts import Merge, Posting
from loyalty.points.fold import apply_postings, takes, view
from loyalty.points.told import Told, make_account

UNWRITTEN = 2**63 - 1
"""The number of an entry that is not written yet: it comes after all that are."""


class OpenAccount(Struct, frozen=True, kw_only=True):
    """One member's account, and what the operation `op_id` has posted to it so far.

    `account_of` is the member whose account it is: another one where `member` was merged into her. `at` is the
    effective time of its postings and `origin` the life of the database that will write them. `history`, `merges` and
    `told` are needed only where the account cannot simply be added to (`fold.takes`). The first posting gets the number
    `first`. `is_kept`: there are rows of the account.
    """

    member: bytes
    op_id: bytes
    at: int
    origin: int
    before: Account
    account_of: bytes
    history: tuple[Posting, ...] = ()
    merges: tuple[Merge, ...] = ()
    told: tuple[Told, ...] = ()
    posted: tuple[Posting, ...] = ()
    first: int = 1
    is_kept: bool = True

    def stamp(self) -> Stamp:
        """The name and place of the next posting."""
        n = self.first + len(self.posted)
        return Stamp(self.member, self.op_id, n, self.at, self.origin, UNWRITTEN)

    def for_member(self, member: bytes) -> "OpenAccount":
        """The same account, for further postings of another member who shares it."""
        return replace(self, member=member)

    def add(self, *postings: Posting | None) -> "OpenAccount":
        """With further postings; None is nothing to post."""
        return replace(self, posted=(*self.posted, *(posting for posting in postings if posting is not None)))

    def account(self) -> Account:
        """The account at this moment, all that was posted included."""
        account = self._with_posted() if self.posted else self.before
        return view(account, self.at) if account.as_of < self.at else account

    def _with_posted(self) -> Account:
        if takes(self.before, self.posted):
            return apply_postings(self.before, self.posted)
        return make_account([*self.history, *self.posted], self.merges, self.told)

    def folded(self) -> "Folded":
        """The account at this moment, with what it takes to write it down without folding it again."""
        extends = bool(self.posted) and takes(self.before, self.posted)
        return Folded(self.account_of, self.before, self.account(), self.posted, extends, self.is_kept)


class Folded(Struct, frozen=True):
    """What one operation made of one account, as its decision saw it.

    `extends`: the postings were added to `before`, so that the rows which changed are all there is to write. Where they
    were not, the account is to be folded anew by whoever writes. `is_kept`: there are rows of `before`.
    """

    account_of: bytes
    before: Account
    after: Account
    posted: tuple[Posting, ...]
    extends: bool
    is_kept: bool = True


def effective_at(now: int, origin: int, newest_of_origin: int, before: Account) -> int:
    """When a posting counts that is made at `now` (milliseconds since 1970 UTC): never before what this life of the
    database or this account has seen already, however far a clock is set back.

    It sorts last in the account, behind the postings of other lives too, so what was decided is what the fold books.
    """
    at = max(now, newest_of_origin, before.as_of)
    return at + 1 if before.last is not None and before.last[:2] > (at, origin) else at
