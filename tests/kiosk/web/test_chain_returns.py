"""Goods that come back to another store than the one that sold them."""

import asyncio
import contextlib
from typing import Any

import pytest

from kiosk.sales.reservations import give_back
from kiosk.web.reserving import list_in_use
from tests.kiosk.linked import settled
from tests.kiosk.shopkit import Reply, Running, new_id
from tests.kiosk.web.chain import Chain, cut, reconnect, until
from tests.kiosk.web.test_points import member_with

ROUNDS = 4
ROLES = ("cashier", "manager")


async def sell(store: Running, pieces: int = 3, **more: object) -> Any:  # noqa: ANN401
    """Sell milk, exactly paid: a sale whose parts do not divide evenly."""
    lines = [{"sku": "100", "quantity_milli": pieces * 1000, "discount": {"kind": "amount", "value": 1, "reason": "x"}}]
    due = (await store.call("POST", "/v1/quotes", {"lines": lines})).json["totals"]["due_minor"]
    tenders = [{"kind": "card", "amount_minor": due, "reference": "T1"}]
    body = {"id": str(new_id()), "lines": lines, "tenders": tenders, **more}
    reply = await store.call("POST", "/v1/sales", body)
    assert reply.status == 201, reply
    return reply.json


async def quote(store: Running, sale: str, milli: int = 1000) -> Reply:
    body = {"sale": sale, "lines": [{"line": 1, "quantity_milli": milli}]}
    return await store.call("POST", "/v1/return-quotes", body)


async def take_back(store: Running, sale: str, milli: int = 1000, id_: str | None = None) -> Reply:
    told = await quote(store, sale, milli)
    if told.status != 200:
        return told
    refunds = [{"kind": "card", "amount_minor": told.json["refund_minor"]}] if told.json["refund_minor"] else []
    body = {
        "id": id_ or str(new_id()),
        "sale": sale,
        "lines": [{"line": 1, "quantity_milli": milli}],
        "refunds": refunds,
        "reason": "changed my mind",
    }
    return await store.call("POST", "/v1/returns", body)


async def heard(chain: Chain, sale: str, returned: str) -> None:
    """Wait until the first store was told what came back of its sale elsewhere, and that nothing is on its way."""
    select = f"SELECT count(*) FROM feed_row WHERE entity = 'returned_elsewhere' AND key = '{sale}'"
    match = f'{select} AND CAST(value AS TEXT) LIKE \'%"returned":{returned}%"pending":{{}}%\''
    await until(chain.first, match, bool)


async def test_goods_come_back_here_and_there_exactly_to_the_cent(chain: Chain) -> None:
    sold = await sell(chain.first)
    await chain.agree()
    shown = await chain.second.call("GET", f"/v1/sales/{sold['number']}")
    assert (shown.status, shown.json["id"], shown.json["lines"]) == (200, sold["id"], sold["lines"])
    replies = []
    for store, sale in ((chain.second, sold["number"]), (chain.first, sold["number"]), (chain.second, sold["id"])):
        reply = await take_back(store, sale)
        assert reply.status == 201, reply
        replies.append(reply.json)
        await chain.agree()
        if store is chain.second:
            milli = 1000 * sum(each["number"].startswith("S002") for each in replies)
            await heard(chain, sold["id"], f'{{"1":{milli}}}')
    assert sum(reply["refund_minor"] for reply in replies) == sold["totals"]["due_minor"]
    assert {reply["refund_minor"] for reply in replies} != {replies[0]["refund_minor"]}, "the parts are not equal"
    for store in chain.stores:
        left = await quote(store, sold["number"])
        assert (left.status, left.json["code"]) == (409, "nothing_left_to_return")
    assert await chain.incidents() == []


async def test_of_two_returns_of_the_last_piece_at_once_exactly_one_is_taken(chain: Chain) -> None:
    """Both stand in the second store, on both of its tills; the first store sold it."""
    await chain.second.open_shift(role="manager")
    for _ in range(ROUNDS):
        sold = await sell(chain.first, 1)
        await chain.agree()
        told = (await quote(chain.second, sold["number"])).json
        body = {
            "sale": sold["id"],
            "lines": [{"line": 1, "quantity_milli": 1000}],
            "refunds": [{"kind": "card", "amount_minor": told["refund_minor"]}],
            "reason": "x",
        }
        replies = await asyncio.gather(
            *(chain.second.call("POST", "/v1/returns", {**body, "id": str(new_id())}, role=role) for role in ROLES)
        )
        assert sorted(reply.status for reply in replies) == [201, 409], replies
    await chain.agree()
    assert await chain.incidents() == []


async def test_the_same_return_again_is_one_return(chain: Chain) -> None:
    sold, id_ = await sell(chain.first), str(new_id())
    await chain.agree()
    body = {
        "id": id_,
        "sale": sold["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "card", "amount_minor": (await quote(chain.second, sold["number"])).json["refund_minor"]}],
        "reason": "x",
    }
    replies = [await chain.second.call("POST", "/v1/returns", body) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 200]
    await cut(chain.second)
    again = await chain.second.call("POST", "/v1/returns", body)
    assert (again.status, again.json["number"]) == (200, replies[0].json["number"])


async def test_the_points_of_the_goods_go_from_the_members_account_at_head_office(chain: Chain) -> None:
    member = await member_with(chain.first, 100)
    sold = await sell(chain.first, member=member)
    earned = sold["points"]["earned"]
    assert earned > 0
    await chain.agree()
    told = (await quote(chain.second, sold["number"], 3000)).json
    assert told["points"]["clawed_back"] == earned
    assert (await take_back(chain.second, sold["number"], 3000)).status == 201
    await chain.agree()
    points = await chain.hub.hub.database.read(
        lambda tx: tx.execute("SELECT active + pending, debt FROM account").fetchall()
    )
    assert [tuple(row) for row in points] == [(100, 0)]
    # The store that took the goods back does not hold the sale, so it books nothing of the points itself.
    here = await chain.second.store.database.read(lambda tx: tx.execute("SELECT count(*) FROM posting").fetchone())
    assert here == (0,)
    # The store that took the goods back does not hold the sale, so it books nothing of the points itself.
    here = await chain.second.store.database.read(lambda tx: tx.execute("SELECT count(*) FROM posting").fetchone())
    assert here == (0,)


async def test_without_a_line_only_own_receipts_are_taken_back(chain: Chain) -> None:
    sold, own = await sell(chain.first), await sell(chain.second)
    await chain.agree()
    await cut(chain.second)
    for ask in (quote, take_back):
        refused = await ask(chain.second, sold["number"])
        assert (refused.status, refused.json["code"]) == (409, "return_needs_line")
    assert (await take_back(chain.second, own["number"])).status == 201


async def test_goods_taken_back_in_both_stores_are_an_incident_with_every_receipt(chain: Chain) -> None:
    """The selling store has no line and does not hear that its goods came back elsewhere."""
    sold = await sell(chain.first, 1)
    await chain.agree()
    await cut(chain.first)
    returned = [await take_back(store, sold["number"]) for store in (chain.second, chain.first)]
    assert [reply.status for reply in returned] == [201, 201]
    async with contextlib.AsyncExitStack() as stack:
        await settled(chain.hub, chain.second)
        await reconnect(stack, chain.first)
        await settled(chain.hub, chain.first)
        await chain.hub.hub.appliers.settle()
        [incident] = await chain.incidents()
    assert (incident["kind"], incident["amount"]) == ("return_twice", sold["totals"]["due_minor"])
    numbers = [sold["number"], *(reply.json["number"] for reply in returned)]
    assert [ref["number"] for ref in incident["refs"]] == numbers


async def test_goods_that_are_kept_and_not_taken_are_free_again(chain: Chain) -> None:
    """The till sends a wrong refund, and nobody comes back to it."""
    sold = await sell(chain.first, 1)
    await chain.agree()
    body = {
        "id": str(new_id()),
        "sale": sold["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [],
        "reason": "x",
    }
    refused = await chain.second.call("POST", "/v1/returns", body)
    assert (refused.status, refused.json["code"]) == (422, "refund_mismatch")
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'returned_elsewhere'", bool)
    assert (await quote(chain.first, sold["number"])).json["code"] == "nothing_left_to_return"
    door = chain.second.store.door
    await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", bool)
    assert list_in_use(door)
    assert await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ())) == 1
    await chain.agree()
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'returned_elsewhere'", lambda n: n == 0)
    assert (await take_back(chain.first, sold["number"])).status == 201


@pytest.mark.parametrize("text", ["S009-T01-000001", "S001-T01-009999"])
async def test_a_receipt_that_nobody_knows_is_unknown(chain: Chain, text: str) -> None:
    refused = await quote(chain.second, text)
    assert (refused.status, refused.json["code"]) == (422, "unknown_receipt")
