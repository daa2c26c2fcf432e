"""pure: schedules by hand, for mistakes that luck seldom meets. Each is a short story told to a quiet universe, with
everything real in it; with the real machines every one of them ends well.
"""

from collections.abc import Callable, Mapping

from kiosk.simulate.chance import Chance
from kiosk.simulate.head_office import Granted
from kiosk.simulate.machines import Machines
from kiosk.simulate.network import GOOD
from kiosk.simulate.shop import Shop
from kiosk.simulate.till import Till, Wish
from kiosk.simulate.truth import Breach
from kiosk.simulate.universe import Result, Universe
from kiosk.simulate.world import Mix
from loyalty.exposure import OfflinePolicy

_SOON_MS = 5_000
_A_WHILE_MS = 100_000
_POINTS = 30


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
        self.wait(_SOON_MS)

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        self.universe.run_for(duration_ms)

    def ask(self, shop: Shop, kind: str, number: int = _POINTS) -> bool:
        """A till that has never been here before asks for something: whether that was booked."""
        wish = Wish(self.world.new_id(), kind, self.member, number)
        till = Till(self.world, shop, [self.member], {})
        till.ask(wish)
        return wish.op_id in shop.books.places

    def cut(self, shop: Shop) -> None:
        """The line of a shop goes down, and the shop notices."""
        self.world.network.cut[shop.disk] = True
        self.wait(_A_WHILE_MS)

    def mend(self, shop: Shop) -> None:
        """The line is up, and the shop has used it."""
        self.world.network.cut[shop.disk] = False
        self.wait(4 * _A_WHILE_MS)

    def borrow(self, shop: Shop) -> None:
        """The member wants to pay with points, so the shop asks head office for a lease."""
        assert shop.agent is not None, "the service runs"
        shop.agent.ask_lease(self.member, _POINTS)
        self.wait(_SOON_MS)

    def start(self, shop: Shop) -> None:
        """The service of a shop is up again."""
        self.wait(2 * _A_WHILE_MS)
        assert shop.agent is not None, "services come back by themselves"


def logged_again_twice(stage: Stage) -> None:
    """What was logged again under a new life is logged again once more, because the disk forgets that it was."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(_SOON_MS)
    stage.faults.keep_image(shop)
    stage.ask(shop, "sale", 11)
    stage.wait(_SOON_MS)
    stage.world.network.cut[shop.disk] = True
    stage.faults.revert(shop)
    stage.wait(_A_WHILE_MS)
    stage.ask(shop, "sale", 12)  # under the number of the one before
    stage.faults.keep_image(shop)
    stage.mend(shop)
    stage.faults.revert(shop)
    stage.start(shop)


def far_back(stage: Stage) -> None:
    """A disk goes back to when nothing of a long queue was acknowledged, and sells on: the first batches that it sends
    are known, and only a later one is another history."""
    shop = stage.one
    stage.world.network.cut[shop.disk] = True
    for number in range(1, 40):
        stage.ask(shop, "member", number)
    stage.faults.keep_image(shop)
    stage.mend(shop)
    for number in range(1, 20):
        stage.ask(shop, "member", number)
    stage.wait(_A_WHILE_MS)
    stage.world.network.cut[shop.disk] = True
    stage.faults.revert(shop)
    stage.wait(_A_WHILE_MS)
    for number in range(1, 30):
        stage.ask(shop, "member", number)
    stage.mend(shop)


def spent_and_forgotten(stage: Stage) -> None:
    """A lease is spent; then a backup from before that is put back."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(_SOON_MS * 4)
    stage.borrow(shop)
    stage.faults.keep_image(shop)
    stage.world.network.cut[shop.disk] = True
    stage.ask(shop, "redeem")
    stage.faults.restore(shop)
    stage.wait(_SOON_MS * 5)
    stage.ask(shop, "redeem")
    stage.mend(shop)


def lent_and_forgotten(stage: Stage) -> None:
    """A lease is out when head office goes back to before it was granted, and the shop that holds it is silent."""
    stage.ask(stage.one, "sale")
    stage.wait(_A_WHILE_MS)
    stage.faults.back_up_hub()
    stage.borrow(stage.one)
    stage.world.network.cut[stage.one.disk] = True
    stage.faults.restore_hub(mark_too=False)
    stage.wait(_SOON_MS * 4)
    stage.borrow(stage.other)
    stage.mend(stage.one)


def lent_spent_and_forgotten(stage: Stage) -> None:
    """Head office goes back to before a lease that is spent and over: the shop holds none any more, and the entry that
    spent it stands at the end of a long queue."""
    stage.ask(stage.one, "sale")
    stage.wait(_A_WHILE_MS)
    stage.faults.back_up_hub()
    for number in range(1, 60):
        stage.ask(stage.one, "member", number)
    stage.borrow(stage.one)
    stage.ask(stage.one, "redeem")
    stage.wait(2 * _A_WHILE_MS)
    stage.world.network.cut[stage.one.disk] = True
    stage.faults.restore_hub(mark_too=False)
    stage.wait(_SOON_MS * 8)
    stage.world.network.cut[stage.one.disk] = False
    for _ in range(2_000):
        stage.wait(100)
        if stage.hub.books.inbox[(stage.one.shop, stage.one.books.life.epoch)][20:]:
            break
    report = stage.one
    assert report.agent is not None, "the service runs"
    report.agent.read_now()
    stage.wait(500)
    stage.world.network.cut[stage.one.disk] = True
    stage.wait(_A_WHILE_MS)
    stage.borrow(stage.other)
    stage.mend(stage.one)


def granted_in_another_time(stage: Stage) -> None:
    """The answer that grants a lease is under way while head office goes back to before it was asked, and arrives when
    the shop has reported already that it holds none."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(_A_WHILE_MS)
    stage.faults.back_up_hub()
    stage.world.network.cut[shop.disk] = True
    stage.borrow(shop)
    agent = shop.agent
    assert agent is not None, "the service runs"
    asked, timeline = agent.asked_for(stage.member), agent.push.timeline
    answer = stage.hub.lend(shop.shop, stage.hub.books.sessions[shop.shop], asked.lease, stage.member, asked.points)
    assert isinstance(answer, Granted), answer
    stage.faults.restore_hub(mark_too=False)
    stage.mend(shop)
    agent.hear_of_lease(asked, timeline, answer)
    stage.borrow(stage.other)


def arrived_and_not_applied(stage: Stage) -> None:
    """Points go on the floor, arrive at head office, and are not applied yet when the line fails again."""
    shop = stage.one
    stage.ask(shop, "sale", 3 * _POINTS)
    stage.wait(8 * _A_WHILE_MS)
    for _ in range(3):
        stage.cut(shop)
        stage.ask(shop, "redeem", 15)
        stage.world.network.cut[shop.disk] = False
        stage.wait(_A_WHILE_MS // 2)


def put_back_unnoticed(stage: Stage) -> None:
    """Head office goes back in time, its mark too, so every session goes on as if nothing had been."""
    shop = stage.one
    stage.wait(_A_WHILE_MS)
    stage.faults.back_up_hub()
    for number in range(1, 6):
        stage.ask(shop, "member", number)
    stage.wait(_SOON_MS)
    stage.faults.restore_hub(mark_too=True)
    stage.ask(shop, "member", 6)
    stage.wait(_A_WHILE_MS)


Scenario = Callable[[Stage], None]
SCENARIOS: Mapping[str, tuple[Scenario, Mix]] = {
    "logged_again_twice": (logged_again_twice, quiet_mix()),
    "far_back": (far_back, quiet_mix()),
    "spent_and_forgotten": (spent_and_forgotten, quiet_mix()),
    "lent_and_forgotten": (lent_and_forgotten, quiet_mix()),
    "lent_spent_and_forgotten": (lent_spent_and_forgotten, quiet_mix()),
    "granted_in_another_time": (granted_in_another_time, quiet_mix()),
    "put_back_unnoticed": (put_back_unnoticed, quiet_mix()),
    "arrived_and_not_applied": (arrived_and_not_applied, quiet_mix(apply_ms=300_000)),
}


def run_scenario(name: str, chance: Chance, machines: Machines) -> Result:
    """Tell a story to the end, let everything heal, and reckon."""
    story, mix = SCENARIOS[name]
    stage = Stage(chance, machines, mix)
    try:
        story(stage)
    except Breach as wrong:
        return stage.universe.broken(wrong)
    return stage.universe.reckon()
