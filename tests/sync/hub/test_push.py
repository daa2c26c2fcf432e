"""What a store pushes is proved, kept as exact bytes and acknowledged; nothing it says reaches another store's rows."""

import gzip

import msgspec
import pytest
import zstandard

from sync.chain import epoch_text
from sync.hub.inbox import read_entries, read_epochs
from tests.sync.hub.hubkit import JSON, RunningHub, Shop


async def held(hub: RunningHub, shop: Shop) -> list[str]:
    entries = await hub.hub.database.read(lambda tx: list(read_entries(tx, shop.store, shop.epoch, 0, 1000)))
    return [entry.content.decode() for entry in entries]


async def a_shop(hub: RunningHub, code: str = "S001") -> Shop:
    shop = await hub.enrol(code)
    status, _ = await shop.open_session()
    assert status == 201
    return shop


async def test_what_was_pushed_is_kept_byte_for_byte_and_acknowledged(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    status, answer = await shop.push(shop.book(3))
    assert (status, answer["outcome"], answer["seq"], answer["hash"]) == (200, "acknowledged", 3, shop.head().hash)
    assert await held(hub, shop) == [op.content for op in shop.ops]
    status, answer = await shop.push(shop.book(2))
    assert (answer["outcome"], answer["seq"]) == ("acknowledged", 5)
    assert await held(hub, shop) == [op.content for op in shop.ops]


async def test_the_same_push_again_adds_nothing_and_gets_the_same_answer(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    ops = shop.book(3)
    _, first = await shop.push(ops)
    _, again = await shop.push(ops)
    assert {**again, "request": 0, "headers": 0} == {**first, "request": 0, "headers": 0}
    assert len(await held(hub, shop)) == 3


async def test_a_push_that_leaves_something_out_is_told_where_to_go_on(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await shop.push(shop.book(2))
    shop.book(2)
    status, answer = await shop.push(shop.ops[3:], from_seq=4)
    assert (status, answer["outcome"], answer["seq"]) == (200, "rewind", 2)
    assert len(await held(hub, shop)) == 2


async def test_another_history_under_the_same_epoch_is_a_fork_and_changes_nothing(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await shop.push(shop.book(3))
    kept = await held(hub, shop)
    other = Shop(hub, shop.store, epoch=shop.epoch)
    other.key, other.token, other.request = shop.key, shop.token, shop.request
    other.book(4)
    status, answer = await other.push(other.ops, from_seq=1)
    assert (status, answer["outcome"]) == (200, "fork")
    assert await held(hub, shop) == kept
    office = await hub.office()
    _, listed = await hub.call("GET", f"/v1/stores/{shop.store}", token=office)
    assert listed["chain"][0]["state"] == "forked"


async def test_the_same_epoch_number_in_two_stores_makes_two_journals(hub: RunningHub) -> None:
    one, two = await a_shop(hub, "S001"), await a_shop(hub, "S002")
    two.epoch = one.epoch
    await one.push(one.book(2))
    status, answer = await two.push(two.book(3))
    assert (status, answer["outcome"], answer["seq"]) == (200, "acknowledged", 3)
    assert await held(hub, one) == [op.content for op in one.ops]
    assert await held(hub, two) == [op.content for op in two.ops]


async def test_a_heartbeat_says_how_much_waits_and_proves_where_it_stands(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await shop.push(shop.book(2))
    shop.book(5)
    status, answer = await shop.push((), from_seq=3)
    assert (status, answer["outcome"], answer["seq"]) == (200, "acknowledged", 2)
    _, board = await hub.call("GET", f"/v1/stores/{shop.store}", token=await hub.office())
    assert (board["queued"], board["chain"][0]["told_seq"]) == (5, 7)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
async def test_a_packed_push_is_taken_like_a_plain_one(hub: RunningHub, encoding: str) -> None:
    shop = await a_shop(hub)
    raw = msgspec.json.encode(shop.pushing(shop.book(3)))
    packed = gzip.compress(raw) if encoding == "gzip" else zstandard.compress(raw)
    headers = {**JSON, "Content-Encoding": encoding}
    status, answer = await hub.call("POST", "/sync/v1/push", packed, token=shop.token, headers=headers)
    assert (status, answer["seq"]) == (200, 3)


async def test_a_personal_half_is_kept_beside_its_entry_and_only_where_it_belongs_to_it(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    member = hub.new_id()
    right = shop.write_private(member, b'{"name":"Ana"}')
    assert right.private is not None
    forged = msgspec.structs.replace(right.private, data=b'{"name":"Eve"}')
    shop.write_private(member, b"x")
    shop.ops[1] = msgspec.structs.replace(shop.ops[1], private=forged)
    status, _ = await shop.push(shop.ops)
    assert status == 200
    _, page = await shop.entries()
    assert [item.get("private", {}).get("member") for item in page["items"]] == [str(member), None]


async def test_a_store_gets_its_own_journal_back_page_by_page_and_no_other(hub: RunningHub) -> None:
    one, two = await a_shop(hub, "S001"), await a_shop(hub, "S002")
    await one.push(one.book(5))
    got, after = [], 0
    while after is not None:
        status, page = await one.entries(after=after, limit=2)
        assert status == 200
        got += [(item["seq"], item["content"], item["hash"]) for item in page["items"]]
        after = page["next"]
    assert got == [(seq, op.content, one.hashes[seq].hex()) for seq, op in enumerate(one.ops, 1)]
    assert page["head"] == {"epoch": epoch_text(one.epoch), "seq": 5, "hash": one.head().hash}
    two.epoch = one.epoch
    assert (await two.entries())[0] == 404


async def test_every_epoch_of_a_store_is_held_and_named_in_the_order_of_its_lives(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await shop.push(shop.book(2))
    later = Shop(hub, shop.store, epoch=5)
    later.key, later.run, later.count, later.fence = shop.key, shop.run, shop.count, shop.fence
    _, opened = await later.open_session()
    assert [head["seq"] for head in opened["heads"]] == [2]
    await later.push(later.book(1))
    epochs = await hub.hub.database.read(lambda tx: read_epochs(tx, shop.store))
    assert [(held.head.epoch, held.head.seq) for held in epochs] == [(shop.epoch, 2), (5, 1)]
