"""edge: the task that says at the beginning of each session what this store has on lease.

    reporter = LeaseReporter(read, client)
    reporter.begin_session(session)

Head office needs it after it was put back from a backup (sync/protocol/lease_report.py), and does nothing with it
otherwise. Until it is said nothing is wrong: head office lends nothing for longer.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sync.agent.client import HubClient, HubRefused, HubSilent
from sync.protocol.lease_report import LeaseReport

logger = logging.getLogger(__name__)
_AGAIN_S, _AFTER_REFUSAL_S = 30.0, 300.0


class LeaseReporter:
    """The task. `read` answers what the store has on lease once all that was written before it is on the disk."""

    def __init__(self, read: Callable[[], Awaitable[LeaseReport]], client: HubClient) -> None:
        self._read, self._client = read, client
        self._task: asyncio.Task[None] | None = None

    def begin_session(self, session: str) -> None:
        """A session was opened. What was to be said in the one before is of no interest any more."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._tell(session))

    async def stop(self) -> None:
        """End; the next session begins with a report."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _tell(self, session: str) -> None:
        while True:
            wait_s = _AGAIN_S
            try:
                await self._client.report_leases(session, await self._read())
            except HubSilent as silent:
                logger.info("what is on lease is told later", extra={"fields": {"reason": silent.detail}})
            except HubRefused as refused:
                # It may be busy, or the session over; then the next session ends this task.
                logger.warning("head office takes no report of leases", extra={"fields": {"code": refused.refusal}})
                wait_s = _AFTER_REFUSAL_S
            except Exception:
                logger.exception("what is on lease is told later")
            else:
                return
            await asyncio.sleep(wait_s)
