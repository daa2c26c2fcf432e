"""The rotating code: the published vectors, the window, replay, and what a scanner or a keyboard makes of the text."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.identity import make_card, read_card
from loyalty.one_time_codes import (
    CODE_DIGITS,
    SECRET_BYTES,
    STEP_MS,
    Judged,
    Verdict,
    judge_code,
    make_code,
    make_setup_uri,
    read_identifying,
    read_rotating,
    read_secret,
    step_of,
    write_secret,
)
from tests.phone import make_rotating

SECRET = b"12345678901234567890"
CARD = make_card(b"\x01\x02\x03\x04\x05\x06\x07")
NOW_MS = 1_795_273_200_000


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(at_s: int, code: str) -> None:
    assert make_code(SECRET, step_of(at_s * 1000)) == code


@pytest.mark.parametrize(
    ("last_used", "shift", "verdict"),
    [
        (0, -1, Verdict.RIGHT),
        (0, 0, Verdict.RIGHT),
        (0, 1, Verdict.RIGHT),
        (0, -2, Verdict.OTHER_TIME),
        (0, 2, Verdict.OTHER_TIME),
        (0, -60, Verdict.OTHER_TIME),
        (0, 60, Verdict.OTHER_TIME),
        (0, -61, Verdict.WRONG),
        (0, 61, Verdict.WRONG),
        (0, -1_051_200, Verdict.WRONG),
    ],
)
def test_a_code_counts_in_its_half_minute_and_the_two_beside_it(last_used: int, shift: int, verdict: Verdict) -> None:
    now = step_of(NOW_MS)
    judged = judge_code(SECRET, make_code(SECRET, now + shift), NOW_MS, last_used)
    assert judged == Judged(verdict, now + shift if verdict is Verdict.RIGHT else 0)


@pytest.mark.parametrize(
    ("used", "shift", "verdict"),
    [
        (0, 0, Verdict.USED),
        (0, -1, Verdict.USED),
        (0, 1, Verdict.RIGHT),
        (1, 1, Verdict.USED),
        (1, 0, Verdict.USED),
        (-1, 0, Verdict.RIGHT),
        (-1, -1, Verdict.USED),
    ],
)
def test_a_step_counts_once_and_none_before_it_afterwards(used: int, shift: int, verdict: Verdict) -> None:
    now = step_of(NOW_MS)
    assert judge_code(SECRET, make_code(SECRET, now + shift), NOW_MS, now + used).verdict is verdict


def test_another_members_code_is_wrong_and_so_is_the_first_code_of_all_at_any_time() -> None:
    other = bytes(SECRET_BYTES)
    assert judge_code(SECRET, make_code(other, step_of(NOW_MS)), NOW_MS, 0).verdict is Verdict.WRONG
    assert judge_code(SECRET, "0" * CODE_DIGITS, 0, 0).verdict is Verdict.WRONG
    assert judge_code(SECRET, make_code(SECRET, 1), 0, 0) == Judged(Verdict.RIGHT, 1)


@given(st.integers(0, 4_000_000_000_000), st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES))
def test_a_code_shown_now_is_right_now_and_never_twice(now_ms: int, secret: bytes) -> None:
    now_ms += STEP_MS
    shown = read_rotating(make_rotating(CARD, secret, now_ms))
    assert shown is not None
    first = judge_code(secret, shown.code, now_ms, 0)
    assert first.verdict is Verdict.RIGHT
    for later_ms in (0, 1, STEP_MS, 2 * STEP_MS):
        assert judge_code(secret, shown.code, now_ms + later_ms, first.step).verdict is not Verdict.RIGHT


@pytest.mark.parametrize("before", ["", "]Q1", " "])
def test_what_a_scanner_or_a_wide_keyboard_makes_of_the_text_is_read(before: str) -> None:
    text = make_rotating(CARD, SECRET, NOW_MS)
    wide = "".join(chr(ord("０") + int(digit)) for digit in text)
    for seen in (text, f"{text[:4]} {text[4:20]} {text[20:]}", wide, text + "\r\n"):
        rotating = read_rotating(before + seen)
        assert rotating is not None
        assert (rotating.card, rotating.code) == (CARD, text[20:])
        assert read_identifying(before + seen) == CARD


def test_the_text_has_a_length_of_its_own_and_a_card_is_none() -> None:
    text = make_rotating(CARD, SECRET, NOW_MS)
    assert len(text) == 28
    assert text.isdigit()
    assert read_card(text) is None
    assert read_rotating(CARD) is None
    assert read_identifying(CARD) == CARD


@pytest.mark.parametrize("at", range(20))
def test_a_wrong_digit_in_the_card_is_found(at: int) -> None:
    text = make_rotating(CARD, SECRET, NOW_MS)
    wrong = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    assert read_rotating(wrong) is None


@given(st.text(max_size=80))
def test_no_text_is_an_error(text: str) -> None:
    rotating = read_rotating(text)
    assert rotating is None or len(rotating.code) == CODE_DIGITS


@given(st.binary(min_size=1, max_size=40))
def test_a_secret_is_read_as_it_was_written(secret: bytes) -> None:
    assert read_secret(write_secret(secret)) == secret


def test_the_setup_uri_says_everything_an_authenticator_needs_and_no_name() -> None:
    uri = urlsplit(make_setup_uri(SECRET, CARD, "Żółw & Co"))
    fields = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path.endswith(f":{CARD}")
    assert fields.pop("secret") == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert fields == {"issuer": "Żółw & Co", "algorithm": "SHA1", "digits": "8", "period": "30"}
