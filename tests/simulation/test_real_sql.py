"""Universes on the real SQL and on disks that lose power: nothing that was answered is lost, both proofs hold."""

import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.simulation.real_universe import RealUniverse, run_real

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
