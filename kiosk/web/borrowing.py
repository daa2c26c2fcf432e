"""edge: asks head office for points before they are set aside, and never waits long for it."""

import asyncio
import logging

from kiosk.points.lease_service import keep_lease, lease_needed
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


async def borrow(door: Door, call: Call[Session, HoldPoints, None]) -> bool:
    """See to it that a lease covers the hold, if head office answers. False: it was asked in vain, so the rules without
    a line decide. Raises PointsElsewhere."""
    if door.lender is None:
        return True
    need = await door.read(call, lease_needed, call.body)
    if need is None:
        return True
    uptime = door.uptime()
    if uptime is None:  # nobody could say when the lease is over
        return False
    command = LeaseCommand(id=door.new_id(), member=need.member, points=need.points, epoch=need.epoch, seq=need.seq)
    try:
        async with asyncio.timeout(PATIENCE_S):
            granted = await door.lender.lend(command)
    except HubRefused as refused:
        if refused.refusal == _NOT_FREE:
            raise PointsElsewhere from refused
        logger.warning("head office lends nothing", extra={"fields": {"code": refused.refusal}})
        return False
    except (HubSilent, TimeoutError):
        return False
    lease = receive(granted.lease.bytes, granted.member.bytes, granted.points, uptime, granted.duration_ms)
    await door.database.write(lambda tx: keep_lease(tx, door.shop, lease))
    return True
