"""What a shop makes of an account that head office told and of its own newer postings: what head office will make of it
once it has them."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty.accounts_store import read_open_rows
from loyalty.apply_points import post_points
from loyalty.points.account import Account, lot_of
from loyalty.points.facts import Merge, Posting, PostingKind, id_of, place_of
from loyalty.points.fold import apply_postings, fold, takes, view
from loyalty.points.rows import to_rows
from loyalty.points.told import AccountValue, Told, make_account, read_told
from loyalty.schema import TABLES
from loyalty.told_operations import read_hidden
from sync.chain import epoch_text
from sync.db import connect
from tests.property.histories import ANA, BEA, HOUR_MS, histories, identity

OURS, THEIRS, LATER = 0, 1, 7
NOTHING = b"\xff" * 16
"""Redemptions are told from this id on: none."""


@functools.cache
def books() -> Any:  # noqa: ANN401  pysqlite3 has no types
    """The rule book's tables, empty; what a test writes it takes back."""
    connection = connect(":memory:")
    for table in TABLES:
        for statement in (table.ddl, *table.indexes):
            connection.execute(statement)
    return connection


def numbered(postings: Sequence[Posting], first: int = 1) -> list[Posting]:
    """The same in the order in which they count, with numbers that grow with the time in each life."""
    counters = {OURS: itertools.count(first), THEIRS: itertools.count(first)}
    return [replace(each, seq=next(counters[each.origin])) for each in sorted(postings, key=place_of)]


def tell(postings: Sequence[Posting], through: int, *, since: bytes = bytes(16)) -> Told:
    """What head office tells of an account that these postings make."""
    connection = books()
    connection.execute("BEGIN")
    post_points(connection, postings)
    owner = postings[0].member
    opened = read_open_rows(connection, [owner], since)
    hidden = read_hidden(connection, {owner: owner}, opened, bytes(16)).get(owner, [])
    connection.execute("ROLLBACK")
    rows = opened[owner]
    value = AccountValue(
        account_of=UUID(bytes=owner),
        account=rows.account,
        lots=rows.lots,
        holds=rows.holds,
        redemptions=rows.redemptions,
        due=rows.due,
        through={epoch_text(OURS): through},
        known=tuple(each.op_id for each in hidden if each.origin == OURS),
    )
    return read_told(msgspec.json.encode(value))


def split(postings: Sequence[Posting], hour: int) -> tuple[list[Posting], list[Posting], int]:
    """What head office had by an hour, our postings after it, and our last number in the first."""
    before = [each for each in postings if each.effective_at < hour * HOUR_MS]
    ours = [each for each in postings if each.origin == OURS and each not in before]
    return before, ours, max((each.seq for each in before if each.origin == OURS), default=0)


def is_sound(account: Account) -> None:
    """What the tables demand."""
    assert min(account.active, account.pending, account.held, account.debt) >= 0
    assert not (account.debt and account.active)
    for lot in account.lots.values():
        counts = (lot.free, lot.held, lot.used, lot.expired, lot.clawed, lot.moved)
        assert min(counts) >= 0, lot
        assert sum(counts) == lot.points, lot
        assert set(lot.children) <= account.lots.keys()
    to_rows(account)


@given(histories(), st.integers(1, 9))
def test_what_was_told_and_our_newer_postings_are_what_head_office_will_have(history: list[Posting], hour: int) -> None:
    before, news, through = split(numbered(history), hour)
    assume(before)
    told = tell(before, through)
    assume(not told.account.waiting)
    known = told.account.lots.keys() | {lot_of(id_of(each)) for each in news}
    back = [each.reference for each in news if each.kind == "reverse_earn" and each.reference is not None]
    assume(all(lot_of(reference) in known for reference in back))
    ours = [each for each in before if each.origin == OURS] + news
    mine, theirs = make_account(ours, told=[told]), fold([*before, *news])
    is_sound(mine)
    for later in (0, 3, 12):
        at = (hour + later) * HOUR_MS
        now, then = view(mine, max(at, mine.as_of)), view(theirs, max(at, theirs.as_of))
        assert now.balance == then.balance


@given(histories(), st.integers(1, 9), st.integers(0, 14), st.booleans())
def test_whatever_was_told_and_whatever_is_ours_makes_an_account_that_can_be_written(
    history: list[Posting], hour: int, behind: int, with_redemptions: bool
) -> None:
    postings = numbered(history)
    before, _, through = split(postings, hour)
    assume(before)
    # Head office may have been put back, or this shop logged entries again: the number told is not the one that fits.
    told = tell(before, max(through - behind, 0), since=bytes(16) if with_redemptions else NOTHING)
    is_sound(make_account([each for each in postings if each.origin == OURS], told=[told]))


@given(histories(), st.integers(1, 9))
def test_one_posting_after_the_other_comes_to_the_same(history: list[Posting], hour: int) -> None:
    before, news, through = split(numbered(history), hour)
    assume(before)
    assume(news)
    told = tell(before, through)
    ours = [each for each in before if each.origin == OURS]
    account = make_account(ours, told=[told])
    for posting in news:
        ours.append(posting)
        added = apply_postings(account, [posting]) if takes(account, [posting]) else make_account(ours, told=[told])
        account = make_account(ours, told=[told])
        assert replace(added, legs=(), incidents=()) == replace(account, legs=(), incidents=())


@given(histories(), histories(member=BEA, first=101), st.integers(1, 9))
def test_two_who_are_one_here_and_two_at_head_office_have_the_points_of_both(
    of_ana: list[Posting], of_bea: list[Posting], hour: int
) -> None:
    assume(of_ana)
    assume(of_bea)
    told = [tell(numbered(each), 99) for each in (of_ana, of_bea)]
    merge = Merge(op_id=identity(500), effective_at=10 * HOUR_MS, absorbed=BEA, into=ANA, origin=OURS, seq=100)
    joined = make_account([], [merge], told)
    is_sound(joined)
    at = max(each.account.as_of for each in told)
    assert joined.net == sum(view(each.account, at).net for each in told)


def test_a_posting_that_was_logged_again_in_a_later_life_counts_once() -> None:
    earned = Posting(member=ANA, op_id=identity(1), kind="earn", points=10, effective_at=0, origin=OURS, seq=3)
    told = tell([earned], 3)
    again = replace(earned, origin=7, seq=1)
    assert make_account([again], told=[told]).active == 10
    assert make_account([again, replace(again, op_id=identity(2), seq=2)], told=[told]).active == 20


@given(histories(), st.integers(1, 9))
def test_whatever_was_logged_again_in_a_later_life_counts_as_before(history: list[Posting], hour: int) -> None:
    """Head office knows it under the number it first had, and hears of the later life with the next push."""
    before, news, through = split(numbered(history), hour)
    assume(before)
    told = tell(before, through)
    ours = [each for each in before if each.origin == OURS]
    again = [replace(each, origin=LATER) for each in ours]
    mine, theirs = make_account([*again, *news], told=[told]), make_account([*ours, *news], told=[told])
    for later in (0, 3, 12):
        at = max((hour + later) * HOUR_MS, mine.as_of, theirs.as_of)
        assert view(mine, at).balance == view(theirs, at).balance


def test_what_is_used_up_and_was_logged_again_is_no_news() -> None:
    earned = posting(1, "earn", 10, 0, seq=3, lines=((1, 10),))
    spent = posting(2, "redeem", -10, 1, origin=THEIRS, seq=1)
    below = posting(3, "adjust", -4, 2, seq=4)
    back = posting(4, "reverse_earn", -6, 3, seq=5, lines=((1, 6),), reference=id_of(earned))
    for known in ([earned, spent], [earned, spent, below], [earned, spent, below, back]):
        told, debt = tell(known, 5), fold(known).debt
        again = [replace(each, origin=LATER, seq=n) for n, each in enumerate(known, 1) if each.origin == OURS]
        account = make_account(again, told=[told])
        assert (account.active, account.debt) == (0, debt), "it was counted already"
        more = posting(9, "earn", 50, 8, origin=LATER, seq=9)
        assert make_account([*again, more], told=[told]).net == 50 - debt, "and what is new counts"


DAY = 24 * HOUR_MS


def posting(number: int, kind: PostingKind, points: int, day: int, **more: Any) -> Posting:  # noqa: ANN401
    seq = more.pop("seq", number)
    return Posting(
        member=ANA, op_id=identity(number), kind=kind, points=points, effective_at=day * DAY, seq=seq, **more
    )


def test_goods_come_back_whose_points_head_office_does_not_name_any_more() -> None:
    earned = posting(1, "earn", 10, 0, expires_at=9 * DAY, lines=((1, 10),))
    elsewhere = posting(2, "redeem", -10, 1, origin=THEIRS, seq=1)
    back = posting(3, "reverse_earn", -10, 2, lines=((1, 10),), reference=id_of(earned))
    told = tell([earned, elsewhere], 1, since=NOTHING)
    assert not told.account.lots, "it is used up"
    is_sound(make_account([earned], told=[told]))
    after = make_account([earned, back], told=[told])
    is_sound(after)
    assert after.debt == 10, "the points were spent elsewhere"
    over = tell([earned, posting(4, "earn", 1, 10, origin=THEIRS, seq=1)], 1)
    late = make_account([earned, replace(back, effective_at=11 * DAY)], told=[over])
    is_sound(late)
    assert (late.active, late.debt) == (1, 0), "they had ended by themselves"


def test_goods_paid_with_another_shops_points_come_back_and_the_points_keep_their_end() -> None:
    elsewhere = posting(1, "earn", 50, 0, origin=THEIRS, expires_at=9 * DAY)
    ours = posting(2, "earn", 50, 0, seq=1)
    paid = posting(3, "redeem", -40, 1, seq=2, lines=((1, 40),))
    back = posting(4, "reverse_redeem", 40, 2, seq=3, lines=((1, 40),), reference=id_of(paid))
    everything = [elsewhere, ours, paid]
    for since, ends in ((bytes(16), ((50, 9 * DAY),)), (NOTHING, ((10, 9 * DAY),))):
        told = tell(everything, 2, since=since)
        after = make_account([ours, paid, back], told=[told])
        is_sound(after)
        assert (after.active, after.balance.expiring) == (100, ends)
    assert fold([*everything, back]).balance.expiring == ((50, 9 * DAY),)


def test_a_hold_that_head_office_has_not_open_any_more_can_still_pay() -> None:
    earned, held = posting(1, "earn", 50, 0), posting(2, "hold", 30, 1, expires_at=1 * DAY + HOUR_MS)
    elsewhere = posting(3, "earn", 1, 5, origin=THEIRS, seq=1)
    told = tell([earned, held, elsewhere], 2)
    account = make_account([earned, held], told=[told])
    assert account.holds[held.op_id].state == "lapsed"
    paid = make_account([earned, held, posting(4, "redeem", -30, 6, hold=held.op_id)], told=[told])
    assert (paid.active, paid.holds[held.op_id].captured) == (21, 30)


@pytest.mark.parametrize("change", [{"active": 7}, {"lots": ()}, {"held": 1}])
def test_what_contradicts_itself_is_no_account(change: dict[str, object]) -> None:
    earned = Posting(member=ANA, op_id=identity(1), kind="earn", points=10, effective_at=0)
    rows = to_rows(replace(fold([earned]), **{key: each for key, each in change.items() if key != "lots"}))
    value = AccountValue(
        account_of=UUID(bytes=ANA),
        account=rows.account,
        lots=() if "lots" in change else tuple(rows.lots),
        holds=(),
        due=None,
        through={},
    )
    with pytest.raises(ValueError, match="lot"):
        read_told(msgspec.json.encode(value))
