"""A store that begins anew installs what head office tells in files, and is told page by page whatever is wrong."""

import asyncio
import contextlib
import functools
import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from kiosk.config import Config
from kiosk.life.bootstrap import Bootstrap, prepare
from kiosk.life.enrolment import Enrolment, read_enrolment
from kiosk.life.feed_bases import FOLDER_NAME, path_of
from kiosk.life.feed_rows import find_wrong, read_position
from kiosk.life.head_office import FeedReader
from kiosk.life.told import find_told_members, list_bases, read_told
from loyalty.transactions import Tx
from sync.agent.client import HubClient, HubSilent
from sync.hub.feed_store import FeedChange, put_many, store_bucket
from sync.packed_files import pack_file, unpack_file
from sync.protocol.messages import PullAnswer
from sync.protocol.pull_hub import PAGE_ITEMS
from sync.protocol.snapshots import SnapshotFile, SnapshotRefused, read_manifest
from tests.kiosk.linked import SETTLE_S, joined_store, office
from tests.kiosk.shopkit import Running, running_store
from tests.sync.hub.hubkit import RunningHub

COUNT = PAGE_ITEMS + 20
CARD = "29000000000000000039"


def member_of(n: int) -> UUID:
    return UUID(int=0x0199_0000_0000_7000_8000_0000_0000_0000 + n)


def profile_of(n: int, **more: object) -> dict[str, object]:
    phone = f"+48600{n:06d}"
    identifiers = [["phone", phone, "active"], ["card", f"C{n}", "active"]]
    usual = {"status": "active", "locale": "en", "revision": 1, "enrolled_at": 1, "name": f"Member {n}"}
    return {**usual, "phone": phone, "identifiers": identifiers, **more}


class Chain:
    """A head office with much to tell, and a store that has joined it."""

    def __init__(self, hub: RunningHub, config: Config) -> None:
        self.hub, self.config = hub, config
        enrolment = read_enrolment(config.data_dir())
        assert enrolment is not None
        self.enrolment: Enrolment = enrolment
        self.bucket = store_bucket(str(enrolment.store))

    async def tell(self, *things: tuple[str, str, str, object]) -> None:
        changes = [
            FeedChange(bucket, entity, key, json.dumps(value).encode() if value is not None else None)
            for bucket, entity, key, value in things
        ]
        await self.hub.hub.database.write(lambda tx: put_many(tx, changes, 1))

    async def tell_members(self, count: int = COUNT) -> None:
        await self.tell(
            ("global", "thing", "price", 1),
            *((self.bucket, "member", str(member_of(n)), profile_of(n)) for n in range(count)),
        )

    async def make(self) -> None:
        """Let the files be there when the store asks."""
        await self.hub.hub.snapshots.make(self.enrolment.store)

    def files(self) -> list[str]:
        folder = self.config.data_dir() / FOLDER_NAME
        return sorted(path.suffix for path in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with office(tmp_path, snapshot_things=1) as hub:
        made = Chain(hub, await joined_store(hub, tmp_path))
        await made.tell_members()
        await made.make()
        yield made


async def read(store: Running, fn: Callable[[Tx], Any]) -> Any:  # noqa: ANN401
    return await store.store.database.read(fn)


async def until(store: Running, fn: Callable[[Tx], bool]) -> None:
    async with asyncio.timeout(SETTLE_S):
        while not await read(store, fn):  # noqa: ASYNC110  a task writes it
            await asyncio.sleep(0.05)


def knows(n: int, **more: object) -> Callable[[Tx], bool]:
    return lambda tx: json.loads(read_told(tx, "member", str(member_of(n))) or b"{}") == profile_of(n, **more)


def count_rows(tx: Tx) -> int:
    ((count,),) = tx.execute("SELECT count(*) FROM feed_row WHERE entity = 'member'").fetchall()
    return int(count)


def is_installed(tx: Tx) -> bool:
    return bool(list_bases(tx))


def is_read(tx: Tx) -> bool:
    """Whether the pull itself knows that the files are installed, and has gone on behind them to the end."""
    return is_installed(tx) and tx.execute("SELECT read_at FROM head_office_line").fetchall() not in ([], [(None,)])


async def test_a_store_that_begins_anew_installs_files_and_reads_on_behind_them(chain: Chain) -> None:
    async with running_store(chain.config) as store:
        await until(store, is_installed)
        assert await read(store, count_rows) == 0, "a million members are not copied"
        for n in (0, COUNT - 1):
            assert await read(store, knows(n))
        assert await read(store, lambda tx: find_told_members(tx, "card", "C7")) == [member_of(7)]
        assert await read(store, lambda tx: read_told(tx, "thing", "price")) == b"1"
        assert chain.files() == [".base"] * 3, "global, the store's own, stubs; parts are gone"
        changed = profile_of(7, revision=2, identifiers=[["card", "NEW", "active"]])
        await chain.tell(
            (chain.bucket, "member", str(member_of(7)), changed), (chain.bucket, "member", str(member_of(8)), None)
        )
        await until(store, lambda tx: json.loads(read_told(tx, "member", str(member_of(7))) or b"{}") == changed)
        await until(store, lambda tx: read_told(tx, "member", str(member_of(8))) is None)
        for card, found in (("C7", []), ("NEW", [member_of(7)]), ("C8", []), ("C9", [member_of(9)])):
            assert await read(store, functools.partial(find_told_members, kind="card", value=card)) == found, card
        assert await read(store, find_wrong) == (), "file and rows together come to what head office says"
        assert await FeedReader(store.store.door).audit() == ()


async def test_what_was_installed_is_read_after_a_new_start(chain: Chain) -> None:
    async with running_store(chain.config) as store:
        await until(store, is_installed)
    async with running_store(chain.config) as store:
        assert await read(store, knows(3)), "before anything was asked"
        assert await read(store, find_wrong) == ()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"x" * 9000)], ids=["missing", "strange"])
async def test_a_file_that_is_lost_is_told_anew(chain: Chain, harm: Callable[[Path], object]) -> None:
    async with running_store(chain.config) as store:
        await until(store, is_installed)
    for path in (chain.config.data_dir() / FOLDER_NAME).iterdir():
        harm(path)
    async with running_store(chain.config) as store:
        await until(store, is_installed)
        assert await read(store, knows(3))
        assert await read(store, find_wrong) == ()


async def test_a_bucket_told_anew_page_by_page_takes_the_place_of_its_file(chain: Chain) -> None:
    async with running_store(chain.config) as store:
        await until(store, is_read)
        head_office = store.store.head_office
        assert head_office is not None
        chain.hub.hub.door.settings = _without_snapshots(chain)
        for path in (chain.hub.hub.folder / "snapshots").rglob("manifest.json"):
            path.unlink()
        head_office.puller.doubt((chain.bucket,))
        await until(store, lambda tx: count_rows(tx) == COUNT and chain.bucket not in _bases(tx))
        assert await read(store, knows(3))
        assert await read(store, lambda tx: find_told_members(tx, "card", "C3")) == [member_of(3)]
        assert await read(store, find_wrong) == ()


def _bases(tx: Tx) -> set[str]:
    return {base.bucket for base in list_bases(tx)}


def _without_snapshots(chain: Chain) -> Any:  # noqa: ANN401
    return replace(chain.hub.hub.door.settings, snapshot_things=1_000_000)


class Line:
    """A client whose downloads a test can cut off, change or count."""

    def __init__(self, client: HubClient) -> None:
        self.client = client
        self.cut_at: list[int] = []
        self.flip = False
        self.asked: list[tuple[str, int]] = []
        self.brought = 0

    async def read_snapshot_manifest(self, session: str) -> Any:  # noqa: ANN401
        return await self.client.read_snapshot_manifest(session)

    @contextlib.asynccontextmanager
    async def download(self, session: str, sha256: str, start: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        self.asked.append((sha256, start))
        limit = self.cut_at.pop(0) if self.cut_at else None
        async with self.client.download(session, sha256, start) as (begins, pieces):
            yield begins, self._carry(pieces, limit)

    async def _carry(self, pieces: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
        sent = 0
        async for piece in pieces:
            for n in range(0, len(piece), 500):
                part = piece[n : n + 500]
                if limit is not None and sent >= limit:
                    raise HubSilent("cut")
                sent += len(part)
                self.brought += len(part)
                yield bytes([part[0] ^ 1]) + part[1:] if self.flip else part


@contextlib.asynccontextmanager
async def asking(chain: Chain) -> AsyncIterator[tuple[Running, Line, str, Bootstrap]]:
    """A running store whose own line reads nothing, a client with a session, and a bootstrap to run by hand."""
    async with running_store(chain.config) as store:
        head_office = store.store.head_office
        assert head_office is not None
        async with asyncio.timeout(SETTLE_S):
            while head_office.agent.session is None:  # noqa: ASYNC110  a task opens it
                await asyncio.sleep(0.02)
        client = HubClient(chain.hub.url)
        try:
            yield (
                store,
                Line(client),
                head_office.agent.session,
                Bootstrap(store.store.door, chain.enrolment, pause=_no_pause),
            )
        finally:
            await client.close()


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's own pull stands still, so that only what the test does happens."""

    async def wait(*_: object) -> PullAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(HubClient, "pull", wait)


@pytest.mark.usefixtures("mute")
async def test_a_download_that_is_cut_off_goes_on_and_fetches_nothing_twice(chain: Chain) -> None:
    async with asking(chain) as (store, line, session, bootstrap):
        line.cut_at = [1000, 2000, 500, 0, 3000]
        installed = await bootstrap.run(line, session, 1)  # type: ignore[arg-type]
        assert installed is not None
        assert len(line.asked) > 5
        assert any(start > 0 for _, start in line.asked)
        sizes = {file.sha256: file.bytes for file in await _files(chain)}
        assert line.brought == sum(sizes.values())
        assert await read(store, knows(5))


async def _files(chain: Chain) -> list[SnapshotFile]:
    signed = await chain.hub.hub.snapshots.find_manifest(chain.enrolment.store)
    manifest = read_manifest(signed, chain.enrolment.hub_key, chain.enrolment.store)
    assert manifest.stubs is not None
    return [*manifest.files, manifest.stubs]


@pytest.mark.usefixtures("mute")
async def test_a_service_killed_between_download_and_installation_does_not_download_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(chain) as (_, line, session, bootstrap):

        async def die(*_: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(Bootstrap, "install", die)
            with pytest.raises(asyncio.CancelledError):
                await bootstrap.run(line, session, 1)  # type: ignore[arg-type]
        assert ".part" in chain.files()
    async with asking(chain) as (store, line, session, bootstrap):
        assert not await read(store, is_installed)
        assert set(chain.files()) == {".part"}, "what was unpacked and not installed is removed at the start"
        assert await bootstrap.run(line, session, 1) is not None  # type: ignore[arg-type]
        assert line.asked == []
        assert await read(store, knows(5))


@pytest.mark.usefixtures("mute")
async def test_a_file_that_comes_damaged_is_thrown_away_and_nothing_is_installed(chain: Chain) -> None:
    async with asking(chain) as (store, line, session, bootstrap):
        line.flip = True
        assert await bootstrap.run(line, session, 1) is None  # type: ignore[arg-type]
        assert not await read(store, is_installed)
        assert await read(store, read_position) == (None, {})
        line.flip = False
        assert await bootstrap.run(line, session, 1) is not None  # type: ignore[arg-type]


@pytest.mark.usefixtures("mute")
@pytest.mark.parametrize("wrong", ["key", "no key", "store", "timeline", "past", "full"])
async def test_what_is_not_head_offices_present_word_is_not_installed(
    chain: Chain, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(chain) as (store, line, session, _):
        timeline = 2 if wrong == "timeline" else 1
        changes: dict[str, dict[str, Any]] = {"key": {"hub_key": "0" * 64}, "no key": {"hub_key": ""}}
        changes["store"] = {"store": UUID(int=1)}
        pinned = replace(chain.enrolment, **changes.get(wrong, {}))
        bootstrap = Bootstrap(store.store.door, pinned, pause=_no_pause)
        if wrong == "past":
            seen = "INSERT INTO feed_bucket (bucket, generation, checksum, told, seq) VALUES (?, 0, '', '', 1000000)"
            await store.store.database.write(lambda tx: tx.execute(seen, (chain.bucket,)).rowcount)
            note = "INSERT INTO head_office_note (name, value) VALUES ('feed_timeline', '1')"
            await store.store.database.write(lambda tx: tx.execute(note).rowcount)
        if wrong == "full":
            state = os.statvfs(".")
            full = os.statvfs_result((*state[:4], 10, *state[5:]))
            monkeypatch.setattr(os, "statvfs", lambda _: full)
        assert await bootstrap.run(line, session, timeline) is None  # type: ignore[arg-type]
        assert not await read(store, is_installed)
        assert line.asked == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "no database", "longer"])
async def test_a_file_is_looked_through_before_it_is_read(chain: Chain, tmp_path: Path, damage: str) -> None:
    """The hash is right because head office itself wrote the file wrongly: its disk is damaged, or its release is."""
    file = next(each for each in await _files(chain) if each.bucket == chain.bucket)
    path, _ = chain.hub.hub.snapshots.find_file(chain.enrolment.store, file.sha256)
    plain, bad, packed = tmp_path / "plain", tmp_path / "bad", tmp_path / "packed"
    unpack_file(path, plain, file.unpacked_bytes)
    content = bytearray(plain.read_bytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    elif damage == "flipped":
        content[8192 * 3 : 8192 * 4] = hashlib.sha256(b"noise").digest() * 256
    elif damage == "no database":
        content[:16] = b"x" * 16
    bad.write_bytes(content)
    sha256, length = pack_file(bad, packed)
    unpacked = len(content) - (damage == "longer")
    said = replace(file, sha256=sha256, bytes=length, unpacked_bytes=unpacked)
    with pytest.raises(SnapshotRefused):
        prepare(packed, tmp_path / "target.base", said)
    assert not any(path.name.startswith("target") for path in _list(tmp_path))


def _list(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_whoever_was_forgotten_is_in_no_file_any_more(chain: Chain) -> None:
    forgotten, phone = member_of(11), b"+48600000011"
    async with running_store(chain.config) as store:
        await until(store, is_installed)
        folder = chain.config.data_dir() / FOLDER_NAME
        assert any(phone in path.read_bytes() for path in folder.iterdir())
        await chain.tell((chain.bucket, "member", str(forgotten), None))
        await until(store, lambda tx: read_told(tx, "member", str(forgotten)) is None)
    async with running_store(chain.config) as store:
        assert not any(phone in path.read_bytes() for path in folder.iterdir())
        assert await read(store, lambda tx: find_told_members(tx, "phone", phone.decode())) == []
        assert await read(store, knows(12))


async def test_a_file_whose_pages_are_damaged_later_stops_no_sale_and_is_told_anew(chain: Chain) -> None:
    async with running_store(chain.config) as store:
        await until(store, is_read)
        files = {bucket: path for bucket, path in (await read(store, _paths(chain))).items() if bucket == chain.bucket}
        for path in files.values():
            with path.open("r+b") as file:
                file.seek(8192)
                file.write(b"\xff" * (path.stat().st_size - 8192))
        head_office = store.store.head_office
        assert head_office is not None
        assert await read(store, lambda tx: find_told_members(tx, "card", "C3")) in ([], [member_of(3)])
        wrong = await FeedReader(store.store.door).audit()
        assert chain.bucket in wrong
        head_office.puller.doubt(wrong)
        await until(store, lambda tx: _paths(chain)(tx).get(chain.bucket, files[chain.bucket]) != files[chain.bucket])
        await until(store, knows(3))
        assert await read(store, find_wrong) == ()


def _paths(chain: Chain) -> Callable[[Tx], dict[str, Path]]:
    folder = chain.config.data_dir()

    def look(tx: Tx) -> dict[str, Path]:
        rows = tx.execute("SELECT bucket, file FROM feed_base").fetchall()
        return {bucket: path_of(folder, file) for bucket, file in rows}

    return look
