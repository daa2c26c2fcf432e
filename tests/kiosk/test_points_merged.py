"""Two records of one person: what either earned is one account, and goods of either still come back exactly."""

from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from kiosk.answers import BalanceAnswer
from kiosk.commands import LineRequest, TenderRequest
from kiosk.members.member_records import MergeMembers
from kiosk.members.merge_service import merge_members
from kiosk.program.activities import CapReached, ReferralWrong
from kiosk.program.program_service import RULES, TYPES
from loyalty.activities import ActivityDone
from loyalty.earning_rules.rule import Caps
from tests.kiosk.earning_shop import define, define_rule, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till, sale_of
from tests.kiosk.shopkit import caller, new_id, perform
from tests.loyalty.earning_rules.rules import times

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


def test_a_basket_begun_for_a_record_that_was_absorbed_meanwhile_is_the_survivors(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        old, new = till.enrol("Anna", "600100200"), till.enrol("Anna", "600100200")
        till.sell(CHEESE, member=old)
        hold = till.hold(old, 129)
        merge(till, old, new)
        assert till.quote(CHEESE, member=old).points == till.quote(CHEESE, member=new).points
        paid = (TenderRequest(kind="points", amount_minor=129, hold=hold),)
        command = sale_of("100", member=old, paid=paid)
        first, again = till.send(command), till.send(command)
        assert (first.replayed, again.replayed) == (False, True), "the same request stays the same"
        assert again.answer == first.answer
        assert till.rows("SELECT member FROM sale WHERE id = ?", command.id.bytes) == [(new.bytes,)]
        assert till.points(new) == BalanceAnswer(active=199 - 129)
        assert_holds(till.connection)


def test_what_either_record_earned_today_counts_for_the_caps_of_both(tmp_path: Path) -> None:
    with open_till(tmp_path, loyalty={"points": 10, "per_minor": 129}) as till:
        define_rule(till, RULES, replace(times("twice", 2), caps=Caps(per_day=15, per_period=40, period="month")))
        define(till, TYPES, "survey", type_terms("survey", 50, caps=Caps(per_day=100)))
        old, new, other = till.enrol("Anna"), till.enrol("Anna"), till.enrol("Ben")
        assert till.sell("100", member=old).points.earned == 10 + 10
        record(till, old, "survey", subject="a")
        record(till, new, "survey", subject="b")
        merge(till, old, new)
        assert till.sell("100", member=new).points.earned == 10 + 5, "of the 15 a day"
        with pytest.raises(CapReached):
            record(till, new, "survey", subject="c")
        assert till.sell("100", member=other).points.earned == 10 + 10, "the cap is each person's own"
        assert_holds(till.connection)


def test_what_the_absorbed_record_did_is_not_paid_to_the_other_again(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        define(till, TYPES, "survey", type_terms("survey", 50))
        define(till, TYPES, "signup", type_terms("signup", 100))
        old, new = till.enrol("Anna"), till.enrol("Anna")
        record(till, old, "signup")
        record(till, old, "survey", subject="a")
        merge(till, old, new)
        for code, subject in (("signup", None), ("survey", "a")):
            with pytest.raises(ActivityDone):
                record(till, new, code, subject=subject)
        assert record(till, new, "survey", subject="b").answer.points == 50
        assert till.points(new).active == 200
        assert_holds(till.connection)


def test_nobody_is_a_friend_of_an_own_record(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        define(till, TYPES, "referral", type_terms("referral", 200))
        old, new = till.enrol("Anna", "600100200"), till.enrol("Anna")
        friend, late = till.enrol("Ania", "600100200"), till.enrol("Ania", "600100201")
        merge(till, old, new)
        with pytest.raises(ReferralWrong):
            record(till, new, "referral", subject=str(friend))
        record(till, new, "referral", subject=str(late))
        merge(till, friend, late)  # and with it comes a phone that Anna has
        till.sell("100", member=late)
        assert (till.points(new).active, till.points(new).pending) == (0, 0)
        assert_holds(till.connection)
