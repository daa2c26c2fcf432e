"""However a return is cut into pieces, the pieces give back what one return would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.return_shares import cumulative_share, returned_now

quick = settings(max_examples=200, derandomize=True, deadline=None)
amounts = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("amount", "part", "share"),
    [(1000, 0, 0), (1000, 1, 333), (1000, 2, 666), (1000, 3, 1000), (-1000, 2, -666), (-1000, 3, -1000), (0, 2, 0)],
)
def test_the_worked_table_of_thirds_holds(amount: int, part: int, share: int) -> None:
    assert cumulative_share(amount, part, 3) == share


@quick
@given(amounts, st.lists(st.integers(1, 5000), min_size=1, max_size=12))
def test_any_split_of_a_full_return_gives_back_the_whole_amount(amount: int, pieces: list[int]) -> None:
    whole, before, given_back = sum(pieces), 0, 0
    for piece in pieces:
        given_back += returned_now(amount, before, before + piece, whole)
        before += piece
        assert abs(given_back) <= abs(amount)
    assert given_back == amount


@quick
@given(amounts, st.integers(1, 10**6), st.data())
def test_two_splits_of_the_same_partial_return_agree(amount: int, whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    stop = data.draw(st.integers(0, part))
    in_two = returned_now(amount, 0, stop, whole) + returned_now(amount, stop, part, whole)
    assert in_two == returned_now(amount, 0, part, whole) == cumulative_share(amount, part, whole)


@quick
@given(amounts, st.integers(1, 10**6), st.data())
def test_a_return_never_takes_back_what_an_earlier_one_gave(amount: int, whole: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(0, whole))
    after = data.draw(st.integers(before, whole))
    now = returned_now(amount, before, after, whole)
    assert now * amount >= 0
    assert returned_now(-amount, before, after, whole) == -now


@pytest.mark.parametrize(("part", "whole"), [(4, 3), (-1, 3), (0, 0), (1, 0), (0, -2)])
def test_returning_more_than_was_sold_is_an_error(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="returned part"):
        cumulative_share(100, part, whole)


def test_a_return_that_makes_the_returned_part_smaller_is_an_error() -> None:
    with pytest.raises(ValueError, match="smaller"):
        returned_now(100, 2, 1, 3)
