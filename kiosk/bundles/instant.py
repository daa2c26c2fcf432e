"""edge: sees to it that nobody is answered by a bundle of before once the instant of the next one has come.

    await instant.reach(caller.now_ms)      # before anything is read or booked: usually one comparison
    await instant.look()                    # after a page of the feed, and at the start

Nothing runs at the instant itself. The first call at or after it makes the bundle begin and waits for that, and so does
a bundle that comes too late, as soon as it is here. Should it fail (a full disk, a fault of ours) the shop sells on by
what it has, and it is tried again half a minute later.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from uuid import UUID

from kiosk.bundles.activation import activate_due
from kiosk.bundles.bundle_store import next_instant
from kiosk.shop import Shop
from sync.db import Database

logger = logging.getLogger(__name__)
_AGAIN_S = 30.0


class Instant:
    """The next instant of a store. Used on the event loop only. `may_write` says whether the store books at all."""

    def __init__(
        self, database: Database, shop: Shop, new_id: Callable[[], UUID], may_write: Callable[[], bool]
    ) -> None:
        self._database, self._shop, self._new_id, self._may_write = database, shop, new_id, may_write
        self._next_ms: int | None = None
        self._not_before_s = 0.0
        self._lock = asyncio.Lock()

    async def look(self, now_ms: int) -> None:
        """Find out when the next bundle begins, and begin what is due."""
        async with self._lock:
            self._next_ms = await self._database.read(next_instant)
            self._not_before_s = 0.0
        await self.reach(now_ms)

    async def reach(self, now_ms: int) -> None:
        """Begin what begins by this moment."""
        if self._is_due(now_ms):
            async with self._lock:
                if self._is_due(now_ms):
                    await self._activate(now_ms)

    def _is_due(self, now_ms: int) -> bool:
        due = self._next_ms is not None and now_ms >= self._next_ms
        return due and time.monotonic() >= self._not_before_s and self._may_write()

    async def _activate(self, now_ms: int) -> None:
        try:
            while not await self._database.write(lambda tx: activate_due(tx, self._shop, now_ms, self._new_id)):
                pass
            following = await self._database.read(lambda tx: next_instant(tx, now_ms))
        except Exception:
            # Nothing of it was written. To refuse a sale for this would cost more than to make it by the old prices.
            logger.exception("a bundle of head office will begin later")
            self._not_before_s = time.monotonic() + _AGAIN_S
        else:
            # What is due and cannot be used here waits for another page, or for a start with another configuration.
            self._next_ms = following
