"""Bytes a printer can take: every length as declared, every letter as meant, no command from a name."""

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.contents import ReceiptContent, ReceiptLine, decode_content, encode_content
from printers.document import BANNER, BOLD, LARGE, QR, Barcode, Cut, Document, Element, Feed, Line, Rule, Wrapped
from printers.errors import Unprintable
from printers.escpos import encode_document, separator
from printers.profile import Profile, load_profile, profile_names
from printers.render import render
from tests.printers.samples import ENGLISH_RETURN, KOREAN, PAPERS, POLISH

EPSON = load_profile("epson-80mm")
SMALL = load_profile("generic-58mm")
HEAD = b"\x1b@\x1da\x0e\x1bt\x00"

_FIXED = {b"\x1b@": 0, b"\x1da": 1, b"\x1c.": 0, b"\x1bR": 1, b"\x1bt": 1, b"\x1ba": 1, b"\x1bE": 1, b"\x1d!": 1}
_FIXED |= {b"\x1dB": 1, b"\x1bd": 1, b"\x1bJ": 1, b"\x1dh": 1, b"\x1dw": 1, b"\x1dH": 1}


def commands(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every command with its parameters, and every run of text as (b"", text). Fails on anything else."""
    index = 0
    while index < len(data):
        head = data[index : index + 2]
        if data[index] >= 0x20 or data[index] == 0x0A:
            end = index
            while end < len(data) and (data[end] >= 0x20 or data[end] == 0x0A):
                end += 1
            yield b"", data[index:end]
            index = end
            continue
        if head in _FIXED:
            size = _FIXED[head]
        elif head == b"\x1dV":
            size = 2
        elif head == b"\x1dv":
            assert data[index + 2 : index + 4] == b"0\x00"
            width = int.from_bytes(data[index + 4 : index + 6], "little")
            size = 6 + width * int.from_bytes(data[index + 6 : index + 8], "little")
        elif head == b"\x1d(":
            size = 3 + int.from_bytes(data[index + 3 : index + 5], "little")
        elif head == b"\x1dk":
            size = 2 + data[index + 3]
        else:
            raise AssertionError(f"unknown command {head!r} at {index}")
        assert index + 2 + size <= len(data), "a length reaches beyond the job"
        yield head, data[index + 2 : index + 2 + size]
        index += 2 + size


def encode(*elements: Element, profile: Profile = EPSON, locale: str = "pl") -> bytes:
    return encode_document(Document(locale, elements), profile)


QR_OF_AB1 = (
    b"\x1ba\x01\x1bJ\x10\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x04\x1d(k\x03\x001E1"
    b"\x1d(k\x06\x001P0AB1\x1d(k\x03\x001Q0\x1bJ\x10\x1ba\x00"
)
GOLDEN: dict[str, tuple[Element, bytes]] = {
    "plain": (Wrapped("Tea"), b"Tea\n"),
    "a letter of another code page": (Wrapped("Łódź a"), b"\x1bt\x12\x9d\xa2d\xab a\n"),
    "the page is chosen once": (Wrapped("łł"), b"\x1bt\x12\x88\x88\n"),
    "euro has its own page": (Wrapped("1 €"), b"1 \x1bt\x13\xd5\n"),
    "bold": (Wrapped("Tea", style=BOLD), b"\x1bE\x01Tea\n"),
    "large is bold, twice as wide and high": (Wrapped("Tea", style=LARGE), b"\x1bE\x01\x1d!\x11Tea\n"),
    "a banner is inverted": (Wrapped("X" * 48, style=BANNER), b"\x1bE\x01\x1dB\x01" + b"X" * 48 + b"\n"),
    "a rule": (Rule(), b"-" * 48 + b"\n"),
    "a double rule": (Rule(True), b"=" * 48 + b"\n"),
    "feed": (Feed(3), b"\x1bd\x03"),
    "cut": (Cut(), b"\x1dVB\x00"),
    "minus and the space that does not break": (Wrapped("−1\u00a0000"), b"-1 000\n"),
    "a QR code is the printer's own": (
        QR("AB1"),
        QR_OF_AB1,
    ),
    "a barcode is the printer's own": (
        Barcode("A{1234"),
        b"\x1ba\x01\x1bJ\x0f\x1dh\x50\x1dw\x03\x1dH\x00\x1dk\x49\x09{BA{{{C\x0c\x22\x1bJ\x0f\x1ba\x00"
        + b" " * 21
        + b"A{1234\n",
    ),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_an_element_becomes_exactly_these_bytes(case: str) -> None:
    element, expected = GOLDEN[case]
    assert encode(element) == HEAD + expected


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", PAPERS)
def test_every_declared_length_is_true_and_no_command_is_unknown(name: str, profile: str) -> None:
    data = render(encode_content(PAPERS[name]), profile, "bin", 1)
    heads = [head for head, _ in commands(data)]
    assert heads[0] == b"\x1b@"
    assert heads[-1] == (b"\x1dV" if load_profile(profile).cut != "none" else b"\x1bd")


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", PAPERS)
def test_no_letter_ever_becomes_a_question_mark(name: str, profile: str) -> None:
    text = b"".join(
        parameters for head, parameters in commands(render(encode_content(PAPERS[name]), profile)) if not head
    )
    assert b"?" not in text


def test_polish_is_printed_in_the_printers_own_letters_and_korean_is_drawn() -> None:
    polish = [head for head, _ in commands(render(encode_content(POLISH), "epson-80mm"))]
    korean = [head for head, _ in commands(render(encode_content(KOREAN), "epson-80mm"))]
    assert b"\x1dv" not in polish
    assert b"" not in korean
    assert b"\x1d(" in korean


def test_one_letter_no_code_page_has_makes_the_whole_job_a_picture() -> None:
    assert {head for head, _ in commands(encode(Wrapped("Tea"), Wrapped("茶"), Cut()))} == {
        b"\x1b@",
        b"\x1da",
        b"\x1dv",
        b"\x1dV",
    }


@pytest.mark.parametrize("profile", ["epson-80mm", "generic-58mm"])
def test_a_picture_comes_in_strips_no_taller_than_the_buffer_and_none_is_lost(profile: str) -> None:
    limits = load_profile(profile)
    document = Document("ko", tuple(Wrapped("한국어") for _ in range(100)))
    strips = [parameters for head, parameters in commands(encode_document(document, limits)) if head == b"\x1dv"]
    heights = [int.from_bytes(strip[4:6], "little") for strip in strips]
    assert max(heights) <= limits.strip_rows
    assert sum(heights) == 100 * 30
    assert all(int.from_bytes(strip[2:4], "little") * 8 == limits.dots for strip in strips)


def test_a_printer_that_cannot_draw_codes_gets_them_in_the_picture() -> None:
    heads = {head for head, _ in commands(encode(QR("A"), Barcode("A"), profile=SMALL))}
    assert heads == {b"\x1b@", b"\x1dv"}


def test_an_asian_model_is_told_to_leave_its_own_mode_first() -> None:
    assert encode(Wrapped("A"), profile=load_profile("epson-80mm-asia")).startswith(b"\x1b@\x1da\x0e\x1c.\x1bR\x00")


def test_a_character_without_any_font_is_refused_and_named() -> None:
    with pytest.raises(Unprintable, match=r"U\+1F600"):
        encode(Wrapped("smile \U0001f600"))


@pytest.mark.parametrize(
    "attack", ["\x1bp\x00\x32\x32", "\x10\x14\x01\x00\x05", "\x1d(k\x03\x001Q0", "\x1b@", "a\nb\x0cc", "\x1c."]
)
def test_a_name_full_of_commands_prints_as_a_name(attack: str) -> None:
    stored = decode_content(encode_content(_named(ENGLISH_RETURN, attack)))
    plain = render(encode_content(_named(ENGLISH_RETURN, "x")), "epson-80mm")
    data = render(encode_content(stored), "epson-80mm")
    assert [head for head, _ in commands(data) if head] == [head for head, _ in commands(plain) if head]


@given(st.text(max_size=30), st.sampled_from(["epson-80mm", "generic-58mm"]))
def test_any_name_makes_a_paper(name: str, profile: str) -> None:
    data = render(encode_content(_named(ENGLISH_RETURN, name)), profile)
    assert all(b"?" not in text for head, text in commands(data) if not head) or "?" in name


@given(st.lists(st.text("abcŁż€ŻЖ−×", min_size=1, max_size=40), min_size=1, max_size=5))
def test_text_mode_decodes_back_to_the_text(texts: list[str]) -> None:
    pages = {page.number: page.codec for page in EPSON.code_pages}
    codec, printed = "cp437", ""
    for head, parameters in commands(encode(*(Line(text, "1.00", "") for text in texts))):
        if head == b"\x1bt":
            codec = pages[parameters[0]]
        elif not head:
            printed += parameters.decode(codec)
    expected = "".join(f"{text}1.00" for text in texts).replace("−", "-")
    assert printed.replace(" ", "").replace("\n", "") == expected


@pytest.mark.parametrize("name", profile_names())
def test_the_separator_fills_up_whatever_is_missing_of_a_strip_and_cuts_it_off(name: str) -> None:
    profile = load_profile(name)
    data = separator(profile)
    cut = b"\x1b@" + {"partial": b"\x1dVB\x00", "none": b"\x1bd\x03"}[profile.cut]
    assert [head for head, _ in commands(data)][:3] == [b"\x1b@", b"\x1dv", b"\x1b@"]
    strip = profile.strip_rows * profile.dots // 8
    for swallowed in (10, strip // 2, strip - 1):
        assert data[swallowed:].lstrip(b"\x00") == cut


def _named(content: ReceiptContent, name: str) -> ReceiptContent:
    line = ReceiptLine(name=name, quantity_milli=1000, unit_price_minor=100, gross_minor=100, net_minor=100)
    return msgspec.structs.replace(content, lines=(line,))
