"""sql: what the scanned lines are: products by sku, by barcode, by the item code of a price label."""

from collections.abc import Sequence

from kiosk.barcodes import Label, LabelPattern, normalise_gtin, read_label
from kiosk.commands import LineRequest
from kiosk.product_store import Product, find_by_gtins, find_by_item_code, read_products
from kiosk.sale import ItemFacts
from kiosk.terms import Terms
from loyalty.errors import InvalidInput
from loyalty.transactions import Tx


class UnknownProduct(InvalidInput):
    """This article is not in the catalogue."""

    code, hint = "unknown_product", "Search for it by name, or ask the manager to add it."


class NotForSale(InvalidInput):
    """This article is no longer sold."""

    code, hint = "not_for_sale", "Take it off the basket, or ask the manager."


class NameOneArticle(InvalidInput):
    """A line names an article by sku or by gtin, one of the two."""

    code, hint = "name_one_article", "Send either sku or gtin in each line."


def find_items(tx: Tx, lines: Sequence[LineRequest], terms: Terms, business_day: str) -> tuple[ItemFacts, ...]:
    """The product facts of each line, in order, in two statements for the whole basket.

    Raises UnknownProduct, NotForSale, NameOneArticle, NoTaxRate with a pointer to the line.
    """
    by_sku = read_products(tx, [line.sku for line in lines if line.sku is not None])
    gtins = {line.gtin: normalise_gtin(line.gtin) for line in lines if line.gtin is not None}
    by_gtin = find_by_gtins(tx, [gtin for gtin in gtins.values() if gtin]) if gtins else {}
    items = []
    for index, line in enumerate(lines):
        pointer = f"/lines/{index}"
        if (line.sku is None) == (line.gtin is None):
            raise NameOneArticle(pointer=pointer)
        label: Label | None = None
        if line.sku is not None:
            product = by_sku.get(line.sku)
        else:
            assert line.gtin is not None
            product = by_gtin.get(gtins[line.gtin] or "")
            if product is None:
                product, label = find_label(tx, line.gtin, terms)
        if product is None:
            raise UnknownProduct(f"{line.sku or line.gtin}"[:80], pointer=f"{pointer}/{'sku' if line.sku else 'gtin'}")
        if not product.active:
            raise NotForSale(product.name, pointer=pointer)
        items.append(_item(product, label, line.quantity_milli, terms.rate_of(product.tax_class, business_day)))
    return tuple(items)


def find_label(tx: Tx, text: str, terms: Terms) -> tuple[Product | None, Label | None]:
    """The product behind a price- or weight-embedded barcode, and what the label says."""
    label = read_label(text, tuple(LabelPattern.parse(pattern) for pattern in terms.label_patterns))
    if label is None:
        return None, None
    return find_by_item_code(tx, label.item_code), label


def label_quantity(product: Product, price_minor: int | None, quantity_milli: int | None) -> int:
    """The weight a label stands for: printed on it, or its price divided by the price of a unit, never nothing."""
    if quantity_milli is not None:
        return max(quantity_milli, 1)
    if price_minor is None or product.price_minor == 0 or product.unit == "piece":
        return 1000
    return max((price_minor * 1000 + product.price_minor // 2) // product.price_minor, 1)


def _item(product: Product, label: Label | None, quantity_milli: int, tax_rate: str) -> ItemFacts:
    return ItemFacts(
        sku=product.sku,
        name=product.name,
        department=product.department,
        unit=product.unit,
        price_minor=product.price_minor,
        tax_rate=tax_rate,
        quantity_milli=label_quantity(product, label.price_minor, label.quantity_milli) if label else quantity_milli,
        label_price_minor=label.price_minor if label else None,
    )
