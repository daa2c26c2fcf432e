"""edge: how a database of an earlier release becomes one of today. Forward only; the shop's file is copied before.

Each step is a frozen SQL file: what a released step did is never changed. Today's schema stands in the schema
modules; a test proves that the steps end exactly there.
"""

from pathlib import Path
from typing import Any

import sqlite_utils
from sqlite_utils.migrations import Migrations

_FOLDER = Path(__file__).parent
_migrations = Migrations("counterfoil")


def read_statements(name: str) -> list[str]:
    """The statements of a step's file; each ends with a semicolon at the end of a line."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


@_migrations(name="0001_first")
def _first(database: sqlite_utils.Database) -> None:
    for statement in read_statements("0001_first.sql"):
        database.execute(statement)


def pending_steps(connection: Any) -> list[str]:  # noqa: ANN401  pysqlite3 has no types
    """The steps this database has not gone yet, by name. Writes nothing."""
    return [step.name for step in _migrations.pending(sqlite_utils.Database(connection))]


def migrate(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Bring a database up to date. Each step is one transaction with the record of it."""
    _migrations.apply(sqlite_utils.Database(connection))
