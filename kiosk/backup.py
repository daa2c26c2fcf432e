"""edge: a copy of the store's file while it runs, and putting one back."""

import time
from pathlib import Path

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from kiosk.proof import forget_finding
from kiosk.start import DATABASE_NAME, StoreDamaged, lock_folder
from loyalty.errors import Problem
from sync.db import connect

_PAGES_A_STEP = 2_000


class BackupExists(Problem):
    """There is a file of that name already."""

    code, status, hint = "backup_exists", 500, "Choose another name: a backup never replaces a file."


def back_up(database: Path, target: Path) -> int:
    """Copy the database with SQLite's backup API: consistent, beside a running service. Returns the bytes written.

    Keys and marks are not part of it. Raises BackupExists, StoreDamaged.
    """
    if target.exists():
        raise BackupExists(str(target))
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    source = connect(database, read_only=True)
    copy = sqlite3.connect(str(partial))
    try:
        source.backup(copy, pages=_PAGES_A_STEP)
        copy.execute("PRAGMA journal_mode = DELETE")
        _check(copy)
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(str(error)) from error
    finally:
        copy.close()
        source.close()
    partial.replace(target)
    return target.stat().st_size


def restore(folder: Path, backup: Path) -> Path | None:
    """Put a backup in place of the store's file; the next start begins a new epoch with it.

    The present file is set aside, never deleted; returns where. Raises StoreInUse, StoreDamaged.
    """
    lock_folder(folder)
    probe = connect(backup, read_only=True)
    try:
        _check(probe)
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{backup.name}: {error}") from error
    finally:
        probe.close()
    database = folder / DATABASE_NAME
    aside = None
    if database.exists():
        aside = folder / f"store.replaced-{time.strftime('%Y%m%d-%H%M%S')}.sqlite"
        for suffix in ("-wal", "-shm", ""):
            part = folder / (DATABASE_NAME + suffix)
            if part.exists():
                part.replace(folder / (aside.name + suffix))
    fresh = folder / (DATABASE_NAME + ".restoring")
    fresh.write_bytes(backup.read_bytes())
    fresh.replace(database)
    forget_finding(folder)
    return aside


def _check(connection: "sqlite3.Connection") -> None:
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreDamaged(str(answer))
