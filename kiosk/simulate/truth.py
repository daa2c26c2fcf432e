"""pure: what really happened in a universe, which no machine in it knows: it is what they are judged by."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kiosk.simulate.books import Books
from kiosk.simulate.entries import Entry


class Breach(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant, self.detail = invariant, detail


class Redeemed(NamedTuple):
    """Goods that left a shop for points. `disk` is the one that wrote it."""

    disk: str
    member: bytes
    floor: int
    leases: tuple[tuple[UUID, int], ...]


class Counts:
    """What went wrong in a universe, and how much was done in it."""

    def __init__(self) -> None:
        self.restores = 0
        self.clones = 0
        self.hub_restores = 0
        self.power_cuts = 0
        self.entries = 0
        self.redemptions = 0


class Truth:
    """What was written where, what still lies on some disk, and what copies of a disk may cost.

    `written` is by shop and epoch, then by number: every hash that some disk wrote there, with its operation. `owed` is
    every operation that survived: in the end it must count at head office, once. `spared` is the lease points that a
    copy of a disk may spend once more before anybody notices, by lease. `lent` is what was ever lent, `ever_held` what
    head office ever stored, by number, though it may have lost it since. `blind` are shops of which a disk went back in
    time, or ran twice, with nothing on it that tells. `nobody_knows` says that head office did: what it had lent since
    is lent again.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.written: dict[tuple[str, int], dict[int, dict[bytes, UUID]]] = {}
        self.owed: dict[tuple[str, UUID], bool] = {}
        self.redeemed: dict[tuple[str, UUID], Redeemed] = {}
        self.lent: dict[UUID, int] = {}
        self.lease_of: dict[UUID, bytes] = {}
        self.spared: dict[UUID, int] = {}
        self.taken_back: dict[bytes, int] = {}
        self.ever_held: dict[tuple[str, int], dict[int, dict[bytes, bool]]] = {}
        self.coupon_uses: dict[int, dict[UUID, str]] = {}
        self.disk_faults: dict[str, int] = {}
        self.blind: dict[str, bool] = {}
        self.nobody_knows = False

    def write(self, shop: str, disk: str, epoch: int, entry: Entry, *, again: bool = False) -> None:
        """A disk wrote an entry; `again` says that it is one of an earlier life, logged once more."""
        place = self.written.setdefault((shop, epoch), {}).setdefault(entry.seq, {})
        place[entry.hash] = entry.op_id
        if len(place) > 1 and not self.blind.get(shop):
            raise Breach("number", f"{disk} wrote {epoch:016x}/{entry.seq} a second time")
        self.owed[(shop, entry.op_id)] = True
        if again:
            return
        self.counts.entries += 1
        deed = entry.deed
        if deed.backing is not None:
            leases = tuple((part.lease, part.points) for part in deed.backing.leases)
            member = deed.postings[0].member.bytes
            self.redeemed[(shop, entry.op_id)] = Redeemed(disk, member, deed.backing.floor_points, leases)
            self.counts.redemptions += 1
        for posted in deed.postings:
            if posted.kind == "reverse_earn":
                member = posted.member.bytes
                self.taken_back[member] = self.taken_back.get(member, 0) - posted.points
        if deed.coupon is not None:
            self.coupon_uses.setdefault(deed.coupon, {})[entry.op_id] = shop

    def wrote(self, shop: str, epoch: int, seq: int, entry_hash: bytes) -> bool:
        """Whether some disk of the shop wrote that very entry."""
        return entry_hash in self.written.get((shop, epoch), {}).get(seq, {})

    def run_unnoticed(self, shop: str, books: Books) -> None:
        """A disk with these books runs although a newer one did, and nobody has noticed yet: it may use numbers again,
        and its leases may be spent once more."""
        self.blind[shop] = True
        for lease, granted in books.leases.items():
            self.spared[lease] = self.spared.get(lease, 0) + granted.points

    def survivors(self, shop: str, ops: Iterable[UUID]) -> None:
        """What lies on no disk of the shop and not at head office any more is nobody's debt; the rest stays owed."""
        kept = dict.fromkeys(ops)
        for key in [key for key in self.owed if key[0] == shop and key[1] not in kept]:
            del self.owed[key]
