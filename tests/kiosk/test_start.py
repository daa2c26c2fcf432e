"""The start of a store: a broken file is never served, a copied one begins a new life, a second service is refused."""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.compose import make_shop
from kiosk.config import Config
from kiosk.life import start as start_module
from kiosk.life.backup import back_up, restore
from kiosk.life.initialise import make_pairing_code
from kiosk.life.lives import StoreChanged
from kiosk.life.proof import is_in_doubt, prove, read_finding
from kiosk.life.rebuild import rebuild
from kiosk.life.start import (
    DATABASE_NAME,
    Started,
    StoreDamaged,
    StoreInUse,
    StoreNotReady,
    lock_folder,
    release,
    start_store,
)
from kiosk.members.member_service import erase_member
from kiosk.members.members import EraseMember
from kiosk.members.tombstones import ERASED_NAME, REVOKED_NAME, TombstonesDamaged
from kiosk.migrations import pending_steps
from printers.spool import submit
from sync import marks
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.damage import allow_anything
from tests.kiosk.history import Story, Storyteller
from tests.kiosk.shopkit import Running, make_config, new_id, open_shop, prepare_store, running_store


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
        await store.sign_in()
        sale = (await store.sell()).json
        assert sale["number"] == "S001-T01B-000001"
        assert sale["journal"]["seq"] == 3, "the epoch tells of its beginning and of its key first"
        again = await store.call("GET", f"/v1/sales/{'S001-T01-000002'}")
        assert again.status == 200
    database = config.data_dir() / DATABASE_NAME
    assert prove(database, full=True).ok
    assert run_sql(database, "SELECT ordinal, reason FROM life ORDER BY ordinal") == [(1, "first"), (2, "restored")]


def test_a_backup_restored_begins_a_new_life_each_time_and_none_has_anothers_number(
    config: Config, database: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.sqlite"
    back_up(database, backup)
    lives = [start_and_stop(config)]
    for _ in range(3):
        restore(config.data_dir(), backup)
        lives.append(start_and_stop(config))
        assert prove(database, full=True).ok
    assert [life.ordinal for life in lives] == [1, 2, 3, 4]
    assert len({life.epoch for life in lives}) == 4


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


@pytest.fixture(name="lived")
def make_store_of_two_lives(config: Config, database: Path) -> Path:
    """A store in its second life, which has not come as far as its first one."""
    start_and_stop(config)
    tell_stories(config, database, 8)
    start_and_stop(config)
    (database.parent / marks.FILE_NAME).unlink()
    assert start_and_stop(config).ordinal == 2
    return database


def tell_stories(config: Config, database: Path, count: int) -> None:
    connection = connect(database)
    life = read_life(connection)
    assert life is not None
    Storyteller(connection, make_shop(config, *life), Random(count)).tell(count)
    connection.close()


@pytest.mark.parametrize("is_found", [False, True], ids=["not found yet", "found by verify"])
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE life SET ordinal = 65 WHERE ordinal = 1",
        "UPDATE life SET ordinal = 0 WHERE ordinal = 2",
        "UPDATE life SET ordinal = ordinal + 70368744177664 WHERE ordinal = 1",
        "UPDATE life SET epoch = epoch + 1 WHERE ordinal = 2",
        "UPDATE life SET currency = 'EUS' WHERE ordinal = 2",
        "DELETE FROM life WHERE ordinal = 2",
        "INSERT INTO life SELECT 7, 3, randomblob(16), store, currency, time_zone, reason, 0 FROM life LIMIT 1",
    ],
)
def test_no_life_begins_behind_a_row_of_lives_that_is_damaged(
    config: Config, lived: Path, damage: str, is_found: bool
) -> None:
    before = run_sql(lived, "SELECT epoch, ordinal FROM life ORDER BY ordinal")
    entries = run_sql(lived, "SELECT count(*) FROM journal")
    run_sql(lived, damage)
    if is_found:
        assert not prove(lived, full=False).ok
    started = start_and_stop(config)
    assert "counterfoil rebuild" in (started.read_only or "")
    assert (started.epoch, started.ordinal) == before[-1], "it goes on as the life that the journal names"
    assert run_sql(lived, "SELECT count(*) FROM journal") == entries
    rebuild(lived)
    assert run_sql(lived, "SELECT epoch, ordinal FROM life ORDER BY ordinal") == before
    started = start_and_stop(config)
    assert (started.epoch, started.ordinal, started.read_only) == (*before[-1], None)
    assert prove(lived, full=True).ok


def test_a_damaged_first_entry_of_an_older_life_is_no_reason_for_a_new_one(config: Config, lived: Path) -> None:
    run_sql(lived, "UPDATE journal SET hash = randomblob(32) WHERE seq = 1 AND epoch IN (SELECT min(epoch) FROM life)")
    entries = run_sql(lived, "SELECT count(*) FROM journal")
    assert "counterfoil verify --full" in (start_and_stop(config).read_only or "")
    assert run_sql(lived, "SELECT count(*) FROM journal") == entries


def test_a_restore_over_a_file_with_a_damaged_row_of_lives_takes_no_letter_from_it(
    config: Config, lived: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite"
    back_up(lived, copy)
    run_sql(lived, "UPDATE life SET ordinal = 4099 WHERE ordinal = 1")
    restore(lived.parent, copy)
    assert start_and_stop(config).ordinal == 3


def test_what_verify_found_is_not_forgotten_by_a_new_life_and_looked_at_again(config: Config, lived: Path) -> None:
    run_sql(lived, "DELETE FROM sale_tax")
    assert not prove(lived, full=False).ok
    (lived.parent / marks.FILE_NAME).unlink()
    started = start_and_stop(config)
    assert started.ordinal == 3
    assert "counterfoil rebuild" in (started.read_only or "")
    assert is_in_doubt(lived.parent), "the service looks through everything at once"
    assert not prove(lived, full=False).ok
    assert not is_in_doubt(lived.parent)
    rebuild(lived)
    assert start_and_stop(config).read_only is None


def test_a_sound_copy_put_in_place_of_a_damaged_file_opens_with_the_next_verify(
    config: Config, database: Path, tmp_path: Path
) -> None:
    start_and_stop(config)
    shutil.copy(database, tmp_path / "sound.sqlite")
    tell_stories(config, database, 5)
    assert prove(database, full=False).ok
    run_sql(database, "DELETE FROM sale_tax")
    assert not prove(database, full=False).ok
    start_and_stop(config)
    shutil.copy(tmp_path / "sound.sqlite", database)
    assert start_and_stop(config).read_only is not None
    assert is_in_doubt(database.parent)
    assert prove(database, full=False).ok, "the mark was of the newer file"
    assert read_finding(database.parent) is None


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
    assert ready.wait(120)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join(120)
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
    time.sleep(600)
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
        await store.sign_in()
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
        await store.sign_in()
        assert (await store.sell()).json["number"] == "S001-T01B-000001"


async def test_a_copy_made_by_hand_and_put_back_after_a_kill_begins_a_new_life(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No orderly stop said how far the journal had come; upkeep had noted it meanwhile."""
    monkeypatch.setattr("kiosk.life.upkeep._LOOK_S", 0.02)
    monkeypatch.setattr(marks, "note_clean_stop", lambda *_: None)
    old, database = tmp_path / "old.sqlite", config.data_dir() / DATABASE_NAME
    async with running_store(config) as store:
        await store.open_shift()
        run_sql(database, "PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(database, old)
        seq = (await store.sell()).json["journal"]["seq"]
        async with asyncio.timeout(120):
            while (found := marks.read_marks(config.data_dir())) is None or found.seq < seq:  # noqa: ASYNC110  a file
                await asyncio.sleep(0.02)
    monkeypatch.undo()
    shutil.copy(old, database)
    assert start_and_stop(config).ordinal == 2


def test_progress_is_written_only_when_there_is_some_and_undoes_no_orderly_stop(
    config: Config, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_and_stop(config)
    before = marks.read_marks(database.parent)
    assert before is not None
    assert before.clean
    with monkeypatch.context() as patch:
        patch.setattr(marks, "write_marks", lambda *_: pytest.fail("nothing was new"))
        marks.note_progress(database.parent, before.seq)
        marks.note_progress(database.parent, before.seq - 1)
    marks.note_progress(database.parent, before.seq + 1)
    after = marks.read_marks(database.parent)
    assert after is not None
    assert (after.seq, after.clean, after.current) == (before.seq + 1, True, before.current)


def test_an_ordinal_is_reserved_before_the_database_knows_of_it(
    config: Config, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut between the file and the database skips a letter and repeats none."""
    backup = tmp_path / "backup.sqlite"
    back_up(database, backup)
    restore(config.data_dir(), backup)

    def cut(*_: object, **__: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("kiosk.life.start.begin_life", cut)
        with pytest.raises(OSError, match="power"):
            start(config)
    assert start_and_stop(config).ordinal == 3
    assert prove(database, full=True).ok


# -- whose store it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "currency"), [("S002", "EUR"), ("S001", "JPY"), ("S002", "JPY")])
@pytest.mark.parametrize("restored", [False, True])
def test_a_configuration_of_another_shop_is_refused_and_nothing_is_written(
    config: Config, database: Path, tmp_path: Path, code: str, currency: str, restored: bool
) -> None:
    start_and_stop(config)
    if restored:
        back_up(database, tmp_path / "backup.sqlite")
        restore(config.data_dir(), tmp_path / "backup.sqlite")
    before = run_sql(database, "SELECT count(*) FROM journal")
    with pytest.raises(StoreChanged, match=f"S001 in EUR, the configuration says {code} in {currency}"):
        start_store(config.data_dir(), code, currency, "Europe/Warsaw")
    assert run_sql(database, "SELECT count(*) FROM journal") == before
    assert start_and_stop(config).ordinal == (2 if restored else 1)


def test_a_shop_may_move_to_another_time_zone(config: Config) -> None:
    prepare_store(config)
    release(start_store(config.data_dir(), "S001", "EUR", "Asia/Seoul"), clean=True)


def test_the_offline_commands_refuse_another_shops_configuration_too(config: Config, tmp_path: Path) -> None:
    prepare_store(config)
    other = make_config(tmp_path, store={"data_dir": "data", "currency": "JPY"})
    with pytest.raises(StoreChanged):
        make_pairing_code(other, "till")


# -- what a copy must not bring back -----------------------------------------------------------------------------------


async def test_z_numbers_of_a_later_life_carry_its_letter_and_begin_anew(config: Config, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"

    async def close(store: Running) -> Any:  # noqa: ANN401
        shift = (await store.call("GET", "/v1/shifts/current")).json["id"]
        return (await store.call("POST", f"/v1/shifts/{shift}/close", {"counted": {"cash": 0}})).json

    async with running_store(config) as store:
        await store.open_shift()
        z = await close(store)
        assert (z["z_number"], z["number"]) == (1, "T01-Z0001")
        back_up(store.store.database.path, backup)
        await store.open_shift()
        assert (await close(store))["number"] == "T01-Z0002"
    numbers = []
    for _ in range(2):
        restore(config.data_dir(), backup)
        async with running_store(config) as store:
            await store.sign_in()
            await store.open_shift()
            z = await close(store)
            numbers.append((z["z_number"], z["number"]))
            paper = await store.call("GET", f"/v1/print-jobs/{z['print_job']}.txt")
            assert z["number"] in paper.raw.decode()
    assert numbers == [(1, "T01B-Z0001"), (1, "T01C-Z0001")]
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok


async def test_a_member_erased_after_the_backup_is_erased_again_by_the_restore(config: Config, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    anna, ben = str(new_id()), str(new_id())
    async with running_store(config) as store:
        for member, name, phone in ((anna, "Anna Kowalska", "600 100 200"), (ben, "Ben Stays", "600 100 300")):
            body = {"id": member, "locale": "pl", "name": name, "phone": phone, "consents": []}
            assert (await store.call("POST", "/v1/members", body)).status == 201
        back_up(store.store.database.path, backup)
        erased = await store.call("POST", f"/v1/members/{anna}/erase", {"reason": "asked for it"}, role="manager")
        assert erased.status == 200
    listed = (config.data_dir() / ERASED_NAME).read_text()
    assert json.loads(listed) == [anna], "ids and nothing else"
    restore(config.data_dir(), backup)
    async with running_store(config) as store:
        await store.sign_in()
        shown = (await store.call("GET", f"/v1/members/{anna}")).json
        assert (shown["status"], shown["name"], shown["phone"]) == ("erased", None, None)
        assert (await store.call("GET", f"/v1/members/{ben}")).json["name"] == "Ben Stays"
        for path in config.data_dir().glob(f"{DATABASE_NAME}*"):
            for trace in (b"Kowalska", b"+48600100200"):
                assert trace not in path.read_bytes(), path
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok


@pytest.mark.parametrize("through", ["the start", "the file set aside"])
def test_a_kill_between_the_erasure_and_its_tombstone_is_made_up_for(tmp_path: Path, through: str) -> None:
    connection, shop = open_shop(tmp_path)
    config, backup = make_config(tmp_path), tmp_path / "backup.sqlite"
    story = Story(connection, shop)
    member = story.enrol()
    back_up(config.data_dir() / DATABASE_NAME, backup)
    story.do(erase_member, member, EraseMember(reason="asked for it"))
    connection.close()
    assert not (config.data_dir() / ERASED_NAME).exists()
    if through == "the start":
        start_and_stop(config)
        (config.data_dir() / DATABASE_NAME).write_bytes(b"the disk died")
    restore(config.data_dir(), backup)
    start_and_stop(config)
    database = config.data_dir() / DATABASE_NAME
    assert run_sql(database, "SELECT status FROM member") == [("erased",)]
    assert run_sql(database, "SELECT count(*) FROM journal WHERE kind = 'member.erased'") == [(1,)]
    assert prove(database, full=True).ok


def test_a_list_of_erased_members_that_cannot_be_read_brings_nobody_back(
    config: Config, database: Path, tmp_path: Path
) -> None:
    start_and_stop(config)
    back_up(database, tmp_path / "backup.sqlite")
    (config.data_dir() / ERASED_NAME).write_text("[")
    before = database.read_bytes()
    with pytest.raises(TombstonesDamaged):
        restore(config.data_dir(), tmp_path / "backup.sqlite")
    assert database.read_bytes() == before
    shutil.copy(tmp_path / "backup.sqlite", database)
    with pytest.raises(TombstonesDamaged):
        start(config)
    assert run_sql(database, "SELECT count(*) FROM life") == [(1,)]


async def test_receipts_open_in_the_copy_are_in_doubt_and_not_printed_by_themselves(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    database = prepare_store(config)
    connection = connect(database)
    for n, state in enumerate(("queued", "preflight", "sending", "printed")):
        submit(connection, job_id=new_id(), printer="gone", kind="receipt", content=b"x" * n, now_ms=n)
        connection.execute("UPDATE print_job SET state = ? WHERE created_at = ?", (state, n))
    connection.close()
    backup = tmp_path / "backup.sqlite"
    back_up(database, backup)
    start_and_stop(config)
    assert run_sql(database, "SELECT state FROM print_job ORDER BY created_at")[0] == ("queued",), (
        "the same life goes on"
    )
    restore(config.data_dir(), backup)
    start_and_stop(config)
    jobs = run_sql(database, "SELECT state, problem FROM print_job ORDER BY created_at")
    assert [job[0] for job in jobs] == ["unknown", "unknown", "unknown", "printed"]
    assert all("restored" in job[1] for job in jobs[:3])


async def test_a_restored_store_has_nobody_signed_in_and_its_tills_still_work(config: Config, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite"
    async with running_store(config) as store:
        approval = {"operator": "mia", "pin": "4711", "for": "void"}
        assert (await store.call("POST", "/v1/approvals", approval)).status == 201
        member = str(new_id())
        assert (await store.call("POST", "/v1/members", {"id": member, "locale": "en"})).status == 201
        assert (await store.call("PUT", f"/v1/members/{member}/pin", {"pin": "4711"})).status == 200
        assert (await store.call("POST", f"/v1/members/{member}/proofs", {"proof": "4711"})).status == 201
        back_up(store.store.database.path, backup)
        devices = (await store.call("GET", "/v1/devices", role="manager")).json["items"]
        stolen = next(device["id"] for device in devices if device["till"] == "K01")
        assert (await store.call("DELETE", f"/v1/devices/{stolen}", role="manager")).status == 204
    assert json.loads((config.data_dir() / REVOKED_NAME).read_text()) == [stolen]
    restore(config.data_dir(), backup)
    async with running_store(config) as store:
        for role in ("cashier", "manager", "kiosk"):
            assert (await store.call("GET", "/v1/store", role=role)).status == 401, role
        await store.sign_in("cashier")
        await store.sign_in("manager")
        devices = (await store.call("GET", "/v1/devices", role="manager")).json["items"]
        assert [device["till"] for device in devices if device["revoked_at"]] == ["K01"]
    for table in ("approval", "member_proof"):
        assert run_sql(config.data_dir() / DATABASE_NAME, f"SELECT count(*) FROM {table}") == [(0,)]
