"""PostgreSQL behind write(fn) and read(fn): what is run again, what is not, and what happens when the server goes."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kiosk.bench.postgres_server import PostgresMissing, PostgresServer, find_user, version_of
from loyalty.errors import Conflict
from loyalty.transactions import Tx
from sync.http.problems import StorageUnavailable
from sync.postgres import TRIES, ConstraintBroken, PostgresDatabase, StatementRefused, connect
from tests.postgres import fresh_database, need_postgres

THING = "CREATE TABLE thing (id BIGINT PRIMARY KEY, phone TEXT UNIQUE)"


class Refused(Conflict):
    """The shop says no."""

    code, hint = "refused", "Ask for something else."


@pytest.fixture(name="address")
def make_address() -> Iterator[str]:
    with fresh_database() as address:
        with psycopg.connect(address) as connection:
            connection.execute(THING)
        yield address


@pytest.fixture(name="database")
async def open_database(address: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(address)
    await database.open()
    yield database
    await database.close()


def insert(value: int, phone: str | None = None) -> Callable[[Tx], int]:
    def job(tx: Tx) -> int:
        tx.execute("INSERT INTO thing (id, phone) VALUES (?, ?)", (value, phone))
        return value

    return job


def values(tx: Tx) -> list[int]:
    return [row[0] for row in tx.execute("SELECT id FROM thing ORDER BY id").fetchall()]


def fail_first(times: int, fail: Callable[[Tx], Any], job: Callable[[Tx], int]) -> Callable[[Tx], int]:
    """A job that writes, meets a failure the first times it runs, and answers how often it ran."""
    runs = itertools.count(1)

    def failing(tx: Tx) -> int:
        run = next(runs)
        job(tx)
        if run <= times:
            fail(tx)
        return run

    return failing


def raised_in_server(code: str) -> Callable[[Tx], None]:
    """A statement that PostgreSQL fails with this SQLSTATE."""

    def fail(tx: Tx) -> None:
        tx.execute(f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$")

    return fail


def end_own_connection(tx: Tx) -> None:
    tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("times", [1, TRIES - 1])
async def test_a_transaction_in_somebodys_way_is_run_again(database: PostgresDatabase, code: str, times: int) -> None:
    assert await database.write(fail_first(times, raised_in_server(code), insert(1))) == times + 1
    assert await database.read(values) == [1]
    assert database.commits == 1


async def test_what_is_always_in_the_way_is_given_up(database: PostgresDatabase) -> None:
    with pytest.raises(StorageUnavailable):
        await database.write(fail_first(TRIES, raised_in_server("40001"), insert(1)))
    assert await database.read(values) == []
    assert await database.write(insert(2)) == 2


async def test_a_job_that_swallows_a_deadlock_is_run_again_and_not_committed(database: PostgresDatabase) -> None:
    """An applier makes a dead letter of an op that fails; a deadlock is no fault of the op."""

    def swallow(tx: Tx) -> None:
        tx.execute("SAVEPOINT op")
        with pytest.raises(psycopg.OperationalError):
            raised_in_server("40P01")(tx)
        with pytest.raises(psycopg.OperationalError):
            tx.execute("ROLLBACK TO op")

    assert await database.write(fail_first(1, swallow, insert(1))) == 2
    assert await database.read(values) == [1]


async def test_a_job_that_swallows_a_refused_row_cannot_go_on_without_a_savepoint(database: PostgresDatabase) -> None:
    await database.write(insert(1))

    def swallow(tx: Tx) -> None:
        insert(2)(tx)
        with pytest.raises(ConstraintBroken):
            insert(1)(tx)

    with pytest.raises(StorageUnavailable):
        await database.write(swallow)
    assert await database.read(values) == [1]


async def test_a_job_that_turns_a_deadlock_into_an_error_of_its_own_is_run_again(database: PostgresDatabase) -> None:
    def turn(tx: Tx) -> None:
        try:
            raised_in_server("40P01")(tx)
        except psycopg.Error as error:
            raise Refused from error

    assert await database.write(fail_first(1, turn, insert(1))) == 2


async def test_a_line_that_breaks_before_the_commit_is_opened_anew(database: PostgresDatabase) -> None:
    assert await database.write(fail_first(1, end_own_connection, insert(1))) == 2
    assert await database.read(values) == [1]


@pytest.mark.parametrize("code", ["57014", "53100", "55P03"])
async def test_a_server_that_cannot_just_now_is_unavailable_and_nothing_is_written(
    database: PostgresDatabase, code: str
) -> None:
    with pytest.raises(StorageUnavailable):
        await database.write(fail_first(1, raised_in_server(code), insert(1)))
    assert await database.read(values) == []


async def test_a_refused_statement_tells_names_and_no_values(database: PostgresDatabase) -> None:
    await database.write(insert(1, "+48600700800"))
    with pytest.raises(ConstraintBroken) as caught:
        await database.write(insert(2, "+48600700800"))
    assert caught.value.code == "23505"
    assert "thing_phone_key" in str(caught.value)
    shown = "".join(str(error) for error in (caught.value, caught.value.__cause__))
    assert "600700800" not in shown
    assert caught.value.__suppress_context__

    with pytest.raises(StatementRefused) as wrong:
        await database.write(lambda tx: tx.execute("SELECT CAST(CAST(? AS TEXT) AS BIGINT)", ("+48600x",)))
    assert "48600" not in str(wrong.value)


async def test_a_commit_whose_answer_is_lost_is_not_run_again(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is there; whether it is, the caller cannot know, and asks again with the same id."""
    commit = psycopg.Connection.commit

    def commit_and_lose_the_line(connection: psycopg.Connection[Any]) -> None:
        commit(connection)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    runs = itertools.count(1)

    def job(tx: Tx) -> int:
        return insert(next(runs))(tx)

    monkeypatch.setattr(psycopg.Connection, "commit", commit_and_lose_the_line)
    with pytest.raises(StorageUnavailable):
        await database.write(job)
    monkeypatch.undo()
    assert await database.read(values) == [1]
    assert await database.write(insert(5)) == 5


async def test_a_transaction_that_finds_no_order_at_its_commit_is_run_again(database: PostgresDatabase) -> None:
    commit = psycopg.Connection.commit
    tries = itertools.count(1)

    def in_the_way_once(connection: psycopg.Connection[Any]) -> None:
        if next(tries) == 1:
            connection.rollback()
            raise psycopg.errors.SerializationFailure("planted")
        commit(connection)

    runs = itertools.count(1)

    def job(tx: Tx) -> int:
        return insert(next(runs))(tx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "commit", in_the_way_once)
        assert await database.write(job) == 2
    assert await database.read(values) == [2]


async def test_a_closed_database_refuses_whatever_comes(address: str) -> None:
    database = PostgresDatabase(address)
    with pytest.raises(StorageUnavailable):
        await database.write(insert(1))
    await database.open()
    await database.close()
    for use in (database.write, database.read):
        with pytest.raises(StorageUnavailable):
            await use(values)


async def test_on_commit_is_called_after_each_commit_and_not_after_a_failure(address: str) -> None:
    called: list[int] = []
    database = PostgresDatabase(address, on_commit=lambda: called.append(1))
    await database.open()
    await database.write(insert(1))
    with pytest.raises(ConstraintBroken):
        await database.write(insert(1))
    await database.read(values)
    await database.close()
    assert called == [1]


async def test_the_session_is_durable_and_never_waits_for_ever(address: str) -> None:
    connection = connect(f"{address}&options=-csynchronous_commit%3Doff")
    shown = [
        connection.execute(f"SHOW {name}").fetchone()
        for name in ("synchronous_commit", "statement_timeout", "idle_in_transaction_session_timeout")
    ]
    connection.close()
    assert shown == [("on",), ("30s",), ("1min",)]


async def test_a_server_that_is_not_there_is_said_at_the_start() -> None:
    database = PostgresDatabase("postgresql://hub@/none?host=/nowhere")
    with pytest.raises(StorageUnavailable):
        await database.open()
    assert not database.is_alive()
    await database.close()


async def test_a_job_that_hangs_is_seen(database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.postgres._HANGING_S", -1.0)

    def look(_: Tx) -> bool:
        return database.is_alive()

    assert await database.write(look) is False
    assert database.is_alive()


async def test_a_server_that_crashes_and_comes_back_keeps_what_was_committed() -> None:
    need_postgres()
    with PostgresServer.start() as server:
        address = server.make_database("one")
        database = PostgresDatabase(address, writers=2)
        await database.open()
        await database.write(
            lambda tx: tx.execute("CREATE TABLE thing (id BIGINT PRIMARY KEY, phone TEXT UNIQUE)").rowcount
        )
        await asyncio.gather(*(database.write(insert(value)) for value in range(20)))
        server.kill()
        with pytest.raises(StorageUnavailable):
            await database.write(insert(20))
        assert database.is_alive()
        server.restart()
        assert await database.write(insert(21)) == 21
        assert await database.read(values) == [*range(20), 21]
        await database.close()


def test_an_unfit_server_is_refused() -> None:
    need_postgres()
    with PostgresServer.start(["fsync=off"]) as server, pytest.raises(StorageUnavailable, match="fsync off"):
        connect(server.address("postgres"))


def test_a_server_of_ones_own_ends_and_leaves_nothing() -> None:
    need_postgres()
    with PostgresServer.start() as server:
        process = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(process, 0)
    assert not server.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    need_postgres()
    with pytest.raises(PostgresMissing, match="no_such_setting"):
        PostgresServer.start(["no_such_setting=1"])


def test_root_starts_it_as_somebody_else() -> None:
    assert (find_user().uid is not None) == (os.getuid() == 0)


def test_a_folder_without_postgres_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n")
    (tmp_path / "postgres").chmod(0o755)
    assert version_of(tmp_path) == 14
