"""Points and time: pending, ending, a clock set back, a program that changes. Time alone writes nothing."""

from pathlib import Path

import msgspec
import pytest

from kiosk.answers import BalanceAnswer
from kiosk.commands import LineRequest
from kiosk.points.points_views import list_postings, show_points
from kiosk.sales.sale import PriceChanged
from loyalty.points.refusals import InsufficientPoints
from sync.http.paging import PageQuery
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import CATALOGUE, add_products, perform

CHEESE = LineRequest(sku="104", quantity_milli=10_000)  # 19,900: 199 points
PENDING = {"pending_days": 14}
ENDING = {"valid_for": 1, "valid_unit": "month", "valid_to_end_of": "month"}


def test_points_are_pending_and_then_count_without_any_write(tmp_path: Path) -> None:
    with open_till(tmp_path, points=PENDING) as till:
        anna = till.enrol()
        assert till.sell(CHEESE, member=anna).points.balance == BalanceAnswer(pending=199)
        with pytest.raises(InsufficientPoints):
            till.hold(anna, 1)
        entries = till.entries()
        till.wait(days=13.9)
        assert till.points(anna) == BalanceAnswer(pending=199)
        till.wait(days=0.2)
        assert (till.points(anna), till.entries()) == (BalanceAnswer(active=199), entries)
        till.hold(anna, 199)
        assert_holds(till.connection)


def test_pending_points_go_with_the_goods(tmp_path: Path) -> None:
    with open_till(tmp_path, points=PENDING) as till:
        anna = till.enrol()
        sold = till.sell(CHEESE, member=anna)
        back = till.take_back(sold, [(1, 5_000)], [("cash", 9950)])
        assert (back.points.clawed_back, back.points.debt) == (99, 0)
        assert till.points(anna) == BalanceAnswer(pending=100)
        till.wait(days=15)
        assert till.points(anna) == BalanceAnswer(active=100)
        assert_holds(till.connection)


def test_points_end_with_their_month_and_are_told_before(tmp_path: Path) -> None:
    with open_till(tmp_path, points=ENDING) as till:  # 21 November 2026: valid through 31 December
        anna = till.enrol()
        sold = till.sell(CHEESE, member=anna)
        assert [(each.points, each.at) for each in sold.points.expiring] == [(199, "2026-12-31T23:00:00.000Z")]
        points = show_points(till.connection, till.shop, till.who, anna)
        assert [(each.points, each.at) for each in points.expiring] == [(199, "2026-12-31T23:00:00.000Z")]
        till.wait(days=20)
        second = till.sell(CHEESE, member=anna)  # 11 December: through 31 January
        assert [each.points for each in second.points.expiring] == [199, 199]
        till.wait(days=25)
        assert till.points(anna) == BalanceAnswer(active=199)
        third = till.sell(CHEESE, member=anna)
        assert third.points.balance == BalanceAnswer(active=398)
        assert_holds(till.connection)


def test_points_that_come_back_late_last_for_the_grace(tmp_path: Path) -> None:
    with open_till(tmp_path, points={**ENDING, "grace_days": 14}) as till:
        anna = till.enrol()
        till.sell(CHEESE, member=anna)
        paid = till.pay("100", member=anna, points=129, cash=0)
        till.wait(days=45)  # January: what is left of the 199 has ended
        assert till.points(anna) == BalanceAnswer()
        till.take_back(paid, [(1, 1000)], [])
        assert till.points(anna) == BalanceAnswer(active=129)
        till.wait(days=14)
        assert till.points(anna) == BalanceAnswer(active=129)
        till.wait(days=1.5)
        assert till.points(anna) == BalanceAnswer()
        assert_holds(till.connection)


def test_a_clock_set_back_a_year_changes_the_order_of_nothing(tmp_path: Path) -> None:
    with open_till(tmp_path, points=ENDING) as till:
        anna = till.enrol()
        sold = till.sell(CHEESE, member=anna)
        till.wait(days=-365)
        paid = till.pay("100", member=anna, points=129, cash=0)
        assert till.points(anna) == BalanceAnswer(active=70)
        till.take_back(sold, [(1, 10_000)], [("cash", 19_900)])
        assert till.points(anna) == BalanceAnswer(debt=129)
        till.take_back(paid, [(1, 1000)], [])
        assert till.points(anna) == BalanceAnswer()
        ben = till.enrol("Ben")
        again = till.sell(CHEESE, member=ben)
        assert again.points.expiring == sold.points.expiring, "the year before is no time to begin in"
        times = [row[0] for row in till.rows("SELECT effective_at FROM posting ORDER BY seq, n")]
        assert times == sorted(times)
        assert till.rows("SELECT count(*) FROM points_incident") == [(0,)]
        assert_holds(till.connection)


def test_a_program_that_changes_does_not_change_the_past(tmp_path: Path) -> None:
    with open_till(tmp_path, points=ENDING) as till:
        anna = till.enrol()
        first = till.sell(CHEESE, member=anna)
        terms = msgspec.structs.replace(
            till.shop.terms,
            program=msgspec.structs.replace(till.shop.terms.program, validity=None, pending_days=30),
            earn_rule=msgspec.structs.replace(till.shop.terms.earn_rule, version=2, points=5),
        )
        changed = Till(till.connection, msgspec.structs.replace(till.shop, terms=terms), till.who)
        second = changed.sell(CHEESE, member=anna)
        assert second.points.balance == BalanceAnswer(active=199, pending=995)
        assert second.points.expiring == first.points.expiring
        back = changed.take_back(first, [(1, 10_000)], [("cash", 19_900)])
        assert back.points.clawed_back == 199
        rules = [row[0] for row in till.rows("SELECT rule FROM posting WHERE kind = 'earn' ORDER BY seq")]
        assert rules == ["base@1", "base@2"]
        assert_holds(till.connection)


def test_a_price_changed_between_quote_and_sale_is_told_with_the_points(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        till.adjust(anna, 100)
        quoted = till.quote("100", member=anna)
        dearer = msgspec.structs.replace(CATALOGUE[0], price_minor=250)
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, dearer), till.shop, till.who)
        hold = till.hold(anna, 100)
        with pytest.raises(PriceChanged) as refused:
            till.pay("100", member=anna, points=100, hold=hold, quote_due_minor=quoted.totals.due_minor)
        assert refused.value.extra["due_minor"] == 250
        assert till.points(anna) == BalanceAnswer(held=100), "the points still wait for the answer of the shopper"
        till.pay("100", member=anna, points=100, hold=hold, quote_due_minor=250)
        assert_holds(till.connection)


def test_the_ledger_says_what_became_of_each_posting(tmp_path: Path) -> None:
    with open_till(tmp_path, points=ENDING) as till:
        anna = till.enrol()
        sold = till.sell(CHEESE, member=anna)
        till.hold(anna, 50)
        till.pay("100", member=anna, points=129, cash=0)
        till.take_back(sold, [(1, 1_000)], [("cash", 1990)])
        page = list_postings(till.connection, till.shop, till.who, anna, PageQuery(limit=50))
        told = {posting.kind: posting for posting in reversed(page.items)}
        lot = told["earn"].lot
        assert lot is not None
        assert (lot.left, lot.held, lot.used, lot.expired, lot.returned) == (1, 50, 129, 0, 19)
        assert (told["earn"].lines, told["earn"].rule, told["earn"].expires_at) == (
            ((1, 199),),
            "base@1",
            "2026-12-31T23:00:00.000Z",
        )
        assert told["reverse_earn"].reference == sold.id
        states = [posting.hold_state for posting in page.items if posting.kind == "hold"]
        assert states == ["captured", "open"]
        till.wait(minutes=20)
        page = list_postings(till.connection, till.shop, till.who, anna, PageQuery(limit=50))
        assert [posting.hold_state for posting in page.items if posting.kind == "hold"] == ["captured", "lapsed"]
