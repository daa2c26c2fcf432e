"""The bench of pushes, small, over a real head office: the names of the contract, and figures that can be true."""

import re
from pathlib import Path

import msgspec
import pytest

from kiosk.bench import push as bench
from kiosk.bench.client import Answer
from kiosk.bench.journals import book_journals
from kiosk.bench.push import Extent, bench_push
from kiosk.bench.pushing import need_acknowledged
from kiosk.bench.raw_rows import read_columns
from kiosk.bench.sales import Unproved
from kiosk.bench.stand import prepare_stand
from kiosk.bench.statistics import describe
from kiosk.bench.tills import Refused
from loyalty.transactions import Tx
from sync.chain import chain_hash
from sync.engines import make_tables, open_database
from sync.hub.schema_all import ALL_TABLES
from tests.postgres import need_postgres

NAMES = {"ops_per_s", "applied_per_s", "raw_ratio", "drain_10000_s", "rss_mb"}
SMALL = Extent(stores=2, sales=40, drained=60, products=20, members=10)


async def test_the_bench_of_pushes_measures_what_the_contract_names(tmp_path: Path) -> None:
    need_postgres()
    report = await bench_push(tmp_path, SMALL)
    assert [each.engine for each in report.engines] == ["sqlite", "postgresql"]
    for each in report.engines:
        told = msgspec.to_builtins(each)
        assert told.keys() >= NAMES
        assert all(told[name] > 0 for name in NAMES)
        assert each.drain_10000_applied_s >= each.drain_10000_s
        assert each.raw_ratio == pytest.approx(each.ops_per_s / each.raw["ops_per_s"], rel=0.01)
        assert report.figures.keys() >= {f"{each.engine}_{name}" for name in NAMES}
        assert 20 < each.rss_mb < 1_000
    assert any("postgresql_ops_per_s" in line and "raw" in line for line in describe(report))


async def test_without_postgres_sqlite_is_measured_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise bench.PostgresMissing("none here")

    monkeypatch.setattr(bench.PostgresServer, "start", missing)
    assert [engine for engine, *_ in bench._addresses(tmp_path)] == ["sqlite"]


async def test_entries_that_were_put_aside_are_no_measurement(tmp_path: Path) -> None:
    place = bench._Place("sqlite", tmp_path, *next(bench._addresses(tmp_path))[1:])
    async with bench._opened(open_database(place.address)) as books:
        await make_tables(books, ALL_TABLES)
        await books.write(lambda tx: [put_applied(tx, number) for number in range(3)])
    await bench._prove(place, 3)
    with pytest.raises(Unproved, match="of 4 entries 3 were applied and 0 put aside"):
        await bench._prove(place, 4)
    async with bench._opened(open_database(place.address)) as books:
        await books.write(put_aside)
    with pytest.raises(Unproved, match="3 were applied and 1 put aside"):
        await bench._prove(place, 3)


def put_applied(tx: Tx, number: int) -> None:
    tx.execute(
        "INSERT INTO applied (store, op_id, content_hash, epoch, seq, effective_at) VALUES (?, ?, ?, 1, ?, 0)",
        (b"store", bytes([number]), b"hash", number),
    )


def put_aside(tx: Tx) -> None:
    (columns,) = [read_columns(table) for table in ALL_TABLES if table.name == "dead_letter"]
    types = dict(re.findall(r"^\s+(\w+) (\w+)", dead_letter_ddl(), re.MULTILINE))
    values = [{"BLOB": b"0" * 16, "INTEGER": 1, "TEXT": "open"}[types[name]] for name in columns]
    tx.execute(f"INSERT INTO dead_letter ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", values)


def dead_letter_ddl() -> str:
    return next(table.ddl for table in ALL_TABLES if table.name == "dead_letter")


async def test_journals_are_real_entries_in_chains_of_their_own(tmp_path: Path) -> None:
    stand = await prepare_stand(tmp_path, tills=1, products=5, members=3)
    opening, one, two = book_journals(stand, [10, 20], products=5, members=3)
    assert sum('"member.enrolled"' in op.content for op in opening.ops) == 3
    assert all(op.private is not None for op in opening.ops if '"member.enrolled"' in op.content)
    for journal in (one, two):
        kinds = [msgspec.json.decode(op.content)["kind"] for op in journal.ops]
        assert kinds == ["epoch.started"] + ["sale.completed"] * (len(kinds) - 1)
        for seq, op in enumerate(journal.ops, 1):
            assert journal.hashes[seq] == chain_hash(journal.epoch, seq, journal.hashes[seq - 1], op.content.encode())
    names = [msgspec.json.decode(op.content)["op_id"] for journal in (one, two) for op in journal.ops[1:]]
    assert len(set(names)) == len(names) == 30
    guests = [msgspec.json.decode(op.content)["body"]["member"] for op in one.ops[1:]]
    assert {guests.count(guest) for guest in set(guests)} == {1, 9}  # one of three lives here, and one call was away
    assert len({opening.epoch, one.epoch, two.epoch}) == 3


def test_a_push_that_was_not_taken_is_no_measurement() -> None:
    answer = {"request": 1, "timeline": 1, "outcome": "rewind", "epoch": "0" * 16, "seq": 0, "hash": "0" * 64}
    with pytest.raises(Refused, match="rewind"):
        need_acknowledged(Answer(200, b"", msgspec.json.encode(answer)))
    with pytest.raises(Refused, match="fenced"):
        need_acknowledged(Answer(409, b"", b'{"code": "fenced"}'))
    need_acknowledged(Answer(200, b"", msgspec.json.encode({**answer, "outcome": "acknowledged"})))


def test_the_columns_of_every_table_are_read() -> None:
    for table in ALL_TABLES:
        assert set(table.key) <= set(read_columns(table))
