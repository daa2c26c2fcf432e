"""sql: lets a demonstration shop live through its past: shifts, sales, a few returns, drawers that are a little off.

Everything goes through the services of a till, each at its own moment, so that the journal, the Z reports and what
head office makes of them are those of a shop that was there.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from kiosk.answers import SaleAnswer
from kiosk.commands import CloseShift, OpenShift, QuoteBasket, QuoteReturn, RefundRequest, ReturnLine, TakeBack
from kiosk.demo.baskets import Basket
from kiosk.demo.past import TradingDay
from kiosk.demo.spending import Spending
from kiosk.replay.replay_orders import command_of, tenders_of
from kiosk.sales.return_service import quote_return, take_back
from kiosk.sales.sale_service import complete_sale, quote_basket
from kiosk.sales.tender import CASH
from kiosk.shifts.shift_service import close_shift, open_shift
from kiosk.shop import Caller, Shop
from loyalty.ids import uuid7
from loyalty.transactions import Tx

FLOAT_MINOR = 20_000
_QUARTER_MS = 15 * 60_000
_MINUTE_MS = 60_000
_RETURN_EVERY = 23  # sales: some day in three something is brought back
_OFF_MINOR = (0, 0, -5, 0, 10, 0, -200, 0, 0, 50, 0)  # what a counted drawer is over or short, in turn

Enrol = Callable[[Caller, str], None]


class Trading:
    """A shop that works through its days. `enrol` makes a household a member, before its first purchase."""

    def __init__(self, tx: Tx, shop: Shop, caller: Caller, prices: Mapping[str, int], enrol: Enrol) -> None:
        """`caller` is a manager at the till that sells; its moment does not matter. Prices are in minor units."""
        self._tx, self._shop, self._caller = tx, shop, caller
        self._prices, self._enrol = prices, enrol
        self._now_ms = 0
        self._cash_minor = 0
        self._sales = self._shifts = 0
        self._known: set[str] = set()
        self._spending: Spending | None = None

    def live_through(self, days: Sequence[TradingDay], spending: Spending | None = None) -> None:
        """All of `days`, one shift each; with `spending` members use what they have. They may be told in several parts,
        in order."""
        self._spending = spending
        for day in days:
            self._now_ms = max(self._now_ms, day.visits[0].at_ms - _QUARTER_MS)
            self._cash_minor = FLOAT_MINOR
            shift = self._new_id()
            open_shift(self._tx, self._shop, self._at(), OpenShift(id=shift, float_minor=FLOAT_MINOR))
            for visit in day.visits:
                self._now_ms = max(self._now_ms, visit.at_ms)
                self._sell(visit.basket)
            self._now_ms += _QUARTER_MS
            counted = self._cash_minor + _OFF_MINOR[self._shifts % len(_OFF_MINOR)]
            self._shifts += 1
            close_shift(self._tx, self._shop, self._at(), shift, CloseShift(counted={CASH: counted}))

    def _sell(self, basket: Basket) -> None:
        household = basket.household_id
        if household is not None and household not in self._known:
            self._known.add(household)
            self._enrol(self._at(), household)
        command = command_of(basket, self._prices)
        if self._spending is not None:
            skus = {line.product_id for line in basket.lines}
            coupons = self._spending.take_coupons(self._at(), command, skus)
            command = msgspec.structs.replace(command, coupons=coupons)
        asked = QuoteBasket(lines=command.lines, member=command.member, coupons=command.coupons)
        due_minor = quote_basket(self._tx, self._shop, self._at(), asked).totals.due_minor
        points = self._spending.pay_with_points(self._at(), command, due_minor) if self._spending is not None else ()
        left_minor = due_minor - sum(tender.amount_minor for tender in points)
        tenders = points + tenders_of(left_minor, by_card=command.id.int % 3 == 0)
        command = msgspec.structs.replace(command, tenders=tenders)
        sale = complete_sale(self._tx, self._shop, self._at(), command).answer
        self._cash_minor += sum(tender.amount_minor for tender in sale.tenders if tender.kind == CASH)
        self._cash_minor -= sale.totals.change_minor
        self._sales += 1
        if self._sales % _RETURN_EVERY == 0:
            self._now_ms += _MINUTE_MS
            self._bring_back(sale)

    def _bring_back(self, sale: SaleAnswer) -> None:
        """The first line comes back, for what the receipt says it is worth."""
        sold = sale.lines[0]
        lines = (ReturnLine(line=sold.line, quantity_milli=sold.quantity_milli),)
        quote = quote_return(self._tx, self._shop, self._at(), QuoteReturn(sale=sale.number, lines=lines))
        refunds: tuple[RefundRequest, ...] = ()
        if quote.refund_minor:
            kind = quote.refunds_allowed[0].kind
            refunds = (RefundRequest(kind=kind, amount_minor=quote.refund_minor),)
            self._cash_minor -= quote.refund_minor if kind == CASH else 0
        command = TakeBack(id=self._new_id(), sale=sale.number, lines=lines, refunds=refunds, reason="Changed mind")
        take_back(self._tx, self._shop, self._at(), command)

    def _at(self) -> Caller:
        return msgspec.structs.replace(self._caller, now_ms=self._now_ms)

    def _new_id(self) -> UUID:
        return uuid7(self._now_ms, os.urandom(10))
