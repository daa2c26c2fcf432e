"""The orderly stop: SIGTERM while sales are in flight, clients that hang up, and what is on the disk afterwards."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from sync.db import connect
from sync.marks import read_marks
from tests.kiosk.faults.service import Service, Till, sale_request_of
from tests.kiosk.faults.test_kill import ask, check_whole, open_shift
from tests.kiosk.shopkit import TOKENS, Running, make_config, new_id, prepare_store, running_store, write_config


async def test_a_stop_in_the_rush_hour_loses_no_answered_sale(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    database = prepare_store(make_config(tmp_path))
    service = await Service.start(file)
    found = read_marks(database.parent)
    assert found is not None
    assert not found.clean, "a service that runs has not stopped"
    await open_shift(service)
    tills = [Till(service.url) for _ in range(8)]
    selling = [asyncio.create_task(till.sell_until_gone()) for till in tills]
    async with asyncio.timeout(120):
        while sum(len(till.answered) for till in tills) <= 20:  # noqa: ASYNC110  in the middle of the rush
            await asyncio.sleep(0.02)
    code = await service.stop()
    await asyncio.gather(*selling)
    assert code == 0, service.log.decode()
    answered = {sold.id for till in tills for sold in till.answered}
    assert len(answered) > 20
    assert not database.with_name(DATABASE_NAME + "-wal").exists(), "the log was moved into the file"
    found = read_marks(database.parent)
    assert found is not None
    assert found.clean
    check_whole(database, answered)


async def test_a_stopped_service_starts_again_where_it_stopped(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    database = prepare_store(make_config(tmp_path))
    epochs = []
    for _ in range(2):
        service = await Service.start(file)
        epochs.append(ask(database, "SELECT epoch FROM life"))
        assert await service.stop() == 0
    assert epochs[0] == epochs[1]
    assert b"Traceback" not in service.log


async def test_a_second_service_on_the_folder_ends_with_a_sentence(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    prepare_store(make_config(tmp_path))
    service = await Service.start(file)
    with pytest.raises(AssertionError, match="Another service works in this data folder"):
        await Service.start(file)
    assert await service.stop() == 0


async def test_a_damaged_file_ends_the_start_with_the_mending_command(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    database = prepare_store(make_config(tmp_path))
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])
    with pytest.raises(AssertionError, match="counterfoil restore FILE --config FILE"):
        await Service.start(file)


async def test_a_taken_address_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = write_config(tmp_path, http={"port": taken.getsockname()[1]})
        database = prepare_store(make_config(tmp_path, http={"port": taken.getsockname()[1]}))
        with pytest.raises(AssertionError, match=r"change http\.host or http\.port"):
            await Service.start(file)
    assert prove(database, full=True).ok


async def test_systemd_is_told_of_the_start_the_life_and_the_stop(tmp_path: Path) -> None:
    file = write_config(tmp_path)
    prepare_store(make_config(tmp_path))
    told: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(120)

        async def listen() -> None:
            """All the time: a full queue would hold back the words of the service."""
            while not told or told[-1] != b"STOPPING=1":
                told.append(await asyncio.to_thread(listener.recv, 100))

        listening = asyncio.create_task(listen())
        service = await Service.start(file, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="100000")
        async with asyncio.timeout(120):
            while told.count(b"WATCHDOG=1") < 3:  # noqa: ASYNC110  the listener hears it
                await asyncio.sleep(0.02)
        assert await service.stop() == 0
        await listening
    assert told[0] == b"READY=1"
    assert set(told) == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


# -- clients that hang up ----------------------------------------------------------------------------------------------


@pytest.fixture(name="store")
async def open_store(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_store(make_config(tmp_path)) as store:
        await store.open_shift()
        yield store


async def send_and_hang_up(url: str, body: dict[str, object]) -> None:
    """A whole request, and no patience at all."""
    host, _, port = url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    payload = json.dumps(body).encode()
    head = (
        f"POST /v1/sales HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKENS['cashier']}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    writer.write(head.encode() + payload)
    await writer.drain()
    writer.transport.abort()


async def test_a_client_that_hangs_up_does_not_undo_its_sale(store: Running) -> None:
    database = store.store.database
    requests = [sale_request_of(str(new_id())) for _ in range(10)]
    await asyncio.gather(*(send_and_hang_up(store.url, request) for request in requests))

    async def count() -> int:
        row = await database.read(lambda tx: tx.execute("SELECT count(*) FROM sale").fetchone())
        assert row is not None
        return int(row[0])

    async with asyncio.timeout(120):
        while await count() < 10:  # noqa: ASYNC110  only the database knows
            await asyncio.sleep(0.02)
    for request in requests:
        reply = await store.call("POST", "/v1/sales", request)
        assert (reply.status, reply.headers["Idempotency-Replayed"]) == (200, "true")
    assert await count() == 10


async def test_a_half_sent_request_sells_nothing(store: Running) -> None:
    host, _, port = store.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    payload = json.dumps(sale_request_of(str(new_id()))).encode()
    head = (
        f"POST /v1/sales HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKENS['cashier']}\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    writer.write(head.encode() + payload[:-5])
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    assert (await store.sell()).json["number"] == "S001-T01-000001"


async def test_what_was_answered_before_the_stop_is_in_the_file(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.open_shift()
        replies = await asyncio.gather(*(store.sell() for _ in range(50)))
    database = config.data_dir() / DATABASE_NAME
    connection = connect(database, read_only=True)
    held = {number for (number,) in connection.execute("SELECT number FROM sale")}
    connection.close()
    assert held == {reply.json["number"] for reply in replies}
    assert len(held) == 50
    assert prove(database, full=True).ok
