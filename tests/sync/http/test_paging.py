"""Cursors and pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.http.paging import InvalidCursor, decode_cursor, encode_cursor, page_of

Position = tuple[int, bytes]
POSITIONS = st.tuples(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=16))


@given(POSITIONS)
def test_a_cursor_leads_back_to_its_position(position: Position) -> None:
    cursor = encode_cursor(position, "sales")
    assert decode_cursor(cursor, "sales", Position) == position
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


@given(POSITIONS, st.data())
def test_a_changed_cursor_is_refused(position: Position, data: st.DataObject) -> None:
    cursor = encode_cursor(position, "sales")
    at = data.draw(st.integers(0, len(cursor) - 2))  # the last character may hold bits that mean nothing
    character = data.draw(st.sampled_from([character for character in "AZaz09-_!ż" if character != cursor[at]]))
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor[:at] + character + cursor[at + 1 :], "sales", Position)


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(text, "sales", Position)


def test_a_cursor_belongs_to_one_list_and_one_shape() -> None:
    cursor = encode_cursor((1, b"x"), "sales")
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, "members", Position)
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, "sales", tuple[str, str])


@pytest.mark.parametrize(
    ("rows", "items", "following"),
    [([], (), None), ([1], (1,), None), ([1, 2], (1, 2), None), ([1, 2, 3], (1, 2), "2")],
)
def test_the_row_too_many_says_that_there_is_more(
    rows: list[int], items: tuple[int, ...], following: str | None
) -> None:
    page = page_of(rows, 2, str)
    assert (page.items, page.next) == (items, following)
