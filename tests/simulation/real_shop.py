"""A shop for simulations with its real SQL on a disk that can lose power: starts, sales, healing, and the push machine.

What an agent does with sockets is done here with the messages of a simulated network; all that it asks of the database
is asked in the product's own words.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from kiosk.commands import CompleteSale, LineRequest, TenderRequest
from kiosk.compose import make_shop
from kiosk.life import healing, link_notes
from kiosk.life.proof import prove
from kiosk.life.setting_aside import apply_or_set_aside
from kiosk.life.start import DATABASE_NAME, Started, start_store
from kiosk.members.member_service import ENROL_RANDOM_BYTES, enrol_member
from kiosk.members.members import EnrolMember
from kiosk.points.link import note_pushed
from kiosk.points.points import AdjustPoints
from kiosk.points.points_service import adjust_points
from kiosk.sales.sale_service import complete_sale
from loyalty.errors import Problem
from sync import marks
from sync.agent.journal_reader import read_batch, read_heads, read_places
from sync.agent.key import sign
from sync.chain import Head, decode_content, epoch_text
from sync.hub.inbox import HeldEntry
from sync.journal import Origin, Private
from sync.journal_mending import LoggedOp, take_back
from sync.protocol import push_state
from sync.protocol.messages import (
    PROTOCOL,
    Push,
    PushAnswer,
    SessionAnswer,
    SessionOpen,
    message_of,
    push_signed_bytes,
    session_signed_bytes,
)
from sync.protocol.push_state import Event, Heal, Healed, OpenSession, SaveCursor, Send, Sleep, StorePush
from sync.protocol.push_store import step
from sync.protocol.refusals import Fenced
from sync.verify import Report
from tests.kiosk.shopkit import NOW_MS, caller, make_config, perform
from tests.simulation.crash_disk import CrashDisk, close
from tests.simulation.real_hub import HubStore, RealHub

if TYPE_CHECKING:
    from tests.simulation.real_universe import RealUniverse

import apsw

SYNCHRONOUS = "FULL"
TIMEOUT_MS = 8_000
RESTART_MS = 6_000
MUCH = 1_000_000


class Wish(NamedTuple):
    """What a till asks for, under the same id until it is answered."""

    id: UUID
    kind: str
    number: int


class RealShop:
    """One shop in a folder that was prepared: `template` has a store with an open shift and a member."""

    def __init__(self, universe: "RealUniverse", hub: RealHub, joined: HubStore, template: Path, member: UUID) -> None:
        self.universe, self.hub, self.joined, self.member = universe, hub, joined, member
        self.folder = universe.folder / joined.code
        shutil.copytree(template, self.folder)
        self.config = make_config(self.folder, store={"data_dir": "data", "code": joined.code})
        self.data = self.config.data_dir()
        self.told: dict[UUID, bool] = {}
        self.seen: Head | None = None
        self.power_cuts = 0
        self.disk: CrashDisk
        self.connection: Any = None
        self.push: StorePush
        self._started: Started
        self._run = 0
        self._sleep_until: int | None = None
        self._heals: dict[int, Head] = {}
        self.start()

    @property
    def name(self) -> str:
        return self.joined.code

    @property
    def path(self) -> Path:
        return self.data / DATABASE_NAME

    @property
    def up(self) -> bool:
        return self.connection is not None

    @property
    def now_ms(self) -> int:
        return NOW_MS + self.universe.scheduler.now_ms

    # -- the service

    def start(self) -> None:
        """Start on whatever is on the disk, as the product does."""
        if self.up:
            return
        settings = self.config.store
        self._started = start_store(self.data, settings.code, settings.currency, settings.time_zone)
        assert self._started.read_only is None, f"{self.name} may only be read: {self._started.read_only}"
        self.disk = CrashDisk(self.universe.random)
        self.connection = self.disk.connect(self.path)
        self.connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        self.shop = make_shop(self.config, self._started.epoch, self._started.ordinal)
        self.universe.note(self.name, f"starts in life {self._started.ordinal}")
        for op_id in self.told:
            assert self.has(op_id), f"{self.name} told a till that {op_id} is done and does not have it"
        self._run += 1
        self._sleep_until, self._heals = None, {}
        random = self.universe.random
        cursors, heads = link_notes.read_cursors(self.connection), read_heads(self.connection)
        self.push = push_state.begin(random.randbytes(16).hex(), cursors, heads, random.getrandbits(64))
        self.wake()

    def stop(self) -> None:
        """The service ends; what was committed stays."""
        if self.up:
            close(self.connection)
            self.connection = None
            os.close(self._started.lock)

    def restart(self) -> None:
        """The service ends and is started again after a while."""
        self.stop()
        self.universe.scheduler.after(RESTART_MS, f"{self.name} starts", self.start)

    def _lose_power(self) -> None:
        self.power_cuts += 1
        self.universe.note(self.name, "loses power")
        self.stop()
        self.disk.lay_out(self.path)
        self.universe.scheduler.after(RESTART_MS, f"{self.name} starts", self.start)

    def guard(self, work: Callable[[], None]) -> bool:
        """Do something with the database; False when the power went meanwhile. Nobody can say then whether it was
        done."""
        if not self.up:
            return False
        try:
            work()
        except Exception:
            if not self.disk.is_dead:
                raise
            self._lose_power()
            return False
        return True

    def has(self, op_id: UUID) -> bool:
        """Whether the journal has an operation."""
        return self.connection.execute("SELECT 1 FROM journal WHERE op_id = ?", (op_id.bytes,)).fetchone() is not None

    def ask(self, wish: Wish) -> bool:
        """A till asks: whether it was answered. It tells what it has seen, so a disk that went back is noticed."""
        if not self.up or self._went_back():
            return False
        self.guard(lambda: self._book(wish))
        if not self.up:
            return False
        self.told[wish.id] = True
        self.universe.owed[(self.joined.id, wish.id.bytes)] = True
        self.seen = read_heads(self.connection)[-1]
        self.wake()
        return True

    def _went_back(self) -> bool:
        seen = self.seen
        if seen is None:
            return False
        heads = read_heads(self.connection)
        if seen.epoch == heads[-1].epoch and seen not in read_places(self.connection, [(seen.epoch, seen.seq)]):
            self.seen = None
            self._begin_new_life(heads[-1])
            return True
        return False

    def _begin_new_life(self, common: Head) -> None:
        self.universe.note(self.name, f"begins a new life behind {common.seq}")
        plan = healing.Plan(epoch=epoch_text(common.epoch), seq=common.seq, hash=common.hash.hex())
        healing.write_plan(self.data, plan)
        self.restart()

    def _book(self, wish: Wish) -> None:
        who = caller("manager", till="T01", at_ms=self.now_ms)
        if self.has(wish.id):
            return
        if wish.kind == "member":
            command = EnrolMember(id=wish.id, locale="pl", name=f"Anna {wish.number}")
            salt = self.universe.random.randbytes(ENROL_RANDOM_BYTES)
            perform(self.connection, enrol_member, self.shop, who, command, salt)
        elif wish.kind == "points":
            adjustment = AdjustPoints(id=wish.id, points=wish.number, reason="a small present")
            perform(self.connection, adjust_points, self.shop, who, self.member, adjustment)
        else:
            lines = tuple(LineRequest(sku=str(100 + n)) for n in range(1 + wish.number % 3))
            tenders = (TenderRequest(kind="cash", amount_minor=MUCH),)
            member = self.member if wish.number % 2 else None
            sale = CompleteSale(id=wish.id, lines=lines, member=member, tenders=tenders)
            perform(self.connection, complete_sale, self.shop, who, sale)

    # -- the agent

    def wake(self) -> None:
        """Something was booked."""
        if self.up:
            self._feed(push_state.Woken(read_heads(self.connection)))

    def _feed(self, event: Event) -> None:
        self.push, effects = step(self.push, event, self.universe.scheduler.now_ms)
        for effect in effects:
            if not self.up:
                return
            match effect:
                case OpenSession():
                    self._open_session(effect)
                case Send():
                    self._send(effect)
                case SaveCursor(head):
                    self.guard(lambda head=head: self._save_cursor(head))
                case Sleep(until_ms):
                    self._sleep(until_ms)
                case Heal(common):
                    self._heal(common)

    def call(self, what: str, ask: Callable[[], object], answered: Callable[[object], None]) -> None:
        """Ask head office; the answer comes only to the run of the service that asked."""
        network, run = self.universe.network, self._run

        def at_hub() -> None:
            answer = ask()
            if answer is not None:
                network.send(self.name, f"{self.name} <- {what}", lambda: at_shop(answer))

        def at_shop(answer: object) -> None:
            if self.up and self._run == run:
                answered(answer)

        network.send(self.name, f"{self.name} -> {what}", at_hub)

    def _later(self, delay_ms: int, action: Callable[[], None]) -> None:
        run = self._run

        def act() -> None:
            if self.up and self._run == run:
                action()

        self.universe.scheduler.after(delay_ms, f"{self.name} goes on", act)

    def _open_session(self, effect: OpenSession) -> None:
        message = SessionOpen(
            store=self.joined.id,
            run=effect.run,
            count=effect.request,
            fence=effect.fence,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version="simulated",
            heads=tuple(map(message_of, effect.heads)),
            sent_at=self.now_ms,
            signature=sign(self.joined.key, b""),
        )
        signed = msgspec_replace(message, sign(self.joined.key, session_signed_bytes(message)))
        self.call("session", lambda: self.hub.open_session(signed), lambda answer: self._hear(effect.request, answer))
        self._later(TIMEOUT_MS, lambda: self._feed(push_state.Lost(effect.request)))

    def _send(self, effect: Send) -> None:
        limit = min(effect.limit, effect.newest.seq - effect.from_seq + 1)
        batch = read_batch(self.connection, effect.epoch, effect.from_seq, limit, effect.previous)
        message = Push(
            request=effect.request,
            timeline=effect.timeline,
            epoch=epoch_text(effect.epoch),
            from_seq=effect.from_seq,
            previous=effect.previous.hex(),
            max_seq=effect.newest.seq,
            max_hash=effect.newest.hash.hex(),
            closed=effect.closed,
            ops=batch.ops,
            signature="",
        )
        signed = msgspec_replace(
            message, sign(self.joined.key, push_signed_bytes(effect.session, message, batch.last_hash.hex()))
        )
        store, session = self.joined.id, effect.session
        self.call(
            "push", lambda: self.hub.push(store, session, signed), lambda answer: self._hear(effect.request, answer)
        )
        self._later(TIMEOUT_MS, lambda: self._feed(push_state.Lost(effect.request)))

    def _hear(self, request: int, answer: object) -> None:
        if isinstance(answer, Problem):
            fence = answer.fence if isinstance(answer, Fenced) else 0
            self._feed(push_state.Refused(request, answer.code, 0, fence))
            return
        assert isinstance(answer, SessionAnswer | PushAnswer), answer
        own = read_places(self.connection, push_state.places_of(answer))
        if isinstance(answer, SessionAnswer):
            self._feed(push_state.SessionOpened(request, answer, own))
        else:
            self.universe.note(self.name, f"{answer.outcome} {answer.epoch[:4]}/{answer.seq}")
            self._feed(push_state.Pushed(answer, own))

    def _save_cursor(self, head: Head) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        note_pushed(self.connection, head.epoch, head.seq)
        self.connection.execute("COMMIT")

    def _sleep(self, until_ms: int) -> None:
        now_ms = self.universe.scheduler.now_ms
        if self._sleep_until is not None and now_ms < self._sleep_until <= until_ms:
            return
        self._sleep_until = until_ms

        def tick() -> None:
            self._sleep_until = None
            self._feed(push_state.Tick())

        self._later(max(1, until_ms - now_ms), tick)

    # -- healing

    def _heal(self, common: Head) -> None:
        heads = read_heads(self.connection)
        own = next((head for head in heads if head.epoch == common.epoch), None)
        if own is not None and (own.seq > common.seq or own.epoch == heads[-1].epoch):
            self._begin_new_life(common)
            return
        self._heals[common.epoch] = common
        self._fetch(common.epoch)

    def _fetch(self, epoch: int) -> None:
        common, session, store = self._heals.get(epoch), self.push.session, self.joined.id
        if common is None:
            return
        if session is not None:
            self.call(
                "entries",
                lambda: self.hub.entries(store, session, epoch, common.seq),
                lambda answer: self._take_back(common, answer),
            )
        self._later(TIMEOUT_MS, lambda: self._fetch(epoch))

    def _take_back(self, common: Head, answer: object) -> None:
        if not isinstance(answer, list) or self._heals.get(common.epoch) != common:
            return
        del self._heals[common.epoch]
        held: list[HeldEntry] = answer
        if held and self._began_later(held[0]):
            self._begin_new_life(read_heads(self.connection)[-1])
            return
        if held:
            last = Head(common.epoch, held[-1].seq, held[-1].hash)
            self.guard(lambda: self._keep(last, held))
        if self.up:
            self.universe.note(self.name, f"got {len(held)} entries back")
            self._feed(Healed(common.epoch, read_heads(self.connection)))

    def _began_later(self, first: HeldEntry) -> bool:
        """Whether an entry begins a life of this shop that came after the one it is in: the disk has gone back by more
        than one life, so its letter and numbers are used up."""
        if first.seq != 1:
            return False
        ordinal: int = json.loads(bytes(decode_content(first.content).body))["ordinal"]
        marks.note_ordinal(self.data, ordinal)
        return ordinal >= self._started.ordinal

    def _keep(self, last: Head, held: list[HeldEntry]) -> None:
        ops = [LoggedOp(each.content, Private(*each.private) if each.private else None) for each in held]
        origin, op_id = Origin(now_ms=self.now_ms), self.universe.new_id()
        self.connection.execute("BEGIN IMMEDIATE")
        take_back(self.connection, self.shop.journal, apply_or_set_aside, origin, op_id, last, ops)
        self.connection.execute("COMMIT")

    # -- faults, and what is asked in the end

    def copy_to(self, place: Path) -> None:
        """The folder as it lies on the disk now: a backup, or the image of the disk."""
        shutil.rmtree(place, ignore_errors=True)
        running = self.up
        if running:
            self.disk.spare()
        self.stop()
        shutil.copytree(self.data, place)
        if running:
            self.start()

    def put_back(self, place: Path, *, marks_too: bool) -> None:
        """The folder, or only the database in it, is what it was."""
        self.stop()
        if marks_too:
            shutil.rmtree(self.data)
            shutil.copytree(place, self.data)
        else:
            for side in self.data.glob(DATABASE_NAME + "*"):
                side.unlink()
            shutil.copy(place / DATABASE_NAME, self.path)
        held = self._ops_on_disk()
        self.told = {op_id: True for op_id in self.told if op_id.bytes in held}
        self.universe.scheduler.after(RESTART_MS, f"{self.name} starts", self.start)

    def ops(self) -> set[bytes]:
        """Every operation that lies on this disk."""
        if not self.up:
            return self._ops_on_disk()
        return {op_id for (op_id,) in self.connection.execute("SELECT op_id FROM journal")}

    def _ops_on_disk(self) -> set[bytes]:
        with contextlib.closing(apsw.Connection(str(self.path))) as connection:
            return {op_id for (op_id,) in connection.execute("SELECT op_id FROM journal")}

    def chains(self) -> dict[int, list[tuple[int, bytes]]]:
        """Numbers and hashes of every life."""
        chains: dict[int, list[tuple[int, bytes]]] = {}
        for epoch, seq, entry_hash in self.connection.execute(
            "SELECT epoch, seq, hash FROM journal ORDER BY epoch, seq"
        ):
            chains.setdefault(epoch, []).append((seq, entry_hash))
        return chains

    def prove(self) -> Report:
        """The proof of a store, from the first entry; the service is stopped for it."""
        self.stop()
        return prove(self.path, full=True)


def msgspec_replace(message: Any, signature: str) -> Any:  # noqa: ANN401  a SessionOpen or a Push
    """The message with its signature."""
    from msgspec.structs import replace

    return replace(message, signature=signature)
