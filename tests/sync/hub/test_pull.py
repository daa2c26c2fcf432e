"""A store reads what is for everybody and what is for it, each change once, and hears of news while it waits."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from sync.hub.feed_store import FeedChange, collect_tombstones, put_many, read_heads, store_bucket
from sync.protocol.feed import checksum_of, checksum_text
from tests.sync.hub.hubkit import RunningHub, Shop, running_hub, settings


async def put(hub: RunningHub, *changes: tuple[str, str, str | None]) -> None:
    rows = [FeedChange(bucket, "thing", key, value.encode() if value else None) for bucket, key, value in changes]
    await hub.hub.database.write(lambda tx: put_many(tx, rows, hub.clock.now_ms))


async def a_shop(hub: RunningHub, code: str = "S001") -> Shop:
    shop = await hub.enrol(code)
    await shop.open_session()
    return shop


def things(page: dict[str, object]) -> list[tuple[object, ...]]:
    items = page["items"]
    assert isinstance(items, list)
    return [(item["bucket"], item["key"], item.get("value")) for item in items]


async def test_a_store_reads_what_is_for_all_and_what_is_for_it_and_nothing_else(hub: RunningHub) -> None:
    one, two = await a_shop(hub, "S001"), await a_shop(hub, "S002")
    mine, theirs = store_bucket(str(one.store)), store_bucket(str(two.store))
    await put(hub, ("global", "a", "1"), (mine, "b", "2"), (theirs, "c", "3"))
    status, page = await one.pull()
    assert (status, things(page)) == (200, [("global", "a", 1), (mine, "b", 2)])
    _, page = await one.pull(page["cursor"])
    assert things(page) == []


async def test_each_change_is_told_once_in_its_newest_state_with_the_sum_of_all(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1"), ("global", "b", "1"))
    _, page = await shop.pull()
    await put(hub, ("global", "a", "2"))
    await put(hub, ("global", "b", None), ("global", "c", "3"))
    await put(hub, ("global", "a", "4"))
    _, page = await shop.pull(page["cursor"])
    assert things(page) == [("global", "b", None), ("global", "c", 3), ("global", "a", 4)]
    whole = checksum_text(checksum_of([("thing", "a", "4"), ("thing", "c", "3")]))
    assert page["buckets"][0] == {"bucket": "global", "seq": 6, "checksum": whole}


async def test_a_merge_is_told_before_the_accounts_that_it_joins(hub: RunningHub) -> None:
    """A page may end between them: whoever has read the merge alone still has two accounts that add up."""
    shop = await a_shop(hub)
    told = [(entity, key) for entity in ("account", "erased", "member", "merge") for key in ("a", "b")]
    changes = [FeedChange("global", entity, key, b"1") for entity, key in told]
    await hub.hub.database.write(lambda tx: put_many(tx, changes, hub.clock.now_ms))
    _, page = await shop.pull()
    assert [(item["entity"], item["key"]) for item in page["items"]] == [*told[4:], *told[:4]]


async def test_a_cursor_of_another_timeline_or_behind_the_collected_tombstones_begins_anew(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1"))
    _, page = await shop.pull()
    before = page["cursor"]
    await put(hub, ("global", "b", "1"), ("global", "a", None))
    _, page = await shop.pull(before)
    assert page.get("refetch", []) == []
    collected = await hub.hub.database.write(lambda tx: collect_tombstones(tx, "global", hub.clock.now_ms + 1))
    assert collected == 1
    _, page = await shop.pull(before)
    assert (page["refetch"], things(page)) == (["global"], [("global", "b", 1)])
    heads = await hub.hub.database.read(lambda tx: read_heads(tx, ["global"]))
    assert page["buckets"][0]["checksum"] == checksum_text(heads["global"].checksum)


async def test_a_bucket_is_told_anew_when_the_store_asks_for_it(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await put(hub, ("global", "a", "1"))
    _, page = await shop.pull()
    _, page = await shop.pull(page["cursor"], refetch="global,nonsense")
    assert (page["refetch"], things(page)) == (["global"], [("global", "a", 1)])


async def test_a_cursor_that_was_not_made_here_is_refused(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    _, page = await shop.pull()
    content, _, mac = page["cursor"].partition(".")
    other = ("B" if mac.startswith("A") else "A") + mac[1:]
    for cursor in ("x", "x.y", f"{content}A.{mac}", f"{content}.{other}", f"{content}."):
        status, answer = await shop.pull(cursor)
        assert (status, answer["code"]) == (422, "broken_cursor"), cursor


async def test_a_question_waits_until_there_is_news_for_this_store(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path, pull_wait_seconds=60) as hub:
        shop, other = await a_shop(hub, "S001"), await a_shop(hub, "S002")
        await put_now(hub, store_bucket(str(shop.store)), "0")
        _, first = await shop.pull()
        waiting = asyncio.ensure_future(shop.pull(first["cursor"]))
        await put_now(hub, store_bucket(str(other.store)), "1")
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done, "news for another store are none"
        await put_now(hub, store_bucket(str(shop.store)), "1")
        status, page = await asyncio.wait_for(waiting, 120)
        assert (status, [item["value"] for item in page["items"]]) == (200, [1])


@pytest.mark.parametrize("ends", ["by its time", "by what is applied"])
async def test_a_question_ends_with_how_far_the_store_is_counted_then(
    small_hub: RunningHub, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    shop = await a_shop(small_hub)
    _, first = await shop.pull()
    await shop.push(shop.book(2))
    watch, door = small_hub.hub.watch, small_hub.hub.door
    door.settings = settings(pull_wait_seconds=600)
    until_then = watch.wait

    async def wait(behind: dict[str, int], timeout_s: float, stopping: asyncio.Event) -> bool:
        await small_hub.hub.appliers.settle()
        return ends == "by what is applied" and await until_then(behind, timeout_s, stopping)

    monkeypatch.setattr(watch, "wait", wait)
    status, page = await asyncio.wait_for(shop.pull(first["cursor"]), 120)
    assert (status, page["items"]) == (200, [])
    assert page["applied"] == {shop.head().epoch: 2}


async def test_what_another_store_pushed_wakes_nobody(small_hub: RunningHub) -> None:
    watch, stopping = small_hub.hub.watch, asyncio.Event()
    mine, other = UUID(int=1), UUID(int=2)
    waiting = asyncio.ensure_future(watch.wait(watch.times_applied(mine), 120, stopping))
    await asyncio.sleep(0)
    watch.note_applied(other)
    await asyncio.sleep(0)
    assert not waiting.done()
    watch.note_applied(mine)
    assert await asyncio.wait_for(waiting, 120)


async def put_now(hub: RunningHub, bucket: str, value: str) -> None:
    change = FeedChange(bucket, "thing", "a", value.encode())
    await hub.hub.database.write(lambda tx: put_many(tx, [change], 0))


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_what_another_process_writes_wakes_those_who_wait_here(address: str, tmp_path: Path) -> None:
    async with running_hub(address, tmp_path) as one, running_hub(address, tmp_path) as two:
        shop = await a_shop(one)
        watch = one.hub.watch
        bucket = store_bucket(str(shop.store))
        waiting = asyncio.ensure_future(watch.wait({bucket: 0}, 120, asyncio.Event()))
        await asyncio.sleep(0)
        await put_now(two, bucket, "1")
        assert await asyncio.wait_for(waiting, 120)
        # A session opened at one process is good at the other.
        shop.hub = two
        assert (await shop.push(shop.book(2)))[0] == 200


async def test_a_former_session_reads_nothing_any_more(hub: RunningHub) -> None:
    shop = await a_shop(hub)
    await shop.push(shop.book(1))
    former = shop.token
    await shop.open_session()
    shop.token = former
    for status, answer in (await shop.pull(), await shop.entries()):
        assert (status, answer["code"]) == (409, "fenced")
