"""edge: products, scans, imports and stock counts over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.barcodes import normalise_gtin
from kiosk.catalogue_service import (
    ProductAnswer,
    ScanAnswer,
    StockCountAnswer,
    count_shelves,
    etag_of,
    find_products,
    import_part,
    put_product,
    scan,
    show_product,
    tax_classes,
)
from kiosk.commands import Amount, Code, Name, Reason, Scanned
from kiosk.product_import import LineProblem, parse_products
from kiosk.product_service import PRODUCTS_MAX
from kiosk.web.door import MANAGERS, SHOPPERS, STAFF, Door, Session
from loyalty.ids import derived_uuid
from sync.facts.catalogue import ProductFact
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer, Route

_IMPORT_BYTES = 32 * 1024 * 1024


class ProductsQuery(PageQuery, frozen=True, kw_only=True):
    """What to search for; nothing lists all."""

    query: Annotated[str, Meta(max_length=200)] = ""


class ScanRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A scanned text; `symbology` is the scanner's AIM identifier or a browser's name for it."""

    text: Scanned
    symbology: Annotated[str, Meta(max_length=40)] | None = None


class ProductRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/products/{sku}: the article as it shall be."""

    name: Name
    department: Name
    tax_class: Code
    price_minor: Amount
    unit: Literal["piece", "kg", "g", "l", "m"] = "piece"
    gtins: Annotated[tuple[Code, ...], Meta(max_length=50)] = ()
    item_code: Annotated[str, Meta(pattern=r"^\d{1,8}$")] | None = None
    active: bool = True


class CountLine(Struct, frozen=True, forbid_unknown_fields=True):
    """What lies on the shelf of one article."""

    sku: Code
    quantity_milli: Amount


class CountRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/stock-counts."""

    id: UUID
    counts: Annotated[tuple[CountLine, ...], Meta(min_length=1, max_length=500)]
    reason: Reason = "count"


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """What an import did. Good lines are in the catalogue; each bad one is listed with its place and what to do."""

    products: int
    price_book: int
    problem_count: int
    problems: tuple[LineProblem, ...]


def catalogue_routes(door: Door) -> list[Route]:
    """Everything about goods."""

    async def search(call: Call[Session, None, ProductsQuery]) -> Page[ProductAnswer]:
        return await door.read(call, find_products, call.query.query, call.query.after, call.query.limit)

    async def show(call: Call[Session, None, None]) -> Answer:
        product = await door.read(call, show_product, call.text("sku"))
        return Answer(200, product, {"ETag": etag_of(product)})

    async def put(call: Call[Session, ProductRequest, None]) -> Answer:
        product = _product(call.text("sku"), call.body)
        answer, created = await door.write(call, put_product, door.new_id(), product, call.if_match)
        return Answer(201 if created else 200, answer, {"ETag": etag_of(answer)})

    async def look(call: Call[Session, ScanRequest, None]) -> ScanAnswer:
        return await door.read(call, scan, call.body.text, call.body.symbology)

    async def take_file(call: Call[Session, bytes, None]) -> ImportAnswer:
        return await _import(door, call)

    async def count(call: Call[Session, CountRequest, None]) -> StockCountAnswer:
        body = call.body
        pairs = [(line.sku, line.quantity_milli) for line in body.counts]
        return await door.write(call, count_shelves, body.id, body, pairs, body.reason)

    def route(method: str, path: str, handler: object, summary: str, **more: object) -> Route:
        values = {"roles": STAFF, "tag": "catalogue", **more}
        return Route(method=method, path=path, handler=handler, summary=summary, **values)  # type: ignore[arg-type]

    return [
        route(
            "GET",
            "/v1/products",
            search,
            "Search the catalogue",
            query=ProductsQuery,
            response=Page[ProductAnswer],
            roles=SHOPPERS,
        ),
        route(
            "GET", "/v1/products/{sku}", show, "One product", response=ProductAnswer, roles=SHOPPERS, problems=(404,)
        ),
        route(
            "PUT",
            "/v1/products/{sku}",
            put,
            "Create or replace a product",
            body=ProductRequest,
            roles=MANAGERS,
            response=ProductAnswer,
            statuses=(200, 201),
            problems=(409, 412, 428),
        ),
        route(
            "POST", "/v1/scans", look, "What a scanned text is", body=ScanRequest, response=ScanAnswer, roles=SHOPPERS
        ),
        route(
            "POST",
            "/v1/product-imports",
            take_file,
            "Import products from CSV",
            body=bytes,
            roles=MANAGERS,
            accepts=("text/csv", "application/csv", "text/plain", "application/octet-stream"),
            response=ImportAnswer,
            statuses=(200,),
            max_body_bytes=_IMPORT_BYTES,
        ),
        route(
            "POST",
            "/v1/stock-counts",
            count,
            "Record a stock count",
            body=CountRequest,
            response=StockCountAnswer,
            statuses=(201, 200),
            problems=(409,),
            max_body_bytes=256 * 1024,
        ),
    ]


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
    """Parse in the helper, then take part by part, so that sales go on in between."""
    door.need_writable()
    terms = door.shop.terms
    classes = tax_classes(door.shop)
    result = await door.helper.run(parse_products, call.body, exponent=terms.currency_digits, tax_classes=classes)
    origin = door.new_id()
    problems, count = list(result.problems), result.problem_count
    taken = price_book = 0
    for start in range(0, len(result.products), PRODUCTS_MAX):
        part = result.products[start : start + PRODUCTS_MAX]
        done = await door.write(call, import_part, derived_uuid(origin, f"part {start}"), part)
        price_book = done.price_book
        taken += len(part) - len({wrong.index for wrong in done.faults})
        count += len(done.faults)
        for wrong in done.faults[: max(0, 1000 - len(problems))]:
            fault = wrong.fault
            line = result.lines[start + wrong.index]
            problems.append(LineProblem(line, fault.field, fault.code, fault.message, fault.hint))
    return ImportAnswer(products=taken, price_book=price_book, problem_count=count, problems=tuple(problems))
