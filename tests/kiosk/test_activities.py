"""Points for what is no purchase: once under their key, with proof, within caps; over every order and replay."""

import datetime as dt
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from kiosk.identity.proofs import SessionEnded
from kiosk.program.activities import (
    ActivityProof,
    CapReached,
    ProofIncomplete,
    RecordActivity,
    ReferralWrong,
    UnknownPartner,
)
from kiosk.program.activity_service import record_activity
from kiosk.program.program_service import RULES, TYPES
from loyalty.activities import (
    ActivityDone,
    ActivityNotOffered,
    ActivityTooOld,
    ActivityType,
    ProofNotTaken,
    SubjectNeeded,
    WrongSignature,
    built_in,
    key_of,
    signed_text,
    validate_activity,
)
from loyalty.earning_rules.rule import Caps, Once
from loyalty.errors import IdConflict, Problem
from loyalty.member_store import UnknownMember
from sync.db import connect
from tests.kiosk.earning_shop import activity, define, define_rule, end, record, type_terms
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import caller, new_id, perform
from tests.loyalty.earning_rules.rules import rule

GYM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PARTNERS = [{"name": "gym", "public_key": GYM.public_key().public_bytes_raw().hex()}]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with open_till(tmp_path, loyalty={"partners": PARTNERS}) as opened:
        for code, points in (("survey", 50), ("check_in", 10), ("signup", 100), ("fitness_day", 20), ("referral", 200)):
            define(opened, TYPES, code, type_terms(code, points))
        yield opened


def sign(command: RecordActivity, key: Ed25519PrivateKey = GYM, **changed: object) -> ActivityProof:
    """The partner's proof for a command."""
    details: dict[str, Any] = {
        "partner": "gym",
        "op_id": str(command.id),
        "member": str(command.member),
        "activity": command.type,
        "occurred_at": int(command.occurred_at.timestamp() * 1000),
        "subject": command.subject,
        **changed,
    }
    return ActivityProof(kind="signed_partner", partner="gym", signature=key.sign(signed_text(**details)).hex())


def test_a_survey_pays_once_whoever_tells_of_it_again(till: Till) -> None:
    anna = till.enrol()
    answer = record(till, anna, "survey", subject="s1").answer
    assert (answer.points, answer.rules[0].rule, till.points(anna).active) == (50, "survey@1", 50)
    with pytest.raises(ActivityDone) as done:
        record(till, anna, "survey", subject="s1")
    assert done.value.status == 409
    assert done.value.extra["first"] == {"at": answer.at, "business_day": "2026-11-21"}
    record(till, anna, "survey", subject="s2")
    record(till, till.enrol("Ben"), "survey", subject="s1")
    assert till.points(anna).active == 100
    assert_holds(till.connection)


def test_the_same_delivery_again_is_answered_as_the_first_and_another_under_its_id_is_refused(till: Till) -> None:
    anna = till.enrol()
    command = activity(till, anna, "survey", subject="s1")
    first = till.do(record_activity, command)
    again = till.do(record_activity, command)
    assert (first.replayed, again.replayed, again.answer) == (False, True, first.answer)
    with pytest.raises(IdConflict):
        till.do(record_activity, replace(command, subject="s2"))
    assert till.points(anna).active == 50


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_in_any_order_each_key_pays_once(tmp_path: Path, order: tuple[int, ...]) -> None:
    with open_till(tmp_path) as till:
        define(till, TYPES, "survey", type_terms("survey", 50))
        define(till, TYPES, "check_in", type_terms("check_in", 10))
        anna = till.enrol()
        told = [("survey", "a"), ("survey", "a"), ("survey", "b"), ("check_in", None)]
        for place in order:
            code, subject = told[place]
            try:
                record(till, anna, code, subject=subject)
            except ActivityDone:
                continue
        assert till.points(anna).active == 110
        assert_holds(till.connection)


def test_a_day_is_a_day_of_the_shop_s_own_time(till: Till) -> None:
    anna = till.enrol()
    before = dt.datetime.fromisoformat("2026-11-20T22:59:00+00:00")  # 23:59 in Warsaw
    record(till, anna, "check_in", occurred_at=before)
    record(till, anna, "check_in", occurred_at=before + dt.timedelta(minutes=1))
    with pytest.raises(ActivityDone):
        record(till, anna, "check_in", occurred_at=before + dt.timedelta(hours=12))
    assert till.points(anna).active == 20


@pytest.mark.parametrize(
    ("code", "more", "problem"),
    [
        ("review", {"subject": "x"}, ActivityNotOffered),
        ("survey", {}, SubjectNeeded),
        ("check_in", {"occurred_at": dt.datetime(2026, 10, 1, tzinfo=dt.UTC)}, ActivityTooOld),
        ("check_in", {"occurred_at": dt.datetime(2026, 11, 22, tzinfo=dt.UTC)}, ActivityTooOld),
        ("fitness_day", {}, ProofNotTaken),
        ("signup", {"proof": ActivityProof(kind="self")}, ProofNotTaken),
        ("survey", {"subject": "x", "proof": ActivityProof(kind="self", token="unknown")}, SessionEnded),
        ("fitness_day", {"proof": ActivityProof(kind="signed_partner", partner="gym")}, ProofIncomplete),
        (
            "fitness_day",
            {"proof": ActivityProof(kind="signed_partner", partner="spa", signature="0" * 128)},
            UnknownPartner,
        ),
        ("signup", {"member": new_id()}, UnknownMember),
    ],
)
def test_what_cannot_be_counted_is_refused_and_writes_nothing(
    till: Till, code: str, more: dict[str, Any], problem: type[Problem]
) -> None:
    anna, entries = till.enrol(), till.entries()
    with pytest.raises(problem):
        till.do(record_activity, activity(till, more.pop("member", anna), code, **more))
    assert till.entries() == entries


def test_a_kiosk_cannot_speak_for_staff(till: Till) -> None:
    anna = till.enrol()
    command = activity(till, anna, "check_in", proof=ActivityProof(kind="staff"))
    with pytest.raises(ProofIncomplete):
        perform(till.connection, record_activity, till.shop, caller("kiosk", at_ms=till.who.now_ms), command)


def test_a_partner_s_signature_is_good_for_exactly_what_it_signed(till: Till) -> None:
    anna = till.enrol()
    command = activity(till, anna, "fitness_day")
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    wrong = [
        sign(command, other),
        sign(command, member=str(till.enrol("Ben"))),
        sign(command, op_id=str(new_id())),
        sign(command, activity="survey"),
        sign(command, occurred_at=0),
        sign(command, subject="x"),
        sign(command, partner="gym2"),
        ActivityProof(kind="signed_partner", partner="gym", signature="0" * 128),
    ]
    for proof in wrong:
        with pytest.raises(WrongSignature):
            till.do(record_activity, replace(command, proof=proof))
    assert till.points(anna).active == 0
    till.do(record_activity, replace(command, proof=sign(command)))
    assert till.points(anna).active == 20
    assert till.rows("SELECT proof, partner FROM activity") == [("signed_partner", "gym")]


def test_caps_of_a_type_hold_by_day_and_by_period(tmp_path: Path) -> None:
    caps = Caps(per_day=100, per_period=150, period="month")
    with open_till(tmp_path) as till:
        define(till, TYPES, "survey", type_terms("survey", 50, caps=caps))
        anna = till.enrol()
        for subject in ("a", "b"):
            record(till, anna, "survey", subject=subject)
        with pytest.raises(CapReached):
            record(till, anna, "survey", subject="c")
        till.close(cash=10_000)
        till.who = caller(at_ms=till.who.now_ms + 86_400_000)
        till.open()
        record(till, anna, "survey", subject="c")
        with pytest.raises(CapReached):
            record(till, anna, "survey", subject="d")
        assert till.points(anna).active == 150
        assert_holds(till.connection)


def test_rules_for_activities_count_and_an_ended_type_pays_no_more(till: Till) -> None:
    anna = till.enrol()
    extra = rule("extra", "activity", "add", Once(points=5), activity="survey", caps=Caps(per_day=5))
    define_rule(till, RULES, extra)
    assert record(till, anna, "survey", subject="a").answer.points == 55
    assert record(till, anna, "survey", subject="b").answer.points == 50
    end(till, TYPES, "survey")
    with pytest.raises(ActivityNotOffered):
        record(till, anna, "survey", subject="c")
    assert till.rows("SELECT rule, sum(points) FROM rule_points GROUP BY rule") == [("extra", 5), ("survey", 100)]
    assert_holds(till.connection)


def test_points_that_end_early_say_so(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        define(till, TYPES, "signup", type_terms("signup", 100, valid_days=30))
        answer = record(till, till.enrol(), "signup").answer
        assert answer.expires_at == "2026-12-21T23:00:00.000Z"


def test_two_tills_record_one_activity_at_once_and_one_is_paid(tmp_path: Path) -> None:
    with open_till(tmp_path) as till:
        define(till, TYPES, "survey", type_terms("survey", 50))
        anna = till.enrol()
        path = till.rows("PRAGMA database_list")[0][2]
        rounds = 100
        start = threading.Barrier(2)
        paid: list[str] = []

        def run(role: str) -> None:
            connection = connect(Path(path))
            for number in range(rounds):
                command = activity(till, anna, "survey", subject=f"s{number}")
                start.wait()
                try:
                    perform(connection, record_activity, till.shop, caller(role), command)
                except ActivityDone:
                    continue
                paid.append(f"s{number}")
            connection.close()

        threads = [threading.Thread(target=run, args=(role,)) for role in ("cashier", "manager")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(paid) == sorted(f"s{number}" for number in range(rounds))
        assert till.points(anna).active == 50 * rounds
        assert_holds(till.connection)


def test_a_friend_is_a_new_member_and_not_the_same_person(till: Till) -> None:
    anna, ben = till.enrol("Anna", "600100200"), till.enrol("Ben", "600100201")
    twin, old = till.enrol("Anna again", "600100200"), till.enrol("Old", "600100203")
    till.sell("100", member=old)
    for subject in (str(anna), str(twin), str(old), "nobody"):
        with pytest.raises(ReferralWrong):
            record(till, anna, "referral", subject=subject)
    answer = record(till, anna, "referral", subject=str(ben)).answer
    assert (answer.points, till.points(anna).active) == (200, 0)
    with pytest.raises(ReferralWrong):
        record(till, ben, "referral", subject=str(anna))
    with pytest.raises(ActivityDone):
        record(till, old, "referral", subject=str(ben))


KEYS = [
    ("{member}", [], True),
    ("{member}:{subject}:{week}", [], True),
    ("member", ["wrong_key"], False),
    ("{member}{day}", ["wrong_key"], False),
    ("{member}:{moon}", ["wrong_key"], False),
    ("{member}:{member}", ["wrong_key"], False),
    ("{day}", ["pays_once_for_all"], False),
]


@pytest.mark.parametrize(("key", "codes", "is_sound"), KEYS)
def test_a_key_that_pays_everybody_or_nobody_is_refused(key: str, codes: list[str], is_sound: bool) -> None:
    faults = validate_activity(replace(built_in("survey", 5), key=key))
    assert [fault.code for fault in faults] == codes
    assert is_sound is not bool(faults)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"title": {}}, "title_missing"),
        ({"caps": Caps(per_sale=9)}, "no_sale"),
        ({"caps": Caps(per_day=9, per_period=8)}, "caps_disagree"),
        ({"caps": Caps(per_day=4)}, "cap_below_gift"),
        ({"proof": ("staff", "staff")}, "repeated"),
        ({"id": "referral"}, "wrong_key"),
    ],
)
def test_a_type_nobody_could_explain_is_refused(changed: dict[str, Any], code: str) -> None:
    assert code in [fault.code for fault in validate_activity(replace(built_in("survey", 5), **changed))]


@pytest.mark.parametrize("code", ["signup", "review", "fitness_day", "vaccination", "referral"])
def test_the_types_that_everybody_knows_are_sound_and_their_keys_differ(code: str) -> None:
    known: ActivityType = built_in(code, 5)
    assert validate_activity(known) == []
    day, member = dt.date(2026, 11, 21), bytes(16)
    key = key_of(known, member, day, "x")
    assert len(key) == 32
    assert key != key_of(built_in("check_in"), member, day, "x")
    assert (key == key_of(known, bytes([1]) + bytes(15), day, "x")) is (code == "referral")
