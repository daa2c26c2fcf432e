"""One catalogue price per product, and the lines that were sold at another."""

import pytest

from kiosk.demo.baskets import BasketLine, Oddity
from kiosk.demo.files import bundled_baskets, load_baskets
from kiosk.demo.prices import choose_prices, count_overrides, describe, price_of_the_day


def sold(*unit_prices_minor: int, note: Oddity | None = None) -> list[BasketLine]:
    return [BasketLine("p", 1, unit_price_minor, 0, note) for unit_price_minor in unit_prices_minor]


@pytest.mark.parametrize(
    ("lines", "price_minor"),
    [
        (sold(143), 143),
        (sold(143, 158, 158), 158),
        (sold(158, 143), 143),
        (sold(200, 100, 200, 100, 300), 100),
        ([BasketLine("p", 50, 99, 0), *sold(143, 143)], 143),
        (sold(0, 0, 0, note=Oddity.ZERO_QUANTITY) + sold(264), 264),
        (sold(2500, 3000, 3000, note=Oddity.LARGE_QUANTITY), 3000),
        (sold(0, note=Oddity.ZERO_QUANTITY), 0),
    ],
)
def test_the_most_frequent_unit_price_wins_and_of_equals_the_lowest(lines: list[BasketLine], price_minor: int) -> None:
    assert choose_prices(lines) == {"p": price_minor}


def test_only_a_price_that_differs_is_typed_at_the_till() -> None:
    prices = {"p": 143}
    assert [price_of_the_day(line, prices) for line in sold(143, 158, 0)] == [None, 158, 0]
    with pytest.raises(KeyError):
        price_of_the_day(BasketLine("q", 1, 1, 0), prices)


def test_the_real_file_has_a_price_for_every_product_and_says_what_was_settled() -> None:
    file = load_baskets(bundled_baskets())
    prices = choose_prices(line for basket in file.baskets for line in basket.lines)
    overrides = count_overrides(file.baskets, prices)
    assert (len(prices), overrides) == (21_625, 21_794)
    said = describe(file.counts, overrides)
    for count in ("10160 baskets", "638 lines", "1930 lines", "977 lines", "32 baskets", "21794 lines", "1795 lines"):
        assert sum(count in sentence for sentence in said) == 1, count
