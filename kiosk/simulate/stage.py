"""pure: a quiet universe and the hand that moves it: what scenarios are told on."""

from kiosk.simulate.chance import Chance
from kiosk.simulate.machines import Machines
from kiosk.simulate.network import GOOD
from kiosk.simulate.shop import Shop
from kiosk.simulate.till import Till
from kiosk.simulate.truth import Receipt
from kiosk.simulate.universe import Universe
from kiosk.simulate.wishes import Wish
from kiosk.simulate.world import Mix
from loyalty.exposure import OfflinePolicy

SOON_MS = 5_000
A_WHILE_MS = 100_000
POINTS = 30


def quiet_mix(*, apply_ms: int = 1_000) -> Mix:
    """Two shops and nothing that goes wrong by itself."""
    return Mix(
        shops=2,
        members=1,
        coupons=0,
        tills=0,
        seconds=0,
        pause_ms=10_000,
        manners=GOOD,
        apply_ms=apply_ms,
        leases=True,
        expiry=False,
        returns=False,
        power_cut=0,
        hub_crash=0,
        hub_restore=0,
        forgotten_timeline=0,
        restore=0,
        revert=0,
        new_disk=0,
        clone=0,
        cut_line=0,
        clock_jump=0,
        full_disk=0,
        bit_flip=0,
        kiosks=0,
        cards=False,
        bundles=False,
        consents=False,
        catalogue=0,
        snapshots=False,
        policy=OfflinePolicy(member_limit_minor=20, store_limit_minor=20, account_max_age_ms=86_400_000),
    )


class Stage:
    """A quiet universe and the hand that moves it. `one` and `other` are its shops."""

    def __init__(self, chance: Chance, machines: Machines, mix: Mix) -> None:
        self.universe = Universe(chance, machines, mix)
        self.world, self.hub, self.faults = self.universe.world, self.universe.hub, self.universe.faults
        self.world.trouble = False  # nothing comes by luck
        self.universe.start()
        self.one, self.other = self.hub.disks
        self.member = self.universe.members[0]
        self.wait(SOON_MS)

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        self.universe.run_for(duration_ms)

    def ask(self, shop: Shop, kind: str, number: int = POINTS) -> bool:
        """A till that has never been here before asks for something: whether that was booked."""
        wish = Wish(self.world.new_id(), kind, self.member, number)
        self.till(shop).ask(wish)
        return wish.op_id in shop.books.places

    def want(self, shop: Shop, kind: str, number: int, about: int | Receipt | None = None) -> Wish:
        """A customer comes to a till of a shop and stays until it is answered."""
        wish = Wish(self.world.new_id(), kind, self.member, number, about)
        self.till(shop).want(wish)
        return wish

    def till(self, shop: Shop) -> Till:
        """A till that has never been here before."""
        return Till(self.world, shop, self.universe.customers)

    def cut(self, shop: Shop) -> None:
        """The line of a shop goes down, and the shop notices."""
        self.world.network.cut[shop.disk] = True
        self.wait(A_WHILE_MS)

    def mend(self, shop: Shop) -> None:
        """The line is up, and the shop has used it."""
        self.world.network.cut[shop.disk] = False
        self.wait(4 * A_WHILE_MS)

    def borrow(self, shop: Shop) -> None:
        """The member wants to pay with points, so the shop asks head office for a lease."""
        assert shop.agent is not None, "the service runs"
        shop.agent.ask_lease(self.member, POINTS)
        self.wait(SOON_MS)

    def start(self, shop: Shop) -> None:
        """The service of a shop is up again."""
        self.wait(2 * A_WHILE_MS)
        assert shop.agent is not None, "services come back by themselves"
