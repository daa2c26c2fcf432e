"""The bench of prices, small: the names of the contract, offers that could be made, answers that stay the same."""

import itertools
from collections.abc import Sequence

import pytest

from kiosk.bench.offers import make_hostile_offers, make_offers, make_postings
from kiosk.bench.price import Extent, PriceUnsteady, bench_price, price_all
from loyalty.basket import BasketLine, PricedBasket, price
from loyalty.offers.book import OfferBook
from loyalty.offers.choice import SEARCH_NODES
from loyalty.offers.context import OfferContext
from loyalty.offers.offer import Offer
from loyalty.offers.validation import validate_offer
from loyalty.points.fold import fold
from loyalty.points.invariants import check
from loyalty.tax import TaxRules

SMALL = Extent(lines=20, offers=40, products=60, priced=20, hostile=5, warm_up=2, postings=200, folds=1)


def test_the_bench_of_prices_measures_what_the_contract_names() -> None:
    report = bench_price(SMALL)
    assert report.figures.keys() >= {"lines", "offers", "p99_ms", "postings", "refold_ms", "hostile_nodes"}
    assert (report.figures["lines"], report.figures["offers"], report.figures["postings"]) == (20, 40, 200)
    assert report.figures["p99_ms"] > report.raw["p99_ms"] > 0


@pytest.mark.parametrize("offers", [make_offers(70, 350), make_hostile_offers(70, 350)], ids=["usual", "hostile"])
def test_the_benchs_offers_are_ones_that_a_manager_could_make(offers: list[Offer]) -> None:
    assert [fault for offer in offers for fault in validate_offer(offer)] == []
    assert len({offer.id for offer in offers}) == 70


@pytest.mark.parametrize("count", [20, 200])
def test_offers_that_all_compete_stay_under_the_bound_and_answer_the_same(count: int) -> None:
    once, again = (price_all(SMALL, 3, OfferBook(make_hostile_offers(count, 60))) for _ in range(2))
    assert (once.nodes, once.discount_minor) == (again.nodes, again.discount_minor)
    assert once.discount_minor > 0
    assert once.nodes <= SEARCH_NODES


def test_a_price_that_depends_on_chance_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    books = itertools.cycle([OfferBook(make_offers(40, 60)), OfferBook(())])

    def by_chance(lines: Sequence[BasketLine], rules: TaxRules, _: OfferBook, context: OfferContext) -> PricedBasket:
        return price(lines, rules, next(books), context)

    monkeypatch.setattr("kiosk.bench.price.price", by_chance)
    with pytest.raises(PriceUnsteady):
        bench_price(SMALL)


def test_the_long_account_keeps_every_invariant() -> None:
    postings = make_postings(300)
    assert check(fold(postings), postings) == []
