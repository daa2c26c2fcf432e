"""Answers are told apart whatever mixes them, and said in a cashier's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.errors import CoverOpen, PaperOut, PrinterOffline, PrinterProblem
from printers.status import (
    AutoStatus,
    Block,
    PaperSensor,
    RealTime,
    Reply,
    problem_of_answers,
    problem_of_auto_status,
    split_replies,
)

REPLIES: list[tuple[bytes, Reply | None]] = [
    (b"\x12", RealTime(0x12)),
    (b"\x1e", RealTime(0x1E)),
    (b"\x7e", RealTime(0x7E)),
    (b"\x00", PaperSensor(0)),
    (b"\x0c", PaperSensor(0x0C)),
    (b"\x10\x00\x00\x0f", AutoStatus(b"\x10\x00\x00\x0f")),
    (b"\x38\x00\x0c\x0f", AutoStatus(b"\x38\x00\x0c\x0f")),
    (b"\x5fEPSON\x00", Block(b"\x5fEPSON")),
    (b"\x37\x221234\x00", Block(b"\x37\x221234")),
    (b"\x11", None),
    (b"\x13", None),
]


@given(st.lists(st.sampled_from(REPLIES), max_size=12), st.integers(0, 60))
def test_answers_are_told_apart_in_any_mixture_and_any_pieces(sent: list[tuple[bytes, Reply | None]], cut: int) -> None:
    stream = b"".join(data for data, _ in sent)
    first, rest = split_replies(stream[:cut])
    second, left = split_replies(rest + stream[cut:])
    assert [*first, *second] == [reply for _, reply in sent if reply is not None]
    assert left == b""


@given(st.binary(max_size=80))
def test_noise_never_raises_and_is_never_kept_for_ever(noise: bytes) -> None:
    replies, rest = split_replies(noise)
    assert len(rest) <= len(noise)
    assert split_replies(rest)[0] == () or not replies


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ((0x12, 0x12, 0x12), None),
        ((0x16, 0x12, 0x12), None),
        ((0x12, 0x12, 0x1E), None),
        ((0x1E, 0x32, 0x7E), PaperOut),
        ((0x1A, 0x16, 0x12), CoverOpen),
        ((0x1A, 0x36, 0x7E), CoverOpen),
        ((0x1A, 0x52, 0x12), PrinterOffline),
        ((0x1A, 0x12, 0x12), PrinterOffline),
    ],
)
def test_the_answers_name_what_a_person_can_mend_first(
    answers: tuple[int, int, int], problem: type[PrinterProblem] | None
) -> None:
    found = problem_of_answers(*answers)
    assert (None if found is None else type(found)) is problem


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ("10 00 00 0f", None),
        ("14 00 00 0f", None),
        ("10 00 03 0f", None),
        ("18 00 0c 0f", PaperOut),
        ("38 00 00 0f", CoverOpen),
        ("18 08 00 0f", PrinterOffline),
        ("18 00 00 0f", PrinterOffline),
    ],
)
def test_the_status_a_printer_sends_by_itself_means_the_same(flags: str, problem: type[PrinterProblem] | None) -> None:
    found = problem_of_auto_status(bytes.fromhex(flags))
    assert (None if found is None else type(found)) is problem
