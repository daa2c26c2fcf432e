"""Head office as a service that something else starts and watches."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

from sync.hub.initialise import fill_hub
from sync.pins import hash_pin
from tests.sync.hub.hubkit import PASSWORD, settings

_START_S = 60


async def test_systemd_is_told_of_the_start_the_life_and_the_stop(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('[hub]\ndata_dir = "data"\nlisten_port = 0\n', encoding="utf-8")
    assert await fill_hub(settings(), tmp_path / "data", "office", await asyncio.to_thread(hash_pin, PASSWORD))
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
    told: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(_START_S)
        command = ["-c", "from kiosk.cli import main; main()", "hub", "--config", str(file)]
        service = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=DEVNULL, env=environment)
        try:
            while told.count(b"WATCHDOG=1") < 3:
                told.append(await asyncio.to_thread(listener.recv, 100))
            os.kill(service.pid, signal.SIGTERM)
            while told[-1] != b"STOPPING=1":
                told.append(await asyncio.to_thread(listener.recv, 100))
            async with asyncio.timeout(_START_S):
                assert await service.wait() == 0
        finally:
            if service.returncode is None:
                service.kill()
                await service.wait()
    assert told[0] == b"READY=1"
    assert set(told) == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}
