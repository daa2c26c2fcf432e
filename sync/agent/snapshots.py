"""edge: the files of a snapshot, fetched over a line that breaks: what arrived stays, and the rest is asked for.

    await fetch_files(client, session, manifest.files, folder)     # each is folder/{sha256}.part then

A file is known by the SHA-256 that the signed manifest names, so it does not matter who sent which part of it, or when:
what is whole is right. A part that turns out wrong is thrown away, once; then the line or the sender is bad.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.packed_files import hash_file
from sync.protocol.snapshots import SnapshotFile, SnapshotRefused

logger = logging.getLogger(__name__)

PART_SUFFIX = ".part"
_TRIES = 20
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0
_SPARE_BYTES = 256 * 1024 * 1024
_OWNER_ONLY = 0o600


class NoRoom(SnapshotRefused):
    """The disk has no room for what head office tells in a file."""

    code, status = "no_room", 507
    hint = "Make room on the disk. Until then the store is told page by page."


async def fetch_files(
    client: HubClient,
    session: str,
    files: Iterable[SnapshotFile],
    folder: Path,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Fetch these files into `folder`. Of what is there in part, also from an earlier run of the service, only the rest
    is asked for.

    Raises HubRefused (head office knows a file no longer: ask for the manifest again), HubSilent after many tries,
    SnapshotRefused for a file that is not what the manifest says, NoRoom.
    """
    wanted = list(files)
    need_room(folder, sum(file.bytes + file.unpacked_bytes for file in wanted))
    drop_strange_parts(folder, wanted)
    for file in wanted:
        await _fetch(client, session, file, folder, pause)


def need_room(folder: Path, needed_bytes: int) -> None:
    """Raises NoRoom unless so much fits and enough is left for the shop to sell on."""
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < needed_bytes + _SPARE_BYTES:
        raise NoRoom(f"{needed_bytes} bytes are to come, {free} are free.")


def drop_strange_parts(folder: Path, files: Iterable[SnapshotFile]) -> None:
    """Remove parts of files that the manifest does not name: it has changed since they were begun."""
    named = {file.sha256 + PART_SUFFIX for file in files}
    for part in folder.glob(f"*{PART_SUFFIX}"):
        if part.name not in named:
            part.unlink(missing_ok=True)


async def _fetch(
    client: HubClient, session: str, file: SnapshotFile, folder: Path, pause: Callable[[float], Awaitable[None]]
) -> None:
    part = folder / (file.sha256 + PART_SUFFIX)
    wrong = silent = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        if before < file.bytes:
            try:
                await _append(client, session, file, part, before)
            except (HubSilent, HubRefused) as error:
                if isinstance(error, HubRefused) and not error.retry_after_ms:
                    raise
                # A line that brings anything is a line: only silence is counted.
                arrived = part.stat().st_size if part.exists() else 0
                silent = 0 if arrived > before else silent + 1
                if silent >= _TRIES:
                    raise
                await pause(min(_PAUSE_S * 2**silent, _PAUSE_MAX_S))
                continue
        if await asyncio.to_thread(hash_file, part) == file.sha256:
            return
        part.unlink()
        wrong += 1
        logger.warning("a file of head office came damaged", extra={"fields": {"bucket": file.bucket}})
        if wrong > 1:
            raise SnapshotRefused(f"The file of {file.bucket} is not what the manifest says.")


async def _append(client: HubClient, session: str, file: SnapshotFile, part: Path, have: int) -> None:
    """Ask for what is missing, and write it as it comes. Raises HubSilent, HubRefused."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as written:
        written.seek(have)
        async with client.download(session, file.sha256, have) as (start, pieces):
            if start != have:
                written.seek(start)
            length = start
            async for piece in pieces:
                length += len(piece)
                if length > file.bytes:
                    break
                written.write(piece)
        written.truncate()
    if length != file.bytes:
        raise HubSilent(f"{length} of {file.bytes} bytes came")
