"""Who may do what: every route of the application with every kind of token."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.compose import now_ms
from sync.http.routes import PUBLIC, Route
from tests.kiosk.shopkit import Running, make_config, new_id, running_store
from tests.kiosk.web.routes_of import routes_of

DEVICE_TOKEN = "test-token-device-T01"
EVERYBODY = ("nobody", "device", "kiosk", "cashier", "manager")

# What each call is for, written down once more: a route that lets in more than this is a mistake of somebody.
OPEN = {
    ("GET", "/livez"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/readyz"),
    ("POST", "/v1/pairings"),
}
FOR_MANAGERS = {
    ("GET", "/v1/gift-cards/liability"),
    ("POST", "/v1/coupons/{serial}/reissue"),
    ("POST", "/v1/coupons/{serial}/void"),
    ("POST", "/v1/coupon-campaigns"),
    ("DELETE", "/v1/devices/{id}"),
    ("GET", "/v1/devices"),
    ("GET", "/v1/operators"),
    ("GET", "/v1/operators/{id}"),
    ("GET", "/v1/members/{id}/export"),
    ("POST", "/v1/member-merges"),
    ("POST", "/v1/member-merges/{id}/undo"),
    ("POST", "/v1/members/{id}/erase"),
    ("POST", "/v1/pairing-codes"),
    ("POST", "/v1/product-imports"),
    ("PUT", "/v1/operators/{id}"),
    ("PUT", "/v1/offers/{id}"),
    ("DELETE", "/v1/offers/{id}"),
    ("PUT", "/v1/products/{sku}"),
    ("PUT", "/v1/earning-rules/{id}"),
    ("DELETE", "/v1/earning-rules/{id}"),
    ("PUT", "/v1/activity-types/{id}"),
    ("DELETE", "/v1/activity-types/{id}"),
    ("PUT", "/v1/rewards/{id}"),
    ("DELETE", "/v1/rewards/{id}"),
}
FOR_SHOPPERS = {
    ("POST", "/v1/coupons/verify"),
    ("POST", "/v1/coupons"),
    ("GET", "/v1/products"),
    ("GET", "/v1/products/{sku}"),
    ("GET", "/v1/rewards"),
    ("POST", "/v1/coupons"),
    ("POST", "/v1/qr-codes"),
    ("POST", "/v1/activities"),
    ("POST", "/v1/holds"),
    ("POST", "/v1/holds/{id}/release"),
    ("POST", "/v1/members"),
    ("POST", "/v1/members/resolve"),
    ("POST", "/v1/members/{id}/proofs"),
    ("DELETE", "/v1/members/{id}/proofs"),
    ("PUT", "/v1/members/{id}/pin"),
    ("POST", "/v1/members/{id}/code-secrets"),
    ("POST", "/v1/members/{id}/consents"),
    ("POST", "/v1/scans"),
}
FOR_DEVICES = {("POST", "/v1/sign-ins")}
FOR_KIOSKS = {("GET", "/v1/kiosk"), ("POST", "/v1/help-calls"), ("DELETE", "/v1/help-calls")}
FOR_ALL = {("GET", "/v1/store")}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as running:
        yield running


def may(route: Route) -> set[str]:
    """Who may call it, by the lists above; everything else is for those who work here."""
    call = (route.method, route.path)
    if call in OPEN or not route.documented:
        return set(EVERYBODY)
    if call in FOR_ALL:
        return {"device", "kiosk", "cashier", "manager"}
    if call in FOR_MANAGERS:
        return {"manager"}
    if call in FOR_KIOSKS:
        return {"kiosk"}
    if call in FOR_SHOPPERS:
        return {"kiosk", "cashier", "manager"}
    return {"cashier", "manager"} | ({"device"} if call in FOR_DEVICES else set())


async def status(running: Running, route: Route, token: str | None) -> int:
    """The status of a call to a thing that is not there, with a body that says nothing."""
    path = re.sub(r"\{\w+\}", "nothing", route.path.replace("{id}", str(new_id())))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"json": {}} if route.body is not None and route.body is not bytes else {}
    async with running.client.request(route.method, path, headers=headers, **body) as response:
        return response.status


def token_of(running: Running, who: str) -> str | None:
    return {"nobody": None, "device": DEVICE_TOKEN}.get(who, running.tokens.get(who, ""))


async def test_every_route_lets_in_whom_it_is_for_and_nobody_else(running: Running) -> None:
    routes = routes_of(running.store.application())
    # Signing out ends the token that all the other calls need.
    routes.sort(key=lambda route: (route.method, route.path) == ("DELETE", "/v1/sign-ins"))
    wrong = []
    for route in routes:
        for who in EVERYBODY:
            answered = await status(running, route, token_of(running, who))
            refused = 401 if who == "nobody" else 403
            if (answered == refused) is (who in may(route)) or answered >= 500:
                wrong.append((route.method, route.path, who, answered))
    assert wrong == []


async def test_every_call_on_the_lists_is_there(running: Running) -> None:
    calls = {(route.method, route.path) for route in routes_of(running.store.application())}
    assert calls >= OPEN | FOR_MANAGERS | FOR_SHOPPERS | FOR_DEVICES | FOR_KIOSKS | FOR_ALL


async def test_a_token_that_is_none_opens_nothing(running: Running) -> None:
    routes = [route for route in routes_of(running.store.application()) if route.roles != PUBLIC]
    for token in ("made-up", running.tokens["manager"] + "x", running.tokens["manager"].upper(), "ą"):
        assert {await status(running, route, token) for route in routes} == {401}


async def test_a_sign_in_ends_by_itself(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await running.call("GET", "/v1/store")).status == 200
    tomorrow = now_ms() + 2 * 86_400_000
    monkeypatch.setattr(running.store.sessions, "_now_ms", lambda: tomorrow)
    ended = await running.call("GET", "/v1/store")
    assert (ended.status, ended.json["code"]) == (401, "unauthorized")
    assert 'error="invalid_token"' in ended.headers["WWW-Authenticate"]
    assert (await running.call("POST", "/v1/sales", {})).status == 401
    still = {"Authorization": f"Bearer {DEVICE_TOKEN}"}
    assert (await running.call("GET", "/v1/store", role=None, headers=still)).status == 200


async def test_a_revoked_device_is_out_with_whoever_works_on_it(running: Running) -> None:
    devices = (await running.call("GET", "/v1/devices", role="manager")).json["items"]
    [till] = [device["id"] for device in devices if device["till"] == "T01"]
    assert (await running.call("DELETE", f"/v1/devices/{till}", role="manager")).status == 204
    assert (await running.call("GET", "/v1/store")).status == 401
    headers = {"Authorization": f"Bearer {DEVICE_TOKEN}"}
    assert (await running.call("GET", "/v1/store", role=None, headers=headers)).status == 401
    assert (await running.call("DELETE", f"/v1/devices/{uuid.uuid4()}", role="manager")).status == 404
