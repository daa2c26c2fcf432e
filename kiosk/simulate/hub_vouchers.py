"""pure: what a simulated head office keeps for one shop at a time (uses of coupons, money of gift cards, goods to come
back), and what it knows of coupons, cards and receipts by the entries it has applied.

The rules are those of sync/hub/reserving.py and its neighbours, which decide in SQL; commands, answers and refusals are
the real ones.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import msgspec

from kiosk.simulate.entries import Deed
from kiosk.simulate.feed import COUPON_USED, GLOBAL, RESERVATION, RETURNED, Feed, bucket_of, encode
from loyalty.errors import IdConflict, NotFound
from sync.hub.problems import (
    CardNotKnown,
    CardShort,
    CouponSpent,
    LendingClosed,
    NotYetApplied,
    ReservationOver,
    ReturnChanged,
    ReturnGone,
    ReturnPending,
)
from sync.protocol.commands import (
    CouponUseCommand,
    GiftCardCommand,
    ReservedAnswer,
    Reserving,
    ReturnReserveCommand,
    op_of,
)

Subject = tuple[str, int | UUID]
"""What a reservation is about: a coupon, a card or a sale."""


class Reservation(NamedTuple):
    """Something that is kept for one fact of one shop."""

    subject: Subject
    op: UUID
    amount: int
    asked: bytes
    answer: ReservedAnswer


class SaleSeen(NamedTuple):
    """A sale as returns anywhere find it. `returns` are (operation, shop, minor units)."""

    shop: str
    paid_minor: int
    by_card: bool
    returns: tuple[tuple[UUID, str, int], ...] = ()

    @property
    def back_minor(self) -> int:
        """What came back of it anywhere."""
        return sum(amount for _, _, amount in self.returns)


class Vouchers:
    """That part of head office's database. `over` are reservations that were used up or given back."""

    def __init__(self) -> None:
        self.reserved: dict[tuple[str, UUID], Reservation] = {}
        self.over: dict[tuple[str, UUID], Reservation] = {}
        self.uses: dict[int, tuple[UUID, ...]] = {}
        self.cards: dict[int, int] = {}
        self.sales: dict[UUID, SaleSeen] = {}
        self.incidents: dict[Subject, tuple[UUID, ...]] = {}
        self.closed_until_ms = 0

    def copy(self) -> "Vouchers":
        """A backup."""
        copied = Vouchers()
        copied.reserved, copied.over = self.reserved.copy(), self.over.copy()
        copied.uses, copied.cards, copied.sales = self.uses.copy(), self.cards.copy(), self.sales.copy()
        copied.incidents = self.incidents.copy()
        copied.closed_until_ms = self.closed_until_ms
        return copied

    def reserve(
        self,
        feed: Feed,
        shop: str,
        command: Reserving,
        applied_seq: int,
        now_ms: int,
        *,
        is_closed: bool = False,
        ignores_others: bool = False,
    ) -> ReservedAnswer:
        """Keep what a command asks for; the same command again gets the same answer. `applied_seq` is how far the life
        that it names is applied; `is_closed`: the database was put back, and not every shop was heard since nor is it
        long enough ago. `ignores_others` leaves out what is kept for others (a planted bug).

        Raises what the product raises.
        """
        key, asked = (shop, command.id), encode(msgspec.structs.replace(command, epoch="", seq=0))
        known = self.reserved.get(key) or self.over.get(key)
        if known is not None:
            if known.asked != asked:
                raise IdConflict
            if key in self.over:
                raise ReservationOver
            return known.answer
        if applied_seq < command.seq:
            raise NotYetApplied
        if is_closed:
            raise LendingClosed
        subject, op = subject_of(command), op_of(command)
        others = [] if ignores_others else [r for r in self.reserved.values() if r.subject == subject and r.op != op]
        amount, answer = self._decide(command, others)
        if amount:
            self.reserved[key] = Reservation(subject, op, amount, asked, answer)
            feed.put(bucket_of(shop), RESERVATION, str(command.id), encode(op), now_ms)
            if isinstance(command, ReturnReserveCommand):
                self._tell_seller(feed, command.sale, now_ms)
        return answer

    def _decide(self, command: Reserving, others: list[Reservation]) -> tuple[int, ReservedAnswer]:
        """How much is kept, and the answer. Raises the refusals."""
        match command:
            case CouponUseCommand():
                if len(self.uses.get(command.serial, ())) + len(others) >= command.uses_max:
                    raise CouponSpent
                return 1, ReservedAnswer(reservation=command.id)
            case GiftCardCommand():
                card = int(command.card, 16)
                if card not in self.cards:
                    raise CardNotKnown
                free = max(self.cards[card] - sum(each.amount for each in others), 0)
                if command.amount_minor > free:
                    raise CardShort(balance_minor=free)
                return command.amount_minor, ReservedAnswer(reservation=command.id, balance_minor=free)
            case ReturnReserveCommand():
                if others:
                    raise ReturnPending
                sale = self.find_sale(command.sale)
                amount = sum(milli for _, milli in command.lines)
                if len(sale.returns) != command.returns:
                    raise ReturnChanged
                if sale.back_minor + amount > sale.paid_minor:
                    raise ReturnGone
                return amount, ReservedAnswer(reservation=command.id)

    def find_sale(self, sale: UUID) -> SaleSeen:
        """A sale as far as it is applied. Raises NotFound."""
        seen = self.sales.get(sale)
        if seen is None or not seen.paid_minor:
            raise NotFound
        return seen

    def apply(self, feed: Feed, shop: str, op: UUID, deed: Deed, now_ms: int) -> None:
        """What an entry did, and the reservations that are over with it, in one transaction."""
        self._end(feed, shop, lambda key, kept: kept.op == op or key == (shop, deed.freed), now_ms)
        if deed.coupon is not None:
            self._use(feed, deed.coupon.coupon, op, now_ms)
        if deed.card is not None:
            self.cards[deed.card.card] = self.cards.get(deed.card.card, 0) + deed.card.amount_minor
        if deed.sold_minor:
            known = self.sales.get(op)
            by_card = deed.card is not None
            self.sales[op] = SaleSeen(shop, deed.sold_minor, by_card, known.returns if known else ())
            self._judge_returns(op)
        if deed.back is not None:
            sale = self.sales.get(deed.back.sale) or SaleSeen("", 0, by_card=False)
            back = (op, shop, deed.back.amount_minor)
            self.sales[deed.back.sale] = sale._replace(returns=(*sale.returns, back))
            self._judge_returns(deed.back.sale)
            self._tell_seller(feed, deed.back.sale, now_ms)

    def _end(
        self, feed: Feed, shop: str, is_over: Callable[[tuple[str, UUID], Reservation], bool], now_ms: int
    ) -> None:
        for key, kept in list(self.reserved.items()):
            if key[0] == shop and is_over(key, kept):
                self.over[key] = self.reserved.pop(key)
                feed.put(bucket_of(shop), RESERVATION, str(key[1]), None, now_ms)
                if kept.subject[0] == "sale" and isinstance(kept.subject[1], UUID):
                    self._tell_seller(feed, kept.subject[1], now_ms)

    def _use(self, feed: Feed, coupon: int, op: UUID, now_ms: int) -> None:
        """The use that came in first is the one that is kept; the incident names all of them."""
        self.uses[coupon] = (*self.uses.get(coupon, ()), op)
        if len(self.uses[coupon]) > 1:
            self.incidents[("coupon", coupon)] = self.uses[coupon]
        feed.put(GLOBAL, COUPON_USED, str(coupon), encode(self.uses[coupon]), now_ms)

    def _judge_returns(self, op: UUID) -> None:
        sale = self.sales[op]
        if sale.paid_minor and sale.back_minor > sale.paid_minor:
            self.incidents[("sale", op)] = tuple(each[0] for each in sale.returns)

    def _tell_seller(self, feed: Feed, op: UUID, now_ms: int) -> None:
        """What came back elsewhere, and what is kept for that."""
        sale = self.sales.get(op)
        if sale is None or not sale.shop:
            return
        elsewhere = sum(amount for _, shop, amount in sale.returns if shop != sale.shop)
        elsewhere += sum(kept.amount for kept in self.reserved.values() if kept.subject == ("sale", op))
        feed.put(bucket_of(sale.shop), RETURNED, str(op), encode(elsewhere) if elsewhere else None, now_ms)


def subject_of(command: Reserving) -> Subject:
    """What a command wants kept."""
    match command:
        case CouponUseCommand():
            return "coupon", command.serial
        case GiftCardCommand():
            return "card", int(command.card, 16)
        case ReturnReserveCommand():
            return "sale", command.sale
