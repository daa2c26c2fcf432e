"""edge: the port every way to a printer implements, and what may come of sending.

An outcome is a value, never an exception, because what happens next with a paper depends on nothing else:

| outcome     | what is known                                              | what the worker does              |
|-------------|------------------------------------------------------------|-----------------------------------|
| NotSent     | not one byte of this job has left                          | tries again by itself             |
| Withdrawn   | the job was canceled or erased before its first byte       | nothing                           |
| Printed     | the printer answered behind the last byte                  | done                              |
| HandedOver  | every byte has left, this printer cannot answer            | done, as far as anybody can know  |
| Unknown     | bytes have left, nothing proves the paper                  | never again without a person      |
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from printers.errors import PrinterProblem


class NotSent(Struct, frozen=True):
    """Not one byte of the job left."""

    problem: PrinterProblem


class Withdrawn(Struct, frozen=True):
    """`before_first_byte` said no."""


class Printed(Struct, frozen=True):
    """The printer confirmed the whole job."""


class HandedOver(Struct, frozen=True):
    """Every byte left; nothing can be confirmed here."""


class Unknown(Struct, frozen=True):
    """Bytes left and nothing proves the paper."""

    problem: PrinterProblem


Outcome = NotSent | Withdrawn | Printed | HandedOver | Unknown
BeforeFirstByte = Callable[[], Awaitable[bool]]
OnWait = Callable[[PrinterProblem | None], None]


class Transport(Protocol):
    """A way to one printer. `printers.worker` uses one at a time, for one job at a time."""

    async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
        """Send one job and say what came of it.

        `before_first_byte` is awaited exactly once, after the printer was found ready and before anything of `data`
        leaves; where it answers False, nothing may leave. `on_wait` is told what the printer waits for in the middle of
        a job (no paper), and None when it goes on. Raises nothing but what `before_first_byte` raises.
        """
        ...

    async def check(self) -> PrinterProblem | None:
        """Ask whether a job could be printed now, without sending one; None: nothing is known to be wrong."""
        ...
