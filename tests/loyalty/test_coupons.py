"""Tokens and codes of coupons: what is genuine is taken, whatever else comes is refused with its reason."""

import datetime as dt
import itertools
from random import Random
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from loyalty import coupons
from loyalty.coupon_codes import SERIAL_MAX, is_printable, print_code, read_code
from loyalty.coupons import (
    DIGITS,
    CouponBody,
    GenuineCoupon,
    Refusal,
    Signer,
    find_token,
    looks_cut,
    make_serial,
    make_token,
    offer_number,
    peek_serial,
    read_token,
)
from loyalty.keys import KeyRegistry, ListedKey, public_hex, read_key_list, sign_key_list

TODAY = dt.date(2026, 11, 21)
LAST_DAY = dt.date(2026, 12, 24)
ROOT = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNERS = {kid: Signer(kid, Ed25519PrivateKey.from_private_bytes(bytes([kid]) * 32)) for kid in range(1, 7)}
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def listed(kid: int, store: str, **more: object) -> ListedKey:
    fields = {"not_before": dt.date(2026, 1, 1), "not_after": dt.date(2030, 1, 1)}
    public = SIGNERS[kid].public
    return ListedKey(**{"kid": kid, "store": store, "public": public, **fields, **more})  # type: ignore[arg-type]


def registry() -> KeyRegistry:
    """1 ours, 2 another store's, 3 revoked, 4 not yet, 5 over; 6 is not listed."""
    keys = [
        listed(1, "S001"),
        listed(2, "S002"),
        listed(3, "S001", revoked=True),
        listed(4, "S001", not_before=dt.date(2027, 1, 1)),
        listed(5, "S001", not_after=dt.date(2026, 11, 20)),
    ]
    return read_key_list(sign_key_list(ROOT, 1, keys), public_hex(ROOT))


def body(kid: int = 1, **more: object) -> CouponBody:
    fields = {"offer": offer_number("DAIRY10"), "version": 3, "last_day": LAST_DAY, "serial": 123_456_789_012}
    return CouponBody(**{"kid": kid, **fields, **more})  # type: ignore[arg-type]


def token(kid: int = 1, **more: object) -> str:
    return make_token(SIGNERS[kid], body(kid, **more))


def whole(text: str) -> bytes:
    return int(text).to_bytes(83)


def as_text(raw: bytes) -> str:
    return str(int.from_bytes(raw)).zfill(DIGITS)


def read(text: str, store: str = "S001", today: dt.date = TODAY) -> GenuineCoupon | Refusal:
    return read_token(text, registry(), store, today)


# -- the token ---------------------------------------------------------------------------------------------------------


@given(
    version=st.integers(1, 2**24 - 1),
    serial=st.integers(0, SERIAL_MAX),
    days=st.integers(0, 60_000),
    scope=st.sampled_from(["store", "chain"]),
    offer=st.text(max_size=20),
)
def test_what_was_signed_is_read_again(version: int, serial: int, days: int, scope: str, offer: str) -> None:
    wanted = body(
        version=version,
        serial=serial,
        last_day=dt.date(2020, 1, 1) + dt.timedelta(days),
        scope=scope,
        offer=offer_number(offer),
    )
    text = make_token(SIGNERS[1], wanted)
    assert (len(text), text.isdigit()) == (DIGITS, True)
    today = min(max(wanted.last_day, dt.date(2026, 1, 1)), dt.date(2030, 1, 1))
    expected = GenuineCoupon(wanted, "S001") if today <= wanted.last_day else Refusal.EXPIRED
    assert read(text, today=today) == expected


def test_a_scanner_or_a_person_may_add_what_does_not_matter() -> None:
    text = token()
    grouped = " ".join(text[start : start + 10] for start in range(0, DIGITS, 10))
    wide = text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    for spelling in (f"]Q1{text}", f"  {text}\r\n", grouped, wide):
        assert read(spelling) == GenuineCoupon(body(), "S001")
        assert find_token(spelling) == text


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", Refusal.NOT_A_COUPON),
        ("4006381333931", Refusal.NOT_A_COUPON),
        ("x" * DIGITS, Refusal.NOT_A_COUPON),
        ("1" * 5000, Refusal.NOT_A_COUPON),
        (token() + "0", Refusal.NOT_A_COUPON),
        (token()[:-1], Refusal.CUT),
        (token()[:100], Refusal.CUT),
        ("9" * DIGITS, Refusal.CUT),  # no 83 bytes are that much
        (token(6), Refusal.UNKNOWN_KEY),
        (token(3), Refusal.REVOKED_KEY),
        (token(4), Refusal.KEY_NOT_YET),
        (token(5), Refusal.KEY_OVER),
        (token(2), Refusal.WRONG_STORE),
        (token(last_day=TODAY - dt.timedelta(1)), Refusal.EXPIRED),
        (token(2, last_day=TODAY - dt.timedelta(1)), Refusal.WRONG_STORE),
    ],
)
def test_what_is_not_taken_says_why(text: str, refusal: Refusal) -> None:
    assert read(text) is refusal


def unsigned(kid: int = 1, **more: object) -> str:
    """A token that nobody signed."""
    return as_text(whole(token(kid, **more))[:19] + bytes(64))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (unsigned(), GenuineCoupon(body(), "S001")),
        (f"]Q1{unsigned()}", GenuineCoupon(body(), "S001")),
        (unsigned(last_day=TODAY - dt.timedelta(1)), Refusal.EXPIRED),
        (unsigned(6), Refusal.UNKNOWN_KEY),
        (unsigned(3), Refusal.REVOKED_KEY),
        (unsigned(4), Refusal.KEY_NOT_YET),
        (unsigned(5), Refusal.KEY_OVER),
        (unsigned(2, scope="chain"), Refusal.FORGED),  # our ledger says nothing about another store's signature
    ],
)
def test_the_very_digits_of_our_ledger_need_no_signature_but_a_key_that_counts(text: str, expected: object) -> None:
    issued = find_token(text)
    assert issued is not None
    assert read_token(text, registry(), "S001", TODAY, issued) == expected
    if isinstance(expected, GenuineCoupon):
        assert read(text) is Refusal.FORGED
        other = str(int(issued) + 1).zfill(DIGITS)
        assert read_token(other, registry(), "S001", TODAY, issued) is Refusal.FORGED


@given(serial=st.integers(0, SERIAL_MAX))
def test_a_token_names_its_serial_before_anything_is_proved(serial: int) -> None:
    assert peek_serial(token(serial=serial)) == serial


@pytest.mark.parametrize("serial", [SERIAL_MAX + 1, 2**63, 2**64 - 1])
def test_what_can_be_no_serial_is_not_looked_up(serial: int) -> None:
    raw = whole(token())
    assert peek_serial(as_text(raw[:11] + serial.to_bytes(8) + raw[19:])) is None
    assert peek_serial("9" * DIGITS) is None


def test_the_last_day_counts() -> None:
    assert read(token(last_day=TODAY)) == GenuineCoupon(body(last_day=TODAY), "S001")


def test_a_coupon_of_the_chain_is_genuine_in_every_store_and_names_its_own() -> None:
    assert read(token(2, scope="chain")) == GenuineCoupon(body(2, scope="chain"), "S002")
    assert read(token(2, scope="chain"), store="S009") == GenuineCoupon(body(2, scope="chain"), "S002")


def test_no_changed_bit_goes_unseen() -> None:
    raw = whole(token())
    for bit in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        verdict = read(as_text(bytes(changed)))
        assert isinstance(verdict, Refusal), bit
        assert verdict is Refusal.FORGED or bit < 24, bit  # the first three bytes are format, scope and key


def test_a_later_day_or_another_offer_cannot_be_written_into_a_coupon() -> None:
    signature = whole(token())[19:]
    for better in (body(last_day=dt.date(2029, 1, 1)), body(offer=offer_number("HALF")), body(scope="chain")):
        assert read(as_text(coupons._pack(better) + signature)) is Refusal.FORGED


def test_a_signature_for_something_else_makes_no_coupon() -> None:
    packed = coupons._pack(body())
    for message in (packed, b"counterfoil/keys/v1\0" + packed, b"counterfoil/coupon/v2\0" + packed):
        assert read(as_text(packed + SIGNERS[1].private.sign(message))) is Refusal.FORGED
    assert read(as_text(packed + SIGNERS[2].private.sign(coupons._DOMAIN + packed))) is Refusal.FORGED


def test_the_other_half_of_a_malleable_signature_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    raw = whole(token())
    doubled = int.from_bytes(raw[51:], "little") + order
    assert read(as_text(raw[:51] + doubled.to_bytes(32, "little"))) is Refusal.FORGED


def test_a_token_of_a_format_to_come_is_told_apart() -> None:
    packed = bytearray(coupons._pack(body()))
    for first in (0x20, 0x12, 0x00):
        packed[0] = first
        assert read(as_text(bytes(packed) + bytes(64))) is Refusal.NEWER
    huge = coupons._pack(body())[:11] + b"\xff" * 8
    assert read(as_text(huge + SIGNERS[1].private.sign(coupons._DOMAIN + huge))) is Refusal.NEWER


@given(st.text(max_size=300) | st.text("0123456789", min_size=DIGITS, max_size=DIGITS))
def test_no_text_at_all_is_taken_or_raises(text: str) -> None:
    assert isinstance(read(text), Refusal)
    assert not (looks_cut(text) and find_token(text))


def test_a_signer_keeps_its_key_to_itself() -> None:
    assert SIGNERS[1].private.private_bytes_raw().hex() not in repr(SIGNERS[1])
    with pytest.raises(ValueError, match="names the key"):
        make_token(SIGNERS[1], body(2))
    for unfit in (
        body(serial=SERIAL_MAX + 1),
        body(last_day=dt.date(2019, 12, 31)),
        body(last_day=dt.date(2200, 1, 1)),
    ):
        with pytest.raises(ValueError, match="last day"):
            make_token(SIGNERS[1], unfit)


def test_serials_repeat_with_what_they_come_from_and_differ_with_everything_else() -> None:
    origin, other = UUID(int=1), UUID(int=2)
    cases = list(itertools.product(SIGNERS.values(), (origin, other), (1, 2), (0, 1)))
    serials = [make_serial(*case) for case in cases]
    assert serials == [make_serial(*case) for case in cases]
    assert len(set(serials)) == len(cases)
    assert all(0 <= serial <= SERIAL_MAX for serial in serials)


# -- the typed code ----------------------------------------------------------------------------------------------------


@given(st.integers(0, SERIAL_MAX))
def test_a_code_is_read_as_the_serial_it_was_printed_from(serial: int) -> None:
    code = print_code(serial)
    assert read_code(code) == (serial if is_printable(serial) else None)
    assert [len(group) for group in code.split("-")] == [4, 4, 4]


def codes(count: int) -> list[tuple[int, str]]:
    random = Random(1)
    serials = [serial for serial in (random.randrange(SERIAL_MAX) for _ in range(count)) if is_printable(serial)]
    return [(serial, print_code(serial).replace("-", "")) for serial in serials]


def test_every_wrong_character_is_found() -> None:
    for _, code in codes(20):
        for place, wrong in itertools.product(range(12), ALPHABET):
            if wrong != code[place]:
                assert read_code(code[:place] + wrong + code[place + 1 :]) is None, code


def test_every_swap_of_two_characters_is_found() -> None:
    for _, code in codes(50):
        for first, second in itertools.combinations(range(12), 2):
            swapped = list(code)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            if code[first] != code[second]:
                assert read_code("".join(swapped)) is None, code


@pytest.mark.parametrize(
    "spell",
    [
        str.lower,
        " ".join,
        lambda code: f" {code[:4]}–{code[4:8]}−{code[8:]}\n",
        lambda code: code.replace("1", "I").replace("0", "O"),
        lambda code: code.replace("1", "l").replace("0", "o").lower(),
        lambda code: "".join(chr(ord(character) + 0xFEE0) for character in code),
    ],
)
def test_a_code_is_read_forgivingly(spell: object) -> None:
    assert callable(spell)
    for serial, code in codes(30):
        assert read_code(spell(code)) == serial


def test_what_is_no_code_is_none() -> None:
    _, code = codes(1)[0]
    for text in ("", code[:-1], code + "0", "U" * 12, "036000291452", "0" * 12, "A" * 5000, "ABCD-EFGH-JKM!"):
        assert read_code(text) is None, text


def test_three_codes_that_would_be_a_second_name_of_a_serial_are_refused() -> None:
    """Check values of 1021 to 1023 leave the same remainder as 0 to 2."""
    found = 0
    for serial in range(200_000):
        number = serial * 1024
        for check in (1021, 1022, 1023):
            if (number + check) % 1021 == 0:
                text = "".join(ALPHABET[number + check >> shift & 31] for shift in range(55, -1, -5))
                found += 1
                assert read_code(text) is None
    assert found > 0


def test_numbers_outside_50_bits_have_no_code() -> None:
    for wrong in (-1, SERIAL_MAX + 1):
        with pytest.raises(ValueError, match="50 bits"):
            print_code(wrong)
