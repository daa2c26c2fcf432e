"""A kiosk stands in public: no call tells who somebody is or what she has, before a proof, or by somebody else's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.http.routes import Route
from tests.kiosk.shopkit import Reply, make_config, new_id, running_store
from tests.kiosk.web.routes_of import routes_of
from tests.kiosk.web.test_proofs import ANNA, PERSONAL, POINTS, Shopper

COUPON = "FREE20"
OWN = {"/v1/members": ("600100200",)}
"""What was just typed at this kiosk by whoever stands there."""


@pytest.fixture
async def anna(tmp_path: Path) -> AsyncIterator[Shopper]:
    async with running_store(make_config(tmp_path)) as running:
        effect = {"kind": "percent", "percent": "20", "goods": {"products": ["101"]}}
        body = {"title": {"en": "Only for you"}, "effect": effect, "trigger": "coupon"}
        assert (await running.call("PUT", f"/v1/offers/{COUPON}", body, role="manager")).status == 201
        reward = {"title": {"en": "A fifth off"}, "points": 150, "gives": {"kind": "coupon", "offer": COUPON}}
        assert (await running.call("PUT", "/v1/rewards/fifth", reward, role="manager")).status == 201
        anna = Shopper(running)
        await anna.join()
        await anna.set_up()
        await anna.give()
        yield anna


def bodies_of(anna: Shopper) -> dict[str, object]:
    """For each call that takes a body, one about Anna by somebody who knows her card, phone and id but not her PIN."""
    consents = [{"channel": "sms", "purpose": "news", "granted": False}]
    return {
        "/v1/members/resolve": {"token": anna.token},
        "/v1/scans": {"text": anna.token},
        "/v1/members": {"id": str(new_id()), "locale": "en", "phone": "600 100 200", "consents": []},
        "/v1/members/{id}/proofs": {"proof": "0815"},
        "/v1/members/{id}/pin": {"pin": "0815"},
        "/v1/members/{id}/code-secrets": {},
        "/v1/members/{id}/consents": {"id": str(new_id()), "consents": consents},
        "/v1/holds": {"id": str(new_id()), "member": anna.id, "points": 1, "proof": anna.token},
        "/v1/coupons": {"id": str(new_id()), "offer": COUPON, "member": anna.id},
        "/v1/coupons/verify": {"code": anna.token, "member": anna.id},
        "/v1/activities": {"id": str(new_id()), "member": anna.id, "type": "survey", "occurred_at": ANNA["locale"]},
        "/v1/qr-codes": {"text": "1"},
    }


async def ask(anna: Shopper, route: Route, bodies: dict[str, object], proof: str) -> Reply:
    path = route.path.replace("{id}", anna.id).replace("{sku}", "100")
    if path.endswith("/rewards"):
        path += f"?member={anna.id}"
    body = bodies[route.path] if route.body is not None else None
    return await anna.running.call(route.method, path, body, role="kiosk", headers={"Member-Proof": proof})


def kiosk_routes(anna: Shopper) -> list[Route]:
    """All that a kiosk may call; what ends a proof comes last."""
    routes = [route for route in routes_of(anna.running.store.application()) if "kiosk" in route.roles]
    return sorted(routes, key=lambda route: route.method == "DELETE")


def leaks(route: Route, reply: Reply, hidden: tuple[str, ...]) -> list[str]:
    told = reply.raw.decode("utf-8", "replace")
    return [text for text in hidden if text in told and text not in OWN.get(route.path, ())]


async def other_proof(anna: Shopper) -> str:
    """A proof of somebody else at this very kiosk, as a thief would have who is a member."""
    ben = Shopper(anna.running)
    ben.clock = anna.clock
    await ben.join()
    await ben.set_up()
    proved = await ben.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")
    token: str = proved.json["token"]
    return token


@pytest.mark.parametrize("whose", ["nobody", "another"])
async def test_without_her_own_proof_no_call_tells_anything_of_a_member(anna: Shopper, whose: str) -> None:
    proof = "" if whose == "nobody" else await other_proof(anna)
    hidden = (*PERSONAL, str(POINTS), "Only for you")
    bodies = bodies_of(anna)
    routes = kiosk_routes(anna)
    assert {route.path for route in routes if route.body is not None} <= set(bodies)
    for route in routes:
        assert leaks(route, await ask(anna, route, bodies, proof), hidden) == [], (route.method, route.path)


async def test_what_is_hers_alone_is_refused_without_a_proof(anna: Shopper) -> None:
    bodies = bodies_of(anna)
    hers = {
        ("GET", "/v1/members/{id}/points"),
        ("GET", "/v1/members/{id}/ledger"),
        ("GET", "/v1/members/{id}/offers"),
        ("GET", "/v1/members/{id}/coupons"),
        ("GET", "/v1/members/{id}/consents"),
        ("POST", "/v1/members/{id}/consents"),
        ("GET", "/v1/rewards"),
        ("POST", "/v1/coupons"),
    }
    routes = [route for route in kiosk_routes(anna) if (route.method, route.path) in hers]
    assert {(route.method, route.path) for route in routes} == hers
    for route in routes:
        reply = await ask(anna, route, bodies, "")
        assert (reply.status, reply.json["code"]) == (403, "proof_ended"), (route.method, route.path)


async def test_even_proved_a_member_is_an_initial_and_a_masked_phone(anna: Shopper) -> None:
    proved = await anna.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")
    assert leaks(kiosk_routes(anna)[0], proved, PERSONAL) == []
    bodies = {**bodies_of(anna), "/v1/members/{id}/proofs": {"proof": "4711"}}
    for route in kiosk_routes(anna):
        reply = await ask(anna, route, bodies, proved.json["token"])
        assert leaks(route, reply, PERSONAL) == [], (route.method, route.path)


async def test_a_proof_holds_on_its_own_device_only(anna: Shopper) -> None:
    """A token that was read off the line at another kiosk opens nothing here."""
    proved = await anna.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")
    code = (await anna.running.call("POST", "/v1/pairing-codes", {"kind": "kiosk"}, role="manager")).json["code"]
    paired = {"code": code, "device": {"name": "Second kiosk", "kind": "kiosk"}}
    anna.running.tokens["second"] = (await anna.running.call("POST", "/v1/pairings", paired, role=None)).json["token"]
    token = proved.json["token"]
    assert (await anna.ask("GET", "/points", role="kiosk", Member_Proof=token)).status == 200
    assert (await anna.ask("GET", "/points", role="second", Member_Proof=token)).status == 403
