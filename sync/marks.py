"""edge: the marks that tell a database's lives apart.

At each start a fresh nonce is written into a file beside the database, synced, then into the database, and then the one
before is dropped from the file. A database whose nonce the file does not hold is not the one that ran here last: a
backup was put back, or the file was copied from elsewhere. It goes on under a new epoch, so that no sequence number is
ever used twice. While both are being written the file holds two nonces, because a power cut may fall between them.

A copy made by hand during the last run carries its nonce. The file therefore also knows how far the journal had come at
the last start or orderly stop; a database that has not come as far is an older one.
"""

import json
import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from sync.journal import read_head, read_life

FILE_NAME = "marks.json"
_NONCE = "nonce"


class Marks(Struct, frozen=True):
    """The file's side. `clean` says that the last stop was an orderly one; `seq` is the least that the newest epoch's
    journal must have come to."""

    current: str
    previous: str
    clean: bool
    seq: int = 0


def read_marks(folder: Path) -> Marks | None:
    """The marks beside the database; None where the file is missing or cannot be read."""
    try:
        values = json.loads((folder / FILE_NAME).read_text())
        return Marks(str(values["current"]), str(values["previous"]), bool(values["clean"]), int(values.get("seq", 0)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_marks(folder: Path, marks: Marks) -> None:
    """Replace the file as a whole, durably."""
    partial = folder / (FILE_NAME + ".new")
    values = {"current": marks.current, "previous": marks.previous, "clean": marks.clean, "seq": marks.seq}
    with partial.open("w") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE_NAME)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_same_life(connection: Any, marks: Marks | None) -> bool:  # noqa: ANN401  pysqlite3 has no types
    """Whether this database is the one that ran here last."""
    nonce = _read_nonce(connection)
    if nonce is None or marks is None or nonce not in (marks.current, marks.previous):
        return False
    return _read_seq(connection) >= marks.seq


def renew(connection: Any, folder: Path, nonce: str) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Write the nonce of this run: file first, then database. The one before holds only until both are written."""
    before, seq = _read_nonce(connection) or "", _read_seq(connection)
    write_marks(folder, Marks(current=nonce, previous=before, clean=False, seq=seq))
    connection.execute(
        "INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_NONCE, nonce),
    )
    write_marks(folder, Marks(current=nonce, previous=nonce, clean=False, seq=seq))


def forget(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Take the mark out of a copy, so that it begins a new life wherever it is put."""
    connection.execute("DELETE FROM mark WHERE name = ?", (_NONCE,))


def note_clean_stop(folder: Path, seq: int = 0) -> None:
    """Say that this stop was an orderly one, so that the next start need not check every page, and how far the journal
    has come."""
    marks = read_marks(folder)
    if marks is not None:
        write_marks(folder, Marks(marks.current, marks.previous, clean=True, seq=max(seq, marks.seq)))


def _read_nonce(connection: Any) -> str | None:  # noqa: ANN401  pysqlite3 has no types
    row = connection.execute("SELECT value FROM mark WHERE name = ?", (_NONCE,)).fetchone()
    return str(row[0]) if row else None


def _read_seq(connection: Any) -> int:  # noqa: ANN401  pysqlite3 has no types
    life = read_life(connection)
    return read_head(connection, life[0]).seq if life else 0
