"""`counterfoil verify`, run after run: from the last proved head or in full, and what is remembered beside the file."""

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.commands import CloseShift, LineRequest
from kiosk.compose import make_shop
from kiosk.identity.people import SaveOperator
from kiosk.identity.people_service import save_operator
from kiosk.life.feed_bases import attach_installed
from kiosk.life.lives import begin_life
from kiosk.life.proof import (
    FINDING_NAME,
    forget_finding,
    has_unreadable_finding,
    mending,
    prove,
    read_breach,
    read_finding,
    verified_at,
)
from kiosk.life.rebuild import JournalBroken, rebuild
from kiosk.life.start import DATABASE_NAME
from kiosk.registry import APPLIERS, REGISTRY
from kiosk.shifts.shift_service import close_shift
from loyalty.tables import Table
from sync.chain import epoch_text
from sync.db import SqliteError, connect
from sync.facts.store import EpochStarted, OperatorChanged
from sync.journal import Journal, Origin, read_life
from sync.schema import JOURNAL, LIFE, PRIVATE
from sync.verify import Mark
from sync.walk import Walk
from tests.kiosk.damage import (
    allow_anything,
    change_cell,
    columns_of,
    delete_row,
    flip_in_index,
    insert_like,
    rows_of,
)
from tests.kiosk.history import Story, Storyteller, tell_everything
from tests.kiosk.shopkit import (
    CATALOGUE,
    NOW_MS,
    add_products,
    caller,
    make_config,
    new_id,
    open_shop,
    perform,
    pin_hash,
    prepare_store,
    prove_all,
)
from tests.kiosk.told import CACHES, FACTS, first_wrong, undone


def need_life(connection: Any) -> tuple[int, int]:  # noqa: ANN401
    life = read_life(connection)
    assert life is not None
    return life


# -- from the last proved head -----------------------------------------------------------------------------------------


@pytest.fixture(name="grown")
def grow(tmp_path: Path) -> Iterator[tuple[Any, Mark, int]]:
    """A shop, the mark of a good run, and how many entries came after it."""
    connection, shop = open_shop(tmp_path)
    story = tell_everything(connection, shop)
    mark = prove_all(connection).mark
    assert mark is not None
    before = connection.execute("SELECT count(*) FROM journal").fetchone()[0]
    teller = Storyteller(connection, shop, Random(5))
    teller.story.now_ms = story.now_ms + 3_600_000
    row = connection.execute("SELECT id FROM shift ORDER BY opened_at DESC LIMIT 1").fetchone()
    teller.shift = UUID(bytes=row[0])
    teller.tell(20)
    allow_anything(connection)
    after = connection.execute("SELECT count(*) FROM journal").fetchone()[0]
    yield connection, mark, after - before
    connection.close()


def test_a_run_from_the_mark_replays_only_what_is_new(grown: tuple[Any, Mark, int]) -> None:
    connection, mark, new = grown
    report = prove_all(connection, mark)
    assert report.ok, report.first_wrong
    assert 0 < report.entries == new
    assert report.mark == prove_all(connection).mark, "both runs prove the same head"
    again = prove_all(connection, report.mark)
    assert (again.ok, again.entries) == (True, 0)


def test_a_new_row_that_was_changed_is_found_from_the_mark(grown: tuple[Any, Mark, int]) -> None:
    connection, mark, _ = grown
    connection.execute("UPDATE sale SET due_minor = due_minor + 1 WHERE at = (SELECT max(at) FROM sale)")
    wrong = first_wrong(prove_all(connection, mark))
    assert wrong.what.startswith("sale: due_minor is ")
    assert wrong.seq > mark.seq


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.name)
def test_whatever_changed_behind_the_mark_is_found_from_the_mark_and_its_entry_named(
    grown: tuple[Any, Mark, int], table: Table
) -> None:
    connection, mark, _ = grown
    row = rows_of(connection, table)[0]
    damages = [
        *(functools.partial(change_cell, connection, table, row, column) for column in columns_of(connection, table)),
        functools.partial(delete_row, connection, table, row),
        functools.partial(insert_like, connection, table, row),
    ]
    for damage in damages:
        with undone(connection):
            damage()
            found, in_full = prove_all(connection, mark), prove_all(connection)
        assert first_wrong(found) == first_wrong(in_full), damage
        assert found.tables[table.name] is False
        assert first_wrong(found).what.startswith(f"{table.name}: ")


@pytest.mark.parametrize("table", CACHES, ids=lambda table: table.name)
def test_a_stale_cache_is_found_from_the_mark(grown: tuple[Any, Mark, int], table: Table) -> None:
    connection, _, _ = grown
    mark = prove_all(connection).mark
    delete_row(connection, table, rows_of(connection, table)[0])
    assert first_wrong(prove_all(connection, mark)).what.startswith(f"{table.name}: ")


@pytest.mark.parametrize("column", ["op_id", "kind", "content", "hash"])
def test_every_changed_cell_of_an_old_entry_is_found_from_the_mark(grown: tuple[Any, Mark, int], column: str) -> None:
    connection, mark, _ = grown
    for row in rows_of(connection, JOURNAL)[: mark.seq]:
        with undone(connection):
            change_cell(connection, JOURNAL, row, column)
            wrong = first_wrong(prove_all(connection, mark))
        assert wrong.seq == row["seq"]


@pytest.mark.parametrize("column", ["epoch", "seq", "member", "salt", "bytes"])
def test_every_changed_cell_of_old_personal_data_is_found_from_the_mark(
    grown: tuple[Any, Mark, int], column: str
) -> None:
    connection, mark, _ = grown
    row = rows_of(connection, PRIVATE)[0]
    assert row["seq"] < mark.seq
    change_cell(connection, PRIVATE, row, column)
    assert "personal data" in first_wrong(prove_all(connection, mark)).what


def test_a_table_that_changes_rows_is_proved_whole_as_soon_as_one_of_them_changed(tmp_path: Path) -> None:
    connection, shop = open_shop(tmp_path)
    story = tell_everything(connection, shop)
    anna = UUID(bytes=connection.execute("SELECT id FROM member WHERE status = 'active'").fetchone()[0])
    before = prove_all(connection)
    story.rename(anna, "Anna Trzecia")
    dearer = msgspec.structs.replace(CATALOGUE[1], price_minor=9_999)
    story.do(lambda tx, shop, _: add_products(tx, shop, dearer, at_ms=story.now_ms))
    report = prove_all(connection, before.mark)
    assert (report.ok, report.entries) == (True, 2), report.first_wrong
    assert report.mark == prove_all(connection).mark
    for damage in (
        "UPDATE product SET price_minor = 1 WHERE sku = '104'",
        "UPDATE product_barcode SET gtin = gtin || '0' WHERE sku = '100'",
        "UPDATE member SET locale = 'xx' WHERE status = 'erased'",
        "DELETE FROM price_history WHERE sku = '104'",
        "UPDATE consent SET granted = 1 - granted",
    ):
        with undone(connection):
            connection.execute(damage)
            assert not prove_all(connection, before.mark).ok, damage
    connection.close()


def test_a_table_that_changes_rows_names_every_kind_that_writes_it(tmp_path: Path) -> None:
    """Watched live: an entry stands in the journal before it is applied, so the newest one is the writer."""
    connection, shop = open_shop(tmp_path)
    connection.execute("CREATE TEMP TABLE wrote (name TEXT, kind TEXT)")
    changing = [table for table in FACTS if not table.append_only]
    for table, verb in itertools.product(changing, ("INSERT", "UPDATE", "DELETE")):
        connection.execute(
            f"CREATE TEMP TRIGGER {table.name}_{verb} AFTER {verb} ON main.{table.name} BEGIN INSERT INTO wrote"
            f" SELECT '{table.name}', kind FROM main.journal ORDER BY rowid DESC LIMIT 1; END"
        )
    tell_everything(connection, shop)
    dearer = msgspec.structs.replace(CATALOGUE[0], price_minor=9_999)
    perform(connection, lambda tx, shop, _: add_products(tx, shop, dearer), shop, caller())
    hired = SaveOperator(name="New Hand", role="cashier", pin="0000")
    manager = caller("manager")
    perform(connection, save_operator, shop, manager, "new", hired, pin_hash(), None, bytes(10))
    wrote: dict[str, set[str]] = {}
    for name, kind in connection.execute("SELECT DISTINCT name, kind FROM wrote").fetchall():
        wrote.setdefault(name, set()).add(kind)
    connection.close()
    assert wrote == {table.name: set(table.written_by) for table in changing}


@pytest.mark.parametrize(
    "damage", ["DELETE FROM journal WHERE seq >= ?", "UPDATE journal SET hash = zeroblob(32) WHERE seq = ?"]
)
def test_the_proved_head_itself_must_still_be_there(grown: tuple[Any, Mark, int], damage: str) -> None:
    connection, mark, _ = grown
    connection.execute(damage, (mark.seq,))
    wrong = first_wrong(prove_all(connection, mark))
    assert (wrong.epoch, wrong.seq) == (mark.epoch, mark.seq)
    assert "proved last time" in wrong.what


def test_a_mark_of_an_epoch_that_is_not_there_is_a_fault_and_not_a_silent_ok(grown: tuple[Any, Mark, int]) -> None:
    connection, mark, _ = grown
    elsewhere = msgspec.structs.replace(mark, epoch="00000000000000ff")
    assert "gone" in first_wrong(prove_all(connection, elsewhere)).what


def test_a_later_life_is_proved_behind_the_mark_too(grown: tuple[Any, Mark, int]) -> None:
    connection, mark, new = grown
    begin_life(connection, "S001", "EUR", "Europe/Warsaw")
    report = prove_all(connection, mark)
    assert (report.ok, report.entries, report.epochs) == (True, new + 1, 2), report.first_wrong
    life = read_life(connection)
    assert life is not None
    assert report.head == prove_all(connection).head
    assert report.head is not None
    assert report.head["epoch"] == epoch_text(life[0])
    connection.execute("UPDATE life SET reason = 'first' WHERE ordinal = 2")
    assert first_wrong(prove_all(connection, mark)).what.startswith("life: reason")


# -- lives -------------------------------------------------------------------------------------------------------------


@pytest.fixture(name="lived")
def live_three_times(tmp_path: Path) -> Iterator[Any]:
    """A shop in its third life, with a shift and sales in each."""
    config = make_config(tmp_path)
    connection = connect(prepare_store(config, NOW_MS))
    for n in range(3):
        life = begin_life(connection, "S001", "EUR", "Europe/Warsaw") if n else read_life(connection)
        assert life is not None
        story = Story(connection, make_shop(config, *life), NOW_MS + n * 86_400_000)
        shift = story.open_shift()
        for sku in ("100", "101", "102"):
            story.sell(LineRequest(sku=sku))
        story.do(close_shift, shift, CloseShift(counted={"cash": 1}))
    allow_anything(connection)
    assert prove_all(connection).ok, prove_all(connection).first_wrong
    yield connection
    connection.close()


def epochs_of(connection: Any) -> list[int]:  # noqa: ANN401
    return [row[0] for row in connection.execute("SELECT epoch FROM life ORDER BY ordinal").fetchall()]


@pytest.mark.parametrize("gone", [1, 2, 4])
def test_entries_gone_from_the_end_of_an_earlier_life_are_missed_by_the_next_one(lived: Any, gone: int) -> None:  # noqa: ANN401
    first = epochs_of(lived)[0]
    (last,) = lived.execute("SELECT max(seq) FROM journal WHERE epoch = ?", (first,)).fetchone()
    lived.execute("DELETE FROM journal WHERE epoch = ? AND seq > ?", (first, last - gone))
    wrong = first_wrong(prove_all(lived))
    assert (wrong.epoch, wrong.seq) == (epoch_text(first), last - gone + 1)
    assert wrong.what == f"the entry is missing, its life came to {last}"


@pytest.mark.parametrize("n", [0, 1])
def test_a_whole_life_that_is_gone_is_missed_by_the_next_one(lived: Any, n: int) -> None:  # noqa: ANN401
    epochs = epochs_of(lived)
    lived.execute("DELETE FROM journal WHERE epoch = ?", (epochs[n],))
    lived.execute("DELETE FROM journal_private WHERE epoch = ?", (epochs[n],))
    wrong = first_wrong(prove_all(lived))
    assert (wrong.epoch, wrong.seq) == (epoch_text(epochs[n + 1]), 1)


def test_an_entry_added_behind_the_end_of_a_life_is_found(lived: Any) -> None:  # noqa: ANN401
    """Somebody who can compute hashes makes himself a manager in yesterday's life, in the right place of the file."""
    epochs = epochs_of(lived)
    forged = OperatorChanged(operator="eve", role="manager", active=True)
    entry = Journal(epochs[0], APPLIERS).record(lived, Origin(now_ms=NOW_MS), new_id(NOW_MS), forged)
    rows = sorted(rows_of(lived, JOURNAL), key=lambda row: (epochs.index(row["epoch"]), row["seq"]))
    lived.execute("DELETE FROM journal")
    for row in rows:
        lived.execute(
            "INSERT INTO journal (epoch, seq, op_id, kind, content, hash) VALUES (?, ?, ?, ?, ?, ?)",
            tuple(row.values()),
        )
    wrong = first_wrong(prove_all(lived))
    assert (wrong.epoch, wrong.seq) == (epoch_text(epochs[0]), entry.seq)
    assert wrong.what == "an entry behind the end of its life"


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_life_whose_number_does_not_rise_is_found(tmp_path: Path, ordinal: int) -> None:
    connection, _ = open_shop(tmp_path)
    assert begin_life(connection, "S001", "EUR", "Europe/Warsaw")[1] == 2
    connection.execute("DROP TABLE life")
    connection.execute(LIFE.ddl.replace("NOT NULL UNIQUE", "NOT NULL"))
    for entry in Walk(connection).entries():
        if isinstance(entry.body, EpochStarted):
            REGISTRY.appliers[EpochStarted](connection, entry)
    epoch, _ = begin_life(connection, "S001", "EUR", "Europe/Warsaw", ordinal=ordinal)
    wrong = first_wrong(prove_all(connection))
    assert (wrong.epoch, wrong.seq) == (epoch_text(epoch), 1)
    assert wrong.what == f"it is life {ordinal} and comes after life 2"
    connection.close()


def test_of_faults_in_two_lives_the_earlier_life_is_named_first_whatever_its_numbers(lived: Any) -> None:  # noqa: ANN401
    """The numbers of a later life begin at 1 again."""
    epochs = epochs_of(lived)
    lived.execute("UPDATE sale SET due_minor = due_minor + 1 WHERE number = 'S001-T01B-000001'")
    lived.execute("UPDATE sale SET due_minor = due_minor + 1 WHERE number = 'S001-T01-000003'")
    lived.execute("UPDATE shift_close SET closed_at = 1 WHERE series = 2")
    wrong = first_wrong(prove_all(lived))
    assert wrong.epoch == epoch_text(epochs[0])
    assert wrong.what.startswith("sale: due_minor")


# -- the file, as the command sees it ----------------------------------------------------------------------------------


@pytest.fixture(name="database")
def make_database(tmp_path: Path) -> Path:
    connection, shop = open_shop(tmp_path)
    tell_everything(connection, shop)
    connection.close()
    return tmp_path / "data" / DATABASE_NAME


def run_sql(database: Path, sql: str) -> None:
    connection = connect(database)
    allow_anything(connection)
    connection.execute(sql)
    connection.close()


def test_a_good_run_is_remembered_and_the_next_one_starts_there(database: Path) -> None:
    report = prove(database, full=False)
    assert report.ok
    assert report.entries > 20
    assert read_finding(database.parent) is None
    assert prove(database, full=False).entries == 0
    assert prove(database, full=True).entries == report.entries


def test_a_fault_is_remembered_with_the_command_that_mends_it(database: Path) -> None:
    run_sql(database, "UPDATE sale SET due_minor = due_minor + 1 WHERE rowid = 1")
    report = prove(database, full=True)
    finding = read_finding(database.parent)
    assert finding == mending(report)
    assert "counterfoil rebuild" in finding
    assert "sale: due_minor" in finding
    stored = json.loads((database.parent / FINDING_NAME).read_text())
    assert stored["first_wrong"] == msgspec.to_builtins(report.first_wrong)
    assert stored["mark"] is None
    run_sql(database, "UPDATE sale SET due_minor = due_minor - 1 WHERE rowid = 1")
    assert prove(database, full=False).ok
    assert read_finding(database.parent) is None


def test_a_broken_chain_can_only_come_back_from_a_copy(database: Path) -> None:
    run_sql(database, "UPDATE journal SET hash = zeroblob(32) WHERE seq = 4")
    report = prove(database, full=True)
    assert first_wrong(report).seq == 4
    assert report.tables == {}
    assert "counterfoil restore" in (read_finding(database.parent) or "")


@pytest.mark.parametrize("full", [True, False])
def test_entries_that_vanished_from_the_end_are_found_and_found_again(database: Path, full: bool) -> None:
    """Nothing inside the file tells of them: neither the chain nor any table."""
    whole = database.read_bytes()
    connection = connect(database)
    shop = make_shop(make_config(database.parents[1]), *need_life(connection))
    Story(connection, shop, NOW_MS + 3_600_000).sell(LineRequest(sku="100"))
    connection.close()
    proved = prove(database, full=True)
    assert proved.head is not None
    database.write_bytes(whole)
    for _ in range(2):
        wrong = first_wrong(prove(database, full=full))
        assert (wrong.seq, wrong.what) == (proved.head["seq"], "the entry proved last time is gone")
        assert "counterfoil restore" in (read_finding(database.parent) or "")
    with pytest.raises(JournalBroken):
        rebuild(database)


@pytest.mark.parametrize("index", ["refund_by_sale", "journal_by_op", "sale_by_day"])
@pytest.mark.parametrize("full", [True, False])
def test_an_index_that_does_not_fit_its_table_is_found_and_rebuild_mends_it(
    database: Path, index: str, full: bool
) -> None:
    """Every row is right, and a sale could still be given back twice: the service asks the index."""
    connection = connect(database)
    cell = {
        "refund_by_sale": connection.execute("SELECT sale FROM refund").fetchone()[0],
        "journal_by_op": connection.execute("SELECT op_id FROM journal WHERE seq = 3").fetchone()[0],
        "sale_by_day": connection.execute("SELECT business_day FROM sale").fetchone()[0].encode(),
    }[index]
    connection.close()
    assert prove(database, full=True).ok
    flip_in_index(database, index, cell)
    report = prove(database, full=full)
    assert index in first_wrong(report).what
    assert [name for name, ok in report.tables.items() if not ok] == ["integrity"]
    finding = read_finding(database.parent)
    assert finding is not None
    assert "index" in finding
    assert "counterfoil rebuild" in finding
    rebuild(database)
    assert prove(database, full=True).ok


def test_a_finding_names_the_column_and_never_what_a_customer_told(database: Path) -> None:
    connection = connect(database)
    values = [str(value) for value in connection.execute("SELECT name, phone, card FROM member").fetchone()]
    connection.close()
    for damage in (
        "UPDATE member SET name = 'Zuzanna Zmieniona', card = card || '1', phone = phone || '1'",
        "UPDATE member_identifier SET value = value || '77'",
        "UPDATE journal_private SET bytes = CAST(bytes || 'Zuzanna' AS BLOB)",
    ):
        before = database.read_bytes()
        run_sql(database, damage)
        wrong = first_wrong(prove(database, full=True))
        told_text = f"{wrong.what} {read_finding(database.parent)} {(database.parent / FINDING_NAME).read_text()}"
        for value in (*values, "Zuzanna", "Anna"):
            assert value not in told_text, damage
        assert any(table in told_text for table in ("member: ", "member_identifier: ", "the personal data"))
        database.write_bytes(before)
    run_sql(database, "UPDATE member SET name = 'Zuzanna' WHERE name IS NOT NULL")
    assert first_wrong(prove(database, full=True)).what == "member: name is not what the entry says"


def test_proving_writes_nothing_into_the_database(database: Path) -> None:
    before = database.read_bytes()
    prove(database, full=True)
    prove(database, full=False)
    assert database.read_bytes() == before


@pytest.mark.parametrize("text", ['{"ok": true, "mark": {"epoch": 1}}', '{"mark": "x"}'])
def test_a_mark_that_cannot_be_read_means_a_full_run(database: Path, text: str) -> None:
    full = prove(database, full=True).entries
    (database.parent / FINDING_NAME).write_text(text)
    assert read_finding(database.parent) is None
    assert prove(database, full=False).entries == full


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"ok": fal', b"\xff\xfe", b"\0" * 80])
def test_a_finding_that_cannot_be_read_may_have_been_a_fault_until_a_full_run_says_otherwise(
    database: Path, raw: bytes
) -> None:
    full = prove(database, full=True).entries
    (database.parent / FINDING_NAME).write_bytes(raw)
    assert "counterfoil verify" in (read_finding(database.parent) or "")
    assert (read_breach(database.parent), verified_at(database.parent)) == (None, None)
    assert prove(database, full=False).entries == full
    assert read_finding(database.parent) is None


def test_a_finding_that_the_disk_does_not_give_is_as_one_that_is_damaged(database: Path) -> None:
    assert not has_unreadable_finding(database.parent), "there was no run yet"
    (database.parent / FINDING_NAME).mkdir()
    assert has_unreadable_finding(database.parent)


def test_a_damaged_list_of_snapshots_is_a_fault_and_a_missing_one_an_earlier_release(database: Path) -> None:
    """Only that the table is missing may be overlooked; a page of it that cannot be read is told of."""
    connection = connect(database)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'feed_base'").fetchone()[0]
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    whole = database.read_bytes()
    start = (root - 1) * page_size
    database.write_bytes(whole[:start] + b"\xff" * page_size + whole[start + page_size :])
    with contextlib.closing(connect(database, read_only=True)) as damaged, pytest.raises(SqliteError):
        attach_installed(damaged, database)
    assert first_wrong(prove(database, full=True)).what.startswith("the file is damaged")
    database.write_bytes(whole)
    run_sql(database, "DROP TABLE feed_base")
    with contextlib.closing(connect(database, read_only=True)) as earlier:
        attach_installed(earlier, database)


def test_a_forgotten_finding_is_no_finding(database: Path) -> None:
    run_sql(database, "DELETE FROM sale_tax")
    prove(database, full=True)
    assert read_finding(database.parent) is not None
    forget_finding(database.parent)
    forget_finding(database.parent)
    assert read_finding(database.parent) is None
