"""What a kiosk may do for a member who was proved before it, and what it may not, over HTTP."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from printers.transport_virtual import VirtualTransport
from tests.kiosk.shopkit import Reply, make_config, new_id, running_store
from tests.kiosk.web.proving import prove
from tests.kiosk.web.test_proofs import POINTS, Shopper

FREE, PAID, WITHHELD, AUTOMATIC, COST = "FREE20", "PAID20", "SORRY", "TEN", 150
PRINTERS = [
    {"name": name, "kind": "virtual", "profile": "epson-80mm", "pace_ms": 0} for name in ("receipt", "beside-kiosk")
]


class Visitor(Shopper):
    """A member at the kiosk, proved by PIN."""

    proof = ""

    async def come(self) -> None:
        await self.join()
        await self.set_up()
        await self.give()
        self.proof = (await self.ask("POST", "/proofs", {"proof": "4711"}, "kiosk")).json["token"]

    async def see(self, path: str) -> Any:  # noqa: ANN401  decoded JSON
        reply = await self.ask("GET", path, role="kiosk", Member_Proof=self.proof)
        assert reply.status == 200, reply
        return reply.json

    async def take(self, offer: str = FREE, *, proof: str | None = None, **more: object) -> Reply:
        body = {"id": str(new_id()), "offer": offer, "member": self.id, **more}
        headers = {"Member-Proof": self.proof if proof is None else proof}
        return await self.running.call("POST", "/v1/coupons", body, role="kiosk", headers=headers)

    async def entries(self) -> int:
        rows = await self.running.store.database.read(lambda tx: tx.execute("SELECT count(*) FROM journal").fetchall())
        return int(rows[0][0])


@pytest.fixture
async def anna(tmp_path: Path) -> AsyncIterator[Visitor]:
    config = make_config(
        tmp_path,
        printing={"printers": PRINTERS},
        kiosk={"printer": "beside-kiosk", "withheld_offers": [WITHHELD]},
    )
    async with running_store(config) as running:
        for offer, trigger in ((FREE, "coupon"), (PAID, "coupon"), (WITHHELD, "coupon"), (AUTOMATIC, "automatic")):
            effect = {"kind": "percent", "percent": "20", "goods": {"products": ["101"]}}
            body = {"title": {"en": offer}, "effect": effect, "trigger": trigger}
            assert (await running.call("PUT", f"/v1/offers/{offer}", body, role="manager")).status == 201
        reward = {"title": {"en": "A fifth off"}, "points": COST, "gives": {"kind": "coupon", "offer": PAID}}
        assert (await running.call("PUT", "/v1/rewards/fifth", reward, role="manager")).status == 201
        anna = Visitor(running)
        await anna.come()
        yield anna
        await prove(running)


def printer_of(anna: Visitor) -> VirtualTransport:
    transport = anna.running.store.door.printers["beside-kiosk"]._transport
    assert isinstance(transport, VirtualTransport)
    return transport


async def test_a_coupon_takes_a_proof_and_is_taken_once(anna: Visitor) -> None:
    entries = await anna.entries()
    for proof in ("", "made-up"):
        refused = await anna.take(proof=proof)
        assert (refused.status, refused.json["code"]) == (403, "proof_ended")
    assert (await anna.take(member=None)).json["code"] == "member_needed"
    assert await anna.entries() == entries
    taken = await anna.take()
    assert (taken.status, taken.json["print_job"], taken.json["member"]) == (201, None, anna.id)
    again = await anna.take()
    assert (again.status, again.json["code"], again.json["serial"]) == (409, "coupon_held", taken.json["serial"])
    held = await anna.see("/coupons")
    assert [(each["serial"], each["state"], each["token"]) for each in held["items"]] == [
        (taken.json["serial"], "live", taken.json["token"])
    ]
    assert await anna.entries() == entries + 1


async def test_an_answer_that_was_lost_is_given_again_after_the_member_has_gone(anna: Visitor) -> None:
    wanted: dict[str, Any] = {"id": str(new_id()), "print": True}
    first = await anna.take(**wanted)
    assert first.status == 201
    assert (await anna.ask("DELETE", "/proofs", role="kiosk")).status == 204
    printer_of(anna).fault()
    again = await anna.take(**wanted)
    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (200, first.json, "true")
    assert (await anna.take(PAID, **wanted)).json["code"] == "id_conflict"


async def test_a_reward_is_had_for_points_and_never_without(anna: Visitor) -> None:
    assert (await anna.take(PAID)).json["code"] == "hold_needed"
    proof = {"kind": "session", "value": anna.proof}
    hold = {"id": str(new_id()), "member": anna.id, "points": COST, "reward": "fifth", "proof": proof}
    held = await anna.running.call("POST", "/v1/holds", hold, role="kiosk")
    assert held.status == 201
    assert datetime.fromisoformat(held.json["lapses_at"]).timestamp() * 1000 <= anna.clock + 180_000
    assert (await anna.take(FREE, hold=hold["id"])).json["code"] == "reward_gives_other"
    wanted: dict[str, Any] = {"id": str(new_id()), "hold": hold["id"]}
    assert [(await anna.take(PAID, **wanted)).status for _ in range(2)] == [201, 200]
    points = await anna.see("/points")
    assert (points["active"], points["held"]) == (POINTS - COST, 0)
    rewards = await anna.running.call(
        "GET", f"/v1/rewards?member={anna.id}", role="kiosk", headers={"Member-Proof": anna.proof}
    )
    quotes = {each["definition"]["id"]: each["quote"] for each in rewards.json["items"]}
    assert quotes["fifth"] == {"points": COST, "value_minor": 0, "reason": None}


@pytest.mark.parametrize(
    ("offer", "more", "code"),
    [
        (WITHHELD, {}, "no_coupon_offer"),
        (AUTOMATIC, {}, "no_coupon_offer"),
        ("NOTHING", {}, "no_coupon_offer"),
        (FREE, {"scope": "chain"}, "chain_coupon_forbidden"),
    ],
)
async def test_a_kiosk_gives_no_coupon_that_is_not_the_members_to_take(
    anna: Visitor, offer: str, more: dict[str, str], code: str
) -> None:
    entries = await anna.entries()
    assert (await anna.take(offer, **more)).json["code"] == code
    assert await anna.entries() == entries


async def test_nothing_is_booked_that_the_printer_cannot_print(anna: Visitor) -> None:
    printer, entries = printer_of(anna), await anna.entries()
    asked = await anna.running.call("GET", "/v1/kiosk", role="kiosk")
    assert asked.json["printer"] == {"ready": True, "problem": None, "hint": None}
    printer.fault()
    asked = await anna.running.call("GET", "/v1/kiosk", role="kiosk")
    assert (asked.json["printer"]["ready"], asked.json["printer"]["problem"]) == (False, "paper_out")
    refused = await anna.take(print=True)
    assert (refused.status, refused.json["code"], refused.json["printer"]) == (409, "paper_not_ready", "paper_out")
    assert await anna.entries() == entries
    printer.mend()
    booked = str(new_id())
    assert (await anna.take(id=booked, print=True)).status == 201
    jobs = await anna.running.call("GET", f"/v1/print-jobs?reference={booked}")
    assert [(job["printer"], job["kind"]) for job in jobs.json["items"]] == [("beside-kiosk", "coupon")]


async def test_the_screen_does_where_the_paper_does_not(anna: Visitor) -> None:
    printer_of(anna).fault()
    assert (await anna.take(print=False)).status == 201


async def test_consents_are_seen_after_a_proof(anna: Visitor) -> None:
    assert (await anna.ask("GET", "/consents", role="kiosk")).json["code"] == "proof_ended"
    (consent,) = (await anna.see("/consents"))["items"]
    assert (consent["channel"], consent["purpose"], consent["granted"]) == ("sms", "news", True)


async def test_the_screen_is_told_what_it_needs(anna: Visitor) -> None:
    told = (await anna.running.call("GET", "/v1/kiosk", role="kiosk")).json
    assert (told["till"], told["locale"], told["idle_seconds"], told["countdown_seconds"]) == ("K01", "en", 45, 15)
    assert told["consents"] == [{"channel": "sms", "purpose": "offers"}, {"channel": "email", "purpose": "offers"}]
    assert (told["withheld_offers"], told["read_only"]) == ([WITHHELD], False)


@pytest.mark.parametrize("digits", ["29000000000000000039", "7" * 200])
async def test_a_code_is_drawn_as_a_scanner_reads_it(anna: Visitor, digits: str) -> None:
    drawn = (await anna.running.call("POST", "/v1/qr-codes", {"text": digits}, role="kiosk")).json
    picture = Image.new("L", (drawn["size"], drawn["size"]), 255)
    for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn["path"]):
        picture.putpixel((int(column), int(row)), 0)
    scale = 6 * drawn["size"]
    (found,) = zxingcpp.read_barcodes(picture.resize((scale, scale), Image.Resampling.NEAREST))
    assert found.text == digits


async def test_a_text_that_no_code_holds_is_refused(anna: Visitor) -> None:
    for text in ("", "x" * 601):
        assert (await anna.running.call("POST", "/v1/qr-codes", {"text": text}, role="kiosk")).status == 422
