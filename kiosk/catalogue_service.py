"""sql: the catalogue as the door asks for it: answers with stock, changes that know what they replace, scans."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from kiosk.barcodes import LabelPattern
from kiosk.classify import ScannedLabel, ScannedMember, ScannedReceipt, classify
from kiosk.commands import Reason, fingerprint
from kiosk.element_strings import ScannedGtin
from kiosk.line_items import label_quantity
from kiosk.member_views import resolve_member
from kiosk.members import ResolvedMember, ResolveMember
from kiosk.product_service import Taken, change_products, count_stock, take_products
from kiosk.product_store import (
    Product,
    find_by_gtin,
    find_by_item_code,
    read_product,
    read_stock,
    search_products,
)
from kiosk.sale_store import UnknownSale, find_sale
from kiosk.shop import Caller, Shop, day_of, origin_of
from loyalty.errors import NotFound
from loyalty.member_store import UnknownMember
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact, StockCount
from sync.http.etag import require_match, strong_etag
from sync.http.paging import Page
from sync.http.problems import PreconditionFailed
from sync.journal import find


class ProductMissing(NotFound):
    """There is no such article."""

    code, hint = "product_not_found", "Search for it by name."


class ProductAnswer(Struct, frozen=True, kw_only=True):
    """An article as the till shows it. `stock_milli` may be negative: more was sold than was counted."""

    sku: str
    name: str
    department: str
    tax_class: str
    price_minor: int
    currency: str
    unit: str
    gtins: tuple[str, ...]
    item_code: str | None
    active: bool
    price_book: int
    stock_milli: int


class ScanAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scanned text is. The field named like `kind` holds the thing; the others are absent."""

    kind: str
    text: str
    product: ProductAnswer | None = None
    quantity_milli: int | None = None
    price_minor: int | None = None
    gtin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    serial: str | None = None
    member: ResolvedMember | None = None
    receipt: str | None = None
    sale: UUID | None = None


class StockCountAnswer(Struct, frozen=True):
    """A count that was taken."""

    id: UUID
    counts: tuple[StockCount, ...]


def show_product(tx: Tx, shop: Shop, _: Caller, sku: str) -> ProductAnswer:
    """One article. Raises ProductMissing."""
    product = read_product(tx, sku)
    if product is None:
        raise ProductMissing(sku)
    return _answer(tx, shop, product)


def find_products(tx: Tx, shop: Shop, _: Caller, query: str, after: str | None, limit: int) -> Page[ProductAnswer]:
    """Search by name, sku or barcode. Raises InvalidCursor."""
    page = search_products(tx, query, after, limit)
    return Page(tuple(_answer(tx, shop, product) for product in page.items), page.next)


def put_product(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, product: ProductFact, if_match: str | None
) -> tuple[ProductAnswer, bool]:
    """Create or replace an article; True when it is new. Raises PreconditionRequired, PreconditionFailed and what
    `change_products` raises."""
    present = read_product(tx, product.sku)
    if present is not None:
        require_match(if_match, etag_of(_answer(tx, shop, present)))
    elif if_match is not None:
        raise PreconditionFailed
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    change_products(tx, shop.journal, origin, op_id, [product], "manager", tax_classes=tax_classes(shop))
    return show_product(tx, shop, caller, product.sku), present is None


def import_part(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, products: Sequence[ProductFact]) -> Taken:
    """A part of an import: the good products are taken, the others answered with their faults."""
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    return take_products(tx, shop.journal, origin, op_id, products, "import", tax_classes=tax_classes(shop))


def count_shelves(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, request: Struct, counts: Sequence[tuple[str, int]], reason: Reason
) -> tuple[StockCountAnswer, bool]:
    """Record a count of shelves; True when it had been recorded before. Raises WrongCount, IdConflict."""
    known = find(tx, op_id) is not None
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    counted = count_stock(tx, shop.journal, origin, op_id, fingerprint(request), counts, reason)
    return StockCountAnswer(op_id, counted.counts), known


def scan(tx: Tx, shop: Shop, caller: Caller, text: str, symbology: str | None) -> ScanAnswer:
    """What a scanned or typed text is. Never fails for its content: what nobody knows is `unknown`."""
    patterns = tuple(LabelPattern.parse(pattern) for pattern in shop.terms.label_patterns)
    found = classify(text, symbology, patterns, shop.terms.currency_digits)
    unknown = ScanAnswer(kind="unknown", text=text[:200])
    match found:
        case ScannedGtin():
            return _scanned_gtin(tx, shop, found, text) or unknown
        case ScannedLabel():
            return _scanned_label(tx, shop, found, text) or unknown
        case ScannedMember():
            return _scanned_member(tx, shop, caller, found, text) or unknown
        case ScannedReceipt():
            return _scanned_receipt(tx, found.number)
        case _:
            product = read_product(tx, found.text.strip()[:64])
            return _product_scan(tx, shop, product, text) if product else unknown


def tax_classes(shop: Shop) -> frozenset[str]:
    """The classes this store has rates for."""
    return frozenset(rate.tax_class for rate in shop.terms.rates)


def etag_of(product: ProductAnswer) -> str:
    """The version of an article; its stock, which moves with every sale, is no part of it."""
    return strong_etag(
        product.sku, product.price_book, product.name, product.price_minor, ",".join(product.gtins), int(product.active)
    )


def _scanned_gtin(tx: Tx, shop: Shop, found: ScannedGtin, text: str) -> ScanAnswer | None:
    product = find_by_gtin(tx, found.gtin)
    if product is None:
        return None
    return ScanAnswer(
        kind="product",
        text=text[:200],
        product=_answer(tx, shop, product),
        quantity_milli=found.quantity_milli or 1000,
        price_minor=product.price_minor,
        gtin=found.gtin,
        batch=found.batch,
        expiry=found.expiry,
        serial=found.serial,
    )


def _scanned_label(tx: Tx, shop: Shop, found: ScannedLabel, text: str) -> ScanAnswer | None:
    product = find_by_item_code(tx, found.item_code)
    if product is None:
        return None
    quantity = label_quantity(product, found.price_minor, found.quantity_milli)
    return ScanAnswer(
        kind="product",
        text=text[:200],
        product=_answer(tx, shop, product),
        quantity_milli=quantity,
        price_minor=found.price_minor if found.price_minor is not None else product.price_minor,
        gtin=text.strip()[:64],
    )


def _scanned_member(tx: Tx, shop: Shop, caller: Caller, found: ScannedMember, text: str) -> ScanAnswer | None:
    try:
        member = resolve_member(tx, shop, caller, ResolveMember(token=found.card))
    except UnknownMember:
        return None
    return ScanAnswer(kind="member", text=text[:200], member=member)


def _scanned_receipt(tx: Tx, number: str) -> ScanAnswer:
    try:
        sale = find_sale(tx, number)
    except UnknownSale:
        sale = None
    return ScanAnswer(kind="receipt", text=number, receipt=number, sale=sale)


def _product_scan(tx: Tx, shop: Shop, product: Product, text: str) -> ScanAnswer:
    return ScanAnswer(
        kind="product",
        text=text[:200],
        product=_answer(tx, shop, product),
        quantity_milli=1000,
        price_minor=product.price_minor,
    )


def _answer(tx: Tx, shop: Shop, product: Product) -> ProductAnswer:
    return ProductAnswer(
        sku=product.sku,
        name=product.name,
        department=product.department,
        tax_class=product.tax_class,
        price_minor=product.price_minor,
        currency=shop.terms.currency,
        unit=product.unit,
        gtins=product.gtins,
        item_code=product.item_code,
        active=product.active,
        price_book=product.price_book,
        stock_milli=read_stock(tx, product.sku),
    )
