"""A bundle of prices in real processes: one instant in every store, with the line cut and a store killed over it."""

import asyncio
import datetime as dt
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.kiosk.shopkit import new_id
from tests.scenario.branches import SETTLE_S, Branch, Office
from tests.scenario.lines import Line

LEAD_S, PATIENCE_S = 8, 240
MILK, OLD_MINOR = "100", 129


class Planned(NamedTuple):
    """A bundle that is to begin."""

    version: int
    active_ms: int
    price_minor: int


class Chain:
    """Head office and two stores: `steady` has its line all the time, the line of `cut_off` is the test's."""

    def __init__(self, office: Office, steady: Branch, cut_off: Branch, line: Line) -> None:
        self.office, self.steady, self.cut_off, self.line = office, steady, cut_off, line
        self.sold: dict[str, int] = {}

    async def plan(self, price_minor: int, lead_s: float) -> Planned:
        """Milk at another price, beginning in so many seconds."""
        active_ms = int((time.time() + lead_s) * 1000)
        active_from = dt.datetime.fromtimestamp(active_ms / 1000, dt.UTC).isoformat(timespec="milliseconds")
        milk = {"name": "Milk 1 l", "department": "DAIRY", "tax_class": "food", "price_minor": price_minor}
        path = f"/v1/campaigns/M{price_minor}"
        body = {"title": "Milk", "active_from": active_from, "products": {MILK: milk}}
        made = await self.office.call("PUT", path, body, expect=201)
        return Planned(made["bundles"][0]["version"], active_ms, price_minor)

    async def buy(self, branch: Branch) -> int:
        """A customer buys milk; what it cost."""
        tenders = [{"kind": "cash", "amount_minor": 1000}]
        sale = str(new_id())
        body = {"id": sale, "lines": [{"sku": MILK, "quantity_milli": 1000}], "tenders": tenders}
        status, answer = await branch.call("POST", "/v1/sales", body)
        assert status == 201, answer
        self.sold[sale.replace("-", "").upper()] = due = int(answer["totals"]["due_minor"])
        return due

    async def buy_until(self, instant_ms: int, *branches: Branch) -> None:
        """Customers buy milk all the time until the instant is over."""
        while time.time() * 1000 <= instant_ms:
            await asyncio.gather(*(self.buy(branch) for branch in branches))
            await asyncio.sleep(0.05)

    async def at_store(self, bundle: Planned, branch: Branch) -> dict[str, Any]:
        """What head office heard of a bundle from a store, as soon as it has begun there."""
        async with asyncio.timeout(SETTLE_S):
            while True:
                page = await self.office.call("GET", f"/v1/bundles/{bundle.version}")
                (found,) = [each for each in page["at_stores"] if each["code"] == branch.code]
                if found["state"] != "waiting":
                    return dict(found)
                await asyncio.sleep(0.1)


@pytest.fixture(name="chain")
async def make_chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with Office.started(tmp_path / "office", bundle_lead_seconds=1) as office, Line.up(office.url) as line:
        steady = await Branch.joined(tmp_path / "S001", "S001", office)
        cut_off = await Branch.joined(tmp_path / "S002", "S002", office, url=line.url)
        try:
            yield Chain(office, steady, cut_off, line)
        finally:
            for branch in (steady, cut_off):
                await branch.service.end(signal.SIGKILL)


async def has_bundle(bundle: Planned, *branches: Branch) -> bool:
    """Whether all of these stores have all of a bundle before it begins; waits until then."""
    select = f"SELECT count(*) FROM bundle_ready WHERE version = {bundle.version}"
    while time.time() * 1000 < bundle.active_ms - 2_000:
        if all(branch.ask(select) == [(1,)] for branch in branches):
            return True
        await asyncio.sleep(0.05)
    return False


async def plan_in_time(chain: Chain, price_minor: int, *branches: Branch) -> Planned:
    """A bundle that these stores have before it begins, however slow the machine: the lead is doubled until it is long
    enough."""
    lead_s = float(LEAD_S)
    while lead_s < PATIENCE_S:
        bundle = await chain.plan(price_minor, lead_s)
        if await has_bundle(bundle, *branches):
            return bundle
        lead_s, price_minor = lead_s * 2, price_minor + 1
    raise AssertionError("no lead was long enough")


def prices(chain: Chain, branch: Branch) -> list[tuple[int, int, int]]:
    """Every sale of a store in the order of its journal: the store's own time, what was due, the place."""
    rows = branch.ask("SELECT hex(id), at, due_minor, seq FROM sale JOIN journal ON op_id = id")
    for sale, _, due, _ in rows:
        assert chain.sold.get(sale, due) == due, "what was answered is what was booked"
    return sorted(((at, due, seq) for _, at, due, seq in rows), key=lambda row: row[2])


async def agree(chain: Chain) -> None:
    """Both stores are proved, and head office adds up to the cent what they took."""
    await chain.office.has_everything(chain.steady, chain.cut_off)
    kept: dict[str, int] = {}
    today = dt.datetime.now(dt.UTC).date()
    first, last = today - dt.timedelta(days=1), today + dt.timedelta(days=1)
    for branch in (chain.steady, chain.cut_off):
        await branch.prove()
        sales = dict(branch.ask("SELECT hex(id), due_minor FROM sale"))
        kept |= sales
        report = await chain.office.call("GET", f"/v1/reports/sales?from={first}&to={last}&store={branch.id}")
        assert report["figures"]["due_minor"] == sum(sales.values())
    assert kept == chain.sold


@pytest.mark.timeout(1200)
async def test_a_store_that_is_cut_off_and_killed_over_the_instant_begins_with_the_others(chain: Chain) -> None:
    steady, cut_off = chain.steady, chain.cut_off
    assert {await chain.buy(steady), await chain.buy(cut_off)} == {OLD_MINOR}
    bundle = await plan_in_time(chain, 150, steady, cut_off)
    chain.line.cut()
    await cut_off.service.end(signal.SIGKILL)
    await chain.buy_until(bundle.active_ms, steady)
    await cut_off.service.start()
    assert await chain.buy(cut_off) == bundle.price_minor, "it has no line, and sells by the new price"
    assert await chain.buy(steady) == bundle.price_minor
    for branch in (steady, cut_off):
        # On a slow machine an attempt of plan_in_time began before; its price is a third one.
        sold = prices(chain, branch)
        assert all((due == bundle.price_minor) == (at >= bundle.active_ms) for at, due, _ in sold), sold
    chain.line.mend()
    for branch in (steady, cut_off):
        shown = await chain.at_store(bundle, branch)
        assert (shown["state"], shown["late"]) == ("active", False)
    await agree(chain)


@pytest.mark.timeout(1200)
async def test_a_bundle_that_comes_late_begins_at_once_and_is_told_to_be_late(chain: Chain) -> None:
    steady, cut_off = chain.steady, chain.cut_off
    assert {await chain.buy(steady), await chain.buy(cut_off)} == {OLD_MINOR}
    chain.line.cut()
    bundle = await plan_in_time(chain, 180, steady)
    await chain.buy_until(bundle.active_ms, steady, cut_off)
    assert await chain.buy(steady) == bundle.price_minor
    assert await chain.buy(cut_off) == OLD_MINOR, "a store without a line sells on with what it has"
    await cut_off.service.end(signal.SIGKILL)
    await cut_off.service.start()
    assert await chain.buy(cut_off) == OLD_MINOR
    chain.line.mend()
    async with asyncio.timeout(SETTLE_S):
        while await chain.buy(cut_off) == OLD_MINOR:  # noqa: ASYNC110  customers come until it has begun
            await asyncio.sleep(0.05)
    ((begun,),) = cut_off.ask(
        f"SELECT max(seq) FROM journal JOIN bundle_outcome ON op = op_id WHERE version = {bundle.version}"
    )
    assert all((due == OLD_MINOR) == (seq < begun) for _, due, seq in prices(chain, cut_off)), "no answer mixes both"
    assert await chain.buy(cut_off) == bundle.price_minor
    late = await chain.at_store(bundle, cut_off)
    assert (late["state"], late["late"]) == ("active", True)
    assert (await chain.at_store(bundle, steady))["late"] is False
    (shown,) = [each for each in (await chain.office.call("GET", "/v1/stores"))["items"] if each["code"] == "S002"]
    assert (shown["bundle"]["version"], shown["bundle"]["due"]) == (bundle.version, bundle.version)
    assert shown["bundle"]["late"]
    await agree(chain)
