"""edge: runs a head office until it is told to stop.

On SIGTERM the listeners close first, running requests finish, then the database is drained and closed. What was
acknowledged to a store is in the database; what was not, the store sends again.
"""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from loyalty.errors import Problem
from sync.db_connections import spare_adapting
from sync.http.application import build_runner
from sync.http.logs import set_up_logging
from sync.hub.compose import Hub
from sync.hub.problems import HubNotReady
from sync.hub.settings import Settings
from sync.supervisor import feed_watchdog, notify

logger = logging.getLogger(__name__)
_SHUTDOWN_S = 10.0
_DEAD_WRITER_EXIT = 70


class HubAddressTaken(Problem):
    """The address that head office should listen on cannot be used."""

    code, status = "hub_address_taken", 500
    hint = "Stop what listens there, or change hub.listen_host or hub.listen_port in the configuration."


def run_hub(
    settings: Settings, folder: Path, version: str, log_level: str, on_ready: Callable[[str], None] = lambda _: None
) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` gets the address once requests are answered.

    Raises HubNotReady, HubWasRestored, DatabaseInUse, HubAddressTaken before anything is served.
    """
    if not folder.is_dir():
        raise HubNotReady(str(folder))
    set_up_logging(logging.StreamHandler(sys.stderr), getattr(logging, log_level.upper()))
    raise_open_files()
    spare_adapting()
    asyncio.run(_serve(settings, folder, version, on_ready))


def raise_open_files() -> None:
    """Let this process have as many open files as the system lets it have: each store keeps a connection."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(settings: Settings, folder: Path, version: str, on_ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hub = Hub(settings, folder, version, on_death=_end_process)
    try:
        await hub.open()
        runner = build_runner(hub.application(), shutdown_timeout_s=_SHUTDOWN_S, unpacks_bodies=False)
        await runner.setup()
        await _listen(runner, settings)
        on_ready(_address(runner))
        notify("READY=1")
        beat = asyncio.create_task(feed_watchdog(hub.database.is_alive))
        await stop.wait()
        notify("STOPPING=1")
        beat.cancel()
        await runner.cleanup()
    finally:
        await hub.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.listen_host, settings.listen_port, backlog=1024).start()
    except OSError as error:
        raise HubAddressTaken(f"{settings.listen_host}:{settings.listen_port}: {error.strerror}") from error


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}"


def _end_process(error: BaseException) -> None:
    """A head office whose writer is dead must not look alive: end at once, the supervisor starts it anew."""
    logger.critical("ending because the writer died", extra={"fields": {"error": type(error).__name__}})
    os._exit(_DEAD_WRITER_EXIT)
