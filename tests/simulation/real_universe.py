"""A universe on the real SQL: two shops and a head office of the product's own, in virtual time, each with its SQLite
file on a disk that loses power, is full or rots, and between them a line that loses, doubles and delays.

    python -m tests.simulation.real_universe 300              # from seed 1 on
    python -m tests.simulation.real_universe 1 51             # seed 51
    python -m tests.simulation.real_universe 20 --postgres    # head office's books on a PostgreSQL of its own

One seed drives it. The clocks that the product reads and the randomness it draws come from the universe too.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import Context
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

from kiosk.bench.postgres_server import PostgresServer
from kiosk.life import head_office
from kiosk.simulate.network import GOOD, Manners, Network
from loyalty.ids import uuid7
from sync.agent.client import HubClient
from sync.http.problems import StorageUnavailable
from sync.hub import stores
from sync.hub.problems import StoreNotQuarantined
from tests.kiosk.shopkit import NOW_MS
from tests.simulation import real_hub
from tests.simulation.disk_database import InlineHelper
from tests.simulation.real_checks import agrees, reckon
from tests.simulation.real_faults import RATES, Faults
from tests.simulation.real_hub import RealHub
from tests.simulation.real_shop import RealShop
from tests.simulation.real_templates import CODES, HUB_SEED, PHONES, templates
from tests.simulation.real_tills import Carried, Till
from tests.simulation.virtual_time import VirtualLoop

T = TypeVar("T")
Story = Callable[["RealUniverse"], None]
CUSTOMERS = 20
TURN_MS, LOOK_MS, HEALED_MS = 9_000, 20_000, 3_600_000
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A disk in memory, where there is one: what is safe on it is for the crash disk to say."""


class RealUniverse:
    """Everything of one seed, in a folder of its own."""

    def __init__(self, seed: int, folder: Path, luck: int = 1, postgres: str | None = None) -> None:
        """`luck` 0: nothing goes wrong by itself."""
        self.folder, self.random, self.much = folder, Random(seed), luck
        self.loop = VirtualLoop()
        self.trouble = True
        self.trace: list[str] = []
        self.owed: dict[tuple[UUID, bytes], bool] = {}
        self.counts: Counter[str] = Counter()
        self.hub_forgot = False
        self.carried = Carried()
        self.floor_minor = self.random.choice((0, 0, 30))
        self.bundles = self.random.randrange(2)
        self._rates = {name: self._some(rate) for name, rate in RATES.items()}
        self.page_items = self.random.choice((4, 500))
        self._selling = 0
        self._closed = False
        self.starting = asyncio.Lock()
        """One shop starts at a time: what stands for the machine while it does so is laid over the product's names, and
        two of these that end in another order than they began would stay there for ever."""
        self._failures: list[BaseException] = []
        prepared = templates()
        self.members = prepared.members
        with self.patched():
            manners = Manners(loss=self._some(0.3), doubling=self._some(0.3), late=self._some(0.2), delay_ms=400)
            manners = Manners(**{**_fields(manners), "replay": self._some(0.2)})
            self.network = Network(self.loop, self.random, manners)  # type: ignore[arg-type]  # the part it uses
            things = self.random.choice((3, 5000))
            self.hub = RealHub(folder / "hub", prepared.hub, self.loop, self.random, things, postgres)
            self.shops = [RealShop(self, prepared.joined[code], prepared.shops[code]) for code in CODES]
            self.disks = list(self.shops)
        self.faults = Faults(self)

    def _some(self, rate: float) -> float:
        return rate * self.much * self.random.random() * self.random.randrange(2)

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """The product's clocks and randomness are this universe's; so is how much a page of the feed holds."""
        with (
            self.loop.virtual(NOW_MS, self.random),
            patch("sync.hub.pull.PAGE_ITEMS", self.page_items),
            patch("sync.protocol.pull_hub.PAGE_ITEMS", self.page_items),
            patch("kiosk.life.upkeep.Helper", InlineHelper),
        ):
            yield

    def now_ms(self) -> int:
        """The universe's clock."""
        return NOW_MS + self.loop.now_ms

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.loop.now_ms / 1000:9.3f}  {who:<6} {what}")

    def new_id(self) -> UUID:
        """An id."""
        return uuid7(self.now_ms(), self.random.randbytes(10))

    def luck(self, name: str) -> bool:
        """Whether this befalls somebody now."""
        if not self.trouble or self.random.random() >= self._rates[name]:
            return False
        self.count_luck(name)
        return True

    def count_luck(self, name: str) -> None:
        """This befalls somebody."""
        self.counts[name] += 1
        self.note("luck", name)

    @property
    def never_went_back(self) -> bool:
        """Whether no disk forgot anything that it had told, and none was there twice."""
        names = ("restore", "revert", "clone", "new disk", "bit in the journal", "hub restore", "hub restore unnoticed")
        return not any(self.counts[name] for name in names)

    @property
    def power_cuts(self) -> int:
        """How often the power went in the middle of a write."""
        return self.hub.power_cuts + sum(shop.power_cuts for shop in self.disks)

    def disks_of(self, store: UUID) -> list[RealShop]:
        """The machines that say to be this store."""
        return [disk for disk in self.disks if disk.joined.id == store and not disk.scrapped]

    # -- the loop

    def run_until(self, work: Awaitable[T]) -> T:
        """Do this, while everything else goes on."""
        answer = self.loop.run_until_complete(work)
        self._complain()
        return answer

    def wait(self, duration_ms: int) -> None:
        """Let time pass."""
        self.loop.wait(duration_ms)
        self._complain()

    def later(self, delay_s: float, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this after a while."""
        self.loop.call_later(delay_s, lambda: self.begin(action()), context=Context())

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else. What goes wrong in it is wrong with the universe."""
        if self._closed:
            work.close()
            return
        task = self.loop.create_task(work)
        task.add_done_callback(self._note_failure)

    def _note_failure(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failures.append(error)

    def _complain(self) -> None:
        if self._failures:
            raise self._failures[0]

    # -- a life

    def open(self) -> None:
        """Everybody is there and has spoken with each other; head office's first backup knows both shops."""
        manners, self.network.manners = self.network.manners, GOOD
        self.run_until(self.hub.start())
        for shop in self.shops:
            self.run_until(shop.start())
        while why := agrees(self):
            assert self.loop.now_ms < HEALED_MS, why
            self.wait(1_000)
        self.faults.back_up_hub()
        self.network.manners = manners

    def serve(self, shop: RealShop, customers: int) -> None:
        """Customers come to a shop."""

        async def serve() -> None:
            try:
                await Till(self, shop, tuple(PHONES.values())).serve(customers)
            finally:
                self._selling -= 1

        self._selling += 1
        self.begin(serve())

    def run(self, customers: int) -> None:
        """Sell and have trouble, heal, and look whether all is right."""

        def sell(universe: RealUniverse) -> None:
            for shop in universe.shops:
                universe.serve(shop, customers)
            while universe._selling:
                assert universe.loop.now_ms < HEALED_MS, "customers wait for ever"
                universe.wait(1 + TURN_MS // 2 + universe.random.randrange(TURN_MS))
                universe.faults.turn()

        self.tell(sell)

    def tell(self, story: Story) -> None:
        """Let this happen, heal, and look whether all is right."""
        with self.patched(), collecting_nothing():
            self.open()
            story(self)
            self.heal()
            reckon(self)

    def heal(self) -> None:
        """No more trouble; run until everybody agrees."""
        self.trouble = False
        self.note("all", "the trouble is over")
        self.network.manners = GOOD
        self.network.cut.clear()
        self.hub.disk.is_full = False
        for shop in self.disks:
            shop.disk.is_full = False
        self._look_after()
        if self.faults.prices:
            # One more word, behind all others: what head office said in a time that was lost, some shops heard and
            # others did not.
            self.faults.plan_price(60)
        until_ms = self.loop.now_ms + HEALED_MS
        while why := self.unsettled():
            assert self.loop.now_ms < until_ms, f"they do not agree: {why}"
            self.wait(LOOK_MS)
            self._look_after()

    def unsettled(self) -> str:
        """What is not as it shall be yet; nothing when all is."""
        if any(price.active_at > self.now_ms() for price in self.faults.prices):
            return "a price has not begun"
        return agrees(self)

    def _look_after(self) -> None:
        """What people do when nothing gets in their way."""
        self.hub.disk.spare()
        self.faults.mend_hub()
        for shop in list(self.faults.waiting):
            self.faults.recover(shop)
        for disk in list(self.disks):
            disk.disk.spare()
            if not disk.scrapped and len(self.disks_of(disk.joined.id)) > 1:
                self.faults.choose(disk)
        self.replace_scrapped()
        for shop in self.shops:
            self.release(shop)
        for shop in self.shops:
            state = shop.agent_state()
            if state is not None and state.alarm == "bad_signature":
                self.faults.enrol_again(shop)

    def replace_scrapped(self) -> None:
        """A shop whose machine was switched off for ever is the copy of it."""
        for code, shop in enumerate(self.shops):
            if shop.scrapped:
                self.shops[code] = self.disks_of(shop.joined.id)[0]

    def release(self, shop: RealShop) -> None:
        """Head office believes this machine to be the store."""
        state = shop.agent_state()
        if not self.hub.up or state is None:
            return

        def release(tx: Any) -> bool:  # noqa: ANN401  a Tx
            try:
                stores.release(tx, shop.joined.id, state.run)
            except StoreNotQuarantined:
                return False
            return True

        with contextlib.suppress(StorageUnavailable):  # whoever did this tries again when all is over
            if not self.hub.write(release):
                return
            self.counts["released"] += 1
            self.note(shop.name, "is the true one")

    def close(self) -> None:
        """Leave nothing open."""
        self._closed = True
        for shop in self.disks:
            shop.kill()
        self.hub.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        with self.patched():
            self.loop.wait(1)
        self.loop.close()
        assert vars(head_office)["HubClient"] is HubClient, "the next test would run with this universe's lines"


@contextlib.contextmanager
def collecting_nothing() -> Iterator[None]:
    """What the garbage collector finds ends at a moment that is not the seed's: it waits until the block is over."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _fields(struct: Any) -> dict[str, Any]:  # noqa: ANN401  any Struct
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def run_real(seed: int, customers: int = CUSTOMERS, postgres: str | None = None) -> RealUniverse:
    """One universe with its customers and its luck. Raises AssertionError with the end of its trace."""
    return live(seed, lambda universe: universe.run(customers), postgres=postgres)


def live(seed: int, life: Story, *, luck: int = 1, postgres: str | None = None) -> RealUniverse:
    """One universe, in a folder that goes away again. Raises AssertionError with the end of its trace."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-universe-", dir=FAST) as place:
        universe = RealUniverse(seed, Path(place), luck, postgres)
        try:
            life(universe)
        except Exception as wrong:
            wrong.add_note("\n".join([f"seed {seed}", *universe.trace[-40:]]))
            raise
        finally:
            universe.close()
    return universe


@contextlib.contextmanager
def books_on(server: PostgresServer, name: str) -> Iterator[str]:
    """The address of a head office's books on this server; they go again."""
    address = real_hub.make_postgres(server, name, templates().keys, Random(HUB_SEED), NOW_MS)
    try:
        yield address
    finally:
        server.drop_database(name)


def run_on_postgres(seed: int, server: PostgresServer, customers: int = CUSTOMERS) -> RealUniverse:
    """One universe whose head office has its books on this server."""
    with books_on(server, f"universe_{seed}") as address:
        return run_real(seed, customers, address)


def main(arguments: argparse.Namespace) -> None:
    """Run many; stops at the first that is wrong."""
    logging.disable(logging.CRITICAL)
    counts: Counter[str] = Counter()
    began_s = time.monotonic()
    server = PostgresServer.start() if arguments.postgres else None
    try:
        for number in range(1, arguments.universes + 1):
            seed = arguments.first_seed + number - 1
            universe = run_on_postgres(seed, server) if server else run_real(seed)
            counts += universe.counts
            counts["power really lost"] += universe.power_cuts
            counts["operations"] += len(universe.owed)
            if not number % 10:
                sys.stderr.write(f"{number} universes\n")
    finally:
        if server is not None:
            server.stop()
    where = "on PostgreSQL" if server else "on the real SQL"
    sys.stdout.write(
        f"{arguments.universes} universes {where} from seed {arguments.first_seed}: no breach"
        f" ({time.monotonic() - began_s:.0f} s)\n{dict(sorted(counts.items()))}\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("universes", type=int)
    parser.add_argument("first_seed", type=int, nargs="?", default=1)
    parser.add_argument("--postgres", action="store_true")
    main(parser.parse_args())
