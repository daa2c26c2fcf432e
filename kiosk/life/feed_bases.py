"""edge: the installed snapshots of this store: files beside its database, attached to every connection that reads it.

    data/snapshots/{name}.base       an installed snapshot, only read
    data/snapshots/{sha256}.part     one that is being fetched (kiosk/life/bootstrap.py)

A copy of the database has none of them: a store that was put back from a backup is told everything anew. The same
happens where a file is missing or is no snapshot. What was forgotten since is overwritten in the files.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kiosk.life.feed_rows import forget_snapshots
from kiosk.life.told import GONE, schema_of
from loyalty.transactions import Tx
from sync.db import Database, SqliteError
from sync.db_connections import attach_files, connect_single
from sync.feed_file import need_format
from sync.protocol.snapshots import SnapshotRefused

logger = logging.getLogger(__name__)

FOLDER_NAME = "snapshots"
SUFFIX = ".base"
_GONE = "SELECT entity, key FROM feed_row WHERE value = ?"
_INSTALLED = "SELECT bucket, file FROM feed_base"
_VACUUM_MAX_BYTES = 128 * 1024 * 1024

Thing = tuple[str, str]
"""Entity and key."""


def path_of(folder: Path, file: str) -> Path:
    """Where an installed snapshot lies; `folder` is the store's data folder, `file` its name there."""
    return folder / FOLDER_NAME / (file + SUFFIX)


def list_files(tx: Tx, folder: Path) -> dict[str, Path]:
    """The installed snapshots by the name under which each is attached."""
    return {schema_of(file): path_of(folder, file) for _, file in tx.execute(_INSTALLED).fetchall()}


def attach_installed(connection: Any, database: Path) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Attach the installed snapshots to a connection of one's own, outside of a transaction."""
    with contextlib.suppress(SqliteError):  # a store of an earlier release has no such table
        attach_files(connection, list_files(connection, database.parent))


async def open_bases(database: Database) -> None:
    """Let the store read its installed snapshots, before the first request. One that is missing or unfit is forgotten,
    and told anew by head office; what lies about and is not installed is removed."""
    folder = database.path.parent
    installed: dict[str, str] = dict(await database.read(lambda tx: tx.execute(_INSTALLED).fetchall()))
    lost = [bucket for bucket, file in installed.items() if not await asyncio.to_thread(_is_fit, path_of(folder, file))]
    if lost:
        logger.error("installed snapshots are lost and will be told anew", extra={"fields": {"buckets": len(lost)}})
        await database.write(lambda tx: forget_snapshots(tx, lost))
    files = await database.read(lambda tx: list_files(tx, folder))
    await asyncio.to_thread(drop_others, folder, files.values())
    database.attach(files)
    await overwrite_gone(database)


async def forget_damaged(database: Database, buckets: Sequence[str]) -> None:
    """The snapshots of these buckets cannot be read: nothing of them counts any more, and head office tells it anew."""
    logger.error("installed snapshots are damaged and will be told anew", extra={"fields": {"buckets": len(buckets)}})
    await database.write(lambda tx: forget_snapshots(tx, buckets))
    database.attach(await database.read(lambda tx: list_files(tx, database.path.parent)))


async def overwrite_gone(database: Database) -> None:
    """Overwrite in the files what was forgotten since they were installed."""

    def look(tx: Tx) -> tuple[list[Thing], dict[str, Path]]:
        files = list_files(tx, database.path.parent)
        return (tx.execute(_GONE, (GONE,)).fetchall() if files else []), files

    things, files = await database.read(look)
    if things:
        await asyncio.to_thread(_overwrite, files, things)


def drop_others(folder: Path, kept: Iterable[Path]) -> None:
    """Remove files of snapshots that are not installed; parts of a download stay."""
    named = set(kept)
    for path in (folder / FOLDER_NAME).glob(f"*{SUFFIX}*"):
        if path not in named:
            path.unlink(missing_ok=True)


def _is_fit(path: Path) -> bool:
    try:
        with contextlib.closing(connect_single(path, read_only=True)) as connection:
            need_format(connection)
    except (SqliteError, SnapshotRefused):
        return False
    return True


def _overwrite(files: Mapping[str, Path], things: list[Thing]) -> None:
    for path in files.values():
        with contextlib.closing(connect_single(path)) as connection:
            present = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'feed_row'").fetchone()
            if present is not None and _delete(connection, things) and path.stat().st_size <= _VACUUM_MAX_BYTES:
                # secure_delete leaves the copy in a page whose cells moved (Database.erase_traces).
                connection.execute("VACUUM")


def _delete(connection: Any, things: list[Thing]) -> bool:  # noqa: ANN401  pysqlite3 has no types
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM feed_row WHERE entity = ? AND key = ?", things)
    if connection.total_changes > before:
        members = [(key,) for entity, key in things if entity == "member"]
        connection.executemany("DELETE FROM feed_identifier WHERE member = ?", members)
    connection.execute("COMMIT")
    return bool(connection.total_changes > before)
