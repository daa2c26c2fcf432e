"""A member's phone, till and kiosk keep docs/api.md: codes are made here from that page and RFC 6238, not by the store.

No half minute that ends between two lines disturbs: a code of now is still good in the next one, and so is the next."""

import hashlib
import hmac
import time
import urllib.parse
from base64 import b32decode
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.contract.store_client import StoreClient, new_id
from tests.kiosk.shopkit import TOKENS, make_config, running_store

PERIOD_S = 30


class Phone:
    """An authenticator that scanned the URI and knows the member's card."""

    def __init__(self, uri: str, card: str) -> None:
        address = urllib.parse.urlsplit(uri)
        fields = {name: values[0] for name, values in urllib.parse.parse_qs(address.query).items()}
        assert (address.scheme, address.netloc) == ("otpauth", "totp")
        assert (fields["algorithm"], fields["digits"], fields["period"]) == ("SHA1", "8", str(PERIOD_S))
        self.secret = b32decode(fields["secret"] + "=" * (-len(fields["secret"]) % 8))
        self.card = card

    def show(self, steps: int = 0) -> str:
        """The digits in the QR, so many half minutes from now."""
        digest = hmac.new(self.secret, (int(time.time()) // PERIOD_S + steps).to_bytes(8, "big"), hashlib.sha1).digest()
        start = digest[19] % 16
        number = int.from_bytes(digest[start : start + 4], "big") % 2**31
        return f"{self.card}{number % 10**8:08}"


@pytest.fixture
async def devices(tmp_path: Path) -> AsyncIterator[tuple[StoreClient, StoreClient, StoreClient]]:
    async with running_store(make_config(tmp_path)) as running, aiohttp.ClientSession() as session:
        till, manager, kiosk = (
            StoreClient(session, running.url, TOKENS[role]) for role in ("cashier", "manager", "kiosk")
        )
        yield till, manager, kiosk


async def test_a_member_joins_sets_up_a_phone_and_spends_at_till_and_kiosk(
    devices: tuple[StoreClient, StoreClient, StoreClient],
) -> None:
    till, manager, kiosk = devices
    asked = {"id": new_id(), "name": "Anna", "phone": "600 100 200", "locale": "pl", "consents": []}
    anna = (await till.post("/v1/members", asked)).body
    path = f"/v1/members/{anna['id']}"
    made = await till.post(f"{path}/code-secrets", {})
    assert made.status == 201
    phone = Phone(made.body["uri"], anna["token"])
    given = await manager.post(f"{path}/adjustments", {"id": new_id(), "points": 100, "reason": "welcome"})
    assert given.status == 201

    def hold(proof: object) -> dict[str, object]:
        return {"id": new_id(), "member": anna["id"], "points": 10, "proof": proof}

    assert (await till.post("/v1/holds", hold(anna["token"]))).body["code"] == "card_proves_nothing"
    first = phone.show()
    held = await till.post("/v1/holds", hold(first))
    assert (held.status, held.body["proof"]) == (201, "code")
    assert (await till.post("/v1/holds", hold(first))).body["code"] == "code_used"
    assert (await till.post("/v1/holds", hold(phone.show(4)))).body["code"] == "code_of_other_time"
    assert (await kiosk.post("/v1/members/resolve", {"token": phone.show()})).body["points"] is None
    proved = await kiosk.post(f"{path}/proofs", {"proof": {"kind": "code", "value": phone.show(1)[20:]}})
    assert (proved.status, proved.body["factor"], proved.body["points"]["active"]) == (201, "code", 90)
    assert proved.body["member"]["name"] == "A."
    shown = await kiosk.send("GET", f"{path}/points", headers={"Member-Proof": proved.body["token"]})
    assert (shown.status, shown.body["held"]) == (200, 10)
    assert (await kiosk.get(f"{path}/points")).body["code"] == "proof_ended"
    spent = await kiosk.post("/v1/holds", hold({"kind": "session", "value": proved.body["token"]}))
    assert spent.status == 201
