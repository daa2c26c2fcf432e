"""Many postings at once come to the very rows that they come to one after the other: what head office does for speed is
what the shop does for one sale."""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import accounts_store, apply_accounts
from loyalty.accounts_store import Wanted, find_survivors, load_accounts, read_open_rows
from loyalty.apply_accounts import lock_accounts, post_in_bulk, refold_accounts
from loyalty.apply_points import post_folded, post_points
from loyalty.bulk import ROWS_MAX, read_rows, write_returning, write_rows
from loyalty.points.account import Account
from loyalty.points.facts import Posting, id_of
from loyalty.points_proof import PROVED_CACHES, check_points
from loyalty.points_store import open_account
from loyalty.schema import MEMBER_MERGE, TABLES
from sync.db import connect
from tests.property.histories import ANA, BEA, HOUR_MS, histories, identity

CARL = b"carl".rjust(16, b".")
CACHES = ("posting", "account", "points_lot", "points_hold", "points_redemption", "points_incident")
SCHEMA = ";\n".join(statement for table in TABLES for statement in (table.ddl, *table.indexes))


def empty_books() -> Any:  # noqa: ANN401  pysqlite3 has no types
    books = connect(":memory:")
    books.executescript(SCHEMA)
    return books


def merge_into(books: Any, absorbed: bytes, into: bytes, at: int) -> None:  # noqa: ANN401
    row = (absorbed, identity(900), into, at, 0, 0)
    books.execute(
        "INSERT INTO member_merge (absorbed, op, into_member, effective_at, origin, seq) VALUES (?, ?, ?, ?, ?, ?)", row
    )


def contents(books: Any) -> dict[str, list[tuple[object, ...]]]:  # noqa: ANN401
    return {name: sorted(books.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in CACHES}


def findings(books: Any) -> list[str]:  # noqa: ANN401
    return [sentence for name, sentence in check_points(books) if name in PROVED_CACHES]


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Posting], list[int]]:
    """Postings of three members in some order of arrival, and where the batches are cut."""
    drawn = [*draw(histories(ANA, 1)), *draw(histories(BEA, 100)), *draw(histories(CARL, 200))]
    arrived = draw(st.permutations(drawn))
    return list(arrived), sorted(draw(st.lists(st.integers(0, len(arrived)), max_size=4)))


@given(arrivals())
def test_batches_of_any_size_make_the_rows_that_one_after_the_other_makes(
    drawn: tuple[list[Posting], list[int]],
) -> None:
    arrived, cuts = drawn
    bulk, single = empty_books(), empty_books()
    for posting in arrived:
        post_points(single, [posting])
    for start, end in zip([0, *cuts], [*cuts, len(arrived)], strict=True):
        post_in_bulk(bulk, arrived[start:end])
    assert contents(bulk) == contents(single)
    assert findings(bulk) == []


@given(arrivals(), st.integers(0, 12))
def test_members_who_are_one_have_one_account_whenever_their_postings_come(
    drawn: tuple[list[Posting], list[int]], merged_at: int
) -> None:
    arrived, cuts = drawn
    books = empty_books()
    merge_into(books, BEA, ANA, merged_at * HOUR_MS)
    for start, end in zip([0, *cuts], [*cuts, len(arrived)], strict=True):
        post_in_bulk(books, arrived[start:end])
    assert findings(books) == []


@given(arrivals(), st.integers(0, 12))
def test_members_who_are_one_have_one_account_however_few_postings_come_at_once(
    drawn: tuple[list[Posting], list[int]], merged_at: int
) -> None:
    books = empty_books()
    merge_into(books, BEA, ANA, merged_at * HOUR_MS)
    for posting in drawn[0]:
        post_points(books, [posting])
    assert findings(books) == []


def test_what_is_decided_in_an_account_without_a_posting_comes_behind_the_merge_that_made_it() -> None:
    books, sold_at = empty_books(), HOUR_MS
    merge_into(books, BEA, ANA, 2 * sold_at)
    opened = open_account(books, UUID(bytes=ANA), UUID(bytes=identity(1)), 0, sold_at)
    assert opened.at == 2 * sold_at
    facts: dict[str, Any] = {"op_id": identity(1), "effective_at": opened.at, "seq": opened.stamp().seq}
    earned = Posting(member=ANA, kind="earn", points=10, **facts)
    post_folded(books, opened.add(earned).folded(), seq=1)
    assert findings(books) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_changes_nothing_but_who_is_folded_anew(seed: int) -> None:
    history = [entry for n, member in enumerate((ANA, BEA, CARL)) for entry in long_history(member, 1000 * n + 1)]
    first, second = empty_books(), empty_books()
    post_in_bulk(first, history)
    shuffled = Random(seed).sample(history, len(history))
    for start in range(0, len(shuffled), 37):
        post_in_bulk(second, shuffled[start : start + 37])
    assert contents(first) == contents(second)
    assert findings(second) == []


def long_history(member: bytes, first: int) -> list[Posting]:
    """Two hundred sales that earn, every fifth paid with points through a hold, every seventh brought back."""
    postings = []
    for n in range(200):
        number, at = first + n, (n + 1) * HOUR_MS
        facts: dict[str, Any] = {"member": member, "op_id": identity(number), "effective_at": at, "seq": number}
        postings.append(Posting(**facts, n=1, kind="earn", points=10 + n % 7, expires_at=at + 50 * HOUR_MS))
        if n % 5 == 4:
            postings.append(Posting(**facts, n=2, kind="hold", points=20, expires_at=at + HOUR_MS))
            paid = {**facts, "op_id": identity(first + 500 + n), "seq": number + 500, "effective_at": at + 1}
            postings.append(Posting(**paid, n=1, kind="redeem", points=-20, hold=identity(number)))
        if n % 7 == 6:
            back = {**facts, "op_id": identity(first + 750 + n), "seq": number + 750, "effective_at": at + 2}
            earned = id_of(next(posting for posting in reversed(postings) if posting.kind == "earn"))
            postings.append(Posting(**back, n=1, kind="reverse_earn", points=-3, reference=earned))
    return postings


def test_what_changed_is_told_with_the_incidents_that_are_new() -> None:
    books = empty_books()
    spend = Posting(member=ANA, op_id=identity(2), kind="redeem", points=-30, effective_at=HOUR_MS, seq=2)
    changed = post_in_bulk(books, [spend])
    assert changed[ANA].account.debt == 30
    assert not changed[ANA].anew
    assert [incident.points for incident in changed[ANA].account.incidents] == [30]
    late = Posting(member=ANA, op_id=identity(1), kind="earn", points=100, effective_at=0, seq=1)
    changed = post_in_bulk(books, [late])
    assert changed[ANA].anew
    assert changed[ANA].account.incidents == ()
    assert contents(books)["points_incident"] == []


def test_a_posting_that_exists_already_breaks_the_transaction() -> None:
    books = empty_books()
    earned = Posting(member=ANA, op_id=identity(1), kind="earn", points=100, effective_at=0)
    post_in_bulk(books, [earned])
    with pytest.raises(Exception, match="UNIQUE"):
        post_in_bulk(books, [earned])


def test_no_more_is_read_of_an_account_than_its_postings_need() -> None:
    books = empty_books()
    post_in_bulk(books, long_history(ANA, 1))
    last = contents(books)["account"][0][5]
    assert isinstance(last, int)
    need = {need: load_accounts(books, {ANA: Wanted(need, last)})[ANA].account for need in ("balance", "open", "all")}
    assert need["balance"].lots == {}
    assert 0 < len(need["open"].lots) < len(need["all"].lots)
    assert need["open"].redemptions == {}
    assert need["all"].redemptions != {}


def test_an_account_nobody_has_is_empty_and_a_lock_makes_its_row() -> None:
    books = empty_books()
    assert load_accounts(books, {ANA: Wanted("all", 0)})[ANA].account == Account()
    assert lock_accounts(books, [ANA]) == {ANA: ANA}
    assert books.execute("SELECT active FROM account WHERE member = ?", (ANA,)).fetchone() == (0,)
    assert refold_accounts(books, [ANA]) == {}
    assert books.execute("SELECT count(*) FROM account").fetchone() == (0,)


def test_a_merge_that_ends_while_the_lock_is_waited_for_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    books = empty_books()
    looked: list[int] = []

    def find(tx: Any, members: Any) -> dict[bytes, bytes]:  # noqa: ANN401
        looked.append(1)
        if len(looked) == 2:
            merge_into(books, BEA, ANA, 0)
        return accounts_store.find_survivors(tx, members)

    monkeypatch.setattr(apply_accounts, "find_survivors", find)
    assert lock_accounts(books, [BEA]) == {BEA: ANA}


def test_aliases_are_followed_to_their_end() -> None:
    books = empty_books()
    merge_into(books, CARL, BEA, 0)
    books.execute("UPDATE member_merge SET op = ?", (identity(901),))
    merge_into(books, BEA, ANA, 0)
    assert find_survivors(books, [ANA, BEA, CARL]) == {ANA: ANA, BEA: ANA, CARL: ANA}
    assert MEMBER_MERGE.key == ("absorbed",)


def test_the_open_rows_of_an_account_are_those_that_anything_can_still_happen_to() -> None:
    books = empty_books()
    post_in_bulk(books, long_history(ANA, 1))
    opened = read_open_rows(books, [ANA, BEA])
    assert list(opened) == [ANA]
    rows = books.execute("SELECT count(*) FROM points_lot WHERE account = ? AND free + held > 0", (ANA,)).fetchone()
    assert len(opened[ANA].lots) == rows[0] > 0


@pytest.mark.parametrize("count", [0, 1, 7, 8, 127, ROWS_MAX, ROWS_MAX + 1, 1337])
def test_any_number_of_rows_is_written_and_found(count: int) -> None:
    books = connect(":memory:")
    books.execute("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT) STRICT")
    rows = [(n, f"thing {n}") for n in range(count)]
    write_rows(books, "INSERT INTO thing (id, name) VALUES (?, ?)", rows)
    again = "INSERT INTO thing (id, name) VALUES (?, ?) ON CONFLICT (id) DO NOTHING RETURNING id"
    assert sorted(write_returning(books, again, [*rows, (count, "new")])) == [(count,)]
    found = read_rows(books, "SELECT id, name FROM thing WHERE id IN (?) AND id < 1000", [*range(count), *range(count)])
    assert sorted(found) == rows[:1000]


@pytest.mark.parametrize(
    ("call", "statement"),
    [(write_rows, "INSERT INTO thing DEFAULT VALUES"), (read_rows, "SELECT 1 FROM thing WHERE id = ?")],
)
def test_a_statement_that_cannot_be_repeated_is_refused(call: Callable[..., object], statement: str) -> None:
    with pytest.raises(ValueError, match="the statement has no"):
        call(connect(":memory:"), statement, [(1,)])
