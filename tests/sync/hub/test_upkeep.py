"""What goes wrong in the small jobs of head office is told, and stops nothing else."""

import asyncio
import logging
import shutil
from collections import UserDict
from collections.abc import ItemsView
from pathlib import Path

import pytest

from sync.db import Database, SqliteUnavailable
from sync.http.problems import StorageUnavailable
from sync.hub import feed_store, feed_watch, upkeep
from sync.hub.compose import Hub
from sync.hub.feed_store import GLOBAL, FeedChange, put_many
from sync.hub.feed_watch import FeedWatch
from sync.hub.incidents import open_incident
from tests.sync.hub.hubkit import RunningHub, settings


async def test_a_log_with_erased_data_in_it_is_emptied_as_soon_as_nobody_reads_it(small_hub: RunningHub) -> None:
    database = small_hub.hub.database
    assert isinstance(database, Database)
    database.wal_to_truncate = True
    await small_hub.hub.upkeep.note_now()
    assert not database.wal_to_truncate


async def test_what_was_left_of_erased_data_on_a_full_disk_is_erased_later(
    small_hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = small_hub.hub.database
    assert isinstance(database, Database)

    def fail(_: object) -> None:
        raise SqliteUnavailable("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr("sync.db._vacuum", fail)
        with pytest.raises(StorageUnavailable):
            await database.erase_traces()
    assert database.traces_left
    await small_hub.hub.upkeep.sweep_now()
    assert not database.traces_left


async def test_open_incidents_are_counted_by_kind(small_hub: RunningHub) -> None:
    store, _ = await small_hub.add_store("S001")
    await small_hub.hub.database.write(lambda tx: open_incident(tx, "clone", store, [{"runs": ["a", "b"]}], 0))
    await small_hub.hub.upkeep.note_now()
    _, figures = await small_hub.call("GET", "/metrics")
    assert 'counterfoil_hub_open_incidents{kind="clone"} 1.0' in figures["raw"].decode()


async def test_a_mark_that_cannot_be_written_does_not_keep_the_database_open(
    filled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    hub = Hub(settings(database=f"sqlite://{tmp_path / 'hub.sqlite'}"), tmp_path, "0", on_death=lambda _: None)
    await hub.open()

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(upkeep, "note_progress", fail)
    with caplog.at_level(logging.ERROR):
        await hub.close()
    assert caplog.records, "somebody is told"
    with pytest.raises(StorageUnavailable):
        await hub.database.write(lambda _: None)


async def test_whoever_waits_for_news_hears_of_them_although_a_look_failed(
    small_hub: RunningHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look, failures = feed_store.read_positions, [RuntimeError("a statement was refused")]

    def read_positions(tx: object) -> dict[str, int]:
        if failures:
            raise failures.pop()
        return look(tx)  # type: ignore[arg-type]  # a transaction

    monkeypatch.setattr(feed_watch, "read_positions", read_positions)
    database = small_hub.hub.database
    watch = FeedWatch(database)
    watch.start()
    try:
        waits = asyncio.create_task(watch.wait({GLOBAL: 0}, 60.0, asyncio.Event()))
        await database.write(lambda tx: put_many(tx, [FeedChange(GLOBAL, "thing", "1", b"1")], 0))
        assert await waits
    finally:
        await watch.stop()
    assert failures == []
    assert caplog.records, "somebody is told"


class Asked(UserDict[str, int]):
    """What a store has read, counting how often it was looked at."""

    looks = 0

    def items(self) -> ItemsView[str, int]:
        self.looks += 1
        return super().items()


async def test_news_for_one_store_wake_nobody_else(small_hub: RunningHub) -> None:
    database = small_hub.hub.database
    watch, never = FeedWatch(database), asyncio.Event()
    watch.start()
    try:
        others = [Asked({GLOBAL: 0, f"store:{number}": 0}) for number in range(20)]
        waits = [asyncio.create_task(watch.wait(each, 60.0, never)) for each in others]
        for number in range(1, 4):
            told = asyncio.create_task(watch.wait({GLOBAL: 0, "store:me": number - 1}, 60.0, never))
            await database.write(lambda tx: put_many(tx, [FeedChange("store:me", "thing", "1", b"1")], 0))
            assert await told
        assert {each.looks for each in others} == {1}
        await database.write(lambda tx: put_many(tx, [FeedChange(GLOBAL, "thing", "1", b"1")], 0))
        assert await asyncio.gather(*waits) == [True] * 20
    finally:
        await watch.stop()
