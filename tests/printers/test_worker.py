"""The owner of a printer: everything comes out once, in order, or somebody is told."""

import asyncio
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from printers.contents import ReceiptLine, encode_content
from printers.errors import PaperOut, PrinterProblem, Unprintable
from printers.escpos import separator
from printers.profile import load_profile
from printers.render import Rendered, render_job
from printers.spool import PrintState, forget_member, get, list_jobs, mark_canceled, reprint, submit
from printers.transactions import Tx
from printers.transport import BeforeFirstByte, OnWait, Outcome
from printers.transport_tcp import Patience, TcpTransport
from printers.transport_virtual import VirtualTransport
from printers.worker import Condition, Pace, Render, Worker
from tests.ports import reserve_port
from tests.printers.databases import SpoolDatabase
from tests.printers.fake_printer import FakePrinter
from tests.printers.samples import POLISH

PATIENT = Patience(connect=30, answer=30, printed=30, stalled=30, refill=60, poll=0.05)
PACE = Pace(idle_s=0.02, first_s=0.01, slowest_s=0.05, stale_after_ms=10_000)
MEMBER = uuid.uuid4()


async def plain(content: bytes, profile_name: str, copy_number: int) -> Rendered:
    """Stands for the renderer: the copy number and the content."""
    return Rendered(b"%d:%s" % (copy_number, content))


async def render_here(content: bytes, profile_name: str, copy_number: int) -> Rendered:
    """The renderer itself."""
    return render_job(content, profile_name, copy_number)


class Shop:
    """A spool, a clock that a test moves, and what the screen saw."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.database = SpoolDatabase(tx)
        self.now_ms = 1_000_000
        self.seen: list[Condition] = []
        self.workers: list[Worker] = []

    def open(
        self, transport: object, render: Render = plain, *, printer: str = "counter", separator: bytes = b""
    ) -> Worker:
        worker = Worker(
            printer=printer,
            profile_name="virtual",
            transport=transport,
            database=self.database,
            render=render,
            separator=separator,
            now_ms=lambda: self.now_ms,
            pace=PACE,
            on_change=self.seen.append,
        )
        worker.start()
        self.workers.append(worker)
        return worker

    def queue(self, number: int, *, content: bytes | None = None, printer: str = "counter") -> uuid.UUID:
        job = uuid.UUID(int=number)
        submit(
            self.tx,
            job_id=job,
            printer=printer,
            kind="receipt",
            content=content or b"%d;" % number,
            now_ms=self.now_ms + number,
            member=MEMBER,
        )
        return job

    async def comes_to(self, job: uuid.UUID, *states: PrintState) -> None:
        async with asyncio.timeout(120):
            while get(self.tx, job).state not in states:  # noqa: ASYNC110 - a row has nothing to wait on
                await asyncio.sleep(0.005)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not happened():  # noqa: ASYNC110 - a row has nothing to wait on
                await asyncio.sleep(0.005)


@pytest.fixture
async def shop(tx: Tx) -> AsyncIterator[Shop]:
    built = Shop(tx)
    yield built
    for worker in built.workers:
        await worker.stop(0)


async def test_what_waits_comes_out_once_and_in_order(shop: Shop) -> None:
    virtual = VirtualTransport()
    jobs = [shop.queue(number) for number in range(1, 21)]
    shop.open(virtual)
    await shop.comes_to(jobs[-1], PrintState.PRINTED)
    assert list(virtual.papers) == [b"0:%d;" % number for number in range(1, 21)]
    assert {job.state for job in list_jobs(shop.tx)} == {PrintState.PRINTED}


async def test_a_job_queued_later_is_noticed_when_woken_and_even_when_nobody_wakes(shop: Shop) -> None:
    virtual = VirtualTransport()
    worker = shop.open(virtual)
    await shop.until(lambda: worker.condition.activity == "idle")
    first = shop.queue(1)
    worker.wake()
    await shop.comes_to(first, PrintState.PRINTED)
    await shop.comes_to(shop.queue(2), PrintState.PRINTED)


async def test_a_printer_is_asked_whether_it_can_print_and_a_job_with_it_answers_for_it(shop: Shop) -> None:
    virtual = VirtualTransport(pace_ms=30)
    worker = shop.open(virtual)
    assert await worker.check() is None
    virtual.fault()
    assert isinstance(await worker.check(), PaperOut)
    virtual.mend()
    job = shop.queue(1)
    worker.wake()
    await shop.until(lambda: worker.condition.activity == "printing")
    assert await worker.check() is None
    virtual.fault()
    await shop.until(lambda: worker.condition.activity == "waiting")
    assert isinstance(await worker.check(), PaperOut)
    virtual.mend()
    await shop.comes_to(job, PrintState.PRINTED)
    assert await worker.check() is None
    assert len(virtual.papers) == 1


async def test_a_real_receipt_is_rendered_and_a_reprint_carries_its_mark(shop: Shop) -> None:
    virtual = VirtualTransport()
    shop.open(virtual, render_here)
    job = shop.queue(1, content=encode_content(POLISH))
    await shop.comes_to(job, PrintState.PRINTED)
    again = reprint(shop.tx, job, uuid.UUID(int=2), shop.now_ms).id
    await shop.comes_to(again, PrintState.PRINTED)
    assert [b"KOPIA 1" in paper for paper in virtual.papers] == [False, True]


async def test_a_printer_without_paper_is_tried_again_and_shown_until_somebody_refills_it(shop: Shop) -> None:
    rendered = 0

    async def counting(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        nonlocal rendered
        rendered += 1
        return Rendered(content)

    virtual = VirtualTransport()
    virtual.fault()
    job = shop.queue(1)
    worker = shop.open(virtual, counting)
    await shop.until(lambda: get(shop.tx, job).attempts >= 3)
    assert (worker.condition.activity, worker.condition.code) == ("waiting", "paper_out")
    assert worker.condition.hint == PaperOut.hint
    virtual.mend()
    worker.retry_now()
    await shop.comes_to(job, PrintState.PRINTED)
    assert list(virtual.papers) == [b"1;"]
    assert rendered == 1


async def test_a_dead_printer_does_not_hold_up_another(shop: Shop) -> None:
    dead, alive = VirtualTransport(), VirtualTransport()
    dead.fault()
    waiting, printed = shop.queue(1), shop.queue(2, printer="kitchen")
    shop.open(dead)
    shop.open(alive, printer="kitchen")
    await shop.comes_to(printed, PrintState.PRINTED)
    assert get(shop.tx, waiting).state in (PrintState.QUEUED, PrintState.PREFLIGHT)


async def test_what_cannot_be_printed_fails_with_its_reason_and_the_next_comes_out(shop: Shop) -> None:
    async def picky(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        if content == b"1;":
            raise Unprintable("No font here has the character U+0E01.")
        return Rendered(content)

    virtual = VirtualTransport()
    bad, good = shop.queue(1), shop.queue(2)
    shop.open(virtual, picky)
    await shop.comes_to(good, PrintState.PRINTED)
    assert get(shop.tx, bad).state == PrintState.FAILED
    assert get(shop.tx, bad).problem == "unprintable: No font here has the character U+0E01."
    assert list(virtual.papers) == [b"2;"]


async def test_a_receipt_with_a_letter_that_nothing_here_can_print_comes_out_and_the_log_says_so(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    line = ReceiptLine(
        name="ข้าว \U0001f35a 2 kg", quantity_milli=1000, unit_price_minor=850, gross_minor=850, net_minor=850
    )
    virtual = VirtualTransport()
    shop.open(virtual, render_here)
    job = shop.queue(1, content=encode_content(msgspec.structs.replace(POLISH, lines=(line,))))
    with caplog.at_level("WARNING", "printers.worker"):
        await shop.comes_to(job, PrintState.PRINTED)
    (paper,) = virtual.papers
    assert b"2 kg" in paper
    assert b"8,50" in paper
    (told,) = caplog.messages
    assert str(job) in told
    assert "nothing here can print 5 of its characters, such as U+0E02" in told


async def test_a_fault_of_ours_is_tried_a_few_times_then_failed_without_quoting_the_receipt(shop: Shop) -> None:
    async def broken(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        if content == b"1;":
            raise ValueError("Anna Kowalska, +48 600 100 200")
        return Rendered(content)

    virtual = VirtualTransport()
    bad, good = shop.queue(1), shop.queue(2)
    shop.open(virtual, broken)
    await shop.comes_to(good, PrintState.PRINTED)
    assert get(shop.tx, bad).state == PrintState.FAILED
    assert get(shop.tx, bad).attempts == 5
    assert get(shop.tx, bad).problem == "printing_failed: A fault before printing: ValueError."


async def test_a_helper_that_comes_back_costs_nothing_but_time(shop: Shop) -> None:
    faults = iter([True, True, False])

    async def shaky(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        if next(faults):
            raise BrokenPipeError
        return Rendered(content)

    virtual = VirtualTransport()
    job = shop.queue(1)
    shop.open(virtual, shaky)
    await shop.comes_to(job, PrintState.PRINTED)
    assert list(virtual.papers) == [b"1;"]


class FaultyTransport:
    """Breaks with an error nobody foresaw, before or after the first byte."""

    def __init__(self, *, after_first_byte: bool) -> None:
        self.after_first_byte = after_first_byte
        self.sends = 0

    async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
        del data, on_wait
        self.sends += 1
        if self.after_first_byte:
            await before_first_byte()
        raise LookupError

    async def check(self) -> PrinterProblem | None:
        return None


@pytest.mark.parametrize(("after", "state", "sends"), [(False, PrintState.FAILED, 5), (True, PrintState.UNKNOWN, 1)])
async def test_an_unforeseen_fault_never_sends_twice_what_may_be_on_paper(
    shop: Shop, after: bool, state: PrintState, sends: int
) -> None:
    transport = FaultyTransport(after_first_byte=after)
    job = shop.queue(1)
    shop.open(transport)
    await shop.comes_to(job, PrintState.FAILED, PrintState.UNKNOWN)
    await asyncio.sleep(0.1)
    assert (get(shop.tx, job).state, transport.sends) == (state, sends)


async def test_a_job_that_waited_too_long_is_canceled_and_can_still_be_asked_for(shop: Shop) -> None:
    virtual = VirtualTransport()
    old = shop.queue(1)
    shop.now_ms += PACE.stale_after_ms + 100
    fresh = shop.queue(2)
    shop.open(virtual)
    await shop.comes_to(fresh, PrintState.PRINTED)
    assert get(shop.tx, old).state == PrintState.CANCELED
    assert (get(shop.tx, old).problem or "").startswith("print_job_stale")
    again = reprint(shop.tx, old, uuid.UUID(int=3), shop.now_ms).id
    await shop.comes_to(again, PrintState.PRINTED)
    assert list(virtual.papers) == [b"0:2;", b"0:1;"]


@pytest.mark.parametrize("how", ["canceled", "erased"])
async def test_a_job_taken_back_while_it_is_rendered_leaves_no_byte(shop: Shop, how: str) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        begun.set()
        await go.wait()
        return Rendered(content)

    virtual = VirtualTransport()
    job = shop.queue(1)
    worker = shop.open(virtual, slow)
    await begun.wait()
    if how == "canceled":
        assert mark_canceled(shop.tx, job, shop.now_ms)
    else:
        assert forget_member(shop.tx, MEMBER) == 1
    go.set()
    await shop.until(lambda: worker.condition.activity == "idle")
    assert list(virtual.papers) == []
    assert [found.state for found in list_jobs(shop.tx)] == (["canceled"] if how == "canceled" else [])


async def test_a_paper_that_came_out_is_written_down_even_when_the_disk_refuses_for_a_while(shop: Shop) -> None:
    class FillsTheDisk(VirtualTransport):
        async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
            outcome = await super().send(data, before_first_byte=before_first_byte, on_wait=on_wait)
            shop.database.refuse = 4
            return outcome

    virtual = FillsTheDisk()
    job = shop.queue(1)
    shop.open(virtual)
    await shop.comes_to(job, PrintState.PRINTED)
    assert shop.database.refuse == 0
    assert list(virtual.papers) == [b"0:1;"]


async def test_a_storage_that_refuses_before_the_first_byte_delays_the_paper_and_loses_nothing(shop: Shop) -> None:
    shop.database.refuse = 3
    virtual = VirtualTransport()
    job = shop.queue(1)
    shop.open(virtual)
    await shop.comes_to(job, PrintState.PRINTED)
    assert list(virtual.papers) == [b"0:1;"]


async def test_a_storage_that_refuses_just_before_the_first_byte_is_no_reason_to_give_a_receipt_up(shop: Shop) -> None:
    class MeetsAFullDisk(VirtualTransport):
        attempts = 0

        async def send(self, data: bytes, *, before_first_byte: BeforeFirstByte, on_wait: OnWait) -> Outcome:
            self.attempts += 1
            shop.database.refuse = 1 if self.attempts <= 8 else 0
            return await super().send(data, before_first_byte=before_first_byte, on_wait=on_wait)

    virtual = MeetsAFullDisk()
    job = shop.queue(1)
    shop.open(virtual)
    await shop.comes_to(job, PrintState.PRINTED, PrintState.FAILED)
    assert list(virtual.papers) == [b"0:1;"]
    assert get(shop.tx, job).attempts == 9


async def test_an_idle_worker_writes_nothing(shop: Shop) -> None:
    worker = shop.open(VirtualTransport())
    await shop.until(lambda: worker.condition.activity == "idle")
    await asyncio.sleep(0.1)
    assert shop.database.writes == 0


async def test_the_screen_sees_what_the_printer_does(shop: Shop) -> None:
    virtual = VirtualTransport(pace_ms=50)
    job = shop.queue(1)
    worker = shop.open(virtual)
    await shop.until(lambda: worker.condition.activity == "printing")
    virtual.fault()
    await shop.until(lambda: worker.condition.activity == "waiting")
    virtual.mend()
    await shop.comes_to(job, PrintState.PRINTED)
    await worker.stop()
    await shop.until(lambda: worker.condition.activity == "stopped")
    activities = [condition.activity for condition in shop.seen]
    assert activities[:3] == ["printing", "waiting", "printing"]
    assert activities[-1] == "stopped"


async def test_stopping_lets_the_present_paper_come_out_and_takes_no_other(shop: Shop) -> None:
    virtual = VirtualTransport(pace_ms=50)
    first, second = shop.queue(1), shop.queue(2)
    worker = shop.open(virtual)
    await shop.until(lambda: get(shop.tx, first).state == PrintState.SENDING)
    await worker.stop(60)
    assert (get(shop.tx, first).state, get(shop.tx, second).state) == (PrintState.PRINTED, PrintState.QUEUED)


async def test_stopping_in_the_middle_of_a_paper_says_unknown(shop: Shop) -> None:
    virtual = VirtualTransport(pace_ms=60_000)
    job = shop.queue(1)
    worker = shop.open(virtual)
    await shop.until(lambda: get(shop.tx, job).state == PrintState.SENDING)
    await worker.stop(0.01)
    assert get(shop.tx, job).state == PrintState.UNKNOWN


async def test_stopping_before_the_first_byte_puts_the_job_back(shop: Shop) -> None:
    async def never(content: bytes, profile_name: str, copy_number: int) -> Rendered:
        await asyncio.sleep(3600)
        return Rendered(content)

    job = shop.queue(1)
    worker = shop.open(VirtualTransport(), never)
    await shop.until(lambda: get(shop.tx, job).state == PrintState.PREFLIGHT)
    await worker.stop(0.01)
    assert get(shop.tx, job).state == PrintState.QUEUED


# Over a real socket.


async def test_a_refused_connection_leaves_the_job_queued_and_it_prints_when_the_printer_is_there(shop: Shop) -> None:
    job = shop.queue(1)
    transport = TcpTransport("127.0.0.1", reserve_port(), patience=PATIENT)
    worker = shop.open(transport)
    await shop.until(lambda: get(shop.tx, job).attempts >= 2)
    assert worker.condition.code == "printer_unreachable"
    async with FakePrinter() as printer:
        transport._port = printer.port
        worker.retry_now()
        await shop.comes_to(job, PrintState.PRINTED)
        assert printer.printed == b"0:1;"


@pytest.mark.parametrize("taken", [1, 40, 90])
async def test_a_connection_cut_while_printing_is_unknown_and_nothing_is_printed_again_by_itself(
    shop: Shop, taken: int
) -> None:
    async with FakePrinter() as printer:
        printer.breaks_after = taken
        job = shop.queue(1, content=b"x" * 100)
        shop.open(TcpTransport("127.0.0.1", printer.port, patience=PATIENT))
        await shop.comes_to(job, PrintState.UNKNOWN)
        await asyncio.sleep(0.3)
        assert (printer.connections, len(printer.printed)) == (1, taken)
        assert (get(shop.tx, job).state, get(shop.tx, job).attempts) == (PrintState.UNKNOWN, 1)


async def test_the_paper_after_one_in_doubt_is_cut_off_from_it_first(shop: Shop) -> None:
    cut = separator(load_profile("virtual"))
    async with FakePrinter() as printer:
        printer.breaks_after = 3
        transport = TcpTransport("127.0.0.1", printer.port, patience=PATIENT)
        broken = shop.queue(1)
        shop.open(transport, separator=cut)
        await shop.comes_to(broken, PrintState.UNKNOWN)
        printer.breaks_after = None
        again = reprint(shop.tx, broken, uuid.UUID(int=2), shop.now_ms + 2).id
        await shop.comes_to(again, PrintState.PRINTED)
        await shop.comes_to(shop.queue(3), PrintState.PRINTED)
        assert printer.received == [b"0:1", cut + b"1:1;", b"0:3;"]


async def test_a_service_killed_between_the_last_byte_and_the_answer_calls_the_paper_unknown(
    open_spool: Callable[[str], Tx], tmp_path: Path
) -> None:
    path = str(tmp_path / "spool.sqlite")
    tx = open_spool(path)
    tx.execute("PRAGMA journal_mode = WAL")
    job = uuid.UUID(int=1)
    submit(tx, job_id=job, printer="counter", kind="receipt", content=b"Tea", now_ms=1)
    async with FakePrinter() as printer:
        printer.confirms = False
        command = (sys.executable, "-m", "tests.printers.victim", path, str(printer.port))
        root = str(Path(__file__).parents[2])
        victim = await asyncio.create_subprocess_exec(*command, cwd=root)
        async with asyncio.timeout(120):
            await printer.got_data.wait()
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
        assert get(tx, job).state == PrintState.SENDING
        printer.confirms = True
        successor = await asyncio.create_subprocess_exec(*command, cwd=root)
        try:
            async with asyncio.timeout(120):
                while get(tx, job).state == PrintState.SENDING:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
        finally:
            successor.kill()
            await successor.wait()
        assert get(tx, job).state == PrintState.UNKNOWN
        assert printer.printed == b"0:Tea"
