"""Bundles of head office in a store on real SQLite: whole or not at all, from their instant on, whatever order they
come in, and a replay of the journal comes to the same rows."""

import contextlib
import functools
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.bundles import activation
from kiosk.bundles.bundle_store import next_instant, read_active, read_due
from kiosk.bundles.managed import ManagedByHeadOffice
from kiosk.catalogue.catalogue_service import import_catalogue, put_product
from kiosk.catalogue.product_store import find_by_gtin, read_price_book, read_product
from kiosk.offers.offer_service import end_offer, list_offers, put_offer, show_offer
from kiosk.offers.offer_service import etag_of as offer_tag
from kiosk.offers.offer_store import read_offer
from kiosk.program.program_service import RULES, end_definition, put_definition
from kiosk.program.program_store import read_definition
from kiosk.shop import Shop
from loyalty.earning_rules.rule import Once, RuleTerms
from loyalty.offers.offer import Goods, PercentOff
from loyalty.offers.request import OfferRequest
from sync.db import connect
from sync.facts.bundles import BundleChange
from sync.facts.catalogue import ProductFact
from sync.http.etag import strong_etag
from tests.kiosk.bundling import activate, bundle, gone, nothing, offer, product, rule, tell
from tests.kiosk.shopkit import CATALOGUE, NOW_MS, add_products, caller, new_id, open_shop, perform, prove_all
from tests.kiosk.told import into_memory

AT = NOW_MS + 60_000
LATER = AT + 60_000
TEN = OfferRequest(title={"en": "Ours"}, effect=PercentOff(percent="5", goods=Goods(categories=("PRESS",))))


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Any, Shop]:
    return open_shop(tmp_path)


def price(connection: Any, sku: str = "100") -> int:  # noqa: ANN401
    found = read_product(connection, sku)
    assert found is not None
    return found.price_minor


def kinds(connection: Any, kind: str) -> int:  # noqa: ANN401
    return int(connection.execute("SELECT count(*) FROM journal WHERE kind = ?", (kind,)).fetchone()[0])


def outcomes(connection: Any) -> list[tuple[int, str, str]]:  # noqa: ANN401
    rows = connection.execute("SELECT version, outcome, code FROM bundle_outcome ORDER BY version, outcome")
    return list(rows.fetchall())


def test_everything_of_a_bundle_begins_at_its_instant_and_nothing_before(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    book = read_price_book(connection)
    tell(connection, *bundle(1, AT, product("100", 149), product("900", 500), offer("D", "10"), rule("gift", 5)))
    activate(connection, shop, AT - 1)
    assert (price(connection), read_product(connection, "900"), read_offer(connection, "D")) == (129, None, None)
    assert (next_instant(connection), kinds(connection, "bundle.activated")) == (AT, 0)
    activate(connection, shop, AT)
    found, defined = read_offer(connection, "D"), read_definition(connection, "earning_rule", "gift")
    assert (price(connection), price(connection, "900"), read_price_book(connection)) == (149, 500, book + 1)
    assert found is not None
    assert (found.live, found.live_since) == (True, AT)
    assert defined is not None
    assert defined.live
    active = read_active(connection)
    assert active is not None
    assert (active.version, active.active_at) == (1, AT)
    for at_ms in (AT, AT - 3_600_000, LATER):
        activate(connection, shop, at_ms)
    assert (price(connection), kinds(connection, "bundle.activated")) == (149, 1), "once, whatever the clock does"
    assert next_instant(connection) is None
    assert prove_all(connection).ok


def test_no_order_of_pages_shows_half_a_bundle(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    puts = bundle(1, AT, product("100", 149), product("101", 249), offer("D", "10"))
    shuffled = Random(3).sample(puts, len(puts))
    for put in shuffled[:-1]:
        tell(connection, put)
        activate(connection, shop, LATER)
        assert (price(connection), read_offer(connection, "D"), read_due(connection, LATER)) == (129, None, [])
    tell(connection, shuffled[-1], at_ms=LATER)
    tell(connection, *puts, at_ms=LATER + 5)
    activate(connection, shop, LATER)
    assert (price(connection), price(connection, "101")) == (149, 249)
    active = read_active(connection)
    assert active is not None
    assert active.arrived_at == LATER > active.active_at, "it came too late, and says so"


def test_a_part_that_is_not_the_one_the_head_means_keeps_the_bundle_from_beginning(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    puts = bundle(1, AT, product("100", 149))
    other = msgspec.structs.replace(puts[0], value=msgspec.json.encode(product("100", 9)))
    tell(connection, other, puts[1])
    activate(connection, shop, AT)
    assert price(connection) == 129
    tell(connection, puts[0])
    activate(connection, shop, AT)
    assert price(connection) == 149


def test_a_head_without_a_number_keeps_no_other_bundle_from_beginning(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    *parts, head = bundle(1, AT, product("100", 149))
    tell(connection, msgspec.structs.replace(head, key="spring"), *parts, head)
    activate(connection, shop, AT)
    assert price(connection) == 149


def test_a_bundle_that_is_withdrawn_before_its_instant_never_begins(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    puts = bundle(1, AT, product("100", 149))
    tell(connection, *puts)
    tell(connection, *gone(puts))
    assert next_instant(connection) is None
    activate(connection, shop, LATER)
    assert price(connection) == 129


def test_a_newer_bundle_does_not_wait_for_an_older_one_that_then_changes_only_what_is_left_to_it(
    opened: tuple[Any, Shop],
) -> None:
    connection, shop = opened
    older, newer = bundle(1, AT, product("100", 149), product("101", 99)), bundle(2, LATER, product("100", 159))
    tell(connection, *older[:1], *newer)
    activate(connection, shop, LATER)
    assert (price(connection), price(connection, "101")) == (159, 259)
    tell(connection, *older[1:])
    activate(connection, shop, LATER)
    assert (price(connection), price(connection, "101")) == (159, 99)
    active = read_active(connection)
    assert active is not None
    assert active.version == 2, "the one that began last"
    assert prove_all(connection).ok


def test_a_zone_and_a_store_have_the_last_word_until_they_say_nothing_more(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    tell(connection, *bundle(1, AT, product("100", 149)))
    tell(connection, *bundle(2, AT, product("100", 139), bucket="zone:north"))
    tell(connection, *bundle(3, AT + 1, product("100", 199)))
    activate(connection, shop, AT + 1)
    assert price(connection) == 139
    tell(connection, *bundle(4, AT + 2, product("100", 99), bucket="store:1"))
    activate(connection, shop, AT + 2)
    assert price(connection) == 99
    tell(connection, *bundle(7, AT + 2, product("100", 138), bucket="zone:north"))
    activate(connection, shop, AT + 2)
    assert price(connection) == 99, "a store's word stands before that of its zone, whenever it was said"
    silent = nothing("product", "100")
    tell(connection, *bundle(5, AT + 3, silent, bucket="store:1"))
    activate(connection, shop, AT + 3)
    assert price(connection) == 138
    tell(connection, *bundle(6, AT + 4, silent, bucket="zone:north"))
    activate(connection, shop, AT + 4)
    assert price(connection) == 199
    assert prove_all(connection).ok


def test_what_nobody_says_anything_of_any_more_ends(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    tell(connection, *bundle(1, AT, product("900", 5), offer("D", "10"), rule("gift", 5), bucket="zone:a"))
    activate(connection, shop, AT)
    silent = [nothing("product", "900"), nothing("offer", "D"), nothing("earning_rule", "gift")]
    tell(connection, *bundle(2, LATER, *silent, nothing("offer", "never"), bucket="zone:a"))
    activate(connection, shop, LATER)
    found, sold = read_offer(connection, "D"), read_product(connection, "900")
    defined = read_definition(connection, "earning_rule", "gift")
    assert found is not None
    assert sold is not None
    assert defined is not None
    assert (found.live, sold.active, defined.live) == (False, False, False)
    assert prove_all(connection).ok


def test_what_is_as_asked_already_is_not_written_again(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    tell(connection, *bundle(1, AT, product("100", 149), offer("D", "10"), rule("gift", 5)))
    activate(connection, shop, AT)
    counts = [kinds(connection, kind) for kind in ("products.changed", "offer.changed", "definition.changed")]
    tell(connection, *bundle(2, LATER, product("100", 149), offer("D", "10"), rule("gift", 5)))
    activate(connection, shop, LATER)
    assert [kinds(connection, k) for k in ("products.changed", "offer.changed", "definition.changed")] == counts
    assert outcomes(connection) == [(1, "active", ""), (2, "active", "")]
    last = "SELECT content FROM journal WHERE kind = 'bundle.activated' ORDER BY seq DESC LIMIT 1"
    told = msgspec.json.decode(connection.execute(last).fetchone()[0])["body"]
    assert told["price_book"] == read_price_book(connection), "the book that holds it is the one there was"


def test_versions_go_on_from_what_the_store_made_before_head_office_came(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    manager = caller("manager")
    perform(connection, put_offer, shop, manager, new_id(), "D", TEN, None)
    terms = RuleTerms(title={"en": "All"}, trigger="purchase_basket", op="add", gives=Once(points=1))
    perform(connection, put_definition, shop, manager, RULES, new_id(), "gift", terms, None)
    tell(connection, *bundle(1, AT, offer("D", "10"), rule("gift", 5), rule("base", 7)))
    activate(connection, shop, AT)
    found, gift, base = (
        read_offer(connection, "D"),
        read_definition(connection, "earning_rule", "gift"),
        read_definition(connection, "earning_rule", "base"),
    )
    assert found is not None
    assert gift is not None
    assert base is not None
    assert (found.offer.version, found.offer.effect.percent, found.live_since) == (2, "10", NOW_MS)  # type: ignore[union-attr]
    assert (gift.version, base.version) == (2, 2), "points were earned by version 1 of the configuration's rule"
    assert prove_all(connection).ok


def test_an_offer_is_live_since_it_began_without_a_break(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    steps = [offer("D", "10"), offer("D", "12"), offer("D", "12", live=False), offer("D", "12")]
    since = []
    for version, change in enumerate(steps, 1):
        tell(connection, *bundle(version, AT + version, change))
        activate(connection, shop, AT + version)
        found = read_offer(connection, "D")
        assert found is not None
        since.append((found.live, found.live_since - AT, found.offer.version))
    assert since == [(True, 1, 1), (True, 1, 2), (False, 1, 3), (True, 4, 4)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (product("900", 5, tax_class="luxury"), "unknown_tax_class"),
        (msgspec.structs.replace(offer("D", "10"), definition=msgspec.Raw(b'{"format":9}')), "not_understood"),
        (msgspec.structs.replace(rule("x", 1), definition=msgspec.Raw(b'{"id":"x"}')), "not_understood"),
        (msgspec.structs.replace(offer("D", "10"), sort="lottery"), "not_understood"),
    ],
    ids=["tax class", "offer", "rule", "sort"],
)
def test_a_bundle_that_cannot_be_used_here_is_refused_whole_and_once(
    opened: tuple[Any, Shop],
    change: BundleChange,
    code: str,
) -> None:
    connection, shop = opened
    tell(connection, *bundle(1, AT, product("100", 149), change))
    for _ in range(3):
        activate(connection, shop, AT)
    assert (price(connection), read_offer(connection, "D")) == (129, None)
    assert outcomes(connection) == [(1, "refused", code)]
    tell(connection, *bundle(2, LATER, product("100", 159)))
    activate(connection, shop, LATER)
    assert price(connection) == 159, "the next bundle does not wait for it"
    assert prove_all(connection).ok


def test_more_offers_than_a_till_can_weigh_up_are_refused(
    opened: tuple[Any, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, shop = opened
    monkeypatch.setattr("kiosk.bundles.bundle_plan.LIVE_MAX", 2)
    tell(connection, *bundle(1, AT, offer("A", "1"), offer("B", "2")))
    tell(connection, *bundle(2, LATER, offer("C", "3")))
    activate(connection, shop, LATER)
    assert outcomes(connection) == [(1, "active", ""), (2, "refused", "too_many_offers")]
    tell(connection, *bundle(3, LATER, offer("A", "1", live=False), offer("D", "4")))
    activate(connection, shop, LATER)
    assert outcomes(connection)[-1] == (3, "active", "")


def test_a_barcode_that_head_office_gives_away_leaves_the_stores_own_product(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    milk = CATALOGUE[0].gtins[0]
    tell(connection, *bundle(1, AT, product("900", 5, gtins=(milk,), item_code="12345")))
    activate(connection, shop, AT)
    named, cheese = find_by_gtin(connection, milk), read_product(connection, "104")
    assert named is not None
    assert named.sku == "900"
    assert cheese is not None
    assert cheese.item_code is None
    assert (price(connection, "100"), price(connection, "104")) == (129, 1990)
    assert prove_all(connection).ok


def test_departments_of_the_store_stay_the_stores(tmp_path: Path) -> None:
    connection, shop = open_shop(tmp_path, store={"own_departments": ["DAIRY", "BAKERY"]})
    bread, moved = product("900", 5, department="BAKERY"), product("104", 5, department="SWEETS")
    changes = [product("100", 1), product("101", 199), bread, moved]
    tell(connection, *bundle(1, AT, *changes))
    activate(connection, shop, AT)
    assert (price(connection, "100"), price(connection, "101"), read_product(connection, "900")) == (129, 199, None)
    assert price(connection, "104") == 1990
    kept = msgspec.json.decode(
        connection.execute("SELECT content FROM journal WHERE kind = 'bundle.activated'").fetchone()[0]
    )
    assert kept["body"]["kept"] == 3
    manager, milk = caller("manager"), CATALOGUE[0]
    cheaper = msgspec.structs.replace(milk, price_minor=99)
    tag = strong_etag(read_product(connection, "100").revision)  # type: ignore[union-attr]
    perform(connection, put_product, shop, manager, new_id(), cheaper, tag)
    perform(connection, import_catalogue, shop, manager, new_id(), [milk])
    for moved in (CATALOGUE[1], msgspec.structs.replace(milk, department="SWEETS")):
        found = read_product(connection, moved.sku)
        assert found is not None
        with pytest.raises(ManagedByHeadOffice):
            perform(connection, put_product, shop, manager, new_id(), moved, strong_etag(found.revision))
        with pytest.raises(ManagedByHeadOffice):
            perform(connection, import_catalogue, shop, manager, new_id(), [moved])


def test_head_office_looks_after_what_it_has_told_and_nothing_else(opened: tuple[Any, Shop]) -> None:
    connection, shop = opened
    manager = caller("manager")
    perform(connection, put_offer, shop, manager, new_id(), "OURS", TEN, None)
    tell(connection, *bundle(1, AT, offer("D", "10")))
    perform(connection, put_offer, shop, manager, new_id(), "OURS2", TEN, None)
    activate(connection, shop, AT)
    with pytest.raises(ManagedByHeadOffice):
        perform(connection, put_offer, shop, manager, new_id(), "NEW", TEN, None)
    theirs, ours = (perform(connection, show_offer, shop, manager, name) for name in ("D", "OURS"))
    with pytest.raises(ManagedByHeadOffice):
        perform(connection, end_offer, shop, manager, new_id(), "D", offer_tag(theirs))
    perform(connection, end_offer, shop, manager, new_id(), "OURS", offer_tag(ours))
    terms = RuleTerms(title={"en": "All"}, trigger="purchase_basket", op="add", gives=Once(points=1))
    perform(connection, put_definition, shop, manager, RULES, new_id(), "own", terms, None)
    add_products(
        connection, shop, ProductFact(sku="901", name="Own", department="OTHER", tax_class="food", price_minor=5)
    )
    tell(connection, *bundle(2, AT, rule("gift", 5)))
    activate(connection, shop, AT)
    with pytest.raises(ManagedByHeadOffice):
        perform(connection, put_definition, shop, manager, RULES, new_id(), "own2", terms, None)
    gift = read_definition(connection, "earning_rule", "gift")
    own = read_definition(connection, "earning_rule", "own")
    assert gift is not None
    assert own is not None
    with pytest.raises(ManagedByHeadOffice):
        perform(connection, end_definition, shop, manager, RULES, new_id(), "gift", strong_etag(gift.revision))
    perform(connection, end_definition, shop, manager, RULES, new_id(), "own", strong_etag(own.revision))
    assert len(perform(connection, list_offers, shop, manager, "live", None, 10).items) == 2


def test_many_changes_are_one_price_book_in_parts_and_several_bundles_take_turns(
    opened: tuple[Any, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, shop = opened
    book = read_price_book(connection)
    monkeypatch.setattr(activation, "PRODUCTS_MAX", 2)
    monkeypatch.setattr(activation, "AT_ONCE_MAX", 5)
    tell(connection, *bundle(1, AT, *(product(f"9{n}", n + 1) for n in range(5))))
    tell(connection, *bundle(2, AT, product("90", 77)))
    assert activate(connection, shop, LATER) is False
    assert (read_price_book(connection), price(connection, "90")) == (book + 1, 1)
    assert activate(connection, shop, LATER) is True
    assert (read_price_book(connection), price(connection, "90")) == (book + 2, 77)
    parts = connection.execute("SELECT count(*) FROM journal WHERE kind = 'products.changed'").fetchone()[0]
    assert parts == 1 + 3 + 1
    assert prove_all(connection).ok


_Planned = list[tuple[str, int, dict[str, int | None]]]
_LAYERS = ("global", "zone:n", "store:1")
_BUNDLES = st.lists(
    st.tuples(
        st.sampled_from(_LAYERS),
        st.integers(0, 3),
        st.dictionaries(st.sampled_from("ABC"), st.none() | st.integers(1, 9), max_size=3),
    ),
    max_size=5,
)


@functools.cache
def template() -> tuple[Any, Shop]:
    """A shop in memory that is copied and never changed."""
    with tempfile.TemporaryDirectory() as folder:
        connection, shop = open_shop(Path(folder))
        return into_memory(connection), shop


@settings(max_examples=60)
@given(_BUNDLES, st.randoms(use_true_random=False))
def test_the_order_in_which_bundles_come_makes_no_difference_in_the_end(planned: _Planned, chance: Random) -> None:
    told = [
        bundle(
            version,
            AT + after,
            *(product(sku, cost) if cost is not None else nothing("product", sku) for sku, cost in changes.items()),
            bucket=bucket,
        )
        for version, (bucket, after, changes) in enumerate(planned, 1)
    ]
    ends = []
    kept, shop = template()
    for order in (told, chance.sample(told, len(told))):
        with contextlib.closing(connect(":memory:")) as connection:
            kept.backup(connection)
            for step, puts in enumerate(order):
                tell(connection, *puts)
                if step % 2:
                    activate(connection, shop, AT + chance.randrange(4))
            activate(connection, shop, AT + 3)
            rows = connection.execute("SELECT sku, price_minor FROM product WHERE active = 1 ORDER BY sku").fetchall()
            ends.append(dict(rows))
    assert ends[1] == ends[0] == expected_prices(planned)


def expected_prices(planned: _Planned) -> dict[str, int]:
    """Of each thing the narrowest layer's newest word that says something, spelled out."""
    prices = {each.sku: each.price_minor for each in CATALOGUE}
    for sku in "ABC":
        for layer in _LAYERS:
            words = [
                (after, version, changes[sku])
                for version, (bucket, after, changes) in enumerate(planned, 1)
                if bucket == layer and sku in changes
            ]
            newest = max(words, default=(0, 0, None), key=lambda word: word[:2])[2]
            if newest is not None:
                prices[sku] = newest
    return prices
