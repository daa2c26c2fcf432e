"""Universes on the real SQL and on disks that lose power, are full and rot: nothing that was answered is lost, what
only one may have one had, all proofs hold."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import need_postgres
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import PHONES
from tests.simulation.real_tills import Till
from tests.simulation.real_universe import RealUniverse, collecting_nothing, run_on_postgres, run_real

SEEDS, CUSTOMERS = range(23, 43), 6
FAULTS = (
    "line down",
    "restore",
    "revert",
    "clone",
    "released",
    "new disk",
    "recovered",
    "new life",
    "bit in the journal found",
    "bit in a table found",
    "disk full",
    "hub disk full",
    "till heard storage_unavailable",
    "till heard read_only",
    "hub restore",
    "hub timeline",
    "hub restore unnoticed",
)
DEEDS = (
    "coupon kept",
    "coupon used",
    "paid with gift_card",
    "paid with points",
    "points lent",
    "returned elsewhere",
    "bundle planned",
    "sold at a planned price",
    "snapshot installed",
)


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


def test_20_universes_hold_and_had_trouble_of_every_kind(universes: list[RealUniverse]) -> None:
    counts = sum((universe.counts for universe in universes), Counter())
    assert {name: counts[name] for name in (*FAULTS, *DEEDS) if counts[name] <= 0} == {}
    assert sum(universe.power_cuts for universe in universes) > 20
    assert sum(len(universe.owed) for universe in universes) > 100


def test_the_same_seed_is_the_same_universe(universes: list[RealUniverse]) -> None:
    assert run_real(SEEDS[2], CUSTOMERS).trace == universes[2].trace


@pytest.mark.parametrize("place", ["shop", "hub"])
def test_a_place_that_does_not_wait_for_its_disk_is_found(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power cuts would prove nothing if these universes held as well."""
    monkeypatch.setattr(f"tests.simulation.real_{place}.SYNCHRONOUS", "OFF")
    found = []
    for seed in range(1, 13):
        try:
            run_real(seed, 2 * CUSTOMERS)
        except Exception as wrong:  # noqa: BLE001  a damaged file says so in many ways
            found.append(wrong)
            break
    assert found


def test_head_office_on_postgresql_holds_as_well() -> None:
    server = need_postgres()
    ran = [run_on_postgres(seed, server, CUSTOMERS) for seed in (2, 7)]
    assert sum(universe.power_cuts for universe in ran) > 0
    assert all(universe.owed for universe in ran)


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
