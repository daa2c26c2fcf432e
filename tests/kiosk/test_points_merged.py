"""Two records of one person: what either earned is one account, and goods of either still come back exactly."""

from pathlib import Path
from uuid import UUID

from kiosk.answers import BalanceAnswer
from kiosk.commands import LineRequest, TenderRequest
from kiosk.member_records import MergeMembers
from kiosk.merge_service import merge_members
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller, new_id, perform

CHEESE = LineRequest(sku="104", quantity_milli=10_000)  # 199 points


def merge(till: Till, absorbed: UUID, into: UUID) -> None:
    """A manager finds that two records are one person."""
    till.wait(minutes=1)
    manager = caller("manager", till=till.who.till, at_ms=till.who.now_ms)
    command = MergeMembers(id=new_id(), absorbed=absorbed, into=into, reason="same phone")
    perform(till.connection, merge_members, till.shop, manager, command)


def test_goods_of_an_absorbed_member_come_back_in_the_account_of_both(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        old, new = till.enrol("Anna", "600100200"), till.enrol("Anna", "600100200")
        sold, paid = till.sell(CHEESE, member=old), till.sell("101", member=new)
        till.pay("100", member=old, points=129, cash=0)
        merge(till, old, new)
        assert till.points(new) == BalanceAnswer(active=199 - 129 + 2)
        hold = till.hold(new, 60)
        back = till.take_back(sold, [(1, 5_000)], [("cash", 9950)])
        assert (back.points.clawed_back, back.points.debt) == (99, 87), (
            "89 were spent or are on hold, 2 of the other record pay for 2"
        )
        assert till.points(new) == BalanceAnswer(held=60, debt=87)
        till.release(hold)
        assert till.points(new) == BalanceAnswer(debt=27)
        money = (TenderRequest(kind="cash", amount_minor=10_000),)
        again = till.exchange([(sold, 1, 1_000), (paid, 1, 1_000)], CHEESE, member=new, paid=money + money)
        assert again.points.balance == till.points(new)
        assert again.points.balance == BalanceAnswer(active=199 - 27 - 20 - 2)
        assert_holds(till.connection)
