"""A disk whose power goes at a moment that is chosen beforehand: what was not synced by then survives in parts. It can
be full as well, and a bit of it can flip.

disk = CrashDisk(Random(1))
connection = disk.connect(path)
disk.cut_after(40)                    # the 40th write or sync from now on is the last
...                                   # raises apsw.Error somewhere
disk.lay_out(path)                    # the files are what the cut has left

disk.is_full = True                   # nothing grows any more: apsw.FullError
flip_bit(path, b"...", Random(1))     # somewhere in these bytes of the file
"""

import contextlib
from pathlib import Path
from random import Random

import apsw

from tests.kiosk.faults.power import PowerCutDisk

SIDES = ("", "-wal", "-shm", "-journal")
_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI


class CrashDisk(PowerCutDisk):
    """Every file of one database."""

    flags = _FLAGS

    def __init__(self, random: Random) -> None:
        super().__init__(random, every=1)
        self.is_full = False
        self._left: int | None = None

    @property
    def is_dead(self) -> bool:
        """Whether the power is gone."""
        return bool(self.images)

    def cut_after(self, ticks: int) -> None:
        """The power goes with the `ticks`-th write or sync from now on."""
        self._left = ticks

    def spare(self) -> None:
        """The power does not go after all."""
        self._left = None

    def grow(self, size_before: int, size: int) -> None:
        """A file is to be `size` bytes long."""
        if self.is_full and size > size_before:
            raise apsw.FullError("no space left on the disk")

    def tick(self) -> None:
        """Something reaches the disk."""
        if self.is_dead:
            raise apsw.IOError("the power is gone")
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            super().tick()
            raise apsw.IOError("the power is gone")

    def lay_out(self, path: Path) -> None:
        """Make the files of the database what the power cut has left."""
        for side in SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)
        for side, content in self.images[0].files.items():
            path.with_name(path.name + side).write_bytes(content)


def flip_bit(path: Path, content: bytes, random: Random) -> bool:
    """One bit of `content`, where it stands in the file, is the other one now; False where it does not stand there in
    one piece."""
    raw = bytearray(path.read_bytes())
    at = raw.find(content)
    if at < 0:
        return False
    raw[at + random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(raw)
    return True


def close(connection: apsw.Connection) -> None:
    """Close a connection whether its disk lives or not."""
    with contextlib.suppress(apsw.Error):
        connection.close(force=True)
