"""edge: what stores ask head office to decide (sync/protocol/commands.py)."""

import asyncio

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.routes import Answer, replayed
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import STORES, Door, StoreSession
from sync.hub.lending import Terms, is_applied, lend
from sync.protocol.commands import LeaseAnswer, LeaseCommand

routes = RouteTable(tag="sync", roles=STORES)
_MINUTE_MS = 60_000
_LOOKS, _LOOK_S = 30, 0.05


@routes.post(
    "/sync/v1/commands",
    "Ask head office to decide",
    body=LeaseCommand,
    response=LeaseAnswer,
    statuses=(201, 200),
    problems=(403, 409),
)
async def decide(door: Door, call: Call[StoreSession, LeaseCommand, None]) -> object:
    """POST /sync/v1/commands. What the store has booked before is counted first: if it is on its way, this waits a
    moment for it."""
    command, session, settings = call.body, call.session, door.settings
    terms = Terms(settings.lease_minutes * _MINUTE_MS, settings.store_lease_points)
    door.came_in(session.store, int(command.epoch, 16))
    for _ in range(_LOOKS):
        if await door.read(lambda tx: is_applied(tx, session.store, command)):
            break
        await asyncio.sleep(_LOOK_S)

    def write(tx: Tx) -> tuple[LeaseAnswer, bool]:
        stores.lock_present(tx, session.store, session.session, door.now_ms())
        return lend(tx, session.store, command, terms, door.now_ms())

    answer, fresh = await door.write(write)
    return Answer(201, answer) if fresh else replayed(answer)
