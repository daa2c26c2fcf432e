"""Paying with points: set aside, captured in the sale, given back with goods, mirrored by a void. Real services."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.answers import BalanceAnswer, RedeemPreview
from kiosk.commands import LineRequest, ParkBasket, TenderRequest
from kiosk.points.points import HoldPoints
from kiosk.sales.basket_service import park_basket
from kiosk.sales.return_service import ReturnPoints
from kiosk.sales.sale_points import HoldNeeded, HoldTwice, UnknownHold
from kiosk.sales.tender import Overpaid
from loyalty.apply_points import post_folded
from loyalty.errors import IdConflict, Problem
from loyalty.points.refusals import (
    AboveHold,
    AboveShare,
    BelowMinimum,
    HoldCaptured,
    HoldLapsed,
    HoldReleased,
    InsufficientPoints,
    NothingToSpend,
    PointsOwed,
)
from loyalty.points_store import open_account
from tests.kiosk.selling import Till, assert_holds, open_till, sale_of
from tests.kiosk.shopkit import new_id

FOUR_MILKS = LineRequest(sku="100", quantity_milli=4000)  # 516
RICH = 1_000


def rich_member(till: Till, points: int = RICH) -> UUID:
    """A member with points given by hand."""
    member = till.enrol()
    till.adjust(member, points)
    return member


def test_an_account_reads_like_a_bank_statement(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        hold = till.hold(anna, 300)
        assert till.points(anna) == BalanceAnswer(active=700, held=300)
        sold = till.pay(FOUR_MILKS, member=anna, points=300, hold=hold)
        assert (sold.totals.due_minor, sold.totals.change_minor) == (516, 1_000_000 - 216)
        assert (sold.points.redeemed, sold.points.earned) == (300, 2), "what points paid earns nothing"
        assert sold.points.balance == till.points(anna) == BalanceAnswer(active=702)
        back = till.take_back(sold, [(1, 2000)], [("cash", 108)])
        assert back.points == ReturnPoints(clawed_back=1, given_back=150, debt=0)
        assert till.points(anna) == BalanceAnswer(active=851)
        till.take_back(sold, [(1, 2000)], [("cash", 108)])
        assert till.points(anna) == BalanceAnswer(active=RICH)
        assert till.ledger(anna) == [
            ("adjust", 1000),
            ("hold", 300),
            ("redeem", -300),
            ("earn", 2),
            ("reverse_earn", -1),
            ("reverse_redeem", 150),
            ("reverse_earn", -1),
            ("reverse_redeem", 150),
        ]
        assert_holds(till.connection)


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("the account was read and folded a second time")


def test_a_sale_folds_an_account_once_and_a_replay_comes_to_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_till(tmp_path) as till:
        anna, ben, cara = rich_member(till), rich_member(till, 300), till.enrol()
        owing = till.pay(FOUR_MILKS, member=ben, points=300, hold=till.hold(ben, 300))
        till.sell(FOUR_MILKS, member=cara)
        first = till.sell("100", "101", member=ben)
        till.adjust(ben, -till.points(ben).active)
        till.take_back(first, [(1, 1000), (2, 1000)], [("cash", first.totals.due_minor)])
        assert till.points(ben).debt > 0, owing
        holds = till.hold(anna, 400), till.hold(anna, 100)
        monkeypatch.setattr("loyalty.apply_points.load_account", _refuse)
        till.pay(FOUR_MILKS, member=anna, points=300, hold=holds[0])
        till.pay("100", member=anna, points=100, hold=holds[1])
        till.sell(FOUR_MILKS, member=ben)
        till.sell(FOUR_MILKS, member=cara)
        monkeypatch.undo()
        assert_holds(till.connection)


def test_what_was_folded_before_other_postings_came_is_not_written(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        opened = open_account(till.connection, anna, new_id(), 1, till.who.now_ms)
        with pytest.raises(ValueError, match="folded anew"):
            post_folded(till.connection, opened.folded(), 9)


def test_what_is_not_needed_of_a_hold_goes_back(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        sold = till.pay("100", member=anna, points=129, hold=till.hold(anna, 400), cash=0)
        assert (sold.points.redeemed, sold.points.earned) == (129, 0)
        assert till.points(anna) == BalanceAnswer(active=RICH - 129)
        assert_holds(till.connection)


@pytest.mark.parametrize(("points_of_value", "value", "captured"), [(5, 2, 125), (100, 1, 5000), (1, 3, 17)])
def test_the_worth_of_a_point_is_a_ratio(tmp_path: Path, points_of_value: int, value: int, captured: int) -> None:
    program = {"value_minor": value, "value_points": points_of_value}
    with open_till(tmp_path, points=program) as till:
        anna = rich_member(till, 10_000)
        sold = till.pay("100", member=anna, points=50, hold=till.hold(anna, 6_000))
        assert sold.points.redeemed == captured
        assert till.points(anna).active == 10_000 - captured
        till.take_back(sold, [(1, 1000)], [("cash", 79)])
        assert till.points(anna).active == 10_000
        assert_holds(till.connection)


# -- refused, and nothing written --------------------------------------------------------------------------------------


def refusals() -> Mapping[str, tuple[Mapping[str, object], type[Problem]]]:
    """What is wrong with a payment of 129 with points of Anna, by name."""
    return {
        "no hold": ({"hold": None}, HoldNeeded),
        "a hold nobody placed": ({"hold": new_id()}, UnknownHold),
        "more than is on hold": ({"points": 50}, AboveHold),
        "somebody else's hold": ({"member": "ben"}, UnknownHold),
        "no member": ({"member": None}, UnknownHold),
        "released before": ({"released": True}, HoldReleased),
        "more than is due": ({"amount": 130}, Overpaid),
    }


@pytest.mark.parametrize("what", refusals())
def test_a_payment_with_points_that_cannot_be_right_books_nothing(tmp_path: Path, what: str) -> None:
    told, problem = refusals()[what]
    with open_till(tmp_path) as till:
        members = {"anna": rich_member(till), "ben": rich_member(till), None: None}
        anna = members["anna"]
        assert anna is not None
        hold = till.hold(anna, int(str(told.get("points", 200))))
        if "released" in told:
            till.release(hold)
        entries = till.entries()
        amount = int(str(told.get("amount", 129)))
        tender = TenderRequest(kind="points", amount_minor=amount, hold=told.get("hold", hold))  # type: ignore[arg-type]
        member = members[told.get("member", "anna")]  # type: ignore[index]
        with pytest.raises(problem):
            till.send(sale_of("100", member=member, paid=(tender,)))
        assert till.entries() == entries
        assert_holds(till.connection)


def test_a_hold_pays_once(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        hold = till.hold(anna, 200)
        half = TenderRequest(kind="points", amount_minor=50, hold=hold)
        with pytest.raises(HoldTwice):
            till.send(sale_of("100", member=anna, paid=(half, half, TenderRequest(kind="cash", amount_minor=29))))
        till.pay("100", member=anna, points=100, hold=hold)
        with pytest.raises(HoldCaptured):
            till.pay("100", member=anna, points=100, hold=hold)
        assert till.points(anna).active == RICH - 100
        assert_holds(till.connection)


def test_the_rules_of_the_program_are_kept_and_explained(tmp_path: Path) -> None:
    program = {"min_points": 100, "step": 50, "max_share_percent": 50}
    with open_till(tmp_path, points=program) as till:
        anna = rich_member(till, 400)
        assert till.quote(FOUR_MILKS, member=anna).redeem == RedeemPreview(250, 250)
        assert till.quote(FOUR_MILKS, member=anna, points=100).redeem == RedeemPreview(100, 100)
        assert till.quote(FOUR_MILKS, member=anna, points=120).redeem == RedeemPreview(250, 250, "points_not_a_step")
        assert till.quote("100", member=anna).redeem == RedeemPreview(0, 0, "points_above_share")
        with pytest.raises(BelowMinimum):
            till.hold(anna, 50)
        with pytest.raises(NothingToSpend):
            till.hold(anna, 0)
        with pytest.raises(InsufficientPoints):
            till.hold(anna, 450)
        hold = till.hold(anna, 300)
        with pytest.raises(AboveShare):
            till.pay(FOUR_MILKS, member=anna, points=259, hold=hold)
        till.pay(FOUR_MILKS, member=anna, points=258, hold=hold)
        assert_holds(till.connection)


def test_points_that_are_owed_cannot_be_spent(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        sold = till.sell("104", member=anna)
        till.adjust(anna, -19)
        till.take_back(sold, [(1, 1000)], [("cash", 1990)])
        assert till.points(anna) == BalanceAnswer(debt=19)
        assert till.quote("100", member=anna).redeem == RedeemPreview(0, 0, "points_owed")
        with pytest.raises(PointsOwed):
            till.hold(anna, 1)


# -- holds -------------------------------------------------------------------------------------------------------------


def test_the_same_hold_again_answers_the_same(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        command = HoldPoints(id=new_id(), member=anna, points=80)
        first, again = till.hold_outcome(command), till.hold_outcome(command)
        assert (first.replayed, again.replayed, again.answer) == (False, True, first.answer)
        with pytest.raises(IdConflict):
            till.hold_outcome(HoldPoints(id=command.id, member=anna, points=81))
        assert till.points(anna) == BalanceAnswer(active=RICH - 80, held=80)


def test_a_hold_is_let_go_once(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        hold = till.hold(anna, 80)
        released = till.release(hold)
        entries = till.entries()
        assert (released.state, till.release(hold)) == ("released", released)
        assert (till.entries(), till.points(anna)) == (entries, BalanceAnswer(active=RICH))
        captured = till.hold(anna, 129)
        till.pay("100", member=anna, points=129, hold=captured, cash=0)
        with pytest.raises(HoldCaptured):
            till.release(captured)
        assert_holds(till.connection)


def test_a_hold_lapses_by_itself_and_still_pays_while_its_points_are_free(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        first, second = till.hold(anna, 600), till.hold(anna, 400)
        entries = till.entries()
        till.wait(minutes=14)
        assert till.points(anna) == BalanceAnswer(held=RICH)
        till.wait(minutes=1)
        assert (till.points(anna), till.entries()) == (BalanceAnswer(active=RICH), entries)
        assert till.release(second).state == "lapsed"
        assert till.entries() == entries, "time alone writes nothing, and neither does letting go what is gone"
        till.pay(FOUR_MILKS, member=anna, points=500, hold=first)
        spent = till.hold(anna, 300)
        with pytest.raises(HoldLapsed):
            till.pay(FOUR_MILKS, member=anna, points=400, hold=second)
        till.release(spent)
        till.pay(FOUR_MILKS, member=anna, points=400, hold=second)
        assert till.points(anna).active == RICH - 900 + 1
        assert_holds(till.connection)


def test_a_basket_that_is_set_aside_lets_its_points_go(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        hold, captured = till.hold(anna, 300), till.hold(anna, 129)
        till.pay("100", member=anna, points=129, hold=captured, cash=0)
        lines = (LineRequest(sku="100"),)
        park = ParkBasket(id=new_id(), lines=lines, member=anna, holds=(hold,))
        first, again = till.do(park_basket, park), till.do(park_basket, park)
        assert (first.replayed, again.replayed) == (False, True)
        assert till.points(anna) == BalanceAnswer(active=RICH - 129)
        entries = till.entries()
        refused: list[tuple[ParkBasket, type[Problem]]] = [
            (ParkBasket(id=new_id(), lines=lines, member=anna, holds=(new_id(),)), UnknownHold),
            (ParkBasket(id=new_id(), lines=lines, holds=(hold,)), UnknownHold),
            (ParkBasket(id=new_id(), lines=lines, member=anna, holds=(captured,)), HoldCaptured),
        ]
        for command, problem in refused:
            with pytest.raises(problem):
                till.do(park_basket, command)
        assert till.entries() == entries
        with pytest.raises(HoldReleased):
            till.pay("100", member=anna, points=129, hold=hold, cash=0)
        assert_holds(till.connection)


# -- goods come back ---------------------------------------------------------------------------------------------------


def test_never_more_money_comes_back_than_was_paid_in_money(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        sold = till.pay(FOUR_MILKS, member=anna, points=515, cash=1)
        quotes = []
        for _ in range(4):
            quote = till.quote_return(sold, [(1, 1000)])
            quotes.append((quote.refund_minor, quote.points.given_back))
            till.take_back(sold, [(1, 1000)], [("cash", quote.refund_minor)] if quote.refund_minor else [])
        assert quotes == [(1, 128), (0, 129), (0, 129), (0, 129)]
        assert till.points(anna).active == RICH
        assert_holds(till.connection)


def test_goods_paid_with_points_alone_bring_no_money(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        sold = till.pay("100", "101", member=anna, points=388, cash=0)
        back = till.take_back(sold, [(2, 1000)], [])
        assert (back.refund_minor, back.points) == (0, ReturnPoints(clawed_back=0, given_back=259, debt=0))
        assert [(refund.kind, refund.amount_minor) for refund in back.returned.refunds] == [("points", 259)]
        assert till.points(anna).active == RICH - 129
        assert_holds(till.connection)


def test_a_void_mirrors_every_posting(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till)
        sold = till.pay(FOUR_MILKS, member=anna, points=300)
        till.void(sold)
        assert till.points(anna) == BalanceAnswer(active=RICH)
        assert till.ledger(anna)[-2:] == [("reverse_earn", -2), ("reverse_redeem", 300)]
        assert_holds(till.connection)


def test_an_exchange_takes_back_gives_back_pays_and_earns_in_one(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = rich_member(till, 300)
        sold = till.pay(FOUR_MILKS, member=anna, points=300)
        assert till.points(anna).active == 2
        till.adjust(anna, 100)
        hold = till.hold(anna, 100)
        paid = (TenderRequest(kind="points", amount_minor=100, hold=hold), TenderRequest(kind="cash", amount_minor=51))
        new = till.exchange([(sold, 1, 2000)], "101", member=anna, paid=paid)
        assert new.points.balance == till.points(anna) == BalanceAnswer(active=2 - 1 + 150 + 1)
        assert (new.points.redeemed, new.points.earned) == (100, 1)
        assert_holds(till.connection)


# -- what becomes of debt ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "refund", "debt", "left"),
    [
        ({"debt": "carry"}, 1990, 12, BalanceAnswer(debt=12)),
        ({"debt": "refund"}, 1978, 0, BalanceAnswer()),
        ({"debt": "refund", "value_minor": 200}, 190, 3, BalanceAnswer(debt=3)),
        ({"debt": "forgive", "forgive_below": 13}, 1990, 0, BalanceAnswer()),
        ({"debt": "forgive", "forgive_below": 12}, 1990, 12, BalanceAnswer(debt=12)),
    ],
    ids=["carried", "its value kept", "as far as money goes back", "forgiven", "too much to forgive"],
)
def test_points_that_were_spent_and_should_go(
    tmp_path: Path, policy: Mapping[str, object], refund: int, debt: int, left: BalanceAnswer
) -> None:
    with open_till(tmp_path, points=policy) as till:
        anna = till.enrol()
        sold = till.sell("104", member=anna)
        till.adjust(anna, -12)
        quote = till.quote_return(sold, [(1, 1000)])
        assert (quote.refund_minor, quote.points) == (refund, ReturnPoints(19, 0, debt))
        back = till.take_back(sold, [(1, 1000)], [("cash", refund)] if refund else [])
        assert (back.refund_minor, back.points, till.points(anna)) == (refund, quote.points, left)
        assert_holds(till.connection)
