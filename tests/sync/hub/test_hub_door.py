"""What head office shows of itself, and that its document and its logs say no more than they should."""

import asyncio
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import validate

from sync.http.logs import JsonFormatter
from sync.http.problems import TooManyRequests
from sync.http.routes import PUBLIC
from sync.hub.compose import address_of
from sync.hub.door import HEAD_OFFICE, OFFICE, STORES
from sync.protocol.admission import PROFILES, SALES, TURN_HEADER
from sync.protocol.messages import PrinterState, StoreStatus
from tests.kiosk.web.routes_of import routes_of
from tests.sync.hub.hubkit import PASSWORD, Answer, RunningHub, running_hub, settings
from tests.unbounded_texts import find_unbounded_texts


async def until(what: Callable[[], bool]) -> None:
    """Wait for what other tasks do."""
    while not what():  # noqa: ASYNC110  other tasks do it
        await asyncio.sleep(0.005)


async def test_a_watcher_sees_that_it_lives_and_works(hub: RunningHub) -> None:
    assert (await hub.call("GET", "/livez"))[0] == 200
    status, ready = await hub.call("GET", "/readyz")
    assert (status, ready["ok"]) == (200, True)
    shop = await hub.enrol("S001")
    await shop.open_session()
    await shop.push(shop.book(3))
    await hub.hub.upkeep.note_now()
    _, figures = await hub.call("GET", "/metrics")
    text = figures["raw"].decode()
    assert "counterfoil_hub_entries 3.0" in text
    assert 'route="/sync/v1/push"' in text
    assert str(shop.store) not in text


async def test_every_call_is_in_a_document_that_is_sound(small_hub: RunningHub) -> None:
    _, document = await small_hub.call("GET", "/openapi.json")
    document.pop("headers")
    validate(document)
    for path, method in (
        ("/sync/v1/push", "post"),
        ("/sync/v1/pull", "get"),
        ("/v1/stores/{id}/release", "post"),
        ("/v1/dead-letters/{id}/replay", "post"),
    ):
        assert method in document["paths"][path]


async def test_every_text_that_is_taken_in_has_a_greatest_length(small_hub: RunningHub) -> None:
    assert find_unbounded_texts(routes_of(small_hub.hub.application())) == []


async def test_what_can_wait_waits_for_the_pushes(filled_file: Path, tmp_path: Path) -> None:
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    address = f"sqlite://{tmp_path / 'hub.sqlite'}"
    async with running_hub(address, tmp_path, pushes_at_once=1, pushes_waiting=0) as hub:
        shop = await hub.enrol("S001")
        await shop.open_session()
        async with hub.hub.door.turnstile.enter(hub.new_id(), SALES):
            for method, path in (("PUT", "/sync/v1/status"), ("POST", "/sync/v1/manifests")):
                status, answer = await hub.call(method, path, {}, token=shop.token)
                assert (status, answer["code"]) == (429, "too_many_requests")
        status, _ = await hub.call("PUT", "/sync/v1/status", StoreStatus(printers=(), queued=0), token=shop.token)
        assert status == 204


async def test_an_opening_that_was_turned_away_keeps_its_place_by_the_name_it_was_told(
    filled_file: Path, tmp_path: Path
) -> None:
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    address = f"sqlite://{tmp_path / 'hub.sqlite'}"
    async with running_hub(address, tmp_path, pushes_at_once=1, pushes_waiting=1) as hub:
        shop, line = await hub.enrol("S001"), hub.hub.door.openings

        async def ask(turn: str = "") -> Answer:
            headers = {TURN_HEADER: turn} if turn else {}
            return await hub.call("POST", "/sync/v1/sessions", shop.opening(), headers=headers)

        async def wait() -> None:
            async with line.enter(hub.new_id(), PROFILES):
                pass

        async with line.enter(hub.new_id(), PROFILES):
            earlier = asyncio.create_task(wait())
            await until(lambda: line.waiting == 1)
            status, refused = await ask()
            assert (status, refused["code"]) == (429, "too_many_requests")
            earlier.cancel()
            await until(lambda: line.waiting == 0)
            await asyncio.sleep(0.005)  # a later moment, and so a later place
            later = asyncio.create_task(wait())
            await until(lambda: line.waiting == 1)
            again = asyncio.create_task(ask(refused["headers"][TURN_HEADER]))
            with pytest.raises(TooManyRequests):
                await later
        assert (await again)[0] == 201
        for turn in ("x" * 36, "0" * 5_000, "019a0000-0000-7000-8000-000000000001"):
            assert (await ask(turn))[1]["code"] == "fenced", "a name that is none of ours is a newcomer's"


async def test_stores_speak_the_protocol_and_only_head_office_changes_things(small_hub: RunningHub) -> None:
    public = {
        "/sync/v1/enrolments",
        "/sync/v1/sessions",
        "/v1/sign-ins",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    }
    for route in routes_of(small_hub.hub.application()):
        if route.path.startswith("/sync/"):
            wanted = STORES
        elif route.path.startswith("/v1/"):
            wanted = HEAD_OFFICE if route.method != "GET" else OFFICE
        else:
            wanted = PUBLIC  # screens and health: they name no store and no member
        if route.path in public and (route.method, route.path) != ("DELETE", "/v1/sign-ins"):
            wanted = PUBLIC
        if (route.method, route.path) == ("DELETE", "/v1/sign-ins"):
            wanted = OFFICE
        assert route.roles <= wanted, (route.method, route.path)


@pytest.mark.parametrize("code", ["S001\n", "", "s001", "S00000001", "S-1"])
async def test_a_code_that_could_not_stand_on_a_receipt_makes_no_store(small_hub: RunningHub, code: str) -> None:
    body = {"id": small_hub.new_id(), "code": code, "name": "Store"}
    status, answer = await small_hub.call("POST", "/v1/stores", body, token=await small_hub.office())
    assert (status, answer["code"]) == (422, "invalid_input")


async def test_the_board_shows_what_a_store_tells_of_itself(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    told = StoreStatus(printers=(PrinterState(name="receipt", state="paper_out"),), queued=7)
    assert (await hub.call("PUT", "/sync/v1/status", told, token=shop.token))[0] == 204
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=await hub.office())
    assert (board["printers"], board["queued"]) == ([{"name": "receipt", "state": "paper_out"}], 7)
    former = shop.token
    await shop.open_session()
    status, answer = await hub.call("PUT", "/sync/v1/status", told, token=former)
    assert (status, answer["code"]) == (409, "fenced")


async def test_no_secret_and_nobodys_data_is_in_the_log(small_hub: RunningHub) -> None:
    hub = small_hub
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Keep()
    handler.setFormatter(JsonFormatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        office = await hub.sign_in()
        store, code = await hub.add_store("S001", office)
        shop = await hub.enrol("S002")
        await shop.open_session()
        shop.write_private(hub.new_id(), b'{"phone":"+48600700800"}')
        await shop.push(shop.ops)
        await shop.push(shop.ops, from_seq=1, signature="0" * 128)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    log = "\n".join(lines)
    assert '"route":"/sync/v1/push"' in log
    for secret in (PASSWORD, office, code, shop.token, "600700800", str(store)):
        assert secret not in log, secret


async def test_a_name_that_is_not_its_own_is_refused_and_one_that_is_answered(small_hub: RunningHub) -> None:
    status, answer = await small_hub.call("GET", "/livez", headers={"Host": "evil.example"})
    assert (status, answer["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("sqlite:hub.sqlite", "sqlite:///data/my%20hub/hub.sqlite"),
        ("sqlite:books/hub.sqlite", "sqlite:///data/my%20hub/books/hub.sqlite"),
        ("sqlite:///elsewhere/hub.sqlite", "sqlite:///elsewhere/hub.sqlite"),
        ("postgresql://hub@db/x", "postgresql://hub@db/x"),
    ],
)
def test_a_file_named_without_a_folder_lies_in_head_offices_own(database: str, expected: str) -> None:
    assert address_of(settings(database=database), Path("/data/my hub")) == expected


async def test_a_rush_of_pushes_is_taken_one_by_one_and_none_is_lost(hub: RunningHub) -> None:
    shops = [await hub.enrol(f"S{number:03}") for number in range(12)]
    for shop in shops:
        await shop.open_session()
        shop.book(20)
    answers = await asyncio.gather(*(shop.push(shop.ops) for shop in shops))
    assert [(status, answer["seq"]) for status, answer in answers] == [(200, 20)] * 12
    await hub.hub.appliers.settle()
    _, board = await hub.call("GET", "/v1/stores?limit=200", token=await hub.office())
    assert all(store["chain"][0]["applied_seq"] == 20 for store in board["items"])


async def test_two_pushes_of_one_store_at_once_are_one_after_the_other(hub: RunningHub) -> None:
    shop = await hub.enrol("S001")
    await shop.open_session()
    first = shop.pushing(shop.book(5))
    second = shop.pushing(shop.ops, from_seq=1)
    answers = await asyncio.gather(shop.send(first), shop.send(second))
    codes = sorted((status, answer.get("code", "")) for status, answer in answers)
    assert codes in ([(200, ""), (200, "")], [(200, ""), (409, "stale_request")])
    _, page = await shop.entries()
    assert [item["content"] for item in page["items"]] == [op.content for op in shop.ops]
    assert json.loads(msgspec.json.encode(page["head"])) == json.loads(msgspec.json.encode(shop.head()))
