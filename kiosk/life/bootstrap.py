"""edge: a store that begins anew is told everything in a few files instead of thousands of pages.

    manifest ─► signature, store, not of the past ─► fetch, going on where the line broke ─► SHA-256
             ─► unpack beside the database, quick_check ─► one transaction: files, cursor ─► the pull goes on

Nothing of it touches what the shop sells with until the one transaction at the end, which is short: a snapshot is
attached, not copied (kiosk/life/told.py). A cut before it leaves parts of files, and the next try goes on with them; a
cut behind it leaves files that are read from then on. Whatever is refused, the store is told page by page as ever.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from kiosk.bundles.feed_bundles import note_told
from kiosk.bundles.restating import note_zones
from kiosk.life.enrolment import Enrolment
from kiosk.life.feed_bases import drop_others, list_files, overwrite_gone, path_of
from kiosk.life.feed_rows import install, read_progress
from kiosk.life.laying import lay_over
from kiosk.life.restored import erase_again
from kiosk.life.told import schema_of
from kiosk.sales.told_returns import follow_returns
from kiosk.web.door import Door
from loyalty.transactions import Tx
from sync.agent.client import HubClient, HubRefused
from sync.agent.snapshots import PART_SUFFIX, fetch_files
from sync.db import SqliteError
from sync.db_connections import connect_single
from sync.durable_files import sync_path
from sync.feed_file import check_file
from sync.packed_files import PackedFileWrong, unpack_file
from sync.protocol.snapshots import Manifest, SnapshotFile, SnapshotRefused, read_manifest, refuse_past

logger = logging.getLogger(__name__)

Installed = tuple[str, dict[str, int]]
"""The cursor behind which the pull goes on, and the generation of each bucket."""

Names = dict[str, str]
"""The name of the unpacked file of each bucket."""

_NAME_BYTES = 8
_FOLDER_MODE = 0o700
_MANIFESTS_TRIED = 3
_MAKING_PATIENCE_S = 900.0
_NONE = "no_snapshot"
_BEING_MADE = "snapshot_being_made"
_ERASED = "erased by head office"


class Bootstrap:
    """What a store does about snapshots. Used on the event loop only."""

    def __init__(
        self, door: Door, enrolment: Enrolment, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._door = door
        self._enrolment = enrolment
        self._pause = pause
        self._folder = path_of(door.config.data_dir(), "").parent

    async def run(self, client: HubClient, session: str, timeline: int) -> Installed | None:
        """Fetch and install what head office offers; None where it offers nothing, or nothing that can be used.
        `timeline` is the one that head office has just said it is in.

        Raises HubSilent, HubRefused: then it is tried again with the next question.
        """
        if not self._enrolment.hub_key:
            return None
        try:
            manifest = await self.fetch(client, session, timeline)
            return await self.install(manifest, await self.unpack(manifest))
        except HubRefused as refused:
            if refused.refusal == _NONE:
                return None
            raise
        except (SnapshotRefused, OSError) as problem:
            logger.error("a snapshot of head office is not used", extra={"fields": {"reason": str(problem)}})  # noqa: TRY400
            return None

    async def fetch(self, client: HubClient, session: str, timeline: int) -> Manifest:
        """Fetch the files of the present manifest. Raises SnapshotRefused, OSError, HubSilent, HubRefused."""
        await asyncio.to_thread(self._folder.mkdir, mode=_FOLDER_MODE, exist_ok=True)
        for tries_left in reversed(range(_MANIFESTS_TRIED)):
            manifest = await self._read_manifest(client, session)
            if manifest.timeline != timeline:
                raise SnapshotRefused(f"It is of timeline {manifest.timeline}; head office is in {timeline}.")
            refuse_past(manifest, *await self._door.database.read(read_progress))
            try:
                await fetch_files(client, session, _files_of(manifest), self._folder, pause=self._pause)
            except HubRefused as refused:
                # A newer one has taken its place while this one was being fetched.
                if refused.refusal != _NONE or not tries_left:
                    raise
                continue
            return manifest
        raise SnapshotRefused("Head office changed its mind again and again.")

    async def unpack(self, manifest: Manifest) -> Names:
        """Unpack what was fetched, and look through it; the names of the unpacked files. Each is a new one, also where
        the same snapshot was installed before: that one may be damaged, and is still read.

        Raises SnapshotRefused, OSError.
        """
        names = {}
        for file in _files_of(manifest):
            name = names[file.bucket] = self._door.random_bytes(_NAME_BYTES).hex()
            part, target = self._folder / (file.sha256 + PART_SUFFIX), path_of(self._folder.parent, name)
            await self._door.helper.run(prepare, part, target, file)
        return names

    async def _read_manifest(self, client: HubClient, session: str) -> Manifest:
        """The manifest, once it is made. Raises SnapshotRefused, HubSilent, HubRefused."""
        waited_s = 0.0
        while True:
            try:
                signed = await client.read_snapshot_manifest(session)
            except HubRefused as refused:
                wait_s = max(1.0, refused.retry_after_ms / 1000)
                if refused.refusal != _BEING_MADE or waited_s >= _MAKING_PATIENCE_S:
                    raise
                waited_s += wait_s
                await self._pause(wait_s)
            else:
                return read_manifest(signed, self._enrolment.hub_key, self._enrolment.store)

    async def install(self, manifest: Manifest, names: Names) -> Installed:
        """Let the unpacked files be what was told, in one transaction."""
        door, folder = self._door, self._folder.parent
        door.need_writable()
        before = await door.database.read(lambda tx: list_files(tx, folder))
        files = {schema_of(name): path_of(folder, name) for name in names.values()}
        # Both, so that whoever reads finds the file that its own moment names.
        door.database.attach({**before, **files})
        try:
            installed, erased = await door.database.write(lambda tx: self._write(tx, manifest, names))
        finally:
            now = await door.database.read(lambda tx: list_files(tx, folder))
            door.database.attach(now)
        await asyncio.to_thread(drop_others, folder, now.values())
        for part in self._folder.glob(f"*{PART_SUFFIX}"):
            part.unlink(missing_ok=True)
        if erased:
            await door.database.erase_traces()
            await overwrite_gone(door.database)
        things = sum(sum(file.entities.values()) for file in manifest.files)
        logger.info("what head office tells was installed", extra={"fields": {"things": things}})
        return installed

    def _write(self, tx: Tx, manifest: Manifest, names: Names) -> tuple[Installed, bool]:
        note_zones(tx, (), [file.bucket for file in manifest.files])
        cursor, generations, members = install(tx, manifest, names)
        journal, now_ms = self._door.shop.journal, self._door.now_ms()
        lay_over(tx, None, journal, now_ms)
        follow_returns(tx, self._door.shop, now_ms, None)
        note_told(tx, now_ms, None)
        erased = [erase_again(tx, journal, now_ms, member, _ERASED) for member in members]
        return (cursor, generations), any(erased)


def prepare(part: Path, target: Path, file: SnapshotFile) -> None:
    """Unpack a file and look whether it is one that this release reads, and whole. Top-level, so that the helper
    process can run it. Raises SnapshotRefused, OSError."""
    making = target.with_name(target.name + ".new")
    try:
        unpack_file(part, making, file.unpacked_bytes)
        with contextlib.closing(connect_single(making, read_only=True)) as connection:
            check_file(connection)
        making.replace(target)
        sync_path(target.parent)
    except PackedFileWrong as error:
        raise SnapshotRefused(f"The file of {file.bucket}: {error}") from error
    except SqliteError as error:
        raise SnapshotRefused(f"The file of {file.bucket} is damaged: {error}") from error
    finally:
        making.unlink(missing_ok=True)


def _files_of(manifest: Manifest) -> tuple[SnapshotFile, ...]:
    return (*manifest.files, *((manifest.stubs,) if manifest.stubs is not None else ()))
