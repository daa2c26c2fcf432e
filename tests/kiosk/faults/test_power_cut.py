"""The power goes at any write: with synchronous=FULL every answered sale is there afterwards, and the proof holds."""

from pathlib import Path
from random import Random

import pytest

from kiosk.life.start import StoreDamaged
from tests.kiosk.faults.power import PowerCutDisk
from tests.kiosk.faults.power_cuts import EVERY, SALES, lost_in, sell_on


@pytest.mark.parametrize("seed", range(2))
def test_no_answered_sale_is_lost_to_a_power_cut(tmp_path: Path, seed: int) -> None:
    disk = PowerCutDisk(Random(seed), EVERY)
    sell_on(disk, tmp_path / "shop", "FULL")
    assert len(disk.images) >= 15
    assert any(len(image.answered) > SALES // 2 for image in disk.images), "cuts must come late too"
    for n, image in enumerate(disk.images):
        assert lost_in(image, tmp_path / f"cut{n}") == 0


def test_this_disk_does_lose_what_nobody_waited_for(tmp_path: Path) -> None:
    """The same sales without waiting for the disk: were nothing lost here, the test above would prove nothing."""
    disk = PowerCutDisk(Random(0), EVERY)
    sell_on(disk, tmp_path / "shop", "OFF")
    lost = 0
    for n, image in enumerate(disk.images):
        try:
            lost += lost_in(image, tmp_path / f"cut{n}")
        except (StoreDamaged, AssertionError):
            lost += 1
    assert lost > 0
