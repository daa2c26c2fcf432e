"""The start of a store: a broken file is never served, a copied one begins a new life, a second service is refused."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk import start as start_module
from kiosk.backup import back_up, restore
from kiosk.compose import make_shop
from kiosk.config import Config
from kiosk.migrations import pending_steps
from kiosk.proof import prove, read_finding
from kiosk.start import (
    DATABASE_NAME,
    Started,
    StoreDamaged,
    StoreInUse,
    StoreNotReady,
    lock_folder,
    release,
    start_store,
)
from sync import marks
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.damage import allow_anything
from tests.kiosk.history import Storyteller
from tests.kiosk.shopkit import make_config, open_shop, prepare_store, running_store


@pytest.fixture(name="config")
def make_shop_config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


@pytest.fixture(name="database")
def make_database(config: Config) -> Path:
    return prepare_store(config)


def start(config: Config) -> Started:
    settings = config.store
    return start_store(config.data_dir(), settings.code, settings.currency, settings.time_zone)


def start_and_stop(config: Config, *, clean: bool = True) -> Started:
    started = start(config)
    release(started, clean=clean)
    return started


def run_sql(database: Path, sql: str) -> Any:  # noqa: ANN401  whatever the statement answers
    connection = connect(database)
    allow_anything(connection)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


# -- one owner ---------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_store_is_not_ready_and_stays_empty(config: Config) -> None:
    with pytest.raises(StoreNotReady) as refused:
        start(config)
    assert "counterfoil init" in refused.value.hint
    assert not config.data_dir().exists()


@pytest.mark.usefixtures("database")
def test_a_second_service_on_the_same_folder_is_refused(config: Config) -> None:
    first = start(config)
    with pytest.raises(StoreInUse):
        start(config)
    release(first, clean=True)
    start_and_stop(config)


@pytest.mark.usefixtures("database")
def test_a_second_process_on_the_same_folder_is_refused(config: Config) -> None:
    first = start(config)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert pool.apply(_try_to_lock, (config.data_dir(),)) == "store_in_use"
        release(first, clean=True)
        assert pool.apply(_try_to_lock, (config.data_dir(),)) == "free"


def _try_to_lock(folder: Path) -> str:
    try:
        os.close(lock_folder(folder))
    except StoreInUse as problem:
        return problem.code
    return "free"


@pytest.mark.parametrize("broken", [False, True])
def test_a_start_that_fails_gives_the_folder_back(config: Config, database: Path, broken: bool) -> None:
    if broken:
        database.write_bytes(b"x" * 10_000)
        with pytest.raises(StoreDamaged):
            start(config)
    assert _try_to_lock(config.data_dir()) == "free"


# -- broken files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("kept", [0, 1, 50, 99, 100, 1_000, 4_095, 4_096, 8_192, 0.3, 0.5, 0.9, -4_096, -1])
def test_a_file_cut_short_is_refused_with_the_command_that_mends_it_and_not_touched(
    config: Config, database: Path, kept: float, clean: bool
) -> None:
    start_and_stop(config, clean=clean)
    whole = database.read_bytes()
    length = int(len(whole) * kept) if isinstance(kept, float) else kept if kept >= 0 else len(whole) + int(kept)
    database.write_bytes(whole[:length])
    with pytest.raises(StoreDamaged) as refused:
        start(config)
    assert "counterfoil restore FILE" in refused.value.hint
    assert database.read_bytes() == whole[:length]


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", bytes(100_000), os.urandom(50_000), b"SQLite format 3\0" + bytes(4_080)],
    ids=["empty", "short", "zeros", "noise", "header only"],
)
def test_a_file_that_is_no_database_is_refused(config: Config, database: Path, content: bytes, clean: bool) -> None:
    start_and_stop(config, clean=clean)
    database.write_bytes(content)
    with pytest.raises(StoreDamaged):
        start(config)
    assert database.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_not_made_into_a_store(config: Config, database: Path) -> None:
    database.unlink()
    run_sql(database, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(StoreDamaged, match="holds no store"):
        start(config)
    assert run_sql(database, "SELECT name FROM sqlite_schema") == [("songs",)]


def test_an_empty_file_beside_a_full_log_does_not_cost_the_log(config: Config, database: Path) -> None:
    log = database.with_name(DATABASE_NAME + "-wal")
    log.write_bytes(b"all of yesterday")
    database.write_bytes(b"")
    with pytest.raises(StoreDamaged, match="empty"):
        start(config)
    assert log.read_bytes() == b"all of yesterday"


def _smash_a_table(database: Path) -> None:
    """Overwrite the first page of a table that no start reads, as a bad sector would."""
    page = run_sql(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'consent'")[0][0]
    content = bytearray(database.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    database.write_bytes(bytes(content))


def test_after_an_unclean_stop_every_page_is_looked_at(config: Config, database: Path) -> None:
    start_and_stop(config, clean=False)
    _smash_a_table(database)
    with pytest.raises(StoreDamaged):
        start(config)


def test_after_a_clean_stop_the_start_is_quick_and_verify_finds_the_rest(config: Config, database: Path) -> None:
    start_and_stop(config, clean=True)
    _smash_a_table(database)
    start_and_stop(config)
    report = prove(database, full=True)
    assert not report.ok
    assert "restore" in (read_finding(database.parent) or "")


def test_an_unclean_stop_of_a_sound_file_starts_as_ever(config: Config, database: Path) -> None:
    first = start_and_stop(config, clean=False)
    second = start_and_stop(config)
    assert (first.epoch, first.ordinal) == (second.epoch, second.ordinal)
    assert prove(database, full=True).ok


def test_a_last_entry_that_does_not_hold_starts_read_only_and_stays_so(config: Config, database: Path) -> None:
    run_sql(database, "UPDATE journal SET hash = zeroblob(32) WHERE seq = (SELECT max(seq) FROM journal)")
    started = start_and_stop(config)
    assert started.read_only is not None
    assert "counterfoil verify --full" in started.read_only
    assert read_finding(database.parent) == started.read_only, "upkeep looks there every other second"
    assert start_and_stop(config).read_only == started.read_only


async def test_a_store_with_a_broken_last_entry_answers_reads_and_refuses_writes(
    config: Config, database: Path
) -> None:
    run_sql(database, "UPDATE journal SET content = x'7b7d' WHERE seq = (SELECT max(seq) FROM journal)")
    async with running_store(config) as store:
        for _ in range(2):
            reply = await store.call("POST", "/v1/shifts", {"id": "01990000-0000-7000-8000-000000000001"})
            assert (reply.status, reply.json["code"]) == (503, "read_only")
            assert "counterfoil verify --full" in reply.json["detail"]
            assert (await store.call("GET", "/v1/products/100")).status == 200
            # The look at the finding on disk must not take the refusal back.
            await store.store.upkeep.stop()
            store.store.upkeep.start()


# -- lives and marks ---------------------------------------------------------------------------------------------------


def test_the_same_database_goes_on_in_the_same_life(config: Config, database: Path) -> None:
    lives = {(started.epoch, started.ordinal) for started in (start_and_stop(config) for _ in range(4))}
    assert len(lives) == 1
    assert run_sql(database, "SELECT count(*) FROM life") == [(1,)]


async def test_an_old_copy_put_back_begins_a_second_life_with_series_b(config: Config, tmp_path: Path) -> None:
    async with running_store(config) as store:
        await store.open_shift()
        assert [(await store.sell()).json["number"] for _ in range(2)] == ["S001-T01-000001", "S001-T01-000002"]
        first_epoch = store.store.door.shop.journal.epoch
    old = tmp_path / "old.sqlite"
    shutil.copy(config.data_dir() / DATABASE_NAME, old)
    async with running_store(config) as store:
        sold_after_the_copy = [(await store.sell()).json["number"] for _ in range(3)]
        assert sold_after_the_copy[-1] == "S001-T01-000005"
    shutil.copy(old, config.data_dir() / DATABASE_NAME)
    async with running_store(config) as store:
        epoch = store.store.door.shop.journal.epoch
        assert epoch != first_epoch
        sale = (await store.sell()).json
        assert sale["number"] == "S001-T01B-000001"
        assert sale["journal"]["seq"] == 2, "the first entry of the epoch tells of its beginning"
        again = await store.call("GET", f"/v1/sales/{'S001-T01-000002'}")
        assert again.status == 200
    database = config.data_dir() / DATABASE_NAME
    assert prove(database, full=True).ok
    assert run_sql(database, "SELECT ordinal, reason FROM life ORDER BY ordinal") == [(1, "first"), (2, "restored")]


def test_a_backup_restored_begins_a_new_life_each_time(config: Config, database: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    back_up(database, backup)
    assert start_and_stop(config).ordinal == 1
    epochs = set()
    for _ in range(3):
        restore(config.data_dir(), backup)
        started = start_and_stop(config)
        assert started.ordinal == 2
        epochs.add(started.epoch)
    assert len(epochs) == 3


def test_a_copy_carried_to_another_folder_begins_a_new_life_there(
    config: Config, database: Path, tmp_path: Path
) -> None:
    start_and_stop(config)
    elsewhere = make_config(tmp_path / "elsewhere")
    prepare_store(elsewhere)
    shutil.copy(database, elsewhere.data_dir() / DATABASE_NAME)
    assert start_and_stop(elsewhere).ordinal == 2


@pytest.mark.parametrize("text", [None, "", "not json", "[]", '{"current": 1}'])
def test_without_readable_marks_a_new_life_begins(config: Config, database: Path, text: str | None) -> None:
    start_and_stop(config)
    file = database.parent / marks.FILE_NAME
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    assert start_and_stop(config).ordinal == 2
    assert start_and_stop(config).ordinal == 2
    assert prove(database, full=True).ok


def test_a_kill_between_the_file_and_the_database_is_no_false_alarm(
    config: Config, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_and_stop(config)

    class Killed(BaseException):
        pass

    def write_and_die(folder: Path, new: marks.Marks) -> None:
        write(folder, new)
        raise Killed

    write = marks.write_marks
    for _ in range(3):
        monkeypatch.setattr(marks, "write_marks", write_and_die)
        with pytest.raises(Killed):
            start(config)
        monkeypatch.undo()
    again = start_and_stop(config)
    assert (again.epoch, again.ordinal) == (first.epoch, 1)


def test_a_kill_before_the_file_is_no_false_alarm(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_store(config)
    first = start_and_stop(config)
    monkeypatch.setattr(marks, "write_marks", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        start(config)
    monkeypatch.undo()
    assert start_and_stop(config).epoch == first.epoch


def test_the_epochs_first_entry_names_the_head_it_knew(config: Config, database: Path) -> None:
    first = start_and_stop(config)
    head = run_sql(database, "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")[0]
    (database.parent / marks.FILE_NAME).unlink()
    second = start_and_stop(config)
    content = run_sql(database, f"SELECT content FROM journal WHERE epoch = {second.epoch} AND seq = 1")[0][0]
    for text in (f'"previous_epoch":"{first.epoch:016x}"', f'"previous_seq":{head[0]}', head[1].hex()):
        assert text in content.decode()


def test_a_new_life_forgets_what_verify_knew_of_another_file(config: Config, database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    start_and_stop(config)
    shutil.copy(database, old)
    connection = connect(database)
    life = read_life(connection)
    assert life is not None
    Storyteller(connection, make_shop(config, *life), Random(1)).tell(5)
    connection.close()
    start_and_stop(config)
    assert prove(database, full=False).ok
    shutil.copy(old, database)
    start_and_stop(config)
    assert prove(database, full=False).ok, "the mark was of the newer file"


# -- migrations at the start -------------------------------------------------------------------------------------------


def test_a_start_of_an_up_to_date_store_makes_no_copy(config: Config, database: Path) -> None:
    start_and_stop(config)
    assert not list(database.parent.glob("*before*"))
    connection = connect(database)
    assert pending_steps(connection) == []
    connection.close()


def test_before_a_step_the_file_is_copied(config: Config, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_sql(database, "SELECT count(*) FROM journal")
    monkeypatch.setattr(start_module, "pending_steps", lambda _: ["0002_second"])
    start_and_stop(config)
    copy = database.parent / "store.before-0002_second.sqlite"
    assert run_sql(copy, "SELECT count(*) FROM journal") == before


# -- clocks ------------------------------------------------------------------------------------------------------------


async def test_a_clock_set_back_a_year_sells_on_in_sequence_and_on_the_shifts_day(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_store(config) as store:
        await store.open_shift()
        before = (await store.sell()).json
        door = store.store.door
        year_ms = 365 * 86_400_000
        monkeypatch.setattr(door, "now_ms", lambda: time.time_ns() // 1_000_000 - year_ms)
        after = await store.sell()
        assert after.status == 201
        assert after.json["business_day"] == before["business_day"]
        assert after.json["at"] < before["at"]
        assert after.json["journal"]["seq"] == before["journal"]["seq"] + 1
        assert after.json["number"] == "S001-T01-000002"
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok
    monkeypatch.setattr(time, "time_ns", lambda: 1_500_000_000 * 10**9)
    started = start_and_stop(config)
    assert started.ordinal == 1
    assert started.read_only is None


# -- a kill ------------------------------------------------------------------------------------------------------------


def test_a_store_killed_while_it_runs_starts_again_in_the_same_life(config: Config, database: Path) -> None:
    first = start_and_stop(config)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    child = context.Process(target=_run_until_killed, args=(config.data_dir(), ready))
    child.start()
    assert ready.wait(30)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join(30)
    assert database.with_name(DATABASE_NAME + "-wal").stat().st_size > 0, "what it wrote lies in the log"
    again = start_and_stop(config)
    assert (again.epoch, again.ordinal) == (first.epoch, first.ordinal)
    assert run_sql(database, "SELECT value FROM mark WHERE name = 'told'") == [("1",)]
    assert prove(database, full=True).ok


def _run_until_killed(folder: Path, ready: Any) -> None:  # noqa: ANN401  an event of multiprocessing
    start_store(folder, "S001", "EUR", "Europe/Warsaw")
    connection = connect(folder / DATABASE_NAME)
    connection.execute("INSERT INTO mark (name, value) VALUES ('told', '1')")
    ready.set()
    time.sleep(60)
    connection.close()


def test_open_shop_is_what_a_start_accepts(tmp_path: Path) -> None:
    """The helper of these tests makes stores that are no special case."""
    connection, _ = open_shop(tmp_path)
    connection.close()
    assert start_and_stop(make_config(tmp_path)).ordinal == 1


async def test_a_copy_made_by_hand_in_the_last_run_begins_a_new_life_too(config: Config, tmp_path: Path) -> None:
    """It carries the nonce of the run that came after it; only how far the journal had come tells it apart."""
    old = tmp_path / "old.sqlite"
    database = config.data_dir() / DATABASE_NAME
    async with running_store(config) as store:
        await store.open_shift()
        await store.sell()
        run_sql(database, "PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(database, old)
        assert (await store.sell()).json["number"] == "S001-T01-000002"
    shutil.copy(old, database)
    async with running_store(config) as store:
        assert (await store.sell()).json["number"] == "S001-T01B-000001"


async def test_a_backup_of_the_same_run_restored_begins_a_new_life(config: Config, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    async with running_store(config) as store:
        await store.open_shift()
        await store.sell()
        back_up(store.store.database.path, backup)
        await store.store.database.close()
    restore(config.data_dir(), backup)
    async with running_store(config) as store:
        assert (await store.sell()).json["number"] == "S001-T01B-000001"
