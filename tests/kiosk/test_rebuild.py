"""`counterfoil rebuild`: tables made anew from a sound journal; a broken journal is refused and nothing is changed."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.life.proof import prove, read_finding
from kiosk.life.rebuild import JournalBroken, rebuild
from kiosk.life.start import DATABASE_NAME, StoreDamaged, StoreInUse, lock_folder
from kiosk.registry import TABLES
from loyalty.tables import Table, TableClass
from sync.db import connect
from tests.kiosk.damage import UNIQUE, allow_anything, change_cell, columns_of, delete_row, insert_like, rows_of
from tests.kiosk.history import Storyteller, tell_everything
from tests.kiosk.shopkit import Running, make_config, open_shop, running_store

MADE = [table for table in TABLES if table.table_class in (TableClass.FACT, TableClass.CACHE)]


@pytest.fixture(name="template", scope="module")
def make_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    connection, shop = open_shop(folder)
    tell_everything(connection, shop)
    connection.close()
    return folder / "data"


@pytest.fixture(name="database")
def make_database(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "data")
    return tmp_path / "data" / DATABASE_NAME


@pytest.fixture(name="connection")
def open_connection(database: Path) -> Iterator[Any]:
    connection = connect(database)
    allow_anything(connection)
    yield connection
    connection.close()


def everything(database: Path) -> dict[str, list[Any]]:
    """All rows of all tables, and the schema."""
    connection = connect(database, read_only=True)
    found = {table.name: rows_of(connection, table) for table in TABLES}
    found["schema"] = sorted(connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall(), key=repr)
    connection.close()
    return found


def test_a_sound_store_is_the_same_afterwards(database: Path) -> None:
    before = everything(database)
    entries = rebuild(database)
    assert entries == len(before["journal"])
    assert everything(database) == before


@pytest.mark.parametrize("table", MADE, ids=lambda table: table.name)
def test_any_damage_to_a_table_is_mended(database: Path, connection: Any, table: Table) -> None:  # noqa: ANN401
    before = everything(database)
    rows = rows_of(connection, table)
    insert_like(connection, table, rows[0])
    unique = {*table.key, table.op, *UNIQUE}
    column = next((name for name in columns_of(connection, table) if name not in unique), table.op or "")
    change_cell(connection, table, rows[0], column)
    if len(rows) > 1:
        delete_row(connection, table, rows[-1])
    assert not prove(database, full=True).ok
    assert "counterfoil rebuild" in (read_finding(database.parent) or "")
    rebuild(database)
    assert everything(database) == before
    assert read_finding(database.parent) is None
    assert prove(database, full=True).ok


def test_lost_tables_and_indexes_come_back(database: Path, connection: Any) -> None:  # noqa: ANN401
    before = everything(database)
    connection.execute("DROP TABLE sale_line")
    connection.execute("DROP INDEX sale_by_day")
    rebuild(database)
    assert everything(database) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE journal SET hash = zeroblob(32) WHERE seq = 7",
        "DELETE FROM journal WHERE seq = 7",
        "DELETE FROM journal_private WHERE seq = (SELECT min(seq) FROM journal_private)",
        "UPDATE journal SET kind = 'sale.voided' WHERE seq = 3",
    ],
)
def test_a_broken_journal_is_refused_and_nothing_is_changed(
    database: Path,
    connection: Any,  # noqa: ANN401
    damage: str,
) -> None:
    connection.execute(damage)
    connection.execute("UPDATE sale SET due_minor = due_minor + 1")
    prove(database, full=True)
    finding = read_finding(database.parent)
    before = everything(database)
    with pytest.raises(JournalBroken) as refused:
        rebuild(database)
    assert "counterfoil restore FILE" in refused.value.hint
    assert everything(database) == before
    assert read_finding(database.parent) == finding, "the store stays read-only"
    os.close(lock_folder(database.parent))


def test_a_broken_page_is_refused_with_the_command_that_mends_it(database: Path) -> None:
    connection = connect(database)
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").fetchall()
    connection.close()
    content = bytearray(database.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    database.write_bytes(bytes(content))
    with pytest.raises(StoreDamaged) as refused:
        rebuild(database)
    assert "counterfoil restore FILE" in refused.value.hint


def test_a_running_store_is_not_rebuilt(database: Path) -> None:
    lock = lock_folder(database.parent)
    with pytest.raises(StoreInUse):
        rebuild(database)
    os.close(lock)
    assert rebuild(database) > 0
    assert rebuild(database) > 0, "the folder was given back"


@pytest.mark.parametrize("seed", range(4))
def test_any_history_is_rebuilt_to_the_very_rows(tmp_path: Path, seed: int) -> None:
    connection, shop = open_shop(tmp_path)
    Storyteller(connection, shop, Random(seed)).tell(40)
    connection.close()
    database = tmp_path / "data" / DATABASE_NAME
    before = everything(database)
    rebuild(database)
    assert everything(database) == before


# -- a running service that finds a fault ------------------------------------------------------------------------------


async def until_read_only(store: Running) -> None:
    """Wait until the service has looked at the finding."""
    async with asyncio.timeout(120):
        while not (await store.call("GET", "/v1/store")).json["read_only"]:  # noqa: ASYNC110  another process says so
            await asyncio.sleep(0.05)


async def test_a_fault_found_while_it_runs_makes_it_read_only_and_rebuild_lets_it_sell_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.life.upkeep._LOOK_S", 0.05)
    config = make_config(tmp_path)
    database = config.data_dir() / DATABASE_NAME
    async with running_store(config) as store:
        shift = await store.open_shift()
        sale = (await store.sell()).json
        other = connect(database)
        other.execute("UPDATE sale SET due_minor = due_minor + 1")
        other.close()
        report = await store.store.helper.run(prove, database, full=True)
        assert not report.ok
        await until_read_only(store)

        writes = [
            ("POST", "/v1/sales", {"id": sale["id"], "lines": [{"sku": "100"}]}),
            ("POST", f"/v1/shifts/{shift}/close", {"counted": {"cash": 0}}),
            ("POST", "/v1/parked", {"id": "01990000-0000-7000-8000-000000000001", "lines": [{"sku": "100"}]}),
            ("POST", "/v1/members", {"id": "01990000-0000-7000-8000-000000000002", "locale": "en", "name": "Anna"}),
        ]
        for method, path, body in writes:
            reply = await store.call(method, path, body)
            assert (reply.status, reply.json["code"]) == (503, "read_only"), path
            assert "counterfoil rebuild --config" in reply.json["detail"], path
            assert "Retry-After" in reply.headers
        reads = ["/v1/store", "/v1/products/100", f"/v1/sales/{sale['number']}", f"/v1/shifts/{shift}/report"]
        for path in reads:
            assert (await store.call("GET", path)).status == 200, path
        device = {"Authorization": "Bearer test-token-device-T02"}
        who = {"operator": "mia", "pin": "4711"}
        sign_in = await store.call("POST", "/v1/sign-ins", who, role=None, headers=device)
        assert sign_in.status == 201, "a manager must be able to come in and see what is wrong"
        quote = await store.call("POST", "/v1/quotes", {"lines": [{"sku": "100"}]})
        assert quote.status == 200, "a quote writes nothing"
        ready = await store.call("GET", "/readyz", role=None)
        assert ready.status == 503
        assert not next(check for check in ready.json["checks"] if check["name"] == "writable")["ok"]

    assert not prove(database, full=True).ok
    rebuild(database)
    async with running_store(config) as store:
        reply = await store.sell()
        assert (reply.status, reply.json["number"]) == (201, "S001-T01-000002")
        assert (await store.call("GET", "/readyz", role=None)).status == 200
    assert prove(database, full=True).ok


async def test_a_verify_of_the_command_line_beside_the_service_is_noticed_and_so_is_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.life.upkeep._LOOK_S", 0.05)
    config = make_config(tmp_path)
    database = config.data_dir() / DATABASE_NAME
    async with running_store(config) as store:
        await store.open_shift()
        await store.sell()
        for sql in ("quantity_milli + 1", "quantity_milli - 1"):
            other = connect(database)
            other.execute(f"UPDATE stock_level SET quantity_milli = {sql} WHERE sku = '100'")
            other.close()
            report = await asyncio.to_thread(prove, database, full=True)
            if not report.ok:
                await until_read_only(store)
                assert (await store.sell()).status == 503
        async with asyncio.timeout(120):
            while (await store.sell()).status != 201:  # noqa: ASYNC110  a file says so
                await asyncio.sleep(0.05)
