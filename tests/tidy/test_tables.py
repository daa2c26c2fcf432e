"""Every table is declared with its class, and only the modules of that class write it (loyalty/tables.py).

FACT is written in `apply_*` modules, CACHE in `cache_*` and `apply_*`, JOURNAL in `journal*` of sync and `inbox*` of
the hub, FEED in `feed*`, LOCAL by anybody. The check reads the SQL in the sources, so the name of a table that is
written stands in the statement itself.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from loyalty.tables import Table, TableClass
from tests.tidy.sources import Module, planted, production, texts_of

DOORS: Mapping[TableClass, tuple[str, ...]] = {
    TableClass.JOURNAL: ("sync/journal", "inbox"),
    TableClass.FACT: ("apply_",),
    TableClass.CACHE: ("apply_", "cache_"),
    TableClass.FEED: ("feed",),
    TableClass.LOCAL: ("",),
}
WRITE = re.compile(
    r"\b(?P<verb>INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|DELETE\s+FROM|"
    r"(?<!DO )(?<!FOR )UPDATE(?:\s+OR\s+\w+)?(?=\s+\S+(?:\s+AS\s+\w+)?\s+SET\b|\s*$|\s+\{\}))"
    r"\s*[\"`\[]?(?P<table>\w+|\{\})?"
)
CREATE = re.compile(
    r"\bCREATE\s+(?:VIRTUAL\s+|TEMP\s+|TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`\[]?(\w+|\{\})"
)

FEED_VALUE = re.compile(r"\bSELECT\b[^()]*\bvalue\b[^()]*\bFROM\s+feed_row\b")


def declared_tables() -> Sequence[Table]:
    """What the schema modules declare. printers knows no TableClass; all its tables are LOCAL."""
    tables = [
        table
        for package in ("loyalty", "sync", "kiosk")
        for table in importlib.import_module(f"{package}.schema").TABLES
    ]
    # The rule book's tables are the same at head office.
    tables += [table for table in importlib.import_module("sync.hub.schema_all").ALL_TABLES if table not in tables]
    # Files that are made at head office and only read by stores.
    tables.append(importlib.import_module("sync.feed_file").STUB)
    local = importlib.import_module("printers.schema").LOCAL_TABLES
    return [*tables, *(Table(name, TableClass.LOCAL, key=(), ddl=ddl) for name, ddl in local.items())]


def faults_of(tables: Sequence[Table]) -> list[str]:
    """Declarations that contradict themselves or each other."""
    faults = []
    names = [table.name for table in tables]
    for table in tables:
        created = [match[1] for match in CREATE.finditer(table.ddl)]
        if created != [table.name]:
            faults.append(f"{table.name}: its DDL creates {created}")
        if not re.search(r"\)\s*STRICT\b", table.ddl):
            faults.append(f"{table.name}: it is not STRICT")
        if names.count(table.name) > 1:
            faults.append(f"{table.name}: declared {names.count(table.name)} times")
        if table.table_class is TableClass.FACT and table.op is None:
            faults.append(f"{table.name}: FACT without the column that names the op")
        columns = {*table.key, table.op} - {None}
        faults += [
            f"{table.name}: no column {column}"
            for column in sorted(filter(None, columns))
            if not re.search(rf"^\s*{column}\s+[A-Z]+", table.ddl, re.MULTILINE)
        ]
    return faults


def door_of(module: Module) -> str:
    """The module as DOORS names it: journal modules with their package, others by file name."""
    return module.path if module.package == "sync" and module.file_name.startswith("journal") else module.file_name


def wrong_doors(modules: Sequence[Module], tables: Sequence[Table]) -> list[str]:
    """Statements that write an undeclared table, an unreadable one, or one that is not theirs to write."""
    by_name = {table.name: table for table in tables}
    breaches = []
    for module in modules:
        for node, text in texts_of(module):
            for match in WRITE.finditer(text):
                verb, name = " ".join(match["verb"].split()), match["table"]
                table = by_name.get(name or "")
                if table is None:
                    breaches.append(f"{module.at(node)} {verb} {name or '{}'}: no such table is declared")
                elif not door_of(module).startswith(DOORS[table.table_class]):
                    breaches.append(f"{module.at(node)} {verb} {name}: {table.table_class.name} is not written here")
                elif table.append_only and "INTO" not in verb:
                    breaches.append(f"{module.at(node)} {verb} {name}: append_only rows never change")
    return breaches


def undeclared_tables(modules: Sequence[Module], tables: Sequence[Table]) -> list[str]:
    """CREATE TABLE of something that no schema module declares."""
    names = {table.name for table in tables}
    return [
        f"{module.at(node)} CREATE TABLE {name}: no such table is declared"
        for module in modules
        for node, text in texts_of(module)
        for name in CREATE.findall(text)
        if name not in names
    ]


def unguarded_feed_reads(modules: Sequence[Module]) -> list[str]:
    """Statements that take the value of a thing out of feed_row and do not say that there is one: a thing of an
    installed snapshot that is told to be gone stands there with an empty value (kiosk/life/told.py)."""
    return [
        f"{module.at(node)} reads a value of feed_row without length(value) > 0"
        for module in modules
        if module.package == "kiosk" and not module.path.startswith("kiosk/life/")
        for node, text in texts_of(module)
        if FEED_VALUE.search(text) and "length(value) > 0" not in text
    ]


def test_nobody_takes_an_empty_value_for_what_head_office_tells() -> None:
    assert unguarded_feed_reads(production()) == []
    read = "tx.execute('SELECT key, value FROM feed_row WHERE entity = 1{}')"
    for guard, count in (("", 1), (" AND length(value) > 0", 0)):
        assert len(unguarded_feed_reads([planted("kiosk/points/x.py", read.format(guard))])) == count
    assert unguarded_feed_reads([planted("kiosk/points/x.py", read.format("").replace("key, value", "key"))]) == []


def test_tables_are_declared_soundly() -> None:
    assert faults_of(declared_tables()) == []


def test_every_table_is_declared() -> None:
    assert undeclared_tables(production(), declared_tables()) == []


def test_tables_are_written_through_their_own_door() -> None:
    assert wrong_doors(production(), declared_tables()) == []


def test_the_statements_of_the_sources_are_seen() -> None:
    seen = {match["table"] for module in production() for _, text in texts_of(module) for match in WRITE.finditer(text)}
    assert {"journal", "print_job"} <= seen


def table(name: str, table_class: TableClass, *, append_only: bool = False) -> Table:
    ddl = f"CREATE TABLE {name} (\n    id BLOB PRIMARY KEY,\n    op BLOB\n) STRICT"
    return Table(name, table_class, ("id",), ddl, op="op", append_only=append_only)


TABLES = [
    table("journal", TableClass.JOURNAL),
    table("sale", TableClass.FACT),
    table("life", TableClass.FACT, append_only=True),
    table("balance", TableClass.CACHE),
    table("member_feed", TableClass.FEED),
    table("session", TableClass.LOCAL),
]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("kiosk/sales/sale.py", "tx.execute('INSERT INTO sale (id) VALUES (?)')"),
        ("kiosk/sales/sale.py", "tx.execute('INSERT OR IGNORE INTO sale (id) VALUES (?)')"),
        ("kiosk/sales/sale.py", "tx.execute('UPDATE sale SET op = ?')"),
        ("kiosk/sales/sale.py", "tx.execute(\n    'UPDATE sale'\n    ' SET op = ?')"),
        ("kiosk/sales/sale.py", "tx.execute('DELETE FROM sale WHERE id = ?')"),
        ("kiosk/sales/sale.py", "tx.execute('REPLACE INTO balance VALUES (?)')"),
        ("kiosk/sales/sale.py", "SQL = 'WITH x AS (SELECT 1) INSERT INTO sale SELECT * FROM x'"),
        ("kiosk/cache_sales.py", "tx.execute('DELETE FROM sale')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('INSERT INTO journal (id) VALUES (?)')"),
        ("kiosk/journal_copy.py", "tx.execute('INSERT INTO journal (id) VALUES (?)')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('INSERT INTO nowhere (id) VALUES (?)')"),
        ("kiosk/sales/apply_sales.py", "tx.execute(f'INSERT INTO {name} (id) VALUES (?)')"),
        ("kiosk/sales/apply_sales.py", "tx.execute(f'UPDATE {name} SET a = 1')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('DELETE FROM ' + name)"),
        ("kiosk/sales/apply_sales.py", "tx.execute('UPDATE ' + name + ' SET a = 1')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('DELETE FROM {}'.format(name))"),
        ("kiosk/sales/apply_sales.py", "tx.execute('UPDATE life SET op = ?')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('DELETE FROM life')"),
        ("kiosk/members/apply_members.py", "tx.execute('UPDATE member_feed SET op = ?')"),
    ],
)
def test_a_write_through_the_wrong_door_is_caught(path: str, text: str) -> None:
    assert len(wrong_doors([planted(path, text)], TABLES)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "kiosk/sales/apply_sales.py",
            "tx.execute('INSERT INTO sale (id) VALUES (?) ON CONFLICT (id) DO UPDATE SET op = 1')",
        ),
        ("kiosk/sales/apply_sales.py", "tx.execute('INSERT INTO life (id) VALUES (?)')"),
        ("kiosk/sales/apply_sales.py", "tx.execute('UPDATE balance SET op = ?')"),
        ("kiosk/cache_sales.py", "tx.execute('DELETE FROM balance')"),
        ("sync/journal_private.py", "tx.execute('INSERT INTO journal (id) VALUES (?)')"),
        ("sync/feed.py", "tx.execute('UPDATE member_feed SET op = ?')"),
        ("kiosk/web/till.py", "tx.execute('DELETE FROM session')"),
        ("kiosk/web/till.py", "tx.execute('SELECT id FROM sale FOR UPDATE')"),
        ("kiosk/web/till.py", "def f():\n    '''INSERT INTO sale is not for me.'''"),
        ("kiosk/web/till.py", "label = 'UPDATE the till now'"),
    ],
)
def test_a_write_through_its_own_door_passes(path: str, text: str) -> None:
    assert wrong_doors([planted(path, text)], TABLES) == []


def test_a_table_that_nobody_declared_is_caught() -> None:
    text = "DDL = 'CREATE TABLE IF NOT EXISTS secret (id BLOB) STRICT'"
    assert len(undeclared_tables([planted("kiosk/sales/sale.py", text)], TABLES)) == 1
    assert undeclared_tables([planted("kiosk/sales/sale.py", text.replace("secret", "sale"))], TABLES) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ddl": "CREATE TABLE other (\n    id BLOB,\n    op BLOB\n) STRICT"},
        {"ddl": "CREATE TABLE refund (\n    id BLOB,\n    op BLOB\n)"},
        {"key": ("number",)},
        {"op": "entry"},
        {"op": None},
    ],
)
def test_a_declaration_that_contradicts_itself_is_caught(wrong: dict[str, Any]) -> None:
    assert len(faults_of([table("refund", TableClass.FACT)._replace(**wrong)])) == 1


def test_a_table_declared_twice_is_caught() -> None:
    assert faults_of(TABLES) == []
    assert len(faults_of([*TABLES, table("sale", TableClass.FACT)])) == 2
