"""A disk that is full: whoever asks hears it at once, nothing is half done, and it goes on once there is space."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loyalty.transactions import Tx
from sync.db import Database, connect
from sync.http.problems import StorageUnavailable
from tests.sync.small_disk import small_disk

PAGES = 40
HUGE = 2_000_000


def make_file(path: Path) -> Path:
    connection = connect(path)
    connection.execute("CREATE TABLE thing (value INTEGER PRIMARY KEY, text TEXT) STRICT")
    connection.close()
    return path


def values_in(path: Path) -> list[int]:
    connection = connect(path, read_only=True)
    try:
        return [row[0] for row in connection.execute("SELECT value FROM thing ORDER BY value")]
    finally:
        connection.close()


class Counted:
    """A job of two inserts that counts how often it ran; a write may run a job twice."""

    def __init__(self, value: int, size: int = 10) -> None:
        self.value, self.size, self.runs = value, size, 0

    def __call__(self, tx: Tx) -> int:
        self.runs += 1
        tx.execute("INSERT INTO thing (value, text) VALUES (?, 'first half')", (self.value,))
        tx.execute("INSERT INTO thing (value, text) VALUES (?, ?)", (-self.value, "x" * self.size))
        return self.value


def connect_small(path: Path) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """A writer whose file may not grow beyond PAGES: SQLite answers as on a full disk (SQLITE_FULL)."""
    connection = connect(path)
    connection.execute(f"PRAGMA max_page_count = {PAGES}")
    return connection


@pytest.fixture(name="small")
async def open_small(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(make_file(tmp_path / "store.sqlite"), connect_writer=connect_small)
    await database.open()
    yield database
    await database.close()


async def write_together(database: Database, *jobs: Callable[[Tx], Any]) -> list[Any]:
    """Queue all at once: the first may go alone, the rest make a group."""
    return await asyncio.gather(*map(database.write, jobs), return_exceptions=True)


async def test_a_job_that_does_not_fit_is_refused_alone_and_the_rest_of_its_group_is_written(small: Database) -> None:
    jobs = [Counted(n) for n in range(1, 6)]
    huge = Counted(100, HUGE)
    answers = await write_together(small, jobs[0], jobs[1], huge, *jobs[2:])
    refused = answers.pop(2)
    assert answers == [1, 2, 3, 4, 5]
    assert isinstance(refused, StorageUnavailable)
    assert (refused.status, refused.code) == (503, "storage_unavailable")
    assert "same id" in refused.hint
    assert values_in(small.path) == [*range(-5, 0), *range(1, 6)], "no half of the huge job"
    # SQLite drops the whole transaction when the disk is full inside a savepoint, so the group's jobs ran again.
    assert max(job.runs for job in jobs) == 2
    assert small.is_alive()


async def test_a_full_disk_refuses_each_write_and_goes_on_after_there_is_space(small: Database) -> None:
    for value in (1, 2, 3):
        with pytest.raises(StorageUnavailable, match="full"):
            await small.write(Counted(value, HUGE))
        assert values_in(small.path) == []
    await small.write(lambda tx: tx.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert await small.write(Counted(4, HUGE)) == 4
    assert values_in(small.path) == [-4, 4]


async def test_reads_go_on_while_the_disk_is_full(small: Database) -> None:
    await small.write(Counted(1))
    with pytest.raises(StorageUnavailable):
        await small.write(Counted(2, HUGE))
    assert await small.read(lambda tx: tx.execute("SELECT count(*) FROM thing").fetchone()) == (2,)


# -- a real one --------------------------------------------------------------------------------------------------------


@pytest.fixture(name="disk")
def mount_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


async def test_a_disk_that_runs_full_loses_nothing_it_answered_and_goes_on_after_space_is_back(
    disk: Path,
) -> None:
    path = make_file(disk / "store.sqlite")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(4 * 2**20))
    database = Database(path)
    await database.open()
    answered: list[int] = []
    refused: list[int] = []
    value = 0
    while len(refused) < 30:
        group = range(value + 1, value + 9)
        value += 8
        answers = await write_together(database, *(Counted(n, 20_000) for n in group))
        for n, answer in zip(group, answers, strict=True):
            assert isinstance(answer, int | StorageUnavailable), answer
            (answered if answer == n else refused).append(n)
        assert value < 2_000, "8 MB never ran full"
    assert answered, "there was room in the beginning"
    halves = values_in(path)
    assert set(answered) <= set(halves), "answered, but not there"
    assert {-n for n in halves} == set(halves), "half of a job"

    ballast.unlink()
    again = [n for n in refused if n not in halves]
    assert again, "a full disk cannot have taken everything"
    small = [Counted(n) for n in again]
    assert await write_together(database, *small) == again
    await database.close()
    halves = values_in(path)
    assert {n for n in halves if n > 0} >= {*answered, *again}
    assert {-n for n in halves} == set(halves)
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
