"""sql: may these points be set aside now, with or without a line to head office? Asked once for each hold.

    backing = check_offline_policy(tx, shop, caller, member, points, value_minor)      # None: nobody else has a say
    PointsHeld(..., backing=backing)

A store that is enrolled nowhere answers after one look into an empty table. The rules are pure (loyalty/exposure.py);
here is what they are told.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from kiosk.answers import RedeemPreview
from kiosk.coupons.chain_coupons import coupons_at_risk
from kiosk.points.link import Line, read_line, read_restored
from kiosk.shop import Caller, Shop
from loyalty.errors import Problem
from loyalty.exposure import MemberState, OfflinePolicy, StoreState, account_age, may_spend
from loyalty.leases import Lease, Loan
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.decide import RedeemRules
from loyalty.transactions import Tx
from sync.facts.backing import HoldBacking, LeasePart

_LOANS = """
SELECT id, points, boot, ends_at_ms, (SELECT coalesce(sum(points), 0) FROM hold_backing WHERE lease = lease.id)
FROM lease WHERE member = ? AND epoch = ?
"""
# Life by life, so that the index finds what is not acknowledged without looking at what is.
_FLOOR = """
SELECT hold_backing.member, sum(floor_minor)
FROM life LEFT JOIN head_office_cursor ON head_office_cursor.epoch = life.epoch
CROSS JOIN hold_backing ON hold_backing.epoch = life.epoch AND hold_backing.seq > coalesce(acknowledged_seq, 0)
WHERE hold_backing.lease IS NULL
GROUP BY hold_backing.member
"""
# Enrolled in this life and not yet known to anybody else: all there is of this account happened in this store. Of an
# earlier life nobody knows that: the file may be an old copy, made before she went anywhere.
_ONLY_HERE = """
SELECT 1 FROM journal LEFT JOIN head_office_cursor ON head_office_cursor.epoch = journal.epoch
WHERE op_id = ? AND kind = 'member.enrolled' AND journal.epoch = ? AND seq > coalesce(pushed_seq, 0)
"""


def check_offline_policy(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, points: int, value_minor: int, *, unanswered: bool = False
) -> HoldBacking | None:
    """What stands behind `points` worth `value_minor` that are to be set aside; None without a head office. Members who
    were merged are one: they share the limits and the leases. `unanswered`: head office was asked just now and did not
    answer, so the line counts as down.

    Raises LeaseNeeded, AccountUnknown, AccountTooOld, MemberLimitReached, StoreLimitReached.
    """
    line = read_line(tx)
    if line is None:
        return None
    known, store = _states(tx, shop, caller, line, member)
    store = replace(store, online=store.online and not unanswered)
    backing = may_spend(points, value_minor, known, store, shop.terms.offline)
    parts = tuple(LeasePart(UUID(bytes=lease), part) for lease, part in backing.leases)
    return HoldBacking(leases=parts, floor_points=backing.floor_points, floor_minor=backing.floor_minor)


def limit_preview(
    tx: Tx, shop: Shop, caller: Caller, member: UUID, preview: RedeemPreview, *, asked: bool
) -> RedeemPreview:
    """What a quote may promise while head office cannot be reached: the most points of `preview` that could be set
    aside now, and why not all, where somebody `asked` for them or there are none. While the line is up head office is
    asked when they are set aside, so nothing is taken off here."""
    line = read_line(tx)
    if line is None or line.online or not preview.points:
        return preview
    known, store = _states(tx, shop, caller, line, member)
    rules, policy = shop.terms.program.redeem, shop.terms.offline
    refusal = _refusal_of(preview.points, rules, known, store, policy)
    if refusal is None:
        return preview
    least, most = 0, preview.points // rules.step
    while least < most:
        middle = (least + most + 1) // 2
        if _refusal_of(middle * rules.step, rules, known, store, policy) is None:
            least = middle
        else:
            most = middle - 1
    points = least * rules.step if least * rules.step >= rules.min_points else 0
    return RedeemPreview(points, rules.value_minor(points), refusal if asked or not points else None)


def _refusal_of(
    points: int, rules: RedeemRules, member: MemberState, store: StoreState, policy: OfflinePolicy
) -> str | None:
    try:
        may_spend(points, rules.value_minor(points), member, store, policy)
    except Problem as problem:
        return problem.code
    return None


def _states(tx: Tx, shop: Shop, caller: Caller, line: Line, member: UUID) -> tuple[MemberState, StoreState]:
    group = group_of(tx, survivor_of(tx, member))
    used = floor_used(tx)
    known = MemberState(
        loans=tuple(loan for each in group for loan in _loans(tx, shop.journal.epoch, each)),
        unacknowledged_minor=sum(used.get(each.bytes, 0) for each in group),
        account_age_ms=_account_age(tx, shop, caller, line, group),
    )
    risked = sum(used.values()) + coupons_at_risk(tx)
    store = StoreState(online=line.online, unacknowledged_minor=risked, uptime=caller.uptime)
    return known, store


def _loans(tx: Tx, epoch: int, member: UUID) -> list[Loan]:
    """The leases of this life. A file that was copied or restored is another life: it cannot know what was taken."""
    rows = tx.execute(_LOANS, (member.bytes, epoch)).fetchall()
    return [
        Loan(Lease(id=lease, member=member.bytes, points=points, boot=boot, ends_at_ms=ends_at_ms), taken)
        for lease, points, boot, ends_at_ms, taken in rows
    ]


def floor_used(tx: Tx) -> dict[bytes, int]:
    """What is not acknowledged, by member, in minor units."""
    return {member: int(minor) for member, minor in tx.execute(_FLOOR)}


def _account_age(tx: Tx, shop: Shop, caller: Caller, line: Line, group: Sequence[UUID]) -> int | None:
    """How old the account of these members, who are one, is as this store knows it, in milliseconds; None if it knows
    none. One whom others know makes it as old as what was heard of her.

    A life that has never read everything knows none: the file may be an old copy that forgot what it paid out. What a
    head office tells that was put back from a backup is as old as the backup.
    """
    epoch = shop.journal.epoch
    if all(tx.execute(_ONLY_HERE, (member.bytes, epoch)).fetchone() is not None for member in group):
        return 0
    if line.read_at is None or line.read_epoch != epoch:
        return None
    age = account_age(line.read_at, line.read_uptime, caller.now_ms, caller.uptime)
    restored = read_restored(tx, caller.now_ms)
    return age if age is None or restored is None else max(age, caller.now_ms - restored.known_until)
