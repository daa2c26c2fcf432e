"""edge: a printer that only exists in memory, for demos, training and tests.

It keeps the last papers as the bytes it was sent, takes as long as paper takes, and can run out of paper. It passes
the same contract tests as the real ways to a printer.
"""

import asyncio
from collections import deque

from printers.errors import PaperOut, PrinterProblem
from printers.transport import BeforeFirstByte, NotSent, OnWait, Outcome, Printed, Withdrawn


class VirtualTransport:
    """`papers` holds the newest `keep` jobs; `pace_ms` is how long one takes to come out."""

    def __init__(self, *, keep: int = 100, pace_ms: int = 0) -> None:
        self.papers: deque[bytes] = deque(maxlen=keep)
        self.pace_ms = pace_ms
        self._problem: PrinterProblem | None = None
        self._ready = asyncio.Event()
        self._ready.set()

    def fault(self, problem: PrinterProblem | None = None) -> None:
        """From now on it says it has no paper (or whatever else is given)."""
        self._problem = problem or PaperOut()
        self._ready.clear()

    def mend(self) -> None:
        """A new roll is in."""
        self._problem = None
        self._ready.set()

    async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
        """As `Transport.send`. What it was given before the paper ran out comes out after the refill, as on real
        ones.
        """
        if (problem := self._present()) is not None:
            return NotSent(problem)
        if not await before_first_byte():
            return Withdrawn()
        await asyncio.sleep(self.pace_ms / 1000)
        if (problem := self._present()) is not None:
            on_wait(problem)
            await self._ready.wait()
            on_wait(None)
        self.papers.append(data)
        return Printed()

    async def check(self) -> PrinterProblem | None:
        """As `Transport.check`."""
        return self._present()

    def _present(self) -> PrinterProblem | None:
        return self._problem
