"""edge: sales, quotes, voids, returns, exchanges over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from kiosk.answers import QuoteAnswer, SaleAnswer
from kiosk.commands import CompleteSale, QuoteBasket, QuoteReturn, TakeBack, VoidSale
from kiosk.return_service import ReturnAnswer, ReturnQuoteAnswer, quote_return, take_back
from kiosk.sale_list import SaleSummary, list_sales
from kiosk.sale_service import complete_sale, find_and_show, quote_basket, void_sale
from kiosk.web.door import STAFF, Door, Session
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer, Route, replayed

_SALE_BYTES = 512 * 1024
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class SalesQuery(PageQuery, frozen=True, kw_only=True):
    """Which sales: of a day, of a member, or all, newest last."""

    business_day: Day | None = None
    member: UUID | None = None


def sale_routes(door: Door) -> list[Route]:
    """POST and GET of sales, quotes, voids and returns."""

    async def sell(call: Call[Session, CompleteSale, None]) -> Answer | SaleAnswer:
        outcome = await door.write(call, complete_sale, call.body)
        return replayed(outcome.answer) if outcome.replayed else outcome.answer

    async def quote(call: Call[Session, QuoteBasket, None]) -> QuoteAnswer:
        return await door.read(call, quote_basket, call.body)

    async def void(call: Call[Session, VoidSale, None]) -> Answer | SaleAnswer:
        outcome = await door.write(call, void_sale, call.id(), call.body)
        return replayed(outcome.answer) if outcome.replayed else outcome.answer

    async def show(call: Call[Session, None, None]) -> SaleAnswer:
        return await door.read(call, find_and_show, call.text("id"))

    async def listing(call: Call[Session, None, SalesQuery]) -> Page[SaleSummary]:
        asked = call.query
        return await door.read(call, list_sales, asked.business_day, asked.member, asked.after, asked.limit)

    async def quote_back(call: Call[Session, QuoteReturn, None]) -> ReturnQuoteAnswer:
        return await door.read(call, quote_return, call.body)

    async def back(call: Call[Session, TakeBack, None]) -> Answer | ReturnAnswer:
        outcome = await door.write(call, take_back, call.body)
        return replayed(outcome.answer) if outcome.replayed else outcome.answer

    def route(method: str, path: str, handler: object, summary: str, **more: object) -> Route:
        values = {"roles": STAFF, "tag": "sales", "max_body_bytes": _SALE_BYTES, **more}
        return Route(method=method, path=path, handler=handler, summary=summary, **values)  # type: ignore[arg-type]

    return [
        route(
            "POST",
            "/v1/sales",
            sell,
            "Complete a sale",
            body=CompleteSale,
            response=SaleAnswer,
            statuses=(201, 200),
            problems=(403, 409),
        ),
        route("GET", "/v1/sales", listing, "List sales", query=SalesQuery, response=Page[SaleSummary]),
        route(
            "GET",
            "/v1/sales/{id}",
            show,
            "One sale by id or receipt number",
            response=SaleAnswer,
            texts=frozenset({"id"}),
        ),
        route(
            "POST",
            "/v1/sales/{id}/void",
            void,
            "Void a sale before its shift closes",
            body=VoidSale,
            response=SaleAnswer,
            problems=(403, 409),
        ),
        route("POST", "/v1/quotes", quote, "Price a basket; writes nothing", body=QuoteBasket, response=QuoteAnswer),
        route(
            "POST",
            "/v1/return-quotes",
            quote_back,
            "What a return would give back",
            body=QuoteReturn,
            response=ReturnQuoteAnswer,
            problems=(404, 409),
        ),
        route(
            "POST",
            "/v1/returns",
            back,
            "Take goods back",
            body=TakeBack,
            response=ReturnAnswer,
            statuses=(201, 200),
            problems=(403, 404, 409),
        ),
    ]
