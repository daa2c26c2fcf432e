"""A disk that loses what was not synced: a VFS that keeps beside each file what a power cut would leave of it.

    disk = PowerCutDisk(Random(1), every=25)
    connection = disk.connect(path)          # a real SQLite, on a real file
    ...                                      # disk.images: what would lie there, had the power gone at that moment

Writes since the last sync survive or not sector by sector, in no order (a drive's cache promises none).
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import apsw

SECTOR = 512


class Image(NamedTuple):
    """The files by suffix as a power cut leaves them, and what had been answered by then."""

    files: dict[str, bytes]
    answered: frozenset[Any]


class _Disc:
    """One file: what is safe, and what is on its way."""

    def __init__(self, content: bytes) -> None:
        self.safe = bytearray(content)
        self.size = len(content)
        self.pending: list[tuple[int, bytes | None]] = []  # (offset, data), or (size, None) for a truncation

    def sync(self) -> None:
        self.safe = self.after(lambda: True)
        self.pending.clear()

    def after(self, survives: Callable[[], bool]) -> bytearray:
        """The content with those pending sectors that survive."""
        content = bytearray(self.safe)
        for offset, data in self.pending:
            if data is None:
                if survives():
                    del content[offset:]
                continue
            for start in range(0, len(data), SECTOR):
                if survives():
                    part = data[start : start + SECTOR]
                    at = offset + start
                    content.extend(bytes(max(0, at + len(part) - len(content))))
                    content[at : at + len(part)] = part
        return content


class PowerCutDisk:
    """Takes an image at about every `every`-th write or sync. `answered` is filled by the test."""

    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE

    def __init__(self, random: Random, every: int) -> None:
        self.random, self.every = random, every
        self.answered: set[Any] = set()
        self.images: list[Image] = []
        self._discs: dict[str, _Disc] = {}
        self._vfs = _Vfs(self)

    def connect(self, path: Path) -> apsw.Connection:
        """A connection whose writes are watched. EXCLUSIVE, so that the WAL needs no shared memory of the VFS."""
        connection = apsw.Connection(str(path), flags=self.flags, vfs=self._vfs.name)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 30")
            connection.execute("PRAGMA foreign_keys = ON")
        except apsw.Error:
            # Left open, it would keep its lock, and by its end delete the log of whoever opened the file since.
            with contextlib.suppress(apsw.Error):
                connection.close(force=True)
            raise
        return connection

    def open(self, name: str) -> _Disc:
        """The file of that name as the disk knows it."""
        path = Path(name)
        if name not in self._discs:
            self._discs[name] = _Disc(path.read_bytes() if path.exists() else b"")
        return self._discs[name]

    def grow(self, size_before: int, size: int) -> None:
        """A file is to be `size` bytes long; a disk that has no room for it raises here."""

    def tick(self) -> None:
        """Something reached the disk; now and then the power goes here."""
        if self.random.randrange(self.every) == 0:
            chance = self.random.choice([0.0, 0.5, 0.9, 1.0])
            files = {
                name.rpartition(".sqlite")[2]: bytes(disc.after(lambda: self.random.random() < chance))
                for name, disc in self._discs.items()
            }
            self.images.append(Image(files, frozenset(self.answered)))


class _Vfs(apsw.VFS):
    def __init__(self, disk: PowerCutDisk) -> None:
        self.name = f"power-cut-{id(disk)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802, ANN401  the interface's names
        return _File(name, flags, self._disk)


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], disk: PowerCutDisk) -> None:  # noqa: ANN401
        super().__init__("", name, flags)
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._power, self._disc = disk, disk.open(text) if text else _Disc(b"")

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        end = offset + len(data)
        self._power.grow(self._disc.size, end)
        super().xWrite(data, offset)
        self._disc.size = max(self._disc.size, end)
        self._disc.pending.append((offset, bytes(data)))
        self._power.tick()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disc.size = newsize
        self._disc.pending.append((newsize, None))
        self._power.tick()

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._power.tick()
        super().xSync(flags)
        self._disc.sync()
        self._power.tick()
