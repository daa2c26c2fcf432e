"""PINs, sign-ins, approvals, pairing and operators, as the tables see them; and the PIN hash itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config import Approvable
from kiosk.identity.approvals import ApprovalUnknown, use_approval
from kiosk.identity.people import (
    LastManager,
    NewDevice,
    OperatorExists,
    OperatorNotFound,
    PairDevice,
    PinLocked,
    PinMissing,
    Purpose,
    SaveOperator,
    UnknownPairingCode,
    WrongDeviceKind,
    WrongOperatorId,
    WrongPin,
    make_pairing_code,
    read_pairing_code,
)
from kiosk.identity.people_service import (
    Attempt,
    PinLimits,
    begin_attempt,
    complete_approval,
    complete_sign_in,
    create_pairing_code,
    list_operators,
    pair_device,
    save_operator,
    set_up_manager,
    show_operator,
)
from kiosk.identity.people_store import read_tokens
from kiosk.shop import Caller
from sync.http.auth import hash_token
from sync.http.etag import strong_etag
from sync.http.paging import PageQuery
from sync.http.problems import PreconditionFailed, PreconditionRequired
from sync.pins import Pins, hash_pin
from tests.kiosk.people_fixtures import NOW_MS, Place

LIMITS = PinLimits(attempts=3, lock_minutes=5)
DAY_MS = 86_400_000


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.open()
    await place.database.write(lambda tx: set_up_manager(tx, place.shop, NOW_MS, "ola", "Ola", "hash-of-ola"))
    yield place
    await place.database.close()


async def pair(place: Place, kind: str = "till", number: int = 0) -> str:
    """Pair a device; answers its till."""
    code = await place.database.write(lambda tx: create_pairing_code(tx, kind, place.now_ms, number.to_bytes(16)))
    command = PairDevice(code.code, NewDevice(f"Device {number}", kind))  # type: ignore[arg-type]
    paired = await place.database.write(
        lambda tx: pair_device(tx, command, place.now_ms, f"token-{number}", number.to_bytes(10))
    )
    return paired.till


async def save(place: Place, operator: str, **fields: object) -> int:
    """Add or change an operator on its present version; answers the new version."""
    pin_hash = fields.pop("pin_hash", None)
    command = SaveOperator(**{"name": operator.title(), "role": "cashier", **fields})  # type: ignore[arg-type]
    try:
        tag = strong_etag((await place.read(show_operator, operator)).revision)
    except OperatorNotFound:
        tag = None
    saved, _ = await place.write(save_operator, operator, command, pin_hash, tag, bytes([place.now_ms % 251] * 10))
    return saved.revision


async def test_the_first_manager_is_a_fact_and_there_is_only_one_first(place: Place) -> None:
    assert await place.rows("SELECT id, role, active FROM operator") == [("ola", "manager", 1)]
    for operator in ("ola", "ewa"):
        with pytest.raises(OperatorExists):
            await place.database.write(lambda tx, who=operator: set_up_manager(tx, place.shop, NOW_MS, who, "E", "h"))
    assert (await place.verify()).ok


async def test_names_and_pins_stay_out_of_the_journal(place: Place) -> None:
    await save(place, "ana", name="Ana Maria", pin_hash="hash-of-ana")
    contents = b"".join(bytes(row[0]) for row in await place.rows("SELECT content FROM journal"))
    assert b"ana" in contents
    assert b"Maria" not in contents
    assert b"hash-of" not in contents


async def test_tries_are_counted_before_they_are_compared_and_then_lock(place: Place) -> None:
    for _ in range(LIMITS.attempts):
        assert await place.write(begin_attempt, "ola", LIMITS) == Attempt("ola", "hash-of-ola")
    with pytest.raises(PinLocked) as locked:
        await place.write(begin_attempt, "ola", LIMITS)
    assert 0 < int(locked.value.headers["Retry-After"]) <= 300
    place.now_ms += 5 * 60_000
    assert (await place.write(begin_attempt, "ola", LIMITS)).pin_hash == "hash-of-ola"


async def test_of_many_tries_at_once_only_the_first_few_are_compared(place: Place) -> None:
    tries = await asyncio.gather(
        *(place.write(begin_attempt, "ola", LIMITS) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(each, Attempt) for each in tries) == LIMITS.attempts
    assert sum(isinstance(each, PinLocked) for each in tries) == 50 - LIMITS.attempts


async def test_the_right_pin_sets_the_counter_back_even_at_the_last_try(place: Place) -> None:
    await pair(place)
    device = (await place.rows("SELECT id FROM device"))[0][0]
    for round_ in range(3):
        for _ in range(LIMITS.attempts):
            attempt = await place.write(begin_attempt, "ola", LIMITS)
        await place.database.write(
            lambda tx, attempt=attempt, token=f"t{round_}": complete_sign_in(
                tx, place.shop, caller_on(place, device), attempt, token, place.now_ms + DAY_MS
            )
        )
    assert await place.rows("SELECT failures, locked_until FROM operator_secret") == [(0, 0)]


def caller_on(place: Place, device: bytes) -> Caller:
    """Whoever stands at this device."""
    return msgspec.structs.replace(place.caller(), device=UUID(bytes=device))


async def test_a_new_sign_in_ends_the_earlier_one_and_leaves_the_device_its_token(place: Place) -> None:
    await pair(place)
    device = (await place.rows("SELECT id FROM device"))[0][0]
    for token in ("first", "second"):
        attempt = await place.write(begin_attempt, "ola", LIMITS)
        await place.database.write(
            lambda tx, attempt=attempt, token=token: complete_sign_in(
                tx, place.shop, caller_on(place, device), attempt, token, place.now_ms + DAY_MS
            )
        )
    tokens = await place.database.read(lambda tx: read_tokens(tx, place.now_ms))
    assert {token.hash for token in tokens} == {hash_token("token-0"), hash_token("second")}
    assert {token.role for token in tokens} == {"device", "manager"}
    later = await place.database.read(lambda tx: read_tokens(tx, place.now_ms + 2 * DAY_MS))
    assert [token.hash for token in later] == [hash_token("token-0")]


@pytest.mark.parametrize("change", [{"pin_hash": "new"}, {"active": False}])
async def test_a_pin_or_operator_changed_while_it_was_compared_signs_nobody_in(
    place: Place, change: dict[str, object]
) -> None:
    await save(place, "ana", pin_hash="hash-of-ana")
    attempt = await place.write(begin_attempt, "ana", LIMITS)
    await save(place, "ana", **change)
    with pytest.raises(WrongPin):
        await place.write(complete_sign_in, attempt, "token", place.now_ms + DAY_MS)


@pytest.mark.parametrize("operator", ["nobody", "off", "lost"])
async def test_whoever_cannot_sign_in_is_counted_as_nobody(place: Place, operator: str) -> None:
    await save(place, "off", pin_hash="h", active=False)
    await save(place, "lost", pin_hash="h")
    await place.database.write(lambda tx: tx.execute("DELETE FROM operator_secret WHERE id = 'lost'"))
    for _ in range(10):
        assert await place.write(begin_attempt, operator, LIMITS) == Attempt(operator, None)


async def test_an_approval_is_a_managers_word_for_one_thing_once(place: Place) -> None:
    attempt = await place.write(begin_attempt, "ola", LIMITS)
    approved = await place.write(complete_approval, attempt, "yes", "void", place.now_ms + 60_000)
    assert approved is not None
    caller = place.caller()
    with pytest.raises(ApprovalUnknown):
        await place.database.write(lambda tx: use_approval(tx, caller, "yes", "return"))
    assert await place.database.write(lambda tx: use_approval(tx, caller, "yes", "void")) == "ola"
    with pytest.raises(ApprovalUnknown):
        await place.database.write(lambda tx: use_approval(tx, caller, "yes", "void"))


async def test_a_cashier_approves_nothing_and_is_not_locked_out_for_trying(place: Place) -> None:
    await save(place, "ana", pin_hash="hash-of-ana")
    for _ in range(10):
        attempt = await place.write(begin_attempt, "ana", LIMITS)
        assert await place.write(complete_approval, attempt, "yes", "void", place.now_ms + 60_000) is None
    assert await place.rows("SELECT count(*) FROM approval") == [(0,)]


def test_every_purpose_of_an_approval_is_one_that_config_knows() -> None:
    assert get_args(Purpose) == (*get_args(Approvable), "redeem")


async def test_devices_are_named_without_gaps_by_kind(place: Place) -> None:
    kinds = ["till", "kiosk", "till", "till", "kiosk"]
    assert [await pair(place, kind, number) for number, kind in enumerate(kinds)] == ["T01", "K01", "T02", "T03", "K02"]
    roles = {token.till: token.role for token in await place.database.read(lambda tx: read_tokens(tx, place.now_ms))}
    assert roles == {"T01": "device", "T02": "device", "T03": "device", "K01": "kiosk", "K02": "kiosk"}


async def test_a_pairing_code_holds_once_for_its_kind_and_for_ten_minutes(place: Place) -> None:
    code = (await place.database.write(lambda tx: create_pairing_code(tx, "till", NOW_MS, bytes(range(16))))).code
    till, kiosk = NewDevice("Front", "till"), NewDevice("Entrance", "kiosk")

    async def try_it(text: str, device: NewDevice, now_ms: int) -> str:
        command = PairDevice(text, device)
        return (await place.database.write(lambda tx: pair_device(tx, command, now_ms, "token", bytes(10)))).till

    with pytest.raises(UnknownPairingCode):
        await try_it("CCCCCCCC", till, NOW_MS)
    with pytest.raises(WrongDeviceKind):
        await try_it(code, kiosk, NOW_MS)
    with pytest.raises(UnknownPairingCode):
        await try_it(code, till, NOW_MS + 600_000)
    assert await try_it(f" {code[:4].lower()}-{code[4:]} ", till, NOW_MS + 599_999) == "T01"
    with pytest.raises(UnknownPairingCode):
        await try_it(code, till, NOW_MS)
    assert code.encode() not in place.path.read_bytes()


@given(st.binary(min_size=16, max_size=16))
def test_a_pairing_code_survives_being_typed(random: bytes) -> None:
    code = make_pairing_code(random)
    assert len(code) == 8
    assert not set(code) & set("AEIOUY01L25S8BZ")
    assert read_pairing_code(f"{code[:3].lower()} {code[3:]}") == code


async def test_an_operator_is_changed_on_its_version_and_every_change_is_a_fact(place: Place) -> None:
    assert await save(place, "ana", pin_hash="h") == 1
    assert await save(place, "ana", name="Ana Maria") == 2
    assert await save(place, "ana", name="Ana Maria") == 2
    assert await save(place, "ana", name="Ana Maria", pin_hash="h2") == 3
    command = SaveOperator(name="Eve", role="manager")
    for tag, problem in ((strong_etag(2), PreconditionFailed), (None, PreconditionRequired)):
        with pytest.raises(problem):
            await place.write(save_operator, "ana", command, None, tag, bytes(10))
    facts = await place.rows("SELECT count(*) FROM journal WHERE kind = 'operator.changed'")
    assert facts == [(4,)]
    assert (await place.verify()).ok


async def test_a_new_operator_needs_a_pin_and_a_short_name(place: Place) -> None:
    with pytest.raises(PinMissing):
        await save(place, "ana")
    for operator in ("Ana", "a b", "", "ż", "a" * 31):
        with pytest.raises(WrongOperatorId):
            await save(place, operator, pin_hash="h")
    command = SaveOperator(name="Ana", role="cashier")
    with pytest.raises(PreconditionFailed):
        await place.write(save_operator, "ana", command, "h", strong_etag(1), bytes(10))


@pytest.mark.parametrize("change", [{"role": "cashier"}, {"role": "manager", "active": False}])
async def test_the_last_manager_stays(place: Place, change: dict[str, object]) -> None:
    with pytest.raises(LastManager):
        await save(place, "ola", **change)
    await save(place, "ewa", role="manager", pin_hash="h")
    await save(place, "ola", **change)
    with pytest.raises(LastManager):
        await save(place, "ewa", **change)


async def test_operators_are_listed_in_pages(place: Place) -> None:
    for operator in ("ana", "bea", "cyd"):
        await save(place, operator, pin_hash="h")
    first = await place.read(list_operators, PageQuery(limit=3))
    second = await place.read(list_operators, PageQuery(after=first.next, limit=3))
    assert [operator.id for operator in (*first.items, *second.items)] == ["ana", "bea", "cyd", "ola"]
    assert second.next is None


async def test_a_pin_is_argon2id_and_only_the_right_one_matches() -> None:
    pins = Pins()
    stored = await pins.hash("4711")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await pins.matches(stored, "4711")
    assert not await pins.matches(stored, "4712")
    assert not await pins.matches("damaged", "4711")
    assert not await pins.matches(None, "there is no such operator")
    assert hash_pin("4711") != stored


async def test_comparing_pins_leaves_the_event_loop_free() -> None:
    pins = Pins()
    stored = await pins.hash("4711")
    comparing = asyncio.gather(*(pins.matches(stored, "0000") for _ in range(8)))
    turns = 0
    while not comparing.done():
        await asyncio.sleep(0)
        turns += 1
    assert await comparing == [False] * 8
    assert turns > 20, "on the loop itself each of the eight would take one turn"
