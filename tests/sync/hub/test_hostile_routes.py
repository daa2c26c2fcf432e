"""A hostile store at the calls beside the push: it asks for what is others', with nonsense, and without end. Nobody
else's books move, and nobody else is kept waiting."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.lending import LeaseEnded
from sync.http.limits import Rate
from sync.http.problems import TooManyRequests
from sync.http.ranges import read_range
from sync.hub.asking import Questions
from sync.hub.feed_store import GLOBAL, FeedChange, put_many, store_bucket
from sync.protocol.commands import LEASE_POINTS_MAX
from tests.sync.hub.hubkit import Answer, RunningHub, Shop, running_hub, settings
from tests.sync.hub.test_lending import Lender

BOOKS = ("account", "points_lot", "posting", "lent_lease", "lent_store", "reservation", "feed", "applied")


@pytest.fixture
async def honest(hub: RunningHub) -> Lender:
    return await Lender.enrolled(hub, "S001")


@pytest.fixture
async def hostile(hub: RunningHub) -> Lender:
    return await Lender.enrolled(hub, "S666")


@pytest.fixture
async def anna(hub: RunningHub, honest: Lender) -> UUID:
    """A member of the honest store with 100 points, of which it has 60 on lease."""
    member = hub.new_id()
    honest.give(member, 100)
    await honest.tell()
    return member


async def books(hub: RunningHub) -> dict[str, list[tuple[object, ...]]]:
    """Everything that anybody's money depends on."""

    def read(tx: Tx) -> dict[str, list[tuple[object, ...]]]:
        return {table: sorted(map(tuple, tx.execute(f"SELECT * FROM {table}").fetchall()), key=repr) for table in BOOKS}

    return await hub.hub.database.read(read)


def lease_command(lender: Lender, **changes: object) -> dict[str, object]:
    usual: dict[str, object] = {"kind": "lease", "id": lender.hub.new_id(), "member": lender.hub.new_id()}
    return {**usual, "points": 10, "epoch": epoch_text(lender.shop.epoch), "seq": 0, **changes}


async def command(lender: Lender, body: object) -> Answer:
    return await lender.hub.call("POST", "/sync/v1/commands", body, token=lender.shop.token)


NO_COMMANDS: list[dict[str, object]] = [
    {"kind": "gift"},
    {"kind": None},
    {"id": "me"},
    {"member": "%"},
    {"points": 0},
    {"points": -5},
    {"points": LEASE_POINTS_MAX + 1},
    {"points": 2**70},
    {"points": 1.5},
    {"points": True},
    {"epoch": "x" * 16},
    {"epoch": "f" * 17},
    {"seq": -1},
    {"seq": 2**63},
    {"store": "019a0000-0000-7000-8000-000000000001"},
    {"kind": "gift_card", "card": "A" * 10_000, "amount_minor": -1, "op": "0" * 36},
    {"kind": "coupon_use", "serial": -1, "uses_max": 0},
    {"kind": "return_reserve", "lines": {"1": -1000}},
]


async def test_a_command_that_no_store_gives_is_refused_and_moves_nothing(
    hub: RunningHub, honest: Lender, hostile: Lender, anna: UUID
) -> None:
    await honest.lease(anna, 60)
    before = await books(hub)
    for change in NO_COMMANDS:
        status, answer = await command(hostile, lease_command(hostile, **change))
        assert (status, answer["code"]) == (422, "invalid_input"), change
    for raw in (b"", b"[]", b"null", b"[" * 100_000, b'{"kind":"lease","kind":"lease"}'):
        status, _ = await hub.call("POST", "/sync/v1/commands", raw or b" ", token=hostile.shop.token)
        assert status in {400, 413, 422}, raw[:20]
    assert await books(hub) == before


async def test_another_stores_lease_is_neither_told_nor_taken_nor_ended(
    hub: RunningHub, honest: Lender, hostile: Lender, anna: UUID
) -> None:
    lease = await honest.lease(anna, 60)
    before = await books(hub)
    for points, code in ((60, "points_not_free"), (10, "id_conflict")):
        status, answer = await command(hostile, lease_command(hostile, id=lease, member=anna, points=points))
        assert (status, answer["code"]) == (409, code)
    theirs = lease_command(hostile, member=anna, epoch=epoch_text(honest.shop.epoch), seq=1)
    status, answer = await command(hostile, theirs)
    assert (status, answer["code"]) == (409, "not_yet_applied"), "another store's journal is not this one's"
    report = {"leases": [{"lease": lease, "member": anna, "points": 60}], "heads": []}
    assert (await hub.call("POST", "/sync/v1/lease-reports", report, token=hostile.shop.token))[0] == 204
    assert await books(hub) == before
    ended = LeaseEnded(lease=lease, member=anna, points=60, unspent=60, why="over")
    hostile.shop.write("lease.ended", ended)
    await hostile.tell()
    assert await honest.free(anna) == 40, "it is lent as before"
    page = (await hub.call("GET", "/sync/v1/pull", token=hostile.shop.token))[1]
    assert [item for item in page["items"] if item["entity"] == "lease"] == []


async def test_inflated_points_lend_a_store_no_more_than_its_share(
    hub: RunningHub, honest: Lender, hostile: Lender, anna: UUID
) -> None:
    accomplice, cap = hub.new_id(), settings().store_lease_points
    before = {name: rows for name, rows in (await books(hub)).items() if name in {"account", "posting"}}
    hostile.give(accomplice, settings().store_credit_points)
    await hostile.tell()
    await hostile.lease(accomplice, cap)
    status, answer = await hostile.ask(accomplice, 1)
    assert (status, answer["code"]) == (409, "too_much_lent")
    hostile.give(accomplice, 10**9)
    await hostile.tell()
    status, answer = await honest.ask(accomplice, 1)
    assert (status, answer["code"]) == (409, "points_not_free"), "nobody pays for what no shop gives on a day"
    after = await books(hub)
    for name, rows in before.items():
        assert set(map(repr, rows)) <= set(map(repr, after[name])), "what others have is what it was"
    assert await honest.free(anna) == 100


async def test_members_are_found_by_whole_cards_and_phones_alone_and_told_to_the_asking_store_only(
    hub: RunningHub, honest: Lender, hostile: Lender, anna: UUID
) -> None:
    before = await books(hub)
    for value in ("", "%", "+48%", "' OR 1=1 --", "x" * 10_000, "\0", "*", None, 7):
        for kind in ("card", "phone", "name", "email"):
            asked = {"kind": kind, "value": value}
            status, answer = await hub.call("POST", "/sync/v1/member-lookups", asked, token=hostile.shop.token)
            assert status == 422 or answer["members"] == [], asked
    for path in (f"/sync/v1/members/{anna}", f"/v1/members/{anna}", f"/v1/members?after={anna}"):
        assert (await hub.call("GET", path, token=hostile.shop.token))[0] in {403, 404}
    assert await books(hub) == before


async def test_another_stores_bucket_is_not_in_anybodys_pull(hub: RunningHub, honest: Lender, hostile: Lender) -> None:
    secret = FeedChange(store_bucket(str(honest.shop.store)), "member", "m", b'{"name":"Anna"}')
    await hub.hub.database.write(lambda tx: put_many(tx, [secret], hub.clock.now_ms))
    own = store_bucket(str(hostile.shop.store))
    (_, mine), (_, theirs) = await hostile.shop.pull(), await honest.shop.pull()
    assert {state["bucket"] for state in mine["buckets"]} == {GLOBAL, own}
    assert [item["key"] for item in theirs["items"] if item["entity"] == "member"] == ["m"]
    for refetch in (store_bucket(str(honest.shop.store)), "zone:north", f"{GLOBAL},{secret.bucket}", "," * 900):
        for cursor in (None, mine["cursor"], theirs["cursor"]):
            status, page = await hostile.shop.pull(cursor, refetch)
            assert status in {200, 422}, (refetch, page)
            told = [item for item in page.get("items", []) if item["entity"] == "member"]
            assert told == [], (refetch, cursor)


NO_RANGES = [
    "bytes=9-5",
    "bytes=-",
    "bytes=a-b",
    "bytes=-0",
    "bytes=0-0,5-9",
    "bytes=" + "0-1," * 1_000,
    "bytes=0-" + "9" * 18,
    "bytes=" + "9" * 18 + "-",
    "bytes=" + "9" * 5_000 + "-",
    "bytes=0x10-",
    "bytes=+1-2",
    "bytes=1 - 2",
    "lines=1-2",
    "=",
    "bytes",
    "bytes=-1-2",
]


@pytest.fixture
async def files(filled_file: Path, tmp_path: Path) -> AsyncIterator[Shop]:
    """A store that has a file to fetch."""
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    async with running_hub(f"sqlite://{tmp_path / 'hub.sqlite'}", tmp_path, snapshot_things=1) as hub:
        shop = await hub.enrol("S666")
        await shop.open_session()
        thing = FeedChange(GLOBAL, "thing", "1", b'"something to tell"')
        await hub.hub.database.write(lambda tx: put_many(tx, [thing], hub.clock.now_ms))
        yield shop


async def test_a_range_of_nonsense_gets_the_file_a_part_of_it_or_nothing(files: Shop) -> None:
    hub = files.hub
    (file, *_) = (await hub.hub.snapshots.make(files.store)).files
    path = f"/sync/v1/snapshots/{file.sha256}"
    _, whole = await hub.call("GET", path, token=files.token)
    assert hashlib.sha256(whole["raw"]).hexdigest() == file.sha256
    for text in NO_RANGES:
        status, answer = await hub.call("GET", path, token=files.token, headers={"Range": text})
        assert status in {200, 206, 416}, text[:40]
        sent = answer["raw"]
        assert sent == (b"" if status == 416 else whole["raw"]), text[:40]
        part = read_range(text, len(sent))
        assert part is None or part.stop - part.start <= len(whole["raw"])


async def test_a_store_that_asks_without_end_is_told_to_wait_and_nobody_else(
    small_hub: RunningHub,
) -> None:
    hub = small_hub
    honest, hostile = await Lender.enrolled(hub, "S001"), await Lender.enrolled(hub, "S666")
    member = hub.new_id()
    honest.give(member, 100)
    await honest.tell()
    # Each of them names an entry that never comes, so head office would wait a moment for each.
    flood = [asyncio.create_task(command(hostile, lease_command(hostile, seq=2**40))) for _ in range(100)]
    status, answer = await honest.ask(member, 10)
    assert status == 201, answer
    assert (await honest.shop.push(honest.shop.book(1)))[0] == 200
    codes = [answer["code"] for _, answer in await asyncio.gather(*flood)]
    assert set(codes) == {"not_yet_applied", "too_many_requests"}
    reserved = await hub.hub.database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM lent_store").fetchone())
    assert reserved == (1,)


async def test_what_a_store_asks_at_once_and_in_all_is_bounded() -> None:
    one, other = UUID(int=1), UUID(int=2)
    questions = Questions(Rate(per_s=0.001, burst=3), at_once=2)
    async with questions.enter(one), questions.enter(one):
        with pytest.raises(TooManyRequests):
            await questions.enter(one).__aenter__()
        async with questions.enter(other):
            pass
    async with questions.enter(one):
        pass
    with pytest.raises(TooManyRequests) as refused:
        await questions.enter(one).__aenter__()
    assert int(refused.value.headers["Retry-After"]) > 1, "what was refused at once took nothing of its share"
    async with questions.enter(other):
        pass


async def test_a_lookup_is_bounded_for_each_store(small_hub: RunningHub) -> None:
    hub = small_hub
    hub.hub.door.lookups = Questions(Rate(per_s=0.001, burst=2))
    asked = {"kind": "phone", "value": "+48600700800"}
    shops = [await hub.enrol("S001"), await hub.enrol("S666")]
    for shop in shops:
        await shop.open_session()
        statuses = [(await hub.call("POST", "/sync/v1/member-lookups", asked, token=shop.token))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]


async def test_a_session_that_is_over_asks_nothing_more(hub: RunningHub, hostile: Lender, anna: UUID) -> None:
    """Whoever kept an old token, or plays a request of an old session back, gets nothing and moves nothing."""
    former = hostile.shop.token
    await hostile.shop.open_session()
    before = await books(hub)
    asked = {"kind": "card", "value": "29000000000000000039"}
    report = {"leases": [{"lease": hub.new_id(), "member": anna, "points": 60}], "heads": []}
    for method, path, body in (
        ("POST", "/sync/v1/commands", lease_command(hostile, member=anna)),
        ("POST", "/sync/v1/member-lookups", asked),
        ("POST", "/sync/v1/lease-reports", report),
        ("GET", "/sync/v1/snapshots/manifest", None),
        ("GET", "/sync/v1/sales/S001-T01-000001/state", None),
        ("GET", "/sync/v1/pull", None),
    ):
        status, answer = await hub.call(method, path, body, token=former)
        assert (status, answer["code"]) == (409, "fenced"), path
    assert await books(hub) == before


async def test_bodies_that_never_arrive_keep_no_other_store_from_pushing(small_hub: RunningHub) -> None:
    hub = small_hub
    honest, hostile = await Lender.enrolled(hub, "S001"), await Lender.enrolled(hub, "S666")
    head = (
        f"POST /sync/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {hostile.shop.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    writers = []
    turnstile = hub.hub.door.turnstile
    for n in range(2 * settings().pushes_at_once):
        _, writer = await asyncio.open_connection("127.0.0.1", int(hub.url.rpartition(":")[2]))
        presses = "redemptions" if n % 2 else "sales"
        writer.write(head.replace("Host:", f"Counterfoil-Class: {presses}\r\nHost:").encode())
        writers.append(writer)
    while turnstile.waiting < 2:  # noqa: ASYNC110  nothing tells of those who wait
        await asyncio.sleep(0.001)
    async with asyncio.timeout(60):
        assert (await honest.shop.push(honest.shop.book(1)))[0] == 200
    for writer in writers:
        writer.close()


async def test_a_store_waits_for_news_a_few_times_at_once_and_reads_no_more_than_its_share(
    small_hub: RunningHub,
) -> None:
    hub = small_hub
    shops = [await hub.enrol("S001"), await hub.enrol("S666")]
    hub.hub.door.news, hub.hub.door.readings = (Questions(Rate(per_s=0.001, burst=2)) for _ in range(2))
    paths = ("/sync/v1/pull", "/sync/v1/sales/S001-T01-000001", "/sync/v1/sales/S001-T01-000001/state")
    for shop in shops:
        await shop.open_session()
        news = [(await hub.call("GET", paths[0], token=shop.token))[0] for _ in range(3)]
        assert news == [200, 200, 429]
        receipts = [(await hub.call("GET", path, token=shop.token))[0] for path in paths[1:]]
        assert receipts == [404, 404]
        assert (await shop.entries())[0] == 429
        report: dict[str, list[object]] = {"leases": [], "heads": []}
        assert (await hub.call("POST", "/sync/v1/lease-reports", report, token=shop.token))[0] == 429
