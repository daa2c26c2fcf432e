"""edge: what stores ask head office to decide (sync/protocol/commands.py)."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from aiohttp import web

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.routes import Answer, replayed
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.card_holds import reserve_card
from sync.hub.coupon_tokens import read_token
from sync.hub.coupon_uses import reserve_coupon
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.lending import Terms, is_applied, lend
from sync.hub.reserving import limits_of
from sync.hub.returns import read_sale_state, reserve_return
from sync.hub.settings import Settings
from sync.hub.web.sync import enter_reading
from sync.protocol.commands import (
    Command,
    CommandAnswer,
    CouponToken,
    GiftCardCommand,
    LeaseCommand,
    ReturnReserveCommand,
)
from sync.protocol.sale_states import SaleState

routes = RouteTable(tag="sync", roles=STORES)
_MINUTE_MS = 60_000
_LOOKS, _LOOK_S = 30, 0.05
_SERIAL = re.compile(r"[0-7][0-9a-f]{15}")


def enter_command(door: Door, session: StoreSession, _request: web.Request) -> AbstractAsyncContextManager[None]:
    """A store's share of all that is asked."""
    return door.commands.enter(session.store)


@routes.post(
    "/sync/v1/commands",
    "Ask head office to decide",
    body=Command,
    response=CommandAnswer,
    statuses=(201, 200),
    problems=(403, 409, 429),
    admission=enter_command,
)
async def decide(door: Door, call: Call[StoreSession, Command, None]) -> object:
    """POST /sync/v1/commands. What the store has booked before is counted first: if it is on its way, this waits a
    moment for it."""
    command, session, settings = call.body, call.session, door.settings
    await door.read(lambda tx: stores.check_present(stores.need_store(tx, session.store), session.session))
    door.came_in(session.store, int(command.epoch, 16))
    for _ in range(_LOOKS):
        if await door.read(lambda tx: is_applied(tx, session.store, command)):
            break
        await asyncio.sleep(_LOOK_S)

    def write(tx: Tx) -> tuple[CommandAnswer, bool]:
        stores.lock_present(tx, session.store, session.session, door.now_ms())
        return _decide(tx, session.store, command, settings, door.now_ms())

    answer, fresh = await door.write(write)
    return Answer(201, answer) if fresh else replayed(answer)


@routes.get(
    "/sync/v1/sales/{number}/state",
    "A sale of any store, and what came back of it",
    response=SaleState,
    problems=(403, 409, 429),
    admission=enter_reading,
)
async def show_state(door: Door, call: Call[StoreSession, None, None]) -> object:
    """GET /sync/v1/sales/{number}/state, by receipt number or id."""
    session = call.session

    def read(tx: Tx) -> SaleState:
        stores.check_present(stores.need_store(tx, session.store), session.session)
        return read_sale_state(tx, call.text("number"), door.now_ms())

    return await door.read(read)


@routes.get(
    "/sync/v1/coupons/{serial}",
    "The token of a coupon of any store, by the serial that its typed code says",
    response=CouponToken,
    problems=(403, 404, 409, 429),
    texts=frozenset({"serial"}),
    admission=enter_command,
)
async def show_token(door: Door, call: Call[StoreSession, None, None]) -> object:
    """GET /sync/v1/coupons/{serial}, 16 hex digits."""
    session, text = call.session, call.text("serial")
    serial = int(text, 16) if _SERIAL.fullmatch(text) else -1

    def read(tx: Tx) -> CouponToken:
        stores.check_present(stores.need_store(tx, session.store), session.session)
        return read_token(tx, serial)

    return await door.read(read)


def _decide(tx: Tx, store: UUID, command: Command, settings: Settings, now_ms: int) -> tuple[CommandAnswer, bool]:
    """The answer to one command, and whether it is new. The store's row is locked."""
    duration_ms = settings.lease_minutes * _MINUTE_MS
    if isinstance(command, LeaseCommand):
        terms = Terms(duration_ms, settings.store_lease_points, settings.store_credit_points)
        return lend(tx, store, command, terms, now_ms)
    limits = limits_of(settings)
    if isinstance(command, ReturnReserveCommand):
        return reserve_return(tx, store, command, limits, now_ms)
    if isinstance(command, GiftCardCommand):
        return reserve_card(tx, store, command, limits, settings.store_credit_minor, now_ms)
    return reserve_coupon(tx, store, command, limits, now_ms)
