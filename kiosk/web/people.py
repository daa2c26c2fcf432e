"""edge: the routes of people and devices: pairing, signing in and out, approvals, operators.

    app_routes = [*people_routes(door, sessions), ...]

The wrong-PIN counter is moved in a transaction of its own before the PIN is compared (kiosk/people_service.py); the
comparison runs in a thread, beside the event loop and the writer.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import UNSET

from kiosk.people import (
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
from kiosk.people_service import (
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
from kiosk.pins import Pins
from kiosk.sessions import Sessions
from kiosk.shop import Caller, Shop
from kiosk.web.door import DEVICE, MANAGERS, STAFF, Door, ServiceCall
from loyalty.transactions import Tx
from sync.http.auth import read_bearer
from sync.http.etag import strong_etag
from sync.http.paging import Page, PageQuery
from sync.http.routes import PUBLIC, Answer, Route

P = ParamSpec("P")
T = TypeVar("T")

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_TOKEN_BYTES, _ID_BYTES = 32, 10
_OPERATOR = "/v1/operators/{id}"


class PeopleHandlers:
    """The handlers over one door and the sessions in memory."""

    def __init__(self, door: Door, sessions: Sessions) -> None:
        self._door = door
        self._sessions = sessions
        self._pins = Pins()

    async def request_pairing_code(self, call: ServiceCall) -> PairingCode:
        """POST /v1/pairing-codes."""
        random = self._door.random_bytes(PAIRING_RANDOM_BYTES)
        return await self._door.write(call, request_pairing_code, call.body.kind, random)

    async def pair(self, call: ServiceCall) -> Paired:
        """POST /v1/pairings: the one call of a device that has no token yet."""
        door = self._door
        door.need_writable()
        token, random, now_ms = self._new_token(), door.random_bytes(_ID_BYTES), door.now_ms()
        work = door.database.write(lambda tx: pair_device(tx, call.body, now_ms, token, random))
        return await self._then_reload(work)

    async def list_devices(self, call: ServiceCall) -> Page[DeviceAnswer]:
        """GET /v1/devices."""
        return await self._door.read(call, list_devices, call.query)

    async def revoke(self, call: ServiceCall) -> None:
        """DELETE /v1/devices/{id}."""
        await self._write_local(call, revoke, call.id())

    async def sign_in(self, call: ServiceCall) -> SignedIn:
        """POST /v1/sign-ins."""
        attempt = await self._attempt(call)
        expires_at = self._door.now_ms() + self._door.config.roles.sign_in_hours * _HOUR_MS
        return await self._write_local(call, complete_sign_in, attempt, self._new_token(), expires_at)

    async def sign_out(self, call: ServiceCall) -> None:
        """DELETE /v1/sign-ins."""
        await self._write_local(call, sign_out, read_bearer(call.request.headers.get("Authorization")))

    async def approve(self, call: ServiceCall) -> Approved:
        """POST /v1/approvals."""
        attempt = await self._attempt(call)
        expires_at = self._door.now_ms() + self._door.config.roles.approval_minutes * _MINUTE_MS
        token = self._new_token()
        approved = await self._door.write_local(call, complete_approval, attempt, token, call.body.purpose, expires_at)
        if approved is None:
            raise NotAManager
        return approved

    async def list_operators(self, call: ServiceCall) -> Page[OperatorAnswer]:
        """GET /v1/operators."""
        return await self._door.read(call, list_operators, call.query)

    async def show_operator(self, call: ServiceCall) -> Answer:
        """GET /v1/operators/{id}."""
        operator = await self._door.read(call, show_operator, call.text("id"))
        return Answer(200, operator, {"ETag": strong_etag(operator.revision)})

    async def save_operator(self, call: ServiceCall) -> Answer:
        """PUT /v1/operators/{id}."""
        command, random = call.body, self._door.random_bytes(_ID_BYTES)
        pin_hash = await self._pins.hash(command.pin) if command.pin is not UNSET else None
        operator, is_new = await self._write(
            call, save_operator, call.text("id"), command, pin_hash, call.if_match, random
        )
        return Answer(201 if is_new else 200, operator, {"ETag": strong_etag(operator.revision)})

    async def _attempt(self, call: ServiceCall) -> Attempt:
        """Count the try, then compare the PIN. Raises PinLocked, WrongPin."""
        roles = self._door.config.roles
        limits = PinLimits(roles.pin_attempts, roles.lock_minutes)
        attempt = await self._door.write_local(call, begin_attempt, call.body.operator, limits)
        if not await self._pins.matches(attempt.pin_hash, call.body.pin):
            raise WrongPin(pointer="/pin")
        return attempt

    async def _write(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._then_reload(self._door.write(call, service, *args, **kwargs))

    async def _write_local(
        self,
        call: ServiceCall,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._then_reload(self._door.write_local(call, service, *args, **kwargs))

    async def _then_reload(self, work: Awaitable[T]) -> T:
        """Do what changes tokens, then reload the sessions, even if the caller hangs up or the outcome is unknown."""

        async def run() -> T:
            try:
                return await work
            finally:
                await self._sessions.reload()

        return await asyncio.shield(run())

    def _new_token(self) -> str:
        return base64.urlsafe_b64encode(self._door.random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode()


def people_routes(door: Door, sessions: Sessions) -> list[Route]:
    """All routes of people and devices."""
    on = PeopleHandlers(door, sessions)
    till = STAFF | {DEVICE}
    return [
        Route(
            method="POST", path="/v1/pairing-codes", handler=on.request_pairing_code, summary="Make a pairing code",
            tag="devices", roles=MANAGERS, body=RequestPairingCode, response=PairingCode, statuses=(201,),
            problems=(503,),
        ),
        Route(
            method="POST", path="/v1/pairings", handler=on.pair, summary="Pair a device", tag="devices", roles=PUBLIC,
            body=PairDevice, response=Paired, statuses=(201,), problems=(503,), sensitive=True,
        ),
        Route(
            method="GET", path="/v1/devices", handler=on.list_devices, summary="All devices ever paired",
            tag="devices", roles=MANAGERS, query=PageQuery, response=Page[DeviceAnswer],
        ),
        Route(
            method="DELETE", path="/v1/devices/{id}", handler=on.revoke, summary="Revoke a device", tag="devices",
            roles=MANAGERS, statuses=(204,), problems=(503,),
        ),
        Route(
            method="POST", path="/v1/sign-ins", handler=on.sign_in, summary="Sign in with a PIN", tag="people",
            roles=till, body=SignIn, response=SignedIn, statuses=(201,), problems=(423, 503), sensitive=True,
        ),
        Route(
            method="DELETE", path="/v1/sign-ins", handler=on.sign_out, summary="Sign out", tag="people", roles=STAFF,
            statuses=(204,), problems=(503,),
        ),
        Route(
            method="POST", path="/v1/approvals", handler=on.approve, summary="A manager's word on the spot",
            tag="people", roles=STAFF, body=Approve, response=Approved, statuses=(201,), problems=(423, 503),
            sensitive=True,
        ),
        Route(
            method="GET", path="/v1/operators", handler=on.list_operators, summary="All operators", tag="people",
            roles=MANAGERS, query=PageQuery, response=Page[OperatorAnswer],
        ),
        Route(
            method="GET", path=_OPERATOR, handler=on.show_operator, summary="One operator", tag="people",
            roles=MANAGERS, response=OperatorAnswer, texts=frozenset({"id"}),
        ),
        Route(
            method="PUT", path=_OPERATOR, handler=on.save_operator, summary="Add or change an operator", tag="people",
            roles=MANAGERS, body=SaveOperator, response=OperatorAnswer, statuses=(200, 201),
            problems=(409, 412, 428, 503), texts=frozenset({"id"}),
        ),
    ]  # fmt: skip
