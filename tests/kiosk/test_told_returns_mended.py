"""What came back elsewhere is followed on the whole history alone: not while entries that a disk has lost come back."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kiosk.answers import SaleAnswer
from kiosk.config import Config
from kiosk.life import healing
from kiosk.life.start import DATABASE_NAME
from kiosk.sales.told_returns import doubt_whole, follow_returns, note_whole
from sync.chain import epoch_text
from sync.db import connect
from sync.protocol.sale_states import ReturnedElsewhere
from tests.kiosk.couponing import make_offer
from tests.kiosk.linked import SETTLE_S, joined_store, office, settled
from tests.kiosk.selling import Till
from tests.kiosk.shopkit import NOW_MS, caller, make_config, prove_all, running_store
from tests.kiosk.test_link_lives import Copy, Disk

HOUR_MS = 3_600_000
GIVES = {"with_sale": [{"offer": "NEXT", "from_minor": 600}]}
"""A sale of 609 gives a coupon; with either of its two lines back it would not have."""
NOTED = "SELECT value FROM head_office_note WHERE name = 'whole_in_life'"
FOLLOWED = "SELECT count(*) FROM journal WHERE kind = 'return.followed'"


def till_of(connection: Any, shop: Any, hours: int) -> Till:  # noqa: ANN401
    return Till(connection, shop, caller("manager", till="T01", at_ms=NOW_MS + hours * HOUR_MS))


def tell(till: Till, sale: UUID) -> None:
    """A page says that the second line came back at another store."""
    thing = "returned_elsewhere", str(sale)
    value = msgspec.json.encode(ReturnedElsewhere(returned={2: 1000}, refunded={"cash": 350}, pending={}))

    def page(tx: Any, shop: Any, who: Any) -> None:  # noqa: ANN401
        tx.execute(
            "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES ('store:x', ?, ?, 1, 0, ?)",
            (*thing, value),
        )
        follow_returns(tx, shop, who.now_ms, {thing})

    till.do(page)


@pytest.fixture(name="disk")
def make_disk(tmp_path: Path) -> Disk:
    disk = Disk(tmp_path, seed=1, steps=0)
    disk.config = make_config(tmp_path, coupons=GIVES)
    return disk


def sell_and_lose_the_return(disk: Disk) -> tuple[SaleAnswer, Copy]:
    """A sale; then, on a disk that goes back to before it, the own return of its first line."""
    with disk.opened() as (connection, shop):
        till = till_of(connection, shop, 1)
        make_offer(till, "NEXT")
        sold = till.sell("101", "102")
    disk.common = disk.head(disk.epoch)
    shutil.rmtree(disk.image)
    shutil.copytree(disk.folder, disk.image)
    with disk.opened() as (connection, shop):
        till_of(connection, shop, 2).take_back(sold, [(1, 1000)], refunds=[("cash", 259)])
    lost = disk.held(disk.epoch, disk.common.seq)
    disk.go_back()
    disk.plan(disk.common)
    disk.start()
    return sold, lost


def test_an_own_return_that_is_still_to_come_back_is_not_overtaken(disk: Disk) -> None:
    sold, lost = sell_and_lose_the_return(disk)
    with disk.opened() as (connection, shop):
        tell(till_of(connection, shop, 3), sold.id)
    assert disk.take_back(lost) == 0, "set aside, its goods could come back once more"
    with disk.opened() as (connection, shop):
        till = till_of(connection, shop, 4)
        assert till.quote_return(sold, []).refunds_allowed == []
        till.do(lambda tx, shop, who: note_whole(tx, shop, who.now_ms))
        assert till.rows(FOLLOWED) == [(0,)], "the own return has undone what there was"
        assert prove_all(connection).ok


def test_what_was_told_meanwhile_is_followed_once_everything_is_there(disk: Disk) -> None:
    sold, _ = sell_and_lose_the_return(disk)
    with disk.opened() as (connection, shop):
        till = till_of(connection, shop, 3)
        tell(till, sold.id)
        assert till.rows(FOLLOWED) == [(0,)]
        for _ in range(2):
            till.do(lambda tx, shop, who: note_whole(tx, shop, who.now_ms))
            assert till.rows(FOLLOWED) == [(1,)]
        assert prove_all(connection).ok


def test_once_entries_come_back_nothing_is_followed_until_all_are_there_again(disk: Disk) -> None:
    sold, _ = sell_and_lose_the_return(disk)
    with disk.opened() as (connection, shop):
        till = till_of(connection, shop, 3)
        till.do(lambda tx, shop, who: note_whole(tx, shop, who.now_ms))
        till.do(lambda tx, *_: doubt_whole(tx))
        tell(till, sold.id)
        assert till.rows(FOLLOWED) == [(0,)]


async def test_a_store_whose_image_was_put_back_follows_again_once_it_has_everything(tmp_path: Path) -> None:
    """The plan waits beside the database; the next start carries it out and fetches what was lost."""
    async with office(tmp_path) as hub:
        config = await joined_store(hub, tmp_path)
        async with running_store(config) as store:
            await store.open_shift()
            await settled(hub, store)
        shutil.copytree(config.data_dir(), tmp_path / "image")
        async with running_store(config) as store:
            await store.sell()
            await settled(hub, store)
        shutil.rmtree(config.data_dir())
        shutil.copytree(tmp_path / "image", config.data_dir())
        async with running_store(config):
            await until_true((config.data_dir() / healing.FILE_NAME).exists)
        async with running_store(config) as store:
            life = epoch_text(store.store.door.shop.journal.epoch)
            await until_true(lambda: read(config, NOTED) == [(life,)])
            assert read(config, "SELECT count(*) FROM sale") == [(1,)], "what was lost is back by then"
            assert read(config, "SELECT count(*) FROM life") == [(2,)]


async def until_true(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SETTLE_S):
        while not holds():  # noqa: ASYNC110  the service says so in its files
            await asyncio.sleep(0.02)


def read(config: Config, select: str) -> list[Any]:
    with contextlib.closing(connect(config.data_dir() / DATABASE_NAME, read_only=True)) as connection:
        return list(connection.execute(select).fetchall())
