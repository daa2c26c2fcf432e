"""CSV rows with line numbers, and faults told together."""

import pytest

from kiosk.demo.rows import FAULTS_SHOWN, Faults, WrongFile, read_rows


def read(*lines: str) -> list[tuple[int, tuple[str, ...]]]:
    faults = Faults("tills.csv")
    rows = list(read_rows(lines, ("b", "a"), faults))
    faults.raise_if_any()
    return rows


def test_columns_are_found_in_any_order_beside_others_and_under_a_byte_order_mark() -> None:
    assert read("\ufeffa, c ,b", "1,9,2", "", '"x,y",9,z') == [(2, ("2", "1")), (4, ("z", "x,y"))]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "line 1: the header lacks b, a"),
        (("a,c",), "line 1: the header lacks b."),
        (("a,b,a",), "line 1: the header names a more than once"),
        (("a,b", "1,2", "1"), "line 3: 1 fields where the header has 2"),
        (("a,b", "1,2,3"), "line 2: 3 fields where the header has 2"),
        (("a,b", '"1,2'), "line 2: this is not CSV"),
        (("a,b", "1,2", '"1"x,2'), "line 3: this is not CSV"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_line(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(WrongFile, match=r"tills\.csv: ") as caught:
        read(*lines)
    assert said in caught.value.detail


def test_all_faults_are_told_at_once_the_first_in_words_and_the_rest_as_a_number() -> None:
    with pytest.raises(WrongFile) as caught:
        read("a,b", *["1"] * 2000)
    assert caught.value.detail.count("line ") == FAULTS_SHOWN
    assert caught.value.detail.endswith(f"; and {2000 - FAULTS_SHOWN} more.")
    assert caught.value.extra["faults"][0] == (2, "1 fields where the header has 2")
    assert len(caught.value.extra["faults"]) == 1000
