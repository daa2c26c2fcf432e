"""What users of other tills complain about when points come in: refunds that keep them, points spent twice or never.

Each scenario is named by its thread and asserts what the shop wants instead. A point is worth a cent here, and every
euro earns one.
"""

from pathlib import Path
from typing import Any
from uuid import UUID

from kiosk.points.points_views import show_points
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, caller
from tests.scenario.counter import MANAGER, ROLES, Counter, open_counter, points_tender, sale_of

DAY_MS = 86_400_000


async def test_a_refund_takes_the_points_back_odoo_257854(tmp_path: Path) -> None:
    """odoo#257854 ("unlimited loyalty points"), #238806, erpnext#32951: buy, refund, keep the points, again."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        for _ in range(3):
            sold = await shop.sell({"104": 1, "101": 4}, member=anna)
            assert await shop.active(anna) == sold["points"]["earned"] == 30
            await shop.take_back(sold, {1: 1, 2: 4})
            left = await shop.points(anna)
            assert (left["active"], left["pending"], left["held"], left["debt"]) == (0, 0, 0, 0)


async def test_a_refund_in_parts_takes_each_point_once_odoo_212922(tmp_path: Path) -> None:
    """odoo#212922, #221928: the points are taken again with every part that comes back."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 100)
        sold = await shop.sell({"101": 3}, member=anna)
        earned = sold["points"]["earned"]
        taken = [(await shop.take_back(sold, {1: 1}))["points"]["clawed_back"] for _ in range(3)]
        assert sum(taken) == earned == 7
        assert await shop.active(anna) == 100
        lines = [{"line": 1, "quantity_milli": 1000}]
        again = await shop.refused("POST", "/v1/return-quotes", {"sale": sold["id"], "lines": lines})
        assert again == "nothing_left_to_return"


async def test_voided_goods_earn_nothing_flocafe_720(tmp_path: Path) -> None:
    """FloCafe#720, opensourcepos#4359: what was cancelled still earns."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        sold = await shop.sell({"104": 1}, member=anna)
        await shop.ask("POST", f"/v1/sales/{sold['id']}/void", {})
        assert await shop.active(anna) == 0
        kept = await shop.sell({"104": 1, "101": 1}, member=anna)
        await shop.take_back(kept, {1: 1})
        assert await shop.active(anna) == kept["points"]["earned"] - 19


async def test_a_return_is_not_refused_because_points_were_spent_erpnext_32951(tmp_path: Path) -> None:
    """erpnext refuses the return; then the customer keeps goods nobody wants. The points are owed instead."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        sold = await shop.sell({"104": 5}, member=anna)
        await _pay_with_points(shop, anna, 90)
        back = await shop.take_back(sold, {1: 5})
        assert back["points"]["clawed_back"] == 99
        left = await shop.points(anna)
        assert (left["active"], left["debt"]) == (0, 90)
        await shop.sell({"104": 5}, member=anna)
        settled = await shop.points(anna)
        assert (settled["active"], settled["debt"]) == (9, 0)


async def test_a_cancelled_basket_gives_its_points_back_opensourcepos_4579(tmp_path: Path) -> None:
    """opensourcepos#4579: suspend a sale that pays with points, cancel it, and the points are gone."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 200)
        hold = await shop.hold(anna, 150)
        aside = await shop.points(anna)
        assert (aside["active"], aside["held"]) == (50, 150)
        basket = sale_of({"102": 1})
        await shop.ask("POST", "/v1/parked", {"id": basket["id"], "lines": basket["lines"], "member": anna})
        await shop.ask("POST", f"/v1/holds/{hold}/release")
        free = await shop.points(anna)
        assert (free["active"], free["held"]) == (200, 0)


async def test_points_are_redeemed_from_where_they_were_earned_erpnext_59050(tmp_path: Path) -> None:
    """erpnext#59050: earned on one document, redeemed on another, never deducted: "redeemed forever"."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.sell({"104": 10}, member=anna)
        assert await shop.active(anna) == 199
        assert await _pay_with_points(shop, anna, 150, role=MANAGER) == 150
        assert await shop.active(anna) == 49
        too_many = await shop.hold_of(anna, 150)
        assert await shop.refused("POST", "/v1/holds", too_many) == "insufficient_points"


async def test_two_tills_that_pay_with_the_same_points_pay_once_posawesome_3059(tmp_path: Path) -> None:
    """POS-Awesome-V15#3059, EvaP#1785: the balance is checked, then deducted, and between the two by somebody else."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 100)
        replies = await shop.race("/v1/holds", *[await shop.hold_of(anna, 100, role=role) for role in ROLES])
        assert sorted(reply.status for reply in replies) == [201, 409]
        hold = next(reply.json["id"] for reply in replies if reply.status == 201)
        sales: list[dict[str, Any]] = [sale_of({"100": 1}, {"cash": 29}, member=anna) for _ in ROLES]
        for body in sales:
            body["tenders"].append(points_tender(hold, 100))
        paid = await shop.race("/v1/sales", *sales)
        assert sorted(reply.status for reply in paid) == [201, 409]
        assert {reply.json["code"] for reply in paid if reply.status == 409} == {"hold_captured"}
        assert await shop.active(anna) == 0


async def test_a_sale_sent_again_moves_no_point_twice_oca_pos_185(tmp_path: Path) -> None:
    """OCA/pos#185 (a retry doubles the points), odoo#270532 (lost or doubled offline)."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 100)
        hold = await shop.hold(anna, 100)
        body: dict[str, Any] = sale_of({"104": 1}, {"cash": 1_890}, member=anna)
        body["tenders"].append(points_tender(hold, 100))
        replies = [await shop.send("POST", "/v1/sales", body) for _ in range(4)]
        assert [reply.status for reply in replies] == [201, 200, 200, 200]
        assert {reply.json["points"]["redeemed"] for reply in replies} == {100}
        assert await shop.active(anna) == replies[0].json["points"]["earned"] == 18


async def _pay_with_points(shop: Counter, member: str, points: int, role: str = "cashier") -> int:
    """Buy newspapers for 3.50, a part of it in points; the points that were redeemed. The sale itself earns nobody."""
    hold = await shop.hold(member, points, role=role)
    body: dict[str, Any] = sale_of({"102": 1}, {"cash": 350 - points}, member=member)
    body["tenders"].append(points_tender(hold, points))
    sold = await shop.ask("POST", "/v1/sales", body, role=role)
    earned = sold["points"]["earned"]
    if earned:
        taken = {"id": sale_of({})["id"], "points": -earned, "reason": "not for the test"}
        await shop.ask("POST", f"/v1/members/{member}/adjustments", taken, role=MANAGER)
    return int(sold["points"]["redeemed"])


def test_points_that_end_leave_later_ones_alone_flocafe_78(tmp_path: Path) -> None:
    """FloCafe#78: points that ended drop out of the sum, what was spent of them does not, and the balance collapses."""
    ends = {"valid_for": 30, "valid_unit": "day", "valid_to_end_of": "day", "adjust_limit_cashier": 100}
    with open_till(tmp_path, points=ends) as till:
        anna = till.enrol()
        till.sell("104", "104", "104", member=anna)
        till.adjust(anna, -40)
        till.who = caller(at_ms=NOW_MS + 20 * DAY_MS)
        till.sell("104", member=anna)
        assert _active(till, anna) == 59 - 40 + 19
        till.who = caller(at_ms=NOW_MS + 35 * DAY_MS)
        assert _active(till, anna) == 19, "19 of the first 59 ended, 40 were spent, the later 19 are whole"
        till.who = caller(at_ms=NOW_MS + 60 * DAY_MS)
        assert _active(till, anna) == 0
        assert_holds(till.connection)


def _active(till: Till, member: UUID) -> int:
    return int(show_points(till.connection, till.shop, till.who, member).active)
