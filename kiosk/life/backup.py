"""edge: a copy of the store's file while it runs, and putting one back.

A restore copies the backup beside the store's file, looks it through, moves the present file aside and puts the copy in
its place. What a cut leaves behind at each step, and what the next command makes of it:

| cut | left behind | then |
|---|---|---|
| while copying | the store as it was, `store.sqlite.restoring` | a start removes the half copy; a restore begins anew |
| while moving aside | `store.replaced-*`, `.restoring` | start and init refuse; a restore begins anew |
| after | the restored store | the next start begins its new life |

A log that was cut off from its file while moving aside follows it first.

Files set aside are never deleted by the service. They hold customers' data of their time, erased ones' too: the doctor
names those older than 30 days with the command that removes them.
"""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from kiosk.life.proof import forget_finding
from kiosk.life.start import DATABASE_NAME, RESTORING_NAME, SIDE_FILES, StoreDamaged, lock_folder, remove_database
from kiosk.members.tombstones import add_tombstones, list_tombstones
from loyalty.errors import Problem
from sync import marks
from sync.db import SqliteError, connect
from sync.durable_files import sync_path
from sync.life_rows import read_begun

_PAGES_A_STEP = 2_000
_OWNER_ONLY = 0o600
_SMALLEST_PAGE = 512


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
    sync_path(target.parent)
    return target.stat().st_size


def restore(folder: Path, backup: Path) -> Path | None:
    """Put a backup in place of the store's file; the next start begins a new epoch with it.

    The present file is set aside, never deleted; returns where. Raises StoreInUse, StoreDamaged, TombstonesDamaged;
    nothing was changed then.
    """
    lock = lock_folder(folder)
    try:
        _remember_present(folder)
        _finish_moving(folder)
        fresh = _copy_checked(backup, folder / RESTORING_NAME)
        aside = _set_aside(folder)
        fresh.replace(folder / DATABASE_NAME)
        sync_path(folder)
        forget_finding(folder)
    finally:
        os.close(lock)
    return aside


def _finish_moving(folder: Path) -> None:
    """After a restore that was cut off between a file and its log: the log follows its file. In any other case a log
    without a file is nobody's."""
    log = folder / (DATABASE_NAME + "-wal")
    files = sorted(folder.glob("store.replaced-*.sqlite"), key=lambda path: path.stat().st_mtime_ns)
    cut_off = (folder / RESTORING_NAME).exists() and not (folder / DATABASE_NAME).exists()
    if cut_off and log.exists() and files:
        target = files[-1].with_name(files[-1].name + "-wal")
        if not target.exists():
            log.replace(target)


def _copy_checked(backup: Path, fresh: Path) -> Path:
    """The backup beside the store's file, durable and looked through, before anything there is moved. A file that was
    set aside comes with its log."""
    remove_database(fresh)
    fresh.touch(_OWNER_ONLY)
    shutil.copyfile(backup, fresh)
    log = backup.with_name(backup.name + "-wal")
    if log.exists():
        shutil.copyfile(log, fresh.with_name(fresh.name + "-wal"))
    try:
        copy = connect(fresh)
        try:
            _check(copy)
            # Also a copy made by hand must begin a new life, even one of this very run.
            marks.forget(copy)
        finally:
            copy.close()
    except (SqliteError, UnicodeDecodeError, StoreDamaged) as error:
        remove_database(fresh)
        raise StoreDamaged(f"{backup.name}: {error}") from error
    sync_path(fresh)
    return fresh


def _remember_present(folder: Path) -> None:
    """Take over what only the present file may know: who was erased, what was revoked, the number of its life. A file
    that is too broken to say so had it written down beside it at its last start."""
    path = folder / DATABASE_NAME
    # SQLite would delete the log beside an empty file.
    if not path.exists() or path.stat().st_size < _SMALLEST_PAGE:
        return
    try:
        present = connect(path, read_only=True)
        try:
            tombstones, life = list_tombstones(present), read_begun(present)
        finally:
            present.close()
    except (SqliteError, ValueError, TypeError):  # any cell of a broken file may be anything
        return
    add_tombstones(folder, tombstones)
    if life is not None:
        marks.note_ordinal(folder, life[1])


def _set_aside(folder: Path) -> Path | None:
    """Move the present file and its log away. The log goes even where the file is gone: SQLite would take it for the
    log of whatever lies there next, and write its pages into it."""
    name = f"store.replaced-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while (aside := folder / f"{name}-{number}.sqlite").exists():
        number += 1
    found = False
    for suffix in SIDE_FILES:
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
