"""Offers, coupons and gift cards that other tills apply once too often, once too rarely, or differently each time.

Each scenario is named by its thread and asserts what the shop wants instead.
"""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.kiosk.shopkit import new_id
from tests.scenario.counter import MANAGER, ROLES, Body, Counter, lines_of, open_counter, sale_of


async def make_offer(shop: Counter, offer: str, effect: Body, **more: object) -> None:
    """An offer, as the manager makes it."""
    body = {"title": {"en": f"Offer {offer}"}, "effect": effect, **more}
    await shop.ask("PUT", f"/v1/offers/{offer}", body, role=MANAGER)


def due(priced: Body) -> int:
    """What a quote or a sale comes to."""
    return int(priced["totals"]["due_minor"])


@pytest.mark.parametrize(("pieces", "free"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (8, 4)])
async def test_buy_one_get_one_counts_every_pair_posawesome_2380(tmp_path: Path, pieces: int, free: int) -> None:
    """POS-Awesome-V15#2380: bought four, got one free instead of two."""
    async with open_counter(tmp_path) as shop:
        goods = {"products": ["101"]}
        await make_offer(shop, "BOGO", {"kind": "buy_get", "buy": 1, "get": 1, "goods": goods})
        sold = await shop.sell({"101": pieces})
        assert due(sold) == due(await shop.quote({"101": pieces})) == 259 * (pieces - free)


async def test_what_was_taken_off_earns_nothing_odoo_150833(tmp_path: Path) -> None:
    """odoo#150833: the line of the discount earns points of its own."""
    async with open_counter(tmp_path) as shop:
        await make_offer(shop, "TENTH", {"kind": "percent", "percent": "10"})
        anna = await shop.enrol()
        sold = await shop.sell({"104": 1}, member=anna)
        assert (due(sold), sold["points"]["earned"]) == (1791, 17)
        await shop.take_back(sold, {1: 1})
        assert await shop.active(anna) == 0


async def test_a_reward_is_taken_off_once_over_all_tax_rates_odoo_142738(tmp_path: Path) -> None:
    """odoo#142738: three tax rates, and the five euros off come three times."""
    async with open_counter(tmp_path) as shop:
        await make_offer(shop, "FIVE", {"kind": "amount", "amount_minor": 500})
        basket = {"100": 2, "101": 2, "102": 2, "103": 1}
        sold = await shop.sell(basket, receipt="paper")
        totals = sold["totals"]
        assert totals["discount_minor"] == 500
        assert len(totals["taxes"]) == 4
        assert sum(tax["base_minor"] + tax["tax_minor"] for tax in totals["taxes"]) == due(sold)
        for line in range(1, 5):
            await shop.take_back(sold, {line: 1 if line == 4 else 2})
        assert (await shop.expected())["cash"] == 10_000


async def test_the_order_of_scanning_changes_no_price_posawesome_2954(tmp_path: Path) -> None:
    """POS-Awesome-V15#2954, odoo#132987, #288853: it depends on what was scanned first."""
    async with open_counter(tmp_path) as shop:
        await make_offer(shop, "BOGO", {"kind": "buy_get", "buy": 1, "get": 1, "goods": {"products": ["101", "102"]}})
        await make_offer(shop, "DAIRY", {"kind": "percent", "percent": "15", "goods": {"categories": ["DAIRY"]}})
        await make_offer(shop, "EXTRA", {"kind": "amount", "amount_minor": 99}, stacking="stack")
        basket = [("100", 3), ("101", 1), ("102", 1), ("104", 1)]
        totals = {due(await shop.quote(dict(order))) for order in itertools.permutations(basket)}
        assert len(totals) == 1


async def test_the_last_use_of_a_limited_offer_goes_to_one_till_vendure_4353(tmp_path: Path) -> None:
    """vendure#4353: a limit is checked when the price is made and never when it is paid."""
    async with open_counter(tmp_path) as shop:
        await make_offer(shop, "FIRST", {"kind": "percent", "percent": "50"}, limits={"total": 1})
        quoted = due(await shop.quote({"104": 1}))
        bodies = [sale_of({"104": 1}, {"card": quoted}, quote_due_minor=quoted) for _ in range(2)]
        replies = await shop.race("/v1/sales", *bodies)
        assert sorted(reply.status for reply in replies) == [201, 409]
        assert {reply.json["code"] for reply in replies if reply.status == 409} == {"price_changed"}
        assert due(await shop.quote({"104": 1})) == 1990


async def test_one_coupon_pays_for_one_of_two_tills_posnext_198(tmp_path: Path) -> None:
    """POSNext#198, saleor#544, #15855, vendure#4660: looked at by both, used by both."""
    async with open_counter(tmp_path) as shop:
        await make_offer(shop, "COUPON", {"kind": "percent", "percent": "50"}, trigger="coupon")
        coupon = await shop.ask("POST", "/v1/coupons", {"id": str(new_id()), "offer": "COUPON", "print": False})
        for code in (coupon["code"], coupon["token"]):
            assert (await shop.ask("POST", "/v1/coupons/verify", {"code": code}))["ok"] is True
        bodies = [
            sale_of({"104": 1}, {"card": 995}, coupons=[code], quote_due_minor=995)
            for code in (coupon["code"], coupon["token"])
        ]
        replies = await shop.race("/v1/sales", *bodies)
        assert [reply.status for reply in replies].count(201) == 1
        assert max(reply.status for reply in replies) in (409, 422)
        assert (await shop.ask("POST", "/v1/coupons/verify", {"code": coupon["code"]}))["ok"] is False
        won, role = next((reply.json, role) for reply, role in zip(replies, ROLES, strict=True) if reply.status == 201)
        await shop.ask("POST", f"/v1/sales/{won['id']}/void", {}, role=role)
        assert (await shop.ask("POST", "/v1/coupons/verify", {"code": coupon["code"]}))["ok"] is True


async def test_a_gift_card_pays_what_is_on_it_and_no_more_odoo_79235(tmp_path: Path) -> None:
    """odoo#79235, #92403, #82951: one gift card pays again and again, or twice at the same instant."""
    async with open_counter(tmp_path, gift_cards={"departments": ["GIFT"]}) as shop:
        await shop.put_product("card", 2_000, "zero", department="GIFT")
        code = "GIFT-7K2M-9Q4R-XW5T"
        body: dict[str, Any] = sale_of({}, {"cash": 2_000})
        body["lines"] = [{**lines_of({"card": 1})[0], "gift_card": code}]
        await shop.ask("POST", "/v1/sales", body)
        sales = [sale_of({"104": 1}, {"cash": 490}) for _ in range(2)]
        for sale in sales:
            sale["tenders"].append({"kind": "gift_card", "amount_minor": 1_500, "code": code})
        replies = await shop.race("/v1/sales", *sales)
        assert sorted(reply.status for reply in replies) == [201, 409]
        assert {reply.json["code"] for reply in replies if reply.status == 409} == {"gift_card_short"}
        left = await shop.ask("POST", "/v1/gift-cards/balance", {"code": code})
        assert left["balance_minor"] == 500
