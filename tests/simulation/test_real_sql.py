"""Universes on the real SQL and on disks that lose power: nothing that was answered is lost, both proofs hold."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.real_shop import RealShop, Wish
from tests.simulation.real_universe import RealUniverse, frozen, run_real

SEEDS = range(1, 21)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Disks that go back in time are what these tests are about; the log need not say so each time."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def universes() -> list[RealUniverse]:
    logging.disable(logging.WARNING)
    return [run_real(seed) for seed in SEEDS]


def test_20_universes_hold_and_had_trouble_of_every_kind(universes: list[RealUniverse]) -> None:
    counts = sum((universe.counts for universe in universes), Counter())
    assert sum(universe.power_cuts for universe in universes) > 60
    assert {"revert", "restore", "hub restore", "line down"} <= {name for name, count in counts.items() if count > 4}
    assert sum(len(universe.owed) for universe in universes) > 300


def test_the_same_seed_is_the_same_universe(universes: list[RealUniverse]) -> None:
    assert run_real(SEEDS[2]).trace == universes[2].trace


@pytest.mark.parametrize("place", ["shop", "hub"])
def test_a_place_that_does_not_wait_for_its_disk_is_found(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power cuts would prove nothing if these universes held as well."""
    monkeypatch.setattr(f"tests.simulation.real_{place}.SYNCHRONOUS", "OFF")
    found = []
    for seed in range(1, 9):
        try:
            run_real(seed)
        except Exception as wrong:  # noqa: BLE001  a damaged file says so in many ways
            found.append(wrong)
            break
    assert found


def test_a_disk_that_goes_back_by_more_than_a_life_begins_one_of_its_own(tmp_path: Path) -> None:
    """Nobody at the shop remembers; head office names a life that the disk has lost. Its letter and numbers are used
    up, so nothing more may be written in the life before it."""
    universe = RealUniverse(1, tmp_path, luck=0)
    shop, other = universe.shops
    with frozen(universe.random, universe.now_ms):
        sell(universe, shop, 3)
        shop.copy_to(tmp_path / "old")
        shop.copy_to(tmp_path / "older")
        shop.put_back(tmp_path / "old", marks_too=False)  # the file beside the database tells: a second life
        universe.wait(60_000)
        sell(universe, shop, 3)
        assert ordinals(shop) == [1, 2]
        shop.put_back(tmp_path / "older", marks_too=True)
        universe.wait(300_000)
        sell(universe, shop, 3)
        universe.heal()
        assert ordinals(shop) == [1, 2, 3]
        assert ordinals(other) == [1]
        universe.reckon()
    universe.close()


def sell(universe: RealUniverse, shop: RealShop, count: int) -> None:
    """Sales on a till that remembers nothing, and the time for head office to hear of them."""
    for number in range(count):
        shop.seen = None
        assert shop.ask(Wish(universe.new_id(), "sale", number))
    universe.wait(60_000)


def ordinals(shop: RealShop) -> list[int]:
    """The numbers of the lives that lie on a disk."""
    return [ordinal for (ordinal,) in shop.connection.execute("SELECT ordinal FROM life ORDER BY ordinal")]
