"""pure: what may be asked about coupons and what is answered."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.commands import Booking, Reason, Scanned
from kiosk.print_answers import PrintJobAnswer
from loyalty.coupon_codes import print_code
from loyalty.coupons import Scope
from loyalty.offers.offer import OfferId
from sync.facts.coupons import IssuedCoupon

CAMPAIGN_MAX = 500
_SERIAL_DIGITS = 16

Members = Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=CAMPAIGN_MAX)]


class IssueCoupon(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/coupons. `scope` chain lets every store of the chain take it; `print` prints it with this booking.
    `hold`: points that were set aside for the reward whose coupon this is."""

    offer: OfferId
    member: UUID | None = None
    scope: Scope = "store"
    print: bool = False
    hold: UUID | None = None


class IssueCampaign(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/coupon-campaigns: one coupon for each of the members, all or none."""

    offer: OfferId
    members: Members
    scope: Scope = "store"


class VerifyCoupon(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/coupons/verify. `code` is scanned digits or the typed code; `member` is who would use it."""

    code: Scanned
    member: UUID | None = None


class VoidCoupon(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/coupons/{serial}/void."""

    reason: Reason


class ReissueCoupon(Booking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/coupons/{serial}/reissue: void it and issue another in its place, with the same last day."""

    reason: Reason
    print: bool = False


class CouponAnswer(Struct, frozen=True, kw_only=True):
    """A coupon as it was issued. `code` is what is typed, `token` the digits of its QR code, `valid_until` its last
    day."""

    serial: str
    code: str
    token: str
    offer: str
    offer_version: int
    member: UUID | None
    valid_until: str
    scope: str
    uses_max: int
    print_job: PrintJobAnswer | None = None


class CampaignAnswer(Struct, frozen=True, kw_only=True):
    """What a campaign issued, in the order of its members."""

    id: UUID
    offer: str
    coupons: list[CouponAnswer]


class HeldCoupon(Struct, frozen=True, kw_only=True):
    """One of a member's coupons as it is now: `state` is live, used, void or expired."""

    serial: str
    code: str
    token: str
    offer: str
    title: str
    valid_until: str
    state: str


class CouponVerdict(Struct, frozen=True, kw_only=True):
    """Whether a coupon would be taken now. `reason` is `ok` or the code of the problem a sale would meet; `hint` what
    to do then. What it gives is shown even where it is not taken, as far as it is known. `points_given_back`: those
    that had paid for a coupon which was voided."""

    ok: bool
    reason: str
    detail: str
    hint: str
    serial: str | None = None
    code: str | None = None
    offer: str | None = None
    title: str | None = None
    terms: str | None = None
    valid_until: str | None = None
    member_only: bool = False
    store: str | None = None
    points_given_back: int = 0


def serial_text(serial: int) -> str:
    """A serial as the API and the paper write it: 16 hex digits."""
    return f"{serial:0{_SERIAL_DIGITS}x}"


def render_coupon(coupon: IssuedCoupon, print_job: PrintJobAnswer | None = None) -> CouponAnswer:
    """A coupon from its fact."""
    return CouponAnswer(
        serial=serial_text(coupon.serial),
        code=print_code(coupon.serial),
        token=coupon.token,
        offer=coupon.offer,
        offer_version=coupon.offer_version,
        member=coupon.member,
        valid_until=coupon.valid_until,
        scope=coupon.scope,
        uses_max=coupon.uses_max,
        print_job=print_job,
    )
