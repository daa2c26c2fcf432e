"""A shopkeeper's day, from the first coin to the last paper, told in the order it happens.

Mia has opened a corner shop with two tills. Prices hold the tax, the smallest coin is five cents, and a euro earns a
point. Everything goes over HTTP; at the end of the day the books are proved.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kiosk.shopkit import CASHIER, MANAGER, PIN, Running, make_config, new_id, running_store
from tests.kiosk.web.proving import prove

MILK, CHOCOLATE, NEWSPAPER, CHEESE = "9520000000011", "9520000000028", "102", "104"


class Day:
    """What happens at the counter, in the words of those who stand there. Ana works on T01, Mia on T02."""

    def __init__(self, running: Running) -> None:
        self.running = running

    async def ask(self, method: str, path: str, body: object = None, *, who: str = CASHIER, **headers: str) -> Any:  # noqa: ANN401
        """Something that must go well; its answer."""
        role = "manager" if who == MANAGER else "cashier"
        reply = await self.running.call(method, path, body, role=role, headers=headers)
        assert reply.status < 300, reply.json
        return reply.json

    async def refused(self, method: str, path: str, body: object, *, who: str = CASHIER) -> str:
        """Something that must not go; the code of the refusal."""
        role = "manager" if who == MANAGER else "cashier"
        reply = await self.running.call(method, path, body, role=role)
        assert 400 <= reply.status < 500, reply
        return str(reply.json["code"])

    async def scan(self, text: str, **more: object) -> dict[str, object]:
        """A line of the basket from whatever was scanned."""
        found = await self.ask("POST", "/v1/scans", {"text": text})
        assert found["kind"] == "product", found
        return {"sku": found["product"]["sku"], "quantity_milli": found["quantity_milli"], **more}

    async def sell(self, lines: list[dict[str, object]], tenders: dict[str, int], **more: Any) -> Any:  # noqa: ANN401
        """Quote, take the money, sell, hand over the receipt."""
        who = more.pop("who", CASHIER)
        asked = {"lines": lines, "member": more.pop("member", None)}
        quote = await self.ask("POST", "/v1/quotes", asked, who=who)
        paid = [{"kind": kind, "amount_minor": amount} for kind, amount in tenders.items()]
        due = quote["totals"]["due_minor"]
        body = {"id": str(new_id()), **asked, "tenders": paid, "quote_due_minor": due, "receipt": "paper", **more}
        return await self.ask("POST", "/v1/sales", body, who=who)

    async def report(self, shift: str, who: str = CASHIER) -> Any:  # noqa: ANN401
        """X while it is open, Z afterwards."""
        return await self.ask("GET", f"/v1/shifts/{shift}/report", who=who)

    async def paper(self, job: str) -> str:
        """A paper as text."""
        return (await self.running.call("GET", f"/v1/print-jobs/{job}.txt")).raw.decode()


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    async with running_store(make_config(tmp_path, tender={"cash_rounding_step_minor": 5})) as running:
        yield Day(running)


async def test_a_day_in_the_corner_shop(day: Day) -> None:
    # Morning. The milkman came; Mia counts the shelf and puts a new article into the catalogue.
    await day.ask(
        "POST", "/v1/stock-counts", {"id": str(new_id()), "counts": [{"sku": "100", "quantity_milli": 24_000}]}
    )
    soap = {"name": "Savon de Marseille", "department": "HOME", "tax_class": "standard", "price_minor": 399}
    await day.ask("PUT", "/v1/products/soap", {**soap, "gtins": ["4006381333931"]}, who=MANAGER)

    # Nothing is sold before somebody has counted the change in the drawer.
    early = {"id": str(new_id()), "lines": [await day.scan(MILK)], "tenders": [{"kind": "cash", "amount_minor": 130}]}
    assert await day.refused("POST", "/v1/sales", early) == "no_open_shift"
    till, office = str(new_id()), str(new_id())
    await day.ask("POST", "/v1/shifts", {"id": till, "float_minor": 15_000})
    await day.ask("POST", "/v1/shifts", {"id": office, "float_minor": 5_000}, who=MANAGER)
    business_day = (await day.ask("GET", "/v1/store"))["business_day"]

    # The first customer buys milk for 1.29 and pays 1.30: no coin is smaller than five.
    first = await day.ask("POST", "/v1/sales", early)
    assert (first["number"], first["business_day"]) == ("S001-T01-000001", business_day)
    assert (first["totals"]["due_minor"], first["totals"]["rounding_minor"]) == (130, 1)

    # Anna joins, and from now on a euro is a point. Her chocolate is dented: ten percent off.
    card = await day.ask("POST", "/v1/members", {"id": str(new_id()), "name": "Anna", "locale": "pl", "consents": []})
    anna = (await day.ask("POST", "/v1/scans", {"text": card["token"]}))["member"]["member"]["id"]
    dented = await day.scan(CHOCOLATE, discount={"kind": "percent", "value": 10, "reason": "dented"})
    cheese = {"sku": CHEESE, "quantity_milli": 355}
    bought = await day.sell([dented, cheese, {"sku": NEWSPAPER}], {"card": 1000, "cash": 500}, member=anna)
    assert [line["net_minor"] for line in bought["lines"]] == [233, 706, 350]
    assert (bought["totals"]["due_minor"], bought["totals"]["change_minor"]) == (1290, 210)
    assert bought["points"]["balance"]["active"] == bought["points"]["earned"] == 12
    receipt = await day.paper(bought["print_job"]["id"])
    assert "Chocolate 100 g" in receipt
    assert bought["number"] in receipt

    # The price of the soap is wrong on its label. Ana may not change it alone; Mia types her PIN on Ana's till.
    soaps = [await day.scan("4006381333931", unit_price_minor=299, reason="label said so")]
    wrong = {"id": str(new_id()), "lines": soaps, "tenders": [{"kind": "cash", "amount_minor": 300}]}
    assert await day.refused("POST", "/v1/sales", wrong) == "approval_needed"
    approval = await day.ask("POST", "/v1/approvals", {"operator": MANAGER, "pin": PIN, "for": "price_override"})
    override = await day.ask("POST", "/v1/sales", {**wrong, "approval": approval["approval"]})
    assert override["totals"]["due_minor"] == 300

    # Somebody forgot the purse: the basket waits, and is taken up on the other till.
    parked = str(new_id())
    await day.ask("POST", "/v1/parked", {"id": parked, "lines": [await day.scan(MILK)], "label": "red scarf"})
    [waiting] = (await day.ask("GET", "/v1/parked", who=MANAGER))["items"]
    basket = (await day.ask("POST", f"/v1/parked/{waiting['id']}/claim", who=MANAGER))["basket"]
    assert await day.refused("POST", f"/v1/parked/{parked}/claim", None) == "basket_taken"
    there = await day.sell(basket["lines"], {"cash": 130}, who=MANAGER)
    assert there["number"] == "S001-T02-000001"

    # The line breaks while Ana sends a sale. She does not know whether it went through, so she sends the same again.
    lost = {"id": str(new_id()), "lines": [{"sku": NEWSPAPER}], "tenders": [{"kind": "cash", "amount_minor": 500}]}
    once = await day.ask("POST", "/v1/sales", lost)
    twice = await day.running.call("POST", "/v1/sales", lost)
    assert (twice.status, twice.json) == (200, once)

    # That was the wrong newspaper: undone before anything else, it never happened for the drawer.
    undone = await day.ask("POST", f"/v1/sales/{once['id']}/void", {"reason": "wrong paper"})
    assert undone["state"] == "voided"

    # Noon. Too much cash in the drawer: some goes to the safe, the window cleaner is paid.
    for kind, amount, reason in (("drop", 10_000, "safe"), ("pay_out", 1_500, "window cleaner")):
        move = {"id": str(new_id()), "kind": kind, "amount_minor": amount, "reason": reason}
        await day.ask("POST", f"/v1/shifts/{till}/movements", move)

    # Anna brings the cheese back. It was paid partly by card, so the card gets its part; seven points go.
    lines = [{"line": 2, "quantity_milli": 355}]
    quote = await day.ask("POST", "/v1/return-quotes", {"sale": bought["number"], "lines": lines})
    assert quote["points"] == {"clawed_back": 7, "given_back": 0, "debt": 0}
    assert {allowed["kind"]: allowed["max_minor"] for allowed in quote["refunds_allowed"]} == {
        "card": 1000,
        "cash": 290,
    }
    asked = {"id": str(new_id()), "sale": bought["number"], "lines": lines, "reason": "mouldy", "receipt": "paper"}
    cash_only = [{"kind": "cash", "amount_minor": quote["refund_minor"]}]
    assert await day.refused("POST", "/v1/returns", {**asked, "refunds": cash_only}) == "refund_too_large"
    to_card = [{"kind": "card", "amount_minor": quote["refund_minor"]}]
    back = await day.ask("POST", "/v1/returns", {**asked, "refunds": to_card})
    assert back["number"] == "S001-T01-000005"
    assert (back["refund_minor"], back["balance"]["active"]) == (quote["refund_minor"], 5)
    assert await day.refused("POST", f"/v1/sales/{bought['id']}/void", {}) == "already_returned"

    # She takes milk instead of the dented chocolate; a euro and five cents come back to her in coins.
    exchange = {
        "id": str(new_id()),
        "member": anna,
        "lines": [await day.scan(MILK)],
        "returns": [{"sale": bought["id"], "line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "cash", "amount_minor": 105}],
        "receipt": "paper",
    }
    swapped = await day.ask("POST", "/v1/sales", exchange)
    assert swapped["totals"]["due_minor"] == 128
    assert swapped["points"]["balance"]["active"] == 4

    # Evening. Ana counts without knowing what should be there, and is five cents short.
    x = await day.report(till)
    assert {tender["expected_minor"] for tender in x["tenders"]} == {None}
    expected = {tender["kind"]: tender["expected_minor"] for tender in (await day.report(till, MANAGER))["tenders"]}
    counted = {"cash": expected["cash"] - 5, "card": expected["card"]}
    z = await day.ask("POST", f"/v1/shifts/{till}/close", {"counted": counted})
    assert expected == {
        "cash": 15_000 + 130 + 290 + 300 - 105 - 10_000 - 1_500,
        "card": 1000 - quote["refund_minor"],
    }
    assert (z["z_number"], z["variance_minor"], z["sales"], z["voids"], z["returns"]) == (1, -5, 5, 1, 2)
    assert (z["first_number"], z["last_number"]) == ("S001-T01-000001", "S001-T01-000006")
    assert await day.ask("POST", f"/v1/shifts/{till}/close", {"counted": counted}) == z
    assert await day.refused("POST", f"/v1/sales/{swapped['id']}/void", {}) == "no_open_shift"
    office_z = await day.ask("POST", f"/v1/shifts/{office}/close", {"counted": {"cash": 5_130}}, who=MANAGER)
    assert (office_z["z_number"], office_z["variance_minor"]) == (1, 0)

    # At night everything is as it must be: 24 bottles less the three that left, and the journal proves the rest.
    assert (await day.ask("GET", "/v1/products/100"))["stock_milli"] == 21_000
    assert (await day.ask("GET", f"/v1/members/{anna}/points"))["active"] == 4
    await prove(day.running)


async def test_the_next_day_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    """The service is stopped for the night and started in the morning: same tokens, next numbers, old receipts good."""
    config = make_config(tmp_path)
    async with running_store(config) as running:
        shift = await running.open_shift()
        sold = (await running.sell()).json
        closed = await running.call("POST", f"/v1/shifts/{shift}/close", {"counted": {"cash": 129}})
        assert closed.json["z_number"] == 1
    async with running_store(config) as running:
        await running.open_shift()
        lines = [{"line": 1, "quantity_milli": 1000}]
        refunds = [{"kind": "cash", "amount_minor": 129}]
        back = {"id": str(new_id()), "sale": sold["number"], "lines": lines, "refunds": refunds, "reason": "sour"}
        returned = await running.call("POST", "/v1/returns", back)
        assert (returned.status, returned.json["number"]) == (201, "S001-T01-000002")
        assert (await running.sell()).json["number"] == "S001-T01-000003"
        await prove(running)
