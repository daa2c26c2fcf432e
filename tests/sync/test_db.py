"""The storage on a real SQLite file: groups, failing jobs, COMMITs that fail, callers that go away, and the end."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from loyalty.errors import Conflict
from loyalty.transactions import Tx
from sync.db import GROUP_MAX, Database, SqliteError, SqliteTooOld, SqliteUnavailable, connect
from sync.http.problems import StorageUnavailable


class Refused(Conflict):
    """The shop says no."""

    code, hint = "refused", "Ask for something else."


def insert(value: int) -> Callable[[Tx], int]:
    def job(tx: Tx) -> int:
        tx.execute("INSERT INTO thing (value) VALUES (?)", (value,))
        return value

    return job


def insert_then_raise(value: int, error: BaseException) -> Callable[[Tx], int]:
    def job(tx: Tx) -> int:
        insert(value)(tx)
        raise error

    return job


def read_values(tx: Tx) -> list[int]:
    return [row[0] for row in tx.execute("SELECT value FROM thing ORDER BY value").fetchall()]


def values_in(path: Path) -> list[int]:
    """What lies in the file, asked on a connection of its own."""
    connection = connect(path, read_only=True)
    try:
        return read_values(connection)
    finally:
        connection.close()


def make_file(path: Path) -> Path:
    connection = connect(path)
    connection.execute("CREATE TABLE thing (value INTEGER PRIMARY KEY, text TEXT) STRICT")
    connection.close()
    return path


@pytest.fixture(name="path")
def make_path(tmp_path: Path) -> Path:
    return make_file(tmp_path / "store.sqlite")


@pytest.fixture(name="database")
async def open_database(path: Path) -> AsyncIterator[Database]:
    database = Database(path)
    await database.open()
    yield database
    await database.close()


class Gate:
    """A job that holds the writer until it is told to go on: what is queued meanwhile becomes one group."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, _: Tx) -> None:
        self.entered.set()
        assert self.leave.wait(120)


@contextlib.asynccontextmanager
async def writer_held(database: Database) -> AsyncIterator[None]:
    """Inside the block the writer is busy with something else; what is written there waits together."""
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    assert await asyncio.to_thread(gate.entered.wait, 120)
    try:
        yield
    finally:
        gate.leave.set()
        await held


async def queued(*tasks: asyncio.Task[Any]) -> None:
    """Let the tasks start, so that their jobs are in the queue."""
    await asyncio.sleep(0)


async def write_together(database: Database, *jobs: Callable[[Tx], Any]) -> list[Any]:
    """Write all jobs as one group; answers and errors in order."""
    async with writer_held(database):
        tasks = [asyncio.create_task(database.write(job)) for job in jobs]
        await queued(*tasks)
    return await asyncio.gather(*tasks, return_exceptions=True)


# -- groups ------------------------------------------------------------------------------------------------------------


async def test_what_is_queued_commits_together(database: Database, path: Path) -> None:
    assert await write_together(database, *map(insert, range(GROUP_MAX))) == list(range(GROUP_MAX))
    assert database.jobs == GROUP_MAX + 1
    assert database.commits == 2  # the one that held the writer, and the whole group
    assert values_in(path) == list(range(GROUP_MAX))


async def test_a_group_is_bounded(database: Database) -> None:
    await write_together(database, *map(insert, range(GROUP_MAX + 1)))
    assert database.commits == 3


async def test_a_lone_job_does_not_wait_for_others(database: Database) -> None:
    async with asyncio.timeout(120):  # a group that waited to fill would wait for ever
        for value in range(20):
            await database.write(insert(value))
    assert database.commits == 20


async def test_a_write_is_in_the_file_when_it_is_answered(database: Database, path: Path) -> None:
    for value in range(5):
        await database.write(insert(value))
        assert values_in(path)[-1] == value


async def test_jobs_of_one_caller_run_in_the_order_they_were_given(database: Database) -> None:
    order: list[int] = []
    await write_together(database, *(lambda _, n=n: order.append(n) for n in range(10)))
    assert order == list(range(10))


# -- jobs that fail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Refused(), ValueError("a mistake")], ids=["problem", "mistake"])
async def test_a_failing_job_alone_fails_and_the_others_commit(
    database: Database, path: Path, error: Exception
) -> None:
    before, failed, after = await write_together(database, insert(1), insert_then_raise(2, error), insert(3))
    assert (before, after) == (1, 3)
    assert failed is error
    assert values_in(path) == [1, 3]


async def test_a_job_refused_before_it_wrote_does_not_send_the_others_round_again(database: Database) -> None:
    runs: list[int] = []

    def refuse(_: Tx) -> None:
        raise Refused

    def count(tx: Tx) -> int:
        runs.append(1)
        return insert(1)(tx)

    counted, refused, last = await write_together(database, count, refuse, insert(2))
    assert (counted, last) == (1, 2)
    assert isinstance(refused, Refused)
    assert runs == [1]


async def test_a_lone_failing_job_leaves_nothing(database: Database, path: Path) -> None:
    with pytest.raises(Refused):
        await database.write(insert_then_raise(1, Refused()))
    assert values_in(path) == []
    assert database.commits == 0
    assert await database.write(insert(1)) == 1


async def test_a_broken_rule_of_the_table_is_the_callers_error_and_undoes_all_of_its_job(
    database: Database, path: Path
) -> None:
    def twice(tx: Tx) -> None:
        insert(7)(tx)
        insert(7)(tx)

    first, failed, last = await write_together(database, insert(1), twice, insert(2))
    assert (first, last) == (1, 2)
    assert isinstance(failed, SqliteError)
    assert not isinstance(failed, StorageUnavailable)
    assert values_in(path) == [1, 2]


async def test_an_earlier_job_of_the_group_is_seen_by_a_later_one(database: Database) -> None:
    _, seen = await write_together(database, insert(1), read_values)
    assert seen == [1]


# -- COMMITs that fail -------------------------------------------------------------------------------------------------


class Fragile:
    """A real connection whose COMMITs fail as the list says: "before" they did anything, or "after" they did it all."""

    def __init__(self, connection: Any, commits: list[str]) -> None:  # noqa: ANN401  pysqlite3 has no types
        self._connection = connection
        self._commits = commits

    @property
    def total_changes(self) -> int:
        return int(self._connection.total_changes)

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def execute(self, sql: str, *parameters: object) -> Any:  # noqa: ANN401
        fault = self._commits.pop(0) if sql == "COMMIT" and self._commits else "none"
        if fault == "before":
            raise SqliteUnavailable("disk I/O error")
        answer = self._connection.execute(sql, *parameters)
        if fault == "after":
            raise SqliteUnavailable("disk I/O error")
        return answer

    def close(self) -> None:
        self._connection.close()


class FragileDisk:
    """What opens the writer's connection. `commits` says how each of the next COMMITs ends; `broken` that the file
    cannot be opened."""

    def __init__(self) -> None:
        self.opened = 0
        self.commits: list[str] = []
        self.broken = False

    def __call__(self, path: Path) -> Fragile:
        if self.broken:
            raise SqliteUnavailable("unable to open database file")
        self.opened += 1
        return Fragile(connect(path), self.commits)


@pytest.fixture(name="disk")
def make_disk() -> FragileDisk:
    return FragileDisk()


@pytest.fixture(name="fragile")
async def open_fragile(path: Path, disk: FragileDisk) -> AsyncIterator[Database]:
    database = Database(path, connect_writer=disk)
    await database.open()
    yield database
    await database.close()


def insert_once(value: int) -> Callable[[Tx], str]:
    """What a till does that asks again with the same id."""

    def job(tx: Tx) -> str:
        if tx.execute("SELECT 1 FROM thing WHERE value = ?", (value,)).fetchone():
            return "known"
        insert(value)(tx)
        return "new"

    return job


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_after_a_failed_commit_nobody_knows_and_the_same_again_finds_either(
    fragile: Database, disk: FragileDisk, path: Path, fault: str
) -> None:
    disk.commits += ["none", fault]
    answers = await write_together(fragile, insert_once(1), insert_then_raise(2, Refused()), insert_once(3))
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 3
    written = [1, 3] if fault == "after" else []
    assert values_in(path) == written
    again = await write_together(fragile, insert_once(1), insert_once(3))
    assert again == ["known" if written else "new"] * 2
    assert values_in(path) == [1, 3]
    assert disk.opened == 2, "a page cache cannot be trusted after a failed commit"


async def test_a_lone_failed_commit_is_unavailable_too(fragile: Database, disk: FragileDisk, path: Path) -> None:
    disk.commits.append("before")
    with pytest.raises(StorageUnavailable, match="disk I/O error"):
        await fragile.write(insert(1))
    assert values_in(path) == []
    assert (fragile.commits, fragile.jobs) == (0, 0)


async def test_a_file_that_cannot_be_opened_anew_is_unavailable_until_it_can(
    fragile: Database, disk: FragileDisk, path: Path
) -> None:
    disk.commits.append("before")
    disk.broken = True
    for value in (1, 2, 3):
        with pytest.raises(StorageUnavailable):
            await fragile.write(insert(value))
    with pytest.raises(StorageUnavailable):
        await fragile.truncate_wal()
    assert fragile.is_alive()
    disk.broken = False
    assert await fragile.write(insert(4)) == 4
    assert values_in(path) == [4]


async def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database(tmp_path / "no" / "folder" / "store.sqlite")
    with pytest.raises(StorageUnavailable):
        await database.open()
    with pytest.raises(StorageUnavailable):
        await database.write(insert(1))
    with pytest.raises(StorageUnavailable):
        await database.read(read_values)
    await database.close()


# -- readers -----------------------------------------------------------------------------------------------------------


async def test_readers_cannot_write(database: Database, path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="readonly"):
        await database.read(insert(1))
    assert values_in(path) == []


async def test_a_read_is_one_snapshot(database: Database, path: Path) -> None:
    await database.write(insert(1))
    entered, leave = threading.Event(), threading.Event()

    def read_twice(tx: Tx) -> tuple[list[int], list[int]]:
        first = read_values(tx)
        entered.set()
        assert leave.wait(120)
        return first, read_values(tx)

    reading = asyncio.create_task(database.read(read_twice))
    assert await asyncio.to_thread(entered.wait, 120)
    await database.write(insert(2))
    leave.set()
    assert await reading == ([1], [1])
    assert await database.read(read_values) == [1, 2]


# -- callers and loops -------------------------------------------------------------------------------------------------


async def test_a_caller_that_goes_away_does_not_undo_its_job(database: Database, path: Path) -> None:
    async with writer_held(database):
        leaving = asyncio.create_task(database.write(insert(1)))
        staying = asyncio.create_task(database.write(insert(2)))
        await queued(leaving, staying)
        leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == 2
    assert values_in(path) == [1, 2]


async def test_two_event_loops_share_one_writer(database: Database, path: Path) -> None:
    """Answers of one group go each to the loop that asked."""

    def other_loop() -> list[int]:
        async def ask() -> list[int]:
            return list(await asyncio.gather(*(database.write(insert(100 + n)) for n in range(10))))

        return asyncio.run(ask())

    async with writer_held(database):
        theirs = asyncio.create_task(asyncio.to_thread(other_loop))
        ours = [asyncio.create_task(database.write(insert(n))) for n in range(10)]
        await asyncio.sleep(0.2)
    assert await asyncio.gather(*ours) == list(range(10))
    assert await theirs == list(range(100, 110))
    assert values_in(path) == [*range(10), *range(100, 110)]


async def test_a_loop_that_ended_before_the_answer_does_not_stop_the_writer(database: Database, path: Path) -> None:
    def leave_at_once() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(database.write(insert(1)))
        loop.run_until_complete(asyncio.sleep(0))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    async with writer_held(database):
        await asyncio.to_thread(leave_at_once)
    assert await database.write(insert(2)) == 2
    assert values_in(path) == [1, 2]


async def test_each_commit_is_told(path: Path) -> None:
    told: list[int] = []
    database = Database(path, on_commit=lambda: told.append(threading.get_ident()))
    await database.open()
    await database.write(insert(1))
    await database.write(insert(2))
    assert told == [threading.get_ident()] * 2, "told on the event loop, once a commit"
    await database.close()


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_close_commits_what_is_queued(path: Path) -> None:
    database = Database(path)
    await database.open()
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    tasks = [asyncio.create_task(database.write(insert(value))) for value in range(GROUP_MAX * 2)]
    await queued(held, *tasks)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0.05)
    gate.leave.set()
    await asyncio.gather(closing, held)
    assert [task.result() for task in tasks] == list(range(GROUP_MAX * 2))
    assert values_in(path) == list(range(GROUP_MAX * 2))
    assert not database.is_alive()


async def test_after_close_a_write_is_refused_and_does_not_wait_for_ever(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.close()
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(database.write(insert(1)), 60)
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(database.truncate_wal(), 60)
    assert values_in(path) == []


async def test_a_closed_file_has_no_log_beside_it(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.write(insert(1))
    assert path.with_name(path.name + "-wal").exists()
    await database.close()
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_death_of_the_writer_is_told_and_nothing_waits_for_it(path: Path) -> None:
    deaths: list[BaseException] = []
    told = threading.Event()

    def on_death(error: BaseException) -> None:
        deaths.append(error)
        told.set()

    database = Database(path, on_death=on_death)
    await database.open()
    fatal = SystemExit("the end of memory, say")
    victim = asyncio.create_task(database.write(insert_then_raise(1, fatal)))
    assert await asyncio.to_thread(told.wait, 120)
    assert deaths == [fatal]
    writer = next((thread for thread in threading.enumerate() if thread.name == "writer"), None)
    if writer is not None:
        await asyncio.to_thread(writer.join, 120)
    assert not database.is_alive()
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(database.write(insert(2)), 60)
    victim.cancel()
    await database.close()
    assert values_in(path) == []


# -- settings ----------------------------------------------------------------------------------------------------------


async def test_the_writer_waits_for_the_disk(database: Database, path: Path) -> None:
    assert database.synchronous == 2, "PRAGMA synchronous must be FULL"
    names = ("journal_mode", "synchronous", "foreign_keys")
    settings = await database.write(lambda tx: [tx.execute(f"PRAGMA {name}").fetchone() for name in names])
    assert settings == [("wal",), (2,), (1,)]


@pytest.mark.parametrize("version", [(3, 51, 2), (3, 40, 1), (3, 7, 0)])
async def test_an_sqlite_that_may_damage_data_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    with pytest.raises(SqliteTooOld):
        connect(path)
    with pytest.raises(SqliteTooOld):
        await Database(path).open()


def test_the_sqlite_in_use_is_one_that_does_not() -> None:
    assert sqlite3.sqlite_version_info > (3, 51, 2)


async def test_the_log_is_emptied_between_the_groups(database: Database, path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    await database.write(insert(1))
    assert log.stat().st_size > 0
    await database.truncate_wal()
    assert log.stat().st_size == 0
    assert values_in(path) == [1]


async def test_while_the_disk_hangs_a_new_write_is_refused_at_once(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.db._HANGING_S", 0.1)
    async with writer_held(database):
        await asyncio.sleep(0.3)
        assert not database.is_alive()
        with pytest.raises(StorageUnavailable, match="hangs"):
            await asyncio.wait_for(database.write(insert(1)), 60)
    assert await database.write(insert(2)) == 2
    assert values_in(path) == [2]
