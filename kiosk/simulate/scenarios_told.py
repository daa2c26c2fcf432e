"""pure: stories by hand about what head office tells: bundles, snapshots, consents."""

from kiosk.simulate.feed import GLOBAL
from kiosk.simulate.office import LEAD_MS
from kiosk.simulate.stage import A_WHILE_MS, SOON_MS, Stage
from kiosk.simulate.told import flip_any


def planned_and_forgotten(stage: Stage) -> None:
    """A price begins in one shop; head office goes back to before it was planned and plans another. The first shop
    sells by that one, too."""
    stage.faults.back_up_hub()
    stage.universe.office.plan(LEAD_MS)
    stage.cut(stage.other)
    stage.ask(stage.one, "sale")
    stage.faults.restore_hub(mark_too=False)
    stage.mend(stage.other)


def told_in_another_time(stage: Stage) -> None:
    """Both shops have read of a coupon that was used, and of a price; head office forgets both and tells as much of
    other things, so that its numbers are where they were."""
    stage.faults.back_up_hub()
    stage.universe.office.plan(LEAD_MS)
    stage.wait(2 * LEAD_MS)
    stage.faults.restore_hub(mark_too=False)
    stage.universe.office.plan(LEAD_MS)
    stage.wait(A_WHILE_MS)


def told_as_much_again(stage: Stage) -> None:
    """The same, but nobody knows that head office went back in time: it has told as much of other things when the shops
    ask again, behind the very number that they have read."""
    stage.faults.back_up_hub()
    stage.universe.office.plan(LEAD_MS)
    stage.wait(2 * LEAD_MS)
    for shop in (stage.one, stage.other):
        stage.world.network.cut[shop.disk] = True
    stage.faults.restore_hub(mark_too=True)
    stage.universe.office.plan(LEAD_MS)
    stage.mend(stage.one)
    stage.mend(stage.other)


def told_of_another_history(stage: Stage) -> None:
    """The same, but head office has told more meanwhile, so that the next page does not add up; the service ends before
    the bucket is told anew."""
    stage.faults.back_up_hub()
    stage.universe.office.plan(LEAD_MS)
    stage.wait(2 * LEAD_MS)
    stage.faults.restore_hub(mark_too=True)
    for _ in range(2):
        stage.universe.office.plan(LEAD_MS)
    while not stage.one.books.told.doubted:
        stage.wait(1)
    stage.one.lose_power()
    stage.wait(2 * A_WHILE_MS)


def an_old_snapshot(stage: Stage) -> None:
    """A shop has read on since head office made a snapshot; then it has to read from the beginning."""
    shop = stage.one
    agent = shop.agent
    assert agent is not None, "the service runs"
    stage.universe.office.plan(LEAD_MS)
    stage.wait(LEAD_MS)
    shop.books.told = flip_any(shop.books.told, GLOBAL)
    agent.reader.audit()
    stage.wait(SOON_MS)


def no_and_yes(stage: Stage) -> None:
    """A member says no in one shop; another, which has not heard of it, takes a yes down, and that one is heard
    last."""
    stage.cut(stage.one)
    stage.ask(stage.one, "consent", 2)
    stage.cut(stage.other)
    stage.ask(stage.other, "consent", 2)
    stage.wait(SOON_MS)
    stage.ask(stage.one, "consent", 1)
    stage.mend(stage.one)
    stage.wait(SOON_MS)
    stage.mend(stage.other)
