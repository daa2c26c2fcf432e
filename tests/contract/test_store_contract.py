"""The store keeps docs/api.md: a client that knows nothing else pairs, sells, takes back, parks, counts and closes."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import aiohttp
import pytest

from tests.contract.store_client import Answer, StoreClient, new_id, pointers
from tests.kiosk.shopkit import CASHIER, MANAGER, PIN, TOKENS, make_config, running_store

NUMBER = re.compile(r"S001-T\d\d-\d{6}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
MILK, CHOCOLATE, NEWSPAPER, CHEESE, BAG = "100", "101", "102", "104", "105"


class Shop(NamedTuple):
    """A store with two tills whose people are signed in, their shifts not yet open, and a kiosk."""

    till: StoreClient
    other: StoreClient
    manager: StoreClient
    kiosk: StoreClient


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with running_store(make_config(tmp_path)) as running, aiohttp.ClientSession() as session:
        manager = StoreClient(session, running.url, TOKENS["manager"])

        async def pair(kind: str) -> StoreClient:
            code = await manager.post("/v1/pairing-codes", {"kind": kind})
            return await StoreClient.pair(session, running.url, code.body["code"], kind)

        till, other, kiosk = await pair("till"), await pair("till"), await pair("kiosk")
        await till.sign_in(CASHIER, PIN)
        await other.sign_in(CASHIER, PIN)
        yield Shop(till, other, manager, kiosk)


@pytest.fixture
async def till(shop: Shop) -> StoreClient:
    """The first till with an open shift."""
    await open_shift(shop.till)
    return shop.till


async def open_shift(till: StoreClient, float_minor: int = 10_000) -> str:
    shift = new_id()
    answer = await till.post("/v1/shifts", {"id": shift, "float_minor": float_minor})
    assert answer.status == 201, answer
    return shift


def sale(*skus: str, cash: int | None = 100_000, **more: object) -> dict[str, Any]:
    tenders = [{"kind": "cash", "amount_minor": cash}] if cash else []
    return {"id": new_id(), "lines": [{"sku": sku, "quantity_milli": 1000} for sku in skus], "tenders": tenders, **more}


async def sell(till: StoreClient, *skus: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await till.post("/v1/sales", sale(*skus, **more))
    assert answer.status == 201, answer
    check_sale(answer.body)
    return dict(answer.body)


async def enrol(till: StoreClient, name: str = "Anna", phone: str = "600 100 200") -> dict[str, Any]:
    asked = {"id": new_id(), "name": name, "phone": phone, "locale": "pl", "consents": []}
    answer = await till.post("/v1/members", asked)
    assert answer.status == 201, answer
    return dict(answer.body)


def check_sale(answer: dict[str, Any]) -> None:
    """Every field of the contract's example with its type, and what holds always."""
    uuid.UUID(answer["id"])
    assert NUMBER.fullmatch(answer["number"])
    assert DAY.fullmatch(answer["business_day"])
    assert answer["currency"] == "EUR"
    lines, totals = answer["lines"], answer["totals"]
    for number, line in enumerate(lines, 1):
        assert line["line"] == number
        for name in ("sku", "name", "tax_rate"):
            assert isinstance(line[name], str)
        for name in ("quantity_milli", "unit_price_minor", "gross_minor", "net_minor", "points"):
            assert type(line[name]) is int
        for discount in line["discounts"]:
            assert set(discount) >= {"offer", "reason", "amount_minor"}
            assert type(discount["amount_minor"]) is int
        assert (
            sum(discount["amount_minor"] for discount in line["discounts"]) == line["gross_minor"] - line["net_minor"]
        )
    for name in ("gross", "discount", "net", "rounding", "due", "paid", "change"):
        assert type(totals[f"{name}_minor"]) is int
    for tax in totals["taxes"]:
        assert isinstance(tax["rate"], str)
        assert (type(tax["base_minor"]), type(tax["tax_minor"])) == (int, int)
    assert sum(line["net_minor"] for line in lines) == totals["net_minor"]
    assert sum(line["gross_minor"] for line in lines) == totals["gross_minor"]
    assert totals["discount_minor"] == totals["gross_minor"] - totals["net_minor"]
    taxed = sum(tax["base_minor"] + tax["tax_minor"] for tax in totals["taxes"])
    assert taxed + totals["rounding_minor"] == totals["due_minor"]
    assert totals["paid_minor"] - totals["change_minor"] == totals["due_minor"]
    points = answer["points"]
    assert type(points["earned"]) is type(points["redeemed"]) is int
    assert set(points["balance"]) == {"active", "pending", "held", "debt"}
    assert all(type(value) is int for value in points["balance"].values())
    assert isinstance(points["provisional"], bool)
    assert sum(line["points"] for line in lines) == points["earned"]
    journal = answer["journal"]
    assert re.fullmatch(r"[0-9a-f]{16}", journal["epoch"])
    assert re.fullmatch(r"[0-9a-f]{64}", journal["hash"])
    assert journal["seq"] >= 1
    job = answer["print_job"]
    assert job is None or (uuid.UUID(job["id"]) and isinstance(job["state"], str))


async def test_a_device_pairs_signs_in_and_sees_the_store(shop: Shop) -> None:
    signed_in = await shop.till.sign_in(CASHIER, PIN)
    assert signed_in.body["role"] == "cashier"
    assert UTC.fullmatch(signed_in.body["expires_at"])
    store = (await shop.till.get("/v1/store")).body
    assert (store["name"], store["currency"], store["locale"]) == ("Counterfoil Store", "EUR", "en")
    assert DAY.fullmatch(store["business_day"])
    assert store["link"]["state"] in {"online", "offline"}
    assert type(store["link"]["queued"]) is int
    assert store["version"]


async def test_a_pairing_code_is_used_once(shop: Shop) -> None:
    code = (await shop.manager.post("/v1/pairing-codes", {"kind": "till"})).body["code"]
    await StoreClient.pair(shop.till.session, shop.till.url, code, "till")
    again = {"code": code, "device": {"name": "thief", "kind": "till"}}
    answer = await StoreClient(shop.till.session, shop.till.url).post("/v1/pairings", again)
    assert (answer.status, answer.body["code"]) == (422, "unknown_pairing_code")


async def test_a_wrong_pin_is_refused_and_in_the_end_locked(shop: Shop) -> None:
    statuses = []
    for _ in range(6):
        answer = await shop.other.post("/v1/sign-ins", {"operator": MANAGER, "pin": "9999"})
        statuses.append(answer.status)
    assert statuses == [422, 422, 422, 422, 422, 423]
    assert int(answer.headers["Retry-After"]) > 0


async def test_scanning_tells_what_a_text_is(till: StoreClient) -> None:
    anna = await enrol(till)
    sold = await sell(till, MILK)
    cases = [
        ("9520000000011", "product", lambda body: body["product"]["sku"] == MILK),
        ("2312345007063", "product", lambda body: (body["product"]["sku"], body["price_minor"]) == (CHEESE, 706)),
        (anna["token"], "member", lambda body: body["member"]["member"]["id"] == anna["id"]),
        (sold["number"], "receipt", lambda body: body["sale"] == sold["id"]),
        ("no such thing", "unknown", lambda body: body["text"] == "no such thing"),
        ("9520000000998", "unknown", lambda body: "product" not in body),
    ]
    for text, kind, holds in cases:
        answer = await till.post("/v1/scans", {"text": text})
        assert (answer.status, answer.body["kind"]) == (200, kind), text
        assert holds(answer.body), answer.body


async def test_a_quote_is_the_sale_and_writes_nothing(till: StoreClient) -> None:
    anna = await enrol(till)
    asked = {
        "lines": [
            {
                "sku": CHOCOLATE,
                "quantity_milli": 2000,
                "discount": {"kind": "percent", "value": 10, "reason": "dented"},
            },
            {"gtin": "9520000000011"},
        ],
        "member": anna["id"],
    }
    before = (await till.get("/v1/sales")).body
    quote = (await till.post("/v1/quotes", asked)).body
    assert (await till.get("/v1/sales")).body == before
    answer = await till.post(
        "/v1/sales",
        {
            **asked,
            "id": new_id(),
            "tenders": [{"kind": "card", "amount_minor": quote["totals"]["due_minor"], "reference": "T-1"}],
            "quote_due_minor": quote["totals"]["due_minor"],
            "receipt": "paper",
            "currency": "EUR",
        },
    )
    assert answer.status == 201
    check_sale(answer.body)
    assert answer.body["lines"] == quote["lines"]
    assert answer.body["points"]["earned"] == quote["points"]["earned"] == 5
    assert answer.body["totals"] | {"paid_minor": 0} == quote["totals"]
    assert answer.body["print_job"]["state"] == "queued"
    assert (await till.get(f"/v1/sales/{answer.body['number']}")).body == answer.body
    assert (await till.get(f"/v1/sales/{answer.body['id']}")).body == answer.body


async def test_the_same_sale_again_is_the_first_answer_again(till: StoreClient) -> None:
    asked = sale(MILK, CHOCOLATE)
    first, again = await till.post("/v1/sales", asked), await till.post("/v1/sales", asked)
    assert (first.status, again.status) == (201, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == first.body


async def test_a_replay_is_known_by_what_it_says_not_by_its_bytes(till: StoreClient) -> None:
    asked = sale(MILK)
    first = await till.post("/v1/sales", asked)
    turned = json.dumps(dict(reversed(asked.items())), indent=4).encode()
    defaults = json.dumps({**asked, "member": None, "coupons": [], "receipt": "none"}).encode()
    for raw in (turned, defaults):
        again = await till.send("POST", "/v1/sales", data=raw, headers={"Content-Type": "application/json"})
        assert (again.status, again.body) == (200, first.body)


async def test_the_same_id_with_another_body_is_a_conflict(till: StoreClient) -> None:
    asked = sale(MILK)
    await till.post("/v1/sales", asked)
    for change in (
        {"lines": sale(CHOCOLATE)["lines"]},
        {"receipt": "paper"},
        {"tenders": sale(MILK, cash=500)["tenders"]},
    ):
        answer = await till.post("/v1/sales", {**asked, **change})
        assert (answer.status, answer.body["code"]) == (409, "id_conflict")
    assert len((await till.get("/v1/sales")).body["items"]) == 1


async def test_two_tills_with_one_id_at_once_sell_once(shop: Shop) -> None:
    await open_shift(shop.till)
    await open_shift(shop.other)
    asked = sale(MILK)
    answers = await asyncio.gather(*(till.post("/v1/sales", asked) for till in (shop.till, shop.other) * 8))
    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({json.dumps(answer.body, sort_keys=True) for answer in answers}) == 1
    assert len((await shop.till.get("/v1/sales")).body["items"]) == 1


async def test_two_tills_with_one_id_and_different_goods_sell_one_of_them(shop: Shop) -> None:
    await open_shift(shop.till)
    await open_shift(shop.other)
    one = sale(MILK)
    other = {**sale(CHOCOLATE), "id": one["id"]}
    answers = await asyncio.gather(shop.till.post("/v1/sales", one), shop.other.post("/v1/sales", other))
    assert sorted(answer.status for answer in answers) == [201, 409]


async def test_numbers_stay_gapless_under_many_tills(shop: Shop) -> None:
    await open_shift(shop.till)
    await open_shift(shop.other)
    asked = [(till, sale(MILK)) for till in (shop.till, shop.other) for _ in range(20)]
    answers = await asyncio.gather(*(till.post("/v1/sales", body) for till, body in asked))
    numbers = sorted(answer.body["number"] for answer in answers)
    series = sorted({number.rpartition("-")[0] for number in numbers})
    assert len(series) == 2
    assert numbers == [f"{prefix}-{n:06}" for prefix in series for n in range(1, 21)]


@pytest.mark.parametrize(
    ("change", "status", "code", "where"),
    [
        ({"lines": [{"gtin": "9520000000998"}]}, 422, "unknown_product", ["/lines/0/gtin"]),
        ({"tenders": [{"kind": "cash", "amount_minor": 128}]}, 422, "underpaid", ["/tenders"]),
        ({"tenders": []}, 422, "underpaid", ["/tenders"]),
        ({"currency": "PLN"}, 422, "wrong_currency", ["/currency"]),
        ({"member": "01997e7c-0000-7000-8000-000000000000"}, 422, "unknown_member", ["/member"]),
        ({"quote_due_minor": 130}, 409, "price_changed", []),
        ({"lines": [{"sku": MILK, "unit_price_minor": 1}]}, 422, "reason_needed", ["/lines/0/reason"]),
        (
            {"lines": [{"sku": MILK, "unit_price_minor": 1, "reason": "torn"}]},
            403,
            "approval_needed",
            ["/lines/0/unit_price_minor"],
        ),
    ],
)
async def test_a_refusal_says_what_and_where(
    till: StoreClient, change: dict[str, Any], status: int, code: str, where: list[str]
) -> None:
    answer = await till.post("/v1/sales", {**sale(MILK), **change})
    assert (answer.status, answer.body["code"], pointers(answer)) == (status, code, where)
    assert (await till.get("/v1/sales")).body["items"] == []


async def test_a_refusal_is_not_remembered(till: StoreClient) -> None:
    asked = sale(MILK, cash=100)
    assert (await till.post("/v1/sales", asked)).status == 422
    paid = {**asked, "tenders": [{"kind": "cash", "amount_minor": 129}]}
    assert (await till.post("/v1/sales", paid)).status == 201


async def test_a_changed_price_comes_with_the_new_quote(till: StoreClient) -> None:
    answer = await till.post("/v1/sales", sale(MILK, CHOCOLATE, quote_due_minor=300))
    assert answer.status == 409
    quote = (await till.post("/v1/quotes", {"lines": sale(MILK, CHOCOLATE)["lines"]})).body
    assert answer.body["quote"] == quote


async def test_nothing_is_sold_without_a_shift(shop: Shop) -> None:
    answer = await shop.till.post("/v1/sales", sale(MILK))
    assert (answer.status, answer.body["code"]) == (409, "no_open_shift")


async def test_a_sale_of_nothing_needs_no_tender(till: StoreClient) -> None:
    sold = await sell(till, BAG, cash=None)
    assert sold["totals"]["due_minor"] == 0


async def test_a_cashier_sets_a_price_with_an_approval(till: StoreClient) -> None:
    given = await till.post("/v1/approvals", {"operator": MANAGER, "pin": PIN, "for": "price_override"})
    assert given.status == 201
    line = {"sku": CHOCOLATE, "unit_price_minor": 200, "reason": "label said so", "approval": given.body["approval"]}
    answer = await till.post("/v1/sales", {**sale(CHOCOLATE), "lines": [line]})
    assert (answer.status, answer.body["totals"]["due_minor"]) == (201, 200)
    again = await till.post("/v1/sales", {**sale(CHOCOLATE), "lines": [line]})
    assert (again.status, again.body["code"]) == (403, "approval_unknown")
    refused = await till.post("/v1/approvals", {"operator": CASHIER, "pin": PIN, "for": "price_override"})
    assert refused.status == 403


async def test_goods_come_back_as_quoted(till: StoreClient) -> None:
    anna = await enrol(till)
    sold = await sell(till, CHOCOLATE, NEWSPAPER, member=anna["id"])
    lines = [{"line": 1, "quantity_milli": 1000}]
    quote = (await till.post("/v1/return-quotes", {"sale": sold["number"], "lines": lines})).body
    assert set(quote) >= {"refund_minor", "lines", "points", "refunds_allowed"}
    assert set(quote["points"]) == {"clawed_back", "given_back", "debt"}
    assert quote["refunds_allowed"] == [{"kind": "cash", "max_minor": 609}]
    refunds = [{"kind": "cash", "amount_minor": quote["refund_minor"]}]
    asked = {"id": new_id(), "sale": sold["id"], "lines": lines, "refunds": refunds, "reason": "did not fit"}
    first, again = await till.post("/v1/returns", asked), await till.post("/v1/returns", asked)
    assert (first.status, again.status) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == first.body
    assert first.body["refund_minor"] == quote["refund_minor"] == 259
    assert NUMBER.fullmatch(first.body["number"])
    conflict = await till.post("/v1/returns", {**asked, "reason": "another"})
    assert (conflict.status, conflict.body["code"]) == (409, "id_conflict")
    more = await till.post("/v1/returns", {**asked, "id": new_id()})
    assert (more.status, more.body["code"], pointers(more)) == (
        409,
        "nothing_left_to_return",
        ["/lines/0/quantity_milli"],
    )
    points = (await till.get(f"/v1/members/{anna['id']}/points")).body
    assert points["active"] == sold["points"]["earned"] - quote["points"]["clawed_back"]


async def test_a_receipt_of_nowhere_is_a_wrong_value(till: StoreClient) -> None:
    asked = {"sale": "S001-T01-999999", "lines": [{"line": 1, "quantity_milli": 1000}]}
    answer = await till.post("/v1/return-quotes", asked)
    assert (answer.status, pointers(answer)) == (422, ["/sale"])
    assert (await till.get("/v1/sales/S001-T01-999999")).status == 404


@pytest.mark.parametrize(
    ("new", "tenders", "refunds", "due"),
    [
        (NEWSPAPER, [{"kind": "cash", "amount_minor": 100}], [], 350),
        (CHOCOLATE, [], [], 259),
        (MILK, [], [{"kind": "cash", "amount_minor": 130}], 129),
    ],
    ids=["pays more", "even", "money back"],
)
async def test_an_exchange_is_settled_net(
    till: StoreClient, new: str, tenders: list[object], refunds: list[object], due: int
) -> None:
    sold = await sell(till, CHOCOLATE)
    asked = {
        **sale(new),
        "tenders": tenders,
        "returns": [{"sale": sold["id"], "line": 1, "quantity_milli": 1000}],
        "refunds": refunds,
    }
    answer = await till.post("/v1/sales", asked)
    assert answer.status == 201, answer
    check_sale(answer.body)
    assert answer.body["totals"]["due_minor"] == due
    assert (await till.post("/v1/sales", asked)).status == 200


async def test_a_sale_is_voided_until_its_shift_closes(till: StoreClient) -> None:
    sold = await sell(till, MILK)
    first, again = (
        await till.post(f"/v1/sales/{sold['id']}/void", {}),
        await till.post(f"/v1/sales/{sold['id']}/void", {}),
    )
    assert (first.status, again.status) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await till.post(f"/v1/sales/{sold['id']}/void", {"reason": "other words"})
    assert other.status == 409
    assert (await till.post(f"/v1/sales/{new_id()}/void", {})).status == 404
    late = await sell(till, MILK)
    shift = (await till.get("/v1/shifts/current")).body["id"]
    await till.post(f"/v1/shifts/{shift}/close", {"counted": {"cash": 10_129}})
    await open_shift(till)
    refused = await till.post(f"/v1/sales/{late['id']}/void", {})
    assert (refused.status, refused.body["code"]) == (409, "shift_over")


async def test_a_basket_is_parked_on_one_till_and_taken_up_on_another(shop: Shop) -> None:
    asked = {"id": new_id(), "lines": [{"sku": MILK, "quantity_milli": 2000}]}
    assert (await shop.till.post("/v1/parked", asked)).status == 201
    assert (await shop.till.post("/v1/parked", asked)).status == 200
    listed = (await shop.other.get("/v1/parked")).body
    assert [basket["id"] for basket in listed["items"]] == [asked["id"]]
    claimed = await shop.other.post(f"/v1/parked/{asked['id']}/claim")
    assert claimed.status == 200
    assert claimed.body["basket"]["lines"][0]["quantity_milli"] == 2000
    assert (await shop.other.post(f"/v1/parked/{asked['id']}/claim")).status == 200
    assert (await shop.till.post(f"/v1/parked/{asked['id']}/claim")).status == 409
    assert (await shop.till.post(f"/v1/parked/{new_id()}/claim")).status == 404
    assert (await shop.till.get("/v1/parked")).body["items"] == []


async def test_a_shift_is_opened_moved_read_counted_and_closed(shop: Shop) -> None:
    till = shop.till
    shift = await open_shift(till)
    await sell(till, NEWSPAPER, cash=350)
    for kind, amount in (("pay_in", 500), ("pay_out", 250), ("drop", 5_000)):
        asked = {"id": new_id(), "kind": kind, "amount_minor": amount, "reason": "change"}
        assert (await till.post(f"/v1/shifts/{shift}/movements", asked)).status == 201
        assert (await till.post(f"/v1/shifts/{shift}/movements", asked)).status == 200
    x = (await till.get(f"/v1/shifts/{shift}/report")).body
    assert (x["kind"], x["z_number"], x["sales"]) == ("X", None, 1)
    assert {tender["expected_minor"] for tender in x["tenders"]} == {None}, "a cashier counts blind"
    seen = (await shop.manager.get(f"/v1/shifts/{shift}/report")).body
    assert [tender["expected_minor"] for tender in seen["tenders"]] == [5_600]
    closed = await till.post(f"/v1/shifts/{shift}/close", {"counted": {"cash": 5_590}})
    again = await till.post(f"/v1/shifts/{shift}/close", {"counted": {"cash": 5_590}})
    assert (closed.status, again.status, again.body) == (200, 200, closed.body)
    other = await till.post(f"/v1/shifts/{shift}/close", {"counted": {"cash": 5_600}})
    assert other.status == 409
    z = (await till.get(f"/v1/shifts/{shift}/report")).body
    assert (z["kind"], z["z_number"], z["variance_minor"]) == ("Z", 1, -10)
    assert (await till.get(f"/v1/shifts/{new_id()}/report")).status == 404


async def test_the_drawer_opens_with_a_reason(till: StoreClient) -> None:
    asked = {"id": new_id(), "reason": "change"}
    assert (await till.post("/v1/drawer/open", asked)).status == 201
    assert (await till.post("/v1/drawer/open", asked)).status == 200
    assert (await till.post("/v1/drawer/open", {**asked, "reason": "other"})).status == 409


async def test_sales_are_listed_in_pages(till: StoreClient) -> None:
    sold = [await sell(till, MILK) for _ in range(5)]
    seen, after = [], None
    while True:
        query = {"limit": "2", **({"after": after} if after else {})}
        page = (await till.get("/v1/sales", **query)).body
        assert set(page) == {"items", "next"}
        seen += [item["number"] for item in page["items"]]
        if (after := page["next"]) is None:
            break
    assert seen == [each["number"] for each in sold]
    day = sold[0]["business_day"]
    assert len((await till.get("/v1/sales", business_day=day)).body["items"]) == 5
    assert (await till.get("/v1/sales", business_day="2000-01-01")).body["items"] == []
    assert (await till.get("/v1/sales", after="nonsense")).status == 422
    assert (await till.get("/v1/sales", business_day="yesterday")).status == 422


async def test_a_receipt_is_looked_at_and_printed_once_more(till: StoreClient) -> None:
    sold = await sell(till, MILK, receipt="paper")
    job = sold["print_job"]["id"]
    assert (await till.get("/v1/print-jobs", after="x")).status == 422
    assert job in [item["id"] for item in (await till.get("/v1/print-jobs")).body["items"]]
    text = await till.get(f"/v1/print-jobs/{job}.txt")
    assert sold["number"].encode() in text.body
    picture = await till.get(f"/v1/print-jobs/{job}.png")
    assert (picture.headers["Content-Type"], picture.body[:4]) == ("image/png", b"\x89PNG")
    assert (await till.get(f"/v1/print-jobs/{job}.bin")).body.startswith(b"\x1b@")
    assert (await till.get(f"/v1/print-jobs/{job}.gif")).status == 404
    assert (await till.get(f"/v1/print-jobs/{new_id()}.png")).status == 404
    assert (await till.get("/v1/print-jobs/nonsense.png")).status == 404
    copy = await till.post(f"/v1/print-jobs/{job}/reprint")
    assert copy.status == 201
    marked = await till.get(f"/v1/print-jobs/{copy.body['id']}.txt")
    assert b"COPY" in marked.body


class TestVersions:
    """What may be changed carries its version, and a change names the version it was made on."""

    ARTICLE: ClassVar = {"name": "Soap", "department": "HOME", "tax_class": "standard", "price_minor": 199}

    async def test_an_article(self, shop: Shop) -> None:
        manager, path = shop.manager, "/v1/products/soap"
        created = await manager.send("PUT", path, json=self.ARTICLE)
        assert created.status == 201
        tag = (await manager.get(path)).headers["ETag"]
        assert created.headers["ETag"] == tag
        dearer = {**self.ARTICLE, "price_minor": 219}
        assert (await manager.send("PUT", path, json=dearer)).status == 428
        assert (await manager.send("PUT", path, json=dearer, headers={"If-Match": '"0"'})).status == 412
        assert (await manager.send("PUT", path, json=dearer, headers={"If-Match": "*"})).status == 412
        assert (await manager.send("PUT", path, json=dearer, headers={"If-Match": tag})).status == 200
        assert (await manager.send("PUT", path, json=self.ARTICLE, headers={"If-Match": tag})).status == 412
        assert (await manager.get(path)).body["price_minor"] == 219
        unseen = await manager.send("PUT", "/v1/products/new", json=self.ARTICLE, headers={"If-Match": tag})
        assert unseen.status == 412
        assert (await manager.get("/v1/products/new")).status == 404

    async def test_a_member(self, shop: Shop) -> None:
        anna = await enrol(shop.till)
        path = f"/v1/members/{anna['id']}"
        tag = (await shop.till.get(path)).headers["ETag"]
        change = {"name": "Anna Maria"}
        assert (await shop.till.send("PATCH", path, json=change)).status == 428
        assert (await shop.till.send("PATCH", path, json=change, headers={"If-Match": '"9"'})).status == 412
        assert (await shop.till.send("PATCH", path, json=change, headers={"If-Match": tag})).status == 200
        assert (await shop.till.send("PATCH", path, json=change, headers={"If-Match": tag})).status == 412

    async def test_an_operator(self, shop: Shop) -> None:
        path = "/v1/operators/eva"
        eva = {"name": "Eva", "role": "cashier"}
        created = await shop.manager.send("PUT", path, json={**eva, "pin": "2468"})
        assert created.status == 201
        tag = created.headers["ETag"]
        assert (await shop.manager.send("PUT", path, json=eva)).status == 428
        assert (await shop.manager.send("PUT", path, json=eva, headers={"If-Match": '"9"'})).status == 412
        change = await shop.manager.send("PUT", path, json={**eva, "role": "manager"}, headers={"If-Match": tag})
        assert (change.status, change.body["role"]) == (200, "manager")

    async def test_an_offer(self, shop: Shop, till: StoreClient) -> None:
        path = f"/v1/offers/{new_id()}"
        effect = {"kind": "percent", "percent": "10", "goods": {"products": [MILK]}}
        offer = {"title": {"en": "Milk week"}, "effect": effect, "limits": {"total": 2}}
        created = await shop.manager.send("PUT", path, json=offer)
        assert created.status == 201
        tag = (await shop.till.get(path)).headers["ETag"]
        assert (await shop.manager.send("PUT", path, json=offer)).status == 428
        assert (await shop.manager.send("PUT", path, json=offer, headers={"If-Match": '"9"'})).status == 412
        sold = await sell(till, MILK)
        (discount,) = sold["lines"][0]["discounts"]
        assert (discount["offer"], sold["totals"]["discount_minor"]) == (created.body["id"], discount["amount_minor"])
        assert isinstance(discount["reason"], str)
        ended = await shop.manager.send("DELETE", path, headers={"If-Match": tag})
        assert (ended.status, ended.body["state"], ended.body["uses"]) == (200, "ended", 1)
        assert (await shop.till.get("/v1/offers")).body["items"] == []
        refused = await shop.manager.send("PUT", f"/v1/offers/{new_id()}", json={**offer, "title": {"en": " "}})
        assert (refused.status, refused.body["code"]) == (422, "offer_refused")
        assert refused.body["errors"][0]["pointer"] == "/title"

    async def test_what_did_not_change_need_not_be_sent_again(self, shop: Shop) -> None:
        first = await shop.till.get(f"/v1/products/{MILK}")
        tag = first.headers["ETag"]
        assert (await shop.till.send("GET", f"/v1/products/{MILK}", headers={"If-None-Match": tag})).status == 304


async def test_a_count_of_shelves_is_recorded_once(till: StoreClient) -> None:
    asked = {"id": new_id(), "counts": [{"sku": MILK, "quantity_milli": 12_000}]}
    first, again = await till.post("/v1/stock-counts", asked), await till.post("/v1/stock-counts", asked)
    assert (first.status, again.status, again.body) == (201, 200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await till.get(f"/v1/products/{MILK}")).body["stock_milli"] == 12_000
    other = await till.post("/v1/stock-counts", {**asked, "reason": "other"})
    assert (other.status, other.body["code"]) == (409, "id_conflict")


async def test_what_is_not_there_is_a_problem_document_too(till: StoreClient) -> None:
    answers: list[tuple[Answer, int]] = [
        (await till.get("/v1/nothing"), 404),
        (await till.get("/v1/products/nothing"), 404),
        (await till.send("DELETE", "/v1/sales"), 405),
        (await till.send("PUT", "/v1/sales"), 405),
        (await till.send("POST", "/v1/sales", data=b"x" * 600_000, headers={"Content-Type": "application/json"}), 413),
        (await till.send("POST", "/v1/sales", data=b"{", headers={"Content-Type": "application/json"}), 400),
    ]
    assert [answer.status for answer, _ in answers] == [status for _, status in answers]
    assert set(answers[2][0].headers["Allow"].split(", ")) >= {"GET", "POST"}


async def test_without_a_token_nobody_is_served(shop: Shop) -> None:
    stranger = StoreClient(shop.till.session, shop.till.url)
    answer = await stranger.get("/v1/store")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="counterfoil"')
    for token in ("wrong", "", "a" * 600):
        stranger.token = token
        assert (await stranger.get("/v1/store")).status == 401
    assert (await StoreClient(shop.till.session, shop.till.url).get("/livez")).status == 200


async def test_a_kiosk_may_only_do_what_a_shopper_may(shop: Shop) -> None:
    assert (await shop.kiosk.post("/v1/scans", {"text": "9520000000011"})).status == 200
    assert (await shop.kiosk.get("/v1/products", query="milk")).status == 200
    assert (await shop.kiosk.post("/v1/sales", sale(MILK))).status == 403
    assert (await shop.kiosk.get("/v1/sales")).status == 403
    assert (await shop.kiosk.send("PUT", "/v1/products/x", json=TestVersions.ARTICLE)).status == 403


async def test_a_store_that_may_only_be_read_says_so(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running, aiohttp.ClientSession() as session:
        till = StoreClient(session, running.url, TOKENS["cashier"])
        await open_shift(till)
        await sell(till, MILK)
        running.store.door.read_only = "Entry 3 does not hold. Run: counterfoil restore FILE"
        refused = await till.post("/v1/sales", sale(MILK))
        assert (refused.status, refused.body["code"]) == (503, "read_only")
        assert "counterfoil restore" in refused.body["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        assert (await till.get("/v1/sales")).status == 200
        assert (await till.post("/v1/quotes", {"lines": sale(MILK)["lines"]})).status == 200
        assert (await till.get("/v1/store")).body["read_only"]


async def test_trace_and_request_ids_come_back(till: StoreClient) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await till.send("GET", "/v1/store", headers={"traceparent": trace})
    assert answer.headers["traceparent"] == trace
    assert answer.headers["X-Request-Id"]
