"""edge: the mark beside the database that tells whether it is the one that ran here last.

A database put back from a backup has forgotten what stores were told it holds. The mark, a file in head office's data
folder, remembers the timeline and how many entries of all stores were held; a database that holds fewer was put back.
It is noted every few seconds, so the entries of the last seconds before a crash may be missing in it: those stores find
out by themselves, because head office then asks for what it does not have.
"""

import json
from pathlib import Path

import msgspec
from msgspec import Struct

from loyalty.transactions import Tx
from sync.durable_files import replace_file
from sync.hub.problems import HubWasRestored
from sync.hub.state import count_entries, read_timeline
from sync.hub.stores import digest_keys

FILE_NAME = "hub-mark.json"


class Mark(Struct, frozen=True):
    """How far the database had come when it was last looked at. `keys` stands for the stores and their keys (empty: not
    known)."""

    timeline: int
    entries: int
    keys: str = ""


def look(tx: Tx) -> Mark:
    """How far the database has come; timeline 0 where no head office was made in it."""
    return Mark(read_timeline(tx), count_entries(tx), digest_keys(tx))


def read_mark(folder: Path) -> Mark | None:
    """The mark of this folder; None where there is none or where it cannot be read."""
    try:
        return msgspec.convert(json.loads((folder / FILE_NAME).read_text()), Mark)
    except (OSError, ValueError):
        return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Replace the file as a whole, durably."""
    replace_file(folder / FILE_NAME, json.dumps(msgspec.to_builtins(mark)))


def check_mark(folder: Path, found: Mark) -> None:
    """Raises HubWasRestored where the database is older than the mark. A later timeline than the mark's was begun by
    somebody who knew, perhaps from another machine."""
    mark = read_mark(folder)
    if mark is None or found.timeline > mark.timeline:
        return
    if found.timeline < mark.timeline or found.entries < mark.entries:
        raise HubWasRestored(
            f"It holds {found.entries} entries in timeline {found.timeline}; {mark.entries} in timeline"
            f" {mark.timeline} were seen here."
        )


def note_progress(folder: Path, found: Mark) -> None:
    """Note how far the database has come; writes only what is new."""
    if found != read_mark(folder):
        write_mark(folder, found)
