"""Goods of a member whom this store does not know now: head office told of her, and a lost disk has not read it again.
Her receipt is taken back all the same."""

from pathlib import Path

import msgspec
import pytest

from kiosk.commands import LineRequest
from kiosk.coupons.coupon_service import reissue_coupon
from kiosk.coupons.coupons import ReissueCoupon
from kiosk.members.members import ReasonNamesMember
from sync.feed_values import MemberValue
from tests.kiosk.couponing import issue, make_offer
from tests.kiosk.selling import Till, open_till
from tests.kiosk.shopkit import NOW_MS, new_id
from tests.kiosk.telling import tell

ANNA = MemberValue(status="active", locale="en", revision=1, enrolled_at=NOW_MS, name="Anna Kowalska")
REPRICED = LineRequest(sku="101", unit_price_minor=200, reason="Kowalska")


def take_back_everything(till: Till, reason: str) -> None:
    """A return, an exchange and a void of her receipts."""
    member = new_id()
    tell(till, "member", member, ANNA)
    returned, exchanged, voided = (till.sell("101", member=member) for _ in range(3))
    tell(till, "member", member, None)
    till.take_back(returned, [(1, 1000)], [("cash", 259)], reason=reason)
    till.exchange([(exchanged, 1, 1000)], REPRICED, refunds=[("cash", 59)])
    till.void(voided, reason)


def test_the_receipt_of_a_member_who_is_not_known_now_comes_back(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.who = msgspec.structs.replace(till.who, role="manager")
        take_back_everything(till, "Kowalska")
        assert till.rows("SELECT count(*) FROM taken_back") == [(2,)]
        assert till.rows("SELECT count(*) FROM sale_void") == [(1,)]


def test_her_coupon_is_issued_again_in_the_language_of_the_store(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        make_offer(till)
        member = new_id()
        tell(till, "member", member, ANNA)
        coupon = issue(till, member=member)
        tell(till, "member", member, None)
        command = ReissueCoupon(id=new_id(), reason="wet paper", print=True)
        assert till.do(reissue_coupon, coupon.serial, command).answer.print_job is not None


def test_whom_head_office_tells_of_is_not_named_in_a_reason(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        till.who = msgspec.structs.replace(till.who, role="manager")
        member = new_id()
        tell(till, "member", member, ANNA)
        sold = till.sell("101", member=member)
        with pytest.raises(ReasonNamesMember):
            till.take_back(sold, [(1, 1000)], [("cash", 259)], reason="Kowalska")
        with pytest.raises(ReasonNamesMember):
            till.exchange([(sold, 1, 1000)], REPRICED, refunds=[("cash", 59)])
