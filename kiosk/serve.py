"""edge: runs a store until it is told to stop.

On SIGTERM the listeners close first, running requests finish, then the writer drains and the file is closed: what was
answered is on the disk, and what was not is whole or absent. The commit never depends on a handler being alive.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from aiohttp import web

from kiosk.compose import Store
from kiosk.config import Config
from kiosk.life.start import release, start_store
from loyalty.errors import Problem
from sync.db_connections import spare_adapting
from sync.http.application import build_runner
from sync.http.logs import set_up_logging
from sync.supervisor import feed_watchdog, notify

logger = logging.getLogger(__name__)
# The writer gives up the interpreter lock at every SQL step and waits this long to get it back from a busy loop.
# Shorter than 2 ms the two take turns so often that sixteen tills fall into two halves, each with its own commit.
_SWITCH_INTERVAL_S = 0.002
_SHUTDOWN_S = 10.0
_DEAD_WRITER_EXIT = 70


class AddressTaken(Problem):
    """The address this store should listen on cannot be used."""

    code, status = "address_taken", 500
    hint = "Stop what listens there, or change http.host or http.port in the configuration."


def run_store(config: Config, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` gets the address once requests are answered, again after a store that
    had to begin a new life has done so (kiosk/life/healing.py).

    Raises StoreInUse, StoreNotReady, StoreDamaged, AddressTaken before anything is served.
    """
    set_up_logging(logging.StreamHandler(sys.stderr), getattr(logging, config.log.level.upper()))
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    spare_adapting()
    while asyncio.run(_serve(config, on_ready)):
        logger.warning("starting anew to begin a new life")


async def _serve(config: Config, on_ready: Callable[[str], None]) -> bool:
    """Serve until told to stop; True where the store is to be started anew."""
    stop, renewing, ending = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def finish(why: asyncio.Event) -> None:
        why.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, finish, ending)
    own, key_days = config.store, config.coupons.key_days
    started = start_store(config.data_dir(), own.code, own.currency, own.time_zone, key_days=key_days)
    store = Store(config, started, on_death=_end_process, on_new_life=lambda: finish(renewing))
    clean = False
    try:
        await store.open()
        runner = build_runner(store.application(), shutdown_timeout_s=_SHUTDOWN_S)
        await runner.setup()
        await _listen(runner, config)
        # What the start made lives as long as the process: keep the collector from walking it again and again.
        gc.collect()
        gc.freeze()
        on_ready(_address(runner))
        notify("READY=1")
        beat = asyncio.create_task(feed_watchdog(store.database.is_alive))
        await stop.wait()
        notify("STOPPING=1")
        beat.cancel()
        await runner.cleanup()
        clean = True
    finally:
        await store.close()
        release(started, clean=clean)
    return renewing.is_set() and not ending.is_set()


async def _listen(runner: web.AppRunner, config: Config) -> None:
    http = config.http
    try:
        await web.TCPSite(runner, http.host, http.port, backlog=512).start()
    except OSError as error:
        raise AddressTaken(f"{http.host}:{http.port}: {error.strerror}") from error


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}"


def _end_process(error: BaseException) -> None:
    """A store whose writer is dead must not look alive: end at once, the supervisor starts it anew."""
    logger.critical("ending because the writer died", extra={"fields": {"error": type(error).__name__}})
    os._exit(_DEAD_WRITER_EXIT)
