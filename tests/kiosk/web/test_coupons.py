"""Coupons and gift cards over HTTP: who may what, scans, limits, and two tills that want the same one at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from loyalty.coupon_codes import print_code
from tests.kiosk.shopkit import Reply, Running, make_config, new_id, running_store, sale_request

ROUNDS = 100
OFFER = {
    "title": {"en": "Chocolate week"},
    "effect": {"kind": "percent", "percent": "20", "goods": {"products": ["101"]}},
    "trigger": "coupon",
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Running]:
    """A shop with a coupon offer and gift cards, both tills open."""
    config = make_config(tmp_path, gift_cards={"departments": ["GIFT"]})
    async with running_store(config) as running:
        await running.open_shift()
        await running.open_shift(role="manager")
        made = await running.call("PUT", "/v1/offers/CHOC20", OFFER, role="manager")
        assert made.status == 201, made
        card = {"name": "Gift card", "department": "GIFT", "tax_class": "zero", "price_minor": 5000}
        assert (await running.call("PUT", "/v1/products/GC", card, role="manager")).status == 201
        yield running
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok


async def issue(store: Running, **more: object) -> Any:  # noqa: ANN401
    reply = await store.call("POST", "/v1/coupons", {"id": str(new_id()), "offer": "CHOC20", **more})
    assert reply.status == 201, reply
    return reply.json


async def buy(store: Running, role: str, code: str) -> Reply:
    return await store.call("POST", "/v1/sales", sale_request("101", coupons=[code]), role=role)


async def test_a_coupon_from_issue_to_use(store: Running) -> None:
    coupon = await issue(store, print=True)
    assert coupon["valid_until"] > "2026"
    job = coupon["print_job"]["id"]
    paper = await store.call("GET", f"/v1/print-jobs/{job}.txt")
    assert coupon["code"] in paper.raw.decode()
    for code in (coupon["token"], coupon["code"], coupon["code"].lower()):
        scanned = (await store.call("POST", "/v1/scans", {"text": code})).json
        assert (scanned["kind"], scanned["coupon"]["serial"]) == ("coupon", coupon["serial"])
        shown = (await store.call("POST", "/v1/coupons/verify", {"code": code})).json
        assert (shown["ok"], shown["title"], shown["reason"]) == (True, "Chocolate week", "ok")
    sold = await buy(store, "cashier", coupon["token"])
    assert (sold.status, sold.json["coupons"]["used"]) == (201, [coupon["serial"]])
    again = await buy(store, "cashier", coupon["code"])
    assert (again.status, again.json["code"]) == (409, "coupon_used")
    found = await store.call("GET", f"/v1/sales/{sold.json['id']}")
    assert found.json["coupons"] == sold.json["coupons"]


async def test_the_same_issue_again_answers_the_same(store: Running) -> None:
    body = {"id": str(new_id()), "offer": "CHOC20"}
    first, again = [await store.call("POST", "/v1/coupons", body) for _ in range(2)]
    assert (first.status, again.status, first.json) == (201, 200, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await store.call("POST", "/v1/coupons", {**body, "print": True})
    assert (other.status, other.json["code"]) == (409, "id_conflict")


async def test_only_a_manager_voids_issues_again_or_to_many(store: Running) -> None:
    coupon = await issue(store)
    void, reissue = f"/v1/coupons/{coupon['serial']}/void", f"/v1/coupons/{coupon['serial']}/reissue"
    again = {"id": str(new_id()), "reason": "wet"}
    campaign = {"id": str(new_id()), "offer": "CHOC20", "members": [str(new_id())]}
    for path, body in ((void, {"reason": "x"}), (reissue, again), ("/v1/coupon-campaigns", campaign)):
        for role in ("cashier", "kiosk"):
            assert (await store.call("POST", path, body, role=role)).status == 403, path
    new = await store.call("POST", reissue, again, role="manager")
    assert (new.status, new.json["valid_until"]) == (201, coupon["valid_until"])
    old = await store.call("POST", "/v1/coupons/verify", {"code": coupon["code"]})
    assert old.json["reason"] == "coupon_void"
    assert (await store.call("POST", void, {"reason": "x"}, role="manager")).status == 409
    assert (await store.call("POST", "/v1/coupons/zz/void", {"reason": "x"}, role="manager")).status == 404
    unknown = await store.call("POST", "/v1/coupon-campaigns", campaign, role="manager")
    assert (unknown.status, unknown.json["code"]) == (422, "unknown_member")


async def test_whoever_types_code_after_code_is_stopped_and_a_scanner_is_not(store: Running) -> None:
    coupon = await issue(store)
    replies = [await store.call("POST", "/v1/coupons/verify", {"code": f"ABCD-EFGH-{n:04}"}) for n in range(40)]
    statuses = [reply.status for reply in replies]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses[30:]
    assert (await store.call("POST", "/v1/coupons/verify", {"code": coupon["token"]})).status == 200
    codes = [f"ABCD-EFGH-{n:04}" for n in range(50)]
    quotes = [
        (await store.call("POST", "/v1/quotes", {"lines": [{"sku": "101"}], "coupons": codes})).status
        for _ in range(10)
    ]
    assert 429 in quotes
    assert (await store.sell("101")).status == 201, "selling goes on"


def _pay_with_card(n: int) -> dict[str, object]:
    return sale_request("101", tenders=[{"kind": "gift_card", "amount_minor": 1, "code": f"GIFT-CARD-{n:06}"}])


def _sell_card(n: int) -> dict[str, object]:
    return {"lines": [{"sku": "GC", "gift_card": f"GIFT-CARD-{n:06}"}]}


def _park_coupon(n: int) -> dict[str, object]:
    return {"id": str(new_id()), "lines": [{"sku": "101"}], "coupons": [print_code(2**40 + n)]}


TRIES: dict[str, Callable[[int], dict[str, object]]] = {
    "/v1/sales": _pay_with_card,
    "/v1/quotes": _sell_card,
    "/v1/parked": _park_coupon,
    "/v1/scans": lambda n: {"text": "]C0" + print_code(2**40 + n)},
    "/v1/gift-cards/balance": lambda n: {"code": f"GIFT-CARD-{n:06}"},
}


@pytest.mark.parametrize("path", TRIES)
async def test_no_call_lets_codes_be_tried_one_after_the_other(store: Running, path: str) -> None:
    """Every answer that tells a code from a wrong one counts, that of a refused call too; goods do not."""
    statuses = [(await store.call("POST", path, TRIES[path](n))).status for n in range(300)]
    assert 429 in statuses
    scanned = [(await store.call("POST", "/v1/scans", {"text": "5901234123457"})).status for _ in range(50)]
    assert set(scanned) == {200}, "articles are scanned as fast as anybody can"


async def test_two_tills_with_one_coupon_exactly_one_wins(store: Running) -> None:
    for n in range(ROUNDS):
        coupon = await issue(store)
        first, second = coupon["token"], coupon["code" if n % 2 else "token"]
        replies = await asyncio.gather(buy(store, "cashier", first), buy(store, "manager", second))
        assert sorted(reply.status for reply in replies) == [201, 409], replies
        (loser,) = [reply for reply in replies if reply.status == 409]
        assert loser.json["code"] == "coupon_used"


async def test_two_tills_with_one_gift_card_never_take_more_than_is_on_it(store: Running) -> None:
    for n in range(ROUNDS):
        code = f"GIFT-CARD-{n:06}"
        sold = await store.call(
            "POST",
            "/v1/sales",
            {
                "id": str(new_id()),
                "lines": [{"sku": "GC", "gift_card": code}],
                "tenders": [{"kind": "cash", "amount_minor": 5000}],
            },
        )
        assert sold.status == 201, sold
        replies = await asyncio.gather(*(_spend(store, role, code) for role in ("cashier", "manager")))
        assert sorted(reply.status for reply in replies) == [201, 409], replies
        (short,) = [reply for reply in replies if reply.status == 409]
        assert (short.json["code"], short.json["balance_minor"]) == ("gift_card_short", 1020)
    left = await store.call("POST", "/v1/gift-cards/balance", {"code": "GIFT-CARD-000000"})
    assert (left.json["balance_minor"], left.json["ending"]) == (1020, "0000")
    owed = await store.call("GET", "/v1/gift-cards/liability", role="manager")
    assert owed.json["outstanding_minor"] == ROUNDS * 1020
    assert (await store.call("GET", "/v1/gift-cards/liability")).status == 403
    missing = await store.call("POST", "/v1/gift-cards/balance", {"code": "GIFT-CARD-999999"})
    assert (missing.status, missing.json["code"]) == (422, "unknown_gift_card")


async def _spend(store: Running, role: str, code: str) -> Reply:
    """Two kilograms of cheese, 39.80, all by card."""
    body = {
        "id": str(new_id()),
        "lines": [{"sku": "104", "quantity_milli": 2000}],
        "tenders": [{"kind": "gift_card", "amount_minor": 3980, "code": code}],
    }
    return await store.call("POST", "/v1/sales", body, role=role)


async def test_a_code_that_an_article_has_is_the_article_and_hostile_texts_are_answered(store: Running) -> None:
    article = {"name": "Odd", "department": "OTHER", "tax_class": "zero", "price_minor": 1}
    assert (await store.call("PUT", "/v1/products/0000-0000-01ZT", article, role="manager")).status == 201
    scanned = (await store.call("POST", "/v1/scans", {"text": "0000-0000-01ZT"})).json
    assert (scanned["kind"], scanned["product"]["name"]) == ("product", "Odd")
    for text in ("9" * 200, "0" * 200, "1" * 199, "𝟙" * 200, "0000-0000-02XN", "[]" * 100):
        assert (await store.call("POST", "/v1/scans", {"text": text})).status == 200
        verdict = await store.call("POST", "/v1/coupons/verify", {"code": text})
        assert (verdict.status, verdict.json["ok"]) == (200, False), text
