"""Reads tables and statements against the nine rules that let one SQL text run on SQLite, PostgreSQL and a cluster that
spreads the rows of a table over machines by its first column (Citus refuses what breaks rules 1 to 3).

    1  the distribution key is the first column of every table and of its primary key
    2  every UNIQUE has it too; ids come from the application: no serial, no default, no clock or chance in SQL
    3  no triggers, no foreign keys; joins only on the distribution key; a row's lock is had by UPDATE … RETURNING that
       names its key; the key is never changed
    4  INSERT … VALUES (up to 500 rows), ON CONFLICT, RETURNING, plain UPDATE, DELETE and SELECT; nothing of one engine
    5  whole numbers, texts and bytes; 0 and 1 for no and yes
    6  rows are locked in the order of their keys, each once in a statement
    7  what must be unique beside the key has a table of its own, keyed by it (a matter of the tables: rule 1)
    8  pages go on behind a key: no OFFSET; what sorts is never NULL unless it says where NULL goes
    9  tables grow by columns that may be NULL (a matter of migrations)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from loyalty.tables import Table

ROWS_MAX = 500
PARAMETERS_MAX = 65_535

_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_COLUMN = re.compile(r"^\s*(\w+)\s+([A-Za-z]+)\b(.*)$", re.MULTILINE)
_NO_COLUMN = ("CREATE", "PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "FOREIGN", "STRICT", "WITHOUT", "AND", "OR")
_TYPES = ("BLOB", "INTEGER", "TEXT")
_NO_DDL = re.compile(r"\b(AUTOINCREMENT|IDENTITY|GENERATED|DEFAULT|REFERENCES|FOREIGN|TRIGGER)\b", re.IGNORECASE)
_UNIQUE_INDEX = re.compile(r"CREATE\s+UNIQUE\s+INDEX\s+\w+\s+ON\s+\w+\s*\(([^)]*)\)", re.IGNORECASE)
_UNIQUE = re.compile(r"\bUNIQUE\s*\(([^)]*)\)", re.IGNORECASE)
_PRIMARY = re.compile(r"\bPRIMARY\s+KEY\s*\(([^)]*)\)", re.IGNORECASE)

_VERBS = re.compile(r"(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM|SAVEPOINT|ROLLBACK TO|RELEASE)\b")
_BANNED = {
    "2": (
        r"\b(NOW|RANDOM|RANDOMBLOB|GEN_RANDOM_UUID|NEXTVAL|UNIXEPOCH|STRFTIME|JULIANDAY|DATETIME|DATE|TIME)\s*\(",
        r"\bCURRENT_(TIMESTAMP|DATE|TIME)\b",
        r"\b(ROWID|LAST_INSERT_ROWID|CTID)\b",
    ),
    "3": (r"\bFOR\s+(NO\s+KEY\s+)?(UPDATE|SHARE)\b", r"\bTRIGGER\b", r"\bLOCK\s+TABLE\b", r"ADVISORY"),
    "4": (
        r"\bINSERT\s+OR\b",
        r"\bREPLACE\s+INTO\b",
        r"\b(PRAGMA|COPY|TRUNCATE|VACUUM|ATTACH|UNNEST|JSON_EACH|GLOB|LIKE|ILIKE|REGEXP|NATURAL|IIF|IFNULL)\b",
        r"::",
        r"\bIS\s+(NOT\s+)?\?",
        r"\bIN\s*\(\s*\)",
        r"\bX''",
    ),
    "8": (r"\bOFFSET\b",),
}
_TABLE = re.compile(
    r"\b(FROM|JOIN|INTO|UPDATE)\s+(\w+)"
    r"(?:\s+AS\s+(\w+)|\s+(?!AS\b|ON\b|SET\b|WHERE\b|JOIN\b|LEFT\b|INNER\b|ORDER\b|GROUP\b|LIMIT\b|VALUES\b"
    r"|RETURNING\b|UNION\b|EXCEPT\b)(\w+))?",
    re.IGNORECASE,
)
_COMMON = re.compile(r"(?:\bWITH\s+(?:RECURSIVE\s+)?|\)\s*,\s*)(\w+)(?:\s*\([^()]*\))?\s+AS\s*\(", re.IGNORECASE)
_COMMA_JOIN = re.compile(r"\bFROM\s+\w+(\s+(AS\s+)?\w+)?\s*,\s*\w+", re.IGNORECASE)
_EQUAL = re.compile(r"\b(\w+)\.(\w+)\s*=\s*(\w+)\.(\w+)\b")
_ORDER = re.compile(r"\bORDER\s+BY\s+(.+?)(?=\bLIMIT\b|\)|\bRETURNING\b|$)", re.IGNORECASE | re.DOTALL)
_EXTREME = re.compile(r"\b(?:MIN|MAX)\s*\(\s*(?:\w+\.)?(\w+)\s*\)", re.IGNORECASE)
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)\s+VALUES\s+(.*)$", re.IGNORECASE | re.DOTALL)
_ROW = re.compile(r"\(([?,\s]*)\)")
_KEYED = r"(?:\b{table}\.|(?<![\w.])){key}\s*(=|IN\b)"


class Shape(NamedTuple):
    """A table as the rules see it: its columns with their types, those that may be NULL, and its key."""

    columns: Mapping[str, str]
    nullable: frozenset[str]
    key: tuple[str, ...]


def shapes_of(tables: Sequence[Table]) -> dict[str, Shape]:
    """The tables by name."""
    return {table.name: _shape_of(table) for table in tables}


def faults_of_table(table: Table) -> Iterator[str]:
    """What of a table breaks a rule, each with the rule's number."""
    shape = _shape_of(table)
    first = next(iter(shape.columns), "")
    if not table.key or table.key[0] != first:
        yield f"1: {table.name} begins with {first}, its key with {table.key[0] if table.key else 'nothing'}"
    declared = _PRIMARY.search(table.ddl)
    alone = [name for name, _, rest in _columns(table.ddl) if "PRIMARY KEY" in rest]
    primary = tuple(_names(declared[1])) if declared else tuple(alone)
    if primary != table.key:
        yield f"1: {table.name} says its key is {table.key}, its DDL says {primary}"
    for columns in (
        *_UNIQUE.findall(table.ddl),
        *(found for index in table.indexes for found in _UNIQUE_INDEX.findall(index)),
    ):
        if first not in _names(columns):
            yield f"2: {table.name} has a UNIQUE ({columns}) without {first}"
    for name, _, rest in _columns(table.ddl):
        if re.search(r"\bUNIQUE\b", rest) and name != first:
            yield f"2: {table.name} has a UNIQUE ({name}) without {first}"
    for statement in (table.ddl, *table.indexes):
        for found in _NO_DDL.finditer(_QUOTED.sub("''", statement)):
            yield f"2: {table.name} has {found[0]}"
    for name, kind in shape.columns.items():
        if kind not in _TYPES:
            yield f"5: {table.name}.{name} is {kind}"


def faults_of_statement(sql: str, shapes: Mapping[str, Shape]) -> Iterator[str]:
    """What of a statement breaks a rule, each with the rule's number."""
    text = " ".join(_QUOTED.sub("''", sql).split())
    if not _VERBS.match(text):
        yield f"4: no statement that every engine has: {text[:40]}"
    for rule, patterns in _BANNED.items():
        for pattern in patterns:
            for found in re.finditer(pattern, text, re.IGNORECASE):
                yield f"{rule}: {found[0].strip()}"
    names = _names_of_tables(text)
    for table in sorted(set(names.values())):
        if table not in shapes:
            yield f"1: {table} is no table of head office"
    known = {alias: shapes[table] for alias, table in names.items() if table in shapes}
    yield from _faults_of_joins(text, names, known)
    yield from _faults_of_writes(text, shapes)
    yield from _faults_of_order(text, list(known.values()))


def faults_of_rows(sql: str, parameters: Sequence[object], shapes: Mapping[str, Shape]) -> Iterator[str]:
    """What of the rows given to a statement breaks a rule: too many of them, or an upsert out of the order of keys."""
    if len(parameters) > PARAMETERS_MAX:
        yield f"4: {len(parameters)} parameters"
    found = _INSERT.match(" ".join(sql.split()))
    if found is None or found[1] not in shapes:
        return
    columns = _names(found[2])
    values, _, rest = found[3].partition(" ON CONFLICT")
    rows = _ROW.findall(values)
    if len(rows) > ROWS_MAX:
        yield f"4: {len(rows)} rows in one statement"
    key = shapes[found[1]].key
    if not rest or len(rows) < 2 or any(row.count("?") != len(columns) for row in rows) or set(key) - set(columns):
        return
    width = len(columns)
    places = [columns.index(column) for column in key]
    keys = [tuple(parameters[row * width + place] for place in places) for row in range(len(rows))]
    # Values of one column are of one type, so keys of one table can be compared.
    once = "DO UPDATE" in rest
    if any(not before < after and (once or before != after) for before, after in pairwise(keys)):  # type: ignore[operator]
        yield f"6: {found[1]} is not written in the order of its key"


def _shape_of(table: Table) -> Shape:
    columns = {name: kind for name, kind, _ in _columns(table.ddl)}
    primary = set(table.key)
    nullable = {name for name, _, rest in _columns(table.ddl) if "NOT NULL" not in rest and name not in primary}
    return Shape(columns, frozenset(nullable), table.key)


def _columns(ddl: str) -> list[tuple[str, str, str]]:
    found = _COLUMN.findall(_QUOTED.sub("''", ddl))
    return [(name, kind, rest) for name, kind, rest in found if name.upper() not in _NO_COLUMN]


def _names(listed: str) -> list[str]:
    return [name.strip().split()[0] for name in listed.split(",") if name.strip()]


def _names_of_tables(text: str) -> dict[str, str]:
    """The tables of a statement, by the names it gives them."""
    common = {name.lower() for name in _COMMON.findall(text)}
    without = re.sub(r"\bDO UPDATE SET\b", "DO", text)
    return {
        alias or other or table: table
        for _, table, alias, other in _TABLE.findall(without)
        if table.upper() not in ("SELECT", "VALUES", "SET") and table.lower() not in common
    }


def _faults_of_joins(text: str, names: Mapping[str, str], known: Mapping[str, Shape]) -> Iterator[str]:
    """Several tables in one statement must hang together by their distribution keys."""
    if _COMMA_JOIN.search(text):
        yield "3: a join without JOIN … ON"
    group = {alias: alias for alias in known}

    def root(alias: str) -> str:
        while group[alias] != alias:
            alias = group[alias]
        return alias

    for one, column, other, other_column in _EQUAL.findall(text):
        if one in known and other in known and column == known[one].key[0] and other_column == known[other].key[0]:
            group[root(one)] = root(other)
    if len({root(alias) for alias in known}) > 1:
        yield f"3: {', '.join(sorted(names.values()))} are not joined on their distribution keys"


def _faults_of_writes(text: str, shapes: Mapping[str, Shape]) -> Iterator[str]:
    verb, _, rest = text.partition(" ")
    if re.match(r"INSERT INTO \w+ \([^)]*\)(?! VALUES)", text) or re.match(r"INSERT INTO \w+ (?!\()", text):
        yield "4: an INSERT names its columns and gives VALUES"
    if verb == "WITH" and re.search(r"\b(INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", text):
        yield "4: a statement that writes has no WITH"
    if verb == "UPDATE" and re.search(r"\bFROM\b", text):
        yield "4: UPDATE … FROM"
    written = re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", text)
    if written is None or written[1] not in shapes:
        return
    table, key = written[1], shapes[written[1]].key[0]
    changes = re.search(r"\bSET (.+?)(?= WHERE | RETURNING |$)", text)
    if changes and re.search(rf"(?:^|,)\s*{key}\s*=", changes[1]):
        yield f"3: the distribution key {key} of {table} is changed"
    where = re.search(r"\bWHERE (.+?)(?= RETURNING |$)", rest)
    keyed = where is not None and re.search(_KEYED.format(table=table, key=key), where[1])
    if verb in ("UPDATE", "DELETE") and not keyed:
        yield f"3: {verb} of {table} does not name {key}"


def _faults_of_order(text: str, tables: Sequence[Shape]) -> Iterator[str]:
    for listed in _ORDER.findall(text):
        for part in listed.split(","):
            column = re.sub(r"\b(ASC|DESC)\b", "", part, flags=re.IGNORECASE).strip().rpartition(".")[2]
            if any(column in shape.nullable for shape in tables):
                yield f"8: ORDER BY {column}, which may be NULL, does not say NULLS FIRST or LAST"
    for column in _EXTREME.findall(text):
        if any(shape.columns.get(column) == "BLOB" for shape in tables):
            yield f"4: the least or greatest of bytes ({column}) is not known to every PostgreSQL"
