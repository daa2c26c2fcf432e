"""A chain of two stores for each test that asks for one."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kiosk.linked import office
from tests.kiosk.web.chain import Chain, branch
from tests.kiosk.web.proving import prove


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    """A head office with the stores S001 and S002; every proof of both stores holds in the end."""
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(office(tmp_path))
        stores = [await branch(stack, hub, tmp_path / code, code) for code in ("S001", "S002")]
        yield Chain(hub, (stores[0], stores[1]))
        for store in stores:
            await prove(store)
