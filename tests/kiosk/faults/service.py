"""`counterfoil store` as a process of its own, with clients that note what was answered.

service = await Service.start(config_file)
...
service.kill()                     # SIGKILL: no last word
code = await service.stop()        # SIGTERM, and the exit code
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from tests.kiosk.shopkit import TOKENS, new_id

START_S = 120


class Service:
    """A running service."""

    def __init__(self, process: Process, url: str) -> None:
        self.process, self.url = process, url
        self._log = asyncio.create_task(self._read_log())
        self.log = b""

    @classmethod
    async def start(cls, config_file: Path, **environment: str) -> "Service":
        """Start the command and wait until it says its address."""
        command = ["-c", "from kiosk.cli import main; main()", "store", "--config", str(config_file)]
        environment = {**os.environ, **environment}
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=PIPE, env=environment)
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(START_S):
            while not said.rstrip().endswith(b"/till"):
                line = await process.stderr.readline()
                said += line
                if not line:
                    await process.wait()
                    raise AssertionError(f"the service did not start: {said.decode()}")
        return cls(process, said.split()[-1].decode().removesuffix("/till"))

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.process.pid, signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        os.kill(self.process.pid, signal.SIGTERM)
        return await self.wait()

    async def wait(self) -> int:
        """Until it has ended; the exit code."""
        async with asyncio.timeout(START_S):
            code = await self.process.wait()
            await self._log
        return code


class Sold(NamedTuple):
    """A sale that was answered."""

    id: str
    number: str
    seq: int


class Till:
    """Sells without pause until the service goes away. `answered` is what the shopper has paid for; `unknown` the
    request in flight when the line broke."""

    def __init__(self, url: str, request: Any = None) -> None:  # noqa: ANN401
        self.url = url
        self.answered: list[Sold] = []
        self.unknown: dict[str, Any] | None = request
        self.replayed = 0

    async def sell_until_gone(self) -> None:
        """Ask for the unknown one again first, then for new ones."""
        headers = {"Authorization": f"Bearer {TOKENS['cashier']}"}
        async with aiohttp.ClientSession(URL(self.url), headers=headers) as client:
            try:
                while True:
                    request = self.unknown or sale_request_of(str(new_id()))
                    self.unknown = request
                    async with client.post("/v1/sales", json=request) as response:
                        answer = await response.json()
                    if response.status == 503:
                        continue  # the outcome is unknown: the same again
                    assert response.status in (200, 201), answer
                    self.replayed += response.status == 200
                    self.answered.append(Sold(request["id"], answer["number"], answer["journal"]["seq"]))
                    self.unknown = None
            except (aiohttp.ClientError, ConnectionError):
                return


def sale_request_of(sale_id: str) -> dict[str, Any]:
    """A sale of three lines."""
    lines = [{"sku": "100", "quantity_milli": 2000}, {"sku": "101"}, {"sku": "102"}]
    return {"id": sale_id, "lines": lines, "tenders": [{"kind": "cash", "amount_minor": 5000}], "receipt": "paper"}
