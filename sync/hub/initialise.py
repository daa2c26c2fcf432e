"""edge: makes a head office, and tells it that its database was put back from a backup."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from loyalty.lending import LAPSED_KEPT_MS
from loyalty.transactions import Tx
from sync.engines import make_tables, open_database
from sync.hub import users
from sync.hub.compose import address_of
from sync.hub.lending import close_lending
from sync.hub.lending_reports import forget_reports, wait_for_reports
from sync.hub.marker import Mark, look, note_progress, read_mark
from sync.hub.problems import HubExists, HubNotReady
from sync.hub.restored_notice import tell_restored
from sync.hub.schema_all import ALL_TABLES
from sync.hub.settings import Settings
from sync.hub.state import begin, raise_timeline, read_timeline
from sync.hub.stores import digest_keys
from sync.pins import hash_pin

T = TypeVar("T")

_SECRET_BYTES = 32
_FOLDER_MODE = 0o700
_MINUTE_MS = 60_000


def make_hub(settings: Settings, folder: Path, user: str, password: str) -> None:
    """Make the tables, the first timeline and the first user of head office.

    Raises UserUnfit, HubExists, DatabaseInUse, StorageUnavailable; nothing was made then.
    """
    users.check_user(user, password)
    folder.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
    if not asyncio.run(fill_hub(settings, folder, user, hash_pin(password))):
        raise HubExists(str(folder))


def set_user(settings: Settings, folder: Path, user: str, password: str) -> None:
    """Give a user of head office a new password and the right to change everything, or add one. On SQLite the service
    is stopped meanwhile.

    Raises UserUnfit, HubNotReady, DatabaseInUse, StorageUnavailable.
    """
    users.check_user(user, password)
    password_hash = hash_pin(password)

    def save(tx: Tx) -> None:
        _need_hub(tx, folder)
        users.save_user(tx, user, "head_office", password_hash)

    asyncio.run(_with_database(settings, folder, save))


def begin_timeline(settings: Settings, folder: Path) -> int:
    """Say that the database was put back from a backup: a new timeline begins, so every store asks again what is held
    of its journal and sends the rest. What was lent in the time that was lost nobody knows here, so nothing is lent
    until the last of it must be over or, where no store can have joined meanwhile, all have said what they hold.
    Answers the timeline. The service is stopped, every process of it.

    Raises HubNotReady, DatabaseInUse, StorageUnavailable.
    """
    mark = read_mark(folder)

    def raise_it(tx: Tx) -> Mark:
        _need_hub(tx, folder)
        timeline = raise_timeline(tx, mark.timeline if mark else 0)
        now_ms = time.time_ns() // 1_000_000
        until_ms = now_ms + settings.lease_minutes * _MINUTE_MS + LAPSED_KEPT_MS
        close_lending(tx, until_ms)
        tell_restored(tx, until_ms, now_ms)
        if mark is not None and mark.keys == digest_keys(tx):
            wait_for_reports(tx, timeline)
        else:
            forget_reports(tx)
        return look(tx)

    found = asyncio.run(_with_database(settings, folder, raise_it))
    note_progress(folder, found)
    return found.timeline


async def fill_hub(settings: Settings, folder: Path, user: str, password_hash: str) -> bool:
    """Make a head office in an empty database; False, and nothing changed, where there is one."""
    secret = os.urandom(_SECRET_BYTES)

    def fill(tx: Tx) -> Mark | None:
        if read_timeline(tx):
            return None
        begin(tx, secret)
        users.save_user(tx, user, "head_office", password_hash)
        return look(tx)

    found = await _with_database(settings, folder, fill)
    if found is not None:
        await asyncio.to_thread(note_progress, folder, found)
    return found is not None


async def _with_database(settings: Settings, folder: Path, job: Callable[[Tx], T]) -> T:
    """Run one job on the database of a head office that this process does not serve."""
    database = open_database(address_of(settings, folder))
    await database.open()
    try:
        await make_tables(database, ALL_TABLES)
        return await database.write(job)
    finally:
        await database.close()


def _need_hub(tx: Tx, folder: Path) -> None:
    if not read_timeline(tx):
        raise HubNotReady(str(folder))
