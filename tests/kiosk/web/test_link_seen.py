"""Tills that remember the journal: a store on a disk that was set back learns from them what it has lost."""

import asyncio
import shutil
from pathlib import Path

import pytest

from kiosk.life import healing
from kiosk.life.start import DATABASE_NAME
from kiosk.web import seen
from kiosk.web.seen import HEADER, find_plan
from sync.chain import Head
from sync.db import connect
from sync.http.problems import StorageUnavailable
from tests.kiosk.shopkit import Running, make_config, running_store, sale_request


async def mark_of(store: Running) -> str:
    """What a till of this store remembers now."""
    journal = (await store.call("GET", "/v1/store")).json["journal"]
    return f"{journal['epoch']}:{journal['seq']}:{journal['hash']}"


@pytest.fixture(name="image")
def make_image(tmp_path: Path) -> Path:
    return tmp_path / "image"


async def set_back(tmp_path: Path, image: Path, *, sold_since: int = 3) -> str:
    """A store sells, and is then set back to an image of before; what its till still knows."""
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.open_shift()
        await store.sell()
    shutil.copytree(config.data_dir(), image)
    async with running_store(config) as store:
        for _ in range(sold_since):
            await store.sell()
        mark = await mark_of(store)
    shutil.rmtree(config.data_dir())
    shutil.copytree(image, config.data_dir())
    return mark


async def test_the_first_word_of_a_till_stops_the_store_and_begins_a_new_life(tmp_path: Path, image: Path) -> None:
    mark = await set_back(tmp_path, image)
    config = make_config(tmp_path)
    async with running_store(config) as store:
        old = store.store.door.shop.journal.epoch
        refused = await store.call("GET", "/v1/store", headers={HEADER: mark})
        assert (refused.status, refused.json["code"]) == (503, "read_only")
        assert (await store.sell()).json["code"] == "read_only", "nobody sells on in the old life"
        await asyncio.sleep(2.2)  # upkeep looks at the finding on disk, and must not open the shop again
        assert (await store.sell()).json["code"] == "read_only"
    async with running_store(config) as store:
        assert store.store.door.shop.journal.epoch != old
        await store.sign_in()
        sold = await store.call("POST", "/v1/sales", sale_request(), headers={HEADER: mark})
        assert sold.status == 201, "the till still knows the old entry; that asks for no third life"
        assert sold.json["number"] == "S001-T01B-000001"
        assert healing.read_plan(config.data_dir()) is None


async def test_a_till_that_knows_nothing_newer_is_served(tmp_path: Path) -> None:
    async with running_store(make_config(tmp_path)) as store:
        await store.open_shift()
        mark = await mark_of(store)
        for _ in range(3):
            sold = await store.call("POST", "/v1/sales", sale_request(), headers={HEADER: mark})
            assert sold.status == 201
            journal = sold.json["journal"]
            mark = f"{journal['epoch']}:{journal['seq']}:{journal['hash']}"


async def test_a_look_that_fails_is_told_and_does_not_keep_the_store_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seen, "_LOOK_S", 0.0)
    async with running_store(make_config(tmp_path)) as store:
        await store.open_shift()
        epoch = (await mark_of(store)).partition(":")[0]
        later = f"{epoch}:999:{'0' * 64}"

        def fail(*_: object) -> None:
            raise StorageUnavailable("the disk does not answer")

        monkeypatch.setattr(seen, "find_plan", fail)
        first = await store.call("GET", "/v1/store", headers={HEADER: later})
        assert first.status == 503
        assert (await store.call("GET", "/v1/store", headers={HEADER: later})).status == 200, "looked up beside it"
        async with asyncio.timeout(120):
            while "was not looked up" not in caplog.text:  # noqa: ASYNC110  it is looked up
                await asyncio.sleep(0.02)
        monkeypatch.undo()


@pytest.mark.parametrize("text", ["", "x", "0" * 16, "0" * 16 + ":1:zz", "f" * 16 + ":1:" + "0" * 64, "a:b:c" * 999])
async def test_a_mark_that_is_none_is_passed_over(tmp_path: Path, text: str) -> None:
    async with running_store(make_config(tmp_path)) as store:
        assert (await store.call("GET", "/v1/store", headers={HEADER: text})).status == 200


async def test_somebody_without_a_device_is_not_believed(tmp_path: Path, image: Path) -> None:
    mark = await set_back(tmp_path, image)
    async with running_store(make_config(tmp_path)) as store:
        for headers in ({HEADER: mark}, {HEADER: mark, "Authorization": "Bearer nobody"}):
            assert (await store.call("GET", "/v1/store", role=None, headers=headers)).status == 401
        await store.call("GET", "/livez", role=None, headers={HEADER: mark})
        assert (await store.sell()).status == 201


async def test_a_disk_set_back_under_a_running_service_is_found_by_a_later_word(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.open_shift()
        mark = await mark_of(store)
        assert (await store.call("GET", "/v1/store", headers={HEADER: mark})).status == 200
        epoch, seq, _ = mark.split(":")
        newer = f"{epoch}:{int(seq) + 5}:{'ab' * 32}"
        assert (await store.call("GET", "/v1/store", headers={HEADER: newer})).status == 200
        async with asyncio.timeout(120):
            while store.store.door.read_only is None:  # noqa: ASYNC110  a task of the service says so
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("mark", "plans"),
    [
        ("own head", False),
        ("own entry before it", False),
        ("own number, other hash", True),
        ("a number beyond the head", True),
        ("a life nobody knows", True),
        ("a lost life that was dealt with", False),
    ],
)
async def test_which_marks_begin_a_new_life(tmp_path: Path, mark: str, plans: bool) -> None:
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.open_shift()
    connection = connect(config.data_dir() / DATABASE_NAME)
    epoch, seq, entry_hash = connection.execute(
        "SELECT epoch, seq, hash FROM journal ORDER BY rowid DESC LIMIT 1"
    ).fetchone()
    before = connection.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch, seq - 1)).fetchone()[0]
    connection.execute("INSERT INTO lost_life (epoch) VALUES (?)", (epoch ^ 2,))
    marks = {
        "own head": Head(epoch, seq, entry_hash),
        "own entry before it": Head(epoch, seq - 1, before),
        "own number, other hash": Head(epoch, seq, bytes(32)),
        "a number beyond the head": Head(epoch, seq + 1, entry_hash),
        "a life nobody knows": Head(epoch ^ 1, 1, bytes(32)),
        "a lost life that was dealt with": Head(epoch ^ 2, 9, bytes(32)),
    }
    head, plan = find_plan(connection, epoch, marks[mark], 0)
    assert head == marks["own head"]
    assert (plan is not None) == plans
    if plan is not None:
        assert (plan.seq, plan.hash) == (seq, entry_hash.hex())
        assert (plan.seen_epoch is not None) == (mark == "a life nobody knows")
    connection.close()


async def test_after_a_life_begun_in_this_way_no_other_is_for_some_minutes(tmp_path: Path, image: Path) -> None:
    """Otherwise one device that lies could keep the shop from selling for as long as it likes."""
    mark = await set_back(tmp_path, image)
    config = make_config(tmp_path)
    async with running_store(config) as store:
        await store.call("GET", "/v1/store", headers={HEADER: mark})
    async with running_store(config) as store:
        await store.sign_in()
        lie = f"{'1' * 16}:7:{'0' * 64}"
        assert (await store.call("GET", "/v1/store", headers={HEADER: lie})).status == 200
        assert store.store.door.read_only is None
