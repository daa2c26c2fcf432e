"""edge: products, scans, imports and stock counts over HTTP."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kiosk.catalogue.catalogue_service import (
    ProductAnswer,
    ScanAnswer,
    StockCountAnswer,
    count_shelves,
    etag_of,
    find_products,
    import_catalogue,
    list_changed,
    put_product,
    scan,
    show_product,
    tax_classes,
)
from kiosk.catalogue.classify import ScannedCoupon
from kiosk.catalogue.line_items import classify_for
from kiosk.catalogue.product_import import PROBLEMS_MAX, LineProblem, parse_products
from kiosk.catalogue.product_service import PRODUCTS_MAX
from kiosk.commands import PRINTABLE, Amount, Booking, Code, Reason, Scanned
from kiosk.coupons.typed_codes import NO_TOKENS
from kiosk.web.door import MANAGERS, SHOPPERS, STAFF, Door, Session
from kiosk.web.looking_up import look_up
from kiosk.web.table import RouteTable
from kiosk.web.typed_codes import ask_tokens
from loyalty.coupons import find_token
from sync.facts.catalogue import ProductFact
from sync.gtin import normalise_gtin
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer
from sync.product_rules import DEPARTMENT_MAX, GTINS_MAX, ITEM_CODE_MAX, NAME_MAX

routes = RouteTable(tag="catalogue", roles=STAFF)


class ProductsQuery(PageQuery, frozen=True, kw_only=True):
    """What to search for; nothing lists all."""

    query: Annotated[str, Meta(max_length=200)] = ""


class ScanRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A scanned text; `symbology` is the scanner's AIM identifier or a browser's name for it."""

    text: Scanned
    symbology: Annotated[str, Meta(max_length=40)] | None = None


class ProductRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/products/{sku}: the article as it shall be."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX, pattern=PRINTABLE)]
    department: Annotated[str, Meta(min_length=1, max_length=DEPARTMENT_MAX, pattern=PRINTABLE)]
    tax_class: Code
    price_minor: Amount
    unit: Literal["piece", "kg", "g", "l", "m"] = "piece"
    gtins: Annotated[tuple[Code, ...], Meta(max_length=GTINS_MAX)] = ()
    item_code: Annotated[str, Meta(min_length=1, max_length=ITEM_CODE_MAX, pattern=r"^[0-9]+$(?!\n)")] | None = None
    active: bool = True


class CountLine(Struct, frozen=True, forbid_unknown_fields=True):
    """What lies on the shelf of one article."""

    sku: Code
    quantity_milli: Amount


class CountRequest(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/stock-counts."""

    counts: Annotated[tuple[CountLine, ...], Meta(min_length=1, max_length=500)]
    reason: Reason = "count"


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """What an import did. Good lines are in the catalogue; each bad one is listed with its place and what to do."""

    products: int
    price_book: int
    problem_count: int
    problems: tuple[LineProblem, ...]


@routes.get("/v1/products", "Search the catalogue", query=ProductsQuery, response=Page[ProductAnswer], roles=SHOPPERS)
async def search(door: Door, call: Call[Session, None, ProductsQuery]) -> object:
    """GET /v1/products."""
    return await door.read(call, find_products, call.query.query, call.query.after, call.query.limit)


@routes.get("/v1/products/{sku}", "One product", response=ProductAnswer, roles=SHOPPERS, problems=(404,))
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/products/{sku}."""
    product = await door.read(call, show_product, call.text("sku"))
    return Answer(200, product, {"ETag": etag_of(product)})


@routes.put(
    "/v1/products/{sku}",
    "Create or replace a product",
    body=ProductRequest,
    roles=MANAGERS,
    response=ProductAnswer,
    statuses=(200, 201),
    problems=(409, 412, 428),
)
async def put(door: Door, call: Call[Session, ProductRequest, None]) -> object:
    """PUT /v1/products/{sku}."""
    product = _product(call.text("sku"), call.body)
    answer, created = await door.write(call, put_product, door.new_id(), product, call.if_match)
    return Answer(201 if created else 200, answer, {"ETag": etag_of(answer)})


@routes.post(
    "/v1/scans", "What a scanned text is", body=ScanRequest, response=ScanAnswer, roles=SHOPPERS, problems=(429,)
)
async def look(door: Door, call: Call[Session, ScanRequest, None]) -> object:
    """POST /v1/scans. A coupon's code without its signature may have been typed at random."""
    door.slow_down_kiosk(call)
    found = classify_for(door.shop.terms, call.body.text, call.body.symbology)
    tokens = NO_TOKENS
    if isinstance(found, ScannedCoupon) and find_token(found.text) is None:
        door.slow_down_typing(call)
        tokens = await ask_tokens(door, call, [found.text])
    answer = await door.read(call, scan, call.body.text, call.body.symbology, tokens)
    if answer.kind == "unknown" and await look_up(door, code=call.body.text):
        return await door.read(call, scan, call.body.text, call.body.symbology)
    return answer


@routes.post(
    "/v1/stock-counts",
    "Record a stock count",
    body=CountRequest,
    response=StockCountAnswer,
    statuses=(201, 200),
    problems=(409,),
    max_body_bytes=256 * 1024,
)
async def count(door: Door, call: Call[Session, CountRequest, None]) -> object:
    """POST /v1/stock-counts."""
    body = call.body
    pairs = [(line.sku, line.quantity_milli) for line in body.counts]
    return await door.write(call, count_shelves, body.id, body, pairs, body.reason)


@routes.post(
    "/v1/product-imports",
    "Import products from CSV",
    body=bytes,
    roles=MANAGERS,
    accepts=("text/csv", "application/csv", "text/plain", "application/octet-stream"),
    response=ImportAnswer,
    problems=(503,),
    max_body_bytes=32 * 1024 * 1024,
)
async def take_file(door: Door, call: Call[Session, bytes, None]) -> object:
    """POST /v1/product-imports."""
    return await _import(door, call)


def _product(sku: str, wanted: ProductRequest) -> ProductFact:
    """The article as it shall be. Barcodes are kept in 14 digits; one that is none goes on as it is, to be refused."""
    return ProductFact(
        sku=sku,
        name=wanted.name,
        department=wanted.department,
        tax_class=wanted.tax_class,
        price_minor=wanted.price_minor,
        unit=wanted.unit,
        gtins=tuple(sorted({normalise_gtin(gtin) or gtin for gtin in wanted.gtins})),
        item_code=wanted.item_code,
        active=wanted.active,
    )


async def _import(door: Door, call: Call[Session, bytes, None]) -> ImportAnswer:
    """Parse in the helper, find what differs in small reads, then take that in one transaction: a price book is
    complete or invisible, and a file sent again keeps nobody waiting.

    What a manager changes between the reads and the transaction stands as if it had come after the import.
    """
    door.need_writable()
    terms = door.shop.terms
    classes = tax_classes(door.shop)
    result = await door.helper.run(parse_products, call.body, exponent=terms.currency_digits, tax_classes=classes)
    differing: list[int] = []
    for start in range(0, len(result.products), PRODUCTS_MAX):
        part = result.products[start : start + PRODUCTS_MAX]
        differing += [start + index for index in await door.read(call, list_changed, part)]
    wanted = [result.products[index] for index in differing]
    done = await door.write(call, import_catalogue, door.new_id(), wanted)
    problems = list(result.problems)
    for wrong in done.faults[: max(0, PROBLEMS_MAX - len(problems))]:
        fault, line = wrong.fault, result.lines[differing[wrong.index]]
        problems.append(LineProblem(line, fault.field, fault.code, fault.message, fault.hint))
    return ImportAnswer(
        products=len(result.products) - len({wrong.index for wrong in done.faults}),
        price_book=done.price_book,
        problem_count=result.problem_count + len(done.faults),
        problems=tuple(problems),
    )
