"""sql: what the scanned lines are: products by sku, by barcode, by the item code of a price label."""

from collections.abc import Sequence
from typing import NamedTuple

from kiosk.catalogue.classify import Scan, ScannedCoupon, ScannedLabel, ScannedReceipt, ScannedText, classify
from kiosk.catalogue.element_strings import ScannedGtin
from kiosk.catalogue.product_store import Product, find_by_gtin, find_by_item_code, read_product
from kiosk.catalogue.quantities import check_pieces
from kiosk.commands import LineRequest
from kiosk.offers.offer_store import Mark
from kiosk.sales.sale import ItemFacts
from kiosk.shop import Shop
from kiosk.terms import Terms
from loyalty.errors import InvalidInput
from loyalty.transactions import Tx
from sync.gtin import normalise_gtin


class UnknownProduct(InvalidInput):
    """This article is not in the catalogue."""

    code, hint = "unknown_product", "Search for it by name, or ask the manager to add it."


class NotForSale(InvalidInput):
    """This article is no longer sold."""

    code, hint = "not_for_sale", "Take it off the basket, or ask the manager."


class NameOneArticle(InvalidInput):
    """A line names an article by sku or by gtin, one of the two."""

    code, hint = "name_one_article", "Send either sku or gtin in each line."


class Named(NamedTuple):
    """What a scanned text names: a product, and what its symbol or label says of this very pack."""

    product: Product | None
    price_minor: int | None = None
    quantity_milli: int | None = None


def find_items(
    tx: Tx, shop: Shop, mark: Mark | None, lines: Sequence[LineRequest], business_day: str
) -> tuple[ItemFacts, ...]:
    """The product facts of each line, in order: without a statement for skus and plain barcodes that were sold before,
    else in two. `mark` is that of the products, read in `tx`.

    Raises UnknownProduct, NotForSale, NameOneArticle, NoTaxRate, WholePiecesOnly with a pointer to the line.
    """
    terms = shop.terms
    by_sku = shop.products.read_products(tx, mark, [line.sku for line in lines if line.sku is not None])
    gtins = {line.gtin: normalise_gtin(line.gtin) for line in lines if line.gtin is not None}
    by_gtin = shop.products.find_by_gtins(tx, mark, [gtin for gtin in gtins.values() if gtin])
    items = []
    for index, line in enumerate(lines):
        pointer = f"/lines/{index}"
        if line.sku is not None and line.gtin is None:
            named = Named(by_sku.get(line.sku))
        elif line.gtin is not None and line.sku is None:
            known = by_gtin.get(gtins[line.gtin] or "")
            named = Named(known) if known else find_scanned(tx, classify_for(terms, line.gtin))
        else:
            raise NameOneArticle(pointer=pointer)
        product = named.product
        if product is None:
            raise UnknownProduct(f"{line.sku or line.gtin}"[:80], pointer=f"{pointer}/{'sku' if line.sku else 'gtin'}")
        if not product.active:
            raise NotForSale(product.name, pointer=pointer)
        item = _item(product, named, line.quantity_milli, terms, business_day)
        check_pieces(item.unit, item.quantity_milli, f"{pointer}/quantity_milli")
        items.append(item)
    return tuple(items)


def classify_for(terms: Terms, text: str, symbology: str | None = None) -> Scan:
    """What a scanned text is in this shop."""
    return classify(text, symbology, terms.label_patterns, terms.currency_digits)


def find_scanned(tx: Tx, scan: Scan) -> Named:
    """The product a scan names. A number that no product carries may still be somebody's sku, typed or printed."""
    match scan:
        case ScannedGtin():
            product = find_by_gtin(tx, scan.gtin) or read_product(tx, scan.gtin.lstrip("0"))
            return Named(product, scan.price_minor, scan.quantity_milli)
        case ScannedLabel():
            return Named(find_by_item_code(tx, scan.item_code), scan.price_minor, scan.quantity_milli)
        case ScannedReceipt():
            return Named(read_product(tx, scan.number))
        case ScannedText() | ScannedCoupon():
            return Named(read_product(tx, scan.text.strip()[:64]))
        case _:
            return Named(None)


def quantity_of(product: Product, named: Named) -> int:
    """The quantity a label stands for: printed on it, or its price divided by the price of a unit, never nothing."""
    if named.quantity_milli is not None:
        return max(named.quantity_milli, 1)
    if named.price_minor is None or product.price_minor == 0 or product.unit == "piece":
        return 1000
    return max((named.price_minor * 1000 + product.price_minor // 2) // product.price_minor, 1)


def _item(product: Product, named: Named, quantity_milli: int, terms: Terms, business_day: str) -> ItemFacts:
    labelled = named.price_minor is not None or named.quantity_milli is not None
    return ItemFacts(
        sku=product.sku,
        name=product.name,
        department=product.department,
        unit=product.unit,
        price_minor=product.price_minor,
        tax_rate=terms.rate_of(product.tax_class, business_day),
        quantity_milli=quantity_of(product, named) if labelled else quantity_milli,
        label_price_minor=named.price_minor,
        offers_allowed=product.department not in terms.excluded_departments,
        points_eligible=product.department not in terms.earning.excluded_departments,
        payable_with_points=product.department not in terms.gift_card_departments,
    )
