"""Products changed and shelves counted: what is written, what is refused, what a replay does, what verify proves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.catalogue.apply_stock import check_stock_levels, move_stock
from kiosk.catalogue.product_service import (
    COUNTS_MAX,
    PRODUCTS_MAX,
    BarcodeInUse,
    ImportTooLarge,
    ItemCodeInUse,
    Taken,
    UnknownTaxClass,
    WrongCount,
    WrongProduct,
    count_stock,
    import_products,
)
from kiosk.catalogue.product_store import find_by_gtin, find_by_item_code, read_price_book, read_product, read_stock
from loyalty.errors import IdConflict, Problem
from sync.db import sqlite3
from sync.facts.catalogue import ProductFact, StockCount, StockCounted
from tests.kiosk.catalogue_fixtures import TAX_CLASSES, Shop, op, origin, product

PEN, BOOK = "04006381333931", "09520000000011"


@pytest.fixture(name="shop")
def open_shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


def take(shop: Shop, *products: ProductFact, number: int = 1) -> Taken:
    return shop.write(
        lambda tx, journal: import_products(
            tx, journal, origin(), op(number), products, "import", tax_classes=TAX_CLASSES
        )
    )


def count(shop: Shop, counts: list[tuple[str, int]], number: int = 1, request: str = "r") -> StockCounted:
    return shop.write(
        lambda tx, journal: count_stock(tx, journal, origin(), op(number), request, counts, "weekly count")
    )


def faults(taken: Taken) -> list[tuple[int, str, str]]:
    return [(found.index, found.fault.field, found.fault.code) for found in taken.faults]


def test_a_change_writes_one_entry_and_one_price_book(shop: Shop) -> None:
    assert shop.change(product("7", gtins=(PEN,)), product("8"), op_id=op(1), now_ms=50) == 1
    assert shop.change(product("7", price_minor=99), op_id=op(2), now_ms=60) == 2
    assert shop.entries() == 2
    assert shop.rows("SELECT * FROM price_book") == [(1, op(1).bytes, "manager", 50), (2, op(2).bytes, "manager", 60)]
    assert shop.rows("SELECT sku, price_book, price_minor, active_at FROM price_history") == [
        ("7", 1, 143, 50),
        ("7", 2, 99, 60),
        ("8", 1, 143, 50),
    ]


def test_a_change_is_complete_so_what_it_leaves_out_is_gone(shop: Shop) -> None:
    shop.change(product("7", gtins=(PEN, BOOK), item_code="12345", unit="kg"))
    shop.change(product("7", gtins=(BOOK,)))
    now = read_product(shop.tx, "7")
    assert now is not None
    assert (now.gtins, now.item_code, now.unit) == ((BOOK,), None, "piece")
    assert find_by_gtin(shop.tx, PEN) is None
    assert find_by_item_code(shop.tx, "12345") is None


def test_the_same_request_again_answers_the_same_and_writes_nothing(shop: Shop) -> None:
    assert shop.change(product("7"), op_id=op(1)) == 1
    assert shop.change(product("7", price_minor=99), op_id=op(2)) == 2
    assert shop.change(product("7"), op_id=op(1)) == 1
    assert shop.entries() == 2
    now = read_product(shop.tx, "7")
    assert now is not None
    assert now.price_minor == 99


def test_the_same_id_with_another_request_is_refused(shop: Shop) -> None:
    shop.change(product("7"), op_id=op(1))
    with pytest.raises(IdConflict):
        shop.change(product("7", price_minor=99), op_id=op(1))
    with pytest.raises(IdConflict):
        count(shop, [("7", 1000)], number=1)
    assert shop.entries() == 1


def test_what_is_already_so_is_not_written_again(shop: Shop) -> None:
    shop.change(product("7", gtins=(PEN, BOOK)), product("8"))
    assert shop.change(product("7", gtins=(BOOK, PEN)), product("8")) == 1
    assert shop.change(product("7", gtins=(BOOK, PEN)), product("8", active=False)) == 2
    assert shop.rows("SELECT sku FROM price_history WHERE price_book = 2") == [("8",)]
    assert shop.change() == 2
    assert shop.entries() == 2


REFUSED: list[tuple[dict[str, Any], type[Problem], str, str]] = [
    ({"tax_class": "luxury"}, UnknownTaxClass, "/products/0/tax_class", "unknown_tax_class"),
    ({"tax_class": ""}, UnknownTaxClass, "/products/0/tax_class", "unknown_tax_class"),
    ({"gtins": (PEN,)}, BarcodeInUse, "/products/0/gtins", "barcode_in_use"),
    ({"item_code": "12345"}, ItemCodeInUse, "/products/0/item_code", "item_code_in_use"),
    ({"gtins": ("4006381333931",)}, WrongProduct, "/products/0/gtins", "wrong_product"),
    ({"gtins": ("04006381333930",)}, WrongProduct, "/products/0/gtins", "wrong_product"),
    ({"gtins": (BOOK, BOOK)}, WrongProduct, "/products/0/gtins", "wrong_product"),
    ({"gtins": (BOOK,) * 51}, WrongProduct, "/products/0/gtins", "wrong_product"),
    ({"item_code": ""}, WrongProduct, "/products/0/item_code", "wrong_product"),
    ({"item_code": "12a"}, WrongProduct, "/products/0/item_code", "wrong_product"),
    ({"item_code": "٣٤"}, WrongProduct, "/products/0/item_code", "wrong_product"),
    ({"unit": "pound"}, WrongProduct, "/products/0/unit", "wrong_product"),
    ({"price_minor": -1}, WrongProduct, "/products/0/price_minor", "wrong_product"),
    ({"price_minor": 10**12 + 1}, WrongProduct, "/products/0/price_minor", "wrong_product"),
    ({"name": ""}, WrongProduct, "/products/0/name", "wrong_product"),
    ({"name": " Pen"}, WrongProduct, "/products/0/name", "wrong_product"),
    ({"name": "x" * 121}, WrongProduct, "/products/0/name", "wrong_product"),
    ({"name": "Pen\nTOTAL 0.00"}, WrongProduct, "/products/0/name", "wrong_product"),
    ({"name": "Pen \u202e00.1"}, WrongProduct, "/products/0/name", "wrong_product"),
    ({"department": ""}, WrongProduct, "/products/0/department", "wrong_product"),
    ({"sku": ""}, WrongProduct, "/products/0/sku", "wrong_product"),
    ({"sku": "7 "}, WrongProduct, "/products/0/sku", "wrong_product"),
    ({"sku": "x" * 65}, WrongProduct, "/products/0/sku", "wrong_product"),
]


@pytest.mark.parametrize(("changes", "problem", "pointer", "code"), REFUSED)
def test_a_wrong_product_is_refused_and_named(
    shop: Shop, changes: dict[str, Any], problem: type[Problem], pointer: str, code: str
) -> None:
    shop.change(product("7", gtins=(PEN,), item_code="12345"))
    with pytest.raises(problem) as raised:
        shop.change(product(**({"sku": "8"} | changes)))
    assert (raised.value.pointer, raised.value.code) == (pointer, code)
    assert raised.value.status == (409 if code.endswith("in_use") else 422)
    assert shop.entries() == 1


def test_one_wrong_product_keeps_out_the_others_of_its_change(shop: Shop) -> None:
    with pytest.raises(WrongProduct) as raised:
        shop.change(product("7"), product("8", unit="pound"))
    assert raised.value.pointer == "/products/1/unit"
    assert read_product(shop.tx, "7") is None
    assert read_price_book(shop.tx) == 0


def test_two_products_of_one_change_cannot_share_a_barcode_or_a_sku(shop: Shop) -> None:
    with pytest.raises(BarcodeInUse):
        shop.change(product("7", gtins=(PEN,)), product("8", gtins=(PEN,)))
    with pytest.raises(WrongProduct):
        shop.change(product("7"), product("7", price_minor=1))


def test_a_barcode_may_move_within_a_change_whatever_the_order(shop: Shop) -> None:
    shop.change(product("7", gtins=(PEN,)), product("8"))
    shop.change(product("8", gtins=(PEN,)), product("7"))
    found = find_by_gtin(shop.tx, PEN)
    assert found is not None
    assert found.sku == "8"
    shop.change(product("7", gtins=(PEN,)), product("8", gtins=(BOOK,)))
    found = find_by_gtin(shop.tx, PEN)
    assert found is not None
    assert found.sku == "7"
    assert shop.verify().ok


def test_a_product_no_longer_sold_keeps_its_barcode(shop: Shop) -> None:
    shop.change(product("7", gtins=(PEN,), active=False))
    with pytest.raises(BarcodeInUse):
        shop.change(product("8", gtins=(PEN,)))


def test_no_more_products_than_fit_an_entry_are_taken(shop: Shop) -> None:
    shop.change(*(product(str(number)) for number in range(PRODUCTS_MAX)))
    with pytest.raises(WrongProduct):
        shop.change(*(product(str(number)) for number in range(PRODUCTS_MAX + 1)))
    assert shop.entries() == 1


def test_a_long_import_is_one_price_book_in_several_entries(shop: Shop) -> None:
    products = [
        product(str(number), unit="pound" if number == PRODUCTS_MAX + 1 else "piece") for number in range(1_200)
    ]
    taken = take(shop, *products)
    assert (taken.price_book, faults(taken)) == (1, [(PRODUCTS_MAX + 1, "unit", "unknown_unit")])
    assert shop.entries() == 3
    assert shop.tx.execute("SELECT version, count(*) FROM price_book").fetchall() == [(1, 1)]
    assert shop.tx.execute("SELECT price_book, count(*) FROM price_history GROUP BY 1").fetchall() == [(1, 1_199)]
    assert shop.tx.execute("SELECT DISTINCT price_book FROM product").fetchall() == [(1,)]
    again = take(shop, *products, number=2)
    assert (again.price_book, shop.entries()) == (1, 3), "what is there already is not written again"


def test_an_import_that_fails_has_taken_nothing(shop: Shop) -> None:
    products = [product(str(number)) for number in range(1_200)]
    with pytest.raises(ImportTooLarge):
        shop.write(
            lambda tx, journal: import_products(
                tx, journal, origin(), op(1), products, "import", tax_classes=TAX_CLASSES, changes_max=1_199
            )
        )
    assert (shop.entries(), read_price_book(shop.tx)) == (0, 0)
    assert read_product(shop.tx, "0") is None
    taken = shop.write(
        lambda tx, journal: import_products(
            tx, journal, origin(), op(1), products, "import", tax_classes=TAX_CLASSES, changes_max=1_200
        )
    )
    assert taken == Taken(1, ())


def test_an_import_takes_the_good_and_names_the_others(shop: Shop) -> None:
    shop.change(product("1", gtins=(PEN,)))
    taken = take(shop, product("2", gtins=(PEN,)), product("3"), product("4", unit="pound", tax_class="luxury"))
    assert taken.price_book == 2
    assert faults(taken) == [
        (0, "gtins", "barcode_in_use"),
        (2, "tax_class", "unknown_tax_class"),
        (2, "unit", "unknown_unit"),
    ]
    assert shop.rows("SELECT sku FROM product ORDER BY sku") == [("1",), ("3",)]


def test_a_barcode_is_not_given_away_by_a_product_that_could_not_be_taken(shop: Shop) -> None:
    shop.change(product("7", gtins=(PEN,)), product("6", gtins=(BOOK,)))
    taken = take(shop, product("9", gtins=(BOOK,)), product("6", gtins=(PEN,)), product("7", unit="pound"))
    assert faults(taken) == [
        (0, "gtins", "barcode_in_use"),
        (1, "gtins", "barcode_in_use"),
        (2, "unit", "unknown_unit"),
    ]
    assert shop.rows("SELECT gtin, sku FROM product_barcode ORDER BY gtin") == [(PEN, "7"), (BOOK, "6")]


def test_an_import_sent_again_answers_the_same_and_writes_nothing(shop: Shop) -> None:
    first = take(shop, product("7"), product("8", unit="pound"))
    assert take(shop, product("7"), product("8", unit="pound"), number=2) == first
    assert shop.entries() == 1


def test_a_count_moves_the_level_by_what_was_missing(shop: Shop) -> None:
    shop.change(product("7"), product("8"))
    assert count(shop, [("7", 5000), ("8", 0)]).counts == (StockCount("7", 5000, 0, 5000), StockCount("8", 0, 0, 0))
    shop.write(lambda tx, _: move_stock(tx, op(5).bytes, [("7", -2000), ("8", -250)], "sale"))
    assert (read_stock(shop.tx, "7"), read_stock(shop.tx, "8")) == (3000, -250)
    assert count(shop, [("7", 2000), ("8", 0)], number=2).counts == (
        StockCount("7", 2000, 3000, -1000),
        StockCount("8", 0, -250, 250),
    )
    assert (read_stock(shop.tx, "7"), read_stock(shop.tx, "8")) == (2000, 0)
    assert list(check_stock_levels(shop.tx)) == []


def test_a_count_sent_again_counts_once(shop: Shop) -> None:
    shop.change(product("7"))
    first = count(shop, [("7", 5000)])
    shop.write(lambda tx, _: move_stock(tx, op(5).bytes, [("7", -2000)], "sale"))
    assert count(shop, [("7", 5000)]) == first
    assert read_stock(shop.tx, "7") == 3000
    with pytest.raises(IdConflict):
        count(shop, [("7", 5000)], request="other")


@pytest.mark.parametrize(
    ("counts", "pointer"),
    [
        ([], "/counts"),
        ([("7", 0)] * (COUNTS_MAX + 1), "/counts"),
        ([("7", 1), ("9", 1)], "/counts/1/sku"),
        ([("7", 1), ("7", 1)], "/counts/1/sku"),
        ([("7", -1)], "/counts/0/quantity_milli"),
        ([("7", 10**12 + 1)], "/counts/0/quantity_milli"),
    ],
)
def test_a_count_that_cannot_be_right_is_refused(shop: Shop, counts: list[tuple[str, int]], pointer: str) -> None:
    shop.change(product("7"))
    with pytest.raises(WrongCount) as raised:
        count(shop, counts)
    assert raised.value.pointer == pointer
    assert shop.rows("SELECT count(*) FROM stock_move") == [(0,)]


def test_goods_cannot_leave_the_shelf_twice_for_one_fact(shop: Shop) -> None:
    shop.write(lambda tx, _: move_stock(tx, op(5).bytes, [("7", -2000), ("7", -1000)], "sale"))
    with pytest.raises(sqlite3.IntegrityError):
        shop.write(lambda tx, _: move_stock(tx, op(5).bytes, [("7", -2000)], "sale"))
    shop.write(lambda tx, _: move_stock(tx, op(5).bytes, [("7", 500)], "return", first=10_000))
    assert read_stock(shop.tx, "7") == -2500


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE stock_level SET quantity_milli = 1 WHERE sku = '7'", "the level of 7 is 1, its moves add up to 5000"),
        ("DELETE FROM stock_level WHERE sku = '8'", "the level of 8 is missing, its moves add up to 0"),
        ("INSERT INTO stock_level VALUES ('9', 0)", "the level of 9 is 0, no move explains it"),
    ],
)
def test_a_wrong_stock_level_is_named(shop: Shop, damage: str, sentence: str) -> None:
    shop.change(product("7"), product("8"))
    count(shop, [("7", 5000), ("8", 0)])
    shop.tx.execute(damage)
    assert list(check_stock_levels(shop.tx)) == [sentence]
    report = shop.verify()
    assert not report.ok
    assert report.tables["stock_level"] is False


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE product SET price_minor = 1 WHERE sku = '7'",
        "UPDATE product SET folded = 'x' WHERE sku = '7'",
        "DELETE FROM product_barcode",
        "INSERT INTO product_barcode SELECT '09520000000011', sku, op FROM product WHERE sku = '7'",
        "UPDATE price_history SET price_minor = 1",
        "DELETE FROM price_book WHERE version = 1",
        "UPDATE stock_move SET quantity_milli = 1",
    ],
)
def test_a_row_that_somebody_touched_is_found(shop: Shop, damage: str) -> None:
    shop.change(product("7", gtins=(PEN,)))
    count(shop, [("7", 5000)])
    assert shop.verify().ok
    shop.tx.execute(damage)
    assert not shop.verify().ok


def test_a_second_entry_for_one_price_book_is_impossible(shop: Shop) -> None:
    shop.change(product("7"))
    with pytest.raises(sqlite3.IntegrityError):
        shop.write(lambda tx, _: tx.execute("INSERT INTO price_book VALUES (1, ?, 'x', 0)", (op(9).bytes,)))


PRODUCTS = st.builds(
    product,
    sku=st.sampled_from(["1", "2", "3"]),
    name=st.sampled_from(["Pen", "Książka", "牛乳"]),
    price_minor=st.integers(0, 3),
    gtins=st.lists(st.sampled_from([PEN, BOOK]), unique=True, max_size=2).map(tuple),
    item_code=st.sampled_from([None, "12345"]),
    active=st.booleans(),
)
STEPS = st.lists(
    st.lists(PRODUCTS, max_size=3) | st.tuples(st.sampled_from(["1", "2", "3"]), st.integers(0, 5)), max_size=8
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 8))
def test_a_replay_rebuilds_what_any_history_left_behind(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], marked: int
) -> None:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    mark = None
    for number, step in enumerate(steps):
        if number == marked and shop.entries():
            mark = shop.verify().mark
        try:
            if isinstance(step, tuple):
                count(shop, [step], number=number)
            else:
                take(shop, *step, number=number)
        except WrongCount:
            assert read_product(shop.tx, step[0]) is None
    report = shop.verify()
    newer = shop.verify(mark) if mark is not None else report
    shop.close()
    assert report.ok, report.first_wrong
    assert newer.ok, newer.first_wrong
