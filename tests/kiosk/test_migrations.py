"""The steps from nothing to today's schema: they end exactly where the schema modules say, and each is gone once.

Until the first release the one step is written anew when a table changes:

    python -m tests.kiosk.test_migrations
"""

from pathlib import Path
from typing import Any

import pytest

import kiosk.migrations
from kiosk.migrations import migrate, pending_steps, read_statements
from kiosk.registry import TABLES, list_statements
from sync.db import connect
from tests.kiosk.shopkit import make_config, prepare_store, prove_all

FIRST = Path(kiosk.migrations.__file__).parent / "0001_first.sql"


def describe(connection: Any) -> dict[tuple[str, str], str]:  # noqa: ANN401  pysqlite3 has no types
    """Every table and index with its definition, white space apart; without what the migrations keep for themselves."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {(kind, name): " ".join(sql.split()) for kind, name, sql in rows if "_sqlite_migrations" not in name}


def test_the_steps_end_exactly_at_the_schema_modules() -> None:
    migrated, declared = connect(":memory:"), connect(":memory:")
    migrate(migrated)
    for statement in list_statements():
        declared.execute(statement)
    assert describe(migrated) == describe(declared), "until release: python -m tests.kiosk.test_migrations"
    migrated.close()
    declared.close()


def test_every_declared_table_is_made_by_the_steps() -> None:
    connection = connect(":memory:")
    migrate(connection)
    tables = {name for kind, name in describe(connection) if kind == "table"}
    assert tables == {table.name for table in TABLES}
    connection.close()


def test_a_second_migration_does_nothing() -> None:
    connection = connect(":memory:")
    assert pending_steps(connection) == ["0001_first"]
    migrate(connection)
    assert pending_steps(connection) == []
    before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
    migrate(connection)
    assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before
    connection.close()


def test_asking_for_pending_steps_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    connection = connect(path)
    before = path.read_bytes()
    pending_steps(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert path.read_bytes() == before
    connection.close()


def test_a_step_that_fails_leaves_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    good = read_statements("0001_first.sql")
    monkeypatch.setattr(kiosk.migrations, "read_statements", lambda _: [*good, "CREATE TABLE journal (again TEXT)"])
    connection = connect(":memory:")
    with pytest.raises(Exception, match="already exists"):
        migrate(connection)
    assert describe(connection) == {}
    assert pending_steps(connection) == ["0001_first"]
    monkeypatch.undo()
    migrate(connection)
    assert pending_steps(connection) == []
    connection.close()


def test_a_database_of_the_steps_is_a_working_store(tmp_path: Path) -> None:
    connection = connect(prepare_store(make_config(tmp_path)))
    assert prove_all(connection).ok
    connection.close()


if __name__ == "__main__":
    FIRST.write_text(";\n\n".join(list_statements()) + ";\n", encoding="utf-8")
