"""sql: what the members of a demonstration shop use of what they were given: points that pay, coupons for pastry.

    spending = Spending(tx, shop, pastry, savers)
    coupons = spending.take_coupons(caller, command)             # before the basket is priced
    tenders = spending.pay_with_points(caller, command, due)     # before the rest of it is paid

Who does is drawn by the sale's own id, so that it is the same baskets in every demonstration. A coupon that finds no
pastry on a basket is shown all the same now and then, as people do: it gives nothing and stays good.
"""

import os
import secrets
from collections.abc import Set as AbstractSet
from uuid import UUID

from kiosk.commands import CompleteSale, TenderRequest
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupons import IssueCoupon
from kiosk.identity.approvals import grant_approval
from kiosk.identity.proofs import CheckedProof
from kiosk.points.accounts import view_account
from kiosk.points.points import HoldPoints
from kiosk.points.points_service import hold_points
from kiosk.sales.tender import POINTS
from kiosk.shop import Caller, Shop
from loyalty.ids import uuid7
from loyalty.transactions import Tx

COUPON_OFFER, COUPON_DEPARTMENT = "PASTRY20", "Pastry"
_STEP_POINTS, _MOST_POINTS = 100, 500
_PAYS_EVERY = 3  # one visit of a member in so many
_SHOWN_IN_VAIN_EVERY = 30
_APPROVAL_MS = 60_000


class Spending:
    """Members who use what they have. `pastry` are the SKUs that the coupon is for; `savers` keep their points."""

    def __init__(self, tx: Tx, shop: Shop, pastry: AbstractSet[str], savers: AbstractSet[UUID]) -> None:
        self._tx, self._shop, self._pastry, self._savers = tx, shop, pastry, savers

    def take_coupons(self, caller: Caller, command: CompleteSale, skus: AbstractSet[str]) -> tuple[str, ...]:
        """A coupon given to the member on the way in, if this one brings one; `skus` are those of the basket."""
        if command.member is None or (self._pastry.isdisjoint(skus) and command.id.int % _SHOWN_IN_VAIN_EVERY):
            return ()
        asked = IssueCoupon(id=uuid7(caller.now_ms, os.urandom(10)), offer=COUPON_OFFER, member=command.member)
        return (issue_coupon(self._tx, self._shop, caller, asked).answer.token,)

    def pay_with_points(self, caller: Caller, command: CompleteSale, due_minor: int) -> tuple[TenderRequest, ...]:
        """The part of `due_minor` that the member pays with points, if this one does: whole hundreds of them."""
        if command.member is None or command.member in self._savers or command.id.int % _PAYS_EVERY:
            return ()
        active = view_account(self._tx, command.member, caller.now_ms).balance.active
        payable = self._shop.terms.program.redeem.limit_for(due_minor)
        points = min(active, payable, _MOST_POINTS) // _STEP_POINTS * _STEP_POINTS
        if points <= 0:
            return ()
        token = secrets.token_urlsafe()
        assert caller.operator is not None, "a manager is at the till"
        grant_approval(self._tx, token, caller.operator, "redeem", caller.device, caller.now_ms + _APPROVAL_MS)
        asked = HoldPoints(id=uuid7(caller.now_ms, os.urandom(10)), member=command.member, points=points)
        proof = CheckedProof("approval", command.member, token)
        hold = hold_points(self._tx, self._shop, caller, asked, proof).answer
        return (TenderRequest(kind=POINTS, amount_minor=hold.value_minor, hold=hold.id),)
