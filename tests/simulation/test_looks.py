"""When a universe is looked at: what was touched at once, everything every 50 steps and in the end."""

from collections.abc import Iterable
from random import Random

import pytest

from kiosk.simulate import head_office
from kiosk.simulate.hub_books import HubBooks
from kiosk.simulate.invariants import check_accounts
from kiosk.simulate.machines import REAL
from kiosk.simulate.universe import LOOK_EVERY, Universe, draw_mix


class Watched(Universe):
    """A universe that notes at which steps everything was looked at."""

    looked: list[int]

    def check_everything(self) -> None:
        self.looked.append(self.world.scheduler.steps)
        super().check_everything()


@pytest.mark.parametrize("seed", [1, 5])
def test_everything_is_looked_at_every_50_steps_and_in_the_end(seed: int) -> None:
    chance = Random(seed)
    universe = Watched(chance, REAL, draw_mix(chance))
    universe.looked = []
    result = universe.run()
    assert result.breach is None
    assert LOOK_EVERY == 50
    assert len(universe.looked) > 10
    assert universe.looked[:-1] == list(range(50, universe.looked[-1] + 1, 50))
    assert universe.looked[-1] == result.steps
    assert not universe.hub.stale, "nothing that changed was left out"


def test_what_an_entry_touched_is_looked_at_in_the_step_that_applied_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: set[bytes] = set()

    def look(books: HubBooks, members: Iterable[bytes], *, quick: bool) -> None:
        touched = list(members)
        looked.update(touched)
        assert quick
        check_accounts(books, touched, quick=quick)

    monkeypatch.setattr(head_office, "check_accounts", look)
    chance = Random(1)
    universe = Universe(chance, REAL, draw_mix(chance))
    assert universe.run().breach is None
    assert universe.hub.books.accounts.keys() <= looked != set()
