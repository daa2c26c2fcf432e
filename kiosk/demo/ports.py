"""edge: the ports of the demonstration: the store's may be another one at each start, head office's is for ever.

The store remembers where its head office is; nobody remembers where the store is but its links, which are printed anew.
"""

import contextlib
import re
import socket
from pathlib import Path

from loyalty.errors import Problem

FIRST = 8080
_TRIED = 20
_PORT = re.compile(r"^port = (\d+)$", re.MULTILINE)


class PortTaken(Problem):
    """The port of the demonstration is taken."""

    code, status = "port_taken", 500
    hint = (
        "End what listens there, such as a demonstration that runs already, or name another port:"
        ' ARGS="--port-base 9080" make run'
    )


def settle_port(file: Path, asked: int | None) -> int:
    """The port of the demonstration whose store's file is `file`: the one asked for, which is written down where there
    is a store already, else the one it had, else FIRST. Raises PortTaken."""
    written = file.read_text(encoding="utf-8") if file.exists() else ""
    had = _PORT.search(written)
    port = asked or (int(had[1]) if had else FIRST)
    if not is_free(port):
        raise PortTaken(f"127.0.0.1:{port}")
    if had and int(had[1]) != port:
        file.write_text(_PORT.sub(f"port = {port}", written, count=1), encoding="utf-8")
    return port


def find_free_port(first: int) -> int:
    """The first of some ports that nobody listens on now."""
    return next((port for port in range(first, first + _TRIED) if is_free(port)), first)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1 now."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
