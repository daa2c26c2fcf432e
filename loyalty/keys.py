"""pure: whose signature counts. A list of public keys, signed by one root key; a coupon names its key by number.

    root (offline, or in the data folder of a single shop)
      └── signs ── list 7: [1 S001 … revoked] [2 S001 …] [3 S002 …]
                              └── each signs coupons of its store (loyalty/coupons.py)

    registry = read_key_list(content, signature, root, newer_than=6)
    registry.find(2, today)                       # a ListedKey, or the Doubt that stands against it

A list replaces the one before, never an older one a newer: taking back a revocation needs the root. Keys stay listed
until the last coupon signed by them has run out.

Only keys that a sound signer can have are listed: the encodings of small order, under which a signature of nothing but
zeros fits every message, and those that are no canonical encoding of a point (RFC 8032 section 5.1.3) are refused,
because OpenSSL takes both.
"""

import datetime as dt
import enum
import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from loyalty.errors import InvalidInput

KEY_BYTES = 32
KEY_ID_MAX = 0xFFFF
KEYS_PER_STORE = 5_000
"""One a quarter lasts for ever; a store that makes one at each start of a damaged disk has years."""
_DOMAIN = b"counterfoil/keys/v1\0"
_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255
# The y coordinates of the eight points whose order divides 8: of order 4, 1, 2 and 8 (two values, each other's
# negative). The x coordinate is one bit of the encoding and does not matter here.
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})
# x is 0 for these, so a set sign bit would be a second encoding of the same point.
_WITHOUT_SIGN = frozenset({1, _PRIME - 1})

KeyId = Annotated[int, Meta(ge=1, le=KEY_ID_MAX)]
PublicHex = Annotated[str, Meta(min_length=64, max_length=64, pattern=r"^[0-9a-f]*$(?!\n)")]
StoreCode = Annotated[str, Meta(min_length=1, max_length=8, pattern=r"^[A-Z0-9]*$(?!\n)")]


class WrongKeyList(InvalidInput):
    """This list of keys does not hold."""

    code, hint = "wrong_key_list", "Take the list from head office again; the keys known so far stay in force."


class OldKeyList(WrongKeyList):
    """A newer list of keys is known already."""

    code = "old_key_list"


class Doubt(enum.StrEnum):
    """What can stand against a key."""

    UNKNOWN = "unknown_key"
    REVOKED = "revoked_key"
    NOT_YET = "key_not_yet_valid"
    OVER = "key_no_longer_valid"


class ListedKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store's public key. Coupons signed by it are taken from `not_before` to `not_after`, both days included."""

    kid: KeyId
    store: StoreCode
    public: PublicHex
    not_before: dt.date
    not_after: dt.date
    revoked: bool = False


class KeyList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the root signs. `version` counts up; no two keys share a number."""

    version: Annotated[int, Meta(ge=1, le=2**53)]
    keys: Annotated[tuple[ListedKey, ...], Meta(max_length=KEY_ID_MAX)]


class SignedKeyList(Struct, frozen=True, kw_only=True):
    """A list as it travels and is kept: the exact text that was signed, the signature, the root it is to hold under."""

    content: str
    signature: str
    root: str


class KeyRegistry:
    """The keys that count now. It can only be had from a list whose signature held."""

    def __init__(self, listed: KeyList) -> None:
        self.version = listed.version
        self.keys = {key.kid: key for key in listed.keys}

    def find(self, kid: int, today: dt.date) -> ListedKey | Doubt:
        """The key of that number, or why none of its signatures is taken today."""
        key = self.keys.get(kid)
        if key is None:
            return Doubt.UNKNOWN
        if key.revoked:
            return Doubt.REVOKED
        if today < key.not_before:
            return Doubt.NOT_YET
        return Doubt.OVER if today > key.not_after else key


def first_key_id(store: str) -> int:
    """The number of a store's first key; its others follow, at most `KEYS_PER_STORE` in all. Every store counts from a
    place of its own, by its code, so that a coupon names a key of few stores among thousands."""
    return 1 + int.from_bytes(hashlib.sha256(store.encode()).digest()[:4]) % (KEY_ID_MAX - KEYS_PER_STORE)


def is_sound_public_key(public: bytes) -> bool:
    """Whether these 32 bytes are a canonical encoding of no point of small order.

    >>> is_sound_public_key(bytes([1]) + bytes(31)), is_sound_public_key(bytes([255]) * 32)
    (False, False)
    """
    if len(public) != KEY_BYTES:
        return False
    number = int.from_bytes(public, "little")
    y = number & ~_SIGN_BIT
    return y < _PRIME and y not in _SMALL_ORDER and not (number & _SIGN_BIT and y in _WITHOUT_SIGN)


def is_signed(public: str, signature: bytes, message: bytes) -> bool:
    """Whether the owner of a sound public key (64 hex digits) signed exactly this message."""
    key = bytes.fromhex(public)
    if not is_sound_public_key(key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_hex(private: Ed25519PrivateKey) -> str:
    """The public half of a key, 64 hex digits."""
    return private.public_key().public_bytes_raw().hex()


def sign_key_list(root: Ed25519PrivateKey, version: int, keys: Iterable[ListedKey]) -> SignedKeyList:
    """A list under the root's signature. Raises WrongKeyList for one that nobody would take."""
    listed = KeyList(version=version, keys=tuple(sorted(keys, key=lambda key: key.kid)))
    content = msgspec.json.encode(listed, order="deterministic")
    signature = root.sign(_DOMAIN + content).hex()
    signed = SignedKeyList(content=content.decode(), signature=signature, root=public_hex(root))
    read_key_list(signed, signed.root)
    return signed


def read_key_list(signed: SignedKeyList, root: str, *, newer_than: int = 0) -> KeyRegistry:
    """The registry of a list that `root` (64 hex digits) signed.

    Raises WrongKeyList for another root's or a changed list, for a key that is not sound or listed twice; OldKeyList
    for a version that is not above `newer_than`. What was in force before stays so.
    """
    content = signed.content.encode()
    try:
        signature = bytes.fromhex(signed.signature)
    except ValueError:
        raise WrongKeyList("Its signature is no signature.") from None
    if signed.root != root or not is_signed(root, signature, _DOMAIN + content):
        raise WrongKeyList("The root did not sign it.")
    try:
        listed = msgspec.json.decode(content, type=KeyList)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongKeyList(f"It cannot be read: {error}") from error
    if listed.version <= newer_than:
        raise OldKeyList(f"Version {listed.version}, {newer_than} is in force.")
    if len({key.kid for key in listed.keys}) < len(listed.keys):
        raise WrongKeyList("Two keys have one number.")
    for key in listed.keys:
        if not is_sound_public_key(bytes.fromhex(key.public)):
            raise WrongKeyList(f"Key {key.kid} is not sound.")
    return KeyRegistry(listed)
