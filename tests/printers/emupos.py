"""emupos: a printer emulator of another author, so that our bytes are read by somebody who did not write them.

It needs Python 3.13 and gets an environment of its own beside the project's. Where there is none, the tests that need
it skip and say how to get one.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.ports import reserve_port

VERSION = "0.4.0"
ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-emupos"


class NoEmulator(Exception):
    """Why there is no emulator here, and how to get one."""


def python_313() -> Path | None:
    """A Python 3.13 that runs: on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = shutil.which("python3.13")
    candidates = [Path(found)] if found else []
    candidates += sorted(pyenv.glob("3.13*/bin/python3.13"))
    for candidate in candidates:
        asked = subprocess.run(
            [candidate, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=False
        )
        if asked.stdout.strip() == b"(3, 13)":
            return candidate
    return None


def program() -> Path:
    """The emulator's command, installed if need be. Raises NoEmulator."""
    command = ENVIRONMENT / "bin" / "emupos"
    if command.exists():
        answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
        if VERSION in answer:
            return command
    python = python_313()
    if python is None:
        raise NoEmulator("emupos needs Python 3.13: install one (for example with `pyenv install 3.13`) and run again.")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", f"emupos=={VERSION}"]
    for step in ([python, "-m", "venv", ENVIRONMENT], pip):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            raise NoEmulator(f"emupos {VERSION} could not be installed: {done.stderr.strip()[-300:]}")
    return command


class Emulator:
    """One test's view of a running emulator."""

    def __init__(
        self, session: aiohttp.ClientSession, api: str, port: int, feed: aiohttp.ClientWebSocketResponse
    ) -> None:
        self.port = port
        self._session = session
        self._api = api
        self._feed = feed
        self.events: list[dict[str, Any]] = []
        self.before = 0
        """How many receipts there were when this test began."""

    async def new_receipts(self) -> int:
        return len(await self.receipts()) - self.before

    async def event(self, kind: str, within_s: float = 120.0) -> dict[str, Any]:
        """The next event of that kind; everything on the way to it is kept in `events`."""
        async with asyncio.timeout(within_s):
            while True:
                event: dict[str, Any] = json.loads((await self._feed.receive()).data)
                self.events.append(event)
                if event["type"] == kind:
                    return event

    async def cut(self) -> dict[str, Any]:
        """The next paper that ends with a cut. Parts of one that stood still, on a busy machine, are passed over."""
        while True:
            completed = await self.event("printer.job.completed")
            if completed["data"]["boundary"] == "cut":
                return completed

    def complaints(self) -> list[dict[str, Any]]:
        """What the emulator did not understand."""
        return [event for event in self.events if event["type"].endswith((".unknown", ".unsupported"))]

    async def receipts(self) -> list[dict[str, Any]]:
        async with self._session.get(f"{self._api}/devices/front/receipts") as answer:
            found: Any = await answer.json()
            listed: list[dict[str, Any]] = found["receipts"] if isinstance(found, dict) else found
            return listed

    async def text(self, which: str = "latest") -> str:
        async with self._session.get(f"{self._api}/devices/front/receipts/{which}/text") as answer:
            return await answer.text()

    async def image(self, which: str = "latest") -> bytes:
        async with self._session.get(f"{self._api}/devices/front/receipts/{which}/image") as answer:
            return await answer.read()

    async def fault(self, name: str) -> None:
        async with self._session.put(f"{self._api}/devices/front/faults/{name}") as answer:
            assert answer.status == 204

    async def mend(self, name: str) -> None:
        async with self._session.delete(f"{self._api}/devices/front/faults/{name}") as answer:
            assert answer.status == 204


class Process:
    """One running emulator with one 80 mm printer, its files in `folder`."""

    def __init__(self, command: Path, folder: Path) -> None:
        api_port, self.port = reserve_port(), reserve_port()  # the emulator does not take 0
        self.api = f"http://127.0.0.1:{api_port}/api/v1"
        config = folder / "emupos.yaml"
        config.write_text(
            f"schema: 1\napi: {{ host: 127.0.0.1, port: {api_port} }}\ndevices:\n"
            f"  - id: front\n    type: printer\n    profile: epson-tm-t20iii\n    receipts_dir: {folder / 'receipts'}\n"
            # A machine that is busy for two seconds must not tear a paper in two.
            f"    job_idle_timeout_ms: 600000\n"
            f"    connections:\n      - tcp: {{ port: {self.port} }}\n"
        )
        self._log = folder / "emupos.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [command, "run", "--config", config],
                cwd=folder,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Emulator]:
        """A connection to it, once it answers."""
        async with aiohttp.ClientSession() as session:
            await self._until_it_answers(session)
            async with session.ws_connect(f"{self.api}/events") as feed:
                emulator = Emulator(session, self.api, self.port, feed)
                emulator.before = len(await emulator.receipts())
                yield emulator

    async def _until_it_answers(self, session: aiohttp.ClientSession) -> None:
        for _ in range(2400):
            if self._process.poll() is not None:
                break
            try:
                async with session.get(f"{self.api}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)
        said = await asyncio.to_thread(self._log.read_text)
        raise AssertionError(f"emupos did not start on {sys.platform}: {said[-2000:]}")
