"""Offers over HTTP: who may make them, bodies that are hostile, and two tills that want the last use at once."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.life.start import DATABASE_NAME
from sync.db import connect
from tests.kiosk.shopkit import Running, make_config, new_id, prove_all, running_store, sale_request

ROUNDS = 100
PERCENT = {"kind": "percent", "percent": "10", "goods": {"products": ["100"]}}
OFFER: dict[str, Any] = {"title": {"en": "Milk week"}, "effect": PERCENT}


@pytest.fixture(name="store")
async def run(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as store:
        yield store


async def put(store: Running, offer: str, body: object, **headers: str) -> Any:  # noqa: ANN401  a Reply
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await store.call("PUT", f"/v1/offers/{offer}", body, role="manager", headers=sent)


async def test_an_offer_lives_its_life_over_http(store: Running) -> None:
    await store.open_shift()
    made = await put(store, "MILK10", OFFER)
    assert (made.status, made.json["version"], made.json["state"]) == (201, 1, "live")
    sold = (await store.sell("100", quantity_milli=3000)).json
    assert sold["lines"][0]["discounts"] == [
        {"offer": "MILK10", "reason": "10% off", "amount_minor": 39, "kind": "offer"}
    ]
    assert sold["totals"]["due_minor"] == 348
    assert (await put(store, "MILK10", OFFER)).status == 428
    assert (await put(store, "MILK10", OFFER, If_Match='"old"')).status == 412
    changed = await put(store, "MILK10", {**OFFER, "priority": 1}, If_Match=made.headers["ETag"])
    assert (changed.status, changed.json["version"], changed.json["uses"]) == (200, 2, 1)
    shown = await store.call("GET", "/v1/offers/MILK10")
    assert (shown.json, shown.headers["ETag"]) == (changed.json, changed.headers["ETag"])
    ended = await store.call("DELETE", "/v1/offers/MILK10", role="manager", headers={"If-Match": shown.headers["ETag"]})
    assert (ended.status, ended.json["state"]) == (200, "ended")
    listed = await store.call("GET", "/v1/offers")
    assert listed.json == {"items": [], "next": None}
    assert [each["id"] for each in (await store.call("GET", "/v1/offers?state=ended")).json["items"]] == ["MILK10"]
    assert (await store.call("GET", "/v1/offers/OTHER")).status == 404


async def test_only_a_manager_makes_offers_and_only_staff_looks(store: Running) -> None:
    for role in ("cashier", "kiosk"):
        assert (await store.call("PUT", "/v1/offers/X", OFFER, role=role)).status == 403
        assert (await store.call("DELETE", "/v1/offers/X", role=role)).status == 403
    assert (await store.call("GET", "/v1/offers", role="kiosk")).status == 403
    assert (await store.call("GET", "/v1/offers", role=None)).status == 401


async def test_a_quote_that_an_ended_offer_made_wrong_is_answered_with_the_new_one(store: Running) -> None:
    await store.open_shift()
    made = await put(store, "MILK10", OFFER)
    quote = (await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}]})).json
    assert quote["totals"]["due_minor"] == 116
    await store.call("DELETE", "/v1/offers/MILK10", role="manager", headers={"If-Match": made.headers["ETag"]})
    refused = await store.sell("100", quote_due_minor=116)
    assert (refused.status, refused.json["code"], refused.json["due_minor"]) == (409, "price_changed", 129)
    assert refused.json["quote"]["totals"]["due_minor"] == 129


async def test_near_misses_and_refusals_are_told_in_a_quote(store: Running) -> None:
    await put(store, "CLUB", {**OFFER, "conditions": {"member_required": True}})
    quote = (await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}]})).json
    assert quote["near_misses"] == [
        {"offer": "CLUB", "code": "with_card", "text": "With a loyalty card: 10% off", "title": "Milk week"}
    ]
    assert quote["refused"] == []


async def test_a_member_sees_her_offers(store: Running) -> None:
    member = str(new_id())
    await store.call("POST", "/v1/members", {"id": member, "locale": "pl", "name": "Anna"})
    await put(store, "MILK10", {**OFFER, "title": {"pl": "Tydzień mleka"}, "trigger": "coupon"})
    reply = await store.call("GET", f"/v1/members/{member}/offers")
    assert reply.json == {
        "items": [
            {
                "offer": "MILK10",
                "title": "Tydzień mleka",
                "terms": "rabat 10% · z kuponem",
                "valid_until": None,
                "coupon": True,
            }
        ],
        "next": None,
    }
    assert (await store.call("GET", f"/v1/members/{new_id()}/offers")).status == 404
    assert (await store.call("GET", f"/v1/members/{member}/offers", role="kiosk")).status == 403
    found = await store.call("POST", "/v1/members/resolve", {"token": await card_of(store, member)})
    assert found.json["offers"] == reply.json["items"]
    at_kiosk = await store.call("POST", "/v1/members/resolve", {"token": await card_of(store, member)}, role="kiosk")
    assert at_kiosk.json["offers"] == []


async def card_of(store: Running, member: str) -> str:
    return str((await store.call("GET", f"/v1/members/{member}")).json["token"])


HOSTILE: list[tuple[Any, int]] = [
    ({}, 422),
    ([], 422),
    ({**OFFER, "id": "OTHER"}, 422),
    ({**OFFER, "version": 7}, 422),
    ({**OFFER, "unknown": True}, 422),
    ({**OFFER, "format": 2}, 422),
    ({**OFFER, "title": {}}, 422),
    ({**OFFER, "title": {"en": "x" * 121}}, 422),
    ({**OFFER, "title": {"en": "two\nlines"}}, 422),
    ({**OFFER, "effect": {"kind": "give_everything"}}, 422),
    ({**OFFER, "effect": {**PERCENT, "percent": "101"}}, 422),
    ({**OFFER, "effect": {**PERCENT, "percent": "-5"}}, 422),
    ({**OFFER, "effect": {**PERCENT, "percent": "1e2"}}, 422),
    ({**OFFER, "effect": {**PERCENT, "percent": 10}}, 422),
    ({**OFFER, "effect": {"kind": "amount", "amount_minor": 10**18}}, 422),
    ({**OFFER, "effect": {"kind": "amount", "amount_minor": 0.5}}, 422),
    ({**OFFER, "effect": {"kind": "buy_get", "buy": 0, "get": 1, "goods": {"products": ["100"]}}}, 422),
    ({**OFFER, "effect": {"kind": "bundle", "parts": [], "price_minor": 1}}, 422),
    ({**OFFER, "effect": {"kind": "bundle", "parts": [{"goods": {}}] * 11, "price_minor": 1}}, 422),
    ({**OFFER, "effect": {**PERCENT, "goods": {"products": ["x"] * 50_001}}}, 422),
    ({**OFFER, "conditions": {"schedule": {"weekdays": [8]}}}, 422),
    ({**OFFER, "conditions": {"schedule": {"first_day": "2026-02-30"}}}, 422),
    ({**OFFER, "conditions": {"schedule": {"from_time": "17:00+01:00", "until_time": "18:00"}}}, 422),
    ({**OFFER, "conditions": {"schedule": {"first_day": "2026-12-02", "last_day": "2026-12-01"}}}, 422),
    ({**OFFER, "limits": {"total": 0}}, 422),
    ({**OFFER, "limits": {"budget_minor": -1}}, 422),
    ({**OFFER, "priority": 10**9}, 422),
]


async def test_hostile_offers_are_refused_and_nothing_is_written(store: Running) -> None:
    for body, status in HOSTILE:
        reply = await put(store, "BAD", body)
        assert reply.status == status, (body, reply.json)
        assert reply.headers["Content-Type"] == "application/problem+json"
    begin = b'{"title": {"en": "x"}, "effect": '
    for raw, status in [(begin + b"[" * 100_000, 400), (begin + b'"' + b"x" * 1_048_576 + b'"}', 413)]:
        headers = {"Authorization": f"Bearer {store.tokens['manager']}", "Content-Type": "application/json"}
        async with store.client.put("/v1/offers/BAD", data=io.BytesIO(raw), headers=headers) as response:
            assert response.status == status
    for offer in ("has%20blank", "%C5%BC", "x" * 65):
        reply = await put(store, offer, OFFER)
        assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, "/id")
    assert (await store.call("GET", "/v1/offers?state=all")).json["items"] == []


async def test_every_fault_of_an_offer_is_named_at_once(store: Running) -> None:
    body = {"title": {"en": " "}, "effect": {"kind": "gift", "goods": {}}, "limits": {"per_member": 1}}
    reply = await put(store, "BAD", body)
    assert (reply.status, reply.json["code"]) == (422, "offer_refused")
    named = [
        (error["pointer"], fault["code"])
        for error, fault in zip(reply.json["errors"], reply.json["faults"], strict=True)
    ]
    assert named == [
        ("/title", "title_missing"),
        ("/effect", "price_for_everything"),
        ("/conditions", "gift_for_all"),
        ("/limits/per_member", "guest_has_none"),
    ]


async def test_of_two_tills_that_want_the_last_use_exactly_one_gets_it_every_time(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        await store.open_shift(role="cashier")
        await store.open_shift(role="manager")
        for n in range(ROUNDS):
            made = await put(store, f"LAST{n}", {**OFFER, "limits": {"total": 1}})
            told = n % 2 == 0  # half of the tills insist on the price they have shown
            more = {"quote_due_minor": 116} if told else {}
            sales = [
                store.call("POST", "/v1/sales", sale_request("100", **more), role=role)
                for role in ("cashier", "manager")
            ]
            first, second = await asyncio.gather(*sales)
            dues = sorted(reply.json.get("due_minor") or reply.json["totals"]["due_minor"] for reply in (first, second))
            assert dues == [116, 129], n
            statuses = sorted(reply.status for reply in (first, second))
            assert statuses == ([201, 409] if told else [201, 201]), n
            tag = (await store.call("GET", f"/v1/offers/LAST{n}")).headers["ETag"]
            assert tag == made.headers["ETag"]
            ended = await store.call("DELETE", f"/v1/offers/LAST{n}", role="manager", headers={"If-Match": tag})
            assert (ended.json["uses"], ended.json["discount_minor"]) == (1, 13)
        database = store.config.data_dir() / DATABASE_NAME
    with contextlib.closing(connect(database)) as connection:
        report = prove_all(connection)
    assert report.ok, report.first_wrong
