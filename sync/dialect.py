"""pure: one SQL text for SQLite and PostgreSQL. What differs between the two is here, and nowhere else.

Statements are written once, with `?` for a value. Tables are declared once, in SQLite's spelling (loyalty/tables.py):

    | declared           | PostgreSQL         | because                                                               |
    |--------------------|--------------------|-----------------------------------------------------------------------|
    | INTEGER            | BIGINT             | both hold 64 bits                                                     |
    | BLOB               | BYTEA              |                                                                       |
    | TEXT               | TEXT COLLATE "C"   | SQLite compares bytes; a database's own collation would sort otherwise|
    | STRICT             | nothing            | PostgreSQL is never anything else                                     |
    | WITHOUT ROWID      | nothing            |                                                                       |

    >>> numbered("SELECT name FROM member WHERE id = ? AND locale <> '?'")
    "SELECT name FROM member WHERE id = $1 AND locale <> '?'"
"""

import functools
import itertools
import re
from typing import Literal

from loyalty.tables import Table

Engine = Literal["sqlite", "postgresql"]

STATEMENTS_KEPT = 2_048

_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA", "TEXT": 'TEXT COLLATE "C"', "STRICT": ""}
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*"
_MARK = re.compile(rf"{_QUOTED}|\?")
_WORD = re.compile(rf"{_QUOTED}|,?\s*\bWITHOUT\s+ROWID\b|\w+", re.IGNORECASE)
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
}


def list_definitions(engine: Engine, table: Table) -> tuple[str, ...]:
    """The statements that make a table and its indexes, in this order."""
    definitions = (table.ddl, *table.indexes)
    return definitions if engine == "sqlite" else tuple(map(_translate, definitions))


def select_tables(engine: Engine) -> str:
    """The statement that answers the names of the tables that there are."""
    return _TABLES[engine]


@functools.lru_cache(STATEMENTS_KEPT)
def numbered(sql: str) -> str:
    """A statement with `$1`, `$2`, … for its `?`; what is quoted or a comment stays as it is."""
    numbers = itertools.count(1)
    return _MARK.sub(lambda found: f"${next(numbers)}" if found[0] == "?" else found[0], sql)


def _translate(definition: str) -> str:
    return _WORD.sub(_translate_word, definition).strip()


def _translate_word(found: re.Match[str]) -> str:
    word = found[0]
    if word.upper().endswith("ROWID") and word[0] not in "'\"-":
        return ""
    return _TYPES.get(word, word)
