"""edge: what happens before the first request: one owner of the folder, migrations, marks, a look at the file's health.

    started = start_store(folder, code, currency, time_zone)     # raises StoreDamaged, StoreNotReady, StoreInUse

A file that was cut short or damaged is found here and never served. A chain whose newest entries do not hold is served
read-only, with the command that mends it. A folder that held a store and has lost it is never taken for a new one: a
fresh store would print the numbers of the old one again.
"""

import fcntl
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from kiosk.coupons.keyring import KeyDamaged, prepare_keys
from kiosk.life import healing
from kiosk.life.feed_bases import attach_installed
from kiosk.life.lives import begin_life, check_same_store
from kiosk.life.proof import doubt_finding, read_finding, remember_fault
from kiosk.members.tombstones import add_tombstones, list_tombstones, read_tombstones
from kiosk.migrations import migrate, pending_steps
from loyalty.errors import Problem
from sync import marks
from sync.chain import ZERO_HASH, chain_hash
from sync.db import SqliteError, SqliteUnavailable, connect
from sync.http.problems import StorageUnavailable
from sync.journal import read_head, read_life
from sync.life_rows import FIRST_BROKEN, find_wrong_life, read_begun
from sync.walk import Broken

logger = logging.getLogger(__name__)

DATABASE_NAME = "store.sqlite"
SIDE_FILES = ("", "-wal", "-shm")
"""A database and what SQLite keeps beside it, by the ends of their names."""

MAKING_NAME = DATABASE_NAME + ".making"
RESTORING_NAME = DATABASE_NAME + ".restoring"
KEY_DAYS = 90
"""config.toml's own figure, for a start without a configuration."""

_FULL_MENDING = "Run: counterfoil verify --full --config FILE, then do what it says."
_TABLE_MENDING = "Nothing is lost that the journal holds. Run: counterfoil rebuild --config FILE"
_LOCK_NAME = "service.lock"
_TAIL = 1_000
_SMALLEST_PAGE = 512
_QUICK_CHECK_MAX_BYTES = 200 * 1024 * 1024


class StoreInUse(Problem):
    """Another service works in this data folder."""

    code, status, hint = "store_in_use", 500, "Stop the other service first; two would write one journal."


class StoreNotReady(Problem):
    """There is no store in this data folder."""

    code, status, hint = "store_not_ready", 500, "Run: counterfoil init --config FILE"


class StoreLost(Problem):
    """This folder held a store, but its file is gone."""

    code, status = "store_lost", 500
    hint = "Put a copy back: counterfoil restore FILE --config FILE (the newest backup, or store.replaced-* beside it)"


class RestoreUnfinished(StoreLost):
    """A restore was cut off before it was done; nothing is lost."""

    code = "restore_unfinished"
    hint = "Run it once more: counterfoil restore FILE --config FILE"


class StoreDamaged(Problem):
    """The database file is damaged. It was not touched."""

    code, status = "store_damaged", 500
    hint = "Put back the newest backup: counterfoil restore FILE --config FILE"


class Started(Struct, frozen=True):
    """A store ready to open: its file, the epoch of this life with its number, and why it may only be read, if so."""

    database: Path
    epoch: int
    ordinal: int
    read_only: str | None
    lock: int


def lock_folder(folder: Path) -> int:
    """Take the folder for this process; the file descriptor holds it until the process ends. Raises StoreInUse."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreInUse(str(folder)) from error
    return descriptor


def lack_of_store(folder: Path) -> Problem:
    """Why there is no store's file in this folder, as the problem to raise: none was made yet, or it went away."""
    if (folder / RESTORING_NAME).exists():
        return RestoreUnfinished(str(folder))
    # An init that was cut off has written marks for the file it was making, and nothing else.
    marked = (folder / marks.FILE_NAME).exists() and not (folder / MAKING_NAME).exists()
    if marked or any(folder.glob("store.replaced-*")):
        return StoreLost(str(folder))
    return StoreNotReady(str(folder))


def start_store(folder: Path, store: str, currency: str, time_zone: str, *, key_days: int = KEY_DAYS) -> Started:
    """Check, migrate and mark the store's file; begin a new epoch where this database is not the one that ran here
    last, and make the key that signs coupons in it where there is none, or none younger than `key_days`.

    Raises StoreInUse, StoreNotReady, StoreLost, StoreDamaged, StoreChanged, TombstonesDamaged; StorageUnavailable
    when the disk is full or does not answer.
    """
    path = folder / DATABASE_NAME
    if not path.exists():
        raise lack_of_store(folder)
    lock = lock_folder(folder)
    try:
        remove_database(folder / RESTORING_NAME)
        found = marks.read_marks(folder)
        connection = _open_checked(path, unclean=found is None or not found.clean)
        try:
            _migrate_beside_a_copy(connection, path)
            attach_installed(connection, path)
            life = _go_on_read_only(connection, folder)
            if life is None:
                check_same_store(connection, store, currency)
                life = read_life(connection)
                if life is None or not marks.is_same_life(connection, found):
                    life = _begin_next_life(connection, folder, store, currency, time_zone)
                life = _heal(connection, folder, store, currency, time_zone) or life
                marks.renew(connection, folder, os.urandom(16).hex())
                healing.drop_plan(folder)
            add_tombstones(folder, list_tombstones(connection))
            damage = _check_tail(connection, life[0])
            if damage is not None and read_finding(folder) is None:
                remember_fault(folder, damage)
            if read_finding(folder) is None:
                _prepare_keys(connection, folder, store, life[0], key_days)
        finally:
            connection.close()
    except BaseException as error:
        os.close(lock)
        if isinstance(error, SqliteUnavailable):
            raise StorageUnavailable(f"{path.name}: {error}") from error
        if isinstance(error, (SqliteError, UnicodeDecodeError)):  # a damaged schema can give messages that are no text
            raise StoreDamaged(f"{path.name}: {error}") from error
        raise
    return Started(path, life[0], life[1], read_finding(folder), lock)


def _go_on_read_only(connection: Any, folder: Path) -> tuple[int, int] | None:  # noqa: ANN401  pysqlite3 has no types
    """The newest life as the journal has it, where the table of lives says something else: then nothing is begun, no
    plan is carried out and no mark renewed until somebody has mended the table. None where they say the same."""
    wrong = find_wrong_life(connection)
    if wrong is None:
        return None
    life = read_begun(connection) or read_life(connection)
    if life is None:
        raise StoreDamaged(f"{DATABASE_NAME}: epoch {wrong.epoch}: {wrong.what}")
    if read_finding(folder) is None:
        mending = _FULL_MENDING if wrong.what == FIRST_BROKEN else _TABLE_MENDING
        remember_fault(folder, f"The lives of this store do not hold (epoch {wrong.epoch}: {wrong.what}). {mending}")
    logger.error("the lives do not hold", extra={"fields": {"epoch": wrong.epoch, "what": wrong.what}})
    return life


def _prepare_keys(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    folder: Path,
    store: str,
    epoch: int,
    key_days: int,
) -> None:
    """Without a key no coupon can be issued; that is no reason not to sell."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        prepare_keys(connection, folder, store, epoch, time.time_ns() // 1_000_000, key_days)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not isinstance(error, (KeyDamaged, OSError)):
            raise
        logger.warning("no key to sign coupons with", extra={"fields": {"error": type(error).__name__}})


def remove_database(path: Path) -> None:
    """Remove a database that was never finished, and what lies beside it."""
    for suffix in SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _begin_next_life(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    folder: Path,
    store: str,
    currency: str,
    time_zone: str,
) -> tuple[int, int]:
    # What verify remembers was found in the file that lay here before, or in this one.
    doubt_finding(folder)
    tombstones = read_tombstones(folder)
    ordinal = marks.reserve_ordinal(connection, folder)
    life = begin_life(connection, store, currency, time_zone, ordinal=ordinal, tombstones=tombstones)
    # The log must not keep what was just erased.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return life


def _heal(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    folder: Path,
    store: str,
    currency: str,
    time_zone: str,
) -> tuple[int, int] | None:
    """The life that a waiting plan makes this file begin, if there is one."""
    plan = healing.read_plan(folder)
    if plan is None:
        if not healing.has_unreadable_plan(folder):
            return None
        logger.error("the plan for a new life cannot be read: a new life begins without it")
        return _begin_next_life(connection, folder, store, currency, time_zone)
    try:
        life = healing.carry_out(connection, folder, plan, store, currency, time_zone)
    except Broken as broken:
        # The tables cannot be made anew from a journal that does not hold. Whoever found that the disk went back in
        # time finds it again after the journal is mended.
        remember_fault(folder, f"Entry {broken.wrong.seq} of the journal does not hold. {_FULL_MENDING}")
        return None
    logger.warning("a new life began, this disk had gone back in time", extra={"fields": {"carried_out": bool(life)}})
    return life


def release(started: Started, *, clean: bool) -> None:
    """Give the folder back; `clean` says that everything was drained and closed."""
    if clean:
        connection = connect(started.database, read_only=True)
        head = read_head(connection, started.epoch)
        connection.close()
        marks.note_clean_stop(started.database.parent, head.seq)
    os.close(started.lock)


def _open_checked(path: Path, *, unclean: bool) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """Open the file, let SQLite recover its log, and compare the size on disk with what the file says of itself."""
    # SQLite would take an empty file for a new database, and delete the log beside it.
    if path.stat().st_size < _SMALLEST_PAGE:
        raise StoreDamaged(f"{path.name} is empty or nearly so.")
    connection = None
    try:
        connection = connect(path)
        _check_size(connection, path)
        if unclean and path.stat().st_size < _QUICK_CHECK_MAX_BYTES:
            _check_pages(connection, path)
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def _check_size(connection: Any, path: Path) -> None:  # noqa: ANN401  pysqlite3 has no types
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = pages * connection.execute("PRAGMA page_size").fetchone()[0]
    if path.stat().st_size < size:
        raise StoreDamaged(f"{path.name} is {path.stat().st_size} bytes long and should have {size}.")
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'journal'").fetchone() is None:
        raise StoreDamaged(f"{path.name} holds no store.")


def _check_pages(connection: Any, path: Path) -> None:  # noqa: ANN401  pysqlite3 has no types
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreDamaged(f"{path.name}: {answer}")


def _migrate_beside_a_copy(connection: Any, path: Path) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Bring the schema up to date; copy the file first: the way back from a release that does not please."""
    steps = pending_steps(connection)
    if steps and path.stat().st_size:
        shutil.copy2(path, path.with_name(f"{path.stem}.before-{steps[0]}.sqlite"))
    migrate(connection)


def _check_tail(connection: Any, epoch: int) -> str | None:  # noqa: ANN401  pysqlite3 has no types
    """Walk the newest entries of the chain; what a torn write could have hit lies there."""
    rows = connection.execute(
        "SELECT seq, content, hash FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT ?", (epoch, _TAIL + 1)
    ).fetchall()[::-1]
    previous = ZERO_HASH
    for index, (seq, content, entry_hash) in enumerate(rows):
        anchored = index > 0 or seq == 1
        if anchored and chain_hash(epoch, seq, previous, content) != entry_hash:
            return f"Entry {seq} of the journal does not hold. {_FULL_MENDING}"
        previous = entry_hash
    return None
