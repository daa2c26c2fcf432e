"""edge: shifts, parked baskets and the drawer over HTTP."""

from kiosk.commands import CloseShift, MoveCash, OpenDrawer, OpenShift, ParkBasket, codes_of
from kiosk.print_answers import PrintJobAnswer
from kiosk.sales.basket_service import ParkedAnswer, claim_basket, list_parked, park_basket
from kiosk.shifts.shift import MovementAnswer, ShiftReport
from kiosk.shifts.shift_service import (
    DrawerAnswer,
    close_shift,
    current_shift,
    move_cash,
    open_drawer,
    open_shift,
    print_shift,
    report_shift,
)
from kiosk.web.door import STAFF, Door, Session
from kiosk.web.table import RouteTable
from kiosk.web.typed_codes import ask_tokens
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery

routes = RouteTable(tag="counter", roles=STAFF, problems=(403, 409))
_CREATED = (201, 200)


@routes.post("/v1/shifts", "Open a shift", body=OpenShift, response=ShiftReport, statuses=_CREATED)
async def open_one(door: Door, call: Call[Session, OpenShift, None]) -> object:
    """POST /v1/shifts."""
    return await door.write(call, open_shift, call.body)


@routes.get("/v1/shifts/current", "This till's open shift", response=ShiftReport)
async def current(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/shifts/current."""
    return await door.read(call, current_shift)


@routes.post(
    "/v1/shifts/{id}/movements",
    "Put cash in or take it out",
    body=MoveCash,
    response=MovementAnswer,
    statuses=_CREATED,
)
async def move(door: Door, call: Call[Session, MoveCash, None]) -> object:
    """POST /v1/shifts/{id}/movements."""
    return await door.write(call, move_cash, call.id(), call.body)


@routes.post("/v1/shifts/{id}/close", "Close a shift, counted blind", body=CloseShift, response=ShiftReport)
async def close(door: Door, call: Call[Session, CloseShift, None]) -> object:
    """POST /v1/shifts/{id}/close."""
    return await door.write(call, close_shift, call.id(), call.body)


@routes.get("/v1/shifts/{id}/report", "X before closing, Z after", response=ShiftReport)
async def report(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/shifts/{id}/report."""
    return await door.read(call, report_shift, call.id())


@routes.post("/v1/shifts/{id}/prints", "Print the X, or the Z once more", response=PrintJobAnswer, statuses=(201,))
async def print_report(door: Door, call: Call[Session, None, None]) -> object:
    """POST /v1/shifts/{id}/prints."""
    return PrintJobAnswer(await door.write(call, print_shift, call.id(), door.new_id()), "queued")


@routes.post("/v1/parked", "Set a basket aside", body=ParkBasket, response=ParkedAnswer, statuses=_CREATED)
async def park(door: Door, call: Call[Session, ParkBasket, None]) -> object:
    """POST /v1/parked."""
    door.slow_down_baskets(call, codes_of(call.body))
    tokens = await ask_tokens(door, call, call.body.coupons)
    return await door.write(call, park_basket, call.body, tokens)


@routes.get("/v1/parked", "Baskets set aside, the oldest first", query=PageQuery, response=Page[ParkedAnswer])
async def parked(door: Door, call: Call[Session, None, PageQuery]) -> object:
    """GET /v1/parked."""
    return await door.read(call, list_parked, call.query.after, call.query.limit)


@routes.post("/v1/parked/{id}/claim", "Take a basket up", response=ParkedAnswer)
async def claim(door: Door, call: Call[Session, None, None]) -> object:
    """POST /v1/parked/{id}/claim."""
    return await door.write(call, claim_basket, call.id())


@routes.post(
    "/v1/drawer/open",
    "Open the drawer without a sale",
    body=OpenDrawer,
    response=DrawerAnswer,
    statuses=_CREATED,
)
async def drawer(door: Door, call: Call[Session, OpenDrawer, None]) -> object:
    """POST /v1/drawer/open."""
    return await door.write(call, open_drawer, call.body)
