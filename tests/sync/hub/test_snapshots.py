"""A store that begins anew fetches everything in a few files: signed, whole, its own, and over a line that breaks."""

import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loyalty.transactions import Tx
from sync.db_connections import connect_single
from sync.feed_file import check_file
from sync.helper import Helper
from sync.hub.feed_store import FeedChange, put_many, read_heads, store_bucket
from sync.hub.signing_key import public_hex
from sync.hub.snapshots import NoSnapshot, again_s
from sync.packed_files import unpack_file
from sync.protocol.feed import checksum_text
from sync.protocol.snapshots import (
    Manifest,
    SignedManifest,
    SnapshotFile,
    SnapshotRefused,
    manifest_signed_bytes,
    read_manifest,
    refuse_past,
)
from sync.stubs import KNOWN, REPLACED, stub_of
from tests.sync.hub.hubkit import RunningHub, Shop, running_hub

CARD, LOST_CARD = "29000000000000000039", "29000000000000000136"
DAY_MS = 24 * 3_600_000


@pytest.fixture
async def hub(address: str, tmp_path: Path) -> AsyncIterator[RunningHub]:
    async with running_hub(address, tmp_path, snapshot_things=1) as running:
        yield running


async def put(hub: RunningHub, *changes: tuple[str, str, str, str | None]) -> None:
    rows = [FeedChange(bucket, entity, key, v.encode() if v else None) for bucket, entity, key, v in changes]
    await hub.hub.database.write(lambda tx: put_many(tx, rows, hub.clock.now_ms))


async def a_shop(hub: RunningHub, code: str = "S001") -> Shop:
    shop = await hub.enrol(code)
    await shop.open_session()
    return shop


def own(shop: Shop) -> str:
    return store_bucket(str(shop.store))


async def ask(shop: Shop) -> tuple[int, dict[str, Any]]:
    return await shop.hub.call("GET", "/sync/v1/snapshots/manifest", token=shop.token)


async def made(hub: RunningHub, shop: Shop) -> Manifest:
    """The manifest, made by this very call, and read as a store reads it."""
    await hub.hub.snapshots.make(shop.store)
    status, answer = await ask(shop)
    assert status == 200, answer
    signed = SignedManifest(manifest=answer["manifest"], signature=answer["signature"])
    return read_manifest(signed, hub.hub.door.hub_key, shop.store)


async def download(shop: Shop, sha256: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    headers["Authorization"] = f"Bearer {shop.token}"
    url = f"{shop.hub.url}/sync/v1/snapshots/{sha256}"
    async with shop.hub.http.get(url, headers=headers) as response:
        return response.status, await response.read(), response.headers


async def rows_of(shop: Shop, file: SnapshotFile, folder: Path, table: str = "feed_row") -> list[tuple[Any, ...]]:
    """Fetch a file and read it."""
    status, packed, _ = await download(shop, file.sha256)
    assert status == 200
    assert len(packed) == file.bytes
    (folder / "packed").write_bytes(packed)
    unpack_file(folder / "packed", folder / "plain", file.unpacked_bytes)
    with contextlib.closing(connect_single(folder / "plain", read_only=True)) as connection:
        check_file(connection)
        rows: list[tuple[Any, ...]] = connection.execute(f"SELECT * FROM {table}").fetchall()
    return rows


async def test_a_snapshot_is_all_that_is_alive_and_the_pull_goes_on_behind_it(hub: RunningHub, tmp_path: Path) -> None:
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    member = '{"identifiers":[["card","29",  "active"]]}'
    await put(hub, ("global", "a", "1", "1"), ("global", "b", "2", "2"), (own(shop), "member", "m", member))
    await put(hub, ("global", "b", "2", None), (own(other), "c", "3", "3"))
    manifest = await made(hub, shop)
    files = {file.bucket: file for file in manifest.files}
    assert set(files) == {"global", own(shop)}
    assert await rows_of(shop, files["global"], tmp_path) == [("a", "1", 1, b"1")]
    assert await rows_of(shop, files[own(shop)], tmp_path) == [("member", "m", 1, member.encode())]
    found = await rows_of(shop, files[own(shop)], tmp_path, "feed_identifier")
    assert found == [("card", "29", "m", "active")]
    heads = await hub.hub.database.read(lambda tx: read_heads(tx, list(files)))
    for bucket, file in files.items():
        assert (file.seq, file.checksum) == (heads[bucket].last, checksum_text(heads[bucket].checksum))
    await put(hub, ("global", "d", "4", "4"))
    _, page = await shop.pull(manifest.cursor)
    assert page.get("refetch", []) == []
    assert [item["key"] for item in page["items"]] == ["4"]


async def test_a_manifest_is_made_when_it_is_asked_for_and_again_when_it_is_old(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1", "1"))
    status, answer = await ask(shop)
    assert (status, answer["code"]) == (503, "snapshot_being_made")
    assert int(answer["headers"]["Retry-After"]) > 0
    first = await made(hub, shop)
    assert await made(hub, shop) == first, "the same things are the same bytes"
    hub.clock.now_ms += hub.hub.settings.snapshot_hours * 3_600_000 - 1
    assert (await ask(shop))[0] == 200
    hub.clock.now_ms += 1
    status, answer = await ask(shop)
    assert (status, answer["code"]) == (503, "snapshot_being_made")


def test_the_more_stores_wait_the_longer_each_does_before_it_asks_again() -> None:
    assert [again_s(waiting) for waiting in (1, 100, 1_000, 5_000)] == [5, 10, 100, 300]


@pytest.mark.parametrize("lost", ["global", "store", "stubs"])
async def test_a_manifest_whose_file_is_gone_is_made_again(small_hub: RunningHub, lost: str) -> None:
    hub = small_hub
    hub.hub.door.settings = msgspec.structs.replace(hub.hub.settings, snapshot_things=1)
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1", "1"))
    manifest = await made(hub, shop)
    assert manifest.stubs is not None
    (sha256,) = (file.sha256 for file in (*manifest.files, manifest.stubs) if file.bucket.startswith(lost))
    hub.hub.snapshots.find_file(shop.store, sha256)[0].unlink()
    status, answer = await ask(shop)
    assert (status, answer["code"]) == (503, "snapshot_being_made")
    assert await made(hub, shop) == manifest


@pytest.mark.parametrize("later", [(), ("other 1", "other 2", "other 3")], ids=["behind the files", "as far as they"])
async def test_files_of_a_history_that_is_lost_are_made_again(small_hub: RunningHub, later: tuple[str, ...]) -> None:
    hub = small_hub
    hub.hub.door.settings = msgspec.structs.replace(hub.hub.settings, snapshot_things=1)
    shop = await a_shop(hub)
    await put(hub, *(("global", "a", key, "1") for key in ("1", "2", "3")))
    lost = await made(hub, shop)

    def put_back(tx: Tx) -> None:  # with the mark that would have told
        tx.execute("DELETE FROM feed WHERE bucket = 'global'")
        tx.execute("DELETE FROM feed_head WHERE bucket = 'global'")
        put_many(tx, [FeedChange("global", "a", key, b"1") for key in later or ("1", "2")], hub.clock.now_ms)

    await hub.hub.database.write(put_back)
    status, answer = await ask(shop)
    assert (status, answer["code"]) == (503, "snapshot_being_made")
    manifest = await made(hub, shop)
    [file] = (file for file in manifest.files if file.bucket == "global")
    assert file not in lost.files
    assert file.seq == len(later or ("1", "2"))
    assert manifest.stubs == lost.stubs


async def test_little_is_told_page_by_page(hub: RunningHub, tmp_path: Path) -> None:
    shop = await a_shop(hub)
    hub.hub.door.settings = msgspec.structs.replace(hub.hub.settings, snapshot_things=2)
    await put(hub, ("global", "a", "1", "1"))
    status, answer = await ask(shop)
    assert (status, answer["code"]) == (404, "no_snapshot")
    await put(hub, (own(shop), "a", "1", "1"))
    assert (await ask(shop))[0] == 503


async def test_a_store_reads_no_other_stores_file_and_without_a_session_none(hub: RunningHub) -> None:
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    await put(hub, ("global", "a", "1", "1"), (own(shop), "b", "2", "2"))
    manifest = await made(hub, shop)
    files = {file.bucket: file.sha256 for file in manifest.files}
    assert (await download(other, files["global"]))[0] == 200, "what is for all is the same file for all"
    for sha256 in (files[own(shop)], "0" * 64, "..%2F..%2Fhub.key", files[own(shop)][:-1]):
        assert (await download(other, sha256))[0] == 404, sha256
    await shop.open_session()
    former = shop.token
    await shop.open_session()
    shop.token = former
    assert (await download(shop, files["global"]))[0] == 409
    assert (await ask(shop))[0] == 409
    shop.token = ""
    assert (await download(shop, files["global"]))[0] == 401


async def test_a_file_goes_on_where_it_was_cut_off_and_may_be_kept_for_ever(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, *[("global", "a", str(n), f'"{hashlib.sha256(str(n).encode()).hexdigest()}"') for n in range(500)])
    (file, *_) = (await made(hub, shop)).files
    status, whole, headers = await download(shop, file.sha256)
    assert (status, hashlib.sha256(whole).hexdigest()) == (200, file.sha256)
    assert headers["ETag"] == f'"{file.sha256}"'
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    cut = len(whole) // 3
    tag = {"If-Range": f'"{file.sha256}"'}
    status, rest, headers = await download(shop, file.sha256, Range=f"bytes={cut}-", **tag)
    assert (status, whole[:cut] + rest) == (206, whole)
    assert headers["Content-Range"] == f"bytes {cut}-{len(whole) - 1}/{len(whole)}"
    assert (await download(shop, file.sha256, Range="bytes=5-9", **tag))[:2] == (206, whole[5:10])
    assert (await download(shop, file.sha256, Range="bytes=5-9", **{"If-Range": '"another"'}))[:2] == (200, whole)
    assert (await download(shop, file.sha256, Range=f"bytes={len(whole)}-"))[0] == 416
    assert (await download(shop, file.sha256, **{"If-None-Match": f'"{file.sha256}"'}))[:2] == (304, b"")


async def test_only_so_many_fetch_at_the_same_time(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1", "1"))
    (file, *_) = (await made(hub, shop)).files
    with contextlib.ExitStack() as stack:
        for _ in range(hub.hub.settings.snapshot_downloads):
            stack.enter_context(hub.hub.snapshots.downloading(hub.new_id()))
        status, _, headers = await download(shop, file.sha256)
        assert (status, "Retry-After" in headers) == (429, True)
    assert (await download(shop, file.sha256))[0] == 200


async def test_a_store_that_reads_slowly_keeps_no_other_from_fetching(hub: RunningHub) -> None:
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    await put(hub, ("global", "a", "1", "1"))
    (file, *_) = (await made(hub, shop)).files
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(hub.hub.snapshots.downloading(shop.store))
        assert (await download(shop, file.sha256))[0] == 429
        assert (await download(other, file.sha256))[0] == 200
    assert (await download(shop, file.sha256))[0] == 200


_MEMBER = (
    "INSERT INTO member (id, op, status, locale, revision, enrolled_at, name, phone, email, card)"
    " VALUES (?, ?, 'active', 'en', 1, 1, 'Ann', NULL, NULL, ?)"
)
_IDENTIFIER = "INSERT INTO member_identifier (member, kind, value, op, state) VALUES (?, 'card', ?, ?, ?)"
_SEEN = "INSERT INTO member_seen (member, store, home, last_at) VALUES (?, ?, ?, ?)"


async def enrolled(hub: RunningHub, card: str, *seen: tuple[UUID, int, int], state: str = "active") -> UUID:
    """A member of the chain with a card, seen by stores: (store, home, when)."""
    member = hub.new_id()

    def write(tx: Any) -> None:  # noqa: ANN401
        tx.execute(_MEMBER, (member.bytes, member.bytes, card))
        tx.execute(_IDENTIFIER, (member.bytes, card, member.bytes, state))
        tx.executemany(_SEEN, [(member.bytes, store.bytes, home, at) for store, home, at in seen])

    await hub.hub.database.write(write)
    return member


async def test_a_store_holds_its_own_members_and_those_it_saw_of_late(hub: RunningHub, tmp_path: Path) -> None:
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    now = hub.clock.now_ms
    mine, theirs = shop.store, other.store
    days = hub.hub.settings.member_days
    at_home = await enrolled(hub, CARD, (mine, 1, 1), (theirs, 0, now))
    of_late = await enrolled(hub, "2", (mine, 0, now - (days - 1) * DAY_MS), (theirs, 1, now))
    await enrolled(hub, "3", (mine, 0, now - (days + 1) * DAY_MS), (theirs, 1, now))
    await enrolled(hub, "4", (theirs, 1, now))
    everywhere = await enrolled(hub, "5", *[(hub.new_id(), 0, now) for _ in range(8)], (mine, 0, now - 1))
    manifest = await made(hub, shop)
    (file,) = (file for file in manifest.files if file.bucket == own(shop))
    rows = await rows_of(shop, file, tmp_path)
    assert sorted(row[1] for row in rows if row[0] == "member") == sorted(map(str, (at_home, of_late)))
    assert str(everywhere) not in {row[1] for row in rows}, "the ninth store of a member asks online"
    # Once she is in the bucket nothing is told twice.
    before = (await hub.hub.database.read(lambda tx: read_heads(tx, [own(shop)])))[own(shop)]
    await hub.hub.snapshots.complete(shop.store)
    assert (await hub.hub.database.read(lambda tx: read_heads(tx, [own(shop)])))[own(shop)] == before


async def test_of_everybody_else_there_is_a_stub_and_nothing_personal(hub: RunningHub, tmp_path: Path) -> None:
    shop = await a_shop(hub)
    await enrolled(hub, CARD)
    await enrolled(hub, LOST_CARD, state="replaced")
    manifest = await made(hub, shop)
    assert manifest.stubs is not None
    key = bytes.fromhex(manifest.stub_key)
    stubs = dict(await rows_of(shop, manifest.stubs, tmp_path, "feed_stub"))
    assert stubs == {stub_of(key, CARD): KNOWN, stub_of(key, LOST_CARD): REPLACED}
    content = (tmp_path / "plain").read_bytes()
    assert CARD.encode() not in content
    assert stub_of(bytes(32), CARD) not in stubs, "without the chain's secret nobody finds a card in it"


async def test_when_a_member_is_forgotten_no_file_of_before_is_served(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    member = await enrolled(hub, CARD, (shop.store, 1, 1))
    manifest = await made(hub, shop)
    names = [file.sha256 for file in manifest.files if file.bucket == own(shop)] + [manifest.stubs.sha256]  # type: ignore[union-attr]
    erase = "INSERT INTO erased_member (member, op, at) VALUES (?, ?, 1)"
    await hub.hub.database.write(lambda tx: tx.execute(erase, (member.bytes, member.bytes)).rowcount)
    assert (await ask(shop))[0] in (404, 503)
    for sha256 in names:
        with pytest.raises(NoSnapshot):
            hub.hub.snapshots.find_file(shop.store, sha256)


@pytest.mark.parametrize("while_made", ["stubs", "global", "store"])
async def test_who_is_forgotten_while_files_are_made_is_in_none_of_them(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, while_made: str
) -> None:
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    member = await enrolled(hub, CARD, (shop.store, 1, 1))
    stubs_before = (await made(hub, other)).stubs
    hub.clock.now_ms += hub.hub.settings.snapshot_hours * 3_600_000
    await enrolled(hub, LOST_CARD)
    snapshots, put_in_place = hub.hub.snapshots, Helper.run
    forgotten: list[str] = []

    async def run(helper: Helper, function: Any, *args: Any) -> SnapshotFile:  # noqa: ANN401  whatever is run there
        """The file is made of what was there before she was forgotten, and is in its place after it."""
        file: SnapshotFile = await put_in_place(helper, function, *args)
        if file.bucket.startswith(while_made) and not forgotten:
            forgotten.append(file.bucket)
            await hub.hub.database.write(lambda tx: erase(tx, member, own(shop), hub.clock.now_ms))
            await snapshots.tidy()
        return file

    monkeypatch.setattr(Helper, "run", run)
    manifest = await made(hub, shop)
    assert forgotten
    for file in (*manifest.files, manifest.stubs):
        assert file is not None
        snapshots.find_file(shop.store, file.sha256)
    assert manifest.stubs is not None
    assert stubs_before is not None
    hashes = [row[0] for row in await rows_of(shop, manifest.stubs, tmp_path, "feed_stub")]
    assert hashes == [stub_of(bytes.fromhex(manifest.stub_key), LOST_CARD)]
    (file,) = (file for file in manifest.files if file.bucket == own(shop))
    assert await rows_of(shop, file, tmp_path) == []
    with pytest.raises(NoSnapshot):
        snapshots.find_file(shop.store, stubs_before.sha256)


def erase(tx: Tx, member: UUID, bucket: str, now_ms: int) -> None:
    """What is left of a member who is forgotten, as far as it matters here."""
    tx.execute("INSERT INTO erased_member (member, op, at) VALUES (?, ?, 1)", (member.bytes, member.bytes))
    for table, column in (("member_identifier", "member"), ("member_seen", "member"), ("member", "id")):
        tx.execute(f"DELETE FROM {table} WHERE {column} = ?", (member.bytes,))
    gone = [FeedChange(bucket, entity, str(member), None) for entity in ("member", "account")]
    put_many(tx, gone, now_ms)


async def test_of_a_bucket_that_does_not_come_to_what_its_head_says_no_file_is_made(small_hub: RunningHub) -> None:
    hub = small_hub
    shop = await a_shop(hub)
    await put(hub, (own(shop), "a", "1", "1"))
    wrong = "UPDATE feed_head SET checksum = '0' WHERE bucket = ?"
    await hub.hub.database.write(lambda tx: tx.execute(wrong, (own(shop),)).rowcount)
    with pytest.raises(SnapshotRefused):
        await hub.hub.snapshots.make(shop.store)
    assert list((hub.hub.folder / "snapshots" / "stores" / str(shop.store)).iterdir()) == []


async def test_old_files_go_and_those_of_the_present_manifest_stay(small_hub: RunningHub) -> None:
    hub = small_hub
    shop = await a_shop(hub)
    await put(hub, (own(shop), "a", "1", "1"))
    await hub.hub.snapshots.make(shop.store)
    await put(hub, (own(shop), "a", "1", "2"))
    first = next((hub.hub.folder / "snapshots" / "stores" / str(shop.store)).glob("[0-9a-f]*"))
    manifest = await hub.hub.snapshots.make(shop.store)
    present = {file.sha256 for file in manifest.files} | {manifest.stubs.sha256}  # type: ignore[union-attr]
    for path in (hub.hub.folder / "snapshots").rglob("*"):
        os.utime(path, (0, 0))
    await hub.hub.snapshots.tidy()
    left = {path.name for path in (hub.hub.folder / "snapshots").rglob("*") if len(path.name) == 64}
    assert first.name not in left
    assert left == present


def a_manifest(**changes: object) -> Manifest:
    file = SnapshotFile(
        bucket="global", sha256="0" * 64, bytes=1, unpacked_bytes=1, seq=7, checksum="0" * 16, entities={}
    )
    usual = {"store": UUID(int=1), "timeline": 2, "made_at": 0, "cursor": "c", "files": (file,)}
    return Manifest(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("timeline", "numbers", "refused"),
    [
        (0, {}, False),
        (2, {"global": 7}, False),
        (2, {"global": 8}, True),
        (2, {"another": 8}, False),
        (3, {}, True),
        (1, {"global": 8}, False),
    ],
)
def test_a_manifest_of_the_past_is_refused(timeline: int, numbers: dict[str, int], refused: bool) -> None:
    with pytest.raises(SnapshotRefused) if refused else contextlib.nullcontext():
        refuse_past(a_manifest(), timeline, numbers)


@pytest.mark.parametrize(
    ("store", "buckets", "refused"),
    [
        (1, ("global", f"store:{UUID(int=1)}"), False),
        (2, ("global",), True),
        (1, (f"store:{UUID(int=2)}",), True),
        (1, ("global", "global"), True),
    ],
    ids=["own", "another store", "file of another store", "twice"],
)
def test_a_manifest_speaks_of_the_store_that_asked(store: int, buckets: tuple[str, ...], refused: bool) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    (file,) = a_manifest().files
    files = tuple(msgspec.structs.replace(file, bucket=bucket) for bucket in buckets)
    text = msgspec.json.encode(a_manifest(store=UUID(int=store), files=files)).decode()
    signed = SignedManifest(manifest=text, signature=key.sign(manifest_signed_bytes(text)).hex())
    with pytest.raises(SnapshotRefused) if refused else contextlib.nullcontext():
        read_manifest(signed, public_hex(key), UUID(int=1))


async def test_a_manifest_of_anybody_else_is_refused(small_hub: RunningHub) -> None:
    hub = small_hub
    shop, other = await a_shop(hub), await a_shop(hub, "S002")
    await put(hub, ("global", "a", "1", "1"))
    hub.hub.door.settings = msgspec.structs.replace(hub.hub.settings, snapshot_things=1)
    await hub.hub.snapshots.make(shop.store)
    _, answer = await ask(shop)
    signed = SignedManifest(manifest=answer["manifest"], signature=answer["signature"])
    key = hub.hub.door.hub_key
    assert read_manifest(signed, key, shop.store).store == shop.store
    forged = msgspec.structs.replace(signed, manifest=signed.manifest.replace('"timeline":1', '"timeline":2'))
    for bad, pinned, store in (
        (signed, key, other.store),
        (signed, "0" * 64, shop.store),
        (signed, "", shop.store),
        (forged, key, shop.store),
        (msgspec.structs.replace(signed, signature="0" * 128), key, shop.store),
    ):
        with pytest.raises(SnapshotRefused):
            read_manifest(bad, pinned, store)
