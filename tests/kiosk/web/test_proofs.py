"""Members who prove themselves over HTTP: at two tills at once, at a kiosk in public, and until they are forgotten."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kiosk.compose import now_ms
from loyalty.one_time_codes import STEP_MS, read_secret
from sync.http.routes import Route
from tests.kiosk.shopkit import MANAGER, PIN, Reply, Running, make_config, new_id, running_store
from tests.kiosk.web.routes_of import routes_of
from tests.phone import make_rotating

ANNA = {
    "name": "Anna Kowalska",
    "phone": "600 100 200",
    "email": "anna.k@example.test",
    "locale": "pl",
    "consents": [{"channel": "sms", "purpose": "news", "granted": True, "frequency": "weekly"}],
}
PERSONAL = ("Kowalska", "600100200", "anna.k@example.test")
POINTS = 76_543
ROUNDS = 100


class Shopper:
    """Anna, with her phone in her hand. `clock` is the store's."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.clock = now_ms()
        running.store.door.now_ms = lambda: self.clock
        self.id, self.token, self.secret = "", "", b""

    async def join(self, role: str = "cashier") -> None:
        joined = await self.running.call("POST", "/v1/members", {"id": str(new_id()), **ANNA}, role=role)
        assert joined.status == 201, joined
        self.id, self.token = joined.json["id"], joined.json["token"]

    async def ask(self, method: str, path: str, body: object = None, role: str = "cashier", **headers: str) -> Reply:
        """Ask something about her."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.running.call(method, f"/v1/members/{self.id}{path}", body, role=role, headers=sent)

    async def set_up(self, role: str = "cashier", pin: str = "4711") -> None:
        """PIN and phone, right after joining."""
        made = await self.ask("POST", "/code-secrets", {}, role)
        assert made.status == 201, made
        self.secret = read_secret(parse_qs(urlsplit(made.json["uri"]).query)["secret"][0])
        put = await self.ask("PUT", "/pin", {"pin": pin, "proof": {"kind": "code", "value": self.show()}}, role)
        assert (put.status, put.json["has_pin"], put.json["has_code"]) == (200, True, True)
        self.clock += STEP_MS

    async def give(self, points: int = POINTS) -> None:
        body = {"id": str(new_id()), "points": points, "reason": "by hand"}
        assert (await self.ask("POST", "/adjustments", body, "manager")).status == 201

    def show(self) -> str:
        """What her phone shows now."""
        return make_rotating(self.token, self.secret, self.clock)

    async def hold(self, proof: object, points: int = 1, role: str = "cashier", hold: str | None = None) -> Reply:
        body = {"id": hold or str(new_id()), "member": self.id, "points": points, "proof": proof}
        return await self.running.call("POST", "/v1/holds", body, role=role)


@pytest.fixture
async def anna(tmp_path: Path) -> AsyncIterator[Shopper]:
    async with running_store(make_config(tmp_path)) as running:
        anna = Shopper(running)
        await anna.join()
        yield anna


async def test_points_are_held_with_the_code_in_the_phone_and_not_with_the_card(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    for code, proof in (
        ("proof_needed", None),
        ("card_proves_nothing", anna.token),
        ("proof_unreadable", "12"),
        ("proof_unreadable", {"kind": "code", "value": "1"}),
        ("member_pin_wrong", "0815"),
        ("code_wrong", {"kind": "code", "value": "00000000"}),
        ("approval_unknown", {"kind": "approval", "value": "made-up"}),
        ("proof_ended", {"kind": "session", "value": "made-up"}),
    ):
        assert (await anna.hold(proof)).json["code"] == code
    held = await anna.hold(anna.show())
    assert (held.status, held.json["proof"]) == (201, "code")
    again = await anna.hold(anna.show())
    assert (again.status, again.json["code"]) == (422, "code_used")


async def test_a_hold_whose_answer_was_lost_is_asked_for_again_with_whatever_the_phone_shows(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    hold = str(new_id())
    first = await anna.hold(anna.show(), 10, hold=hold)
    for _ in range(2):
        again = await anna.hold(anna.show(), 10, hold=hold)
        assert (again.status, again.json["id"], again.headers["Idempotency-Replayed"]) == (200, hold, "true")
        anna.clock += STEP_MS
    assert first.status == 201
    assert (await anna.ask("GET", "/points")).json["held"] == 10


async def test_one_code_at_two_tills_at_once_holds_once_in_a_hundred_rounds(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    for _ in range(ROUNDS):
        anna.clock += STEP_MS
        shown = anna.show()
        replies = await asyncio.gather(anna.hold(shown), anna.hold(shown, role="manager"))
        assert sorted(reply.status for reply in replies) == [201, 422]
        assert [reply.json["code"] for reply in replies if reply.status == 422] == ["code_used"]
    ((holds,),) = await anna.running.store.database.read(
        lambda tx: tx.execute("SELECT count(*) FROM posting WHERE kind = 'hold'").fetchall()
    )
    assert holds == ROUNDS


async def test_guesses_sent_at_once_are_counted_before_they_are_compared(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    guesses = await asyncio.gather(*(anna.hold(f"{guess:04}") for guess in range(20)))
    codes = [reply.json["code"] for reply in guesses]
    assert codes.count("member_pin_wrong") <= 5
    assert codes.count("proof_locked") >= 15
    locked = await anna.hold("4711")
    assert (locked.status, locked.json["code"]) == (423, "proof_locked")
    assert 0 < int(locked.headers["Retry-After"]) <= 300
    asked = {"operator": MANAGER, "pin": PIN, "for": "redeem"}
    token = (await anna.running.call("POST", "/v1/approvals", asked)).json["approval"]
    approved = await anna.hold({"kind": "approval", "value": token})
    assert (approved.status, approved.json["proof"]) == (201, f"approval:{MANAGER}")
    anna.clock += 300_000
    assert (await anna.hold("4711")).status == 201


async def test_much_at_once_needs_a_manager(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    assert (await anna.hold("4711", 5001)).json["code"] == "approval_needed"
    first = await anna.hold("4711", 5000)
    assert first.status == 201
    second = await anna.hold("4711", 1)
    assert (second.status, second.json["code"]) == (403, "approval_needed")
    assert (await anna.running.call("POST", f"/v1/holds/{first.json['id']}/release")).status == 200
    assert (await anna.hold("4711", 1)).status == 201
    assert (await anna.hold("4711", 5001, role="manager")).status == 201


# -- in public ---------------------------------------------------------------------------------------------------------


async def call_as_kiosk(shopper: Shopper, route: Route, bodies: dict[str, object]) -> Reply:
    """One call of a kiosk about Anna, with the body that fits best."""
    path = route.path.replace("{id}", shopper.id).replace("{sku}", "100").replace("{serial}", "1")
    generic = {"id": str(new_id()), "member": shopper.id}
    body = bodies.get(route.path, generic) if route.body is not None else None
    return await shopper.running.call(route.method, path, body, role="kiosk")


async def test_no_call_of_a_kiosk_tells_who_somebody_is_or_how_many_points_she_has(anna: Shopper) -> None:
    """Whoever photographed the card or knows the phone number stands before the kiosk."""
    await anna.set_up()
    await anna.give()
    bodies: dict[str, object] = {
        "/v1/members/resolve": {"token": anna.token},
        "/v1/scans": {"text": anna.token},
        "/v1/members": {"id": str(new_id()), "locale": "en", "phone": "600 100 200", "consents": []},
        "/v1/members/{id}/proofs": {"proof": "0815"},
        "/v1/members/{id}/pin": {"pin": "0815"},
        "/v1/members/{id}/code-secrets": {},
        "/v1/members/{id}/consents": {"id": str(new_id()), "consents": ANNA["consents"]},
        "/v1/holds": {"id": str(new_id()), "member": anna.id, "points": 1, "proof": anna.token},
    }
    routes = [route for route in routes_of(anna.running.store.application()) if "kiosk" in route.roles]
    assert {route.path for route in routes} >= set(bodies)
    own = {"/v1/members": ("600100200",)}  # what was just typed here
    for route in routes:
        reply = await call_as_kiosk(anna, route, bodies)
        told = reply.raw.decode("utf-8", "replace")
        leaked = [text for text in (*PERSONAL, str(POINTS)) if text in told and text not in own.get(route.path, ())]
        assert leaked == [], (route.method, route.path, told)
    by_phone = await anna.running.call("POST", "/v1/members/resolve", {"phone": "600100200"}, role="kiosk")
    assert not any(text in by_phone.raw.decode() for text in (*PERSONAL, str(POINTS)))


async def test_a_kiosk_shows_points_for_three_minutes_after_a_proof_and_only_there(anna: Shopper) -> None:
    await anna.set_up()
    await anna.give()
    proved = await anna.ask("POST", "/proofs", {"proof": anna.show()}, "kiosk")
    assert (proved.status, proved.json["factor"], proved.json["points"]["active"]) == (201, "code", POINTS)
    assert (proved.json["member"]["name"], proved.json["member"]["phone"]) == ("A.", "+48 ••• ••• 200")
    token = proved.json["token"]
    assert (await anna.ask("GET", "/points", role="kiosk")).json["code"] == "proof_ended"
    for place in ("/points", "/ledger"):
        assert (await anna.ask("GET", place, role="kiosk", Member_Proof=token)).status == 200
    consents = {"id": str(new_id()), "consents": [{"channel": "sms", "purpose": "news", "granted": False}]}
    assert (await anna.ask("POST", "/consents", consents, "kiosk")).status == 403
    assert (await anna.ask("POST", "/consents", consents, "kiosk", Member_Proof=token)).status == 201
    session = {"kind": "session", "value": token}
    assert [(await anna.hold(session, role=role)).status for role in ("cashier", "kiosk", "kiosk")] == [403, 201, 403]
    anna.clock += 180_000
    assert (await anna.ask("GET", "/points", role="kiosk", Member_Proof=token)).status == 403


async def test_a_member_who_leaves_the_kiosk_is_not_proved_any_more(anna: Shopper) -> None:
    await anna.set_up()
    token = (await anna.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")).json["token"]
    assert (await anna.ask("DELETE", "/proofs", role="kiosk")).status == 204
    assert (await anna.ask("GET", "/points", role="kiosk", Member_Proof=token)).status == 403


async def test_a_member_who_joins_at_a_kiosk_sets_up_phone_and_pin_there(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as running:
        anna = Shopper(running)
        await anna.join("kiosk")
        assert (await anna.ask("PUT", "/pin", {"pin": "0815"})).json["code"] == "factor_proof_needed"
        await anna.set_up("kiosk")
        assert (await anna.ask("PUT", "/pin", {"pin": "0815"}, "kiosk")).json["code"] == "factor_proof_needed"
        assert (await anna.ask("GET", "/factors")).json == {"id": anna.id, "has_pin": True, "has_code": True}


# -- forgotten ---------------------------------------------------------------------------------------------------------


async def test_an_erasure_takes_name_phone_card_pin_and_secret_out_of_every_file_and_no_log_had_them(
    anna: Shopper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await anna.set_up()
    await anna.give()
    database = anna.running.store.database
    ((secret, pin_hash),) = await database.read(
        lambda tx: tx.execute("SELECT code_secret, pin_hash FROM member_secret").fetchall()
    )
    shown = anna.show()
    assert (await anna.hold(shown)).status == 201
    session = (await anna.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")).json["token"]
    texts = [*PERSONAL, anna.token, secret, pin_hash, shown]
    assert {text for text in texts if text in traces_of(anna, texts)} >= {*PERSONAL, anna.token, secret, pin_hash}
    erased = await anna.ask("POST", "/erase", {"reason": "asked for it"}, "manager")
    assert erased.status == 200, erased
    assert traces_of(anna, [*texts, session]) == []
    assert not any(text in caplog.text for text in (*texts, session, '"4711"'))
    assert (await anna.hold(shown)).json["code"] == "unknown_member"
    assert (await anna.ask("GET", "/points")).json["active"] == POINTS - 1


def traces_of(shopper: Shopper, texts: list[str]) -> list[str]:
    """Which of the texts stand anywhere in the data folder."""
    folder: Path = shopper.running.config.data_dir()
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return [text for text in texts if any(text.encode() in content for content in files)]


async def test_merging_and_the_export_are_for_managers_and_an_erasure_takes_the_aliases_along(anna: Shopper) -> None:
    twin = Shopper(anna.running)
    twin.clock = anna.clock
    await twin.join()
    body = {"id": str(new_id()), "absorbed": twin.id, "into": anna.id, "reason": "same person"}
    call = anna.running.call
    merged = await call("POST", "/v1/member-merges", body, role="manager")
    again = await call("POST", "/v1/member-merges", body, role="manager")
    assert (merged.status, again.status, again.json) == (201, 200, merged.json)
    found = await call("POST", "/v1/members/resolve", {"token": twin.token})
    assert found.json["member"]["id"] == anna.id
    export = await anna.ask("GET", "/export", role="manager")
    assert [member["profile"]["id"] for member in export.json["members"]] == [anna.id, twin.id]
    assert (await anna.ask("GET", "/export")).status == 403
    replaced = await anna.ask("POST", "/card-replacements", {"lost": anna.token})
    assert (replaced.status, replaced.json["token"] != anna.token) == (200, True)
    refused = await call("POST", "/v1/members/resolve", {"token": anna.token})
    assert (refused.status, refused.json["code"]) == (422, "card_replaced")
    assert (await anna.ask("POST", "/erase", {"reason": "asked for it"}, "manager")).status == 200
    tombstones = json.loads((anna.running.config.data_dir() / "erased.json").read_text())
    assert set(tombstones) == {anna.id, twin.id}
    undo = f"/v1/member-merges/{body['id']}/undo"
    undone = await call("POST", undo, {"reason": "a mistake"}, role="manager")
    assert (undone.status, undone.json["code"]) == (409, "not_merged")
