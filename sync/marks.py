"""edge: the marks that tell a database's lives apart.

At each start a fresh nonce is written into a file beside the database, synced, then into the database, and then the one
before is dropped from the file. A database whose nonce the file does not hold is not the one that ran here last: a
backup was put back, or the file was copied from elsewhere. It goes on under a new epoch, so that no sequence number is
ever used twice. While both are being written the file holds two nonces, because a power cut may fall between them.

A copy made by hand during the last run carries its nonce. The file therefore also knows how far the journal had come,
noted every few seconds (`note_progress`) and at each start and orderly stop; a database that has not come as far is an
older one. What is sold in the last seconds before a kill may be missing in it. `counterfoil backup` needs no note: its
copies carry no nonce at all.

The file also keeps the highest ordinal that any life here ever had. A backup of the first life knows nothing of the
second; restored twice, it would give both later lives the number 2, and two customers the same receipt number. The
ordinal is reserved here before the database learns of it: a cut between the two skips a letter and repeats none.
"""

import json
import threading
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sync.durable_files import replace_file
from sync.journal import read_head, read_life

FILE_NAME = "marks.json"
_NONCE = "nonce"
_one_at_a_time = threading.Lock()


class Marks(Struct, frozen=True):
    """The file's side. `clean` says that the last stop was an orderly one; `seq` is the least that the newest epoch's
    journal must have come to; `ordinal` is the highest of all lives."""

    current: str
    previous: str
    clean: bool
    seq: int = 0
    ordinal: int = 0


def read_marks(folder: Path) -> Marks | None:
    """The marks beside the database; None where the file is missing or cannot be read."""
    try:
        return msgspec.convert(json.loads((folder / FILE_NAME).read_text()), Marks)
    except (OSError, ValueError):
        return None


def write_marks(folder: Path, marks: Marks) -> None:
    """Replace the file as a whole, durably."""
    replace_file(folder / FILE_NAME, json.dumps(msgspec.to_builtins(marks)))


def is_same_life(connection: Any, marks: Marks | None) -> bool:  # noqa: ANN401  pysqlite3 has no types
    """Whether this database is the one that ran here last."""
    nonce = _read_nonce(connection)
    if nonce is None or marks is None or nonce not in (marks.current, marks.previous):
        return False
    return _read_seq(connection) >= marks.seq


def reserve_ordinal(connection: Any, folder: Path) -> int:  # noqa: ANN401  pysqlite3 has no types
    """The ordinal of the life that is about to begin: one that no life had, here or in this database."""
    marks, life = read_marks(folder) or Marks(current="", previous="", clean=False), read_life(connection)
    ordinal = max(marks.ordinal, life[1] if life else 0) + 1
    write_marks(folder, msgspec.structs.replace(marks, ordinal=ordinal))
    return ordinal


def renew(connection: Any, folder: Path, nonce: str) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Write the nonce of this run: file first, then database. The one before holds only until both are written."""
    found, life = read_marks(folder), read_life(connection)
    new = Marks(
        current=nonce,
        previous=_read_nonce(connection) or "",
        clean=False,
        seq=_read_seq(connection),
        ordinal=max(found.ordinal if found else 0, life[1] if life else 0),
    )
    write_marks(folder, new)
    connection.execute(
        "INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_NONCE, nonce),
    )
    write_marks(folder, msgspec.structs.replace(new, previous=nonce))


def forget(connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
    """Take the mark out of a copy, so that it begins a new life wherever it is put."""
    connection.execute("DELETE FROM mark WHERE name = ?", (_NONCE,))


def note_progress(folder: Path, seq: int) -> None:
    """Note how far the journal has come while the service runs; writes only what is new."""
    _change(folder, seq)


def note_clean_stop(folder: Path, seq: int = 0) -> None:
    """Say that this stop was an orderly one, so that the next start need not check every page, and how far the journal
    has come."""
    _change(folder, seq, clean=True)


def note_ordinal(folder: Path, ordinal: int) -> None:
    """Keep in mind that there was a life of this number, before the file that knows of it is moved away."""
    marks = read_marks(folder) or Marks(current="", previous="", clean=False)
    if ordinal > marks.ordinal:
        write_marks(folder, msgspec.structs.replace(marks, ordinal=ordinal))


def _change(folder: Path, seq: int, *, clean: bool = False) -> None:
    """Progress is noted in a thread that may outlive the task it was started from; a stop must not be undone by it."""
    with _one_at_a_time:
        marks = read_marks(folder)
        if marks is None:
            return
        changed = msgspec.structs.replace(marks, seq=max(seq, marks.seq), clean=clean or marks.clean)
        if changed != marks:
            write_marks(folder, changed)


def _read_nonce(connection: Any) -> str | None:  # noqa: ANN401  pysqlite3 has no types
    row = connection.execute("SELECT value FROM mark WHERE name = ?", (_NONCE,)).fetchone()
    return str(row[0]) if row else None


def _read_seq(connection: Any) -> int:  # noqa: ANN401  pysqlite3 has no types
    life = read_life(connection)
    return read_head(connection, life[0]).seq if life else 0
