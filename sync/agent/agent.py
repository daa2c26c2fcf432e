"""edge: the task that keeps a store and head office in step. It does what sync/protocol/push_store decides.

    agent = Agent(side, HubClient(url), key, store=store_id, version="0.1.0")
    agent.start()
    agent.wake()        # something was committed: within a second it is on its way
    await agent.stop()

A sale never waits for it: it reads on a reader's connection, in batches, and writes only its cursors. Whatever goes
wrong in it is logged and tried again; nothing that goes wrong here stops the shop.

Two things are done beside the push. A life of which head office holds more than this disk is fetched page by page, each
page in a transaction of its own, so that sales go on in between. A life of which it holds *another* history cannot be
mended while the shop books in it: the plan is handed to the store, which begins a new life and starts this task anew.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from loyalty.transactions import Tx
from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.agent.fetching import mend_life
from sync.agent.journal_reader import Batch, read_batch, read_heads, read_places
from sync.agent.key import sign
from sync.agent.store_side import StoreSide
from sync.chain import Head, epoch_text
from sync.journal import read_head
from sync.protocol.commands import CouponToken, LeaseAnswer, LeaseCommand, ReservedAnswer, Reserving
from sync.protocol.lookups import MemberLookup, MembersFound
from sync.protocol.messages import (
    PROTOCOL,
    Push,
    SessionOpen,
    message_of,
    push_signed_bytes,
    session_signed_bytes,
)
from sync.protocol.push_state import (
    Alarm,
    Effect,
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
    StorePush,
    Tick,
    Woken,
    begin,
    places_of,
)
from sync.protocol.push_store import step
from sync.protocol.sale_states import SaleState

logger = logging.getLogger(__name__)
_GATHER_S = 0.3
_AGAIN_S = 5.0
_SESSION_OVER = frozenset({"unauthorized", "fenced", "wrong_timeline", "store_revoked", "quarantined", "superseded"})


class _Ring:
    """Something was committed; what, is looked up when its turn comes."""


class _HealNow:
    """Try again to fetch what head office holds."""


class Agent:
    """The task. Used on the event loop only."""

    def __init__(
        self,
        side: StoreSide,
        client: HubClient,
        key: Ed25519PrivateKey,
        *,
        store: UUID,
        version: str,
        on_session: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_session` is told the token of each session that was opened, for whatever else asks head office."""
        self._side, self._client, self._key = side, client, key
        self._store, self._version, self._on_session = store, version, on_session
        self._state: StorePush | None = None
        self._events: asyncio.Queue[Event | _Ring | _HealNow] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._online: bool | None = None
        self._heals: dict[int, Head] = {}
        self._healing = False
        self._said_whole = False

    @property
    def queued(self) -> int:
        """How many entries head office has not acknowledged, as far as this task has heard."""
        return self._state.queued if self._state is not None else 0

    @property
    def is_online(self) -> bool:
        """Whether head office answered the last time."""
        return self._online is True

    @property
    def session(self) -> str | None:
        """The token of the present session, for what else asks head office."""
        return self._state.session if self._state is not None else None

    def end_session(self, session: str, fence: int = 0) -> None:
        """Something else was told that this session holds no longer."""
        self._events.put_nowait(SessionEnded(session, fence))

    async def reserve(self, command: Reserving) -> ReservedAnswer:
        """Ask head office to keep something for this store. What was booked just now is sent first: it is to be
        counted.

        Raises HubSilent, HubRefused.
        """
        session = self._need_session()
        self._ring()
        return await self._client.reserve(session, command)

    async def read_sale(self, text: str) -> SaleState:
        """A sale of any store by receipt number or id, and what came back of it. Raises HubSilent, HubRefused."""
        return await self._client.read_sale(self._need_session(), text)

    async def find_token(self, serial: int) -> CouponToken:
        """The token of a coupon of any store, by its serial. Raises HubSilent, HubRefused."""
        return await self._client.find_token(self._need_session(), serial)

    async def look_up(self, asked: MemberLookup) -> MembersFound:
        """Ask head office for a member whom it did not tell this store of. Raises HubRefused, HubSilent."""
        return await self._client.look_up(self._need_session(), asked)

    async def lend(self, command: LeaseCommand) -> LeaseAnswer:
        """Ask head office to lend points. What was booked just now is sent first: it is to be counted.

        Raises HubRefused, and HubSilent also for a grant that comes after its session has ended: head office may have
        been put back from a backup meanwhile, and have been told already what this store has on lease.
        """
        session = self._need_session()
        self._ring()
        granted = await self._client.lend(session, command)
        if self.session != session:
            raise HubSilent("the session has ended")
        return granted

    def _need_session(self) -> str:
        """Raises HubSilent where there is none."""
        if self.session is None:
            raise HubSilent("no session is open")
        return self.session

    def start(self) -> None:
        """Begin."""
        self._spawn(self._run())

    def wake(self) -> None:
        """Something was committed. A burst of commits is looked at once."""
        if self._gathering is None and self._state is not None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHER_S, self._ring)

    async def stop(self) -> None:
        """End; what was under way is told again by the next run."""
        for handle in (self._timer, self._gathering):
            if handle is not None:
                handle.cancel()
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _ring(self) -> None:
        self._gathering = None
        self._events.put_nowait(_Ring())

    async def _run(self) -> None:
        while self._state is None:
            try:
                self._state = await self._side.database.read(self._begin)
            except Exception:
                logger.exception("the line to head office will be tried again")
                await asyncio.sleep(_AGAIN_S)
        self._events.put_nowait(_Ring())
        while True:
            happened = await self._events.get()
            try:
                await self._take(happened)
            except Exception:
                logger.exception("the line to head office will be tried again")
                await asyncio.sleep(_AGAIN_S)
                self._events.put_nowait(_Ring())

    def _begin(self, tx: Tx) -> StorePush:
        seed = int.from_bytes(os.urandom(8))
        return begin(os.urandom(16).hex(), self._side.read_cursors(tx), read_heads(tx), seed)

    async def _take(self, happened: Event | _Ring | _HealNow) -> None:
        assert self._state is not None
        if isinstance(happened, _HealNow):
            self._healing = False
        elif isinstance(happened, _Ring):
            epoch = self._state.cursors[-1].epoch
            head = await self._side.database.read(lambda tx: read_head(tx, epoch))
            self._step(Woken((head,)))
        else:
            self._step(happened)
        self._go_on_healing()
        await self._tell_line()

    def _step(self, event: Event) -> None:
        assert self._state is not None
        before = self._state.session
        self._state, effects = step(self._state, event, _monotonic_ms())
        for effect in effects:
            self._do(effect)
        if self._state.session is not None and self._state.session != before:
            self._on_session(self._state.session)

    def _do(self, effect: Effect) -> None:
        match effect:
            case OpenSession():
                self._spawn(self._ask(effect.request, partial(self._open_session, effect)))
            case Send():
                self._spawn(self._ask(effect.request, partial(self._send, effect)))
            case SaveCursor(head):
                self._spawn(self._write(lambda tx: self._side.save_cursor(tx, head)))
            case Sleep(until_ms):
                self._sleep(until_ms)
            case Heal(common):
                self._heals[common.epoch] = common
                self._said_whole = False
            case Alarm(code):
                logger.error("head office asks for a person", extra={"fields": {"code": code}})
                self._spawn(self._write(lambda tx: self._side.note(tx, "alarm", code)))

    def _sleep(self, until_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, (until_ms - _monotonic_ms()) / 1000)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._events.put_nowait, Tick())

    async def _tell_line(self) -> None:
        """Write down whether the line is up, when that changed."""
        assert self._state is not None
        online = self._state.is_online
        if online == self._online:
            return

        def write(tx: Tx) -> None:
            self._side.note_line(tx, online=online)
            if online:
                self._side.note(tx, "alarm", None)

        await self._side.database.write(write)
        self._online = online

    async def _ask(self, request: int, asking: Callable[[], Awaitable[Event]]) -> None:
        """One request; its outcome as an event, whatever it is. Nothing of it is there before it begins (_tell of
        sync/agent/puller.py)."""
        try:
            event: Event = await asking()
        except HubRefused as refused:
            logger.warning("head office refused", extra={"fields": {"code": refused.refusal}})
            event = Refused(request, refused.refusal, refused.retry_after_ms, refused.fence)
        except HubSilent as silent:
            logger.info("head office is silent", extra={"fields": {"reason": silent.detail}})
            event = Lost(request)
        except Exception:
            logger.exception("a message to head office was not sent")
            event = Lost(request)
        self._events.put_nowait(event)

    async def _open_session(self, effect: OpenSession) -> Event:
        sent_at = self._side.now_ms()
        message = SessionOpen(
            store=self._store,
            run=effect.run,
            count=effect.request,
            fence=effect.fence,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version=self._version,
            heads=tuple(map(message_of, effect.heads)),
            sent_at=sent_at,
            signature="",
        )
        signature = sign(self._key, session_signed_bytes(message))
        answer = await self._client.open_session(replace(message, signature=signature))
        # Half of the time it took is the way there, as near as can be known (RFC 5905 section 8).
        offset_ms = answer.hub_time - (sent_at + self._side.now_ms()) // 2
        await self._write(lambda tx: self._side.note(tx, "clock_offset_ms", str(offset_ms)))
        own = await self._side.database.read(lambda tx: read_places(tx, places_of(answer)))
        return SessionOpened(effect.request, answer, own)

    async def _send(self, effect: Send) -> Event:
        limit = min(effect.limit, effect.newest.seq - effect.from_seq + 1)
        batch = Batch((), effect.previous)
        if limit > 0:
            batch = await self._side.database.read(
                lambda tx: read_batch(tx, effect.epoch, effect.from_seq, limit, effect.previous)
            )
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
        signature = sign(self._key, push_signed_bytes(effect.session, message, batch.last_hash.hex()))
        answer = await self._client.push(effect.session, replace(message, signature=signature))
        own = await self._side.database.read(lambda tx: read_places(tx, places_of(answer)))
        return Pushed(answer, own)

    def _go_on_healing(self) -> None:
        """Begin with the next life that has to be put together, once there is a session to ask with; and say when
        everything is here."""
        assert self._state is not None
        session = self.session
        if self._heals and not self._healing and session is not None:
            self._healing = True
            self._spawn(self._heal(next(iter(self._heals.values())), session))
        if not self._said_whole and not self._heals and self._state.is_whole:
            self._said_whole = True
            self._spawn(self._note_whole())

    async def _heal(self, common: Head, session: str) -> None:
        def kept(place: Head) -> None:
            # What is here already is not asked for again, should the line break now.
            self._heals[common.epoch] = place

        try:
            heads = await mend_life(self._side, self._client, common, session, kept)
        except HubRefused as refused:
            logger.warning("head office refused", extra={"fields": {"code": refused.refusal}})
            if refused.refusal in _SESSION_OVER:
                self.end_session(session, refused.fence)
            self._heal_later()
        except HubSilent:
            self._heal_later()
        except Exception:
            logger.exception("what head office holds will be fetched again")
            self._heal_later()
        else:
            if heads is not None:
                del self._heals[common.epoch]
                self._events.put_nowait(Healed(common.epoch, heads))
                self._events.put_nowait(_HealNow())

    async def _note_whole(self) -> None:
        try:
            await self._side.database.write(self._side.note_whole)
        except Exception:
            logger.exception("that nothing is missing will be noted later")
            self._said_whole = False

    def _heal_later(self) -> None:
        asyncio.get_running_loop().call_later(_AGAIN_S, self._events.put_nowait, _HealNow())

    async def _write(self, write: Any) -> None:  # noqa: ANN401  a function of a transaction
        """Keep a cursor or a note. If that fails the store only asks again."""
        try:
            await self._side.database.write(write)
        except Exception:
            logger.exception("what head office said was not written down")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
