"""Real baskets over HTTP into a real store: to the cent, and through every kill exactly once."""

import asyncio
import contextlib
import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_utils.utils import sqlite3

from kiosk.bench.server import StoreProcess
from kiosk.demo.files import bundled_baskets
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME, StoreInUse, lock_folder
from kiosk.replay.replay import Replayed, replay
from kiosk.replay.replay_folder import MEMORY_NAME, ForeignFolder, config_file
from kiosk.replay.replay_orders import Order
from kiosk.replay.replay_plan import Plan, read_plan

BASKETS = 200


def cut(file: Path, baskets: int) -> Path:
    """The first `baskets` real baskets as a file of their own."""
    with gzip.open(bundled_baskets(), "rt", encoding="utf-8", newline="") as rows:
        reader = csv.DictReader(rows)
        assert reader.fieldnames is not None
        kept: dict[str, list[dict[str, str]]] = {}
        for row in reader:
            if row["basket_id"] not in kept and len(kept) == baskets:
                break
            kept.setdefault(row["basket_id"], []).append(row)
    with file.open("w", encoding="utf-8", newline="") as cut_file:
        writer = csv.DictWriter(cut_file, reader.fieldnames)
        writer.writeheader()
        writer.writerows(row for rows_of_basket in kept.values() for row in rows_of_basket)
    return file


def paid_minor(file: Path) -> dict[str, int]:
    """What the data say each basket came to, read without the program."""
    paid: dict[str, int] = defaultdict(int)
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            paid[row["basket_id"]] += int(row["sales_minor"])
    return paid


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(tmp_path_factory.mktemp("baskets") / "baskets.csv", BASKETS)


@pytest.fixture(scope="module")
def plan(file: Path) -> Plan:
    return read_plan(file)


def first(plan: Plan, count: int) -> Plan:
    return msgspec.structs.replace(plan, orders=plan.orders[:count])


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(str(folder / DATABASE_NAME))
    try:
        return list(connection.execute(sql))
    finally:
        connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sales_that_are_not_whole(folder: Path) -> list[tuple[Any, ...]]:
    """Sales whose lines, taxes, tenders, stock moves, number or entry do not all stand beside them."""
    return rows(
        folder,
        "SELECT hex(id) FROM sale WHERE NOT EXISTS (SELECT 1 FROM journal WHERE op_id = sale.id)"
        " OR NOT EXISTS (SELECT 1 FROM document_number WHERE op = sale.id)"
        " OR net_minor != (SELECT sum(net_minor) FROM sale_line WHERE sale = sale.id)"
        " OR due_minor != (SELECT sum(base_minor + tax_minor) FROM sale_tax WHERE sale = sale.id)"
        " OR paid_minor != (SELECT coalesce(sum(amount_minor), 0) FROM sale_tender WHERE sale = sale.id)"
        " OR (SELECT count(*) FROM sale_line WHERE sale = sale.id)"
        " != (SELECT count(*) FROM stock_move WHERE op = sale.id)",
    )


def assert_every_basket_once(folder: Path, plan: Plan, done: Replayed) -> None:
    assert done.ok, done
    assert (done.baskets, done.sales, done.wrong_totals, done.refused) == (len(plan.orders), len(plan.orders), 0, 0)
    assert done.booked + done.repeated == len(plan.orders)
    sold = rows(folder, "SELECT id, due_minor FROM sale")
    assert sorted(sold) == sorted((order.sale.bytes, order.total_minor) for order in plan.orders)
    assert sales_that_are_not_whole(folder) == []


async def test_every_basket_is_sold_to_the_cent(file: Path, plan: Plan, tmp_path: Path) -> None:
    answered = []
    done = await replay(plan, tmp_path, tills=3, on_answer=lambda order: answered.append(order.basket_id))
    assert_every_basket_once(tmp_path, plan, done)
    paid = paid_minor(file)
    assert sorted(answered) == sorted(paid)
    assert len(paid) == BASKETS
    assert sorted(due for (due,) in rows(tmp_path, "SELECT due_minor FROM sale")) == sorted(paid.values())
    assert (done.booked, done.repeated, done.restarts, done.tills) == (BASKETS, 0, 0, 3)
    assert rows(tmp_path, "SELECT count(*) FROM sale_line") == [(done.lines,)]
    (overridden,) = rows(tmp_path, "SELECT count(*) FROM sale_line WHERE override_reason = 'price of the day'")
    assert overridden == (done.overrides,)
    assert rows(tmp_path, "SELECT count(DISTINCT till) FROM sale") == [(3,)]
    assert rows(tmp_path, "SELECT count(*), max(z_number) FROM shift_close") == [(3, 1)]


async def test_the_same_folder_again_books_nothing_twice(plan: Plan, tmp_path: Path) -> None:
    some = first(plan, 30)
    await replay(some, tmp_path, tills=2)
    entries = rows(tmp_path, "SELECT count(*) FROM journal WHERE kind = 'sale.completed'")
    again = await replay(some, tmp_path, tills=2)
    assert_every_basket_once(tmp_path, some, again)
    assert (again.booked, again.repeated) == (0, 30)
    assert rows(tmp_path, "SELECT count(*) FROM journal WHERE kind = 'sale.completed'") == entries == [(30,)]
    assert rows(tmp_path, "SELECT count(*) FROM device") == [(2,)]


class Killer:
    """Kills the service a moment after each of some answers, while other tills wait for theirs, and once while it
    starts again."""

    def __init__(self, process: StoreProcess, seed: int, baskets: int) -> None:
        self.process = process
        self.chance = random.Random(seed)
        self.moments = set(self.chance.sample(range(1, baskets - 20), 4))
        self.answered: list[str] = []
        self.killed_at: list[int] = []

    def note(self, order: Order) -> None:
        self.answered.append(order.basket_id)
        if len(self.answered) in self.moments:
            asyncio.get_running_loop().call_later(self.chance.uniform(0, 0.006), self.kill)

    def kill(self) -> None:
        if not self.process.is_running:
            return
        os.kill(self.process.process_id, signal.SIGKILL)
        self.killed_at.append(len(self.answered))
        if len(self.killed_at) == 1:
            asyncio.get_running_loop().call_later(self.chance.uniform(0.1, 0.6), self.kill)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_service_killed_at_any_moment_loses_and_doubles_nothing(plan: Plan, tmp_path: Path, seed: int) -> None:
    process = StoreProcess(config_file(tmp_path))
    killer = Killer(process, seed, BASKETS)
    done = await replay(plan, tmp_path, process=process, on_answer=killer.note)
    assert_every_basket_once(tmp_path, plan, done)
    assert sorted(killer.answered) == sorted(order.basket_id for order in plan.orders)
    assert len(killer.killed_at) >= 3
    assert killer.killed_at[0] < BASKETS
    assert done.restarts >= 3


async def test_a_service_killed_while_all_is_being_prepared_is_prepared_anew(plan: Plan, tmp_path: Path) -> None:
    """Pairing codes may be spent, goods half imported, members half enrolled: the first sale comes all the same."""
    process = StoreProcess(config_file(tmp_path))
    killer = Killer(process, 5, BASKETS)
    killer.moments.clear()
    some = first(plan, 40)

    async def kill_each_start() -> None:
        for latest_s in (0.7, 1.3, 1.3, 1.3):
            while not process.is_running:  # noqa: ASYNC110  a process has nothing to wait on
                await asyncio.sleep(0.01)
            await asyncio.sleep(killer.chance.uniform(0.1, latest_s))
            killer.kill()
            while process.is_running:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    killing = asyncio.create_task(kill_each_start())
    done = await replay(some, tmp_path, process=process, on_answer=killer.note)
    killing.cancel()
    assert_every_basket_once(tmp_path, some, done)
    assert 0 in killer.killed_at
    assert rows(tmp_path, "SELECT count(*) FROM product") == [(len(plan.products),)]
    assert rows(tmp_path, "SELECT count(*) FROM member") == [(len(plan.households),)]


async def test_what_was_answered_stands_after_both_sides_were_killed_and_the_rest_is_whole_or_absent(
    plan: Plan, tmp_path: Path
) -> None:
    chance = random.Random(7)
    answered: set[bytes] = set()
    stood = 0
    for _ in range(4):
        process = StoreProcess(config_file(tmp_path))
        begun = asyncio.Event()

        def note(order: Order, begun: asyncio.Event = begun) -> None:
            answered.add(order.sale.bytes)
            begun.set()

        selling = asyncio.create_task(replay(plan, tmp_path, process=process, on_answer=note))
        await begun.wait()
        await asyncio.sleep(chance.uniform(0.01, 0.08))
        os.kill(process.process_id, signal.SIGKILL)
        selling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await selling
        sold = {sale for (sale,) in rows(tmp_path, "SELECT id FROM sale")}
        assert answered <= sold
        assert sold <= {order.sale.bytes for order in plan.orders}
        assert sales_that_are_not_whole(tmp_path) == []
        assert prove(tmp_path / DATABASE_NAME, full=True).ok
        assert len(sold) >= stood
        stood = len(sold)
    assert stood > 0
    done = await replay(plan, tmp_path)
    assert_every_basket_once(tmp_path, plan, done)
    assert done.repeated >= stood


async def test_a_store_that_counts_otherwise_than_the_data_is_found_out(plan: Plan, tmp_path: Path) -> None:
    right, wrong = plan.orders[:2]
    off_by_one = msgspec.structs.replace(wrong, total_minor=wrong.total_minor + 1)
    done = await replay(msgspec.structs.replace(plan, orders=(right, off_by_one)), tmp_path, tills=1)
    assert (done.baskets, done.sales, done.wrong_totals, done.verify_ok, done.ok) == (2, 2, 1, True, False)
    assert done.problems[0] == f"basket {wrong.basket_id}: due: {wrong.total_minor}, not {wrong.total_minor + 1}"


async def test_a_sale_that_is_refused_is_told_and_the_others_go_on(plan: Plan, tmp_path: Path) -> None:
    refused = msgspec.structs.replace(plan.orders[0], body=plan.orders[0].body.replace(b'"gtin"', b'"barcode"'))
    done = await replay(msgspec.structs.replace(plan, orders=(refused, plan.orders[1])), tmp_path, tills=1)
    assert (done.baskets, done.sales, done.refused, done.ok) == (2, 1, 1, False)
    assert f"basket {refused.basket_id}: 422" in done.problems[0]


async def test_a_folder_with_another_store_is_left_alone(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"somebody's shop")
    with pytest.raises(ForeignFolder):
        await replay(plan, tmp_path)
    assert names(tmp_path) == [DATABASE_NAME]
    assert (tmp_path / DATABASE_NAME).read_bytes() == b"somebody's shop"


async def test_a_folder_holds_the_replay_of_one_file_only(plan: Plan, tmp_path: Path) -> None:
    await replay(first(plan, 1), tmp_path, tills=1)
    with pytest.raises(ForeignFolder):
        await replay(msgspec.structs.replace(first(plan, 1), digest="0" * 64), tmp_path)
    assert (tmp_path / MEMORY_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_store_that_still_runs_is_not_replayed_into(plan: Plan, tmp_path: Path) -> None:
    await replay(first(plan, 1), tmp_path, tills=1)
    (tmp_path / MEMORY_NAME).write_bytes(
        (tmp_path / MEMORY_NAME).read_bytes().replace(b'"made": true', b'"made": false')
    )
    lock = lock_folder(tmp_path)
    try:
        with pytest.raises(StoreInUse):
            await replay(first(plan, 1), tmp_path)
    finally:
        os.close(lock)
    assert rows(tmp_path, "SELECT count(*) FROM sale") == [(1,)]


def counterfoil(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "kiosk.cli", *map(str, arguments)]


def test_the_command_prints_one_object_with_the_names_of_the_contract(tmp_path: Path) -> None:
    file = cut(tmp_path / "few.csv", 12)
    done = subprocess.run(counterfoil("replay", file, "--json"), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"baskets", "sales", "wrong_totals", "overrides", "verify_ok", "per_s"} <= set(told)
    assert (told["baskets"], told["sales"], told["wrong_totals"], told["verify_ok"]) == (12, 12, 0, True)
    assert any("baskets" in note for note in told["notes"])


def test_the_command_says_what_was_sold_and_settled(tmp_path: Path) -> None:
    file = cut(tmp_path / "few.csv", 5)
    done = subprocess.run(counterfoil("replay", file, "--tills", 2), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert "5 of 5 baskets stand in the store, 0 with a wrong total" in done.stdout
    assert "lines with quantity 0 are sold as one piece" in done.stdout
    assert "5/5" in done.stderr


def test_the_command_refuses_a_file_without_the_columns(tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = subprocess.run(counterfoil("replay", tmp_path / "wrong.csv"), capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert "the header lacks household_id" in done.stderr
    assert done.stdout == ""


def test_the_command_ends_its_service_when_it_is_told_to_stop(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "replay"
    with subprocess.Popen(
        counterfoil("replay", file, "--data", folder, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        until = time.monotonic() + 240
        while not (folder / DATABASE_NAME).exists() or not rows_if_any(folder):
            assert time.monotonic() < until
            time.sleep(0.02)
        running.terminate()
        _, errors = running.communicate(timeout=240)
    assert running.returncode == 1
    assert b"goes on from here" in errors
    os.close(lock_folder(folder))  # nobody holds it any more
    assert prove(folder / DATABASE_NAME, full=True).ok
    again = subprocess.run(counterfoil("replay", file, "--data", folder, "--json"), capture_output=True, timeout=280)
    told = json.loads(again.stdout)
    assert (told["sales"], told["booked"] + told["repeated"], told["verify_ok"]) == (BASKETS, BASKETS, True)
    assert told["repeated"] > 0


def rows_if_any(folder: Path) -> list[tuple[Any, ...]]:
    with contextlib.suppress(sqlite3.OperationalError):
        return rows(folder, "SELECT 1 FROM sale LIMIT 1")
    return []
