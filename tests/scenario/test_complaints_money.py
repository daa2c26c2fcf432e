"""What users of other tills complain about most: sales doubled or lost, cents that differ, drawers that do not add up.

Each scenario is named by its thread and asserts what the shop wants instead.
"""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.kiosk.faults.service import Service
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, TOKENS, caller, make_config, new_id, prepare_store, running_store, write_config
from tests.scenario.counter import MANAGER, Counter, lines_of, open_counter, sale_of

HOUR_MS = 3_600_000


async def test_two_tabs_that_send_one_sale_make_one_sale_odoo_152259(tmp_path: Path) -> None:
    """odoo#152259, #85527, POSNext#50, woocommerce#14541: the answer is lost, the order booked twice."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        body = sale_of({"101": 2}, member=anna)
        replies = await asyncio.gather(*(shop.send("POST", "/v1/sales", body) for _ in range(8)))
        assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
        assert len({reply.json["number"] for reply in replies}) == 1
        assert len((await shop.ask("GET", "/v1/sales"))["items"]) == 1
        assert await shop.stock("101") == -2
        assert await shop.active(anna) == 5
        assert (await shop.expected())["cash"] == 10_000 + 518


async def test_a_sale_sent_again_after_a_restart_is_the_same_sale_odoo_40600(tmp_path: Path) -> None:
    """odoo#40600, erpnext#11000: what was sent before the outage comes again after it."""
    config, body = make_config(tmp_path), sale_of({"102": 1})
    async with running_store(config) as running:
        shop = Counter(running)
        await shop.open_shifts()
        first = await shop.ask("POST", "/v1/sales", body)
    async with running_store(config) as running:
        shop = Counter(running)
        again = await shop.send("POST", "/v1/sales", body)
        assert (again.status, again.json) == (200, first)
        other = await shop.refused("POST", "/v1/sales", {**body, "lines": lines_of({"102": 2})})
        assert other == "id_conflict"
        assert (await shop.sell({"102": 1}))["number"] == "S001-T01-000002"
        await shop.prove()


async def test_a_paid_sale_survives_the_power_cut_odoo_288974(tmp_path: Path) -> None:
    """odoo#288974, #22766, #125037, erpnext#11745: the receipt is printed, and the sale is gone."""
    prepare_store(make_config(tmp_path))
    service = await Service.start(write_config(tmp_path))
    try:
        sold = await _sell_elsewhere(service.url)
    finally:
        service.kill()
        await service.wait()
    async with running_store(make_config(tmp_path)) as running:
        shop = Counter(running)
        found = await shop.ask("GET", f"/v1/sales/{sold['number']}")
        assert {key: found[key] for key in ("id", "totals", "journal")} == {
            key: sold[key] for key in ("id", "totals", "journal")
        }
        [job] = (await shop.ask("GET", "/v1/print-jobs"))["items"]
        assert sold["number"] in await shop.paper(job["id"])
        assert (await shop.sell({"100": 1}))["number"] == "S001-T01-000002"
        await shop.prove()


async def _sell_elsewhere(url: str) -> dict[str, Any]:
    """Open a shift and sell at a service that is a process of its own."""
    headers = {"Authorization": f"Bearer {TOKENS['cashier']}"}
    async with aiohttp.ClientSession(url, headers=headers) as client:
        async with client.post("/v1/shifts", json={"id": str(new_id()), "float_minor": 0}) as reply:
            assert reply.status == 201
        async with client.post("/v1/sales", json=sale_of({"102": 1}, {"cash": 350}, receipt="paper")) as reply:
            assert reply.status == 201
            return dict(await reply.json())


async def test_no_writer_is_turned_away_by_a_busy_database_mostrop2p_954(tmp_path: Path) -> None:
    """MostroP2P/mostro#954, aqueduct#369: "database is locked", and what the user did is dropped."""
    async with open_counter(tmp_path) as shop:
        roles = ["cashier", MANAGER] * 20
        replies = await asyncio.gather(
            *(shop.send("POST", "/v1/sales", sale_of({"100": 1}), role=role) for role in roles),
            *(shop.send("POST", "/v1/parked", {"id": body["id"], "lines": body["lines"]}) for body in _baskets(10)),
        )
        assert {reply.status for reply in replies} == {201}
        assert await shop.stock("100") == -40


def _baskets(count: int) -> list[dict[str, Any]]:
    return [sale_of({"101": 1}) for _ in range(count)]


#   price | smallest coin | what is paid in cash
ROUNDED = [(703, 50, 700), (726, 50, 750), (725, 50, 750), (699, 5, 700), (702, 5, 700), (750, 100, 800), (49, 100, 0)]


@pytest.mark.parametrize(("price", "step", "paid"), ROUNDED)
async def test_a_refund_is_what_was_paid_odoo_96721(tmp_path: Path, price: int, step: int, paid: int) -> None:
    """odoo#96721 (pay 7.00, get 8.00 back), #61466, #85280, #146474: cash is rounded one way and back another."""
    async with open_counter(tmp_path, tender={"cash_rounding_step_minor": step}) as shop:
        await shop.put_product("odd", price)
        sold = await shop.sell({"odd": 1}, {"cash": paid} if paid else {})
        assert (sold["totals"]["due_minor"], sold["totals"]["change_minor"]) == (paid, 0)
        back = await shop.take_back(sold, {1: 1})
        assert back["refund_minor"] == paid
        assert (await shop.expected())["cash"] == 10_000
        counted = {"counted": {"cash": 10_000}}
        z = await shop.ask("POST", f"/v1/shifts/{shop.shifts['cashier']}/close", counted)
        assert z["variance_minor"] == 0


@pytest.mark.parametrize("mode", ["included", "added"])
@pytest.mark.parametrize("rounding", ["line", "rate", "receipt"])
async def test_no_cent_differs_between_quote_sale_and_receipt_odoo_7541(
    tmp_path: Path, mode: str, rounding: str
) -> None:
    """odoo#7541, #6224, #257600, woocommerce#17863: lines, taxes and total disagree by a cent."""
    async with open_counter(tmp_path, tax={"mode": mode, "rounding": rounding}) as shop:
        for sku, price, tax_class in (("a", 333, "standard"), ("b", 101, "reduced"), ("c", 67, "food")):
            await shop.put_product(sku, price, tax_class)
        basket = {"a": 3, "b": 7, "c": 11, "103": 1}
        quote = await shop.quote(basket)
        sold = await shop.sell(basket, {"card": quote["totals"]["due_minor"]}, receipt="paper")
        totals = sold["totals"]
        assert {**totals, "paid_minor": 0} == quote["totals"]
        assert totals["due_minor"] == sum(tax["base_minor"] + tax["tax_minor"] for tax in totals["taxes"])
        assert sum(line["net_minor"] for line in quote["lines"]) == totals["net_minor"]
        if mode == "included":
            assert totals["due_minor"] == totals["net_minor"]
        [job] = (await shop.ask("GET", "/v1/print-jobs"))["items"]
        assert f"{totals['due_minor'] / 100:.2f}" in await shop.paper(job["id"])


async def test_a_drawer_is_closed_with_what_was_counted_nexopos_577(tmp_path: Path) -> None:
    """NexoPOS#577 refuses any difference; odoo#108694, #112776, #129378: the closing counts what never was cash."""
    async with open_counter(tmp_path) as shop:
        sold = await shop.sell({"104": 1}, {"card": 1_000, "cash": 2_000})
        await shop.take_back(sold, {1: 1}, "card", refunds=[_paid("card", 1_000), _paid("cash", 990)])
        await shop.sell({"101": 1}, {"cash": 500})
        await shop.ask("POST", f"/v1/sales/{(await shop.sell({'102': 1}))['id']}/void", {})
        assert await shop.expected() == {"cash": 10_000 + 259, "card": 0}
        counted = {"counted": {"cash": 10_200, "card": 0}}
        z = await shop.ask("POST", f"/v1/shifts/{shop.shifts['cashier']}/close", counted)
        assert (z["variance_minor"], z["z_number"]) == (-59, 1)


def _paid(kind: str, amount_minor: int) -> dict[str, object]:
    return {"kind": kind, "amount_minor": amount_minor}


def _at(till: Till, at_ms: int) -> None:
    """The clock of the store says so from now on."""
    till.who = caller(till.who.role, till=till.who.till, at_ms=at_ms, operator=till.who.operator)


def test_a_sale_after_midnight_belongs_to_the_evening_odoo_153636(tmp_path: Path) -> None:
    """odoo#153636, #25606, #2115: the time zone of the server moves sales to another day, and the clock to another
    order."""
    with open_till(tmp_path) as till:
        evening = till.sell("100")
        _at(till, NOW_MS + 9 * HOUR_MS)
        after_midnight = till.sell("100")
        _at(till, NOW_MS - 365 * 24 * HOUR_MS)
        set_back = till.sell("100")
        assert {evening.business_day, after_midnight.business_day, set_back.business_day} == {"2026-11-21"}
        numbers = [sale.number[-1] for sale in (evening, after_midnight, set_back)]
        assert numbers == ["1", "2", "3"]
        assert_holds(till.connection)


def test_the_journal_says_which_receipt_is_missing_odoo_56840(tmp_path: Path) -> None:
    """odoo#56840, #60939: a receipt was printed and nobody can say what became of it."""
    with open_till(tmp_path) as till:
        for _ in range(3):
            till.sell("100")
        gone = till.rows("SELECT epoch, seq FROM journal ORDER BY seq DESC LIMIT 1 OFFSET 1")[0]
        till.connection.execute("DELETE FROM journal WHERE epoch = ? AND seq = ?", gone)
        with pytest.raises(AssertionError, match=str(gone[1])):
            assert_holds(till.connection)
