"""edge: the task that reads what head office tells this store. It does what sync/protocol/pull_store decides.

It asks with the session that the push has opened (sync/agent/agent.py), holds one question open while there is nothing
new, and hands each page to the store, which writes it with its cursor in one transaction. Once a day everything that
was told is added up anew, in another process, because the sums kept by the way would not notice a damaged file.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.protocol.pull_store import (
    Alarm,
    Answered,
    Applied,
    ApplyPage,
    Audited,
    Effect,
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
    step,
)

logger = logging.getLogger(__name__)
_AGAIN_S = 5.0
_AUDIT_S = 24 * 3600.0


class Reader(Protocol):
    """What the task needs of the store."""

    async def position(self) -> tuple[str | None, dict[str, int], tuple[str, ...]]:
        """The cursor of the last page that was written, the generation of each bucket, and the buckets that have not
        added up since."""

    async def bootstrap(self, client: HubClient, session: str, timeline: int) -> tuple[str, dict[str, int]] | None:
        """Head office has very much to tell: install what it offers in files, if it does; the new cursor, and the
        generation of each bucket. None: go on page by page. Raises HubSilent, HubRefused."""

    async def keep_page(self, page: ApplyPage) -> tuple[str, ...]:
        """Write a page with its cursor; the buckets that do not add up."""

    async def note_read(self, applied: dict[str, int]) -> None:
        """Everything that was told is written; head office has counted each epoch of this store so far."""

    async def audit(self) -> tuple[str, ...]:
        """Add everything up anew; the buckets that do not come to what was told."""


class Puller:
    """The task. Used on the event loop only."""

    def __init__(self, reader: Reader, client: HubClient, end_session: Callable[[str, int], None]) -> None:
        self._reader, self._client, self._end_session = reader, client, end_session
        self._state: StorePull | None = None
        self._before: StorePull | None = None
        self._one_at_a_time = asyncio.Lock()
        self._installed: list[tuple[str, dict[str, int]]] = []
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; the first question waits for a session."""
        self._spawn(self._run())
        self._spawn(self._audit_daily())

    def begin_session(self, session: str) -> None:
        """The push has opened a session."""
        self._events.put_nowait(SessionReady(session))

    def doubt(self, wrong: tuple[str, ...]) -> None:
        """These buckets, added up anew, do not come to what was told: they will be told again."""
        self._events.put_nowait(Audited(wrong))

    async def stop(self) -> None:
        """End; the cursor says where the next run goes on."""
        if self._timer is not None:
            self._timer.cancel()
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                if self._state is None:
                    self._state = await self._begin()
                event = await self._events.get()
                self._state, effects = step(self._state, event, _monotonic_ms())
                for effect in effects:
                    self._do(effect)
            except Exception:
                # A fault of ours must not end the pull for ever: it begins anew from the cursor that was kept.
                logger.exception("what head office tells will be read again")
                await asyncio.sleep(_AGAIN_S)
                self._before, self._state = self._state or self._before, None
                self._events.put_nowait(Tick())

    async def _begin(self) -> StorePull:
        cursor, generations, doubted = await self._reader.position()
        fresh = StorePull(
            seed=int.from_bytes(os.urandom(8)),
            cursor=cursor,
            generations=generations,
            refetch=doubted,
            doubted=doubted,
        )
        if self._before is None:
            return fresh
        # Requests are counted on, so that an answer to one of before is not taken for an answer to one of now.
        return replace(fresh, session=self._before.session, request=self._before.request)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Pull():
                self._spawn(self._tell(effect.request, partial(self._pull, effect, len(self._installed))))
            case ApplyPage():
                self._spawn(self._tell(effect.request, partial(self._keep, effect, len(self._installed))))
            case EverythingRead(applied):
                self._spawn(self._note_read(applied))
            case SessionIsOver(session, fence):
                self._end_session(session, fence)
            case Sleep(until_ms):
                self._sleep(until_ms)
            case Alarm(code):
                logger.error("what head office tells is not right", extra={"fields": {"code": code}})

    def _sleep(self, until_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, (until_ms - _monotonic_ms()) / 1000)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._events.put_nowait, Tick())

    async def _tell(self, request: int, work: Callable[[], Awaitable[Event]]) -> None:
        """The outcome of a question, or of a page that was to be written, as an event. Nothing of `work` is there
        before it begins: the end may come first."""
        try:
            event: Event = await work()
        except HubRefused as refused:
            logger.warning("head office refused", extra={"fields": {"code": refused.refusal}})
            event = Refused(request, refused.refusal, refused.retry_after_ms, refused.fence)
        except HubSilent as silent:
            logger.info("head office is silent", extra={"fields": {"reason": silent.detail}})
            event = Lost(request)
        except Exception:
            logger.exception("what head office tells will be read again")
            event = Lost(request)
        self._events.put_nowait(event)

    async def _pull(self, effect: Pull, installed: int) -> Event:
        """An answer; or, where it is only the first page of very many, what came in its place.

        A new session may ask while files are being installed for the one before: it waits, and goes on where they end.
        """
        answer = await self._client.pull(effect.session, effect.cursor, effect.refetch)
        if not answer.refetch or not answer.more:
            return Answered(effect.request, answer)
        async with self._one_at_a_time:
            if installed == len(self._installed):
                found = await self._reader.bootstrap(self._client, effect.session, answer.timeline)
                if found is None:
                    return Answered(effect.request, answer)
                self._installed.append(found)
            return Installed(effect.request, *self._installed[-1])

    async def _keep(self, page: ApplyPage, installed: int) -> Event:
        async with self._one_at_a_time:
            if installed < len(self._installed):
                # What it says was told before the files were installed, to a cursor that holds no longer.
                return Installed(page.request, *self._installed[-1])
            return Applied(await self._reader.keep_page(page))

    async def _note_read(self, applied: dict[str, int]) -> None:
        try:
            await self._reader.note_read(applied)
        except Exception:
            # Then it is not known as read, which only makes the store more careful until the next time.
            logger.exception("that everything was read was not noted")

    async def _audit_daily(self) -> None:
        while True:
            await asyncio.sleep(_AUDIT_S)
            try:
                self.doubt(await self._reader.audit())
            except Exception:
                logger.exception("what head office told was not added up")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
