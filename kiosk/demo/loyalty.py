"""sql: the offers and rewards of the demonstration store, so that till and kiosk have something to give.

One offer counts by itself, one by a coupon that members take at the kiosk, one by a coupon that they get for points. A
second reward takes something off a sale at the till.
"""

from collections.abc import Callable
from uuid import UUID

from kiosk.offers.offer_service import put_offer
from kiosk.program import program_service
from kiosk.program.program_service import put_definition
from kiosk.shop import Caller, Shop
from loyalty.offers.offer import Conditions, Goods, Minimum, PercentOff
from loyalty.offers.request import OfferRequest
from loyalty.rewards import RewardAmount, RewardCoupon, RewardTerms
from loyalty.transactions import Tx

_PASTRY = Goods(categories=("Pastry",))
_PRODUCE = Goods(categories=("Produce",))
_FLORAL = Goods(categories=("Floral",))

OFFERS = {
    "PRODUCE10": OfferRequest(
        title={
            "en": "Fruit and vegetables from 5.00: 10 % off",
            "ko": "채소·과일 5.00 이상 10% 할인",
            "ja": "青果5.00以上で10%引き",
            "pl": "Owoce i warzywa od 5,00: 10% taniej",
        },
        effect=PercentOff(percent="10", goods=_PRODUCE),
        conditions=Conditions(minimum=Minimum(amount_minor=500, goods=_PRODUCE)),
    ),
    "PASTRY20": OfferRequest(
        title={"en": "20 % off pastry", "ko": "베이커리 20% 할인", "ja": "焼き菓子20%引き", "pl": "Ciasta 20% taniej"},
        effect=PercentOff(percent="20", goods=_PASTRY),
        trigger="coupon",
        conditions=Conditions(member_required=True),
    ),
    "FLOWERS50": OfferRequest(
        title={"en": "Flowers at half price", "ko": "꽃 반값", "ja": "お花が半額", "pl": "Kwiaty za pół ceny"},
        effect=PercentOff(percent="50", goods=_FLORAL),
        trigger="coupon",
        conditions=Conditions(member_required=True),
    ),
}
REWARDS = {
    "flowers": RewardTerms(title=OFFERS["FLOWERS50"].title, points=200, gives=RewardCoupon(offer="FLOWERS50")),
    "five-off": RewardTerms(
        title={"en": "5.00 off", "ko": "5.00 할인", "ja": "5.00引き", "pl": "5,00 taniej"},
        points=400,
        gives=RewardAmount(amount_minor=500),
    ),
}


def make_offers(tx: Tx, shop: Shop, caller: Caller, new_id: Callable[[], UUID]) -> None:
    """Make them, as a manager does."""
    for name, offer in OFFERS.items():
        put_offer(tx, shop, caller, new_id(), name, offer, None)
    for name, reward in REWARDS.items():
        put_definition(tx, shop, caller, program_service.REWARDS, new_id(), name, reward, None)
