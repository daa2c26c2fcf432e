"""The power goes at any write: with synchronous=FULL every answered sale is there afterwards, and the proof holds."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.commands import LineRequest
from kiosk.compose import make_shop
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME, StoreDamaged, start_store
from kiosk.shop import Shop
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.faults.power import Image, PowerCutDisk
from tests.kiosk.history import Story
from tests.kiosk.shopkit import make_config, prepare_store

SALES = 60


def sell_on(disk: PowerCutDisk, folder: Path, synchronous: str) -> None:
    """Sell on a disk that takes images of what a power cut would leave."""
    config = make_config(folder)
    path = prepare_store(config)
    connection: Any = disk.connect(path)  # another binding of SQLite with the same shape
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    life = read_life(connection)
    assert life is not None
    shop: Shop = make_shop(config, *life)
    story = Story(connection, shop)
    story.open_shift()
    member = story.enrol()
    for n in range(SALES):
        sale = story.sell(LineRequest(sku="100"), LineRequest(sku="101"), member=member if n % 2 else None)
        disk.answered.add(sale.bytes)
    connection.close()


def lay_out(image: Image, folder: Path) -> Path:
    """An image as files of a store."""
    (folder / "data").mkdir(parents=True)
    for suffix, content in image.files.items():
        (folder / "data" / (DATABASE_NAME + suffix)).write_bytes(content)
    return folder / "data" / DATABASE_NAME


def lost_in(image: Image, folder: Path) -> int:
    """How many answered sales a store that starts from this image has lost. Raises StoreDamaged."""
    database = lay_out(image, folder)
    started = start_store(database.parent, "S001", "EUR", "Europe/Warsaw")
    assert started.read_only is None
    connection = connect(database, read_only=True)
    held = {sale for (sale,) in connection.execute("SELECT id FROM sale")}
    connection.close()
    report = prove(database, full=True)
    assert report.ok, report.first_wrong
    return len(image.answered - held)


@pytest.mark.parametrize("seed", range(2))
def test_no_answered_sale_is_lost_to_a_power_cut(tmp_path: Path, seed: int) -> None:
    disk = PowerCutDisk(Random(seed), every=45)
    sell_on(disk, tmp_path / "shop", "FULL")
    assert len(disk.images) >= 15
    assert any(len(image.answered) > SALES // 2 for image in disk.images), "cuts must come late too"
    for n, image in enumerate(disk.images):
        assert lost_in(image, tmp_path / f"cut{n}") == 0


def test_this_disk_does_lose_what_nobody_waited_for(tmp_path: Path) -> None:
    """The same sales without waiting for the disk: were nothing lost here, the test above would prove nothing."""
    disk = PowerCutDisk(Random(0), every=45)
    sell_on(disk, tmp_path / "shop", "OFF")
    lost = 0
    for n, image in enumerate(disk.images):
        try:
            lost += lost_in(image, tmp_path / f"cut{n}")
        except (StoreDamaged, AssertionError):
            lost += 1
    assert lost > 0
