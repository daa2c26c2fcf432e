"""A real service in a process of its own: started, measured, stopped, killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kiosk.bench.client import ConnectionLost, connect, encode_request
from kiosk.bench.server import LOG_NAME, ServiceFailed, StoreProcess, list_family, write_store
from kiosk.bench.tills import Operator, Refused, add_till, find_shift, import_products, open_shift, pair_till
from kiosk.config import load_config
from kiosk.life.initialise import initialise
from kiosk.life.start import lock_folder
from loyalty.ids import uuid7
from sync.facts.catalogue import ProductFact

OPERATOR = Operator("manager", "2580")
MILK = ProductFact(sku="milk", name='Milk, "fresh"', department="Dairy", tax_class="food", price_minor=143)


@pytest_asyncio.fixture
async def service(tmp_path: Path) -> AsyncIterator[tuple[StoreProcess, str]]:
    config_file = write_store(tmp_path, {})
    code = initialise(load_config(config_file), OPERATOR.id, "Mia", OPERATOR.pin).pairing_code
    process = StoreProcess(config_file)
    await process.start()
    yield process, code
    await process.kill()


def test_settings_overlay_the_defaults(tmp_path: Path) -> None:
    config = load_config(write_store(tmp_path / "new", {"store": 'name = "Corner"', "log": 'level = "error"'}))
    assert (config.store.name, config.log.level, config.http.port) == ("Corner", "error", 0)
    assert config.data_dir() == tmp_path / "new"


async def test_a_service_says_when_it_is_ready_and_stops_cleanly(service: tuple[StoreProcess, str]) -> None:
    process, _ = service
    assert process.is_running
    readiness = await process.readiness()
    assert (readiness.ok, readiness.synchronous) == (True, 2)
    assert await process.stop() == 0
    assert not process.is_running
    with pytest.raises(ConnectionLost):
        await connect(process.url)
    os.close(lock_folder(process.config_file.parent))


async def test_a_killed_service_is_gone_at_once_and_starts_again(service: tuple[StoreProcess, str]) -> None:
    process, _ = service
    old = process.process_id
    assert await process.kill() == -signal.SIGKILL
    assert await process.kill() == -signal.SIGKILL
    assert await process.start() > 0
    assert process.process_id != old
    assert (await process.readiness()).ok


async def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    process = StoreProcess(write_store(tmp_path, {}))
    with pytest.raises(ServiceFailed, match="counterfoil init"):
        await process.start()
    assert not process.is_running
    assert "counterfoil init" in (tmp_path / LOG_NAME).read_text(encoding="utf-8")


async def test_what_was_never_started_uses_nothing(tmp_path: Path) -> None:
    process = StoreProcess(write_store(tmp_path, {}))
    assert await process.stop() == 0
    with pytest.raises(ServiceFailed):
        process.usage()


async def test_work_shows_in_processor_time(service: tuple[StoreProcess, str]) -> None:
    process, _ = service
    before = process.usage()
    connection = await connect(process.url)
    request = encode_request("GET", "/readyz", connection.host)
    for _ in range(300):
        await connection.ask(request)
    connection.close()
    after = process.usage()
    assert after.cpu_ms >= before.cpu_ms + 10
    assert 20 < after.rss_mb < 1_000


def test_a_process_is_counted_with_its_children() -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE) as parent:
        try:
            until = time.monotonic() + 120
            while len(family := list_family(parent.pid)) < 2:
                assert time.monotonic() < until
                time.sleep(0.01)
            assert family[0] == parent.pid
        finally:
            parent.communicate(b"\n")


async def test_tills_pair_sign_in_and_open_their_shifts(service: tuple[StoreProcess, str]) -> None:
    process, code = service
    first = await pair_till(process.url, "Till 1", code, OPERATOR)
    second = await add_till(process.url, first, "Till 2", OPERATOR)
    assert (first.name, second.name) == ("T01", "T02")
    connection = await connect(process.url)
    assert await find_shift(connection, first) is None
    shift, other = uuid7(1_000, bytes(10)), uuid7(2_000, bytes(10))
    assert await open_shift(connection, first, shift) == shift
    assert await open_shift(connection, first, other) == shift
    assert await find_shift(connection, first) == shift
    assert await find_shift(connection, second) is None
    assert await import_products(connection, first, [MILK]) == 1
    connection.close()


async def test_a_refusal_carries_the_words_of_the_service(service: tuple[StoreProcess, str]) -> None:
    process, code = service
    with pytest.raises(Refused, match="unknown_pairing_code"):
        await pair_till(process.url, "Till 1", "WRONG", OPERATOR)
    with pytest.raises(Refused, match="wrong_pin"):
        await pair_till(process.url, "Till 1", code, Operator("manager", "0000"))
    with pytest.raises(Refused, match="unknown_pairing_code"):
        await pair_till(process.url, "Till 1", code, OPERATOR)


async def test_a_product_that_is_not_taken_stops_the_import(service: tuple[StoreProcess, str]) -> None:
    process, code = service
    till = await pair_till(process.url, "Till 1", code, OPERATOR)
    connection = await connect(process.url)
    wrong = ProductFact(sku="x", name="X", department="D", tax_class="nowhere", price_minor=1)
    with pytest.raises(Refused, match="tax_class"):
        await import_products(connection, till, [MILK, wrong])
    connection.close()
