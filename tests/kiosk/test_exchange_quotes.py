"""What a till shows before an exchange is confirmed, and that the exchange then does exactly that."""

from pathlib import Path

import pytest

from kiosk.answers import RefundAllowed
from kiosk.sales.returns import NothingLeftToReturn, VoidedSaleReturned
from kiosk.sales.sale_store import UnknownReceipt
from tests.kiosk.selling import assert_holds, open_till, product
from tests.kiosk.shopkit import add_products, perform

COINS: dict[str, object] = {"cash_rounding_step_minor": 5}


def test_the_quote_of_a_plain_basket_says_what_to_pay(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        quote = till.quote("100", "101")
        assert (quote.totals.due_minor, quote.pay_minor, quote.refund_minor) == (388, 388, 0)
        assert (quote.returned, quote.refunds_allowed) == ([], [])


def test_the_quote_says_what_is_left_to_pay(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        sold = till.sell("100", "102", tenders=[("card", 479)], member=anna)
        entries = till.entries()
        quote = till.quote("101", back=[(sold, 1, 1000)], member=anna)
        assert till.entries() == entries
        assert (quote.totals.due_minor, quote.pay_minor, quote.refund_minor) == (259, 130, 0)
        [back] = quote.returned
        assert (back.sale, back.sale_number, back.value_minor, back.owed_minor) == (sold.id, sold.number, 129, 129)
        assert [(line.sku, line.quantity_milli) for line in back.lines] == [("100", 1000)]
        assert (back.points_clawed_back, quote.points.earned) == (1, 2)
        till.exchange([(sold, 1, 1000)], "101", tenders=[("card", quote.pay_minor)], quote_due_minor=259)
        assert_holds(till.connection)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", ["card", "cash"])
def test_several_receipts_are_exchanged_in_whatever_order(tmp_path: Path, first: int, kind: str) -> None:
    with open_till(tmp_path) as till:
        by_card = till.sell("102", tenders=[("card", 350)])
        in_cash = till.sell("102", tenders=[("cash", 350)])
        back = [(by_card, 1, 1000), (in_cash, 1, 1000)]
        back = back if first == 0 else back[::-1]
        quote = till.quote("102", back=back)
        assert (quote.pay_minor, quote.refund_minor) == (0, 350)
        assert quote.refunds_allowed == [RefundAllowed("card", 350), RefundAllowed("cash", 350)]
        till.exchange(back, "102", refunds=[(kind, 350)])
        assert {tender.kind: tender.expected_minor for tender in till.report().tenders} == {
            "card": 350 if kind == "cash" else 0,
            "cash": 10_000 + (350 if kind == "card" else 0),
        }
        assert_holds(till.connection)


def test_coins_of_several_receipts_are_rounded_once(tmp_path: Path) -> None:
    """Two times 258 were paid as 260; goods of 386 leave 134, which is 135, not 125 and 5."""
    with open_till(tmp_path, tender=COINS) as till:
        articles = [product("a", 258, "zero"), product("b", 386, "zero")]
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, *articles), till.shop, till.who)
        back = [(till.sell("a", tenders=[("cash", 260)]), 1, 1000) for _ in range(2)]
        quote = till.quote("b", back=back)
        assert (quote.totals.due_minor, quote.pay_minor, quote.refund_minor) == (386, 0, 135)
        new = till.exchange(back, "b", refunds=[("cash", quote.refund_minor)], quote_due_minor=386)
        assert (new.totals.due_minor, new.totals.rounding_minor) == (385, -1)
        assert till.report().tenders[0].expected_minor == 10_000 + 385
        assert [taken.rounding_minor for taken in new.returned] == [0, 0]
        till.take_back(new, [(1, 1000)], [("cash", 385)])
        assert till.report().tenders[0].expected_minor == 10_000
        assert_holds(till.connection)


@pytest.mark.parametrize(("price", "coins"), [(258, 260), (257, 255), (260, 260), (2, 0)])
def test_the_quote_says_what_coins_have_to_pay(tmp_path: Path, price: int, coins: int) -> None:
    with open_till(tmp_path, tender=COINS) as till:
        perform(till.connection, lambda tx, shop, _: add_products(tx, shop, product("a", price)), till.shop, till.who)
        quote = till.quote("a")
        assert (quote.pay_minor, quote.cash_due_minor) == (price, coins)
        paid = till.sell("a", tenders=[("cash", quote.cash_due_minor)] if coins else [])
        assert (paid.totals.due_minor, paid.totals.change_minor) == (coins, 0)


def test_coins_pay_what_an_exchange_leaves(tmp_path: Path) -> None:
    with open_till(tmp_path, tender=COINS) as till:
        sold = till.sell("100", tenders=[("card", 129)])
        quote = till.quote("101", back=[(sold, 1, 1000)])
        assert (quote.pay_minor, quote.cash_due_minor) == (130, 130)
        plain = till.quote("101")
        assert (plain.pay_minor, plain.cash_due_minor) == (259, 260)


def test_what_cannot_come_back_is_not_quoted(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sold, voided = till.sell("100"), till.sell("100")
        till.void(voided)
        with pytest.raises(NothingLeftToReturn) as refused:
            till.quote("100", back=[(sold, 1, 1000), (sold, 1, 1000)])
        assert refused.value.pointer == "/returns/1/quantity_milli"
        with pytest.raises(VoidedSaleReturned):
            till.quote("100", back=[(voided, 1, 1000)])
        back = till.take_back(sold, [(1, 1000)], [("cash", 129)])
        with pytest.raises(UnknownReceipt):
            till.quote("100", back=[(back, 1, 1000)])  # type: ignore[list-item]


def test_a_receipt_may_be_named_by_its_number_and_is_one_receipt_whatever_names_it(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        sold = till.sell("100", "102", tenders=[("card", 479)])
        by_number, by_id = sold.number.lower(), str(sold.id)
        with pytest.raises(NothingLeftToReturn) as refused:
            till.quote("101", back=[(by_number, 1, 1000), (by_id, 1, 1000)])
        assert refused.value.pointer == "/returns/1/quantity_milli"
        back = [(by_number, 1, 1000), (by_id, 2, 1000)]
        [quoted] = till.quote("101", back=back).returned
        assert (quoted.sale, quoted.value_minor) == (sold.id, 479)
        new = till.exchange(back, "101", refunds=[("card", 220)])
        assert [taken.sale for taken in new.returned] == [sold.id]
        assert_holds(till.connection)


@pytest.mark.parametrize("name", ["S001-T01-999999", "0", "01890000-0000-7000-8000-000000000001"])
def test_a_receipt_that_is_not_known_is_refused_where_it_is_named(tmp_path: Path, name: str) -> None:
    with open_till(tmp_path) as till:
        sold = till.sell("100")
        with pytest.raises(UnknownReceipt) as refused:
            till.quote("100", back=[(sold, 1, 1000), (name, 1, 1000)])
        assert refused.value.pointer == "/returns/1/sale"
