"""pure: what really happened in a universe, which no machine in it knows: it is what they are judged by."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kiosk.simulate.books import Books
from kiosk.simulate.entries import CouponUse, Deed, Entry, GoodsBack


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


class Receipt(NamedTuple):
    """The paper of a sale."""

    op: UUID
    shop: str
    paid_minor: int


class Counts:
    """What went wrong in a universe, and how much was done in it."""

    def __init__(self) -> None:
        self.restores = 0
        self.full_disks = 0
        self.bit_flips = 0
        self.reservations = 0
        self.bundles = 0
        self.snapshots = 0
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
    is lent again. `card_moves` and `goods_back` are by card and by sale, whatever became of the disk that wrote them;
    `forgotten` is what head office had kept of a coupon, a card or a sale when it was put back. `earned` is the points
    of each sale; head office had `counted` some of them when it was put back, and did not have them any more. `planned`
    is the instant of each price and when it was decided, `versions` the bundle of each, whether it was forgotten or
    not; head office took those `withdrawn` back and forgot the `unplanned`.
    `wrong_clocks` are shops whose clock was ever wrong. `said` are the words of members, each with its turn.
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
        self.coupon_uses: dict[int, dict[UUID, tuple[str, CouponUse]]] = {}
        self.cards: list[int] = []
        self.card_moves: dict[int, dict[UUID, tuple[str, int]]] = {}
        self.receipts: list[Receipt] = []
        self.goods_back: dict[UUID, dict[UUID, tuple[str, GoodsBack]]] = {}
        self.forgotten: dict[tuple[str, int | UUID], list[tuple[int, int]]] = {}
        self.earned: dict[tuple[str, UUID], tuple[bytes, int]] = {}
        self.counted: dict[tuple[str, UUID], bool] = {}
        self.planned: dict[int, tuple[int, int]] = {}
        self.versions: dict[int, int] = {}
        self.withdrawn: dict[int, bool] = {}
        self.unplanned: dict[int, bool] = {}
        self.wrong_clocks: dict[str, bool] = {}
        self.said: dict[UUID, tuple[int, bool]] = {}
        self._turns = 0
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
            if posted.kind == "earn":
                self.earned[(shop, entry.op_id)] = posted.member.bytes, posted.points
            if posted.kind == "reverse_earn":
                member = posted.member.bytes
                self.taken_back[member] = self.taken_back.get(member, 0) - posted.points
        self._write_vouchers(shop, entry.op_id, deed)

    def _write_vouchers(self, shop: str, op: UUID, deed: Deed) -> None:
        if deed.coupon is not None:
            self.coupon_uses.setdefault(deed.coupon.coupon, {})[op] = shop, deed.coupon
        if deed.card is not None:
            self.card_moves.setdefault(deed.card.card, {})[op] = shop, deed.card.amount_minor
        if deed.back is not None:
            self.goods_back.setdefault(deed.back.sale, {})[op] = shop, deed.back
        if deed.sold_minor:
            self.receipts.append(Receipt(op, shop, deed.sold_minor))
        if deed.consent is not None:
            self._turns += 1
            self.said[op] = self._turns, deed.consent.granted

    def new_card(self) -> int:
        """The number of a gift card that nobody has."""
        self.cards.append(len(self.cards) + 1)
        return self.cards[-1]

    def forget(self, subject: tuple[str, int | UUID], amount: int, from_ms: int) -> None:
        """Head office does not know any more that it kept something of this, and may keep it once more from then on."""
        self.forgotten.setdefault(subject, []).append((amount, from_ms))

    def excuse(self, subject: tuple[str, int | UUID], now_ms: int) -> int:
        """So much may be kept, and used, once more."""
        return sum(amount for amount, from_ms in self.forgotten.get(subject, ()) if now_ms >= from_ms)

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
