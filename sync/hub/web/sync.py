"""edge: the calls of the stores. Who calls comes from the token, never from a body; what a push may touch follows from
that alone.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from loyalty.errors import NotFound, Problem
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.http.auth import hash_token
from sync.http.bodies import refuse
from sync.http.calls import Call
from sync.http.events import STREAMS
from sync.http.problems import NotJson
from sync.http.routes import PUBLIC, Answer, read_uuid
from sync.http.table import RouteTable
from sync.hub import inbox, stores
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.enrolment import enrol
from sync.hub.held_sales import HeldSale, read_sale
from sync.hub.intake import Bearer, FreshToken, open_session, take_push
from sync.hub.pull import read_page
from sync.protocol.admission import PROFILES, REDEMPTIONS, SALES, TELEMETRY, TURN_HEADER
from sync.protocol.messages import (
    BODY_BYTES_MAX,
    PUSH_OPS_MAX,
    Enrol,
    EnrolAnswer,
    EntriesAnswer,
    HeldOp,
    OpPrivate,
    PullAnswer,
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    StoreStatus,
    message_of,
)
from sync.protocol.packing import unpack
from sync.protocol.pull_hub import is_news
from sync.protocol.push_hub import prove_batch

routes = RouteTable(tag="sync", roles=STORES)

_OPENING_BYTES_MAX = 256 * 1024  # a thousand heads
_PAGE_BYTES = 4 * 1024 * 1024
_EPOCH_DIGITS = 16
_read_push = msgspec.json.Decoder(Push).decode


class EntriesQuery(Struct, frozen=True, kw_only=True):
    """`?after=` a number, 0 for the beginning, and how many at most."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: Annotated[int, Meta(ge=1, le=PUSH_OPS_MAX)] = PUSH_OPS_MAX


class PullQuery(Struct, frozen=True, kw_only=True):
    """`?cursor=` of the answer before, none for the beginning; `refetch=` names of buckets to be told anew, with commas
    between."""

    cursor: Annotated[str, Meta(max_length=1000)] | None = None
    refetch: Annotated[str, Meta(max_length=1000)] = ""


@routes.post(
    "/sync/v1/enrolments",
    "Join with a code of head office",
    body=Enrol,
    response=EnrolAnswer,
    roles=PUBLIC,
    statuses=(201,),
    sensitive=True,
)
async def join(door: Door, call: Call[StoreSession, Enrol, None]) -> object:
    """POST /sync/v1/enrolments: once; the same again with the same key gets the same answer."""
    key = bytes.fromhex(call.body.public_key)
    joined = await door.write(lambda tx: enrol(tx, call.body.code, key, door.now_ms()))
    door.joined(joined.store)
    return replace(joined, hub_key=door.hub_key)


def enter_opening(door: Door, _session: None, request: web.Request) -> AbstractAsyncContextManager[None]:
    """The turn of an opening. When a whole chain wakes, its openings must not keep the pushes from being answered."""
    turn = read_uuid(request.headers.get(TURN_HEADER, ""))
    return door.openings.enter(turn or door.new_id(), PROFILES)


@routes.post(
    "/sync/v1/sessions",
    "Ask for the floor",
    body=SessionOpen,
    response=SessionAnswer,
    roles=PUBLIC,
    statuses=(201,),
    problems=(401, 403, 409, 429),
    max_body_bytes=_OPENING_BYTES_MAX,
    admission=enter_opening,
)
async def begin_session(door: Door, call: Call[StoreSession, SessionOpen, None]) -> object:
    """POST /sync/v1/sessions: signed with the store's key."""
    token = door.new_token()
    fresh = FreshToken(token, hash_token(token))
    opened = await door.write(lambda tx: open_session(tx, call.body, fresh, door.now_ms(), PUSH_OPS_MAX))
    if isinstance(opened, Problem):
        raise opened
    return opened


def enter_push(door: Door, session: StoreSession, request: web.Request) -> AbstractAsyncContextManager[None]:
    """The turn of a push. A store that redeems says so; if it lies it gains a better place among its own requests'
    turns, and no second one."""
    presses = request.headers.get("Counterfoil-Class") == "redemptions"
    return door.turnstile.enter(session.store, REDEMPTIONS if presses else SALES)


def enter_telemetry(door: Door, session: StoreSession, _request: web.Request) -> AbstractAsyncContextManager[None]:
    """The turn of what can wait: behind whatever a store has booked."""
    return door.turnstile.enter(session.store, TELEMETRY)


def enter_news(door: Door, session: StoreSession, _request: web.Request) -> AbstractAsyncContextManager[None]:
    """A store's share of the questions for news, those that wait among them."""
    return door.news.enter(session.store)


def enter_reading(door: Door, session: StoreSession, _request: web.Request) -> AbstractAsyncContextManager[None]:
    """A store's share of what is read for stores."""
    return door.readings.enter(session.store)


@routes.post(
    "/sync/v1/push",
    "Hand over entries, or say that nothing is new",
    body=bytes,
    accepts=("application/json",),
    response=PushAnswer,
    problems=(409, 422, 429),
    max_body_bytes=BODY_BYTES_MAX,
    admission=enter_push,
)
async def push(door: Door, call: Call[StoreSession, bytes, None]) -> object:
    """POST /sync/v1/push: a Push, packed or not, signed over the head of its chain."""
    message = read_push(call.body, call.request.headers.get("Content-Encoding", "identity"))
    batch = prove_batch(message)
    session = call.session
    _, _, token = call.request.headers["Authorization"].partition(" ")
    bearer = Bearer(session.store, token.strip(), session.session)
    answer = await door.write(lambda tx: take_push(tx, bearer, message, batch, door.now_ms(), PUSH_OPS_MAX))
    door.came_in(session.store, batch.before.epoch)
    return answer


@routes.get(
    "/sync/v1/epochs/{epoch}/entries",
    "A life of this store, entry by entry, for a store that lost its disk",
    query=EntriesQuery,
    response=EntriesAnswer,
    problems=(403, 409, 429),
    admission=enter_reading,
)
async def entries(door: Door, call: Call[StoreSession, None, EntriesQuery]) -> object:
    """GET /sync/v1/epochs/{epoch}/entries: of the store that asks, whatever number another store's epoch has."""
    epoch, session, query = _read_epoch(call.text("epoch")), call.session, call.query

    def read(tx: Tx) -> EntriesAnswer:
        stores.check_present(stores.need_store(tx, session.store), session.session)
        return _page(tx, session.store, epoch, query)

    return await door.read(read)


@routes.get(
    "/sync/v1/pull",
    "What changed, bucket by bucket; waits while nothing has",
    query=PullQuery,
    response=PullAnswer,
    problems=(403, 409, 429),
    admission=enter_news,
)
async def pull(door: Door, call: Call[StoreSession, None, PullQuery]) -> object:
    """GET /sync/v1/pull: at once where there is something to tell; else when there is, or when what the store has
    pushed is applied."""
    query, session = call.query, call.session
    refetch = tuple(filter(None, query.refetch.split(",")))
    loop = asyncio.get_running_loop()
    until = loop.time() + door.settings.pull_wait_seconds

    async def read() -> PullAnswer:
        return await door.read(lambda tx: read_page(tx, session.store, session.session, query.cursor, refetch))

    applied = door.watch.times_applied(session.store)
    answer = first = await read()
    while not is_news(answer) and answer.applied == first.applied and (left_s := until - loop.time()) > 0:
        behind = {state.bucket: state.seq for state in answer.buckets} | applied
        is_woken = await door.watch.wait(behind, left_s, call.request.app[STREAMS].stopping)
        applied = door.watch.times_applied(session.store)
        answer = await read()
        if not is_woken:
            break
    return answer


@routes.get(
    "/sync/v1/sales/{number}",
    "A receipt of any store of the chain",
    response=HeldSale,
    problems=(403, 409, 429),
    admission=enter_reading,
)
async def show_sale(door: Door, call: Call[StoreSession, None, None]) -> object:
    """GET /sync/v1/sales/{number}."""
    session = call.session

    def read(tx: Tx) -> HeldSale:
        stores.check_present(stores.need_store(tx, session.store), session.session)
        return read_sale(tx, call.text("number"))

    return await door.read(read)


@routes.put(
    "/sync/v1/status",
    "What the board of stores shows of this store",
    body=StoreStatus,
    statuses=(204,),
    problems=(403, 409, 429),
    admission=enter_telemetry,
)
async def keep_status(door: Door, call: Call[StoreSession, StoreStatus, None]) -> object:
    """PUT /sync/v1/status: printers, and how much waits."""
    session = call.session

    def keep(tx: Tx) -> None:
        stores.lock_present(tx, session.store, session.session, door.now_ms())
        stores.keep_status(tx, session.store, call.body)

    await door.write(keep)
    return Answer(204)


def read_push(packed: bytes, encoding: str) -> Push:
    """A push from its body. Raises BodyTooLarge, BrokenBody, UnsupportedMedia, NotJson, InvalidInput."""
    raw = unpack(packed, encoding.strip().lower(), BODY_BYTES_MAX)
    try:
        return _read_push(raw)
    except msgspec.ValidationError as error:
        refuse(error)
    except msgspec.DecodeError as error:
        raise NotJson(f"{error}.") from error
    except RecursionError as error:
        raise NotJson("The document is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise NotJson("The document is not UTF-8.") from error


def _read_epoch(text: str) -> int:
    if len(text) != _EPOCH_DIGITS or not set(text) <= set("0123456789abcdef") or text[0] > "7":
        raise NotFound("An epoch is 16 hexadecimal digits.")
    return int(text, 16)


def _page(tx: Tx, store: UUID, epoch: int, query: EntriesQuery) -> EntriesAnswer:
    held = inbox.find_epoch(tx, store, epoch)
    if held is None:
        raise NotFound(f"Head office holds no epoch {epoch_text(epoch)} of this store.")
    items: list[HeldOp] = []
    size, last = 0, query.after
    for entry in inbox.read_entries(tx, store, epoch, query.after, query.limit):
        size += len(entry.content)
        if items and size > _PAGE_BYTES:
            break
        private = (
            OpPrivate(member=entry.private[0], salt=entry.private[1], data=entry.private[2]) if entry.private else None
        )
        items.append(HeldOp(seq=entry.seq, hash=entry.hash.hex(), content=entry.content.decode(), private=private))
        last = entry.seq
    more = bool(items) and last < held.head.seq
    return EntriesAnswer(head=message_of(held.head), items=tuple(items), next=last if more else None)
