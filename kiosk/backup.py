"""edge: a copy of the store's file while it runs, and putting one back."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from kiosk.proof import forget_finding
from kiosk.start import DATABASE_NAME, StoreDamaged, lock_folder
from loyalty.errors import Problem
from sync import marks
from sync.db import SqliteError, connect

_PAGES_A_STEP = 2_000
_OWNER_ONLY = 0o600


class BackupExists(Problem):
    """There is a file of that name already."""

    code, status, hint = "backup_exists", 500, "Choose another name: a backup never replaces a file."


def back_up(database: Path, target: Path) -> int:
    """Copy the database with SQLite's backup API: consistent, beside a running service. Returns the bytes written.

    Keys and marks are not part of it. Only its owner may read it: it holds the customers' names. Raises BackupExists,
    StoreDamaged.
    """
    if target.exists():
        raise BackupExists(str(target))
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(_OWNER_ONLY)
    source = connect(database, read_only=True)
    copy = connect(partial)
    try:
        # One snapshot for the whole copy: otherwise each sale made meanwhile would let it begin anew, without end.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(copy, pages=_PAGES_A_STEP)
        copy.execute("PRAGMA journal_mode = DELETE")
        _check(copy)
        marks.forget(copy)
    except (SqliteError, UnicodeDecodeError) as error:
        raise StoreDamaged(str(error)) from error
    finally:
        copy.close()
        source.close()
    partial.replace(target)
    _sync(target.parent)
    return target.stat().st_size


def restore(folder: Path, backup: Path) -> Path | None:
    """Put a backup in place of the store's file; the next start begins a new epoch with it.

    The present file is set aside, never deleted; returns where. Raises StoreInUse, StoreDamaged; nothing was changed
    then.
    """
    lock = lock_folder(folder)
    try:
        fresh = _copy_checked(backup, folder / (DATABASE_NAME + ".restoring"))
        aside = _set_aside(folder)
        fresh.replace(folder / DATABASE_NAME)
        _sync(folder)
        forget_finding(folder)
    finally:
        os.close(lock)
    return aside


def _copy_checked(backup: Path, fresh: Path) -> Path:
    """The backup beside the store's file, durable and looked through, before anything there is moved."""
    fresh.unlink(missing_ok=True)
    fresh.touch(_OWNER_ONLY)
    shutil.copyfile(backup, fresh)
    try:
        copy = connect(fresh)
        try:
            _check(copy)
            # Also a copy made by hand must begin a new life, even one of this very run.
            marks.forget(copy)
        finally:
            copy.close()
    except (SqliteError, UnicodeDecodeError, StoreDamaged) as error:
        fresh.unlink()
        raise StoreDamaged(f"{backup.name}: {error}") from error
    _sync(fresh)
    return fresh


def _set_aside(folder: Path) -> Path | None:
    """Move the present file and its log away. The log goes even where the file is gone: SQLite would take it for the
    log of whatever lies there next, and write its pages into it."""
    name = f"store.replaced-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while (aside := folder / f"{name}-{number}.sqlite").exists():
        number += 1
    found = False
    for suffix in ("", "-wal", "-shm"):
        part = folder / (DATABASE_NAME + suffix)
        if part.exists():
            part.replace(folder / (aside.name + suffix))
            found = True
    return aside if found else None


def _check(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Raises StoreDamaged for a file that is no sound database of a store."""
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreDamaged(str(answer))
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'journal'").fetchone() is None:
        raise StoreDamaged("It holds no store.")


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
