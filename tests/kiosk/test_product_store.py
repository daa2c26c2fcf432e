"""Products read back: one by one, together, by barcode, and as a person looks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.catalogue.product_store import (
    Product,
    find_by_gtin,
    find_by_gtins,
    find_by_item_code,
    read_price_book,
    read_product,
    read_products,
    read_stock,
    read_stocks,
    search_products,
)
from loyalty.identity import fold_name
from sync.http.paging import InvalidCursor
from tests.kiosk.catalogue_fixtures import Shop, op, product

NAMES = {
    "100": "Milk 3.2 % 1 l",
    "101": "Almond milk",
    "102": "milk chocolate 100 g",
    "200": "Żółty ser",
    "201": "北海道牛乳",
    "202": "Ｃａｆｅ ｌａｔｔｅ",
    "203": "서울우유 1 l",
    "300": "100 % orange juice [fresh*]",
    "301": "What? A ser_vice",
    "AB-1": "Bag",
    "ab-2": "Basket",
}


@pytest.fixture(name="shop")
def open_shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


@pytest.fixture(name="stocked", scope="module")
def open_stocked_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("stocked"))
    barcodes = {"100": ("04006381333931", "00000096385074"), "101": ("00036000291452",)}
    shop.change(*(product(sku, name=name, gtins=barcodes.get(sku, ())) for sku, name in NAMES.items()))
    shop.change(product("900", name="milk of yesteryear", active=False, gtins=("09520000000011",)))
    yield shop
    shop.close()


def skus(shop: Shop, query: str, *, with_inactive: bool = False) -> list[str]:
    page = search_products(shop.tx, query, None, 200, with_inactive=with_inactive)
    assert page.next is None
    return [found.sku for found in page.items]


def test_a_product_is_read_as_it_was_written(shop: Shop) -> None:
    barcodes = ("04006381333931", "00000096385074")
    shop.change(product("7", name="Gouda", unit="kg", price_minor=3290, gtins=barcodes, item_code="12345"), op_id=op(1))
    expected = Product(
        sku="7",
        name="Gouda",
        department="GROCERY",
        tax_class="food",
        price_minor=3290,
        unit="kg",
        gtins=("00000096385074", "04006381333931"),
        item_code="12345",
        active=True,
        price_book=1,
        revision=op(1).hex,
    )
    assert read_product(shop.tx, "7") == expected
    assert read_products(shop.tx, ["7", "8", "7"]) == {"7": expected}
    assert find_by_gtin(shop.tx, "00000096385074") == expected
    assert find_by_gtins(shop.tx, [*barcodes, "09520000000011"]) == dict.fromkeys(barcodes, expected)
    assert find_by_item_code(shop.tx, "12345") == expected


def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    shop.change(product("7"))
    assert read_product(shop.tx, "70") is None
    assert read_product(shop.tx, "") is None
    assert read_products(shop.tx, []) == {}
    assert find_by_gtin(shop.tx, "04006381333931") is None
    assert find_by_gtins(shop.tx, []) == {}
    assert find_by_item_code(shop.tx, "12345") is None
    assert read_stock(shop.tx, "7") == 0
    assert read_stocks(shop.tx, ["7"]) == {"7": 0}


def test_a_sale_reads_its_products_in_one_statement(shop: Shop) -> None:
    shop.change(*(product(str(number)) for number in range(50)))
    statements: list[str] = []
    shop.tx.set_trace_callback(statements.append)
    read_product(shop.tx, "7")
    read_products(shop.tx, [str(number) for number in range(50)])
    find_by_gtin(shop.tx, "04006381333931")
    shop.tx.set_trace_callback(None)
    assert len(statements) == 3


def test_price_books_count_from_nothing(shop: Shop) -> None:
    assert read_price_book(shop.tx) == 0
    shop.change(product("7"))
    shop.change(product("7", price_minor=9))
    assert read_price_book(shop.tx) == 2


def test_the_revision_changes_with_every_change_and_only_then(shop: Shop) -> None:
    shop.change(product("7"), product("8"))
    seven, eight = read_products(shop.tx, ["7", "8"]).values()
    shop.change(product("7", price_minor=9))
    assert read_products(shop.tx, ["7"])["7"].revision != seven.revision
    assert read_products(shop.tx, ["8"])["8"].revision == eight.revision


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("milk", ["100", "101", "102"]),
        ("MILK", ["100", "101", "102"]),
        ("milk choc", ["102"]),
        ("choc milk", ["102"]),
        ("1 l milk", ["100", "102"]),
        ("l ser", ["200"]),
        ("żółty", ["200"]),
        ("ŻÓŁTY", ["200"]),
        ("zolty", ["200"]),
        ("zo\u0301lty ser", ["200"]),
        ("牛乳", ["201"]),
        ("우유", ["203"]),
        ("cafe", ["202"]),
        ("ＣＡＦＥ latte", ["202"]),
        ("%", ["100", "300"]),
        ("[", ["300"]),
        ("*]", ["300"]),
        ("?", ["301"]),
        ("_", ["301"]),
        ("ab-", ["AB-1", "ab-2"]),
        ("AB-1", ["AB-1"]),
        ("ba", ["AB-1", "ab-2"]),
        ("20", ["200", "201", "202", "203"]),
        ("100", ["100", "102", "300"]),
        ("4006381", ["100"]),
        ("4006381333931", ["100"]),
        ("04006381333931", ["100"]),
        ("96385074", ["100"]),
        ("036000", ["101"]),
        ("400", []),
        ("963850749", []),
        ("'", []),
        ("\0", []),
        ("milk\0bread", []),
        ("nothing like it", []),
        ("x" * 5000, []),
        ("milk " * 500, ["100", "101", "102"]),
    ],
)
def test_a_search_finds_what_a_person_means(stocked: Shop, query: str, found: list[str]) -> None:
    assert sorted(skus(stocked, query)) == found


@pytest.mark.parametrize(
    ("query", "order"),
    [("milk", ["100", "102", "101"]), ("100", ["100", "300", "102"]), ("20", ["200", "201", "202", "203"])],
)
def test_the_best_comes_first(stocked: Shop, query: str, order: list[str]) -> None:
    assert skus(stocked, query) == order


def test_a_blank_search_lists_all_by_sku(stocked: Shop) -> None:
    assert skus(stocked, "  ") == sorted(NAMES)
    assert skus(stocked, "", with_inactive=True) == sorted([*NAMES, "900"])


def test_what_is_no_longer_sold_is_found_only_when_asked_for(stocked: Shop) -> None:
    assert "900" not in skus(stocked, "milk")
    assert "900" in skus(stocked, "milk", with_inactive=True)
    assert skus(stocked, "900") == []
    assert skus(stocked, "9520000") == []
    assert skus(stocked, "9520000", with_inactive=True) == ["900"]


WORDS = st.sampled_from(["milk", "m", "l", "1", "10", "20", "a", "ser", "乳", "ab", "4006", "%", "[", "", "Ż"])


@settings(max_examples=200)
@given(st.lists(WORDS, max_size=3).map(" ".join), st.integers(1, 4))
def test_pages_together_hold_each_match_once(stocked: Shop, query: str, limit: int) -> None:
    found: list[str] = []
    after = None
    while True:
        page = search_products(stocked.tx, query, after, limit, with_inactive=True)
        assert len(page.items) <= limit
        found += [item.sku for item in page.items]
        after = page.next
        if after is None:
            break
        assert len(page.items) == limit
    assert found == skus(stocked, query, with_inactive=True)
    assert len(set(found)) == len(found)
    names = NAMES | {"900": "milk of yesteryear"}
    by_name = {sku for sku, name in names.items() if all(word in fold_name(name) for word in fold_name(query).split())}
    assert by_name <= set(found)


def test_a_cursor_of_another_search_is_refused(stocked: Shop) -> None:
    page = search_products(stocked.tx, "milk", None, 1)
    assert page.next is not None
    assert search_products(stocked.tx, " MILK ", page.next, 1).items[0].sku == "102"
    for query, inactive in (("ser", False), ("milk", True)):
        with pytest.raises(InvalidCursor):
            search_products(stocked.tx, query, page.next, 1, with_inactive=inactive)
