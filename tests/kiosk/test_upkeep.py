"""What a store does for its own health: the nightly verify in the helper, once a night, and never the end of it."""

import asyncio
import json
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from kiosk.life.proof import FINDING_NAME, remember_fault
from kiosk.life.start import DATABASE_NAME
from sync import marks
from sync.db import connect
from sync.protocol.commands import LeaseAnswer, LeaseCommand
from tests.kiosk.shopkit import make_config, prepare_store, running_store

NIGHT = {"verify_enabled": True, "verify_at": "03:30"}


class NightClock(datetime):
    """A clock that stands at half past three."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "NightClock":
        return cls(2026, 11, 22, 3, 30, 7, tzinfo=tz)


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.life.upkeep._LOOK_S", 0.02)
    monkeypatch.setattr("kiosk.life.upkeep._NIGHT_S", 0.02)
    monkeypatch.setattr("kiosk.life.upkeep.datetime", NightClock)


async def until(condition: Any) -> None:  # noqa: ANN401
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110  files and another process say so
            await asyncio.sleep(0.02)


async def test_verify_runs_once_a_night_in_a_child_and_is_remembered(tmp_path: Path) -> None:
    config = make_config(tmp_path, maintenance=NIGHT)
    finding = config.data_dir() / FINDING_NAME
    async with running_store(config) as store:
        await until(finding.exists)
        first = finding.read_bytes()
        await asyncio.sleep(0.3)
        assert finding.read_bytes() == first, "it carries the time of its run: there was no second one"
        assert store.store.door.read_only is None
    assert json.loads(first)["ok"] is True


async def test_what_the_night_finds_is_read_only_in_the_morning(tmp_path: Path) -> None:
    config = make_config(tmp_path, maintenance=NIGHT)
    database = prepare_store(config)
    connection = connect(database)
    connection.execute("UPDATE product SET price_minor = 1 WHERE sku = '104'")
    connection.close()
    async with running_store(config) as store:
        await until(lambda: store.store.door.read_only)
        reply = await store.call("POST", "/v1/shifts", {"id": "01990000-0000-7000-8000-000000000001"})
        assert (reply.status, reply.json["code"]) == (503, "read_only")
        assert "product: price_minor is 1, the entry says 1990" in reply.json["detail"]
        assert "counterfoil rebuild" in reply.json["detail"]


async def test_a_finding_that_cannot_be_read_keeps_the_store_read_only_until_it_was_looked_anew(tmp_path: Path) -> None:
    """It may have named a fault. All is well, so the store opens by itself, whatever time of day it is."""
    config = make_config(tmp_path, maintenance={**NIGHT, "verify_enabled": False})
    prepare_store(config)
    finding = config.data_dir() / FINDING_NAME
    finding.write_bytes(b"\0" * 80)
    async with running_store(config) as store:
        assert store.store.door.read_only is not None
        assert "cannot be read any more" in store.store.door.read_only
        await until(lambda: store.store.door.read_only is None)
        assert json.loads(finding.read_bytes())["ok"] is True
        await store.open_shift()


async def test_a_finding_that_a_new_life_began_with_is_looked_at_anew_at_once(tmp_path: Path) -> None:
    """It may have been of another file. All is well in this one, so the store opens by itself."""
    config = make_config(tmp_path, maintenance={**NIGHT, "verify_enabled": False})
    folder = prepare_store(config).parent
    remember_fault(folder, "Verify found a fault.")
    (folder / marks.FILE_NAME).unlink(missing_ok=True)
    async with running_store(config) as store:
        assert store.store.door.read_only == "Verify found a fault."
        await until(lambda: store.store.door.read_only is None)
        assert json.loads((folder / FINDING_NAME).read_bytes())["ok"] is True
        await store.sign_in()
        await store.open_shift()


@pytest.mark.parametrize("maintenance", [{**NIGHT, "verify_enabled": False}, {**NIGHT, "verify_at": "04:30"}])
async def test_verify_does_not_run_when_it_is_off_or_not_its_time(
    tmp_path: Path, maintenance: dict[str, object]
) -> None:
    config = make_config(tmp_path, maintenance=maintenance)
    async with running_store(config):
        await asyncio.sleep(0.3)
    assert not (config.data_dir() / FINDING_NAME).exists()


async def test_a_verify_that_breaks_down_does_not_end_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kiosk.life.upkeep.prove", _break_down)
    config = make_config(tmp_path, maintenance=NIGHT)
    async with running_store(config) as store:
        await until(lambda: "upkeep will try again" in caplog.text)
        remember_fault(config.data_dir(), "Run: counterfoil verify --full")
        await until(lambda: store.store.door.read_only == "Run: counterfoil verify --full")
    assert (config.data_dir() / DATABASE_NAME).exists()


def _break_down(_: Path, *, full: bool) -> None:
    raise RuntimeError(f"out of memory while full={full}")


async def test_a_store_under_a_head_office_lets_go_what_nobody_came_back_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("kiosk.life.upkeep._TIDY_S", 0.02)
    monkeypatch.setattr("kiosk.life.upkeep.let_go_lapsed", lambda _tx, _shop, now_ms: asked.append(now_ms))
    async with running_store(make_config(tmp_path)) as running:
        door = running.store.door
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await until(lambda: asked)
        door.lender = Lender()
        before_ms = door.now_ms()
        await until(lambda: asked and asked[-1] >= before_ms)  # the first round may have begun before


class Lender:
    """A head office that nobody asks."""

    async def lend(self, command: LeaseCommand) -> LeaseAnswer:
        raise AssertionError(command)
