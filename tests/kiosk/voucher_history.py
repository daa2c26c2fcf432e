"""What happens in a history of a shop about coupons and gift cards, so that each of their tables has rows.

tell_vouchers(story)          # tests/kiosk/history.py calls it
"""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kiosk.commands import LineRequest, RefundRequest, ReturnLine, TakeBack, TenderRequest, VoidSale
from kiosk.coupons.coupon_service import issue_campaign, issue_coupon, reissue_coupon, void_coupon
from kiosk.coupons.coupons import CouponAnswer, IssueCampaign, IssueCoupon, ReissueCoupon, VoidCoupon
from kiosk.coupons.gift_cards import GIFT_CARD
from kiosk.offers.offer_service import put_offer
from kiosk.program.program_service import REWARDS, put_definition
from kiosk.sales.return_service import take_back
from kiosk.sales.sale_service import void_sale
from loyalty.offers.offer import Goods, PercentOff
from loyalty.offers.request import OfferRequest
from loyalty.rewards import RewardCoupon, RewardTerms
from tests.kiosk.return_history import come_back_elsewhere

if TYPE_CHECKING:
    from uuid import UUID

    from tests.kiosk.history import Story

OFFER = "CHOC20"
CARDS = "PRESS"
"""The department whose goods are gift cards, while vouchers are told."""


def tell_vouchers(story: "Story", member: "UUID") -> None:
    """Coupons issued, used, given back, voided and issued again; gift cards sold, spent, refunded, taken back."""
    before = story.shop
    terms = replace(
        before.terms,
        sale_coupons=((OFFER, 2_000),),
        gift_card_departments=frozenset({CARDS}),
        tender_kinds=before.terms.tender_kinds | {GIFT_CARD},
    )
    story.shop = replace(before, terms=terms)
    offer = OfferRequest(
        title={"en": "Chocolate"},
        effect=PercentOff(percent="20", goods=Goods(products=("101",))),
        trigger="coupon",
    )
    story.do_as(story.manager(), put_offer, story.id(), OFFER, offer, None)
    _tell_coupons(story, member)
    _tell_reward(story)
    _tell_cards(story)
    story.shop = before


def _tell_coupons(story: "Story", member: "UUID") -> None:
    used, lost, wrong = (_issue(story) for _ in range(3))
    sold = story.sell(LineRequest(sku="101"), coupons=(used.token,))
    story.do_as(story.manager(), void_sale, sold, VoidSale(reason="too many"))
    story.sell(LineRequest(sku="101"), LineRequest(sku="104", quantity_milli=2000), coupons=(used.code,))
    story.sell(LineRequest(sku="100"), coupons=(lost.code,))
    came = story.sell(LineRequest(sku="101", quantity_milli=9000), coupons=(_issue(story).token,))
    come_back_elsewhere(story, came, {1: 9000})
    reissue = ReissueCoupon(id=story.id(), reason="wet paper", print=True)
    story.do_as(story.manager(), reissue_coupon, lost.serial, reissue)
    story.do_as(story.manager(), void_coupon, wrong.serial, VoidCoupon(reason="a mistake"))
    campaign = IssueCampaign(id=story.id(), offer=OFFER, members=(member, member))
    story.do_as(story.manager(), issue_campaign, campaign)


def _tell_reward(story: "Story") -> None:
    """A coupon that points pay for."""
    dora = story.enrol("Dora Reward", "603 404 505")
    story.adjust(dora, 200)
    treat = RewardTerms(title={"en": "A treat"}, points=150, gives=RewardCoupon(offer=OFFER))
    story.do_as(story.manager(), put_definition, REWARDS, story.id(), "treat", treat, None)
    hold = story.hold(dora, 150, "treat")
    story.do(issue_coupon, IssueCoupon(id=story.id(), offer=OFFER, member=dora, hold=hold))
    story.adjust(dora, 200)
    paid = IssueCoupon(id=story.id(), offer=OFFER, member=dora, hold=story.hold(dora, 150, "treat"))
    unwanted = story.do(issue_coupon, paid).answer
    story.do_as(story.manager(), void_coupon, unwanted.serial, VoidCoupon(reason="not wanted"))


def _tell_cards(story: "Story") -> None:
    story.sell(LineRequest(sku="102", gift_card="GIFT CARD 0001"))
    back = story.sell(LineRequest(sku="102", gift_card="GIFT CARD 0002"))
    paid = TenderRequest(kind=GIFT_CARD, amount_minor=129, code="gift-card-0001")
    bought = story.sell(LineRequest(sku="100"), tenders=(paid,))
    _take_back(story, bought, GIFT_CARD, 129)
    _take_back(story, back, "cash", 350)


def _issue(story: "Story") -> CouponAnswer:
    return story.do(issue_coupon, IssueCoupon(id=story.id(), offer=OFFER)).answer


def _take_back(story: "Story", sale: "UUID", kind: str, amount_minor: int) -> None:
    command = TakeBack(
        id=story.id(),
        sale=str(sale),
        lines=(ReturnLine(line=1, quantity_milli=1000),),
        refunds=(RefundRequest(kind, amount_minor),),
        reason="did not fit",
    )
    story.do(take_back, command)
