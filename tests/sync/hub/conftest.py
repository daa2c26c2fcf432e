"""A head office for each test. What the engine could make different runs on both; what ends before any SQL, or needs
none of its own, on SQLite only (`small_hub`)."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sync.dialect import Engine
from sync.hub.initialise import fill_hub
from tests.postgres import ENGINES, fresh_database, need_postgres
from tests.sync.hub.hubkit import RunningHub, hashed_password, running_hub, settings


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with a head office in it and nothing else."""
    folder = tmp_path_factory.mktemp("filled")
    made = fill_hub(settings(database="sqlite:hub.sqlite"), folder, "office", hashed_password())
    assert asyncio.run(made)
    return folder / "hub.sqlite"


@pytest.fixture(scope="session")
def filled_template(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database with a head office in it and nothing else."""
    address = need_postgres().make_database("filled_hub")
    made = fill_hub(settings(database=address), tmp_path_factory.mktemp("filled"), "office", hashed_password())
    assert asyncio.run(made)
    return "filled_hub"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture
def address(engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of either engine with a head office in it and nothing else."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("filled_file"), tmp_path / "hub.sqlite")
        yield f"sqlite://{tmp_path / 'hub.sqlite'}"
    else:
        with fresh_database(request.getfixturevalue("filled_template")) as found:
            yield found


@pytest.fixture
async def hub(address: str, tmp_path: Path) -> AsyncIterator[RunningHub]:
    """A head office on either engine with nothing in it but its first user."""
    async with running_hub(address, tmp_path) as running:
        yield running


@pytest.fixture
async def small_hub(filled_file: Path, tmp_path: Path) -> AsyncIterator[RunningHub]:
    """The same on SQLite only."""
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    async with running_hub(f"sqlite://{tmp_path / 'hub.sqlite'}", tmp_path) as running:
        yield running
