"""edge: what the doctor says of the line to head office. It looks at what the store itself knows; nobody is asked."""

import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from kiosk.life.enrolment import HubFileDamaged, key_is_private, read_enrolment
from kiosk.life.link_notes import ALARM, CLOCK_OFFSET, DAY_DIFFERS, read_note
from kiosk.life.start import DATABASE_NAME
from kiosk.points.link import Line, count_queued, read_line
from loyalty.transactions import Tx
from sync.agent.key import FILE_NAME, StoreKeyDamaged, load_key
from sync.db import SqliteError, connect

_SILENT_MS = 60 * 60_000
_CLOCK_APART_MS = 60_000
_RESTART = "Start the service anew: counterfoil store --config FILE"
_ENROL = "Ask head office for a new code: counterfoil enrol --hub URL --code CODE --config FILE"
_ALARMS = {
    "store_revoked": "Head office has taken this store's key back. Ask it for a new code, move hub.json and store.key"
    " out of the data folder, then: counterfoil enrol --hub URL --code CODE --config FILE",
    "quarantined": "Two copies of this store run. Stop the one that should not; head office then names the true one.",
    "superseded": "Head office named another copy the true one. Stop this one.",
    "upgrade_required": "Install the present release.",
}
_ASK = "Tell head office what this prints; the shop may sell on."


class Check(Struct, frozen=True):
    """One thing looked at; `mend` is the next step where it is not well, or the one to take some day."""

    name: str
    ok: bool
    detail: str
    mend: str | None = None


class _Known(Struct, frozen=True):
    line: Line | None
    queued: int
    alarm: str | None
    day_differs: str | None
    offset_ms: int
    set_aside: int


def look_at_link(folder: Path) -> Iterator[Check]:
    """Nothing for a store that has joined no head office."""
    try:
        enrolment, key = read_enrolment(folder), load_key(folder)
    except (HubFileDamaged, StoreKeyDamaged) as problem:
        yield Check("head office", ok=False, detail=problem.title(), mend=_ENROL)
        return
    if enrolment is None:
        return
    if key is None:
        yield Check("head office", ok=False, detail=f"{FILE_NAME} is missing", mend=_ENROL)
        return
    private = key_is_private(folder)
    detail = "readable by its owner only" if private else f"others may read {FILE_NAME}"
    yield Check("store key", private, detail, None if private else f"chmod 600 {folder / FILE_NAME}")
    try:
        known = _read(folder)
    except SqliteError:
        return  # a file that cannot be read is told of by itself
    yield from _look_at_line(known, enrolment.url)
    apart = abs(known.offset_ms) > _CLOCK_APART_MS
    detail = f"{known.offset_ms / 1000:+.1f} s to head office"
    yield Check("clock at head office", not apart, detail, "Set the clock: timedatectl set-ntp true" if apart else None)
    if known.day_differs is not None:
        yield Check("days at head office", ok=False, detail=f"{known.day_differs} is not the same there", mend=_ASK)
    if known.set_aside:
        detail = f"{known.set_aside} entries that came back contradict what was booked here; head office has them"
        yield Check("entries set aside", ok=True, detail=detail, mend="Look at head office's incidents of this store.")


def _look_at_line(known: _Known, url: str) -> Iterator[Check]:
    line, waits = known.line, f"{known.queued} entries wait"
    if known.alarm is not None:
        detail = f"{url} says {known.alarm}; {waits}"
        yield Check("head office", ok=False, detail=detail, mend=_ALARMS.get(known.alarm, _ASK))
    elif line is None:
        yield Check("head office", ok=False, detail=f"{url} was never reached; {waits}", mend=_RESTART)
    elif line.online:
        yield Check("head office", ok=True, detail=f"{url} answers; {waits}")
    else:
        silent_ms = int(time.time() * 1000) - line.since
        detail = f"{url} is silent for {silent_ms // 60_000} minutes; {waits}"
        mend = "Look at the line to the world; nothing is lost." if silent_ms > _SILENT_MS else None
        yield Check("head office", mend is None, detail, mend)


def _read(folder: Path) -> _Known:
    connection = connect(folder / DATABASE_NAME, read_only=True)
    try:
        return _know(connection)
    finally:
        connection.close()


def _know(tx: Tx) -> _Known:
    row = tx.execute("SELECT count(*) FROM set_aside_entry WHERE code = 'conflict'").fetchone()
    offset = read_note(tx, CLOCK_OFFSET) or "0"
    return _Known(
        line=read_line(tx),
        queued=count_queued(tx),
        alarm=read_note(tx, ALARM),
        day_differs=read_note(tx, DAY_DIFFERS),
        offset_ms=int(offset) if offset.lstrip("-").isdecimal() else 0,
        set_aside=int(row[0]) if row else 0,
    )
