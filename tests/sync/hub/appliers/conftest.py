"""A head office without its doors, on both engines. The tables are made once and emptied for each test."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from loyalty.transactions import Tx
from sync.dialect import Engine
from sync.engines import Storage, make_tables, open_database
from sync.hub.schema_all import ALL_TABLES
from tests.postgres import ENGINES, fresh_address
from tests.sync.hub.appliers.office import Office


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Tests that look at rules rather than at statements ask for one engine only."""
    chosen: Engine = request.param
    return chosen


class Databases:
    """One database of each engine, made when a test first asks for it."""

    def __init__(self, stack: contextlib.ExitStack, folders: pytest.TempPathFactory) -> None:
        self.runner = stack.enter_context(asyncio.Runner())
        self._stack, self._folders = stack, folders
        self._opened: dict[Engine, Storage] = {}

    def take(self, engine: Engine) -> Storage:
        """The database of an engine, with nothing in it."""
        if engine not in self._opened:
            address = self._stack.enter_context(fresh_address(engine, self._folders.mktemp(engine)))
            storage = open_database(address)
            self.runner.run(storage.open())
            self._stack.callback(lambda: self.runner.run(storage.close()))
            self.runner.run(make_tables(storage, ALL_TABLES))
            self._opened[engine] = storage
        self.runner.run(self._opened[engine].write(_empty))
        return self._opened[engine]


def _empty(tx: Tx) -> None:
    for table in ALL_TABLES:
        tx.execute(f"DELETE FROM {table.name}")


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with contextlib.ExitStack() as stack:
        yield Databases(stack, tmp_path_factory)


@pytest.fixture
def office(engine: Engine, databases: Databases) -> Office:
    """Empty books."""
    return Office(databases.runner, databases.take(engine))
