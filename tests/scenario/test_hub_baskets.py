"""Real baskets through three stores of one chain while everything goes wrong: to the cent on both sides.

COUNTERFOIL_CHAIN_BASKETS says how many baskets; without it enough to meet every fault. All 10,160 of the bundled file:

    COUNTERFOIL_CHAIN_BASKETS=10160 python -m pytest tests/scenario/test_hub_baskets.py -s
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.bench.server import StoreProcess
from kiosk.life.start import DATABASE_NAME
from kiosk.replay.replay import replay
from kiosk.replay.replay_folder import config_file
from kiosk.replay.replay_plan import Plan, read_plan
from sync.agent.journal_reader import read_heads
from sync.chain import Head
from sync.db import connect
from sync.dialect import Engine
from tests.kiosk.test_replay import cut
from tests.postgres import ENGINES, fresh_database
from tests.scenario.branches import Office, command

BASKETS = int(os.environ.get("COUNTERFOIL_CHAIN_BASKETS", "90"))
CODES = ("S001", "S002", "S003")
_OPENING = 3
_BETWEEN = 5


class Shop:
    """A store that real baskets go through."""

    def __init__(self, folder: Path, code: str, plan: Plan) -> None:
        self.folder, self.code, self.plan = folder, code, plan
        self.process = StoreProcess(config_file(folder))
        self.id, self.last_lack = UUID(int=0), ""
        self.answered = 0
        self.total_minor = sum(order.total_minor for order in plan.orders)

    async def sell(self, count: int | None = None) -> None:
        """The first `count` baskets, or all; those sold before are asked again and not booked again."""
        plan = msgspec.structs.replace(self.plan, orders=self.plan.orders[:count])
        settings = {"store": f'code = "{self.code}"', "log": 'level = "warning"'}
        done = await replay(plan, self.folder, tills=2, process=self.process, settings=settings, on_answer=self._count)
        assert done.ok, done

    def _count(self, _: object) -> None:
        self.answered += 1

    async def join(self, office: Office) -> None:
        """Join the chain; the service must be stopped."""
        self.id, code = await office.give_code(self.code)
        await command("enrol", "--config", str(config_file(self.folder)), "--hub", office.url, "--code", code)

    def heads(self) -> tuple[Head, ...]:
        """The newest entry of each life."""
        with contextlib.closing(connect(self.folder / DATABASE_NAME, read_only=True)) as connection:
            return read_heads(connection)

    def sum_minor(self) -> int:
        """What its sales came to."""
        with contextlib.closing(connect(self.folder / DATABASE_NAME, read_only=True)) as connection:
            return int(connection.execute("SELECT sum(due_minor) FROM sale").fetchone()[0])

    async def prove(self) -> None:
        """`counterfoil verify`."""
        report = json.loads(await command("verify", "--full", "--json", "--config", str(config_file(self.folder))))
        assert report["ok"], report

    async def lose_disk(self, office: Office) -> None:
        """The disk dies, and the store is made anew from what head office holds."""
        await self.process.kill()
        for path in self.folder.iterdir():
            if path != config_file(self.folder):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        answer = await office.call("POST", f"/v1/stores/{self.id}/enrolment-codes", expect=201)
        hub = ("--hub", office.url, "--code", answer["enrolment_code"])
        await command("recover", "--config", str(config_file(self.folder)), *hub, "--pin", "4711")


class Trouble:
    """Cuts the line and kills whoever comes to its mind while baskets are sold, and puts head office back from an old
    copy in between."""

    def __init__(self, office: Office, shops: list[Shop], seed: int) -> None:
        self.office, self.shops, self.random = office, shops, Random(seed)
        self.done: list[str] = []
        self._copy = office.folder / "copy"

    async def make(self, first: str) -> None:
        """One trouble after the other, this kind first, until cancelled. Each waits until some more was sold since the
        last: on a machine where a start takes longer than the pause, nothing would ever be sold."""
        kind, sold = first, -_BETWEEN
        while True:
            await asyncio.sleep(self.random.uniform(0.3, 1.0))
            while self._sold() < sold + _BETWEEN:  # noqa: ASYNC110  the shops count
                await asyncio.sleep(0.05)
            sold = self._sold()
            self.done.append(kind)
            if kind == "cut":
                await self._away(signal.SIGKILL, lambda: None)
            else:
                await self.random.choice(self.shops).process.kill()
            await asyncio.sleep(self.random.uniform(0.0, 0.5))
            kind = self.random.choice(("cut", "kill"))

    def _sold(self) -> int:
        return sum(shop.answered for shop in self.shops)

    async def copy(self) -> None:
        """Head office is copied."""
        await self._away(signal.SIGTERM, self._keep_copy)

    async def restore(self) -> None:
        """Head office is put back from that copy."""
        await self._away(signal.SIGTERM, self._put_back)

    async def _away(self, how: signal.Signals, meanwhile: Any) -> None:  # noqa: ANN401  a function of no arguments
        """Head office is away for a while."""
        await self.office.service.end(how)
        meanwhile()
        if self.done and self.done[-1] == "restored":
            await command("hub", "--config", str(self.office.config_file), "--restored")
        await asyncio.sleep(self.random.uniform(0.0, 2.0))
        await self.office.service.start()

    def _keep_copy(self) -> None:
        self.done.append("copied")
        if (self.office.folder / "data" / "hub.sqlite").exists():
            shutil.copytree(self.office.folder / "data", self._copy)
        else:
            self._copy.mkdir()

    def _put_back(self) -> None:
        if not (self._copy / "hub.sqlite").exists():
            self.done.append("not restored")
            return
        self.done.append("restored")
        for path in (self.office.folder / "data").glob("hub.sqlite*"):
            path.unlink()
        for path in self._copy.glob("hub.sqlite*"):
            shutil.copy(path, self.office.folder / "data")


@pytest.fixture(name="plan", scope="module")
def make_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return read_plan(cut(tmp_path_factory.mktemp("baskets") / "baskets.csv", BASKETS))


@pytest.fixture(name="address", params=ENGINES)
def make_address(request: pytest.FixtureRequest) -> Iterator[str]:
    engine: Engine = request.param
    if engine == "sqlite":
        yield "sqlite:hub.sqlite"
        return
    with fresh_database() as address:
        yield address


@contextlib.asynccontextmanager
async def troubled(trouble: Trouble, first: str) -> AsyncIterator[None]:
    """Trouble until the end of the block, at least one of the kind `first`; head office is there afterwards."""
    begun = len(trouble.done)
    task = asyncio.create_task(trouble.make(first))
    try:
        yield
        while len(trouble.done) == begun and not task.done():  # noqa: ASYNC110  a machine may sell faster than it fails
            await asyncio.sleep(0.05)
    finally:
        if task.done():
            task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await trouble.office.service.end(signal.SIGKILL)
    await trouble.office.service.start()


async def sell_in_trouble(office: Office, shops: list[Shop]) -> list[str]:
    """All baskets, a third at a time; head office is copied after the first and put back after the second. What went
    wrong."""
    trouble = Trouble(office, shops, seed=1)
    between = (trouble.copy, trouble.restore, None)
    for third, (first, then) in enumerate(zip(("cut", "kill", "cut"), between, strict=True), 1):
        async with troubled(trouble, first):
            await asyncio.gather(*(shop.sell(len(shop.plan.orders) * third // 3) for shop in shops))
        if then is not None:
            await then()
    return trouble.done


@pytest.mark.timeout(1200 + 2 * BASKETS)
async def test_real_baskets_agree_to_the_cent_whatever_is_cut_killed_restored_or_lost(
    tmp_path: Path, plan: Plan, address: str
) -> None:
    slices = [msgspec.structs.replace(plan, orders=plan.orders[n :: len(CODES)]) for n in range(len(CODES))]
    shops = [Shop(tmp_path / code, code, part) for code, part in zip(CODES, slices, strict=True)]
    async with Office.started(tmp_path / "office", address) as office:
        try:
            for shop in shops:
                await shop.sell(_OPENING)
                await shop.join(office)
            wrong = await sell_in_trouble(office, shops)
            for shop in shops:
                await shop.process.start()
            await office.has_everything(*shops)
            await shops[1].lose_disk(office)
            await shops[1].process.start()
            await office.has_everything(*shops)
            for shop in shops:
                await shop.prove()
                assert shop.sum_minor() == shop.total_minor
            await _agrees_with_reports(office, shops)
            came_back = "restored" if address.startswith("sqlite") else "not restored"
            assert {"cut", "kill", "copied", came_back} <= set(wrong), wrong
        finally:
            for shop in shops:
                await shop.process.kill()


async def _agrees_with_reports(office: Office, shops: list[Shop]) -> None:
    """What head office adds up for each store is what its tills took."""
    today = dt.datetime.now(dt.UTC).date()
    first, last = today - dt.timedelta(days=7), today + dt.timedelta(days=1)
    for shop in shops:
        report = await office.call("GET", f"/v1/reports/sales?from={first}&to={last}&store={shop.id}")
        assert report["figures"]["due_minor"] == shop.total_minor, report["figures"]
        assert report["figures"]["sales"] == len(shop.plan.orders)
