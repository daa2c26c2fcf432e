"""edge: large files packed with zstd, read and written piece by piece: none of them is ever in memory as a whole.

pack_file(source, target)                       # (sha256, bytes) of what was written
unpack_file(source, target, unpacked_bytes)     # raises PackedFileWrong
"""

import hashlib
import os
from pathlib import Path

import zstandard

_LEVEL = 3
_THREADS = 2
_PIECE_BYTES = 1024 * 1024
_WINDOW_MAX = 8 * 1024 * 1024
_OWNER_ONLY = 0o600


class PackedFileWrong(Exception):
    """A packed file is not what it was said to be."""


def pack_file(source: Path, target: Path) -> tuple[str, int]:
    """Pack `source` into a new file that is on the disk when this returns; the SHA-256 of the packed bytes (64 hex
    digits), and how many they are."""
    digest, length = hashlib.sha256(), 0
    packer = zstandard.ZstdCompressor(level=_LEVEL, threads=_THREADS)
    with source.open("rb") as plain, os.fdopen(_create(target), "wb") as packed:
        for piece in packer.read_to_iter(plain, size=source.stat().st_size, read_size=_PIECE_BYTES):
            digest.update(piece)
            length += len(piece)
            packed.write(piece)
        packed.flush()
        os.fsync(packed.fileno())
    return digest.hexdigest(), length


def unpack_file(source: Path, target: Path, unpacked_bytes: int) -> None:
    """Unpack into a new file that is on the disk when this returns. Raises PackedFileWrong for what is no whole zstd
    frame of this length; nothing beyond it is ever written."""
    length = 0
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX)
    try:
        with source.open("rb") as packed, os.fdopen(_create(target), "wb") as plain:
            with unpacker.stream_reader(packed, read_size=_PIECE_BYTES, read_across_frames=True) as reader:
                while piece := reader.read(_PIECE_BYTES):
                    length += len(piece)
                    if length > unpacked_bytes:
                        raise PackedFileWrong(f"It unpacks to more than {unpacked_bytes} bytes.")
                    plain.write(piece)
            plain.flush()
            os.fsync(plain.fileno())
    except zstandard.ZstdError as error:
        raise PackedFileWrong(f"It is no zstd frame: {error}") from error
    if length != unpacked_bytes:
        raise PackedFileWrong(f"It unpacks to {length} bytes instead of {unpacked_bytes}.")


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
