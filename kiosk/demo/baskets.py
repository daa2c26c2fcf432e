"""pure: real baskets: rows of a retailer's scanner data into baskets that a till can sell, to the cent.

The columns are those of the Complete Journey slice (journey/PROVENANCE.md); any file that has them will do. In it
`sales_minor` is what the retailer received for the line and `retail_disc_minor` what the loyalty price took off, so
their sum is the line at regular price. Three oddities are settled here, each counted and told:

    quantity | regular value | sold as             | oddity
    ---------|---------------|---------------------|---------------
           2 |           286 |     2 pieces at 143 |
           0 |           199 |      1 piece at 199 | zero_quantity    a service or a correction
       9,521 |         2,500 |    1 piece at 2,500 | large_quantity   fuel and scales count in small units
           3 |           200 |      1 piece at 200 | uneven_value     no whole price times 3 makes 200

Coupons are counted only. The maker pays its coupon (`coupon_disc_minor`) back to the shop, so it is still in
`sales_minor`; what the shop added to it (`coupon_match_minor`) is off already, as a lower price of that day.

    >>> rows = [",".join(COLUMNS), "603,343,31198996680,821788,2,238,48,0,0,2017-01-01T18:18:48Z"]
    >>> basket = read_baskets(rows).baskets[0]
    >>> basket.total_minor, basket.lines[0].quantity, basket.lines[0].unit_price_minor, basket.lines[0].discount_minor
    (238, 2, 143, 48)
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from kiosk.demo.rows import Faults, read_rows
from loyalty.money import AMOUNT_LIMIT_MINOR

COLUMNS = (
    *("household_id", "store_id", "basket_id", "product_id", "quantity"),
    *("sales_minor", "retail_disc_minor", "coupon_disc_minor", "coupon_match_minor", "ts"),
)
LARGEST_QUANTITY = 100
LOYALTY_PRICE = "loyalty price"
PRICE_OF_THE_DAY = "price of the day"

_LONGEST_ID = 64
_NUMBERS = COLUMNS[4:9]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Oddity(StrEnum):
    """Why a line is sold as one piece at its value."""

    ZERO_QUANTITY = "zero_quantity"
    LARGE_QUANTITY = "large_quantity"
    UNEVEN_VALUE = "uneven_value"


class BasketLine(msgspec.Struct, frozen=True):
    """One line: `quantity` whole pieces at the regular price, less `discount_minor`, which is never more."""

    product_id: str
    quantity: int
    unit_price_minor: int
    discount_minor: int
    note: Oddity | None = None

    @property
    def net_minor(self) -> int:
        """What the line was sold for."""
        return self.quantity * self.unit_price_minor - self.discount_minor


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """One visit to the till. `household_id` is None for an anonymous one; `total_minor` is the sum of `sales_minor`.

    A total of 0 needs no tender.
    """

    basket_id: str
    household_id: str | None
    store_id: str
    at_ms: int
    lines: tuple[BasketLine, ...]
    total_minor: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds and what was settled while reading it. Sums are in the file's minor units."""

    baskets: int = 0
    lines: int = 0
    products: int = 0
    households: int = 0
    anonymous_baskets: int = 0
    sales_minor: int = 0
    discounted_lines: int = 0
    discount_minor: int = 0
    zero_quantity_lines: int = 0
    large_quantity_lines: int = 0
    uneven_value_lines: int = 0
    free_lines: int = 0
    free_baskets: int = 0
    coupon_lines: int = 0
    coupon_disc_minor: int = 0
    coupon_match_lines: int = 0
    coupon_match_minor: int = 0


class BasketFile(msgspec.Struct, frozen=True):
    """All baskets of a file in the order they first appear, and what was counted on the way."""

    baskets: tuple[Basket, ...]
    counts: Counts


class _OpenBasket(msgspec.Struct):
    """A basket whose rows are still being gathered; `line` is where it began."""

    line: int
    household_id: str
    store_id: str
    at_ms: int
    lines: list[BasketLine]
    total_minor: int = 0


def read_baskets(lines: Iterable[str], name: str = "the file") -> BasketFile:
    """Read the CSV text `lines`, header first, into baskets. `name` is what an error calls the file.

    Rows of one basket need not stand together; its time is its first row's. Raises WrongFile with every line that
    cannot be right: a missing id, a number that is not whole or is below zero, a time without a zone, a basket with
    two households or stores. A negative row is a return, and a return is no sale: it has to be left out by whoever
    knows which receipt it belongs to, as leaving it out here would make a total that was never paid.
    """
    faults = Faults(name)
    reader = _BasketReader(faults)
    for line, fields in read_rows(lines, COLUMNS, faults):
        reader.add(line, fields)
    baskets = reader.finish()
    faults.raise_if_any()
    return BasketFile(baskets, _count(baskets, reader.coupons))


class _BasketReader:
    """Gathers rows by basket."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._open: dict[str, _OpenBasket] = {}
        self._last_time = ("", 0)
        self.coupons: Counter[str] = Counter()

    def add(self, line: int, fields: tuple[str, ...]) -> None:
        """Take one row, or note why not."""
        try:
            _, _, basket_id, product_id = _read_ids(fields)
            quantity, sales_minor, discount_minor, coupon_disc_minor, coupon_match_minor = _read_numbers(fields)
            basket = self._find_basket(line, fields, basket_id)
        except ValueError as error:
            self._faults.add(line, str(error))
            return
        basket.lines.append(settle_line(product_id, quantity, sales_minor, discount_minor))
        basket.total_minor += sales_minor
        if coupon_disc_minor:
            self.coupons["disc_lines"] += 1
            self.coupons["disc"] += coupon_disc_minor
        if coupon_match_minor:
            self.coupons["match_lines"] += 1
            self.coupons["match"] += coupon_match_minor

    def finish(self) -> tuple[Basket, ...]:
        """The baskets, none of them larger than a till can take."""
        for basket_id, basket in self._open.items():
            if sum(line.quantity * line.unit_price_minor for line in basket.lines) > AMOUNT_LIMIT_MINOR:
                self._faults.add(basket.line, f"basket {basket_id} costs more than any till can take")
        return tuple(
            Basket(
                basket_id=basket_id,
                household_id=basket.household_id or None,
                store_id=basket.store_id,
                at_ms=basket.at_ms,
                lines=tuple(basket.lines),
                total_minor=basket.total_minor,
            )
            for basket_id, basket in self._open.items()
        )

    def _find_basket(self, line: int, fields: tuple[str, ...], basket_id: str) -> _OpenBasket:
        """The basket a row belongs to, new or begun. Raises ValueError for a time or a household that cannot be."""
        at_ms = self._read_time(fields[9])
        basket = self._open.setdefault(basket_id, _OpenBasket(line, fields[0], fields[1], at_ms, []))
        if (basket.household_id, basket.store_id) != fields[:2]:
            raise ValueError(f"basket {basket_id} began in line {basket.line} with another household or store")
        return basket

    def _read_time(self, text: str) -> int:
        """Milliseconds since 1970 UTC. All rows of a basket carry one text, so the last one is remembered."""
        if text != self._last_time[0]:
            self._last_time = (text, read_time(text))
        return self._last_time[1]


def settle_line(product_id: str, quantity: int, sales_minor: int, discount_minor: int) -> BasketLine:
    """The line a till can sell so that exactly `sales_minor` is paid; see the table at the head of this module."""
    regular_minor = sales_minor + discount_minor
    if quantity == 0:
        return BasketLine(product_id, 1, regular_minor, discount_minor, Oddity.ZERO_QUANTITY)
    if quantity > LARGEST_QUANTITY:
        return BasketLine(product_id, 1, regular_minor, discount_minor, Oddity.LARGE_QUANTITY)
    unit_price_minor, rest_minor = divmod(regular_minor, quantity)
    if rest_minor:
        return BasketLine(product_id, 1, regular_minor, discount_minor, Oddity.UNEVEN_VALUE)
    return BasketLine(product_id, quantity, unit_price_minor, discount_minor)


def _read_ids(fields: tuple[str, ...]) -> tuple[str, str, str, str]:
    """Household (may be empty), store, basket and product. Raises ValueError."""
    for column, text in zip(COLUMNS[:4], fields[:4], strict=True):
        if not text and column != "household_id":
            raise ValueError(f"{column} is empty")
        if len(text) > _LONGEST_ID or not text.isprintable() or text != text.strip():
            raise ValueError(f"{column} {text[:20]!r} is not an id of 1 to {_LONGEST_ID} characters")
    return fields[0], fields[1], fields[2], fields[3]


def _read_numbers(fields: tuple[str, ...]) -> list[int]:
    """Quantity and the four amounts of a row. Raises ValueError."""
    numbers = [_read_number(column, text) for column, text in zip(_NUMBERS, fields[4:9], strict=True)]
    if numbers[1] + numbers[2] > AMOUNT_LIMIT_MINOR:
        raise ValueError("the line costs more than any till can take")
    return numbers


def _read_number(column: str, text: str) -> int:
    """A whole number from 0 on. Raises ValueError."""
    if text.isascii() and text.isdigit() and len(text) <= 13:
        number = int(text)
        if number <= AMOUNT_LIMIT_MINOR:
            return number
    elif text[:1] == "-" and text[1:].isascii() and text[1:].isdigit() and int(text[1:19]):
        raise ValueError(f"{column} {text[:20]} is below zero; a return is no sale, and discounts are written positive")
    kind = "pieces" if column == "quantity" else "minor units"
    raise ValueError(f"{column} {text[:20]!r} is not a whole number of {kind} up to {AMOUNT_LIMIT_MINOR}")


def read_time(text: str) -> int:
    """Milliseconds since 1970 UTC of an RFC 3339 time. Raises ValueError for anything else, and for times before."""
    try:
        time = datetime.fromisoformat(text)
        at_ms = (time - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"ts {text[:40]!r} is not a time with its zone, such as 2017-01-01T12:26:30Z") from error
    if at_ms < 0:
        raise ValueError(f"ts {text[:40]!r} lies before 1970")
    return at_ms


def _count(baskets: Iterable[Basket], coupons: Mapping[str, int]) -> Counts:
    """All that is told about a file."""
    baskets = tuple(baskets)
    lines = [line for basket in baskets for line in basket.lines]
    odd = Counter(line.note for line in lines)
    return Counts(
        baskets=len(baskets),
        lines=len(lines),
        products=len({line.product_id for line in lines}),
        households=len({basket.household_id for basket in baskets if basket.household_id is not None}),
        anonymous_baskets=sum(basket.household_id is None for basket in baskets),
        sales_minor=sum(basket.total_minor for basket in baskets),
        discounted_lines=sum(line.discount_minor > 0 for line in lines),
        discount_minor=sum(line.discount_minor for line in lines),
        zero_quantity_lines=odd[Oddity.ZERO_QUANTITY],
        large_quantity_lines=odd[Oddity.LARGE_QUANTITY],
        uneven_value_lines=odd[Oddity.UNEVEN_VALUE],
        free_lines=sum(line.net_minor == 0 for line in lines),
        free_baskets=sum(basket.total_minor == 0 for basket in baskets),
        coupon_lines=coupons["disc_lines"],
        coupon_disc_minor=coupons["disc"],
        coupon_match_lines=coupons["match_lines"],
        coupon_match_minor=coupons["match"],
    )
