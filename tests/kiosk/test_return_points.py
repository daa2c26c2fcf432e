"""Goods paid with points come back, in any split: points for points, money for money, never more than was paid."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sales.refunds import Owed, quote_refunds, refunds_of, settle_refunds
from kiosk.sales.return_points import PointsBack, decide_points_back
from kiosk.sales.returns import SoldLineState, SoldState, value_return
from loyalty.money import allocate
from loyalty.points.decide import RedeemRules
from loyalty.points.facts import Posting, PostingKind
from loyalty.points.fold import fold
from loyalty.points.operation import OpenAccount
from loyalty.points.program import Program
from loyalty.rounding import round_cash
from sync.facts.returns import Refunded

ANNA, SALE = UUID(int=11), UUID(int=12)


class Paid(msgspec.Struct, frozen=True):
    """A sale paid with points and cash, the postings it made, and its whole return cut into steps."""

    sold: SoldState
    postings: tuple[Posting, ...]
    points: int
    program: Program
    steps: list[list[tuple[int, int]]]
    coin: int


def posting(kind: PostingKind, points: int, op: UUID, at: int, lines: tuple[tuple[int, int], ...] = ()) -> Posting:
    return Posting(
        member=ANNA.bytes, op_id=op.bytes, n=at, kind=kind, points=points, effective_at=at, seq=at, lines=lines
    )


@st.composite
def paid_sales(draw: st.DrawFn) -> Paid:
    """One to three lines of one to five pieces; points worth anything, also much more than a minor unit each."""
    amounts = draw(st.lists(st.integers(0, 400), min_size=1, max_size=3))
    pieces = [draw(st.integers(1, 5)) for _ in amounts]
    total, coin = sum(amounts), draw(st.sampled_from([1, 5]))
    rules = RedeemRules(value=draw(st.sampled_from([(1, 1), (100, 7), (1, 30), (3, 2)])))
    by_points = draw(st.sampled_from([0, total, draw(st.integers(0, total))]))
    cash = round_cash(total - by_points, coin)
    kept = {kind: amount for kind, amount in (("points", by_points), ("cash", cash)) if amount}
    lines = tuple(
        SoldLineState(
            line=number,
            sku=f"sku-{number}",
            name="Goods",
            quantity_milli=1000 * count,
            net_minor=amount,
            tax_rate="23",
            tax_minor=0,
            amount_minor=amount,
            points=0,
        )
        for number, (amount, count) in enumerate(zip(amounts, pieces, strict=True), 1)
    )
    points = rules.points_for(by_points)
    taken = tuple((n, share) for n, share in enumerate(allocate(points, amounts), 1) if share) if points else ()
    earned = tuple((n, draw(st.integers(0, 20)) if amount else 0) for n, amount in enumerate(amounts, 1))
    earned = tuple((line, share) for line, share in earned if share)
    postings = [posting("adjust", points + draw(st.integers(0, 9)), UUID(int=1), 1)]
    if points:
        postings.append(posting("redeem", -points, SALE, 2, taken))
    postings.append(posting("earn", sum(share for _, share in earned), SALE, 3, earned))
    order = draw(st.permutations([number for number, count in enumerate(pieces, 1) for _ in range(count)]))
    steps: list[list[tuple[int, int]]] = [[]]
    for number in order:
        if draw(st.booleans()) and steps[-1]:
            steps.append([])
        steps[-1].append((number, 1000))
    sold = SoldState(
        sale=SALE,
        number="S001-T01-000001",
        member=ANNA,
        due_minor=by_points + cash,
        tax_added=False,
        lines=lines,
        kept=kept,
        refunded={},
    )
    return Paid(sold, tuple(postings), points, Program(redeem=rules), steps, coin)


def bring(
    paid: Paid, sold: SoldState, member: OpenAccount, step: list[tuple[int, int]]
) -> tuple[SoldState, PointsBack]:
    """One step of a return as the service takes it: what is quoted in cash is given; the sale as the next finds it."""
    value = value_return(sold, step)
    back = decide_points_back(member, sold, value.lines, value.owed_minor, paid.program)
    assert 0 <= back.owed_minor <= value.owed_minor, "points never stand for more than the goods are worth"
    owed = [Owed(back.owed_minor, back.sold.allowed())]
    refund, _ = quote_refunds(owed, 0, paid.coin)
    given = settle_refunds(owed, 0, {"cash": refund} if refund else {}, paid.coin).given[0]
    refunded = dict(sold.refunded)
    for each in (*refunds_of(given), *back.refunds):
        assert isinstance(each, Refunded)
        refunded[each.settles] = refunded.get(each.settles, 0) + each.amount_minor
    now = {line.line: line.quantity_milli for line in value.lines}
    lines = tuple(
        msgspec.structs.replace(line, returned_milli=line.returned_milli + now.get(line.line, 0)) for line in sold.lines
    )
    return msgspec.structs.replace(sold, lines=lines, refunded=refunded), back


@given(paid_sales())
def test_any_split_gives_back_the_points_and_the_money_that_were_paid(paid: Paid) -> None:
    account = fold(paid.postings)
    worth = account.net + paid.points - sum(each.points for each in paid.postings if each.kind == "earn")
    member = OpenAccount(
        member=ANNA.bytes, op_id=UUID(int=2).bytes, at=10, origin=0, before=account, account_of=ANNA.bytes
    )
    sold, clawed, given = paid.sold, 0, 0
    for step in paid.steps:
        sold, back = bring(paid, sold, member, step)
        clawed, given = clawed + back.clawed_back, given + back.given_back
        assert back.account is not None
        member = back.account
        assert given <= paid.points, "I8: never more points than paid"
        for kind, amount in sold.refunded.items():
            assert amount <= paid.sold.kept.get(kind, 0), "I9: never more in a kind than was paid in it"
        assert sum(line.points for line in back.lines) == back.clawed_back
    earned = sum(each.points for each in paid.postings if each.kind == "earn")
    assert (clawed, given) == (earned, paid.points), "all of it, however it was split"
    assert {kind: amount for kind, amount in sold.refunded.items() if amount} == paid.sold.kept
    assert member.account().net == worth, "as if it had never been sold"


def test_points_worth_much_each_cover_what_no_money_was_paid_for() -> None:
    """Two lines of 50, paid with 7 points worth 100: 4 and 3 points. The second comes back first, with its 3 points;
    that counts as 50, although 3 of 7 points are 42, because nothing was paid in money."""
    line = SoldLineState(
        line=1,
        sku="a",
        name="Goods",
        quantity_milli=1000,
        net_minor=50,
        tax_rate="23",
        tax_minor=0,
        amount_minor=50,
        points=0,
    )
    sold = SoldState(
        sale=SALE,
        number="S001-T01-000001",
        member=ANNA,
        due_minor=100,
        tax_added=False,
        lines=(line, msgspec.structs.replace(line, line=2)),
        kept={"points": 100},
        refunded={},
    )
    account = fold([posting("adjust", 7, UUID(int=1), 1), posting("redeem", -7, SALE, 2, ((1, 4), (2, 3)))])
    member = OpenAccount(
        member=ANNA.bytes, op_id=UUID(int=2).bytes, at=10, origin=0, before=account, account_of=ANNA.bytes
    )
    value = value_return(sold, [(2, 1000)])
    back = decide_points_back(member, sold, value.lines, value.owed_minor, Program())
    assert (value.owed_minor, back.given_back, back.owed_minor) == (50, 3, 0)
    assert back.refunds == (Refunded(kind="points", amount_minor=50, settles="points"),)
