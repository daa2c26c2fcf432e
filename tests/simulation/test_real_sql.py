"""Universes on the real SQL and on disks that lose power, are full and rot: nothing that was answered is lost, what
only one may have one had, all proofs hold."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from kiosk.life.start import StoreDamaged
from sync.db import SqliteError
from tests.postgres import need_postgres
from tests.simulation.real_plans import FOLLOWS, LOST, POWER_CUTS, run_planned, run_power_cuts
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import PHONES
from tests.simulation.real_tills import Till
from tests.simulation.real_universe import RealUniverse, books_on, collecting_nothing, run_on_postgres, run_real

SEEDS, CUSTOMERS = range(1, 17), 6
PLANNED_SEEDS = (1, 2)
"""Of universes that have every sort of trouble and do every deed, whatever luck the others have."""

FAULTS = set(FOLLOWS)
SEEN = {what for follows in FOLLOWS.values() for what in follows} - {LOST}
DEEDS = {
    "coupon kept",
    "coupon used",
    "paid with gift_card",
    "paid with points",
    "points lent",
    "returned elsewhere",
    "bundle planned",
    "sold at a planned price",
    "snapshot installed",
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Disks that go back in time are what these tests are about; the log need not say so each time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def universes() -> list[RealUniverse]:
    logging.disable(logging.CRITICAL)
    return [run_real(seed, CUSTOMERS) for seed in SEEDS]


def test_universes_hold_in_which_everything_goes_wrong_by_chance(universes: list[RealUniverse]) -> None:
    assert sum(len(universe.owed) for universe in universes) > 50
    befell = sum((universe.counts for universe in universes), Counter()).keys() & FAULTS
    assert len(befell) > len(FAULTS) // 2


@pytest.mark.parametrize("seed", PLANNED_SEEDS)
def test_a_universe_holds_in_which_every_trouble_and_every_deed_occurs(seed: int) -> None:
    universe = run_planned(seed)
    assert {name for name in FAULTS | SEEN | DEEDS if universe.counts[name] <= 0} == set()
    assert universe.power_cuts >= 2 * POWER_CUTS


def test_the_same_seed_is_the_same_universe(universes: list[RealUniverse]) -> None:
    assert run_real(SEEDS[2], CUSTOMERS).trace == universes[2].trace


@pytest.mark.parametrize(("place", "cut"), [("shop", "power cut"), ("hub", "hub power cut")])
def test_a_place_that_does_not_wait_for_its_disk_is_found(
    place: str, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power cuts would prove nothing if these universes held as well."""
    assert run_power_cuts(cut).power_cuts >= POWER_CUTS
    monkeypatch.setattr(f"tests.simulation.real_{place}.SYNCHRONOUS", "OFF")
    with pytest.raises((AssertionError, StoreDamaged, apsw.Error, SqliteError)):  # a damaged file says so in many ways
        run_power_cuts(cut)


def test_head_office_on_postgresql_holds_as_well() -> None:
    server = need_postgres()
    assert run_on_postgres(2, server, CUSTOMERS).owed
    with books_on(server, "power_cuts") as address:
        assert run_power_cuts("hub power cut", address).power_cuts >= POWER_CUTS


def test_a_disk_that_goes_back_by_more_than_a_life_begins_one_of_its_own(tmp_path: Path) -> None:
    """Nobody at the shop remembers; head office names a life that the disk has lost. Its letter and numbers are used
    up, so nothing more may be written in the life before it."""
    universe = RealUniverse(1, tmp_path, luck=0)
    shop, other = universe.shops
    with universe.patched(), collecting_nothing():
        universe.open()
        sell(universe, shop, 3)
        shop.copy_to(tmp_path / "old")
        shop.copy_to(tmp_path / "older")
        shop.put_back(tmp_path / "old", marks_too=False)  # a backup: a second life
        universe.wait(60_000)
        sell(universe, shop, 3)
        assert ordinals(shop) == [1, 2]
        shop.put_back(tmp_path / "older", marks_too=True)
        universe.wait(300_000)
        sell(universe, shop, 3)
        universe.heal()
        assert ordinals(shop) == [1, 2, 3]
        assert ordinals(other) == [1]
    universe.close()


def sell(universe: RealUniverse, shop: RealShop, count: int) -> None:
    """Sales on a till that remembers nothing, and the time for head office to hear of them."""
    for _ in range(count):
        shop.seen = ""
        universe.run_until(Till(universe, shop, tuple(PHONES.values())).sale())
    universe.wait(60_000)


def ordinals(shop: RealShop) -> list[int]:
    """The numbers of the lives that lie on a disk."""
    return [ordinal for (ordinal,) in shop.rows("SELECT ordinal FROM life ORDER BY ordinal")]
