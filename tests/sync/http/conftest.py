"""A small shop behind a real socket: six routes of its own, an event stream, and whatever a test adds."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated

import aiohttp
import msgspec
import pytest
from aiohttp import web

from loyalty.errors import IdConflict, NotFound
from sync.http.application import build_app, build_runner
from sync.http.auth import hash_token
from sync.http.calls import Call
from sync.http.etag import require_match, strong_etag
from sync.http.events import Bell, Event, serve_events
from sync.http.limits import Limits
from sync.http.metrics import Metrics
from sync.http.openapi import About
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.http.problems import StorageUnavailable
from sync.http.routes import PUBLIC, Answer, Route, replayed

Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
ABOUT = About("Example shop", "1.0.0")
STAFF = frozenset({"cashier", "manager"})
TILL, KIOSK, MANAGER = "till-token", "kiosk-token", "manager-token"


class Visitor(msgspec.Struct, frozen=True):
    role: str
    device: str


class Line(msgspec.Struct, frozen=True):
    sku: Sku
    quantity_milli: int


class SellCommand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: uuid.UUID
    lines: tuple[Line, ...]
    note: Annotated[str, msgspec.Meta(max_length=100)] = ""
    counted: dict[Sku, int] = {}


class Sold(msgspec.Struct, frozen=True):
    id: uuid.UUID
    device: str
    pieces: int


class Product(msgspec.Struct, frozen=True):
    sku: Sku
    price_minor: int


class SoldQuery(PageQuery, frozen=True, kw_only=True):
    business_day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$", max_length=10)] | None = None


class Shop:
    """What the example keeps; events are what was sold."""

    def __init__(self) -> None:
        self.sold: dict[uuid.UUID, tuple[SellCommand, Sold]] = {}
        self.products = {"42": (1, 199)}
        self.bell = Bell()
        self.sessions = {
            hash_token(TILL): Visitor("cashier", "T01"),
            hash_token(KIOSK): Visitor("kiosk", "K01"),
            hash_token(MANAGER): Visitor("manager", "T01"),
        }

    async def sell(self, call: Call[Visitor, SellCommand, None]) -> Answer | Sold:
        command = call.body
        if command.id in self.sold:
            first, sold = self.sold[command.id]
            if first != command:
                raise IdConflict
            return replayed(sold)
        pieces = sum(line.quantity_milli for line in command.lines) // 1000
        sold = Sold(command.id, call.session.device, pieces)
        self.sold[command.id] = (command, sold)
        self.bell.ring()
        return sold

    async def show(self, call: Call[Visitor, None, None]) -> Sold:
        try:
            return self.sold[call.id()][1]
        except KeyError:
            raise NotFound(sale=str(call.id())) from None

    async def list_sold(self, call: Call[Visitor, None, SoldQuery]) -> Page[Sold]:
        query = call.query
        after = decode_cursor(query.after, "sold", bytes) if query.after else b""
        rows = sorted((sold for _, sold in self.sold.values() if sold.id.bytes > after), key=lambda sold: sold.id.bytes)
        return page_of(rows[: query.limit + 1], query.limit, lambda sold: encode_cursor(sold.id.bytes, "sold"))

    async def show_product(self, call: Call[Visitor, None, None]) -> Answer:
        sku = call.text("sku")
        if sku not in self.products:
            raise NotFound
        version, price_minor = self.products[sku]
        return Answer(200, Product(sku, price_minor), {"ETag": strong_etag(version)})

    async def put_product(self, call: Call[Visitor, Product, None]) -> Answer:
        version, _ = self.products[call.text("sku")]
        require_match(call.if_match, strong_etag(version))
        self.products[call.text("sku")] = (version + 1, call.body.price_minor)
        return Answer(200, call.body, {"ETag": strong_etag(version + 1)})

    async def sign_in(self, _call: Call[Visitor, None, None]) -> None:
        return None

    async def fail(self, _call: Call[Visitor, None, None]) -> None:
        raise RuntimeError("+48600100200 cannot be dialled")

    async def lose_storage(self, _call: Call[Visitor, None, None]) -> None:
        raise StorageUnavailable

    async def show_page(self, _call: Call[Visitor, None, None]) -> bytes:
        return b"<!doctype html><title>Till</title>"

    async def take_file(self, call: Call[Visitor, bytes, None]) -> Answer:
        return Answer(204, None, {"X-Bytes": str(len(call.body))})

    async def read_after(self, cursor: str | None) -> Sequence[Event]:
        events = [Event(str(number), "sold", str(id_).encode()) for number, id_ in enumerate(self.sold, 1)]
        return [event for event in events if int(event.id) > int(cursor or 0)][:3]

    async def follow(self, call: Call[Visitor, None, None]) -> web.StreamResponse:
        return await serve_events(call.request, self.read_after, self.bell.wait, heartbeat_s=0.2)

    def routes(self) -> list[Route]:
        def route(method: str, path: str, handler: Callable[..., Awaitable[object]], **fields: object) -> Route:
            usual: dict[str, object] = {"summary": handler.__name__, "tag": "shop", "roles": STAFF}
            return Route(method=method, path=path, handler=handler, **(usual | fields))

        return [
            route(
                "POST", "/v1/sales", self.sell, body=SellCommand, response=Sold, statuses=(201, 200), problems=(409,)
            ),
            route("GET", "/v1/sales", self.list_sold, query=SoldQuery, response=Page[Sold]),
            route("GET", "/v1/sales/{id}", self.show, response=Sold),
            route("GET", "/v1/products/{sku}", self.show_product, response=Product, roles=STAFF | {"kiosk"}),
            route(
                "PUT", "/v1/products/{sku}", self.put_product,
                body=Product, response=Product, roles=frozenset({"manager"}), needs_if_match=True,
            ),
            route("POST", "/v1/sign-ins", self.sign_in, roles=PUBLIC, statuses=(204,), sensitive=True),
            route("GET", "/v1/failures", self.fail, statuses=(204,)),
            route("GET", "/v1/outages", self.lose_storage, statuses=(204,)),
            route("GET", "/till", self.show_page, roles=PUBLIC, response=bytes, produces="text/html", documented=False),
            route(
                "POST", "/v1/imports", self.take_file,
                body=bytes, accepts=("text/csv",), statuses=(204,), max_body_bytes=2_000_000,
            ),
            route("GET", "/v1/events", self.follow, response=bytes, produces="text/event-stream"),
        ]  # fmt: skip


class Served:
    """A running application and a client that is signed in as the till."""

    def __init__(self, shop: Shop, base_url: str, client: aiohttp.ClientSession, runner: web.AppRunner) -> None:
        self.shop = shop
        self.base_url = base_url
        self.client = client
        self.runner = runner

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    async def send_raw(self, text: str | bytes) -> bytes:
        """One request as bytes, and all bytes until the service closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode())
        async with asyncio.timeout(120):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    running: list[Served] = []

    async def start(
        *, limits: Limits | None = None, metrics: Metrics | None = None, extra: Sequence[Route] = ()
    ) -> Served:
        shop = Shop()
        app = build_app(
            [*shop.routes(), *extra], about=ABOUT, resolve=shop.sessions.get, limits=limits, metrics=metrics
        )
        runner = build_runner(app, shutdown_timeout_s=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        client = aiohttp.ClientSession(base_url, headers={"Authorization": f"Bearer {TILL}"})
        running.append(Served(shop, base_url, client, runner))
        return running[-1]

    yield start
    for served in running:
        await served.client.close()
        await served.runner.cleanup()


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve()
