"""Whatever a broken till, a bored child or a scanner gone mad may send: a clean refusal, and nothing is written."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kiosk.shopkit import Reply, Running, make_config, new_id, running_store, sale_request
from tests.kiosk.web.proving import prove

HUGE = 2**64


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as running:
        await running.open_shift()
        before = await entries(running)
        yield running
        assert await entries(running) == before, "a refusal wrote something"
        await prove(running)


async def entries(running: Running) -> int:
    rows = await running.store.database.read(lambda tx: tx.execute("SELECT count(*) FROM journal").fetchall())
    return int(rows[0][0])


async def send_raw(
    running: Running, raw: bytes, path: str = "/v1/sales", content_type: str = "application/json"
) -> Reply:
    headers = {"Authorization": f"Bearer {running.tokens['cashier']}", "Content-Type": content_type}
    async with running.client.post(path, data=raw, headers=headers) as response:
        body = await response.read()
        return Reply(response.status, json.loads(body), response.headers.copy(), body)


def changed(path: str, value: object) -> dict[str, Any]:
    """A good sale with one value replaced; `path` is a JSON Pointer."""
    request: Any = json.loads(json.dumps(sale_request()))
    *way, last = path.removeprefix("/").split("/")
    place = request
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[int(last) if isinstance(place, list) else last] = value
    return dict(request)


WRONG = [
    ("/lines/0/quantity_milli", 0),
    ("/lines/0/quantity_milli", -1000),
    ("/lines/0/quantity_milli", 100_000_001),
    ("/lines/0/quantity_milli", HUGE),
    ("/lines/0/quantity_milli", -HUGE),
    ("/lines/0/quantity_milli", 1000.0),
    ("/lines/0/quantity_milli", 1.5),
    ("/lines/0/quantity_milli", "1000"),
    ("/lines/0/quantity_milli", True),
    ("/lines/0/quantity_milli", None),
    ("/lines/0/quantity_milli", [1000]),
    ("/lines/0/sku", 100),
    ("/lines/0/sku", ""),
    ("/lines/0/sku", "1" * 65),
    ("/lines/0/sku", "10\x000"),
    ("/lines/0/sku", "10\n0"),
    ("/lines/0/sku", "100\n"),
    ("/lines/0/gtin", "9" * 4097),
    ("/lines/0/unit_price_minor", -1),
    ("/lines/0/unit_price_minor", 10**12 + 1),
    ("/lines/0/unit_price_minor", 1.0),
    ("/lines/0/unknown", 1),
    ("/lines/0/discount", {"kind": "gift", "value": 1, "reason": "x"}),
    ("/lines/0/discount", {"kind": "percent", "value": 0, "reason": "x"}),
    ("/lines/0/discount", {"kind": "percent", "value": 10}),
    ("/lines/0/discount", {"kind": "percent", "value": 10, "reason": "x" * 201}),
    ("/lines/0", "milk"),
    ("/lines", {}),
    ("/lines", None),
    ("/lines", [{"sku": "100"}] * 501),
    ("/tenders/0/amount_minor", 0),
    ("/tenders/0/amount_minor", -5),
    ("/tenders/0/amount_minor", 129.0),
    ("/tenders/0/amount_minor", "129"),
    ("/tenders/0/amount_minor", HUGE),
    ("/tenders/0/kind", "CASH"),
    ("/tenders/0/kind", "cash\n"),
    ("/tenders/0/kind", ""),
    ("/tenders/0/kind", None),
    ("/tenders", [{"kind": "cash", "amount_minor": 1}] * 21),
    ("/id", "not-a-uuid"),
    ("/id", 7),
    ("/id", None),
    ("/member", "anna"),
    ("/hold", 1),
    ("/coupons", ["x"] * 51),
    ("/coupons", "x"),
    ("/receipt", "email"),
    ("/currency", "eur"),
    ("/currency", "EURO"),
    ("/currency", "EUR\n"),
    ("/quote_due_minor", 1.5),
    ("/quote_due_minor", HUGE),
    ("/returns", [{"sale": "", "line": 1, "quantity_milli": 1}]),
    ("/returns", [{"sale": "01997e7c-0000-7000-8000-000000000000", "line": 0, "quantity_milli": 1}]),
    ("/refunds", [{"kind": "cash", "amount_minor": 0}]),
    ("/operator", "mia"),
    ("/till", "T02"),
    ("/shift", "01997e7c-0000-7000-8000-000000000000"),
    ("/business_day", "2020-01-01"),
    ("/total_minor", 1),
]


async def test_no_wrong_value_gets_into_a_sale(running: Running) -> None:
    answers = {}
    for path, value in WRONG:
        reply = await running.call("POST", "/v1/sales", changed(path, value))
        answers[path, repr(value)[:40]] = reply.status, reply.json["code"], bool(reply.json["errors"])
    assert {what: answer for what, answer in answers.items() if answer != (422, "invalid_input", True)} == {}


async def test_the_place_of_a_wrong_value_is_named(running: Running) -> None:
    for path, value in WRONG[:13]:
        reply = await running.call("POST", "/v1/sales", changed(path, value))
        assert reply.json["errors"][0]["pointer"] == path


async def test_a_missing_id_is_refused(running: Running) -> None:
    request = sale_request()
    del request["id"]
    reply = await running.call("POST", "/v1/sales", request)
    assert reply.status == 422
    assert "id" in reply.json["detail"]


RAW = {
    "nothing": (b"", 400),
    "no JSON": (b"hello", 400),
    "a broken object": (b'{"id": ', 400),
    "two documents": (b"{}{}", 400),
    "a list": (b"[]", 422),
    "a text": (b'"sale"', 422),
    "null": (b"null", 422),
    "not UTF-8": (b'{"id": "\xff\xfe"}', 400),
    "UTF-16": ('{"id": "x"}'.encode("utf-16"), 400),
    "half a character": (b'{"id": "\\ud800"}', 400),
    "NaN": (b'{"id": NaN}', 400),
    "infinity": (b'{"id": 1e999}', 422),
    "ten thousand levels of lists": (b"[" * 10_000 + b"]" * 10_000, 400),
    "ten thousand levels of objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "ten thousand levels within a known member": (b'{"lines":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "doubled keys": (b'{"lines": [], "lines": []}', 400),
    "doubled keys within": (b'{"lines": [{"sku": "100", "sku": "101"}]}', 400),
    "an escaped NUL": (b'{"id": "a\\u0000b"}', 422),
    "an integer of a thousand digits": (b'{"lines": ' + b"9" * 1000 + b"}", 422),
}


@pytest.mark.parametrize("what", RAW)
async def test_what_is_no_request_is_refused(running: Running, what: str) -> None:
    raw, status = RAW[what]
    for path in ("/v1/sales", "/v1/quotes", "/v1/returns", "/v1/shifts", "/v1/members"):
        reply = await send_raw(running, raw, path)
        assert (reply.status, reply.json["status"]) == (status, status), (path, reply.json)
        assert reply.json["hint"]


async def test_doubled_keys_of_a_good_sale_are_refused(running: Running) -> None:
    good = json.dumps(sale_request())
    doubled = good[:-1] + ', "tenders": []}'
    reply = await send_raw(running, doubled.encode())
    assert (reply.status, reply.json["code"]) == (400, "not_json")


async def test_a_body_too_large_is_refused_before_it_is_read(running: Running) -> None:
    padded = json.dumps(sale_request(receipt="none" + " " * 600_000)).encode()
    reply = await send_raw(running, padded)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    small = await send_raw(running, b'{"text": "' + b"x" * 70_000 + b'"}', "/v1/scans")
    assert small.status == 413


async def test_another_content_type_is_refused(running: Running) -> None:
    good = json.dumps(sale_request()).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        assert (await send_raw(running, good, content_type=kind)).status == 415


@pytest.mark.parametrize(
    "number",
    [
        "1" * 200,
        "S001-T01-000001\n",
        "%00",
        "..%2f..%2fetc",
        "{00000000-0000-7000-8000-000000000000}",
        "🧾",
        "%ff",
        "a" * 201,
    ],
)
async def test_no_receipt_number_breaks_the_shop(running: Running, number: str) -> None:
    reply = await running.call("GET", f"/v1/sales/{number}")
    assert reply.status in {400, 404}
    assert reply.json["code"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999", "after=x",
        "after=" + "A" * 401, "business_day=2026-1-1", "business_day=x", "member=x", "unknown=1", "limit=1&limit=2",
        "business_day=%00", "after=%ff",
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused(running: Running, query: str) -> None:
    reply = await running.call("GET", f"/v1/sales?{query}")
    assert reply.status in {400, 422}, reply.json


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/shifts", {"float_minor": -1}),
    ("/v1/shifts", {"float_minor": 1.5}),
    ("/v1/shifts", {"float_minor": HUGE}),
    ("/v1/shifts/{shift}/movements", {"kind": "steal", "amount_minor": 1, "reason": "x"}),
    ("/v1/shifts/{shift}/movements", {"kind": "pay_in", "amount_minor": 0, "reason": "x"}),
    ("/v1/shifts/{shift}/movements", {"kind": "pay_in", "amount_minor": 10**12 + 1, "reason": "x"}),
    ("/v1/shifts/{shift}/movements", {"kind": "pay_in", "amount_minor": 1, "reason": ""}),
    ("/v1/shifts/{shift}/movements", {"kind": "pay_in", "amount_minor": 1, "reason": "x", "currency": "USD"}),
    ("/v1/parked", {"lines": "milk"}),
    ("/v1/parked", {"lines": [{"sku": "100"}], "label": "x" * 81}),
    ("/v1/parked", {"lines": [{"sku": "nothing"}]}),
    ("/v1/drawer/open", {"reason": ""}),
    ("/v1/drawer/open", {"reason": "x\u0007"}),
    ("/v1/returns", {"sale": "S001-T01-000001", "lines": [], "reason": "x"}),
    ("/v1/returns", {"sale": "", "lines": [{"line": 1, "quantity_milli": 1000}], "reason": "x"}),
    ("/v1/returns", {"sale": "nothing", "lines": [{"line": 1, "quantity_milli": 1000}], "reason": "x"}),
    ("/v1/returns", {"sale": "S001-T01-000001", "lines": [{"line": 0, "quantity_milli": 1000}], "reason": "x"}),
    ("/v1/returns", {"sale": "S001-T01-000001", "lines": [{"line": 1, "quantity_milli": 0}], "reason": "x"}),
    ("/v1/stock-counts", {"counts": []}),
    ("/v1/stock-counts", {"counts": [{"sku": "nothing", "quantity_milli": 1}]}),
    ("/v1/stock-counts", {"counts": [{"sku": "100", "quantity_milli": -1}]}),
    ("/v1/stock-counts", {"counts": [{"sku": "100", "quantity_milli": 1}, {"sku": "100", "quantity_milli": 2}]}),
]


async def test_no_wrong_value_gets_in_anywhere_else(running: Running) -> None:
    shift = (await running.call("GET", "/v1/shifts/current")).json["id"]
    for path, body in CALLS:
        reply = await running.call("POST", path.replace("{shift}", shift), {"id": str(new_id()), **body})
        assert reply.status == 422, (path, body, reply.json)


@pytest.mark.parametrize(
    "counted", [{"cash": -1}, {"cash": 1.0}, {"CASH": 1}, {"": 1}, {"cash": HUGE}, {"cash": None}, []]
)
async def test_a_wrong_count_closes_nothing(running: Running, counted: object) -> None:
    shift = (await running.call("GET", "/v1/shifts/current")).json["id"]
    reply = await running.call("POST", f"/v1/shifts/{shift}/close", {"counted": counted})
    assert reply.status == 422
    assert (await running.call("GET", "/v1/shifts/current")).json["state"] == "open"


@pytest.mark.parametrize(
    "change",
    [
        {"price_minor": -1}, {"price_minor": 1.5}, {"price_minor": HUGE}, {"name": ""}, {"name": "x" * 121},
        {"name": " Soap"}, {"tax_class": "luxury"}, {"unit": "dozen"}, {"gtins": ["123"]}, {"item_code": "x"},
        {"gtins": ["9520000000011", "4006381333930"]}, {"department": "\u202eEMOH"}, {"active": "yes"},
    ],
)  # fmt: skip
async def test_a_wrong_article_is_not_taken(running: Running, change: dict[str, object]) -> None:
    soap = {"name": "Soap", "department": "HOME", "tax_class": "standard", "price_minor": 199}
    reply = await running.call("PUT", "/v1/products/soap", {**soap, **change}, role="manager")
    assert reply.status == 422, reply.json
    assert (await running.call("GET", "/v1/products/soap")).status == 404


async def test_a_barcode_means_one_article(running: Running) -> None:
    thief = {"name": "Not milk", "department": "X", "tax_class": "food", "price_minor": 1, "gtins": ["9520000000011"]}
    reply = await running.call("PUT", "/v1/products/thief", thief, role="manager")
    assert (reply.status, reply.json["code"]) == (409, "barcode_in_use")


@pytest.mark.parametrize(
    "text",
    [
        "\u0000",
        "x" * 4096,
        "]C1",
        "]E0",
        "(01)",
        "\x1d",
        "https://id.gs1.org/01/",
        "🍎",
        "' OR 1=1 --",
        "%",
        "*",
        "\ud7ff",
    ],
)
async def test_nothing_scanned_breaks_the_shop(running: Running, text: str) -> None:
    reply = await running.call("POST", "/v1/scans", {"text": text})
    assert reply.status == (422 if "\0" in text else 200)
    headers = {"Authorization": f"Bearer {running.tokens['cashier']}"}
    async with running.client.get("/v1/products", params={"query": text[:200]}, headers=headers) as found:
        assert found.status == reply.status
