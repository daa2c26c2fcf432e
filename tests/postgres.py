"""One PostgreSQL for a run of the tests (one for each worker), started when the first test wants it; and databases that
cost a test 30 ms each.

    @pytest.fixture(params=ENGINES)
    def address(request, tmp_path):
        with fresh_address(request.param, tmp_path) as address:
            yield address

Where there is no PostgreSQL the test is skipped and says how to get it (under CI=true that fails: tests/conftest.py).
"""

import atexit
import contextlib
import functools
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.bench.postgres_server import PostgresMissing, PostgresServer
from sync.dialect import Engine

ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")
_numbers = itertools.count(1)


@functools.cache
def _start() -> PostgresServer | PostgresMissing:
    try:
        server = PostgresServer.start()
    except PostgresMissing as missing:
        return missing
    atexit.register(server.stop)
    return server


def need_postgres() -> PostgresServer:
    """The server of this run. Skips the test where there can be none."""
    server = _start()
    if isinstance(server, PostgresMissing):
        pytest.skip(str(server))
    return server


@contextlib.contextmanager
def fresh_database(template: str | None = None) -> Iterator[str]:
    """The address of a database of the test's own, empty or a copy of `template`; it goes away with the test."""
    server = need_postgres()
    name = f"test_{next(_numbers)}"
    address = server.make_database(name, template)
    try:
        yield address
    finally:
        server.drop_database(name)


@contextlib.contextmanager
def fresh_address(engine: Engine, folder: Path) -> Iterator[str]:
    """An address for sync.engines.open_database, of an empty database of either engine."""
    if engine == "postgresql":
        with fresh_database() as address:
            yield address
    else:
        yield f"sqlite://{folder / 'hub.sqlite'}"
