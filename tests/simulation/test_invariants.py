"""Every check of the simulator can fail: universes with one thing wrong in them."""

from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest
from msgspec.structs import replace

from kiosk.simulate.books import Life
from kiosk.simulate.entries import CardMove, CouponUse, Deed, GoodsBack, LeaseEnd
from kiosk.simulate.feed import CONSENT, GLOBAL, ConsentTold, encode
from kiosk.simulate.hub_pages import make_page
from kiosk.simulate.hub_vouchers import Reservation
from kiosk.simulate.invariants import (
    check_accounts,
    check_cursor,
    check_effects,
    check_end,
    check_floor,
    check_late,
    check_leases,
    check_lending,
    check_stored,
)
from kiosk.simulate.invariants_kept import check_card, check_cards, check_coupons, check_goods, check_incidents
from kiosk.simulate.invariants_told import check_last_price, check_price, check_read, check_snapshot
from kiosk.simulate.machines import REAL
from kiosk.simulate.shop import Shop
from kiosk.simulate.stage import Stage, quiet_mix
from kiosk.simulate.told import flip_any
from kiosk.simulate.truth import Breach, Redeemed
from loyalty.points.account import Account
from sync.chain import Head
from sync.protocol.commands import ReservedAnswer
from sync.protocol.pull_store import Pull

ANSWER = ReservedAnswer(reservation=UUID(int=1))
PULL = Pull(request=1, session="", cursor=None, refetch=(), wait_ms=0)


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
        shop.write("coupon", Deed(coupon=CouponUse(7, 5)))
    check_coupons(stage.world, 7, {7: ("s1",)})


def coupon_kept_twice(stage: Stage) -> None:
    for shop in (stage.one, stage.other):
        shop.write("coupon", Deed(coupon=CouponUse(7, 5, stage.world.new_id())))
    check_coupons(stage.world, 7, {7: ("s1", "s2")})


def coupon_above_the_limit(stage: Stage) -> None:
    stage.one.write("coupon", Deed(coupon=CouponUse(7, 5, None, 5)))
    check_coupons(stage.world, 7, {7: ("s1", "s2")})


def coupons_beyond_what_a_shop_may_risk(stage: Stage) -> None:
    for number in range(5):
        stage.one.write("coupon", Deed(coupon=CouponUse(number, 5, None, 5)))
    check_floor(stage.world, stage.one, stage.member)


def card_overdrawn(stage: Stage) -> None:
    stage.one.write("card", Deed(card=CardMove(1, 20, sold=True)))
    stage.other.write("card", Deed(card=CardMove(1, -21)))
    check_card(stage.world, 1)


def card_miscounted(stage: Stage) -> None:
    stage.one.write("card", Deed(card=CardMove(1, 20, sold=True)))
    stage.hub.books.vouchers.cards[1] = 20
    check_cards(stage.world, stage.hub.books)


def sell(stage: Stage) -> UUID:
    stage.ask(stage.one, "sale", 20)
    stage.wait(20_000)
    return stage.world.truth.receipts[-1].op


def goods_back_twice_elsewhere(stage: Stage) -> None:
    sale = sell(stage)
    for _ in range(2):
        stage.other.write("goods_back", Deed(back=GoodsBack(sale, 11, stage.world.new_id())))
    check_goods(stage.world, stage.other, sale)


def goods_back_twice_here(stage: Stage) -> None:
    sale = sell(stage)
    for _ in range(2):
        stage.one.write("goods_back", Deed(back=GoodsBack(sale, 11)))
    check_goods(stage.world, stage.one, sale)


def goods_back_here_and_there(stage: Stage) -> None:
    sale = sell(stage)
    stage.want(stage.other, "goods_back", 15, stage.world.truth.receipts[-1])
    stage.wait(60_000)
    stage.one.write("goods_back", Deed(back=GoodsBack(sale, 6)))
    check_goods(stage.world, stage.one, sale)


def incident_of_nothing(stage: Stage) -> None:
    stage.one.write("coupon", Deed(coupon=CouponUse(7, 5)))
    stage.hub.books.vouchers.incidents[("coupon", 7)] = (stage.world.new_id(),)
    check_incidents(stage.world, stage.hub.books)


def return_without_an_incident(stage: Stage) -> None:
    sale = sell(stage)
    stage.cut(stage.one)
    stage.one.write("goods_back", Deed(back=GoodsBack(sale, 20)))
    stage.want(stage.other, "goods_back", 20, stage.world.truth.receipts[-1])
    stage.wait(20_000)
    stage.world.network.cut.clear()
    stage.hub.books.vouchers.incidents.setdefault(("sale", sale), ())
    check_incidents(stage.world, stage.hub.books)


def something_kept_for_nothing(stage: Stage) -> None:
    stage.wait(60_000)
    vouchers = stage.hub.books.vouchers
    vouchers.reserved[("s1", stage.world.new_id())] = Reservation(("coupon", 7), UUID(int=1), 1, b"", ANSWER)
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])


def price_before_its_instant(stage: Stage) -> None:
    planned = stage.universe.office.plan(60_000)
    check_price(stage.world, stage.one, planned.price)


def price_of_before(stage: Stage) -> None:
    stage.universe.office.plan(30_000)
    stage.wait(60_000)
    check_price(stage.world, stage.one, 0)


def price_of_before_when_nobody_knows(stage: Stage) -> None:
    """Its version was given out once: there is nothing that this shop could have mixed up."""
    stage.world.truth.nobody_knows = True
    price_of_before(stage)


def another_price_in_the_end(stage: Stage) -> None:
    check_last_price(stage.world, stage.one, 3)


def row_that_was_not_told(stage: Stage) -> None:
    feed = stage.hub.books.feed
    feed.put(GLOBAL, "product", "1", b"1", 0)
    page = make_page(REAL, stage.hub.books, "s1", PULL, None)
    check_read(stage.world, "s1", stage.one.books.told, page.answer)


def row_that_is_damaged_in_the_end(stage: Stage) -> None:
    stage.universe.office.plan(60_000)
    stage.wait(60_000)
    stage.one.books.told = flip_any(stage.one.books.told, GLOBAL)
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])


def snapshot_of_an_earlier_time(stage: Stage) -> None:
    told = replace(stage.one.books.told, timeline=2)
    check_snapshot(stage.world, "s1", told, stage.one.books.told)


def mail_after_a_no(stage: Stage) -> None:
    stage.ask(stage.one, "consent", 1)
    stage.wait(30_000)
    told = ConsentTold(UUID(int=1), granted=True, at=1)
    stage.hub.books.feed.put(GLOBAL, CONSENT, str(UUID(bytes=stage.member)), encode(told), 0)
    stage.universe.office.write()


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
        ("coupon", coupon_kept_twice),
        ("coupon", coupon_above_the_limit),
        ("floor", coupons_beyond_what_a_shop_may_risk),
        ("card", card_overdrawn),
        ("card", card_miscounted),
        ("goods", goods_back_twice_elsewhere),
        ("goods", goods_back_twice_here),
        ("goods", goods_back_here_and_there),
        ("incident", incident_of_nothing),
        ("incident", return_without_an_incident),
        ("kept", something_kept_for_nothing),
        ("instant", price_before_its_instant),
        ("instant", price_of_before),
        ("instant", price_of_before_when_nobody_knows),
        ("instant", another_price_in_the_end),
        ("told", row_that_was_not_told),
        ("told", row_that_is_damaged_in_the_end),
        ("snapshot", snapshot_of_an_earlier_time),
        ("consent", mail_after_a_no),
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


def test_what_was_spent_of_a_sale_that_lies_nowhere_any_more_is_owed() -> None:
    """Its points were lent to another shop and spent there; then its disk died, and head office went back to before it.
    The redemption is true, the sale is gone: a debt that nobody could have prevented, and no other."""
    stage = Stage(Random(1), REAL, quiet_mix())
    stage.faults.back_up_hub()
    stage.ask(stage.one, "sale")
    stage.wait(20_000)
    stage.borrow(stage.other)
    points = next(iter(stage.other.books.leases.values())).points
    assert stage.ask(stage.other, "redeem", points)
    stage.faults.restore_hub(mark_too=False)
    stage.faults.replace_disk(stage.one)
    stage.wait(400_000)
    disks = [stage.one, stage.other]
    check_end(stage.world, stage.hub.books, disks)
    assert stage.hub.books.accounts[stage.member].debt == points

    (sale,) = stage.world.truth.earned
    stage.world.truth.earned[sale] = stage.member, points - 1
    with pytest.raises(Breach, match=f"sales lost {points - 1}"):
        check_end(stage.world, stage.hub.books, disks)
    stage.world.truth.earned[sale] = stage.member, points
    del stage.world.truth.counted[sale]  # head office never had it, so it lent nothing of it
    with pytest.raises(Breach, match="sales lost 0"):
        check_end(stage.world, stage.hub.books, disks)
    stage.world.truth.counted[sale] = True
    stage.hub.books.effects[sale] = 1  # it counts after all, so it explains nothing
    with pytest.raises(Breach, match="sales lost 0"):
        check_end(stage.world, stage.hub.books, disks)


def test_a_version_given_out_again_begins_where_nobody_had_it() -> None:
    """Head office does not know that it went back in time. A shop that has begun another bundle under that version goes
    on with it; nobody else may, and nobody where head office knows."""
    stage = Stage(Random(1), REAL, replace(quiet_mix(), bundles=True))
    stage.faults.back_up_hub()
    forgotten = stage.universe.office.plan(30_000)
    stage.wait(60_000)
    assert stage.one.reach() == forgotten.price
    stage.faults.restore_hub(mark_too=True)
    again = stage.universe.office.plan(30_000)
    assert again.version == forgotten.version
    check_price(stage.world, stage.one, again.price)  # its row says the new price under the instant that has begun
    with pytest.raises(Breach, match="before its instant"):
        check_price(stage.world, stage.other, again.price)
    stage.wait(400_000)
    check_price(stage.world, stage.other, stage.other.reach())
    assert stage.other.books.price == again.price

    old = again.price + 1
    stage.world.truth.planned[old] = (0, 0)  # a price that began before all others
    stage.world.truth.versions[old] = 0
    check_price(stage.world, stage.one, old)
    with pytest.raises(Breach, match=f"has read of {again.price}"):
        check_price(stage.world, stage.other, old)
    stage.world.truth.nobody_knows = False
    with pytest.raises(Breach, match=f"has read of {again.price}"):
        check_price(stage.world, stage.one, old)


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


def test_goods_that_came_back_twice_are_an_incident_of_both_receipts(stage: Stage) -> None:
    """The shop that sold them takes them back without a line, and head office keeps them for the other meanwhile."""
    sale = sell(stage)
    stage.cut(stage.one)
    stage.want(stage.other, "goods_back", 15, stage.world.truth.receipts[-1])
    stage.want(stage.one, "goods_back", 15, stage.world.truth.receipts[-1])
    stage.mend(stage.one)
    assert set(stage.hub.books.vouchers.incidents[("sale", sale)]) == set(stage.world.truth.goods_back[sale])
    assert len(stage.world.truth.goods_back[sale]) == 2


def test_a_coupon_used_in_two_shops_out_of_touch_is_an_incident_that_names_both_in_the_order_they_came(
    stage: Stage,
) -> None:
    stage.universe.customers.coupons[1] = ("s1", "s2")
    stage.world.mix = replace(stage.world.mix, policy=replace(stage.world.mix.policy, coupon_limit_minor=20))
    first, second = (use_out_of_touch(stage, shop) for shop in (stage.one, stage.other))
    stage.mend(stage.other)
    stage.mend(stage.one)
    assert stage.hub.books.vouchers.incidents[("coupon", 1)] == (second, first)


def use_out_of_touch(stage: Stage, shop: Shop) -> UUID:
    stage.cut(shop)
    return stage.want(shop, "coupon", 1).op_id


def test_what_is_left_of_a_reservation_that_nobody_used_goes_back(stage: Stage) -> None:
    """The line fails when head office has kept a coupon, so the till never hears of it."""
    stage.universe.customers.coupons[1] = ("s1", "s2")
    wish = stage.want(stage.one, "coupon", 1)
    while not stage.hub.books.vouchers.reserved:
        stage.wait(1)
    stage.cut(stage.one)
    assert wish.op_id not in stage.one.books.places
    assert stage.hub.books.vouchers.reserved
    stage.mend(stage.one)
    assert not stage.hub.books.vouchers.reserved
    stage.want(stage.other, "coupon", 1)
    stage.wait(20_000)
    assert stage.hub.books.vouchers.uses[1]


def test_a_full_disk_refuses_everything_and_sells_on_when_there_is_room(stage: Stage) -> None:
    stage.one.disk_full = True
    before = stage.one.books.life.head
    assert not stage.ask(stage.one, "sale")
    stage.wait(60_000)
    assert stage.one.books.life.head == before
    stage.one.disk_full = False
    assert stage.ask(stage.one, "sale")
    stage.wait(60_000)
    check_end(stage.world, stage.hub.books, [stage.one, stage.other])


def test_a_shop_of_which_a_bit_flipped_is_recovered_by_people(stage: Stage) -> None:
    stage.world.network.cut["s1"] = True
    stage.ask(stage.one, "sale")
    life = stage.one.books.life
    stage.faults.spoil(stage.one, life, life.entries[-1])
    stage.wait(400_000)
    stage.world.network.cut.clear()
    assert stage.universe.reckon().breach is None
    assert [life.ordinal for life in stage.one.books.lives] == [1, 2]


def test_a_life_of_which_nothing_is_left_keeps_nobody_waiting(stage: Stage) -> None:
    """All of it was logged again in a later life, so no place in it was ever acknowledged."""
    stage.one.stop()
    stage.one.books.lives.insert(0, Life(4711, 0))
    stage.one.start()
    stage.wait(60_000)
    assert stage.faults.has_reported(stage.one)
