"""Statements noted and done again bare, on real files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.bench.raw import measure_raw, split_groups
from kiosk.bench.recording import Job, Kind, count_statements, record, replay
from loyalty.transactions import Row, Tx
from sync.db import connect


@pytest.fixture
def shelves(tmp_path: Path) -> Iterator[Tx]:
    connection = connect(tmp_path / "shelves.sqlite")
    connection.execute("CREATE TABLE shelf (sku TEXT PRIMARY KEY, pieces INTEGER) STRICT")
    yield connection
    connection.close()


def stock_up(tx: Tx) -> None:
    tx.execute("SELECT count(*) FROM shelf").fetchone()
    tx.executemany("INSERT INTO shelf VALUES (?, ?)", ((sku, 3) for sku in ("milk", "bread")))
    tx.execute("UPDATE shelf SET pieces = pieces + ? WHERE sku = ? RETURNING pieces", (4, "milk")).fetchone()
    tx.execute("  insert INTO shelf VALUES ('tea', 1)")


def content(connection: Tx) -> list[Row]:
    return list(connection.execute("SELECT * FROM shelf ORDER BY sku"))


def test_what_was_written_is_written_again_and_nothing_read(shelves: Tx) -> None:
    job = record(shelves, stock_up, Kind.WRITING)
    assert [(statement.sql.split()[0].upper(), len(statement.values)) for statement in job] == [
        ("INSERT", 2),
        ("UPDATE", 1),
        ("INSERT", 1),
    ]
    assert count_statements([job]) == 4
    written = content(shelves)
    assert written == [("bread", 3), ("milk", 7), ("tea", 1)]
    shelves.execute("DELETE FROM shelf")
    replay(shelves, job)
    assert content(shelves) == written


def test_what_was_read_is_read_again_and_nothing_written(shelves: Tx) -> None:
    job = record(shelves, stock_up, Kind.READING)
    assert [statement.sql for statement in job] == ["SELECT count(*) FROM shelf"]
    before = content(shelves)
    replay(shelves, job)
    assert content(shelves) == before


def test_the_raw_limit_is_measured_on_a_copy_that_is_gone_afterwards(shelves: Tx, tmp_path: Path) -> None:
    job = record(shelves, stock_up, Kind.WRITING)
    shelves.execute("DELETE FROM shelf")
    shelves.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    limit = measure_raw(tmp_path / "shelves.sqlite", [job], 1)
    assert limit.per_s > 0
    assert limit.commit_p50_ms > 0
    assert content(shelves) == []
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("shelves")) == []


@given(count=st.integers(0, 400), size=st.floats(1, 64))
def test_groups_keep_the_order_and_differ_by_one_job_at_most(count: int, size: float) -> None:
    jobs: list[Job] = [()] * count
    numbered = list(enumerate(jobs))
    groups = split_groups(numbered, size)  # type: ignore[arg-type]
    assert [job for group in groups for job in group] == numbered
    sizes = {len(group) for group in groups[:-1]}
    assert all(size - 1 <= each <= size + 1 for each in sizes)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


@pytest.mark.parametrize("size", [0.99, 0.0, -1.0])
def test_a_group_has_at_least_one_job(size: float) -> None:
    with pytest.raises(ValueError, match="at least one"):
        split_groups([()], size)
