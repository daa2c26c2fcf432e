"""pure: the coupons of a basket: which are good, which the basket spends, which stay with the shopper and why."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from kiosk.offers.offer_words import NoteAnswer
from loyalty.errors import Problem
from loyalty.offers.offer import Offer
from loyalty.offers.outcome import Code, Note
from sync.facts.coupons import UsedCoupon
from sync.facts.vouchers import UnspentCoupon


class Shown(NamedTuple):
    """A coupon shown at the till: its use, should the basket spend it; or the problem that stands against it. What is
    known of it is told in both cases."""

    use: UsedCoupon | None
    problem: Problem | None
    serial: int | None = None
    offer: Offer | None = None
    member: UUID | None = None
    valid_until: str | None = None
    store: str | None = None


class ShownCoupons(NamedTuple):
    """The coupons of a basket, in the order they were shown."""

    shown: tuple[Shown, ...] = ()

    def by_offer(self) -> Mapping[str, int]:
        """How many good coupons of each offer were shown, as pricing asks."""
        counts: dict[str, int] = {}
        for use in self._good():
            counts[use.offer] = counts.get(use.offer, 0) + 1
        return counts

    def spend(
        self, uses: Mapping[str, int], notes: Iterable[Note]
    ) -> tuple[tuple[UsedCoupon, ...], tuple[UnspentCoupon, ...]]:
        """The coupons that are spent when offers were given `uses` times by coupon, those shown first; and the others,
        which gave nothing, with the reason from `notes`."""
        left = dict(uses)
        reasons = {note.offer: note for note in notes}
        spent, unspent = [], []
        for use in self._good():
            if left.get(use.offer, 0) > 0:
                left[use.offer] -= 1
                spent.append(use)
                continue
            note = reasons.get(use.offer)
            unspent.append(
                UnspentCoupon(
                    serial=use.serial,
                    offer=use.offer,
                    # The engine names a reason for each offer that gave nothing; if it gave something, it was enough.
                    code=note.code.value if note else Code.LIMIT_REACHED.value,
                    parameters=note.parameters if note else {},
                )
            )
        return tuple(spent), tuple(unspent)

    def refuse_bad(self) -> None:
        """Raises the problem of the first coupon that is not good."""
        for each in self.shown:
            if each.problem is not None:
                raise each.problem

    def refused(self) -> list[NoteAnswer]:
        """The coupons that are not good, as a quote lists them: code and words of the problem a sale would meet."""
        return [
            NoteAnswer(offer=each.offer.id if each.offer else "", code=each.problem.code, text=each.problem.detail)
            for each in self.shown
            if each.problem is not None
        ]

    def _good(self) -> list[UsedCoupon]:
        return [each.use for each in self.shown if each.use is not None]


NONE_SHOWN = ShownCoupons()
