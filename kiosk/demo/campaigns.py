"""pure: the campaigns of the Complete Journey slice as coupon offers, and who brought which coupon on which day.

The data say which products a coupon is for, which campaign it belongs to and on which day a household used it; what it
was worth is only seen where it was used. So a coupon takes off what it took off most often in the baskets it was used
in, and `USUAL_MINOR` where none of them is in the slice.

    >>> coupons = read_coupons(["coupon_upc,product_id,campaign_id", "51111030050,896085,1", "51111030050,916993,1"])
    >>> coupons[CouponName("51111030050", "1")]
    ('896085', '916993')
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from kiosk.demo.baskets import read_time
from kiosk.demo.rows import Faults, read_rows
from loyalty.offers.offer import AmountOff, Conditions, Goods, Offer, Schedule, Stacking

USUAL_MINOR = 100
SHOP_ZONE = "Etc/GMT+5"
"""The shop's clock: `ts` in the data is UTC of a store five hours behind it."""

_SHORTEST_DATE = len("2017-03-03")
_HOURS_BEHIND_MS = 5 * 3_600_000
_DAY_MS = 86_400_000
_FIRST_DAY = dt.date(1970, 1, 1)


class CouponName(NamedTuple):
    """A coupon of a campaign: the same number in another campaign is another coupon."""

    number: str
    campaign: str


class Redemption(NamedTuple):
    """A household used a coupon on a day (of the shop's calendar)."""

    household: str
    coupon: CouponName
    day: dt.date


class Run(NamedTuple):
    """The first and the last day of a campaign."""

    first_day: dt.date
    last_day: dt.date


class Purchase(NamedTuple):
    """Who bought what on which day."""

    household: str
    product: str
    day: dt.date


class Campaigns(Struct, frozen=True):
    """All that a folder says: coupons with their products, campaigns with their days, and what was used when."""

    coupons: Mapping[CouponName, tuple[str, ...]]
    runs: Mapping[str, Run]
    redemptions: tuple[Redemption, ...]


def read_coupons(lines: Iterable[str], name: str = "the file") -> dict[CouponName, tuple[str, ...]]:
    """The products of each coupon. Raises WrongFile."""
    faults = Faults(name)
    products: dict[CouponName, list[str]] = {}
    for _, (number, product, campaign) in read_rows(lines, ("coupon_upc", "product_id", "campaign_id"), faults):
        products.setdefault(CouponName(number, campaign), []).append(product)
    faults.raise_if_any()
    return {coupon: tuple(dict.fromkeys(named)) for coupon, named in products.items()}


def read_runs(lines: Iterable[str], name: str = "the file") -> dict[str, Run]:
    """The days of each campaign. Raises WrongFile."""
    faults = Faults(name)
    runs = {}
    for line, (campaign, first, last) in read_rows(lines, ("campaign_id", "start_date", "end_date"), faults):
        try:
            runs[campaign] = Run(_read_day(first), _read_day(last))
        except ValueError as error:
            faults.add(line, str(error))
    faults.raise_if_any()
    return runs


def read_redemptions(lines: Iterable[str], name: str = "the file") -> tuple[Redemption, ...]:
    """Who used what when, in the order of the file. Raises WrongFile."""
    faults = Faults(name)
    columns = ("household_id", "coupon_upc", "campaign_id", "redeemed_on")
    redemptions = []
    for line, (household, number, campaign, day) in read_rows(lines, columns, faults):
        try:
            redemptions.append(Redemption(household, CouponName(number, campaign), _read_day(day)))
        except ValueError as error:
            faults.add(line, str(error))
    faults.raise_if_any()
    return tuple(redemptions)


def read_discounts(lines: Iterable[str], name: str = "the file") -> dict[Purchase, int]:
    """What makers' coupons took off, in minor units, line by line of the baskets; only where they took something.

    Raises WrongFile.
    """
    faults = Faults(name)
    columns = ("household_id", "product_id", "coupon_disc_minor", "ts")
    discounts = {}
    for line, (household, product, discount, time) in read_rows(lines, columns, faults):
        if discount == "0":
            continue
        try:
            discounts[Purchase(household, product, shop_day(read_time(time)))] = int(discount)
        except ValueError as error:
            faults.add(line, str(error))
    faults.raise_if_any()
    return discounts


def shop_day(at_ms: int) -> dt.date:
    """The shop's calendar day of a moment in milliseconds since 1970 UTC."""
    return _FIRST_DAY + dt.timedelta(days=(at_ms - _HOURS_BEHIND_MS) // _DAY_MS)


def price_coupons(campaigns: Campaigns, discounts: Mapping[Purchase, int]) -> dict[CouponName, int]:
    """What each coupon that was used takes off, in minor units."""
    seen: dict[CouponName, list[int]] = {redemption.coupon: [] for redemption in campaigns.redemptions}
    for household, coupon, day in campaigns.redemptions:
        for product in campaigns.coupons.get(coupon, ()):
            amount = discounts.get(Purchase(household, product, day))
            if amount is not None:
                seen[coupon].append(amount)
    return {coupon: usual_amount(amounts) for coupon, amounts in seen.items()}


def offer_id_of(coupon: CouponName) -> str:
    """The id of a coupon's offer."""
    return f"C{coupon.campaign}-{coupon.number}"


def make_offer(coupon: CouponName, products: tuple[str, ...], run: Run, amount_minor: int) -> Offer:
    """A coupon as an offer: the amount off one purchase of its products, on the campaign's days, for members.

    It comes on top of other offers, as a maker's coupon does: the shop gets the money back.
    """
    return Offer(
        format=1,
        id=offer_id_of(coupon),
        version=1,
        title={"en": f"Campaign {coupon.campaign}, coupon {coupon.number}"},
        effect=AmountOff(amount_minor=amount_minor, goods=Goods(products=products)),
        trigger="coupon",
        conditions=Conditions(member_required=True, schedule=Schedule(first_day=run.first_day, last_day=run.last_day)),
        stacking=Stacking.STACK,
    )


def usual_amount(seen_minor: Iterable[int]) -> int:
    """What a coupon took off most often; of equals the smaller, and USUAL_MINOR where it was never seen."""
    counts = Counter(seen_minor)
    return min(counts, key=lambda amount: (-counts[amount], amount), default=USUAL_MINOR)


def _read_day(text: str) -> dt.date:
    """A date, with or without a time behind it. Raises ValueError."""
    try:
        return dt.date.fromisoformat(text[:_SHORTEST_DATE])
    except ValueError as error:
        raise ValueError(f"{text[:20]!r} is not a date such as 2017-03-03") from error
