"""Goods that came back in both histories of one disk: what came back here meanwhile counts, the other return is set
aside, and the books keep every rule. What fits beside it counts as well."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.commands import LineRequest, VoidSale
from kiosk.sales.sale_service import void_sale
from tests.kiosk.history import Story
from tests.kiosk.shopkit import NOW_MS, new_id, prove_all
from tests.kiosk.test_link_lives import Disk

HOUR_MS = 3_600_000
Deed = Callable[[Story, UUID], object]


def some(*pieces: int) -> Deed:
    """So many pieces come back, each time under a number of its own."""
    return lambda story, sale: [story.take_back(sale, quantity_milli=1000 * count) for count in pieces]


def void(story: Story, sale: UUID) -> None:
    story.do_as(story.manager(), void_sale, sale, VoidSale(reason="a mistake"))


@pytest.mark.parametrize(
    ("lost", "meanwhile", "set_aside", "pieces_back"),
    [
        (some(3), some(3), 1, 3),
        (some(2), some(2), 1, 2),
        (some(1, 1), some(2), 1, 3),
        (some(1), some(2), 0, 3),
        (some(1), some(1), 0, 2),
        (some(3), void, 1, 0),
        (void, some(3), 1, 3),
    ],
)
def test_goods_come_back_once(lost: Deed, meanwhile: Deed, set_aside: int, pieces_back: int, tmp_path: Path) -> None:
    """Three pieces were sold before the disk went back."""
    disk, sale = Disk(tmp_path, seed=1), new_id()
    with disk.opened() as (connection, shop):
        Story(connection, shop, NOW_MS + HOUR_MS).sell(LineRequest(sku="102", quantity_milli=3000), id=sale)
    disk.common = disk.head(disk.epoch)
    shutil.rmtree(disk.image)
    shutil.copytree(disk.folder, disk.image)
    with disk.opened() as (connection, shop):
        story = Story(connection, shop, NOW_MS + 2 * HOUR_MS)
        for _ in range(2):  # so that no number is given in both histories
            story.sell(LineRequest(sku="100"))
        lost(story, sale)
    copy = disk.held(disk.epoch, disk.common.seq)
    disk.go_back()
    with disk.opened() as (connection, shop):
        meanwhile(Story(connection, shop, NOW_MS + 3 * HOUR_MS), sale)
    disk.plan(disk.common)
    disk.start()
    disk.take_back(copy)
    aside = disk.count(
        "SELECT count(*) FROM set_aside_entry JOIN journal USING (epoch, seq) WHERE kind <> 'sale.completed'"
    )
    assert aside == set_aside
    assert disk.count("SELECT coalesce(sum(quantity_milli), 0) FROM taken_back_line") == 1000 * pieces_back
    with disk.opened() as (connection, _):
        report = prove_all(connection)
    assert report.ok, report.first_wrong
