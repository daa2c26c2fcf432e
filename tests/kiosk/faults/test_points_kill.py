"""kill -9 between reserving points and paying with them, and while paying: spent once or not at all, never lost."""

import signal
from pathlib import Path
from typing import Any

import aiohttp

from kiosk.life.proof import prove
from tests.kiosk.faults.service import Service
from tests.kiosk.faults.test_kill import open_shift
from tests.kiosk.shopkit import MANAGER, PIN, TOKENS, make_config, new_id, prepare_store, write_config


async def call(service: Service, method: str, path: str, body: Any = None, role: str = "cashier") -> tuple[int, Any]:  # noqa: ANN401
    """One request; (status, JSON)."""
    headers = {"Authorization": f"Bearer {TOKENS[role]}"}
    async with (
        aiohttp.ClientSession(service.url, headers=headers) as client,
        client.request(method, path, json=body) as response,
    ):
        return response.status, await response.json()


async def approve(service: Service) -> dict[str, str]:
    """A manager's word on the cashier's till."""
    status, answer = await call(service, "POST", "/v1/approvals", {"operator": MANAGER, "pin": PIN, "for": "redeem"})
    assert status == 201, answer
    return {"kind": "approval", "value": answer["approval"]}


async def killed(service: Service, file: Path) -> Service:
    """The same store after a kill -9."""
    service.kill()
    assert await service.wait() == -signal.SIGKILL
    return await Service.start(file)


async def test_a_kill_between_hold_and_payment_costs_nobody_anything(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    database = prepare_store(make_config(tmp_path))
    service = await Service.start(file)
    await open_shift(service)
    member, hold, sale = str(new_id()), str(new_id()), str(new_id())
    await call(service, "POST", "/v1/members", {"id": member, "locale": "en", "name": "Anna"})
    gift = {"id": str(new_id()), "points": 500, "reason": "gift"}
    assert (await call(service, "POST", f"/v1/members/{member}/adjustments", gift, "manager"))[0] == 201
    held = {"id": hold, "member": member, "points": 300, "proof": await approve(service)}
    status, first = await call(service, "POST", "/v1/holds", held)
    assert (status, first["state"], first["balance"]["active"], first["balance"]["held"]) == (201, "open", 200, 300)

    service = await killed(service, file)
    status, again = await call(service, "POST", "/v1/holds", held)
    assert (status, again) == (200, first)
    paid = {
        "id": sale,
        "lines": [{"sku": "100", "quantity_milli": 4000}],
        "member": member,
        "tenders": [{"kind": "points", "amount_minor": 300, "hold": hold}, {"kind": "cash", "amount_minor": 216}],
    }
    status, sold = await call(service, "POST", "/v1/sales", paid)
    assert (status, sold["points"]["redeemed"], sold["points"]["balance"]["active"]) == (201, 300, 202)

    service = await killed(service, file)
    status, replayed = await call(service, "POST", "/v1/sales", paid)
    assert (status, replayed) == (200, sold)
    status, refused = await call(service, "POST", "/v1/sales", {**paid, "id": str(new_id())})
    assert (status, refused["code"]) == (409, "hold_captured")
    _, points = await call(service, "GET", f"/v1/members/{member}/points")
    assert {name: points[name] for name in ("active", "pending", "held", "debt")} == {
        "active": 202,
        "pending": 0,
        "held": 0,
        "debt": 0,
    }
    assert await service.stop() == 0
    report = prove(database, full=True)
    assert report.ok, report.first_wrong
