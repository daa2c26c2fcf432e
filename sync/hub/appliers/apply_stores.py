"""sql: what is a store's own: its stock, its products, who works there; and what its sales used of each offer.

Sums are added to, so that the order of arrival does not matter. Of what replaces, the newest by head office's order
stays: entries of an earlier life that come in late change nothing.
"""

from collections.abc import Iterator, Sequence

import msgspec

from loyalty.bulk import write_rows
from loyalty.transactions import Row, Tx
from sync.facts.catalogue import ProductsChanged, StockCounted
from sync.facts.returns import ReturnFollowed, ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.store import OperatorChanged
from sync.hub.accepted import Accepted

_STOCK = (
    "INSERT INTO store_stock (store, sku, quantity_milli) VALUES (?, ?, ?) ON CONFLICT (store, sku)"
    " DO UPDATE SET quantity_milli = store_stock.quantity_milli + excluded.quantity_milli"
)
_OFFER = (
    "INSERT INTO offer_count (offer, store, uses, discount_minor) VALUES (?, ?, ?, ?) ON CONFLICT (offer, store)"
    " DO UPDATE SET uses = offer_count.uses + excluded.uses,"
    " discount_minor = offer_count.discount_minor + excluded.discount_minor"
)
_PRODUCT = (
    "INSERT INTO store_product (store, sku, op, name, department, tax_class, price_minor, unit, gtins, active,"
    " price_book, effective_at, origin, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (store, sku) DO UPDATE SET op = excluded.op, name = excluded.name, department = excluded.department,"
    " tax_class = excluded.tax_class, price_minor = excluded.price_minor, unit = excluded.unit, gtins = excluded.gtins,"
    " active = excluded.active, price_book = excluded.price_book, effective_at = excluded.effective_at,"
    " origin = excluded.origin, seq = excluded.seq"
    " WHERE (store_product.effective_at, store_product.origin, store_product.seq)"
    " < (excluded.effective_at, excluded.origin, excluded.seq)"
)
_OPERATOR = (
    "INSERT INTO store_operator (store, operator, op, role, active, effective_at, origin, seq)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store, operator) DO UPDATE SET op = excluded.op,"
    " role = excluded.role, active = excluded.active, effective_at = excluded.effective_at, origin = excluded.origin,"
    " seq = excluded.seq WHERE (store_operator.effective_at, store_operator.origin, store_operator.seq)"
    " < (excluded.effective_at, excluded.origin, excluded.seq)"
)


def apply_stores(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries say about their own stores."""
    stock: dict[tuple[bytes, str], int] = {}
    offers: dict[tuple[str, bytes], tuple[int, int]] = {}
    products: dict[tuple[bytes, str], Row] = {}
    operators: dict[tuple[bytes, str], Row] = {}
    for entry in entries:
        store = entry.store.bytes
        for sku, quantity_milli in list_moves(entry.body):
            stock[store, sku] = stock.get((store, sku), 0) + quantity_milli
        for offer, uses, discount_minor in list_offer_uses(entry.body):
            before = offers.get((offer, store), (0, 0))
            offers[offer, store] = (before[0] + uses, before[1] + discount_minor)
        for row in _product_rows(entry):
            products[row[:2]] = _newer(products.get(row[:2]), row)
        if isinstance(entry.body, OperatorChanged):
            row = _operator_row(entry, entry.body)
            operators[row[:2]] = _newer(operators.get(row[:2]), row)
    write_rows(tx, _STOCK, [(*key, stock[key]) for key in sorted(stock)])
    write_rows(tx, _OFFER, [(*key, *offers[key]) for key in sorted(offers)])
    write_rows(tx, _PRODUCT, [products[key] for key in sorted(products)])
    write_rows(tx, _OPERATOR, [operators[key] for key in sorted(operators)])


def list_moves(body: msgspec.Struct) -> Iterator[tuple[str, int]]:
    """What a fact takes from the shelf (less than nothing) or puts back, in thousandths."""
    if isinstance(body, SaleCompleted):
        yield from ((line.sku, -line.quantity_milli) for line in body.lines)
        for taken in body.returned:
            yield from ((line.sku, line.quantity_milli) for line in taken.lines)
    elif isinstance(body, SaleVoided):
        yield from ((line.sku, line.quantity_milli) for line in body.lines)
    elif isinstance(body, ReturnTaken):
        yield from ((line.sku, line.quantity_milli) for line in body.taken.lines)
    elif isinstance(body, StockCounted):
        yield from ((count.sku, count.difference_milli) for count in body.counts)


def list_offer_uses(body: msgspec.Struct) -> Iterator[tuple[str, int, int]]:
    """Uses of offers and the money they took off; less than nothing for what counts no longer."""
    if isinstance(body, SaleCompleted):
        yield from ((used.offer, used.uses, used.discount_minor) for used in body.offers)
        for taken in body.returned:
            yield from _given_back(taken)
    elif isinstance(body, SaleVoided | ReturnFollowed):
        yield from ((back.offer, -back.uses, -back.discount_minor) for back in body.offers)
    elif isinstance(body, ReturnTaken):
        yield from _given_back(body.taken)


def _given_back(taken: TakenBack) -> Iterator[tuple[str, int, int]]:
    yield from ((back.offer, -back.uses, -back.discount_minor) for back in taken.offers)


def _newer(known: Row | None, row: Row) -> Row:
    """Of two rows the one with the later place, its last three columns."""
    return row if known is None or known[-3:] < row[-3:] else known


def _product_rows(entry: Accepted) -> Iterator[Row]:
    if isinstance(entry.body, ProductsChanged):
        for product in entry.body.products:
            yield (
                *(entry.store.bytes, product.sku, entry.op_id.bytes, product.name, product.department),
                *(product.tax_class, product.price_minor, product.unit, msgspec.json.encode(product.gtins).decode()),
                *(int(product.active), entry.body.price_book, entry.effective_at, entry.epoch, entry.seq),
            )


def _operator_row(entry: Accepted, body: OperatorChanged) -> Row:
    return (
        *(entry.store.bytes, body.operator, entry.op_id.bytes, body.role, int(body.active)),
        *(entry.effective_at, entry.epoch, entry.seq),
    )
