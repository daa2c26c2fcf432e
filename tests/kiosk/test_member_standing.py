"""Tier and segments of members from the sales that lie in the tables; rules and offers that ask for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.commands import LineRequest
from kiosk.members.member_standing import read_segments, read_standing, show_tier
from kiosk.members.member_views import resolve_member
from kiosk.members.members import ResolveMember
from kiosk.program.program_service import RULES
from tests.kiosk.earning_shop import define_rule
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller
from tests.kiosk.telling import elsewhere, tell_account
from tests.loyalty.earning_rules.rules import times

LEVELS = [{"name": "silver", "threshold": 500}, {"name": "gold", "threshold": 1000}]
SEGMENTS = [
    {"name": "press", "days": 30, "min_visits": 2, "departments": ["PRESS"]},
    {"name": "asleep", "days": 400, "silent_days": 60},
]
DAY_MS = 86_400_000
PAPERS = LineRequest(sku="102", quantity_milli=3000)  # 1050


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    tiers: dict[str, Any] = {"loyalty.tiers": {"levels": LEVELS, "review": "month"}}
    with open_till(tmp_path, **tiers) as opened:
        yield opened


def tier(till: Till, member: object) -> tuple[str | None, int, str | None, int]:
    found = show_tier(till.connection, till.shop, till.who, member)  # type: ignore[arg-type]
    return found.tier, found.amount, found.next, found.missing


def test_a_tier_is_reached_by_spending_and_not_lost_by_a_return_at_the_till(till: Till) -> None:
    anna = till.enrol()
    assert tier(till, anna) == (None, 0, "silver", 500)
    sold = till.sell(PAPERS, member=anna)
    assert tier(till, anna) == ("gold", 1050, None, 0)
    till.take_back(sold, [(1, 2000)], [("cash", 700)])
    assert tier(till, anna) == ("gold", 350, None, 0)
    till.who = caller(at_ms=till.who.now_ms + 15 * DAY_MS)
    assert tier(till, anna) == (None, 350, "silver", 150)


def test_a_voided_sale_never_counted(till: Till) -> None:
    anna = till.enrol()
    till.void(till.sell(PAPERS, member=anna))
    assert tier(till, anna) == (None, 0, "silver", 500)


def test_points_count_where_the_shop_says_so(tmp_path: Path) -> None:
    tiers: dict[str, Any] = {"loyalty.tiers": {"levels": LEVELS, "measure": "points"}}
    with open_till(tmp_path, loyalty={"per_minor": 1}, **tiers) as till:
        anna = till.enrol()
        sold = till.sell("102", "102", member=anna)
        assert tier(till, anna) == ("silver", 700, "gold", 300)
        till.take_back(sold, [(1, 1000)], [("cash", 350)])
        assert tier(till, anna) == ("silver", 350, "gold", 650)


def test_a_rule_for_a_tier_asks_for_it_and_staff_see_it_when_the_card_is_scanned(till: Till) -> None:
    define_rule(till, RULES, times("gold-twice", tiers=("gold",)))
    anna = till.enrol(phone="600100200")
    assert till.sell(PAPERS, member=anna).points.earned == 10
    assert till.sell(PAPERS, member=anna).points.earned == 21
    asked = ResolveMember(phone="600100200")
    assert resolve_member(till.connection, till.shop, till.who, asked).tier == "gold"
    assert resolve_member(till.connection, till.shop, caller("kiosk"), asked).tier is None
    assert_holds(till.connection)


def test_segments_follow_what_was_kept(tmp_path: Path) -> None:
    with open_till(tmp_path, loyalty={"segments": SEGMENTS}) as till:
        anna = till.enrol()
        define_rule(till, RULES, times("press-twice", segments=("press",)))

        def segments() -> frozenset[str]:
            return read_segments(till.connection, till.shop.terms, anna, till.who.now_ms)

        till.sell("102", member=anna)
        assert segments() == frozenset()
        second = till.sell("102", member=anna)
        assert segments() == frozenset({"press"})
        assert till.sell("100", member=anna).points.earned == 2
        till.take_back(second, [(1, 1000)], [("cash", 350)])
        assert segments() == frozenset()
        till.who = caller(at_ms=till.who.now_ms + 61 * DAY_MS)
        assert segments() == frozenset({"asleep"})


def test_without_tiers_nobody_has_one(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        anna = till.enrol()
        till.sell(PAPERS, member=anna)
        assert read_standing(till.connection, till.shop.terms, anna, till.who.now_ms).tier is None


def test_a_tier_says_where_sales_of_other_stores_are_missing_in_it(till: Till) -> None:
    anna = till.enrol()
    till.sell(PAPERS, member=anna)
    alone = show_tier(till.connection, till.shop, till.who, anna)
    tell_account(till, anna, elsewhere(anna, "earn", 5_000))
    shared = show_tier(till.connection, till.shop, till.who, anna)
    assert (alone.whole, shared.whole) == (True, False)
    assert (shared.tier, shared.amount) == (alone.tier, alone.amount) == ("gold", 1050)
