"""What one sale, its void and its return add to the roll-ups, worked out by hand for each case."""

from typing import Any
from uuid import UUID

import pytest

from sync.facts.coupons import CouponGivenBack, IssuedCoupon, UsedCoupon
from sync.facts.gift_cards import CardPosted
from sync.facts.offers import OfferGivenBack, OfferUsed
from sync.facts.points import PointsPosted
from sync.facts.returns import Elsewhere, Refunded, ReturnedLine, ReturnFollowed, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided, SoldLine, TaxTerms, TaxTotal, Tendered
from sync.facts.vouchers import SaleVouchers, UndoneVouchers, UnspentCoupon
from sync.hub.reports.accounting import DaySums, book_day
from sync.hub.rollups.fold_sales import fold_followed, fold_return, fold_sale, fold_void
from sync.hub.rollups.places import Known, Original, Place
from sync.hub.rollups.sums import Sums

STORE, MEMBER, SALE, HOLD = b"s" * 16, UUID(int=1), UUID(int=2), UUID(int=3)
MORNING = Place(STORE, "2026-11-21", 9, 1_000)
EVENING = Place(STORE, "2026-11-22", 18, 9_000)
NOTHING = Known({}, {})


def line(**more: object) -> SoldLine:
    """A line of 2.58, 0.48 of it tax at 23 percent."""
    usual: dict[str, Any] = {
        "line": 1,
        "sku": "1",
        "name": "Tea",
        "department": "D",
        "quantity_milli": 2000,
        "unit_price_minor": 129,
    }
    usual |= {"gross_minor": 258, "net_minor": 258, "tax_rate": "23", "tax_minor": 48}
    return SoldLine(**{**usual, **more})


def cash(amount_minor: int) -> Tendered:
    return Tendered(kind="cash", amount_minor=amount_minor, settles="cash")


def sale(*, mode: str = "included", **more: object) -> SaleCompleted:
    """A sale of that line, paid with 3.00 in cash."""
    usual: dict[str, Any] = {"request": "", "number": "S-1", "till": "T01", "series": 1, "n": 1, "shift": SALE}
    usual |= {"currency": "EUR", "terms": TaxTerms(mode, "rate", "half_up"), "lines": (line(),), "price_book": 1}
    usual |= {"gross_minor": 258, "discount_minor": 0, "net_minor": 258, "taxes": (TaxTotal("23", 210, 48),)}
    usual |= {"due_minor": 258, "tenders": (cash(300),), "paid_minor": 300, "change_minor": 42}
    return SaleCompleted(**{**usual, **more})


def void_of(body: SaleCompleted, **more: object) -> SaleVoided:
    usual: dict[str, Any] = {"request": "", "sale": SALE, "sale_number": "S-1", "till": "T01", "shift": SALE}
    usual |= {"currency": "EUR", "reason": "", "lines": (), "due_minor": body.due_minor}
    return SaleVoided(**{**usual, **more})


def back(**more: object) -> TakenBack:
    """Half of the line comes back for 1.29 in cash."""
    half = ReturnedLine(line=1, sku="1", name="Tea", quantity_milli=1000, net_minor=129, tax_rate="23", tax_minor=24)
    refund = Refunded(kind="cash", amount_minor=129, settles="cash")
    usual: dict[str, Any] = {"sale": SALE, "sale_number": "S-1", "lines": (half,), "value_minor": 129}
    return TakenBack(**{**usual, "refunds": (refund,), **more})


def told(sums: Sums, table: str) -> dict[str, int]:
    """What a table adds up to over all its rows; what is 0 is left out."""
    found: dict[str, int] = {}
    for values in sums.rows.get(table, {}).values():
        for name, value in values.items():
            if isinstance(value, int) and name != "first_at":
                found[name] = found.get(name, 0) + value
    return {name: value for name, value in found.items() if value}


def folded(body: SaleCompleted, *more: SaleVoided | TakenBack) -> Sums:
    """A sale, then its void or what comes back of it."""
    sums = Sums()
    fold_sale(sums, MORNING, body, NOTHING)
    known = Known({}, {(STORE, SALE.bytes): Original(body, MORNING)})
    for each in more:
        if isinstance(each, SaleVoided):
            fold_void(sums, EVENING, each, known)
        else:
            fold_return(sums, EVENING, "EUR", each, known)
    return sums


@pytest.mark.parametrize(
    ("tenders", "change", "taken"),
    [
        ((cash(300),), 42, {"cash": (1, 258)}),
        ((cash(200), cash(100)), 42, {"cash": (2, 258)}),
        ((cash(20), cash(280)), 42, {"cash": (2, 258)}),
        ((Tendered(kind="card", amount_minor=200, settles="card"), cash(100)), 42, {"card": (1, 200), "cash": (1, 58)}),
        ((Tendered(kind="card", amount_minor=258, settles="card"),), 0, {"card": (1, 258)}),
    ],
)
def test_change_is_given_from_cash_alone(
    tenders: tuple[Tendered, ...], change: int, taken: dict[str, tuple[int, int]]
) -> None:
    rows = folded(sale(tenders=tenders, change_minor=change)).rows["tender_day"]
    assert {key[3]: (row["payments"], row["taken_minor"]) for key, row in rows.items()} == taken


def test_rounding_is_what_is_due_beyond_base_and_tax() -> None:
    rounded = sale(due_minor=260, rounding_minor=2, change_minor=40)
    assert told(folded(rounded), "sales_hour")["rounding_minor"] == 2
    refund = Refunded(kind="cash", amount_minor=130, settles="cash")
    sums = told(folded(rounded, back(refunds=(refund,), rounding_minor=1)), "sales_hour")
    assert (sums["returned_minor"], sums["returned_rounding_minor"]) == (129, 1)
    assert told(folded(rounded), "tender_day")["taken_minor"] == 260


@pytest.mark.parametrize(("mode", "base", "value"), [("included", 105, 129), ("added", 129, 153)])
def test_tax_of_what_comes_back_is_in_the_net_or_beside_it(mode: str, base: int, value: int) -> None:
    sums = folded(sale(mode=mode), back())
    assert told(sums, "tax_day") == {
        "base_minor": 210,
        "tax_minor": 48,
        "returned_base_minor": base,
        "returned_tax_minor": 24,
    }
    assert told(sums, "sales_hour")["returned_minor"] == value


def test_goods_of_a_sale_that_nobody_knows_come_back_with_their_tax_in_the_net() -> None:
    sums = Sums()
    fold_return(sums, EVENING, "EUR", back(), NOTHING)
    assert told(sums, "tax_day") == {"returned_base_minor": 105, "returned_tax_minor": 24}


def test_a_return_counts_on_its_own_day_and_a_void_takes_off_the_day_of_its_sale() -> None:
    days = {key[1]: row.get("returned_minor", 0) for key, row in folded(sale(), back()).rows["sales_hour"].items()}
    assert days == {"2026-11-21": 0, "2026-11-22": 129}
    body = sale()
    hours = {
        (key[1], key[2]): (
            row.get("sales", 0),
            row.get("due_minor", 0),
            row.get("voids", 0),
            row.get("voided_minor", 0),
        )
        for key, row in folded(body, void_of(body)).rows["sales_hour"].items()
    }
    assert hours == {("2026-11-21", 9): (0, 0, 0, 0), ("2026-11-22", 18): (0, 0, 1, 258)}


def test_a_void_leaves_nothing_of_a_sale_but_the_void_and_what_was_handed_out() -> None:
    coupon = IssuedCoupon(
        serial=7, offer="X", offer_version=1, valid_until="2026-12-31", kid=1, token="", member=MEMBER
    )
    vouchers = SaleVouchers(
        used=(UsedCoupon(serial=1, n=1, offer="Y"),),
        unspent=(UnspentCoupon(serial=2, offer="Z", code="ended"),),
        issued=(coupon,),
        gift_cards=(
            CardPosted(card="c", ending="1", n=1, kind="activate", amount_minor=210, balance_minor=210, line=1),
            CardPosted(card="d", ending="2", n=2, kind="redeem", amount_minor=-50, balance_minor=0),
        ),
    )
    used = OfferUsed(offer="Y", version=1, uses=2, discount_minor=30, code="", coupon=True)
    body = sale(member=MEMBER, vouchers=vouchers, offers=(used,))
    once = folded(body)
    assert told(once, "tax_day")["card_base_minor"] == 210  # the base of its line, without the tax
    assert {
        key[3:]: row["value_minor"] for key, row in once.rows["redemption_day"].items() if key[3] == "gift_card"
    } == {("gift_card", "", "used"): 50}
    undone = UndoneVouchers(given_back=(CouponGivenBack(serial=1, n=1),), voided=(7, 99))
    sums = folded(body, void_of(body, vouchers=undone))
    assert told(sums, "sales_hour") == {"voids": 1, "voided_minor": 258}
    for table in ("tax_day", "tender_day", "member_purchase"):
        assert told(sums, table) == {}, table
    assert told(sums, "offer_day") == {"coupons_issued": 1, "coupons_voided": 1}
    assert told(sums, "redemption_day") == {"times": 1}  # issued
    assert told(sums, "member_offer") == {"issued": 1}


def test_what_follows_from_a_return_elsewhere_counts_for_offers_and_coupons_alone() -> None:
    coupon = IssuedCoupon(serial=7, offer="X", offer_version=1, valid_until="2026-12-31", kid=1, token="")
    body = sale(vouchers=SaleVouchers(issued=(coupon,)))
    given_back = (OfferGivenBack(offer="Y", version=1, uses=2, discount_minor=30),)
    followed = ReturnFollowed(
        sale=SALE, sale_number="S-1", returned={1: 1000}, offers=given_back, vouchers=UndoneVouchers(voided=(7, 99))
    )
    sums = Sums()
    fold_followed(sums, EVENING, "EUR", followed, Known({}, {(STORE, SALE.bytes): Original(body, MORNING)}))
    assert told(sums, "offer_day") == {"uses_back": 2, "discount_back_minor": 30, "coupons_voided": 1}
    assert set(sums.rows) == {"offer_day"}


@pytest.mark.parametrize(("mode", "base"), [("included", 105), ("added", 129)])
def test_goods_of_another_store_count_with_the_tax_as_it_lay_there(mode: str, base: int) -> None:
    """The sale is none of this store's, so only the return can say how its tax lay."""
    elsewhere = Elsewhere(store="S009", tax_mode=mode, sold={1: 2000}, reservation=UUID(int=3))
    sums = Sums()
    fold_return(sums, EVENING, "EUR", back(elsewhere=elsewhere), NOTHING)
    assert told(sums, "tax_day")["returned_base_minor"] == base


def test_a_member_spent_what_was_due_with_its_tax_and_gets_off_what_came_back() -> None:
    sums = told(folded(sale(member=MEMBER), back(member=MEMBER)), "member_purchase")
    assert sums == {"visits": 1, "spent_minor": 258, "returned_minor": 129}
    added = told(
        folded(sale(member=MEMBER, mode="added", taxes=(TaxTotal("23", 258, 59),), due_minor=317)), "member_purchase"
    )
    assert added == {"visits": 1, "spent_minor": 317}


def test_points_that_pay_are_no_reward_and_those_of_a_reward_pay_nothing() -> None:
    paying = Tendered(kind="points", amount_minor=58, settles="points", hold=HOLD, points=116)
    postings = (
        PointsPosted(n=1, member=MEMBER, kind="redeem", points=-116, effective_at=0, hold=HOLD),
        PointsPosted(n=2, member=MEMBER, kind="redeem", points=-150, effective_at=0, hold=UUID(int=8)),
        PointsPosted(n=3, member=MEMBER, kind="earn", points=2, effective_at=0),
    )
    body = sale(member=MEMBER, tenders=(paying, cash(200)), change_minor=0, postings=postings)
    rows = folded(body).rows["redemption_day"]
    assert {key[3:]: (row["times"], row["points"], row["value_minor"]) for key, row in rows.items()} == {
        ("points", "", "used"): (1, 116, 58),
        ("reward", "", "used"): (1, 150, 0),
    }


def test_points_and_offers_that_come_back_are_told_apart_from_those_used() -> None:
    postings = (PointsPosted(n=1, member=MEMBER, kind="reverse_redeem", points=58, effective_at=0),)
    refund = Refunded(kind="points", amount_minor=29, settles="points")
    given = (OfferGivenBack(offer="Y", version=1, uses=2, discount_minor=30),)
    sums = folded(sale(), back(refunds=(refund,), postings=postings, offers=given, member=MEMBER))
    undone = {key[3:]: (row["points"], row["value_minor"]) for key, row in sums.rows["redemption_day"].items()}
    assert undone == {("points", "", "undone"): (58, 29)}
    assert told(sums, "offer_day") == {"uses_back": 2, "discount_back_minor": 30}


def test_a_gift_card_that_comes_back_is_owed_to_nobody() -> None:
    sold = CardPosted(card="c", ending="1", n=1, kind="activate", amount_minor=258, balance_minor=258, line=1)
    taken = CardPosted(card="c", ending="1", n=2, kind="cancel", amount_minor=-258, balance_minor=0, line=1)
    body = sale(vouchers=SaleVouchers(gift_cards=(sold,)))
    assert told(folded(body), "tax_day")["card_base_minor"] == 210
    undone = back(vouchers=UndoneVouchers(gift_cards=(taken,)))
    assert "card_base_minor" not in told(folded(body, undone), "tax_day")


def test_prices_set_by_hand_and_sales_to_members_are_counted() -> None:
    sums = told(folded(sale(member=MEMBER, lines=(line(catalogue_price_minor=150), line(line=2)))), "sales_hour")
    assert (sums["overrides"], sums["member_sales"], sums["lines"]) == (1, 1, 2)


@pytest.mark.parametrize(("kind", "cash_minor"), [("pay_in", 500), ("pay_out", -500), ("drop", -500)])
def test_cash_that_is_moved_by_hand_goes_in_or_out(kind: str, cash_minor: int) -> None:
    lines = book_day(DaySums("S", "2026-11-21", "EUR", {}, {}, 0, {kind: 500}, {}), {"cash": "1", kind: "2"})
    assert {each.account: each.debit_minor - each.credit_minor for each in lines} == {"1": cash_minor, "2": -cash_minor}
