"""edge: the files of a year with its campaigns, read whole before anything is sold.

plan = read_campaign_plan(bundled_baskets())
len(plan.baskets), len(plan.redemptions)
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.demo.baskets import Basket
from kiosk.demo.campaigns import (
    Campaigns,
    CouponName,
    Redemption,
    Run,
    price_coupons,
    read_coupons,
    read_discounts,
    read_redemptions,
    read_runs,
    shop_day,
)
from kiosk.demo.catalogue import build_catalogue
from kiosk.demo.files import find_products, load_baskets, load_lines, load_products
from kiosk.demo.prices import choose_prices
from sync.facts.catalogue import ProductFact


class CampaignPlan(Struct, frozen=True, kw_only=True):
    """Baskets in the order of their time, the goods and households in them, and the coupons: with their goods, what
    they take off, the days of their campaigns, and who used which when."""

    baskets: tuple[Basket, ...]
    prices: Mapping[str, int]
    products: tuple[ProductFact, ...]
    households: tuple[str, ...]
    coupons: Mapping[CouponName, tuple[str, ...]]
    amounts_minor: Mapping[CouponName, int]
    runs: Mapping[str, Run]
    redemptions: tuple[Redemption, ...]


def read_campaign_plan(file: Path) -> CampaignPlan:
    """Read baskets and, from the same folder, the coupons and campaigns. Raises WrongFile."""
    found = load_baskets(file)
    campaigns = Campaigns(
        coupons=load_lines(file.with_name("coupons.csv.gz"), read_coupons),
        runs=load_lines(file.with_name("campaign_descriptions.csv.gz"), read_runs),
        redemptions=load_lines(file.with_name("coupon_redemptions.csv.gz"), read_redemptions),
    )
    prices = choose_prices([line for basket in found.baskets for line in basket.lines])
    households = {basket.household_id for basket in found.baskets if basket.household_id}
    households |= {redemption.household for redemption in campaigns.redemptions}
    return CampaignPlan(
        baskets=tuple(sorted(found.baskets, key=lambda basket: (basket.at_ms, basket.basket_id))),
        prices=prices,
        products=build_catalogue(prices, load_products(find_products(file))),
        households=tuple(sorted(households)),
        coupons=campaigns.coupons,
        amounts_minor=price_coupons(campaigns, load_lines(file, read_discounts)),
        runs=campaigns.runs,
        redemptions=campaigns.redemptions,
    )


def cut_plan(plan: CampaignPlan, days: int) -> CampaignPlan:
    """The first `days` days of a plan, for a short look."""
    last = shop_day(plan.baskets[0].at_ms) + dt.timedelta(days=days - 1)
    baskets = tuple(basket for basket in plan.baskets if shop_day(basket.at_ms) <= last)
    redemptions = tuple(redemption for redemption in plan.redemptions if redemption.day <= last)
    households = {basket.household_id for basket in baskets if basket.household_id}
    households |= {redemption.household for redemption in redemptions}
    return msgspec.structs.replace(plan, baskets=baskets, redemptions=redemptions, households=tuple(sorted(households)))
