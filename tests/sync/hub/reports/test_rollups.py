"""Roll-ups are what applied entries add up to: in any batches, in any order of stores, and they agree with the till."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from loyalty.transactions import Tx
from sync.facts import KINDS
from sync.facts.points import PointsPosted
from sync.facts.postings import postings_of
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.hub.rollups.places import Calendar, place_of
from sync.hub.rollups.sums import SHAPES, Sums
from sync.hub.schema_reports import ROLLUPS
from tests.kiosk.history import Storyteller, tell_everything
from tests.kiosk.shopkit import open_shop
from tests.sync.hub.reports.office import OTHER, STORE, Office, split, tables_of


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tx]:
    """The journal of a shop in which everything happened once."""
    connection, shop = open_shop(tmp_path_factory.mktemp("shop"))
    tell_everything(connection, shop)
    yield connection
    connection.close()


def test_every_table_has_the_shape_that_its_columns_say() -> None:
    office = Office()
    assert {table.name for table in ROLLUPS} == set(SHAPES)
    for table in ROLLUPS:
        columns = [row[1] for row in office.tx.execute(f"PRAGMA table_info({table.name})")]
        assert sorted(SHAPES[table.name].columns) == sorted(columns)
        assert SHAPES[table.name].key == table.key


def test_a_day_at_head_office_is_the_day_at_the_till(everything: Tx) -> None:
    office = Office()
    office.take(everything)
    closed = everything.execute("SELECT kind, expected_minor FROM shift_count").fetchall()
    taken = dict(office.tx.execute("SELECT kind, taken_minor - refunded_minor FROM tender_day").fetchall())
    moved = office.tx.execute("SELECT sum(amount_minor) FROM cash_day WHERE kind = 'pay_in'").fetchone()[0]
    float_minor = 10_000
    assert dict(closed)["cash"] == float_minor + taken["cash"] + moved
    sold, returned, rounding = office.tx.execute(
        "SELECT sum(due_minor), sum(returned_minor), sum(returned_rounding_minor) FROM sales_hour"
    ).fetchone()
    assert sold - returned - rounding == sum(taken.values())
    sales = everything.execute(
        "SELECT count(*), sum(due_minor) FROM sale WHERE id NOT IN (SELECT sale FROM sale_void)"
    ).fetchone()
    assert (sales[0], sales[1]) == office.tx.execute("SELECT sum(sales), sum(due_minor) FROM sales_hour").fetchone()


def test_taxes_and_turnover_of_a_day_are_those_of_its_documents(everything: Tx) -> None:
    office = Office()
    office.take(everything)
    base, tax, back, tax_back = office.tx.execute(
        "SELECT sum(base_minor), sum(tax_minor), sum(returned_base_minor), sum(returned_tax_minor) FROM tax_day"
    ).fetchone()
    assert (base, tax, back + tax_back) == office.tx.execute(
        "SELECT sum(base_minor), sum(tax_minor), sum(returned_minor) FROM sales_hour"
    ).fetchone()


def test_the_hour_is_that_of_the_clock_on_the_shops_wall(everything: Tx) -> None:
    entry = Office().take(everything)[0]
    at = int(dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC).timestamp()) * 1000
    night = msgspec.structs.replace(entry, at=at, business_day=None)
    place = place_of(night, Calendar("Europe/Warsaw", "EUR"))
    assert (place.hour, place.day) == (0, "2026-07-02")
    assert place_of(night, None).hour == 22
    assert place_of(night, Calendar("No/Where", "EUR")).hour == 22


def test_the_day_of_the_shift_wins_over_the_calendar(everything: Tx) -> None:
    entry = Office().take(everything)[0]
    late = msgspec.structs.replace(entry, business_day="2026-11-20")
    assert place_of(late, Calendar("Asia/Tokyo", "JPY")).day == "2026-11-20"


@pytest.mark.parametrize("sizes", [[1] * 200, [3, 17, 2, 40], [45]])
def test_batches_of_any_size_add_up_to_the_same(everything: Tx, sizes: list[int]) -> None:
    together, apart = Office(), Office()
    entries = together.take(everything)
    for entry in entries:
        link, content = everything.execute(
            "SELECT hash, content FROM journal WHERE epoch = ? AND seq = ?", (entry.epoch, entry.seq)
        ).fetchone()
        apart.hold(STORE, entry.epoch, entry.seq, link, content)
    for batch in split(entries, sizes):
        apart.apply(batch)
    assert tables_of(apart) == tables_of(together)
    assert apart.wrong() is None


def test_the_order_in_which_stores_report_makes_no_difference(everything: Tx) -> None:
    one, other = Office(), Office()
    one.take(everything, STORE)
    one.take(everything, OTHER)
    other.take(everything, OTHER, batch=7)
    other.take(everything, STORE)
    # The same entries under two stores: touches are named by op, so only one of the two is kept there.
    without = {name: rows for name, rows in tables_of(one).items() if name != "member_touch"}
    assert without == {name: rows for name, rows in tables_of(other).items() if name != "member_touch"}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_a_shop_the_proof_agrees_and_money_balances(tmp_path: Path, seed: int) -> None:
    connection, shop = open_shop(tmp_path)
    Storyteller(connection, shop, Random(seed)).tell(40)
    office = Office()
    office.take(connection, batch=Random(seed).randint(1, 30))
    connection.close()
    assert office.wrong() is None
    due, rounding, base, tax, back = office.tx.execute(
        "SELECT sum(due_minor), sum(rounding_minor), sum(base_minor), sum(tax_minor),"
        " sum(returned_minor + returned_rounding_minor) FROM sales_hour"
    ).fetchone()
    taken = office.tx.execute("SELECT sum(taken_minor - refunded_minor) FROM tender_day").fetchone()[0]
    assert base + tax + rounding == due
    assert due - back == taken
    visits, spent = office.tx.execute("SELECT sum(visits), sum(spent_minor) FROM member_purchase").fetchone()
    assert visits == office.tx.execute("SELECT sum(member_sales) FROM sales_hour").fetchone()[0] or visits is None
    assert spent is None or 0 <= spent <= base + tax


def test_a_void_takes_off_all_that_its_sale_had_added(everything: Tx) -> None:
    office = Office()
    entries = [office.hold(STORE, *row) for row in _journal(everything)]
    void = next(entry for entry in entries if isinstance(entry.body, SaleVoided))
    sale = next(entry for entry in entries if entry.op_id == void.body.sale)  # type: ignore[attr-defined]
    later = msgspec.structs.replace(void, at=void.at + 5 * 3_600_000)
    office.apply([entries[0], sale])
    office.apply([later])
    rows = office.rows("sales_hour", "hour, sales, due_minor, base_minor, voids, voided_minor")
    assert [row for row in rows if row[1] or row[2] or row[3]] == []
    assert [row[4:] for row in rows if row[4]] == [(1, sale.body.due_minor)]  # type: ignore[attr-defined]
    assert office.rows("tender_day", "payments, taken_minor") == [(0, 0)]
    assert set(office.rows("tax_day", "base_minor, tax_minor")) == {(0, 0)}
    assert office.rows("member_purchase", "visits, spent_minor") == [(0, 0)]


def test_a_void_before_its_sale_could_be_applied_comes_to_the_same(everything: Tx) -> None:
    usual, late = Office(), Office()
    entries = [usual.hold(STORE, *row) for row in _journal(everything)]
    for row in _journal(everything):
        late.hold(STORE, *row)
    usual.apply(entries)
    void = next(entry for entry in entries if isinstance(entry.body, SaleVoided))
    sale = next(entry for entry in entries if entry.op_id == void.body.sale)  # type: ignore[attr-defined]
    late.bury(sale)
    late.apply([entry for entry in entries if entry is not sale])
    late.tx.execute("UPDATE dead_letter SET state = 'replayed'")
    late.apply([sale])
    assert tables_of(late) == tables_of(usual)


def test_a_void_of_a_sale_nobody_has_seen_undoes_nothing(everything: Tx) -> None:
    office = Office()
    entries = [office.hold(STORE, *row) for row in _journal(everything)]
    void = next(entry for entry in entries if isinstance(entry.body, SaleVoided))
    stranger = msgspec.structs.replace(
        void, body=msgspec.structs.replace(void.body, sale=UUID(int=7)), business_day="2026-11-21"
    )
    office.apply([entries[0], stranger])
    assert office.rows("sales_hour", "sales, due_minor, voids") == [(0, 0, 1)]
    assert office.rows("tender_day") == []


def test_every_posting_that_a_fact_carries_is_counted(everything: Tx) -> None:
    seen = set()
    for entry in Office().take(everything):
        inside = sorted(_postings_inside(entry.body), key=repr)
        assert sorted(postings_of(entry.body), key=repr) == inside
        if inside:
            seen.add(entry.kind)
    assert {"sale.completed", "sale.voided", "return.taken", "points.adjusted", "coupons.issued"} <= seen
    assert seen < {kind for kind, _ in KINDS}


def test_the_proof_finds_a_change_in_any_cell(everything: Tx) -> None:
    office = Office()
    office.take(everything)
    for table in ROLLUPS:
        shape = SHAPES[table.name]
        for column in shape.added + shape.least + shape.greatest + shape.fixed:
            office.tx.execute("SAVEPOINT damage")
            kinds = {row[1]: row[2] for row in office.tx.execute(f"PRAGMA table_info({table.name})")}
            changed = f"{column} + 1" if kinds[column] == "INTEGER" else "'x'" if kinds[column] == "TEXT" else "x'00'"
            if column in shape.key[:1] or column == "store":
                changed = "x'01'"
            office.tx.execute(f"UPDATE {table.name} SET {column} = {changed}")
            assert office.wrong() is not None, f"{table.name}.{column}"
            office.tx.execute("ROLLBACK TO damage")
            office.tx.execute("RELEASE damage")
        office.tx.execute("SAVEPOINT gone")
        office.tx.execute(f"DELETE FROM {table.name}")
        assert office.wrong() is not None, table.name
        office.tx.execute("ROLLBACK TO gone")
        office.tx.execute("RELEASE gone")
    assert office.wrong() is None


def test_rows_of_a_store_that_sent_nothing_are_found(everything: Tx) -> None:
    office = Office()
    office.take(everything)
    office.tx.execute("INSERT INTO cash_day VALUES (?, '2026-11-21', 'EUR', 'drop', 1, 5)", (OTHER.bytes,))
    assert "of which nothing was applied" in (office.wrong() or "")


def test_least_and_greatest_keep_what_lies_furthest_out() -> None:
    sums = Sums()
    for seq in (5, 3, 9, 4):
        sums.reach("business_day_span", (b"s", "2026-11-21", 1), first_seq=seq, last_seq=seq)
    assert sums.table_rows("business_day_span") == [(b"s", "2026-11-21", 1, 0, 3, 9)]


def test_a_sale_is_found_among_the_entries_of_its_own_batch(everything: Tx) -> None:
    office = Office()
    entries = [office.hold(STORE, *row) for row in _journal(everything)]
    assert any(isinstance(entry.body, SaleCompleted) and entry.body.returned for entry in entries)
    office.apply(entries)
    assert office.wrong() is None


def _journal(shop: Tx) -> list[tuple[Any, ...]]:
    return list(shop.execute("SELECT epoch, seq, hash, content FROM journal ORDER BY rowid").fetchall())


def _postings_inside(value: object) -> Iterator[PointsPosted]:
    """Every posting anywhere inside a fact: what `postings_of` has to name."""
    if isinstance(value, PointsPosted):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _postings_inside(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _postings_inside(getattr(value, name))
