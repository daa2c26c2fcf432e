"""Receipt numbers: one series a till and a life of the database, none printed twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sales.numbering import document_number, is_document_number, series_letters

LETTERS = [
    (1, ""),
    (2, "B"),
    (3, "C"),
    (25, "Y"),
    (26, "Z"),
    (27, "BA"),
    (28, "BB"),
    (52, "BZ"),
    (53, "CA"),
    (677, "BAA"),
]


@pytest.mark.parametrize(("series", "letters"), LETTERS)
def test_a_series_has_the_letters_of_its_number(series: int, letters: str) -> None:
    assert series_letters(series) == letters


def test_two_series_of_a_till_never_share_their_letters() -> None:
    assert len({series_letters(series) for series in range(1, 2_000)}) == 1_999


def test_a_number_names_store_till_series_and_place() -> None:
    assert document_number("S001", "T01", 1, 123) == "S001-T01-000123"
    assert document_number("S001", "T01", 2, 1) == "S001-T01B-000001"
    assert document_number("S001", "T12", 1, 1_234_567) == "S001-T12-1234567"


@given(series=st.integers(1, 700), n=st.integers(1, 99_999_999), till=st.integers(1, 99), store=st.integers(1, 9999))
def test_every_number_is_known_as_one(series: int, n: int, till: int, store: int) -> None:
    assert is_document_number(document_number(f"S{store:03}", f"T{till:02}", series, n))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S001-T01-123",
        "S001-T01",
        "s001-t01-000123",
        "S001-T01-000123\n",
        " S001-T01-000123",
        "S001-T01-00012٣",
        "4006381333931",
        "S001--000123",
        "S001-T01-000123-1",
    ],
)
def test_other_texts_are_not_taken_for_a_number(text: str) -> None:
    assert not is_document_number(text)
