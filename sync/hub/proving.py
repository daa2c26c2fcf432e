"""edge: proves a head office, beside a running one too (sync/hub/proof.py says what is asked)."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from loyalty.transactions import Tx
from sync.db import connect
from sync.dialect import list_definitions
from sync.engines import open_database, path_of
from sync.hub.compose import SQLITE, address_of
from sync.hub.problems import HubNotReady
from sync.hub.proof import prove
from sync.hub.schema_all import ALL_TABLES
from sync.hub.settings import Settings
from sync.hub.state import read_timeline
from sync.verify import Report
from sync.walk import Wrong


def prove_hub(settings: Settings, folder: Path) -> Report:
    """The proof of the head office of these settings, whose data folder is `folder`. Nothing is written to it.

    Raises HubNotReady, StorageUnavailable.
    """
    address = address_of(settings, folder)
    if not address.startswith(SQLITE):
        return asyncio.run(_prove_server(address, folder))
    path = path_of(address)
    if not path.exists():
        raise HubNotReady(str(path))
    # A reader of its own: the file's lock is the running service's.
    with contextlib.closing(connect(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        report = _prove(connection, folder)
        _look_at_file(connection, report)
        return report


async def _prove_server(address: str, folder: Path) -> Report:
    database = open_database(address)
    await database.open()
    try:
        return await database.read(lambda tx: _prove(tx, folder))
    finally:
        await database.close()


def _look_at_file(tx: Tx, report: Report) -> None:
    """SQLite's own check of every page, and of every index against its table: rows that are read by another index than
    the proof reads them by are in it, too."""
    fault = str(tx.execute("PRAGMA integrity_check(1)").fetchone()[0])  # type: ignore[index]
    report.tables["integrity"] = fault == "ok"
    if fault != "ok":
        report.ok = False
        report.first_wrong = report.first_wrong or Wrong("", 0, f"the file is damaged: {fault}")


def _prove(tx: Tx, folder: Path) -> Report:
    """One snapshot, against books made anew in a file that goes away again."""
    if not read_timeline(tx):
        raise HubNotReady(str(folder))
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="proof-") as place,
        contextlib.closing(connect(Path(place) / "scratch.sqlite")) as scratch,
    ):
        for table in ALL_TABLES:
            for definition in list_definitions("sqlite", table):
                scratch.execute(definition)
        scratch.execute("BEGIN")
        return prove(tx, scratch)
