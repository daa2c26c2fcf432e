"""edge: a store service in a process of its own, for load: started, watched, stopped and killed from here.

    service = StoreProcess(write_store(folder))
    await service.start()                  # initialise() made its database
    service.url, service.usage()
    await service.stop()                   # drains; kill() does not

What the service prints goes to `service.log` beside the configuration: a pipe would have to be emptied by the process
that measures.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from kiosk.bench.client import ClientProblem, connect, encode_request
from loyalty.errors import Problem

LOG_NAME = "service.log"
_READY = re.compile(rb"^(http://\S+)/till\s*$", re.MULTILINE)
_LOOK_S = 0.005
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MEGABYTE = 1_000_000


class ServiceFailed(Problem):
    """The store service did not start, or ended by itself."""

    code, hint, status = "service_failed", "Look at service.log in the data folder.", 503


class Usage(Struct, frozen=True):
    """What all processes of a service used so far: processor time, and the memory they hold now."""

    cpu_ms: float
    rss_mb: float


class Readiness(Struct, frozen=True, kw_only=True):
    """The part of `/readyz` that a bench reads; `jobs / commits` is the size of a commit group."""

    ok: bool
    sqlite: str
    synchronous: int
    commits: int
    jobs: int


def write_store(folder: Path, settings: Mapping[str, str]) -> Path:
    """Write `folder`/store.toml for a store with its data in the same folder, on a port the system chooses.

    `settings` are further TOML lines by section name. Loopback is free of the general limit; pairing and signing in
    many tills within a second is what a bench does and nobody else, so their limit is raised here.
    """
    sections = {
        "store": f'data_dir = "."\n{settings.get("store", "")}',
        "http": f"port = 0\nsign_ins_per_minute = 100000\n{settings.get('http', '')}",
        **{name: lines for name, lines in settings.items() if name not in ("store", "http")},
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "store.toml"
    file.write_text("\n".join(f"[{name}]\n{lines}" for name, lines in sections.items()), encoding="utf-8")
    return file


class StoreProcess:
    """One service over one configuration. `url` is its address while it runs."""

    def __init__(self, config_file: Path) -> None:
        self.config_file = config_file
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """The service's own process. Raises ServiceFailed when it was never started."""
        if self._process is None:
            raise ServiceFailed("It was never started.")
        return self._process.pid

    async def start(self, timeout_s: float = 180.0) -> float:
        """Start the service and wait until it answers that it is ready; the seconds that took.

        Raises ServiceFailed, with the last lines of its log.
        """
        log = self.config_file.with_name(LOG_NAME)
        begun_at = log.stat().st_size if log.exists() else 0
        began = time.perf_counter()
        self._process = _launch(self.config_file, log)
        while time.perf_counter() - began < timeout_s:
            written = _read_from(log, begun_at)
            if found := _READY.search(written):
                self.url = found[1].decode("ascii")
                if await self._answers():
                    return time.perf_counter() - began
            if not self.is_running:
                raise ServiceFailed(written[-2000:].decode(errors="replace").strip())
            await asyncio.sleep(_LOOK_S)
        await self.kill()
        raise ServiceFailed(f"It was not ready after {timeout_s:.0f} s.")

    async def stop(self) -> int:
        """Ask the service to end and wait until it did; its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """End the service as a power cut would."""
        return await self._end(signal.SIGKILL)

    def usage(self) -> Usage:
        """What the service and its helper use. Raises ServiceFailed when it is not there."""
        ticks = resident = 0
        for process_id in list_family(self.process_id):
            stat = _read_stat(process_id)
            ticks += int(stat[11]) + int(stat[12])
            resident += int(stat[21])
        return Usage(ticks * 1000 / _TICKS_A_SECOND, resident * _PAGE_BYTES / _MEGABYTE)

    async def readiness(self) -> Readiness:
        """What /readyz says. Raises ServiceFailed, ClientProblem."""
        connection = await connect(self.url)
        try:
            answer = await connection.ask(encode_request("GET", "/readyz", connection.host))
        finally:
            connection.close()
        return msgspec.json.decode(answer.body, type=Readiness)

    async def _answers(self) -> bool:
        try:
            return (await self.readiness()).ok
        except (ClientProblem, msgspec.DecodeError):
            return False

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        return await asyncio.to_thread(process.wait)


def _launch(config_file: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 this program itself, with a file of ours
            [sys.executable, "-m", "kiosk.cli", "store", "--config", str(config_file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def list_family(process_id: int) -> list[int]:
    """A process and everything it started that still runs."""
    family = [process_id]
    for parent in family:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                family.extend(int(child) for child in children.read_text(encoding="ascii").split())
            except OSError:  # the thread ended while we looked
                continue
    return family


def _read_stat(process_id: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, the first of them being the state (proc(5), field 3)."""
    try:
        text = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ServiceFailed(f"Process {process_id} is gone.") from error
    return text.rpartition(")")[2].split()


def _read_from(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()
