"""Gift cards that every store of a chain sells and takes: head office says what is on them, and nobody else."""

import asyncio
from typing import Any

import pytest

from kiosk.sales.reservations import give_back
from sync.agent.client import HubSilent
from tests.kiosk.shopkit import Reply, Running, new_id
from tests.kiosk.web.chain import Chain, cut, until

ROUNDS = 4
VALUE = 5000


async def sell_card(chain: Chain, code: str, store: Running | None = None) -> Any:  # noqa: ANN401
    """Sell a card of 50.00, as soon as head office knows it."""
    store = store or chain.first
    body = {
        "id": str(new_id()),
        "lines": [{"sku": "GC", "quantity_milli": 1000, "gift_card": code}],
        "tenders": [{"kind": "cash", "amount_minor": VALUE}],
    }
    reply = await store.call("POST", "/v1/sales", body)
    assert reply.status == 201, reply
    await chain.agree()
    return reply.json


def payment(code: str, pieces: int = 1, **more: object) -> dict[str, object]:
    """Milk at 1.99 a piece, paid with a card."""
    lines = [{"sku": "100", "quantity_milli": 1000, "unit_price_minor": 1000, "reason": "x"}] * pieces
    tender = {"kind": "gift_card", "amount_minor": 1000 * pieces, "code": code}
    return {"id": str(new_id()), "lines": lines, "tenders": [tender], **more}


async def pay(store: Running, code: str, pieces: int = 1, role: str = "manager", **more: object) -> Reply:
    return await store.call("POST", "/v1/sales", payment(code, pieces, **more), role=role)


async def balance(store: Running, code: str) -> Reply:
    return await store.call("POST", "/v1/gift-cards/balance", {"code": code})


@pytest.fixture
async def managed(chain: Chain) -> Chain:
    """Managers may set prices, which makes round sums."""
    for store in chain.stores:
        await store.open_shift(role="manager")
    return chain


async def test_a_card_of_one_store_pays_in_the_other_and_what_is_left_in_the_first(managed: Chain) -> None:
    chain = managed
    await sell_card(chain, "CHAIN-CARD-0001")
    for store in chain.stores:
        shown = await balance(store, "chain card 0001")
        assert (shown.status, shown.json["balance_minor"], shown.json["ending"]) == (200, VALUE, "0001")
    assert (await pay(chain.second, "CHAIN-CARD-0001", 3)).status == 201
    await chain.agree()
    for store in chain.stores:
        short = await pay(store, "CHAIN-CARD-0001", 3)
        assert (short.status, short.json["code"], short.json["balance_minor"]) == (409, "gift_card_short", 2000)
    assert (await pay(chain.first, "CHAIN-CARD-0001", 2)).status == 201
    await chain.agree()
    assert (await balance(chain.second, "CHAIN-CARD-0001")).json["balance_minor"] == 0
    assert await chain.incidents() == []


async def test_of_two_stores_at_the_same_instant_only_what_is_on_the_card_is_spent(managed: Chain) -> None:
    chain = managed
    for round_ in range(ROUNDS):
        code = f"RACE-CARD-{round_:04}"
        await sell_card(chain, code)
        replies = await asyncio.gather(*(pay(store, code, 3) for store in chain.stores))
        assert sorted(reply.status for reply in replies) == [201, 409]
        assert [reply.json["code"] for reply in replies if reply.status == 409] == ["gift_card_short"]
    await chain.agree()
    assert await chain.incidents() == []


async def test_without_a_line_no_card_pays_not_even_an_own_one(managed: Chain) -> None:
    chain = managed
    await sell_card(chain, "LINE-CARD-0001")
    await cut(chain.first)
    for reply in (await pay(chain.first, "LINE-CARD-0001"), await balance(chain.first, "LINE-CARD-0001")):
        assert (reply.status, reply.json["code"]) == (409, "gift_card_needs_line")

    class Silent:
        async def reserve(self, _command: object) -> Any:  # noqa: ANN401
            raise HubSilent("gone")

        async def read_sale(self, _text: str) -> Any:  # noqa: ANN401
            raise HubSilent("gone")

        async def find_token(self, _serial: int) -> Any:  # noqa: ANN401
            raise HubSilent("gone")

    # The line seems up and nobody answers.
    chain.second.store.door.reserver = Silent()
    for reply in (await pay(chain.second, "LINE-CARD-0001"), await balance(chain.second, "LINE-CARD-0001")):
        assert (reply.status, reply.json["code"]) == (409, "gift_card_needs_line")


async def test_a_card_nobody_sold_is_unknown(managed: Chain) -> None:
    for reply in (await pay(managed.second, "NONE-CARD-0001"), await balance(managed.second, "NONE-CARD-0001")):
        assert (reply.status, reply.json["code"]) == (422, "unknown_gift_card")


async def test_what_was_paid_with_a_card_of_elsewhere_goes_back_onto_it(managed: Chain) -> None:
    chain = managed
    await sell_card(chain, "BACK-CARD-0001")
    sold = (await pay(chain.second, "BACK-CARD-0001", 2)).json
    told = await chain.second.call(
        "POST", "/v1/return-quotes", {"sale": sold["number"], "lines": [{"line": 1, "quantity_milli": 1000}]}
    )
    body = {
        "id": str(new_id()),
        "sale": sold["number"],
        "lines": [{"line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "gift_card", "amount_minor": told.json["refund_minor"]}],
        "reason": "x",
    }
    assert (await chain.second.call("POST", "/v1/returns", body)).status == 201
    await chain.agree()
    assert (await balance(chain.first, "BACK-CARD-0001")).json["balance_minor"] == 4000
    refused = await chain.first.call("GET", f"/v1/sales/{sold['number']}")
    assert refused.status == 200
    away = {**body, "id": str(new_id()), "lines": [{"line": 2, "quantity_milli": 1000}]}
    refused = await chain.first.call("POST", "/v1/returns", away)
    assert (refused.status, refused.json["code"]) == (409, "card_stays_there")


async def test_a_card_that_was_spent_elsewhere_does_not_come_back(managed: Chain) -> None:
    chain = managed
    spent, whole = await sell_card(chain, "GONE-CARD-0001"), await sell_card(chain, "GONE-CARD-0002")
    assert (await pay(chain.second, "GONE-CARD-0001")).status == 201
    await chain.agree()
    refused = await chain.first.call("POST", f"/v1/sales/{spent['id']}/void", {"reason": "x"})
    assert (refused.status, refused.json["code"]) == (409, "gift_card_spent")
    voided = await chain.first.call("POST", f"/v1/sales/{whole['id']}/void", {"reason": "x"})
    assert voided.status == 200
    await chain.agree()
    assert (await balance(chain.second, "GONE-CARD-0002")).json["balance_minor"] == 0
    assert await chain.incidents() == []


async def test_money_that_was_kept_and_not_spent_is_free_again(managed: Chain) -> None:
    """The service ended between head office's answer and the sale."""
    chain = managed
    await sell_card(chain, "KEPT-CARD-0001")
    wrong = payment("KEPT-CARD-0001", 5, quote_due_minor=1)
    assert (await chain.second.call("POST", "/v1/sales", wrong, role="manager")).json["code"] == "price_changed"
    assert (await balance(chain.first, "KEPT-CARD-0001")).json["balance_minor"] == 0
    await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", bool)
    door = chain.second.store.door
    assert await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ())) == 1
    await chain.agree()
    assert (await balance(chain.first, "KEPT-CARD-0001")).json["balance_minor"] == VALUE
    assert (await pay(chain.first, "KEPT-CARD-0001", 5)).status == 201


async def test_a_card_that_was_sold_comes_back_in_an_exchange_while_all_its_money_is_on_it(managed: Chain) -> None:
    chain = managed
    whole, spent = await sell_card(chain, "SWAP-CARD-0001"), await sell_card(chain, "SWAP-CARD-0002")
    assert (await pay(chain.second, "SWAP-CARD-0002")).status == 201
    await chain.agree()
    refused = await exchange(chain.first, spent["number"], VALUE)
    assert (refused.status, refused.json["code"]) == (409, "gift_card_spent")
    taken = await exchange(chain.first, whole["number"], VALUE)
    assert taken.status == 201, taken
    await chain.agree()
    assert (await balance(chain.second, "SWAP-CARD-0001")).json["balance_minor"] == 0
    await cut(chain.first)
    another = await chain.first.call("POST", "/v1/sales", payment_back(spent["number"], VALUE))
    assert (another.status, another.json["code"]) == (409, "gift_card_needs_line")
    assert await chain.incidents() == []


def payment_back(number: str, value: int) -> dict[str, object]:
    """Milk for 1.29, and the first line of a receipt that comes back for `value`, the rest in cash."""
    return {
        "id": str(new_id()),
        "lines": [{"sku": "100", "quantity_milli": 1000}],
        "returns": [{"sale": number, "line": 1, "quantity_milli": 1000}],
        "refunds": [{"kind": "cash", "amount_minor": value - 129}],
    }


async def exchange(store: Running, number: str, value: int) -> Reply:
    return await store.call("POST", "/v1/sales", payment_back(number, value))


async def test_goods_that_a_card_paid_for_by_way_of_an_exchange_stay_with_their_shop_too(managed: Chain) -> None:
    """The second receipt names no card; the money still belongs on the card that paid the first one."""
    chain = managed
    await sell_card(chain, "CHAIN-CARD-0008")
    paid = (await pay(chain.first, "CHAIN-CARD-0008")).json
    line = {"sku": "100", "quantity_milli": 1000, "unit_price_minor": 1000, "reason": "x"}
    back = {"sale": paid["number"], "line": 1, "quantity_milli": 1000}
    swap = {"id": str(new_id()), "lines": [line], "returns": [back]}
    swapped = await chain.first.call("POST", "/v1/sales", swap, role="manager")
    assert swapped.status == 201, swapped
    await chain.agree()
    lines = [{"line": 1, "quantity_milli": 1000}]
    quoted = await chain.second.call("POST", "/v1/return-quotes", {"sale": swapped.json["number"], "lines": lines})
    assert (quoted.status, quoted.json["code"]) == (409, "card_stays_there"), quoted
    refunds = [{"kind": "gift_card", "amount_minor": 1000}]
    body = {"id": str(new_id()), "sale": swapped.json["number"], "lines": lines, "refunds": refunds, "reason": "x"}
    assert (await chain.first.call("POST", "/v1/returns", body, role="manager")).status == 201
    await chain.agree()
    assert (await balance(chain.second, "CHAIN-CARD-0008")).json["balance_minor"] == VALUE
