"""A universe on the real SQL: two shops and a head office, each a SQLite file on a disk that loses power, between them
the real push machine on a simulated line. `python -m tests.simulation.real_universe 300` runs many.

One seed drives it. The clock that the product reads and the randomness it draws come from the universe too.
"""

import atexit
import contextlib
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest.mock import patch
from uuid import UUID

from kiosk.compose import make_shop
from kiosk.simulate.network import GOOD, Manners, Network
from kiosk.simulate.scheduler import Scheduler
from loyalty.ids import uuid7
from sync.db import connect
from sync.journal import read_life
from tests.kiosk.history import Story
from tests.kiosk.shopkit import NOW_MS, make_config, prepare_store
from tests.simulation.real_hub import RealHub
from tests.simulation.real_shop import RealShop, Wish

CODES = ("S001", "S002")
KINDS = ("sale", "sale", "sale", "points", "member")
SALES = 25
TURN_MS, APPLY_MS, PAUSE_MS, OUTAGE_MS, LOOK_MS = 9_000, 2_000, 6_000, 60_000, 20_000
HEALED_MS = 3_600_000
RATES = {
    "power cut": 0.5,
    "hub power cut": 0.5,
    "revert": 0.15,
    "restore": 0.15,
    "hub restore": 0.3,
    "line down": 0.2,
}
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A disk in memory, where there is one: what is safe on it is for the crash disk to say."""


class Template(NamedTuple):
    """A prepared shop: its folder, and its member."""

    folder: Path
    member: UUID


@cache
def templates() -> dict[str, Template]:
    """One prepared shop for each code, made once in a process. The folder goes with the process."""
    place = Path(tempfile.mkdtemp(prefix="counterfoil-shops-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    made = {}
    with frozen(Random(0), NOW_MS):
        for number, code in enumerate(CODES):
            made[code] = prepare(place / code, code, number)
    return made


def prepare(folder: Path, code: str, number: int) -> Template:
    """A shop with an open shift and a member, whose ids follow from `number`."""
    config = make_config(folder, store={"data_dir": "data", "code": code})
    with contextlib.closing(connect(prepare_store(config, NOW_MS))) as connection:
        life = read_life(connection)
        assert life is not None
        story = Story(connection, make_shop(config, *life), NOW_MS + number)
        story.open_shift()
        return Template(folder, story.enrol(phone=None))


@contextlib.contextmanager
def frozen(random: Random, now_ms: int | Callable[[], int]) -> Iterator[None]:
    """The product's clock and randomness are those given."""
    clock = now_ms if callable(now_ms) else lambda: now_ms
    with patch("time.time_ns", lambda: clock() * 1_000_000), patch("os.urandom", random.randbytes):
        yield


class RealUniverse:
    """Everything of one seed, in a folder of its own."""

    def __init__(self, seed: int, folder: Path, luck: int = 1) -> None:
        """`luck` 0: nothing goes wrong by itself."""
        self.folder, self.random = folder, Random(seed)
        self.scheduler = Scheduler()
        self.trouble = True
        self.trace: list[str] = []
        self.owed: dict[tuple[UUID, bytes], bool] = {}
        self.counts: Counter[str] = Counter()
        self._selling = len(CODES)
        self._much = luck
        self._rates = {name: self._some(rate) for name, rate in RATES.items()}
        manners = Manners(loss=self._some(0.3), doubling=self._some(0.3), late=self._some(0.2), delay_ms=400)
        self.network = Network(self.scheduler, self.random, manners)
        with frozen(self.random, self.now_ms):
            self.hub = RealHub(folder / "hub", self.random, self.now_ms)
            self.shops = [
                RealShop(self, self.hub, self.hub.add_store(code), template.folder, template.member)
                for code, template in templates().items()
            ]
        self._plan("apply", APPLY_MS, self._apply)

    def _some(self, rate: float) -> float:
        return rate * self._much * self.random.random() * self.random.randrange(2)

    def now_ms(self) -> int:
        """The universe's clock."""
        return NOW_MS + self.scheduler.now_ms

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.scheduler.now_ms / 1000:9.3f}  {who:<5} {what}")

    def new_id(self) -> UUID:
        """An id."""
        return uuid7(NOW_MS + self.scheduler.now_ms, self.random.randbytes(10))

    def run(self, sales: int) -> None:
        """Sell, have trouble, heal, and look whether all is right."""
        with frozen(self.random, self.now_ms):
            for shop in self.shops:
                self._keep(shop)
                self._plan("till", 1, lambda shop=shop: self._till(shop, sales, None))
                self._plan("luck", TURN_MS, lambda shop=shop: self._turn(shop))
            self.hub.back_up(self._backup)
            self._plan("luck", TURN_MS, self._hub_turn)
            while self._selling:
                self.scheduler.step()
            self.heal()
            self.reckon()

    def close(self) -> None:
        """Leave nothing open."""
        for shop in self.shops:
            shop.stop()
        self.hub.stop()

    @property
    def power_cuts(self) -> int:
        """How often the power went in the middle of a write."""
        return self.hub.power_cuts + sum(shop.power_cuts for shop in self.shops)

    def _plan(self, what: str, delay_ms: int, action: Callable[[], None]) -> None:
        self.scheduler.after(1 + delay_ms // 2 + self.random.randrange(delay_ms), what, action)

    def _luck(self, name: str) -> bool:
        if not self.trouble or self.random.random() >= self._rates[name]:
            return False
        self.counts[name] += 1
        self.note("luck", name)
        return True

    def _till(self, shop: RealShop, left: int, wish: Wish | None) -> None:
        """One customer after another, each with the same wish until it is answered."""
        if wish is None and not left:
            self._selling -= 1
            return
        if wish is None:
            left -= 1
            wish = Wish(self.new_id(), self.random.choice(KINDS), 1 + self.random.randrange(50))
            if shop.up and self._luck("power cut"):
                shop.disk.cut_after(1 + self.random.randrange(50))
        following = None if shop.ask(wish) else wish
        self._plan("till", PAUSE_MS, lambda: self._till(shop, left, following))

    def _turn(self, shop: RealShop) -> None:
        """What befalls a shop."""
        if self.random.random() < 0.3 and shop.up:
            self._keep(shop)
        if self._luck("line down"):
            self.network.cut[shop.name] = True
            self._plan("line up", OUTAGE_MS, lambda: self.network.cut.pop(shop.name, None))
        for name in ("revert", "restore"):
            if shop.up and self._luck(name):
                shop.put_back(self._image(shop), marks_too=name == "revert")
                self._take_stock(shop)
        if self.trouble:
            self._plan("luck", TURN_MS, lambda: self._turn(shop))

    def _hub_turn(self) -> None:
        """What befalls head office."""
        if not self.hub.up:
            self.note("hub", "starts")
            self.hub.start()
        if self.random.random() < 0.3:
            self.hub.back_up(self._backup)
        if self._luck("hub power cut"):
            self.hub.disk.cut_after(1 + self.random.randrange(80))
        elif self._luck("hub restore"):
            self.hub.restore(self._backup, mark_too=self.random.random() < 0.3)
            for shop in self.shops:
                self._take_stock(shop)
        self._plan("luck", TURN_MS, self._hub_turn)

    def _apply(self) -> None:
        self.hub.apply_some()
        self._plan("apply", APPLY_MS, self._apply)

    @property
    def _backup(self) -> Path:
        return self.folder / "hub.backup"

    def _image(self, shop: RealShop) -> Path:
        return self.folder / f"{shop.name}.image"

    def _keep(self, shop: RealShop) -> None:
        shop.copy_to(self._image(shop))

    def _take_stock(self, shop: RealShop) -> None:
        """What lies neither in the shop nor at head office any more is owed by nobody."""
        store = shop.joined.id
        held = shop.ops() | self.hub.ops_of(store)
        for key in [key for key in self.owed if key[0] == store and key[1] not in held]:
            del self.owed[key]

    def heal(self) -> None:
        """No more trouble; run until everybody agrees."""
        self.trouble = False
        self.note("all", "the trouble is over")
        self.network.manners = GOOD
        self.network.cut.clear()
        until_ms = self.scheduler.now_ms + HEALED_MS
        while not self._agrees():
            assert self.scheduler.now_ms < until_ms, "they do not agree"
            self.wait(LOOK_MS)

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        until_ms = self.scheduler.now_ms + duration_ms
        while self.scheduler.step(until_ms) is not None:
            pass

    def _agrees(self) -> bool:
        if not self.hub.up or not all(shop.up and not shop.push.queued for shop in self.shops):
            return False
        return not self.hub.apply_some() and all(self._chains_of(shop) == shop.chains() for shop in self.shops)

    def _chains_of(self, shop: RealShop) -> dict[int, list[tuple[int, bytes]]]:
        return {epoch: self.hub.chain_of(shop.joined.id, epoch) for epoch in shop.chains()}

    def reckon(self) -> None:
        """Nothing is lost, nothing counts twice, and both proofs hold."""
        # A till asks again under the same id when a disk went back between its commit and its answer. Then there are
        # two facts of one id; head office counts the first, and a person is told of the other.
        dead = [letter for letter in self.hub.dead_letters() if letter[1] != "id_conflict"]
        assert not dead, dead
        for shop in self.shops:
            applied = self.hub.ops_of(shop.joined.id, "applied")
            missing = [op for store, op in self.owed if store == shop.joined.id and op not in applied]
            assert not missing, f"{len(missing)} operations of {shop.name} do not count"
            report = shop.prove()
            assert report.ok, report.first_wrong
        report = self.hub.prove()
        assert report.ok, (report.first_wrong, report.tables)


def run_real(seed: int, sales: int = SALES) -> RealUniverse:
    """One universe, in a folder that goes away again. Raises AssertionError with the end of its trace."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-universe-", dir=FAST) as place:
        universe = RealUniverse(seed, Path(place))
        try:
            universe.run(sales)
        except AssertionError as wrong:
            wrong.add_note("\n".join([f"seed {seed}", *universe.trace[-40:]]))
            raise
        finally:
            universe.close()
    return universe


def main(universes: int, first_seed: int) -> None:
    """Run many; stops at the first that is wrong."""
    counts: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + universes):
        universe = run_real(seed)
        counts += universe.counts
        counts["power really lost"] += universe.power_cuts
        counts["operations"] += len(universe.owed)
        if not (seed - first_seed + 1) % 10:
            sys.stderr.write(f"{seed - first_seed + 1} universes\n")
    sys.stdout.write(f"{universes} universes on the real SQL from seed {first_seed}: {dict(counts)}: no breach\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
