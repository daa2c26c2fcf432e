"""pure: money, quantities, rates and points as text, the way the locale writes them.

Built on Babel's tables and `Decimal`, so a minor unit is never a float. The minus is the true minus sign (−): it is
as wide as a digit and no reader takes it for a hyphen; a printer whose code page lacks it prints `-` (see escpos).
Spaces inside a number do not break.

    >>> format_money(-123450, "PLN", 2, "pl")
    '−1\\xa0234,50\\xa0zł'
"""

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal

MINUS = "−"
TIMES = "×"


def locale_of(name: str) -> Locale:
    """Babel's locale for "pl", "ko-KR" or "ko_KR"; a language Babel has no tables for is written the English way."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


def format_amount(amount_minor: int, digits: int, locale: str) -> str:
    """A bare amount with all its decimals: (4999, 2, "pl") -> 49,99."""
    decimals = "." + "0" * digits if digits else ""
    text = format_decimal(Decimal(abs(amount_minor)).scaleb(-digits), f"#,##0{decimals}", locale_of(locale))
    return MINUS + text if amount_minor < 0 else text


def format_money(amount_minor: int, currency: str, digits: int, locale: str) -> str:
    """An amount with its currency sign: (4999, "PLN", 2, "pl") -> 49,99 zł."""
    chosen = locale_of(locale)
    pattern = _with_decimals(chosen.currency_formats["standard"].pattern, digits)
    amount = Decimal(abs(amount_minor)).scaleb(-digits)
    # Japanese tables have the full-width yen sign, which takes two cells and is in no code page.
    text = format_currency(amount, currency, pattern, chosen, currency_digits=False).replace("￥", "¥")
    return MINUS + text if amount_minor < 0 else text


def format_quantity(quantity_milli: int, locale: str) -> str:
    """Thousandths without needless zeros: 2000 -> 2, 755 -> 0,755."""
    text = format_decimal(Decimal(abs(quantity_milli)).scaleb(-3), "#,##0.###", locale_of(locale))
    return MINUS + text if quantity_milli < 0 else text


def format_count(count: int, locale: str, *, signed: bool = False) -> str:
    """A whole number; `signed` also shows the plus of a gain."""
    text = format_decimal(abs(count), "#,##0", locale_of(locale))
    if count < 0:
        return MINUS + text
    return "+" + text if signed and count > 0 else text


def format_rate(rate: str, locale: str) -> str:
    """A percent rate: ("5.5", "pl") -> 5,5%. What is no number (an exemption sign such as "zw") stays as it is."""
    if not rate.replace(".", "", 1).isdecimal():
        return rate
    return format_decimal(Decimal(rate), "#,##0.####", locale_of(locale)) + "%"


def _with_decimals(pattern: str, digits: int) -> str:
    """The locale's currency pattern with exactly our number of decimals; the negative half is ours to write."""
    positive = pattern.partition(";")[0]
    return positive.replace("0.00", "0" + ("." + "0" * digits if digits else ""))
