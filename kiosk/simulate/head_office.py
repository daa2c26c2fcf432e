"""pure: a simulated head office: its disk, the mark outside of it, and its doors, which ask the real push machine.

Each call is one transaction. A crash between its commit and its answer leaves the work done and nobody told; a head
office that is down answers nothing.
"""

from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from msgspec.structs import replace

from kiosk.simulate.chance import draw_bytes, spread
from kiosk.simulate.feed import GLOBAL, PRODUCT
from kiosk.simulate.hub_answers import WAIT, Granted, HeldEntry, LeaseReport, Pulled, Wait
from kiosk.simulate.hub_books import HubBooks, Place, Received
from kiosk.simulate.hub_pages import AccountTeller, Page, Snapshot, applied_of, make_page, make_snapshot
from kiosk.simulate.hub_vouchers import SaleSeen, subject_of
from kiosk.simulate.invariants import check_accounts, check_effects, check_lending, check_stored
from kiosk.simulate.invariants_kept import check_cards, check_incidents
from kiosk.simulate.lending import Lent, free_points
from kiosk.simulate.world import START_MS, World
from loyalty.errors import Problem
from loyalty.points.account import Account
from sync.chain import Head, decode_content
from sync.hub.problems import BadSignature
from sync.protocol.commands import ReservedAnswer, Reserving
from sync.protocol.messages import Push, PushAnswer, SessionAnswer, SessionOpen
from sync.protocol.pull_hub import is_news
from sync.protocol.pull_store import Pull
from sync.protocol.push_hub import EpochState, nothing_held
from sync.protocol.refusals import Fenced
from sync.protocol.sessions import Opened, Standing, TurnedAway, release

if TYPE_CHECKING:
    from kiosk.simulate.shop import Shop

APPLY_ENTRIES = 20
CREDITS = 12
"""Small, so that one backlog is many pushes."""
RESTART_MS = 8_000
T = TypeVar("T")
LEASE_MS = 120_000
CLOSED_MS = 200_000
"""After a restore nothing is kept for anybody for so long: the longest lease, and more."""
_RESERVED_MS = 60_000
_SNAPSHOT_MS = 150_000
"""A snapshot serves so long, even when the database was put back meanwhile."""


class HeadOffice:
    """Head office, up or down."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.books = HubBooks()
        self.timeline_mark = 1  # the file outside the database
        self.up = True
        self.disks: list[Shop] = []
        self.stale: dict[bytes, bool] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._pages: dict[str, Page] = {}
        self._accounts = AccountTeller(ends_by_time=world.mix.expiry)
        self._applies = False
        for number in range(world.mix.catalogue):
            self.books.feed.put(GLOBAL, PRODUCT, f"{number:04}", b'"sold"', START_MS)

    @property
    def wall_ms(self) -> int:
        """Head office's clock, which is right."""
        return START_MS + self.world.now_ms

    # The doors of sync: sessions and pushes.

    def open_session(self, shop: str, message: SessionOpen) -> SessionAnswer | Problem | None:
        """`POST /sync/v1/sessions`."""
        if not self.up:
            return None
        world, books = self.world, self.books
        session = draw_bytes(world.chance, 16).hex()
        decided = world.machines.open_session(
            books.standings.get(shop, Standing()),
            message,
            session=session,
            timeline=books.timeline,
            held=self._held(shop),
            now_ms=self.wall_ms,
            credits=CREDITS,
        )
        books.standings[shop] = decided.standing
        if isinstance(decided, TurnedAway):
            if decided.rival is not None:
                world.note("hub", f"two copies of {shop} run: it is quarantined")
            return self._answer(decided.problem)
        assert isinstance(decided, Opened)
        books.sessions[shop] = session
        books.offsets[shop] = self.wall_ms - message.sent_at
        return self._answer(decided.answer)

    def _held(self, shop: str) -> tuple[Head, ...]:
        return tuple([state.head for (whose, _), state in self.books.epochs.items() if whose == shop])

    def push(self, shop: str, session: str, message: Push) -> PushAnswer | Problem | None:
        """`POST /sync/v1/push`."""
        if not self.up:
            return None
        world, books = self.world, self.books
        machines = world.machines
        try:
            standing = machines.admit_push(
                books.standings.get(shop, Standing()),
                message,
                is_present_session=books.sessions.get(shop) == session,
                timeline=books.timeline,
            )
            batch = machines.prove_batch(message)
            if batch.last.hash.hex() != message.signature and not machines.flaws.takes_what_is_not_signed:
                raise BadSignature
        except Problem as problem:
            return self._answer(problem)
        place = (shop, batch.before.epoch)
        held = books.epochs.get(place) or nothing_held(batch.before.epoch)
        hashes = {seq: books.inbox[place][seq - 1].hash for seq in machines.places_wanted(held, batch)}
        received = machines.receive(held, hashes, batch)
        answer = machines.answer_of(received, message.request, books.timeline, credits=CREDITS)
        if machines.flaws.answers_before_it_has_stored and self._crashes():
            return answer
        books.standings[shop] = standing
        self._store(
            place,
            received.state,
            [
                Received(
                    op.seq, decode_content(op.content).op_id, op.content, op.hash, self.wall_ms, books.offsets[shop]
                )
                for op in received.insert
            ],
        )
        return self._answer(answer)

    def _store(self, place: Place, state: EpochState, fresh: list[Received]) -> None:
        books = self.books
        books.epochs[place] = state
        if fresh:
            books.store(place, fresh)
            check_stored(self.world, books, place, fresh)
            self._plan_apply()
            ever = self.world.truth.ever_held.setdefault(place, {})
            for entry in fresh:
                ever.setdefault(entry.seq, {})[entry.hash] = True

    def entries(self, shop: str, session: str, epoch: int, after: int) -> tuple[HeldEntry, ...] | Problem | None:
        """`GET /sync/v1/epochs/{epoch}/entries`."""
        if not self.up:
            return None
        if self.books.sessions.get(shop) != session:
            return self._fenced(shop)
        return self.entries_held(shop, epoch)[after:]

    def entries_held(self, shop: str, epoch: int) -> tuple[HeldEntry, ...]:
        """Everything that is held of an epoch."""
        return tuple([HeldEntry(entry.op_id, entry.content) for entry in self.books.inbox.get((shop, epoch), ())])

    def _fenced(self, shop: str) -> Problem:
        return Fenced(self.books.standings.get(shop, Standing()).fence)

    # What shops read, and what they borrow.

    def pull(
        self, shop: str, asked: Pull, report: LeaseReport | None, *, may_wait: bool
    ) -> Pulled | Wait | Problem | None:
        """`GET /sync/v1/pull`. `report` is what the shop says of its leases; None: it was heard already."""
        if not self.up:
            return None
        books, machines = self.books, self.world.machines
        if books.sessions.get(shop) != asked.session:
            return self._fenced(shop)
        if report is not None:
            self._hear_of_leases(shop, report)
        page = self._pages[shop] = make_page(machines, books, shop, asked, self._pages.get(shop))
        if may_wait and not is_news(page.answer):
            return WAIT
        accounts = self._accounts.tell(books, shop, self.wall_ms)
        told = replace(page.answer, applied=applied_of(books, shop))
        return self._answer(Pulled(told, accounts, self.wall_ms))

    def manifest(self, shop: str, session: str) -> Snapshot | Problem | None:
        """`GET /sync/v1/snapshots/manifest`, with the files. One that was made lately is served again."""
        if not self.up:
            return None
        books = self.books
        if books.sessions.get(shop) != session:
            return self._fenced(shop)
        made = self._snapshots.get(shop)
        if made is None or made.manifest.made_at < self.wall_ms - _SNAPSHOT_MS:
            store = next(disk.store for disk in self.disks if disk.shop == shop)
            made = self._snapshots[shop] = make_snapshot(books, shop, store, self.wall_ms)
        return self._answer(made)

    def _hear_of_leases(self, shop: str, report: LeaseReport) -> None:
        """After a backup was put back: what the shop still holds of leases. What it had spent of others and head office
        has forgotten must be back before that, and applied, or it would be lent once more."""
        books = self.books
        early = self.world.machines.flaws.hears_of_leases_before_it_has_the_entries
        if shop not in books.unreported or (not early and (report.queued or not books.has_applied_all)):
            return
        del books.unreported[shop]
        for id_, lease in report.leases.items():
            if id_ not in books.lent:
                spent = books.spent_of(id_)
                books.lent[id_] = Lent(shop=shop, member=lease.member, points=lease.points, spent=spent)

    def lend(self, shop: str, session: str, lease: UUID, member: bytes, points: int) -> Granted | Problem | None:
        """`POST /sync/v1/commands {kind: lease}`: as many of the points as are free. The same id again is the same
        lease."""
        if not self.up:
            return None
        world, books = self.world, self.books
        flaws = world.machines.flaws
        if books.sessions.get(shop) != session:
            return self._fenced(shop)
        known = books.lent.get(lease)
        if known is not None:
            return self._answer(Granted(known.points))
        if books.unreported and not flaws.lends_at_once_after_a_restore:
            return self._answer(Granted(0))
        others = [] if flaws.lends_what_is_lent else books.lent_of(member)
        granted = min(points, free_points(books.accounts.get(member, Account()), others, self.wall_ms))
        if granted < 1:
            return self._answer(Granted(0))
        check_lending(world, books, self.disks, member, granted, self.wall_ms)
        books.lent[lease] = Lent(shop=shop, member=member, points=granted)
        world.truth.lent[lease] = max(world.truth.lent.get(lease, 0), granted)
        world.truth.lease_of[lease] = member
        if flaws.takes_leases_back_by_the_clock:
            world.scheduler.after(LEASE_MS, "hub takes a lease back", lambda: self._take_back(lease))
        world.note("hub", f"lends {granted} points to {shop}")
        return self._answer(Granted(granted))

    def _take_back(self, lease: UUID) -> None:
        lent = self.books.lent.get(lease)
        if lent is not None:
            self.books.lent[lease] = replace(lent, points=lent.spent)

    def find_sale(self, shop: str, session: str, sale: UUID) -> SaleSeen | Problem | None:
        """`GET /sync/v1/sales/{id}/state`."""
        if not self.up:
            return None
        if self.books.sessions.get(shop) != session:
            return self._fenced(shop)
        try:
            return self._answer(self.books.vouchers.find_sale(sale))
        except Problem as problem:
            return self._answer(problem)

    def reserve(self, shop: str, session: str, command: Reserving) -> ReservedAnswer | Problem | None:
        """`POST /sync/v1/commands`, for anything but a lease."""
        if not self.up:
            return None
        world, books = self.world, self.books
        if books.sessions.get(shop) != session:
            return self._fenced(shop)
        flaws = world.machines.flaws
        applied_seq = books.applied_seq.get((shop, int(command.epoch, 16)), 0)
        try:
            answer = books.vouchers.reserve(
                books.feed,
                shop,
                command,
                applied_seq,
                self.wall_ms,
                is_closed=bool(books.unreported) and self.wall_ms < books.vouchers.closed_until_ms,
                ignores_others=flaws.keeps_what_is_kept,
            )
        except Problem as problem:
            world.note("hub", f"keeps nothing for {shop}: {problem.code}")
            return self._answer(problem)
        world.truth.counts.reservations += 1
        world.note("hub", f"keeps {subject_of(command)[0]} for {shop}")
        if flaws.gives_reservations_back_by_the_clock:

            def take_back() -> None:
                self.books.vouchers.reserved.pop((shop, command.id), None)

            world.scheduler.after(_RESERVED_MS, "hub takes a reservation back", take_back)
        return self._answer(answer)

    # Applying.

    def _plan_apply(self) -> None:
        """The applier takes what waits, after a while."""
        if not self._applies and not self.books.has_applied_all:
            self._applies = True
            self.world.scheduler.after(spread(self.world.chance, self.world.mix.apply_ms), "hub applies", self._apply)

    def _apply(self) -> None:
        self._applies = False
        if self.up:
            self.apply_some()
            self._plan_apply()

    def apply_some(self) -> None:
        """One batch of the applier, in one transaction."""
        books = self.books
        first = books.applied_arrivals
        machines = self.world.machines
        touched = books.apply(APPLY_ENTRIES, machines.standing, once=not machines.flaws.applies_an_operation_again)
        fresh = [
            (place[0], books.inbox[place][seq - 1].op_id)
            for place, seq in books.arrivals[first : books.applied_arrivals]
        ]
        check_effects(self.world, books, fresh)
        check_accounts(books, touched, quick=True)
        if fresh:
            check_cards(self.world, books)
            check_incidents(self.world, books)
        self.stale |= dict.fromkeys(touched, True)

    # What goes wrong with it, and what its people do.

    def _answer(self, answer: T) -> T | None:
        """The answer, unless head office ends between the commit and this line."""
        return None if self._crashes() else answer

    def _crashes(self) -> bool:
        if not self.world.luck(self.world.mix.hub_crash):
            return False
        self.crash()
        return True

    def crash(self) -> None:
        """Head office ends; it comes back after a while. What was committed is there."""
        self.up = False
        self.world.note("hub", "goes down")
        self.world.scheduler.after(spread(self.world.chance, RESTART_MS), "hub starts", self.start)

    def start(self) -> None:
        """Start again. A database behind the mark outside of it was put back: a person has to say so first."""
        if self.books.timeline < self.timeline_mark:
            self.begin_timeline()
        self.up = True
        self._plan_apply()

    def restore(self, backup: HubBooks, *, mark_too: bool) -> None:
        """Put a backup in place of the database. `mark_too`: the mark outside goes back with it (the image of the whole
        machine), so that nobody notices and the timeline is not raised."""
        world = self.world
        world.truth.counts.hub_restores += 1
        world.note("hub", f"is put back from a backup{', its mark too' if mark_too else ''}")
        before, self.books = self.books, backup.copy()
        self._note_forgotten(before, world.now_ms + (0 if mark_too else CLOSED_MS))
        if not mark_too:
            self.begin_timeline()
        else:
            world.truth.nobody_knows = True
        self.timeline_mark = self.books.timeline
        self._plan_apply()

    def _note_forgotten(self, before: HubBooks, from_ms: int) -> None:
        truth, vouchers = self.world.truth, self.books.vouchers
        truth.counted |= {key: True for key in before.effects if key not in self.books.effects}
        for key, kept in (before.vouchers.reserved | before.vouchers.over).items():
            if key not in vouchers.reserved and key not in vouchers.over:
                truth.forget(kept.subject, kept.amount, from_ms)
        for planned in before.bundles.values():
            if planned.version not in self.books.bundles and planned.price in truth.planned:
                del truth.planned[planned.price]
                truth.unplanned[planned.price] = True

    def begin_timeline(self) -> None:
        """`counterfoil hub --restored`: what was told to shops before this holds no longer."""
        self.books.timeline = max(self.timeline_mark, self.books.timeline) + 1
        self.timeline_mark = self.books.timeline
        self.books.sessions.clear()
        if not self.world.machines.flaws.keeps_at_once_after_a_restore:
            self.books.vouchers.closed_until_ms = self.wall_ms + CLOSED_MS
        self.books.unreported = dict.fromkeys([disk.shop for disk in self.disks], True)

    def release(self, shop: str, run: str) -> None:
        """A person names the true copy of a quarantined shop."""
        self.books.standings[shop] = release(self.books.standings[shop], run)
        self.world.note("hub", f"{shop} is released for run {run[:4]}")
