"""A shop where everything meets: an offer, coupons given with sales, a reward, points as money, gift cards.

with open_money_shop(tmp_path) as shop:
    basket = shop.sell_everything(anna)           # 2 x 500, 1 x 300, chocolate, a newspaper for points, milk
    shop.assert_as_before()                       # nobody has gained or lost anything by what happened since
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from kiosk.answers import SaleAnswer
from kiosk.commands import Discount, LineRequest, TenderRequest
from kiosk.coupons.coupon_service import reissue_coupon, verify_coupon
from kiosk.coupons.coupons import ReissueCoupon, VerifyCoupon
from kiosk.coupons.gift_card_service import AskBalance, ask_balance
from kiosk.members.member_records import MergeMembers, PartMembers
from kiosk.members.merge_service import merge_members, part_members
from kiosk.points.points import HoldPoints
from kiosk.program.program_service import REWARDS
from loyalty.offers.offer import Goods, Limits
from loyalty.rewards import RewardProduct, RewardTerms
from tests.kiosk.couponing import OFFER, issue, make_offer
from tests.kiosk.earning_shop import define
from tests.kiosk.offering import make, percent, used
from tests.kiosk.selling import Till, assert_holds, open_till, product, sale_of
from tests.kiosk.shopkit import add_products, caller, new_id, perform

CARD = "CARD-000001"
LIVE_FROM = 2000
"""What a sale must come to, to give a coupon."""

NEWSPAPER = RewardTerms(title={"en": "A newspaper"}, points=150, gives=RewardProduct(goods=Goods(products=("102",))))
_GOODS = (product("300", 300, "food"), product("500", 500), product("1000", 1000))
_SKUS = ("100", "101", "102", "300", "500")
_CARDS = product("card", 1000, "zero", department="CARDS")

TENDERS = {"points": 301, "gift_card": 402, "cash": 758}
"""How `sell_everything` is paid: 900 + 225 (a quarter off by hand) + 207 + 0 + 129."""


class MoneyShop(Till):
    """A till with some words more."""

    def member(self, points: int = 1000) -> UUID:
        """A new member with so many points."""
        member = self.enrol()
        self.adjust(member, points)
        return member

    def refund_of(self, sold: SaleAnswer, lines: list[tuple[int, int]], kind: str) -> list[tuple[str, int]]:
        """What the quote allows for these lines, as much as possible of this kind."""
        quote = self.quote_return(sold, lines)
        left, refunds = quote.refund_minor, []
        for allowed in sorted(quote.refunds_allowed, key=lambda each: each.kind != kind):
            part = min(left, allowed.max_minor)
            left -= part
            refunds += [(allowed.kind, part)] if part else []
        assert left == 0
        return refunds

    def hold_reward(self, member: UUID, reward: str = "newspaper", points: int = 150) -> UUID:
        """Points set aside for a reward."""
        return self.hold_outcome(HoldPoints(id=new_id(), member=member, points=points, reward=reward)).answer.id

    def state_of(self, coupon: str, **more: Any) -> str:  # noqa: ANN401
        """ "ok", or why a coupon would not be taken."""
        return verify_coupon(self.connection, self.shop, self.who, VerifyCoupon(code=coupon, **more)).reason

    def coupon_of(self, sold: SaleAnswer) -> tuple[str, str]:
        """(serial, token) of the coupon that a sale gave."""
        assert sold.coupons is not None
        (given,) = sold.coupons.issued
        return given.serial, given.token

    def reissue(self, serial: str) -> str:
        """The token of the coupon that replaces this one."""
        return self.do(reissue_coupon, serial, ReissueCoupon(id=new_id(), reason="wet paper")).answer.token

    def on_card(self, code: str = CARD) -> int:
        """The balance of a gift card."""
        return ask_balance(self.connection, self.shop, self.who, AskBalance(code=code)).balance_minor

    def merge(self, absorbed: UUID, into: UUID) -> UUID:
        """Two records of one person become one."""
        command = MergeMembers(id=new_id(), absorbed=absorbed, into=into, reason="same phone")
        self._as_manager(merge_members, command)
        return command.id

    def part(self, merge: UUID) -> None:
        """And two again."""
        self._as_manager(part_members, merge, PartMembers(reason="they are sisters"))

    def _as_manager(self, service: Any, *command: Any) -> None:  # noqa: ANN401
        self.wait(minutes=1)
        manager = caller("manager", till=self.who.till, at_ms=self.who.now_ms)
        perform(self.connection, service, self.shop, manager, *command)

    def sell_everything(self, member: UUID) -> tuple[SaleAnswer, str]:
        """The sale in which all of it meets, and the token of the coupon that it used."""
        token = issue(self).token
        reward, paid = self.hold_reward(member), self.hold(member, 400)
        lines = (
            LineRequest(sku="500", quantity_milli=2000),
            LineRequest(sku="300", discount=Discount("percent", 25, "dented")),
            LineRequest(sku="101"),
            LineRequest(sku="102"),
            LineRequest(sku="100"),
        )
        tenders = (
            TenderRequest(kind="points", amount_minor=TENDERS["points"], hold=paid),
            TenderRequest(kind="gift_card", amount_minor=TENDERS["gift_card"], code=CARD),
            TenderRequest(kind="cash", amount_minor=1000),
        )
        sale = sale_of(*lines, member=member, hold=reward, coupons=(token,), paid=tenders)
        return self.send(sale).answer, token

    def snapshot(self, member: UUID) -> dict[str, Any]:
        """What somebody could gain by: points, the card, shelves, uses of offers."""
        balance = self.points(member)
        return {
            "points": balance.active + balance.pending + balance.held - balance.debt,
            "card": self.on_card(),
            "stock": [self.stock(sku) for sku in _SKUS],
            "uses": [used(self, OFFER), used(self, "TENTH")],
            "drawer": self.drawer(),
        }

    def drawer(self) -> int:
        """The cash that should be there."""
        (cash,) = (each.expected_minor for each in self.report().tenders if each.kind == "cash")
        assert cash is not None
        return cash


@contextlib.contextmanager
def open_money_shop(folder: Path, **sections: Any) -> Iterator[MoneyShop]:  # noqa: ANN401
    """The shop, its gift card sold; proved when the block ends."""
    sections = {
        "gift_cards": {"departments": ["CARDS"]},
        "coupons": {"with_sale": [{"offer": OFFER, "from_minor": LIVE_FROM}]},
        **sections,
    }
    with open_till(folder, **sections) as till:
        shop = MoneyShop(till.connection, till.shop, till.who)
        shop.shift = till.shift
        perform(shop.connection, lambda tx, _shop, _who: add_products(tx, _shop, *_GOODS, _CARDS), shop.shop, shop.who)
        make_offer(shop)
        make(shop, "TENTH", percent("10", "500"), limits=Limits(total=10, budget_minor=10_000))
        define(shop, REWARDS, "newspaper", NEWSPAPER)
        shop.sell(LineRequest(sku="card", gift_card=CARD))
        yield shop
        assert_holds(shop.connection)
