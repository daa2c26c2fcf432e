"""edge: the task that tells head office how the shop's devices are, for the board of stores.

    teller = StatusTeller(look, client, lambda: agent.session)
    teller.start()

It is no fact and nothing waits for it: the newest word counts, and it is said only where it differs from the last one
or the session is a new one (head office may have been put back from a backup), once a minute at the most.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.protocol.messages import StoreStatus

logger = logging.getLogger(__name__)
_LOOK_S, _FIRST_LOOK_S = 60.0, 2.0


class StatusTeller:
    """The task. `look` asks the devices; `session` answers the token of the present session, None while there is
    none."""

    def __init__(
        self, look: Callable[[], Awaitable[StoreStatus]], client: HubClient, session: Callable[[], str | None]
    ) -> None:
        self._look, self._client, self._session = look, client, session
        self._told: tuple[str, StoreStatus] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def tell(self) -> bool:
        """Say how things are, where it is news to head office; False while nobody listens."""
        session = self._session()
        if session is None:
            return False
        status = await self._look()
        if (session, status) != self._told:
            await self._client.tell_status(session, status)
            self._told = session, status
        return True

    async def _run(self) -> None:
        while True:
            asked = True
            try:
                asked = await self.tell()
            except (HubSilent, HubRefused) as problem:
                logger.info("the board of stores is told later", extra={"fields": {"why": problem.code}})
            except Exception:
                logger.exception("the board of stores is told later")
            await asyncio.sleep(_LOOK_S if asked else _FIRST_LOOK_S)
