"""pure: bodies packed for the line, and unpacked without ever taking more memory than allowed.

A few kilobytes can unpack to gigabytes. Unpacking stops in the first piece beyond the limit, whatever the packed bytes
say of themselves; a zstd frame that declares more than the limit, or wants a larger window, is not even begun.
"""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from sync.http.problems import BodyTooLarge, UnsupportedMedia
from sync.protocol.messages import BODY_BYTES_MAX
from sync.protocol.refusals import BrokenBody

ENCODINGS = ("zstd", "gzip")
"""What both sides understand, the better one first (the names of Content-Encoding); "identity" goes without saying."""

_ZSTD_LEVEL = 3
_GZIP_LEVEL = 6
_GZIP_WRAPPED = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 64 * 1024
_WINDOW_MAX = 8 * 1024 * 1024


def pack(body: bytes, encoding: str) -> bytes:
    """The body packed as one frame. Raises UnsupportedMedia for an encoding that is none of ours."""
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
    if encoding == "gzip":
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WRAPPED)
        return packer.compress(body) + packer.flush()
    if encoding == "identity":
        return body
    raise UnsupportedMedia(f"Content-Encoding is {' or '.join(ENCODINGS)}.")


def unpack(packed: bytes, encoding: str, limit_bytes: int = BODY_BYTES_MAX) -> bytes:
    """The body that was packed: one whole frame and nothing behind it.

    Raises BodyTooLarge as soon as there is more of it than `limit_bytes`, having held one piece more at most;
    BrokenBody for bytes that are not packed in this way, are cut off, or have something behind them; UnsupportedMedia
    for an encoding that is none of ours.
    """
    if encoding == "zstd":
        pieces = _zstd_pieces(packed, limit_bytes)
    elif encoding == "gzip":
        pieces = _gzip_pieces(packed)
    elif encoding == "identity":
        pieces = iter((packed,))
    else:
        raise UnsupportedMedia(f"Content-Encoding is {' or '.join(ENCODINGS)}.")
    body = bytearray()
    for piece in pieces:
        if len(body) + len(piece) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        body += piece
    return bytes(body)


def _zstd_pieces(packed: bytes, limit_bytes: int) -> Iterator[bytes]:
    try:
        frame = zstandard.get_frame_parameters(packed)
        declared = frame.content_size if frame.content_size != zstandard.CONTENTSIZE_UNKNOWN else None
        if declared is not None and declared > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX)
        length = 0
        # Whatever stands behind the frame is read too, so that it shows in the length.
        with unpacker.stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
            for piece in _read(reader):
                length += len(piece)
                yield piece
    except zstandard.ZstdError as error:
        raise BrokenBody("The body is no zstd frame.") from error
    if declared is not None and declared != length:
        raise BrokenBody("The body is not one whole zstd frame.")


def _read(reader: BinaryIO) -> Iterator[bytes]:
    while piece := reader.read(_PIECE_BYTES):
        yield piece


def _gzip_pieces(packed: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP_WRAPPED)
    rest = packed
    try:
        # The input may be used up while there is still something to come out.
        while not unpacker.eof and (piece := unpacker.decompress(rest, _PIECE_BYTES)):
            rest = unpacker.unconsumed_tail
            yield piece
    except zlib.error as error:
        raise BrokenBody("The body is no gzip stream.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BrokenBody("The body is not one whole gzip stream.")
