"""Virtual time for the product's own tasks: an event loop whose clock jumps to whatever comes next.

    loop = VirtualLoop()
    with loop.virtual(1_795_273_200_000, random):       # every clock and all randomness the product reads
        loop.run_until_complete(asyncio.sleep(3600))    # an hour, at once

One thread does everything: what the product hands to another thread or process runs in its place, at once. So the same
seed gives the same order of everything. `Owner` is a process in it: its tasks can be killed at any moment.
"""

import asyncio
import contextlib
import selectors
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.coupons.keyring import _load_or_make
from kiosk.simulate.scheduler import Action

_PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
_EPOCH_S = 1_000.0
"""A service has always run for a while when a universe begins: nothing that counts from 0 may look like never."""

_STEP_S = 1e-6
"""What one round of the loop takes. Were it nothing, whoever waits for the last of a nanosecond would wait for ever."""


class Owner:
    """A process: everything that was begun under it ends with it."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], bool] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Tasks that are begun in this block are this process's."""
        token = _OWNER.set(self)
        try:
            yield
        finally:
            _OWNER.reset(token)

    def add(self, task: asyncio.Task[Any]) -> None:
        """A task of this process began."""
        self._tasks[task] = True
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def kill(self) -> None:
        """End every task where it stands."""
        for task in list(self._tasks):
            task.cancel()


_OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class _Clock(selectors.SelectSelector):
    """Waits for no file: the time that would be waited is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = _EPOCH_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing is ever ready."""
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self.now_s += max(timeout, _STEP_S)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop, and a scheduler in the sense of kiosk/simulate/network.py."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)
        self.set_task_factory(_make_task)

    @property
    def now_ms(self) -> int:
        """Milliseconds since the universe began."""
        return int((self._clock.now_s - _EPOCH_S) * 1000)

    def time(self) -> float:
        """The clock that nobody can set."""
        return self._clock.now_s

    def after(self, delay_ms: int, what: str, action: Action) -> None:
        """Plan an action."""
        del what
        self.call_later(max(delay_ms, 0) / 1000, action)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]  # noqa: ANN401
        """What another thread or process would do is done here and now."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  whoever waits gets it
            future.set_exception(error)
        return future

    def wait(self, duration_ms: int) -> None:
        """Let time pass; everything that is to happen in it happens."""
        self.run_until_complete(asyncio.sleep(duration_ms / 1000))

    @contextlib.contextmanager
    def virtual(self, start_ms: int, random: Random) -> Iterator[None]:
        """The product's clocks are this loop's, its randomness is `random`'s."""

        def now_ns() -> int:
            return start_ms * 1_000_000 + int((self._clock.now_s - _EPOCH_S) * 1e9)

        with (
            patch("time.time_ns", now_ns),
            patch("time.time", lambda: now_ns() / 1e9),
            patch("time.monotonic", self.time),
            patch("time.monotonic_ns", lambda: int(self.time() * 1e9)),
            seeded(random),
        ):
            yield


@contextlib.contextmanager
def seeded(random: Random) -> Iterator[None]:
    """All randomness that the product reads is `random`'s, that of its keys too."""

    class Keys:
        from_private_bytes = Ed25519PrivateKey.from_private_bytes

        @staticmethod
        def generate() -> Ed25519PrivateKey:
            return Ed25519PrivateKey.from_private_bytes(random.randbytes(32))

    def load_or_make(path: Path) -> Ed25519PrivateKey:
        if not path.exists():
            path.write_bytes(Keys.generate().private_bytes(*_PEM))
        return _load_or_make(path)

    with (
        patch("os.urandom", random.randbytes),
        patch("sync.agent.key.Ed25519PrivateKey", Keys),
        patch("sync.hub.signing_key.Ed25519PrivateKey", Keys),
        patch("kiosk.coupons.keyring._load_or_make", load_or_make),
    ):
        yield


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> Any:  # noqa: ANN401  asyncio's own types
    task = asyncio.Task(coro, loop=loop, **more)
    context = more.get("context")
    owner = _OWNER.get() if context is None else context.get(_OWNER)
    if owner is not None:
        owner.add(task)
    return task
