"""edge: applies what came in, life by life, behind the pushes and never in their way.

    appliers = Appliers(database, version, now_ms)
    appliers.start()
    appliers.wake(store, epoch)         # something came in; a look at everything every few seconds finds the rest

Several processes may do this over one PostgreSQL: whoever locks a life's row first takes the next batch, and the other
finds nothing left. When too much of a batch fails (a fault of ours, not of the store) the life stops with an alarm and
waits for a person; its store goes on pushing, and every other life goes on.

An acknowledgement frees a store of its worry, applying does not. So while pushes follow each other closely the appliers
let them go first, but rest no longer than they worked: half of the time is theirs whatever comes in.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from uuid import UUID

from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.db import Database
from sync.engines import Storage
from sync.http.logs import log_unexpected
from sync.http.problems import StorageUnavailable
from sync.hub.applier import BATCH_MAX, SHARES, Applied, apply_next, replay_parked
from sync.hub.apply_lives import find_lagging, stop_life
from sync.hub.failures import BreakerTripped
from sync.hub.reach import Shares

logger = logging.getLogger(__name__)
Life = tuple[UUID, int]
_LOOK_AROUND_S = 5.0
_AFTER_TROUBLE_S = 0.5
_TRIES = 3
_PUSHES_GO_ON_S = 0.05
"""A store that was heard within this time is probably still pushing."""
_PUSHES_CAME_S = 0.25
_SMALL_BATCH = 100
"""On SQLite one writer serves pushes and appliers: a push that came lately must not wait for a long batch."""


class Appliers:
    """The one task of this process that applies entries. `stopped` counts lives that wait for a person."""

    def __init__(
        self,
        database: Storage,
        version: str,
        now_ms: Callable[[], int],
        shares: Shares = SHARES,
        on_applied: Callable[[UUID], None] = lambda _store: None,
    ) -> None:
        """`version` is this release's, noted with what it cannot apply; `shares` is every store's (reach.py).
        `on_applied` is told of a store when all entries of one of its lives are applied."""
        self._database = database
        self._version = version
        self._now_ms = now_ms
        self._shares = shares
        self._on_applied = on_applied
        self._waiting: deque[Life] = deque()
        self._known: set[Life] = set()
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._has_one_writer = isinstance(database, Database)
        self._failures: dict[Life, int] = {}
        self._heard_at = 0.0
        self._worked_s = 0.0
        self.stopped = 0
        self.applied = 0

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End after the batch under way, which commits as a whole or not at all."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def wake(self, store: UUID, epoch: int) -> None:
        """This life has something new."""
        self._heard_at = asyncio.get_running_loop().time()
        self._add((store, epoch))
        self._bell.set()

    async def settle(self) -> None:
        """Apply until nothing is left, for whoever waits for it (the proof, the tests)."""
        await self._look_around()
        while self._waiting:
            await self._apply_one()

    def _add(self, life: Life) -> None:
        if life not in self._known:
            self._known.add(life)
            self._waiting.append(life)

    async def _run(self) -> None:
        await self._replay_parked()
        while True:
            try:
                await self._look_around()
                await self._drain()
            except Exception as error:  # noqa: BLE001  the disk, the line, or a fault of ours: the appliers never end
                log_unexpected(error, "appliers")
                await asyncio.sleep(_AFTER_TROUBLE_S)

    async def _replay_parked(self) -> None:
        """What an older release could not read is tried again once, by this one."""
        tried = False
        try:
            while await self._database.write(lambda tx: replay_parked(tx, self._now_ms(), version=self._version)):
                tried = True
            if tried and isinstance(self._database, Database):
                # Somebody may have been forgotten by one of them.
                await self._database.erase_traces()
        except Exception as error:  # noqa: BLE001  what is parked stays parked; everything else goes on
            log_unexpected(error, "appliers")

    async def _drain(self) -> None:
        """Apply until it is time to look around again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _LOOK_AROUND_S
        while (left_s := until - loop.time()) > 0:
            if self._waiting:
                await self._let_pushes_go_first()
                begun = loop.time()
                await self._apply_one()
                self._worked_s = loop.time() - begun
                continue
            self._bell.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), left_s)

    async def _let_pushes_go_first(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._worked_s
        # What is waited for is that nothing happens; nothing sets an event for that.
        while (now := loop.time()) < until and now - self._heard_at < _PUSHES_GO_ON_S:  # noqa: ASYNC110
            await asyncio.sleep(min(until - now, _PUSHES_GO_ON_S / 2))

    async def _look_around(self) -> None:
        lagging, self.stopped = await self._database.read(find_lagging)
        for life in lagging:
            self._add(life)

    async def _apply_one(self) -> None:
        """The next batch of the life that waits longest; behind the others again when more of it is left."""
        if not self._waiting:  # `settle` took it while this one let pushes go first
            return
        life = self._waiting.popleft()
        self._known.discard(life)
        store, epoch = life
        pushes_come = asyncio.get_running_loop().time() - self._heard_at < _PUSHES_CAME_S
        limit = _SMALL_BATCH if self._has_one_writer and pushes_come else BATCH_MAX
        try:
            done = await self._database.write(lambda tx: self._apply(tx, store, epoch, limit))
        except BreakerTripped as tripped:
            await self._stop_life(store, epoch, str(tripped))
        except StorageUnavailable:
            self._add(life)
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours must not end the appliers of all other lives
            log_unexpected(error, "appliers")
            await self._try_again_or_stop(life, type(error).__name__)
        else:
            self._failures.pop(life, None)
            self.applied += done.taken
            if done.more:
                self._add(life)
            elif done.taken:
                self._on_applied(store)
            if done.erased and isinstance(self._database, Database):
                await self._database.erase_traces()

    def _apply(self, tx: Tx, store: UUID, epoch: int, limit: int) -> Applied:
        return apply_next(tx, store, epoch, self._now_ms(), limit=limit, version=self._version, shares=self._shares)

    async def _try_again_or_stop(self, life: Life, alarm: str) -> None:
        """What fails for a moment only (a statement that took too long) must not wait for a person."""
        self._failures[life] = self._failures.get(life, 0) + 1
        if self._failures[life] < _TRIES:
            await asyncio.sleep(_AFTER_TROUBLE_S)
            self._add(life)
        else:
            del self._failures[life]
            await self._stop_life(*life, alarm)

    async def _stop_life(self, store: UUID, epoch: int, alarm: str) -> None:
        logger.error("appliers stopped for a life", extra={"fields": {"store": str(store), "epoch": epoch_text(epoch)}})
        self.stopped += 1
        await self._database.write(lambda tx: stop_life(tx, store, epoch, alarm))
