"""Points that were used so long ago that head office tells the stores of it no more come back all the same."""

import asyncio

import pytest

from sync.hub import announcements
from tests.kiosk.linked import SETTLE_S
from tests.kiosk.shopkit import new_id
from tests.kiosk.web.chain import Chain, until
from tests.kiosk.web.test_points import PIN, hold, member_with

PHONE, PRICE, COUPON = "+48600700801", 129, 150
REWARD = {"title": {"en": "A fifth off"}, "points": COUPON, "gives": {"kind": "coupon", "offer": "CHOC20"}}


async def give(chain: Chain, store: int, member: str) -> None:
    """One more point, so that the other store is told of the account."""
    gift = {"id": str(new_id()), "points": 1, "reason": "gift"}
    given = await chain.stores[store].call("POST", f"/v1/members/{member}/adjustments", gift, role="manager")
    assert given.status == 201, given
    await chain.agree()


@pytest.mark.parametrize("back_at", [0, 1])
async def test_points_used_longer_ago_than_head_office_tells_of_come_back(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, back_at: int
) -> None:
    monkeypatch.setattr(announcements, "_RETURNABLE_MS", -(10**12))
    put = await chain.first.call("PUT", "/v1/rewards/choc", REWARD, role="manager")
    assert put.status == 201, put
    member = await member_with(chain.first, PRICE + COUPON, phone=PHONE)
    await chain.agree()
    assert (await chain.second.call("POST", "/v1/members/resolve", {"phone": PHONE})).status == 200
    await chain.agree()
    held = await hold(chain.first, member, PRICE)
    tenders = [{"kind": "points", "amount_minor": PRICE, "hold": held["id"]}]
    sold = await chain.first.sell("100", member=member, tenders=tenders)
    assert sold.status == 201, sold
    wanted = {"id": str(new_id()), "member": member, "points": COUPON, "proof": PIN, "reward": "choc"}
    assert (await chain.first.call("POST", "/v1/holds", wanted)).status == 201
    coupon = await chain.issue(member=member, hold=wanted["id"])
    for giving in (1, 0, 1):
        await give(chain, giving, member)
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'account'", bool)
    told = await chain.first.store.database.read(
        lambda tx: tx.execute("SELECT value FROM feed_row WHERE entity = 'account'").fetchone()
    )
    assert told is not None
    assert b"redemptions" not in bytes(told[0])

    back = {
        "id": str(new_id()),
        "sale": sold.json["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [],
        "reason": "x",
    }
    returned = await chain.stores[back_at].call("POST", "/v1/returns", back)
    assert (returned.status, returned.json["points"]["given_back"]) == (201, PRICE), returned
    path = f"/v1/coupons/{coupon['serial']}/void"
    voided = await chain.first.call("POST", path, {"reason": "not wanted"}, role="manager")
    assert (voided.status, voided.json["points_given_back"]) == (200, COUPON), voided
    await chain.agree()
    await give(chain, 1, member)
    [(active,)] = await chain.hub.hub.database.read(lambda tx: tx.execute("SELECT active FROM account").fetchall())
    assert active == PRICE + COUPON + 4
    for store in chain.stores:
        points: dict[str, int] = {}
        async with asyncio.timeout(SETTLE_S):
            while points.get("active") != active:
                points = (await store.call("GET", f"/v1/members/{member}/points")).json
        assert points["debt"] == 0
