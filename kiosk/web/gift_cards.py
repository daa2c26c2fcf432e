"""edge: gift cards over HTTP: what is on one, and what the shop owes on all. They are sold and spent in sales."""

from kiosk.coupons.gift_card_service import AskBalance, CardBalance, LiabilityAnswer, ask_balance, show_liability
from kiosk.web.door import MANAGERS, STAFF, Door, Session
from kiosk.web.reserving import find_balance
from kiosk.web.table import RouteTable
from sync.http.calls import Call

routes = RouteTable(tag="gift cards", roles=STAFF)


@routes.post("/v1/gift-cards/balance", "What is on a gift card", body=AskBalance, response=CardBalance, problems=(429,))
async def balance(door: Door, call: Call[Session, AskBalance, None]) -> object:
    """POST /v1/gift-cards/balance: the code stands in the body, because paths are logged."""
    door.slow_down_typing(call)
    return await find_balance(door, call) or await door.read(call, ask_balance, call.body)


@routes.get("/v1/gift-cards/liability", "What is owed on all gift cards", response=LiabilityAnswer, roles=MANAGERS)
async def liability(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/gift-cards/liability."""
    return await door.read(call, show_liability)
