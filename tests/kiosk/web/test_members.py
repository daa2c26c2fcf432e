"""Members over HTTP: what each role may do and see, replays, versions, and that an erasure reaches the disk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kiosk.people_fixtures import op
from tests.kiosk.web.people_server import Served
from tests.unbounded_texts import find_unbounded_texts

ANNA = {"name": "Anna Kowalska", "phone": "600 100 200", "email": "anna@example.test", "locale": "pl", "consents": []}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    await served.start()
    yield served
    await served.stop()


async def enrol(served: Served, number: int = 1, who: str = "manager") -> dict[str, object]:
    reply = await served.call("POST", "/v1/members", who, {"id": str(op(number)), **ANNA})
    assert reply.status == 201, reply.body
    return dict(reply.body)


async def test_enrolling_again_answers_the_same_with_200(served: Served) -> None:
    first = await served.call("POST", "/v1/members", "manager", {"id": str(op(1)), **ANNA})
    again = await served.call("POST", "/v1/members", "manager", {**ANNA, "id": str(op(1))})
    other = await served.call("POST", "/v1/members", "manager", {"id": str(op(1)), **ANNA, "name": "Eve"})
    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == first.body
    assert other.body["code"] == "id_conflict"


async def test_a_profile_is_changed_with_its_etag(served: Served) -> None:
    await enrol(served)
    path = f"/v1/members/{op(1)}"
    shown = await served.call("GET", path, "manager")
    etag = shown.headers["ETag"]
    assert (await served.call("GET", path, "manager", None, If_None_Match=etag)).status == 304
    assert (await served.call("PATCH", path, "manager", {"name": "Zofia"})).status == 428
    changed = await served.call("PATCH", path, "manager", {"name": "Zofia", "email": None}, If_Match=etag)
    assert (changed.status, changed.body["name"], changed.body["email"]) == (200, "Zofia", None)
    assert (await served.call("PATCH", path, "manager", {"name": "Ewa"}, If_Match=etag)).status == 412
    unchanged = await served.call("GET", path, "manager")
    assert unchanged.headers["ETag"] == changed.headers["ETag"]
    assert (await served.call("PATCH", path, "manager", {"card": "1"}, If_Match=etag)).status == 422


async def test_a_consent_changes_the_etag(served: Served) -> None:
    await enrol(served)
    path = f"/v1/members/{op(1)}"
    before = (await served.call("GET", path, "manager")).headers["ETag"]
    body = {"id": str(op(2)), "consents": [{"channel": "sms", "purpose": "news", "granted": True}]}
    recorded = await served.call("POST", f"{path}/consents", "manager", body)
    again = await served.call("POST", f"{path}/consents", "manager", body)
    assert (recorded.status, again.status, again.body) == (201, 200, recorded.body)
    after = await served.call("GET", path, "manager", None, If_None_Match=before)
    assert (after.status, after.body["consents"][0]["granted"]) == (200, True)


async def test_a_member_is_resolved_by_code_or_phone(served: Served) -> None:
    token = (await enrol(served))["token"]
    by_code = await served.call("POST", "/v1/members/resolve", "manager", {"token": token})
    by_phone = await served.call("POST", "/v1/members/resolve", "manager", {"phone": "+48600100200"})
    assert by_code.body == by_phone.body
    assert by_code.body["member"] == {
        "id": str(op(1)),
        "name": "Anna Kowalska",
        "phone": "+48 ••• ••• 200",
        "locale": "pl",
    }
    assert (by_code.body["tier"], by_code.body["offers"], by_code.body["carts"]) == (None, [], [])
    assert by_code.body["points"]["active"] == 0
    unknown = await served.call("POST", "/v1/members/resolve", "manager", {"token": "4711"})
    assert (unknown.status, unknown.body["code"]) == (422, "unknown_member")
    assert unknown.body["errors"][0]["pointer"] == "/token"


async def test_a_kiosk_may_enrol_and_recognise_and_learns_nothing_of_others(served: Served) -> None:
    await enrol(served, 1)
    second = await enrol(served, 2, "kiosk")
    assert second["duplicates"] == []
    found = (await served.call("POST", "/v1/members/resolve", "kiosk", {"token": second["token"]})).body
    assert (found["member"]["name"], found["points"]) == ("A.", None)
    path = f"/v1/members/{op(2)}"
    for method, place in (("GET", path), ("GET", f"{path}/points"), ("GET", f"{path}/ledger"), ("PATCH", path)):
        assert (await served.call(method, place, "kiosk", {} if method == "PATCH" else None)).status == 403


async def test_points_are_adjusted_by_a_manager_only(served: Served) -> None:
    await enrol(served)
    await served.sign_in_cashier()
    path = f"/v1/members/{op(1)}"
    body = {"id": str(op(2)), "points": 50, "reason": "goodwill"}
    assert (await served.call("POST", f"{path}/adjustments", "cashier", body)).status == 403
    first = await served.call("POST", f"{path}/adjustments", "manager", body)
    again = await served.call("POST", f"{path}/adjustments", "manager", body)
    assert (first.status, again.status, again.body) == (201, 200, first.body)
    points = (await served.call("GET", f"{path}/points", "cashier")).body
    assert {name: points[name] for name in ("active", "pending", "held", "debt", "expiring", "provisional")} == {
        "active": 50,
        "pending": 0,
        "held": 0,
        "debt": 0,
        "expiring": [],
        "provisional": False,
    }
    ledger = (await served.call("GET", f"{path}/ledger", "cashier")).body
    assert [(item["points"], item["reason"], item["op"]) for item in ledger["items"]] == [
        (50, "goodwill", str(op(2)))
    ]  # fmt: skip


async def test_an_erasure_leaves_no_trace_on_the_disk(served: Served) -> None:
    member = await enrol(served)
    texts = ["Kowalska", "+48600100200", "anna@example.test", str(member["token"])]
    assert len(served.place.traces_of(*texts)) >= len(texts)
    path = f"/v1/members/{op(1)}/erase"
    await served.sign_in_cashier()
    assert (await served.call("POST", path, "cashier", {"reason": "asked"})).status == 403
    erased = await served.call("POST", path, "manager", {"reason": "asked"})
    again = await served.call("POST", path, "manager", {"reason": "asked"})
    assert (erased.status, erased.body["status"], erased.body["phone"]) == (200, "erased", None)
    assert (again.status, again.headers.get("Idempotency-Replayed")) == (200, "true")
    assert served.place.traces_of(*texts) == []
    assert (await served.call("POST", path, "manager", {"reason": "other"})).status == 409
    assert (await served.call("GET", f"/v1/members/{op(1)}", "manager")).body["name"] is None
    assert (await served.place.verify()).ok


@pytest.mark.parametrize("path", ["", "/points", "/ledger"])
async def test_an_unknown_member_in_the_path_is_404(served: Served, path: str) -> None:
    reply = await served.call("GET", f"/v1/members/{op(77)}{path}", "manager")
    assert (reply.status, reply.body["code"]) == (404, "member_not_found")


@pytest.mark.parametrize("channel", ["sms\n", "SMS", "s", "a" * 31, "e mail"])
async def test_a_channel_is_a_word_of_the_program(served: Served, channel: str) -> None:
    consents = [{"channel": channel, "purpose": "news", "granted": True}]
    reply = await served.call(
        "POST", "/v1/members", "manager", {"id": str(op(1)), "locale": "pl", "consents": consents}
    )
    assert reply.status == 422


async def test_no_text_of_a_request_is_unbounded(served: Served) -> None:
    assert find_unbounded_texts(served.routes()) == []


async def test_nothing_is_written_while_the_store_is_read_only(served: Served) -> None:
    served.door.read_only = "counterfoil recover"
    reply = await served.call("POST", "/v1/members", "manager", {"id": str(op(1)), **ANNA})
    assert (reply.status, reply.body["code"]) == (503, "read_only")
