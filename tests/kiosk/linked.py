"""A head office and stores that belong to it, all in this process, on real sockets.

async with office(tmp_path) as hub:
    config = await joined_store(hub, tmp_path / "S001")
    async with running_store(config) as store:
        await settled(store, hub)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from kiosk.compose import now_ms
from kiosk.config import Config
from kiosk.life.enrolment import enrol, read_enrolment
from kiosk.life.start import DATABASE_NAME
from sync.agent.journal_reader import read_heads
from sync.chain import Head
from sync.db import connect
from sync.hub.initialise import fill_hub
from tests.kiosk.shopkit import Running, make_config, prepare_store
from tests.sync.hub.hubkit import Clock, RunningHub, hashed_password, running_hub, settings

SETTLE_S = 120
ADDRESS = "sqlite:hub.sqlite"


class WallClock(Clock):
    """Head office's clock goes as the stores' do, and a little ahead where a test says so."""

    ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


@contextlib.asynccontextmanager
async def office(folder: Path, **changes: object) -> AsyncIterator[RunningHub]:
    """A head office in `folder`/office, made if it is not there yet."""
    place = folder / "office"
    place.mkdir(exist_ok=True)
    if not (place / "hub.sqlite").exists():
        assert await fill_hub(settings(database=ADDRESS), place, "office", hashed_password())
    usual = {"apply_entries": True, "pull_wait_seconds": 1}
    async with running_hub(ADDRESS, place, clock=WallClock(), **{**usual, **changes}) as hub:
        yield hub


async def joined_store(hub: RunningHub, folder: Path, code: str = "S001") -> Config:
    """A store that has been made and has joined."""
    config = make_config(folder, store={"code": code, "data_dir": "data"})
    prepare_store(config)
    _, enrolment_code = await hub.add_store(code)
    await asyncio.to_thread(enrol, config, hub.url, enrolment_code)
    return config


def heads_of(config: Config) -> tuple[Head, ...]:
    """The newest entry of each life of a store."""
    with contextlib.closing(connect(config.data_dir() / DATABASE_NAME, read_only=True)) as connection:
        return read_heads(connection)


async def chain_at(hub: RunningHub, config: Config) -> dict[str, tuple[int, str]]:
    """What head office holds of a store: number and hash of the head of each life."""
    enrolment = read_enrolment(config.data_dir())
    assert enrolment is not None
    _, shown = await hub.call("GET", f"/v1/stores/{enrolment.store}", token=await hub.office())
    return {life["epoch"]: (life["seq"], life["hash"]) for life in shown["chain"]}


async def settled(hub: RunningHub, *stores: Running) -> None:
    """Wait until head office holds everything of these stores."""
    async with asyncio.timeout(SETTLE_S):
        for store in stores:
            while await chain_at(hub, store.config) != {  # noqa: ASYNC110  head office says so
                f"{head.epoch:016x}": (head.seq, head.hash.hex()) for head in heads_of(store.config)
            }:
                await asyncio.sleep(0.05)


async def alarm_of(store: Running) -> str:
    """Wait until head office asked this store for a person; the reason."""
    async with asyncio.timeout(SETTLE_S):
        while True:
            row = await store.store.database.read(
                lambda tx: tx.execute("SELECT value FROM head_office_note WHERE name = 'alarm'").fetchone()
            )
            if row is not None:
                return str(row[0])
            await asyncio.sleep(0.05)
