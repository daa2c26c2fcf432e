"""edge: points over HTTP: set aside before paying, let go, given or taken by hand."""

from uuid import UUID

from kiosk.points.points import AdjustedPoints, AdjustPoints, HoldAnswer, HoldPoints
from kiosk.points.points_service import adjust_points, hold_points, release_hold
from kiosk.web.borrowing import Borrowed, borrow, return_lease
from kiosk.web.door import SHOPPERS, STAFF, Door, Session
from kiosk.web.proofs import check_proof
from kiosk.web.table import RouteTable
from loyalty.errors import Problem
from sync.http.calls import Call
from sync.http.problems import StorageUnavailable

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
    """POST /v1/holds. The proof is looked at first, outside of the transaction that sets the points aside. For a wrong
    one head office is asked nothing, and what it lent for a hold that is refused for another reason goes back."""
    proof = await check_proof(door, call, call.body.member, call.body.proof)
    borrowed = await borrow(door, call) if proof.problem is None else Borrowed()
    try:
        return await door.write(call, hold_points, call.body, proof, unanswered=not borrowed.answered)
    except StorageUnavailable:
        raise  # whether the hold was placed is not known: the lease waits for its end
    except Problem:
        await return_lease(door, borrowed)
        raise


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
