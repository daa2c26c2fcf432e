"""pure: the agent of a simulated shop: it carries out what the real push machine says, reads from head office, and
asks for leases. One agent is one run of the service; nothing of it outlives that.

Every call is two messages. An answer that comes when the run is over comes to nobody.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from kiosk.simulate.books import DiskFull, Life
from kiosk.simulate.entries import read_content
from kiosk.simulate.head_office import LEASE_MS, HeadOffice
from kiosk.simulate.hub_answers import Granted, HeldEntry, Wait
from kiosk.simulate.invariants import check_cursor, check_late
from kiosk.simulate.lending import loans_of
from kiosk.simulate.reader import Reader
from kiosk.simulate.vouchers import to_give_back
from kiosk.simulate.world import World
from loyalty.errors import Problem
from loyalty.leases import Uptime, receive, remaining
from sync.chain import Head, epoch_text
from sync.protocol.messages import PROTOCOL, Op, Push, PushAnswer, SessionAnswer, SessionOpen, message_of
from sync.protocol.push_state import (
    Alarm,
    Event,
    Heal,
    Healed,
    Lost,
    OpenSession,
    Pushed,
    Refused,
    SaveCursor,
    Send,
    SessionEnded,
    SessionOpened,
    Sleep,
    Tick,
    Woken,
)
from sync.protocol.refusals import Fenced

if TYPE_CHECKING:
    from kiosk.simulate.shop import Shop

TIMEOUT_MS = 10_000
_SIGNATURE = "0" * 128
"""Signatures are the edge's. That of a push is the hash behind its last op, the part that a damaged disk can break."""
_ROOM_MS = 5_000


class Asked(NamedTuple):
    """A lease that was asked for: when the request left decides when the lease ends."""

    lease: UUID
    member: bytes
    points: int
    sent: Uptime
    epoch: int


class Agent:
    """One run of a shop's service, as far as head office is concerned."""

    def __init__(self, world: World, shop: "Shop", hub: HeadOffice) -> None:
        self.world, self.shop, self.hub = world, shop, hub
        books = shop.books
        self.push = world.machines.begin(
            shop.draw_run(), tuple(books.cursors.values()), self._heads(), world.chance.getrandbits(64)
        )
        self._sleep_until: int | None = None
        self.reader = Reader(world, self, hub)
        self._leases: dict[bytes, Asked] = {}

    def start(self) -> None:
        """Begin to work."""
        self.wake()
        self.reader.start()

    def wake(self) -> None:
        """Something was booked."""
        self._feed(Woken(self._heads()))

    def _heads(self) -> tuple[Head, ...]:
        heads = self.shop.books.heads
        return heads[-1:] if self.world.machines.flaws.pushes_the_open_epoch_only else heads

    def _feed(self, event: Event) -> None:
        before = self.push.session
        self.push, effects = self.world.machines.step(self.push, event, self.world.now_ms)
        for effect in effects:
            match effect:
                case OpenSession():
                    self._open_session(effect)
                case Send():
                    self._send(effect)
                case SaveCursor(head):
                    self._save_cursor(head)
                case Sleep(until_ms):
                    self._sleep(until_ms)
                case Heal(common):
                    self._heal(common)
                case Alarm(code):
                    self.world.note(self.shop.disk, f"alarm: {code}")
        if self.push.session is not None and self.push.session != before:
            self.reader.begin_session(self.push.session)

    def end_session(self, session: str, fence: int) -> None:
        """Head office does not know a session any more."""
        self._feed(SessionEnded(session, fence))

    def call(
        self, what: str, ask: Callable[[], object], answered: Callable[[object], None], patience_ms: int = 0
    ) -> None:
        """Ask head office; `answered` hears the answer, or the problem, if one comes while this run lasts. A request
        that may wait is asked once more at head office after `patience_ms`."""
        world, shop = self.world, self.shop

        def at_hub() -> None:
            answer = ask()
            if isinstance(answer, Wait):
                world.scheduler.after(patience_ms, f"{shop.disk} waited", at_hub)
            elif answer is not None:
                world.network.send(shop.disk, f"{shop.disk} <- {what}", lambda: at_shop(answer))

        def at_shop(answer: object) -> None:
            if shop.agent is self:
                answered(answer)

        world.network.send(shop.disk, f"{shop.disk} -> {what}", at_hub)

    def _lost_after(self, request: int) -> None:
        def give_up() -> None:
            if self.push.in_flight is not None and self.push.in_flight.request == request:
                self._feed(Lost(request))

        self.shop.run_soon(f"{self.shop.disk} gives up {request}", give_up, TIMEOUT_MS)

    def _open_session(self, effect: OpenSession) -> None:
        message = SessionOpen(
            store=self.shop.store,
            run=effect.run,
            count=effect.request,
            fence=effect.fence,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version="simulated",
            heads=tuple([message_of(head) for head in effect.heads]),
            sent_at=self.shop.wall_ms,
            signature=_SIGNATURE,
        )
        shop = self.shop.shop
        self.call(
            "session", lambda: self.hub.open_session(shop, message), lambda a: self._on_session(effect.request, a)
        )
        self._lost_after(effect.request)

    def _on_session(self, request: int, answer: object) -> None:
        if isinstance(answer, SessionAnswer):
            self._feed(SessionOpened(request, answer, self._own(answer)))
        else:
            self._refuse(request, answer)

    def _send(self, effect: Send) -> None:
        life = self.shop.books.life_of(effect.epoch)
        entries = life.after(effect.from_seq - 1, effect.limit) if life is not None else []
        message = Push(
            request=effect.request,
            timeline=effect.timeline,
            epoch=epoch_text(effect.epoch),
            from_seq=effect.from_seq,
            previous=effect.previous.hex(),
            max_seq=effect.newest.seq,
            max_hash=effect.newest.hash.hex(),
            closed=effect.closed,
            ops=tuple([Op(content=entry.content.decode()) for entry in entries]),
            signature=(entries[-1].hash if entries else effect.previous).hex(),
        )
        shop = self.shop.shop
        what = f"push {effect.epoch >> 48:04x}/{effect.from_seq}+{len(entries)}"
        self.call(
            what, lambda: self.hub.push(shop, effect.session, message), lambda a: self._on_push(effect.request, a)
        )
        self._lost_after(effect.request)

    def _on_push(self, request: int, answer: object) -> None:
        if isinstance(answer, PushAnswer):
            self.world.note(self.shop.disk, f"{answer.outcome} {answer.epoch[:4]}/{answer.seq}")
            before = self.push
            self._feed(Pushed(answer, self._own(answer)))
            check_late(self.shop.disk, before, self.push, answer.request)
        else:
            self._refuse(request, answer)

    def _own(self, answer: SessionAnswer | PushAnswer) -> tuple[Head, ...]:
        hash_at = self.shop.books.hash_at
        places = [(epoch, seq, hash_at(epoch, seq)) for epoch, seq in self.world.machines.places_of(answer)]
        return tuple([Head(epoch, seq, known) for epoch, seq, known in places if known is not None])

    def _refuse(self, request: int, answer: object) -> None:
        assert isinstance(answer, Problem), answer
        self.world.note(self.shop.disk, f"refused: {answer.code}")
        self._feed(Refused(request, answer.code, 0, _fence_of(answer)))

    def _save_cursor(self, head: Head) -> None:
        books = self.shop.books
        check_cursor(self.world, self.shop, head)
        if self.shop.disk_full:
            return  # it is only too low after the next start
        books.cursors[head.epoch] = head
        life = books.life_of(head.epoch)
        if life is not None and self.world.machines.flaws.deletes_what_is_acknowledged:
            life.given_up = max(life.given_up, head.seq)

    def _sleep(self, until_ms: int) -> None:
        if self._sleep_until is not None and self.world.now_ms < self._sleep_until <= until_ms:
            return  # a tick comes before that anyway
        self._sleep_until = until_ms
        delay_ms = max(1, until_ms - self.world.now_ms)
        self.shop.run_soon(f"{self.shop.disk} ticks", self._tick, delay_ms)

    def _tick(self) -> None:
        self._sleep_until = None
        self._feed(Tick())

    # Healing: another history at head office, or an epoch that this disk has lost.

    def _heal(self, common: Head) -> None:
        self.world.note(self.shop.disk, f"heals {common.epoch >> 48:04x} behind {common.seq}")
        try:
            if common.epoch == self.shop.books.life.epoch:
                self.shop.begin_life("rewound")
        except DiskFull:
            self.shop.run_soon(f"{self.shop.disk} heals again", lambda: self._heal(common), _ROOM_MS)
        else:
            self._fetch(common)

    def _fetch(self, common: Head) -> None:
        shop, session = self.shop.shop, self.push.session
        if session is not None:
            self.call(
                f"entries {common.epoch >> 48:04x} behind {common.seq}",
                lambda: self.hub.entries(shop, session, common.epoch, common.seq),
                lambda answer: self._on_entries(common, answer),
            )
        self.shop.run_soon(f"{self.shop.disk} fetches again", lambda: self._fetch_again(common), TIMEOUT_MS)

    def _fetch_again(self, common: Head) -> None:
        if self._heals(common.epoch):
            self._fetch(common)

    def _heals(self, epoch: int) -> bool:
        return epoch in self.push.missing or any(c.epoch == epoch and c.healing for c in self.push.cursors)

    def _on_entries(self, common: Head, answer: object) -> None:
        if not isinstance(answer, tuple) or not self._heals(common.epoch) or self.shop.disk_full:
            return
        self._put_together(common, answer)
        self._feed(Healed(common.epoch, self._heads()))

    def _put_together(self, common: Head, fetched: tuple[HeldEntry, ...]) -> None:
        """In one transaction: cut, apply what head office holds, log again what it does not, void the leases."""
        world, shop, books = self.world, self.shop, self.shop.books
        life = books.life_of(common.epoch)
        if life is None:
            life = Life(common.epoch, 0)
            books.lives.insert(0, life)
        if life.hash_at(common.seq) != common.hash:
            return
        cut = books.cut(life, common.seq)
        for held in fetched:
            _, deed = read_content(held.content)
            life.ordinal = deed.life or life.ordinal
            books.log(life, held.op_id, held.content, deed)
        came = {held.op_id: True for held in fetched}
        new_ids = world.machines.flaws.gives_new_ids_when_it_logs_again
        moved = [entry for entry in cut if entry.op_id not in came]
        if moved and len(books.life.entries) > 1:
            # What is moved stands at the beginning of a life: nothing that was said later is behind it.
            shop.begin_life("rewound")
        for entry in moved:
            if new_ids:
                shop.write("sale", entry.deed)
            else:
                shop.log_again(entry.op_id, entry.content, entry.deed)
        if not world.machines.flaws.keeps_leases_in_a_new_life:
            shop.void_leases()

    # What is kept for this shop.

    def ask(self, what: str, ask: Callable[[str], object], answered: Callable[[object], None]) -> None:
        """Ask head office under the present session; None at once where there is none."""
        session = self.push.session
        if session is None:
            answered(None)
        else:
            self.call(what, lambda: ask(session), answered)

    def tidy_up(self) -> None:
        """Report leases that are over, and give back what is kept here for nothing."""
        shop = self.shop
        if shop.disk_full:
            return
        self._end_leases()
        in_use = {} if self.world.machines.flaws.uses_what_it_gave_back else shop.in_use
        for reservation in to_give_back(shop.books, shop.shop, in_use, self.world.now_ms):
            shop.give_back(reservation)
            self.wake()

    # Leases.

    def ask_lease(self, member: bytes, points: int) -> None:
        """Ask for points of a member; the same request again until an answer comes, so that it is granted once."""
        session, books = self.push.session, self.shop.books
        if session is None:
            return
        asked = self._leases.get(member)
        if asked is None or asked.epoch != books.life.epoch:
            asked = Asked(self.world.new_id(), member, points, self.shop.uptime, books.life.epoch)
            self._leases[member] = asked
        name, timeline, lease = self.shop.shop, self.push.timeline, asked
        self.call(
            "lease",
            lambda: self.hub.lend(name, session, lease.lease, member, points),
            lambda answer: self.hear_of_lease(lease, timeline, answer),
        )

    def asked_for(self, member: bytes) -> Asked:
        """The lease that is asked for and not answered."""
        return self._leases[member]

    def hear_of_lease(self, asked: Asked, timeline: int, answer: object) -> None:
        """An answer to a request for a lease, of a head office that was in `timeline`."""
        books = self.shop.books
        known = self._leases.get(asked.member)
        if known != asked or asked.epoch != books.life.epoch:
            return
        if timeline != self.push.timeline and not self.world.machines.flaws.takes_leases_of_an_earlier_timeline:
            return
        del self._leases[asked.member]
        if (
            isinstance(answer, Granted)
            and answer.points
            and asked.lease not in books.leases
            and not self.shop.disk_full
        ):
            lease = receive(asked.lease.bytes, asked.member, answer.points, asked.sent, LEASE_MS)
            books.leases[asked.lease] = lease
            self.world.note(self.shop.disk, f"may spend {answer.points} of a lease")

    def _end_leases(self) -> None:
        """Report the end of leases that nothing more can be spent of."""
        uptime = self.shop.uptime
        for lease in list(self.shop.books.leases.values()):
            loan = next(loan for loan in loans_of(self.shop.books, lease.member) if loan.lease.id == lease.id)
            if not remaining(loan, uptime):
                self.shop.end_lease(UUID(bytes=lease.id))
                self.wake()


def _fence_of(problem: Problem) -> int:
    return problem.fence if isinstance(problem, Fenced) else 0
