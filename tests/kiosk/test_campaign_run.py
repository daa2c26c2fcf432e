"""Real coupons over real baskets: each counts once, for its member, in its campaign; every total follows."""

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from kiosk.demo.campaigns import (
    Campaigns,
    CouponName,
    Run,
    make_offer,
    price_coupons,
    read_coupons,
    read_discounts,
    read_redemptions,
    read_runs,
    shop_day,
    usual_amount,
)
from kiosk.demo.files import bundled_baskets
from kiosk.demo.rows import WrongFile
from kiosk.replay.campaign_plan import CampaignPlan, cut_plan, read_campaign_plan
from kiosk.replay.campaign_run import run_campaigns
from loyalty.offers.validation import validate_offer

DAYS = 60


@pytest.fixture(scope="module", name="plan")
def read_plan() -> CampaignPlan:
    return read_campaign_plan(bundled_baskets())


def test_the_coupons_of_the_first_weeks_count_once_and_only_for_their_member(
    plan: CampaignPlan, tmp_path: Path
) -> None:
    run = run_campaigns(tmp_path, cut_plan(plan, DAYS))
    assert run.ok
    assert run.wrong_totals == 0
    assert run.redemptions == run.used + sum(run.unspent.values()) + run.without_basket + run.without_goods
    brought = run.used + sum(run.unspent.values())
    assert run.used == brought == 4
    assert run.discount_minor > 0
    assert run.refused_again == {"coupon_used": run.used}
    assert set(run.refused_to_others) == {"coupon_of_another_member"}
    assert sum(run.refused_to_others.values()) == brought
    assert set(run.refused_after) <= {"coupon_used", "coupon_expired"}
    assert sum(run.refused_after.values()) == brought


def test_the_year_holds_every_redemption_of_the_data(plan: CampaignPlan) -> None:
    assert (len(plan.baskets), len(plan.redemptions), len(plan.runs)) == (10_160, 502, 27)
    assert sum(redemption.coupon not in plan.coupons for redemption in plan.redemptions) == 3
    assert all(
        plan.runs[r.coupon.campaign].first_day <= r.day <= plan.runs[r.coupon.campaign].last_day
        for r in plan.redemptions
    )


def test_every_coupon_of_the_data_makes_an_offer_that_can_be_explained(plan: CampaignPlan) -> None:
    offers = [make_offer(name, goods, plan.runs[name.campaign], 100) for name, goods in plan.coupons.items()]
    assert len({offer.id for offer in offers}) == len(offers) == 1080
    assert [validate_offer(offer) for offer in offers if validate_offer(offer)] == []


@pytest.mark.parametrize(
    ("seen", "amount"), [([], 100), ([50], 50), ([50, 100, 100], 100), ([200, 50], 50), ([75, 75, 50, 50], 50)]
)
def test_a_coupon_takes_off_what_it_took_off_most_often(seen: list[int], amount: int) -> None:
    assert usual_amount(seen) == amount


def test_a_coupon_is_priced_by_what_its_goods_lost_on_the_day_it_was_used() -> None:
    coupon = CouponName("7", "1")
    campaigns = Campaigns(
        coupons=read_coupons(["coupon_upc,product_id,campaign_id", "7,milk,1", "7,tea,1", "7,milk,2"]),
        runs=read_runs(["campaign_id,start_date,end_date", "1,2017-03-03 00:00:00,2017-04-09"]),
        redemptions=read_redemptions(["household_id,coupon_upc,campaign_id,redeemed_on", "h,7,1,2017-03-04"]),
    )
    discounts = read_discounts(
        [
            "household_id,product_id,coupon_disc_minor,ts",
            "h,milk,60,2017-03-05T04:59:00Z",
            "h,milk,75,2017-03-05T05:00:00Z",
            "i,tea,80,2017-03-04T12:00:00Z",
            "h,tea,0,2017-03-04T12:00:00Z",
        ]
    )
    assert campaigns.coupons[coupon] == ("milk", "tea")
    assert campaigns.runs == {"1": Run(dt.date(2017, 3, 3), dt.date(2017, 4, 9))}
    assert price_coupons(campaigns, discounts) == {coupon: 60}
    assert shop_day(0) == dt.date(1969, 12, 31)


@pytest.mark.parametrize(
    ("read", "lines"),
    [
        (read_runs, ["campaign_id,start_date,end_date", "1,tomorrow,2017-04-09"]),
        (read_redemptions, ["household_id,coupon_upc,campaign_id,redeemed_on", "1,2,3,"]),
        (read_discounts, ["household_id,product_id,coupon_disc_minor,ts", "1,2,x,2017-03-04T12:00:00Z"]),
        (read_coupons, ["coupon_upc,product_id", "1,2"]),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_its_line(
    read: Callable[[Iterable[str], str], object], lines: list[str]
) -> None:
    with pytest.raises(WrongFile, match="line"):
        read(lines, "file.csv")
