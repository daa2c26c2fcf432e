"""edge: the installed snapshots of this store: files beside its database, attached to every connection that reads it.

    data/snapshots/{name}.base       an installed snapshot, only read
    data/snapshots/{sha256}.part     one that is being fetched (kiosk/life/bootstrap.py)

A copy of the database has none of them: a store that was put back from a backup is told everything anew. The same
happens where a file is missing or is no snapshot. What was forgotten since is overwritten in the files.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kiosk.life.feed_rows import forget_snapshots
from kiosk.life.told import GONE, schema_of
from kiosk.points.waiting_accounts import let_all_wait
from loyalty.transactions import Tx
from sync.db import Database, SqliteError
from sync.db_connections import attach_files, connect_single
from sync.feed_file import need_format
from sync.protocol.snapshots import SnapshotRefused

logger = logging.getLogger(__name__)

FOLDER_NAME = "snapshots"
SUFFIX = ".base"
_JOURNAL_END = "-journal"
_GONE = "SELECT entity, key FROM feed_row WHERE value = ?"
_INSTALLED = "SELECT bucket, file FROM feed_base"
_VACUUM_MAX_BYTES = 128 * 1024 * 1024
_OVERWRITE_TRIES, _OVERWRITE_PAUSE_S, _OVERWRITE_PATIENCE_MS = 20, 0.1, 20

Thing = tuple[str, str]
"""Entity and key."""


def path_of(folder: Path, file: str) -> Path:
    """Where an installed snapshot lies; `folder` is the store's data folder, `file` its name there."""
    return folder / FOLDER_NAME / (file + SUFFIX)


def list_files(tx: Tx, folder: Path) -> dict[str, Path]:
    """The installed snapshots by the name under which each is attached."""
    return {schema_of(file): path_of(folder, file) for _, file in tx.execute(_INSTALLED).fetchall()}


def attach_installed(connection: Any, database: Path) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Attach the installed snapshots to a connection of one's own, outside of a transaction. A store of an earlier
    release, which is looked at before it is migrated, has none. Raises SqliteError for a database that is damaged."""
    table = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'feed_base'").fetchone()
    if table is not None:
        attach_files(connection, list_files(connection, database.parent))


async def open_bases(database: Database) -> None:
    """Let the store read its installed snapshots, before the first request. One that is missing or unfit is forgotten,
    and told anew by head office; what lies about and is not installed is removed."""
    folder = database.path.parent
    installed: dict[str, str] = dict(await database.read(lambda tx: tx.execute(_INSTALLED).fetchall()))
    lost = [bucket for bucket, file in installed.items() if not await asyncio.to_thread(_is_fit, path_of(folder, file))]
    if lost:
        logger.error("installed snapshots are lost and will be told anew", extra={"fields": {"buckets": len(lost)}})
        await database.write(lambda tx: _forget(tx, lost))
    files = await database.read(lambda tx: list_files(tx, folder))
    await asyncio.to_thread(drop_others, folder, files.values())
    database.attach(files)
    await overwrite_gone(database)


async def forget_damaged(database: Database, buckets: Sequence[str]) -> None:
    """The snapshots of these buckets cannot be read: nothing of them counts any more, and head office tells it anew."""
    logger.error("installed snapshots are damaged and will be told anew", extra={"fields": {"buckets": len(buckets)}})
    await database.write(lambda tx: _forget(tx, buckets))
    database.attach(await database.read(lambda tx: list_files(tx, database.path.parent)))


def _forget(tx: Tx, buckets: Sequence[str]) -> None:
    """What lay in these snapshots counts no more, nor does it in what is kept of it: that is made anew some at a time
    (kiosk/life/upkeep.py), and left out of the proof until then."""
    forget_snapshots(tx, buckets)
    let_all_wait(tx)


async def overwrite_gone(database: Database) -> bool:
    """Overwrite in the files what was forgotten since they were installed; False where it could not be done now.

    Whoever reads in a file for long, such as the nightly proof, keeps it from being changed, and to wait for that would
    keep everybody out who wants to read, sales with them. So this tries again for two seconds, and upkeep each hour.
    """

    def look(tx: Tx) -> tuple[list[Thing], dict[str, Path]]:
        files = list_files(tx, database.path.parent)
        return (tx.execute(_GONE, (GONE,)).fetchall() if files else []), files

    things, files = await database.read(look)
    left = list(files.values()) if things else []
    for _ in range(_OVERWRITE_TRIES):
        left = [path for path in left if not await asyncio.to_thread(_overwrite, path, things)]
        if not left:
            return True
        await asyncio.sleep(_OVERWRITE_PAUSE_S)
    logger.warning("what was forgotten lies in installed snapshots still", extra={"fields": {"files": len(left)}})
    return False


def drop_others(folder: Path, kept: Iterable[Path]) -> None:
    """Remove files of snapshots that are not installed; parts of a download stay."""
    named = {path.with_name(path.name + end) for path in kept for end in ("", _JOURNAL_END)}
    for path in (folder / FOLDER_NAME).glob(f"*{SUFFIX}*"):
        if path not in named:
            path.unlink(missing_ok=True)


def _is_fit(path: Path) -> bool:
    """Whether it can be read. What was being overwritten in it when the machine stopped is taken back by that."""
    if not path.exists():
        return False
    try:
        with contextlib.closing(connect_single(path)) as connection:
            need_format(connection)
    except (SqliteError, SnapshotRefused):
        return False
    return True


def _overwrite(path: Path, things: Sequence[Thing]) -> bool:
    """Whether nothing of these things is left in a file. One that is in use, or damaged, stays as it is."""
    try:
        with contextlib.closing(connect_single(path)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {_OVERWRITE_PATIENCE_MS}")
            # From the deleting on nobody else comes in, so that VACUUM is not left out because somebody reads.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            present = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'feed_row'").fetchone()
            if present is not None and _delete(connection, things) and path.stat().st_size <= _VACUUM_MAX_BYTES:
                # secure_delete leaves the copy in a page whose cells moved (Database.erase_traces).
                connection.execute("VACUUM")
    except SqliteError:
        return False
    return True


def _delete(connection: Any, things: Sequence[Thing]) -> bool:  # noqa: ANN401  pysqlite3 has no types
    before = connection.total_changes
    connection.execute("BEGIN EXCLUSIVE")
    connection.executemany("DELETE FROM feed_row WHERE entity = ? AND key = ?", things)
    if connection.total_changes > before:
        members = [(key,) for entity, key in things if entity == "member"]
        connection.executemany("DELETE FROM feed_identifier WHERE member = ?", members)
    connection.execute("COMMIT")
    return bool(connection.total_changes > before)
