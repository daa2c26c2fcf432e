"""edge: a head office in a process of its own, for load: made, started, watched and stopped from here.

hub = make_hub(folder, "sqlite:hub.sqlite")
await hub.start()
office = await sign_in(connection)
await hub.stop()
"""

import asyncio
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from kiosk.bench.client import Connection
from kiosk.bench.server import LOG_NAME, ServiceFailed, list_family
from kiosk.bench.tills import need_json

_READY = re.compile(rb"^(http://\S+)/office\s*$", re.MULTILINE)
_USER, _PASSWORD = "office", "measured and thrown away"
_LOOK_S = 0.01
_KILOBYTES_A_MEGABYTE = 1_000
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class HubProcess:
    """One head office over `config_file`. `url` is its address while it runs."""

    def __init__(self, config_file: Path) -> None:
        self.config_file = config_file
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, timeout_s: float = 60.0) -> None:
        """Start it and wait until it serves. Raises ServiceFailed, with the last lines of its log."""
        log = self.config_file.with_name(LOG_NAME)
        begun_at = log.stat().st_size if log.exists() else 0
        self._process = _launch(self.config_file, log)
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            written = log.read_bytes()[begun_at:]
            if found := _READY.search(written):
                self.url = found[1].decode("ascii")
                return
            if self._process.poll() is not None:
                raise ServiceFailed(written[-2000:].decode(errors="replace").strip())
            await asyncio.sleep(_LOOK_S)
        await self.stop()
        raise ServiceFailed(f"Head office was not ready after {timeout_s:.0f} s.")

    async def stop(self) -> int:
        """Ask it to end and wait until it did; its exit code."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(process.wait)

    def peak_rss_mb(self) -> float:
        """The most memory that it ever held, with all processes of its own. Raises ServiceFailed when it is gone."""
        if self._process is None:
            raise ServiceFailed("Head office was never started.")
        try:
            texts = [
                Path(f"/proc/{each}/status").read_text(encoding="utf-8") for each in list_family(self._process.pid)
            ]
        except OSError as error:
            raise ServiceFailed("Head office is gone.") from error
        peaks = [int(found[1]) for text in texts if (found := _PEAK.search(text))]
        return sum(peaks) / _KILOBYTES_A_MEGABYTE


def _launch(config_file: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  this program itself, with a file of ours
            [sys.executable, "-m", "kiosk.cli", "hub", "--config", str(config_file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def make_hub(folder: Path, address: str, *, applies: bool) -> HubProcess:
    """A head office in `folder` with its books at `address`, made and not started; what is there already stays.

    With `applies` false it takes journals in and applies nothing. Raises ServiceFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "hub.toml"
    is_new = not config_file.exists()
    lines = (
        "[hub]",
        'data_dir = "."',
        f'database = "{address}"',
        "listen_port = 0",
        # One address stands for all stores of a chain here.
        "address_requests_per_second = 1000000",
        "address_sign_ins_per_minute = 1000000",
        f"apply_entries = {str(applies).lower()}",
    )
    config_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if is_new:
        command = [sys.executable, "-m", "kiosk.cli", "hub", "init", "--config", str(config_file)]
        made = subprocess.run(  # noqa: S603  this program itself, with a file of ours
            [*command, "--user", _USER, "--password", _PASSWORD], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise ServiceFailed(made.stderr.strip())
    return HubProcess(config_file)


async def sign_in(connection: Connection) -> str:
    """A token of the office. Raises Refused, ClientProblem."""
    answer = await need_json(connection, "POST", "/v1/sign-ins", None, {"user": _USER, "password": _PASSWORD})
    return str(answer["token"])
