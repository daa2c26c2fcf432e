"""A disk goes back, something is booked on it before anybody notices, and a later life begins behind that. Then head
office names the place where the life before had left its own history: it is cut off there, though it is closed."""

from pathlib import Path

import pytest

from sync.chain import Head
from tests.kiosk.shopkit import prove_all
from tests.kiosk.test_link_lives import Disk


@pytest.fixture(name="disk")
def make_disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, seed=1)


def cut_closed_life(disk: Disk) -> Head:
    """The head of the first life before it was cut."""
    disk.live_on(2, 3)
    noticed = disk.head(disk.epoch)
    assert noticed.seq > disk.common.seq
    disk.plan(noticed)
    disk.start()
    disk.plan(disk.common)
    disk.start()
    return noticed


def test_a_closed_life_is_cut_where_head_office_says(disk: Disk) -> None:
    first, entries = disk.epoch, disk.count("SELECT count(*) FROM journal")
    noticed = cut_closed_life(disk)
    assert disk.ordinal == 3
    assert disk.head(first) == disk.common
    moved = noticed.seq - disk.common.seq
    begun = 2 + 3  # a first entry and a key, twice; and the fact that names the cut
    assert disk.count("SELECT count(*) FROM journal") == entries + moved + begun
    disk.prove()
    disk.live_on(3, 3)
    disk.prove()


@pytest.mark.parametrize("behind", [0, 1])
def test_what_the_cut_kept_must_be_there(disk: Disk, behind: int) -> None:
    """Entries that go missing at the end of a life that was cut off do not look like the cut."""
    first = disk.epoch
    cut_closed_life(disk)
    with disk.opened() as (connection, _):
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("journal", "journal_private"):
            connection.execute(f"DELETE FROM {table} WHERE epoch = ? AND seq >= ?", (first, disk.common.seq - behind))
        report = prove_all(connection)
    assert report.first_wrong is not None
    assert report.first_wrong.seq == disk.common.seq
