"""Codes that an independent reader can read."""

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from printers.errors import Unprintable
from printers.layout import BarcodeRow, QRRow
from printers.profile import load_profile
from printers.raster import draw_rows
from printers.symbols import barcode_runs, qr_matrix, qr_module_dots

PROFILE = load_profile("epson-80mm")


def read(row: QRRow | BarcodeRow, profile_name: str = "epson-80mm") -> tuple[str, str]:
    """Symbology and text, as zxing sees them on paper with its margin."""
    drawn = draw_rows((row,), load_profile(profile_name), "en")
    paper = Image.new("L", (drawn.width + 64, drawn.height + 64), 255)
    paper.paste(drawn, (32, 32))
    (found,) = zxingcpp.read_barcodes(paper)
    return found.symbology_identifier, found.text


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12))
def test_any_ascii_text_survives_as_code_128(text: str) -> None:
    assert read(BarcodeRow(text)) == ("]C0", text)


@pytest.mark.parametrize("text", ["S001-T01-000123", "1234", "12345", "00", "a1234b", "a123456b", "x123456"])
def test_digits_are_packed_in_pairs_and_read_back(text: str) -> None:
    assert read(BarcodeRow(text)) == ("]C0", text)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("1234", [("C", "1234")]),
        ("12345", [("C", "1234"), ("B", "5")]),
        ("123", [("B", "123")]),
        ("A1234", [("B", "A"), ("C", "1234")]),
        ("A1234B", [("B", "A1234B")]),
        ("A123456B", [("B", "A"), ("C", "123456"), ("B", "B")]),
    ],
)
def test_a_change_of_code_set_happens_only_where_it_saves_room(text: str, runs: list[tuple[str, str]]) -> None:
    assert barcode_runs(text) == runs


@pytest.mark.parametrize("text", ["", "ż", "a\nb", "x" * 60])
def test_a_text_that_is_no_code_128_is_refused(text: str) -> None:
    with pytest.raises(Unprintable):
        draw_rows((BarcodeRow(text),), PROFILE, "en")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=80))
def test_any_text_survives_as_a_qr_code(text: str) -> None:
    assert read(QRRow(text))[1] == text


@pytest.mark.parametrize("profile", ["epson-80mm", "generic-58mm"])
def test_a_signed_coupon_of_200_digits_is_read_back(profile: str) -> None:
    digits = "".join(str(n * 7 % 10) for n in range(200))
    assert len(qr_matrix(digits)) == 37
    assert read(QRRow(digits), profile) == ("]Q1", digits)


def test_a_module_is_four_dots_three_where_it_must_and_never_fewer() -> None:
    assert qr_module_dots("x" * 60, 576) == 4
    wide = next("1" * n for n in range(100, 3000, 50) if len(qr_matrix("1" * n)) + 8 > 384 // 4)
    assert qr_module_dots(wide, 384) == 3
    with pytest.raises(Unprintable, match="does not fit"):
        qr_module_dots("1" * 3000, 384)
    with pytest.raises(Unprintable, match="too long"):
        qr_matrix("1" * 9000)
