"""Backups: consistent beside a selling service, readable only by their owner, and put back without losing what is
there."""

import asyncio
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from kiosk.config import Config
from kiosk.life.backup import BackupExists, back_up, restore
from kiosk.life.initialise import initialise
from kiosk.life.proof import prove, read_finding
from kiosk.life.start import (
    DATABASE_NAME,
    RESTORING_NAME,
    RestoreUnfinished,
    StoreDamaged,
    StoreInUse,
    StoreLost,
    lock_folder,
    release,
    start_store,
)
from sync import marks
from sync.db import connect
from tests.kiosk.shopkit import make_config, prepare_store, prove_all, running_store


@pytest.fixture(name="config")
def make_shop_config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


@pytest.fixture(name="database")
def make_database(config: Config) -> Path:
    return prepare_store(config)


def ask(database: Path, sql: str) -> list[Any]:
    connection = connect(database, read_only=True)
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "service.lock")
    return {path.name: path.read_bytes() for path in files}


async def test_a_backup_beside_a_selling_service_is_whole_and_verifies(config: Config, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    async with running_store(config) as store:
        await store.open_shift()
        answered = [(await store.sell()).json["journal"]["seq"] for _ in range(3)]
        selling = asyncio.create_task(_sell_until_cancelled(store))
        size = await asyncio.to_thread(back_up, store.store.database.path, target)
        selling.cancel()
        await asyncio.gather(selling, return_exceptions=True)
    assert size == target.stat().st_size
    assert not target.with_name("backup.sqlite-wal").exists(), "one file, no log beside it"
    connection = connect(target, read_only=True)
    assert prove_all(connection).ok
    (held,) = connection.execute("SELECT max(seq) FROM journal").fetchone()
    assert held >= answered[-1], "what was answered before the backup is in it"
    connection.close()


async def _sell_until_cancelled(store: Any) -> None:  # noqa: ANN401
    while True:
        await store.sell()


def test_a_backup_is_one_snapshot_however_much_is_written_meanwhile(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps of one page and a write after each, a copy without a snapshot would begin anew for ever."""
    monkeypatch.setattr("kiosk.life.backup._PAGES_A_STEP", 1)
    writer = connect(database)
    writes = []

    class Source:
        def __init__(self, connection: Any) -> None:  # noqa: ANN401
            self.connection = connection

        def backup(self, target: Any, pages: int) -> None:  # noqa: ANN401
            self.connection.backup(target, pages=pages, progress=self.write_more)

        def write_more(self, _: int, __: int, ___: int) -> None:
            writes.append(1)
            assert len(writes) < 5_000, "the copy began anew and anew"
            writer.execute("INSERT INTO mark (name, value) VALUES (?, 'x')", (f"meanwhile {len(writes)}",))

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(self.connection, name)

    def connect_watched(path: Path, *, read_only: bool = False) -> Any:  # noqa: ANN401
        connection = connect(path, read_only=read_only)
        return Source(connection) if read_only else connection

    monkeypatch.setattr("kiosk.life.backup.connect", connect_watched)
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    writer.close()
    assert len(writes) > 50
    assert ask(target, "SELECT count(*) FROM mark WHERE name LIKE 'meanwhile%'") == [(0,)]


def test_only_its_owner_may_read_a_backup_and_a_restored_store(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    before = os.umask(0)
    try:
        back_up(database, target)
        restore(config.data_dir(), target)
    finally:
        os.umask(before)
    for path in (target, database):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_backup_never_replaces_a_file(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    target.write_bytes(b"precious")
    with pytest.raises(BackupExists):
        back_up(database, target)
    assert target.read_bytes() == b"precious"


def test_a_backup_that_was_interrupted_is_no_obstacle(database: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.sqlite.partial").write_bytes(b"half of one")
    back_up(database, tmp_path / "backup.sqlite")
    assert ask(tmp_path / "backup.sqlite", "SELECT count(*) FROM life") == [(1,)]


def test_a_damaged_store_gives_no_backup(database: Path, tmp_path: Path) -> None:
    content = bytearray(database.read_bytes())
    content[8_192 : 8_192 + 4_096] = b"\xa5" * 4_096
    database.write_bytes(bytes(content))
    with pytest.raises(StoreDamaged):
        back_up(database, tmp_path / "backup.sqlite")
    assert not (tmp_path / "backup.sqlite").exists()


def test_a_backup_holds_no_mark_and_the_store_keeps_its_own(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    before = ask(database, "SELECT * FROM mark")
    back_up(database, target)
    assert ask(target, "SELECT * FROM mark") == []
    assert ask(database, "SELECT * FROM mark") == before
    found = marks.read_marks(config.data_dir())
    assert found is not None
    assert found.current == before[0][1]


# -- putting one back --------------------------------------------------------------------------------------------------


def test_the_present_file_is_set_aside_with_its_log_and_never_deleted(
    config: Config, database: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    writer = connect(database)
    writer.execute("INSERT INTO mark (name, value) VALUES ('later', 'yes')")
    log = database.with_name(DATABASE_NAME + "-wal")
    assert log.stat().st_size > 0
    aside = restore(config.data_dir(), target)
    writer.close()
    assert aside is not None
    assert ask(aside, "SELECT value FROM mark WHERE name = 'later'") == [("yes",)]
    assert ask(database, "SELECT count(*) FROM mark WHERE name = 'later'") == [(0,)]


def test_many_restores_in_one_second_set_each_file_aside(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    asides = {restore(config.data_dir(), target) for _ in range(4)}
    assert len(asides) == 4
    assert all(aside is not None and aside.exists() for aside in asides)


def test_a_log_left_behind_by_a_lost_file_is_not_played_into_the_backup(
    config: Config, database: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    writer = connect(database)
    writer.execute("DELETE FROM journal")
    log = database.with_name(DATABASE_NAME + "-wal")
    stale = log.read_bytes()
    writer.close()
    database.unlink()
    log.write_bytes(stale)
    restore(config.data_dir(), target)
    assert ask(database, "SELECT count(*) FROM journal") == ask(target, "SELECT count(*) FROM journal")
    assert prove(database, full=True).ok


@pytest.mark.parametrize(
    "content", [b"", b"x" * 5_000, b"SQLite format 3\0" + bytes(4_080)], ids=["empty", "garbage", "no store"]
)
def test_what_is_no_backup_is_refused_and_nothing_is_moved(
    config: Config, database: Path, tmp_path: Path, content: bytes
) -> None:
    before = files_of(database.parent)
    bad = tmp_path / "bad.sqlite"
    bad.write_bytes(content)
    with pytest.raises(StoreDamaged):
        restore(config.data_dir(), bad)
    assert files_of(database.parent) == before


def test_a_backup_cut_short_is_refused(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    target.write_bytes(target.read_bytes()[:-4_096])
    before = files_of(database.parent)
    with pytest.raises(StoreDamaged):
        restore(config.data_dir(), target)
    assert files_of(database.parent) == before


@pytest.mark.usefixtures("database")
async def test_a_running_store_is_not_replaced(config: Config, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    async with running_store(config) as store:
        back_up(store.store.database.path, target)
        with pytest.raises(StoreInUse):
            restore(config.data_dir(), target)
        assert (await store.call("GET", "/v1/store")).status == 200


def test_a_restore_gives_the_folder_back(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    restore(config.data_dir(), target)
    os.close(lock_folder(config.data_dir()))


def test_a_restore_into_an_empty_folder_is_a_store_again(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    shutil.rmtree(config.data_dir())
    assert restore(config.data_dir(), target) is None
    assert prove(database, full=True).ok


async def test_journal_damage_is_mended_by_a_backup_and_the_store_sells_again(config: Config, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    async with running_store(config) as store:
        await store.open_shift()
        await store.sell()
        back_up(store.store.database.path, target)
    database = config.data_dir() / DATABASE_NAME
    connection = connect(database)
    connection.execute("UPDATE journal SET hash = zeroblob(32) WHERE seq = 4")
    connection.close()
    assert not prove(database, full=True).ok
    async with running_store(config) as store:
        reply = await store.sell()
        assert (reply.status, reply.json["code"]) == (503, "read_only")
        assert "counterfoil restore" in reply.json["detail"]
    restore(config.data_dir(), target)
    assert read_finding(config.data_dir()) is None
    async with running_store(config) as store:
        await store.sign_in()
        assert (await store.sell()).json["number"] == "S001-T01B-000001"
    assert prove(database, full=True).ok


# -- a restore that is cut off -----------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """Not an Exception: nothing may tidy up after it."""


@pytest.mark.parametrize("cut_at", [1, 2, 3, 4])
def test_a_restore_cut_off_at_any_rename_never_ends_in_a_fresh_store_and_is_finished_by_the_next(
    config: Config, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    writer = connect(database)
    writer.execute("INSERT INTO mark (name, value) VALUES ('later', 'yes')")
    assert database.with_name(DATABASE_NAME + "-wal").stat().st_size > 0
    renames = []
    replace = Path.replace

    def replace_or_cut(self: Path, other: Path) -> Path:
        if self.name.startswith(DATABASE_NAME):
            renames.append(self.name)
            if len(renames) == cut_at:
                raise PowerCut
        return replace(self, other)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_or_cut)
        with pytest.raises(PowerCut):
            restore(config.data_dir(), target)
    if not database.exists():
        with pytest.raises(RestoreUnfinished) as refused:
            start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw")
        assert "counterfoil restore FILE" in refused.value.hint
        with pytest.raises(RestoreUnfinished):
            initialise(config, "ada", "Ada", "2580")
    restore(config.data_dir(), target)
    writer.close()
    asides = sorted(config.data_dir().glob("store.replaced-*.sqlite"))
    held = [ask(aside, "SELECT value FROM mark WHERE name = 'later'") for aside in asides]
    assert held == [[("yes",)]], "with its log, and once"
    assert not (config.data_dir() / RESTORING_NAME).exists()
    started = start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw")
    assert started.ordinal == 2
    release(started, clean=True)
    assert prove(database, full=True).ok


def test_a_file_set_aside_can_be_put_back_with_its_log(config: Config, database: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    back_up(database, target)
    writer = connect(database)
    writer.execute("INSERT INTO mark (name, value) VALUES ('later', 'yes')")
    aside = restore(config.data_dir(), target)
    assert aside is not None
    assert aside.with_name(aside.name + "-wal").exists()
    restore(config.data_dir(), aside)
    writer.close()
    assert ask(database, "SELECT value FROM mark WHERE name = 'later'") == [("yes",)]


@pytest.mark.usefixtures("database")
def test_a_folder_whose_store_went_away_is_not_taken_for_a_new_one(config: Config) -> None:
    """Its numbers are on paper already."""
    (config.data_dir() / DATABASE_NAME).unlink()
    for attempt in (
        lambda: start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw"),
        lambda: initialise(config, "ada", "Ada", "2580"),
    ):
        with pytest.raises(StoreLost) as refused:
            attempt()
        assert "counterfoil restore FILE" in refused.value.hint
    assert not (config.data_dir() / DATABASE_NAME).exists()


def test_a_half_copied_backup_beside_a_whole_store_is_removed_by_the_next_start(config: Config, database: Path) -> None:
    half = config.data_dir() / RESTORING_NAME
    half.write_bytes(database.read_bytes()[:5_000])
    release(start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw"), clean=True)
    assert not half.exists()
