"""Whatever tills do with points, in whatever order and at whatever time: the accounts are what the postings make, no
invariant breaks, and any split of a return ends where one return ends."""

import tempfile
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.commands import LineRequest, QuoteReturn, RefundRequest, ReturnLine, TakeBack, VoidSale
from kiosk.sales.return_service import quote_return, take_back
from kiosk.sales.sale_service import void_sale
from loyalty.errors import Problem
from loyalty.points_proof import check_points
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import new_id

PROGRAMS: tuple[dict[str, object], ...] = (
    {},
    {"pending_days": 2, "valid_for": 5, "valid_unit": "day", "valid_to_end_of": "day", "grace_days": 1},
    {"valid_for": 1, "debt": "refund", "value_minor": 3, "value_points": 2, "tender_earns": True},
    {"pending_days": 1, "debt": "forgive", "forgive_below": 30, "min_points": 5, "step": 5, "max_share_percent": 60},
)
SKUS = ("100", "101", "102", "104")


class Shoppers:
    """Two members and a till; each step is one thing that somebody does, or tries to."""

    def __init__(self, till: Till, random: Random) -> None:
        self.till, self.random = till, random
        self.members = [till.enrol("Ana"), till.enrol("Bea")]
        self.holds: list[tuple[UUID, UUID, int]] = []
        self.sales: list[tuple[UUID, list[int]]] = []

    def step(self) -> None:
        """One thing; what is refused must leave no trace, which the check after it sees."""
        deeds = [self.sell, self.sell, self.hold, self.hold, self.pay, self.pay, self.release, self.give_back]
        deeds += [self.give_back, self.void, self.adjust, self.wait, self.wait]
        try:
            self.random.choice(deeds)()
        except Problem:
            assert not self.till.connection.in_transaction

    def sell(self) -> None:
        lines = self._lines()
        sold = self.till.sell(*lines, member=self.random.choice([*self.members, None]))
        self.sales.append((sold.id, [line.quantity_milli for line in lines]))

    def hold(self) -> None:
        member, points = self.random.choice(self.members), 5 * self.random.randint(1, 60)
        self.holds.append((self.till.hold(member, points), member, points))

    def pay(self) -> None:
        if not self.holds:
            return
        hold, member, points = self.random.choice(self.holds)
        lines = self._lines()
        due = self.till.quote(*lines, member=member).pay_minor
        worth = self.till.shop.terms.program.redeem.value_minor(points)
        amount = self.random.choice([min(worth, due), min(worth, due // 2), max(worth // 3, 1)])
        sold = self.till.pay(*lines, member=member, points=max(amount, 1), hold=hold)
        self.sales.append((sold.id, [line.quantity_milli for line in lines]))

    def release(self) -> None:
        if self.holds:
            self.till.release(self.random.choice(self.holds)[0])

    def give_back(self) -> None:
        if not self.sales:
            return
        index = self.random.randrange(len(self.sales))
        sale, left = self.sales[index]
        line = self.random.randrange(len(left))
        pieces = left[line] // 1000
        if pieces:
            quantity = 1000 * self.random.randint(1, pieces)
            pairs = [(line + 1, quantity)]
            asked = QuoteReturn(sale=str(sale), lines=(ReturnLine(line=line + 1, quantity_milli=quantity),))
            refund = self.till.do(quote_return, asked).refund_minor
            self.till.take_back(str(sale), pairs, [("cash", refund)] if refund else [])
            left[line] -= quantity

    def void(self) -> None:
        if self.sales:
            self.till.do(void_sale, self.sales.pop()[0], VoidSale(reason="changed their mind"))

    def adjust(self) -> None:
        self.till.adjust(self.random.choice(self.members), self.random.choice([-40, -5, 15, 200]))

    def wait(self) -> None:
        self.till.wait(days=self.random.choice([0.01, 0.5, 1, 3, 40, -2]))

    def _lines(self) -> list[LineRequest]:
        count = self.random.randint(1, 3)
        skus = [self.random.choice(SKUS) for _ in range(count)]
        return [LineRequest(sku=sku, quantity_milli=1000 * self.random.randint(1, 4)) for sku in skus]


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.sampled_from(PROGRAMS))
def test_whatever_happens_the_accounts_are_what_the_postings_make(seed: int, program: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_till(Path(folder), points=program) as till:
        shoppers = Shoppers(till, Random(seed))
        for member in shoppers.members:
            till.adjust(member, 300)
        for _ in range(25):
            shoppers.step()
            assert list(check_points(till.connection)) == []
        assert till.rows("SELECT kind FROM points_incident") == [], "what was decided here breaks no rule"
        assert_holds(till.connection)


@st.composite
def splits(draw: st.DrawFn) -> list[list[tuple[int, int]]]:
    """Two lines of 4 and 3 pieces coming back in parts, each piece once."""
    pieces = draw(st.permutations([1] * 4 + [2] * 3))
    cuts: list[list[tuple[int, int]]] = [[]]
    for line in pieces:
        if draw(st.booleans()) and cuts[-1]:
            cuts.append([])
        cuts[-1].append((line, 1000))
    return cuts


@settings(max_examples=12)
@given(splits(), st.integers(0, 700), st.integers(0, 1_290), st.booleans(), st.sampled_from(PROGRAMS[:2]))
def test_goods_that_come_back_in_parts_leave_the_account_that_one_return_leaves(
    parts: list[list[tuple[int, int]]], spent: int, paid: int, held: bool, program: dict[str, object]
) -> None:
    """I14, at one clock time: Ana brings everything at once, Bea in parts; what they did before is the same."""
    with tempfile.TemporaryDirectory() as folder, open_till(Path(folder), points=program) as till:
        outcomes = []
        for name, steps in (("Ana", [[piece for part in parts for piece in part]]), ("Bea", parts)):
            member = till.enrol(name)
            till.adjust(member, 1_290)
            lines = (LineRequest(sku="104", quantity_milli=4000), LineRequest(sku="101", quantity_milli=3000))
            sold = till.pay(*lines, member=member, points=paid) if paid else till.sell(*lines, member=member)
            there = till.points(member).active
            if min(spent, there):
                till.adjust(member, -min(spent, there))
            if held and till.points(member).active:
                till.hold(member, till.points(member).active)
            till.wait(minutes=1)
            now = till.who
            for step in steps:
                till.who = msgspec.structs.replace(now, now_ms=now.now_ms - 1000)  # Till.do adds the second again
                request = tuple(ReturnLine(line=line, quantity_milli=quantity) for line, quantity in step)
                refund = quote_return(till.connection, till.shop, now, QuoteReturn(sale=str(sold.id), lines=request))
                refunds = (RefundRequest("cash", refund.refund_minor),) if refund.refund_minor else ()
                command = TakeBack(id=new_id(), sale=str(sold.id), lines=request, refunds=refunds, reason="all back")
                till.do(take_back, command)
            lots = till.rows(
                "SELECT source, points, free, held, used, expired, clawed, moved, gone, owed, clawed_lines"
                " FROM points_lot WHERE account = ? ORDER BY source, points",
                member.bytes,
            )
            outcomes.append((till.points(member), lots))
            assert till.rows("SELECT sum(amount_minor) FROM refund WHERE sale = ?", sold.id.bytes) == [(8737,)]
        assert outcomes[0] == outcomes[1]
        assert_holds(till.connection)
