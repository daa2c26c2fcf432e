"""edge: the head office of the demonstration, in a process of its own beside the store.

with HeadOffice(folder, port) as office:       # makes it the first time, starts it, waits until it answers
    join_demo(office, config)                  # the store enrols the way every store does, once
    ...                                        # and it ends with the block, or with this process however that ends
"""

import asyncio
import json
import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import threading
import urllib.request
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from kiosk import __version__
from kiosk.compose import now_ms
from kiosk.config import Config, load_config
from kiosk.demo.ports import find_free_port
from kiosk.life.enrolment import join, read_enrolment
from loyalty.errors import Problem
from loyalty.ids import uuid7
from sync.durable_files import replace_file
from sync.engines import open_database
from sync.http.auth import hash_token
from sync.hub.compose import address_of
from sync.hub.initialise import make_hub
from sync.hub.serve import run_hub
from sync.hub.tokens import TokenRow, add_token

_ACCESS_NAME = "office.json"
_START_S, _STOP_S, _CALL_S = 120.0, 10.0, 60.0
_PASSWORD_BYTES = 9
_USER = "office"
_HUBFILE = """\
# The head office of the demonstration. Every key is explained in config.toml.
[hub]
name = "Counterfoil Markets"
data_dir = "hub"
listen_port = {port}

[log]
level = "warning"
"""


class HeadOfficeSilent(Problem):
    """The demonstration's head office did not start."""

    code, status, hint = "head_office_silent", 500, "Run it alone to see why: counterfoil hub --config DIR/hub.toml"


class OfficeAccess(Struct, frozen=True, kw_only=True):
    """How to get into the demonstration's head office; kept in its folder, readable by its owner only."""

    user: str
    password: str
    token: str


class HeadOffice:
    """A head office in a child process. Raises HeadOfficeSilent when it does not start."""

    def __init__(self, folder: Path, port: int) -> None:
        file = folder / "hub.toml"
        if not file.exists():
            file.write_text(_HUBFILE.format(port=find_free_port(port)), encoding="utf-8")
        self._config = load_config(file)
        self.access = _prepare(folder, self._config)
        self.url = ""
        self._child: BaseProcess | None = None

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        self._child = context.Process(target=_serve, args=(self._config, theirs), name="head office")
        self._child.start()
        theirs.close()
        try:
            # A child that ends before it answers closes its side.
            self.url = ours.recv() if ours.poll(_START_S) else ""
        except EOFError:
            self.url = ""
        if not self.url:
            self._stop()
            raise HeadOfficeSilent
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask as the office's user, and the answer. Raises HeadOfficeSilent for anything but a good one."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.access.token}"}
        content = msgspec.json.encode(body) if body is not None else None
        request = urllib.request.Request(  # noqa: S310  loopback, and our own address
            f"{self.url}{path}", content, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_CALL_S) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError as error:
            raise HeadOfficeSilent(f"{path}: {error}") from error

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        child.join(_STOP_S)
        if child.is_alive():
            child.kill()
            child.join()


def join_demo(office: HeadOffice, config: Config) -> None:
    """Let the demonstration store join, unless it has. Raises HeadOfficeSilent, and what `join` raises."""
    if read_enrolment(config.data_dir()) is not None:
        return
    store = uuid7(now_ms(), os.urandom(10))
    body = {"id": str(store), "code": config.store.code, "name": config.store.name}
    join(config, office.url, str(office.call("POST", "/v1/stores", body)["enrolment_code"]))


def _prepare(folder: Path, config: Config) -> OfficeAccess:
    """Make head office with one user, the first time."""
    file, hub_folder = folder / _ACCESS_NAME, (config.folder / config.hub.data_dir).absolute()
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=OfficeAccess)
    access = OfficeAccess(user=_USER, password=secrets.token_urlsafe(_PASSWORD_BYTES), token=secrets.token_urlsafe(32))
    # Made but not noted: a build that was cut off. Nothing is lost with it, the store sends its journal again.
    shutil.rmtree(hub_folder, ignore_errors=True)
    make_hub(config.hub, hub_folder, access.user, access.password)
    asyncio.run(_add_token(config, hub_folder, access))
    replace_file(file, json.dumps(msgspec.to_builtins(access)))
    return access


async def _add_token(config: Config, hub_folder: Path, access: OfficeAccess) -> None:
    """A standing sign-in whose token stays the same over restarts."""
    database = open_database(address_of(config.hub, hub_folder))
    await database.open()
    try:
        holder = TokenRow("head_office", access.user, 1)
        await database.write(lambda tx: add_token(tx, hash_token(access.token), holder, now_ms(), None))
    finally:
        await database.close()


def _serve(config: Config, ready: Connection) -> None:
    """The child: serve until told to stop, or until the parent is gone, however it went."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder = (config.folder / config.hub.data_dir).absolute()
    announce: Callable[[str], None] = ready.send
    try:
        run_hub(config.hub, folder, __version__, config.log.level, announce)
    except Problem as problem:
        logging.getLogger(__name__).error("%s %s", problem, problem.hint)  # noqa: TRY400  told to a person


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
