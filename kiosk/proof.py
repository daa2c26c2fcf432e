"""edge: runs verify on a store's file and remembers the outcome beside it.

The finding lies in `verify.json`, not in the database: the command line may verify a running store without becoming a
second writer. The service looks at that file; as long as it says that something is wrong, the store only answers reads.
"""

import json
import time
from pathlib import Path
from typing import Any

import msgspec

from kiosk.registry import REGISTRY, list_statements
from sync.db import SqliteError, SqliteUnavailable, connect
from sync.http.problems import StorageUnavailable
from sync.verify import Mark, Report, Wrong, verify

FINDING_NAME = "verify.json"
_JOURNAL_MENDING = "counterfoil restore FILE --config {config}"
_TABLE_MENDING = "counterfoil rebuild --config {config}"


def prove(database: Path, *, full: bool) -> Report:
    """Verify a store's file from the last proved head, or all of it. Top-level, so that the helper process can run it.

    Raises StorageUnavailable when the disk does not answer; what is wrong with the data stands in the report.
    """
    folder = database.parent
    since = None if full else _read_mark(folder)
    store = connect(database, read_only=True)
    # A flipped bit may leave a text that is no UTF-8. It must be told apart from the right one, not end the proof.
    store.text_factory = _read_text
    scratch = open_scratch()
    try:
        store.execute("BEGIN")
        report = verify(store, scratch, REGISTRY, since)
        store.execute("ROLLBACK")
    except (SqliteError, UnicodeDecodeError) as error:  # a damaged schema can give messages that are no text
        if isinstance(error, SqliteUnavailable):
            raise StorageUnavailable(str(error)) from error
        report = Report(ok=False, first_wrong=Wrong("", 0, f"the file is damaged: {error}"))
    finally:
        scratch.close()
        store.close()
    _remember(folder, report)
    return report


def _read_text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def open_scratch() -> Any:  # noqa: ANN401  pysqlite3 has no types
    """An empty database in memory with today's schema."""
    scratch = connect(":memory:")
    scratch.execute("PRAGMA foreign_keys = OFF")
    scratch.execute("PRAGMA synchronous = OFF")
    for statement in list_statements():
        scratch.execute(statement)
    scratch.execute("BEGIN")
    return scratch


def read_finding(folder: Path) -> str | None:
    """Why the store may only be read, with the command that mends it; None when nothing is known to be wrong."""
    found = _read(folder)
    return None if found.get("ok", True) else str(found.get("mend", "Run: counterfoil verify --full"))


def verified_at(folder: Path) -> float | None:
    """When verify last found that everything holds, in seconds since 1970 UTC; None when it never did."""
    found = _read(folder)
    return float(found["at_ms"]) / 1000 if found.get("ok") and "at_ms" in found else None


def forget_finding(folder: Path) -> None:
    """After a restore or a rebuild: what was found belongs to another file; the next verify starts from the
    beginning."""
    (folder / FINDING_NAME).unlink(missing_ok=True)


def _read_mark(folder: Path) -> Mark | None:
    value = _read(folder).get("mark")
    try:
        return msgspec.convert(value, Mark) if value else None
    except msgspec.ValidationError:
        return None


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FINDING_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(folder: Path, report: Report) -> None:
    _write(
        folder,
        {
            "ok": report.ok,
            "at_ms": time.time_ns() // 1_000_000,
            "first_wrong": msgspec.to_builtins(report.first_wrong),
            "mend": None if report.ok else mending(report),
            "mark": msgspec.to_builtins(report.mark),
        },
    )


def remember_fault(folder: Path, mend: str) -> None:
    """Remember a fault that was found without verify: the store stays read-only until a full run says otherwise."""
    _write(folder, {"ok": False, "at_ms": time.time_ns() // 1_000_000, "mend": mend})


def _write(folder: Path, finding: dict[str, Any]) -> None:
    partial = folder / (FINDING_NAME + ".new")
    partial.write_text(json.dumps(finding, indent=1), encoding="utf-8")
    partial.replace(folder / FINDING_NAME)


def mending(report: Report) -> str:
    """What the person at the till reads: what is wrong and the command that mends it.

    A broken chain can only come back from a copy; a table that differs from a sound chain is made anew from it.
    """
    wrong = report.first_wrong
    where = f"entry {wrong.seq} of epoch {wrong.epoch}: {wrong.what}" if wrong else "unknown"
    command = _TABLE_MENDING if report.tables else _JOURNAL_MENDING
    return (
        f"Verify found a fault ({where}). Nothing is lost that the journal holds. Run: {command.format(config='FILE')}"
    )
