"""kill -9 while coupons are issued and printed: each coupon has its paper, each paper its coupon, none is lost."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from kiosk.compose import make_shop
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupons import CouponAnswer, IssueCoupon
from kiosk.life.proof import prove
from kiosk.offers.offer_service import put_offer
from kiosk.outcome import Outcome
from kiosk.shop import Shop
from loyalty.transactions import Tx
from sync.db import Database, connect
from sync.journal import read_life
from tests.kiosk.couponing import OFFER, offer_request
from tests.kiosk.shopkit import caller, make_config, new_id, perform, prepare_store


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_issuer_leaves_no_coupon_without_paper_and_no_paper_without_coupon(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    config = make_config(tmp_path)
    database = prepare_store(config)
    connection = connect(database)
    life = read_life(connection)
    assert life is not None
    offer = offer_request()
    perform(connection, put_offer, make_shop(config, *life), caller("manager"), new_id(), OFFER, offer, None)
    connection.close()
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    child = context.Process(target=_issue_in_groups, args=(config.folder, told))
    child.start()
    told.close()
    answered = {heard.recv()}
    time.sleep(random.uniform(0, 0.08))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join(120)
    while True:
        try:
            answered.add(heard.recv())
        except EOFError:
            break
    connection = connect(database, read_only=True)
    serials = {f"{row[0]:016x}" for row in connection.execute("SELECT serial FROM coupon")}
    issued = {row[0] for row in connection.execute("SELECT op FROM coupon")}
    printed = [row[0] for row in connection.execute("SELECT reference FROM print_job WHERE kind = 'coupon'")]
    connection.close()
    assert answered <= serials
    assert sorted(printed) == sorted(issued)
    report = prove(database, full=True)
    assert report.ok, report.first_wrong


def _issue_in_groups(folder: Path, told: Connection) -> None:
    asyncio.run(_issue_for_ever(folder, told))


async def _issue_for_ever(folder: Path, told: Connection) -> None:
    config = make_config(folder)
    database = Database(config.data_dir() / "store.sqlite")
    await database.open()
    life = await database.read(read_life)
    assert life is not None
    shop = make_shop(config, *life)

    async def till() -> None:
        while True:
            command = IssueCoupon(id=new_id(), offer=OFFER, print=True)
            issued = await database.write(_issue_of(shop, command))
            told.send(issued.answer.serial)

    await asyncio.gather(*(till() for _ in range(8)))


def _issue_of(shop: Shop, command: IssueCoupon) -> Callable[[Tx], Outcome[CouponAnswer]]:
    return lambda tx: issue_coupon(tx, shop, caller(), command)
