"""Pairing, signing in, approving and operators over HTTP: who gets in, who is locked out, whose token ends when."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.identity.sessions import Sessions
from tests.kiosk.people_fixtures import op
from tests.kiosk.web.people_server import ATTEMPTS, PIN, Served

HOUR_MS = 3_600_000


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    await served.start()
    yield served
    await served.stop()


async def test_a_device_is_paired_with_a_code_that_works_once(served: Served) -> None:
    made = await served.call("POST", "/v1/pairing-codes", "manager", {"kind": "kiosk"})
    assert made.status == 201
    body = {"code": made.body["code"], "device": {"name": "Entrance", "kind": "kiosk"}}
    paired = await served.call("POST", "/v1/pairings", None, body)
    assert (paired.status, paired.body["till"]) == (201, "K02")
    again = await served.call("POST", "/v1/pairings", None, body)
    assert (again.status, again.body["code"]) == (422, "unknown_pairing_code")
    served.tokens["new"] = paired.body["token"]
    assert (await served.call("POST", "/v1/members/resolve", "new", {"phone": "600100200"})).status == 422
    assert (await served.call("GET", "/v1/devices", "new")).status == 403


async def test_a_sign_in_says_who_and_until_when(served: Served) -> None:
    reply = await served.call("POST", "/v1/sign-ins", "till", {"operator": "ola", "pin": PIN})
    assert reply.status == 201
    assert (reply.body["role"], reply.body["operator"]) == ("manager", {"id": "ola", "name": "Ola"})
    served.tokens["new"] = reply.body["token"]
    assert (await served.call("GET", "/v1/operators", "new")).status == 200
    served.now_ms += served.door.config.roles.sign_in_hours * HOUR_MS
    assert (await served.call("GET", "/v1/operators", "new")).status == 401


async def test_a_new_sign_in_ends_the_earlier_one_of_the_device(served: Served) -> None:
    await served.sign_in_cashier()
    reply = await served.call("POST", "/v1/sign-ins", "cashier", {"operator": "ola", "pin": PIN})
    served.tokens["new"] = reply.body["token"]
    statuses = [(await served.call("GET", "/v1/devices", who)).status for who in ("cashier", "new", "manager")]
    assert statuses == [401, 200, 200]


async def test_signing_out_ends_the_token_and_not_the_device(served: Served) -> None:
    assert (await served.call("DELETE", "/v1/sign-ins", "manager")).status == 204
    assert (await served.call("GET", "/v1/devices", "manager")).status == 401
    assert (await served.call("POST", "/v1/sign-ins", "till", {"operator": "ola", "pin": PIN})).status == 201


@pytest.mark.parametrize(("operator", "pin"), [("ola", "0000"), ("nobody", PIN)])
async def test_a_wrong_pin_and_a_wrong_operator_look_the_same(served: Served, operator: str, pin: str) -> None:
    reply = await served.call("POST", "/v1/sign-ins", "till", {"operator": operator, "pin": pin})
    assert (reply.status, reply.body["code"]) == (422, "wrong_pin")
    assert pin not in str(reply.body)


@pytest.mark.parametrize(
    ("operator", "pin"),
    [("ola", "123"), ("ola", "1" * 13), ("ola", "4711\n"), ("ola", "٤٧١١"), ("ola\n", PIN), ("", PIN)],
)
async def test_what_cannot_be_a_pin_is_not_counted_as_a_try(served: Served, operator: str, pin: str) -> None:
    reply = await served.call("POST", "/v1/sign-ins", "till", {"operator": operator, "pin": pin})
    assert (reply.status, reply.body["code"] == "wrong_pin") == (422, False)
    assert await served.place.rows("SELECT failures FROM operator_secret") == [(0,)]


async def test_wrong_pins_lock_the_operator_for_a_while(served: Served) -> None:
    wrong, right = {"operator": "ola", "pin": "0000"}, {"operator": "ola", "pin": PIN}
    for _ in range(ATTEMPTS):
        assert (await served.call("POST", "/v1/sign-ins", "till", wrong)).status == 422
    locked = await served.call("POST", "/v1/sign-ins", "till", right)
    assert (locked.status, locked.body["code"]) == (423, "pin_locked")
    assert 0 < int(locked.headers["Retry-After"]) <= served.door.config.roles.lock_minutes * 60
    approval = {**right, "for": "void"}
    assert (await served.call("POST", "/v1/approvals", "manager", approval)).status == 423
    served.now_ms += served.door.config.roles.lock_minutes * 60_000
    assert (await served.call("POST", "/v1/sign-ins", "till", right)).status == 201


async def test_parallel_guesses_get_no_more_tries_than_one_after_the_other(served: Served) -> None:
    replies = await served.together(40, "POST", "/v1/sign-ins", "till", {"operator": "ola", "pin": "0000"})
    assert Counter(reply.status for reply in replies) == {422: ATTEMPTS, 423: 40 - ATTEMPTS}


async def test_a_manager_approves_and_a_cashier_cannot(served: Served) -> None:
    await served.sign_in_cashier()
    granted = await served.call("POST", "/v1/approvals", "cashier", {"operator": "ola", "pin": PIN, "for": "void"})
    assert (granted.status, set(granted.body)) == (201, {"approval", "expires_at"})
    refused = await served.call("POST", "/v1/approvals", "cashier", {"operator": "ana", "pin": "2580", "for": "void"})
    assert (refused.status, refused.body["code"]) == (403, "not_a_manager")
    unknown = await served.call("POST", "/v1/approvals", "cashier", {"operator": "ola", "pin": PIN, "for": "fun"})
    assert unknown.status == 422
    kiosk = await served.call("POST", "/v1/approvals", "kiosk", {"operator": "ola", "pin": PIN, "for": "void"})
    assert kiosk.status == 403


async def test_a_revoked_device_and_whoever_is_signed_in_there_are_out_at_once(served: Served) -> None:
    await served.sign_in_cashier()
    devices = (await served.call("GET", "/v1/devices", "manager")).body["items"]
    second = next(device for device in devices if device["till"] == "T02")
    assert [device["till"] for device in devices] == ["K01", "T01", "T02"]
    for _ in range(2):
        assert (await served.call("DELETE", f"/v1/devices/{second['id']}", "manager")).status == 204
    assert (await served.call("POST", "/v1/sign-ins", "second", {"operator": "ana", "pin": "2580"})).status == 401
    assert (await served.call("POST", "/v1/members/resolve", "cashier", {"phone": "1"})).status == 401
    unknown = await served.call("DELETE", f"/v1/devices/{op(77)}", "manager")
    assert (unknown.status, unknown.body["code"]) == (404, "device_not_found")
    devices = (await served.call("GET", "/v1/devices", "manager")).body["items"]
    assert [device["revoked_at"] is None for device in devices] == [True, True, False]


async def test_an_operator_is_changed_with_the_etag_and_loses_the_sign_in_with_the_pin(served: Served) -> None:
    await served.sign_in_cashier()
    path, change = "/v1/operators/ana", {"name": "Ana", "role": "cashier", "pin": "1470"}
    shown = await served.call("GET", path, "manager")
    assert shown.body == {"id": "ana", "name": "Ana", "role": "cashier", "active": True, "revision": 1}
    assert (await served.call("PUT", path, "manager", change)).status == 428
    assert (await served.call("PUT", path, "manager", change, If_Match='"9"')).status == 412
    resolve = {"phone": "600100200"}
    assert (await served.call("POST", "/v1/members/resolve", "cashier", resolve)).status == 422
    assert (await served.call("PUT", path, "manager", change, If_Match=shown.headers["ETag"])).status == 200
    assert (await served.call("POST", "/v1/members/resolve", "cashier", resolve)).status == 401
    assert (await served.call("POST", "/v1/sign-ins", "second", {"operator": "ana", "pin": "2580"})).status == 422
    assert (await served.call("POST", "/v1/sign-ins", "second", {"operator": "ana", "pin": "1470"})).status == 201


async def test_operators_are_for_managers(served: Served) -> None:
    await served.sign_in_cashier()
    new = {"name": "Eve", "role": "manager", "pin": "1234"}
    for who, status in (("cashier", 403), ("till", 403), ("kiosk", 403), ("manager", 201)):
        assert (await served.call("PUT", "/v1/operators/eve", who, new)).status == status
    assert (await served.call("GET", "/v1/operators/zoe", "manager")).status == 404
    names = [item["id"] for item in (await served.call("GET", "/v1/operators", "manager")).body["items"]]
    assert names == ["ana", "eve", "ola"]
    last = {"name": "Ola", "role": "cashier"}
    assert (await served.call("PUT", "/v1/operators/ola", "manager", last, If_Match='"1"')).status == 200


async def test_sessions_are_the_same_after_a_restart(served: Served) -> None:
    await served.sign_in_cashier()
    restarted = Sessions(served.place.database, lambda: served.now_ms)
    await restarted.reload()
    assert restarted._sessions == served.sessions._sessions
    assert len(restarted._sessions) == 5


async def test_no_pin_and_no_token_lies_in_the_file(served: Served) -> None:
    await served.sign_in_cashier()
    secrets = [*served.tokens.values(), "till-token", "kiosk-token"]
    assert served.place.traces_of(*secrets) == []
