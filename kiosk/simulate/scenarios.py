"""pure: schedules by hand, for mistakes that luck seldom meets. Each is a short story told to a quiet universe, with
everything real in it; with the real machines every one of them ends well.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from kiosk.simulate import scenarios_kept, scenarios_told
from kiosk.simulate.chance import Chance
from kiosk.simulate.hub_answers import Granted
from kiosk.simulate.machines import Machines
from kiosk.simulate.stage import A_WHILE_MS, POINTS, SOON_MS, Stage, quiet_mix
from kiosk.simulate.truth import Breach
from kiosk.simulate.universe import CATALOGUE, Result
from kiosk.simulate.world import Mix


def logged_again_twice(stage: Stage) -> None:
    """What was logged again under a new life is logged again once more, because the disk forgets that it was."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(SOON_MS)
    stage.faults.keep_image(shop)
    stage.ask(shop, "sale", 11)
    stage.wait(SOON_MS)
    stage.world.network.cut[shop.disk] = True
    stage.faults.revert(shop)
    stage.wait(A_WHILE_MS)
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
    stage.wait(A_WHILE_MS)
    stage.world.network.cut[shop.disk] = True
    stage.faults.revert(shop)
    stage.wait(A_WHILE_MS)
    for number in range(1, 30):
        stage.ask(shop, "member", number)
    stage.mend(shop)


def spent_and_forgotten(stage: Stage) -> None:
    """A lease is spent; then a backup from before that is put back."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(SOON_MS * 4)
    stage.borrow(shop)
    stage.faults.keep_image(shop)
    stage.world.network.cut[shop.disk] = True
    stage.ask(shop, "redeem")
    stage.faults.restore(shop)
    stage.wait(SOON_MS * 5)
    stage.ask(shop, "redeem")
    stage.mend(shop)


def lent_and_forgotten(stage: Stage) -> None:
    """A lease is out when head office goes back to before it was granted, and the shop that holds it is silent."""
    stage.ask(stage.one, "sale")
    stage.wait(A_WHILE_MS)
    stage.faults.back_up_hub()
    stage.borrow(stage.one)
    stage.world.network.cut[stage.one.disk] = True
    stage.faults.restore_hub(mark_too=False)
    stage.wait(SOON_MS * 4)
    stage.borrow(stage.other)
    stage.mend(stage.one)


def lent_spent_and_forgotten(stage: Stage) -> None:
    """Head office goes back to before a lease that is spent and over: the shop holds none any more, and the entry that
    spent it stands at the end of a long queue."""
    stage.ask(stage.one, "sale")
    stage.wait(A_WHILE_MS)
    stage.faults.back_up_hub()
    for number in range(1, 60):
        stage.ask(stage.one, "member", number)
    stage.borrow(stage.one)
    stage.ask(stage.one, "redeem")
    stage.wait(2 * A_WHILE_MS)
    stage.world.network.cut[stage.one.disk] = True
    stage.faults.restore_hub(mark_too=False)
    stage.wait(SOON_MS * 8)
    stage.world.network.cut[stage.one.disk] = False
    for _ in range(2_000):
        stage.wait(100)
        if stage.hub.books.inbox[(stage.one.shop, stage.one.books.life.epoch)][20:]:
            break
    stage.world.network.cut[stage.one.disk] = True
    stage.wait(A_WHILE_MS)
    stage.borrow(stage.other)
    stage.mend(stage.one)


def granted_in_another_time(stage: Stage) -> None:
    """The answer that grants a lease is under way while head office goes back to before it was asked, and arrives when
    the shop has reported already that it holds none."""
    shop = stage.one
    stage.ask(shop, "sale")
    stage.wait(A_WHILE_MS)
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
    stage.ask(shop, "sale", 3 * POINTS)
    stage.wait(8 * A_WHILE_MS)
    for _ in range(3):
        stage.cut(shop)
        stage.ask(shop, "redeem", 15)
        stage.world.network.cut[shop.disk] = False
        stage.wait(A_WHILE_MS // 2)


def put_back_unnoticed(stage: Stage) -> None:
    """Head office goes back in time, its mark too, so every session goes on as if nothing had been."""
    shop = stage.one
    stage.wait(A_WHILE_MS)
    stage.faults.back_up_hub()
    for number in range(1, 6):
        stage.ask(shop, "member", number)
    stage.wait(SOON_MS)
    stage.faults.restore_hub(mark_too=True)
    stage.ask(shop, "member", 6)
    stage.wait(A_WHILE_MS)


Scenario = Callable[[Stage], None]
SCENARIOS: Mapping[str, tuple[Scenario, Mix]] = {
    "logged_again_twice": (logged_again_twice, quiet_mix()),
    "far_back": (far_back, quiet_mix()),
    "spent_and_forgotten": (spent_and_forgotten, quiet_mix()),
    "lent_and_forgotten": (lent_and_forgotten, quiet_mix()),
    "lent_spent_and_forgotten": (lent_spent_and_forgotten, quiet_mix()),
    "granted_in_another_time": (granted_in_another_time, quiet_mix()),
    "put_back_unnoticed": (put_back_unnoticed, quiet_mix()),
    "asked_for_at_once": (scenarios_kept.asked_for_at_once, quiet_mix()),
    "kept_for_one_who_is_silent": (scenarios_kept.kept_for_one_who_is_silent, quiet_mix()),
    "kept_and_forgotten": (scenarios_kept.kept_and_forgotten, quiet_mix()),
    "answered_when_it_was_given_back": (scenarios_kept.answered_when_it_was_given_back, quiet_mix()),
    "came_back_elsewhere": (scenarios_kept.came_back_elsewhere, quiet_mix()),
    "paid_by_card_everywhere": (scenarios_kept.paid_by_card_everywhere, quiet_mix()),
    "planned_and_forgotten": (scenarios_told.planned_and_forgotten, replace(quiet_mix(), bundles=True)),
    "told_in_another_time": (scenarios_told.told_in_another_time, replace(quiet_mix(), bundles=True)),
    "told_as_much_again": (scenarios_told.told_as_much_again, replace(quiet_mix(), bundles=True)),
    "told_of_another_history": (scenarios_told.told_of_another_history, replace(quiet_mix(), bundles=True)),
    "an_old_snapshot": (scenarios_told.an_old_snapshot, replace(quiet_mix(), catalogue=CATALOGUE, snapshots=True)),
    "no_and_yes": (scenarios_told.no_and_yes, replace(quiet_mix(), consents=True)),
    "spoiled_before_it_was_sent": (scenarios_kept.spoiled_before_it_was_sent, quiet_mix()),
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
