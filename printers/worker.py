"""edge: one task owns one printer. It takes the oldest waiting job, has it rendered, sends it and writes down what
came of it.

It never decides twice about one paper: `sending` is committed before the first byte, whatever ends after that without
proof is `unknown`, and only what surely did not leave is tried again (printers/spool.py). It does not die: whatever
goes wrong is written into the job and the log, and the next job follows.

A dead printer costs the shop nothing but its paper: attempts slow down to one in `slowest_s`, and sales never wait
for this task. A job older than `stale_after_ms` is canceled instead of printed, so that a printer switched on in the
morning does not print last night's queue; a person can still ask for it.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeVar

from msgspec import Struct

from printers.errors import OutcomeUnknown, PrinterProblem, PrintingFailed, PrintJobStale
from printers.render import Rendered
from printers.spool import (
    PrintJob,
    ends_in_doubt,
    mark_canceled,
    mark_failed,
    mark_handed_over,
    mark_not_sent,
    mark_printed,
    mark_sending,
    mark_unknown,
    next_queued,
    take_next,
)
from printers.transactions import Tx
from printers.transport import HandedOver, NotSent, Outcome, Printed, Transport, Unknown, Withdrawn

logger = logging.getLogger("printers.worker")

Answer = TypeVar("Answer")
Render = Callable[[bytes, str, int], Awaitable[Rendered]]
"""`printers.render.render_job` with its arguments in order, run where it disturbs nobody."""

_FAULTS_ALLOWED = 5
_NAMED = 5  # characters a log line names, sorted, so that no customer's name can be read out of it


class Database(Protocol):
    """What opens transactions; `work` may run twice and so has no effect outside `tx`."""

    async def write(self, work: Callable[[Tx], Answer], /) -> Answer: ...
    async def read(self, work: Callable[[Tx], Answer], /) -> Answer: ...


class Condition(Struct, frozen=True):
    """What a printer is doing now, for screens. `waiting` has the code and sentence of what it waits for."""

    printer: str
    activity: Literal["idle", "printing", "waiting", "stopped"]
    job: uuid.UUID | None = None
    code: str | None = None
    detail: str | None = None
    hint: str | None = None


class Pace(Struct, frozen=True, kw_only=True):
    """How a worker waits. Attempts on a printer that cannot print double from `first_s` to `slowest_s`."""

    idle_s: float = 5.0
    first_s: float = 0.5
    slowest_s: float = 15.0
    stale_after_ms: int = 4 * 3600 * 1000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Worker:
    """The owner of one printer. `start` it after `recover_after_start`, `wake` it after a commit that queued a job."""

    def __init__(
        self,
        *,
        printer: str,
        profile_name: str,
        transport: Transport,
        database: Database,
        render: Render,
        separator: bytes = b"",
        now_ms: Callable[[], int] = _now_ms,
        pace: Pace | None = None,
        on_change: Callable[[Condition], None] = lambda _: None,
    ) -> None:
        """`separator` is `escpos.separator` of the profile: sent first where the last paper ended in doubt."""
        self.printer = printer
        self.condition = Condition(printer, "stopped")
        self._profile_name = profile_name
        self._transport = transport
        self._database = database
        self._render = render
        self._separator = separator
        self._now_ms = now_ms
        self._pace = pace or Pace()
        self._on_change = on_change
        self._wake = asyncio.Event()
        self._retry = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._rendered: tuple[uuid.UUID, bytes] | None = None
        self._faults: tuple[uuid.UUID | None, int] = (None, 0)
        self._pause_s = self._pace.first_s
        self._turn = asyncio.Lock()  # many printers take one connection at a time
        self._waits_for: PrinterProblem | None = None

    def start(self) -> None:
        """Begin to print in a task of its own."""
        self._stopping = False
        self._task = asyncio.create_task(self.run(), name=f"printer {self.printer}")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take no new job; give the present one `grace_s` to come out, then write down that its outcome is unknown."""
        self._stopping = True
        self.wake()
        self.retry_now()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=grace_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def wake(self) -> None:
        """A job may be waiting. Cheap, and for the loop's own thread only."""
        self._wake.set()

    def retry_now(self) -> None:
        """Somebody mended the printer: do not wait for the next attempt."""
        self._retry.set()

    async def check(self) -> PrinterProblem | None:
        """What keeps a paper queued now from coming out, None if nothing is known to. The printer is asked, unless a
        job is with it: then what that job waits for is the answer."""
        if self._turn.locked():
            return self._waits_for
        async with self._turn:
            problem = await self._transport.check()
        if problem is None:
            self.retry_now()
        return problem

    async def run(self) -> None:
        """Print until `stop`."""
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    pause_s = await self._print_next()
                except Exception:  # the one place that catches all: a task that dies takes every later paper with it
                    logger.exception("printer %s: a fault outside any job", self.printer)
                    pause_s = self._set_back()
                if pause_s is None:
                    await _wait(self._wake, self._pace.idle_s)
                elif pause_s > 0:
                    self._retry.clear()
                    await _wait(self._retry, pause_s)
        finally:
            self._change(Condition(self.printer, "stopped"))

    async def _print_next(self) -> float | None:
        """Work on one job. Answers how long to wait before the next: None for "until woken"."""
        waiting = await self._database.read(lambda tx: next_queued(tx, self.printer))
        if waiting is None:
            self._change(Condition(self.printer, "idle"))
            return None
        now_ms = self._now_ms()
        if now_ms - waiting.created_at > self._pace.stale_after_ms:
            await self._settle(lambda tx: mark_canceled(tx, waiting.id, now_ms, PrintJobStale()))
            return 0
        job, doubt = await self._database.write(
            lambda tx: (take_next(tx, self.printer, now_ms), ends_in_doubt(tx, self.printer))
        )
        return 0 if job is None else await self._print(job, self._separator if doubt else b"")

    async def _print(self, job: PrintJob, first: bytes) -> float:
        sending = refused = False

        async def before_first_byte() -> bool:
            nonlocal sending, refused
            refused = True
            sending = await self._database.write(lambda tx: mark_sending(tx, job.id, self._now_ms()))
            refused = False
            if sending:
                self._show(job, None)
            return sending

        try:
            data = first + await self._data_of(job)
            async with self._turn:
                outcome = await self._transport.send(
                    data, before_first_byte=before_first_byte, on_wait=lambda problem: self._show(job, problem)
                )
        except asyncio.CancelledError:
            # Stopped in the middle: what was not begun goes back, what was begun may be on paper.
            stopped = OutcomeUnknown("The service stopped while this was being printed.")
            await self._write_down(job, Unknown(stopped) if sending else NotSent(stopped))
            raise
        except PrinterProblem as problem:
            # Raised only while rendering, so nothing left: it would fail in the same way again.
            logger.warning("printer %s: job %s cannot be printed: %s", self.printer, job.id, problem.code)
            await self._fail(job, problem)
            return 0
        except Exception as error:
            logger.exception("printer %s: a fault in job %s", self.printer, job.id)
            if refused:
                # The storage said no to "sending", so nothing left; a full disk is no reason to give up a receipt.
                return await self._write_down(job, NotSent(PrintingFailed("The storage refuses to be written.")))
            return await self._survive(job, error, sending=sending)
        if not isinstance(outcome, NotSent):
            self._rendered = None
        return await self._write_down(job, outcome)

    async def _data_of(self, job: PrintJob) -> bytes:
        """The bytes of the job, kept between attempts: a printer without paper must not keep the helper busy."""
        if self._rendered is None or self._rendered[0] != job.id:
            paper = await self._render(job.content, self._profile_name, job.copy_number)
            if paper.replaced:
                named = " ".join(f"U+{ord(character):04X}" for character in paper.replaced[:_NAMED])
                logger.warning(
                    "printer %s: job %s: nothing here can print %d of its characters, such as %s",
                    *(self.printer, job.id, len(paper.replaced), named),
                )
            self._rendered = (job.id, paper.data)
        return self._rendered[1]

    async def _write_down(self, job: PrintJob, outcome: Outcome) -> float:
        now_ms = self._now_ms()
        match outcome:
            case NotSent(problem):
                await self._settle(lambda tx: mark_not_sent(tx, job.id, now_ms, problem))
                self._show(job, problem)
                return self._set_back()
            case Printed():
                await self._settle(lambda tx: mark_printed(tx, job.id, now_ms))
            case HandedOver():
                await self._settle(lambda tx: mark_handed_over(tx, job.id, now_ms))
            case Unknown(problem):
                logger.warning("printer %s: outcome of job %s unknown: %s", self.printer, job.id, problem.detail)
                await self._settle(lambda tx: mark_unknown(tx, job.id, now_ms, problem))
            case Withdrawn():
                pass
        self._pause_s = self._pace.first_s
        return 0

    async def _survive(self, job: PrintJob, error: Exception, *, sending: bool) -> float:
        """A fault of ours. After the first byte nobody knows what is on paper; before it, a few more attempts are
        free.
        """
        # Only the kind of error is stored: its text may quote the receipt.
        kind = type(error).__name__
        if sending:
            return await self._write_down(job, Unknown(OutcomeUnknown(f"A fault while printing: {kind}.")))
        problem = PrintingFailed(f"A fault before printing: {kind}.")
        self._faults = (job.id, self._faults[1] + 1 if self._faults[0] == job.id else 1)
        if self._faults[1] < _FAULTS_ALLOWED:
            return await self._write_down(job, NotSent(problem))
        await self._fail(job, problem)
        return 0

    async def _fail(self, job: PrintJob, problem: PrinterProblem) -> None:
        await self._settle(lambda tx: mark_failed(tx, job.id, self._now_ms(), problem))

    async def _settle(self, work: Callable[[Tx], bool]) -> None:
        """Write an outcome, again and again while the storage refuses: a paper that came out must not end as unknown.

        False from `work` means that the row was erased or canceled meanwhile, and there is nothing to write.
        """
        delay_s = self._pace.first_s
        while True:
            try:
                await self._database.write(work)
            except Exception:
                logger.exception("printer %s: an outcome could not be stored", self.printer)
                if self._stopping:
                    # The row stays `sending`; the next start calls it unknown, which is true for all anybody can prove.
                    return
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, self._pace.slowest_s)
            else:
                return

    def _set_back(self) -> float:
        """The next pause: doubling from the first to the slowest."""
        pause_s = self._pause_s
        self._pause_s = min(pause_s * 2, self._pace.slowest_s)
        return pause_s

    def _show(self, job: PrintJob, problem: PrinterProblem | None) -> None:
        self._waits_for = problem
        if problem is None:
            self._change(Condition(self.printer, "printing", job.id))
        else:
            self._change(Condition(self.printer, "waiting", job.id, problem.code, problem.detail, problem.hint))

    def _change(self, condition: Condition) -> None:
        if condition != self.condition:
            self.condition = condition
            self._on_change(condition)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event or the time, whichever comes first."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
