"""Points over HTTP: what a till and a kiosk see, with the proofs and roles in front of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kiosk.shopkit import Running, make_config, new_id, running_store
from tests.kiosk.web.proving import prove

PIN = "2580"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path, points={"adjust_limit_cashier": 20})) as running:
        await running.open_shift()
        yield running
        await prove(running)


async def member_with(store: Running, points: int, **more: object) -> str:
    """A member with a PIN and points."""
    member = str(new_id())
    await store.call("POST", "/v1/members", {"id": member, "locale": "en", "name": "Anna", **more})
    assert (await store.call("PUT", f"/v1/members/{member}/pin", {"pin": PIN})).status == 200
    gift = {"id": str(new_id()), "points": points, "reason": "gift"}
    assert (await store.call("POST", f"/v1/members/{member}/adjustments", gift, role="manager")).status == 201
    return member


async def hold(store: Running, member: str, points: int, role: str = "cashier") -> dict[str, object]:
    """Points set aside by PIN; the answer."""
    body = {"id": str(new_id()), "member": member, "points": points, "proof": PIN}
    reply = await store.call("POST", "/v1/holds", body, role=role)
    assert reply.status == 201, reply
    answer: dict[str, object] = reply.json
    return answer


async def test_points_are_held_paid_with_and_told_in_balance_and_ledger(store: Running) -> None:
    member = await member_with(store, 200)
    held = await hold(store, member, 129)
    assert held["balance"] == {"active": 71, "pending": 0, "held": 129, "debt": 0}
    assert (held["value_minor"], held["currency"], held["state"], held["proof"]) == (129, "EUR", "open", "pin")
    tenders = [{"kind": "points", "amount_minor": 129, "hold": held["id"]}]
    sold = await store.sell("100", member=member, tenders=tenders)
    assert sold.status == 201, sold
    assert sold.json["points"]["redeemed"] == 129
    assert sold.json["tenders"] == [{"kind": "points", "amount_minor": 129, "reference": None, "points": 129}]
    ledger = (await store.call("GET", f"/v1/members/{member}/ledger?limit=2")).json
    assert [(item["kind"], item["points"]) for item in ledger["items"]] == [("redeem", -129), ("hold", 129)]
    assert ledger["items"][0]["lines"] == [[1, 129]]
    rest = (await store.call("GET", f"/v1/members/{member}/ledger?after={ledger['next']}")).json
    assert [(item["kind"], item["lot"]["left"], item["lot"]["used"]) for item in rest["items"]] == [("adjust", 71, 129)]
    quote = {"sale": sold.json["id"], "lines": [{"line": 1, "quantity_milli": 1000}]}
    answer = (await store.call("POST", "/v1/return-quotes", quote)).json
    assert (answer["refund_minor"], answer["points"]) == (0, {"clawed_back": 0, "given_back": 129, "debt": 0})
    points = (await store.call("GET", f"/v1/members/{member}/points")).json
    assert {name: points[name] for name in ("active", "held", "expiring", "provisional")} == {
        "active": 71,
        "held": 0,
        "expiring": [],
        "provisional": False,
    }


async def test_a_hold_at_a_kiosk_is_short_and_is_let_go_by_state(store: Running) -> None:
    member = await member_with(store, 200)
    at_till, at_kiosk = await hold(store, member, 50), await hold(store, member, 50, "kiosk")
    assert str(at_kiosk["lapses_at"]) < str(at_till["lapses_at"])
    path = f"/v1/holds/{at_kiosk['id']}/release"
    first, again = await store.call("POST", path, role="kiosk"), await store.call("POST", path, role="kiosk")
    assert (first.status, again.status, first.json["state"], again.json) == (200, 200, "released", first.json)
    assert (await store.call("POST", f"/v1/holds/{new_id()}/release")).json["code"] == "hold_not_found"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"points": 201}, 409, "insufficient_points"),
        ({"points": 0}, 422, "nothing_to_spend"),
        ({"points": -1}, 422, None),
        ({"proof": None}, 422, "proof_needed"),
        ({"proof": "9999"}, 422, "member_pin_wrong"),
        ({"member": "0199aaaa-0000-7000-8000-000000000001"}, 422, "unknown_member"),
    ],
)
async def test_a_hold_that_cannot_be_is_refused_in_words(
    store: Running, change: dict[str, object], status: int, code: str | None
) -> None:
    member = await member_with(store, 200)
    body = {"id": str(new_id()), "member": member, "points": 10, "proof": PIN, **change}
    reply = await store.call("POST", "/v1/holds", body)
    assert reply.status == status, reply
    assert code is None or (reply.json["code"], bool(reply.json["hint"])) == (code, True)
    assert (await store.call("GET", f"/v1/members/{member}/points")).json["active"] == 200


async def test_each_role_adjusts_as_far_as_it_may(store: Running) -> None:
    member = await member_with(store, 200)
    path = f"/v1/members/{member}/adjustments"

    async def adjust(points: int, role: str) -> tuple[int, str | None]:
        body = {"id": str(new_id()), "points": points, "reason": "counted again"}
        reply = await store.call("POST", path, body, role=role)
        return reply.status, reply.json.get("code")

    assert await adjust(-20, "cashier") == (201, None)
    assert await adjust(21, "cashier") == (403, "adjustment_forbidden")
    assert await adjust(5_000, "manager") == (201, None)
    assert await adjust(-6_000, "manager") == (409, "insufficient_points")
    assert await adjust(0, "manager") == (422, "adjustment_unexplained")
