"""Coupons that several stores take: two real stores and a real head office, with the line up, down, and lost midway."""

import asyncio
import contextlib
from typing import Any

import pytest

from kiosk.sales.reservations import give_back, has_reservations
from kiosk.web import reserving
from loyalty.coupon_codes import print_code
from sync.agent.client import HubSilent
from sync.protocol.commands import CouponToken, ReservedAnswer, Reserving
from sync.protocol.sale_states import SaleState
from tests.kiosk.linked import settled
from tests.kiosk.shopkit import Reply, Running, new_id, sale_request
from tests.kiosk.web.chain import Chain, cut, make_deaf, reconnect, until
from tests.kiosk.web.test_points import PIN, member_with

ROUNDS = 5
PRICE, OFF = 259, 52


class Silent:
    """Head office gives no answer; `asked` rings when it was asked, and it is waited for until `gone` is set."""

    def __init__(self, *, hangs: bool) -> None:
        self.asked, self.gone = asyncio.Event(), asyncio.Event()
        if not hangs:
            self.gone.set()

    async def reserve(self, _command: Reserving) -> ReservedAnswer:
        self.asked.set()
        await self.gone.wait()
        raise HubSilent("gone")

    async def read_sale(self, _text: str) -> SaleState:
        raise HubSilent("gone")

    async def find_token(self, _serial: int) -> CouponToken:
        raise HubSilent("gone")


async def buy(store: Running, code: str, sale: str | None = None) -> Reply:
    named: dict[str, Any] = {"id": sale} if sale else {}
    return await store.call("POST", "/v1/sales", sale_request("101", coupons=[code], **named))


async def quote(store: Running, code: str) -> Any:  # noqa: ANN401
    return (await store.call("POST", "/v1/quotes", {"lines": [{"sku": "101"}], "coupons": [code]})).json


async def test_a_coupon_is_used_in_another_store_and_nowhere_again(chain: Chain) -> None:
    coupon = await chain.issue()
    shown = (await chain.second.call("POST", "/v1/coupons/verify", {"code": coupon["token"]})).json
    assert (shown["ok"], shown["store"]) == (True, "S001")
    sold = await buy(chain.second, coupon["token"])
    assert (sold.status, sold.json["totals"]["due_minor"]) == (201, PRICE - OFF)
    for store in chain.stores:
        again = await buy(store, coupon["token"])
        assert (again.status, again.json["code"]) == (409, "coupon_used")
    await chain.agree()
    await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", lambda n: n == 0)
    assert await chain.incidents() == []
    # Also without a line, once it was heard.
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'coupon_used'", lambda n: n == 1)
    await cut(chain.first)
    again = await buy(chain.first, coupon["token"])
    assert (again.status, again.json["code"]) == (409, "coupon_used")


async def test_of_two_stores_at_the_same_instant_exactly_one_takes_the_coupon(chain: Chain) -> None:
    for _ in range(ROUNDS):
        coupon = await chain.issue()
        replies = await asyncio.gather(*(buy(store, coupon["token"]) for store in chain.stores))
        assert sorted(reply.status for reply in replies) == [201, 409]
        assert [reply.json["code"] for reply in replies if reply.status == 409] == ["coupon_used"]
    await chain.agree()
    assert await chain.incidents() == []


async def test_the_same_sale_again_after_a_lost_answer_is_one_sale(chain: Chain) -> None:
    coupon, sale = await chain.issue(), str(new_id())
    replies = [await buy(chain.second, coupon["token"], sale) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 200]


async def test_a_sale_that_fails_keeps_its_coupon_for_itself_and_gives_it_back_in_the_end(chain: Chain) -> None:
    coupon, sale = await chain.issue(), str(new_id())
    short = sale_request("101", coupons=[coupon["token"]], id=sale, tenders=[{"kind": "cash", "amount_minor": 1}])
    assert (await chain.second.call("POST", "/v1/sales", short)).json["code"] == "underpaid"
    assert (await buy(chain.first, coupon["token"])).json["code"] == "coupon_used"
    door = chain.second.store.door
    await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", lambda n: n == 1)
    kept = reserving.list_in_use(door)
    assert await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), kept)) == 0
    # The service ended and forgot that it had asked.
    assert await chain.second.store.database.read(has_reservations)
    assert await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ())) == 1
    assert await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ())) == 0
    await chain.agree()
    assert (await buy(chain.first, coupon["token"])).status == 201
    # The cashier comes back to the sale: it asks under another name, and is told.
    late = await buy(chain.second, coupon["token"], sale)
    assert (late.status, late.json["code"]) == (409, "coupon_used")


async def test_a_reservation_that_was_given_back_backs_no_sale(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes, the reservation is given back, and only then the sale gets its turn to write."""
    coupon = await chain.issue()
    door = chain.second.store.door
    ask = door.reserver

    class Slow(Silent):
        async def reserve(self, command: Reserving) -> ReservedAnswer:
            assert ask is not None
            granted = await ask.reserve(command)
            await until(chain.second, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", lambda n: n == 1)
            await chain.second.store.database.write(lambda tx: give_back(tx, door.shop, door.now_ms(), ()))
            return granted

    door.reserver = Slow(hangs=False)
    assert (await buy(chain.second, coupon["token"])).status == 201
    risk = await chain.second.store.database.read(lambda tx: tx.execute("SELECT risk_minor FROM coupon_use").fetchone())
    assert risk == (OFF,)


async def test_while_head_office_is_asked_other_tills_sell(chain: Chain) -> None:
    """Nothing holds the writer while the line is slow; after that the rules without a line decide."""
    coupon = await chain.issue()
    silent = chain.second.store.door.reserver = Silent(hangs=True)
    waiting = asyncio.create_task(buy(chain.second, coupon["token"]))
    await silent.asked.wait()
    assert (await chain.second.sell("100")).status == 201
    assert not waiting.done()
    silent.gone.set()
    assert (await waiting).status == 201


async def test_without_a_line_a_coupon_is_taken_up_to_its_limit_and_the_stores(chain: Chain) -> None:
    coupons = [await chain.issue() for _ in range(4)]
    own = await chain.issue(scope="store")
    await cut(chain.second)
    await cut(chain.first)
    for coupon in coupons[:2]:
        assert (await quote(chain.second, coupon["token"]))["refused"] == []
        assert (await buy(chain.second, coupon["token"])).status == 201
    # 2 * 52 of 110 are gone.
    refused = await buy(chain.second, coupons[2]["token"])
    assert (refused.status, refused.json["code"], refused.json["left_minor"]) == (409, "store_limit_reached", 6)
    shown = await quote(chain.second, coupons[2]["token"])
    assert [note["code"] for note in shown["refused"]] == ["store_limit_reached"]
    assert shown["totals"]["due_minor"] == PRICE
    # Two bars take off more than one coupon may.
    twice = sale_request("101", 2000, coupons=[coupons[3]["token"]])
    refused = await chain.first.call("POST", "/v1/sales", twice)
    assert (refused.status, refused.json["code"]) == (409, "coupon_limit_reached")
    # What only its own store takes is free.
    assert (await buy(chain.first, own["token"])).status == 201


async def test_a_coupon_taken_in_both_stores_without_a_line_is_an_incident_and_taken_no_third_time(
    chain: Chain,
) -> None:
    coupon = await chain.issue()
    for store in chain.stores:
        await cut(store)
    numbers = [(await buy(store, coupon["token"])).json["number"] for store in reversed(chain.stores)]
    async with contextlib.AsyncExitStack() as stack:
        for store in reversed(chain.stores):
            await reconnect(stack, store)
            await settled(chain.hub, store)
            await chain.hub.hub.appliers.settle()
        [incident] = await chain.incidents()
        assert (incident["kind"], [ref["number"] for ref in incident["refs"]]) == ("coupon_reuse", numbers)
        assert [ref["value_minor"] for ref in incident["refs"]] == [OFF, OFF]
        _, report = await chain.hub.call("GET", "/v1/reports/exposure", token=await chain.hub.office())
        assert report["figures"]["coupon_loss_minor"] == OFF


async def test_a_code_that_is_typed_in_another_store_is_as_good_as_its_scan(chain: Chain) -> None:
    coupon, sale = await chain.issue(), str(new_id())
    shown = (await chain.second.call("POST", "/v1/coupons/verify", {"code": coupon["code"]})).json
    assert (shown["ok"], shown["store"], shown["code"]) == (True, "S001", coupon["code"])
    scanned = (await chain.second.call("POST", "/v1/scans", {"text": coupon["code"]})).json
    assert (scanned["kind"], scanned["coupon"]["ok"], scanned["coupon"]["store"]) == ("coupon", True, "S001")
    told = await quote(chain.second, coupon["code"].lower())
    assert (told["refused"], told["totals"]["due_minor"]) == ([], PRICE - OFF)
    parked = {"id": str(new_id()), "lines": [{"sku": "101"}], "coupons": [coupon["code"]]}
    assert (await chain.second.call("POST", "/v1/parked", parked)).status == 201
    sold = await buy(chain.second, coupon["code"], sale)
    assert (sold.status, sold.json["totals"]["due_minor"]) == (201, PRICE - OFF)
    backed = await chain.second.store.database.read(
        lambda tx: tx.execute("SELECT store, risk_minor FROM coupon_use").fetchone()
    )
    assert backed == ("S001", 0), "head office has kept it"
    await chain.agree()
    assert (await buy(chain.second, coupon["code"])).json["code"] == "coupon_used"
    # The same sale again is the same sale, also when nobody can be asked what the code stands for.
    await cut(chain.second)
    again = await buy(chain.second, coupon["code"], sale)
    assert (again.status, again.json["number"]) == (200, sold.json["number"])


@pytest.mark.parametrize(
    ("scope", "reason"), [("store", "wrong_store"), ("nobody", "unknown_coupon"), ("void", "coupon_void")]
)
async def test_a_typed_code_of_elsewhere_is_refused_for_what_it_is(chain: Chain, scope: str, reason: str) -> None:
    if scope == "nobody":
        code = print_code(4_711_000_011)
    else:
        coupon = await chain.issue(scope="chain" if scope == "void" else scope)
        code = coupon["code"]
        if scope == "void":
            path = f"/v1/coupons/{coupon['serial']}/void"
            assert (await chain.first.call("POST", path, {"reason": "x"}, role="manager")).status == 200
            await chain.agree()
    refused = await buy(chain.second, code)
    assert refused.json["code"] == reason, refused


@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_without_an_answer_a_strange_code_is_refused_with_what_to_do_and_an_own_one_taken(
    chain: Chain, how: str
) -> None:
    coupon = await chain.issue()
    if how == "cut":
        await cut(chain.second)
        await cut(chain.first)
    else:
        chain.second.store.door.reserver = Silent(hangs=False)
    shown = await quote(chain.second, coupon["code"])
    assert [note["code"] for note in shown["refused"]] == ["coupon_code_needs_line"]
    refused = await buy(chain.second, coupon["code"])
    assert (refused.status, refused.json["code"]) == (409, "coupon_code_needs_line")
    assert "Scan its QR code" in refused.json["hint"]
    assert (await buy(chain.second, coupon["token"])).status == 201, "scanned, within the limits without a line"
    own = await chain.first.call("POST", "/v1/coupons/verify", {"code": coupon["code"]})
    assert own.json["ok"]


async def test_of_a_void_for_points_and_a_use_elsewhere_at_once_exactly_one_is_done(chain: Chain) -> None:
    """Else the member had her points back, and her chocolate as well."""
    reward = {"title": {"en": "A fifth off"}, "points": 150, "gives": {"kind": "coupon", "offer": "CHOC20"}}
    put = await chain.first.call("PUT", "/v1/rewards/choc", reward, role="manager")
    assert put.status == 201, put
    member = await member_with(chain.first, 150 * ROUNDS, phone="+48600700800")
    await chain.agree()
    assert (await chain.second.call("POST", "/v1/members/resolve", {"phone": "+48600700800"})).status == 200
    told = []
    for _ in range(ROUNDS):
        body = {"id": str(new_id()), "member": member, "points": 150, "proof": PIN, "reward": "choc"}
        held = await chain.first.call("POST", "/v1/holds", body)
        assert held.status == 201, held
        coupon = await chain.issue(member=member, hold=body["id"])
        path = f"/v1/coupons/{coupon['serial']}/void"
        used, voided = await asyncio.gather(
            chain.second.call("POST", "/v1/sales", sale_request("101", coupons=[coupon["token"]], member=member)),
            chain.first.call("POST", path, {"reason": "not wanted"}, role="manager"),
        )
        assert sorted((used.status, voided.status)) in ([200, 409], [201, 409]), (used, voided)
        told.append(voided.json["points_given_back"] if voided.status == 200 else used.json["points"]["earned"])
        await chain.agree()
    active = await chain.hub.hub.database.read(lambda tx: tx.execute("SELECT active FROM account").fetchone())
    assert active is not None
    assert tuple(active) == (sum(told),)
    assert await chain.incidents() == []
    coupon = await chain.issue()
    await cut(chain.first)
    path = f"/v1/coupons/{coupon['serial']}/void"
    free = await chain.first.call("POST", path, {"reason": "a mistake"}, role="manager")
    assert free.status == 200, "one that cost nothing is voided without a line, too"


async def test_a_coupon_that_was_just_used_elsewhere_is_neither_voided_nor_issued_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store that issued it has not heard of it yet; then its line is down and it could not hear."""
    coupon = await chain.issue()
    hears = make_deaf(chain.first, monkeypatch)
    assert (await buy(chain.second, coupon["token"])).status == 201
    refused = await issue_again(chain.first, coupon["serial"])
    assert (refused.status, refused.json["code"]) == (409, "coupon_used")
    path = f"/v1/coupons/{coupon['serial']}/void"
    refused = await chain.first.call("POST", path, {"reason": "x"}, role="manager")
    assert (refused.status, refused.json["code"]) == (409, "coupon_used")
    hears.set()
    other, third = await chain.issue(), await chain.issue()
    body = {"id": str(new_id()), "reason": "lost"}
    replies = [await issue_again(chain.first, other["serial"], body) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 200]
    await chain.agree()
    assert (await buy(chain.second, other["token"])).json["code"] == "coupon_void"
    assert (await buy(chain.second, replies[0].json["token"])).status == 201
    await until(chain.first, "SELECT count(*) FROM feed_row WHERE entity = 'reservation'", lambda n: n == 0)
    await cut(chain.first)
    refused = await issue_again(chain.first, third["serial"])
    assert (refused.status, refused.json["code"]) == (409, "coupon_void_needs_line")
    assert (await issue_again(chain.first, other["serial"], body)).status == 200


async def issue_again(store: Running, serial: str, body: object = None) -> Reply:
    body = body or {"id": str(new_id()), "reason": "lost"}
    return await store.call("POST", f"/v1/coupons/{serial}/reissue", body, role="manager")
