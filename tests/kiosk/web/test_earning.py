"""The loyalty program over HTTP: activities, rewards, tiers; what a kiosk is told and what it is not."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kiosk.shopkit import Running, make_config, new_id, running_store

TIERS: dict[str, Any] = {"loyalty.tiers": {"levels": [{"name": "gold", "threshold": 100}]}}
CHECK_IN = {"title": {"en": "Hello"}, "points": 30, "key": "{member}:{day}", "proof": ["staff", "self"]}
SURVEY = {"title": {"en": "Survey"}, "points": 20, "key": "{member}:{subject}", "proof": ["staff"]}
FIVER = {"title": {"en": "Off"}, "points": 40, "gives": {"kind": "amount", "amount_minor": 100}}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path, **TIERS)) as store:
        for path, body in (
            ("activity-types/check_in", CHECK_IN),
            ("activity-types/survey", SURVEY),
            ("rewards/fiver", FIVER),
        ):
            assert (await store.call("PUT", f"/v1/{path}", body, role="manager")).status == 201
        yield store


async def enrol(store: Running) -> str:
    member = str(new_id())
    body = {"id": member, "locale": "en", "name": "Anna", "consents": []}
    assert (await store.call("POST", "/v1/members", body)).status == 201
    return member


def activity(member: str, code: str, **more: object) -> dict[str, object]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {"id": str(new_id()), "member": member, "type": code, "occurred_at": now, **more}


async def prove(store: Running, member: str) -> str:
    """Anna sets a PIN at the counter and types it at the kiosk; the kiosk's token."""
    pin = await store.call("PUT", f"/v1/members/{member}/pin", {"pin": "2580"})
    assert pin.status == 200, pin.json
    reply = await store.call("POST", f"/v1/members/{member}/proofs", {"proof": "2580"}, role="kiosk")
    assert reply.status == 201, reply.json
    return str(reply.json["token"])


async def test_an_activity_pays_once_and_says_when_it_was(running: Running) -> None:
    anna = await enrol(running)
    body = activity(anna, "survey", subject="s1")
    first = await running.call("POST", "/v1/activities", body)
    assert (first.status, first.json["points"], first.json["rules"]) == (201, 20, [{"rule": "survey@1", "points": 20}])
    again = await running.call("POST", "/v1/activities", body)
    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (200, first.json, "true")
    second = await running.call("POST", "/v1/activities", activity(anna, "survey", subject="s1"), role="manager")
    assert (second.status, second.json["code"], second.json["first"]["at"]) == (409, "activity_done", first.json["at"])
    points = await running.call("GET", f"/v1/members/{anna}/points")
    assert points.json["active"] == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"occurred_at": "2026-11-21T10:00:00"},
        {"occurred_at": "yesterday"},
        {"type": "Survey"},
        {"subject": "line\nbreak"},
        {"subject": "x" * 65},
        {"proof": {"kind": "signed_partner", "signature": "zz"}},
        {"proof": {"kind": "moon"}},
        {"points": 1_000_000},
    ],
)
async def test_what_is_no_activity_is_refused(running: Running, wrong: dict[str, object]) -> None:
    body = {**activity(await enrol(running), "survey", subject="s1"), **wrong}
    reply = await running.call("POST", "/v1/activities", body)
    assert reply.status == 422, reply.json


async def test_a_kiosk_counts_with_the_member_s_proof_and_is_told_no_balance(running: Running) -> None:
    anna = await enrol(running)
    bare = await running.call("POST", "/v1/activities", activity(anna, "check_in"), role="kiosk")
    assert (bare.status, bare.json["code"]) == (403, "proof_ended")
    token = await prove(running, anna)
    other = await enrol(running)
    proof = {"kind": "self", "token": token}
    stolen = await running.call("POST", "/v1/activities", activity(other, "check_in", proof=proof), role="kiosk")
    assert stolen.status == 403
    counted = await running.call("POST", "/v1/activities", activity(anna, "check_in", proof=proof), role="kiosk")
    assert (counted.status, counted.json["points"], counted.json["balance"]) == (201, 30, None)


async def test_a_kiosk_sees_tier_and_rewards_of_a_member_only_with_the_proof(running: Running) -> None:
    anna = await enrol(running)
    calls = (f"/v1/members/{anna}/tier", f"/v1/rewards?member={anna}")
    for path in calls:
        assert (await running.call("GET", path, role="kiosk")).status == 403
    token = await prove(running, anna)
    tier, rewards = [await running.call("GET", path, role="kiosk", headers={"Member-Proof": token}) for path in calls]
    assert (tier.json["tier"], tier.json["next"], tier.json["missing"]) == (None, "gold", 100)
    quotes = {each["definition"]["id"]: each["quote"]["reason"] for each in rewards.json["items"]}
    assert quotes == {"fiver": "insufficient_points", "money": "insufficient_points"}
    everything = await running.call("GET", "/v1/rewards", role="kiosk")
    assert [each["quote"] for each in everything.json["items"]] == [None, None]


async def test_a_reward_is_held_and_redeemed_at_the_till(running: Running) -> None:
    anna = await enrol(running)
    await running.open_shift()
    for subject in ("a", "b"):
        await running.call("POST", "/v1/activities", activity(anna, "survey", subject=subject))
    await prove(running, anna)
    held = {"id": str(new_id()), "member": anna, "points": 40, "reward": "fiver", "proof": "2580"}
    hold = await running.call("POST", "/v1/holds", held)
    assert (hold.status, hold.json["reward"]) == (201, "fiver")
    basket = {"lines": [{"sku": "102"}], "member": anna, "hold": held["id"]}
    quote = await running.call("POST", "/v1/quotes", basket)
    assert quote.json["totals"]["due_minor"] == 250
    tenders = [{"kind": "cash", "amount_minor": 250}]
    sold = await running.call("POST", "/v1/sales", {"id": str(new_id()), **basket, "tenders": tenders})
    assert sold.status == 201, sold.json
    assert sold.json["points"]["redeemed"] == 40
    assert sold.json["points"]["balance"]["active"] == 2
