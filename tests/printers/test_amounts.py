"""Money, quantities and rates as the locale writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.amounts import format_amount, format_count, format_money, format_quantity, format_rate

N = "\u00a0"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "digits", "locale", "text"),
    [
        (4999, "PLN", 2, "pl", f"49,99{N}zł"),
        (-123450, "PLN", 2, "pl-PL", f"−1{N}234,50{N}zł"),
        (45640, "KRW", 0, "ko-KR", "₩45,640"),
        (-4794, "JPY", 0, "ja", "−¥4,794"),
        (5, "EUR", 2, "en", "€0.05"),
        (1234, "KWD", 3, "en", "KWD1.234"),
        (1999, "EUR", 2, "de", f"19,99{N}€"),
        (0, "EUR", 2, "en", "€0.00"),
        (100, "EUR", 2, "tlh", "€1.00"),
    ],
)
def test_money_is_written_as_the_locale_does(
    amount_minor: int, currency: str, digits: int, locale: str, text: str
) -> None:
    assert format_money(amount_minor, currency, digits, locale).replace("KWD\u00a0", "KWD") == text


@given(st.integers(-(2**53), 2**53), st.sampled_from([0, 2, 3]), st.sampled_from(["en", "ko", "ja", "pl", "de"]))
def test_no_minor_unit_is_lost(amount_minor: int, digits: int, locale: str) -> None:
    text = format_amount(amount_minor, digits, locale)
    figures = "".join(character for character in text if character.isdigit())
    assert int(figures) == abs(amount_minor)
    assert text.startswith("−") == (amount_minor < 0)


@pytest.mark.parametrize(
    ("quantity_milli", "locale", "text"),
    [(1000, "en", "1"), (755, "pl", "0,755"), (1500, "ko", "1.5"), (-2000, "en", "−2"), (1234567, "en", "1,234.567")],
)
def test_a_quantity_has_no_needless_zeros(quantity_milli: int, locale: str, text: str) -> None:
    assert format_quantity(quantity_milli, locale) == text


@pytest.mark.parametrize(
    ("rate", "locale", "text"), [("23", "pl", "23%"), ("5.5", "pl", "5,5%"), ("0", "en", "0%"), ("zw", "pl", "zw")]
)
def test_a_rate_is_a_percentage_or_the_sign_of_an_exemption(rate: str, locale: str, text: str) -> None:
    assert format_rate(rate, locale) == text


@pytest.mark.parametrize(
    ("count", "signed", "text"), [(1240, False, "1,240"), (101, True, "+101"), (-50, True, "−50"), (0, True, "0")]
)
def test_points_show_their_sign_where_they_are_a_change(count: int, signed: bool, text: str) -> None:
    assert format_count(count, "en", signed=signed) == text
