"""Bugs put into the real SQL on purpose, one for each thing that these universes look at: each must be found there.

Every story is told twice: as it is, where it holds, and with the bug, where it does not. A story leaves nothing to
luck: what has to come first for the bug to show is waited for or made so, and is an error where it did not come.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import pytest

from kiosk.bundles.activation import activate_due
from kiosk.web import sales
from kiosk.web.sales import sell
from loyalty.apply_accounts import _save
from sync.compare import compare_rows
from sync.http.problems import StorageUnavailable
from sync.hub.lending import _Lent
from sync.hub.reserving import keep
from tests.simulation.disk_database import _Transaction
from tests.simulation.in_process_http import Reply, code_of
from tests.simulation.real_checks import agrees
from tests.simulation.real_plans import settle
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import PHONES
from tests.simulation.real_tills import PRICED, Till
from tests.simulation.real_universe import RealUniverse, Story, live

PATIENT_S = 1.5
"""A shop waits for two seconds for what it asks of head office (kiosk/web/reserving.py)."""

MUCH = [{"kind": "cash", "amount_minor": 1_000_000}]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class PremiseBroken(Exception):
    """The story did not come to the place where its bug would show. No AssertionError: no bug is found by this."""


def tell(story: Story) -> None:
    """A universe in which nothing happens by itself, the story, and the reckoning. Raises AssertionError."""
    live(1, lambda universe: universe.tell(story), luck=0)


@contextlib.contextmanager
def both_asked(universe: RealUniverse, kind: str) -> Iterator[None]:
    """Head office is asked twice for a thing of this kind before anybody hears its answer."""
    serve, asked, twice = universe.hub.serve, 0, asyncio.Event()

    async def answer_both(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        nonlocal asked
        reply = await serve(method, target, headers, body)
        if target == "/sync/v1/commands" and msgspec.json.decode(body)["kind"] == kind:
            asked += 1
            if asked == 2:
                twice.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(twice.wait(), PATIENT_S)
        return reply

    for shop in universe.shops:
        shop.line.serve = answer_both
    yield
    for shop in universe.shops:
        shop.line.serve = serve
    if asked != 2:
        raise PremiseBroken(f"{kind} was asked for {asked} times")


def till_of(universe: RealUniverse, shop: RealShop) -> Till:
    return Till(universe, shop, tuple(PHONES.values()))


def both_sell(universe: RealUniverse, **more: Any) -> None:  # noqa: ANN401  any field
    """Both shops sell chocolate at the same moment."""

    async def sell_at(shop: RealShop) -> None:
        body = {"id": universe.new_id(), "lines": [{"sku": "101"}], "tenders": MUCH, **more}
        reply = await shop.call("POST", "/v1/sales", body)
        assert reply is not None

    async def sell_everywhere() -> None:
        await asyncio.gather(*map(sell_at, universe.shops))

    universe.run_until(sell_everywhere())


def one_coupon_in_two_shops(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).issue())
    settle(universe)
    with both_asked(universe, "coupon_use"):
        both_sell(universe, coupons=universe.carried.coupons)


def one_card_in_two_shops(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sell_card())
    settle(universe)
    code = universe.carried.cards[0]
    with both_asked(universe, "gift_card"):
        both_sell(universe, tenders=[{"kind": "gift_card", "amount_minor": 259, "code": code}])


def goods_back_twice_elsewhere(universe: RealUniverse) -> None:
    """Two tills of the other shop take the same goods back at the same moment."""
    here, there = universe.shops
    universe.run_until(till_of(universe, here).sell(["101"], None))
    settle(universe)
    number = universe.carried.receipts[0][0]
    lines = [{"line": 1, "quantity_milli": 1000}]

    quote = universe.run_until(there.call("POST", "/v1/return-quotes", {"sale": number, "lines": lines}))
    assert quote is not None
    minor = msgspec.json.decode(quote.body)["refund_minor"]
    refunds = [{"kind": "cash", "amount_minor": minor}] if minor else []

    async def take() -> None:
        body = {"id": universe.new_id(), "sale": number, "lines": lines, "refunds": refunds, "reason": "too many"}
        await there.call("POST", "/v1/returns", body)

    async def take_twice() -> None:
        await asyncio.gather(take(), take())

    with both_asked(universe, "return_reserve"):
        universe.run_until(take_twice())


def all_points_in_two_shops(universe: RealUniverse) -> None:
    """A member's points are spent in both shops at the same moment."""
    universe.floor_minor = 0
    for shop in universe.shops:
        body = {"phone": PHONES["S001"]}
        universe.run_until(shop.call("POST", "/v1/members/resolve", body))
    settle(universe)
    member, expires_at = universe.members["S001"], universe.now_ms() + 600_000

    async def spend(shop: RealShop) -> None:
        hold = universe.new_id()
        await till_of(universe, shop).approve(hold.hex, expires_at)
        proof = {"kind": "approval", "value": hold.hex}
        held = await shop.call("POST", "/v1/holds", {"id": hold, "member": member, "points": 150, "proof": proof})
        assert held is not None
        if not code_of(held):
            paid = {"kind": "points", "amount_minor": 150, "hold": hold}
            body = {"id": universe.new_id(), "lines": [{"sku": "101"}], "member": member, "tenders": [paid, *MUCH]}
            await shop.call("POST", "/v1/sales", body)

    async def spend_everywhere() -> None:
        await asyncio.gather(*map(spend, universe.shops))

    with both_asked(universe, "lease"):
        universe.run_until(spend_everywhere())


def sales_of_a_day(universe: RealUniverse) -> None:
    for shop in universe.shops * 3:
        universe.run_until(till_of(universe, shop).adjust())
        universe.run_until(till_of(universe, shop).sale())


def a_price_of_tomorrow(universe: RealUniverse) -> None:
    universe.faults.plan_price(600)
    while agrees(universe):
        universe.wait(1_000)
    for shop in universe.shops:
        universe.run_until(till_of(universe, shop).sell([PRICED], None))
    if universe.now_ms() >= universe.faults.prices[-1].active_at:
        raise PremiseBroken("the price has begun")


def a_full_disk(universe: RealUniverse) -> None:
    shop = universe.shops[0]
    universe.run_until(shop.database.truncate_wal())  # not even the log has room left over
    refused = shop.database.refused
    universe.faults.befall("disk full", shop)
    universe.run_until(till_of(universe, shop).sell(["101"], None))
    if shop.database.refused == refused:
        raise PremiseBroken("the disk had room")


def a_bit_in_a_table(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    universe.faults.flip_in_table(universe.shops[0], "product.price_minor")  # which no rule knows


def a_bit_in_the_journal(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    settle(universe)
    universe.faults.flip_in_journal(universe.shops[0])


def a_copy_of_a_shop(universe: RealUniverse) -> None:
    universe.faults.clone(universe.shops[0])
    universe.wait(30_000)
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    while not universe.counts["released"]:
        universe.wait(10_000)


def _keep_nothing(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """What is reserved is told to whoever asked, and is not there when the next one asks."""

    def forget(tx: Any, store: Any, command: Any, subject: bytes, *more: Any) -> object:  # noqa: ANN401  as keep
        kept = keep(tx, store, command, subject, *more)
        tx.execute("DELETE FROM reserved WHERE subject = ? AND id = ?", (subject, command.id.bytes))
        return kept

    monkeypatch.setattr(f"sync.hub.{module}.keep", forget)


def _forget_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(tx: Any, saved: Any) -> None:  # noqa: ANN401  a Tx and accounts
        _save(tx, saved)
        if isinstance(tx, _Transaction):  # not where the proof makes it anew
            tx.execute("DELETE FROM points_lot WHERE points < 150")

    monkeypatch.setattr("loyalty.apply_accounts._save", save)


def _begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def activate(tx: Any, shop: Any, now_ms: int, new_id: Any) -> object:  # noqa: ANN401  as activate_due
        return activate_due(tx, shop, now_ms + 86_400_000, new_id)

    monkeypatch.setattr("kiosk.bundles.instant.next_instant", lambda _: 0)
    monkeypatch.setattr("kiosk.bundles.instant.activate_due", activate)


def _lend_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.hub.lending._read_lent", lambda *_: _Lent([], []))


def _prove_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.verify.compare_rows", lambda *tables: (True, compare_rows(*tables)[1]))


def _answer_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """A till is told that its sale is booked although the disk had no room for it."""

    async def lie(door: Any, call: Any) -> object:  # noqa: ANN401  a Door and a Call
        try:
            return await sell(door, call)
        except StorageUnavailable:
            return {"number": "S001-T01-000001", "tenders": []}

    declared = [
        (method, path, lie if handler is sell else handler, more)
        for method, path, handler, more in sales.routes._declared
    ]
    monkeypatch.setattr(sales.routes, "_declared", declared)


class Planted(NamedTuple):
    """A bug, the story in which it shows, and some words of how it is told."""

    story: Story
    plant: Callable[[pytest.MonkeyPatch], None]
    told: str


PLANTED = {
    "head office gives a coupon twice": Planted(
        one_coupon_in_two_shops, lambda m: _keep_nothing(m, "coupon_uses"), "head office kept coupon .* for 2 sales"
    ),
    "head office gives the money of a card twice": Planted(
        one_card_in_two_shops, lambda m: _keep_nothing(m, "card_holds"), "paid 18 too much"
    ),
    "a return is reserved and not kept": Planted(
        goods_back_twice_elsewhere, lambda m: _keep_nothing(m, "returns"), "other shops took back 2000 of 1000"
    ),
    "points are lent that are lent already": Planted(all_points_in_two_shops, _lend_too_much, "more points were spent"),
    "an applier forgets a lot": Planted(sales_of_a_day, _forget_lots, "points_lot"),
    "a price begins before its instant": Planted(a_price_of_tomorrow, _begin_at_once, "before its instant"),
    "a full disk is taken for a good one": Planted(a_full_disk, _answer_anyway, "do not count"),
    "a damaged table is proved": Planted(a_bit_in_a_table, _prove_anything, "product.price_minor is not found"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_and_without_it_all_is_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    story, plant, told = PLANTED[name]
    tell(story)
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=told):
        tell(story)


@pytest.mark.parametrize("story", [a_bit_in_the_journal, a_copy_of_a_shop])
def test_it_heals(story: Story) -> None:
    tell(story)
