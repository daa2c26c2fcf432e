"""No table and no statement of head office that SQLite, PostgreSQL and a cluster of them would not all take alike."""

import re

import pytest

from loyalty.tables import Table, TableClass
from sync.hub.schema_all import ALL_TABLES
from tests.conformance.nine_rules import faults_of_rows, faults_of_statement, faults_of_table, shapes_of
from tests.conformance.sweeps import SWEEPS
from tests.tidy.sources import production, texts_of

SHAPES_OF_HEAD_OFFICE = shapes_of(ALL_TABLES)
STATEMENT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ )")
COMPUTED = "computed"


def table(columns: str, key: tuple[str, ...] = ("store", "seq"), *indexes: str) -> Table:
    return Table("thing", TableClass.LOCAL, key, f"\nCREATE TABLE thing (\n{columns}\n) STRICT\n", indexes)


SOUND = "    store BLOB NOT NULL,\n    seq INTEGER NOT NULL,\n    note TEXT,\n    PRIMARY KEY (store, seq)"
OTHER = Table(
    "other", TableClass.LOCAL, ("store",), "CREATE TABLE other (\n    store BLOB PRIMARY KEY,\n    n INTEGER\n) STRICT"
)
SHAPES = shapes_of([table(SOUND), OTHER])


def test_the_tables_of_head_office_keep_the_rules() -> None:
    assert [fault for each in ALL_TABLES for fault in faults_of_table(each)] == []


def test_a_sound_table_passes() -> None:
    assert list(faults_of_table(table(SOUND, ("store", "seq"), "CREATE UNIQUE INDEX a ON thing (note, store)"))) == []
    assert SHAPES["thing"].nullable == {"note"}


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        (
            "1",
            table(
                SOUND.replace(
                    "    store BLOB NOT NULL,\n    seq INTEGER NOT NULL",
                    "    seq INTEGER NOT NULL,\n    store BLOB NOT NULL",
                )
            ),
        ),
        ("1", table(SOUND, ("seq", "store"))),
        ("1", table(SOUND.replace("(store, seq)", "(seq, store)"))),
        ("1", table(SOUND.replace(",\n    PRIMARY KEY (store, seq)", ""))),
        ("2", table(SOUND.replace("note TEXT", "note TEXT UNIQUE"))),
        ("2", table(SOUND + ",\n    UNIQUE (note, seq)")),
        ("2", table(SOUND, ("store", "seq"), "CREATE UNIQUE INDEX a ON thing (note)")),
        ("2", table(SOUND.replace("note TEXT", "note TEXT DEFAULT CURRENT_TIMESTAMP"))),
        ("2", table(SOUND.replace("note TEXT", "note TEXT REFERENCES other (store)"))),
        ("2", table("    store INTEGER PRIMARY KEY AUTOINCREMENT", ("store",))),
        ("5", table(SOUND.replace("note TEXT", "price REAL"))),
        ("5", table(SOUND.replace("note TEXT", "flag BOOLEAN"))),
    ],
)
def test_a_table_that_breaks_a_rule_is_caught(rule: str, planted: Table) -> None:
    assert rule in {fault.partition(":")[0] for fault in faults_of_table(planted)}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT note FROM thing WHERE store = ? AND (store, seq) > (?, ?) ORDER BY store, seq LIMIT ?",
        "SELECT note FROM thing WHERE note <> 'now() OFFSET' ORDER BY note NULLS LAST",
        "SELECT thing.note, other.n FROM thing JOIN other ON other.store = thing.store WHERE seq = ?",
        "SELECT t.note FROM thing AS t LEFT JOIN other o ON t.store = o.store ORDER BY t.seq DESC",
        "WITH newest AS (SELECT store, max(seq) AS seq FROM thing GROUP BY store) SELECT seq FROM newest ORDER BY seq",
        "INSERT INTO thing (store, seq, note) VALUES (?, ?, ?), (?, ?, ?) ON CONFLICT (store, seq) DO NOTHING",
        "INSERT INTO other (store, n) VALUES (?, ?) ON CONFLICT (store) DO UPDATE SET n = excluded.n RETURNING n",
        "UPDATE thing SET note = ?, seq = seq WHERE store = ? AND seq = ? RETURNING note",
        "UPDATE other SET n = n + 1 WHERE other.store IN (?, ?)",
        "DELETE FROM thing WHERE store = ? AND note IS NULL",
        "SAVEPOINT op",
        "ROLLBACK TO op",
    ],
)
def test_a_sound_statement_passes(statement: str) -> None:
    assert list(faults_of_statement(statement, SHAPES)) == []


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("1", "SELECT a FROM elsewhere"),
        ("2", "INSERT INTO thing (store, seq, note) VALUES (?, ?, now())"),
        ("2", "SELECT random()"),
        ("2", "SELECT CURRENT_TIMESTAMP"),
        ("2", "SELECT rowid FROM thing"),
        ("3", "SELECT note FROM thing WHERE store = ? FOR UPDATE"),
        ("3", "SELECT note FROM thing WHERE store = ? FOR NO KEY UPDATE SKIP LOCKED"),
        ("3", "SELECT pg_advisory_xact_lock(1)"),
        ("3", "SELECT thing.note FROM thing JOIN other ON other.n = thing.seq"),
        ("3", "SELECT thing.note FROM thing, other WHERE other.store = thing.store"),
        ("3", "SELECT note, (SELECT n FROM other WHERE store = ?) FROM thing WHERE store = ?"),
        ("3", "UPDATE thing SET store = ? WHERE store = ?"),
        (
            "3",
            "INSERT INTO other (store) VALUES (?) ON CONFLICT (store) DO UPDATE SET store = excluded.store",
        ),
        ("3", "UPDATE thing SET note = ? WHERE seq = ? RETURNING store"),
        ("3", "UPDATE thing SET note = ?"),
        ("3", "DELETE FROM thing WHERE note = 'store = ?'"),
        ("3", "DELETE FROM other WHERE restore = ?"),
        ("4", "INSERT OR IGNORE INTO thing (store, seq) VALUES (?, ?)"),
        ("4", "REPLACE INTO thing (store, seq) VALUES (?, ?)"),
        ("4", "INSERT INTO thing (store, seq) SELECT store, 1 FROM other"),
        ("4", "INSERT INTO thing VALUES (?, ?, ?)"),
        ("4", "WITH gone AS (DELETE FROM thing WHERE store = ? RETURNING seq) SELECT seq FROM gone"),
        ("4", "UPDATE thing SET note = ? FROM other WHERE thing.store = other.store AND thing.store = ?"),
        ("4", "SELECT note FROM thing WHERE note LIKE ?"),
        ("4", "SELECT note FROM thing WHERE note IS ?"),
        ("4", "SELECT note FROM thing WHERE seq IN ()"),
        ("4", "SELECT seq::text FROM thing"),
        ("4", "SELECT max(store) FROM thing"),
        ("4", "PRAGMA user_version"),
        ("4", "CREATE TABLE more (a INTEGER)"),
        ("8", "SELECT note FROM thing ORDER BY store LIMIT 10 OFFSET 20"),
        ("8", "SELECT note FROM thing ORDER BY note DESC, seq"),
    ],
)
def test_a_statement_that_breaks_a_rule_is_caught(rule: str, statement: str) -> None:
    assert rule in {fault.partition(":")[0] for fault in faults_of_statement(statement, SHAPES)}


UPSERT = "INSERT INTO thing (store, seq, note) VALUES {} ON CONFLICT (store, seq) DO UPDATE SET note = excluded.note"

IGNORE = "INSERT INTO thing (store, seq) VALUES {} ON CONFLICT (store, seq) DO NOTHING"


@pytest.mark.parametrize(
    ("rules", "statement", "parameters"),
    [
        ([], UPSERT.format("(?, ?, ?), (?, ?, ?)"), (b"a", 1, "z", b"a", 2, "y")),
        ([], UPSERT.format("(?, ?, ?)"), (b"a", 1, "z")),
        ([], "INSERT INTO thing (store, seq) VALUES (?, ?), (?, ?)", (b"b", 1, b"a", 1)),
        ([], IGNORE.format("(?, ?), (?, ?)"), (b"a", 1, b"a", 1)),
        (["6"], IGNORE.format("(?, ?), (?, ?)"), (b"a", 2, b"a", 1)),
        (["6"], UPSERT.format("(?, ?, ?), (?, ?, ?)"), (b"a", 2, "z", b"a", 1, "y")),
        (["6"], UPSERT.format("(?, ?, ?), (?, ?, ?)"), (b"b", 1, "z", b"a", 2, "y")),
        (["6"], UPSERT.format("(?, ?, ?), (?, ?, ?)"), (b"a", 1, "z", b"a", 1, "y")),
        (["4"], UPSERT.format(", ".join(["(?, ?, ?)"] * 501)), [v for n in range(501) for v in (b"a", n, None)]),
        (["4"], "SELECT note FROM thing WHERE seq IN (?)", [0] * 65_536),
    ],
)
def test_rows_out_of_order_or_too_many_are_caught(rules: list[str], statement: str, parameters: list[object]) -> None:
    assert [fault.partition(":")[0] for fault in faults_of_rows(statement, parameters, SHAPES)] == rules


def texts_of_head_office() -> list[tuple[str, str]]:
    """Every statement in the sources of head office, with its place; what is computed inside shows as a name."""
    return [
        (module.at(node), " ".join(text.replace("{}", COMPUTED).split()))
        for module in production()
        if module.path.startswith("sync/hub/")
        for node, text in texts_of(module)
        if STATEMENT.match(text)
    ]


def test_every_statement_in_the_sources_of_head_office_keeps_the_rules() -> None:
    faults = [
        f"{place} {fault}"
        for place, text in texts_of_head_office()
        if text not in SWEEPS
        for fault in faults_of_statement(text, SHAPES_OF_HEAD_OFFICE)
        if COMPUTED not in fault
    ]
    assert faults == []


def test_the_statements_in_the_sources_are_seen_and_so_is_every_exception() -> None:
    texts = [text for _, text in texts_of_head_office()]
    assert len(texts) > 100
    assert set(SWEEPS) <= set(texts)
