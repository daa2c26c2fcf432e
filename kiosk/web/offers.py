"""edge: offers over HTTP: made and ended by a manager, looked at by staff and for a member."""

from kiosk.offers.live_offers import MemberOffer
from kiosk.offers.member_offers import list_member_offers
from kiosk.offers.offer_service import (
    OfferAnswer,
    OfferState,
    end_offer,
    etag_of,
    list_offers,
    put_offer,
    show_offer,
)
from kiosk.web.door import MANAGERS, SHOPPERS, STAFF, Door, Session
from kiosk.web.proofs import need_proof
from kiosk.web.table import RouteTable
from loyalty.offers.request import OfferRequest
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer

routes = RouteTable(tag="offers", roles=STAFF)
_ID = frozenset({"id"})


class OffersQuery(PageQuery, frozen=True, kw_only=True):
    """Which offers: those that are live, those that ended, or all."""

    state: OfferState = "live"


@routes.get("/v1/offers", "List offers", query=OffersQuery, response=Page[OfferAnswer])
async def list_all(door: Door, call: Call[Session, None, OffersQuery]) -> object:
    """GET /v1/offers."""
    return await door.read(call, list_offers, call.query.state, call.query.after, call.query.limit)


@routes.get("/v1/offers/{id}", "One offer", response=OfferAnswer, texts=_ID, problems=(404,))
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/offers/{id}."""
    offer = await door.read(call, show_offer, call.text("id"))
    return Answer(200, offer, {"ETag": etag_of(offer)})


@routes.put(
    "/v1/offers/{id}",
    "Make or change an offer",
    body=OfferRequest,
    roles=MANAGERS,
    response=OfferAnswer,
    statuses=(200, 201),
    problems=(409, 412, 428),
    texts=_ID,
    max_body_bytes=1024 * 1024,
)
async def put(door: Door, call: Call[Session, OfferRequest, None]) -> object:
    """PUT /v1/offers/{id}."""
    offer, is_new = await door.write(call, put_offer, door.new_id(), call.text("id"), call.body, call.if_match)
    return Answer(201 if is_new else 200, offer, {"ETag": etag_of(offer)})


@routes.delete(
    "/v1/offers/{id}",
    "End an offer",
    roles=MANAGERS,
    response=OfferAnswer,
    problems=(404, 412, 428),
    texts=_ID,
)
async def end(door: Door, call: Call[Session, None, None]) -> object:
    """DELETE /v1/offers/{id}."""
    offer = await door.write(call, end_offer, door.new_id(), call.text("id"), call.if_match)
    return Answer(200, offer, {"ETag": etag_of(offer)})


@routes.get(
    "/v1/members/{id}/offers", "What a member may get", roles=SHOPPERS, response=Page[MemberOffer], problems=(404,)
)
async def list_for_member(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/offers. At a kiosk the member is proved first."""
    await need_proof(door, call, call.id())
    return await door.read(call, list_member_offers, call.id())
