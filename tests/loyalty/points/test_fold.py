"""What callers of the fold rely on: conflicts, increments, rows, and how long it takes."""

import random

import msgspec
import pytest

from loyalty.points.account import Account
from loyalty.points.facts import Merge, Posting, PostingConflict, PostingId, id_of, in_order, place_of
from loyalty.points.fold import apply_postings, fold, takes, view
from loyalty.points.rows import changed_rows, from_rows, to_rows

ANA, BEA = b"ana".rjust(16, b"."), b"bea".rjust(16, b".")
DAY_MS = 86_400_000


def op(number: int) -> bytes:
    return number.to_bytes(16)


def earn(points: int, at: int, *, number: int | None = None, member: bytes = ANA, **more: object) -> Posting:
    facts: dict[str, object] = {"kind": "earn", "points": points, "effective_at": at, **more}
    return Posting(member=member, op_id=op(at if number is None else number), **facts)  # type: ignore[arg-type]


def a_long_account(count: int) -> list[Posting]:
    """Sales with points on hold that pay, pending points, ends, and returns of both kinds."""
    draw = random.Random(7)
    postings: list[Posting] = []
    earned: list[Posting] = []
    paid: list[Posting] = []
    at = 1_700_000_000_000

    def add(kind: str, points: int, **more: object) -> Posting:
        facts: dict[str, object] = {"kind": kind, "points": points, "effective_at": at, "origin": 1, **more}
        number = len(postings)
        posting = Posting(member=ANA, op_id=op(number + 1), seq=number, **facts)  # type: ignore[arg-type]
        postings.append(posting)
        return posting

    while len(postings) < count:
        at += draw.randint(1, DAY_MS // 10)
        event = draw.random()
        if event < 0.7 or not paid:
            points = draw.randint(2, 100)
            begins = at + (14 * DAY_MS if draw.random() < 0.3 else 0)
            lines = ((1, points // 2), (2, points - points // 2))
            earned.append(add("earn", points, available_from=begins, expires_at=at + 365 * DAY_MS, lines=lines))
        if event < 0.2:
            points = draw.randint(1, 80)
            hold = add("hold", points, expires_at=at + 900_000)
            paid.append(add("redeem", -points, hold=hold.op_id, lines=((1, points),)))
        elif event > 0.9:
            sale = draw.choice(earned[-300:])
            add("reverse_earn", -sale.lines[0][1], lines=sale.lines[:1], reference=id_of(sale))
        elif event > 0.8:
            add("reverse_redeem", 1, lines=((1, 1),), reference=id_of(draw.choice(paid[-300:])), keep_until=at + DAY_MS)
    return postings[:count]


@pytest.mark.parametrize(
    "change", [{"points": 11}, {"kind": "adjust"}, {"expires_at": 99}, {"reason": "other"}, {"lines": ((1, 10),)}]
)
def test_one_name_for_two_facts_is_refused_and_not_guessed(change: dict[str, object]) -> None:
    first = earn(10, 5)
    with pytest.raises(PostingConflict) as refused:
        fold([first, msgspec.structs.replace(first, **change)])
    assert refused.value.status == 409


def test_a_fact_written_again_by_a_later_life_counts_once_at_its_earliest_place() -> None:
    first = earn(10, 5)
    again = msgspec.structs.replace(first, effective_at=9, origin=2, seq=7)
    assert in_order([again, first]) == in_order([first, again]) == [first]


def test_one_origin_counts_in_its_own_order_even_within_one_millisecond() -> None:
    later_name, sooner_name = op(9), op(2)
    hold = Posting(member=ANA, op_id=later_name, kind="hold", points=5, effective_at=2, expires_at=99, origin=1, seq=3)
    pay = Posting(
        member=ANA, op_id=sooner_name, kind="redeem", points=-5, effective_at=2, hold=later_name, origin=1, seq=4
    )
    account = fold([pay, hold, earn(5, 1)])
    assert (account.holds[later_name].state, account.active, account.incidents) == ("captured", 0, ())


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "earn", "points": -1}, "cannot move"),
        ({"kind": "redeem", "points": 1}, "cannot move"),
        ({"kind": "hold", "points": 0, "expires_at": 9}, "cannot move"),
        ({"kind": "reverse_earn", "points": 1}, "cannot move"),
        ({"kind": "reverse_redeem", "points": -1}, "cannot move"),
        ({"kind": "release", "points": 1}, "cannot move"),
        ({"kind": "release"}, "names its hold"),
        ({"kind": "hold", "points": 1}, "ends by itself"),
        ({"kind": "reverse_earn", "points": -1}, "what it reverses"),
        ({"kind": "earn", "points": 5, "lines": ((1, 4),)}, "points of the lines"),
        ({"kind": "earn", "points": 5, "lines": ((1, 6), (2, -1))}, "stands once"),
        ({"kind": "earn", "points": 5, "lines": ((1, 2), (1, 3))}, "stands once"),
        ({"kind": "earn", "points": 5, "available_from": 9, "expires_at": 9}, "end before they begin"),
    ],
)
def test_a_posting_that_contradicts_itself_cannot_exist(facts: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Posting(member=ANA, op_id=op(1), effective_at=1, **facts)  # type: ignore[arg-type]


def test_an_account_takes_only_what_sorts_after_all_it_has() -> None:
    account = fold([earn(10, 5), earn(10, 8)])
    assert takes(account, [earn(1, 9)])
    assert takes(account, [])
    assert takes(Account(), [earn(1, 1)])
    assert not takes(account, [earn(1, 9), earn(1, 7)])
    assert not takes(account, [earn(10, 8)])
    assert not takes(view(account, 20), [earn(1, 9)])
    with pytest.raises(ValueError, match="fold all of them"):
        apply_postings(account, [earn(1, 7)])


def test_an_account_that_waits_for_a_counterpart_is_folded_whole() -> None:
    early = Posting(
        member=ANA, op_id=op(50), kind="reverse_earn", points=-5, effective_at=2, reference=PostingId(op(9), 0, ANA)
    )
    account = fold([early, earn(10, 1)])
    assert account.waiting == (id_of(early),)
    assert not takes(account, [earn(10, 9)])
    assert fold([early, earn(10, 1), earn(10, 9)]).active == 15


def test_goods_that_come_back_in_one_instant_are_folded_together() -> None:
    sale = earn(10, 1, lines=((1, 5), (2, 5)))

    def part(line: int) -> Posting:
        return Posting(
            member=ANA,
            op_id=op(50 + line),
            kind="reverse_earn",
            points=-5,
            lines=((line, 5),),
            effective_at=2,
            reference=id_of(sale),
        )

    account = fold([sale, part(1)])
    assert not takes(account, [part(2)])
    assert takes(account, [earn(1, 2, number=99)])
    assert apply_postings(fold([sale]), [part(2), part(1)]) == fold([sale, part(1), part(2)])


def test_postings_of_several_members_need_a_merge() -> None:
    postings = [earn(10, 1), earn(5, 2, member=BEA)]
    with pytest.raises(ValueError, match="without a merge"):
        fold(postings)
    merge = Merge(op_id=op(90), effective_at=3, absorbed=BEA, into=ANA)
    assert fold(postings, None, [merge]).active == 15
    assert fold(postings, None, [merge, merge]).active == 15
    with pytest.raises(ValueError, match="never merged"):
        fold([*postings, earn(1, 4, member=b"x" * 16)], None, [merge])


def test_reasons_and_rules_can_be_erased_without_changing_an_amount() -> None:
    told = [msgspec.structs.replace(posting, reason="Ana", rule="base/1") for posting in a_long_account(300)]
    assert fold(told) == fold(a_long_account(300))


def test_an_account_survives_being_kept_as_rows_and_only_what_changed_is_written() -> None:
    postings = sorted(a_long_account(600), key=place_of)
    before, newest = fold(postings[:-1]), postings[-1]
    rows = to_rows(before)
    loaded = from_rows(rows.account, rows.lots, rows.holds, rows.redemptions, rows.incidents)
    assert loaded == msgspec.structs.replace(before, legs=())
    plain = (int, str, bytes, type(None))
    kept = [rows.account, *rows.lots, *rows.holds, *rows.redemptions, *rows.incidents]
    assert all(isinstance(value, plain) for row in kept for value in row)
    after = apply_postings(loaded, [newest])
    assert msgspec.structs.replace(after, legs=()) == msgspec.structs.replace(fold(postings), legs=())
    changes = changed_rows(loaded, after)
    assert len(changes.lots) + len(changes.holds) + len(changes.redemptions) < 20
    merged = {row[:4]: row for row in (*rows.lots, *changes.lots)}
    assert list(merged.values()) == to_rows(after).lots


def test_one_more_posting_equals_folding_everything_anew() -> None:
    account = Account()
    postings = a_long_account(400)
    for posting in postings:
        newest = [posting]
        account = apply_postings(account, newest) if takes(account, newest) else fold(postings[: posting.seq + 1])
    assert account == fold(postings)
