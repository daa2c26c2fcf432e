"""edge: shifts, parked baskets and the drawer over HTTP."""

from collections.abc import Mapping

from kiosk.basket_service import ParkedAnswer, claim_basket, list_parked, park_basket
from kiosk.commands import CloseShift, MoveCash, OpenDrawer, OpenShift, ParkBasket
from kiosk.shift_service import (
    DrawerAnswer,
    ShiftOutcome,
    ShiftReport,
    close_shift,
    current_shift,
    move_cash,
    open_drawer,
    open_shift,
    report_shift,
)
from kiosk.web.door import STAFF, Door, Session
from sync.http.calls import Call
from sync.http.paging import Page
from sync.http.routes import Answer, Route, replayed


def counter_routes(door: Door) -> list[Route]:
    """Everything around the drawer."""

    async def open_one(call: Call[Session, OpenShift, None]) -> object:
        return _answer(await door.write(call, open_shift, call.body))

    async def current(call: Call[Session, None, None]) -> ShiftReport:
        return await door.read(call, current_shift)

    async def move(call: Call[Session, MoveCash, None]) -> object:
        return _answer(await door.write(call, move_cash, call.id(), call.body))

    async def close(call: Call[Session, CloseShift, None]) -> object:
        return _answer(await door.write(call, close_shift, call.id(), call.body))

    async def report(call: Call[Session, None, None]) -> ShiftReport:
        return await door.read(call, report_shift, call.id())

    async def park(call: Call[Session, ParkBasket, None]) -> object:
        answer, known = await door.write(call, park_basket, call.body)
        return replayed(answer) if known else answer

    async def parked(call: Call[Session, None, None]) -> Page[ParkedAnswer]:
        return Page(tuple(await door.read(call, list_parked)), None)

    async def claim(call: Call[Session, None, None]) -> object:
        answer, known = await door.write(call, claim_basket, call.id())
        return replayed(answer) if known else answer

    async def drawer(call: Call[Session, OpenDrawer, None]) -> object:
        answer, known = await door.write(call, open_drawer, call.body)
        return replayed(answer) if known else answer

    shift: Mapping[str, object] = {"tag": "shifts", "response": ShiftReport, "problems": (403, 409)}
    basket: Mapping[str, object] = {"tag": "baskets", "response": ParkedAnswer, "problems": (409,)}

    def route(method: str, path: str, handler: object, summary: str, **more: object) -> Route:
        return Route(method=method, path=path, handler=handler, summary=summary, roles=STAFF, **more)  # type: ignore[arg-type]

    return [
        route("POST", "/v1/shifts", open_one, "Open a shift", body=OpenShift, statuses=(201, 200), **shift),
        route("GET", "/v1/shifts/current", current, "This till's open shift", **shift),
        route(
            "POST",
            "/v1/shifts/{id}/movements",
            move,
            "Put cash in or take it out",
            body=MoveCash,
            statuses=(201, 200),
            **shift,
        ),
        route("POST", "/v1/shifts/{id}/close", close, "Close a shift, counted blind", body=CloseShift, **shift),
        route("GET", "/v1/shifts/{id}/report", report, "X before closing, Z after", **shift),
        route("POST", "/v1/parked", park, "Set a basket aside", body=ParkBasket, statuses=(201, 200), **basket),
        route("GET", "/v1/parked", parked, "Baskets set aside", tag="baskets", response=Page[ParkedAnswer]),
        route("POST", "/v1/parked/{id}/claim", claim, "Take a basket up", **basket),
        route(
            "POST",
            "/v1/drawer/open",
            drawer,
            "Open the drawer without a sale",
            tag="shifts",
            body=OpenDrawer,
            response=DrawerAnswer,
            statuses=(201, 200),
            problems=(403,),
        ),
    ]


def _answer(outcome: ShiftOutcome) -> Answer | ShiftReport:
    return replayed(outcome.answer) if outcome.replayed else outcome.answer
