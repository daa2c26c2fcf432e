"""Our bytes, read and drawn by a printer emulator of another author."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator

import pytest
import zxingcpp
from PIL import Image, ImageChops

from printers.contents import encode_content
from printers.document import QR, Barcode, Cut, Document, Feed, Wrapped
from printers.errors import PrinterProblem
from printers.escpos import encode_document, separator
from printers.layout import layout
from printers.profile import load_profile
from printers.raster import DotGrid, draw_rows
from printers.render import document_of, render
from printers.transport import NotSent, Outcome, Printed
from printers.transport_tcp import Patience, TcpTransport
from tests.printers.emupos import Emulator, NoEmulator, Process, program
from tests.printers.samples import JAPANESE, KOREAN, PAPERS, POLISH

EPSON = load_profile("epson-80mm")
PATIENT = Patience(connect=60, answer=60, printed=120, stalled=120, poll=0.1)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    try:
        command = program()
    except NoEmulator as lack:
        pytest.skip(str(lack))
    running = Process(command, tmp_path_factory.mktemp("emupos"))
    yield running
    running.stop()


@pytest.fixture
async def emupos(process: Process) -> AsyncIterator[Emulator]:
    async with process.open() as emulator:
        yield emulator


async def yes() -> bool:
    return True


async def send(emupos: Emulator, data: bytes) -> Outcome:
    transport = TcpTransport("127.0.0.1", emupos.port, patience=PATIENT)
    return await transport.send(data, before_first_byte=yes, on_wait=lambda _: None)


def normal(text: str) -> str:
    """Text without the differences of paper: the stand-ins of code pages, spaces, rules."""
    return "".join(text.replace("−", "-").replace("\u00a0", " ").split())


async def test_every_paper_is_understood_to_the_last_byte_and_confirmed(emupos: Emulator) -> None:
    for name, content in PAPERS.items():
        for profile in ("epson-80mm", "generic-80mm"):
            assert await send(emupos, render(encode_content(content), profile)) == Printed(), (name, profile)
            await emupos.cut()
    assert emupos.complaints() == []
    assert await emupos.new_receipts() == 2 * len(PAPERS)


async def test_an_asian_model_prints_polish_in_its_latin_letters(emupos: Emulator) -> None:
    assert await send(emupos, render(encode_content(POLISH), "epson-80mm-asia")) == Printed()
    await emupos.cut()
    assert "Zażółć Gęślą" in await emupos.text()
    # This emulator knows no national character sets; choosing the plain one is all it may complain about.
    assert {event["data"].get("command") for event in emupos.complaints()} == {"ESC R"}


@pytest.mark.parametrize("name", ["pl", "return", "z"])
async def test_the_printers_own_letters_say_what_the_paper_says(emupos: Emulator, name: str) -> None:
    stored = encode_content(PAPERS[name])
    assert await send(emupos, render(stored, "epson-80mm", "bin", 1)) == Printed()
    await emupos.cut()
    printed = normal(await emupos.text())
    rows = [normal(row) for row in render(stored, "epson-80mm", "txt", 1).decode().splitlines()]
    for row in rows:
        assert row.startswith("[") or row in printed
    assert emupos.complaints() == []


@pytest.mark.parametrize("content", [POLISH, KOREAN, JAPANESE], ids=["pl", "ko", "ja"])
async def test_the_return_code_is_read_from_the_paper_it_drew(emupos: Emulator, content: object) -> None:
    assert await send(emupos, render(encode_content(content), "epson-80mm")) == Printed()
    await emupos.cut()
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(await emupos.image())).convert("L"))
    assert (found.symbology_identifier, found.text) == ("]Q1", POLISH.qr_text)


@pytest.mark.parametrize("name", PAPERS)
async def test_a_drawn_paper_is_dot_for_dot_our_picture(emupos: Emulator, name: str) -> None:
    profile = load_profile("generic-80mm")
    document = document_of(PAPERS[name])
    assert await send(emupos, encode_document(document, profile)) == Printed()
    await emupos.cut()
    paper = Image.open(io.BytesIO(await emupos.image())).convert("L")
    ours = draw_rows(layout(document, DotGrid(48)), profile, document.locale).convert("L")
    left = (paper.width - ours.width) // 2
    box = ImageChops.invert(paper).getbbox()
    own = ImageChops.invert(ours).getbbox()
    assert box is not None
    assert own is not None
    assert paper.crop(box).size == ours.crop(own).size
    assert ImageChops.difference(paper.crop(box), ours.crop(own)).getbbox() is None
    assert box[0] - own[0] == left


async def test_a_code_128_of_the_printers_own_is_read_back(emupos: Emulator) -> None:
    document = Document("en", (Wrapped("Tea"), Feed(), Barcode("S001-T01-000123"), Feed(), QR("1" * 200), Cut()))
    assert await send(emupos, encode_document(document, EPSON)) == Printed()
    await emupos.cut()
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(await emupos.image())).convert("L"))
    assert {code.text for code in codes} == {"S001-T01-000123", "1" * 200}
    assert emupos.complaints() == []


@pytest.mark.parametrize(
    ("fault", "code"), [("paper-out", "paper_out"), ("cover-open", "cover_open"), ("offline", "printer_offline")]
)
async def test_a_printer_that_cannot_print_gets_nothing_and_says_why(emupos: Emulator, fault: str, code: str) -> None:
    await emupos.fault(fault)
    outcome = await send(emupos, render(encode_content(POLISH), "epson-80mm"))
    assert isinstance(outcome, NotSent)
    assert outcome.problem.code == code
    await emupos.mend(fault)
    assert await send(emupos, render(encode_content(POLISH), "epson-80mm")) == Printed()
    await emupos.cut()
    assert await emupos.new_receipts() == 1


async def test_a_roll_that_is_nearly_empty_still_prints(emupos: Emulator) -> None:
    await emupos.fault("paper-near-end")
    assert await send(emupos, render(encode_content(POLISH), "epson-80mm")) == Printed()


async def test_paper_that_runs_out_in_the_middle_gives_one_receipt_after_the_refill(emupos: Emulator) -> None:
    told: list[str | None] = []
    waits = asyncio.Event()

    async def before() -> bool:
        """The paper runs out after the printer said it has some."""
        await emupos.fault("paper-out")
        return True

    def on_wait(problem: PrinterProblem | None) -> None:
        told.append(None if problem is None else problem.code)
        waits.set()

    transport = TcpTransport("127.0.0.1", emupos.port, patience=PATIENT)
    data = render(encode_content(POLISH), "epson-80mm")
    sending = asyncio.create_task(transport.send(data, before_first_byte=before, on_wait=on_wait))
    await waits.wait()
    await asyncio.sleep(0.5)
    assert not sending.done()
    assert told == ["paper_out"]
    await emupos.mend("paper-out")
    assert await sending == Printed()
    await emupos.cut()
    assert told == ["paper_out", None]
    assert await emupos.new_receipts() == 1


async def test_half_a_receipt_is_cut_off_before_the_next(emupos: Emulator) -> None:
    data = render(encode_content(KOREAN), "epson-80mm")
    _, writer = await asyncio.open_connection("127.0.0.1", emupos.port)
    writer.write(data[:40_000])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await emupos.event("connection.opened")
    await emupos.event("connection.closed")
    broken = emupos.complaints()
    assert await send(emupos, separator(EPSON) + render(encode_content(POLISH), "epson-80mm", "bin", 1)) == Printed()
    for _ in range(2):
        await emupos.cut()
    assert emupos.complaints() == broken
    assert "KOPIA 1" in await emupos.text()
    assert normal("Potwierdzenie sprzedaży") in normal(await emupos.text())
