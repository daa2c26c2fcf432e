"""The one SQL text: marks become numbers, and SQLite's spelling of tables becomes PostgreSQL's."""

import pytest

from loyalty.tables import Table, TableClass
from sync.dialect import list_definitions, numbered, select_tables


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT ?", "SELECT $1"),
        ("INSERT INTO a (b, c) VALUES (?, ?), (?, ?)", "INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4)"),
        ("SELECT '?', ?", "SELECT '?', $1"),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"),
        ('SELECT "what?", ?', 'SELECT "what?", $1'),
        ("SELECT ? -- why?\n, ?", "SELECT $1 -- why?\n, $2"),
        ("SELECT b % 2, '%s' FROM a WHERE c = ?", "SELECT b % 2, '%s' FROM a WHERE c = $1"),
    ],
)
def test_each_mark_gets_its_number_and_what_is_quoted_none(written: str, sent: str) -> None:
    assert numbered(written) == sent


DECLARED = Table(
    name="thing",
    table_class=TableClass.LOCAL,
    key=("id",),
    ddl="""
CREATE TABLE thing (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('TEXT', 'STRICT', 'WITHOUT ROWID')),
    text_of INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID
""",
    indexes=("CREATE INDEX thing_by_kind ON thing (kind) WHERE kind <> 'BLOB'",),
)


def test_sqlite_gets_what_is_declared() -> None:
    assert list_definitions("sqlite", DECLARED) == (DECLARED.ddl, *DECLARED.indexes)


def test_postgres_gets_its_own_types_and_no_word_of_a_value_is_touched() -> None:
    table, index = list_definitions("postgresql", DECLARED)
    assert table == (
        "CREATE TABLE thing (\n"
        "    id BYTEA PRIMARY KEY,\n"
        "    kind TEXT COLLATE \"C\" NOT NULL CHECK (kind IN ('TEXT', 'STRICT', 'WITHOUT ROWID')),\n"
        "    text_of BIGINT NOT NULL,\n"
        "    PRIMARY KEY (id)\n"
        ")"
    )
    assert index == DECLARED.indexes[0]


def test_each_engine_is_asked_for_its_tables_in_its_own_way() -> None:
    assert "sqlite_schema" in select_tables("sqlite")
    assert "current_schema()" in select_tables("postgresql")
