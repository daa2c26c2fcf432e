"""sql: the products that sell, kept from sale to sale as long as no product changes.

A supermarket sells some thousand articles over and over, and looking five of them up costs a sale a tenth of its time.
So products are kept under the mark of the price book that was read in the very transaction that sells
(offer_store.Mark). Every change of a product makes a new price book, and one that was rolled back leaves a mark that no
other ever has: its entry's id is drawn anew for each change. So a product of it is never found by what was written
instead.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from kiosk.catalogue.product_store import Product, find_by_gtins, read_products
from kiosk.offers.offer_store import Mark
from loyalty.transactions import Tx

PRODUCTS_KEPT = 10_000
"""Some 700 bytes each. When there are more, all are forgotten: what sells is soon here again."""


class _Kept(NamedTuple):
    """What was read under one mark."""

    mark: Mark | None
    by_sku: dict[str, Product]
    by_gtin: dict[str, Product]


class ProductShelf:
    """The products of the newest price book. Readers and the writer use it at once; each only puts what its mark stands
    for, and what another puts or forgets meanwhile is read again."""

    def __init__(self) -> None:
        self._kept = _Kept(None, {}, {})

    def read_products(self, tx: Tx, mark: Mark | None, skus: Collection[str]) -> Mapping[str, Product]:
        """`product_store.read_products` in `tx`, where `mark` was read."""
        return _find(tx, self._under(mark).by_sku, skus, read_products)

    def find_by_gtins(self, tx: Tx, mark: Mark | None, gtins: Collection[str]) -> Mapping[str, Product]:
        """`product_store.find_by_gtins` in `tx`, where `mark` was read."""
        return _find(tx, self._under(mark).by_gtin, gtins, find_by_gtins)

    def _under(self, mark: Mark | None) -> _Kept:
        kept = self._kept
        if mark is None or kept.mark != mark:
            kept = self._kept = _Kept(mark, {}, {})
        return kept


def _find(
    tx: Tx,
    kept: dict[str, Product],
    wanted: Collection[str],
    read: Callable[[Tx, Collection[str]], Mapping[str, Product]],
) -> dict[str, Product]:
    """The products that exist, by what was asked for. What nobody sells is not kept: there is no end of it."""
    found, missing = dict[str, Product](), list[str]()
    for each in wanted:
        product = kept.get(each)
        if product is None:
            missing.append(each)
        else:
            found[each] = product
    if missing:
        fresh = read(tx, missing)
        if len(kept) + len(fresh) > PRODUCTS_KEPT:
            kept.clear()
        kept.update(fresh)
        found.update(fresh)
    return found
