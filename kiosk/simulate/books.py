"""pure: what lies on the disk of a simulated shop: the lives of its journal, its cursors, and what it read from head
office. A copy of it is a backup, or the image of a disk."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from kiosk.simulate.entries import ConsentSaid, Deed, Entry, link, write_content
from kiosk.simulate.told import Told
from loyalty.leases import Lease, Uptime
from loyalty.points.account import Account
from sync.chain import ZERO_HASH, Head, chain_hash
from sync.facts.backing import HoldBacking


class DiskFull(Exception):
    """There is no room on the disk: nothing was written."""


class Life:
    """One epoch of a journal. `given_up` is the last number that was deleted (by a planted bug; 0 in a sound shop)."""

    def __init__(self, epoch: int, ordinal: int, entries: list[Entry] | None = None) -> None:
        self.epoch, self.ordinal = epoch, ordinal
        self.entries: list[Entry] = entries or []
        self.given_up = 0

    @property
    def head(self) -> Head:
        """The newest entry; number 0 in an empty life."""
        return Head(self.epoch, len(self.entries), self.entries[-1].hash if self.entries else ZERO_HASH)

    def hash_at(self, seq: int) -> bytes | None:
        """The chain's hash behind entry `seq`, zeros for 0; None for one that is not there."""
        if seq == 0:
            return ZERO_HASH
        return self.entries[seq - 1].hash if 0 < seq <= len(self.entries) else None

    def after(self, seq: int, limit: int) -> list[Entry]:
        """Up to `limit` entries behind number `seq`; none where the first of them was given up."""
        return self.entries[seq : seq + limit] if seq >= self.given_up else []

    def copy(self) -> "Life":
        """The same life on another disk."""
        copied = Life(self.epoch, self.ordinal, self.entries.copy())
        copied.given_up = self.given_up
        return copied


class Books:
    """A shop's database.

    `accounts` are those that head office told, with everything of this shop in them up to `acknowledged` (by epoch);
    `in_accounts` is how far they really count, which only the judge looks at. `read_by` is the life that has read them,
    `read_at` the uptime when it did, `read_wall_ms` head office's clock then. `leases` belong to the newest life.
    `told` is everything else that head office has told. `sales` are those with their money, `backs` what came back of
    each, `begun` the bundles in use with their instant and price, `consents` what members said here, `backed` what
    stands behind each redemption.
    `is_rotten`: some bit of an entry is another than what was written (nobody knows until somebody looks).
    `answered` are epochs that a client knew, this disk did not, and a new life was begun for.
    """

    def __init__(self) -> None:
        self.lives: list[Life] = []
        self.places: dict[UUID, tuple[int, int]] = {}
        self.cursors: dict[int, Head] = {}
        self.nonce = 0
        self.answered: dict[int, bool] = {}
        self.used_coupons: dict[int, UUID] = {}
        self.sales: dict[UUID, Deed] = {}
        self.backs: dict[UUID, dict[UUID, int]] = {}
        self.begun: dict[int, tuple[int, int]] = {}
        self.consents: dict[UUID, dict[UUID, ConsentSaid]] = {}
        self.backed: dict[UUID, HoldBacking] = {}
        self.told = Told()
        self.leases: dict[UUID, Lease] = {}
        self.accounts: Mapping[bytes, Account] = {}
        self.acknowledged: dict[int, int] = {}
        self.in_accounts: Mapping[int, int] = {}
        self.read_by: int | None = None
        self.read_at: Uptime | None = None
        self.read_wall_ms = 0
        self.is_rotten = False

    @property
    def price(self) -> int:
        """The price that is sold at: that of the bundle in use that began last; 0 before the first."""
        newest = max(self.begun, key=lambda version: (self.begun[version][0], version), default=None)
        return self.begun[newest][1] if newest is not None else 0

    def is_sound(self) -> bool:
        """Whether the chain of every life holds, entry by entry; looked at where a bit may have flipped."""
        for life in self.lives if self.is_rotten else ():
            previous = ZERO_HASH
            for entry in life.entries:
                previous = chain_hash(life.epoch, entry.seq, previous, entry.content)
                if previous != entry.hash:
                    return False
        return True

    @property
    def life(self) -> Life:
        """The newest life."""
        return self.lives[-1]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The newest entry of every life, the open one last."""
        return tuple([life.head for life in self.lives])

    def life_of(self, epoch: int) -> Life | None:
        """The life with this epoch, if it is in these books."""
        return next((life for life in self.lives if life.epoch == epoch), None)

    def hash_at(self, epoch: int, seq: int) -> bytes | None:
        """The hash of entry (epoch, seq); None where these books have no such entry."""
        life = self.life_of(epoch)
        return life.hash_at(seq) if life is not None else None

    def append(self, op_id: UUID, kind: str, at: int, deed: Deed) -> Entry:
        """Write a new entry, durably, at the end of the open life."""
        return self.log(self.life, op_id, write_content(op_id, kind, at, deed), deed)

    def log(self, life: Life, op_id: UUID, content: bytes, deed: Deed) -> Entry:
        """Write exact bytes at the end of a life: also how an entry is logged again, or fetched back."""
        head = life.head
        entry = link(life.epoch, head.seq + 1, head.hash, op_id, content, deed)
        life.entries.append(entry)
        self.places[op_id] = (life.epoch, entry.seq)
        self._note(op_id, deed)
        return entry

    def _note(self, op_id: UUID, deed: Deed) -> None:
        """What is read again of an entry, by what it is read by."""
        if deed.coupon is not None:
            self.used_coupons.setdefault(deed.coupon.coupon, op_id)
        if deed.sold_minor:
            self.sales[op_id] = deed
        if deed.back is not None:
            self.backs.setdefault(deed.back.sale, {})[op_id] = deed.back.amount_minor
        if deed.begun is not None:
            begun = deed.begun
            self.begun[begun.version] = begun.active_at, begun.price
        if deed.backing is not None:
            self.backed[op_id] = deed.backing
        if deed.consent is not None:
            self.consents.setdefault(deed.consent.member, {})[op_id] = deed.consent

    def cut(self, life: Life, seq: int) -> list[Entry]:
        """Take what stands behind number `seq` out of a life."""
        taken = life.entries[seq:]
        del life.entries[seq:]
        for entry in taken:
            if self.places.get(entry.op_id) == (life.epoch, entry.seq):
                del self.places[entry.op_id]
                self.backed.pop(entry.op_id, None)
        return taken

    def entries(self) -> Iterator[tuple[Life, Entry]]:
        """Everything, oldest life first."""
        for life in self.lives:
            for entry in life.entries:
                yield life, entry

    def copy(self) -> "Books":
        """What a backup or an image of the disk holds."""
        copied = Books()
        copied.lives = [life.copy() for life in self.lives]
        copied.places = self.places.copy()
        copied.cursors = self.cursors.copy()
        copied.nonce = self.nonce
        copied.answered = self.answered.copy()
        copied.used_coupons = self.used_coupons.copy()
        copied.sales, copied.begun, copied.told = self.sales.copy(), self.begun.copy(), self.told
        copied.backed = self.backed.copy()
        copied.backs = {sale: backs.copy() for sale, backs in self.backs.items()}
        copied.consents = {member: words.copy() for member, words in self.consents.items()}
        copied.leases = self.leases.copy()
        copied.accounts = self.accounts
        copied.acknowledged = self.acknowledged.copy()
        copied.in_accounts = self.in_accounts
        copied.read_by, copied.read_at = self.read_by, self.read_at
        copied.read_wall_ms, copied.is_rotten = self.read_wall_ms, self.is_rotten
        return copied
