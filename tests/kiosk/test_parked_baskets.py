"""Baskets set aside: on any till, taken up once, and sold afterwards like any other."""

from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.catalogue.line_items import UnknownProduct
from kiosk.commands import Discount, LineRequest, ParkBasket, QuoteBasket
from kiosk.coupons.coupon_refusals import UnknownCoupon
from kiosk.members.members import ReasonNamesMember
from kiosk.sales.basket_service import (
    BasketTaken,
    ParkedAnswer,
    UnknownBasket,
    claim_basket,
    forget_labels_before,
    list_parked,
    park_basket,
)
from loyalty.errors import IdConflict
from loyalty.member_store import UnknownMember
from sync.http.paging import InvalidCursor, encode_cursor
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id

LINES = (
    LineRequest(sku="101", quantity_milli=2000, discount=Discount("percent", 10, "dented")),
    LineRequest(sku="100"),
)


def listed(till: Till) -> tuple[ParkedAnswer, ...]:
    """All that wait, on one page."""
    page = till.do(list_parked, None, 200)
    assert page.next is None
    return page.items


def park(till: Till, *lines: LineRequest, **more: object) -> UUID:
    command = ParkBasket(**{"id": new_id(), "lines": lines or LINES, **more})  # type: ignore[arg-type]
    return till.do(park_basket, command).answer.id


def test_a_basket_is_parked_here_and_sold_there(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        parked = park(till, member=anna, label="blue coat")
        other = till.another()
        [shown] = listed(other)
        assert (shown.id, shown.label, shown.till, shown.operator) == (parked, "blue coat", "T01", "ana")
        assert (shown.member, shown.total_minor, shown.claimed_by) == (anna, 595, None)
        outcome = other.do(claim_basket, parked)
        claimed = outcome.answer
        assert (claimed.claimed_by, outcome.replayed) == ("T02", False)
        assert listed(other) == ()
        basket = msgspec.json.decode(claimed.basket, type=QuoteBasket)
        assert basket == QuoteBasket(lines=LINES, member=anna)
        sold = other.sell(*basket.lines, member=basket.member)
        assert sold.totals.due_minor == 595
        assert_holds(till.connection)


def test_one_till_takes_a_basket_up(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        parked, other = park(till, label="blue coat"), till.another()
        first = other.do(claim_basket, parked)
        assert (first.answer.label, first.answer.claimed_by, first.replayed) == ("blue coat", "T02", False)
        entries = till.entries()
        again = other.do(claim_basket, parked)
        assert again.replayed
        assert msgspec.json.encode(again.answer) == msgspec.json.encode(first.answer)
        with pytest.raises(BasketTaken):
            till.do(claim_basket, parked)
        with pytest.raises(UnknownBasket):
            till.do(claim_basket, new_id())
        assert till.entries() == entries
        assert_holds(till.connection)


def test_parking_again_with_the_same_id_parks_once(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        command = ParkBasket(id=new_id(), lines=LINES)
        first, again = till.do(park_basket, command), till.do(park_basket, command)
        assert (first.replayed, again.replayed) == (False, True)
        assert first.answer == again.answer
        with pytest.raises(IdConflict):
            till.do(park_basket, ParkBasket(id=command.id, lines=LINES[:1]))
        assert till.rows("SELECT count(*) FROM parked_basket") == [(1,)]


def test_what_cannot_be_sold_cannot_be_parked(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        entries = till.entries()
        with pytest.raises(UnknownProduct):
            park(till, LineRequest(sku="999"))
        with pytest.raises(UnknownMember):
            park(till, member=new_id())
        with pytest.raises(UnknownCoupon):
            park(till, coupons=("ABC",))
        assert till.entries() == entries


def test_an_approval_is_not_written_into_the_journal(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        approval = till.approve("price_override")
        line = LineRequest(sku="101", unit_price_minor=1, reason="torn", approval=approval)
        park(till, line)
        [(content,)] = till.rows("SELECT content FROM journal WHERE kind = 'basket.parked'")
        assert approval.encode() not in content
        assert till.sell(line).totals.due_minor == 1, "and it is still there to be used"


def test_parked_baskets_are_listed_oldest_first(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        parked = [park(till, label=str(n)) for n in range(3)]
        assert [basket.id for basket in listed(till)] == parked


def test_parked_baskets_come_in_pages_that_say_so(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        parked = [park(till) for _ in range(5)]
        till.do(claim_basket, parked.pop(1))
        pages, after = [], None
        while True:
            page = till.do(list_parked, after, 2)
            pages.append([basket.id for basket in page.items])
            after = page.next
            if after is None:
                break
        assert pages == [parked[:2], parked[2:]]
        with pytest.raises(InvalidCursor):
            till.do(list_parked, encode_cursor((1, b""), "sales"), 2)


def test_a_label_is_forgotten_soon_after_the_basket_was_taken_up(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        taken, waiting = park(till, label="blue coat"), park(till, label="red hat")
        till.do(claim_basket, taken)
        at = till.who.now_ms
        labels = []
        for before, taken_up_before in ((0, 0), (0, at + 1), (at + 1, at + 1)):
            forget_labels_before(till.connection, before, taken_up_before)
            labels.append([row[0] for row in till.rows("SELECT label FROM parked_label ORDER BY label")])
        assert labels == [["blue coat", "red hat"], ["red hat"], []]
        assert till.do(claim_basket, waiting).answer.label == ""
        assert_holds(till.connection)


def test_a_parked_reason_does_not_name_the_member(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol("Anna Kowalska")
        line = LineRequest(sku="101", discount=Discount("percent", 10, "for Kowalska"))
        with pytest.raises(ReasonNamesMember) as refused:
            park(till, line, member=anna)
        assert refused.value.pointer == "/lines/0/discount/reason"
        park(till, line)
