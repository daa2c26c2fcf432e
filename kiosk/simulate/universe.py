"""pure: one universe: a mix drawn from its seed, a time of trouble, the healing, and the reckoning.

universe = Universe(random.Random(seed), REAL)
result = universe.run()
result.breach        # None, or the invariant that does not hold, the step, and what was wrong
"""

from uuid import UUID

from msgspec import Struct

from kiosk.simulate.chance import Chance, draw_bytes
from kiosk.simulate.faults import Faults
from kiosk.simulate.feed import GLOBAL, bucket_of
from kiosk.simulate.head_office import HeadOffice
from kiosk.simulate.invariants import check_accounts, check_end, check_leases
from kiosk.simulate.invariants_told import check_last_price
from kiosk.simulate.machines import REAL, Machines
from kiosk.simulate.network import GOOD, Manners
from kiosk.simulate.office import LEAD_MS, Office, Planned
from kiosk.simulate.shop import Shop
from kiosk.simulate.till import Till
from kiosk.simulate.truth import Breach, Counts
from kiosk.simulate.wishes import Customers
from kiosk.simulate.world import Mix, World
from loyalty.exposure import OfflinePolicy

LOOK_EVERY = 50
"""After so many steps everything is checked, not only what was touched."""
CATALOGUE = 501
"""One product more than a page holds."""
_LOOK_MS = 20_000
_HEALED_MS = 3_600_000


class Wrong(Struct, frozen=True):
    """An invariant that does not hold, and at which step that was seen."""

    invariant: str
    step: int
    detail: str


class Result(Struct, frozen=True):
    """What became of a universe. `trace` is its last lines."""

    breach: Wrong | None
    steps: int
    counts: Counts
    trace: tuple[str, ...]


def draw_mix(chance: Chance) -> Mix:
    """What a universe is made of. About half of all kinds of trouble are on in each."""

    def sometimes(rate: float) -> float:
        return rate * chance.random() if chance.random() < 0.5 else 0.0

    leases = chance.random() < 0.6
    return Mix(
        shops=1 + chance.randrange(0, 4),
        members=1 + chance.randrange(0, 3),
        coupons=chance.randrange(0, 4),
        tills=1 + chance.randrange(0, 2),
        seconds=chance.randrange(200, 700),
        pause_ms=chance.randrange(5_000, 40_000),
        manners=Manners(
            loss=sometimes(0.5),
            doubling=sometimes(0.4),
            late=sometimes(0.3),
            replay=sometimes(0.3),
            delay_ms=chance.choice((20, 200, 2_000)),
        ),
        apply_ms=chance.choice((1_000, 4_000, 30_000)),
        leases=leases,
        expiry=not leases and chance.random() < 0.5,
        returns=not leases and chance.random() < 0.5,
        power_cut=sometimes(0.04),
        hub_crash=sometimes(0.03),
        hub_restore=sometimes(0.06),
        forgotten_timeline=chance.choice((0.0, 0.5)),
        restore=sometimes(0.05),
        revert=sometimes(0.05),
        new_disk=sometimes(0.03),
        clone=sometimes(0.03),
        cut_line=sometimes(0.1),
        clock_jump=sometimes(0.05),
        full_disk=sometimes(0.04),
        bit_flip=sometimes(0.04),
        kiosks=chance.randrange(0, 2),
        cards=chance.random() < 0.7,
        bundles=chance.random() < 0.7,
        consents=chance.random() < 0.7,
        catalogue=CATALOGUE if chance.random() < 0.04 else 0,
        snapshots=chance.random() < 0.7,
        policy=OfflinePolicy(
            member_limit_minor=chance.choice((0, 20, 50)),
            store_limit_minor=chance.choice((0, 40, 200)),
            account_max_age_ms=chance.choice((60_000, 86_400_000)),
            coupon_limit_minor=chance.choice((0, 8, 20)),
        ),
    )


class Universe:
    """Shops, their tills, head office, and everything between them."""

    def __init__(
        self, chance: Chance, machines: Machines = REAL, mix: Mix | None = None, *, keep_trace: bool = False
    ) -> None:
        mix = mix or draw_mix(chance)
        self.world = World(chance, mix, machines, keep_trace=keep_trace)
        self.hub = HeadOffice(self.world)
        self.members = [UUID(int=number).bytes for number in range(1, mix.members + 1)]
        names = tuple(f"s{number}" for number in range(1, mix.shops + 1))
        coupons = {number: chance.choice((names, names[:1])) for number in range(1, 3 * mix.coupons + 1)}
        for name in names:
            store = UUID(bytes=draw_bytes(chance, 16))
            self.hub.disks.append(Shop(self.world, self.hub, name, store, name))
        self.customers = Customers(self.world, self.members, coupons)
        self.office = Office(self.world, self.hub)
        self.last: Planned | None = None
        self.faults = Faults(self.world, self.hub, self.add_till)

    def run(self) -> Result:
        """Trouble, healing, reckoning."""
        try:
            self.start()
            self.run_for(self.world.mix.seconds * 1_000)
        except Breach as wrong:
            return self.broken(wrong)
        return self.reckon()

    def reckon(self) -> Result:
        """Healing and reckoning."""
        try:
            self.heal()
            self.check_end()
        except Breach as wrong:
            return self.broken(wrong)
        return self._result(None)

    def broken(self, wrong: Breach) -> Result:
        """An invariant does not hold."""
        self.world.note("BREACH", str(wrong))
        return self._result(Wrong(wrong.invariant, self.world.scheduler.steps, wrong.detail))

    def _result(self, breach: Wrong | None) -> Result:
        return Result(breach, self.world.scheduler.steps, self.world.truth.counts, tuple(self.world.trace))

    def start(self) -> None:
        """Open the shops."""
        for shop in self.hub.disks:
            shop.start()
            for _ in range(self.world.mix.tills):
                self.add_till(shop)
            for _ in range(self.world.mix.kiosks):
                Till(self.world, shop, self.customers, at_kiosk=True).open()

    def add_till(self, shop: Shop) -> None:
        """One more till at a disk."""
        Till(self.world, shop, self.customers).open()

    def run_for(self, duration_ms: int) -> None:
        """Let time pass."""
        scheduler = self.world.scheduler
        until_ms = scheduler.now_ms + duration_ms
        while scheduler.step(until_ms) is not None:
            if scheduler.steps % LOOK_EVERY == 0:
                self.check_everything()

    def check_everything(self) -> None:
        """What touches did not show: every account that changed since, in full, and every lease."""
        check_accounts(self.hub.books, list(self.hub.stale), quick=False)
        self.hub.stale.clear()
        check_leases(self.world)

    def heal(self) -> None:
        """No more trouble: lines are up, clocks right, services started. Run until everybody agrees, an hour at the
        most."""
        world = self.world
        world.trouble = False
        world.note("all", "the trouble is over")
        world.network.manners = GOOD
        world.network.cut.clear()
        for shop in self._disks():
            shop.clock_offset_ms = 0
            shop.disk_full = False
        until_ms = world.now_ms + _HEALED_MS
        while world.now_ms < until_ms and not self.agrees():
            self.run_for(_LOOK_MS)
            if self.hub.up and self.last is None and world.mix.bundles:
                self.last = self.office.plan(max(LEAD_MS, self.office.latest_ms + 1 - self.hub.wall_ms))
            for shop in self._disks():
                if shop.agent is not None:
                    shop.reach()  # somebody asks for a price
        self.check_everything()

    def check_end(self) -> None:
        """The reckoning; head office writes to everybody it may."""
        for shop in self._disks():
            if self.last is not None:
                check_last_price(self.world, shop, self.last.price)
        check_end(self.world, self.hub.books, self._disks())
        self.office.write()

    def agrees(self) -> bool:
        """Whether nothing is left to do."""
        return (
            self.hub.up
            and self.hub.books.has_applied_all
            and len(self._disks()) == self.world.mix.shops
            and all(not disk.held_back and self.faults.has_reported(disk) for disk in self._disks())
            and not self.hub.books.vouchers.reserved
            and all(self._has_read(disk) for disk in self._disks())
        )

    def _has_read(self, disk: Shop) -> bool:
        """Whether a shop has what head office tells, and the last price may count."""
        told, feed = disk.books.told, self.hub.books.feed
        if self.world.mix.bundles and (self.last is None or disk.wall_ms < self.last.active_at):
            return False
        if disk.agent is None or not disk.agent.reader.is_sound():
            return False
        return all(told.sums.get(name) == feed.bucket(name).checksum for name in (GLOBAL, bucket_of(disk.shop)))

    def _disks(self) -> list[Shop]:
        return [disk for disk in self.hub.disks if not disk.scrapped]
