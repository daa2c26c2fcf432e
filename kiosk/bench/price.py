"""edge: `counterfoil bench price`: what a price costs where many offers run, and a long account folded anew.

Baskets of 100 lines against 200 offers of every kind, then against 200 offers that all compete for the same goods:
there the search must stop at its bound and say the same each time. Then one account of 10,000 postings is folded from
the first on. All of it is pure and waits for nothing, so processor time is measured, whatever else the machine does.
The raw limit of a price is the same basket without any offer.
"""

import time
from collections.abc import Sequence

from msgspec import Struct

from kiosk.bench.machine import read_commit, read_machine
from kiosk.bench.offers import make_basket, make_context, make_hostile_offers, make_offers, make_postings
from kiosk.bench.statistics import Report, milliseconds, percentile, report
from loyalty.basket import BasketLine, PricedBasket, price
from loyalty.errors import Problem
from loyalty.offers.book import OfferBook
from loyalty.offers.context import OfferContext
from loyalty.points.fold import fold
from loyalty.rounding import Rounding
from loyalty.tax import TaxMode, TaxRounding, TaxRules
from sync.db import SQLITE_VERSION

_REPEATS = 3
_RULES = TaxRules(TaxMode.INCLUDED, TaxRounding.RATE, Rounding.HALF_UP)


class PriceUnsteady(Problem):
    """The same basket got two prices."""

    code, status, hint = "price_unsteady", 500, "Report it with the commit: prices must not depend on chance."


class Extent(Struct, frozen=True, kw_only=True):
    """How much a run does: `priced` baskets of `lines` lines, and of them `hostile` against offers that all compete."""

    lines: int = 100
    offers: int = 200
    products: int = 1_000
    priced: int = 400
    hostile: int = 40
    warm_up: int = 10
    postings: int = 10_000
    folds: int = 5


class Priced(Struct, frozen=True):
    """What pricing many baskets took: median and 99th percentile in milliseconds, the most search nodes, what was taken
    off."""

    p50_ms: float
    p99_ms: float
    nodes: int
    discount_minor: int


def bench_price(extent: Extent | None = None) -> Report:
    """Run the bench. Raises PriceUnsteady."""
    extent = extent or Extent()
    usual = price_all(extent, extent.priced, OfferBook(make_offers(extent.offers, extent.products)))
    hostile = price_all(extent, extent.hostile, OfferBook(make_hostile_offers(extent.offers, extent.products)))
    figures = {
        "lines": extent.lines,
        "offers": extent.offers,
        "p50_ms": usual.p50_ms,
        "p99_ms": usual.p99_ms,
        "nodes": usual.nodes,
        "hostile_p99_ms": hostile.p99_ms,
        "hostile_nodes": hostile.nodes,
        "postings": extent.postings,
        "refold_ms": time_fold(extent.postings, extent.folds),
    }
    bare = price_all(extent, extent.priced, OfferBook(()))
    raw = {"p50_ms": bare.p50_ms, "p99_ms": bare.p99_ms}
    return report("price", figures, raw, read_machine(SQLITE_VERSION), read_commit())


def price_all(extent: Extent, count: int, book: OfferBook) -> Priced:
    """Price `count` baskets, after some that are not measured. Each is priced several times and the quickest counts:
    what a neighbour on the machine takes away is no price. Raises PriceUnsteady when two of them differ."""
    context = make_context()
    durations_ns, nodes, discount_minor = [], 0, 0
    for n in range(extent.warm_up + count):
        basket = make_basket(n, extent.lines, extent.products)
        timed = [time_price(basket, book, context) for _ in range(_REPEATS)]
        first = timed[0][1]
        if any(priced != first for _, priced in timed):
            raise PriceUnsteady
        if n >= extent.warm_up:
            durations_ns.append(min(duration_ns for duration_ns, _ in timed))
        nodes = max(nodes, first.outcome.nodes if first.outcome else 0)
        discount_minor += first.discount_minor
    ordered = sorted(durations_ns)
    return Priced(milliseconds(percentile(ordered, 50)), milliseconds(percentile(ordered, 99)), nodes, discount_minor)


def time_price(basket: Sequence[BasketLine], book: OfferBook, context: OfferContext) -> tuple[int, PricedBasket]:
    """The processor time of one pricing in nanoseconds, and its result."""
    began_ns = time.thread_time_ns()
    priced = price(basket, _RULES, book, context)
    return time.thread_time_ns() - began_ns, priced


def time_fold(count: int, folds: int) -> float:
    """How long one account of `count` postings takes to fold from the first on: the median, in milliseconds."""
    postings = make_postings(count)
    durations_ns = []
    for _ in range(folds):
        began_ns = time.thread_time_ns()
        fold(postings)
        durations_ns.append(time.thread_time_ns() - began_ns)
    return milliseconds(percentile(sorted(durations_ns), 50))
