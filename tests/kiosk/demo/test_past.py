"""pure: a demonstration shop's past is real baskets at the right hour of the right weekday, ending yesterday."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from kiosk.demo.baskets import Basket
from kiosk.demo.files import bundled_baskets, load_baskets, load_store_baskets
from kiosk.demo.past import CLOSES, OPENS, VISITS, WEEKS, TradingDay, choose_past, households_of

STORE = "367"
WARSAW = ZoneInfo("Europe/Warsaw")
THERE = ZoneInfo("Etc/GMT+5")
BASKETS = load_store_baskets(bundled_baskets(), STORE)
BY_ID = {basket.basket_id: basket for basket in BASKETS}


def past(yesterday: dt.date) -> tuple[TradingDay, ...]:
    return choose_past(BASKETS, yesterday, "Europe/Warsaw")


def test_the_baskets_of_one_store_are_those_of_the_whole_file() -> None:
    whole = load_baskets(bundled_baskets()).baskets
    assert tuple(basket for basket in whole if basket.store_id == STORE) == BASKETS


@pytest.mark.parametrize("yesterday", [dt.date(2026, 11, 21), dt.date(2027, 3, 28), dt.date(2028, 3, 1)])
def test_the_past_ends_yesterday_and_is_eight_weeks_long(yesterday: dt.date) -> None:
    days = past(yesterday)
    dates = [day.date for day in days]
    assert dates == sorted(set(dates))
    assert dates[-1] <= yesterday
    assert dates[-1] > yesterday - dt.timedelta(days=7)
    assert yesterday - dt.timedelta(weeks=WEEKS) < dates[0] <= yesterday - dt.timedelta(weeks=WEEKS - 1)


@pytest.mark.parametrize("yesterday", [dt.date(2026, 11, 21), dt.date(2027, 3, 28)])
def test_a_purchase_keeps_its_weekday_and_its_hour_by_the_clock_of_the_shop(yesterday: dt.date) -> None:
    for day in past(yesterday):
        for visit in day.visits:
            here = dt.datetime.fromtimestamp(visit.at_ms / 1000, WARSAW)
            there = dt.datetime.fromtimestamp(BY_ID[visit.basket.basket_id].at_ms / 1000, THERE)
            assert here.date() == day.date
            assert (here.weekday(), here.time()) == (there.weekday(), there.time())
            assert OPENS <= here.time() < CLOSES


def test_enough_people_come_back_and_some_have_no_card() -> None:
    days = past(dt.date(2026, 11, 21))
    visits = [visit for day in days for visit in day.visits]
    assert VISITS <= len(visits) < 2 * VISITS
    assert [visit.at_ms for visit in visits] == sorted(visit.at_ms for visit in visits)
    households = households_of(days)
    assert len(households) == len(set(households)) >= 30
    with_card = sum(visit.basket.household_id is not None for visit in visits)
    assert len(households) < with_card < len(visits)


def test_a_household_has_its_card_always_or_never() -> None:
    shown: dict[str | None, set[bool]] = {}
    for day in past(dt.date(2026, 11, 21)):
        for visit in day.visits:
            household = BY_ID[visit.basket.basket_id].household_id
            shown.setdefault(household, set()).add(visit.basket.household_id is not None)
    assert all(len(each) == 1 for each in shown.values())


def test_a_basket_is_moved_and_otherwise_as_it_was() -> None:
    for day in past(dt.date(2026, 11, 21)):
        for visit in day.visits:
            real: Basket = BY_ID[visit.basket.basket_id]
            assert (visit.basket.lines, visit.basket.total_minor) == (real.lines, real.total_minor)
