"""pure: a simulated shop: a disk, the service that runs on it, the file beside the database, and the machine's clocks.

The service writes what its tills ask for, and its agent carries out what the real push machine says: it sends, waits,
keeps cursors and heals. Everything in `Service` is gone when the service stops; everything in `Books` stays.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import msgspec

from kiosk.simulate.agent import Agent
from kiosk.simulate.books import Books, DiskFull, Life
from kiosk.simulate.bundles import price_with, whole_bundles
from kiosk.simulate.chance import draw_bytes, spread
from kiosk.simulate.entries import BundleBegun, Deed, Entry, LeaseEnd
from kiosk.simulate.head_office import HeadOffice
from kiosk.simulate.lending import unspent_of
from kiosk.simulate.told import Told
from kiosk.simulate.truth import Breach
from kiosk.simulate.vouchers import end_of
from kiosk.simulate.world import START_MS, World
from loyalty.leases import Uptime
from sync.chain import Head
from sync.protocol.feed import Bundle
from sync.protocol.lives import Continue

RESTART_MS = 8_000


class Sidecar(NamedTuple):
    """The file beside the database: the nonces that are good, and the highest life that ever was here."""

    nonces: tuple[int, ...] = ()
    ordinal: int = 0


class Shop:
    """One disk and what runs on it. A copy of it that runs too is another Shop of the same `shop`."""

    def __init__(self, world: World, hub: HeadOffice, shop: str, store: UUID, disk: str) -> None:
        self.world, self.hub = world, hub
        self.shop, self.store, self.disk = shop, store, disk
        self.books = Books()
        self.sidecar = Sidecar()
        self.clock_offset_ms = 0
        self.boot, self.booted_at_ms = 0, 0
        self.agent: Agent | None = None
        self.scrapped = False
        self.held_back = False  # a person has stopped it
        self.disk_full = False
        self._looked_at: Told | None = None
        self._waiting: list[Bundle] = []
        self.in_use: dict[UUID, int] = {}  # reservations that a request works with, until when
        self.told: dict[UUID, bool] = {}  # what its tills were told is done, on this disk

    @property
    def uptime(self) -> Uptime:
        """The machine's monotonic clock."""
        return Uptime(f"{self.disk}/{self.boot}", self.world.now_ms - self.booted_at_ms)

    @property
    def wall_ms(self) -> int:
        """The machine's clock, right or wrong."""
        return START_MS + self.world.now_ms + self.clock_offset_ms

    def start(self) -> None:
        """Start the service: look at the marks, begin a new life where the database is not the one that ran here last,
        renew the marks, and let the agent run."""
        if self.agent is not None or self.scrapped or self.held_back:
            return
        if self.disk_full or not self.books.is_sound():
            self.start_later()  # it does not start before a person has seen to it
            return
        for op_id in self.told:
            if op_id not in self.books.places:
                raise Breach("answered", f"{self.disk} told a till that {op_id} is done and does not have it")
        if not self.books.lives:
            self.begin_life("first")
        self.look_for_signs(())
        nonce = self.world.chance.getrandbits(64)
        self.sidecar = self.sidecar._replace(nonces=(self.books.nonce, nonce))
        self.books.nonce = nonce
        self.sidecar = self.sidecar._replace(nonces=(nonce,))
        self.agent = Agent(self.world, self, self.hub)
        self.agent.start()

    def stop(self) -> None:
        """The service ends, orderly or not: only the disk remains."""
        self.agent = None
        self.in_use.clear()

    def cut_power(self) -> None:
        """The machine loses power: the service ends and its uptime with it."""
        self.stop()
        self.boot += 1
        self.booted_at_ms = self.world.now_ms
        self.world.truth.counts.power_cuts += 1

    def lose_power(self) -> None:
        """The power goes, and comes back after a while."""
        self.cut_power()
        self.start_later()

    def start_later(self) -> None:
        """Somebody starts the service again."""
        self.world.scheduler.after(spread(self.world.chance, RESTART_MS), f"{self.disk} starts", self.start)

    def look_for_signs(self, witnesses: tuple[Head, ...]) -> None:
        """Begin a new life if the marks or somebody who remembers more say that this database is an older one."""
        books = self.books
        if self.disk_full:
            return
        decision = self.world.machines.decide_life(
            books.heads,
            books.hash_at,
            nonce_matches=books.nonce in self.sidecar.nonces or not self.sidecar.nonces,
            witnesses=witnesses,
            answered=tuple(books.answered),
        )
        if isinstance(decision, Continue):
            return
        for head in witnesses:
            if books.life_of(head.epoch) is None:
                books.answered[head.epoch] = True
        self.begin_life(getattr(decision, "reason", "rewound"))
        self.wake()

    def begin_life(self, reason: str) -> None:
        """A new epoch, one life higher than any that this folder ever saw; what was lent before is void."""
        world, books = self.world, self.books
        if reason == "rewound" and not world.truth.disk_faults.get(self.shop):
            raise Breach("needless", f"{self.disk} begins a new life and nothing has happened to its disk")
        ordinal = max([self.sidecar.ordinal, *[life.ordinal for life in books.lives]]) + 1
        self.sidecar = self.sidecar._replace(ordinal=ordinal)
        books.lives.append(Life(world.chance.getrandbits(63), ordinal))
        world.note(self.disk, f"begins life {ordinal} ({reason}), epoch {books.life.epoch:016x}")
        self.write("store.life", Deed(life=ordinal))
        if not world.machines.flaws.keeps_leases_in_a_new_life:
            self.void_leases()

    def void_leases(self) -> None:
        """Report the end of every lease: what these books have not spent is head office's again."""
        for lease in list(self.books.leases.values()):
            self.end_lease(UUID(bytes=lease.id))

    def end_lease(self, lease: UUID) -> None:
        """A lease is over: nothing more is spent of it."""
        back = unspent_of(self.books, self.books.leases[lease])
        del self.books.leases[lease]
        self.write("lease.ended", Deed(ended=LeaseEnd(lease, back)))

    def need_space(self) -> None:
        """Raises DiskFull where a transaction could not be written."""
        if self.disk_full:
            raise DiskFull

    def give_back(self, reservation: UUID) -> None:
        """Nothing in this journal uses a reservation from here on."""
        self.write("reservation.ended", Deed(freed=reservation), end_of(reservation))

    def reach(self) -> int:
        """Whoever asks or books something makes the bundles begin whose instant has come on this shop's clock. The
        price that is sold at."""
        books, early = self.books, self.world.machines.flaws.begins_bundles_on_arrival
        if self._looked_at is not books.told:
            self._looked_at, self._waiting = books.told, whole_bundles(books.told)
        for bundle in self._waiting if not self.disk_full else ():
            if bundle.version in books.begun or (bundle.active_at > self.wall_ms and not early):
                continue
            begun = {version: active_at for version, (active_at, _) in books.begun.items()}
            try:
                price = price_with(books.told, {**begun, bundle.version: bundle.active_at})
            except msgspec.DecodeError:
                break  # a damaged row: nothing begins before it is told anew
            self.write("bundle.activated", Deed(begun=BundleBegun(bundle.version, bundle.active_at, price)))
            self.world.truth.counts.bundles += 1
            self.world.note(self.disk, f"begins bundle {bundle.version}, price {price}")
            self.wake()
        return books.price

    def write(self, kind: str, deed: Deed, op_id: UUID | None = None) -> Entry:
        """Write an entry and commit it. Raises DiskFull; then nothing of it was written."""
        if self.disk_full and not self.world.machines.flaws.books_half_when_full:
            raise DiskFull
        entry = self.books.append(op_id or self.world.new_id(), kind, self.wall_ms, deed)
        if self.disk_full:
            raise DiskFull
        self.world.truth.write(self.shop, self.disk, self.books.life.epoch, entry)
        return entry

    def log_again(self, op_id: UUID, content: bytes, deed: Deed) -> None:
        """Log an entry of a life that was cut once more, under the open one: same id, same bytes."""
        entry = self.books.log(self.books.life, op_id, content, deed)
        self.world.truth.write(self.shop, self.disk, self.books.life.epoch, entry, again=True)

    def wake(self) -> None:
        """Something was booked."""
        if self.agent is not None:
            self.agent.wake()

    def run_soon(self, what: str, action: Callable[[], None], delay_ms: int) -> None:
        """Do something later, if this very service still runs then."""
        agent = self.agent

        def act() -> None:
            if agent is not None and self.agent is agent:
                action()

        self.world.scheduler.after(delay_ms, what, act)

    def draw_run(self) -> str:
        """A name for one run of the service."""
        return draw_bytes(self.world.chance, 16).hex()
