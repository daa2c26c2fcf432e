"""Returns and exchanges in one transaction each: money, goods and points come back exactly, never more than went."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.answers import BalanceAnswer as Balance
from kiosk.commands import Discount, ExchangeLine, LineRequest
from kiosk.sales.return_service import ReturnPoints
from kiosk.sales.returns import (
    NothingLeftToReturn,
    RefundMismatch,
    RefundTooLarge,
    ReturnTooLate,
    UnknownSaleLine,
    VoidedSaleReturned,
)
from kiosk.sales.sale import ApprovalNeeded, EmptySale
from kiosk.sales.sale_service import AlreadyReturned
from kiosk.sales.sale_store import UnknownReceipt
from kiosk.sales.tender import Underpaid
from kiosk.shop import NoOpenShift
from loyalty.errors import IdConflict, WrongCurrency
from loyalty.tax import TaxMode
from tests.kiosk.selling import Till, assert_holds, open_till, product
from tests.kiosk.shopkit import add_products, caller, new_id, perform

COINS: dict[str, object] = {"cash_rounding_step_minor": 5}


def stock_up(till: Till, **prices: int) -> None:
    """Put articles of these prices into the catalogue."""
    products = [product(sku, price, "zero") for sku, price in prices.items()]
    perform(till.connection, lambda tx, shop, _: add_products(tx, shop, *products), till.shop, till.who)


class TestReturns:
    """Goods of one receipt coming back."""

    @pytest.mark.parametrize("named", ["id", "number", "typed"])
    def test_a_receipt_is_found_by_id_or_number(self, tmp_path: Path, named: str) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100", LineRequest(sku="101", quantity_milli=3000))
            text = {"id": str(sold.id), "number": sold.number, "typed": f" {sold.number.lower()} "}[named]
            back = till.take_back(text, [(2, 1000)], [("cash", 259)])
            assert back.number == "S001-T01-000002"
            assert back.refund_minor == 259
            assert back.returned.sale_number == sold.number
            assert [(line.sku, line.quantity_milli, line.net_minor) for line in back.lines] == [("101", 1000, 259)]
            assert till.stock("101") == -2000
            assert_holds(till.connection)

    def test_the_quote_is_what_the_return_then_does(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            sold = till.sell(LineRequest(sku="104", quantity_milli=1000), "101", member=anna)
            till.adjust(anna, -10)
            entries = till.entries()
            quote = till.quote_return(sold, [(1, 500)])
            assert till.entries() == entries
            assert quote.refund_minor == 995
            assert [(allowed.kind, allowed.max_minor) for allowed in quote.refunds_allowed] == [("cash", 2249)]
            assert quote.points == ReturnPoints(clawed_back=9, given_back=0, debt=0)
            back = till.take_back(sold, [(1, 500)], [("cash", 995)])
            assert back.lines == quote.lines
            assert back.points == quote.points
            assert back.balance == till.points(anna) == Balance(active=3)
            assert_holds(till.connection)

    def test_points_that_were_spent_become_debt_and_the_return_is_not_refused(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            sold = till.sell("104", member=anna)
            till.adjust(anna, -12)
            quote = till.quote_return(sold, [(1, 1000)])
            assert quote.points == ReturnPoints(clawed_back=19, given_back=0, debt=12)
            back = till.take_back(sold, [(1, 1000)], [("cash", 1990)])
            assert back.points == quote.points
            assert till.points(anna) == Balance(active=0, debt=12)
            assert_holds(till.connection)

    def test_debt_of_before_is_not_debt_of_this_return(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            first = till.sell("104", member=anna)
            second = till.sell("101", member=anna)
            till.adjust(anna, -21)
            till.take_back(first, [(1, 1000)], [("cash", 1990)])
            back = till.take_back(second, [(1, 1000)], [("cash", 259)])
            assert back.points == ReturnPoints(clawed_back=2, given_back=0, debt=2)
            assert back.balance == Balance(debt=21)
            assert_holds(till.connection)

    def test_the_same_return_again_answers_the_same(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell(LineRequest(sku="101", quantity_milli=3000))
            same: dict[str, Any] = {"id": new_id(), "refunds": [("cash", 259)]}
            first = till.return_outcome(sold, [(1, 1000)], **same)
            entries = till.entries()
            again = till.return_outcome(sold, [(1, 1000)], **same)
            assert (first.replayed, again.replayed) == (False, True)
            assert again.answer == first.answer
            with pytest.raises(IdConflict):
                till.return_outcome(sold, [(1, 2000)], **same)
            assert till.entries() == entries

    def test_a_refused_return_writes_nothing(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell(LineRequest(sku="101", quantity_milli=3000), tenders=[("card", 700), ("cash", 100)])
            till.take_back(sold, [(1, 1000)], [("card", 259)])
            entries = till.entries()
            for lines, refunds, problem in [
                ([(1, 3000)], [("card", 259)], NothingLeftToReturn),
                ([(2, 1000)], [("card", 259)], UnknownSaleLine),
                ([(1, 1000)], [("cash", 259)], RefundTooLarge),
                ([(1, 2000)], [("card", 518)], RefundTooLarge),
                ([(1, 1000)], [("voucher", 259)], RefundTooLarge),
                ([(1, 1000)], [("card", 260)], RefundMismatch),
                ([(1, 1000)], [("card", 258)], RefundMismatch),
                ([(1, 1000)], [], RefundMismatch),
            ]:
                with pytest.raises(problem):
                    till.take_back(sold, lines, refunds)
            with pytest.raises(UnknownReceipt) as unknown:
                till.take_back("S001-T01-000099", [(1, 1000)], [])
            assert unknown.value.pointer == "/sale"
            with pytest.raises(WrongCurrency):
                till.take_back(sold, [(1, 1000)], [("card", 259)], currency="PLN")
            assert till.entries() == entries
            till.take_back(sold, [(1, 2000)], [("card", 441), ("cash", 77)])
            assert_holds(till.connection)

    def test_a_voided_sale_does_not_come_back(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            till.void(sold)
            for refused in (till.quote_return, lambda sale, lines: till.take_back(sale, lines, [("cash", 129)])):
                with pytest.raises(VoidedSaleReturned):
                    refused(sold, [(1, 1000)])
            assert_holds(till.connection)

    def test_a_return_is_no_receipt_that_can_be_returned(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            back = till.take_back(till.sell("100"), [(1, 1000)], [("cash", 129)])
            with pytest.raises(UnknownReceipt):
                till.take_back(back.number, [(1, 1000)], [("cash", 129)])

    def test_the_time_for_returns_ends(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender={"return_days": 30}) as till:
            sold = till.sell("100", "100")
            days = 86_400_000
            till.who = caller(at_ms=till.who.now_ms + 30 * days - 10_000)
            till.take_back(sold, [(1, 1000)], [("cash", 129)])
            till.who = caller(at_ms=till.who.now_ms + 10_000)
            with pytest.raises(ReturnTooLate):
                till.take_back(sold, [(2, 1000)], [("cash", 129)])

    def test_a_return_needs_a_shift_and_where_config_says_so_an_approval(self, tmp_path: Path) -> None:
        with open_till(tmp_path, roles={"needs_approval": ["return"]}) as till:
            sold = till.sell("100", "100")
            with pytest.raises(ApprovalNeeded):
                till.take_back(sold, [(1, 1000)], [("cash", 129)])
            till.take_back(sold, [(1, 1000)], [("cash", 129)], approval=till.approve("return"))
            with pytest.raises(ApprovalNeeded):
                till.exchange([(sold, 2, 1000)], "100")
            till.exchange([(sold, 2, 1000)], "100", approval=till.approve("return"))
            till.close(cash=10_129)
            with pytest.raises(NoOpenShift):
                till.take_back(sold, [(1, 1000)], [("cash", 129)])
            assert_holds(till.connection)

    def test_another_till_takes_back_what_this_one_sold(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("100")
            other = till.another()
            back = other.take_back(sold.number, [(1, 1000)], [("cash", 129)])
            assert back.number == "S001-T02-000001"
            assert till.report().returns == 0
            assert other.report().returned_minor == 129
            assert_holds(till.connection)

    def test_cash_that_was_rounded_comes_back_as_it_was_paid(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender=COINS) as till:
            sold = till.sell("100", "101", tenders=[("cash", 500)])
            assert (sold.totals.due_minor, sold.totals.rounding_minor, sold.totals.change_minor) == (390, 2, 110)
            refunds = []
            for line in (1, 2):
                quote = till.quote_return(sold, [(line, 1000)])
                refunds.append(quote.refund_minor)
                till.take_back(sold, [(line, 1000)], [("cash", quote.refund_minor)])
            assert refunds == [130, 260]
            assert till.report().tenders[0].expected_minor == 10_000
            assert_holds(till.connection)

    def test_a_sale_is_returned_by_the_tax_it_was_sold_with(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tax={"mode": "added"}) as till:
            sold = till.sell("101", tenders=[("cash", 319)], receipt="paper")
            assert sold.totals.due_minor == 319
            included = msgspec.structs.replace(till.shop.terms.tax, mode=TaxMode.INCLUDED)
            terms = msgspec.structs.replace(till.shop.terms, tax=included)
            till.shop = msgspec.structs.replace(till.shop, terms=terms)
            back = till.take_back(sold, [(1, 1000)], [("cash", 319)], receipt="paper")
            assert back.refund_minor == 319
            assert all((tax.base_minor, tax.tax_minor) == (0, 0) for tax in till.report().taxes)
            assert_holds(till.connection)


class TestExchanges:
    """Goods back and new goods in one transaction, settled net."""

    def test_the_shopper_pays_the_difference(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            sold = till.sell("100", "102", tenders=[("card", 479)], member=anna)
            new = till.exchange([(sold, 1, 1000)], "101", tenders=[("cash", 200)], member=anna)
            assert (new.totals.due_minor, new.totals.paid_minor, new.totals.change_minor) == (259, 329, 70)
            assert [(tender.kind, tender.amount_minor) for tender in new.tenders] == [("exchange", 129), ("cash", 200)]
            assert (till.stock("100"), till.stock("101"), till.stock("102")) == (0, -1000, -1000)
            assert new.points.balance == till.points(anna) == Balance(active=5)
            assert {tender.kind: tender.expected_minor for tender in till.report().tenders} == {
                "card": 479,
                "cash": 10_130,
            }
            assert_holds(till.connection)

    def test_goods_of_the_same_price_change_hands_without_money(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender=COINS) as till:
            stock_up(till, a=258)
            for other, paid, due in [("100", 390, 260), ("a", 515, 257)]:
                sold = till.sell("101", other, tenders=[("cash", paid)])
                new = till.exchange([(sold, 1, 1000)], "101")
                assert (new.totals.due_minor, new.totals.paid_minor, new.totals.change_minor) == (due, due, 0)
                assert new.totals.rounding_minor == due - 259
            assert till.report().tenders[0].expected_minor == 10_905
            assert_holds(till.connection)

    def test_the_shopper_gets_the_difference_back(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("102", tenders=[("cash", 400)])
            new = till.exchange([(sold, 1, 1000)], "100", refunds=[("cash", 221)])
            assert (new.totals.due_minor, new.totals.paid_minor) == (129, 129)
            assert [(refund.kind, refund.amount_minor) for refund in new.returned[0].refunds] == [
                ("exchange", 129),
                ("cash", 221),
            ]
            assert till.report().tenders[0].expected_minor == 10_129
            assert_holds(till.connection)

    def test_coins_given_back_are_rounded_once_for_the_difference(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender=COINS) as till:
            stock_up(till, a=260, b=132, c=133)
            for sku, due, rounding, cash in [("b", 130, -2, 130), ("c", 135, 2, 125)]:
                sold = till.sell("a", tenders=[("cash", 260)])
                new = till.exchange([(sold, 1, 1000)], sku, refunds=[("cash", cash)])
                assert (new.totals.due_minor, new.totals.rounding_minor) == (due, rounding)
                assert sum(tax.base_minor + tax.tax_minor for tax in new.totals.taxes) + rounding == due
                assert new.returned[0].rounding_minor == 0
                back = till.take_back(new, [(1, 1000)], [("cash", due)])
                assert back.refund_minor == due
            assert till.report().tenders[0].expected_minor == 10_000
            assert_holds(till.connection)

    def test_a_wrong_refund_is_answered_with_the_right_one(self, tmp_path: Path) -> None:
        with open_till(tmp_path, tender=COINS) as till:
            stock_up(till, a=260, b=132)
            sold = till.sell("a", tenders=[("cash", 260)])
            for cash in (0, 125, 128, 135):
                refunds = [("cash", cash)] if cash else []
                with pytest.raises(RefundMismatch) as refused:
                    till.exchange([(sold, 1, 1000)], "b", refunds=refunds)
                assert refused.value.extra == {"refund_minor": 130}
            assert till.rows("SELECT count(*) FROM taken_back") == [(0,)]

    def test_several_receipts_pay_for_one(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            anna = till.enrol()
            first = till.sell("100", tenders=[("cash", 129)], member=anna)
            second = till.sell("101", "102", tenders=[("card", 609)], member=anna)
            till.adjust(anna, -6)
            back = [(first, 1, 1000), (second, 1, 1000), (second, 2, 1000)]
            new = till.exchange(back, "101", "103", refunds=[("card", 404)], member=anna)
            assert new.totals.due_minor == 334
            assert [(taken.sale_number, taken.value_minor) for taken in new.returned] == [
                (first.number, 129),
                (second.number, 609),
            ]
            blocks = till.rows("SELECT points_clawed_back FROM taken_back ORDER BY n")
            assert blocks == [(1,), (6,)]
            assert new.points.balance == till.points(anna)
            assert till.points(anna) == Balance(active=0, debt=3)
            assert_holds(till.connection)

    def test_credit_stays_what_it_was_paid_with(self, tmp_path: Path) -> None:
        """Card money spent on exchanged goods goes back to the card, never into cash."""
        with open_till(tmp_path) as till:
            first = till.sell("102", tenders=[("card", 250), ("cash", 100)])
            second = till.exchange([(first, 1, 1000)], "101", refunds=[("card", 91)])
            third = till.exchange([(second, 1, 1000)], "100", "103", refunds=[("card", 55)])
            for refunds in ([("cash", 204)], [("card", 204)], [("cash", 101), ("card", 103)]):
                with pytest.raises(RefundTooLarge):
                    till.take_back(third, [(1, 1000), (2, 1000)], refunds)
            till.take_back(third, [(1, 1000), (2, 1000)], [("card", 104), ("cash", 100)])
            expected = {tender.kind: tender.expected_minor for tender in till.report().tenders}
            assert expected == {"card": 0, "cash": 10_000}
            assert_holds(till.connection)

    def test_what_was_exchanged_does_not_come_back_again(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("101")
            till.exchange([(sold, 1, 1000)], "101")
            with pytest.raises(NothingLeftToReturn) as refused:
                till.exchange([(sold, 1, 1000)], "101")
            assert refused.value.pointer == "/returns/0/quantity_milli"
            with pytest.raises(NothingLeftToReturn):
                till.take_back(sold, [(1, 1000)], [("cash", 259)])

    def test_a_refused_exchange_changes_nothing(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("101", "100")
            entries = till.entries()
            for lines, more, problem in [
                (("102",), {}, Underpaid),
                (("102",), {"tenders": [("cash", 90)]}, Underpaid),
                (("100",), {}, RefundMismatch),
                (("100",), {"refunds": [("card", 130)]}, RefundTooLarge),
                (("100",), {"refunds": [("cash", 131)]}, RefundMismatch),
                ((), {"refunds": [("cash", 259)]}, EmptySale),
            ]:
                with pytest.raises(problem):
                    till.exchange([(sold, 1, 1000)], *lines, **more)
            with pytest.raises(UnknownSaleLine) as unknown:
                till.exchange([(sold, 1, 1000), (sold, 7, 1000)], "101")
            assert unknown.value.pointer == "/returns/1/line"
            with pytest.raises(RefundMismatch, match="Only an exchange"):
                till.exchange([], "100", tenders=[("cash", 200)], refunds=[("cash", 71)])
            assert till.entries() == entries
            assert_holds(till.connection)

    def test_a_receipt_of_nowhere_is_refused_where_it_stands(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            unknown = ExchangeLine(sale=str(new_id()), line=1, quantity_milli=1000)
            with pytest.raises(UnknownReceipt) as refused:
                till.sell("100", returns=(unknown,))
            assert refused.value.pointer == "/returns/0/sale"

    def test_an_exchange_replays_as_one(self, tmp_path: Path) -> None:
        with open_till(tmp_path) as till:
            sold = till.sell("101")
            same = new_id()
            first = till.exchange([(sold, 1, 1000)], "100", refunds=[("cash", 130)], id=same)
            again = till.exchange([(sold, 1, 1000)], "100", refunds=[("cash", 130)], id=same)
            assert again == first
            assert_holds(till.connection)

    def test_an_exchange_by_a_cashier_who_needs_two_approvals(self, tmp_path: Path) -> None:
        with open_till(tmp_path, roles={"needs_approval": ["price_override", "return"]}) as till:
            sold = till.sell("101")
            override = till.approve("price_override")
            line = LineRequest(sku="102", unit_price_minor=259, reason="same as before", approval=override)
            new = till.exchange([(sold, 1, 1000)], line, approval=till.approve("return"))
            assert new.totals.due_minor == 259
            assert_holds(till.connection)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_shop_does_in_a_day_its_books_hold(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Sales, discounts, returns, exchanges and voids in any order, with coins of five: the drawer is right."""
    skus = ["100", "101", "102", "103", "104", "105"]
    with open_till(tmp_path_factory.mktemp("day"), tender=COINS) as till:
        anna = till.enrol()
        sales: list[Any] = []
        for _ in range(data.draw(st.integers(3, 9), label="steps")):
            step = data.draw(st.sampled_from(["sell", "sell", "return", "exchange", "void"]), label="step")
            lines = [
                LineRequest(
                    sku=sku,
                    quantity_milli=data.draw(st.sampled_from([1000, 2000, 3000] + [355] * (sku == "104"))),
                    discount=Discount("percent", data.draw(st.integers(1, 100)), "any")
                    if data.draw(st.booleans())
                    else None,
                )
                for sku in data.draw(st.lists(st.sampled_from(skus), min_size=1, max_size=3))
            ]
            member = anna if data.draw(st.booleans()) else None
            if step == "sell" or not sales:
                sales.append(till.sell(*lines, member=member))
                continue
            sold = data.draw(st.sampled_from(sales), label="sale")
            if step == "void":
                attempt(till.void, sold)
                continue
            line = data.draw(st.sampled_from(sold.lines))
            whole = 1000 if line.unit == "piece" else 1
            quantity = whole * data.draw(st.integers(1, line.quantity_milli // whole))
            if step == "return":
                quote = attempt(till.quote_return, sold, [(line.line, quantity)])
                if quote is not None:
                    refunds = [("cash", quote.refund_minor)] if quote.refund_minor else []
                    till.take_back(sold, [(line.line, quantity)], refunds)
            else:
                new = attempt(exchange_somehow, till, (sold, line.line, quantity), lines, member)
                sales += [new] if new else []
        assert_holds(till.connection)
        report = till.report()
        [cash] = [tender for tender in report.tenders if tender.kind == "cash"]
        flows = till.rows(
            "SELECT (SELECT total(due_minor) FROM sale)"
            " - (SELECT total(due_minor) FROM sale JOIN sale_void ON sale = id)"
            " - (SELECT total(value_minor + rounding_minor) FROM taken_back)"
        )
        assert cash.expected_minor == 10_000 + flows[0][0]
        till.close(cash=cash.expected_minor or 0)
        assert_holds(till.connection)


def attempt(action: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401
    """Do it if the shop lets us: something may be returned or voided already."""
    try:
        return action(*args)
    except (NothingLeftToReturn, VoidedSaleReturned, AlreadyReturned):
        return None


def exchange_somehow(till: Till, back: tuple[Any, int, int], lines: list[LineRequest], member: UUID | None) -> Any:  # noqa: ANN401
    """Exchange, first without money, then as the refusal says: the way a till finds out."""
    try:
        return till.exchange([back], *lines, member=member)
    except RefundMismatch as mismatch:
        refund: Any = mismatch.extra["refund_minor"]
        return till.exchange([back], *lines, refunds=[("cash", refund)], member=member)
    except Underpaid:
        return till.exchange([back], *lines, tenders=[("cash", 1_000_000)], member=member)
