"""One contract for every way to a printer, and what a network printer does to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
from msgspec.structs import replace

from printers.errors import (
    CoverOpen,
    OutcomeUnknown,
    PaperOut,
    PrinterOffline,
    PrinterProblem,
    PrinterSilent,
    PrinterUnreachable,
)
from printers.transport import HandedOver, NotSent, Outcome, Printed, Transport, Unknown, Withdrawn
from printers.transport_tcp import Patience, TcpTransport
from printers.transport_virtual import VirtualTransport
from tests.ports import reserve_port
from tests.printers.fake_printer import FakePrinter

# Only where a test waits for the end of a patience is that one short: a busy machine must not end another one.
PATIENT = Patience(connect=30, answer=30, printed=30, stalled=30, refill=60, poll=0.05)
JOB = b"\x1b@Tea 2.50\n" * 20


class Rig(Protocol):
    """A transport and the world at its other end."""

    transport: Transport

    def arrived(self) -> bytes: ...
    def break_down(self) -> None: ...
    def break_down_in_the_next_job(self) -> None: ...
    def mend(self) -> None: ...


class VirtualRig:
    def __init__(self) -> None:
        self.virtual = VirtualTransport(pace_ms=20)
        self.transport: Transport = self.virtual

    def arrived(self) -> bytes:
        return b"".join(self.virtual.papers)

    def break_down(self) -> None:
        self.virtual.fault()

    def break_down_in_the_next_job(self) -> None:
        asyncio.get_running_loop().call_later(0.005, self.virtual.fault)

    def mend(self) -> None:
        self.virtual.mend()


class TcpRig:
    def __init__(self, printer: FakePrinter) -> None:
        self.printer = printer
        self.transport: Transport = TcpTransport("127.0.0.1", printer.port, patience=PATIENT)

    def arrived(self) -> bytes:
        return self.printer.printed

    def break_down(self) -> None:
        self.printer.turn("paper out")

    def break_down_in_the_next_job(self) -> None:
        self.printer.state_on_data = "paper out"

    def mend(self) -> None:
        self.printer.turn("ready")


@asynccontextmanager
async def rig_of(kind: str) -> AsyncIterator[Rig]:
    if kind == "virtual":
        yield VirtualRig()
        return
    async with FakePrinter() as printer:
        yield TcpRig(printer)


@pytest.fixture(params=["virtual", "tcp"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rig_of(request.param) as built:
        yield built


class Call:
    """One send, with what the transport asked and told meanwhile."""

    def __init__(self, go: bool = True, arrived: Callable[[], bytes] = bytes) -> None:
        self.go = go
        self.arrived = arrived
        self.asked: list[bytes] = []
        self.told: list[str | None] = []
        self.waits = asyncio.Event()

    async def before_first_byte(self) -> bool:
        await asyncio.sleep(0.01)
        self.asked.append(self.arrived())
        return self.go

    def on_wait(self, problem: PrinterProblem | None) -> None:
        self.told.append(None if problem is None else problem.code)
        self.waits.set()

    async def send(self, transport: Transport, data: bytes = JOB) -> Outcome:
        async with asyncio.timeout(120):
            return await transport.send(data, before_first_byte=self.before_first_byte, on_wait=self.on_wait)


async def test_a_job_arrives_whole_and_is_confirmed(rig: Rig) -> None:
    call = Call(arrived=rig.arrived)
    assert await call.send(rig.transport) == Printed()
    assert rig.arrived() == JOB
    assert call.told == []


async def test_a_check_says_what_is_wrong_and_prints_nothing(rig: Rig) -> None:
    assert await rig.transport.check() is None
    rig.break_down()
    assert isinstance(await rig.transport.check(), PaperOut)
    rig.mend()
    assert await rig.transport.check() is None
    assert rig.arrived() == b""
    assert await Call().send(rig.transport) == Printed()


async def test_a_check_of_nothing_says_that_nothing_is_there() -> None:
    assert isinstance(await TcpTransport("127.0.0.1", reserve_port(), patience=PATIENT).check(), PrinterUnreachable)


async def test_the_first_byte_waits_until_it_is_allowed(rig: Rig) -> None:
    call = Call(arrived=rig.arrived)
    await call.send(rig.transport)
    assert call.asked == [b""]


async def test_a_withdrawn_job_leaves_no_byte(rig: Rig) -> None:
    call = Call(go=False)
    assert await call.send(rig.transport) == Withdrawn()
    await asyncio.sleep(0.05)
    assert rig.arrived() == b""


async def test_a_printer_that_is_not_ready_gets_no_byte_and_is_not_even_asked_for_permission(rig: Rig) -> None:
    rig.break_down()
    call = Call()
    outcome = await call.send(rig.transport)
    assert isinstance(outcome, NotSent)
    assert isinstance(outcome.problem, PaperOut)
    assert call.asked == []
    rig.mend()
    await asyncio.sleep(0.05)
    assert rig.arrived() == b""


async def test_paper_that_runs_out_in_the_middle_is_waited_for_and_shown(rig: Rig) -> None:
    rig.break_down_in_the_next_job()
    call = Call()
    sending = asyncio.create_task(call.send(rig.transport))
    await call.waits.wait()
    await asyncio.sleep(0.1)
    assert not sending.done()
    rig.mend()
    assert await sending == Printed()
    assert call.told == ["paper_out", None]
    assert rig.arrived() == JOB


async def test_a_fault_while_asking_for_permission_passes_through_and_leaves_no_byte(rig: Rig) -> None:
    async def refuse() -> bool:
        raise RuntimeError("storage")

    with pytest.raises(RuntimeError, match="storage"):
        await rig.transport.send(JOB, before_first_byte=refuse, on_wait=lambda _: None)
    await asyncio.sleep(0.05)
    assert rig.arrived() == b""


async def test_one_job_after_the_other_arrives_in_order(rig: Rig) -> None:
    for number in range(5):
        assert await Call().send(rig.transport, b"job %d\n" % number) == Printed()
    assert rig.arrived() == b"job 0\njob 1\njob 2\njob 3\njob 4\n"


async def test_the_virtual_printer_keeps_only_its_last_papers() -> None:
    transport = VirtualTransport(keep=2)
    for number in range(4):
        await Call().send(transport, b"%d" % number)
    assert list(transport.papers) == [b"2", b"3"]


# What only a network does.


async def test_nothing_at_the_address_means_nothing_sent() -> None:
    call = Call()
    outcome = await call.send(TcpTransport("127.0.0.1", reserve_port(), patience=PATIENT))
    assert isinstance(outcome, NotSent)
    assert isinstance(outcome.problem, PrinterUnreachable)
    assert call.asked == []


async def test_a_printer_that_never_answers_the_first_question_gets_nothing() -> None:
    async with FakePrinter() as printer:
        printer.answers = False
        patience = replace(PATIENT, answer=0.3)
        outcome = await Call().send(TcpTransport("127.0.0.1", printer.port, patience=patience))
        assert isinstance(outcome, NotSent)
        assert isinstance(outcome.problem, PrinterSilent)
        assert printer.printed == b""


async def test_an_open_cover_is_named() -> None:
    async with FakePrinter() as printer:
        printer.state = "cover open"
        outcome = await Call().send(TcpTransport("127.0.0.1", printer.port, patience=PATIENT))
        assert isinstance(outcome, NotSent)
        assert isinstance(outcome.problem, CoverOpen)


async def test_a_printer_that_cannot_answer_ends_as_handed_over() -> None:
    async with FakePrinter() as printer:
        printer.answers = printer.confirms = False
        transport = TcpTransport("127.0.0.1", printer.port, answers=False, patience=PATIENT)
        assert await Call().send(transport) == HandedOver()
        await printer.got_data.wait()
        await asyncio.sleep(0.05)
        assert printer.printed == JOB


@pytest.mark.parametrize("politely", [False, True], ids=["reset", "closed"])
@pytest.mark.parametrize("taken", [1, 100, len(JOB)])
@pytest.mark.parametrize("size", [1, 400], ids=["short", "long"])
async def test_a_connection_cut_in_the_middle_is_unknown_never_not_sent(taken: int, size: int, politely: bool) -> None:
    async with FakePrinter() as printer:
        printer.breaks_after = taken
        printer.closes_politely = politely
        outcome = await Call().send(TcpTransport("127.0.0.1", printer.port, patience=PATIENT), JOB * size)
        assert isinstance(outcome, Unknown)
        assert isinstance(outcome.problem, OutcomeUnknown)
        assert len(printer.printed) == taken
        assert printer.connections == 1


async def test_no_confirmation_is_unknown_after_a_while() -> None:
    async with FakePrinter() as printer:
        printer.confirms = False
        call = Call()
        patience = replace(PATIENT, printed=0.5)
        assert isinstance(await call.send(TcpTransport("127.0.0.1", printer.port, patience=patience)), Unknown)
        assert printer.printed == JOB
        assert call.told == []


async def test_a_printer_that_stops_taking_data_is_shown_and_then_unknown() -> None:
    async with FakePrinter() as printer:
        call = Call()
        transport = TcpTransport("127.0.0.1", printer.port, patience=replace(PATIENT, stalled=0.5))
        sending = asyncio.create_task(call.send(transport, JOB * 200_000))
        await printer.got_data.wait()
        printer.reading.clear()
        outcome = await sending
        assert isinstance(outcome, Unknown)
        assert call.told == [PrinterOffline.code]


async def test_a_printer_without_automatic_status_is_asked_why_it_is_silent() -> None:
    async with FakePrinter() as printer:
        printer.reports = False
        printer.state_on_data = "cover open"
        call = Call()
        patience = replace(PATIENT, printed=0.5)
        sending = asyncio.create_task(call.send(TcpTransport("127.0.0.1", printer.port, patience=patience)))
        await call.waits.wait()
        assert call.told == ["cover_open"]
        await asyncio.sleep(patience.printed)
        assert not sending.done()
        printer.turn("ready")
        assert await sending == Printed()


async def test_a_refill_that_never_comes_ends_as_unknown_with_its_reason() -> None:
    async with FakePrinter() as printer:
        printer.state_on_data = "paper out"
        patience = replace(PATIENT, printed=0.2, refill=0.3)
        outcome = await Call().send(TcpTransport("127.0.0.1", printer.port, patience=patience))
        assert isinstance(outcome, Unknown)
        assert "no paper" in outcome.problem.detail


async def test_an_interrupted_send_leaves_no_task_and_no_connection() -> None:
    async with FakePrinter() as printer:
        printer.confirms = False
        before = asyncio.all_tasks()
        patience = Patience(printed=30)
        sending = asyncio.create_task(Call().send(TcpTransport("127.0.0.1", printer.port, patience=patience)))
        await printer.got_data.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == before
