"""A real head office as a child process, with the books of a shop in which everything happened once.

with OfficeService(folder) as office:
    browser.goto(office.address + "/office")      # signs in as USER with PASSWORD
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from loyalty.ids import uuid7
from sync.hub.applier import apply_own
from sync.hub.bundles import Plan, Speaker, plan_bundle
from sync.hub.incidents import open_incident
from tests.kiosk.bundling import offer
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

    def report(self, path: str, kind: str = "application/json") -> str:
        """A report as the service answers it, such as sales?from=2026-11-01: what a screen must show."""
        who = json.dumps({"user": USER, "password": PASSWORD}).encode()
        token = json.loads(self._ask("/v1/sign-ins", {"Content-Type": "application/json"}, who))["token"]
        return self._ask(f"/v1/reports/{path}", {"Authorization": f"Bearer {token}", "Accept": kind})

    def _ask(self, path: str, headers: dict[str, str], body: bytes | None = None) -> str:
        request = urllib.request.Request(self.address + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(120)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "NO_COLOR": "1"}
        return subprocess.run(
            [*_COMMAND, *arguments], check=False, capture_output=True, text=True, env=environment, timeout=240
        )

    def _await_address(self, log: Path) -> str:
        """The address that it names once it listens."""
        for _ in range(2400):
            found = re.search(r"(http://[\d.:]+)/office", log.read_text())
            if found:
                return found[1]
            assert self._process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError(log.read_text())


def _fill(folder: Path) -> None:
    """One store with all its books, one that has been silent for long, one that has not enrolled yet; an incident,
    an entry that could not be applied, and a bundle of offers that begins tomorrow."""
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
    say = Speaker("mia", now_ms, 1_000, frozenset(), lambda: uuid7(now_ms, os.urandom(10)))
    changes = (offer("DAIRY10", "10"),)
    plan = Plan(bucket="global", changes=changes, title="Dairy week", active_at=now_ms + 86_400_000)
    plan_bundle(hub, plan, say)
    apply_own(hub, now_ms, "")
    hub.execute("COMMIT")
    hub.close()
    connection.close()
