"""edge: sales, quotes, voids, returns, exchanges over HTTP."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from kiosk.answers import QuoteAnswer, SaleAnswer
from kiosk.commands import CompleteSale, QuoteBasket, QuoteReturn, TakeBack, VoidSale, codes_of
from kiosk.sales.exchange_service import NO_FOREIGN
from kiosk.sales.return_service import ReturnAnswer, ReturnQuoteAnswer, quote_return, take_back
from kiosk.sales.returns_elsewhere import show_foreign
from kiosk.sales.sale_list import SaleSummary, list_sales
from kiosk.sales.sale_service import complete_sale, find_and_show, quote_basket, void_sale
from kiosk.web.door import STAFF, Door, Session
from kiosk.web.reserving import (
    find_exchanged,
    find_foreign,
    reserve_exchange,
    reserve_for_return,
    reserve_for_sale,
    reserve_for_void,
    reserve_return,
)
from kiosk.web.table import RouteTable
from kiosk.web.typed_codes import ask_tokens
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery

routes = RouteTable(tag="sales", roles=STAFF, max_body_bytes=512 * 1024)
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10)]


class SalesQuery(PageQuery, frozen=True, kw_only=True):
    """Which sales: of a day, of a member, or all, newest last."""

    business_day: Day | None = None
    member: UUID | None = None


@routes.post(
    "/v1/sales",
    "Complete a sale",
    body=CompleteSale,
    response=SaleAnswer,
    statuses=(201, 200),
    problems=(403, 409),
)
async def sell(door: Door, call: Call[Session, CompleteSale, None]) -> object:
    """POST /v1/sales."""
    door.slow_down_baskets(call, codes_of(call.body))
    tokens = await ask_tokens(door, call, call.body.coupons)
    foreign = await reserve_exchange(door, call, tokens) if call.body.returns else NO_FOREIGN
    kept = await reserve_for_sale(door, call, tokens)
    return await door.write(call, complete_sale, call.body, kept, foreign)


@routes.get("/v1/sales", "List sales", query=SalesQuery, response=Page[SaleSummary])
async def list_all(door: Door, call: Call[Session, None, SalesQuery]) -> object:
    """GET /v1/sales."""
    asked = call.query
    return await door.read(call, list_sales, asked.business_day, asked.member, asked.after, asked.limit)


@routes.get("/v1/sales/{id}", "One sale by id or receipt number", response=SaleAnswer, texts=frozenset({"id"}))
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/sales/{id}."""
    foreign = await find_foreign(door, call, call.text("id"), by_id=False)
    return show_foreign(foreign) if foreign else await door.read(call, find_and_show, call.text("id"))


@routes.post(
    "/v1/sales/{id}/void",
    "Void a sale before its shift closes",
    body=VoidSale,
    response=SaleAnswer,
    problems=(403, 409),
)
async def void(door: Door, call: Call[Session, VoidSale, None]) -> object:
    """POST /v1/sales/{id}/void."""
    kept = await reserve_for_void(door, call, call.id())
    return await door.write(call, void_sale, call.id(), call.body, kept)


@routes.post("/v1/quotes", "Price a basket; writes nothing", body=QuoteBasket, response=QuoteAnswer, problems=(409,))
async def quote(door: Door, call: Call[Session, QuoteBasket, None]) -> object:
    """POST /v1/quotes."""
    door.slow_down_baskets(call, codes_of(call.body))
    foreign = await find_exchanged(door, call, call.body.returns) if call.body.returns else NO_FOREIGN
    tokens = await ask_tokens(door, call, call.body.coupons)
    return await door.read(call, quote_basket, call.body, foreign, tokens)


@routes.post(
    "/v1/return-quotes",
    "What a return would give back; writes nothing",
    body=QuoteReturn,
    response=ReturnQuoteAnswer,
    problems=(409,),
)
async def quote_back(door: Door, call: Call[Session, QuoteReturn, None]) -> object:
    """POST /v1/return-quotes."""
    foreign = await find_foreign(door, call, call.body.sale)
    return await door.read(call, quote_return, call.body, foreign)


@routes.post(
    "/v1/returns",
    "Take goods back",
    body=TakeBack,
    response=ReturnAnswer,
    statuses=(201, 200),
    problems=(403, 409),
)
async def back(door: Door, call: Call[Session, TakeBack, None]) -> object:
    """POST /v1/returns."""
    foreign = await reserve_return(door, call)
    kept = await reserve_for_return(door, call)
    return await door.write(call, take_back, call.body, foreign, kept)
