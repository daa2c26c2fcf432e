"""edge: the one helper process. What computes for longer than a blink runs there: raster, reports, verify, snapshots.

A busy thread beside the writer would take the interpreter lock from it and make every sale 10 to 100 times slower; a
child process takes nothing. It is spawned, not forked, because threads are running.
"""

import asyncio
import functools
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from loyalty.errors import Problem
from sync.db_connections import spare_adapting

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
_NICENESS = 10
_PATIENCE_S = 5.0


class HelperGone(Problem):
    """The helper process ended in the middle of this."""

    code, status, hint = "helper_gone", 503, "Try again: a new helper is started by itself."


class Helper:
    """Runs module-level functions in a child process, one after the other."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the child. Raises what it raises, and HelperGone should the child be killed."""
        pool = self._pool
        if pool is None:
            pool = self._pool = ProcessPoolExecutor(
                max_workers=1, mp_context=multiprocessing.get_context("spawn"), initializer=_set_up_child
            )
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, functools.partial(function, *args, **kwargs))
        except BrokenProcessPool as error:
            logger.exception("helper process ended")
            if self._pool is pool:
                self._pool = None
            raise HelperGone from error

    def process_ids(self) -> list[int]:
        """The child's process id, for measuring."""
        processes = getattr(self._pool, "_processes", None) or {}
        return list(processes)

    async def close(self) -> None:
        """End the child once it is done with what it does, or after a few seconds: nothing it does changes the store's
        file, and a stop must not wait for a long verify."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        children = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            await asyncio.to_thread(child.join, _PATIENCE_S)
            if child.is_alive():
                logger.warning("helper process was still busy and is ended")
                child.kill()
        await asyncio.to_thread(pool.shutdown)


def _set_up_child() -> None:
    """Signals reach the whole group of a terminal or a unit; the parent alone decides when the child ends. Should the
    parent itself be killed, the child must not stay behind for ever. Sales come before its work."""
    os.nice(_NICENESS)
    spare_adapting()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
