"""Money on gift cards: sold, spent to the last cent and no further, given back, taken back, owed."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.answers import SaleAnswer
from kiosk.commands import Discount, LineRequest, TenderRequest, VoidSale
from kiosk.coupons.apply_gift_cards import post_cards
from kiosk.coupons.gift_card_service import AskBalance, ask_balance, show_liability
from kiosk.coupons.gift_cards import (
    GiftCardActive,
    GiftCardNeeded,
    GiftCardNeedsLine,
    GiftCardShort,
    GiftCardSpent,
    KeptCard,
    NoGiftCard,
    Paid,
    Purse,
    UnknownGiftCard,
    WrongGiftCardCode,
    read_card_code,
    spread_refund,
)
from kiosk.offers.offer_service import put_offer
from kiosk.sales.sale_service import void_sale
from kiosk.sales.tender import TenderNotAccepted
from loyalty.errors import Problem
from loyalty.offers.offer import PercentOff
from sync.db import SqliteError
from sync.facts.gift_cards import CardPosted
from sync.journal import find
from tests.kiosk.couponing import manager, offer_request
from tests.kiosk.selling import Line, Till, assert_holds, open_till, product, sale_of
from tests.kiosk.shopkit import add_products, new_id, perform

CARD, OTHER = "6035 7123 4567 8901", "GIFT-CARD-000002"
SECTIONS: dict[str, Any] = {"gift_cards": {"departments": ["GIFT"]}}


def open_shop(folder: Path, **more: Any) -> Any:  # noqa: ANN401
    """A till of a shop that sells gift cards of 50.00."""
    return open_till(folder, **{**SECTIONS, **more})


def stock(till: Till) -> None:
    """Put the gift card article into the catalogue."""
    card = product("GC", 5000, "zero", department="GIFT", name="Gift card")
    perform(till.connection, lambda tx, shop, _: add_products(tx, shop, card), till.shop, till.who)


def sell_card(till: Till, code: str = CARD, **more: Any) -> SaleAnswer:  # noqa: ANN401
    return till.sell(LineRequest(sku="GC", gift_card=code), tenders=[("cash", 5000)], **more)


def pay(till: Till, amount: int, code: str = CARD, cash: int = 0, sku: str = "102") -> SaleAnswer:
    """Buy newspapers worth 3.50, or whatever `sku` says, with a gift card and perhaps cash."""
    tenders = [TenderRequest(kind="gift_card", amount_minor=amount, code=code)]
    tenders += [TenderRequest(kind="cash", amount_minor=cash)] if cash else []
    return sell_for(till, tenders, sku)


def sell_for(till: Till, tenders: Sequence[TenderRequest], *lines: Line, **more: Any) -> SaleAnswer:  # noqa: ANN401
    """A sale with these payments."""
    return till.send(msgspec.structs.replace(sale_of(*lines, **more), tenders=tuple(tenders))).answer


def balance(till: Till, code: str = CARD) -> int:
    return till.do(ask_balance, AskBalance(code)).balance_minor


def owed(till: Till) -> int:
    liability = till.do(show_liability)
    assert liability.activated_minor - liability.redeemed_minor == liability.outstanding_minor
    return liability.outstanding_minor


def test_what_a_card_is_sold_for_stands_on_it_and_is_owed(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        assert owed(till) == 0
        sell_card(till)
        assert (balance(till), balance(till, "6035712345678901"), owed(till)) == (5000, 5000, 5000)
        with pytest.raises(UnknownGiftCard):
            balance(till, OTHER)
        assert_holds(till.connection)


def test_a_card_pays_to_the_last_cent_and_no_further(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till)
        sold = pay(till, 350)
        assert [(tender.kind, tender.amount_minor, tender.reference) for tender in sold.tenders] == [
            ("gift_card", 350, "8901")
        ]
        assert balance(till) == 4650
        pay_cheese(till, 1990)
        entries = till.entries()
        pay_cheese(till, 1990)
        pay_cheese(till, 670)
        assert balance(till) == 0
        with pytest.raises(GiftCardShort) as short:
            pay(till, 350)
        assert (short.value.extra["balance_minor"], short.value.pointer) == (0, "/tenders/0/code")
        assert till.entries() == entries + 2
        assert owed(till) == 0
        assert_holds(till.connection)


def pay_cheese(till: Till, amount: int) -> SaleAnswer:
    """A kilogram of cheese for 19.90: so much by card, the rest in cash."""
    return pay(till, amount, cash=1990 - amount, sku="104")


def test_the_code_is_nowhere_in_the_store(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till, OTHER)
        pay(till, 350, OTHER)
        till.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        content = (tmp_path / "data" / "store.sqlite").read_bytes()
        assert b"GIFTCARD000002" not in content
        assert b"GIFT-CARD-000002" not in content


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (LineRequest(sku="GC"), GiftCardNeeded),
        (LineRequest(sku="GC", gift_card=CARD, quantity_milli=2000), GiftCardNeeded),
        (LineRequest(sku="GC", gift_card=CARD, discount=Discount("percent", 10, "friend")), GiftCardNeeded),
        (LineRequest(sku="GC", gift_card="123"), WrongGiftCardCode),
        (LineRequest(sku="GC", gift_card="no letters: ąęś"), WrongGiftCardCode),
        (LineRequest(sku="102", gift_card=CARD), NoGiftCard),
    ],
)
def test_a_card_that_cannot_be_sold_is_refused(tmp_path: Path, line: LineRequest, problem: type[Problem]) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        entries = till.entries()
        with pytest.raises(problem) as refused:
            till.sell(line, tenders=[("cash", 50_000)])
        assert refused.value.pointer == "/lines/0/gift_card"
        assert till.entries() == entries


def test_a_card_is_sold_once_and_may_be_charged_again_when_it_is_empty(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till)
        with pytest.raises(GiftCardActive):
            sell_card(till)
        both = (LineRequest(sku="GC", gift_card=OTHER), LineRequest(sku="GC", gift_card=OTHER))
        with pytest.raises(GiftCardActive):
            till.sell(*both, tenders=[("cash", 10_000)])
        for amount in (1990, 1990, 1020):
            pay_cheese(till, amount)
        sell_card(till)
        assert balance(till) == 5000
        assert_holds(till.connection)


def test_a_card_cannot_pay_for_itself(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        tenders = (TenderRequest(kind="gift_card", amount_minor=5000, code=CARD),)
        with pytest.raises(UnknownGiftCard):
            sell_for(till, tenders, LineRequest(sku="GC", gift_card=CARD))


def test_without_gift_cards_in_the_configuration_none_is_taken(tmp_path: Path) -> None:
    with open_till(tmp_path) as till, pytest.raises(TenderNotAccepted):
        pay(till, 350)


def test_selling_a_card_earns_nothing_and_takes_no_offer_but_what_it_buys_does(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        everything = offer_request(effect=PercentOff(percent="10"), trigger="automatic")
        perform(till.connection, put_offer, till.shop, manager(till), new_id(), "TEN", everything, None)
        anna = till.enrol("Anna")
        sold = sell_card(till, member=anna)
        assert (sold.totals.due_minor, sold.points.earned) == (5000, 0)
        tenders = (TenderRequest(kind="gift_card", amount_minor=315, code=CARD),)
        bought = sell_for(till, tenders, "102", member=anna)
        assert (bought.totals.due_minor, bought.points.earned) == (315, 3)


def test_one_card_twice_in_a_sale_is_one_card(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till)
        twice = tuple(TenderRequest(kind="gift_card", amount_minor=amount, code=CARD) for amount in (3000, 2970))
        with pytest.raises(GiftCardShort):
            sell_for(till, twice, *["104"] * 3)
        assert balance(till) == 5000
        twice = tuple(TenderRequest(kind="gift_card", amount_minor=amount, code=CARD) for amount in (1000, 990))
        sell_for(till, twice, "104")
        assert balance(till) == 3010


# -- undone ------------------------------------------------------------------------------------------------------------


def test_voids_mirror_what_the_sale_did(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sold = sell_card(till)
        bought = pay(till, 350)
        with pytest.raises(GiftCardSpent):
            till.do(void_sale, sold.id, VoidSale(reason="wrong"))
        till.do(void_sale, bought.id, VoidSale(reason="wrong"))
        assert balance(till) == 5000
        till.do(void_sale, sold.id, VoidSale(reason="wrong"))
        till.do(void_sale, sold.id, VoidSale(reason="wrong"))
        assert (balance(till), owed(till)) == (0, 0)
        sell_card(till)
        assert balance(till) == 5000
        assert_holds(till.connection)


def test_a_refund_goes_back_to_the_cards_that_paid_and_never_beyond(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till)
        sell_card(till, OTHER)
        tenders = (
            TenderRequest(kind="gift_card", amount_minor=300, code=OTHER),
            TenderRequest(kind="gift_card", amount_minor=300, code=CARD),
            TenderRequest(kind="cash", amount_minor=100),
        )
        sold = sell_for(till, tenders, "102", "102")
        till.take_back(sold, [(1, 1000)], refunds=[("gift_card", 350)])
        assert balance(till) + balance(till, OTHER) == 10_000 - 600 + 350
        till.take_back(sold, [(2, 1000)], refunds=[("gift_card", 250), ("cash", 100)])
        assert (balance(till), balance(till, OTHER), owed(till)) == (5000, 5000, 10_000)
        assert_holds(till.connection)


def test_a_sold_card_comes_back_while_it_is_unspent(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sold = till.sell(
            LineRequest(sku="GC", gift_card=CARD), LineRequest(sku="GC", gift_card=OTHER), tenders=[("cash", 10_000)]
        )
        bought = pay(till, 350, OTHER)
        with pytest.raises(GiftCardSpent):
            till.take_back(sold, [(2, 1000)], refunds=[("cash", 5000)])
        till.take_back(sold, [(1, 1000)], refunds=[("cash", 5000)])
        assert (balance(till), balance(till, OTHER)) == (0, 4650)
        till.take_back(bought, [(1, 1000)], refunds=[("gift_card", 350)])
        till.take_back(sold, [(2, 1000)], refunds=[("cash", 5000)])
        assert owed(till) == 0
        assert_holds(till.connection)


def test_what_a_card_paid_for_goods_that_were_exchanged_goes_back_to_that_card(tmp_path: Path) -> None:
    """The new goods were paid with credit of the old ones; whoever brings them back gets the card's money, not cash."""
    with open_shop(tmp_path) as till:
        stock(till)
        sell_card(till)
        first = pay(till, 350)
        second = till.exchange([(first, 1, 1000)], "102")
        third = till.exchange([(second, 1, 1000)], "102")
        assert balance(till) == 4650
        till.take_back(third, [(1, 1000)], refunds=[("gift_card", 350)])
        assert (balance(till), owed(till)) == (5000, 5000)
        assert_holds(till.connection)


def test_one_card_may_move_several_times_in_one_exchange(tmp_path: Path) -> None:
    with open_shop(tmp_path) as till:
        stock(till)
        sold = sell_card(till)
        # The sold card comes back and is sold anew in the same entry.
        again = till.exchange([(sold, 1, 1000)], LineRequest(sku="GC", gift_card=CARD))
        assert (balance(till), owed(till)) == (5000, 5000)
        first, second = pay(till, 350), pay(till, 350)
        # Two purchases come back for milk: 1.29 stay as credit, the rest of both goes back to the one card.
        till.exchange([(first, 1, 1000), (second, 1, 1000)], "100", refunds=[("gift_card", 571)])
        assert balance(till) == 5000 - 129
        with pytest.raises(GiftCardSpent):
            till.take_back(again, [(1, 1000)], refunds=[("cash", 5000)])
        assert_holds(till.connection)


@pytest.mark.parametrize(
    "moves",
    [
        [(1, 500, 500), (1, 500, 1000)],
        [(1, 500, 500), (2, -501, -1)],
        [(0, 500, 500)],
        [(1, 0, 0)],
    ],
)
def test_a_movement_that_cannot_be_breaks_the_transaction_whatever_was_decided(
    tmp_path: Path, moves: list[tuple[int, int, int]]
) -> None:
    with open_shop(tmp_path) as till:
        entry = find(till.connection, UUID(bytes=till.rows("SELECT op_id FROM journal LIMIT 1")[0][0]))
        assert entry is not None
        posted = [
            CardPosted(card="ab" * 32, ending="0001", n=n, kind="activate", amount_minor=amount, balance_minor=left)
            for n, amount, left in moves
        ]
        with pytest.raises(SqliteError):
            perform(
                till.connection,
                lambda tx, *_: post_cards(tx, entry, entry.op_id, "EUR", posted),
                till.shop,
                till.who,
            )
        assert till.rows("SELECT count(*) FROM gift_card_posting") == [(0,)]


# -- decisions ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32))
def test_no_row_of_movements_takes_a_card_below_nothing_or_loses_a_cent(seed: int) -> None:
    random = Random(seed)
    cards = ["a", "b"]
    purse = Purse({})
    expected = dict.fromkeys(cards, 0)
    sale = new_id()
    for _ in range(30):
        card, amount = random.choice(cards), random.randint(1, 500)
        move = random.choice(["activate", "redeem", "refund", "cancel"])
        try:
            if move == "activate":
                purse.activate(card, "0000", amount, 1)
            elif move == "redeem":
                purse.redeem(card, amount)
            elif move == "refund":
                purse.refund(card, amount, sale)
            else:
                purse.cancel(card, amount, 1)
        except Problem:
            continue
        expected[card] += amount if move in ("activate", "refund") else -amount
    for card in cards:
        mine = [each for each in purse.posted if each.card == card]
        assert [each.n for each in mine] == list(range(1, len(mine) + 1))
        assert sum(each.amount_minor for each in mine) == expected[card] == (mine[-1].balance_minor if mine else 0)
        assert all(each.balance_minor >= 0 for each in mine)


def test_a_refund_is_spread_in_order_and_what_is_too_much_is_a_fault() -> None:
    sale = new_id()
    paid = [Paid(sale, "a", 300), Paid(sale, "b", 0), Paid(sale, "c", 50)]
    assert spread_refund(paid, 320) == [Paid(sale, "a", 300), Paid(sale, "c", 20)]
    assert spread_refund(paid, 0) == []
    with pytest.raises(ValueError, match="1 more"):
        spread_refund(paid, 351)


def test_codes_are_read_alike_however_they_are_typed() -> None:
    spellings = ("6035 7123 4567 8901", "6035-7123-4567-8901", "６０３５712345678901", " 6035712345678901\n")
    assert len({read_card_code(text) for text in spellings}) == 1
    card, ending = read_card_code(CARD)
    assert (len(card), ending) == (64, "8901")
    assert read_card_code("gift-card-000002") == read_card_code(OTHER)
    for wrong in ("", "123456789", "x" * 65, "GIFT;CARD;0001"):
        with pytest.raises(WrongGiftCardCode):
            read_card_code(wrong)


def test_no_more_is_taken_off_a_card_than_head_office_keeps_of_it() -> None:
    """What this store did to the card may be below nothing: other stores have put money on it."""
    name = UUID(int=7)
    purse = Purse({}, {"ab" * 32: KeptCard(name, "0042", 1000)})
    assert purse.redeem("ab" * 32, 600) == "0042"
    with pytest.raises(GiftCardNeedsLine):
        purse.redeem("ab" * 32, 401)
    with pytest.raises(GiftCardNeedsLine):
        purse.redeem("cd" * 32, 1)
    purse.redeem("ab" * 32, 400)
    assert [(each.balance_minor, each.reserved, each.elsewhere) for each in purse.posted] == [
        (-600, name, True),
        (-1000, name, True),
    ]
