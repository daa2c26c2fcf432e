"""Goods that come back to the store that sold them while the line is up: head office keeps them from all others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kiosk.web import reserving
from kiosk.web.reserving import list_in_use
from sync.agent.client import HubRefused, HubSilent
from sync.protocol.commands import CouponToken, ReservedAnswer, Reserving
from sync.protocol.sale_states import SaleState
from tests.kiosk.shopkit import Reply, Running, new_id
from tests.kiosk.web.chain import Chain, cut, make_deaf, until
from tests.kiosk.web.test_chain_returns import exchange_of, heard, quote, sell, take_back

Way = Callable[[Running, Any], Awaitable[Reply]]


async def by_return(store: Running, sold: Any) -> Reply:  # noqa: ANN401
    return await take_back(store, sold["number"])


async def by_exchange(store: Running, sold: Any) -> Reply:  # noqa: ANN401
    body = {**exchange_of(sold["number"], 1000, []), "tenders": [{"kind": "cash", "amount_minor": 900}]}
    return await store.call("POST", "/v1/sales", body)


async def by_void(store: Running, sold: Any) -> Reply:  # noqa: ANN401
    return await store.call("POST", f"/v1/sales/{sold['id']}/void", {"reason": "x"})


WAYS: tuple[tuple[Way, str], ...] = (
    (by_return, "nothing_left_to_return"),
    (by_exchange, "nothing_left_to_return"),
    (by_void, "already_returned"),
)


ROUNDS = 4


class Between:
    """Asks head office; something happens before each answer comes."""

    def __init__(self, store: Running, happens: Callable[[], Awaitable[None]]) -> None:
        reserver = store.store.door.reserver
        assert reserver is not None
        self._reserver, self._happens = reserver, happens
        self.asked: list[Reserving] = []

    async def reserve(self, command: Reserving) -> ReservedAnswer:
        self.asked.append(command)
        answer = await self._reserver.reserve(command)
        await self._happens()
        return answer

    async def read_sale(self, text: str) -> SaleState:
        return await self._reserver.read_sale(text)

    async def find_token(self, serial: int) -> CouponToken:
        return await self._reserver.find_token(serial)


async def nothing() -> None:
    """Nothing happens."""


@pytest.mark.parametrize(("way", "gone"), WAYS)
async def test_goods_that_came_back_elsewhere_a_moment_ago_are_not_taken_back_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, way: Way, gone: str
) -> None:
    sold = await sell(chain.first, 1)
    await chain.agree()
    hears = make_deaf(chain.first, monkeypatch)
    assert (await take_back(chain.second, sold["number"])).status == 201
    refused = await way(chain.first, sold)
    assert (refused.status, refused.json["code"]) == (409, "returned_elsewhere_now")
    hears.set()
    await heard(chain, sold["id"], '{"1":1000}')
    refused = await way(chain.first, sold)
    assert (refused.status, refused.json["code"]) == (409, gone)
    await chain.agree()
    assert await chain.incidents() == []


@pytest.mark.parametrize(("way", "_gone"), WAYS)
async def test_what_the_store_that_sold_is_taking_back_no_other_one_gets(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, way: Way, _gone: str
) -> None:
    monkeypatch.setattr(reserving, "PATIENCE_S", 120.0)
    sold, refusals = await sell(chain.first, 1), []
    await chain.agree()

    async def come_back() -> None:
        refusals.append((await take_back(chain.second, sold["number"])).json["code"])

    chain.first.store.door.reserver = Between(chain.first, come_back)
    assert (await way(chain.first, sold)).status in {200, 201}
    await chain.agree()
    await come_back()
    assert refusals[0] == "returned_elsewhere_now"
    assert refusals[1] in {"nothing_left_to_return", "sale_voided"}
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", lambda n: n == 0)
    assert await chain.incidents() == []


@pytest.mark.parametrize(("way", "_gone"), WAYS)
@pytest.mark.parametrize("trouble", [HubSilent("no answer"), HubRefused("lending_closed")])
async def test_without_an_answer_own_receipts_are_taken_back_all_the_same(
    chain: Chain, way: Way, _gone: str, trouble: Exception
) -> None:
    sold = await sell(chain.first, 1)

    async def fail() -> None:
        raise trouble

    asking = chain.first.store.door.reserver = Between(chain.first, fail)
    assert (await way(chain.first, sold)).status in {200, 201}
    assert len(asking.asked) == 1


async def test_nobody_is_asked_about_what_is_booked_already_or_without_a_line(chain: Chain) -> None:
    asking = chain.first.store.door.reserver = Between(chain.first, nothing)
    for way, _ in WAYS:
        sold = await sell(chain.first)
        assert not asking.asked, "a sale asks for nothing"
        assert (await way(chain.first, sold)).status in {200, 201}
        assert len(asking.asked) == 1
        asking.asked.clear()
    assert ((await by_void(chain.first, sold)).status, asking.asked) == (200, [])
    sold, id_ = await sell(chain.first), str(new_id())
    told = (await quote(chain.first, sold["number"])).json["refund_minor"]
    swap = {**exchange_of(sold["number"], 1000, []), "tenders": [{"kind": "cash", "amount_minor": 900}]}
    back = {
        "id": id_,
        "sale": sold["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "card", "amount_minor": told}],
        "reason": "x",
    }
    for path, body in (("/v1/returns", back), ("/v1/sales", swap)):
        assert [(await chain.first.call("POST", path, body)).status for _ in range(2)] == [201, 200]
        assert len(asking.asked) == 1
        asking.asked.clear()
    await chain.first.open_shift(role="manager")
    voided = await chain.first.call("POST", f"/v1/sales/{sold['id']}/void", {"reason": "x"}, role="manager")
    assert (voided.json["code"], asking.asked) == ("sold_on_another_till", [])
    await cut(chain.first)
    assert (await by_return(chain.first, sold)).status == 201
    assert asking.asked == []


async def test_a_return_that_was_refused_after_it_was_asked_for_may_begin_anew_on_any_till(chain: Chain) -> None:
    """The till has no open shift; the cashier takes the receipt to the next one, under another id."""
    sold = await sell(chain.first, 1)
    body = {
        "sale": sold["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "card", "amount_minor": sold["totals"]["due_minor"]}],
        "reason": "x",
    }
    refused = await chain.first.call("POST", "/v1/returns", {**body, "id": str(new_id())}, role="manager")
    assert (refused.status, refused.json["code"]) == (409, "no_open_shift")
    assert list_in_use(chain.first.store.door)
    assert (await chain.first.call("POST", "/v1/returns", {**body, "id": str(new_id())})).status == 201
    wrong = {**body, "id": str(new_id()), "refunds": []}
    before = list_in_use(chain.first.store.door)
    other = await sell(chain.first, 1)
    refused = await chain.first.call("POST", "/v1/returns", {**wrong, "sale": other["number"]})
    assert (refused.status, refused.json["code"]) == (422, "refund_mismatch")
    assert list_in_use(chain.first.store.door) == before, "what will be refused is not asked for"


async def test_of_returns_here_and_there_at_the_same_instant_no_kind_gives_back_more_than_it_paid(chain: Chain) -> None:
    """Two pieces, one paid by card and one in cash; both stores give one back onto the card."""
    lines = [{"sku": "100", "quantity_milli": 2000}]
    tenders = [{"kind": "card", "amount_minor": 129, "reference": "T1"}, {"kind": "cash", "amount_minor": 129}]
    for _ in range(ROUNDS):
        body = {"id": str(new_id()), "lines": lines, "tenders": tenders}
        sold = (await chain.first.call("POST", "/v1/sales", body)).json
        await chain.agree()
        back = {"sale": sold["number"], "lines": [{"line": 1, "quantity_milli": 1000}], "reason": "x"}
        by_card = [{"kind": "card", "amount_minor": 129}]
        replies = await asyncio.gather(
            *(
                store.call("POST", "/v1/returns", {**back, "id": str(new_id()), "refunds": by_card})
                for store in chain.stores
            )
        )
        assert [reply.status for reply in replies].count(201) == 1, replies
        [refused] = [reply.json["code"] for reply in replies if reply.status != 201]
        assert refused in {"returned_elsewhere_now", "refund_too_large"}
        await chain.agree()
    paid = await chain.hub.hub.database.read(
        lambda tx: tx.execute("SELECT settles, sum(amount_minor) FROM money_back GROUP BY settles").fetchall()
    )
    assert [tuple(row) for row in paid] == [("card", 129 * ROUNDS)]
    assert await chain.incidents() == []
