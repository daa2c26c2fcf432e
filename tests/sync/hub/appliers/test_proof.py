"""`verify` of a head office: sound books pass, and whatever is damaged is named."""

import re
from typing import Any

import pytest

from loyalty.tables import Table
from sync.db import SqliteError, connect
from sync.facts.members import Consent, ConsentRecorded, MemberErased, MemberMerged
from sync.hub.proof import prove
from sync.hub.proof_tables import find_difference, proved_tables
from sync.hub.schema_all import ALL_TABLES
from sync.verify import Report
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.vouchers import card, coupon, used, vouchers

SCHEMA = ";\n".join(statement for table in ALL_TABLES for statement in (table.ddl, *table.indexes))


def proof_of(office: Office) -> Report:
    scratch = connect(":memory:")
    scratch.executescript(SCHEMA)
    return office.do(lambda tx: prove(tx, scratch))


@pytest.fixture
def busy(office: Office) -> Office:
    """Two shops with something in every table, one of them with an overspent member and a doubled phone."""
    here, there = Shop(), Shop(OTHER, epoch=8)
    anna, ben, carl = here.id(), here.id(), here.id()
    here.enrol(anna, "+48600100200", consents=[Consent("sms", "marketing", granted=True)])
    here.enrol(ben, "+48600100201")
    there.enrol(carl, "+48600100200")
    withdrawn = (Consent("sms", "marketing", granted=False),)
    there.log(ConsentRecorded(request="", member=carl, at=there.now_ms, consents=withdrawn))
    here.sell(anna, earn=50, vouchers=vouchers(issued=[coupon(5)], cards=[card(1, "activate", 1_000)]))
    here.sell(anna, pay=40, vouchers=vouchers(used=[used(5)], cards=[card(2, "redeem", -400)]))
    there.sell(anna, pay=40, vouchers=vouchers(used=[used(5)], cards=[card(1, "redeem", -700)]))
    here.log(MemberMerged(request="", absorbed=ben, into=anna, effective_at=here.now_ms, reason="one person"))
    there.log(MemberErased(member=carl, reason="asked", locale="en", revision=2, enrolled_at=there.now_ms))
    for store, shop in ((STORE, here), (OTHER, there)):
        office.take_in(store, shop.journal)
        office.apply_all(store)
    return office


def test_sound_books_are_proved_whole(busy: Office) -> None:
    report = proof_of(busy)
    assert (report.ok, report.first_wrong, report.epochs) == (True, None, 2)
    assert report.entries == busy.rows("applied", "count(*)")[0][0]
    assert {table.name for table in proved_tables()} <= set(report.tables)


def test_books_of_two_lives_with_facts_logged_again_are_proved(office: Office) -> None:
    first, second = Shop(), Shop(epoch=99, at_ms=Shop().now_ms + 9_000_000)
    anna = first.id()
    first.sell(anna, earn=10)
    first.sell(anna, earn=20)
    second.relog(first.ops[-1])
    second.sell(anna, earn=5)
    office.take_in(STORE, {**first.journal, **second.journal})
    office.apply_all(STORE)
    assert proof_of(office).ok


def test_what_is_not_applied_yet_is_no_fault(office: Office) -> None:
    shop = Shop()
    for _ in range(5):
        shop.sell()
    office.take_in(STORE, shop.journal)
    office.do(lambda tx: tx.execute("UPDATE apply_cursor SET state = 'stopped', alarm = 'x'"))
    assert office.apply_all(STORE)[0].taken == 0
    report = proof_of(office)
    assert (report.ok, report.entries) == (True, 0)


DAMAGES = [
    ("UPDATE inbox SET content = X'7b7d' WHERE seq = 3 AND epoch = 7", "the chain does not fit"),
    ("DELETE FROM inbox WHERE seq = 3 AND epoch = 7", "the entry is missing"),
    ("UPDATE epoch_head SET seq = seq - 1", "do not end where pushes go on"),
    ("DELETE FROM applied WHERE seq = 3 AND epoch = 7", "it was never applied"),
    ("UPDATE applied SET effective_at = effective_at + 1 WHERE seq = 3", "is not the entry"),
    ("UPDATE applied SET seq = 99 WHERE seq = 3 AND epoch = 7", "are said to be applied"),
    ("UPDATE inbox_private SET bytes = X'00'", "the personal data was changed"),
    ("DELETE FROM inbox_private", "no erasure explains it"),
    ("DELETE FROM erased_member", "no erasure explains it"),
    ("UPDATE account SET debt = debt + 1 WHERE debt > 0", "account: debt"),
    ("UPDATE posting SET points = 49 WHERE points = 50", "posting: points is 49"),
    ("DELETE FROM points_incident", "points_incident: a row is missing"),
    ("UPDATE card_balance SET balance_minor = 5", "card_balance: balance_minor"),
    ("UPDATE member SET name = 'Eve' WHERE name = 'Anna'", "member: name is wrong"),
    ("UPDATE contact SET member = X'01'", "contact"),
    ("DELETE FROM receipt WHERE kind = 'sale'", "receipt: a row is missing"),
    ("UPDATE store_stock SET quantity_milli = 0", "store_stock"),
    ("DELETE FROM incident WHERE kind = 'overspend'", "overspend incident"),
    ("UPDATE incident SET refs = '[]' WHERE kind = 'coupon_reuse'", "says something else"),
    ("DELETE FROM member_seen", "member_seen: a row is missing"),
    ("DELETE FROM consent_word", "consent_word: a row is missing"),
]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("damage", "found"), DAMAGES)
def test_whatever_is_damaged_is_found_and_named(busy: Office, damage: str, found: str) -> None:
    busy.do(lambda tx: tx.execute(damage))
    report = proof_of(busy)
    assert not report.ok
    assert report.first_wrong is not None
    assert found in report.first_wrong.what
    assert "Anna" not in report.first_wrong.what
    assert "Eve" not in report.first_wrong.what


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_cell_of_a_proved_table_can_change_unnoticed(busy: Office) -> None:
    """The replay is made once; every cell of it that could be otherwise is changed, compared, and put back."""
    scratch = connect(":memory:")
    scratch.executescript(SCHEMA)
    assert busy.do(lambda tx: prove(tx, scratch)).ok
    changed = [
        (table.name, column)
        for table in proved_tables()
        for column, kind in re.findall(r"^    (\w+) (INTEGER|TEXT|BLOB)", table.ddl, re.MULTILINE)
        if busy.do(lambda tx, table=table, column=column, kind=kind: is_found(tx, scratch, table, column, kind))  # type: ignore[misc]
    ]
    assert len(changed) > 120


def is_found(tx: Any, scratch: Any, table: Table, column: str, kind: str) -> bool:  # noqa: ANN401
    """Whether there is a cell to change and no key or CHECK holds the change up. Whatever changes must be found."""
    new = {"INTEGER": f"coalesce({column}, 0) + 3", "TEXT": f"coalesce({column}, '') || '1'", "BLOB": "X'0102'"}[kind]
    tx.execute("SAVEPOINT damage")
    try:
        changed = tx.execute(f"UPDATE {table.name} SET {column} = {new}").rowcount
    except SqliteError:
        return False
    else:
        wrong = find_difference(tx, scratch, table)
        assert changed == 0 or wrong is not None, f"{table.name}.{column}"
        return bool(changed)
    finally:
        tx.execute("ROLLBACK TO SAVEPOINT damage")
