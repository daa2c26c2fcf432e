"""edge: what a service tells the systemd that started it (sd_notify(3)); nothing where nobody listens.

notify("READY=1")
beat = asyncio.create_task(feed_watchdog(database.is_alive))
notify("STOPPING=1")
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable


async def feed_watchdog(is_alive: Callable[[], bool]) -> None:
    """Say that all is well, twice as often as systemd asks for it, as long as this loop runs and `is_alive` says so.
    Ends at once where no watchdog is set."""
    interval_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    while interval_s:
        if is_alive():
            notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)


def notify(message: str) -> None:
    """Tell systemd how we are. That it cannot be told is no reason to stop a service that works."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect("\0" + address[1:] if address.startswith("@") else address)
        connection.sendall(message.encode())
