"""sql: the store's side of what head office lends it: what a hold lacks, what was granted, what is reported back.

    need = lease_needed(tx, shop, caller, command)     # None: nobody has to be asked
    keep_lease(tx, shop, lease)                        # head office's answer
    end_leases(tx, shop, now_ms, uptime)               # what can be used no more goes back, as facts
    give_back(tx, shop, lease, now_ms)                 # so does what a refused hold was lent, at once
    let_go_lapsed(tx, shop, now_ms)                    # and holds that nobody came back for

A lease is ended by a fact of its own, behind all that was set aside on it: whoever has applied this life up to the fact
has seen everything that the lease ever paid for. What was ended is never taken into use again, however late its grant
arrives. A lease that only head office knows may have been used all the same: a store that lost its disk has fetched the
holds of an earlier life back, but not the lease. So what its holds took is asked for every lease.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from kiosk.points.accounts import open_account, view_account
from kiosk.points.feed_lending import delete_lease, save_lease
from kiosk.points.link import read_line
from kiosk.points.points import HoldPoints
from kiosk.shop import Caller, Shop
from loyalty.ids import derived_uuid
from loyalty.leases import Lease, LeaseHold, Loan, Uptime, remaining, unspent
from loyalty.lending import LAPSED_KEPT_MS
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.account import Hold
from loyalty.points.decide import release
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.lending import LeaseEnded
from sync.facts.points import PointsReleased, fact_postings
from sync.journal import Origin, find, read_head
from sync.protocol.commands import LeaseValue

_LEASES = """
SELECT id, member, points, epoch, boot, ends_at_ms,
    (SELECT coalesce(sum(points), 0) FROM hold_backing WHERE lease = lease.id)
FROM lease
"""
# By the name of the hold: after a merge it stands in the account of somebody else.
_OPEN = """
SELECT hold_backing.hold, hold_backing.member
FROM points_hold JOIN hold_backing ON hold_backing.hold = points_hold.id
WHERE state IN ('open', 'lapsed') AND expires_at <= ?
"""
# One of them that is not known here is of an answer that was lost, or of an earlier life.
_TOLD = "SELECT key, value FROM feed_row WHERE entity = 'lease' AND length(value) > 0 ORDER BY key"
_decode = msgspec.json.Decoder(LeaseValue).decode


class LeaseNeed(NamedTuple):
    """Points that head office has to lend before they can be set aside, and how far this store's journal has come."""

    member: UUID
    points: int
    epoch: str
    seq: int


class _Backed(NamedTuple):
    """A hold as it is now, whom it was placed for, and the points it took of a lease."""

    hold: Hold
    member: UUID
    points: int


def lease_needed(tx: Tx, shop: Shop, caller: Caller, command: HoldPoints) -> LeaseNeed | None:
    """What has to be lent for this hold; None where the line is down, leases cover it, it was placed before, or it will
    be refused because so many points are not there: nobody else should have to do without them for that."""
    line = read_line(tx)
    if line is None or not line.online or find(tx, command.id) is not None:
        return None
    group = group_of(tx, survivor_of(tx, command.member))
    epoch = shop.journal.epoch
    loans = [loan for loan, of in _loans(tx) if of == epoch and UUID(bytes=loan.lease.member) in group]
    lacking = command.points - sum(remaining(loan, caller.uptime) for loan in loans)
    if lacking <= 0:
        return None
    if view_account(tx, command.member, caller.now_ms).active < command.points:
        return None
    head = read_head(tx, epoch)
    return LeaseNeed(command.member, lacking, epoch_text(epoch), head.seq)


def keep_lease(tx: Tx, shop: Shop, lease: Lease) -> None:
    """Take a lease into use, unless its end was reported meanwhile."""
    if find(tx, _end_id(lease.id)) is None:
        save_lease(tx, shop.journal.epoch, lease)


def give_back(tx: Tx, shop: Shop, lease: UUID, now_ms: int) -> bool:
    """Report the end of a lease that was asked for in vain, because the hold was refused; False where another hold has
    taken of it meanwhile, or its end was reported."""
    loans = [loan for loan, _ in _loans(tx) if loan.lease.id == lease.bytes and not loan.taken]
    return any(_end(tx, shop, loan, "over", usable=False, now_ms=now_ms) for loan in loans)


def end_leases(tx: Tx, shop: Shop, now_ms: int, uptime: Uptime | None) -> int:
    """Report the end of each lease that can be used no more; how many."""
    ended = 0
    for loan, epoch in _loans(tx):
        mine = epoch == shop.journal.epoch
        usable = mine and remaining(loan, uptime) > 0
        ended += _end(tx, shop, loan, None if mine else "over", usable=usable, now_ms=now_ms)
    known = {loan.lease.id for loan, _ in _loans(tx)}
    for strange in _list_told(tx):
        if strange.id not in known and find(tx, _end_id(strange.id)) is None:
            ended += _end(tx, shop, Loan(strange, 0), "unknown", usable=False, now_ms=now_ms)
    return ended


def _list_told(tx: Tx) -> Iterator[Lease]:
    """The leases that head office tells of. One that this release cannot read must not keep all others from ending."""
    for key, value in tx.execute(_TOLD).fetchall():
        with contextlib.suppress(ValueError):
            told = _decode(value)
            yield Lease(id=UUID(key).bytes, member=told.member.bytes, points=told.points, boot="", ends_at_ms=0)


def let_go_lapsed(tx: Tx, shop: Shop, now_ms: int) -> None:
    """Release every hold that lapsed long ago, also those on no lease or on one that has ended: head office keeps the
    points of each hold that it has heard of until they have paid or are let go. Looks through all holds there
    ever were, so it is for now and then."""
    rows: dict[bytes, bytes] = dict(tx.execute(_OPEN, (now_ms - LAPSED_KEPT_MS,)).fetchall())
    _let_go(tx, shop, [_backed(tx, shop, hold, member, 0, now_ms) for hold, member in rows.items()], now_ms)


def _end(
    tx: Tx, shop: Shop, loan: Loan, reason: Literal["over", "unknown"] | None, *, usable: bool, now_ms: int
) -> int:
    """End one lease if nothing that was set aside on it can still pay; lets go what lapsed long ago. `reason` is why
    another life's lease ends, None for one of this life."""
    holds = _holds_on(tx, shop, loan.lease, now_ms)
    settled = [LeaseHold(each.points, each.hold.state, min(each.hold.captured, each.points)) for each in holds]
    back = unspent(loan.lease, settled)
    if back is None:
        _let_go(tx, shop, holds, now_ms)
        return 0
    paid = any(hold.state == "captured" for hold in settled)
    if usable and not paid:
        return 0
    lease, member = UUID(bytes=loan.lease.id), UUID(bytes=loan.lease.member)
    why = reason or ("settled" if paid else "over")
    body = LeaseEnded(lease=lease, member=member, points=loan.lease.points, unspent=back, why=why)
    shop.journal.record(tx, Origin(now_ms=now_ms), _end_id(lease.bytes), body)
    delete_lease(tx, lease.bytes)
    return 1


def _holds_on(tx: Tx, shop: Shop, lease: Lease, now_ms: int) -> list[_Backed]:
    """The holds on a lease as they are now. Each stands in the account of the member it was placed for, which is not
    the lease's where two were merged when it was placed and parted since."""
    rows = tx.execute("SELECT hold, member, points FROM hold_backing WHERE lease = ? ORDER BY hold, n", (lease.id,))
    return [_backed(tx, shop, hold, member, points, now_ms) for hold, member, points in rows.fetchall()]


def _backed(tx: Tx, shop: Shop, hold: bytes, member: bytes, points: int, now_ms: int) -> _Backed:
    of, name = UUID(bytes=member), UUID(bytes=hold)
    account = open_account(tx, of, name, shop.journal.epoch, now_ms, "open", [name]).account()
    return _Backed(account.holds[hold], of, points)


def _let_go(tx: Tx, shop: Shop, holds: Sequence[_Backed], now_ms: int) -> None:
    """Release what lapsed long ago: from then on it pays no more."""
    for hold, member, _ in holds:
        if hold.state != "lapsed" or now_ms - hold.expires_at < LAPSED_KEPT_MS:
            continue
        name = UUID(bytes=hold.id)
        op_id = derived_uuid(name, "release")
        opened = open_account(tx, member, op_id, shop.journal.epoch, now_ms, "open", [name])
        opened = opened.add(release(opened.account(), opened.stamp(), hold.id, lapsed=True))
        body = PointsReleased(
            hold=name, member=member, postings=fact_postings(opened.posted), balance=opened.account().balance
        )
        shop.journal.record(tx, Origin(now_ms=now_ms), op_id, body)


def _loans(tx: Tx) -> list[tuple[Loan, int]]:
    """Every lease that was not ended, with what was taken of it and the life that got it."""
    return [
        (Loan(Lease(id=lease, member=member, points=points, boot=boot, ends_at_ms=ends), taken), epoch)
        for lease, member, points, epoch, boot, ends, taken in tx.execute(_LEASES).fetchall()
    ]


def _end_id(lease: bytes) -> UUID:
    """The name of the fact that ends a lease: one for each, whoever finds it first."""
    return derived_uuid(UUID(bytes=lease), "lease end")
