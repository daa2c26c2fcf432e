"""Bugs put into the real SQL on purpose, one for each thing that these universes look at: each must be found there.

Every story is told twice: as it is, where it holds, and with the bug, where it does not.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.bundles.activation import activate_due
from kiosk.simulate.network import Manners
from kiosk.web import sales
from kiosk.web.sales import sell
from loyalty.apply_accounts import _save
from sync.compare import compare_rows
from sync.http.problems import StorageUnavailable
from sync.hub.lending import _Lent
from sync.hub.reserving import keep
from tests.simulation.disk_database import _Transaction
from tests.simulation.in_process_http import code_of
from tests.simulation.real_checks import reckon
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import PHONES
from tests.simulation.real_tills import Till
from tests.simulation.real_universe import RealUniverse, collecting_nothing

Story = Callable[[RealUniverse], None]
MUCH = [{"kind": "cash", "amount_minor": 1_000_000}]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def tell(story: Story, folder: Path) -> None:
    """A universe in which nothing happens by itself, the story, and the reckoning. Raises AssertionError."""
    universe = RealUniverse(1, folder, luck=0)
    try:
        with universe.patched(), collecting_nothing():
            universe.open()
            # All messages take the same time: who asks at the same moment asks before anybody is answered.
            universe.network.manners = Manners(delay_ms=1)
            story(universe)
            universe.heal()
            reckon(universe)
    finally:
        universe.close()


def till_of(universe: RealUniverse, shop: RealShop) -> Till:
    return Till(universe, shop, tuple(PHONES.values()))


def both_sell(universe: RealUniverse, **more: Any) -> list[str]:  # noqa: ANN401  any field
    """Both shops sell chocolate at the same moment; what the refusals say."""

    async def sell_at(shop: RealShop) -> str:
        body = {"id": universe.new_id(), "lines": [{"sku": "101"}], "tenders": MUCH, **more}
        reply = await shop.call("POST", "/v1/sales", body)
        assert reply is not None
        return code_of(reply)

    async def sell_everywhere() -> list[str]:
        return list(await asyncio.gather(*map(sell_at, universe.shops)))

    return universe.run_until(sell_everywhere())


def one_coupon_in_two_shops(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).issue())
    universe.wait(40_000)
    both_sell(universe, coupons=universe.carried.coupons)


def one_card_in_two_shops(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sell_card())
    universe.wait(40_000)
    code = universe.carried.cards[0]
    both_sell(universe, tenders=[{"kind": "gift_card", "amount_minor": 259, "code": code}])


def goods_back_twice_elsewhere(universe: RealUniverse) -> None:
    """Two tills of the other shop take the same goods back at the same moment."""
    here, there = universe.shops
    universe.run_until(till_of(universe, here).sell(["101"], None))
    universe.wait(40_000)
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

    universe.run_until(take_twice())


def all_points_in_two_shops(universe: RealUniverse) -> None:
    """A member's points are spent in both shops at the same moment."""
    universe.floor_minor = 0
    for shop in universe.shops:
        body = {"phone": PHONES["S001"]}
        universe.run_until(shop.call("POST", "/v1/members/resolve", body))
    universe.wait(40_000)
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

    universe.run_until(spend_everywhere())


def sales_of_a_day(universe: RealUniverse) -> None:
    for shop in universe.shops * 3:
        universe.run_until(till_of(universe, shop).adjust())
        universe.run_until(till_of(universe, shop).sale())


def a_price_of_tomorrow(universe: RealUniverse) -> None:
    universe.faults.plan_price(40)
    universe.wait(10_000)
    for shop in universe.shops * 3:
        universe.run_until(till_of(universe, shop).sale())


def a_full_disk(universe: RealUniverse) -> None:
    shop = universe.shops[0]
    shop.disk.is_full = True
    universe.later(20.0, _make_room(shop))
    for _ in range(4):
        universe.run_until(till_of(universe, shop).sell(["101"], None))


def _make_room(shop: RealShop) -> Callable[[], Any]:
    async def make_room() -> None:
        shop.disk.is_full = False

    return make_room


def a_bit_in_a_table(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    universe.faults.flip_in_table(universe.shops[0])


def a_bit_in_the_journal(universe: RealUniverse) -> None:
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    universe.wait(20_000)
    universe.faults.flip_in_journal(universe.shops[0])


def a_copy_of_a_shop(universe: RealUniverse) -> None:
    universe.faults.clone(universe.shops[0])
    universe.wait(30_000)
    universe.run_until(till_of(universe, universe.shops[0]).sale())
    universe.wait(120_000)


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


PLANTED: dict[str, tuple[Story, Callable[[pytest.MonkeyPatch], None]]] = {
    "head office gives a coupon twice": (one_coupon_in_two_shops, lambda m: _keep_nothing(m, "coupon_uses")),
    "head office gives the money of a card twice": (one_card_in_two_shops, lambda m: _keep_nothing(m, "card_holds")),
    "a return is reserved and not kept": (goods_back_twice_elsewhere, lambda m: _keep_nothing(m, "returns")),
    "points are lent that are lent already": (all_points_in_two_shops, _lend_too_much),
    "an applier forgets a lot": (sales_of_a_day, _forget_lots),
    "a price begins before its instant": (a_price_of_tomorrow, _begin_at_once),
    "a full disk is taken for a good one": (a_full_disk, _answer_anyway),
    "a damaged table is proved": (a_bit_in_a_table, _prove_anything),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_and_without_it_all_is_well(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, plant = PLANTED[name]
    tell(story, tmp_path / "well")
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        tell(story, tmp_path / "planted")


@pytest.mark.parametrize("story", [a_bit_in_the_journal, a_copy_of_a_shop])
def test_it_heals(story: Story, tmp_path: Path) -> None:
    tell(story, tmp_path / "well")
