"""Ports that a test writes down before anybody listens on them, for services that must come back where they were.

    port = reserve_port()

A port that the system chose (port 0) and that was let go again is no such port: the next connection of any process may
be given it before the service binds it. These lie below the range that the system gives out, and each belongs to the
process that reserved it until that process ends, so that tests that run side by side never take the same.
"""

import errno
import itertools
import os
import socket

_FIRST, _LAST = 12_000, 29_999
_tries = itertools.count(os.getpid() * 41)  # workers begin in different places


def reserve_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens, and that nobody else is given while this process runs."""
    for _ in range(_FIRST, _LAST):
        port = _FIRST + next(_tries) % (_LAST - _FIRST)
        if _take_name(port) and _is_free(port):
            return port
    raise AssertionError("no port is free")


def _take_name(port: int) -> bool:
    """Whether this process is now the one that holds the port's name: a Unix socket without a file, which the system
    frees with the process."""
    with socket.socket(socket.AF_UNIX) as name:
        is_taken = _binds(name, f"\0counterfoil-test-port-{port}")
        if is_taken:
            name.detach()  # stays open
    return is_taken


def _is_free(port: int) -> bool:
    """Whether a service could bind it, just as the service will."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, ("127.0.0.1", port))


def _binds(bound: socket.socket, address: str | tuple[str, int]) -> bool:
    try:
        bound.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True
