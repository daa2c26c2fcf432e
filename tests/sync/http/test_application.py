"""The whole way of a request, over a real socket."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from sync.http import endpoints
from sync.http.application import build_app
from sync.http.calls import Call
from sync.http.limits import Limits, Rate
from sync.http.openapi import About
from sync.http.peers import read_networks
from sync.http.routes import PUBLIC, Answer, Route

if TYPE_CHECKING:
    from tests.sync.http.conftest import Serve, Served

ID = "01890000-0000-7000-8000-000000000001"
OTHER_ID = "01890000-0000-7000-8000-000000000002"
SALE = {"id": ID, "lines": [{"sku": "1041453", "quantity_milli": 2000}]}


async def problem(response: aiohttp.ClientResponse, status: int, code: str) -> dict[str, object]:
    """The problem document, after checking what every problem has."""
    details = json.loads(await response.read())
    assert (response.status, details["code"]) == (status, code), details
    assert response.content_type == "application/problem+json"
    assert details["type"] == f"/problems/{code}"
    assert details["status"] == status
    assert details["instance"] == response.headers["X-Request-Id"]
    assert details["title"]
    assert details["detail"]
    assert details["hint"]
    return details


async def test_a_sale_is_booked_once_and_a_replay_answers_the_same(served: Served) -> None:
    first = await served.client.post("/v1/sales", json=SALE)
    again = await served.client.post("/v1/sales", json={**SALE, "note": ""})
    assert (first.status, again.status) == (201, 200)
    assert await first.json() == await again.json() == {"id": ID, "device": "T01", "pieces": 2}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


async def test_the_same_id_with_another_content_is_a_conflict(served: Served) -> None:
    await served.client.post("/v1/sales", json=SALE)
    await problem(await served.client.post("/v1/sales", json={**SALE, "note": "other"}), 409, "id_conflict")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1/sales/", 404, "not_found"),
        ("GET", f"/v1/sales/{ID}", 404, "not_found"),
        ("GET", "/v1/sales/17", 404, "not_found"),
        ("GET", f"/v1/sales/{{{ID}}}", 404, "not_found"),
        ("GET", f"/v1/sales/{ID.replace('-', '')}", 404, "not_found"),
        ("GET", "/v1/products/unknown", 404, "not_found"),
        ("GET", "/v1/products/a%00b", 404, "not_found"),
        ("GET", "/v1/products/a%0Ab", 404, "not_found"),
        ("GET", "/v1/products/%ff%fe", 404, "not_found"),
        ("GET", "/v1/products/" + "x" * 201, 404, "not_found"),
        ("DELETE", "/v1/sales", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/sales", 405, "method_not_allowed"),
        ("PATCH", "/v1/products/42", 405, "method_not_allowed"),
        ("GET", "/v1/failures", 500, "internal_error"),
        ("GET", "/v1/outages", 503, "storage_unavailable"),
        ("GET", "/v1/sales?limit=0", 422, "invalid_input"),
        ("GET", "/v1/sales?limit=201", 422, "invalid_input"),
        ("GET", "/v1/sales?limit=ten", 422, "invalid_input"),
        ("GET", "/v1/sales?limit=99999999999999999999", 422, "invalid_input"),
        ("GET", "/v1/sales?limit=1&limit=2", 422, "invalid_input"),
        ("GET", "/v1/sales?page=2", 422, "invalid_input"),
        ("GET", "/v1/sales?business_day=today", 422, "invalid_input"),
        ("GET", "/v1/sales?after=%00", 422, "invalid_input"),
        ("GET", "/v1/sales?after=%ff", 422, "invalid_cursor"),
        ("GET", "/v1/sales?after=bm8", 422, "invalid_cursor"),
        ("GET", f"/v1/sales/{ID}?verbose=1", 422, "invalid_input"),
    ],
)
async def test_every_refusal_is_a_problem(served: Served, method: str, path: str, status: int, code: str) -> None:
    url = URL(served.base_url + path, encoded=True)
    async with served.client.request(method, url) as response:
        await problem(response, status, code)


async def test_a_405_names_what_is_allowed(served: Served) -> None:
    async with served.client.delete("/v1/products/42") as response:
        assert response.headers["Allow"] == "GET, HEAD, PUT"


async def test_an_internal_error_says_nothing_of_itself(served: Served) -> None:
    async with served.client.get("/v1/failures") as response:
        text = await response.text()
    assert "48600100200" not in text
    assert "RuntimeError" not in text
    assert "conftest" not in text


async def test_a_lost_disk_says_when_to_ask_again(served: Served) -> None:
    async with served.client.get("/v1/outages") as response:
        assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer kiosk-token"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Basic dGlsbDp0aWxs"}, 401),
        ({"Authorization": "Bearer " + "x" * 600}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "bearer till-token"}, 404),
    ],
)
async def test_who_may_see_a_sale(served: Served, headers: dict[str, str], status: int) -> None:
    async with served.client.get(f"/v1/sales/{ID}", headers=headers) as response:
        assert response.status == status
        assert ("WWW-Authenticate" in response.headers) == (status == 401)


async def test_a_token_beyond_ascii_is_only_a_wrong_token(served: Served) -> None:
    answer = await served.send_raw(
        b"GET /v1/sales HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401")


async def test_nobody_learns_of_ids_without_a_token(served: Served) -> None:
    async with served.client.get("/v1/sales/17", headers={"Authorization": ""}) as response:
        await problem(response, 401, "unauthorized")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "pointer"),
    [
        (b"", "application/json", 400, "not_json", None),
        (b"hello", "application/json", 400, "not_json", None),
        (b"hello", "text/plain", 400, "not_json", None),
        (b"{}{}", "application/json", 400, "not_json", None),
        (b"[1,", "application/json", 400, "not_json", None),
        (b"\xef\xbb\xbf{}", "application/json", 400, "not_json", None),
        (b'{"note":"\xff"}', "application/json", 400, "not_json", None),
        (b'{"note":"\\ud800"}', "application/json", 400, "not_json", None),
        (b'{"note":"a\x00b"}', "application/json", 400, "not_json", None),
        (b'{"id":1,"id":2}', "application/json", 400, "not_json", None),
        (b'{"lines":[{"sku":"1", "sku" : "2"}]}', "application/json", 400, "not_json", None),
        (b"[" * 60_000, "application/json", 400, "not_json", None),
        (b'{"a":' * 12_000, "application/json", 400, "not_json", None),
        (b"[" * 30_000 + b"]" * 30_000, "application/json", 400, "not_json", None),
        (json.dumps(SALE).encode(), "text/plain", 415, "unsupported_media", None),
        (json.dumps(SALE).encode(), "application/json; charset=iso-8859-2", 415, "unsupported_media", None),
        (b"[]", "application/json", 422, "invalid_input", ""),
        (b"null", "application/json", 422, "invalid_input", ""),
        (b"{}", "application/json", 422, "invalid_input", "/id"),
        (b'{"id":"17","lines":[]}', "application/json", 422, "invalid_input", "/id"),
        (b'{"more":1}', "application/json", 422, "invalid_input", "/more"),
        (b'{"id":1e999}', "application/json", 422, "invalid_input", ""),
    ],
)
async def test_hostile_bodies(
    served: Served, body: bytes, content_type: str, status: int, code: str, pointer: str | None
) -> None:
    async with served.client.post("/v1/sales", data=body, headers={"Content-Type": content_type}) as response:
        details = await problem(response, status, code)
    errors = details["errors"]
    assert isinstance(errors, list)
    assert [error["pointer"] for error in errors] == ([] if pointer is None else [pointer])


@pytest.mark.parametrize(
    ("member", "json_text", "pointer"),
    [
        ("lines", '[{"sku": "1", "quantity_milli": "2000"}]', "/lines/0/quantity_milli"),
        ("lines", '[{"sku": "1", "quantity_milli": 2.5}]', "/lines/0/quantity_milli"),
        ("lines", f'[{{"sku": "1", "quantity_milli": {2**63}}}]', "/lines/0/quantity_milli"),
        ("lines", f'[{{"sku": "1", "quantity_milli": {10**40}}}]', "/lines/0/quantity_milli"),
        ("lines", '[{"sku": "1", "quantity_milli": 1}, {"sku": "", "quantity_milli": 1}]', "/lines/1/sku"),
        ("note", r'"a\u0000b"', "/note"),
        ("note", '"' + "x" * 101 + '"', "/note"),
        ("counted", '{"cash": "ten"}', "/counted"),
        ("counted", '{"": 1}', "/counted"),
        ("counted", r'{"a\u0000": 1}', "/counted"),
    ],
)
async def test_the_wrong_place_is_named(served: Served, member: str, json_text: str, pointer: str) -> None:
    members = {name: json.dumps(value) for name, value in SALE.items()} | {member: json_text}
    body = "{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}"
    headers = {"Content-Type": "application/json"}
    async with served.client.post("/v1/sales", data=body, headers=headers) as response:
        details = await problem(response, 422, "invalid_input")
    assert details["errors"] == [{"pointer": pointer, "detail": details["detail"]}]
    assert served.shop.sold == {}


async def test_a_body_without_a_content_type_is_read_as_json(served: Served) -> None:
    body = json.dumps(SALE)
    answer = await served.send_raw(
        f"POST /v1/sales HTTP/1.1\nHost: localhost\nAuthorization: Bearer till-token\nConnection: close\n"
        f"Content-Length: {len(body)}\n\n{body}"
    )
    assert answer.startswith(b"HTTP/1.1 201")


async def test_the_size_limit_holds_for_declared_chunked_and_compressed_bodies(served: Served) -> None:
    headers = {"Content-Type": "application/json"}
    large = json.dumps({**SALE, "note": "x" * 70_000}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 10_000):
            yield large[start : start + 10_000]

    bomb = gzip.compress(b'"' + b"x" * 30_000_000 + b'"')
    assert len(bomb) < 64 * 1024
    for data, more in ((large, {}), (chunks(), {}), (bomb, {"Content-Encoding": "gzip"})):
        async with served.client.post("/v1/sales", data=data, headers=headers | more) as response:
            details = await problem(response, 413, "body_too_large")
            assert details["limit_bytes"] == 65536


async def test_a_compressed_body_is_read_and_a_broken_one_is_refused(served: Served) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    whole = gzip.compress(json.dumps(SALE).encode())
    async with served.client.post("/v1/sales", data=whole, headers=headers) as response:
        assert response.status == 201
    async with served.client.post("/v1/sales", data=b"no gzip at all", headers=headers) as response:
        await problem(response, 400, "broken_request")


async def test_a_body_that_arrives_in_pieces_is_put_together(served: Served) -> None:
    body = json.dumps(SALE).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"POST /v1/sales HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer till-token\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert (await reader.read()).startswith(b"HTTP/1.1 201")
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_never_arrives_ends_in_408(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "BODY_TIMEOUT_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"POST /v1/sales HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer till-token\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    async with asyncio.timeout(120):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("chunk", [b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n"])
async def test_a_badly_chunked_body_is_a_400_and_books_nothing(served: Served, chunk: bytes) -> None:
    answer = await served.send_raw(
        b"POST /v1/sales HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer till-token\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + chunk
    )
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert served.shop.sold == {}


async def test_raw_bodies_have_their_own_type_and_limit(served: Served) -> None:
    rows = b"sku,price\n" * 100_000
    async with served.client.post("/v1/imports", data=rows, headers={"Content-Type": "text/csv"}) as response:
        assert (response.status, response.headers["X-Bytes"]) == (204, "1000000")
        assert "Content-Type" not in response.headers
    async with served.client.post("/v1/imports", data=rows, headers={"Content-Type": "image/png"}) as response:
        await problem(response, 415, "unsupported_media")
    async with served.client.post("/v1/imports", data=b"", headers={"Content-Type": "text/csv"}) as response:
        await problem(response, 400, "broken_request")


async def test_a_change_needs_the_version_it_was_made_on(served: Served) -> None:
    product = {"sku": "42", "price_minor": 249}
    boss = {"Authorization": "Bearer manager-token"}
    async with served.client.put("/v1/products/42", json=product, headers=boss) as response:
        await problem(response, 428, "precondition_required")
    async with served.client.put("/v1/products/42", json=product, headers={**boss, "If-Match": '"9"'}) as response:
        await problem(response, 412, "precondition_failed")
    async with served.client.put("/v1/products/42", json=product, headers={**boss, "If-Match": '"1"'}) as response:
        assert (response.status, response.headers["ETag"]) == (200, '"2"')
    async with served.client.put("/v1/products/42", json=product, headers={**boss, "If-Match": '"1"'}) as response:
        assert response.status == 412


async def test_an_unchanged_thing_is_not_sent_again(served: Served) -> None:
    async with served.client.get("/v1/products/42") as response:
        tag = response.headers["ETag"]
    async with served.client.get("/v1/products/42", headers={"If-None-Match": f'"x", {tag}'}) as response:
        assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
    async with served.client.get("/v1/products/42", headers={"If-None-Match": '"0"'}) as response:
        assert response.status == 200


async def test_head_answers_the_head_alone(served: Served) -> None:
    async with served.client.head("/v1/products/42") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert int(response.headers["Content-Length"]) > 10


async def test_lists_go_page_by_page_to_the_end(served: Served) -> None:
    for number in range(5):
        sale = {**SALE, "id": str(uuid.UUID(int=uuid.UUID(ID).int + number))}
        assert (await served.client.post("/v1/sales", json=sale)).status == 201
    seen: list[str] = []
    parameters = {"limit": "2"}
    while True:
        page = await (await served.client.get("/v1/sales", params=parameters)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        parameters["after"] = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen)


async def test_answers_are_neither_kept_nor_sniffed_nor_framed(served: Served) -> None:
    for path, policy, kept in (
        ("/v1/products/42", "default-src 'none'", "no-store"),
        ("/v1/nothing", "default-src 'none'", "no-store"),
        ("/till", "default-src 'self'", "no-cache"),
    ):
        async with served.client.get(path) as response:
            headers = response.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith(policy)
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == kept
        assert headers["Server"] == "counterfoil"


async def test_a_page_may_bring_its_own_policy_but_never_a_frame(serve: Serve) -> None:
    async def page(_call: Call[object, None, None]) -> Answer:
        return Answer(200, b"<p>", {"Content-Security-Policy": "script-src 'self'"})

    route = Route(
        method="GET", path="/office", handler=page, summary="Office", tag="screens", roles=PUBLIC,
        response=bytes, produces="text/html", documented=False,
    )  # fmt: skip
    served = await serve(extra=[route])
    async with served.client.get("/office?tab=2") as response:
        assert response.headers["Content-Security-Policy"] == "script-src 'self'; frame-ancestors 'none'"
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_a_redirect_stays_a_redirect(serve: Serve) -> None:
    async def lead(_call: Call[object, None, None]) -> Answer:
        raise web.HTTPFound("/till")

    route = Route(method="GET", path="/", handler=lead, summary="Home", tag="screens", roles=PUBLIC, documented=False)
    served = await serve(extra=[route])
    async with served.client.get("/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/till")


async def test_traceparent_comes_back_and_a_false_one_does_not(served: Served) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with served.client.get("/till", headers={"traceparent": trace}) as response:
        assert response.headers["traceparent"] == trace
    async with served.client.get("/till", headers={"traceparent": "00-0-0-01"}) as response:
        assert "traceparent" not in response.headers


async def test_every_request_has_an_id_of_its_own(served: Served) -> None:
    ids = {(await served.client.get("/till")).headers["X-Request-Id"] for _ in range(20)}
    assert len(ids) == 20


async def test_another_host_name_is_refused(serve: Serve) -> None:
    served = await serve(limits=Limits(host_names=frozenset({"till.shop.example"})))
    for host, status in (("evil.example", 421), ("TILL.shop.example:80", 200), ("localhost:1", 200), ("[::1]", 200)):
        async with served.client.get("/till", headers={"Host": host}) as response:
            assert response.status == status, host


async def test_sign_in_has_the_stricter_limit(serve: Serve) -> None:
    served = await serve(limits=Limits(sensitive=Rate(per_s=0.1, burst=3)))
    statuses = [(await served.client.post("/v1/sign-ins")).status for _ in range(4)]
    assert statuses == [204, 204, 204, 429]
    async with served.client.post("/v1/sign-ins") as response:
        details = await problem(response, 429, "too_many_requests")
        assert response.headers["Retry-After"] == str(details["retry_after_s"])
        assert 1 <= int(response.headers["Retry-After"]) <= 10
    assert (await served.client.get("/till")).status == 200


async def test_the_narrower_template_wins_whatever_the_order(serve: Serve) -> None:
    def named(name: bytes) -> Callable[[object], Awaitable[bytes]]:
        async def handler(_call: Call[object, None, None]) -> bytes:
            return name

        return handler

    routes = [
        Route(
            method="GET", path=path, handler=named(name), summary="", tag="x", roles=PUBLIC, response=bytes,
            produces="text/plain", texts=frozenset({"id"}),
        )
        for path, name in (("/jobs/{id}", b"job"), ("/jobs/{id}.png", b"png"), ("/jobs/newest", b"newest"))
    ]  # fmt: skip
    served = await serve(extra=routes)
    for path, name in (("/jobs/1", b"job"), ("/jobs/1.png", b"png"), ("/jobs/newest", b"newest")):
        async with served.client.get(path) as response:
            assert await response.read() == name


def test_two_routes_for_one_call_are_refused() -> None:
    async def handler(_call: object) -> None:
        return None

    route = Route(method="GET", path="/a", handler=handler, summary="", tag="x", roles=PUBLIC)
    with pytest.raises(ValueError, match="two routes"):
        build_app([route, route], about=About("x", "1"), resolve={}.get)


async def test_networks_are_written_as_in_the_configuration() -> None:
    assert [str(network) for network in read_networks(["100.64.0.0/10", "::/0"])] == ["100.64.0.0/10", "::/0"]
    with pytest.raises(ValueError, match="does not appear"):
        read_networks(["home"])


async def test_a_request_in_the_middle_of_a_stop_still_gets_its_answer(serve: Serve) -> None:
    entered = asyncio.Event()

    async def slow(_call: Call[object, None, None]) -> Answer:
        entered.set()
        await asyncio.sleep(0.2)
        return Answer(204)

    served = await serve(extra=[Route(method="GET", path="/slow", handler=slow, summary="", tag="x", roles=PUBLIC)])
    request = asyncio.create_task(served.client.get("/slow"))
    await entered.wait()
    served.runner._shutdown_timeout = 60.0
    await served.runner.cleanup()
    assert (await request).status == 204
