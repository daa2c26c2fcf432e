"""edge: the snapshots that stores fetch instead of a million pages: made when a store asks, kept for some hours.

    snapshots/shared/{sha256}          a bucket that many stores read, and the stubs; {bucket}.json says which is newest
    snapshots/stores/{store}/{sha256}  a store's own bucket, with its manifest.json

One store after the other, in a process of its own; the event loop only waits. Files never change, so a store that is in
the middle of one when a newer one is made goes on with it; it is removed when nobody can be reading it any more.

When a member is forgotten, every file that may tell of members goes at once, and none made before is served again.
"""

import asyncio
import contextlib
import functools
import hmac
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from loyalty.errors import NotFound, Problem
from loyalty.transactions import Tx
from sync.durable_files import replace_file
from sync.helper import Helper
from sync.http.logs import log_unexpected
from sync.http.problems import TooManyRequests
from sync.hub.door import Door
from sync.hub.feed_store import read_heads
from sync.hub.pull import buckets_of
from sync.hub.snapshot_build import UNFINISHED, build_snapshot, build_stubs
from sync.hub.state import read_secret, read_timeline
from sync.hub.store_members import complete_members
from sync.hub.stores import need_store
from sync.protocol.pull_hub import Position, PullCursor, plan_pull, write_cursor
from sync.protocol.snapshots import STUBS, Manifest, SignedManifest, SnapshotFile, manifest_signed_bytes

T = TypeVar("T")

_HOUR_MS, _HOUR_S = 3_600_000, 3_600
_MEMBERS_AT_ONCE = 500
_AGAIN_S, _AGAIN_MAX_S = 5, 300
_STORE_MAX = 2  # one that broke off and is still being sent, and the next try
_ASKING_PER_S = 10
_AFTER_FAILURE_S = 600.0
_TIDY_S = 60.0
_MANIFEST = "manifest.json"
_STUB_KEY = b"counterfoil/stub-key/1"
_FOLDER_MODE = 0o700
_encode = msgspec.json.Encoder().encode


class NoSnapshot(NotFound):
    """There is no snapshot for this store: what it is told comes page by page."""

    code, hint = "no_snapshot", "Go on with the pull."


class SnapshotBeingMade(Problem):
    """The snapshot for this store is being made."""

    code, status, hint = "snapshot_being_made", 503, "Ask again in a moment."

    def __init__(self, waiting: int) -> None:
        """`waiting` is how many stores wait for theirs."""
        super().__init__()
        self.headers = {"Retry-After": str(again_s(waiting))}


def again_s(waiting: int) -> int:
    """After how many seconds a store asks again, when so many wait: after a restore of head office all of them do, and
    their questions must not keep it from everything else. 1 -> 5, 100 -> 10, 1,000 -> 100, 5,000 -> 300."""
    return min(max(_AGAIN_S, waiting // _ASKING_PER_S), _AGAIN_MAX_S)


class _Made(Struct, frozen=True):
    """A file that many stores read, and when it was made."""

    file: SnapshotFile
    timeline: int
    made_at: int


class _State(NamedTuple):
    """What a manifest is made of beside its files. `things` is how much there is to tell, at most."""

    timeline: int
    secret: bytes
    buckets: tuple[str, ...]
    things: int
    erased: int


class Snapshots:
    """The files of one head office. Used on the event loop only."""

    def __init__(self, door: Door, folder: Path, address: str, key: Ed25519PrivateKey) -> None:
        """`folder` is head office's data folder, `address` its database's, `key` what it signs with."""
        self.door = door
        self._shared = folder / "snapshots" / "shared"
        self._stores = folder / "snapshots" / "stores"
        self._address = address
        self._key = key
        self._helper = Helper()
        self._making = asyncio.Lock()
        self._forgetting = asyncio.Lock()
        self._waiting: dict[UUID, bool] = {}
        self._rings = asyncio.Event()
        self._failed: dict[UUID, float] = {}
        self._erased = folder / "snapshots" / "erased"
        self._tasks: list[asyncio.Task[None]] = []
        self._downloads: list[UUID] = []  # whose they are

    def start(self) -> None:
        """Begin to serve what is asked for."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tidy_again_and_again())]

    async def stop(self) -> None:
        """End; a file that was being made is made anew when it is asked for again."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self._helper.close()

    def joined(self, store: UUID) -> None:
        """A store has enrolled: its bucket is made whole, so that it is told of its members."""
        self._waiting.setdefault(store, False)
        self._rings.set()

    async def find_manifest(self, store: UUID) -> SignedManifest:
        """The manifest for a store, one that is not older than some hours.

        Raises NoSnapshot where there is too little to tell or the last try failed, SnapshotBeingMade.
        """
        settings = self.door.settings
        state = await self.door.read(lambda tx: _look(tx, store))
        await self._forget_with(state.erased)
        signed = await asyncio.to_thread(_read_file, self._stores / str(store) / _MANIFEST, SignedManifest)
        if signed is not None:
            manifest = msgspec.json.decode(signed.manifest, type=Manifest)
            is_present = manifest.timeline == state.timeline and self._is_fresh(manifest.made_at)
            is_present = is_present and await self.door.read(lambda tx: _can_be_read_on(tx, manifest.files))
            if is_present and await asyncio.to_thread(self._is_whole, store, manifest):
                return signed
        if store not in self._waiting and time.monotonic() < self._failed.get(store, 0.0):
            raise NoSnapshot("The last try to make one failed.")
        if state.things < settings.snapshot_things:
            raise NoSnapshot("There is too little to tell.")
        self._waiting[store] = True
        self._rings.set()
        raise SnapshotBeingMade(len(self._waiting))

    def find_file(self, store: UUID, sha256: str) -> tuple[Path, bool]:
        """A file that this store may read, and whether it is the same for many. Raises NoSnapshot."""
        path = self._path_of(store, sha256)
        if path is None:
            raise NoSnapshot("There is no such file any more.")
        return path, path.parent == self._shared

    @contextlib.contextmanager
    def downloading(self, store: UUID) -> Iterator[None]:
        """One more download of a store is under way. Raises TooManyRequests beyond what the line is to carry at once,
        and beyond a store's own share: one that reads slowly must not keep the others out."""
        if len(self._downloads) >= self.door.settings.snapshot_downloads or self._downloads.count(store) >= _STORE_MAX:
            raise TooManyRequests(retry_after_s=_AGAIN_S)
        self._downloads.append(store)
        try:
            yield
        finally:
            self._downloads.remove(store)

    async def tidy(self) -> None:
        """Remove files that no manifest has named for so long that nobody can be fetching them, and those that tell of
        members where one was forgotten since."""
        await self._forget_with(await self.door.read(_count_erased))
        before_s = time.time() - 2 * self.door.settings.snapshot_hours * _HOUR_S
        await asyncio.to_thread(_tidy, (self._shared, *_folders_in(self._stores)), before_s)

    async def make(self, store: UUID) -> Manifest:
        """Make what a store is to fetch. Raises what `build_snapshot` raises."""
        async with self._making:
            return await self._make(store)

    async def _make(self, store: UUID) -> Manifest:
        await self.complete(store)
        own = self._stores / str(store)
        for folder in (own, self._shared):
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=_FOLDER_MODE)
        while True:
            state = await self.door.read(lambda tx: _look(tx, store))
            await self._forget_with(state.erased)
            manifest = await self._make_files(store, state, own)
            async with self._forgetting:
                erased = await self.door.read(_count_erased)
                if erased == state.erased:
                    await asyncio.to_thread(replace_file, own / _MANIFEST, self._sign(manifest))
                    return manifest
                # Somebody was forgotten meanwhile, and what was made may tell of her.
                await asyncio.to_thread(self._forget, erased)

    async def _make_files(self, store: UUID, state: _State, own: Path) -> Manifest:
        """The files, and a manifest that is not in its place yet."""
        stub_key = hmac.digest(state.secret, _STUB_KEY, "sha256")
        stubs = await self._make_shared(STUBS, state.timeline, stub_key)
        files = []
        for bucket in state.buckets:
            if bucket.startswith("store:"):
                files.append(await self._helper.run(build_snapshot, self._address, bucket, own))
            else:
                files.append(await self._make_shared(bucket, state.timeline, stub_key))
        positions = {file.bucket: Position(file.seq, file.seq, file.checksum) for file in files}
        return Manifest(
            store=store,
            timeline=state.timeline,
            made_at=self.door.now_ms(),
            cursor=write_cursor(PullCursor(state.timeline, positions), state.secret),
            files=tuple(files),
            stubs=stubs,
            stub_key=stub_key.hex(),
        )

    def _sign(self, manifest: Manifest) -> str:
        text = _encode(manifest).decode()
        signature = self._key.sign(manifest_signed_bytes(text)).hex()
        return _encode(SignedManifest(manifest=text, signature=signature)).decode()

    async def complete(self, store: UUID) -> None:
        """Put into a store's bucket the members whom it should hold and was not told of."""
        after: bytes | None = b""
        days = self.door.settings.member_days
        while after is not None:
            job = functools.partial(complete_members, store=store, after=after, limit=_MEMBERS_AT_ONCE, days=days)
            after = await self.door.write(functools.partial(job, now_ms=self.door.now_ms()))

    async def _make_shared(self, bucket: str, timeline: int, stub_key: bytes) -> SnapshotFile:
        """A file for many stores; the newest one where it is young enough."""
        record = self._shared / f"{bucket.replace(':', '-')}.json"
        made = await asyncio.to_thread(_read_file, record, _Made)
        is_there = made is not None and (self._shared / made.file.sha256).is_file()
        if made is not None and is_there and made.timeline == timeline and self._is_fresh(made.made_at):
            file = made.file
            if await self.door.read(lambda tx: _can_be_read_on(tx, (file,))):
                return file
        now_ms = self.door.now_ms()
        if bucket == STUBS:
            file = await self._helper.run(build_stubs, self._address, stub_key, self._shared)
        else:
            file = await self._helper.run(build_snapshot, self._address, bucket, self._shared)
        await asyncio.to_thread(replace_file, record, _encode(_Made(file, timeline, now_ms)).decode())
        return file

    async def _run(self) -> None:
        while True:
            while self._waiting:
                store, wants_files = next(iter(self._waiting.items()))
                try:
                    await (self.make(store) if wants_files else self.complete(store))
                    self._failed.pop(store, None)
                except Exception as error:  # noqa: BLE001  a full disk ends one try; the store reads pages meanwhile
                    log_unexpected(error, "snapshots")
                    self._failed[store] = time.monotonic() + _AFTER_FAILURE_S
                if self._waiting.get(store) == wants_files:
                    del self._waiting[store]
            self._rings.clear()
            await self._rings.wait()

    async def _tidy_again_and_again(self) -> None:
        while True:
            try:
                await self.tidy()
            except Exception as error:  # noqa: BLE001  what was not removed now is removed the next time
                log_unexpected(error, "snapshots")
            await asyncio.sleep(_TIDY_S)

    async def _forget_with(self, erased: int) -> None:
        """Remove what was made when fewer members were forgotten than now. That number only grows."""
        async with self._forgetting:
            if await asyncio.to_thread(_read_file, self._erased, int) != erased:
                await asyncio.to_thread(self._forget, erased)

    def _forget(self, erased: int) -> None:
        """Remove every file that may tell of members: all of the stores', and all shared ones but the newest of each
        bucket. What is just being made is looked at when it is done."""
        if not self._erased.parent.is_dir():
            return
        (self._shared / f"{STUBS}.json").unlink(missing_ok=True)
        for folder in _folders_in(self._stores):
            (folder / _MANIFEST).unlink(missing_ok=True)
        for folder in (self._shared, *_folders_in(self._stores)):
            for path in _list_unnamed(folder):
                if path.suffix not in UNFINISHED:
                    path.unlink(missing_ok=True)
        replace_file(self._erased, str(erased))

    def _is_whole(self, store: UUID, manifest: Manifest) -> bool:
        """Whether every file of a manifest can be fetched."""
        stubs = (manifest.stubs,) if manifest.stubs is not None else ()
        return all(self._path_of(store, file.sha256) is not None for file in (*manifest.files, *stubs))

    def _path_of(self, store: UUID, sha256: str) -> Path | None:
        """Where a file lies that this store may read."""
        paths = (self._stores / str(store) / sha256, self._shared / sha256)
        return next((path for path in paths if path.is_file()), None)

    def _is_fresh(self, made_at: int) -> bool:
        return self.door.now_ms() - made_at < self.door.settings.snapshot_hours * _HOUR_MS


def _look(tx: Tx, store: UUID) -> _State:
    buckets = buckets_of(need_store(tx, store))
    heads = read_heads(tx, buckets)
    things = sum(head.last for head in heads.values())
    return _State(read_timeline(tx), read_secret(tx), buckets, things, _count_erased(tx))


def _can_be_read_on(tx: Tx, files: Sequence[SnapshotFile]) -> bool:
    """Whether the feed goes on behind these files. Where head office was put back beside them, and nothing tells that
    it was, they may be of what is lost: whoever installed them would be told all anew, and offered them again."""
    positions = {file.bucket: Position(file.seq, file.seq, file.checksum) for file in files}
    timeline, heads = read_timeline(tx), read_heads(tx, tuple(positions))
    plan = plan_pull(PullCursor(timeline, positions), (), timeline, list(heads.values()))
    return not any(read.anew for read in plan.reads)


def _count_erased(tx: Tx) -> int:
    row = tx.execute("SELECT count(*) FROM erased_member").fetchone()
    return int(row[0]) if row is not None else 0


def _read_file(path: Path, kind: type[T]) -> T | None:
    """What a small file of ours says; None where it is not there or cannot be read, which costs making it anew."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _tidy(folders: tuple[Path, ...], before_s: float) -> None:
    for folder in folders:
        for path in _list_unnamed(folder):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before_s:
                    path.unlink()


def _list_unnamed(folder: Path) -> list[Path]:
    """The files of a folder that neither its manifest nor a record of what was made last names."""
    named = set[str]()
    for record in folder.glob("*.json"):
        signed = _read_file(record, SignedManifest)
        made = _read_file(record, _Made) if signed is None else None
        manifest = msgspec.json.decode(signed.manifest, type=Manifest) if signed is not None else None
        named.update(file.sha256 for file in (manifest.files if manifest is not None else ()))
        named.update({made.file.sha256} if made is not None else ())
    paths = folder.iterdir() if folder.is_dir() else ()
    return [path for path in paths if path.suffix != ".json" and path.name not in named]
