"""edge: a printer on the network (raw port 9100).

One connection per job: many printers serve one client at a time, and an idle connection would lock out the other
service. The printer is asked whether it can print before anything leaves (DLE EOT), and a question behind the last
byte (GS r 1) is answered only when everything before it is processed.

What can be lost, step by step:
 - refused, no route, no answer to the first question, cover open, no paper: nothing left. Safe to try again.
 - the connection breaks once the first byte was given to the system: it may be in the printer. Unknown, even where the
   system says that nothing was delivered; a second receipt is worse than a question to the cashier.
 - the paper runs out in the middle: the printer still owns the data and goes on after the refill. The connection is
   kept, because a new job now would come out behind the rest of this one ("ghost paper"), and the wait is shown.
 - everything left, no answer: unknown. The connection is dropped rather than closed, so that nothing held back follows.
"""

import asyncio
import contextlib
import socket

from msgspec import Struct

from printers.errors import (
    OutcomeUnknown,
    PrinterOffline,
    PrinterProblem,
    PrinterSilent,
    PrinterUnreachable,
)
from printers.status import (
    ASK_OFFLINE_CAUSE,
    ASK_PAPER,
    ASK_PRINTER,
    BARRIER,
    AutoStatus,
    PaperSensor,
    RealTime,
    Reply,
    problem_of_answers,
    problem_of_auto_status,
    split_replies,
)
from printers.transport import BeforeFirstByte, HandedOver, NotSent, OnWait, Outcome, Printed, Unknown, Withdrawn

_CHUNK = 2048
_CLOSED = OutcomeUnknown("The printer closed the connection while printing.")


class Patience(Struct, frozen=True, kw_only=True):
    """How long each step may take, in seconds.

    `printed` counts only while the printer reports no problem; `refill` is how long a job stays with a printer that
    said it has no paper or an open cover.
    """

    connect: float = 3.0
    answer: float = 2.0
    printed: float = 20.0
    stalled: float = 60.0
    refill: float = 600.0
    poll: float = 1.0


class TcpTransport:
    """A printer at `host`:`port`. `answers` is the profile's: whether it can be asked anything."""

    def __init__(self, host: str, port: int = 9100, *, answers: bool = True, patience: Patience | None = None) -> None:
        self._host = host
        self._port = port
        self._answers = answers
        self._patience = patience or Patience()

    async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
        """As `Transport.send`."""
        conversation = await self._connect(on_wait)
        if isinstance(conversation, PrinterUnreachable):
            return NotSent(conversation)
        clean = False
        try:
            outcome = await self._converse(conversation, data, before_first_byte)
            clean = not isinstance(outcome, Unknown)
        finally:
            await conversation.end(clean=clean)
        return outcome

    async def check(self) -> PrinterProblem | None:
        """As `Transport.check`. Of a printer that cannot answer nothing more is known than that it can be reached."""
        conversation = await self._connect(lambda _: None)
        if isinstance(conversation, PrinterUnreachable):
            return conversation
        try:
            return await conversation.ask_ready() if self._answers else None
        finally:
            await conversation.end(clean=True)

    async def _connect(self, on_wait: OnWait) -> "_Conversation | PrinterUnreachable":
        try:
            async with asyncio.timeout(self._patience.connect):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            return PrinterUnreachable(f"{self._host}:{self._port}: {error or 'no answer'}")
        # Keepalive ends a wait for paper on a printer that was unplugged; no buffer of ours hides a printer that is
        # full.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        writer.transport.set_write_buffer_limits(high=0)
        return _Conversation(reader, writer, self._patience, on_wait)

    async def _converse(self, line: "_Conversation", data: bytes, before_first_byte: BeforeFirstByte) -> Outcome:
        if self._answers and (problem := await line.ask_ready()) is not None:
            return NotSent(problem)
        if not await before_first_byte():
            return Withdrawn()
        problem = await line.transmit(data + BARRIER if self._answers else data)
        if problem is not None:
            return Unknown(problem)
        if not self._answers:
            return HandedOver()
        problem = await line.wait_for_barrier()
        return Printed() if problem is None else Unknown(problem)


class _Conversation:
    """One open connection: what was said, what came back, and what the printer is waiting for."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: Patience, on_wait: OnWait
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._on_wait = on_wait
        self._inbox: asyncio.Queue[Reply | None] = asyncio.Queue()
        self._printed = False
        self._closed = False
        self._problem: PrinterProblem | None = None
        self._since = asyncio.get_running_loop().time()
        self._listener = asyncio.create_task(self._listen())

    async def ask_ready(self) -> PrinterProblem | None:
        """DLE EOT 1, 2, 4, one after the other: their answers do not say which question they belong to."""
        answers = []
        for question in (ASK_PRINTER, ASK_OFFLINE_CAUSE, ASK_PAPER):
            answer = await self._ask(question)
            if answer is None:
                return PrinterSilent()
            answers.append(answer)
        return problem_of_answers(*answers)

    async def transmit(self, data: bytes) -> PrinterProblem | None:
        """Give every byte to the system. A printer without paper stops taking them: then wait as long as it says
        why.
        """
        self._since = asyncio.get_running_loop().time()
        for start in range(0, len(data), _CHUNK):
            try:
                self._writer.write(data[start : start + _CHUNK])
                problem = await self._drain()
            except OSError as error:
                return OutcomeUnknown(f"The connection broke while printing: {error}")
            if problem is not None:
                return problem
            self._since = asyncio.get_running_loop().time()
        return None

    async def wait_for_barrier(self) -> PrinterProblem | None:
        """None: printed. While nothing is reported, ask now and then; a printer without automatic status answers
        that.
        """
        self._since = asyncio.get_running_loop().time()
        while not self._printed:
            if self._closed:
                return _CLOSED
            if self._out_of_patience(self._patience.printed):
                return self._given_up()
            if not await self._hear(self._patience.poll) and not self._closed:
                try:
                    await self._poll()
                except OSError as error:
                    return OutcomeUnknown(f"The connection broke while printing: {error}")
        self._wait_for(None)
        return None

    async def end(self, *, clean: bool) -> None:
        """Close in order, or drop the connection with everything that has not left yet."""
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        if not clean:
            self._writer.transport.abort()
        self._writer.close()
        # The outcome is known by now: an error of a connection that is being thrown away says nothing about the paper.
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._patience.answer):
                await self._writer.wait_closed()

    async def _drain(self) -> PrinterProblem | None:
        """None: the system took it. A printer that takes no more data reports why by itself (automatic status), or
        never.
        """
        stalled = False
        while True:
            try:
                async with asyncio.timeout(self._patience.poll):
                    await self._writer.drain()
            except TimeoutError:
                while await self._hear(0):
                    pass
                if self._closed:
                    return _CLOSED
                if self._out_of_patience(self._patience.stalled):
                    return self._given_up()
                if self._problem is None and not stalled:
                    stalled = True
                    self._on_wait(PrinterOffline("The printer takes no more data."))
            else:
                if stalled:
                    self._on_wait(self._problem)
                return None

    async def _poll(self) -> None:
        """Ask for the cause of a silence; no answer leaves everything as it was."""
        answers = []
        for question in (ASK_PRINTER, ASK_OFFLINE_CAUSE, ASK_PAPER):
            answer = await self._ask(question)
            if answer is None or self._printed:
                return
            answers.append(answer)
        self._wait_for(problem_of_answers(*answers))

    async def _ask(self, question: bytes) -> int | None:
        """One byte of real-time status, None where none comes in time."""
        deadline = asyncio.get_running_loop().time() + self._patience.answer
        try:
            self._writer.write(question)
            await self._writer.drain()
        except OSError:
            self._closed = True
            return None
        while not self._closed and (left := deadline - asyncio.get_running_loop().time()) > 0:
            reply = await self._next(left)
            if isinstance(reply, RealTime):
                return reply.byte
        return None

    async def _hear(self, seconds: float) -> bool:
        """Take in one answer; False where none came in that time."""
        return await self._next(seconds) is not None

    async def _next(self, seconds: float) -> Reply | None:
        if self._closed and self._inbox.empty():
            return None
        try:
            async with asyncio.timeout(seconds):
                reply = await self._inbox.get()
        except TimeoutError:
            return None
        match reply:
            case None:
                self._closed = True
            case PaperSensor():
                self._printed = True
            case AutoStatus(flags):
                self._wait_for(problem_of_auto_status(flags))
            case _:
                pass
        return reply

    async def _listen(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while data := await self._reader.read(256):
                replies, rest = split_replies(rest + data)
                for reply in replies:
                    self._inbox.put_nowait(reply)
        self._inbox.put_nowait(None)

    def _wait_for(self, problem: PrinterProblem | None) -> None:
        if type(problem) is type(self._problem):
            return
        self._problem = problem
        self._since = asyncio.get_running_loop().time()
        self._on_wait(problem)

    def _out_of_patience(self, silent: float) -> bool:
        waited = asyncio.get_running_loop().time() - self._since
        return waited > (silent if self._problem is None else self._patience.refill)

    def _given_up(self) -> PrinterProblem:
        reason = "It did not confirm the paper." if self._problem is None else self._problem.detail
        return OutcomeUnknown(f"The printer took the data and went silent. {reason}")
