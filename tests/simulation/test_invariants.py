"""Every check of the simulator can fail: universes with one thing wrong in them."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from kiosk.simulate.entries import Deed, LeaseEnd
from kiosk.simulate.invariants import (
    check_accounts,
    check_coupons,
    check_cursor,
    check_effects,
    check_end,
    check_floor,
    check_late,
    check_leases,
    check_lending,
    check_stored,
)
from kiosk.simulate.machines import REAL
from kiosk.simulate.scenarios import Stage, quiet_mix
from kiosk.simulate.truth import Breach, Redeemed
from loyalty.points.account import Account
from sync.chain import Head


@pytest.fixture
def stage() -> Stage:
    """A shop has sold for 30 points, borrowed them, and head office knows."""
    stage = Stage(Random(1), REAL, quiet_mix())
    stage.ask(stage.one, "sale")
    stage.wait(20_000)
    stage.borrow(stage.one)
    return stage


def place(stage: Stage) -> tuple[str, int]:
    return stage.one.shop, stage.one.books.life.epoch


def foreign_entry(stage: Stage) -> None:
    entry = stage.hub.books.inbox[place(stage)][-1]
    stage.world.truth.written[place(stage)].clear()
    check_stored(stage.world, stage.hub.books, place(stage), [entry])


def broken_chain(stage: Stage) -> None:
    kept = stage.hub.books.inbox[place(stage)]
    kept[-1] = kept[-1]._replace(content=kept[-1].content + b" ")
    check_stored(stage.world, stage.hub.books, place(stage), [kept[-1]])


def gap(stage: Stage) -> None:
    kept = stage.hub.books.inbox[place(stage)]
    check_stored(stage.world, stage.hub.books, place(stage), [kept[-1]._replace(seq=len(kept) + 1)])


def double_effect(stage: Stage) -> None:
    effects = stage.hub.books.effects
    key = next(iter(effects))
    effects[key] = 2
    check_effects(stage.world, stage.hub.books, [key])


def two_contents(stage: Stage) -> None:
    stage.hub.books.conflicts.append(next(iter(stage.hub.books.effects)))
    check_effects(stage.world, stage.hub.books, [])


def cursor_of_another_history(stage: Stage) -> None:
    check_cursor(stage.world, stage.one, replace(stage.one.books.life.head, hash=bytes(32)))


def cursor_beyond_head_office(stage: Stage) -> None:
    stage.world.truth.ever_held.clear()
    check_cursor(stage.world, stage.one, stage.one.books.life.head)


def answer_too_late(stage: Stage) -> None:
    agent = stage.one.agent
    assert agent is not None
    cursor = agent.push.cursors[0]
    moved = replace(agent.push, cursors=(replace(cursor, acknowledged=Head(cursor.epoch, 0, bytes(32))),))
    check_late("s1", agent.push, moved, request=0)


def wrong_balance(stage: Stage) -> None:
    stage.hub.books.accounts[stage.member] = Account(active=31)
    check_accounts(stage.hub.books, [stage.member], quick=True)


def wrong_lots(stage: Stage) -> None:
    account = stage.hub.books.accounts[stage.member]
    stage.hub.books.accounts[stage.member] = replace(account, lots={})
    check_accounts(stage.hub.books, [stage.member], quick=False)


def debt_beside_points(stage: Stage) -> None:
    stage.hub.books.accounts[stage.member] = Account(active=1, debt=1)
    check_accounts(stage.hub.books, [stage.member], quick=True)


def floor_too_low(stage: Stage) -> None:
    stage.cut(stage.one)
    stage.one.books.leases.clear()
    for _ in range(2):
        stage.one.books.acknowledged = {place(stage)[1]: 100}
        stage.ask(stage.one, "redeem", 11)


def lease_spent_twice(stage: Stage) -> None:
    lease = next(iter(stage.one.books.leases))
    stage.world.truth.redeemed[("s2", lease)] = Redeemed("s2", stage.member, 0, ((lease, 31),))
    check_leases(stage.world)


def lent_twice(stage: Stage) -> None:
    check_lending(stage.world, stage.hub.books, stage.hub.disks, stage.member, 1, stage.hub.wall_ms)


def coupon_used_twice(stage: Stage) -> None:
    for shop in (stage.one, stage.one):
        shop.write("coupon", Deed(coupon=7))
    check_coupons(stage.world, {7: ("s1",)})


def number_twice(stage: Stage) -> None:
    life = stage.one.books.life
    stage.one.books.cut(life, len(life.entries) - 1)
    stage.one.write("member", Deed())


def needless_life(stage: Stage) -> None:
    stage.one.begin_life("rewound")


def forgotten_answer(stage: Stage) -> None:
    stage.one.stop()
    stage.one.told[stage.world.new_id()] = True
    stage.one.start()


def two_disks_run(stage: Stage) -> None:
    check_end(stage.world, stage.hub.books, [stage.one, stage.one])


def something_waits(stage: Stage) -> None:
    stage.cut(stage.one)
    stage.ask(stage.one, "sale")
    check_end(stage.world, stage.hub.books, [stage.one])


def entry_lost_on_the_way(stage: Stage) -> None:
    stage.world.truth.owed[("s1", stage.world.new_id())] = True
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])


def unexplained_debt(stage: Stage) -> None:
    lease = next(iter(stage.one.books.leases.values()))
    stage.ask(stage.one, "redeem", lease.points)
    stage.one.write("redeem", stage.one.books.life.entries[-1].deed)
    stage.world.truth.redeemed.clear()
    stage.one.wake()
    stage.wait(60_000)
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])


@pytest.mark.parametrize(
    ("invariant", "spoil"),
    [
        ("chain", foreign_entry),
        ("chain", broken_chain),
        ("chain", gap),
        ("double", double_effect),
        ("conflict", two_contents),
        ("cursor", cursor_of_another_history),
        ("cursor", cursor_beyond_head_office),
        ("late", answer_too_late),
        ("ledger", wrong_balance),
        ("ledger", wrong_lots),
        ("ledger", debt_beside_points),
        ("floor", floor_too_low),
        ("lease", lease_spent_twice),
        ("lending", lent_twice),
        ("coupon", coupon_used_twice),
        ("number", number_twice),
        ("needless", needless_life),
        ("answered", forgotten_answer),
        ("copies", two_disks_run),
        ("drained", something_waits),
        ("lost", entry_lost_on_the_way),
        ("overspent", unexplained_debt),
    ],
)
def test_what_is_wrong_is_seen(stage: Stage, invariant: str, spoil: Callable[[Stage], None]) -> None:
    with pytest.raises(Breach) as breach:
        spoil(stage)
    assert breach.value.invariant == invariant


def test_a_quiet_universe_is_right(stage: Stage) -> None:
    stage.wait(60_000)
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])
    check_floor(stage.world, stage.one, stage.member)
    check_accounts(stage.hub.books, [stage.member], quick=False)


def test_a_report_gives_back_only_what_nobody_spent(stage: Stage) -> None:
    """A shop that has forgotten what it spent of a lease reports it whole; head office knows better."""
    lease = next(iter(stage.one.books.leases))
    stage.ask(stage.one, "redeem", 20)
    stage.wait(20_000)
    stage.one.write("lease.ended", Deed(ended=LeaseEnd(lease, 30)))
    stage.one.wake()
    stage.wait(20_000)
    assert stage.hub.books.lent[lease].outstanding == 0
    assert stage.hub.books.lent[lease].spent == 20
