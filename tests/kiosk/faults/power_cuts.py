"""Stores whose power goes at any write, and what lies on their disk afterwards.

`python -m tests.kiosk.faults.power_cuts 1000` makes so many cuts, starts a store from what each has left, proves it
from the first entry, and stops at the first that has lost a sale it had answered.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from kiosk.commands import LineRequest
from kiosk.compose import make_shop
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME, release, start_store
from kiosk.shop import Shop
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.faults.power import Image, PowerCutDisk
from tests.kiosk.history import Story
from tests.kiosk.shopkit import make_config, prepare_store

SALES = 60
EVERY = 45
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A disk in memory, where there is one: what survives a cut is for the watched disk to say, not for this machine's."""


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
    release(started, clean=False)
    assert started.read_only is None, started.read_only
    connection = connect(database, read_only=True)
    held = {sale for (sale,) in connection.execute("SELECT id FROM sale")}
    connection.close()
    report = prove(database, full=True)
    assert report.ok, report.first_wrong
    return len(image.answered - held)


def cut_power() -> Iterator[Image]:
    """What one power cut after another has left, without an end; seed by seed, so always the same cuts."""
    for seed in count(1):
        with tempfile.TemporaryDirectory(prefix="counterfoil-power-", dir=FAST) as place:
            disk = PowerCutDisk(Random(seed), EVERY)
            sell_on(disk, Path(place), "FULL")
        yield from disk.images


def main(cuts: int) -> None:
    """So many cuts; stops at the first whose store has lost an answered sale, or cannot be proved."""
    logging.disable(logging.WARNING)
    began_s, answered = time.monotonic(), 0
    for number, image in enumerate(cut_power(), 1):
        with tempfile.TemporaryDirectory(prefix="counterfoil-cut-", dir=FAST) as place:
            lost = lost_in(image, Path(place))
        assert not lost, f"cut {number} lost {lost} of {len(image.answered)} answered sales"
        answered += len(image.answered)
        if number == cuts:
            break
        if not number % 100:
            sys.stderr.write(f"{number} power cuts\n")
    sys.stdout.write(
        f"{cuts} power cuts: no acknowledged sale lost ({answered} answers held to what was left;"
        f" {time.monotonic() - began_s:.0f} s)\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
