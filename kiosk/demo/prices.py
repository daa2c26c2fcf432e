"""pure: one catalogue price per product out of a year of receipts, and where a day's price differed from it.

A catalogue holds one price, the data hold the price of every day. The one that was asked most often becomes the
catalogue's; where a line was sold at another regular price, the till has to override it ("price of the day").

    >>> from kiosk.demo.baskets import BasketLine
    >>> milk = [BasketLine("1041453", 1, 143, 0), BasketLine("1041453", 2, 143, 28), BasketLine("1041453", 1, 158, 0)]
    >>> prices = choose_prices(milk)
    >>> prices, [price_of_the_day(line, prices) for line in milk]
    ({'1041453': 143}, [None, None, 158])
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from kiosk.demo.baskets import Basket, BasketLine, Counts


def choose_prices(lines: Iterable[BasketLine]) -> dict[str, int]:
    """The catalogue price of each product: its most frequent regular unit price, of equally frequent ones the lowest.

    Each line has one vote, however many pieces it sold. A line that was settled as one piece at its value shows no
    unit price: it votes only for a product that has no other line, so that milk does not cost nothing because it was
    most often corrected, while fuel still gets a price. Products come in the order they were first sold.
    """
    votes: dict[str, Counter[int]] = {}
    settled: dict[str, Counter[int]] = {}
    for line in lines:
        votes.setdefault(line.product_id, Counter())
        if line.note is None:
            votes[line.product_id][line.unit_price_minor] += 1
        else:
            settled.setdefault(line.product_id, Counter())[line.unit_price_minor] += 1
    return {product_id: _most_frequent(prices or settled[product_id]) for product_id, prices in votes.items()}


def price_of_the_day(line: BasketLine, prices: Mapping[str, int]) -> int | None:
    """The unit price the till has to type for this line, or None where the catalogue's is right.

    Raises KeyError for a product that `prices` does not have.
    """
    return None if prices[line.product_id] == line.unit_price_minor else line.unit_price_minor


def count_overrides(baskets: Iterable[Basket], prices: Mapping[str, int]) -> int:
    """How many lines are sold at another price than the catalogue's."""
    return sum(price_of_the_day(line, prices) is not None for basket in baskets for line in basket.lines)


def describe(counts: Counts, overrides: int) -> tuple[str, ...]:
    """What was settled, one plain sentence each, with its count. Sums are in the file's minor units."""
    return (
        f"{counts.baskets} baskets with {counts.lines} lines of {counts.products} products: {counts.sales_minor} paid",
        f"{counts.households} households are members",
        f"{counts.anonymous_baskets} baskets name no household",
        f"{counts.zero_quantity_lines} lines with quantity 0 are sold as one piece at the line's value",
        f"{counts.large_quantity_lines} lines with a quantity over 100 are sold as one piece at the line's value",
        f"{counts.uneven_value_lines} lines whose value their quantity does not divide are sold as one piece at it",
        f"{counts.discounted_lines} lines carry the loyalty price as a discount, {counts.discount_minor} in all",
        f"{counts.free_lines} lines cost nothing, and {counts.free_baskets} baskets of 0 need no tender",
        f"{overrides} lines are sold at a price of the day that differs from the catalogue's",
        f"{counts.coupon_lines} lines had a maker's coupon, {counts.coupon_disc_minor} in all: counted",
        f"{counts.coupon_match_lines} lines had the shop's addition to it, {counts.coupon_match_minor} in all: counted",
    )


def _most_frequent(prices: Counter[int]) -> int:
    """The price with most votes, of several the lowest."""
    return min(prices, key=lambda price_minor: (-prices[price_minor], price_minor))
