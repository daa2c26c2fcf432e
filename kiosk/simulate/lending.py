"""pure: whose points may be spent where, asked of the real rules (loyalty.points, loyalty.exposure, loyalty.leases).

At a shop: the account that head office told, and on top of it what the shop has written since; then leases and the
floor. At head office: what is free of an account is what is active and not lent.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.simulate.books import Books
from kiosk.simulate.entries import Deed, deed_of, postings_of
from loyalty.exposure import Backing, MemberState, OfflinePolicy, StoreState, may_spend
from loyalty.leases import Lease, LeaseHold, Loan, Uptime, unspent
from loyalty.points.account import Account
from loyalty.points.decide import RedeemRules, Stamp, redeem
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings, takes, view
from sync.facts.backing import HoldBacking, LeasePart

RULES = RedeemRules()
"""One point is one minor unit."""


class CannotTell(Exception):
    """What the shop knows of the account cannot be added up now; no points are spent."""


def believed_account(books: Books, member: bytes) -> Account:
    """What a shop believes a member has. Raises CannotTell."""
    told = books.accounts.get(member, Account())
    at = max(told.as_of, told.last[0] if told.last else 0) + 1
    own: list[Posting] = []
    for life in books.lives:
        for entry in life.entries[books.acknowledged.get(life.epoch, 0) :]:
            if books.places[entry.op_id] == (life.epoch, entry.seq) and any(
                posted.member.bytes == member for posted in entry.deed.postings
            ):
                own += postings_of(entry.op_id, life.ordinal, entry.seq, at, entry.deed)
    mine = [posting for posting in own if posting.member == member]
    if not takes(told, mine):
        raise CannotTell
    return apply_postings(told, mine)


def decide_redemption(
    books: Books,
    stamp: Stamp,
    points: int,
    *,
    online: bool,
    uptime: Uptime | None,
    policy: OfflinePolicy,
    coupons_minor: int = 0,
) -> Deed:
    """The entry of a redemption, if it may be; `coupons_minor` is what the shop has risked in coupons. Raises the
    refusals of `redeem` and `may_spend`, and CannotTell."""
    account = believed_account(books, stamp.member)
    posting = redeem(account, RULES, stamp, points, points)
    used = floor_used(books)
    known = MemberState(
        loans=tuple(loans_of(books, stamp.member)),
        unacknowledged_minor=used.get(stamp.member, 0),
        account_age_ms=_account_age(books, stamp.member, uptime),
    )
    store = StoreState(online=online, unacknowledged_minor=sum(used.values()) + coupons_minor, uptime=uptime)
    return deed_of([posting], _backing_fact(may_spend(points, points, known, store, policy)))


def loans_of(books: Books, member: bytes) -> list[Loan]:
    """The leases of a member at a shop, and what was taken of each."""
    taken = taken_of_leases(books)
    return [Loan(lease, taken.get(id_, 0)) for id_, lease in books.leases.items() if lease.member == member]


def taken_of_leases(books: Books) -> dict[UUID, int]:
    """What the books say was spent of each lease."""
    taken: dict[UUID, int] = {}
    for backing in books.backed.values():
        for part in backing.leases:
            taken[part.lease] = taken.get(part.lease, 0) + part.points
    return taken


def floor_used(books: Books) -> dict[bytes, int]:
    """What was spent on the floor and is not acknowledged, by member, in minor units."""
    used: dict[bytes, int] = {}
    for life in books.lives:
        for entry in life.entries[books.acknowledged.get(life.epoch, 0) :]:
            backing = entry.deed.backing
            if backing is not None and backing.floor_minor:
                member = entry.deed.postings[0].member.bytes
                used[member] = used.get(member, 0) + backing.floor_minor
    return used


def unspent_of(books: Books, lease: Lease) -> int:
    """What the report of a lease's end gives back."""
    taken = taken_of_leases(books).get(UUID(bytes=lease.id), 0)
    left = unspent(lease, [LeaseHold(taken, "captured", taken)] if taken else [])
    assert left is not None, "nothing is on hold in these books"
    return left


def _account_age(books: Books, member: bytes, uptime: Uptime | None) -> int | None:
    """A life that never read everything knows no account; a reboot loses the clock that counted its age."""
    if books.read_by != books.life.epoch or member not in books.accounts or books.read_at is None or uptime is None:
        return None
    return uptime.ms - books.read_at.ms if uptime.boot == books.read_at.boot else None


def _backing_fact(backing: Backing) -> HoldBacking:
    leases = tuple(LeasePart(UUID(bytes=lease), points) for lease, points in backing.leases)
    return HoldBacking(leases=leases, floor_points=backing.floor_points, floor_minor=backing.floor_minor)


class Lent(Struct, frozen=True, kw_only=True):
    """A lease at head office. `points` are set aside for the shop, `spent` of them came back as redemptions."""

    shop: str
    member: bytes
    points: int
    spent: int = 0

    @property
    def outstanding(self) -> int:
        """The points that the shop may still have spent, or spend."""
        return max(self.points - self.spent, 0)


def free_points(account: Account, lent: Iterable[Lent], now_ms: int) -> int:
    """What head office can lend of an account: what is active and not lent already."""
    return view(account, max(now_ms, account.as_of)).active - sum(each.outstanding for each in lent)


def settle_leases(lent: Mapping[UUID, Lent], deed: Deed) -> dict[UUID, Lent]:
    """The leases that an entry changes: what it spent of them, and the end of one that it reports.

    A report gives back only what head office has not seen spent: the shop may have forgotten an entry that arrived.
    """
    changed: dict[UUID, Lent] = {}
    for part in deed.backing.leases if deed.backing else ():
        lease = changed.get(part.lease) or lent.get(part.lease)
        if lease is not None:
            changed[part.lease] = replace(lease, spent=lease.spent + part.points)
    if deed.ended is not None and (lease := lent.get(deed.ended.lease)) is not None:
        back = min(deed.ended.unspent, lease.outstanding)
        changed[deed.ended.lease] = replace(lease, points=lease.points - back)
    return changed
