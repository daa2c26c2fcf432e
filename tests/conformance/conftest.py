"""Every test of this folder that asks for `storage` runs twice: on an SQLite file and on PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sync.dialect import Engine
from sync.engines import Storage, open_database
from tests.conformance.kit import Both
from tests.postgres import ENGINES, fresh_address


@pytest.fixture(name="engine", params=ENGINES)
def name_engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture(name="address")
def make_address(engine: Engine, tmp_path: Path) -> Iterator[str]:
    with fresh_address(engine, tmp_path) as address:
        yield address


@pytest.fixture(name="storage")
async def open_storage(address: str) -> AsyncIterator[Storage]:
    storage = open_database(address)
    await storage.open()
    yield storage
    await storage.close()


@pytest.fixture(name="both", scope="module")
def open_both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """One database of each engine for all tests of a file; they tidy up themselves."""
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        storages = []
        for engine in ENGINES:
            address = stack.enter_context(fresh_address(engine, tmp_path_factory.mktemp(engine)))
            storage = open_database(address)
            runner.run(storage.open())
            stack.callback(lambda opened=storage: runner.run(opened.close()))
            storages.append(storage)
        yield Both(runner, storages)
