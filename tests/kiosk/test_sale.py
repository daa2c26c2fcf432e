"""Deciding a sale, without a database: prices, authority, tenders, points and the balance on the receipt."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import Discount, LineRequest
from kiosk.sales.numbering import document_number
from kiosk.sales.sale import (
    ApprovalNeeded,
    EmptySale,
    ItemFacts,
    PriceChanged,
    ReasonNeeded,
    SaleFacts,
    decide_sale,
    price_lines,
)
from kiosk.terms import Terms
from loyalty.earning import EarnRule
from loyalty.points.account import Balance
from loyalty.points.facts import Posting
from loyalty.points.fold import fold
from loyalty.points.operation import OpenAccount
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules
from sync.facts.returns import Refunded, TakenBack
from sync.facts.sales import SaleCompleted
from tests.kiosk.selling import Pairs, sale_of
from tests.kiosk.shopkit import new_id

ANNA, BEN = UUID(int=11), UUID(int=12)
CASH = (("cash", 1000),)
REQUEST = "0" * 64
TERMS = Terms(
    store="S001",
    currency="EUR",
    currency_digits=2,
    time_zone="Europe/Warsaw",
    day_cutover_minutes=240,
    locale="en",
    tax=TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP),
    rates=(),
    cash_rounding_step_minor=5,
    tender_kinds=frozenset({"cash", "card"}),
    return_days=0,
    earn_rule=EarnRule("base", 3, 1, 100, "gross"),
    needs_approval=frozenset({"price_override"}),
    cashier_discount_percent=20,
    label_patterns=(),
    phone_prefix="48",
    receipt_printer="receipt",
    store_name="Corner shop",
)
SOAP = ItemFacts(
    sku="soap", name="Soap", department="HOME", unit="piece", price_minor=258, tax_rate="23", quantity_milli=1000
)


def account(active: int = 0, debt: int = 0, *posted: Posting) -> OpenAccount:
    """Anna's account at the beginning of the sale; `posted` is what the same operation did before."""
    before = fold([Posting(member=ANNA.bytes, op_id=bytes(16), kind="adjust", points=active - debt, effective_at=1)])
    opened = OpenAccount(member=ANNA.bytes, op_id=new_id().bytes, at=2, origin=1, before=before, account_of=ANNA.bytes)
    return opened.add(*posted)


def facts(*items: ItemFacts, **more: Any) -> SaleFacts:  # noqa: ANN401
    """What a shop knows when Ana on T01 sells these."""
    known: dict[str, Any] = {
        "items": items or (SOAP,),
        "till": "T01",
        "shift": UUID(int=3),
        "series": 2,
        "n": 7,
        "price_book": 5,
        "operator": "ana",
        "role": "cashier",
    }
    return SaleFacts(**(known | more))


def decide(line: LineRequest, *, tenders: Pairs = CASH, quoted: int | None = None, **known: Any) -> SaleCompleted:  # noqa: ANN401
    """The sale of this line; `known` are the shop's facts."""
    return decide_sale(sale_of(line, tenders=tenders, quote_due_minor=quoted), REQUEST, facts(**known), TERMS).body


def test_the_fact_holds_every_result() -> None:
    sold = decide(LineRequest(sku="soap"), member=ANNA, points=account(100))
    assert sold.number == document_number("S001", "T01", 2, 7) == "S001-T01B-000007"
    assert (sold.gross_minor, sold.discount_minor, sold.net_minor, sold.due_minor) == (258, 0, 258, 260)
    assert (sold.rounding_minor, sold.paid_minor, sold.change_minor) == (2, 1000, 740)
    assert (sold.postings[0].rule, sold.points_earned, sold.balance) == ("base@3", 2, Balance(active=102))
    assert (sold.price_book, sold.currency, sold.terms.mode) == (5, "EUR", "included")
    assert msgspec.json.decode(msgspec.json.encode(sold), type=SaleCompleted) == sold


def test_nobody_earns_without_a_card() -> None:
    sold = decide(LineRequest(sku="soap"))
    assert (sold.points_earned, sold.postings, sold.balance, sold.lines[0].points) == (0, (), None, 0)


def test_points_settle_debt_first() -> None:
    sold = decide(LineRequest(sku="soap"), member=ANNA, points=account(debt=5))
    assert sold.balance == Balance(debt=3)


def test_an_empty_basket_is_no_sale() -> None:
    with pytest.raises(EmptySale):
        decide_sale(sale_of(), REQUEST, facts(), TERMS)


OVERRIDE = LineRequest(sku="soap", unit_price_minor=200, reason="label said so")

#    what is asked | role | approvals | refused with
AUTHORITY: list[tuple[str, LineRequest, str, dict[str, str], type[Exception] | None]] = [
    ("a price with no reason", LineRequest(sku="soap", unit_price_minor=1), "manager", {}, ReasonNeeded),
    ("a cashier's price", OVERRIDE, "cashier", {}, ApprovalNeeded),
    ("a cashier's price with approval", OVERRIDE, "cashier", {"price_override": "mia"}, None),
    ("a cashier's price with another approval", OVERRIDE, "cashier", {"discount": "mia"}, ApprovalNeeded),
    ("a manager's price", OVERRIDE, "manager", {}, None),
    ("twenty percent", LineRequest(sku="soap", discount=Discount("percent", 20, "x")), "cashier", {}, None),
    (
        "twenty-one percent",
        LineRequest(sku="soap", discount=Discount("percent", 21, "x")),
        "cashier",
        {},
        ApprovalNeeded,
    ),
    ("52 off", LineRequest(sku="soap", discount=Discount("amount", 52, "x")), "cashier", {}, None),
    ("53 off", LineRequest(sku="soap", discount=Discount("amount", 53, "x")), "cashier", {}, ApprovalNeeded),
    ("all off", LineRequest(sku="soap", discount=Discount("amount", 258, "x")), "cashier", {"discount": "mia"}, None),
    (
        "all off with another approval",
        LineRequest(sku="soap", discount=Discount("amount", 258, "x")),
        "cashier",
        {"price_override": "mia", "return": "mia"},
        ApprovalNeeded,
    ),
    ("all off by a manager", LineRequest(sku="soap", discount=Discount("percent", 100, "x")), "manager", {}, None),
]


@pytest.mark.parametrize(("what", "line", "role", "approvals", "problem"), AUTHORITY, ids=[row[0] for row in AUTHORITY])
def test_prices_and_discounts_by_hand_need_the_right_word(
    what: str, line: LineRequest, role: str, approvals: dict[str, str], problem: type[Exception] | None
) -> None:
    if problem is None:
        decide(line, role=role, approvals=approvals)
    else:
        with pytest.raises(problem):
            decide(line, role=role, approvals=approvals)


def test_the_fact_says_who_set_a_price_and_what_it_was() -> None:
    by_approval = decide(OVERRIDE, approvals={"price_override": "mia"}).lines[0]
    assert (by_approval.unit_price_minor, by_approval.catalogue_price_minor) == (200, 258)
    assert (by_approval.override_reason, by_approval.override_by) == ("label said so", "mia")
    assert decide(OVERRIDE, role="manager", operator="eva").lines[0].override_by == "eva"
    plain = decide(LineRequest(sku="soap")).lines[0]
    assert (plain.catalogue_price_minor, plain.override_reason, plain.override_by) == (None, None, None)


def test_a_label_gives_way_to_a_price_set_by_hand() -> None:
    labelled = msgspec.structs.replace(SOAP, unit="kg", quantity_milli=355, label_price_minor=706)
    assert decide(LineRequest(gtin="x"), items=(labelled,)).net_minor == 706
    by_hand = LineRequest(gtin="x", unit_price_minor=1000, reason="old label")
    assert decide(by_hand, items=(labelled,), role="manager").net_minor == 355


def test_another_total_than_quoted_is_refused_with_the_new_one() -> None:
    with pytest.raises(PriceChanged) as refused:
        decide(LineRequest(sku="soap"), quoted=257, member=ANNA, points=account(7))
    assert refused.value.extra == {"due_minor": 258}
    decide(LineRequest(sku="soap"), quoted=258)


def test_quote_and_sale_price_by_one_rule() -> None:
    line = LineRequest(sku="soap", quantity_milli=3000, discount=Discount("percent", 7, "x"))
    items = (msgspec.structs.replace(SOAP, quantity_milli=3000),)
    _, priced = price_lines([line], items, TERMS)
    sold = decide(line, items=items)
    assert (sold.gross_minor, sold.net_minor) == (priced.gross_minor, priced.net_minor)
    assert [tax.tax_minor for tax in sold.taxes] == [tax.tax_minor for tax in priced.taxes]


def taken(member: UUID | None, *refunds: Refunded) -> TakenBack:
    value = sum(refund.amount_minor for refund in refunds)
    return TakenBack(
        sale=new_id(),
        sale_number="S001-T01-000001",
        lines=(),
        value_minor=value,
        refunds=refunds,
        member=member,
    )


def test_credit_of_returned_goods_pays_and_keeps_its_kind() -> None:
    back = taken(
        ANNA,
        Refunded(kind="exchange", amount_minor=100, settles="cash"),
        Refunded(kind="exchange", amount_minor=50, settles="card"),
    )
    clawed = Posting(member=ANNA.bytes, op_id=new_id().bytes, kind="adjust", points=-3, effective_at=2, origin=1)
    known: dict[str, Any] = {"returned": (back,), "member": ANNA, "points": account(1, 0, clawed)}
    sold = decide(LineRequest(sku="soap"), tenders=[("cash", 110)], **known)
    assert [(tender.kind, tender.amount_minor, tender.settles) for tender in sold.tenders] == [
        ("exchange", 100, "cash"),
        ("exchange", 50, "card"),
        ("cash", 110, "cash"),
    ]
    assert (sold.due_minor, sold.paid_minor, sold.rounding_minor, sold.change_minor) == (260, 260, 2, 0)
    assert sold.balance == Balance(active=0)


def test_points_clawed_back_from_somebody_else_do_not_touch_this_member() -> None:
    back = taken(BEN, Refunded(kind="exchange", amount_minor=258, settles="cash"))
    sold = decide(LineRequest(sku="soap"), tenders=(), returned=(back,), member=ANNA, points=account(1))
    assert sold.balance == Balance(active=3)


def test_the_coins_of_an_exchange_are_the_new_sales_rounding() -> None:
    back = taken(None, Refunded(kind="exchange", amount_minor=260, settles="cash"))
    sold = decide(LineRequest(sku="soap"), tenders=(), returned=(back,), exchange_rounding_minor=2)
    assert (sold.net_minor, sold.rounding_minor, sold.due_minor, sold.paid_minor) == (258, 2, 260, 260)
