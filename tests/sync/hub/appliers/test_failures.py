"""Entries that cannot be applied: none is lost, none stops another, and nobody is blamed for a broken disk."""

from typing import Any

import msgspec
import pytest
from msgspec import Struct
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

import sync.facts
from loyalty.errors import IdConflict, InvalidInput
from loyalty.points.account import Balance
from loyalty.points.facts import PostingConflict
from sync.db import SqliteUnavailable
from sync.facts import upcasters
from sync.facts.points import PointsAdjusted
from sync.facts.upcasters import upcast
from sync.http.problems import StorageUnavailable
from sync.hub import applier, intake_reader
from sync.hub.applier import apply_next, dismiss_dead_letter, replay_dead_letter, replay_parked
from sync.hub.apply import apply_batch
from sync.hub.dead_letters import DeadLetterNotFound, DeadLetterSettled, find_dead_letter, list_dead_letters
from sync.hub.failures import BreakerTripped, describe, is_of_the_database, is_our_fault
from tests.sync.hub.appliers.office import OTHER, STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of

ANNA = Shop(epoch=1).id()


def broken(shop: Shop) -> Any:  # noqa: ANN401
    """An entry that contradicts itself: a redemption that brings points."""
    posting = shop.posting(ANNA, "redeem", 5)
    return shop.log(
        PointsAdjusted(request="", member=ANNA, points=5, reason="", postings=(posting,), balance=Balance())
    )


def test_an_entry_that_fails_stands_aside_and_all_others_are_applied(office: Office) -> None:
    shop = Shop()
    shop.sell(ANNA, earn=10)
    bad = broken(shop)
    shop.sell(ANNA, earn=20)
    office.take_in(STORE, shop.journal)
    (done,) = office.apply_all(STORE)
    assert (done.taken, done.fresh, done.dead, done.applied_seq) == (4, 3, 1, 4)
    assert office.rows("account", "active") == [(30,)]
    assert office.rows("dead_letter", "seq, op_id, kind, code, tries, state") == [
        (3, bad.bytes, "points.adjusted", "failed", 1, "open")
    ]
    assert office.feed(STORE)["dead_letter", str(bad)]["code"] == "failed"
    assert proof_of(office).ok


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", range(9))
def test_wherever_in_a_batch_it_stands(office: Office, place: int) -> None:
    shop = Shop()
    for n in range(9):
        if n == place:
            broken(shop)
        else:
            shop.sell(ANNA, earn=1)
    office.take_in(STORE, shop.journal)
    (done,) = office.apply_all(STORE)
    assert (done.fresh, done.dead) == (9, 1)
    assert office.rows("account", "active") == [(8,)]


def test_an_entry_that_no_program_can_read_is_a_dead_letter_too(office: Office) -> None:
    shop = Shop()
    shop.log_raw({"v": 1, "kind": "sale.completed", "body": {"request": 5}})
    shop.log_raw({"v": 1, "kind": "shift.opened", "body": []})
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    assert office.rows("dead_letter", "seq, code, state") == [(2, "unreadable", "open"), (3, "unreadable", "open")]
    assert proof_of(office).ok


def test_what_was_mended_is_replayed_at_the_instant_it_had(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.sell(ANNA, earn=10)
    shop.sell(ANNA, pay=10)
    office.take_in(STORE, shop.journal)
    with monkeypatch.context() as patched:
        patched.setattr(applier, "apply_batch", failing_on(2))
        office.apply_all(STORE)
    assert office.rows("account", "debt") == [(10,)]
    assert [incident[0] for incident in office.incidents()] == ["overspend"]
    letter = office.do(lambda tx: replay_dead_letter(tx, STORE, 7, 2, office.now_ms))
    assert (letter.state, letter.tries) == ("replayed", 2)
    assert office.rows("account", "active, debt") == [(0, 0)]
    assert office.incidents() == []
    assert office.feed(STORE)["dead_letter", str(letter.op_id)] is None
    assert proof_of(office).ok
    with pytest.raises(DeadLetterSettled):
        office.do(lambda tx: replay_dead_letter(tx, STORE, 7, 2, office.now_ms))


def test_a_replay_that_fails_again_is_counted(office: Office) -> None:
    shop = Shop()
    broken(shop)
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    letter = office.do(lambda tx: replay_dead_letter(tx, STORE, 7, 2, office.now_ms + 5, version="2"))
    assert (letter.state, letter.tries, letter.hub_version) == ("open", 2, "2")
    assert letter.last_at == letter.first_at + 5


def test_a_person_may_decide_that_it_stays_without_effect(office: Office) -> None:
    shop = Shop()
    bad = broken(shop)
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    assert office.do(lambda tx: dismiss_dead_letter(tx, STORE, 7, 2, office.now_ms)).state == "dismissed"
    assert office.feed(STORE)["dead_letter", str(bad)] is None
    with pytest.raises(DeadLetterSettled):
        office.do(lambda tx: dismiss_dead_letter(tx, STORE, 7, 2, office.now_ms))
    with pytest.raises(DeadLetterNotFound):
        office.do(lambda tx: find_dead_letter(tx, STORE, 7, 99))


def test_dead_letters_are_listed_page_by_page(office: Office) -> None:
    for store in (STORE, OTHER):
        shop = Shop(store)
        for _ in range(3):
            broken(shop)
        office.take_in(store, shop.journal)
        office.apply_all(store)
    first = office.do(lambda tx: list_dead_letters(tx, "open", None, 4))
    last = first[-1]
    rest = office.do(lambda tx: list_dead_letters(tx, "open", (last.store, last.epoch, last.seq), 4))
    assert [(letter.store, letter.seq) for letter in (*first, *rest)] == [
        (store, seq) for store in (STORE, OTHER) for seq in (2, 3, 4)
    ]
    assert office.do(lambda tx: list_dead_letters(tx, "parked")) == []


def failing_on(*seqs: int) -> Any:  # noqa: ANN401
    """A bug of ours that some entries meet."""

    def apply_or_fail(tx: Any, entries: Any) -> Any:  # noqa: ANN401
        batch = apply_batch(tx, entries)
        if any(entry.seq in seqs for entry in entries):
            raise ZeroDivisionError("a bug")
        return batch

    return apply_or_fail


def test_too_many_failures_are_our_own_fault_and_nothing_is_written(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    for _ in range(50):
        shop.sell(ANNA, earn=1)
    office.take_in(STORE, shop.journal)
    monkeypatch.setattr(applier, "apply_batch", failing_on(*range(10, 16)))
    with pytest.raises(BreakerTripped) as tripped:
        office.apply_all(STORE)
    assert (tripped.value.store, tripped.value.epoch, tripped.value.seq, tripped.value.failed) == (STORE, 7, 10, 6)
    assert office.rows("apply_cursor", "applied_seq, state") == [(0, "running")]
    assert office.rows("applied") == office.rows("dead_letter") == office.rows("feed") == []


def test_a_bug_that_meets_one_entry_after_the_other_is_seen_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    for _ in range(60):
        shop.sell(ANNA, earn=1)
    office.take_in(STORE, shop.journal)
    monkeypatch.setattr(applier, "apply_batch", failing_on(*range(2, 100)))
    with pytest.raises(BreakerTripped):
        office.apply_all(STORE, limit=1)
    assert len(office.rows("dead_letter")) == 50
    assert office.rows("apply_cursor", "applied_seq") == [(51,)]


def test_a_stopped_life_waits(office: Office) -> None:
    shop = Shop()
    office.take_in(STORE, shop.journal)
    office.do(lambda tx: tx.execute("UPDATE apply_cursor SET state = 'stopped'"))
    assert office.do(lambda tx: apply_next(tx, STORE, 7, 0)).taken == 0
    assert office.do(lambda tx: apply_next(tx, OTHER, 7, 0)).taken == 0


def test_a_broken_disk_is_no_fault_of_an_entry(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.sell(ANNA, earn=1)
    office.take_in(STORE, shop.journal)

    def fail(_tx: Any, _entries: Any) -> None:  # noqa: ANN401
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(applier, "apply_batch", fail)
        with pytest.raises(OSError, match="no space"):
            office.apply_all(STORE)
    assert office.rows("dead_letter") == []
    office.apply_all(STORE)
    assert office.rows("account", "active") == [(1,)]


@pytest.mark.parametrize(
    ("error", "is_its"),
    [
        (OSError("disk"), True),
        (MemoryError(), True),
        (StorageUnavailable("line"), True),
        (SqliteUnavailable("disk I/O error"), True),
        (sqlite3.OperationalError("database is locked"), True),
        (sqlite3.IntegrityError("UNIQUE constraint failed: posting.member"), False),
        (ValueError("no"), False),
        (PostingConflict("twice"), False),
        (RecursionError(), False),
    ],
)
def test_whose_fault_an_error_is(error: Exception, is_its: bool) -> None:
    assert is_of_the_database(error) is is_its


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IdConflict("the id"), "id_conflict"),
        (InvalidInput("no"), "invalid_input"),
        (sqlite3.IntegrityError("UNIQUE"), "constraint_broken"),
        (msgspec.ValidationError("Expected int"), "unreadable"),
        (ZeroDivisionError("by zero\nsecret"), "failed"),
    ],
)
def test_an_error_is_told_with_a_stable_code_and_one_line(error: Exception, code: str) -> None:
    told = describe(error)
    assert told[0] == code
    assert "secret" not in told[1]


@pytest.mark.parametrize(
    ("dead", "taken", "lately", "stops"),
    [
        (1, 1, 1, False),
        (5, 5, 5, False),
        (6, 100, 6, True),
        (25, 500, 25, False),
        (26, 500, 26, True),
        (1, 1, 51, True),
    ],
)
def test_how_many_failures_stop_the_appliers(dead: int, taken: int, lately: int, stops: bool) -> None:
    assert is_our_fault(dead, taken, lately) is stops


# -- newer entries than this release knows ----------------------------------------------------------------------------


class LampSwitched(Struct, frozen=True):
    """A fact of a later release."""

    lamp: str


class LampSwitchedTwice(Struct, frozen=True):
    """Its second version."""

    lamp: str
    count: int


def test_a_newer_entry_is_parked_and_replayed_after_the_upgrade(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    parked = shop.log_raw({"v": 1, "kind": "lamp.switched", "body": {"lamp": "red"}})
    shop.log_raw({"v": 2, "kind": "shift.opened", "body": {"new": True}})
    shop.sell(ANNA, earn=5)
    office.take_in(STORE, shop.journal)
    (done,) = office.apply_all(STORE)
    assert (done.fresh, done.parked, done.dead) == (2, 2, 0)
    assert office.rows("dead_letter", "seq, code, state") == [(2, "too_new", "parked"), (3, "too_new", "parked")]
    assert office.rows("account", "active") == [(5,)]
    assert office.do(lambda tx: replay_parked(tx, office.now_ms)) == 0
    upgrade(monkeypatch, {("lamp.switched", 1): LampSwitched})
    assert office.do(lambda tx: replay_parked(tx, office.now_ms)) == 1
    assert office.do(lambda tx: replay_parked(tx, office.now_ms)) == 0
    assert office.rows("dead_letter", "seq, state") == [(2, "replayed"), (3, "parked")]
    assert (parked.bytes,) in office.rows("applied", "op_id")
    assert proof_of(office).ok


def upgrade(monkeypatch: pytest.MonkeyPatch, kinds: dict[tuple[str, int], type[Struct]]) -> None:
    """The next release knows these too."""
    known = {**sync.facts.KINDS, **kinds}
    for module in (sync.facts, intake_reader, applier):
        monkeypatch.setattr(module, "KINDS", known)
    decoders = {name: msgspec.json.Decoder(body) for name, body in known.items()}
    monkeypatch.setattr(sync.facts, "_DECODERS", decoders)


def test_an_older_version_is_read_as_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(monkeypatch, {("lamp.switched", 1): LampSwitched, ("lamp.switched", 2): LampSwitchedTwice})
    steps = {
        ("lamp.switched", 1): lambda body: LampSwitchedTwice(body.lamp, 1),
        ("lamp.switched", 2): lambda body: LampSwitchedTwice(body.lamp.upper(), body.count),
    }
    assert upcast("lamp.switched", 1, LampSwitched("red"), steps) == LampSwitchedTwice("RED", 1)
    assert upcast("lamp.switched", 3, LampSwitched("red"), steps) == LampSwitched("red")
    assert upcasters.UPCASTERS == {}
    monkeypatch.setattr(sync.facts, "upcast", lambda kind, version, body: upcast(kind, version, body, steps))
    read = sync.facts.decode_body("lamp.switched", 1, b'{"lamp": "red"}')
    assert read == LampSwitchedTwice("RED", 1)


def test_a_posting_under_the_name_of_another_stores_fact_is_the_forgers_own(office: Office) -> None:
    honest, forger = Shop(), Shop(OTHER, epoch=8)
    sale = honest.sell(ANNA, earn=10)
    office.take_in(STORE, honest.journal)
    office.apply_all(STORE)
    stolen = forger.posting(ANNA, "earn", 500, n=2)
    body = PointsAdjusted(request="", member=ANNA, points=500, reason="", postings=(stolen,), balance=Balance())
    forger.log(body, sale)
    office.take_in(OTHER, forger.journal)
    office.apply_all(OTHER)
    assert office.rows("dead_letter", "store, code") == []
    postings = office.rows("posting", "op, points")
    assert (sale.bytes, 10) in postings, "the honest one is what it was"
    [forged] = [op for op, points in postings if points == 500]
    assert forged != sale.bytes
    assert office.rows("credit_day", "store, points") == [(STORE.bytes, 10), (OTHER.bytes, 500)]
