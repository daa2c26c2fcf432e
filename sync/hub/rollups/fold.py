"""pure: what every applied entry adds to the roll-ups.

    sums = Sums()
    for entry in entries:
        fold_entry(sums, entry, known)

A kind that no report reads adds only to the span of its day.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from sync.facts.coupons import CouponsIssued, CouponVoided
from sync.facts.earning import ActivityRecorded
from sync.facts.members import MemberEnrolled
from sync.facts.postings import postings_of
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.shifts import ShiftClosed, ShiftMoved
from sync.facts.store import EpochStarted
from sync.hub.accepted import Accepted
from sync.hub.rollups.fold_sales import fold_followed, fold_return, fold_sale, fold_void, issue_coupon
from sync.hub.rollups.places import STORE_CHANNEL, Known, Place, place_of
from sync.hub.rollups.sums import Sums


class _Told(NamedTuple):
    """An entry that is being folded, where it belongs, and what is known beside it."""

    entry: Accepted
    place: Place
    known: Known


def fold_entry(sums: Sums, entry: Accepted, known: Known) -> None:
    """Add one entry. The life's currency stands for facts about no money of their own (a coupon)."""
    calendar = known.calendars.get((entry.store.bytes, entry.epoch))
    place = place_of(entry, calendar)
    span = (place.store, place.day, entry.epoch)
    sums.add("business_day_span", span, entries=1)
    sums.reach("business_day_span", span, first_seq=entry.seq, last_seq=entry.seq)
    for posted in postings_of(entry.body):
        key = (place.store, place.day, posted.kind, posted.rule or "")
        sums.add("points_day", key, postings=1, points=posted.points)
    told = _Told(entry, place, known)
    fold = _FOLDS.get(type(entry.body))
    if fold is not None:
        fold(sums, told, entry.body, calendar.currency if calendar is not None else "")


def originals_needed(body: Struct) -> Iterable[UUID]:
    """The sales that an entry is about: a void's, and those that goods come back from."""
    if isinstance(body, SaleVoided | ReturnFollowed):
        yield body.sale
    elif isinstance(body, ReturnTaken):
        yield body.taken.sale
    elif isinstance(body, SaleCompleted):
        yield from (taken.sale for taken in body.returned)


def _sale(sums: Sums, told: _Told, body: SaleCompleted, _currency: str) -> None:
    fold_sale(sums, told.place, body, told.known)


def _void(sums: Sums, told: _Told, body: SaleVoided, _currency: str) -> None:
    fold_void(sums, told.place, body, told.known)


def _return(sums: Sums, told: _Told, body: ReturnTaken, _currency: str) -> None:
    fold_return(sums, told.place, body.currency, body.taken, told.known)


def _followed(sums: Sums, told: _Told, body: ReturnFollowed, currency: str) -> None:
    fold_followed(sums, told.place, currency, body, told.known)


def _moved(sums: Sums, told: _Told, body: ShiftMoved, _currency: str) -> None:
    key = (told.place.store, told.place.day, body.currency, body.kind)
    sums.add("cash_day", key, times=1, amount_minor=body.amount_minor)


def _closed(sums: Sums, told: _Told, body: ShiftClosed, _currency: str) -> None:
    for count in body.counts:
        sums.fix(
            "counted_tender",
            (told.place.store, body.shift.bytes, count.kind),
            business_day=told.place.day,
            till=body.till,
            operator=told.entry.operator or "",
            currency=body.currency,
            series=body.series,
            z_number=body.z_number,
            expected_minor=count.expected_minor,
            counted_minor=count.counted_minor,
            variance_minor=count.variance_minor,
            closed_at=told.entry.at,
        )


def _started(sums: Sums, told: _Told, body: EpochStarted, _currency: str) -> None:
    sums.fix(
        "store_life",
        (told.place.store, told.entry.epoch),
        code=body.store,
        currency=body.currency,
        time_zone=body.time_zone,
        ordinal=body.ordinal,
    )


def _enrolled(sums: Sums, told: _Told, body: MemberEnrolled, _currency: str) -> None:
    _touch(sums, told, body.member, 1, "enrolment", "")


def _active(sums: Sums, told: _Told, body: ActivityRecorded, _currency: str) -> None:
    _touch(sums, told, body.member, 1, "activity", body.activity)
    if body.referee is not None:
        _touch(sums, told, body.referee, 2, "referral", body.activity)


def _issued(sums: Sums, told: _Told, body: CouponsIssued, currency: str) -> None:
    channel = "kiosk" if body.source == "kiosk" else STORE_CHANNEL
    for n, coupon in enumerate(body.coupons, start=1):
        issue_coupon(sums, told.place, currency, coupon.offer, coupon.member.bytes if coupon.member else None)
        if coupon.member is not None:
            kind = "campaign" if body.source == "campaign" else "coupon"
            _touch(sums, told, coupon.member, n, kind, coupon.offer, channel)
    if body.hold is not None:
        points = sum(abs(posted.points) for posted in body.postings if posted.kind == "redeem")
        key = (told.place.store, told.place.day, currency, "reward", body.coupons[0].offer, "used")
        sums.add("redemption_day", key, times=1, points=points)


def _coupon_voided(sums: Sums, told: _Told, body: CouponVoided, currency: str) -> None:
    # Issued again, one coupon stays good: it was handed out once. Without a replacement its offer is in no fact of this
    # entry, so only the replaced one can be told apart.
    if body.replacement is not None:
        key = (told.place.store, told.place.day, currency, body.replacement.offer)
        sums.add("offer_day", key, coupons_issued=1, coupons_voided=1)
    if body.postings:
        points = sum(posted.points for posted in body.postings)
        reward = (told.place.store, told.place.day, currency, "reward", body.offer, "undone")
        sums.add("redemption_day", reward, times=1, points=points)


def _touch(sums: Sums, told: _Told, member: UUID, n: int, kind: str, source: str, channel: str = STORE_CHANNEL) -> None:
    sums.fix(
        "member_touch",
        (member.bytes, told.entry.op_id.bytes, n),
        store=told.place.store,
        at=told.place.at,
        kind=kind,
        source=source,
        channel=channel,
    )


_FOLDS: Mapping[type[Struct], Callable[[Sums, _Told, Any, str], None]] = {
    SaleCompleted: _sale,
    SaleVoided: _void,
    ReturnTaken: _return,
    ReturnFollowed: _followed,
    ShiftMoved: _moved,
    ShiftClosed: _closed,
    EpochStarted: _started,
    MemberEnrolled: _enrolled,
    ActivityRecorded: _active,
    CouponsIssued: _issued,
    CouponVoided: _coupon_voided,
}
