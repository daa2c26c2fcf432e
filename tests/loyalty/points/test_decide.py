"""Decisions answer a posting or a reason, and a quote explains itself."""

import pytest

from loyalty.errors import Problem
from loyalty.points.account import Account
from loyalty.points.decide import (
    RedeemRules,
    Stamp,
    forgive_debt,
    give_back,
    quote_redemption,
    redeem,
    take_back,
)
from loyalty.points.facts import Posting, PostingId
from loyalty.points.fold import apply_postings, fold
from loyalty.points.refusals import ReversalUnknown

ANA = b"ana".rjust(16, b".")
SALE, OTHER = b"sale".rjust(16, b"."), b"other".rjust(16, b".")
EARNED, PAID = PostingId(SALE, 1, ANA), PostingId(SALE, 0, ANA)


def stamp(op: bytes, n: int, at: int) -> Stamp:
    return Stamp(ANA, op, n, at)


def account_with(points: int, debt: int = 0) -> Account:
    postings = []
    if points:
        postings.append(Posting(member=ANA, op_id=SALE, kind="earn", points=points, effective_at=1))
    if debt:
        postings.append(Posting(member=ANA, op_id=OTHER, kind="redeem", points=-debt - points, effective_at=2))
    return fold(postings)


@pytest.mark.parametrize(
    ("points", "debt", "rules", "bill", "quoted", "worth", "reason"),
    [
        (250, 0, RedeemRules(), 1000, 250, 250, None),
        (250, 0, RedeemRules(), 100, 100, 100, None),
        (250, 0, RedeemRules(value=(1, 100)), 1000, 250, 2, None),
        (250, 0, RedeemRules(step=100), 1000, 200, 200, None),
        (250, 0, RedeemRules(share=(1, 2), step=30), 100, 30, 30, None),
        (250, 0, RedeemRules(max_points=120), 1000, 120, 120, None),
        (49, 0, RedeemRules(min_points=50), 1000, 0, 0, "insufficient_points"),
        (9, 0, RedeemRules(step=10), 1000, 0, 0, "insufficient_points"),
        (250, 0, RedeemRules(min_points=50), 49, 0, 0, "points_above_share"),
        (250, 0, RedeemRules(), 0, 0, 0, "points_above_share"),
        (0, 0, RedeemRules(), 1000, 0, 0, "insufficient_points"),
        (0, 30, RedeemRules(), 1000, 0, 0, "points_owed"),
    ],
)
def test_a_quote_says_how_many_points_can_pay_or_why_none(
    points: int, debt: int, rules: RedeemRules, bill: int, quoted: int, worth: int, reason: str | None
) -> None:
    quote = quote_redemption(account_with(points, debt), rules, bill)
    assert (quote.points, quote.value_minor, quote.reason) == (quoted, worth, reason)
    if quote.points:
        account = apply_postings(
            account_with(points, debt),
            [redeem(account_with(points, debt), rules, stamp(OTHER, 0, 3), quote.points, bill)],
        )
        assert account.active == points - quoted
        for more in range(quote.points + 1, quote.points + rules.step + 1):
            with pytest.raises(Problem):
                redeem(account_with(points, debt), rules, stamp(OTHER, 0, 3), more, bill)


def sale_account() -> Account:
    """A sale paid with 50 points of 60, that earned 10."""
    return fold(
        [
            Posting(member=ANA, op_id=OTHER, kind="earn", points=60, effective_at=1),
            Posting(member=ANA, op_id=SALE, kind="redeem", points=-50, effective_at=2, lines=((1, 20), (2, 30))),
            Posting(member=ANA, op_id=SALE, n=1, kind="earn", points=10, effective_at=2, seq=1, lines=((1, 4), (2, 6))),
        ]
    )


def test_a_return_posts_the_difference_to_what_came_back_before() -> None:
    account = sale_account()
    assert account.active == 20
    for step, (clawed, restored, active) in enumerate([(1, 7, 26), (3, 15, 32), (4, 20, 36)]):
        op = f"return{step}".encode().rjust(16, b".")
        postings = [
            give_back(account, stamp(op, 0, 10 + step), PAID, ((1, restored),), 1000),
            take_back(account, stamp(op, 1, 10 + step), EARNED, ((1, clawed),)),
        ]
        account = apply_postings(account, [posting for posting in postings if posting is not None])
        assert account.active == active
        assert take_back(account, stamp(op, 2, 99), EARNED, ((1, clawed),)) is None
        assert give_back(account, stamp(op, 2, 99), PAID, ((1, restored),), 1000) is None


def test_a_return_of_a_sale_without_points_is_told_so() -> None:
    with pytest.raises(ReversalUnknown):
        take_back(sale_account(), stamp(b"x" * 16, 0, 9), PAID, ((1, 1),))
    with pytest.raises(ReversalUnknown):
        give_back(sale_account(), stamp(b"x" * 16, 0, 9), EARNED, ((1, 1),), 0)


@pytest.mark.parametrize(("debt", "below", "forgiven"), [(0, 50, 0), (49, 50, 49), (50, 50, 0), (5, 0, 0)])
def test_a_small_debt_is_let_go_by_a_posting(debt: int, below: int, forgiven: int) -> None:
    account = account_with(0, debt)
    posting = forgive_debt(account, stamp(b"x" * 16, 0, 9), below)
    assert (posting.points if posting else 0) == forgiven
    if posting:
        assert apply_postings(account, [posting]).net == 0


@pytest.mark.parametrize(
    ("bill", "rules", "limit"),
    [
        (2000, RedeemRules(step=10), 2000),
        (2000, RedeemRules(share=(1, 2), step=300), 900),
        (999, RedeemRules(share=(1, 2), value=(1, 100)), 49900),
        (-5, RedeemRules(), 0),
    ],
)
def test_the_worked_table_of_limits_holds(bill: int, rules: RedeemRules, limit: int) -> None:
    assert rules.limit_for(bill) == limit
    assert rules.value_minor(limit) <= max(bill, 0) * rules.share[0] // rules.share[1]


def test_rules_nobody_could_follow_are_refused() -> None:
    for wrong in ({"min_points": 0}, {"step": 0}, {"value": (0, 1)}, {"share": (1, 0)}):
        with pytest.raises(ValueError, match="at least 1"):
            RedeemRules(**wrong)
