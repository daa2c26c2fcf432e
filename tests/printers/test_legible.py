"""What no printer and no font here can put on paper is a sign on it, and everything else is as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers import fonts
from printers.cells import Grid
from printers.contents import encode_content
from printers.document import PLAIN, QR, Barcode, Columns, Cut, Document, Element, Line, Rule, Wrapped
from printers.escpos import encode_document, fits_text
from printers.layout import layout
from printers.legible import REPLACEMENT, for_drawing, for_printer
from printers.preview import preview_png
from printers.profile import load_profile, profile_names
from printers.render import document_of, render, render_job
from tests.printers.samples import PAPERS

EPSON, SMALL = load_profile("epson-80mm"), load_profile("generic-58mm")


def document(*elements: Element, locale: str = "en") -> Document:
    return Document(locale, elements)


@pytest.mark.parametrize(
    ("text", "legible", "replaced"),
    [
        ("Herbata źółta", "Herbata źółta", ""),
        ("녹차 茶 髙﨑", "녹차 茶 髙﨑", ""),
        ("smile \U0001f600!", "smile ▒!", "\U0001f600"),
        ("ข้าว", "▒▒▒", "ขวาั้"),
        ("one\ntwo \U0001f600", "one\ntwo ▒", "\U0001f600"),
        ("family \U0001f468\u200d\U0001f469", "family ▒▒", "\U0001f468\U0001f469"),
        ("", "", ""),
    ],
)
def test_only_the_letters_that_nothing_has_become_a_sign(text: str, legible: str, replaced: str) -> None:
    found = for_drawing(document(Wrapped(text)))
    assert found.document == document(Wrapped(legible))
    assert set(found.replaced) <= set(replaced)
    assert bool(found.replaced) == bool(replaced)
    assert list(found.replaced) == sorted(set(found.replaced))


def test_every_place_of_a_text_is_looked_at_and_codes_stay_as_they_are() -> None:
    bad = "\U0001f600"
    given = document(
        Wrapped(bad),
        Line(bad, f"1{bad}", bad, PLAIN, 2),
        Line("Tea", "2.50"),
        Columns((bad, "b"), (("1", bad),), ("left", "right")),
        *(Rule(), QR("A1"), Barcode("A1"), Cut()),
    )
    expected = document(
        Wrapped("▒"),
        Line("▒", "1▒", "▒", PLAIN, 2),
        Line("Tea", "2.50"),
        Columns(("▒", "b"), (("1", "▒"),), ("left", "right")),
        *(Rule(), QR("A1"), Barcode("A1"), Cut()),
    )
    assert for_drawing(given).document == expected
    assert for_printer(given, EPSON).document == expected


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_that_can_be_printed_is_left_alone(name: str, profile: str) -> None:
    paper = document_of(PAPERS[name])
    found = for_printer(paper, load_profile(profile))
    assert found.replaced == ()
    assert encode_document(found.document, load_profile(profile)) == encode_document(paper, load_profile(profile))


def test_the_sign_is_written_by_a_printer_that_has_letters_and_drawn_by_one_that_has_not() -> None:
    smile = document(Wrapped("smile \U0001f600"))
    found = for_printer(smile, EPSON).document
    assert fits_text(layout(found, Grid(48)), EPSON)
    assert REPLACEMENT.encode("cp437") in encode_document(found, EPSON)
    drawn = for_printer(smile, SMALL).document
    assert encode_document(drawn, SMALL) != encode_document(document(Wrapped("smile")), SMALL)


def test_what_only_the_printer_itself_has_is_written_by_it_and_replaced_where_it_must_be_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "_cjk_package", lambda: None)
    assert for_printer(document(Wrapped("Ж \U0001f600")), EPSON).document == document(Wrapped("Ж ▒"))
    beside_korean = for_printer(document(Wrapped("Ж 차"), QR("A")), SMALL)
    assert "차" in beside_korean.replaced


def test_without_the_cjk_package_a_korean_receipt_comes_out_with_its_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_cjk_package", lambda: None)
    found = for_printer(document(Line("녹차", "9,000"), locale="ko"), EPSON)
    assert found.document == document(Line("▒▒", "9,000"), locale="ko")
    assert b"9,000" in encode_document(found.document, EPSON)


@given(st.text(max_size=40), st.sampled_from(["epson-80mm", "generic-58mm"]))
def test_any_text_at_all_can_be_printed_and_seen(text: str, profile: str) -> None:
    there = load_profile(profile)
    paper = document(Line(text, "1.00", ""), Wrapped(text))
    assert encode_document(for_printer(paper, there).document, there)
    assert preview_png(for_drawing(paper).document, there)


def test_a_job_says_what_it_could_not_print_and_is_the_paper_of_render() -> None:
    stored = encode_content(PAPERS[min(PAPERS)])
    found = render_job(stored, "epson-80mm", 1)
    assert (found.data, found.replaced) == (render(stored, "epson-80mm", "bin", 1), ())
