"""`counterfoil verify`, the tables: whatever is changed in a fact or a cache is found, and its entry named."""

import functools
import itertools

import pytest

from kiosk.life.rules import RULES
from kiosk.registry import REGISTRY
from loyalty.tables import Table
from sync.chain import epoch_text
from sync.schema import JOURNAL, PRIVATE
from sync.verify import RULE
from sync.walk import Wrong
from tests.kiosk.damage import change_cell, columns_of, delete_row, insert_like, rows_of
from tests.kiosk.shopkit import prove_all
from tests.kiosk.told import CACHES, FACTS, first_wrong, seq_of, told, undone

# -- a shop that is well -----------------------------------------------------------------------------------------------


def test_a_shop_with_every_kind_of_fact_holds() -> None:
    connection, _ = told()
    report = prove_all(connection)
    assert report.ok, report.first_wrong
    assert report.entries == connection.execute("SELECT count(*) FROM journal").fetchone()[0]
    assert set(report.tables) == {table.name for table in FACTS + CACHES} | {RULE + name for name in RULES}
    assert all(report.tables.values())


def test_the_history_of_these_tests_leaves_no_table_empty() -> None:
    connection, _ = told()
    for table in FACTS + CACHES:
        assert rows_of(connection, table), table.name


def test_every_cache_has_a_check() -> None:
    assert set(REGISTRY.caches) == {table.name for table in CACHES}


def test_no_entry_of_a_whole_history_names_anybody() -> None:
    connection, _ = told()
    private = b"".join(row["bytes"] for row in rows_of(connection, PRIVATE))
    assert b"Anna Nowak" in private
    for row in rows_of(connection, JOURNAL):
        for text in (b"Anna", b"Nowak", b"Kowalska", b"Ochs", b"600100200", b"600 100 200", b"601202303", b"Mia M"):
            assert text not in row["content"], (row["kind"], text)


# -- facts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.name)
def test_every_changed_cell_of_every_fact_is_found_and_its_entry_named(table: Table) -> None:
    connection, _ = told()
    for row, column in itertools.product(rows_of(connection, table)[:2], columns_of(connection, table)):
        with undone(connection):
            change_cell(connection, table, row, column)
            wrong = first_wrong(prove_all(connection))
        assert wrong.what.startswith(f"{table.name}: "), (column, wrong)
        assert table.op is not None
        assert wrong.seq == seq_of(connection, row[table.op]), (column, wrong)
        if column not in table.key:
            assert column in wrong.what, (column, wrong)


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.name)
def test_every_deleted_row_of_every_fact_is_found_and_its_entry_named(table: Table) -> None:
    connection, _ = told()
    for row in rows_of(connection, table):
        with undone(connection):
            delete_row(connection, table, row)
            report = prove_all(connection)
        wrong = first_wrong(report)
        assert wrong.what == f"{table.name}: a row is missing"
        assert table.op is not None
        assert wrong.seq == seq_of(connection, row[table.op])
        assert next(name for name, ok in report.tables.items() if not ok) == table.name


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.name)
def test_a_row_that_no_entry_wrote_is_found(table: Table) -> None:
    connection, _ = told()
    with undone(connection):
        insert_like(connection, table, rows_of(connection, table)[-1])
        report = prove_all(connection)
    wrong = first_wrong(report)
    assert wrong == Wrong(epoch_text(0), 0, f"{table.name}: a row that no entry explains")
    assert not report.tables[table.name]


@pytest.mark.parametrize("table", CACHES, ids=lambda table: table.name)
def test_a_stale_cache_is_found(table: Table) -> None:
    connection, _ = told()
    row = rows_of(connection, table)[0]
    damages = [
        *(functools.partial(change_cell, connection, table, row, column) for column in columns_of(connection, table)),
        functools.partial(delete_row, connection, table, row),
        functools.partial(insert_like, connection, table, row),
    ]
    for damage in damages:
        with undone(connection):
            damage()
            report = prove_all(connection)
        assert first_wrong(report).what.startswith(f"{table.name}: ")
        assert [name for name, ok in report.tables.items() if not ok] == [table.name]


def test_a_fact_that_cannot_be_computed_with_does_not_end_the_proof() -> None:
    connection, _ = told()
    with undone(connection):
        connection.execute("UPDATE posting SET kind = 'nonsense', points = ?", (2**62,))
        connection.execute("UPDATE stock_move SET quantity_milli = ?", (2**63 - 1,))
        report = prove_all(connection)
    assert not report.tables["posting"]
    assert not report.tables["account"]
    assert not report.tables["stock_level"]


@pytest.mark.parametrize("key", [None, 7, "text", b"bytes"], ids=str)
def test_a_key_of_another_type_is_found(key: object) -> None:
    """STRICT holds only for what is written by SQL; a flipped bit in a record's header makes another type."""
    connection, _ = told()
    with undone(connection):
        connection.execute("CREATE TABLE loose AS SELECT * FROM product")
        connection.execute("DROP TABLE product")
        connection.execute("ALTER TABLE loose RENAME TO product")
        connection.execute("UPDATE product SET sku = ? WHERE sku = '101'", (key,))
        report = prove_all(connection)
    assert first_wrong(report).what.startswith("product: ")
