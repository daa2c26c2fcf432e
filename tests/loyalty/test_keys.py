"""Whose signature counts: only sound keys, only what the root signed, never an older list."""

import datetime as dt

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from loyalty import keys
from loyalty.keys import (
    Doubt,
    KeyList,
    ListedKey,
    OldKeyList,
    SignedKeyList,
    WrongKeyList,
    is_signed,
    is_sound_public_key,
    public_hex,
    read_key_list,
    sign_key_list,
)

TODAY = dt.date(2026, 11, 21)
ROOT = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STORE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
SMALL_ORDER = (  # as other libraries list them: y, little-endian, without the bit of x
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)


def listed(kid: int = 1, **more: object) -> ListedKey:
    fields = {"store": "S001", "public": public_hex(STORE), "not_before": TODAY, "not_after": dt.date(2027, 11, 21)}
    return ListedKey(**{"kid": kid, **fields, **more})  # type: ignore[arg-type]


def order_divides_8(y: int) -> bool:
    """Whether the point of this y, on the curve or not, is taken to the neutral one by three doublings."""
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    for _ in range(3):
        # x' = 2xy / (1 + d x²y²), y' = (y² + x²) / (1 - d x²y²): only x² is needed
        product = D * x2 * y * y % PRIME
        x2, y = (
            4 * x2 * y * y * pow((1 + product) ** 2, -1, PRIME) % PRIME,
            (y * y + x2) * pow(1 - product, -1, PRIME) % PRIME,
        )
    return (x2, y) == (0, 1)


@pytest.mark.parametrize("encoding", SMALL_ORDER)
@pytest.mark.parametrize("sign", [0, 0x80])
def test_a_key_of_small_order_is_refused(encoding: str, sign: int) -> None:
    raw = bytearray.fromhex(encoding)
    assert order_divides_8(int.from_bytes(raw, "little"))
    raw[31] |= sign
    assert not is_sound_public_key(bytes(raw))


def test_openssl_would_take_a_signature_of_zeros_under_a_small_order_key() -> None:
    """Why the check is ours: it says yes where the library does too, and the library says yes to this."""
    neutral = bytes.fromhex(SMALL_ORDER[1])
    nothing = neutral + bytes(32)
    Ed25519PublicKey.from_public_bytes(neutral).verify(nothing, b"any message at all")
    assert not is_signed(neutral.hex(), nothing, b"any message at all")


@pytest.mark.parametrize(
    "number", [PRIME, PRIME + 1, 2**255 - 1, PRIME | 1 << 255, (PRIME - 1) | 1 << 255, 1 | 1 << 255]
)
def test_an_encoding_that_is_not_canonical_is_refused(number: int) -> None:
    assert not is_sound_public_key(number.to_bytes(32, "little"))


def test_a_key_of_a_signer_is_sound_and_one_of_another_length_is_not() -> None:
    public = bytes.fromhex(public_hex(STORE))
    assert is_sound_public_key(public)
    assert not order_divides_8(int.from_bytes(public, "little") & ~(1 << 255))
    assert not is_sound_public_key(public[:31])
    assert not is_sound_public_key(public + b"\0")


def test_a_signature_counts_for_its_message_and_its_key_alone() -> None:
    signature = STORE.sign(b"message")
    assert is_signed(public_hex(STORE), signature, b"message")
    assert not is_signed(public_hex(STORE), signature, b"massage")
    assert not is_signed(public_hex(ROOT), signature, b"message")
    assert not is_signed(public_hex(STORE), signature[:63], b"message")


def test_a_list_of_the_root_is_read() -> None:
    signed = sign_key_list(ROOT, 3, [listed(2, store="S002"), listed(1)])
    registry = read_key_list(signed, public_hex(ROOT), newer_than=2)
    assert registry.version == 3
    assert registry.find(1, TODAY) == listed(1)
    assert registry.find(2, TODAY) == listed(2, store="S002")


@pytest.mark.parametrize(
    ("kid", "day", "doubt"),
    [
        (9, TODAY, Doubt.UNKNOWN),
        (1, TODAY - dt.timedelta(1), Doubt.NOT_YET),
        (1, dt.date(2027, 11, 22), Doubt.OVER),
        (2, TODAY, Doubt.REVOKED),
    ],
)
def test_a_key_that_does_not_count_says_why(kid: int, day: dt.date, doubt: Doubt) -> None:
    registry = read_key_list(sign_key_list(ROOT, 1, [listed(1), listed(2, revoked=True)]), public_hex(ROOT))
    assert registry.find(kid, day) is doubt


def test_both_days_of_a_key_count() -> None:
    registry = read_key_list(sign_key_list(ROOT, 1, [listed()]), public_hex(ROOT))
    assert registry.find(1, TODAY) == registry.find(1, dt.date(2027, 11, 21)) == listed()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_list_or_the_same_again_is_refused(version: int) -> None:
    with pytest.raises(OldKeyList):
        read_key_list(sign_key_list(ROOT, version, [listed()]), public_hex(ROOT), newer_than=3)


def resigned(content: bytes) -> SignedKeyList:
    """Whatever content, under the root's signature."""
    signature = ROOT.sign(keys._DOMAIN + content).hex()
    return SignedKeyList(content=content.decode(), signature=signature, root=public_hex(ROOT))


def test_what_the_root_did_not_sign_is_refused() -> None:
    signed = sign_key_list(ROOT, 1, [listed()])
    forgeries = [
        sign_key_list(STORE, 1, [listed()]),
        msgspec.structs.replace(sign_key_list(STORE, 1, [listed()]), root=public_hex(ROOT)),
        msgspec.structs.replace(signed, content=signed.content.replace("S001", "S002")),
        msgspec.structs.replace(signed, content=signed.content + " "),
        msgspec.structs.replace(signed, signature="00" * 64),
        msgspec.structs.replace(signed, signature="no hex"),
        msgspec.structs.replace(signed, signature=STORE.sign(signed.content.encode()).hex()),
        # The root signed these very bytes, but not as a list of keys.
        msgspec.structs.replace(signed, signature=ROOT.sign(signed.content.encode()).hex()),
    ]
    for forgery in forgeries:
        with pytest.raises(WrongKeyList):
            read_key_list(forgery, public_hex(ROOT))


def test_a_list_that_holds_what_no_list_may_is_refused_even_under_the_root() -> None:
    def encoded(*of: ListedKey) -> bytes:
        return msgspec.json.encode(KeyList(version=1, keys=of))

    for content in (
        encoded(listed(1), listed(1, store="S002")),
        encoded(listed(public=SMALL_ORDER[1])),
        encoded(listed(kid=0)),
        encoded(listed(kid=65_536)),
        encoded(listed(public="zz" * 32)),
        b'{"version": 1, "keys": [], "more": 1}',
        b"{",
        b"[]",
    ):
        with pytest.raises(WrongKeyList):
            read_key_list(resigned(content), public_hex(ROOT))
    with pytest.raises(WrongKeyList):
        sign_key_list(ROOT, 1, [listed(public=SMALL_ORDER[1])])
