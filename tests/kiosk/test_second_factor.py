"""A member proves to be here: rotating code, PIN, a manager's word, and the few minutes after that on one screen."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.identity.approvals import ApprovalUnknown, grant_approval
from kiosk.identity.factor_service import open_proof
from kiosk.identity.proofs import (
    CardProvesNothing,
    CheckedProof,
    ClockBehind,
    CodeOfAnother,
    CodeOfOtherTime,
    CodeUsed,
    CodeWrong,
    FactorMissing,
    FactorProofNeeded,
    MemberPinWrong,
    Proof,
    ProofLocked,
    ProofNeeded,
    ProofUnreadable,
    SessionEnded,
    read_proof,
)
from kiosk.identity.second_factor import need_session, prove_member
from kiosk.members.members import MemberNotActive
from kiosk.sales.sale import ApprovalNeeded
from kiosk.shop import Caller, Shop
from loyalty.identifier_store import CardReplaced
from loyalty.identity import make_card
from loyalty.member_store import UnknownMember
from loyalty.one_time_codes import STEP_MS, make_code, step_of
from loyalty.transactions import Tx
from sync.db import connect
from tests.kiosk.member_counter import LIMITS, MemberCounter
from tests.kiosk.shopkit import MANAGER

MINUTE_MS = 60_000


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[MemberCounter]:
    counter = MemberCounter(tmp_path)
    yield counter
    counter.assert_proved()
    counter.connection.close()


def approve(counter: MemberCounter, purpose: str = "redeem", who: Caller | None = None) -> Proof:
    """A manager's word at the cashier's till."""
    token, device = f"approval-{counter.now_ms}", (who or counter.who()).device
    counter.do(lambda tx, _shop, _who: grant_approval(tx, token, MANAGER, purpose, device, counter.now_ms + MINUTE_MS))
    return Proof("approval", token)


# -- the rotating code -------------------------------------------------------------------------------------------------


def test_a_code_from_the_phone_proves_once(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    shown = counter.show(anna, phone)
    assert counter.prove(anna, shown) == "code"
    with pytest.raises(CodeUsed):
        counter.prove(anna, shown)
    counter.now_ms += STEP_MS
    assert counter.prove(anna, counter.show(anna, phone)) == "code"


def test_digits_typed_from_the_phone_prove_as_well(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    assert counter.prove(anna, Proof("code", counter.show(anna, phone)[20:])) == "code"


def test_of_two_tills_that_scan_one_code_together_one_wins(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    shown = counter.show(anna, phone)
    first, second = counter.check(anna, shown), counter.check(anna, shown, counter.who("manager"))
    assert (first.problem, second.problem) == (None, None)
    assert counter.do(prove_member, anna, first, 10) == "code"
    with pytest.raises(CodeUsed):
        counter.do_as(counter.who("manager"), prove_member, anna, second, 10)


def test_a_code_comes_back_when_what_it_was_for_fails(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    proof = counter.check(anna, counter.show(anna, phone))

    def prove_and_fail(tx: Tx, shop: Shop, who: Caller) -> None:
        prove_member(tx, shop, who, anna, proof, 10)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        counter.do(prove_and_fail)
    assert counter.do(prove_member, anna, proof, 10) == "code"


def test_a_code_used_before_the_power_failed_is_used_after_it(counter: MemberCounter, tmp_path: Path) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    shown = counter.show(anna, phone)
    counter.prove(anna, shown)
    ((_, _, database),) = counter.rows("PRAGMA database_list")
    for suffix in ("", "-wal"):
        shutil.copy(database + suffix, tmp_path / f"after{suffix}")
    counter.connection.close()
    counter.connection = connect(tmp_path / "after")
    with pytest.raises(CodeUsed):
        counter.prove(anna, shown)


@pytest.mark.parametrize(
    ("shift_ms", "refusal"),
    [
        (0, None),
        (-STEP_MS, None),
        (STEP_MS, None),
        (-2 * STEP_MS, CodeOfOtherTime),
        (2 * STEP_MS, CodeOfOtherTime),
        (-16 * MINUTE_MS, CodeOfOtherTime),
        (16 * MINUTE_MS, CodeOfOtherTime),
        (-365 * 24 * 60 * MINUTE_MS, CodeWrong),
        (365 * 24 * 60 * MINUTE_MS, CodeWrong),
    ],
)
def test_a_code_of_another_moment_is_refused(
    counter: MemberCounter, shift_ms: int, refusal: type[Exception] | None
) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    shown = counter.show(anna, phone, after_ms=shift_ms)
    if refusal is None:
        assert counter.prove(anna, shown) == "code"
    else:
        with pytest.raises(refusal):
            counter.prove(anna, shown)


def test_another_members_code_spends_nothing(counter: MemberCounter) -> None:
    anna, eve = counter.enrol(), counter.enrol("Eve Ochs", "601 202 303")
    counter.set_up_code(anna)
    phone = counter.set_up_code(eve)
    shown = counter.show(eve, phone)
    with pytest.raises(CodeOfAnother):
        counter.prove(anna, shown)
    with pytest.raises(CodeWrong):
        counter.prove(anna, Proof("code", shown[20:]))
    assert counter.prove(eve, shown) == "code"


def test_a_member_without_a_factor_is_told_so(counter: MemberCounter) -> None:
    anna = counter.enrol()
    for proof in ("4711", Proof("code", "12345678")):
        with pytest.raises(FactorMissing):
            counter.prove(anna, proof)
    with pytest.raises(ProofNeeded):
        counter.do(prove_member, anna, None, 1)


def test_a_store_whose_clock_is_behind_its_own_journal_checks_no_code(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    counter.set_pin(anna)
    counter.now_ms -= 15 * MINUTE_MS
    assert counter.prove(anna, counter.show(anna, phone)) == "code"
    counter.now_ms -= 2 * MINUTE_MS
    with pytest.raises(ClockBehind):
        counter.prove(anna, counter.show(anna, phone))
    assert counter.prove(anna, "4711") == "pin"


# -- what was scanned or typed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proof", "refusal"),
    [
        (None, ProofNeeded),
        ("29000000000000000039", CardProvesNothing),
        ("]Q129000000000000000039", CardProvesNothing),
        (Proof("code", "29000000000000000039"), CardProvesNothing),
        (Proof("pin", "29000000000000000039"), CardProvesNothing),
        ("123", ProofUnreadable),
        ("1234567890123", ProofUnreadable),
        ("4711a", ProofUnreadable),
        ("", ProofUnreadable),
        (Proof("code", "4711"), ProofUnreadable),
        (Proof("code", "123456789"), ProofUnreadable),
        (Proof("pin", "2900000000000000003912345678"), ProofUnreadable),
    ],
)
def test_what_is_no_proof_is_refused_before_anything_is_counted(
    proof: Proof | str | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read_proof(proof)


# -- PIN and lock ------------------------------------------------------------------------------------------------------


def test_wrong_proofs_lock_the_member_whichever_they_are(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    counter.set_pin(anna)
    for proof, refusal in (("0000", MemberPinWrong), (Proof("code", "00000000"), CodeWrong), ("1111", MemberPinWrong)):
        with pytest.raises(refusal):
            counter.prove(anna, proof)
    for proof in ("4711", counter.show(anna, phone)):
        with pytest.raises(ProofLocked) as locked:
            counter.prove(anna, proof)
        assert locked.value.extra["retry_after_s"] in range(1, 301)
    assert counter.prove(anna, approve(counter)) == f"approval:{MANAGER}"
    counter.now_ms += LIMITS.lock_minutes * MINUTE_MS
    assert counter.prove(anna, "4711") == "pin"
    with pytest.raises(MemberPinWrong):
        counter.prove(anna, "0000")
    assert counter.prove(anna, counter.show(anna, phone)) == "code"


def test_the_lock_doubles_while_nothing_right_comes_between(counter: MemberCounter) -> None:
    anna = counter.enrol()
    counter.set_pin(anna)
    for minutes in (5, 10, 20):
        for _ in range(LIMITS.attempts):
            with pytest.raises(MemberPinWrong):
                counter.prove(anna, "0000")
        counter.now_ms += minutes * MINUTE_MS - 1_000
        with pytest.raises(ProofLocked):
            counter.prove(anna, "4711")
        counter.now_ms += 1_000
    assert counter.prove(anna, "4711") == "pin"


def test_the_right_pin_proves_though_what_it_was_for_fails_many_times(counter: MemberCounter) -> None:
    anna = counter.enrol()
    counter.set_pin(anna)
    for _ in range(2 * LIMITS.attempts):
        assert counter.check(anna, "4711").problem is None
    assert counter.prove(anna, "4711") == "pin"


def test_a_pin_that_was_changed_in_between_proves_nothing(counter: MemberCounter) -> None:
    anna = counter.enrol()
    counter.set_pin(anna)
    proof = counter.check(anna, "4711")
    counter.set_pin(anna, "argon2 of 2580")
    with pytest.raises(MemberPinWrong):
        counter.do(prove_member, anna, proof, 1)


def test_one_members_failures_lock_nobody_else(counter: MemberCounter) -> None:
    anna, ben = counter.enrol(), counter.enrol("Ben Ochs", "601 202 303")
    counter.set_pin(anna)
    counter.set_pin(ben)
    for _ in range(LIMITS.attempts):
        with pytest.raises(MemberPinWrong):
            counter.prove(anna, "0000")
    assert counter.prove(ben, "4711") == "pin"


# -- a manager's word --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "points", "is_enough"),
    [("cashier", 5000, True), ("cashier", 5001, False), ("kiosk", 5001, False), ("manager", 5001, True)],
)
def test_much_at_once_needs_a_manager(counter: MemberCounter, role: str, points: int, is_enough: bool) -> None:
    anna = counter.enrol()
    counter.set_pin(anna)
    who = counter.who(role)
    if is_enough:
        assert counter.prove(anna, "4711", points, who) == "pin"
    else:
        with pytest.raises(ApprovalNeeded):
            counter.prove(anna, "4711", points, who)


def test_an_approval_proves_any_amount_once_on_its_device_and_for_this_alone(counter: MemberCounter) -> None:
    anna = counter.enrol()
    proof = approve(counter)
    assert counter.prove(anna, proof, 1_000_000) == f"approval:{MANAGER}"
    for wrong in (proof, Proof("approval", "made-up"), approve(counter, "discount")):
        with pytest.raises(ApprovalUnknown):
            counter.prove(anna, wrong)
    with pytest.raises(ApprovalUnknown):
        counter.prove(anna, approve(counter), who=counter.who("kiosk"))


# -- a few minutes on one screen ---------------------------------------------------------------------------------------


def proved(counter: MemberCounter) -> tuple[UUID, str]:
    """Anna, proved at the kiosk, and her token."""
    anna = counter.enrol()
    counter.set_pin(anna)
    kiosk = counter.who("kiosk")
    proof = counter.check(anna, "4711", kiosk)
    answer = counter.do_as(kiosk, open_proof, anna, proof, "token", counter.now_ms + 3 * MINUTE_MS)
    assert (answer.factor, answer.member.name, answer.points.active) == ("pin", "A.", 0)
    assert answer.member.phone == "+48 ••• ••• 200"
    return anna, answer.token


def test_a_session_shows_again_and_again_and_spends_once(counter: MemberCounter) -> None:
    anna, token = proved(counter)
    kiosk = counter.who("kiosk")
    for _ in range(3):
        counter.do_as(kiosk, lambda tx, _shop, who: need_session(tx, who, anna, token))
    assert counter.prove(anna, Proof("session", token), 100, kiosk) == "pin"
    with pytest.raises(SessionEnded):
        counter.prove(anna, Proof("session", token), 100, kiosk)
    counter.do_as(kiosk, lambda tx, _shop, who: need_session(tx, who, anna, token))


@pytest.mark.parametrize("wrong", ["device", "member", "token", "none", "late"])
def test_a_session_holds_for_its_device_its_member_and_its_time(counter: MemberCounter, wrong: str) -> None:
    anna, token = proved(counter)
    shown: str | None = token
    who, member = counter.who("kiosk"), anna
    match wrong:
        case "device":
            who = counter.who("cashier")
        case "member":
            member = counter.enrol("Ben Ochs", "601 202 303")
        case "token":
            shown = "other"
        case "none":
            shown = None
        case "late":
            who = msgspec.structs.replace(who, now_ms=who.now_ms + 3 * MINUTE_MS + 1)
    with pytest.raises(SessionEnded):
        counter.do_as(who, lambda tx, _shop, who: need_session(tx, who, member, shown))
    with pytest.raises(SessionEnded):
        counter.do_as(who, prove_member, member, CheckedProof("session", member, shown or ""), 1)


def test_a_session_begets_no_session_and_a_new_one_ends_the_old(counter: MemberCounter) -> None:
    anna, token = proved(counter)
    kiosk = counter.who("kiosk")
    later = counter.now_ms + 3 * MINUTE_MS
    with pytest.raises(ProofNeeded):
        counter.do_as(kiosk, open_proof, anna, counter.check(anna, Proof("session", token), kiosk), "second", later)
    counter.do_as(kiosk, open_proof, anna, counter.check(anna, "4711", kiosk), "third", later)
    with pytest.raises(SessionEnded):
        counter.do_as(kiosk, lambda tx, _shop, who: need_session(tx, who, anna, token))


# -- who may set up what -----------------------------------------------------------------------------------------------


def test_whoever_joined_with_a_card_of_elsewhere_sets_up_nothing_alone(counter: MemberCounter) -> None:
    """Head office joins her with whoever has the card: a photographed card must not become a PIN of its owner."""
    stranger = counter.enrol(name=None, phone=None, consents=(), card=make_card(bytes(7)))
    for set_up in (counter.set_pin, counter.set_up_code):
        with pytest.raises(FactorProofNeeded):
            set_up(stranger, who=counter.who())
    counter.set_pin(stranger, who=counter.who("manager"))


def test_a_new_member_sets_a_pin_where_it_has_just_joined_and_only_there(counter: MemberCounter) -> None:
    anna, ben = counter.enrol(), counter.enrol("Ben Ochs", "601 202 303")
    for who in (counter.who("kiosk"), counter.who("cashier", "K01")):
        with pytest.raises(FactorProofNeeded):
            counter.set_pin(anna, who=who)
    counter.set_pin(anna, who=counter.who())
    assert counter.look(anna).has_pin
    counter.now_ms += 15 * MINUTE_MS
    with pytest.raises(FactorProofNeeded):
        counter.set_pin(ben, who=counter.who())


def test_whoever_has_a_factor_changes_it_with_it_or_with_a_manager(counter: MemberCounter) -> None:
    anna = counter.enrol()
    counter.set_pin(anna, who=counter.who())
    with pytest.raises(FactorProofNeeded):
        counter.set_up_code(anna, counter.who())
    with pytest.raises(MemberPinWrong):
        counter.set_up_code(anna, counter.who(), counter.check(anna, "0000"))
    old = counter.set_up_code(anna, counter.who(), counter.check(anna, "4711"))
    new = counter.set_up_code(anna, counter.who(), counter.check(anna, approve(counter)))
    with pytest.raises(CodeWrong):
        counter.prove(anna, counter.show(anna, old))
    assert counter.prove(anna, counter.show(anna, new)) == "code"
    assert (counter.look(anna).has_pin, counter.look(anna).has_code) == (True, True)


# -- members who change ------------------------------------------------------------------------------------------------


def test_the_phone_and_the_pin_of_a_merged_member_prove_the_survivor(counter: MemberCounter) -> None:
    anna, twin = counter.enrol(), counter.enrol("Anna Kowalska", "601 202 303")
    phone = counter.set_up_code(twin)
    counter.set_pin(twin)
    shown = counter.show(twin, phone)
    counter.merge(twin, anna)
    assert counter.prove(anna, shown) == "code"
    with pytest.raises(CodeUsed):
        counter.prove(anna, shown)
    assert counter.prove(anna, "4711") == "pin"
    with pytest.raises(UnknownMember):
        counter.prove(twin, "4711")


def test_an_erased_member_proves_nothing_and_nothing_is_remembered_of_it(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    counter.set_pin(anna)
    first = counter.check(anna, "4711")
    shown = counter.show(anna, phone)
    counter.prove(anna, shown)
    counter.do(open_proof, anna, counter.check(anna, "4711"), "token", counter.now_ms + MINUTE_MS)
    counter.erase(anna)
    for table in ("member_factor", "member_proof", "member_secret", "member_identifier", "journal_private"):
        assert counter.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    for proof in ("4711", shown, Proof("code", make_code(phone, step_of(counter.now_ms)))):
        with pytest.raises(UnknownMember):
            counter.prove(anna, proof)
    with pytest.raises(MemberPinWrong):
        counter.do(prove_member, anna, first, 1)
    with pytest.raises(MemberNotActive):
        counter.set_pin(anna)


def test_the_phone_with_a_card_that_was_replaced_is_refused(counter: MemberCounter) -> None:
    anna = counter.enrol()
    phone = counter.set_up_code(anna)
    shown = counter.show(anna, phone)
    counter.replace_card(anna, counter.look(anna).token or "")
    with pytest.raises(CardReplaced):
        counter.prove(anna, shown)
    assert counter.prove(anna, counter.show(anna, phone)) == "code"
