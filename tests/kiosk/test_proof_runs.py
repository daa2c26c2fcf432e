"""`counterfoil verify`, run after run: from the last proved head or in full, and what is remembered beside the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.proof import FINDING_NAME, forget_finding, mending, prove, read_finding
from kiosk.start import DATABASE_NAME, begin_life
from loyalty.tables import Table
from sync.chain import epoch_text
from sync.db import connect
from sync.journal import read_life
from sync.verify import Mark
from tests.kiosk.damage import allow_anything, delete_row, rows_of
from tests.kiosk.history import Storyteller, tell_everything
from tests.kiosk.shopkit import open_shop, prove_all
from tests.kiosk.told import FACTS, first_wrong

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


@pytest.mark.parametrize("table", [table for table in FACTS if table.append_only], ids=lambda table: table.name)
def test_an_old_row_that_went_is_found_by_the_size_of_its_table(grown: tuple[Any, Mark, int], table: Table) -> None:
    connection, mark, _ = grown
    old = rows_of(connection, table)[0]
    delete_row(connection, table, old)
    assert first_wrong(prove_all(connection, mark)).what.startswith(f"{table.name}: ")


def test_what_was_changed_behind_the_mark_is_found_by_the_full_run(grown: tuple[Any, Mark, int]) -> None:
    connection, _, _ = grown
    connection.execute("UPDATE sale_line SET net_minor = net_minor + 1, gross_minor = gross_minor + 1 WHERE line = 2")
    assert not prove_all(connection).ok
    connection.execute("UPDATE journal SET content = CAST(content || ' ' AS BLOB) WHERE seq = 3")
    assert first_wrong(prove_all(connection)).seq == 3


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
    begin_life(connection, "S001", "EUR", "Europe/Warsaw", "restored")
    report = prove_all(connection, mark)
    assert (report.ok, report.entries, report.epochs) == (True, new + 1, 2), report.first_wrong
    life = read_life(connection)
    assert life is not None
    assert report.head == prove_all(connection).head
    assert report.head is not None
    assert report.head["epoch"] == epoch_text(life[0])
    connection.execute("UPDATE life SET reason = 'first' WHERE ordinal = 2")
    assert first_wrong(prove_all(connection, mark)).what.startswith("life: reason")


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


def test_proving_writes_nothing_into_the_database(database: Path) -> None:
    before = database.read_bytes()
    prove(database, full=True)
    prove(database, full=False)
    assert database.read_bytes() == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ok": true, "mark": {"epoch": 1}}', '{"mark": "x"}'])
def test_a_finding_that_cannot_be_read_means_a_full_run(database: Path, text: str) -> None:
    full = prove(database, full=True).entries
    (database.parent / FINDING_NAME).write_text(text)
    assert read_finding(database.parent) is None
    assert prove(database, full=False).entries == full


def test_a_forgotten_finding_is_no_finding(database: Path) -> None:
    run_sql(database, "DELETE FROM sale_tax")
    prove(database, full=True)
    assert read_finding(database.parent) is not None
    forget_finding(database.parent)
    forget_finding(database.parent)
    assert read_finding(database.parent) is None
