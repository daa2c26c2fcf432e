"""sql: products and counts as their entries say.

The only writer of `product`, `product_barcode`, `price_history` and `price_book`.

apply never decides: it writes the rows that the entry alone determines, each complete, whatever was there before. So a
replay of the newest entries into an empty database makes rows that equal the store's, row by row. That is also why a
product gets a `price_history` row with every entry that names it, even at an unchanged price: whether it changed would
be a question to the tables.
"""

from kiosk.catalogue.apply_stock import move_stock
from loyalty.identity import fold_name
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact, ProductsChanged, StockCounted
from sync.journal import Entry

_UPSERT_PRODUCT = """
INSERT INTO product
    (sku, op, name, folded, department, tax_class, price_minor, unit, item_code, active, price_book)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sku) DO UPDATE SET
    op = excluded.op, name = excluded.name, folded = excluded.folded, department = excluded.department,
    tax_class = excluded.tax_class, price_minor = excluded.price_minor, unit = excluded.unit,
    item_code = excluded.item_code, active = excluded.active, price_book = excluded.price_book
"""


def apply_products_changed(tx: Tx, entry: Entry) -> None:
    """Products as they are from this entry on: rows, barcodes, price history and the new version of the price book.

    The version comes first and is inserted, not replaced: a second entry for the same price book breaks the transaction
    before it could change a price, unless it is a further part of the same import. Barcodes go for all products before
    they come for any, so that one may move from a product to another within an entry.
    """
    body = entry.body
    assert isinstance(body, ProductsChanged)
    op = entry.op_id.bytes
    if body.part == 1:
        tx.execute(
            "INSERT INTO price_book (version, op, source, active_at) VALUES (?, ?, ?, ?)",
            (body.price_book, op, body.source, entry.at),
        )
    tx.executemany(_UPSERT_PRODUCT, [_product_row(product, op, body.price_book) for product in body.products])
    tx.executemany("DELETE FROM product_barcode WHERE sku = ?", [(product.sku,) for product in body.products])
    tx.executemany(
        "INSERT INTO product_barcode (gtin, sku, op) VALUES (?, ?, ?)",
        [(gtin, product.sku, op) for product in body.products for gtin in product.gtins],
    )
    tx.executemany(
        "INSERT INTO price_history (sku, price_book, op, price_minor, active_at) VALUES (?, ?, ?, ?, ?)",
        [(product.sku, body.price_book, op, product.price_minor, entry.at) for product in body.products],
    )


def apply_stock_counted(tx: Tx, entry: Entry) -> None:
    """A count moves each level by the difference the count found, even by nothing: then the row says who counted."""
    body = entry.body
    assert isinstance(body, StockCounted)
    moves = [(count.sku, count.difference_milli) for count in body.counts]
    move_stock(tx, entry.op_id.bytes, moves, "count")


def _product_row(product: ProductFact, op: bytes, price_book: int) -> tuple[object, ...]:
    return (
        product.sku,
        op,
        product.name,
        fold_name(product.name),
        product.department,
        product.tax_class,
        product.price_minor,
        product.unit,
        product.item_code,
        int(product.active),
        price_book,
    )
