"""Points for a friend: with the first purchase, usable when it can be returned no more, gone once if all comes back."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.commands import LineRequest
from kiosk.members.member_service import erase_member
from kiosk.members.members import EraseMember
from kiosk.program.program_service import TYPES
from kiosk.program.referral_service import list_referrals
from loyalty.points_store import read_balance
from loyalty.referrals import Referral, state_of
from tests.kiosk.earning_shop import define, end, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller

DAY_MS = 86_400_000


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path, loyalty={"per_minor": 1000}) as opened:
        define(opened, TYPES, "referral", type_terms("referral", 200))
        yield opened
        assert_holds(opened.connection)


def bring(till: Till) -> tuple[UUID, UUID]:
    """Anna brings Ben."""
    anna, ben = till.enrol("Anna"), till.enrol("Ben")
    record(till, anna, "referral", subject=str(ben))
    return anna, ben


def balance(till: Till, member: UUID, days: int = 0) -> tuple[int, int, int]:
    found = read_balance(till.connection, member, till.who.now_ms + days * DAY_MS)
    return found.pending, found.active, found.debt


def states(till: Till, member: UUID, days: int = 0) -> list[str]:
    who = caller(at_ms=till.who.now_ms + days * DAY_MS)
    return [each.state for each in list_referrals(till.connection, till.shop, who, member).items]


def test_the_points_come_with_the_first_purchase_and_wait_for_the_time_of_returns(till: Till) -> None:
    anna, ben = bring(till)
    assert (balance(till, anna), states(till, anna)) == ((0, 0, 0), ["joined"])
    sold = till.sell("100", member=ben)
    assert sold.points.earned == 0
    assert (balance(till, anna), states(till, anna)) == ((200, 0, 0), ["qualified"])
    entries = till.entries()
    assert (balance(till, anna, days=15), states(till, anna, days=15)) == ((0, 200, 0), ["paid"])
    assert till.entries() == entries
    till.sell("100", member=ben)
    till.sell("100", member=anna)
    assert balance(till, anna) == (200, 0, 0)


@pytest.mark.parametrize("parts", [[2000], [1000, 1000]])
def test_a_full_return_takes_them_back_once_whatever_the_split(till: Till, parts: list[int]) -> None:
    anna, ben = bring(till)
    sold = till.sell(LineRequest(sku="100", quantity_milli=2000), member=ben)
    for part in parts:
        assert balance(till, anna) == (200, 0, 0)
        till.take_back(sold, [(1, part)], [("cash", 129 * part // 1000)])
    assert (balance(till, anna), states(till, anna)) == ((0, 0, 0), ["revoked"])
    till.sell("100", member=ben)
    assert balance(till, anna) == (0, 0, 0)


def test_a_full_return_in_an_exchange_counts_as_well(till: Till) -> None:
    anna, ben = bring(till)
    sold = till.sell("100", member=ben)
    till.exchange([(sold, 1, 1000)], "102", tenders=[("cash", 1000)], member=ben)
    assert balance(till, anna) == (0, 0, 0)


def test_after_a_void_the_next_purchase_is_the_first_again(till: Till) -> None:
    anna, ben = bring(till)
    till.void(till.sell("100", member=ben))
    assert (balance(till, anna), states(till, anna)) == ((0, 0, 0), ["joined"])
    till.sell("100", member=ben)
    assert balance(till, anna) == (200, 0, 0)


def test_a_purchase_of_nothing_is_no_purchase(till: Till) -> None:
    anna, ben = bring(till)
    till.sell("105", tenders=[], member=ben)
    assert balance(till, anna) == (0, 0, 0)


def test_what_was_promised_is_kept_when_the_shop_offers_it_no_more(till: Till) -> None:
    anna, ben = bring(till)
    end(till, TYPES, "referral")
    till.sell("100", member=ben)
    assert balance(till, anna) == (200, 0, 0)


def test_nobody_is_paid_who_was_forgotten(till: Till) -> None:
    anna, ben = bring(till)
    till.do(erase_member, anna, EraseMember(reason="asked for it"))
    till.sell("100", member=ben)
    assert till.rows("SELECT count(*) FROM posting WHERE member = ?", anna.bytes) == [(0,)]


@pytest.mark.parametrize(
    ("referral", "state"),
    [
        (Referral(points=5), "joined"),
        (Referral(points=5, bought=True, available_from=11), "qualified"),
        (Referral(points=5, bought=True, available_from=10), "paid"),
        (Referral(points=5, bought=True), "paid"),
        (Referral(points=5, bought=True, available_from=11, taken_back=5), "revoked"),
    ],
)
def test_the_state_follows_from_what_was_booked_and_the_moment(referral: Referral, state: str) -> None:
    assert state_of(referral, 10) == state
