"""edge: a file that never changes, sent whole or from where it was cut off (RFC 9110 section 14).

    return await serve_file(call.request, path, tag=sha256, cache="private")

The file is read piece by piece beside the event loop, and a listener that takes nothing for a while is dropped: it
comes back and asks for the rest.
"""

import asyncio
import os
import re
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from sync.http.headers import headers_of

WRITE_TIMEOUT_S = 60.0
_PIECE_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_FOR_EVER = "max-age=31536000, immutable"


async def serve_file(
    request: web.Request, path: Path, *, tag: str, cache: str, write_timeout_s: float = WRITE_TIMEOUT_S
) -> web.StreamResponse:
    """Answers 200 with the file, 206 with one range of it, 304 where the asker has it, 416 for a range beyond it.

    `tag` names the content; `cache` is "public" for what any proxy may keep, else "private". Several ranges at once are
    answered by the whole file, as RFC 9110 allows. Raises FileNotFoundError.
    """
    file = await asyncio.to_thread(path.open, "rb")
    try:
        size = os.fstat(file.fileno()).st_size
        etag = f'"{tag}"'
        headers = {
            **headers_of("application/octet-stream"),
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Cache-Control": f"{cache}, {_FOR_EVER}",
        }
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": etag, "Cache-Control": headers["Cache-Control"]})
        wanted = request.headers.get("Range")
        if request.headers.get("If-Range", etag) != etag:
            wanted = None
        part = read_range(wanted, size) if wanted is not None else None
        if part is not None and part.start >= size:
            return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        sent = part if part is not None else range(size)
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
        response.content_length = len(sent)
        await response.prepare(request)
        if request.method != "HEAD":
            await _send(response, file, sent, write_timeout_s)
        return response
    finally:
        file.close()


def read_range(text: str, size: int) -> range | None:
    """The bytes that a Range header means, of a file of `size` bytes; None for one that is to be ignored; a range that
    begins at or beyond the end where it cannot be satisfied.

        Range     | of 10 bytes
        ----------|------------
        bytes=4-  | 4 to 9
        bytes=4-5 | 4 to 5
        bytes=4-99| 4 to 9
        bytes=-3  | 7 to 9
        bytes=5-4 | ignored
        bytes=10- | beyond
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        last = int(found[2])
        return range(max(0, size - last), size) if last else range(size, size)
    start = int(found[1])
    stop = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < start:
        return None
    return range(start, max(start, stop))


async def _send(response: web.StreamResponse, file: BinaryIO, sent: range, write_timeout_s: float) -> None:
    await asyncio.to_thread(file.seek, sent.start)
    left = len(sent)
    while left:
        piece = await asyncio.to_thread(file.read, min(_PIECE_BYTES, left))
        if not piece:
            # Shorter than it was: the connection is broken off, so that nobody takes it for the whole.
            response.force_close()
            raise ConnectionResetError("the file became shorter")
        left -= len(piece)
        async with asyncio.timeout(write_timeout_s):
            await response.write(piece)
