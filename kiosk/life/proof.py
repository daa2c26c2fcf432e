"""edge: runs verify on a store's file and remembers the outcome beside it.

The finding lies in `verify.json`, not in the database: the command line may verify a running store without becoming a
second writer. The service looks at that file; as long as it says that something is wrong, the store only answers reads.
Beside the finding lies the mark of the last good run. It outlives a bad one: entries that vanished from the end of the
journal must not be forgotten because somebody asked twice. A file that cannot be read may have named a fault, so it
counts as one until a run says otherwise; the service makes that run itself, at once (kiosk/life/upkeep.py).

SQLite's own look at the file comes on top of the proof: an index that does not fit its table leaves every row right and
still lets a sale be given back twice, because the service asks the index.
"""

import json
import time
from pathlib import Path
from typing import Any

import msgspec

from kiosk.life.feed_bases import attach_installed
from kiosk.registry import REGISTRY, list_statements
from loyalty.transactions import Tx
from sync.db import SqliteError, SqliteUnavailable, connect
from sync.db_connections import connect_scratch, spare_adapting
from sync.durable_files import replace_file
from sync.http.problems import StorageUnavailable
from sync.verify import Mark, Report, verify
from sync.walk import Wrong

FINDING_NAME = "verify.json"
_JOURNAL_MENDING = "counterfoil restore FILE --config {config}"
_TABLE_MENDING = "counterfoil rebuild --config {config}"
_BREACH_MENDING = "counterfoil verify --json --config FILE"
_UNREADABLE: dict[str, Any] = {
    "ok": False,
    "mend": "What verify found last cannot be read any more, and it may have been a fault. The service looks through"
    " everything now and opens by itself if all is well. Or run it yourself. Run: counterfoil verify --config FILE",
}
_INTEGRITY = "integrity"
_FAULTS_ASKED_FOR = 100


def prove(database: Path, *, full: bool) -> Report:
    """Verify a store's file from the last proved head, or all of it. Top-level, so that the helper process can run it.

    Raises StorageUnavailable when the disk does not answer; what is wrong with the data stands in the report.
    """
    spare_adapting()
    folder = database.parent
    store = connect(database, read_only=True)
    # A flipped bit may leave a text that is no UTF-8. It must be told apart from the right one, not end the proof.
    store.text_factory = _read_text
    try:
        attach_installed(store, database)
        store.execute("BEGIN")
        report = prove_open(store, read_mark(folder), full=full)
        if report.tables:
            _look_at_file(store, report)
        store.execute("ROLLBACK")
    except (SqliteError, UnicodeDecodeError) as error:  # a damaged schema can give messages that are no text
        if isinstance(error, SqliteUnavailable):
            raise StorageUnavailable(str(error)) from error
        report = Report(ok=False, first_wrong=Wrong("", 0, f"the file is damaged: {error}"))
    finally:
        store.close()
    _remember(folder, report)
    return report


def prove_open(store: Tx, since: Mark | None, *, full: bool) -> Report:
    """Verify an open database, in the caller's transaction. What is found wrong from a mark is looked for once more in
    full, because only a full run names the entry."""
    for everything in (full, True):
        scratch = open_scratch()
        try:
            report = verify(store, scratch, REGISTRY, since, full=everything)
        finally:
            scratch.close()
        if report.ok or report.breach or not report.tables or everything:
            break
    return report


def _look_at_file(store: Tx, report: Report) -> None:
    """SQLite's own check of every page and of every index against its table. The gravest finding is told: one that is
    not about an index cannot be mended by making indexes anew."""
    found = store.execute(f"PRAGMA integrity_check({_FAULTS_ASKED_FOR})")
    faults = sorted((str(row[0]) for row in found if row[0] != "ok"), key=_is_about_index)
    report.tables[_INTEGRITY] = not faults
    if faults:
        wrong = Wrong("", 0, f"{_INTEGRITY}: {faults[0]}")
        report.first_wrong = wrong if report.breach or report.first_wrong is None else report.first_wrong
        report.ok, report.mark, report.breach = False, None, False


def _is_about_index(fault: str) -> bool:
    """Whether one of SQLite's messages is about an index that does not fit: "row 5 missing from index sale_by_day"."""
    return " index " in fault


def _read_text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def open_scratch() -> Any:  # noqa: ANN401  pysqlite3 has no types
    """An empty database in memory with today's schema."""
    scratch = connect_scratch()
    for statement in list_statements():
        scratch.execute(statement)
    scratch.execute("BEGIN")
    return scratch


def read_finding(folder: Path) -> str | None:
    """Why the store may only be read, with the command that mends it; None when nothing is known to be wrong.

    A rule that its facts break closes no shop: every table is what the journal says, no command would mend it, and
    selling on makes it no worse. `read_breach` tells of it.
    """
    found = _read(folder)
    return None if found.get("ok", True) or found.get("breach") else _mending_of(found)


def read_breach(folder: Path) -> str | None:
    """The rule that verify found broken while chain and tables hold; None where there is none."""
    found = _read(folder)
    return _mending_of(found) if not found.get("ok", True) and found.get("breach") else None


def _mending_of(found: dict[str, Any]) -> str:
    return str(found.get("mend", "Run: counterfoil verify --full"))


def verified_at(folder: Path) -> float | None:
    """When verify last found that everything holds, in seconds since 1970 UTC; None when it never did."""
    found = _read(folder)
    return float(found["at_ms"]) / 1000 if found.get("ok") and "at_ms" in found else None


def forget_finding(folder: Path) -> None:
    """After a restore: what was found and proved belongs to the file that lay here before; the next verify starts from
    the beginning."""
    (folder / FINDING_NAME).unlink(missing_ok=True)


def doubt_finding(folder: Path) -> None:
    """When a file begins a new life: what was proved belongs to the life before, or to another file. A fault that was
    found may be in this one still: the store stays read-only until a run says otherwise, which it makes at once."""
    found = _read(folder)
    if read_finding(folder) is None:
        forget_finding(folder)
    elif found is not _UNREADABLE:
        _write(folder, {"ok": False, "at_ms": found.get("at_ms"), "mend": _mending_of(found), "in_doubt": True})


def forget_fault(folder: Path) -> None:
    """After a rebuild: the fault is mended, and what was proved before it is proved still."""
    mark = read_mark(folder)
    if mark is None:
        forget_finding(folder)
    else:
        _write(folder, {"mark": msgspec.to_builtins(mark)})


def read_mark(folder: Path) -> Mark | None:
    """The mark of the last good run on this file; None where there is none that can be read."""
    value = _read(folder).get("mark")
    try:
        mark = msgspec.convert(value, Mark) if value else None
        if mark is not None:
            mark.head()
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None
    return mark


def is_in_doubt(folder: Path) -> bool:
    """Whether nobody knows if something is wrong, and a full run has to say so."""
    return has_unreadable_finding(folder) or bool(_read(folder).get("in_doubt"))


def has_unreadable_finding(folder: Path) -> bool:
    """Whether verify wrote something down that nobody can read any more."""
    return _read(folder) is _UNREADABLE


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FINDING_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return _UNREADABLE
    return found if isinstance(found, dict) else _UNREADABLE


def _remember(folder: Path, report: Report) -> None:
    _write(
        folder,
        {
            "ok": report.ok,
            "at_ms": time.time_ns() // 1_000_000,
            "first_wrong": msgspec.to_builtins(report.first_wrong),
            "mend": None if report.ok else mending(report),
            "breach": report.breach,
            "mark": msgspec.to_builtins(report.mark if report.ok else read_mark(folder)),
        },
    )


def remember_fault(folder: Path, mend: str) -> None:
    """Remember a fault that was found without verify: the store stays read-only until a full run says otherwise."""
    mark = msgspec.to_builtins(read_mark(folder))
    _write(folder, {"ok": False, "at_ms": time.time_ns() // 1_000_000, "mend": mend, "mark": mark})


def _write(folder: Path, finding: dict[str, Any]) -> None:
    replace_file(folder / FINDING_NAME, json.dumps(finding, indent=1))


def mending(report: Report) -> str:
    """What the person at the till reads: what is wrong and the command that mends it.

    A broken chain, or a broken page, can only come back from a copy. A table that differs from a sound chain is made
    anew from it, and so is an index that differs from its table.
    """
    wrong = report.first_wrong
    if wrong is None:
        where = "unknown"
    elif wrong.seq:
        where = f"entry {wrong.seq} of epoch {wrong.epoch}: {wrong.what}"
    else:
        where = wrong.what
    if report.breach:
        return (
            f"Verify found a broken rule ({where}). The journal itself says so, no copy knows better, and"
            f" the shop may sell on. Tell whoever maintains the program what this prints. Run: {_BREACH_MENDING}"
        )
    command = (_TABLE_MENDING if _can_be_rebuilt(report) else _JOURNAL_MENDING).format(config="FILE")
    if wrong is not None and wrong.what.startswith(f"{_INTEGRITY}: ") and _can_be_rebuilt(report):
        return f"Verify found an index that does not fit its table ({where}). No row is lost. Run: {command}"
    return f"Verify found a fault ({where}). Nothing is lost that the journal holds. Run: {command}"


def _can_be_rebuilt(report: Report) -> bool:
    """The chain holds (else no table was compared), and no page is broken."""
    wrong = report.first_wrong
    broken_page = wrong is not None and wrong.what.startswith(f"{_INTEGRITY}: ") and not _is_about_index(wrong.what)
    return bool(report.tables) and not broken_page
