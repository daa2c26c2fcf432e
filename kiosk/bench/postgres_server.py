"""edge: a PostgreSQL server of one's own for a while: in a folder of its own, on a Unix socket only, gone afterwards.

    with PostgresServer.start() as server:
        database = PostgresDatabase(server.make_database("one"))

A server that runs on this machine is neither used nor disturbed. PostgreSQL refuses to run as root; root starts it as
the user `postgres`, which Debian's package brings.
"""

import contextlib
import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import psycopg
from psycopg import sql

OLDEST = 15
HOW_TO_GET_IT = "PostgreSQL 15 or newer is not on this machine; as root: apt-get install postgresql"
_DEBIAN = Path("/usr/lib/postgresql")
_PATIENCE_S = 60.0
_PAUSE_S = 0.05
_PARENT_DIED = 1  # prctl(2): PR_SET_PDEATHSIG
# A collation that is not that of bytes shows what depends on it; letters of all alphabets need UTF8.
_INITDB = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")


class PostgresMissing(Exception):
    """No PostgreSQL that can be started is on this machine."""


class User(NamedTuple):
    """Whom the server runs as; None is whoever starts it."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """What groups remain beside its own: none of root's."""
        return None if self.uid is None else []


class PostgresServer:
    """A running server. `address(database)` is how a client reaches it."""

    def __init__(self, folder: Path, arguments: Sequence[str], user: User) -> None:
        self.folder = folder
        self._arguments = arguments
        self._user = user
        self._process = self._spawn()

    @classmethod
    def start(cls, settings: Sequence[str] = ()) -> Self:
        """Make a cluster and start its server. `settings` are further `name=value` of postgresql.conf.

        Raises PostgresMissing with the way to get one.
        """
        binaries, user = find_binaries(), find_user()
        folder = Path(tempfile.mkdtemp(prefix="counterfoil-postgres-"))
        try:
            if user.uid is not None and user.gid is not None:
                os.chown(folder, user.uid, user.gid)
            _run_as(
                user,
                [
                    str(binaries / "initdb"),
                    "-D",
                    str(folder / "data"),
                    "-U",
                    "hub",
                    "-A",
                    "trust",
                    "--no-sync",
                    *_INITDB,
                ],
            )
            arguments = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
            for setting in ("listen_addresses=", "fsync=on", "max_connections=100", *settings):
                arguments += ["-c", setting]
            server = cls(folder, arguments, user)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            server._wait()
        except BaseException:
            server.stop()
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def address(self, database: str) -> str:
        """The address of a database of this server."""
        return f"postgresql://hub@/{database}?host={self.folder}"

    def make_database(self, name: str, template: str | None = None) -> str:
        """A new database, a copy of `template` where one is named. Answers its address."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        self._say(statement)
        return self.address(name)

    def drop_database(self, name: str) -> None:
        """Take a database away, whoever is connected to it."""
        self._say(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def kill(self) -> None:
        """Stop at once without tidying up, as a crash does; `restart` recovers."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(_PATIENCE_S)

    def restart(self) -> None:
        """Start again on the same data after `kill`."""
        self._process = self._spawn()
        self._wait()

    def stop(self) -> None:
        """Stop the server and take its folder away."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own arguments
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  nothing but one system call
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=self._user.groups,
            )

    def _say(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _wait(self) -> None:
        """Until the server answers. Raises PostgresMissing with what it said when it ends instead."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.address("postgres")).close()
                return
            if self._process.poll() is not None or time.monotonic() > until:
                said = (self.folder / "log").read_text(encoding="utf-8", errors="replace").strip()
                raise PostgresMissing(f"PostgreSQL does not start: {said[-1000:]}")
            time.sleep(_PAUSE_S)


def find_binaries() -> Path:
    """The folder of initdb and postgres, the newest version there is. Raises PostgresMissing."""
    folders = [path.parent for path in _DEBIAN.glob("*/bin/postgres")]
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    found = {version_of(folder): folder for folder in folders if (folder / "initdb").exists()}
    newest = max(found, default=0)
    if newest < OLDEST:
        raise PostgresMissing(HOW_TO_GET_IT)
    return found[newest]


def version_of(folder: Path) -> int:
    """The major version of the server in a folder; 0 where it does not say one."""
    said = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", said)
    return int(found[1]) if found else 0


def find_user() -> User:
    """Whom the server is to run as. Raises PostgresMissing for root on a machine without a user for it."""
    if os.getuid() != 0:
        return User()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(entry.pw_uid, entry.pw_gid)
    raise PostgresMissing("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _run_as(user: User, arguments: Sequence[str]) -> None:
    run = subprocess.run(  # noqa: S603  our own arguments
        arguments,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user.uid,
        group=user.gid,
        extra_groups=user.groups,
    )
    if run.returncode != 0:
        raise PostgresMissing(f"initdb: {run.stderr.strip()[-1000:]}")


def _die_with_parent() -> None:
    """In the child, before PostgreSQL: whoever started it may be killed, and no server is left behind."""
    ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGQUIT)
