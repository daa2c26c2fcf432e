"""What a fact keeps of who allowed it and why: the approver always, the customer's name never."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from kiosk.catalogue.catalogue_service import import_catalogue
from kiosk.catalogue.quantities import WholePiecesOnly
from kiosk.commands import CompleteSale, Discount, LineRequest, OpenDrawer, TenderRequest
from kiosk.members.members import ReasonNamesMember
from kiosk.sales.sale import ApprovalNeeded
from kiosk.sales.sale_points import UnknownHold
from kiosk.sales.tender import TenderNotAccepted, WrongTenderDetail
from kiosk.shifts.shift_service import open_drawer
from tests.kiosk.selling import Till, assert_holds, open_till, product, sale_of
from tests.kiosk.shopkit import new_id


def body_of(till: Till, kind: str) -> Any:  # noqa: ANN401  a body of the journal
    """The newest entry of a kind as it is written."""
    rows = till.rows("SELECT content FROM journal WHERE kind = ? ORDER BY seq DESC LIMIT 1", kind)
    return msgspec.json.decode(rows[0][0])["body"]


def paid_with(detail: dict[str, Any]) -> CompleteSale:
    """A sale of milk, paid with this."""
    return msgspec.structs.replace(sale_of("100"), tenders=(TenderRequest(amount_minor=129, **detail),))


def test_a_discount_says_who_approved_it(tmp_path: Path) -> None:
    with open_till(tmp_path, roles={"cashier_discount_percent": 5}) as till:
        line = LineRequest(sku="101", discount=Discount("percent", 10, "dented"))
        with pytest.raises(ApprovalNeeded):
            till.sell(line)
        till.sell(line, approval=till.approve("discount"))
        assert body_of(till, "sale.completed")["lines"][0]["discounts"][0]["approved_by"] == "mia"
        till.sell(LineRequest(sku="101", discount=Discount("percent", 5, "dented")))
        assert "approved_by" not in body_of(till, "sale.completed")["lines"][0]["discounts"][0]
        assert_holds(till.connection)


def test_what_comes_back_says_who_approved_it(tmp_path: Path) -> None:
    with open_till(tmp_path, roles={"needs_approval": ["return", "void", "drawer"]}) as till:
        sold = till.sell("101", "101")
        till.exchange([(sold, 1, 1000)], "101", approval=till.approve("return"))
        assert body_of(till, "sale.completed")["returned"][0]["approved_by"] == "mia"
        till.take_back(sold, [(2, 1000)], [("cash", 259)], approval=till.approve("return"))
        assert body_of(till, "return.taken")["taken"]["approved_by"] == "mia"
        till.do(open_drawer, OpenDrawer(id=new_id(), reason="change", approval=till.approve("drawer")))
        assert body_of(till, "drawer.opened")["approved_by"] == "mia"
        assert_holds(till.connection)


@pytest.mark.parametrize("reason", ["Anna wanted it", "for KOWALSKA", "call 600100200"])
def test_no_reason_names_the_member(tmp_path: Path, reason: str) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol("Anna Kowalska", phone="600 100 200")
        sold, other = till.sell("101", "102", member=anna), till.sell("101")
        till.who = msgspec.structs.replace(till.who, role="manager")
        entries = till.entries()
        discounted = LineRequest(sku="101", discount=Discount("amount", 9, reason))
        repriced = LineRequest(sku="101", unit_price_minor=200, reason=reason)
        for pointer, refused in [
            ("/lines/0/discount/reason", lambda: till.sell(discounted, member=anna)),
            ("/lines/1/reason", lambda: till.sell("100", repriced, member=anna)),
            ("/lines/0/reason", lambda: till.exchange([(sold, 1, 1000)], repriced, refunds=[("cash", 59)])),
            ("/reason", lambda: till.take_back(sold, [(1, 1000)], [("cash", 259)], reason=reason)),
            ("/reason", lambda: till.void(sold, reason)),
        ]:
            with pytest.raises(ReasonNamesMember) as problem:
                refused()
            assert problem.value.pointer == pointer
        assert till.entries() == entries
        till.sell(discounted)
        till.take_back(other, [(1, 1000)], [("cash", 259)], reason=reason)
        till.void(sold, "wrong customer")
        assert_holds(till.connection)


@pytest.mark.parametrize(
    ("detail", "problem", "pointer"),
    [
        ({"kind": "cash", "hold": uuid4()}, WrongTenderDetail, "/tenders/0/hold"),
        ({"kind": "cash", "code": "GIFT-1"}, WrongTenderDetail, "/tenders/0/code"),
        ({"kind": "card", "hold": uuid4()}, WrongTenderDetail, "/tenders/0/hold"),
        ({"kind": "card", "code": "GIFT-1"}, WrongTenderDetail, "/tenders/0/code"),
        ({"kind": "points", "hold": uuid4()}, UnknownHold, "/tenders/0/hold"),
        ({"kind": "gift_card", "code": "GIFT-1"}, TenderNotAccepted, "/tenders/0/kind"),
    ],
)
def test_a_payment_brings_nothing_that_would_be_ignored(
    tmp_path: Path, detail: dict[str, Any], problem: type[Exception], pointer: str
) -> None:
    with open_till(tmp_path) as till:
        with pytest.raises(problem) as refused:
            till.send(paid_with(detail))
        assert refused.value.pointer == pointer  # type: ignore[attr-defined]


@pytest.mark.parametrize("quantity", [1, 999, 1001, 2500])
def test_no_part_of_a_piece_is_sold(tmp_path: Path, quantity: int) -> None:
    with open_till(tmp_path) as till:
        line = LineRequest(sku="101", quantity_milli=quantity)
        for refused in (till.sell, till.quote):
            with pytest.raises(WholePiecesOnly) as problem:
                refused("100", line)
            assert problem.value.pointer == "/lines/1/quantity_milli"
        till.sell(LineRequest(sku="104", quantity_milli=quantity))
        sold = till.sell(LineRequest(sku="101", quantity_milli=3000))
        with pytest.raises(WholePiecesOnly):
            till.take_back(sold, [(1, quantity)], [("cash", 259)])
        assert_holds(till.connection)


def test_a_long_import_is_proved_like_everything_else(tmp_path: Path) -> None:
    with open_till(tmp_path, shift=False) as till:
        articles = [product(f"n{number}", number, gtins=()) for number in range(1_100)]
        taken = till.do(import_catalogue, new_id(), articles)
        assert taken.faults == ()
        assert till.rows("SELECT count(*) FROM product WHERE price_book = ?", taken.price_book) == [(1_100,)]
        assert_holds(till.connection)


@pytest.mark.parametrize("mode", ["included", "added"])
def test_a_sale_keeps_its_tax_mode(tmp_path: Path, mode: str) -> None:
    """Where the tax comes to nothing, sums cannot tell the two apart."""
    with open_till(tmp_path, tax={"mode": mode}) as till:
        sold = till.sell("103")
        assert till.rows("SELECT tax_mode FROM sale WHERE id = ?", sold.id.bytes) == [(mode,)]
