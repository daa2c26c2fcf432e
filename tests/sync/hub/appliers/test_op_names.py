"""One id booked by two stores: what an honest store books counts in its own books, whoever was first with its ids."""

from uuid import UUID

import pytest

from loyalty.ids import derived_uuid
from loyalty.points.account import Balance
from sync.facts.members import MemberErased
from sync.facts.points import PointsAdjusted, PointsHeld
from sync.facts.vouchers import SaleVouchers
from sync.hub import op_names
from sync.hub.applier import replay_dead_letter
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of
from tests.sync.hub.appliers.test_vouchers import void_of
from tests.sync.hub.appliers.vouchers import card, coupon, undone, used, vouchers

NOBODY = Balance(active=0, pending=0, held=0, debt=0)
ANNA, LIARS = UUID(int=0x5000), UUID(int=0x6000)
"""The honest shop's member, and the other's."""


def adjust(shop: Shop, member: UUID, points: int, op_id: UUID | None = None, hold: UUID | None = None) -> UUID:
    posting = shop.posting(member, "redeem" if hold else "adjust", points, hold=hold)
    body = PointsAdjusted(request="", member=member, points=points, reason="", postings=(posting,), balance=NOBODY)
    return shop.log(body, op_id)


def sell_as(shop: Shop, op_id: UUID, member: UUID, moved: SaleVouchers | None = None) -> None:
    """A sale under an id that is another's."""
    shop.id = lambda: op_id  # type: ignore[method-assign]
    shop.sell(member, earn=7, pay=3, vouchers=moved)
    del shop.id


class Day:
    """What an honest shop books, and the ids of it that another store knows or can work out."""

    def __init__(self) -> None:
        shop = self.shop = Shop()
        shop.enrol(ANNA, "+48600100200")
        self.sale = shop.sell(ANNA, earn=100, vouchers=vouchers(issued=[coupon(5)], cards=[card(1, "activate", 900)]))
        self.hold = shop.id()
        held = shop.posting(ANNA, "hold", 40, hold=self.hold, expires_at=shop.now_ms + 900_000)
        body = PointsHeld(
            request="",
            member=ANNA,
            points=40,
            lapses_at=shop.now_ms + 900_000,
            proof="pin",
            postings=(held,),
            balance=NOBODY,
        )
        shop.log(body, self.hold)
        self.paid = adjust(shop, ANNA, -40, hold=self.hold)
        self.second = shop.sell(ANNA, earn=10, vouchers=vouchers(used=[used(5)], cards=[card(2, "redeem", -200)]))
        self.void = shop.log(
            void_of(self.second, undone(5, cards=[card(3, "refund", 200)])), derived_uuid(self.second, "void")
        )

    def lie(self) -> Shop:
        """The other store books every one of these ids, about the same things."""
        liar = Shop(OTHER, epoch=8, at_ms=self.shop.now_ms - 60_000)
        liar.enrol(LIARS)
        moved = vouchers(issued=[coupon(77)], used=[used(5)], cards=[card(1, "activate", 1), card(2, "redeem", -1)])
        for op_id in (self.sale, self.second):
            sell_as(liar, op_id, ANNA, moved)
        liar.log(void_of(self.second, undone(5, cards=[card(3, "refund", 1)])), self.void)
        for op_id in (self.hold, self.paid):
            adjust(liar, ANNA, 1, op_id)
        return liar


def bring(office: Office, *shops: Shop) -> None:
    for shop in shops:
        office.take_in(shop.store, shop.journal)
    for shop in shops:
        office.apply_all(shop.store)


def own(office: Office, day: Day) -> list[object]:
    """What the honest shop's facts are in its own books."""
    store = STORE.bytes
    found: list[object] = [
        [row[1:] for row in office.rows(table, f"store, {columns}") if row[0] == store]
        for table, columns in (
            ("sales_hour", "sales, member_sales, net_minor, voids, voided_minor"),
            ("store_stock", "sku, quantity_milli"),
            ("card_movement", "n, kind, amount_minor"),
            ("coupon_spending", "serial, n"),
            ("receipt", "number, kind"),
            ("goods_back", "line, kind, quantity_milli"),
            ("member_purchase", "member, visits, spent_minor"),
            ("member_touch", "member, n, kind"),
        )
    ]
    kinds = [row[:2] for row in office.rows("posting", "kind, points, origin") if row[2] == day.shop.epoch]
    return [*found, kinds, [row for row in office.rows("points_hold", "points") if row]]


@pytest.mark.parametrize("first", ["honest", "liar"])
def test_whoever_is_first_with_an_id_the_honest_stores_facts_count_in_its_own_books(office: Office, first: str) -> None:
    day = Day()
    bring(office, day.shop)
    alone = own(office, day)
    for table in office.do(_tables):
        office.do(lambda tx, table=table: tx.execute(f"DELETE FROM {table}"))  # type: ignore[misc]
    shops = (day.shop, day.lie())
    bring(office, *(shops if first == "honest" else reversed(shops)))
    assert office.rows("dead_letter", "store, kind, code, error") == []
    assert own(office, day) == alone
    late = {"honest": OTHER, "liar": STORE}[first]
    assert {row[0] for row in office.rows("op_alias", "store")} == {late.bytes}
    report = proof_of(office)
    assert report.ok, report.first_wrong


def _tables(tx: object) -> list[str]:
    from sync.hub.schema_all import ALL_TABLES

    return [table.name for table in ALL_TABLES]


def test_the_points_of_the_honest_store_are_right_when_its_ids_were_taken_before(office: Office) -> None:
    day = Day()
    liar = Shop(OTHER, epoch=8, at_ms=day.shop.now_ms - 60_000)
    for op_id in (day.sale, day.hold, day.paid, day.second, day.void):
        adjust(liar, LIARS, 1, op_id)
    bring(office, liar, day.shop)
    accounts = {row[0]: row[1:] for row in office.rows("account", "member, active, held, debt")}
    assert accounts[ANNA.bytes] == (70, 0, 0)
    assert office.incidents() == []


@pytest.mark.parametrize("first", ["honest", "liar"])
def test_a_member_who_is_enrolled_under_one_id_by_two_stores_stays_one(office: Office, first: str) -> None:
    honest, liar = Shop(), Shop(OTHER, epoch=8)
    honest.enrol(ANNA, "+48600100200")
    honest.sell(ANNA, earn=5)
    liar.enrol(ANNA, "+48600100200", name="Nobody")
    liar.sell(ANNA, earn=2)
    bring(office, *((honest, liar) if first == "honest" else (liar, honest)))
    assert office.rows("dead_letter", "code") == []
    assert [row[0] for row in office.rows("account", "active")] == [7]
    assert len(office.rows("member")) == 1
    assert proof_of(office).ok


def test_a_later_life_that_logs_them_again_adds_nothing(office: Office) -> None:
    day = Day()
    bring(office, day.lie(), day.shop)
    before = own(office, day), office.rows("applied", "store, op_id")
    later = Shop(epoch=77, at_ms=day.shop.now_ms)
    for op in day.shop.ops[1:]:
        later.relog(op)
    bring(office, later)
    assert (own(office, day), len(office.rows("applied")) - 1) == (before[0], len(before[1]))
    assert proof_of(office).ok


def test_what_all_stores_say_under_one_id_keeps_it(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    for shop in (here, there):
        body = MemberErased(member=ANNA, reason="asked", locale="en", revision=2, enrolled_at=5)
        shop.log(body, derived_uuid(ANNA, "erase"))
    bring(office, here, there)
    assert (office.rows("op_alias"), office.rows("dead_letter")) == ([], [])
    assert len(office.rows("applied")) == 4


def test_a_dead_letter_whose_id_was_taken_meanwhile_replays_under_another(office: Office) -> None:
    here, there = Shop(), Shop(OTHER, epoch=8)
    taken = adjust(here, ANNA, 5)
    adjust(there, ANNA, 6, taken)
    bring(office, here)
    office.take_in(OTHER, there.journal)
    letter = (OTHER.bytes, 8, 2, taken.bytes, "points.adjusted", "x", "x", "", there.now_ms, 0, 0, 1, "open")

    def fail(tx: object) -> None:
        tx.execute(f"INSERT INTO dead_letter VALUES ({', '.join('?' * len(letter))})", letter)  # type: ignore[attr-defined]
        tx.execute("UPDATE apply_cursor SET applied_seq = 2 WHERE store = ?", (OTHER.bytes,))  # type: ignore[attr-defined]

    office.do(fail)
    assert office.do(lambda tx: replay_dead_letter(tx, OTHER, 8, 2, office.now_ms)).state == "replayed"
    assert [row[0] for row in office.rows("account", "active")] == [11]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_whoever_books_ids_of_others_without_end_gets_no_more_names(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(op_names, "ALIASES_MAX", 2)
    honest, liar = Shop(), Shop(OTHER, epoch=8)
    ids = [adjust(honest, ANNA, 5) for _ in range(4)]
    for op_id in ids:
        adjust(liar, LIARS, 5, op_id)
    own_sale = liar.sell(LIARS)
    bring(office, honest, liar)
    assert office.rows("dead_letter", "code") == [("id_conflict",), ("id_conflict",)]
    assert len(office.rows("op_alias")) == 2
    assert (own_sale.bytes,) in office.rows("receipt", "op")
