"""Products kept from sale to sale: no sale is sold at a price that is not the catalogue's."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kiosk.catalogue import product_shelf
from kiosk.catalogue.line_items import NotForSale, UnknownProduct
from kiosk.catalogue.product_shelf import ProductShelf
from kiosk.offers.offer_store import read_books
from kiosk.sales.sale_service import complete_sale
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact
from tests.kiosk.selling import Till, assert_holds, open_till, product, sale_of
from tests.kiosk.shopkit import add_products, perform

MILK, CHOCOLATE, CHEESE = "100", "101", "104"
CHOCOLATE_BARS = ("9520000000028", "9520000000035")


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path) as opened:
        yield opened
        assert_holds(opened.connection)


class Watched:
    """A transaction that counts the statements that read products."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.looks = 0

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401
        self.looks += "product.sku" in sql
        return self._tx.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> Any:  # noqa: ANN401
        return self._tx.executemany(sql, parameters)


def looks_of(till: Till, *lines: str) -> int:
    """How often a sale of these lines looks products up."""
    watched = Watched(till.connection)
    perform(till.connection, lambda *_: complete_sale(watched, till.shop, till.who, paid(*lines)), till.shop, till.who)
    return watched.looks


def paid(*lines: str) -> Any:  # noqa: ANN401
    return sale_of(*lines, tenders=(("cash", 100_000),))


def change(till: Till, *products: ProductFact) -> None:
    perform(till.connection, lambda tx, shop, _: add_products(tx, shop, *products), till.shop, till.who)


def test_what_was_sold_before_is_not_looked_up_again(till: Till) -> None:
    assert looks_of(till, MILK, CHOCOLATE) == 1
    assert looks_of(till, CHOCOLATE, MILK, MILK) == 0
    assert looks_of(till, MILK, "102") == 1
    change(till, product("999", 100))
    assert looks_of(till, MILK) == 1
    assert looks_of(till, MILK) == 0


def test_a_change_counts_from_the_next_sale_on(till: Till) -> None:
    assert till.sell(MILK).totals.due_minor == 129
    change(till, product(MILK, 111, tax_class="food"))
    assert till.sell(MILK).totals.due_minor == 111
    change(till, product(MILK, 111, tax_class="food", active=False))
    with pytest.raises(NotForSale):
        till.sell(MILK)


def test_a_price_that_was_rolled_back_is_never_sold_at(till: Till) -> None:
    """A group of writes may be undone and run again: then the same version stands for other prices."""

    def due_at(price_minor: int, *, undo: bool) -> int:
        till.connection.execute("BEGIN IMMEDIATE")
        add_products(till.connection, till.shop, product(MILK, price_minor))
        sold = complete_sale(till.connection, till.shop, till.who, paid(MILK)).answer
        till.connection.execute("ROLLBACK" if undo else "COMMIT")
        return sold.totals.due_minor

    version = read_books(till.connection).price_book
    assert due_at(500, undo=True) == 500
    assert due_at(600, undo=True) == 600
    assert till.sell(MILK).totals.due_minor == 129
    assert due_at(700, undo=False) == 700
    assert till.sell(MILK).totals.due_minor == 700
    assert read_books(till.connection).price_book == version + 1


def test_an_older_snapshot_sees_its_own_prices(till: Till) -> None:
    tx, shelf = till.connection, till.shop.products
    before = read_books(tx).products
    assert shelf.read_products(tx, before, [MILK])[MILK].price_minor == 129
    change(till, product(MILK, 111))
    after = read_books(tx).products
    assert after != before
    assert shelf.read_products(tx, after, [MILK])[MILK].price_minor == 111


def test_barcodes_are_kept_as_well_and_each_finds_its_product(till: Till) -> None:
    for _ in range(2):
        for gtin in CHOCOLATE_BARS:
            found = till.shop.products.find_by_gtins(
                till.connection, read_books(till.connection).products, [f"0{gtin}", "00000000000000"]
            )
            assert {code: each.sku for code, each in found.items()} == {f"0{gtin}": CHOCOLATE}


def test_what_nobody_sells_is_not_kept(till: Till) -> None:
    for _ in range(2):
        with pytest.raises(UnknownProduct):
            till.sell("404")
    change(till, product("404", 100))
    assert till.sell("404").totals.due_minor == 100


def test_a_shop_without_a_price_book_keeps_nothing(till: Till) -> None:
    shelf = ProductShelf()
    assert shelf.read_products(till.connection, None, [MILK])[MILK].price_minor == 129
    till.connection.execute("UPDATE product SET price_minor = 130 WHERE sku = ?", (MILK,))
    assert shelf.read_products(till.connection, None, [MILK])[MILK].price_minor == 130
    till.connection.execute("UPDATE product SET price_minor = 129 WHERE sku = ?", (MILK,))


def test_never_more_than_a_bound_is_kept(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_shelf, "PRODUCTS_KEPT", 2)
    assert looks_of(till, MILK, CHOCOLATE) == 1
    assert looks_of(till, "102") == 1
    assert looks_of(till, "102") == 0, "the newest are kept"
    assert looks_of(till, MILK) == 1
    assert looks_of(till, "102", CHOCOLATE) == 1
    assert till.sell(MILK, CHOCOLATE, "102", "103").totals.due_minor == 129 + 259 + 350 + 75
