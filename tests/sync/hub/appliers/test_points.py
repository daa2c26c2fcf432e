"""Points of one member in several shops: one account, whatever order the shops report in."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest

from sync.facts.points import PostingRef
from sync.facts.sales import SaleVoided
from tests.sync.hub.appliers.office import OTHER, STORE, THIRD, Office, Shop
from tests.sync.hub.appliers.vouchers import card, used, vouchers

ANNA = Shop(epoch=1).id()
BEN = Shop(epoch=2).id()
BOOKS = (
    *("posting", "account", "points_lot", "points_hold", "points_redemption", "points_incident", "receipt"),
    *("coupon_spending", "coupon_return", "coupon_count", "card_movement", "card_balance", "store_stock", "incident"),
)


def balance_of(office: Office) -> tuple[int, int]:
    """Active points and debt of the one account there is."""
    return office.rows("account", "active, debt")[0]


def test_points_earned_in_one_shop_are_spent_in_another(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms + 60_000)
    here.sell(ANNA, earn=100)
    there.sell(ANNA, pay=30)
    for store, shop in ((STORE, here), (OTHER, there)):
        office.take_in(store, shop.journal)
        office.apply_all(store)
    assert balance_of(office) == (70, 0)
    assert office.incidents() == []


def test_points_spent_twice_make_debt_and_an_incident_that_names_both_receipts(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    here.sell(ANNA, earn=100)
    first = here.sell(ANNA, pay=80)
    there.now_ms = here.now_ms + 1_000
    second = there.sell(ANNA, pay=50)
    for store, shop in ((OTHER, there), (STORE, here)):
        office.take_in(store, shop.journal)
        office.apply_all(store)
    assert balance_of(office) == (0, 30)
    loser = {"op": str(second), "store": str(OTHER), "number": "S008-T01-000001", "points": -50}
    winner = {"op": str(first), "store": str(STORE), "number": "S007-T01-000002", "points": -80}
    assert office.incidents() == [("overspend", 30, [loser, winner])]


def test_a_late_report_that_explains_the_points_takes_the_incident_away(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms + 600_000)
    here.sell(ANNA, earn=100)
    there.sell(ANNA, pay=50)
    office.take_in(OTHER, there.journal)
    office.apply_all(OTHER)
    assert [incident[:2] for incident in office.incidents()] == [("overspend", 50)]
    office.take_in(STORE, here.journal)
    office.apply_all(STORE)
    assert office.incidents() == []
    assert balance_of(office) == (50, 0)


def test_an_incident_that_somebody_resolved_stays_on_record(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms + 600_000)
    here.sell(ANNA, earn=100)
    there.sell(ANNA, pay=50)
    office.take_in(OTHER, there.journal)
    office.apply_all(OTHER)
    office.do(lambda tx: tx.execute("UPDATE incident SET state = 'resolved', resolution = 'forgiven'"))
    office.take_in(STORE, here.journal)
    office.apply_all(STORE)
    assert office.rows("incident", "state, resolution") == [("resolved", "forgiven")]


def three_shops() -> dict[int, Shop]:
    """Shops that cannot hear each other, with one member, one coupon and one gift card among them."""
    random = Random(4)
    shops = {n: Shop(store, epoch=20 + n) for n, store in enumerate((STORE, OTHER, THIRD))}
    for _ in range(40):
        n = random.randrange(3)
        shop, member = shops[n], random.choice([ANNA, BEN])
        shop.now_ms += random.randrange(100_000)
        kind = random.randrange(6)
        if kind < 3:
            shop.sell(member, earn=random.randint(1, 50))
        elif kind == 3:
            shop.sell(member, pay=random.randint(1, 90))
        elif kind == 4:
            shop.sell(vouchers=vouchers(used=[used(5)] if random.random() < 0.5 else []))
        else:
            amount = random.choice([500, -300, -400])
            shop.sell(vouchers=vouchers(cards=[card(1, "activate" if amount > 0 else "redeem", amount)]))
    return shops


def books_after(office: Office, order: Sequence[int], limit: int) -> dict[str, list[tuple[object, ...]]]:
    shops = three_shops()
    stores = (STORE, OTHER, THIRD)
    for n in order:
        office.take_in(stores[n], shops[n].journal)
        office.apply_all(stores[n], limit=limit)
    return {table: office.rows(table) for table in BOOKS}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_i11_any_order_of_the_shops_gives_the_same_books_and_incidents(office: Office) -> None:
    first = None
    for count, order in enumerate(permutations(range(3))):
        books = books_after(office, order, limit=3 + count)
        assert books["incident"]
        first = first or books
        assert books == first
        office.do(lambda tx: [tx.execute(f"DELETE FROM {name}") for name in EVERYTHING])
    assert first is not None


EVERYTHING = (*BOOKS, "inbox", "epoch_head", "apply_cursor", "applied", "feed", "feed_head", "member_seen")


def test_the_same_fact_under_a_later_life_counts_once(office: Office) -> None:
    before, after = Shop(), Shop(epoch=9, at_ms=Shop().now_ms + 100_000)
    before.sell(ANNA, earn=10)
    before.sell(ANNA, earn=20)
    for op in before.ops[1:]:
        after.relog(op)
    after.sell(ANNA, earn=40)
    office.take_in(STORE, before.journal)
    office.apply_all(STORE)
    office.take_in(STORE, after.journal)
    done = office.apply_all(STORE)
    assert sum(applied.repeated for applied in done) == 2
    assert balance_of(office) == (70, 0)
    assert len(office.rows("receipt")) == 3
    assert office.rows("store_stock", "quantity_milli") == [(-3_000,)]


def test_the_same_id_with_other_content_is_a_conflict_and_changes_nothing(office: Office) -> None:
    before, after = Shop(), Shop(epoch=9)
    sale = before.sell(ANNA, earn=10)
    forged = Shop(epoch=11)
    forged.sell(ANNA, earn=999)
    after.relog(
        forged.ops[-1]._replace(
            content=forged.ops[-1].content.replace(str(forged.ops[-1].op_id).encode(), str(sale).encode()), op_id=sale
        )
    )
    after.sell(ANNA, earn=1)
    office.take_in(STORE, {**before.journal, **after.journal})
    office.apply_all(STORE)
    assert office.rows("dead_letter", "code, seq, op_id, state") == [("id_conflict", 2, sale.bytes, "open")]
    assert balance_of(office) == (11, 0)


def test_two_stores_may_use_one_epoch_number_and_one_id(office: Office) -> None:
    here, there = Shop(STORE, epoch=5), Shop(OTHER, epoch=5)
    here.sell(sku="A")
    there.sell(sku="B")
    for store, shop in ((STORE, here), (OTHER, there)):
        office.take_in(store, shop.journal)
        office.apply_all(store)
    assert office.rows("dead_letter") == []
    assert len(office.rows("applied")) == 4


def test_goods_that_come_back_elsewhere_before_their_sale_is_known_wait_for_it(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8, at_ms=Shop().now_ms + 600_000)
    sale = here.sell(ANNA, earn=100)
    clawed = there.posting(ANNA, "reverse_earn", -100, reference=PostingRef(sale, 2, ANNA))
    void = SaleVoided(
        request="",
        sale=sale,
        sale_number="S007-T01-000001",
        till="T01",
        shift=sale,
        currency="EUR",
        reason="all of it",
        lines=(),
        due_minor=0,
        member=ANNA,
        postings=(clawed,),
    )
    there.log(void)
    office.take_in(OTHER, there.journal)
    office.apply_all(OTHER)
    assert balance_of(office) == (0, 0)
    office.take_in(STORE, here.journal)
    office.apply_all(STORE)
    assert balance_of(office) == (0, 0)
    assert office.rows("points_lot", "points, clawed") == [(100, 100)]
