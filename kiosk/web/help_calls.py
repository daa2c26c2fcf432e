"""edge: somebody at a kiosk calls the staff: the tills show it and sound until one of them says that somebody comes.

A call is no fact of the shop's books. It lives in this process alone, for as long as somebody can be expected to stand
there; a service that starts anew has forgotten it, and the visitor presses once more. Each kiosk has one call at most,
so pressing again and again rings once.
"""

from uuid import UUID

from msgspec import Struct

from kiosk.shifts.business_day import utc_text
from kiosk.web.door import KIOSK, STAFF, Door, Session
from kiosk.web.table import RouteTable
from sync.http.calls import Call
from sync.http.paging import Page
from sync.http.routes import Answer

routes = RouteTable(tag="kiosk", roles=STAFF)


class HelpCallAnswer(Struct, frozen=True, kw_only=True):
    """Where somebody waits for help, and since when (RFC 3339)."""

    id: UUID
    kiosk: str
    at: str


@routes.post("/v1/help-calls", "Call the staff to this kiosk", roles={KIOSK}, response=HelpCallAnswer, statuses=(201,))
async def ring(door: Door, call: Call[Session, None, None]) -> object:
    """POST /v1/help-calls. While it waits, the same kiosk's next call is this one."""
    session = call.session
    found = door.help_calls.begin(session.device, session.till, door.now_ms(), door.new_id)
    return HelpCallAnswer(id=found.id, kiosk=found.kiosk, at=utc_text(found.at_ms))


@routes.delete("/v1/help-calls", "Help is not needed any more", roles={KIOSK}, statuses=(204,))
async def take_back(door: Door, call: Call[Session, None, None]) -> object:
    """DELETE /v1/help-calls: this kiosk's own."""
    door.help_calls.take_back(call.session.device)
    return Answer(204)


@routes.get("/v1/help-calls", "Where somebody waits for help", response=Page[HelpCallAnswer])
async def waiting(door: Door, _call: Call[Session, None, None]) -> object:
    """GET /v1/help-calls: the oldest first, all on one page."""
    found = door.help_calls.waiting(door.now_ms())
    return Page(tuple(HelpCallAnswer(id=each.id, kiosk=each.kiosk, at=utc_text(each.at_ms)) for each in found), None)


@routes.delete("/v1/help-calls/{id}", "Somebody goes there", statuses=(204,))
async def answer(door: Door, call: Call[Session, None, None]) -> object:
    """DELETE /v1/help-calls/{id}. Two who answer one call at once are both right."""
    door.help_calls.answer(call.id())
    return Answer(204)
