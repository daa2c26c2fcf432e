"""edge: the stores of the chain, for the office: make one, look at it, take its key back, end its quarantine."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.http.routes import Answer, replayed
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.apply_lives import resume_lives
from sync.hub.door import HEAD_OFFICE, OFFICE, Door, OfficeSession
from sync.hub.enrolment import CODE_RANDOM_BYTES, make_code
from sync.hub.reports.exposure import risk_of
from sync.hub.store_board import StoreAnswer, show_store
from sync.hub.times import utc_text

routes = RouteTable(tag="stores", roles=OFFICE)
_PURPOSE = "stores"
Zone = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$(?!\n)", max_length=40)]
_MINUTE_MS = 60_000


class NewStore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store that shall join. `code` stands in every receipt number and is the store's for ever; stores of one `zone`
    can have prices of their own."""

    id: UUID
    code: Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,8}$(?!\n)", max_length=8)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    zone: Zone | None = None


class StoreZone(Struct, frozen=True, forbid_unknown_fields=True):
    """The price zone that a store shall be in, or none."""

    zone: Zone | None


class EnrolmentCode(Struct, frozen=True, kw_only=True):
    """What to type at the store: `counterfoil enrol --hub URL --code CODE`, once and before `expires_at`."""

    id: UUID
    code: str
    enrolment_code: str
    expires_at: str


class ReleaseStore(Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the running copies is the true store: a run of `GET /v1/stores/{id}`."""

    run: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$", max_length=32)]


@routes.get("/v1/stores", "The board of stores", query=PageQuery, response=Page[StoreAnswer])
async def list_stores(door: Door, call: Call[OfficeSession, None, PageQuery]) -> object:
    """GET /v1/stores."""
    query = call.query
    after = UUID(bytes=decode_cursor(query.after, _PURPOSE, tuple[bytes])[0]) if query.after else None

    def read(tx: Tx) -> list[StoreAnswer]:
        now_ms = door.now_ms()
        rows = stores.list_stores(tx, after, query.limit + 1)
        return [show_store(tx, row, risk_of(door.settings), now_ms) for row in rows]

    return page_of(await door.read(read), query.limit, lambda store: encode_cursor((store.id.bytes,), _PURPOSE))


@routes.get("/v1/stores/{id}", "One store", response=StoreAnswer)
async def show(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/stores/{id}."""
    return await door.read(lambda tx: _show(tx, door, stores.need_store(tx, call.id())))


@routes.post(
    "/v1/stores",
    "Make a store known",
    body=NewStore,
    response=EnrolmentCode,
    roles=HEAD_OFFICE,
    statuses=(201, 200),
    problems=(409,),
)
async def add_store(door: Door, call: Call[OfficeSession, NewStore, None]) -> object:
    """POST /v1/stores. The same again answers a new code, because the first one is kept nowhere in clear."""
    body, random = call.body, door.random_bytes(CODE_RANDOM_BYTES)

    def add(tx: Tx) -> tuple[bool, EnrolmentCode]:
        fresh = stores.add_store(tx, body.id, body.code, body.name, door.now_ms(), body.zone or "")
        return fresh, _make_code(tx, door, body.id, random)

    fresh, answer = await door.write(add)
    return Answer(201, answer) if fresh else replayed(answer)


@routes.post(
    "/v1/stores/{id}/enrolment-codes",
    "A new code for a store that has to enrol again",
    response=EnrolmentCode,
    roles=HEAD_OFFICE,
    statuses=(201,),
)
async def give_code(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/stores/{id}/enrolment-codes: for a lost disk, a stolen key, a store that was revoked."""
    random = door.random_bytes(CODE_RANDOM_BYTES)
    return await door.write(lambda tx: _make_code(tx, door, call.id(), random))


@routes.post("/v1/stores/{id}/revoke", "Take a store's key back", response=StoreAnswer, roles=HEAD_OFFICE)
async def revoke(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/stores/{id}/revoke: the same again changes nothing."""
    return await door.write(lambda tx: _show(tx, door, stores.revoke(tx, call.id())))


@routes.put(
    "/v1/stores/{id}/zone", "Put a store into a price zone", body=StoreZone, response=StoreAnswer, roles=HEAD_OFFICE
)
async def set_zone(door: Door, call: Call[OfficeSession, StoreZone, None]) -> object:
    """PUT /v1/stores/{id}/zone: it reads that zone's bundles from now on. What an earlier zone said of a thing stays in
    the store until somebody says something of it again."""
    return await door.write(lambda tx: _show(tx, door, stores.set_zone(tx, call.id(), call.body.zone or "")))


@routes.post(
    "/v1/stores/{id}/release",
    "End a quarantine by naming the true store",
    body=ReleaseStore,
    response=StoreAnswer,
    roles=HEAD_OFFICE,
    problems=(409,),
)
async def release(door: Door, call: Call[OfficeSession, ReleaseStore, None]) -> object:
    """POST /v1/stores/{id}/release."""
    return await door.write(lambda tx: _show(tx, door, stores.release(tx, call.id(), call.body.run)))


@routes.post(
    "/v1/stores/{id}/resume",
    "Apply a store's entries again after an alarm",
    response=StoreAnswer,
    roles=HEAD_OFFICE,
)
async def resume(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/stores/{id}/resume: the same again changes nothing."""

    def go_on(tx: Tx) -> StoreAnswer:
        row = stores.need_store(tx, call.id())
        resume_lives(tx, row.store)
        return _show(tx, door, row)

    return await door.write(go_on)


def _show(tx: Tx, door: Door, store: stores.StoreRow) -> StoreAnswer:
    return show_store(tx, store, risk_of(door.settings), door.now_ms())


def _make_code(tx: Tx, door: Door, store: UUID, random: bytes) -> EnrolmentCode:
    row = stores.need_store(tx, store)
    expires_at = door.now_ms() + door.settings.enrolment_minutes * _MINUTE_MS
    code = make_code(tx, store, random, expires_at)
    return EnrolmentCode(id=store, code=row.code, enrolment_code=code, expires_at=utc_text(expires_at))
