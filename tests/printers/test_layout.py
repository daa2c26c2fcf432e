"""Rows never exceed the paper, amounts stand under each other, no number is cut in two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.cells import Grid, count_cells
from printers.document import (
    BANNER,
    LARGE,
    PLAIN,
    QR,
    Barcode,
    Columns,
    Cut,
    Document,
    Element,
    Feed,
    Line,
    Rule,
    Wrapped,
)
from printers.layout import CutRow, FeedRow, QRRow, Row, RuleRow, TextRow, layout
from printers.raster import DotGrid

TEXTS = st.text(st.sampled_from("abc 가나 漢字 ※①€ \n\x1b12.5−Ł"), max_size=60)
STYLES = st.sampled_from([PLAIN, LARGE, BANNER])
ALIGNS = st.sampled_from(["left", "center", "right"])
ELEMENTS = st.one_of(
    st.builds(Wrapped, TEXTS, ALIGNS, STYLES, st.integers(0, 30)),
    st.builds(Line, TEXTS, TEXTS, st.one_of(st.none(), st.text("A※", max_size=2)), STYLES, st.integers(0, 30)),
    st.integers(1, 5).flatmap(
        lambda n: st.builds(
            Columns,
            st.tuples(*[TEXTS] * n),
            st.lists(st.tuples(*[TEXTS] * n), max_size=3).map(tuple),
            st.tuples(*[ALIGNS] * n),
        )
    ),
    st.builds(Rule, st.booleans()),
    st.just(Cut()),
)


def rows_of(*elements: Element, columns: int = 24) -> list[str]:
    rows = layout(Document("en", elements), Grid(columns))
    return [row.text for row in rows if isinstance(row, TextRow)]


def width(row: Row, grid: Grid | DotGrid) -> int:
    return count_cells(row.text, grid.cells) * row.style.scale if isinstance(row, TextRow) else 0


@given(st.lists(ELEMENTS, max_size=6), st.sampled_from([32, 42, 48]), st.sampled_from([Grid, DotGrid]))
def test_no_row_is_wider_than_the_paper(
    elements: list[Element], columns: int, kind: type[Grid] | type[DotGrid]
) -> None:
    grid = kind(columns)
    rows = layout(Document("ja", tuple(elements)), grid)
    assert all(width(row, grid) <= columns for row in rows)


@given(
    st.lists(st.builds(Line, TEXTS, st.from_regex(r"[0-9]{1,6}[.][0-9]{2}", fullmatch=True), st.just("")), max_size=5)
)
def test_every_amount_of_a_document_is_whole_and_ends_in_the_same_cell(lines: list[Line]) -> None:
    rows = rows_of(*lines, Line("x", "1.00", "A"))
    for line in lines:
        assert any(row.endswith(line.right) and len(row.encode()) > 0 for row in rows)
        found = [row for row in rows if row.endswith(line.right)]
        assert all(count_cells(row, Grid(24).cells) == 22 for row in found)


CASES: dict[str, tuple[tuple[Element, ...], list[str]]] = {
    "a label and its amount": ((Line("Tea", "2.50", ""),), ["Tea                 2.50"]),
    "a tax mark makes room in every amount": (
        (Line("Tea", "2.50", "A"), Line("Due", "2.50", ""), Line("No.", "17")),
        ["Tea               2.50 A", "Due               2.50", "No.                   17"],
    ),
    "a long label wraps, its amount stands on its last row": (
        (Line("Earl Grey tea, loose, one tin", "12.50", ""),),
        ["Earl Grey tea, loose,", "one tin            12.50"],
    ),
    "a label that fills its row gives its amount the next": (
        (Line("twenty letters in row", "2.50", ""),),
        ["twenty letters in row", "                    2.50"],
    ),
    "an amount wider than the paper is wrapped, never dropped": (
        (Line("Sum", "1234567890123456789012345.00", ""),),
        ["Sum", "123456789012345678901234", "                    5.00"],
    ),
    "a table fills the paper": (
        (Columns(("", "Net", "Tax"), (("A", "4.06", "0.94"),), ("left", "right", "right")),),
        ["          Net        Tax", "A        4.06       0.94"],
    ),
    "a table too wide becomes lines, its numbers whole": (
        (Columns(("Rate", "Net", "Tax"), (("23%", "123,456,789", "23,456,789"),), ("left", "right", "right")),),
        ["Rate                 23%", "Net          123,456,789", "Tax           23,456,789"],
    ),
    "centred, right and indented": (
        (Wrapped("mid", "center"), Wrapped("end", "right"), Wrapped("in", indent=2)),
        ["          mid", "                     end", "  in"],
    ),
    "a large row has half the columns": ((Wrapped("SUM", "center", LARGE),), ["    SUM"]),
    "a banner reaches across the paper": ((Wrapped("COPY", "center", BANNER),), ["          COPY          "]),
    "a barcode has its text below": ((Barcode("S001"),), ["          S001"]),
    "lines of a text stay apart": ((Wrapped("a\nb"),), ["a", "b"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_document_becomes_rows(case: str) -> None:
    elements, rows = CASES[case]
    assert rows_of(*elements) == rows


def test_what_is_no_text_stays_what_it_is() -> None:
    rows = layout(Document("en", (Rule(True), QR("x"), Feed(2), Cut())), Grid(24))
    assert rows == (RuleRow(True), QRRow("x"), FeedRow(2), CutRow())


def test_a_drawn_row_gives_two_cells_to_what_the_latin_font_lacks() -> None:
    assert [DotGrid(48).cells(character) for character in "※①€Żがa"] == [2, 2, 1, 1, 2, 1]
