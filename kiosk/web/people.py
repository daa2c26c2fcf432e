"""edge: people and devices over HTTP: pairing, signing in and out, approvals, operators.

    app_routes = [*routes.bind(Desk(door, sessions)), ...]

The wrong-PIN counter is moved in a transaction of its own before the PIN is compared (people_service); the
comparison runs in a thread, beside the event loop and the writer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from msgspec import UNSET

from kiosk.identity.people import (
    PAIRING_RANDOM_BYTES,
    Approve,
    Approved,
    DeviceAnswer,
    NotAManager,
    OperatorAnswer,
    PairDevice,
    Paired,
    PairingCode,
    RequestPairingCode,
    SaveOperator,
    SignedIn,
    SignIn,
    WrongPin,
)
from kiosk.identity.people_service import (
    Attempt,
    PinLimits,
    begin_attempt,
    complete_approval,
    complete_sign_in,
    list_devices,
    list_operators,
    pair_device,
    request_pairing_code,
    revoke,
    save_operator,
    show_operator,
    sign_out,
)
from kiosk.identity.sessions import Sessions
from kiosk.members.tombstones import Tombstones, add_tombstones
from kiosk.shop import Caller, Shop
from kiosk.web.door import DEVICE, MANAGERS, STAFF, Door, ServiceCall, Session
from kiosk.web.table import RouteTable
from loyalty.transactions import Tx
from sync.http.auth import read_bearer
from sync.http.calls import Call
from sync.http.etag import strong_etag
from sync.http.paging import Page, PageQuery
from sync.http.routes import PUBLIC, Answer

P = ParamSpec("P")
T = TypeVar("T")

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_ID_BYTES = 10
_TILL = STAFF | {DEVICE}
_OPERATOR = "/v1/operators/{id}"

routes = RouteTable(tag="people", roles=MANAGERS)


class Desk:
    """What these handlers need beside the door: the sessions in memory, and PINs compared in a thread."""

    def __init__(self, door: Door, sessions: Sessions) -> None:
        self.door = door
        self.pins = door.pins
        self._sessions = sessions

    async def attempt(self, call: ServiceCall) -> Attempt:
        """Count the try, then compare the PIN. Raises PinLocked, WrongPin."""
        roles = self.door.config.roles
        limits = PinLimits(roles.pin_attempts, roles.lock_minutes)
        attempt = await self.door.write_local(call, begin_attempt, call.body.operator, limits)
        if not await self.pins.matches(attempt.pin_hash, call.body.pin):
            raise WrongPin(pointer="/pin")
        return attempt

    async def write(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Write a fact and reload the sessions."""
        return await self.then_reload(self.door.write(call, service, *args, **kwargs))

    async def write_local(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Write what is no fact, and reload the sessions."""
        return await self.then_reload(self.door.write_local(call, service, *args, **kwargs))

    async def then_reload(self, work: Awaitable[T]) -> T:
        """Do what changes tokens, then reload the sessions, even if the caller hangs up or the outcome is unknown."""

        async def run() -> T:
            try:
                return await work
            finally:
                await self._sessions.reload()

        return await asyncio.shield(run())

    def new_token(self) -> str:
        """A secret for a device or a sign-in."""
        return self.door.new_token()


@routes.post(
    "/v1/pairing-codes",
    "Make a pairing code",
    tag="devices",
    body=RequestPairingCode,
    response=PairingCode,
    statuses=(201,),
    problems=(503,),
)
async def make_pairing_code(desk: Desk, call: Call[Session, RequestPairingCode, None]) -> object:
    """POST /v1/pairing-codes."""
    random = desk.door.random_bytes(PAIRING_RANDOM_BYTES)
    return await desk.door.write(call, request_pairing_code, call.body.kind, random)


@routes.post(
    "/v1/pairings",
    "Pair a device",
    tag="devices",
    roles=PUBLIC,
    body=PairDevice,
    response=Paired,
    statuses=(201,),
    problems=(503,),
    sensitive=True,
)
async def pair(desk: Desk, call: Call[Session, PairDevice, None]) -> object:
    """POST /v1/pairings: the one call of a device that has no token yet."""
    door = desk.door
    door.need_writable()
    token, random, now_ms = desk.new_token(), door.random_bytes(_ID_BYTES), door.now_ms()
    work = door.database.write(lambda tx: pair_device(tx, call.body, now_ms, token, random))
    return await desk.then_reload(work)


@routes.get("/v1/devices", "All devices ever paired", tag="devices", query=PageQuery, response=Page[DeviceAnswer])
async def show_devices(desk: Desk, call: Call[Session, None, PageQuery]) -> object:
    """GET /v1/devices."""
    return await desk.door.read(call, list_devices, call.query)


@routes.delete("/v1/devices/{id}", "Revoke a device", tag="devices", statuses=(204,), problems=(503,))
async def revoke_device(desk: Desk, call: Call[Session, None, None]) -> object:
    """DELETE /v1/devices/{id}."""
    device: UUID = call.id()
    await desk.write_local(call, revoke, device)
    await asyncio.to_thread(add_tombstones, desk.door.database.path.parent, Tombstones(revoked=frozenset({device})))
    return None


@routes.post(
    "/v1/sign-ins",
    "Sign in with a PIN",
    roles=_TILL,
    body=SignIn,
    response=SignedIn,
    statuses=(201,),
    problems=(423, 503),
    sensitive=True,
)
async def sign_in(desk: Desk, call: Call[Session, SignIn, None]) -> object:
    """POST /v1/sign-ins."""
    attempt = await desk.attempt(call)
    expires_at = desk.door.now_ms() + desk.door.config.roles.sign_in_hours * _HOUR_MS
    return await desk.write_local(call, complete_sign_in, attempt, desk.new_token(), expires_at)


@routes.delete("/v1/sign-ins", "Sign out", roles=STAFF, statuses=(204,), problems=(503,))
async def leave(desk: Desk, call: Call[Session, None, None]) -> object:
    """DELETE /v1/sign-ins."""
    return await desk.write_local(call, sign_out, read_bearer(call.request.headers.get("Authorization")))


@routes.post(
    "/v1/approvals",
    "A manager's word on the spot",
    roles=STAFF,
    body=Approve,
    response=Approved,
    statuses=(201,),
    problems=(423, 503),
    sensitive=True,
)
async def approve(desk: Desk, call: Call[Session, Approve, None]) -> object:
    """POST /v1/approvals."""
    attempt = await desk.attempt(call)
    expires_at = desk.door.now_ms() + desk.door.config.roles.approval_minutes * _MINUTE_MS
    token = desk.new_token()
    approved = await desk.door.write_local(call, complete_approval, attempt, token, call.body.purpose, expires_at)
    if approved is None:
        raise NotAManager
    return approved


@routes.get("/v1/operators", "All operators", query=PageQuery, response=Page[OperatorAnswer])
async def show_operators(desk: Desk, call: Call[Session, None, PageQuery]) -> object:
    """GET /v1/operators."""
    return await desk.door.read(call, list_operators, call.query)


@routes.get(_OPERATOR, "One operator", response=OperatorAnswer, texts=frozenset({"id"}))
async def show_one_operator(desk: Desk, call: Call[Session, None, None]) -> object:
    """GET /v1/operators/{id}."""
    operator = await desk.door.read(call, show_operator, call.text("id"))
    return Answer(200, operator, {"ETag": strong_etag(operator.revision)})


@routes.put(
    _OPERATOR,
    "Add or change an operator",
    body=SaveOperator,
    response=OperatorAnswer,
    statuses=(200, 201),
    problems=(409, 412, 428, 503),
    texts=frozenset({"id"}),
)
async def put_operator(desk: Desk, call: Call[Session, SaveOperator, None]) -> object:
    """PUT /v1/operators/{id}."""
    command, random = call.body, desk.door.random_bytes(_ID_BYTES)
    pin_hash = await desk.pins.hash(command.pin) if command.pin is not UNSET else None
    operator, is_new = await desk.write(call, save_operator, call.text("id"), command, pin_hash, call.if_match, random)
    return Answer(201 if is_new else 200, operator, {"ETag": strong_etag(operator.revision)})
