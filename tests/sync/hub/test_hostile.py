"""Whatever a store sends that is not honest ends as a clean refusal, and no row of another store moves."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import msgspec
import pytest
import zstandard

from loyalty.transactions import Tx
from sync.protocol.messages import BODY_BYTES_MAX, Op
from tests.sync.hub.hubkit import JSON, RunningHub, Shop

MEGABYTE = 2**20


async def two_shops(hub: RunningHub) -> tuple[Shop, Shop]:
    honest, hostile = await hub.enrol("S001"), await hub.enrol("S666")
    await honest.open_session()
    await hostile.open_session()
    await honest.push(honest.book(3))
    return honest, hostile


def count_rows(tx: Tx) -> list[int]:
    return [
        tx.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("inbox", "inbox_private", "epoch_head")
    ]


async def push_raw(hub: RunningHub, shop: Shop, raw: bytes, encoding: str | None = None) -> tuple[int, str]:
    headers = {**JSON, **({"Content-Encoding": encoding} if encoding else {})}
    status, answer = await hub.call("POST", "/sync/v1/push", raw, token=shop.token, headers=headers)
    return status, answer.get("code", "")


def bomb_of(size: int, encoding: str) -> bytes:
    """A push whose one op is nothing but spaces: a few kilobytes that unpack to `size`."""
    raw = b'{"ops":["' + b" " * size
    if encoding == "gzip":
        return gzip.compress(raw)
    return zstandard.ZstdCompressor().compress(raw)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_not_unpacked(small_hub: RunningHub, encoding: str) -> None:
    hub = small_hub
    _, hostile = await two_shops(hub)
    bomb = bomb_of(64 * MEGABYTE, encoding)
    assert len(bomb) < MEGABYTE
    assert await push_raw(hub, hostile, bomb, encoding) == (413, "body_too_large")


async def test_a_body_of_a_gigabyte_is_refused_by_its_length_alone(small_hub: RunningHub) -> None:
    hub = small_hub
    _, hostile = await two_shops(hub)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(hub.url.rpartition(":")[2]))
    head = (
        f"POST /sync/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {hostile.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {2**30}\r\n\r\n"
    )
    writer.write(head.encode())
    status = await reader.readline()
    writer.close()
    assert b" 413 " in status


async def test_more_than_the_limit_is_refused_however_it_comes(small_hub: RunningHub) -> None:
    _, hostile = await two_shops(small_hub)
    chunks = [b" " * MEGABYTE] * (BODY_BYTES_MAX // MEGABYTE) + [b" "]

    async def pieces() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    status, answer = await small_hub.call("POST", "/sync/v1/push", pieces(), token=hostile.token)
    assert (status, answer["code"]) == (413, "body_too_large")


NO_PUSHES = [
    (b"not json", None, (400, "not_json")),
    (b"\xff\xfe", None, (400, "not_json")),
    (b'{"ops":' + b"[" * 100_000, None, (422, "invalid_input")),
    (b"[]", None, (422, "invalid_input")),
    (b"{}", None, (422, "invalid_input")),
    (b'{"request":1e400}', None, (422, "invalid_input")),
    (b"not gzip", "gzip", (422, "broken_body")),
    (b"not zstd", "zstd", (422, "broken_body")),
    (gzip.compress(b"{}") + b"more", "gzip", (422, "broken_body")),
    (b"{}", "br", (415, "unsupported_media")),
    (b"{}", "gzip, gzip", (415, "unsupported_media")),
]


async def test_a_body_that_is_no_push_is_refused(small_hub: RunningHub) -> None:
    _, hostile = await two_shops(small_hub)
    for raw, encoding, expected in NO_PUSHES:
        assert await push_raw(small_hub, hostile, raw, encoding) == expected, raw[:40]


def good(**changes: object) -> str:
    content = {"v": 1, "kind": "drawer.opened", "op_id": "019a0000-0000-7000-8000-000000000001", "at": 1, "body": {}}
    return msgspec.json.encode({**content, **changes}).decode()


NO_ENTRIES = [
    "{}",
    "no json",
    '"\\u0000"',
    good(kind="Drawer Opened"),
    good(kind="x" * 61),
    good(kind="a\0b"),
    good(v=0),
    good(v=2**31),
    good(op_id="me"),
    '{"v":1,"kind":"a","op_id":"019a0000-0000-7000-8000-000000000001","at":99999999999999999999,"body":{}}',
    '{"v":1,"kind":"a","op_id":"019a0000-0000-7000-8000-000000000001","at":1,"body":' + "[" * 10_000 + "}",
]


async def test_an_entry_that_no_journal_holds_is_refused_and_none_beside_it_is_taken(hub: RunningHub) -> None:
    _, hostile = await two_shops(hub)
    before = await hub.hub.database.read(count_rows)
    for content in NO_ENTRIES:
        hostile.ops, hostile.hashes = [], hostile.hashes[:1]
        hostile.book(1)
        hostile.append(content)
        status, answer = await hostile.push(hostile.ops)
        assert (status, answer["code"]) == (422, "wrong_op"), content[:60]
        assert await hub.hub.database.read(count_rows) == before


async def test_an_absurd_clock_stops_nothing(hub: RunningHub) -> None:
    _, shop = await two_shops(hub)
    for at in (-(2**63), -1, 0, 2**63 - 1):
        assert (await shop.open_session(sent_at=2**53 if at > 0 else 0))[0] == 201
        shop.write("drawer.opened", {"request": "", "till": "T01", "reason": "change"}, at=at)
        assert (await shop.push(shop.ops[-1:]))[0] == 200, at
    await hub.hub.appliers.settle()
    assert (await hub.call("GET", "/v1/stores", token=await hub.office()))[0] == 200


async def test_a_store_named_in_the_body_is_no_field_of_a_push(hub: RunningHub) -> None:
    honest, hostile = await two_shops(hub)
    forged = msgspec.to_builtins(hostile.pushing(hostile.book(1)))
    status, answer = await hub.call("POST", "/sync/v1/push", {**forged, "store": honest.store}, token=hostile.token)
    assert (status, answer["code"]) == (422, "invalid_input")


async def test_another_stores_epoch_and_signature_reach_only_ones_own_rows(hub: RunningHub) -> None:
    honest, hostile = await two_shops(hub)
    before = await hub.hub.database.read(lambda tx: read_rows(tx, honest))
    hostile.epoch, hostile.ops, hostile.hashes = honest.epoch, list(honest.ops), list(honest.hashes)
    hostile.book(1)
    assert (await hostile.push(hostile.ops))[0] == 200
    stolen = hostile.sign(hostile.pushing(hostile.book(1)), honest.token)
    status, answer = await hub.call("POST", "/sync/v1/push", stolen, token=honest.token)
    assert (status, answer["code"]) == (401, "bad_signature"), "a stolen token alone signs nothing"
    assert await hub.hub.database.read(lambda tx: read_rows(tx, honest)) == before


def read_rows(tx: Tx, shop: Shop) -> list[tuple[object, ...]]:
    rows = tx.execute("SELECT seq, hash, content FROM inbox WHERE store = ? ORDER BY seq", (shop.store.bytes,))
    return [tuple(row) for row in rows.fetchall()]


CHANGES: list[dict[str, object]] = [
    {"max_seq": 9},
    {"from_seq": 2},
    {"previous": "1" * 64},
    {"ops": ()},
    {"closed": True},
    {"epoch": "0" * 16},
    {"request": 99},
    {"ops": (Op(content=good()),)},
]


async def test_every_part_of_a_push_is_signed(small_hub: RunningHub) -> None:
    _, hostile = await two_shops(small_hub)
    hostile.book(1)
    for change in CHANGES:
        forged = msgspec.structs.replace(hostile.pushing(hostile.ops), **change)
        status, answer = await hostile.send(forged)
        assert (status, answer["code"]) in {(401, "bad_signature"), (422, "broken_push")}, change
    assert (await hostile.push(hostile.ops))[0] == 200


async def test_a_store_cannot_begin_lives_without_end(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.hub.inbox.EPOCHS_MAX", 3)
    _, hostile = await two_shops(hub)
    codes = []
    for epoch in range(5):
        hostile.epoch, hostile.ops, hostile.hashes = epoch, [], hostile.hashes[:1]
        codes.append((await hostile.push(hostile.book(1)))[1].get("code"))
    assert codes == [None, None, None, "too_many_lives", "too_many_lives"]


async def test_a_token_that_nobody_gave_opens_no_call_of_a_store(small_hub: RunningHub) -> None:
    for token in ("", "short", "x" * 64, "Ä" * 40, "' OR 1=1 --", "a" * 5_000):
        for method, path in (
            ("POST", "/sync/v1/push"),
            ("GET", "/sync/v1/pull"),
            ("GET", "/sync/v1/epochs/0000000000000001/entries"),
            ("PUT", "/sync/v1/status"),
            ("POST", "/sync/v1/lease-reports"),
            ("POST", "/sync/v1/commands"),
            ("POST", "/sync/v1/member-lookups"),
            ("POST", "/sync/v1/manifests"),
            ("GET", "/sync/v1/sales/S001-T01-000001/state"),
            ("GET", "/sync/v1/snapshots/manifest"),
            ("GET", f"/sync/v1/snapshots/{'0' * 64}"),
        ):
            headers = {"Authorization": f"Bearer {token}"}
            status, answer = await small_hub.call(method, path, headers=headers)
            assert (status, answer["code"]) == (401, "unauthorized")


async def test_a_stores_token_opens_nothing_of_the_office_nor_the_other_way_round(hub: RunningHub) -> None:
    shop, _ = await two_shops(hub)
    office = await hub.office()
    for method, path in (("GET", "/v1/stores"), ("GET", "/v1/users"), ("POST", f"/v1/stores/{shop.store}/revoke")):
        assert (await hub.call(method, path, token=shop.token))[0] == 403
    for method, path in (("GET", "/sync/v1/pull"), ("POST", "/sync/v1/push")):
        assert (await hub.call(method, path, token=office))[0] == 403
