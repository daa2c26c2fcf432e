"""kill -9 at any moment: what was answered is there, what was not is whole or absent, and nothing is sold twice."""

import asyncio
import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from kiosk.commands import CompleteSale, LineRequest, TenderRequest
from kiosk.compose import make_shop
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME, release, start_store
from kiosk.sales.sale_service import complete_sale
from kiosk.shop import Shop
from loyalty.transactions import Tx
from sync.db import Database, connect
from sync.journal import read_life
from tests.kiosk.faults.service import Service, Sold, Till
from tests.kiosk.history import Story
from tests.kiosk.shopkit import TOKENS, caller, make_config, new_id, prepare_store, write_config


def ask(database: Path, sql: str) -> list[Any]:
    connection = connect(database, read_only=True)
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()


def check_whole(database: Path, answered: set[str]) -> None:
    """Every answered sale is there; every sale there is whole; numbers have no gap; the proof holds."""
    sales = {str(UUID(bytes=row[0])) for row in ask(database, "SELECT id FROM sale")}
    assert answered <= sales, f"answered and lost: {sorted(answered - sales)}"
    assert {count for (count,) in ask(database, "SELECT count(*) FROM sale_line GROUP BY sale")} <= {3}
    assert {count for (count,) in ask(database, "SELECT count(*) FROM stock_move GROUP BY op")} <= {3}
    ((entries,),) = ask(database, "SELECT count(*) FROM journal WHERE kind = 'sale.completed'")
    ((lines,),) = ask(database, "SELECT count(*) FROM sale_line")
    assert (entries, lines) == (len(sales), 3 * len(sales))
    numbers = [n for (n,) in ask(database, "SELECT n FROM document_number WHERE till = 'T01' ORDER BY n")]
    assert numbers == list(range(1, len(numbers) + 1))
    seqs = [seq for (seq,) in ask(database, "SELECT seq FROM journal ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1)), "one life, no gap"
    report = prove(database, full=True)
    assert report.ok, report.first_wrong


# -- the storage, without HTTP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_writer_has_written_all_it_answered(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    config = make_config(tmp_path)
    database = prepare_store(config)
    connection = connect(database)
    life = read_life(connection)
    assert life is not None
    Story(connection, make_shop(config, *life)).open_shift()
    connection.close()
    context = multiprocessing.get_context("spawn")
    answered: set[str] = set()
    for _ in range(2):
        heard, told = context.Pipe(duplex=False)
        child = context.Process(target=_sell_in_groups, args=(config.folder, told))
        child.start()
        told.close()
        answered.add(heard.recv())
        time.sleep(random.uniform(0, 0.08))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join(120)
        while True:
            try:
                answered.add(heard.recv())
            except EOFError:
                break
        settings = config.store
        started = start_store(config.data_dir(), settings.code, settings.currency, settings.time_zone)
        assert (started.epoch, started.read_only) == (life[0], None)
        release(started, clean=False)
        check_whole(database, answered)
    assert answered


def _sell_in_groups(folder: Path, told: Connection) -> None:
    asyncio.run(_sell_for_ever(folder, told))


async def _sell_for_ever(folder: Path, told: Connection) -> None:
    config = make_config(folder)
    database = Database(config.data_dir() / DATABASE_NAME)
    await database.open()
    life = await database.read(read_life)
    assert life is not None
    shop = make_shop(config, *life)

    async def till() -> None:
        while True:
            command = CompleteSale(
                id=new_id(),
                lines=tuple(LineRequest(sku=sku) for sku in ("100", "101", "102")),
                tenders=(TenderRequest(kind="cash", amount_minor=5000),),
            )
            await database.write(_sale_of(shop, command))
            told.send(str(command.id))

    await asyncio.gather(*(till() for _ in range(8)))


def _sale_of(shop: Shop, command: CompleteSale) -> Any:  # noqa: ANN401
    def job(tx: Tx) -> None:
        complete_sale(tx, shop, caller(), command)

    return job


# -- the whole service -------------------------------------------------------------------------------------------------


async def open_shift(service: Service) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['cashier']}"}
    async with (
        aiohttp.ClientSession(service.url, headers=headers) as client,
        client.post("/v1/shifts", json={"id": str(new_id())}) as response,
    ):
        assert response.status == 201, await response.text()


async def test_a_service_killed_again_and_again_loses_no_answered_sale_and_doubles_none(tmp_path: Path) -> None:
    """Tills ask again for what was in flight, with the same id: it is sold once, whether it had reached the disk or
    not."""
    random = Random(42)
    file = write_config(tmp_path)
    database = prepare_store(make_config(tmp_path))
    answered: list[Sold] = []
    unknown: list[Any] = [None] * 6
    asked_again = 0
    for round_number in range(4):
        service = await Service.start(file)
        if round_number == 0:
            await open_shift(service)
        tills = [Till(service.url, request) for request in unknown]
        selling = [asyncio.create_task(till.sell_until_gone()) for till in tills]
        await asyncio.sleep(random.uniform(0.3, 0.9))
        service.kill()
        assert await service.wait() == -signal.SIGKILL
        await asyncio.gather(*selling)
        asked_again += sum(request is not None for request in unknown)
        unknown = [till.unknown for till in tills]
        answered += [sold for till in tills for sold in till.answered]
    assert asked_again > 3, "the kills came between request and answer"
    service = await Service.start(file)
    tills = [Till(service.url, request) for request in unknown if request]
    selling = [asyncio.create_task(till.sell_until_gone()) for till in tills]
    await asyncio.sleep(0.4)
    assert await service.stop() == 0
    await asyncio.gather(*selling)
    answered += [sold for till in tills for sold in till.answered]
    assert len({sold.id for sold in answered}) == len(answered), "no sale was answered as new twice"
    assert len({sold.number for sold in answered}) == len(answered)
    rows = {
        (str(UUID(bytes=sale)), number, seq)
        for sale, number, seq in ask(
            database, "SELECT id, number, seq FROM sale JOIN journal ON journal.op_id = sale.id"
        )
    }
    assert {tuple(sold) for sold in answered} <= rows
    check_whole(database, {sold.id for sold in answered})
