"""Cells, clusters and where a row may end."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.cells import Grid, clean, clusters, count_cells, wrap
from printers.errors import Unprintable

GRID = Grid(48)
TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("가각漢字かなカナŻżabc 1234 (（。、é\u0301\u200d\u1100\u1161\u11a8"),
    )
)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("zażółć", 6),
        ("사과", 4),
        ("漢字かなカナ", 12),
        ("ｶﾅ", 2),
        ("\u1100\u1161\u11a8", 2),
        ("e\u0301", 1),
        ("x\u030c", 1),
        ("€½→", 3),
        ("￥", 2),
    ],
)
def test_a_text_takes_its_cells(text: str, cells: int) -> None:
    assert count_cells(clean(text), GRID.cells) == cells


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("", 5, [""]),
        ("abc", 5, ["abc"]),
        ("ab cd ef", 5, ["ab cd", "ef"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("12\u00a034 56", 5, ["12\u00a034", "56"]),
        ("사과 주스", 5, ["사과", "주스"]),
        ("사과주스", 5, ["사과", "주스"]),
        ("お茶、水", 5, ["お", "茶、", "水"]),
        ("値段（税込）", 6, ["値段", "（税", "込）"]),
        ("a  b", 2, ["a", "b"]),
    ],
)
def test_a_row_ends_where_a_reader_expects_it(text: str, width: int, rows: list[str]) -> None:
    assert wrap(text, width, GRID.cells) == rows


def test_a_character_wider_than_the_paper_is_refused() -> None:
    with pytest.raises(Unprintable):
        wrap("漢", 1, GRID.cells)


@pytest.mark.parametrize(
    "command", ["\x1bp\x00\x32\x32", "\x1d(k\x03\x00", "a\x00b", "\x10\x14\x01\x00\x05", "\x9bx", "\u202eevil\u2066"]
)
def test_no_control_or_format_character_is_left_in_a_text(command: str) -> None:
    assert all(unicodedata.category(character) not in ("Cc", "Cf") for character in clean(command))


@given(TEXT, st.integers(2, 48))
def test_no_row_is_wider_than_asked(text: str, width: int) -> None:
    assert all(count_cells(row, GRID.cells) <= width for row in wrap(clean(text), width, GRID.cells))


@given(TEXT, st.integers(2, 48))
def test_wrapping_loses_nothing_but_spaces(text: str, width: int) -> None:
    cleaned = clean(text)
    assert "".join(wrap(cleaned, width, GRID.cells)).replace(" ", "") == cleaned.replace(" ", "")


@given(TEXT, st.integers(2, 20))
def test_no_row_begins_with_a_mark_that_belongs_to_the_row_before(text: str, width: int) -> None:
    cleaned = clean("a" + text)
    assert all(GRID.cells(row[0]) > 0 for row in wrap(cleaned, width, GRID.cells) if row)


@given(TEXT)
def test_clusters_put_together_are_the_text(text: str) -> None:
    assert "".join(clusters(text, GRID.cells)) == text


@given(TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
