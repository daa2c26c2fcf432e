"""pure: a simulated head office: its disk, the mark outside of it, and its doors, which ask the real push machine.

Each call is one transaction. A crash between its commit and its answer leaves the work done and nobody told; a head
office that is down answers nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import UUID

from msgspec.structs import replace

from kiosk.simulate.chance import draw_bytes, spread
from kiosk.simulate.hub_books import HubBooks, Place, Received
from kiosk.simulate.invariants import check_accounts, check_effects, check_lending, check_stored
from kiosk.simulate.lending import Lent, free_points
from kiosk.simulate.world import START_MS, World
from loyalty.errors import Problem
from loyalty.leases import Lease
from loyalty.points.account import Account
from loyalty.points.facts import Posting
from loyalty.points.fold import apply_postings, view
from sync.chain import Head, decode_content
from sync.protocol.messages import Push, PushAnswer, SessionAnswer, SessionOpen
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


class HeldEntry(NamedTuple):
    """An entry as head office gives it back."""

    op_id: UUID
    content: bytes


class Pulled(NamedTuple):
    """What a shop reads: the accounts with what is lent to others taken off, how far each of its lives is in them, and
    the coupons that are used."""

    accounts: Mapping[bytes, Account]
    applied: Mapping[int, int]
    used_coupons: Mapping[int, bool]


class LeaseReport(NamedTuple):
    """What a shop tells with every reading: the leases it holds, and how many entries wait to be sent."""

    leases: Mapping[UUID, Lease]
    queued: int


class Granted(NamedTuple):
    """The answer to a request for a lease; 0 points: nothing is free."""

    points: int


class HeadOffice:
    """Head office, up or down."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.books = HubBooks()
        self.timeline_mark = 1  # the file outside the database
        self.up = True
        self.disks: list[Shop] = []
        self.stale: dict[bytes, bool] = {}
        self._plan_apply()

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

    def pull(self, shop: str, session: str, report: LeaseReport) -> Pulled | Problem | None:
        """`GET /sync/v1/pull`, all of it in one page."""
        if not self.up:
            return None
        books = self.books
        if books.sessions.get(shop) != session:
            return self._fenced(shop)
        self._hear_of_leases(shop, report)
        applied = {epoch: seq for (whose, epoch), seq in books.applied_seq.items() if whose == shop}
        accounts = {member: self._told(shop, member) for member in books.accounts}
        return self._answer(Pulled(accounts, applied, dict.fromkeys(books.coupon_uses, True)))

    def _told(self, shop: str, member: bytes) -> Account:
        """A member's account without what other shops may spend of it."""
        account = self.books.accounts[member]
        account = view(account, max(account.as_of, self.wall_ms))
        others = sum(lent.outstanding for lent in self.books.lent_of(member) if lent.shop != shop)
        away = min(others, account.active)
        if not away:
            return account
        hold = Posting(
            member=member,
            op_id=bytes(16),
            kind="hold",
            points=away,
            effective_at=account.as_of,
            origin=2**63 - 1,
            expires_at=account.as_of + 2**42,
        )
        return apply_postings(account, [hold])

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

    # Applying.

    def _plan_apply(self) -> None:
        self.world.scheduler.after(spread(self.world.chance, self.world.mix.apply_ms), "hub applies", self._apply)

    def _apply(self) -> None:
        if self.up:
            self.apply_some()
        self._plan_apply()

    def apply_some(self) -> None:
        """One batch of the applier, in one transaction."""
        books = self.books
        first = books.applied_arrivals
        touched = books.apply(APPLY_ENTRIES, once=not self.world.machines.flaws.applies_an_operation_again)
        fresh = [
            (place[0], books.inbox[place][seq - 1].op_id)
            for place, seq in books.arrivals[first : books.applied_arrivals]
        ]
        check_effects(self.world, books, fresh)
        check_accounts(books, touched, quick=True)
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

    def restore(self, backup: HubBooks, *, mark_too: bool) -> None:
        """Put a backup in place of the database. `mark_too`: the mark outside goes back with it (the image of the whole
        machine), so that nobody notices and the timeline is not raised."""
        world = self.world
        world.truth.counts.hub_restores += 1
        world.note("hub", f"is put back from a backup{', its mark too' if mark_too else ''}")
        self.books = backup.copy()
        if not mark_too:
            self.begin_timeline()
        else:
            world.truth.nobody_knows = True
        self.timeline_mark = self.books.timeline

    def begin_timeline(self) -> None:
        """`counterfoil hub --restored`: what was told to shops before this holds no longer."""
        self.books.timeline = max(self.timeline_mark, self.books.timeline) + 1
        self.timeline_mark = self.books.timeline
        self.books.sessions.clear()
        self.books.unreported = dict.fromkeys([disk.shop for disk in self.disks], True)

    def release(self, shop: str, run: str) -> None:
        """A person names the true copy of a quarantined shop."""
        self.books.standings[shop] = release(self.books.standings[shop], run)
        self.world.note("hub", f"{shop} is released for run {run[:4]}")
