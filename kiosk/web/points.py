"""edge: points over HTTP: set aside before paying, let go, given or taken by hand."""

from uuid import UUID

from kiosk.points.points import AdjustedPoints, AdjustPoints, HoldAnswer, HoldPoints
from kiosk.points.points_service import adjust_points, hold_points, release_hold
from kiosk.web.borrowing import borrow
from kiosk.web.door import SHOPPERS, STAFF, Door, Session
from kiosk.web.proofs import check_proof
from kiosk.web.table import RouteTable
from sync.http.calls import Call

routes = RouteTable(tag="points", roles=STAFF)
_WRITTEN = (409, 503)


@routes.post(
    "/v1/holds",
    "Set points aside before paying",
    roles=SHOPPERS,
    body=HoldPoints,
    response=HoldAnswer,
    statuses=(201, 200),
    problems=(403, 409, 423, 503),
)
async def hold(door: Door, call: Call[Session, HoldPoints, None]) -> object:
    """POST /v1/holds. The proof is looked at first, outside of the transaction that sets the points aside."""
    proof = await check_proof(door, call, call.body.member, call.body.proof)
    answered = await borrow(door, call)
    return await door.write(call, hold_points, call.body, proof, unanswered=not answered)


@routes.post(
    "/v1/holds/{id}/release",
    "Let points go that were set aside",
    roles=SHOPPERS,
    response=HoldAnswer,
    problems=_WRITTEN,
)
async def release(door: Door, call: Call[Session, None, None]) -> object:
    """POST /v1/holds/{id}/release."""
    held: UUID = call.id()
    return await door.write(call, release_hold, held)


@routes.post(
    "/v1/members/{id}/adjustments",
    "Give or take points by hand",
    body=AdjustPoints,
    response=AdjustedPoints,
    statuses=(201, 200),
    problems=(403, *_WRITTEN),
)
async def adjust(door: Door, call: Call[Session, AdjustPoints, None]) -> object:
    """POST /v1/members/{id}/adjustments."""
    return await door.write(call, adjust_points, call.id(), call.body)
