"""Two tills at the same instant, and everything sent again after a restart: what is one thing happens once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.kiosk.shopkit import make_config, new_id, running_store
from tests.scenario.counter import MANAGER, PIECE, Body, Counter, lines_of, open_counter, points_tender, sale_of

ROUNDS = 8
WITH_SALE: dict[str, object] = {"with_sale": [{"offer": "CHOC20", "from_minor": 300}]}
SECTIONS: dict[str, dict[str, object]] = {"gift_cards": {"departments": ["CARDS"]}, "coupons": WITH_SALE}
OFFER = {
    "title": {"en": "Chocolate week"},
    "effect": {"kind": "percent", "percent": "20", "goods": {"products": ["101"]}},
    "trigger": "coupon",
}
REWARD = {"title": {"en": "Milk"}, "points": 50, "gives": {"kind": "product", "goods": {"products": ["100"]}}}


async def furnish(shop: Counter) -> None:
    """A coupon offer, a reward and an article that is a gift card."""
    await shop.ask("PUT", "/v1/offers/CHOC20", OFFER, role=MANAGER)
    await shop.ask("PUT", "/v1/rewards/milk", REWARD, role=MANAGER)
    await shop.put_product("card", 1000, "zero", department="CARDS")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path, **SECTIONS) as opened:
        await furnish(opened)
        yield opened


async def at_once(shop: Counter, *calls: tuple[str, Body, str]) -> list[str]:
    """(path, body, role) sent together: "done" or the code of each refusal, in their order."""
    replies = await asyncio.gather(*(shop.send("POST", path, body, role=role) for path, body, role in calls))
    assert all(reply.status < 500 for reply in replies), replies
    return ["done" if reply.status < 300 else reply.json["code"] for reply in replies]


def return_of(sale: Body, refund_minor: int, kind: str = "cash") -> Body:
    """All of the first line comes back."""
    lines = [{"line": 1, "quantity_milli": PIECE}]
    refunds = [{"kind": kind, "amount_minor": refund_minor}] if refund_minor else []
    return {"id": str(new_id()), "sale": sale["id"], "lines": lines, "refunds": refunds, "reason": "no"}


async def state_of(shop: Counter, code: str) -> str:
    return str((await shop.ask("POST", "/v1/coupons/verify", {"code": code}))["reason"])


async def test_a_return_and_a_void_at_once_give_the_money_back_once(shop: Counter) -> None:
    for number in range(ROUNDS):
        sold = await shop.sell({"101": 1}, {"cash": 259})
        calls = [("/v1/returns", return_of(sold, 259), "cashier"), (f"/v1/sales/{sold['id']}/void", {}, "cashier")]
        codes = await at_once(shop, *(calls if number % 2 else calls[::-1]))
        assert sorted(codes) in (["already_returned", "done"], ["done", "sale_voided"])
    assert (await shop.expected())["cash"] == 10_000
    assert await shop.stock("101") == 0


async def test_two_returns_at_once_give_back_what_a_gift_card_paid_once(shop: Counter) -> None:
    line = {"sku": "card", "gift_card": "CARD-000001"}
    await shop.ask("POST", "/v1/sales", {**sale_of({}), "lines": [line]})
    paid = [{"kind": "gift_card", "amount_minor": 259, "code": "CARD-000001"}]
    for _ in range(ROUNDS):
        sold = await shop.ask("POST", "/v1/sales", {**sale_of({"101": 1}), "tenders": paid})
        calls = [("/v1/returns", return_of(sold, 259, "gift_card"), role) for role in ("cashier", MANAGER)]
        assert sorted(await at_once(shop, *calls)) == ["done", "nothing_left_to_return"]
    balance = await shop.ask("POST", "/v1/gift-cards/balance", {"code": "CARD-000001"})
    assert balance["balance_minor"] == 1000


async def test_a_reward_is_taken_or_let_go_and_never_both(shop: Counter) -> None:
    anna = await shop.enrol()
    await shop.give_points(anna, 50 * ROUNDS)
    taken = 0
    for number in range(ROUNDS):
        body = {**await shop.hold_of(anna, 50), "reward": "milk"}
        hold = (await shop.ask("POST", "/v1/holds", body))["id"]
        sale = sale_of({"100": 1}, {}, member=anna, hold=hold)
        calls = [("/v1/sales", sale, "cashier"), (f"/v1/holds/{hold}/release", {}, MANAGER)]
        codes = await at_once(shop, *(calls if number % 2 else calls[::-1]))
        assert sorted(codes) in (["done", "hold_captured"], ["done", "hold_released"])
        taken += "hold_captured" in codes
    assert await shop.active(anna) == 50 * (ROUNDS - taken)
    assert await shop.stock("100") == -taken


async def test_a_coupon_is_used_or_issued_again_and_never_both(shop: Counter) -> None:
    for number in range(ROUNDS):
        coupon = await shop.ask("POST", "/v1/coupons", {"id": str(new_id()), "offer": "CHOC20"})
        again = {"id": str(new_id()), "reason": "wet paper"}
        calls = [
            ("/v1/sales", sale_of({"101": 1}, coupons=[coupon["token"]]), "cashier"),
            (f"/v1/coupons/{coupon['serial']}/reissue", again, MANAGER),
        ]
        codes = await at_once(shop, *(calls if number % 2 else calls[::-1]))
        assert sorted(codes) in (["coupon_used", "done"], ["coupon_void", "done"])


async def test_a_coupon_is_used_while_the_sale_that_gave_it_is_voided(shop: Counter) -> None:
    for number in range(ROUNDS):
        giver = await shop.sell({"102": 1}, {"cash": 350})
        (given,) = giver["coupons"]["issued"]
        user = sale_of({"101": 1}, coupons=[given["token"]])
        calls = [("/v1/sales", user, MANAGER), (f"/v1/sales/{giver['id']}/void", {}, "cashier")]
        codes = await at_once(shop, *(calls if number % 2 else calls[::-1]))
        assert codes.count("done") == 2 or sorted(codes) == ["coupon_void", "done"]
        if codes.count("done") == 2:
            assert await state_of(shop, given["token"]) == "coupon_used"
            await shop.ask("POST", "/v1/returns", return_of(user, 207), role=MANAGER)
        assert await state_of(shop, given["token"]) == "coupon_void"


async def test_points_are_set_aside_while_two_records_become_one(shop: Counter) -> None:
    for number in range(ROUNDS):
        old, new = await shop.enrol(), await shop.enrol()
        await shop.give_points(old, 259)
        hold = await shop.hold_of(old, 259)
        merge = {"id": str(new_id()), "absorbed": old, "into": new, "reason": "same phone"}
        calls = [("/v1/holds", hold, "cashier"), ("/v1/member-merges", merge, MANAGER)]
        codes = await at_once(shop, *(calls if number % 2 else calls[::-1]))
        assert codes.count("done") == 2 or sorted(codes) == ["done", "unknown_member"]
        if codes.count("done") < 2:
            hold = await shop.hold_of(new, 259)
            await shop.ask("POST", "/v1/holds", hold)
        sale = {**sale_of({"101": 1}, member=new), "tenders": [points_tender(hold["id"], 259)]}
        await shop.ask("POST", "/v1/sales", sale)
        assert await shop.active(new) == 0


# -- sent again after a restart ----------------------------------------------------------------------------------------


class Day:
    """One of each POST that books, with its first answer."""

    def __init__(self, shop: Counter) -> None:
        self.shop = shop
        self.sent: list[tuple[str, Body, str, Body]] = []

    async def post(self, path: str, role: str = "cashier", **body: Any) -> Body:  # noqa: ANN401
        """Send one and remember it."""
        answer = await self.shop.ask("POST", path, body, role=role)
        self.sent.append((path, body, role, answer))
        return answer

    async def book(self, path: str, role: str = "cashier", **body: Any) -> Body:  # noqa: ANN401
        """The same with an id of its own."""
        return await self.post(path, role, id=str(new_id()), **body)

    async def live(self) -> None:
        """Points, coupons, cards, rewards, returns and voids, one after the other."""
        shop, cash = self.shop, {"kind": "cash", "amount_minor": 5000}
        anna = (await self.book("/v1/members", name="Anna", locale="en", consents=[]))["id"]
        old = (await self.book("/v1/members", name="Anna", locale="en", consents=[]))["id"]
        await self.book(f"/v1/members/{anna}/adjustments", MANAGER, points=500, reason="welcome")
        money = await self.post("/v1/holds", **await shop.hold_of(anna, 100))
        reward = await self.post("/v1/holds", **await shop.hold_of(anna, 50), reward="milk")
        loose = await self.post("/v1/holds", **await shop.hold_of(anna, 50))
        await self.post(f"/v1/holds/{loose['id']}/release")
        coupon = await self.book("/v1/coupons", offer="CHOC20", member=anna)
        wrong = await self.book("/v1/coupons", offer="CHOC20")
        await self.post(f"/v1/coupons/{wrong['serial']}/void", MANAGER, reason="a mistake")
        await self.book("/v1/coupon-campaigns", MANAGER, offer="CHOC20", members=[anna, old])
        card = {"sku": "card", "gift_card": "CARD-000001"}
        await self.book("/v1/sales", lines=[card], tenders=[cash])
        paid = [
            points_tender(money["id"], 100),
            {"kind": "gift_card", "amount_minor": 100, "code": "CARD-000001"},
            cash,
        ]
        lines = lines_of({"102": 1, "101": 1, "100": 1})
        fields: Body = {"lines": lines, "member": anna, "hold": reward["id"], "coupons": [coupon["token"]]}
        sold = await self.book("/v1/sales", **fields, tenders=paid, receipt="paper")
        (given,) = sold["coupons"]["issued"]
        await self.book(f"/v1/coupons/{given['serial']}/reissue", MANAGER, reason="wet paper", print=True)
        back = [{"line": 2, "quantity_milli": PIECE}]
        refunds = [{"kind": "cash", "amount_minor": 207 - 37}]
        await self.book("/v1/returns", sale=sold["id"], lines=back, refunds=refunds, reason="no")
        swap = [{"sale": sold["id"], "line": 1, "quantity_milli": PIECE}]
        over: Body = {"returns": swap, "refunds": [{"kind": "cash", "amount_minor": 350 - 63 - 259}]}
        await self.book("/v1/sales", member=anna, lines=lines_of({"101": 1}), **over)
        other = await self.book("/v1/sales", member=old, lines=lines_of({"101": 1}), tenders=[cash])
        await self.post(f"/v1/sales/{other['id']}/void", reason="wrong")
        parked = await self.book("/v1/parked", lines=lines_of({"101": 1}), member=anna)
        await self.post(f"/v1/parked/{parked['id']}/claim")
        await self.book("/v1/drawer/open", reason="change")
        shift = self.shop.shifts["cashier"]
        await self.book(f"/v1/shifts/{shift}/movements", kind="pay_in", amount_minor=500, reason="change")
        merge = await self.book("/v1/member-merges", MANAGER, absorbed=old, into=anna, reason="same phone")
        await self.post(f"/v1/member-merges/{merge['id']}/undo", MANAGER, reason="sisters")
        await self.post(f"/v1/shifts/{shift}/close", counted={"cash": 12_345})


OTHERWISE: dict[str, object] = {
    "reason": "another",
    "points": 7,
    "members": [],
    "locale": "pl",
    "lines": lines_of({"103": 1}),
    "scope": "chain",
    "counted": {"cash": 1},
}
"""What makes another body of it: the first of these fields that it has; an offer's coupon has none but a scope."""


def otherwise(body: Body) -> Body | None:
    """The same id with another content, where there is any."""
    if "offer" in body and "members" not in body:
        return {**body, "scope": "chain"}
    if "members" in body:
        return {**body, "members": body["members"][:1]}
    return next(({**body, name: other} for name, other in OTHERWISE.items() if name in body), None)


async def test_whatever_was_sent_is_answered_the_same_after_a_restart_and_booked_once(tmp_path: Path) -> None:
    config = make_config(tmp_path, **SECTIONS)
    async with running_store(config) as running:
        shop = Counter(running)
        await shop.open_shifts()
        await furnish(shop)
        day = Day(shop)
        await day.live()
        before = await _head(shop)
    async with running_store(config) as running:
        shop = Counter(running)
        Random(3).shuffle(day.sent)
        for path, body, role, first in day.sent:
            again = await shop.send("POST", path, body, role=role)
            assert (again.status, {**again.json, **_now(again.json)}) == (200, {**first, **_now(again.json)}), path
            assert ("id" not in body) or again.headers["Idempotency-Replayed"] == "true", path
            other = otherwise(body)
            if other is not None:
                refused = await shop.send("POST", path, other, role=role)
                assert refused.status == 409, (path, refused.json)
        assert await _head(shop) == before
        await shop.prove()


def _now(answer: Body) -> Body:
    """What an answer says of the present: a basket was taken up since, a merge was taken back."""
    return {name: answer[name] for name in ("claimed_by", "undone") if name in answer}


async def _head(shop: Counter) -> object:
    """The newest entry."""
    return await shop.running.store.database.read(
        lambda tx: tx.execute("SELECT epoch, seq, op_id FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    )
