"""A disk that went back in time: the store begins a new life, keeps what it has, gets back what it lost, and the proof
holds after every step."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from kiosk.commands import LineRequest
from kiosk.compose import make_shop
from kiosk.config import Config
from kiosk.life import healing
from kiosk.life.healing import Plan
from kiosk.life.rebuild import rebuild
from kiosk.life.setting_aside import apply_or_set_aside
from kiosk.life.start import DATABASE_NAME, release, start_store
from kiosk.shop import Shop, find_open_shift
from sync.chain import Head, chain_hash, epoch_text
from sync.db import connect
from sync.journal import Origin, Private, read_head
from sync.journal_mending import HistoryWrong, LoggedOp, take_back
from tests.kiosk.history import Story, Storyteller
from tests.kiosk.shopkit import NOW_MS, make_config, new_id, open_shop, prove_all


class Copy(NamedTuple):
    """What head office holds of one life: the ops behind a place, in their order, and the place of the last."""

    ops: list[LoggedOp]
    last: Head


class Disk:
    """A store's folder that can be taken back to what it was."""

    def __init__(self, folder: Path, seed: int, *, steps: int = 6) -> None:
        self.folder, self.image = folder / "data", folder / "image"
        connection, shop = open_shop(folder)
        self.config: Config = make_config(folder)
        self.epoch = shop.journal.epoch
        Storyteller(connection, shop, Random(seed)).tell(steps)
        self.common = read_head(connection, self.epoch)
        connection.close()
        shutil.copytree(self.folder, self.image)

    def live_on(self, seed: int, steps: int = 6) -> None:
        """Things happen at this disk in its present life, some hours on, so that ids and texts are others."""
        with self.opened() as (connection, shop):
            teller = Storyteller(connection, shop, Random(seed))
            teller.story = Story(connection, shop, NOW_MS + seed * 3_600_000)
            shift = find_open_shift(connection, "T01")
            teller.shift = shift.id if shift else None
            teller.tell(steps)

    def sell(self, sale: UUID, hours: int) -> None:
        """One sale under that id, some hours on."""
        with self.opened() as (connection, shop):
            Story(connection, shop, NOW_MS + hours * 3_600_000).sell(LineRequest(sku="100"), id=sale)

    def held(self, epoch: int, after: int) -> Copy:
        """What head office got of a life behind a number."""
        with self.opened() as (connection, _):
            people = {
                seq: Private(UUID(bytes=member), salt, data)
                for seq, member, salt, data in connection.execute(
                    "SELECT seq, member, salt, bytes FROM journal_private WHERE epoch = ?", (epoch,)
                )
            }
            rows = connection.execute(
                "SELECT seq, content FROM journal WHERE epoch = ? AND seq > ? ORDER BY seq", (epoch, after)
            )
            return Copy([LoggedOp(raw, people.get(seq)) for seq, raw in rows], read_head(connection, epoch))

    def go_back(self) -> None:
        """The machine is set back to the image, with everything that lay beside the database."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.image, self.folder)

    def plan(self, place: Head, seen: str | None = None) -> None:
        plan = Plan(epoch=epoch_text(place.epoch), seq=place.seq, hash=place.hash.hex(), seen_epoch=seen)
        healing.write_plan(self.folder, plan)

    def start(self) -> int:
        """Start and stop the service; the epoch it would have sold in."""
        own = self.config.store
        started = start_store(self.folder, own.code, own.currency, own.time_zone)
        release(started, clean=True)
        self.epoch, self.ordinal = started.epoch, started.ordinal
        return started.epoch

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[Any, Shop]]:
        connection = connect(self.folder / DATABASE_NAME)
        life = connection.execute("SELECT epoch, ordinal FROM life ORDER BY ordinal DESC LIMIT 1").fetchone()
        yield connection, make_shop(self.config, *life)
        connection.close()

    def take_back(self, lost: Copy, page: int = 1_000) -> int:
        """What head office holds comes back, page by page; how many entries were set aside."""
        set_aside = 0
        with self.opened() as (connection, shop):
            for at in range(0, len(lost.ops), page):
                ops = lost.ops[at : at + page]
                connection.execute("BEGIN IMMEDIATE")
                last = lost.last if at + page >= len(lost.ops) else self._place(connection, lost, at + page)
                origin, op_id = Origin(now_ms=NOW_MS), new_id()
                set_aside += take_back(connection, shop.journal, apply_or_set_aside, origin, op_id, last, ops)
                connection.execute("COMMIT")
        return set_aside

    def _place(self, connection: Any, lost: Copy, count: int) -> Head:  # noqa: ANN401
        """The place of the `count`-th op, as the answer of head office would name it."""
        first = lost.last.seq - len(lost.ops)
        held = read_head(connection, lost.last.epoch)
        for op in lost.ops[held.seq - first : count]:
            held = Head(held.epoch, held.seq + 1, chain_hash(held.epoch, held.seq + 1, held.hash, op.content))
        return held

    def prove(self) -> None:
        with self.opened() as (connection, _):
            report = prove_all(connection)
        assert not report.first_wrong or report.breach, report.first_wrong

    def head(self, epoch: int) -> Head:
        with self.opened() as (connection, _):
            return read_head(connection, epoch)

    def count(self, sql: str) -> int:
        with self.opened() as (connection, _):
            return int(connection.execute(sql).fetchone()[0])


@pytest.fixture(name="disk")
def make_disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, seed=1)


def test_a_plan_begins_a_new_life_behind_the_head_and_moves_nothing(disk: Disk) -> None:
    entries = disk.count("SELECT count(*) FROM journal")
    first = disk.epoch
    disk.plan(disk.common)
    assert disk.start() != first
    assert disk.ordinal == 2
    assert disk.head(first) == disk.common
    assert disk.count("SELECT count(*) FROM journal WHERE kind = 'epoch.cut'") == 0
    assert disk.count("SELECT count(*) FROM journal") == entries + 2, "a first entry and the key of the new life"
    disk.prove()


def test_a_plan_is_carried_out_once(disk: Disk) -> None:
    disk.plan(disk.common)
    epoch = disk.start()
    disk.plan(disk.common)
    assert disk.start() == epoch, "a cut between the new life and the end of its plan makes no second one"
    assert healing.read_plan(disk.folder) is None


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"epoch": 5}'])
def test_a_plan_that_cannot_be_read_begins_a_new_life_all_the_same(disk: Disk, damaged: str) -> None:
    file = disk.folder / healing.FILE_NAME
    file.write_text(damaged, encoding="utf-8")
    assert healing.read_notice(disk.folder) is not None, "nothing is booked until then"
    first = disk.epoch
    epoch = disk.start()
    assert epoch != first
    assert not file.exists()
    assert disk.start() == epoch
    disk.prove()


def test_a_plan_for_another_file_is_dropped(disk: Disk) -> None:
    first = disk.epoch
    disk.plan(Head(disk.common.epoch, disk.common.seq, bytes(32)))
    assert disk.start() == first
    assert healing.read_plan(disk.folder) is None


@pytest.mark.parametrize("seed", range(2, 6))
def test_two_histories_of_one_life_end_as_both_with_every_effect_once(tmp_path: Path, seed: int) -> None:
    disk = Disk(tmp_path, seed)
    first = disk.epoch
    disk.live_on(seed=seed + 100)
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.live_on(seed=seed + 200)
    mine = disk.held(first, disk.common.seq)
    assert disk.head(first).hash != lost.last.hash
    disk.plan(disk.common)
    second = disk.start()
    disk.prove()
    assert disk.head(first) == disk.common
    again = disk.held(second, 2).ops[: len(mine.ops)]
    assert again == mine.ops, "the same bytes and the same personal halves, in the same order"
    disk.take_back(lost, page=7)
    assert disk.head(first) == lost.last, "the chain is the one that head office holds"
    disk.prove()
    before = disk.held(second, 0)
    rebuild(disk.folder / DATABASE_NAME)
    assert disk.held(second, 0) == before
    disk.prove()


def test_what_was_sold_in_both_histories_counts_once_each_and_a_number_given_twice_is_set_aside(disk: Disk) -> None:
    first = disk.epoch
    disk.live_on(seed=31, steps=0)  # one sale
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.live_on(seed=32, steps=0)
    sold = disk.count("SELECT sum(due_minor) FROM sale")
    disk.plan(disk.common)
    disk.start()
    assert disk.count("SELECT sum(due_minor) FROM sale") == sold
    # Both were printed with the same number; the tables can hold one, head office has the other as an incident.
    assert disk.take_back(lost) == 1
    assert disk.count("SELECT sum(due_minor) FROM sale") == sold
    assert disk.count("SELECT count(*) FROM set_aside_entry WHERE code = 'conflict'") == 1
    disk.prove()


def test_a_sale_that_a_till_sent_again_after_the_disk_went_back_counts_once(disk: Disk) -> None:
    """Its answer was lost, so the till asks again with the same id: two entries of one sale, in two histories."""
    first, sale = disk.epoch, new_id()
    disk.sell(sale, hours=1)
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.plan(disk.common)
    disk.start()
    disk.sell(sale, hours=2)
    sold = disk.count("SELECT sum(due_minor) FROM sale")
    assert disk.take_back(lost) == 1
    assert disk.count("SELECT count(*) FROM set_aside_entry WHERE code = 'repeated'") == 1
    assert disk.count("SELECT sum(due_minor) FROM sale") == sold
    assert disk.count("SELECT count(*) FROM journal WHERE kind = 'sale.completed' AND op_id = x'" + sale.hex + "'") == 2
    disk.prove()


def test_points_earned_in_a_history_that_was_moved_stand_at_its_new_place(disk: Disk) -> None:
    """A posting carries the life and number of its entry, so the tables are made anew with the move."""
    first = disk.epoch
    disk.sell(new_id(), hours=1)
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    with disk.opened() as (connection, shop):
        story = Story(connection, shop, NOW_MS + 7_200_000)
        story.sell(LineRequest(sku="101", quantity_milli=9_000), member=story.enrol("Zofia", "609 009 009"))
    disk.plan(disk.common)
    second = disk.start()
    assert disk.count(f"SELECT count(*) FROM posting WHERE origin = {second}") > 0
    assert disk.count(f"SELECT count(*) FROM posting WHERE origin = {first} AND seq > {disk.common.seq}") == 0
    disk.prove()
    disk.take_back(lost)
    disk.prove()


def test_what_a_new_life_sold_fits_beside_what_came_back(disk: Disk) -> None:
    first = disk.epoch
    disk.live_on(seed=41, steps=0)
    lost = disk.held(first, disk.common.seq)
    lost_minor = disk.count("SELECT sum(due_minor) FROM sale")
    disk.go_back()
    before_minor = disk.count("SELECT sum(due_minor) FROM sale")
    disk.plan(disk.common)
    disk.start()
    disk.live_on(seed=42, steps=0)
    with_mine_minor = disk.count("SELECT sum(due_minor) FROM sale")
    assert disk.take_back(lost) == 0, "the new life has a letter of its own"
    assert disk.count("SELECT sum(due_minor) FROM sale") == with_mine_minor + lost_minor - before_minor
    disk.prove()


def test_a_second_revert_after_a_mending_ends_well_too(disk: Disk) -> None:
    """The image is from before the first mending: the second life is lost as a whole, and comes back as a whole."""
    first = disk.epoch
    disk.live_on(seed=51)
    lost_first = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.plan(disk.common)
    second = disk.start()
    disk.live_on(seed=52)
    lost_second = disk.held(second, 0)
    disk.go_back()
    disk.plan(disk.common, seen=epoch_text(second))
    third = disk.start()
    assert disk.ordinal == 3, "the lost life had a letter too"
    disk.plan(disk.common, seen=epoch_text(second))
    assert disk.start() == third, "the same till tells it again: it was dealt with"
    disk.live_on(seed=53)
    disk.take_back(lost_first)
    disk.take_back(lost_second)
    assert disk.head(first) == lost_first.last
    assert disk.head(second) == lost_second.last
    disk.prove()
    assert disk.count("SELECT count(*) FROM life") == 3


def test_entries_that_do_not_continue_the_chain_are_refused_and_nothing_is_kept(disk: Disk) -> None:
    first = disk.epoch
    disk.live_on(seed=61)
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.plan(disk.common)
    disk.start()
    with disk.opened() as (connection, shop):
        for wrong in (lost.ops[1:], lost.ops[:-1], [lost.ops[1], lost.ops[0], *lost.ops[2:]]):
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(HistoryWrong):
                take_back(
                    connection,
                    shop.journal,
                    apply_or_set_aside,
                    Origin(now_ms=NOW_MS),
                    new_id(),
                    lost.last,
                    wrong,
                )
            connection.execute("ROLLBACK")
    assert disk.head(first) == disk.common
    disk.prove()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE epoch = {first} AND seq = (SELECT max(seq) FROM journal WHERE epoch = {first})",
        "DELETE FROM journal WHERE kind = 'entries.recovered'",
        "UPDATE journal SET hash = zeroblob(32) WHERE epoch = {first} AND seq = {common} + 1",
        "DELETE FROM journal WHERE epoch = {first} AND seq > {common}",
        "DELETE FROM set_aside_entry",
        "DELETE FROM journal WHERE kind = 'epoch.cut'",
    ],
)
def test_damage_to_a_mended_journal_is_found(disk: Disk, damage: str) -> None:
    first = disk.epoch
    disk.live_on(seed=71, steps=0)
    lost = disk.held(first, disk.common.seq)
    disk.go_back()
    disk.live_on(seed=72, steps=0)
    disk.plan(disk.common)
    disk.start()
    disk.take_back(lost)
    disk.prove()
    with disk.opened() as (connection, _):
        connection.execute(damage.format(first=first, common=disk.common.seq))
        assert not prove_all(connection).ok
