"""pure: what must always hold in a universe, and what must hold when all trouble is over. Each raises Breach.

chain        what head office stores is exactly what some disk of that shop wrote there, without a gap
double       an operation has its effect once
number       a number of an epoch is used once, except by a disk that nothing tells that it is an older one
needless     a shop gives an epoch up only if something has happened to its disk
conflict     an operation never has two contents, unless a disk has forgotten the first
cursor       a shop's cursor is a place that both sides have; it falls only when head office was put back
late         only the answer to the request under way moves a cursor
copies       in the end one disk of each shop runs, however many there were
ledger       accounts are the fold of their postings and keep I1 to I14 as far as they are about points
floor        what one disk redeems on the floor beyond what it knows head office has counted stays within its limits
lease        a lease is spent once, except by a copy that nobody could have noticed
lending      what is lent and what is lent already is there
answered     what a till was told is done is on the disk
lost         what survived on any disk counts at head office in the end
drained      in the end nothing waits, no chain differs, nobody is shut out
overspent    the debt of a member is explained by floors, copies, goods that came back and sales that are lost

More stand in invariants_kept and invariants_told.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from kiosk.simulate.books import Books
from kiosk.simulate.hub_books import HubBooks, Place, Received
from kiosk.simulate.invariants_kept import check_nothing_kept
from kiosk.simulate.invariants_told import check_rows
from kiosk.simulate.truth import Breach
from kiosk.simulate.world import World
from loyalty.exposure import worst_case_minor
from loyalty.points.account import Account
from loyalty.points.fold import fold, view
from loyalty.points.invariants import check
from sync.chain import ZERO_HASH, Head, chain_hash
from sync.protocol.push_state import StorePush

if TYPE_CHECKING:
    from kiosk.simulate.shop import Shop


def check_stored(world: World, books: HubBooks, place: Place, fresh: Iterable[Received]) -> None:
    """What a push has just stored goes on where the chain ended, and a disk of the shop wrote it there."""
    shop, epoch = place
    kept = books.inbox[place]
    for entry in fresh:
        if entry.seq > len(kept) or kept[entry.seq - 1] is not entry:
            raise Breach("chain", f"{shop} {epoch:016x}/{entry.seq} is not at its number")
        previous = kept[entry.seq - 2].hash if entry.seq > 1 else ZERO_HASH
        if chain_hash(epoch, entry.seq, previous, entry.content) != entry.hash:
            raise Breach("chain", f"{shop} {epoch:016x}/{entry.seq} does not follow the entry before it")
        if not world.truth.wrote(shop, epoch, entry.seq, entry.hash):
            raise Breach("chain", f"nobody ever wrote {shop} {epoch:016x}/{entry.seq} as head office has it")


def check_effects(world: World, books: HubBooks, ops: Iterable[tuple[str, UUID]]) -> None:
    """Operations that were just applied had their effect once, and one content: a till that got no answer asks again
    under the same id, and a disk that went back in time meanwhile writes it anew."""
    for key in ops:
        if books.effects.get(key, 0) > 1:
            raise Breach("double", f"{key[0]} {key[1]} counts {books.effects[key]} times")
    for shop, op_id in books.conflicts:
        if world.truth.disk_faults.get(shop):
            continue
        raise Breach("conflict", f"{shop} {op_id} came with two contents")


def check_cursor(world: World, shop: "Shop", head: Head) -> None:
    """A cursor that is about to be saved."""
    own = shop.books.hash_at(head.epoch, head.seq)
    if own != head.hash:
        raise Breach("cursor", f"{shop.disk} moves to {head.epoch:016x}/{head.seq}, which it does not have")
    if head.seq and not world.truth.wrote(shop.shop, head.epoch, head.seq, head.hash):
        raise Breach("cursor", f"{shop.disk} moves to {head.epoch:016x}/{head.seq}, which nobody wrote")
    held = world.truth.ever_held.get((shop.shop, head.epoch), {})
    if head.seq and head.hash not in held.get(head.seq, {}):
        raise Breach("cursor", f"{shop.disk} moves to {head.epoch:016x}/{head.seq}, which head office never held")


def check_late(disk: str, before: StorePush, after: StorePush, request: int) -> None:
    """An answer has just been heard: one that nobody waits for moves nothing."""
    if before.in_flight is not None and before.in_flight.request == request:
        return
    if [cursor.acknowledged for cursor in before.cursors] != [cursor.acknowledged for cursor in after.cursors]:
        raise Breach("late", f"{disk} has moved its cursors for an answer to request {request}, which is over")


def check_accounts(books: HubBooks, members: Iterable[bytes], *, quick: bool) -> None:
    """The accounts of these members; `quick` leaves out what folds everything again in other orders."""
    for member in members:
        account, postings = books.accounts.get(member, Account()), books.postings.get(member, [])
        if quick:
            if min(account.active, account.pending, account.held, account.debt) < 0 or (
                account.debt and account.active
            ):
                raise Breach("ledger", f"I3: {account.balance}")
            if fold(postings).balance != account.balance:
                raise Breach("ledger", f"I1: {member.hex()} is kept as {account.balance}")
            continue
        breaches = check(account, postings)
        if breaches:
            raise Breach("ledger", breaches[0])


def check_floor(world: World, shop: "Shop", member: bytes | None) -> None:
    """A shop has just let points of a member go on the floor, or (None) taken a coupon on trust: what no account that
    it was told counts stays within the limits, for the member and for the shop."""
    books, policy = shop.books, world.mix.policy
    uncounted: dict[bytes, int] = {}
    for life, entry in books.entries():
        backing, coupon = entry.deed.backing, entry.deed.coupon
        if (backing is None and coupon is None) or books.places[entry.op_id] != (life.epoch, entry.seq):
            continue
        if entry.seq > books.in_accounts.get(life.epoch, 0):
            who = entry.deed.postings[0].member.bytes if backing is not None else b""
            risk = backing.floor_minor if backing is not None else coupon.risk_minor if coupon is not None else 0
            uncounted[who] = uncounted.get(who, 0) + risk
    limit = worst_case_minor(policy, 1, members=1)
    if member is not None and uncounted.get(member, 0) > limit:
        raise Breach("floor", f"{shop.disk} let {uncounted[member]} of a member go, {limit} is the limit")
    if sum(uncounted.values()) > worst_case_minor(policy, 1):
        raise Breach("floor", f"{shop.disk} let {sum(uncounted.values())} go in all")


def check_leases(world: World) -> None:
    """Every lease, over all disks that ever spent of it."""
    truth = world.truth
    spent: dict[UUID, int] = {}
    for redeemed in truth.redeemed.values():
        for lease, points in redeemed.leases:
            spent[lease] = spent.get(lease, 0) + points
    for lease, points in spent.items():
        allowed = truth.lent.get(lease, 0) + truth.spared.get(lease, 0)
        if points > allowed:
            raise Breach("lease", f"{points} points were spent of a lease of {allowed}")


def check_lending(world: World, books: HubBooks, disks: Iterable["Shop"], member: bytes, points: int, now: int) -> None:
    """Head office is about to lend: what shops may still spend of other leases, or have spent and not reported, is not
    in it."""
    truth = world.truth
    left = 0
    for disk in disks:
        if disk.scrapped or disk.books.nonce not in disk.sidecar.nonces:
            continue  # nobody sells there; a backup that was put back voids its leases before it sells anything
        spent = spent_of_leases(disk.books)
        for lease in disk.books.leases.values():
            if lease.member == member:
                left += max(0, lease.points - spent.get(UUID(bytes=lease.id), 0))
    unseen = sum(
        points
        for key, redeemed in truth.redeemed.items()
        if redeemed.member == member and key in truth.owed and key not in books.applied
        for _, points in redeemed.leases
    )
    account = books.accounts.get(member, Account())
    active = view(account, max(account.as_of, now)).active
    spared = sum(points for lease, points in truth.spared.items() if truth.lease_of.get(lease) == member)
    if points + left + unseen > active + spared and not truth.nobody_knows:
        raise Breach("lending", f"{points} lent, {left} may still be spent, {unseen} was, and {active} are there")


def spent_of_leases(books: Books) -> dict[UUID, int]:
    """What one disk has spent of each lease."""
    spent: dict[UUID, int] = {}
    for _, entry in books.entries():
        for part in entry.deed.backing.leases if entry.deed.backing else ():
            spent[part.lease] = spent.get(part.lease, 0) + part.points
    return spent


def check_end(world: World, hub: HubBooks, shops: Iterable["Shop"]) -> None:
    """All trouble is over and everybody had the time to agree."""
    running = list(shops)
    if len({shop.shop for shop in running}) < len(running):
        raise Breach("copies", f"{[shop.disk for shop in running]} run, and nobody has noticed")
    for shop in running:
        _check_drained(shop, hub)
        check_rows(shop, hub)
    check_nothing_kept(hub)
    for key in world.truth.owed:
        if key not in hub.effects:
            raise Breach("lost", f"{key[0]} {key[1]} survived and does not count at head office")
    check_effects(world, hub, hub.effects)
    check_accounts(hub, hub.accounts, quick=False)
    _check_debt(world, hub)


def _check_drained(shop: "Shop", hub: HubBooks) -> None:
    if shop.agent is None:
        raise Breach("drained", f"{shop.disk} does not run")
    acknowledged = {cursor.epoch: cursor.acknowledged for cursor in shop.agent.push.cursors}
    for life in shop.books.lives:
        held = hub.inbox.get((shop.shop, life.epoch), [])
        cursor = acknowledged.get(life.epoch)
        if cursor != life.head and life.entries:
            raise Breach("drained", f"{shop.disk} {life.epoch:016x}: cursor {cursor}, head {life.head.seq}")
        if [entry.hash for entry in held] != [entry.hash for entry in life.entries]:
            raise Breach("drained", f"{shop.disk} {life.epoch:016x}: {len(life.entries)} here, {len(held)} there")


def _check_debt(world: World, hub: HubBooks) -> None:
    truth = world.truth
    for member, account in hub.accounts.items():
        floor = sum(redeemed.floor for redeemed in truth.redeemed.values() if redeemed.member == member)
        spared = sum(points for lease, points in truth.spared.items() if truth.lease_of.get(lease) == member)
        back = truth.taken_back.get(member, 0)
        # Head office had counted these sales and lent their points. It went back to before them when their disk was
        # gone, too: what was spent of them is spent, and that no copy of them is left is not promised.
        lost = sum(
            points
            for key, (whose, points) in truth.earned.items()
            if whose == member and key in truth.counted and key not in hub.effects
        )
        if account.debt > floor + spared + back + lost and not truth.nobody_knows:
            explained = f"floor {floor}, copies {spared}, taken back {back}, sales lost {lost}"
            raise Breach("overspent", f"{account.debt} owed; {explained}")
