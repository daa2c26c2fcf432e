"""The lowest price of the 30 days before a reduction."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.offers.lowest_price import (
    DAYS,
    LowestPrice,
    PriceChange,
    find_lowest_before,
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=dt.UTC)


def history(text: str) -> list[PriceChange]:
    """ "01-01 9.99, 02-20T09:00 7.99" """
    changes = [part.split() for part in text.split(",") if part.strip()]
    return [PriceChange(at(when), int(price.replace(".", ""))) for when, price in changes]


@pytest.mark.parametrize(
    ("changes", "reduced_from", "lowest", "days"),
    [
        ("01-01 9.99", "03-10", 999, 30),
        ("01-01 9.99, 02-20 7.99, 02-27 9.99", "03-10", 799, 30),
        ("01-01 7.99, 02-01 9.99", "03-10", 999, 30),
        ("01-01 7.99, 02-08T09:00 9.99", "03-10T08:59", 799, 30),
        ("01-01 7.99, 02-08T09:00 9.99", "03-10T09:00", 999, 30),
        ("01-01 7.99, 02-08T09:00 9.99", "03-10T09:01", 999, 30),
        ("03-01 9.99", "03-10", 999, 9),
        ("03-01 9.99, 03-10 4.99", "03-10", 999, 9),
        ("03-09T12:00 9.99", "03-10", 999, 0),
        ("03-01 9.99, 03-02 0.00, 03-03 9.99", "03-10", 0, 9),
        ("02-27 9.99, 01-01 9.99, 02-20 7.99", "03-10", 799, 30),
        ("03-01 9.99, 03-01 8.99", "03-10", 899, 9),
    ],
)
def test_the_lowest_price_before_a_reduction(changes: str, reduced_from: str, lowest: int, days: int) -> None:
    assert find_lowest_before(history(changes), at(reduced_from)) == LowestPrice(lowest, days)


@pytest.mark.parametrize("changes", ["", "03-10 9.99", "03-11 9.99"])
def test_what_had_no_price_before_has_no_lowest_one(changes: str) -> None:
    assert find_lowest_before(history(changes), at("03-10")) is None


def test_goods_that_spoil_may_show_the_price_just_before() -> None:
    changes = history("01-01 9.99, 02-20 7.99, 02-27 9.49")
    assert find_lowest_before(changes, at("03-10"), perishable=True) == LowestPrice(949, 30)


def test_a_country_may_ask_for_a_longer_period_and_never_for_none() -> None:
    changes = history("01-01 7.99, 02-01 9.99")
    assert find_lowest_before(changes, at("03-10"), days=60) == LowestPrice(799, 60)
    with pytest.raises(ValueError, match="at least one day"):
        find_lowest_before(changes, at("03-10"), days=0)


@given(st.dictionaries(st.integers(0, 24 * 90), st.integers(1, 999), min_size=1, max_size=12), st.integers(1, 24 * 90))
def test_it_is_the_lowest_of_the_prices_of_every_hour_before(prices: dict[int, int], reduced_at: int) -> None:
    """Against looking at every hour of the period; changes and the reduction come on the hour."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    changes = [PriceChange(start + dt.timedelta(hours=hour), price) for hour, price in prices.items()]
    found = find_lowest_before(changes, start + dt.timedelta(hours=reduced_at))
    in_force = [
        max((hour for hour in prices if hour <= moment), default=None)
        for moment in range(reduced_at - DAYS * 24, reduced_at)
    ]
    seen = [prices[hour] for hour in in_force if hour is not None]
    assert (found.price_minor if found else None) == min(seen, default=None)
