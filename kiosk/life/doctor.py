"""edge: what is wrong here and the command that mends it. Looks, never touches: it may run beside a working store."""

import asyncio
import os
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from kiosk.config import Config, Printer
from kiosk.coupons.coupon_store import read_registry
from kiosk.coupons.keyring import FOLDER_NAME, damaged_keys, list_key_files, load_signer
from kiosk.life.link_checks import Check, look_at_link
from kiosk.life.proof import read_breach, read_finding, verified_at
from kiosk.life.start import DATABASE_NAME, StoreInUse, StoreNotReady, lack_of_store, lock_folder
from loyalty.errors import Problem
from printers.profile import load_profile
from sync import marks
from sync.db import SQLITE_VERSION, SqliteError, connect
from sync.journal import read_life

_STALE_VERIFY_S = 3 * 86_400
_COPIES_KEPT_S = 30 * 86_400
_YEAR_2026_S = 1_767_225_600
_PATIENCE_S = 2.0


def examine(config: Config) -> list[Check]:
    """Every check, in the order a person would go through them. Never raises for what it finds."""
    return [
        replace(check, mend=config.name_in_commands(check.mend)) if check.mend else check for check in _look_at(config)
    ]


def _look_at(config: Config) -> list[Check]:
    folder = config.data_dir()
    return [
        *_look_at_sqlite(),
        *_look_at_clock(),
        *_look_at_folder(folder, config.maintenance.minimum_free_mb),
        *_look_at_database(folder),
        *_look_at_keys(folder),
        *_look_at_finding(folder),
        *_look_at_old_copies(folder),
        *_look_at_service(folder),
        *look_at_link(folder),
        *_look_at_printers(config.printing.printers),
    ]


def _look_at_sqlite() -> Iterator[Check]:
    try:
        connect(":memory:").close()
    except Problem as problem:
        yield Check("sqlite", ok=False, detail=problem.detail, mend=problem.hint)
    else:
        yield Check("sqlite", ok=True, detail=SQLITE_VERSION)


def _look_at_clock() -> Iterator[Check]:
    right = time.time() > _YEAR_2026_S
    detail = time.strftime("%Y-%m-%d %H:%M %Z")
    yield Check("clock", right, detail, None if right else "Set the clock: timedatectl set-ntp true")


def _look_at_folder(folder: Path, minimum_free_mb: int) -> Iterator[Check]:
    if not folder.is_dir():
        yield Check("data folder", ok=False, detail=f"{folder} does not exist", mend="counterfoil init --config FILE")
        return
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Check("data folder", writable, str(folder), None if writable else f"chown -R $(whoami) {folder}")
    private = folder.stat().st_mode & 0o077 == 0
    detail = "readable by its owner only" if private else "others may read it"
    yield Check("privacy", private, detail, None if private else f"chmod 700 {folder}")
    free_mb = shutil.disk_usage(folder).free // 2**20
    enough = free_mb >= minimum_free_mb
    yield Check("disk", enough, f"{free_mb} MB free", None if enough else f"Free at least {minimum_free_mb} MB.")


def _look_at_database(folder: Path) -> Iterator[Check]:
    path = folder / DATABASE_NAME
    if not path.exists():
        lack = lack_of_store(folder)
        mend = (
            "counterfoil init --config FILE"
            if isinstance(lack, StoreNotReady)
            else "counterfoil restore FILE --config FILE"
        )
        yield Check("database", ok=False, detail=lack.title(), mend=mend)
        return
    mend = "counterfoil restore BACKUP --config FILE"
    try:
        connection = connect(path, read_only=True)
        try:
            entries = connection.execute("SELECT count(*) FROM journal").fetchone()[0]
            same = marks.is_same_life(connection, marks.read_marks(folder))
        finally:
            connection.close()
    except SqliteError as error:
        yield Check("database", ok=False, detail=str(error), mend=mend)
        return
    yield Check("database", ok=True, detail=f"{entries} journal entries")
    detail = "the file that ran here last" if same else "a restored or copied file: the next start begins a new epoch"
    yield Check("marks", ok=True, detail=detail)


def _look_at_keys(folder: Path) -> Iterator[Check]:
    """The keys that sign coupons: there, readable by their owner only, and the right one for this database."""
    if not (folder / DATABASE_NAME).exists():
        return
    files = list_key_files(folder)
    damaged, open_to_others = damaged_keys(folder), [path for path in files if path.stat().st_mode & 0o077]
    if damaged:
        names = ", ".join(damaged)
        mend = shlex.join(["mv", *(str(folder / FOLDER_NAME / name) for name in damaged), str(folder)])
        yield Check("keys", ok=False, detail=f"cannot be read: {names}", mend=f"{mend}  (then start the store again)")
    elif open_to_others:
        names = ", ".join(path.name for path in open_to_others)
        mend = shlex.join(["chmod", "go-rwx", *map(str, open_to_others)])
        yield Check("keys", ok=False, detail=f"others may read {names}", mend=mend)
    elif not _can_sign(folder):
        yield Check("keys", ok=False, detail="no key signs coupons", mend="counterfoil store --config FILE")
    else:
        yield Check("keys", ok=True, detail="coupons can be signed; readable by their owner only")


def _can_sign(folder: Path) -> bool:
    try:
        connection = connect(folder / DATABASE_NAME, read_only=True)
        try:
            life, registry = read_life(connection), read_registry(connection)
        finally:
            connection.close()
    except SqliteError:
        return True  # a file that cannot be read is told of by itself
    signer = load_signer(folder, life[0]) if life else None
    listed = registry.keys.get(signer.kid) if registry and signer else None
    return signer is not None and listed is not None and listed.public == signer.public and not listed.revoked


def _look_at_finding(folder: Path) -> Iterator[Check]:
    finding, at = read_finding(folder) or read_breach(folder), verified_at(folder)
    if finding is not None:
        yield Check("verify", ok=False, detail=finding.partition(" Run: ")[0], mend=finding.rpartition("Run: ")[2])
        return
    if at is None:
        detail = "not run yet; the service does it at night"
        yield Check("verify", ok=True, detail=detail, mend="counterfoil verify --config FILE")
        return
    age_s = int(time.time() - at)
    fresh = age_s < _STALE_VERIFY_S
    mend = None if fresh else "counterfoil verify --config FILE"
    yield Check("verify", fresh, f"everything held {age_s // 3600} hours ago", mend)


def _look_at_old_copies(folder: Path) -> Iterator[Check]:
    """Files that a restore or an upgrade set aside hold customers' data of their time, erased ones' too. Nothing
    removes them by itself: the shop decides when it no longer needs the way back."""
    before = time.time() - _COPIES_KEPT_S
    copies = [*folder.glob("store.replaced-*"), *folder.glob("store.before-*")]
    old = sorted(path for path in copies if path.stat().st_mtime < before)
    if not old:
        yield Check("old copies", ok=True, detail="none older than 30 days")
        return
    names = ", ".join(path.name for path in old)
    mend = shlex.join(["rm", *map(str, old)])
    yield Check("old copies", ok=False, detail=f"{names}: customers' data of more than 30 days ago", mend=mend)


def _look_at_service(folder: Path) -> Iterator[Check]:
    if not folder.is_dir():
        return
    try:
        os.close(lock_folder(folder))
    except StoreInUse:
        yield Check("service", ok=True, detail="running")
    else:
        yield Check("service", ok=False, detail="not running", mend="counterfoil store --config FILE")


def _look_at_printers(printers: tuple[Printer, ...]) -> Iterator[Check]:
    for printer in printers:
        name = f"printer {printer.name}"
        try:
            load_profile(printer.profile)
        except Exception as error:  # noqa: BLE001  whatever is wrong with a profile, the others are still looked at
            yield Check(name, ok=False, detail=str(error), mend="Correct printing.printers in the configuration.")
            continue
        if printer.kind == "virtual":
            yield Check(name, ok=True, detail="virtual")
            continue
        reached = asyncio.run(_reaches(printer.host, printer.port))
        place = f"{printer.host}:{printer.port}"
        mend = None if reached else f"Switch the printer on and look at its network cable: {place}"
        yield Check(name, reached, f"{place} {'answers' if reached else 'does not answer'}", mend)


async def _reaches(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
