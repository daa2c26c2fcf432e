"""edge: the marks that tell a database's lives apart.

At each start a fresh nonce is written into a file beside the database, synced, then into the database. A database whose
nonce is neither the file's current nor its previous one is not the one that ran here last: a backup was put back, or
the
file was copied from elsewhere. It goes on under a new epoch, so that no sequence number is ever used twice. The file
holds two nonces because a power cut may fall between the two writes.
"""

import json
import os
from pathlib import Path
from typing import Any

from msgspec import Struct

FILE_NAME = "marks.json"
_NONCE = "nonce"


class Marks(Struct, frozen=True):
    """The file's side. `clean` says that the last stop was an orderly one."""

    current: str
    previous: str
    clean: bool


def read_marks(folder: Path) -> Marks | None:
    """The marks beside the database; None where the file is missing or cannot be read."""
    try:
        values = json.loads((folder / FILE_NAME).read_text())
        return Marks(str(values["current"]), str(values["previous"]), bool(values["clean"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_marks(folder: Path, marks: Marks) -> None:
    """Replace the file as a whole, durably."""
    partial = folder / (FILE_NAME + ".new")
    with partial.open("w") as file:
        json.dump({"current": marks.current, "previous": marks.previous, "clean": marks.clean}, file)
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
    row = connection.execute("SELECT value FROM mark WHERE name = ?", (_NONCE,)).fetchone()
    return row is not None and marks is not None and row[0] in (marks.current, marks.previous)


def renew(connection: Any, folder: Path, nonce: str) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Write the nonce of this run: file first, then database."""
    before = connection.execute("SELECT value FROM mark WHERE name = ?", (_NONCE,)).fetchone()
    write_marks(folder, Marks(current=nonce, previous=before[0] if before else "", clean=False))
    connection.execute(
        "INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_NONCE, nonce),
    )


def note_clean_stop(folder: Path) -> None:
    """Say that this stop was an orderly one, so that the next start need not check every page."""
    marks = read_marks(folder)
    if marks is not None:
        write_marks(folder, Marks(marks.current, marks.previous, clean=True))
