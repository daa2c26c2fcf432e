"""Pricing keeps up with the scanner. Time is the processor's, compared with what a plain loop takes on this machine."""

import statistics
import time

import pytest

from loyalty.basket import price
from loyalty.offers.book import OfferBook
from loyalty.offers.choice import SEARCH_NODES
from tests.loyalty.offers.busy_shop import BusyShop
from tests.loyalty.offers.carts import RULES, a_context

REFERENCE_S = 0.0096
"""What the loop takes on the machine whose figures are given."""


def plain_loop_s() -> float:
    begin = time.thread_time()
    total = 0
    for number in range(100_000):
        total += number * number
    return time.thread_time() - begin


@pytest.mark.parametrize(
    ("lines", "offers", "dense", "median_ms"),
    [(5, 50, False, 1.5), (100, 200, False, 10.0), (100, 200, True, 15.0)],
    ids=["a small cart", "a large cart", "a large cart where every offer meets every other"],
)
def test_a_cart_is_priced_before_the_next_scan(lines: int, offers: int, dense: bool, median_ms: float) -> None:
    took = []
    loops = []
    for seed in range(5):
        shop = BusyShop(seed, dense=dense)
        book = OfferBook(shop.offers(offers))
        for _ in range(6):
            cart = shop.cart(lines)
            loops.append(plain_loop_s())
            begin = time.thread_time()
            outcome = price(cart, RULES, book, a_context()).outcome
            took.append(time.thread_time() - begin)
            assert outcome is not None
            assert outcome.nodes <= SEARCH_NODES
    slower = max(1.0, statistics.median(loops) / REFERENCE_S)
    assert statistics.median(took) * 1000 <= median_ms * slower
