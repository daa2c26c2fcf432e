"""Goods that come back to another store than the one that sold them."""

import asyncio
import contextlib
from typing import Any

import pytest

from kiosk.sales.reservations import give_back
from kiosk.sales.told_returns import follow_returns
from kiosk.web import reserving
from kiosk.web.reserving import list_in_use
from sync.protocol.commands import CouponToken, ReservedAnswer, Reserving
from sync.protocol.sale_states import SaleState
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


async def test_without_a_line_only_own_receipts_are_taken_back(chain: Chain) -> None:
    sold, own = await sell(chain.first), await sell(chain.second)
    await chain.agree()
    await cut(chain.second)
    for ask in (quote, take_back):
        refused = await ask(chain.second, sold["number"])
        assert (refused.status, refused.json["code"]) == (409, "return_needs_line")
        assert refused.json["detail"] == "It is a receipt of shop S001."
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
    """The till has no open shift, and nobody comes back to it."""
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
    assert not list_in_use(chain.second.store.door), "what will be refused is not asked for"
    body["refunds"] = [{"kind": "card", "amount_minor": sold["totals"]["due_minor"]}]
    refused = await chain.second.call("POST", "/v1/returns", body, role="manager")
    assert (refused.status, refused.json["code"]) == (409, "no_open_shift")
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


async def test_a_store_that_was_off_for_days_follows_what_came_back_elsewhere_when_it_is_back(chain: Chain) -> None:
    """Its own coupon, which the sale had used, is good again at either store; the one that the sale gave is void."""
    coupon = await chain.issue()
    sold = await sell_with(chain.first, coupon["code"])
    [given] = sold["coupons"]["issued"]
    await chain.agree()
    await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'coupon_used'", bool)
    await cut(chain.first)
    for milli in (1000, 8000):
        assert (await take_back(chain.second, sold["number"], milli)).status == 201
        await settled(chain.hub, chain.second)
        await chain.hub.hub.appliers.settle()
    assert await verdict(chain.first, coupon["token"]) == "coupon_used"
    async with contextlib.AsyncExitStack() as stack:
        await reconnect(stack, chain.first)
        await until(chain.first, "SELECT count(*) FROM coupon_void", bool)
        assert await verdict(chain.first, coupon["token"]) == "ok"
        assert await verdict(chain.first, given["token"]) == "coupon_void"
        await settled(chain.hub, chain.first)
        await chain.hub.hub.appliers.settle()
        await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'coupon_used'", lambda n: n == 0)
        assert await verdict(chain.second, coupon["token"]) == "ok"
        # The same is told again from the beginning: nothing is undone twice.
        entries = await count(chain.first, "journal")
        door = chain.first.store.door
        await door.database.write(lambda tx: follow_returns(tx, door.shop, door.now_ms(), None))
        assert await count(chain.first, "journal") == entries
        _, proof = await chain.hub.call("GET", "/v1/dead-letters", token=await chain.hub.office())
        assert proof["items"] == []
    assert await chain.incidents() == []


async def sell_with(store: Running, code: str) -> Any:  # noqa: ANN401
    """Nine bars of chocolate with a coupon, enough to be given another one."""
    lines = [{"sku": "101", "quantity_milli": 9000}]
    body = {"id": str(new_id()), "lines": lines, "coupons": [code]}
    due = (await store.call("POST", "/v1/quotes", {"lines": lines, "coupons": [code]})).json["totals"]["due_minor"]
    tenders = [{"kind": "card", "amount_minor": due, "reference": "T1"}]
    reply = await store.call("POST", "/v1/sales", {**body, "tenders": tenders})
    assert reply.status == 201, reply
    return reply.json


async def verdict(store: Running, token: str) -> str:
    return str((await store.call("POST", "/v1/coupons/verify", {"code": token})).json["reason"])


async def count(store: Running, table: str) -> int:
    row = await store.store.database.read(lambda tx: tx.execute(f"SELECT count(*) FROM {table}").fetchone())
    assert row is not None
    return int(row[0])


async def test_what_a_return_elsewhere_gives_back_by_card_is_not_given_back_by_card_here(chain: Chain) -> None:
    """Two pieces, one paid by card and one in cash: while one of them is on its way back elsewhere, onto the card, the
    other comes back where it was bought."""
    lines = [{"sku": "100", "quantity_milli": 2000}]
    tenders = [{"kind": "card", "amount_minor": 129, "reference": "T1"}, {"kind": "cash", "amount_minor": 129}]
    sold = (await chain.first.call("POST", "/v1/sales", {"id": str(new_id()), "lines": lines, "tenders": tenders})).json
    await chain.agree()
    body = {"sale": sold["number"], "lines": [{"line": 1, "quantity_milli": 1000}], "reason": "x"}
    by_card = [{"kind": "card", "amount_minor": 129}]
    # Its goods and money are kept, and it is not booked yet: this till has no open shift.
    kept = await chain.second.call(
        "POST", "/v1/returns", {**body, "id": str(new_id()), "refunds": by_card}, role="manager"
    )
    assert kept.json["code"] == "no_open_shift"
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'returned_elsewhere'", bool)
    assert (await quote(chain.first, sold["number"])).json["refunds_allowed"] == [{"kind": "cash", "max_minor": 129}]
    refused = await chain.first.call("POST", "/v1/returns", {**body, "id": str(new_id()), "refunds": by_card})
    assert (refused.status, refused.json["code"]) == (422, "refund_too_large")
    in_cash = [{"kind": "cash", "amount_minor": 129}]
    taken = await chain.first.call("POST", "/v1/returns", {**body, "id": str(new_id()), "refunds": in_cash})
    assert taken.status == 201, taken


async def test_goods_of_another_store_pay_for_new_ones_exactly_and_once(chain: Chain) -> None:
    """Three pieces of milk of the first store: one pays for milk at the second, one is paid back, one stays."""
    member = await member_with(chain.first, 100)
    sold = await sell(chain.first, member=member)
    due, earned = sold["totals"]["due_minor"], sold["points"]["earned"]
    await chain.agree()
    body = exchange_of(sold["number"], 2000, [])
    told = (await chain.second.call("POST", "/v1/quotes", {name: body[name] for name in ("lines", "returns")})).json
    goods, refund = told["totals"]["due_minor"], told["refund_minor"]
    [back] = told["returned"]
    assert (told["pay_minor"], refund, back["value_minor"]) == (0, back["value_minor"] - goods, 2 * due // 3)
    body["refunds"] = [{"kind": "card", "amount_minor": refund}]
    too_much = {**body, "refunds": [{"kind": "card", "amount_minor": refund + 1}]}
    refused = await chain.second.call("POST", "/v1/sales", too_much)
    assert (refused.status, refused.json["code"]) == (422, "refund_mismatch")
    assert not list_in_use(chain.second.store.door), "what will be refused is not asked for"
    replies = [await chain.second.call("POST", "/v1/sales", body) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 200]
    await chain.agree()
    await heard(chain, sold["id"], '{"1":2000}')
    last = await take_back(chain.first, sold["number"])
    assert last.json["refund_minor"] + refund + goods == due, "all of it, and no more"
    await chain.agree()
    points = await chain.hub.hub.database.read(
        lambda tx: tx.execute("SELECT active + pending, debt FROM account").fetchall()
    )
    assert [tuple(row) for row in points] == [(100, 0)], earned
    assert await count(chain.second, "posting") == 0
    assert await chain.incidents() == []


def exchange_of(number: str, milli: int, refunds: list[dict[str, object]]) -> dict[str, Any]:
    """One piece of milk for goods of the first line of a receipt."""
    return {
        "id": str(new_id()),
        "lines": [{"sku": "100", "quantity_milli": 1000}],
        "returns": [{"sale": number, "line": 1, "quantity_milli": milli}],
        "refunds": refunds,
    }


async def test_an_exchange_with_points_of_the_buyer_keeps_both_accounts_right(chain: Chain) -> None:
    """The goods of two receipts that come back had earned points there, the new ones earn some here: one fact."""
    member, phone = str(new_id()), "+48600700800"
    enrolled = await chain.first.call("POST", "/v1/members", {"id": member, "locale": "en", "phone": phone})
    assert enrolled.status == 201
    sales = [await sell(chain.first, 1, member=member) for _ in range(2)]
    await chain.agree()
    assert (await chain.second.call("POST", "/v1/members/resolve", {"phone": phone})).status == 200
    body = {
        "id": str(new_id()),
        "member": member,
        "lines": [{"sku": "101", "quantity_milli": 2000}],
        "returns": [{"sale": sold["number"], "line": 1, "quantity_milli": 1000} for sold in sales],
        "tenders": [{"kind": "cash", "amount_minor": 10_000}],
    }
    taken = await chain.second.call("POST", "/v1/sales", body)
    assert taken.status == 201, taken
    await chain.agree()
    [(points, debt)] = await chain.hub.hub.database.read(
        lambda tx: tx.execute("SELECT active + pending, debt FROM account").fetchall()
    )
    assert (points, debt) == (taken.json["points"]["earned"], 0)
    postings = await chain.hub.hub.database.read(lambda tx: tx.execute("SELECT kind, n FROM posting").fetchall())
    earned = [("earn", 1)] * 3
    assert sorted(tuple(row) for row in postings) == [*earned, ("reverse_earn", 1000), ("reverse_earn", 1001)]
    assert await chain.incidents() == []


async def test_an_exchange_with_goods_of_elsewhere_needs_the_line(chain: Chain) -> None:
    sold = await sell(chain.first)
    await chain.agree()
    await cut(chain.second)
    for path, body in (
        ("/v1/sales", exchange_of(sold["number"], 1000, [])),
        ("/v1/quotes", {"lines": [], "returns": exchange_of(sold["number"], 1000, [])["returns"]}),
    ):
        refused = await chain.second.call("POST", path, body)
        assert (refused.status, refused.json["code"]) == (409, "return_needs_line")


async def test_of_a_return_and_an_exchange_of_the_last_piece_at_once_exactly_one_is_taken(chain: Chain) -> None:
    await chain.second.open_shift(role="manager")
    for _ in range(ROUNDS):
        sold = await sell(chain.first, 1)
        await chain.agree()
        told = (await quote(chain.second, sold["number"])).json
        back = {
            "id": str(new_id()),
            "sale": sold["id"],
            "lines": [{"line": 1, "quantity_milli": 1000}],
            "refunds": [{"kind": "card", "amount_minor": told["refund_minor"]}],
            "reason": "x",
        }
        swap = exchange_of(sold["number"], 1000, [])
        swap |= {"lines": [{"sku": "101", "quantity_milli": 1000}], "tenders": [{"kind": "cash", "amount_minor": 9000}]}
        replies = await asyncio.gather(
            chain.second.call("POST", "/v1/returns", back, role="manager"), chain.second.call("POST", "/v1/sales", swap)
        )
        assert sorted(reply.status for reply in replies) == [201, 409], replies
    await chain.agree()
    assert await chain.incidents() == []


async def test_what_head_office_does_not_keep_any_more_is_neither_taken_back_nor_exchanged(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reservation was given back before the fact was written."""
    monkeypatch.setattr(reserving, "PATIENCE_S", 120.0)
    sold = await sell(chain.first, 1)
    await chain.agree()
    door = chain.second.store.door
    assert door.reserver is not None
    reserver = door.reserver

    class TooLate:
        """Head office keeps it, and by the time its answer comes it was given back."""

        async def reserve(self, command: Reserving) -> ReservedAnswer:
            answer = await reserver.reserve(command)
            told = f"SELECT count(*) FROM feed_row WHERE entity = 'reservation' AND key = '{command.id}'"
            await until(chain.second, told, bool)
            await door.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ()))
            return answer

        async def read_sale(self, text: str) -> SaleState:
            return await reserver.read_sale(text)

        async def find_token(self, serial: int) -> CouponToken:
            return await reserver.find_token(serial)

    door.reserver = TooLate()
    refused = await take_back(chain.second, sold["number"])
    assert (refused.status, refused.json["code"]) == (409, "return_needs_line")
    swap = {**exchange_of(sold["number"], 1000, []), "tenders": [{"kind": "cash", "amount_minor": 900}]}
    refused = await chain.second.call("POST", "/v1/sales", swap)
    assert (refused.status, refused.json["code"]) == (409, "return_needs_line")
    door.reserver = reserver
    await chain.agree()
    assert (await take_back(chain.second, sold["number"])).status == 201
