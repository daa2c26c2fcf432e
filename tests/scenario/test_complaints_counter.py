"""Complaints from the counter: slow catalogues, orders edited twice, printers, stale stock and prices, customers twice.

Each scenario is named by its thread and asserts what the shop wants instead.
"""

import asyncio
import socket
from pathlib import Path
from typing import Any

from kiosk.catalogue.catalogue_service import find_products, import_catalogue, scan
from tests.kiosk.selling import open_till, product
from tests.kiosk.shopkit import new_id
from tests.scenario.counter import MANAGER, lines_of, open_counter, sale_of

MANY = 20_000


def _steps(connection: Any, action: Any) -> int:  # noqa: ANN401  pysqlite3 has no types
    """How many instructions SQLite runs for something: the same on every machine."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    try:
        action()
    finally:
        connection.set_progress_handler(None, 1)
    return count


def test_a_scan_costs_the_same_among_twenty_thousand_articles_odoo_9532(tmp_path: Path) -> None:
    """odoo#9532 (20,000 products, 30 minutes), ucraft POS-Awesome#280, POS-Awesome-V15#1550, opensourcepos#2781."""
    with open_till(tmp_path, shift=False) as till:

        def scan_milk() -> None:
            assert scan(till.connection, till.shop, till.who, "9520000000011", None).kind == "product"

        def search() -> None:
            page = find_products(till.connection, till.shop, till.who, "chocolate", None, 20)
            assert [found.sku for found in page.items][:1] == ["101"]

        before = _steps(till.connection, scan_milk)
        few = _steps(till.connection, search)
        many = [product(f"n{number}", 100 + number % 900, "food") for number in range(MANY)]
        for part in (many[: MANY // 2], many[MANY // 2 :]):
            till.do(import_catalogue, new_id(), part)
        assert _steps(till.connection, scan_milk) <= before * 2
        assert _steps(till.connection, search) <= few + 20 * MANY, "one look at each name, no more"
        till.open()
        sold = till.sell("n19999")
        assert sold.lines[0].sku == "n19999"


async def test_a_parked_order_is_taken_up_by_one_till_odoo_142467(tmp_path: Path) -> None:
    """odoo#142467, #138664 ("beers no longer exist"), pos-addons#348: two devices edit one order, lines are lost."""
    async with open_counter(tmp_path) as shop:
        parked = sale_of({"100": 2, "101": 1})
        basket = {"id": parked["id"], "lines": parked["lines"], "label": "table 4"}
        await shop.ask("POST", "/v1/parked", basket)
        claims = await asyncio.gather(
            *(shop.send("POST", f"/v1/parked/{parked['id']}/claim", role=role) for role in ("cashier", MANAGER) * 3)
        )
        winners = [reply for reply in claims if reply.status == 200]
        losers = [reply for reply in claims if reply.status == 409]
        assert len(winners) + len(losers) == 6
        assert {reply.json["code"] for reply in losers} == {"basket_taken"}
        assert len({reply.json["till"] for reply in winners if "till" in reply.json}) <= 1
        taken = winners[0].json["basket"]["lines"]
        assert [(line["sku"], line["quantity_milli"]) for line in taken] == [("100", 2000), ("101", 1000)]
        assert (await shop.ask("GET", "/v1/parked"))["items"] == []


async def test_an_open_order_outlives_the_shift_odoo_16151(tmp_path: Path) -> None:
    """odoo#16151, #15952: closing the session throws the open orders away."""
    async with open_counter(tmp_path) as shop:
        basket = sale_of({"100": 2})
        await shop.ask("POST", "/v1/parked", {"id": basket["id"], "lines": basket["lines"], "label": "table 4"})
        closed = {"counted": {"cash": 10_000}}
        await shop.ask("POST", f"/v1/shifts/{shop.shifts['cashier']}/close", closed)
        await shop.running.open_shift()
        claimed = await shop.ask("POST", f"/v1/parked/{basket['id']}/claim")
        assert [line["sku"] for line in claimed["basket"]["lines"]] == ["100"]


async def test_a_dead_printer_holds_up_no_sale_and_no_other_printer_pos_addons_682(tmp_path: Path) -> None:
    """pos-addons#682 (one dead printer blocks all), odoo#224021, #72235 (no receipt while offline)."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and never listened on: every connection is refused
        dead = {"name": "dead", "kind": "tcp", "profile": "epson-80mm", "port": nobody.getsockname()[1]}
        alive = {"name": "alive", "kind": "virtual", "profile": "epson-80mm"}
        printing = {"receipt_printer": "dead", "printers": [dead, alive]}
        async with open_counter(tmp_path, printing=printing) as shop:
            sold = await shop.sell({"101": 1}, receipt="paper")
            job = sold["print_job"]["id"]
            assert sold["number"] in await shop.paper(job)
            waiting = await shop.ask("GET", "/v1/print-jobs")
            assert [each["state"] for each in waiting["items"]] != ["printed"]
            assert (await shop.sell({"101": 1}))["number"] == "S001-T01-000002"


async def test_a_receipt_is_printed_again_and_says_so_l10n_italy_4672(tmp_path: Path) -> None:
    """OCA/l10n-italy#4672: paid, not printed, and no way to print it again."""
    async with open_counter(tmp_path) as shop:
        sold = await shop.sell({"101": 1}, receipt="paper")
        job = sold["print_job"]["id"]
        await shop.printed(job)
        again = await shop.ask("POST", f"/v1/print-jobs/{job}/reprint")
        text = await shop.paper(again["id"])
        assert sold["number"] in text
        assert "COPY" in text
        assert len((await shop.ask("GET", "/v1/sales"))["items"]) == 1


async def test_korean_and_japanese_names_come_out_as_written_python_escpos_281(tmp_path: Path) -> None:
    """python-escpos#281, #678, escpos-php#1146, receiptline#17: letters that become rubbish on paper."""
    names = {"ramen": "신라면 컵 65 g", "milk": "牛乳 1 l", "tea": "żółta herbata"}
    async with open_counter(tmp_path) as shop:
        for sku, name in names.items():
            await shop.put_product(sku, 199, "food", name=name)
        sold = await shop.sell(dict.fromkeys(names, 1), receipt="paper")
        text = await shop.paper(sold["print_job"]["id"])
        assert all(name in text for name in names.values())
        assert "?" not in text
        picture = await shop.send("GET", f"/v1/print-jobs/{sold['print_job']['id']}.png")
        assert picture.raw.startswith(b"\x89PNG")


async def test_a_changed_price_counts_at_once_and_the_till_is_told_odoo_30418(tmp_path: Path) -> None:
    """odoo#30418: a new price needs the browser reloaded; until then the old one is charged."""
    async with open_counter(tmp_path) as shop:
        quoted = (await shop.quote({"101": 2}))["totals"]["due_minor"]
        await shop.change_price("101", 299)
        late = sale_of({"101": 2}, {"card": quoted}, quote_due_minor=quoted)
        reply = await shop.send("POST", "/v1/sales", late)
        assert (reply.status, reply.json["code"]) == (409, "price_changed")
        now = (await shop.quote({"101": 2}))["totals"]["due_minor"]
        assert (quoted, now) == (518, 598)
        sold = await shop.sell({"101": 2}, {"card": now}, quote_due_minor=now)
        assert sold["totals"]["due_minor"] == 598


async def test_the_shelf_is_counted_by_what_was_sold_wcpos_227(tmp_path: Path) -> None:
    """wcpos#227 (sells from stock of yesterday), RepairDesk#400, libracore#41: stock that no till believes.

    A till in the shop sells what lies before it; a number below nothing is a count to be made, not a refusal.
    """
    async with open_counter(tmp_path) as shop:
        count = {"id": str(new_id()), "counts": [{"sku": "101", "quantity_milli": 3_000}]}
        await shop.ask("POST", "/v1/stock-counts", count)
        sold = await shop.sell({"101": 2})
        await asyncio.gather(*(shop.sell({"101": 1}, role=role) for role in ("cashier", MANAGER)))
        assert await shop.stock("101") == -1
        await shop.take_back(sold, {1: 2})
        assert await shop.stock("101") == 1
        assert (await shop.quote({"101": 1}))["totals"]["due_minor"] == 259


async def test_one_phone_twice_is_told_and_the_older_wins_odoo_171706(tmp_path: Path) -> None:
    """odoo#171706, #145782, RepairDesk#840: the same customer twice, and nobody notices until the points are split."""
    async with open_counter(tmp_path) as shop:
        first = await shop.enrol("600 100 200", "Anna")
        second = await shop.enrol_answer("+48 600 100 200", "Anna K.")
        assert second["duplicates"] == [first]
        found = await shop.ask("POST", "/v1/members/resolve", {"phone": "600-100-200"})
        assert found["member"]["id"] == first
        assert [other["id"] for other in found["others"]] == [second["id"]]


async def test_two_accounts_of_one_person_become_one_balance_repairdesk_1052(tmp_path: Path) -> None:
    """RepairDesk#1052, samepoints.com, mergeguard.store: two balances of one person, and no way to join them."""
    async with open_counter(tmp_path) as shop:
        old, new = await shop.enrol_answer(name="Anna"), await shop.enrol_answer(name="Anna K.")
        await shop.sell({"104": 1}, member=old["id"])
        await shop.sell({"101": 2}, member=new["id"])
        body = {"id": str(new_id()), "absorbed": new["id"], "into": old["id"], "reason": "same person"}
        await shop.ask("POST", "/v1/member-merges", body, role=MANAGER)
        assert await shop.active(old["id"]) == 19 + 5
        scanned = await shop.ask("POST", "/v1/scans", {"text": new["token"]})
        assert scanned["member"]["member"]["id"] == old["id"]


async def test_a_card_is_found_by_a_scanner_under_any_keyboard_odoo_214407(tmp_path: Path) -> None:
    """odoo#214407 (the layout turns letters into others), ucraft POS-Awesome#133: a card is not found by its scan."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol_answer()
        token = anna["token"]
        assert token.isascii()
        assert token.isdigit()
        full_width = token.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
        for text in (token, f"{token}\r\n", full_width):
            found = await shop.ask("POST", "/v1/scans", {"text": text})
            assert (found["kind"], found["member"]["member"]["id"]) == ("member", anna["id"])
        swapped = token[:5] + token[6] + token[5] + token[7:]
        wrong = token[:-1] + str((int(token[-1]) + 1) % 10)
        for text in {wrong, swapped} - {token}:
            assert (await shop.ask("POST", "/v1/scans", {"text": text}))["kind"] != "member"


async def test_a_kiosk_whose_answer_is_lost_charges_once_odoo_256042(tmp_path: Path) -> None:
    """odoo#256042: the card is charged, the order fails, and pressing again charges once more.

    The sale's id is made before the card is asked, so pressing again is the same sale with the same charge.
    """
    async with open_counter(tmp_path) as shop:
        body = sale_of({"102": 1}, {})
        body["tenders"] = [{"kind": "card", "amount_minor": 350, "reference": "TERMINAL-7781"}]
        replies = [await shop.send("POST", "/v1/sales", body) for _ in range(3)]
        assert [reply.status for reply in replies] == [201, 200, 200]
        assert await shop.expected() == {"cash": 10_000, "card": 350}
        dearer = {**body, "tenders": [{**body["tenders"][0], "reference": "TERMINAL-7782"}]}
        assert await shop.refused("POST", "/v1/sales", dearer) == "id_conflict"
        assert len(lines_of({"102": 1})) == len(replies[0].json["lines"])
