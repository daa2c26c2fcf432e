"""pure: may points be spent that head office cannot be asked about now, and what can a shop lose by it at the most?

Points that a lease covers (loyalty/leases.py) are always good. What it does not cover may be spent up to two limits in
money, called the floor: `member_limit_minor` (F) for one member at one store, `store_limit_minor` (C) for all members
at one store. They bound the redemptions that are **not yet acknowledged**, so no clock takes part, and a line that
comes and goes gains nothing.

**Acknowledged** is a redemption once the account that the store holds counts it: head office has applied it, and the
store has read everything up to there. That a message arrived is not enough. A store that pushed but could not read
would count from nothing again, on a balance of last week (tests/loyalty/test_worst_case.py shows that loss).

**The worst case.** k stores out of touch, and the rest of the chain or its web shop spends the balance meanwhile: each
of the k may then pay out once more what it believes is there.

    one member    k * min(F, C, account)            k stores out of touch, the rest of the chain can spend too
                  (k - 1) * min(F, C, account)      the k stores are all there is, and no lease is granted
    all members   at most k * C                     in one outage; what came to light before was debt already
    one coupon    (k - 1) * min(V, C)               V <= coupon_limit_minor; it counts in C, so it adds nothing to k * C
    leases        0; but the open leases of a store whose file was copied or restored, until that is noticed

With F 5.00 and C 100.00: a card in five silent stores 25.00, ten stores down 1,000.00. The formula of one outage,
max(0, k * F - balance), is too small: the balance can be spent where the line is up.
"""

from msgspec import Struct

from loyalty.errors import Conflict
from loyalty.leases import Loan, Uptime, draw


class LeaseNeeded(Conflict):
    """Head office has not set these points aside for this store yet."""

    code, hint = "lease_needed", "Try again in a moment; points can be used as soon as head office answers."


class AccountUnknown(Conflict):
    """Head office cannot be reached, and this store does not know the account."""

    code = "account_unknown"
    hint = "Sell without points. This purchase still earns, and points can be used when the line is back."


class AccountTooOld(Conflict):
    """Head office cannot be reached, and what this store knows of the account is too old."""

    code = "account_too_old"
    hint = "Sell without points. This purchase still earns, and points can be used when the line is back."


class MemberLimitReached(Conflict):
    """That is more than one member may use while head office cannot be reached."""

    code = "member_limit_reached"
    hint = "Use fewer points, up to the amount shown, or keep them until the line is back."


class StoreLimitReached(Conflict):
    """This store has given away as much as it may while head office cannot be reached."""

    code = "store_limit_reached"
    hint = "Sell without points and coupons; they can be used when the line is back."


class OfflinePolicy(Struct, frozen=True, kw_only=True):
    """What a store risks. The limits are minor units of the store's currency; 0 allows leases only. One coupon that
    other stores take too may give away `coupon_limit_minor`, within the store's limit."""

    member_limit_minor: int
    store_limit_minor: int
    account_max_age_ms: int
    coupon_limit_minor: int = 0


class MemberState(Struct, frozen=True, kw_only=True):
    """What a store knows of a member beside the balance. `account_age_ms` is how long ago head office said so, None if
    it never did; `unacknowledged_minor` is the floor already used."""

    loans: tuple[Loan, ...] = ()
    unacknowledged_minor: int = 0
    account_age_ms: int | None = None


class StoreState(Struct, frozen=True, kw_only=True):
    """The store itself: is the line up, how much floor is used for all members, the machine's uptime where known."""

    online: bool
    unacknowledged_minor: int = 0
    uptime: Uptime | None = None


class Backing(Struct, frozen=True):
    """What stands behind points that are set aside: (lease, points) of each lease, and the rest on the floor."""

    leases: tuple[tuple[bytes, int], ...] = ()
    floor_points: int = 0
    floor_minor: int = 0


def may_spend(points: int, value_minor: int, member: MemberState, store: StoreState, policy: OfflinePolicy) -> Backing:
    """What stands behind `points` worth `value_minor`, if they may be set aside now.

    Whether there are so many points was decided before, by `loyalty.points.decide.check_spending`. Leases come first;
    while the line is up nothing else counts, because head office can be asked for one. The floor is charged the share
    of the value that no lease covers, rounded up and at least 1: a value that is cut to 0 must not be spent for ever.

    points | value | leased | floor_points | floor_minor
    -------|-------|--------|--------------|------------
        50 |   500 |     80 |            0 |           0
        50 |   500 |     20 |           30 |         300
        50 |     3 |     20 |           30 |           2
        50 |     0 |      0 |           50 |           1

    Raises LeaseNeeded, AccountUnknown, AccountTooOld, MemberLimitReached or StoreLimitReached, in this order.
    """
    assert points >= 1, points
    assert value_minor >= 0, value_minor
    leases = draw(member.loans, points, store.uptime)
    floor_points = points - sum(part for _, part in leases)
    if not floor_points:
        return Backing(leases)
    if store.online:
        raise LeaseNeeded
    if member.account_age_ms is None:
        raise AccountUnknown
    if member.account_age_ms > policy.account_max_age_ms:
        raise AccountTooOld
    floor_minor = max(-(-value_minor * floor_points // points), 1)
    left_minor = max(policy.member_limit_minor - member.unacknowledged_minor, 0)
    if floor_minor > left_minor:
        raise MemberLimitReached(left_minor=left_minor)
    left_minor = max(policy.store_limit_minor - store.unacknowledged_minor, 0)
    if floor_minor > left_minor:
        raise StoreLimitReached(left_minor=left_minor)
    return Backing(leases, floor_points, floor_minor)


class CouponLimitReached(Conflict):
    """This coupon is worth more than may be given away while head office cannot be reached."""

    code = "coupon_limit_reached"
    hint = "Sell without the coupon; it can be used as soon as the line is back."


def may_risk_coupon(value_minor: int, unacknowledged_minor: int, policy: OfflinePolicy) -> None:
    """Whether a coupon that other stores take too may give away `value_minor` while nobody can be asked whether it was
    used. `unacknowledged_minor` is what the store has risked already, points and coupons together.

    Raises CouponLimitReached, StoreLimitReached.
    """
    assert value_minor >= 0, value_minor
    if value_minor > policy.coupon_limit_minor:
        raise CouponLimitReached(left_minor=policy.coupon_limit_minor)
    left_minor = max(policy.store_limit_minor - unacknowledged_minor, 0)
    if value_minor > left_minor:
        raise StoreLimitReached(left_minor=left_minor)


def account_age(read_at: int, read_uptime: Uptime | None, now_ms: int, now_uptime: Uptime | None) -> int | None:
    """How long ago a store had read everything, in milliseconds; None if nobody can say.

    The machine's uptime counts while it is the same boot: no person can set it. Over a reboot there is only the store's
    own clock, and one that was set back behind the reading says nothing.
    """
    if read_uptime is not None and now_uptime is not None and read_uptime.boot == now_uptime.boot:
        return now_uptime.ms - read_uptime.ms
    return now_ms - read_at if now_ms >= read_at else None


def worst_case_minor(
    policy: OfflinePolicy,
    silent_stores: int,
    *,
    members: int | None = None,
    account_minor: int | None = None,
    others_spend: bool = True,
    copied_leases_minor: int = 0,
) -> int:
    """The most that redemptions which head office has not seen yet can be short of, in minor units.

    `members` is how many could be abused, None any number; `account_minor` the most that one of them has;
    `others_spend` says that points can also go where the line is up: another store, the web shop, a lease;
    `copied_leases_minor` is the value of open leases of stores whose file was copied or restored. The module says why.

    >>> policy = OfflinePolicy(member_limit_minor=500, store_limit_minor=10_000, account_max_age_ms=0)
    >>> worst_case_minor(policy, 5, members=1), worst_case_minor(policy, 10)
    (2500, 100000)
    """
    each = min(policy.member_limit_minor, policy.store_limit_minor)
    if account_minor is not None:
        each = min(each, account_minor)
    total = silent_stores * policy.store_limit_minor
    if members is not None:
        places = silent_stores if others_spend else max(silent_stores - 1, 0)
        total = min(total, members * places * each)
    return total + copied_leases_minor
