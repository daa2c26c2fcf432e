"""pure: a simulated shop reads what head office tells: pages by the real machine (sync.protocol.pull_store), snapshots
where there is very much to read, and sums that are added up again now and then."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kiosk.simulate.books import DiskFull
from kiosk.simulate.chance import spread
from kiosk.simulate.head_office import HeadOffice
from kiosk.simulate.hub_answers import LeaseReport, Pulled
from kiosk.simulate.hub_pages import Snapshot
from kiosk.simulate.invariants_told import check_read, check_snapshot
from kiosk.simulate.told import Told, install, keep_page
from kiosk.simulate.world import World
from loyalty.errors import Problem
from sync.protocol.pull_store import (
    Alarm,
    Answered,
    Applied,
    ApplyPage,
    Audited,
    Event,
    EverythingRead,
    Installed,
    Lost,
    Pull,
    Refused,
    SessionIsOver,
    SessionReady,
    Sleep,
    StorePull,
    Tick,
)
from sync.protocol.refusals import Fenced
from sync.protocol.snapshots import SnapshotRefused

if TYPE_CHECKING:
    from kiosk.simulate.agent import Agent

PULL_TIMEOUT_MS = 40_000
_AUDIT_MS = 90_000


class Reader:
    """The reading of one run of a shop's service."""

    def __init__(self, world: World, agent: "Agent", hub: HeadOffice) -> None:
        self.world, self.agent, self.shop, self.hub = world, agent, agent.shop, hub
        told = self.shop.books.told
        doubted = () if world.machines.flaws.forgets_its_doubts else told.doubted
        self.state = StorePull(
            seed=world.chance.getrandbits(64),
            cursor=told.cursor,
            generations=told.generations,
            refetch=doubted,
            doubted=doubted,
        )
        self._answer: Pulled | None = None
        self._asked_at_ms, self._is_patient = 0, False
        self._sound: Told | None = None

    def start(self) -> None:
        """Begin to add up, now and then."""
        self.shop.run_soon(f"{self.shop.disk} adds up", self._audit, spread(self.world.chance, _AUDIT_MS))

    def _audit(self) -> None:
        self.audit()
        self.start()

    def audit(self) -> None:
        """Add up all that is told here, row by row."""
        told = self.shop.books.told
        if self._sound is told or self.world.machines.flaws.adds_nothing_up:
            return
        wrong = told.wrong()
        if not wrong:
            self._sound = told
        if wrong and self.state.applying is None:
            self.world.note(self.shop.disk, f"what it was told does not add up: {' '.join(wrong)}")
            self._feed(Audited(wrong))

    def is_sound(self) -> bool:
        """Whether all that is told here was added up and is right."""
        self.audit()
        return self._sound is self.shop.books.told

    def begin_session(self, session: str) -> None:
        """The push has opened a session."""
        self._feed(SessionReady(session))

    def _feed(self, event: Event) -> None:
        self.state, effects = self.world.machines.pull_step(self.state, event, self.world.now_ms)
        for effect in effects:
            match effect:
                case Pull():
                    self._pull(effect)
                case ApplyPage():
                    self._keep(effect)
                case EverythingRead(applied):
                    self._note_read(applied)
                case SessionIsOver(session, fence):
                    self.agent.end_session(session, fence)
                case Sleep(until_ms):
                    delay_ms = max(1, until_ms - self.world.now_ms)
                    self.shop.run_soon(f"{self.shop.disk} reads on", lambda: self._feed(Tick()), delay_ms)
                case Alarm(code):
                    self.world.note(self.shop.disk, f"alarm: {code}")

    def _pull(self, effect: Pull) -> None:
        shop = self.shop
        self.agent.tidy_up()
        reports = [LeaseReport(dict(shop.books.leases), self.agent.push.queued)]

        def ask() -> object:
            report = reports.pop() if reports else None
            return self.hub.pull(shop.shop, effect, report, may_wait=report is not None)

        patience_ms = spread(self.world.chance, effect.wait_ms // 2)
        self.agent.call("pull", ask, lambda answer: self._on_pull(effect, answer), patience_ms)
        self._asked_at_ms = self.world.now_ms
        if not self._is_patient:
            self._is_patient = True
            self.shop.run_soon(f"{self.shop.disk} is patient", self._give_up, PULL_TIMEOUT_MS)

    def _give_up(self) -> None:
        """A question that was not answered for too long is lost."""
        left_ms = self._asked_at_ms + PULL_TIMEOUT_MS - self.world.now_ms
        if left_ms > 0:
            self.shop.run_soon(f"{self.shop.disk} is patient", self._give_up, left_ms)
            return
        self._is_patient = False
        if self.state.in_flight is not None:
            self._feed(Lost(self.state.in_flight))

    def _on_pull(self, effect: Pull, answer: object) -> None:
        if not isinstance(answer, Pulled):
            assert isinstance(answer, Problem), answer
            self._feed(Refused(effect.request, answer.code, 0, answer.fence if isinstance(answer, Fenced) else 0))
            return
        if effect.request != self.state.in_flight:
            return
        self._answer = answer
        if answer.page.refetch and answer.page.more and self.world.mix.snapshots:
            shop, session = self.shop.shop, effect.session
            self.agent.call(
                "manifest", lambda: self.hub.manifest(shop, session), lambda a: self._on_manifest(effect, answer, a)
            )
        else:
            self._feed(Answered(effect.request, answer.page))

    def _on_manifest(self, effect: Pull, first: Pulled, answer: object) -> None:
        """Install a snapshot in place of very many pages; they are read where it is refused."""
        world, shop = self.world, self.shop
        if effect.request != self.state.in_flight:
            return
        told, page = shop.books.told, first.page
        try:
            made = _need_snapshot(answer, page.timeline, any_=world.machines.flaws.installs_any_snapshot)
            if not world.machines.flaws.installs_any_snapshot:
                world.machines.refuse_past(made.manifest, told.timeline, told.numbers)
            shop.need_space()
        except (SnapshotRefused, DiskFull) as refused:
            world.note(shop.disk, f"no snapshot: {refused}")
            self._feed(Answered(effect.request, page))
            return
        installed = install(told, made.buckets, made.manifest.cursor, made.manifest.timeline)
        check_snapshot(world, shop.disk, told, installed)
        shop.books.told = installed
        world.note(shop.disk, "installs a snapshot")
        self._feed(Installed(effect.request, installed.cursor or "", installed.generations))

    def _keep(self, page: ApplyPage) -> None:
        """A page and its cursor, in one transaction."""
        shop = self.shop
        try:
            shop.need_space()
        except DiskFull:
            if self.world.machines.flaws.keeps_the_cursor_of_a_page_it_has_not:
                shop.books.told = replace(shop.books.told, cursor=page.cursor, generations=page.generations)
                self._feed(Applied())
            else:
                self._feed(Lost(page.request))
            return
        shop.books.told, wrong = keep_page(shop.books.told, page)
        self._feed(Applied(wrong))

    def _note_read(self, applied: dict[str, int]) -> None:
        """There is nothing more to read: what head office has counted of this shop is in all that it knows."""
        books, answer = self.shop.books, self._answer
        if answer is None or self.shop.disk_full:
            return
        check_read(self.world, self.shop.disk, books.told, answer.page)
        books.accounts = answer.accounts
        counted = {int(epoch, 16): seq for epoch, seq in applied.items()}
        arrived = self.world.machines.flaws.frees_the_floor_on_arrival
        cursors = books.cursors
        books.acknowledged = {
            epoch: cursors[epoch].seq if arrived else min(seq, cursors[epoch].seq)
            for epoch, seq in counted.items()
            if epoch in cursors
        }
        books.in_accounts = counted
        books.read_by, books.read_at = books.life.epoch, self.shop.uptime
        books.read_wall_ms = answer.at_ms


def _need_snapshot(answer: object, timeline: int, *, any_: bool) -> Snapshot:
    """The snapshot that was answered, of the timeline that head office has just said it is in. Raises
    SnapshotRefused."""
    if not isinstance(answer, Snapshot):
        raise SnapshotRefused("There is none.")
    if answer.manifest.timeline != timeline and not any_:
        raise SnapshotRefused("It is of another timeline.")
    return answer
