"""Selling in one transaction: the sale, its replay, its refusal, its numbers, stock and points, and its void."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk.answers import BalanceAnswer as Balance
from kiosk.catalogue.line_items import NameOneArticle, NotForSale, UnknownProduct
from kiosk.commands import Discount, LineRequest
from kiosk.coupons.coupon_refusals import UnknownCoupon
from kiosk.identity.approvals import ApprovalUnknown
from kiosk.sales.sale import ApprovalNeeded, EmptySale, PriceChanged, ReasonNeeded
from kiosk.sales.sale_points import UnknownHold
from kiosk.sales.sale_service import (
    AlreadyReturned,
    ShiftOver,
    SoldOnAnotherTill,
    VoidedDifferently,
    find_and_show,
)
from kiosk.sales.sale_store import UnknownSale
from kiosk.sales.tender import Overpaid, TenderNotAccepted, Underpaid
from kiosk.shop import NoOpenShift
from loyalty.basket import DiscountTooLarge, WrongBasket
from loyalty.errors import IdConflict, Problem, WrongCurrency
from loyalty.member_store import UnknownMember
from loyalty.money import AmountTooLarge
from tests.kiosk.selling import FLOAT, assert_holds, open_till, product, sale_of
from tests.kiosk.shopkit import add_products, caller, new_id, perform


def test_a_sale_is_booked_whole(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        sold = till.sell(
            LineRequest(sku="101", quantity_milli=2000),
            LineRequest(gtin="9520000000011"),
            LineRequest(sku="104", quantity_milli=355),
            tenders=[("card", 500), ("cash", 1000)],
            member=anna,
            receipt="paper",
        )
        assert sold.number == "S001-T01-000001"
        assert (sold.business_day, sold.till, sold.operator, sold.currency) == ("2026-11-21", "T01", "ana", "EUR")
        assert [(line.sku, line.gross_minor, line.tax_rate) for line in sold.lines] == [
            ("101", 518, "23"),
            ("100", 129, "5"),
            ("104", 706, "5"),
        ]
        assert (sold.totals.due_minor, sold.totals.paid_minor, sold.totals.change_minor) == (1353, 1500, 147)
        assert [(tax.rate, tax.base_minor, tax.tax_minor) for tax in sold.totals.taxes] == [
            ("23", 421, 97),
            ("5", 795, 40),
        ]
        assert sold.points.earned == 13 == sum(line.points for line in sold.lines)
        assert till.points(anna) == sold.points.balance == Balance(active=13)
        assert (till.stock("101"), till.stock("100"), till.stock("104")) == (-2000, -1000, -355)
        assert sold.print_job is not None
        jobs = till.rows("SELECT id, state, reference FROM print_job")
        assert jobs == [(sold.print_job.id.bytes, "queued", sold.id.bytes)]
        assert_holds(till.connection)


def test_a_label_of_the_scale_is_sold_at_the_price_it_carries(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        by_price = till.sell(LineRequest(gtin="2312345007063"))
        by_weight = till.sell(LineRequest(gtin="2912345003555"))
        assert [(line.sku, line.quantity_milli, line.gross_minor) for line in by_price.lines] == [("104", 355, 706)]
        assert [(line.sku, line.quantity_milli, line.gross_minor) for line in by_weight.lines] == [("104", 355, 706)]
        assert_holds(till.connection)


def test_the_same_sale_again_answers_the_same_and_books_nothing(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        command = sale_of("100", tenders=[("cash", 200)])
        first = till.send(command)
        till.sell("101")
        entries, stock = till.entries(), till.stock("100")
        again = till.send(command)
        assert (first.replayed, again.replayed) == (False, True)
        assert again.answer == first.answer
        assert (till.entries(), till.stock("100")) == (entries, stock)


def test_a_replay_answers_even_after_the_shift_is_closed_and_from_another_till(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        command = sale_of("100", tenders=[("cash", 200)])
        first = till.send(command)
        till.close(cash=10_129)
        again = till.another().send(command)
        assert again.replayed
        assert again.answer == first.answer
        assert_holds(till.connection)


@pytest.mark.parametrize(
    "change",
    [{"tenders": ()}, {"member": UUID(int=9)}, {"receipt": "paper"}, {"quote_due_minor": 129}, {"currency": "EUR"}],
)
def test_the_same_id_with_another_body_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with open_till(tmp_path) as till:
        sale = new_id()
        till.send(sale_of("100", tenders=[("cash", 200)], id=sale))
        entries = till.entries()
        with pytest.raises(IdConflict):
            till.send(sale_of("100", **{"tenders": [("cash", 200)], "id": sale, **change}))
        assert till.entries() == entries


def test_an_id_of_another_kind_of_fact_is_refused(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        assert till.shift is not None
        with pytest.raises(IdConflict):
            till.sell("100", id=till.shift)


def test_a_refusal_is_not_remembered(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sale = new_id()
        with pytest.raises(Underpaid):
            till.sell("100", id=sale, tenders=[("cash", 100)])
        assert till.sell("100", id=sale, tenders=[("cash", 129)]).number == "S001-T01-000001"
        assert_holds(till.connection)


REFUSALS: list[tuple[str, dict[str, Any], type[Problem], str | None]] = [
    ("nothing to sell", {"lines": ()}, EmptySale, "/lines"),
    ("an unknown sku", {"lines": (LineRequest(sku="999"),)}, UnknownProduct, "/lines/0/sku"),
    ("an unknown gtin", {"lines": (LineRequest(gtin="9520000000998"),)}, UnknownProduct, "/lines/0/gtin"),
    ("no gtin at all", {"lines": (LineRequest(gtin="milk"),)}, UnknownProduct, "/lines/0/gtin"),
    ("neither sku nor gtin", {"lines": (LineRequest(),)}, NameOneArticle, "/lines/0"),
    (
        "both sku and gtin",
        {"lines": (LineRequest(sku="100"), LineRequest(sku="100", gtin="9520000000011"))},
        NameOneArticle,
        "/lines/1",
    ),
    ("an article no longer sold", {"lines": (LineRequest(sku="off"),)}, NotForSale, "/lines/0"),
    (
        "an absurd amount",
        {"lines": (LineRequest(sku="dear", quantity_milli=100_000_000),)},
        AmountTooLarge,
        "/lines/0/unit_price_minor",
    ),
    ("too little money", {"tenders": [("cash", 128)]}, Underpaid, "/tenders"),
    ("no money", {"tenders": ()}, Underpaid, "/tenders"),
    ("too much on the card", {"tenders": [("card", 130)]}, Overpaid, "/tenders"),
    ("an unknown kind of money", {"tenders": [("shells", 129)]}, TenderNotAccepted, "/tenders/0/kind"),
    ("another currency", {"currency": "PLN"}, WrongCurrency, "/currency"),
    ("an unknown member", {"member": UUID(int=7)}, UnknownMember, "/member"),
    ("an unknown coupon", {"coupons": ("ABC",)}, UnknownCoupon, "/coupons/0"),
    ("an unknown hold", {"hold": UUID(int=7)}, UnknownHold, "/hold"),
    ("another price than quoted", {"quote_due_minor": 128}, PriceChanged, None),
    (
        "an override without a reason",
        {"lines": (LineRequest(sku="100", unit_price_minor=1),)},
        ReasonNeeded,
        "/lines/0/reason",
    ),
    (
        "an override without approval",
        {"lines": (LineRequest(sku="100", unit_price_minor=1, reason="torn"),)},
        ApprovalNeeded,
        "/lines/0/unit_price_minor",
    ),
    (
        "a discount above the line",
        {"lines": (LineRequest(sku="100", discount=Discount("amount", 130, "torn")),)},
        DiscountTooLarge,
        "/lines/0/discount/value",
    ),
    (
        "more than a hundred percent",
        {"lines": (LineRequest(sku="100", discount=Discount("percent", 101, "torn")),)},
        WrongBasket,
        "/lines/0/discount/value",
    ),
    ("an approval nobody gave", {"approval": "made-up"}, ApprovalUnknown, None),
]


@pytest.mark.parametrize(("what", "change", "problem", "pointer"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_a_refused_sale_writes_nothing(
    tmp_path: Path, what: str, change: dict[str, Any], problem: type[Problem], pointer: str | None
) -> None:
    with open_till(tmp_path) as till:
        more = (product("off", 100, active=False), product("dear", 10**12))
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, *more), till.shop, till.who)
        entries = till.entries()
        with pytest.raises(problem) as refused:
            till.sell("100", **{"tenders": [("cash", 129)], **change})
        assert refused.value.pointer == pointer
        assert till.entries() == entries
        assert till.rows("SELECT count(*) FROM document_number") == [(0,)]
        assert_holds(till.connection)


def test_a_sale_needs_an_open_shift(tmp_path: Path) -> None:
    with open_till(tmp_path, shift=False) as till:
        with pytest.raises(NoOpenShift):
            till.sell("100")
        till.open()
        assert till.sell("100").number == "S001-T01-000001"


def test_another_price_than_quoted_is_answered_with_the_new_quote(tmp_path: Path) -> None:
    with open_till(tmp_path) as till, pytest.raises(PriceChanged) as refused:
        till.sell("100", "101", quote_due_minor=300, member=till.enrol())
    quote: Any = refused.value.extra["quote"]
    assert refused.value.extra["due_minor"] == quote.totals.due_minor == 388
    assert [line.net_minor for line in quote.lines] == [129, 259]
    assert quote.points.earned == 3


def test_a_sale_of_nothing_to_pay_needs_no_tender(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sold = till.sell("105", tenders=())
        assert (sold.totals.due_minor, sold.totals.paid_minor, sold.tenders) == (0, 0, [])
        assert_holds(till.connection)


def test_numbers_have_no_gap_over_sales_returns_refusals_and_tills(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        other = till.another()
        first = till.sell("100")
        with pytest.raises(Underpaid):
            till.sell("100", tenders=[("cash", 1)])
        there = other.sell("101")
        back = till.take_back(first, [(1, 1000)], [("cash", 129)])
        last = till.sell("101")
        assert [first.number, back.number, last.number] == [f"S001-T01-{n:06}" for n in (1, 2, 3)]
        assert there.number == "S001-T02-000001"
        till.void(last)
        assert till.sell("101").number == "S001-T01-000004"
        assert_holds(till.connection)


class TestByHand:
    """Prices and discounts set by a person."""

    OVERRIDE = LineRequest(sku="101", unit_price_minor=200, reason="label said so")

    def test_a_manager_sets_a_price_with_a_reason_alone(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.another().sell(self.OVERRIDE)
            assert sold.totals.due_minor == 200
            [fact] = till.rows("SELECT override_reason, unit_price_minor FROM sale_line")
            assert fact == ("label said so", 200)
            assert_holds(till.connection)

    def test_a_cashier_sets_one_with_an_approval_that_is_then_used_up(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            approval = till.approve("price_override")
            till.sell(self.OVERRIDE, approval=approval)
            content = till.rows("SELECT content FROM journal WHERE kind = 'sale.completed'")[0][0]
            assert b'"override_by":"mia"' in content
            with pytest.raises(ApprovalUnknown):
                till.sell(self.OVERRIDE, approval=approval)

    def test_the_approval_may_stand_on_the_line(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            line = LineRequest(sku="101", unit_price_minor=1, reason="torn", approval=till.approve("price_override"))
            assert till.sell(line).totals.due_minor == 1

    def test_a_failed_sale_does_not_use_the_approval_up(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            approval = till.approve("price_override")
            with pytest.raises(Underpaid):
                till.sell(self.OVERRIDE, approval=approval, tenders=())
            assert till.sell(self.OVERRIDE, approval=approval).totals.due_minor == 200

    @pytest.mark.parametrize("purpose", ["void", "discount", "drawer"])
    def test_an_approval_for_something_else_does_not_set_a_price(self, tmp_path: Path, purpose: str) -> None:
        with open_till(tmp_path) as till, pytest.raises(ApprovalNeeded):
            till.sell(self.OVERRIDE, approval=till.approve(purpose))

    def test_an_approval_of_another_device_or_too_old_does_not_hold(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            approval = till.approve("price_override")
            other = till.another()
            with pytest.raises(ApprovalUnknown):
                other.sell(self.OVERRIDE, approval=approval)
            till.who = caller(at_ms=till.who.now_ms + 300_001)
            with pytest.raises(ApprovalUnknown):
                till.sell(self.OVERRIDE, approval=approval)

    def test_a_cashier_gives_discounts_up_to_the_limit_alone(self, tmp_path: Path) -> None:
        def off(percent: int) -> LineRequest:
            return LineRequest(sku="101", discount=Discount("percent", percent, "dented"))

        with open_till(tmp_path, roles={"cashier_discount_percent": 10}) as till:
            assert till.sell(off(10)).totals.discount_minor == 26
            with pytest.raises(ApprovalNeeded):
                till.sell(off(11))
            with pytest.raises(ApprovalNeeded):
                till.sell(LineRequest(sku="101", discount=Discount("amount", 27, "dented")))
            with pytest.raises(ApprovalNeeded):
                till.sell(off(11), approval=till.approve("price_override"))
            assert till.sell(off(50), approval=till.approve("discount")).totals.due_minor == 129
            assert till.another().sell(off(100), tenders=()).totals.due_minor == 0
            assert_holds(till.connection)

    def test_where_config_says_so_every_discount_needs_approval(self, tmp_path: Path) -> None:
        line = LineRequest(sku="101", discount=Discount("amount", 1, "dented"))
        with open_till(tmp_path, roles={"needs_approval": ["discount"]}) as till:
            with pytest.raises(ApprovalNeeded):
                till.sell(line)
            assert till.sell(line, approval=till.approve("discount")).totals.due_minor == 258
            assert till.sell(TestByHand.OVERRIDE).totals.due_minor == 200

    def test_a_price_and_a_discount_by_hand_need_one_approval_each(self, tmp_path: Path) -> None:
        roles = {"needs_approval": ["price_override", "discount"]}
        line = LineRequest(sku="101", unit_price_minor=200, reason="torn", discount=Discount("amount", 50, "torn"))
        with open_till(tmp_path, roles=roles) as till:
            with pytest.raises(ApprovalNeeded):
                till.sell(line, approval=till.approve("price_override"))
            both = LineRequest(
                sku="101",
                unit_price_minor=200,
                reason="torn",
                discount=Discount("amount", 50, "torn"),
                approval=till.approve("discount"),
            )
            assert till.sell(both, approval=till.approve("price_override")).totals.due_minor == 150


class TestVoids:
    """A sale undone before its shift closes."""

    def test_a_void_mirrors_stock_points_and_money(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            before = till.report()
            sold = till.sell("100", "101", tenders=[("card", 200), ("cash", 200)], member=anna, receipt="paper")
            outcome = till.void(sold, "wrong customer")
            assert outcome.answer.state == "voided"
            assert not outcome.replayed
            assert (till.stock("100"), till.stock("101")) == (0, 0)
            assert till.points(anna) == Balance()
            x = till.report()
            assert {tender.kind: tender.expected_minor for tender in x.tenders} == {"card": 0, "cash": FLOAT}
            assert (x.sales, x.voids, x.voided_minor) == (1, 1, 388)
            assert all((tax.base_minor, tax.tax_minor) == (0, 0) for tax in x.taxes)
            assert before.tenders[0].expected_minor == FLOAT
            assert till.rows("SELECT count(*) FROM print_job") == [(2,)]
            assert_holds(till.connection)

    def test_voiding_again_answers_the_same_but_not_with_other_words(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            first = till.void(sold, "mistake")
            entries = till.entries()
            again = till.void(sold, "mistake")
            assert again.replayed
            assert again.answer == first.answer
            with pytest.raises(VoidedDifferently):
                till.void(sold, "another story")
            assert till.entries() == entries

    def test_a_sale_is_shown_as_it_was_answered_with_its_present_state(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            assert till.do(find_and_show, sold.number) == till.do(find_and_show, str(sold.id)) == sold
            till.void(sold)
            assert till.do(find_and_show, sold.number.lower()).state == "voided"
            with pytest.raises(UnknownSale):
                till.do(find_and_show, "S001-T01-000099")

    def test_nothing_is_voided_after_something_came_back(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100", "101")
            till.take_back(sold, [(1, 1000)], [("cash", 129)])
            with pytest.raises(AlreadyReturned):
                till.void(sold)

    def test_an_exchange_is_not_voided(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            exchange = till.exchange([(till.sell("100"), 1, 1000)], "101", tenders=[("cash", 130)])
            with pytest.raises(AlreadyReturned):
                till.void(exchange)

    def test_nothing_is_voided_after_its_shift(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            till.close(cash=10_129)
            with pytest.raises(NoOpenShift):
                till.void(sold)
            till.open()
            with pytest.raises(ShiftOver):
                till.void(sold)
            assert_holds(till.connection)

    def test_nothing_is_voided_on_another_till(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            with pytest.raises(SoldOnAnotherTill):
                till.another().void(sold)

    def test_what_is_no_sale_is_not_voided(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            back = till.take_back(sold, [(1, 1000)], [("cash", 129)])
            with pytest.raises(UnknownSale):
                till.void(back)  # type: ignore[arg-type]

    def test_a_cashier_may_need_approval(self, tmp_path: Path) -> None:
        with open_till(tmp_path, roles={"needs_approval": ["void"]}) as till:
            sold = till.sell("100")
            with pytest.raises(ApprovalNeeded):
                till.void(sold)
            assert till.rows("SELECT count(*) FROM sale_void") == [(0,)]

    def test_voided_points_that_were_spent_become_debt(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            sold = till.sell("104", member=anna)
            assert till.points(anna).active == 19
            till.adjust(anna, -15)
            till.void(sold)
            assert till.points(anna) == Balance(active=0, debt=15)
            earned = till.sell("104", member=anna)
            assert earned.points.balance == till.points(anna) == Balance(active=4)
            assert_holds(till.connection)


@pytest.mark.parametrize(
    ("tax", "due", "taxes"),
    [
        ({"mode": "included", "rounding": "rate"}, 647, [("23", 421, 97), ("5", 123, 6)]),
        ({"mode": "included", "rounding": "line"}, 647, [("23", 422, 96), ("5", 123, 6)]),
        ({"mode": "added", "rounding": "rate"}, 772, [("23", 518, 119), ("5", 129, 6)]),
        ({"mode": "added", "rounding": "receipt"}, 773, [("23", 518, 119), ("5", 129, 7)]),
        ({"mode": "added", "rounding": "rate", "method": "up"}, 774, [("23", 518, 120), ("5", 129, 7)]),
    ],
)
def test_tax_is_computed_as_the_store_is_told(
    tmp_path: Path, tax: dict[str, object], due: int, taxes: list[tuple[str, int, int]]
) -> None:
    with open_till(tmp_path, tax=tax) as till:
        sold = till.sell("101", "101", "100")
        assert [(each.rate, each.base_minor, each.tax_minor) for each in sold.totals.taxes] == taxes
        assert sold.totals.due_minor == due
        assert sum(each.base_minor + each.tax_minor for each in sold.totals.taxes) == due
        back = till.take_back(sold, [(1, 1000), (2, 1000), (3, 1000)], [("cash", due)])
        assert back.refund_minor == due
        assert all((each.base_minor, each.tax_minor) == (0, 0) for each in till.report().taxes)
        assert_holds(till.connection)
