"""A real head office as a child process, with the books of a shop in which everything happened once.

with OfficeService(folder) as office:
    browser.goto(office.address + "/office")      # signs in as USER with PASSWORD
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from sync.hub.incidents import open_incident
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import open_shop
from tests.sync.hub.reports.office import OTHER, STORE, Office

USER, PASSWORD = "office", "correct horse battery"
DAY = "2026-11-21"
_COMMAND = [sys.executable, "-c", "from kiosk.cli import main; main()"]


class OfficeService:
    """A head office that serves until `close`."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "hub.toml"
        self._config.write_text('[hub]\nlisten_port = 0\napply_entries = false\ndata_dir = "hub"\n')
        made = self._run("hub", "init", "--config", str(self._config), "--user", USER, "--password", PASSWORD)
        assert made.returncode == 0, made.stderr
        _fill(folder)
        log = folder / "hub.log"
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [*_COMMAND, "hub", "--config", str(self._config)], stdout=output, stderr=output
            )
        self.address = self._await_address(log)

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "NO_COLOR": "1"}
        return subprocess.run(
            [*_COMMAND, *arguments], check=False, capture_output=True, text=True, env=environment, timeout=60
        )

    def _await_address(self, log: Path) -> str:
        """The address that it names once it listens."""
        for _ in range(600):
            found = re.search(r"(http://[\d.:]+)/office", log.read_text())
            if found:
                return found[1]
            assert self._process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError(log.read_text())


def _fill(folder: Path) -> None:
    """One store with all its books, one that has been silent for long, one that has not enrolled yet; an incident, and
    an entry that could not be applied."""
    connection, shop = open_shop(folder / "shop")
    tell_everything(connection, shop)
    file = next((folder / "hub").glob("*.sqlite"))
    hub = sqlite3.connect(str(file), isolation_level=None)
    now_ms = int(time.time() * 1000)
    hub.execute("BEGIN IMMEDIATE")
    office = Office(hub)
    entries = office.take(connection)
    office.put_heads()
    office.join(STORE, "S001", last_contact=now_ms)
    office.join(OTHER, "S002", last_contact=now_ms - 3 * 86_400_000, queued=1_240)
    office.join(STORE.__class__(int=3), "S003", state="new")
    open_incident(hub, "overspend", STORE, [{"receipt": "S001-T01-000004"}, {"receipt": "S002-T02-000917"}], now_ms)
    office.bury(entries[5])
    hub.execute("COMMIT")
    hub.close()
    connection.close()
