"""What a shop shows of an account that other shops know too: its own postings, and the sum that they are a part of."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.answers import BalanceAnswer
from kiosk.members.member_export import export_member
from kiosk.members.member_records import MergeMembers
from kiosk.members.merge_service import merge_members
from kiosk.points.link import note_line
from kiosk.points.points import AccountParts, LedgerPage, MemberPoints
from kiosk.points.points_views import list_postings, points_now
from kiosk.shifts.business_day import utc_text
from sync.http.paging import PageQuery
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller, new_id
from tests.kiosk.telling import elsewhere, tell_account

DAY_MS = 86_400_000
GIVING = {"adjust_limit_cashier": 100_000}


@pytest.fixture(name="till")
def open_one(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path, points=GIVING) as till:
        note_line(till.connection, online=True, now_ms=NOW_MS)
        yield till
        assert_holds(till.connection)


def ledger(till: Till, member: UUID, limit: int = 50, after: str | None = None) -> LedgerPage:
    return list_postings(till.connection, till.shop, till.who, member, PageQuery(limit=limit, after=after))


def total(balance: MemberPoints | BalanceAnswer) -> int:
    return balance.active + balance.pending + balance.held - balance.debt


def is_consistent(till: Till, parts: AccountParts, member: UUID) -> None:
    """The sums that are shown agree with the balance that is shown."""
    assert parts.points == points_now(till.connection, member, till.who.now_ms)
    assert total(parts.points) == total(parts.here) + parts.elsewhere


def test_a_shop_that_alone_knows_a_member_shows_all_there_is(till: Till) -> None:
    anna = till.enrol()
    till.adjust(anna, 100)
    till.sell("104", member=anna)
    shown = ledger(till, anna)
    assert (shown.whole, shown.elsewhere) == (True, 0)
    is_consistent(till, shown, anna)
    assert shown.here == BalanceAnswer(shown.points.active, shown.points.pending, shown.points.held)
    assert sum(item.points for item in shown.items) == total(shown.here) > 100


@pytest.mark.parametrize(
    ("others", "added"),
    [
        ([("earn", 320)], 320),
        ([("earn", 320), ("redeem", -50)], 270),
        ([("redeem", -60)], -60),  # points of this shop, spent in another one
        ([("redeem", -130)], -130),  # more than there was: debt
    ],
)
def test_what_other_shops_did_is_one_number_beside_the_own_postings(
    till: Till, others: list[tuple[str, int]], added: int
) -> None:
    anna = till.enrol()
    till.adjust(anna, 100)
    past = [(kind, points, NOW_MS + n * 3600_000) for n, (kind, points) in enumerate(others, start=1)]
    till.wait(days=1)
    tell_account(till, anna, *(elsewhere(anna, kind, points, at=at) for kind, points, at in past))  # type: ignore[arg-type]
    till.adjust(anna, 7)
    shown = ledger(till, anna)
    assert (shown.whole, shown.elsewhere) == (False, added)
    assert shown.here == BalanceAnswer(active=107)
    assert [item.points for item in shown.items] == [7, 100]
    is_consistent(till, shown, anna)
    assert total(shown.points) == 107 + added


def test_a_member_who_was_only_told_has_no_postings_here_and_her_points(till: Till) -> None:
    anna = till.enrol()
    tell_account(till, anna, elsewhere(anna, "earn", 320))
    shown = ledger(till, anna)
    assert (shown.items, shown.whole, shown.elsewhere) == ((), False, 320)
    assert (shown.here, shown.points.active) == (BalanceAnswer(), 320)


def test_what_has_ended_counts_in_neither_sum(tmp_path: Path) -> None:
    with open_till(tmp_path, points={**GIVING, "valid_for": 10, "valid_unit": "day", "valid_to_end_of": "day"}) as till:
        note_line(till.connection, online=True, now_ms=NOW_MS)
        anna = till.enrol()
        till.adjust(anna, 12)
        ends = elsewhere(anna, "earn", 50, expires_at=NOW_MS + 2 * DAY_MS)
        tell_account(till, anna, ends, elsewhere(anna, "earn", 5))
        for days, here, left in ((0, 12, 55), (3, 12, 5), (10, 0, 5)):
            till.wait(days=days)
            shown = ledger(till, anna)
            assert (shown.here.active, shown.elsewhere) == (here, left)
            is_consistent(till, shown, anna)


def test_the_balance_says_as_of_when_and_whether_it_is_confirmed(till: Till) -> None:
    anna = till.enrol()
    tell_account(till, anna, elsewhere(anna, "earn", 320))
    note_line(till.connection, online=False, now_ms=NOW_MS + 5_000)
    shown = ledger(till, anna).points
    assert (shown.provisional, shown.as_of) == (True, utc_text(NOW_MS + 5_000))


def test_the_ledger_of_a_person_is_that_of_all_her_records_whichever_is_asked(till: Till) -> None:
    anna, twin = till.enrol(), till.enrol()
    for points in (1, 2, 3):
        till.adjust(anna, points)
        till.adjust(twin, 10 * points)
    till.who = caller("manager", at_ms=till.who.now_ms)
    till.do(merge_members, MergeMembers(id=new_id(), absorbed=twin, into=anna, reason="same person"))
    for member in (anna, twin):
        shown = ledger(till, member)
        assert [(item.member, item.points) for item in shown.items] == [
            (twin, 30), (anna, 3), (twin, 20), (anna, 2), (twin, 10), (anna, 1),
        ]  # fmt: skip
        assert shown.here == BalanceAnswer(active=66)
        is_consistent(till, shown, member)
        first = ledger(till, member, limit=4)
        rest = ledger(till, member, limit=4, after=first.next)
        assert (*first.items, *rest.items) == shown.items
        assert rest.next is None


def test_the_export_says_what_its_postings_come_to_and_where_the_whole_is(till: Till) -> None:
    anna, twin = till.enrol(), till.enrol()
    till.adjust(twin, 40)
    till.adjust(anna, 2)
    till.who = caller("manager", at_ms=till.who.now_ms)
    till.do(merge_members, MergeMembers(id=new_id(), absorbed=twin, into=anna, reason="same person"))
    tell_account(till, anna, elsewhere(anna, "earn", 320))
    for member in (anna, twin):
        export = export_member(till.connection, till.shop, till.who, member, "https://office.example")
        assert [posting.points for posting in export.postings] == [40, 2]
        assert (export.account.here, export.account.elsewhere) == (BalanceAnswer(active=42), 320)
        assert not export.account.whole
        is_consistent(till, export.account, anna)
        assert export.whole_at == f"https://office.example/v1/members/{anna}/export"
    assert export_member(till.connection, till.shop, till.who, anna).whole_at is None
