"""edge: asks head office for points before they are set aside, and never waits long for it.

    borrowed = await borrow(door, call)
    …                                       # the hold is refused: nobody else should have to do without these points
    await return_lease(door, borrowed)

A service that ends between the two keeps the lease until its time is over.
"""

import asyncio
import logging
from typing import NamedTuple
from uuid import UUID

from kiosk.points.lease_service import give_back, keep_lease, lease_needed
from kiosk.points.points import HoldPoints
from kiosk.web.door import Door, Session
from loyalty.errors import Conflict
from loyalty.leases import receive
from sync.agent.client import HubRefused, HubSilent
from sync.http.calls import Call
from sync.protocol.commands import LeaseCommand

logger = logging.getLogger(__name__)
PATIENCE_S = 2.0
_NOT_FREE = "points_not_free"


class PointsElsewhere(Conflict):
    """These points were used elsewhere, or another place has set them aside."""

    code, hint = "points_elsewhere", "Use fewer points; what the member has can be seen again in a moment."


class Borrowed(NamedTuple):
    """What asking came to. Not `answered`: head office was asked in vain, so the rules without a line decide. `lease`
    is what it lent now."""

    answered: bool = True
    lease: UUID | None = None


async def borrow(door: Door, call: Call[Session, HoldPoints, None]) -> Borrowed:
    """See to it that a lease covers the hold, if head office answers. Raises PointsElsewhere; ReadOnly where the hold
    could not be booked."""
    if door.lender is None:
        return Borrowed()
    door.need_writable()
    need = await door.read(call, lease_needed, call.body)
    if need is None:
        return Borrowed()
    uptime = door.uptime()
    if uptime is None:  # nobody could say when the lease is over
        return Borrowed(answered=False)
    command = LeaseCommand(id=door.new_id(), member=need.member, points=need.points, epoch=need.epoch, seq=need.seq)
    try:
        async with asyncio.timeout(PATIENCE_S):
            granted = await door.lender.lend(command)
    except HubRefused as refused:
        if refused.refusal == _NOT_FREE:
            raise PointsElsewhere from refused
        logger.warning("head office lends nothing", extra={"fields": {"code": refused.refusal}})
        return Borrowed(answered=False)
    except (HubSilent, TimeoutError):
        # A grant whose answer was lost is in the feed, and the store reports its end (lease_service.end_leases).
        return Borrowed(answered=False)
    lease = receive(granted.lease.bytes, granted.member.bytes, granted.points, uptime, granted.duration_ms)
    await door.database.write(lambda tx: keep_lease(tx, door.shop, lease))
    return Borrowed(lease=granted.lease)


async def return_lease(door: Door, borrowed: Borrowed) -> None:
    """The hold was refused: what was lent for it goes back at once, unless somebody else took of it meanwhile. Where
    the store has become read-only it books nothing, that neither: the lease waits for its end."""
    lease = borrowed.lease
    if lease is not None and door.read_only is None:
        await door.database.write(lambda tx: give_back(tx, door.shop, lease, door.now_ms()))
