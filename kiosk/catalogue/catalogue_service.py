"""sql: the catalogue as the door asks for it: answers with stock, changes that know what they replace, scans."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from kiosk.bundles.managed import check_own_products
from kiosk.catalogue.classify import Scan, ScannedCoupon, ScannedMember, ScannedReceipt
from kiosk.catalogue.element_strings import ScannedGtin
from kiosk.catalogue.line_items import classify_for, find_scanned, quantity_of
from kiosk.catalogue.product_service import (
    CHANGES_AT_ONCE_MAX,
    Taken,
    change_products,
    count_stock,
    find_changed,
    import_products,
)
from kiosk.catalogue.product_store import (
    Product,
    read_product,
    read_products,
    read_stock,
    search_products,
)
from kiosk.commands import Reason, fingerprint
from kiosk.coupons.coupon_service import verify_coupon
from kiosk.coupons.coupons import CouponVerdict, VerifyCoupon
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.members.member_views import resolve_member
from kiosk.members.members import ResolvedMember, ResolveMember
from kiosk.outcome import Outcome
from kiosk.sales.sale_store import UnknownSale, find_sale
from kiosk.shop import Caller, Shop, day_of, is_selling, origin_of
from loyalty.errors import NotFound
from loyalty.member_store import UnknownMember
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact, StockCount
from sync.http.etag import require_match, strong_etag
from sync.http.paging import Page
from sync.http.problems import PreconditionFailed
from sync.journal import find

_SHOWN = 200


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
    revision: str
    stock_milli: int


class ScanAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a scanned text is. The field named like `kind` holds the thing; the others are absent. A loyalty card that
    nobody here has is `unknown`, with its number in `card` and why in `reason`: the code of the problem that
    POST /v1/members/resolve would answer."""

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
    coupon: CouponVerdict | None = None
    card: str | None = None
    reason: str | None = None


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
    """Create or replace an article; True when it is new.

    Raises PreconditionRequired, PreconditionFailed, ManagedByHeadOffice and what `change_products` raises.
    """
    present = read_product(tx, product.sku)
    if present is not None:
        require_match(if_match, etag_of(_answer(tx, shop, present)))
    elif if_match is not None:
        raise PreconditionFailed
    departments = [product.department, *([present.department] if present else [])]
    check_own_products(tx, departments, shop.terms.own_departments)
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    change_products(tx, shop.journal, origin, op_id, [product], "manager", tax_classes=tax_classes(shop))
    return show_product(tx, shop, caller, product.sku), present is None


def import_catalogue(tx: Tx, shop: Shop, caller: Caller, op_id: UUID, products: Sequence[ProductFact]) -> Taken:
    """An import, all of it in one transaction: the good products are taken, the others answered with their faults.

    Raises ImportTooLarge while a shift is open on any till; ManagedByHeadOffice unless all of them are, and were, in
    departments that the store looks after itself.
    """
    present = read_products(tx, [product.sku for product in products])
    departments = [product.department for product in products] + [product.department for product in present.values()]
    check_own_products(tx, departments, shop.terms.own_departments)
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    return import_products(
        tx,
        shop.journal,
        origin,
        op_id,
        products,
        "import",
        tax_classes=tax_classes(shop),
        changes_max=CHANGES_AT_ONCE_MAX if is_selling(tx) else None,
    )


def list_changed(tx: Tx, _: Shop, __: Caller, products: Sequence[ProductFact]) -> list[int]:
    """Which of the products differ from the catalogue, by index. Writes nothing."""
    return find_changed(tx, products)


def count_shelves(
    tx: Tx, shop: Shop, caller: Caller, op_id: UUID, request: Struct, counts: Sequence[tuple[str, int]], reason: Reason
) -> Outcome[StockCountAnswer]:
    """Record a count of shelves. Raises WrongCount, IdConflict."""
    known = find(tx, op_id) is not None
    origin = origin_of(caller, day_of(tx, caller, shop.terms))
    counted = count_stock(tx, shop.journal, origin, op_id, fingerprint(request), counts, reason)
    return Outcome(StockCountAnswer(op_id, counted.counts), replayed=known)


def scan(
    tx: Tx, shop: Shop, caller: Caller, text: str, symbology: str | None, tokens: Tokens = NO_TOKENS
) -> ScanAnswer:
    """What a scanned or typed text is; `tokens` is what the code of another store's coupon stands for. Never fails for
    its content: what nobody knows is `unknown`."""
    found = classify_for(shop.terms, text, symbology)
    answer: ScanAnswer | None
    if isinstance(found, ScannedMember):
        answer = _scanned_member(tx, shop, caller, found, text)
    elif isinstance(found, ScannedCoupon):
        answer = _scanned_coupon(tx, shop, caller, found, text, tokens)
    else:
        answer = _scanned_product(tx, shop, found, text)
        if answer is None and isinstance(found, ScannedReceipt):
            answer = _scanned_receipt(tx, found.number)
    return answer or ScanAnswer(kind="unknown", text=text[:_SHOWN])


def tax_classes(shop: Shop) -> frozenset[str]:
    """The classes this store has rates for."""
    return frozenset(rate.tax_class for rate in shop.terms.rates)


def etag_of(product: ProductAnswer) -> str:
    """The version of an article; its stock, which moves with every sale, is no part of it."""
    return strong_etag(product.revision)


def _scanned_product(tx: Tx, shop: Shop, found: Scan, text: str) -> ScanAnswer | None:
    """The article, with what this very pack says of itself. `gtin` is the text to put into the basket's line."""
    named = find_scanned(tx, found)
    if named.product is None:
        return None
    special = named.price_minor is not None or named.quantity_milli is not None
    element = found if isinstance(found, ScannedGtin) else None
    plain = element.gtin if element else None
    return ScanAnswer(
        kind="product",
        text=text[:_SHOWN],
        product=_answer(tx, shop, named.product),
        quantity_milli=quantity_of(named.product, named) if special else 1000,
        price_minor=named.price_minor if named.price_minor is not None else named.product.price_minor,
        gtin=text.strip()[:_SHOWN] if special else plain,
        batch=element.batch if element else None,
        expiry=element.expiry if element else None,
        serial=element.serial if element else None,
    )


def _scanned_member(tx: Tx, shop: Shop, caller: Caller, found: ScannedMember, text: str) -> ScanAnswer:
    try:
        member = resolve_member(tx, shop, caller, ResolveMember(token=found.card))
    except UnknownMember as problem:
        return ScanAnswer(kind="unknown", text=text[:_SHOWN], card=found.card, reason=problem.code)
    return ScanAnswer(kind="member", text=text[:_SHOWN], member=member)


def _scanned_coupon(tx: Tx, shop: Shop, caller: Caller, found: ScannedCoupon, text: str, tokens: Tokens) -> ScanAnswer:
    """A coupon, unless twelve characters that no coupon here has are an article's own number."""
    verdict = verify_coupon(tx, shop, caller, VerifyCoupon(found.text), tokens)
    if verdict.serial is None and (answer := _scanned_product(tx, shop, found, text)) is not None:
        return answer
    return ScanAnswer(kind="coupon", text=text[:_SHOWN], coupon=verdict)


def _scanned_receipt(tx: Tx, number: str) -> ScanAnswer:
    try:
        sale = find_sale(tx, number)
    except UnknownSale:
        sale = None
    return ScanAnswer(kind="receipt", text=number, receipt=number, sale=sale)


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
        revision=product.revision,
        stock_milli=read_stock(tx, product.sku),
    )
