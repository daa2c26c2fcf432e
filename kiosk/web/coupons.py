"""edge: coupons over HTTP: issued, looked at, voided, issued again, and a member's own.

A typed code has no signature: whoever could try a million of them would find one. So each device may try only so many.
"""

from kiosk.coupons.coupon_service import (
    issue_campaign,
    issue_coupon,
    list_member_coupons,
    reissue_coupon,
    verify_coupon,
    void_coupon,
)
from kiosk.coupons.coupons import (
    CampaignAnswer,
    CouponAnswer,
    CouponVerdict,
    HeldCoupon,
    IssueCampaign,
    IssueCoupon,
    ReissueCoupon,
    VerifyCoupon,
    VoidCoupon,
)
from kiosk.coupons.kiosk_coupons import issue_at_kiosk
from kiosk.identity.proofs import PROOF_HEADER
from kiosk.web.door import KIOSK, MANAGERS, SHOPPERS, STAFF, Door, Session
from kiosk.web.kiosk import check_printer
from kiosk.web.proofs import need_proof
from kiosk.web.reserving import reserve_for_coupon_void, reserve_for_reissue
from kiosk.web.table import RouteTable
from kiosk.web.typed_codes import ask_tokens
from loyalty.coupons import find_token
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery

routes = RouteTable(tag="coupons", roles=STAFF)
_SERIAL = frozenset({"serial"})


@routes.post(
    "/v1/coupons",
    "Issue a coupon",
    body=IssueCoupon,
    roles=SHOPPERS,
    response=CouponAnswer,
    statuses=(201, 200),
    problems=(403, 409),
)
async def issue(door: Door, call: Call[Session, IssueCoupon, None]) -> object:
    """POST /v1/coupons. At a kiosk the member is proved first, and the printer is asked before anything is booked."""
    if call.session.role != KIOSK:
        return await door.write(call, issue_coupon, call.body)
    paper = await check_printer(door) if call.body.print else None
    return await door.write(call, issue_at_kiosk, call.body, call.request.headers.get(PROOF_HEADER), paper)


@routes.post(
    "/v1/coupon-campaigns",
    "Issue a coupon to each of many members",
    body=IssueCampaign,
    roles=MANAGERS,
    response=CampaignAnswer,
    statuses=(201, 200),
    problems=(409,),
)
async def campaign(door: Door, call: Call[Session, IssueCampaign, None]) -> object:
    """POST /v1/coupon-campaigns."""
    return await door.write(call, issue_campaign, call.body)


@routes.post(
    "/v1/coupons/verify",
    "Whether a coupon would be taken; books nothing",
    body=VerifyCoupon,
    roles=SHOPPERS,
    response=CouponVerdict,
    problems=(429,),
)
async def look(door: Door, call: Call[Session, VerifyCoupon, None]) -> object:
    """POST /v1/coupons/verify."""
    door.slow_down_kiosk(call)
    if find_token(call.body.code) is None:
        door.slow_down_typing(call)
    tokens = await ask_tokens(door, call, [call.body.code])
    return await door.read(call, verify_coupon, call.body, tokens)


@routes.post(
    "/v1/coupons/{serial}/void",
    "Let a coupon count no longer",
    body=VoidCoupon,
    roles=MANAGERS,
    response=CouponVerdict,
    problems=(404, 409),
    texts=_SERIAL,
)
async def void(door: Door, call: Call[Session, VoidCoupon, None]) -> object:
    """POST /v1/coupons/{serial}/void."""
    kept = await reserve_for_coupon_void(door, call, call.text("serial"))
    return await door.write(call, void_coupon, call.text("serial"), call.body, kept)


@routes.post(
    "/v1/coupons/{serial}/reissue",
    "Void a coupon and issue another in its place",
    body=ReissueCoupon,
    roles=MANAGERS,
    response=CouponAnswer,
    statuses=(201, 200),
    problems=(404, 409),
    texts=_SERIAL,
)
async def reissue(door: Door, call: Call[Session, ReissueCoupon, None]) -> object:
    """POST /v1/coupons/{serial}/reissue."""
    kept = await reserve_for_reissue(door, call, call.text("serial"))
    return await door.write(call, reissue_coupon, call.text("serial"), call.body, kept)


@routes.get(
    "/v1/members/{id}/coupons", "A member's coupons", roles=SHOPPERS, query=PageQuery, response=Page[HeldCoupon]
)
async def held(door: Door, call: Call[Session, None, PageQuery]) -> object:
    """GET /v1/members/{id}/coupons. At a kiosk the member is proved first."""
    await need_proof(door, call, call.id())
    return await door.read(call, list_member_coupons, call.id(), call.query)
