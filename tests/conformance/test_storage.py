"""What write(fn) and read(fn) promise, the same on both engines: all or nothing, the same rows out as went in."""

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.errors import Conflict
from loyalty.tables import Table, TableClass
from loyalty.transactions import Tx
from sync.engines import (
    AddressWrong,
    DatabaseInUse,
    DriverMissing,
    LockedFile,
    Storage,
    make_tables,
    open_database,
    path_of,
)
from sync.http.problems import StorageUnavailable
from tests.conformance.kit import Both

THING = Table(
    name="thing",
    table_class=TableClass.LOCAL,
    key=("id",),
    ddl="""
CREATE TABLE thing (
    id BLOB PRIMARY KEY,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    text TEXT,
    UNIQUE (text)
) STRICT
""",
    indexes=("CREATE INDEX thing_by_amount ON thing (amount) WHERE amount > 0",),
)
UPSERT = (
    "INSERT INTO thing (id, amount, text) VALUES (?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, text = excluded.text"
)

ADD = (
    "INSERT INTO thing (id, amount) VALUES (?, ?) ON CONFLICT (id)"
    " DO UPDATE SET amount = thing.amount + excluded.amount WHERE thing.amount < ?"
)


class Refused(Conflict):
    """The shop says no."""

    code, hint = "refused", "Ask for something else."


@pytest.fixture(name="things")
async def make_things(storage: Storage) -> Storage:
    await make_tables(storage, [THING])
    return storage


def put(key: bytes, amount: int, text: str | None = None) -> Callable[[Tx], None]:
    def job(tx: Tx) -> None:
        tx.execute("INSERT INTO thing (id, amount, text) VALUES (?, ?, ?)", (key, amount, text))

    return job


def rows(tx: Tx) -> list[tuple[Any, ...]]:
    return tx.execute("SELECT id, amount, text FROM thing ORDER BY id").fetchall()


async def test_what_is_written_is_read_back(things: Storage) -> None:
    await things.write(put(b"\x00\xff'\"?%s$1", 2**63 - 1, "zażółć 점 ポイント 🧾 '?' %s $1 \\"))
    assert await things.read(rows) == [(b"\x00\xff'\"?%s$1", 2**63 - 1, "zażółć 점 ポイント 🧾 '?' %s $1 \\")]


async def test_values_come_back_in_pythons_own_types(things: Storage) -> None:
    def ask(tx: Tx) -> list[type]:
        tx.executemany("INSERT INTO thing (id, amount, text) VALUES (?, ?, ?)", [(b"a", 1, "x"), (b"b", True, None)])
        row = tx.execute(
            "SELECT sum(amount), count(*), max(length(id)), max(amount) > 1, max(text), 1, coalesce(?, 'none'), ?, ?, ?"
            " FROM thing",
            ("some", b"\x00", 2**40, "text"),
        ).fetchone()
        assert row == (2, 2, 1, 0, "x", 1, "some", b"\x00", 2**40, "text")
        return [type(value) for value in row]

    assert await things.write(ask) == [int, int, int, int, str, int, str, bytes, int, str]


async def test_a_job_that_raises_leaves_nothing_and_its_error_comes_out(things: Storage) -> None:
    def fail(tx: Tx) -> None:
        put(b"a", 1)(tx)
        raise Refused

    with pytest.raises(Refused):
        await things.write(fail)
    assert await things.read(rows) == []


async def test_a_job_sees_what_it_wrote_and_others_see_it_after_the_commit(things: Storage) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(tx: Tx) -> list[tuple[Any, ...]]:
        put(b"a", 1)(tx)
        entered.set()
        assert leave.wait(120)
        return rows(tx)

    writing = asyncio.ensure_future(things.write(slow))
    await asyncio.to_thread(entered.wait, 120)
    before = await things.read(rows)
    leave.set()
    assert (before, len(await writing), len(await things.read(rows))) == ([], 1, 1)


async def test_a_read_sees_one_moment_however_often_it_looks(things: Storage) -> None:
    looked, go_on = threading.Event(), threading.Event()

    def look_twice(tx: Tx) -> tuple[int, int]:
        first = len(rows(tx))
        looked.set()
        assert go_on.wait(120)
        return first, len(rows(tx))

    reading = asyncio.ensure_future(things.read(look_twice))
    await asyncio.to_thread(looked.wait, 30)
    await things.write(put(b"a", 1))
    go_on.set()
    assert await reading == (0, 0)


async def test_a_reader_cannot_write(things: Storage) -> None:
    with pytest.raises(Exception, match=r"read.?only"):
        await things.read(put(b"a", 1))
    assert await things.read(rows) == []


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ((b"a", 5, "new"), "the key is there already"),
        ((b"b", 5, "old"), "the text is there already"),
        ((b"b", -1, "new"), "CHECK (amount >= 0)"),
        ((b"b", None, "new"), "NOT NULL"),
        ((None, 5, "new"), "a key is never NULL"),
        ((b"b", "five", "new"), "a text is no number"),
        ((b"b", 2**63, "new"), "too large for 64 bits"),
    ],
)
async def test_a_row_that_breaks_a_rule_of_its_table_is_refused(
    things: Storage, parameters: Sequence[Any], why: str
) -> None:
    await things.write(put(b"a", 1, "old"))
    with pytest.raises(Exception, match=r".") as caught:
        await things.write(put(*parameters))
    assert not isinstance(caught.value, StorageUnavailable), why
    assert await things.read(rows) == [(b"a", 1, "old")]


async def test_a_refused_row_ends_only_its_savepoint(things: Storage) -> None:
    def job(tx: Tx) -> int:
        refused = 0
        for key in (b"a", b"b", b"a", b"c"):
            tx.execute("SAVEPOINT op")
            try:
                put(key, 1)(tx)
            except Exception:  # noqa: BLE001  each engine has its own class for it
                refused += 1
                tx.execute("ROLLBACK TO op")
            tx.execute("RELEASE op")
        return refused

    assert await things.write(job) == 1
    assert [row[0] for row in await things.read(rows)] == [b"a", b"b", b"c"]


async def test_on_conflict_keeps_replaces_and_answers(things: Storage) -> None:
    def job(tx: Tx) -> list[list[tuple[Any, ...]]]:
        put(b"a", 1)(tx)
        return [
            tx.execute(f"{statement} RETURNING id, amount", parameters).fetchall()
            for statement, parameters in (
                ("INSERT INTO thing (id, amount) VALUES (?, ?) ON CONFLICT DO NOTHING", (b"a", 2)),
                ("INSERT INTO thing (id, amount) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", (b"b", 2)),
                (UPSERT, (b"a", 3, None)),
                (ADD, (b"a", 10, 4)),
                (ADD, (b"a", 10, 4)),
                ("UPDATE thing SET amount = amount - ? WHERE id = ? AND amount >= ?", (5, b"a", 5)),
                ("UPDATE thing SET amount = amount - ? WHERE id = ? AND amount >= ?", (50, b"a", 50)),
                ("DELETE FROM thing WHERE id = ?", (b"b",)),
            )
        ]

    assert await things.write(job) == [[], [(b"b", 2)], [(b"a", 3)], [(b"a", 13)], [], [(b"a", 8)], [], [(b"b", 2)]]


async def test_five_hundred_rows_in_one_statement(things: Storage) -> None:
    values = ", ".join(["(?, ?, ?)"] * 500)
    statement = UPSERT.replace("(?, ?, ?)", values)

    def job(tx: Tx, step: int) -> int:
        parameters = [value for n in range(500) for value in (n.to_bytes(2), n * step, f"{n} of {step}")]
        return tx.execute(statement, parameters).rowcount

    assert await things.write(lambda tx: job(tx, 1)) == 500
    assert await things.write(lambda tx: job(tx, 2)) == 500
    assert await things.read(rows) == [(n.to_bytes(2), n * 2, f"{n} of 2") for n in range(500)]


async def test_rows_are_compared_as_a_whole_for_paging(things: Storage) -> None:
    def job(tx: Tx) -> list[tuple[Any, ...]]:
        tx.executemany("INSERT INTO thing (id, amount) VALUES (?, ?)", [(bytes([n % 3, n]), n // 2) for n in range(10)])
        return tx.execute(
            "SELECT amount, id FROM thing WHERE (amount, id) > (?, ?) ORDER BY amount, id LIMIT ?", (1, b"\x00\x03", 3)
        ).fetchall()

    assert await things.write(job) == [(1, b"\x02\x02"), (2, b"\x01\x04"), (2, b"\x02\x05")]


async def test_text_is_ordered_by_its_bytes(things: Storage) -> None:
    texts = ["Zebra", "apple", "Äpfel", "zebra", "Apple", "ähre", "_", "10", "9", "점", "é", "e\u0301"]

    def job(tx: Tx) -> list[str]:
        tx.executemany(
            "INSERT INTO thing (id, amount, text) VALUES (?, 0, ?)", [(text.encode(), text) for text in texts]
        )
        assert tx.execute("SELECT min(text), max(text) FROM thing").fetchone() == ("10", "점")
        return [row[0] for row in tx.execute("SELECT text FROM thing WHERE text >= '' ORDER BY text").fetchall()]

    assert await things.write(job) == sorted(texts, key=str.encode)


async def test_two_writers_who_add_to_one_row_lose_nothing(things: Storage) -> None:
    await things.write(put(b"a", 0))

    def add(tx: Tx) -> int:
        row = tx.execute("UPDATE thing SET amount = amount + 1 WHERE id = ? RETURNING amount", (b"a",)).fetchone()
        assert row is not None
        return int(row[0])

    seen = await asyncio.gather(*(things.write(add) for _ in range(50)))
    assert sorted(seen) == list(range(1, 51))


async def test_two_writers_of_one_new_key_make_one_row(things: Storage) -> None:
    def claim(tx: Tx) -> bool:
        return (
            tx.execute("INSERT INTO thing (id, amount) VALUES (?, 1) ON CONFLICT (id) DO NOTHING", (b"a",)).rowcount
            == 1
        )

    assert sum(await asyncio.gather(*(things.write(claim) for _ in range(20)))) == 1


async def test_writers_that_lock_in_opposite_order_all_come_through(things: Storage) -> None:
    """Our own code locks in the order of keys. Should it ever not, a deadlock is run again and not told."""
    await things.write(lambda tx: (put(b"a", 0)(tx), put(b"b", 0)(tx)))
    meet = threading.Barrier(2)

    def cross(first: bytes, second: bytes) -> Callable[[Tx], None]:
        tries = 0

        def job(tx: Tx) -> None:
            nonlocal tries
            tries += 1
            tx.execute("UPDATE thing SET amount = amount + 1 WHERE id = ?", (first,))
            if tries == 1 and things.engine == "postgresql":
                meet.wait(120)
            tx.execute("UPDATE thing SET amount = amount + 1 WHERE id = ?", (second,))

        return job

    await asyncio.gather(things.write(cross(b"a", b"b")), things.write(cross(b"b", b"a")))
    assert [row[1] for row in await things.read(rows)] == [2, 2]


async def test_tables_are_made_once_however_many_start_at_once(storage: Storage, address: str) -> None:
    others = [storage]
    if storage.engine == "postgresql":
        others = [open_database(address) for _ in range(4)]
        for other in others:
            await other.open()
    await asyncio.gather(*(make_tables(other, [THING]) for other in others))
    await storage.write(put(b"a", 1))
    await make_tables(storage, [THING])
    assert await storage.read(rows) == [(b"a", 1, None)]
    for other in others:
        if other is not storage:
            await other.close()


async def test_a_closed_database_refuses(things: Storage) -> None:
    assert things.is_alive()
    await things.close()
    assert not things.is_alive()
    for use in (things.write, things.read):
        with pytest.raises((StorageUnavailable, RuntimeError)):
            await use(rows)


async def test_what_is_queued_when_it_closes_is_written(address: str) -> None:
    storage = open_database(address)
    await storage.open()
    await make_tables(storage, [THING])
    writing = [asyncio.ensure_future(storage.write(put(bytes([n]), n))) for n in range(30)]
    await asyncio.sleep(0)
    await storage.close()
    await asyncio.gather(*writing)
    again = open_database(address)
    await again.open()
    assert len(await again.read(rows)) == 30
    await again.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=40),
            st.integers(0, 2**63 - 1),
            st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
        ),
        max_size=20,
    )
)
def test_every_letter_byte_and_number_comes_back(both: Both, written: list[tuple[bytes, int, str | None]]) -> None:
    unique = {key: (key, amount, text) for key, amount, text in written}
    texts: dict[str | None, bytes] = {row[2]: key for key, row in unique.items()}
    kept = sorted(row for key, row in unique.items() if row[2] is None or texts[row[2]] == key)

    def job(tx: Tx) -> list[tuple[Any, ...]]:
        tx.execute("DELETE FROM thing")
        tx.executemany("INSERT INTO thing (id, amount, text) VALUES (?, ?, ?)", kept)
        return rows(tx)

    for storage in both.storages:
        both.runner.run(make_tables(storage, [THING]))
        assert both.runner.run(storage.write(job)) == kept


@pytest.mark.parametrize(
    ("address", "path"),
    [("sqlite:///a/b.sqlite", "/a/b.sqlite"), ("sqlite:b.sqlite", "b.sqlite"), ("sqlite:///a%20b", "/a b")],
)
def test_an_sqlite_address_names_a_file(address: str, path: str) -> None:
    assert path_of(address) == Path(path)


@pytest.mark.parametrize(
    "address", ["", "hub.sqlite", "sqlite:", "sqlite:///", "sqlite://host/file", "sqlite:///a?mode=ro", "mysql://a/b"]
)
def test_an_address_of_nothing_is_refused(address: str) -> None:
    with pytest.raises(AddressWrong):
        open_database(address)


async def test_an_sqlite_file_is_one_processs(tmp_path: Path) -> None:
    address = f"sqlite://{tmp_path / 'folder' / 'hub.sqlite'}"
    first, second = open_database(address), open_database(address)
    await first.open()
    with pytest.raises(DatabaseInUse):
        await second.open()
    await first.close()
    await second.open()
    await second.close()
    assert isinstance(first, LockedFile)


async def test_a_file_that_cannot_be_opened_stays_free_for_others(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite").mkdir()
    blocked = open_database(f"sqlite://{tmp_path / 'hub.sqlite'}")
    with pytest.raises(StorageUnavailable):
        await blocked.open()
    (tmp_path / "hub.sqlite").rmdir()
    freed = open_database(f"sqlite://{tmp_path / 'hub.sqlite'}")
    await freed.open()
    await freed.close()


def test_a_machine_without_the_driver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_database("postgres://hub@/one").engine == "postgresql"
    monkeypatch.setitem(sys.modules, "sync.postgres", None)
    with pytest.raises(DriverMissing) as caught:
        open_database("postgresql://hub@/one")
    assert "counterfoil[hub]" in caught.value.hint
    assert open_database("sqlite:///hub.sqlite").engine == "sqlite"
