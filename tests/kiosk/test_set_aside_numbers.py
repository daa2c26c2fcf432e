"""Receipt numbers of entries that came back and were set aside: given once, so no gap; any other hole still is one."""

from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from kiosk.commands import LineRequest
from kiosk.life.rules import RULES
from tests.kiosk.history import Story
from tests.kiosk.shopkit import NOW_MS, new_id, prove_all
from tests.kiosk.test_link_lives import Copy, Disk

HOUR_MS = 3_600_000


class Mended(NamedTuple):
    """A shop whose lost history came back; `n` is the first number that was given in both."""

    disk: Disk
    n: int


@pytest.fixture(name="disk")
def make_disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, seed=1)


def newest(disk: Disk) -> int:
    return disk.count("SELECT max(n) FROM document_number WHERE till = 'T01' AND series = 1")


def lose(disk: Disk, sale: UUID, returns: int) -> Copy:
    """A sale, a return of a part of it, another sale, further returns; then the disk goes back."""
    with disk.opened() as (connection, shop):
        story = Story(connection, shop, NOW_MS + HOUR_MS)
        story.sell(LineRequest(sku="100", quantity_milli=4_000), id=sale)
        if returns:
            story.take_back(sale)
        story.sell(LineRequest(sku="102"))
        for _ in range(returns - 1):
            story.take_back(sale)
    lost = disk.held(disk.epoch, disk.common.seq)
    disk.go_back()
    return lost


@pytest.fixture(name="mended")
def mend(disk: Disk) -> Mended:
    """Both histories gave number n. Of the lost one n and the returns n + 1 and n + 3 are set aside; n + 2 counts."""
    n = newest(disk) + 1
    lost = lose(disk, new_id(), returns=2)
    disk.sell(new_id(), hours=2)
    disk.plan(disk.common)
    disk.start()
    assert disk.take_back(lost) == 3
    assert newest(disk) == n + 2
    assert disk.count(f"SELECT count(*) FROM document_number WHERE series = 1 AND n = {n + 1}") == 0
    return Mended(disk, n)


def told(connection: Any) -> list[str]:  # noqa: ANN401  pysqlite3 has no types
    return list(RULES["numbers"](connection))  # type: ignore[operator]  # no joint check


def test_a_number_of_an_entry_that_was_set_aside_is_no_gap(mended: Mended) -> None:
    with mended.disk.opened() as (connection, _):
        report = prove_all(connection)
    assert report.ok, report.first_wrong


def test_a_number_of_a_sale_that_a_till_sent_again_is_no_gap(disk: Disk) -> None:
    """Its id counts in the new life, under a number of that life; the next receipt of the lost history counts, too."""
    sale, n = new_id(), newest(disk) + 1
    lost = lose(disk, sale, returns=0)
    disk.plan(disk.common)
    disk.start()
    disk.sell(sale, hours=2)
    assert disk.take_back(lost) == 1
    assert newest(disk) == n + 1
    with disk.opened() as (connection, _):
        report = prove_all(connection)
    assert report.ok, report.first_wrong


def test_every_other_number_that_is_missing_is_told(mended: Mended) -> None:
    with mended.disk.opened() as (connection, _):
        for n in range(1, mended.n):
            connection.execute("BEGIN")
            connection.execute("DELETE FROM document_number WHERE till = 'T01' AND series = 1 AND n = ?", (n,))
            assert told(connection) == ["the receipt numbers of till T01 in series 1 have a gap"]
            connection.execute("ROLLBACK")


def test_a_number_is_explained_in_its_own_series_and_below_the_newest_one_only(mended: Mended) -> None:
    disk, n = mended.disk, mended.n
    for hours in range(n + 4):
        disk.sell(new_id(), hours=3 + hours)
    with disk.opened() as (connection, _):
        assert told(connection) == []
        connection.execute("BEGIN")
        connection.execute("DELETE FROM document_number WHERE series = 2 AND n = ?", (n + 1,))
        assert told(connection) == ["the receipt numbers of till T01 in series 2 have a gap"]
        connection.execute("ROLLBACK")
        # Now n is the newest of its series, and n + 3, which was set aside, stands behind it.
        connection.execute("DELETE FROM document_number WHERE series = 1 AND n = ?", (n + 2,))
        connection.execute("DELETE FROM document_number WHERE series = 2 AND n = ?", (n + 1,))
        assert told(connection) == ["the receipt numbers of till T01 in series 2 have a gap"]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM set_aside_entry",
        "DELETE FROM set_aside_entry WHERE seq = {returned}",
        "DELETE FROM journal WHERE epoch = {epoch} AND seq = {returned}",
        "UPDATE set_aside_entry SET seq = seq - 1 WHERE seq = {returned}",
        "UPDATE document_number SET series = 7 WHERE series = 1",
        "UPDATE document_number SET till = 'T07' WHERE till = 'T01'",
    ],
)
def test_only_an_entry_that_lies_there_set_aside_explains_its_own_number(mended: Mended, change: str) -> None:
    disk = mended.disk
    first, returned = disk.common.epoch, disk.common.seq + 2
    with disk.opened() as (connection, _):
        connection.execute("PRAGMA foreign_keys = OFF")
        if "seq - 1" in change:
            connection.execute("DELETE FROM set_aside_entry WHERE seq = ?", (returned - 1,))
        connection.execute(change.format(epoch=first, returned=returned))
        assert told(connection) != []


def test_a_number_that_two_entries_were_set_aside_with_explains_one_hole(mended: Mended) -> None:
    disk, twin = mended.disk, 1_000
    with disk.opened() as (connection, _):
        place = disk.common.epoch, disk.common.seq + 2
        connection.execute(
            f"INSERT INTO journal (epoch, seq, op_id, kind, content, hash) SELECT epoch, {twin}, zeroblob(16), kind,"
            " content, hash FROM journal WHERE (epoch, seq) = (?, ?)",
            place,
        )
        connection.execute(
            f"INSERT INTO set_aside_entry (epoch, seq, op, code) SELECT epoch, {twin}, op, code FROM set_aside_entry"
            " WHERE (epoch, seq) = (?, ?)",
            place,
        )
        assert told(connection) == []
        connection.execute("DELETE FROM document_number WHERE till = 'T01' AND series = 1 AND n = 2")
        assert told(connection) != []
