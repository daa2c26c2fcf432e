"""Which word of a member counts: withdrawals win over what was said without knowing of them."""

from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.hub.consents import Word, standing


def word(text: str) -> Word:
    """`A1+` is shop A's first word, a grant; `B2-` a withdrawal; `B2+A1` a grant that names A's first."""
    origin, seq = ord(text[0]), int(text[1])
    replaces = (op(text[3:]),) if len(text) > 3 else ()
    return Word(
        channel="sms",
        purpose="marketing",
        granted=text[2] == "+",
        frequency=None,
        op=op(text[:2]),
        at=0,
        effective_at=0,
        origin=origin,
        seq=seq,
        replaces=replaces,
    )


def op(text: str) -> UUID:
    return UUID(int=ord(text[0]) * 100 + int(text[1]))


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("A1+", "A1+"),
        ("A1+ A2-", "A2-"),
        ("A1+ A2- A3+", "A3+"),
        ("A1- B1+", "A1-"),
        ("A1- B1+A1", "B1+A1"),
        ("A1+ A2- B1+", "A2-"),
        ("A1+ A2- B1+A2", "B1+A2"),
        ("A1- B1+A1 A2-", "A2-"),
        ("A1- B1+A1 B2-", "B2-"),
        ("A1- B1- C1+A1", "B1-"),
        ("A1+ B1+", "B1+"),
        ("A1- A2+B1 B1- B2+A1", "B2+A1"),
    ],
)
def test_what_counts_in_any_order_of_arrival(words: str, counts: str) -> None:
    said = [word(text) for text in words.split()]
    for arrived in permutations(said):
        assert standing(arrived) == [word(counts)]


def test_each_channel_and_purpose_stands_for_itself() -> None:
    sms, mail = (
        word("A1-"),
        Word(**{**{f: getattr(word("A2+"), f) for f in Word.__struct_fields__}, "channel": "email"}),
    )
    assert standing([sms, mail]) == [mail, sms]


def test_a_forgers_circle_of_grants_takes_no_withdrawal_away() -> None:
    assert standing([word("A1+B1"), word("B1+A1"), word("C1-")]) == [word("C1-")]
    assert standing([word("A1+B1"), word("B1+A1")])[0].granted


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=7))
def test_a_withdrawal_that_nobody_named_is_never_overruled_by_another_shop(said: list[tuple[str, bool]]) -> None:
    counts: dict[str, int] = {}
    words = []
    for origin, granted in said:
        counts[origin] = counts.get(origin, 0) + 1
        words.append(word(f"{origin}{counts[origin]}{'+' if granted else '-'}"))
    last = {each.origin: each for each in words}
    assert standing(words)[0].granted is all(each.granted for each in last.values())
