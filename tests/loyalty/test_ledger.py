"""A balance is what the postings say, in whatever order they came."""

import random
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.ledger import Balance, Posting, PostingConflict, PostingKind, apply_posting, fold, order_of, reference_to

quick = settings(max_examples=200, derandomize=True, deadline=None)
ANA, ANNA = UUID(int=1), UUID(int=2)


def a_posting(
    kind: PostingKind, points: int, at: int, *, op: int | None = None, n: int = 0, member: UUID = ANA
) -> Posting:
    op_id = UUID(int=at if op is None else op)
    return Posting(member=member, op_id=op_id, n=n, kind=kind, points=points, effective_at=at)


@st.composite
def accounts(draw: st.DrawFn) -> list[Posting]:
    """Postings with unique keys; times and op_ids collide often, so that every part of the order matters."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from([ANA, ANNA]), st.integers(0, 3), st.integers(0, 3)), unique=True, max_size=16
        )
    )
    postings = []
    for member, op, n in keys:
        kind: PostingKind = draw(st.sampled_from(["earn", "reverse_earn", "adjust"]))
        size = draw(st.integers(0, 1000))
        sign = {"earn": 1, "reverse_earn": -1, "adjust": draw(st.sampled_from([1, -1]))}[kind]
        postings.append(a_posting(kind, sign * size, draw(st.integers(0, 3)), op=op, n=n, member=member))
    return postings


def test_the_worked_table_holds_step_by_step() -> None:
    story: list[tuple[PostingKind, int, int, int]] = [
        ("earn", 100, 100, 0),
        ("adjust", -80, 20, 0),
        ("reverse_earn", -100, 0, 80),
        ("earn", 50, 0, 30),
        ("earn", 50, 20, 0),
    ]
    postings = []
    for at, (kind, points, active, debt) in enumerate(story):
        postings.append(a_posting(kind, points, at))
        assert fold(postings) == Balance(active=active, debt=debt)


def test_an_account_without_postings_has_nothing() -> None:
    assert fold([]) == Balance(active=0, pending=0, held=0, debt=0)


def test_points_that_settle_a_debt_exactly_leave_neither() -> None:
    assert fold([a_posting("adjust", -30, 1), a_posting("earn", 30, 2)]) == Balance()


@quick
@given(accounts(), st.integers(0, 2**32))
def test_the_order_of_arrival_does_not_matter(postings: list[Posting], seed: int) -> None:
    shuffled = postings.copy()
    random.Random(seed).shuffle(shuffled)
    assert fold(shuffled) == fold(postings)


@quick
@given(accounts())
def test_buckets_sum_to_the_postings_and_debt_leaves_nothing_active(postings: list[Posting]) -> None:
    balance = fold(postings)
    total = sum(posting.points for posting in postings)
    assert balance.active + balance.pending + balance.held - balance.debt == total
    assert min(balance.active, balance.pending, balance.held, balance.debt) >= 0
    assert balance.debt == 0 or balance.active == 0


@quick
@given(accounts())
def test_one_posting_after_another_in_order_ends_where_the_fold_ends(postings: list[Posting]) -> None:
    balance = Balance()
    for posting in sorted(postings, key=order_of):
        balance = apply_posting(balance, posting)
        assert balance.debt == 0 or balance.active == 0
    assert balance == fold(postings)


@quick
@given(accounts())
def test_a_posting_that_arrives_twice_counts_once(postings: list[Posting]) -> None:
    copies = [msgspec.json.decode(msgspec.json.encode(posting), type=Posting) for posting in postings]
    assert fold([*postings, *copies]) == fold(postings)


@pytest.mark.parametrize(
    "other",
    [
        a_posting("earn", 11, 1, op=7),
        a_posting("adjust", 10, 1, op=7),
        a_posting("earn", 10, 2, op=7),
    ],
)
def test_one_id_for_two_facts_is_refused_and_not_guessed(other: Posting) -> None:
    with pytest.raises(PostingConflict) as refused:
        fold([a_posting("earn", 10, 1, op=7), other])
    assert refused.value.status == 409


def test_postings_fold_by_time_then_operation_then_number() -> None:
    in_order = [
        a_posting("earn", 1, 1, op=9, n=9),
        a_posting("earn", 1, 2, op=3, n=10),
        a_posting("earn", 1, 2, op=4, n=2),
        a_posting("earn", 1, 2, op=4, n=10),
        a_posting("earn", 1, 2, op=4, n=10, member=ANNA),
    ]
    places = [order_of(posting) for posting in in_order]
    assert all(before < after for before, after in pairwise(places))


def test_two_members_in_one_operation_do_not_collide() -> None:
    assert fold([a_posting("earn", 10, 1, op=7), a_posting("earn", 5, 1, op=7, member=ANNA)]) == Balance(active=15)


@pytest.mark.parametrize(("kind", "points"), [("earn", -1), ("reverse_earn", 1)])
def test_a_posting_whose_sign_contradicts_its_kind_cannot_exist(kind: PostingKind, points: int) -> None:
    with pytest.raises(ValueError, match="cannot move"):
        a_posting(kind, points, 1)


def test_a_reversal_names_what_it_reverses() -> None:
    earned = a_posting("earn", 10, 1, op=0xABC, n=2)
    assert reference_to(earned) == "00000000000000000000000000000abc:2"
