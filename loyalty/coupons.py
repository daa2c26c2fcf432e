"""pure: a coupon's token: what a store promised, signed, as 200 digits that any till can check without a line.

    byte  0      1  2    3  4  5   6  7  8    9 10     11 … 18    19 … 82
          │      └─┬─┘   └──┬──┘   └──┬──┘    └─┬─┘    └──┬──┘    └── Ed25519 over the domain and bytes 0 to 18
          │      key id   offer     version  last day   serial
          format (high 4 bits), scope (low 4 bits: 0 this store, 1 the chain)

83 bytes are the most that fit into a QR code of version 5 at level M: 200 digits, 22.5 mm on paper. Digits survive any
keyboard layout, and no barcode of goods is that long. `offer` is a number made from the offer's id, so a till that has
the offer knows its rules; the paper carries none. Days count from 2020-01-01.

A signature proves that the coupon was issued. That it is unspent, only the ledger of a store can say.
"""

import datetime as dt
import enum
import functools
import hashlib
import hmac
import re
import unicodedata
from typing import Literal
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from loyalty.coupon_codes import SERIAL_MAX
from loyalty.keys import Doubt, KeyRegistry, is_signed, public_hex

BODY_BYTES, SIGNATURE_BYTES = 19, 64
DIGITS = 200
_DOMAIN = b"counterfoil/coupon/v1\0"
_SERIAL_DOMAIN = b"counterfoil/coupon-serial/v1\0"
_FORMAT = 1
_DAY_ZERO = dt.date(2020, 1, 1)
_LAST_DAY = 0xFFFF
_THREE_BYTES = 0xFFFFFF
_EIGHT_BYTES = 0xFFFFFFFF_FFFFFFFF
_SHORTEST_CUT = 60
_LONGEST_TEXT = 4096
_AIM_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")  # ISO/IEC 15424: what a scanner may put before the data

Scope = Literal["store", "chain"]
_SCOPES: tuple[Scope, ...] = ("store", "chain")


class Refusal(enum.StrEnum):
    """Why a token is not taken."""

    NOT_A_COUPON = "not_a_coupon"
    CUT = "coupon_cut"
    NEWER = "newer_coupon"
    EXPIRED = "coupon_expired"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    KEY_NOT_YET = "key_not_yet_valid"
    KEY_OVER = "key_no_longer_valid"
    FORGED = "coupon_forged"
    WRONG_STORE = "wrong_store"


_OF_DOUBT = {
    Doubt.UNKNOWN: Refusal.UNKNOWN_KEY,
    Doubt.REVOKED: Refusal.REVOKED_KEY,
    Doubt.NOT_YET: Refusal.KEY_NOT_YET,
    Doubt.OVER: Refusal.KEY_OVER,
}


class CouponBody(Struct, frozen=True, kw_only=True):
    """What is signed. `offer` is `offer_number` of the id, `version` the offer's at issue (at most 2**24 - 1)."""

    kid: int
    offer: int
    version: int
    last_day: dt.date
    serial: int
    scope: Scope = "store"


class GenuineCoupon(Struct, frozen=True):
    """A token whose signature holds, which has not run out and may be used in the store that asked. `store` issued
    it."""

    body: CouponBody
    store: str


class Signer(Struct, frozen=True):
    """A store's own key: what issues coupons. It never leaves the process and never reaches the database."""

    kid: int
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public half, as the key list has it."""
        return public_hex(self.private)

    def __repr__(self) -> str:
        return f"Signer(kid={self.kid})"


@functools.lru_cache(maxsize=1024)
def offer_number(offer: str) -> int:
    """The 24 bits by which a token names an offer. Two offers may share them; then neither is found by the token alone
    and the ledger of the issuing store decides."""
    return int.from_bytes(hashlib.sha256(offer.encode()).digest()[:3])


def make_serial(signer: Signer, origin: UUID, n: int, attempt: int) -> int:
    """The serial of the n-th coupon that `origin` issues: nobody can foresee it, and the same call gives it again.

    Derived from the private key (HMAC-SHA256), so that a transaction that runs twice issues the same coupon. The caller
    counts `attempt` up while the serial is taken or cannot be printed.
    """
    message = _SERIAL_DOMAIN + origin.bytes + n.to_bytes(4) + attempt.to_bytes(4)
    digest = hmac.new(signer.private.private_bytes_raw(), message, hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) & SERIAL_MAX


def make_token(signer: Signer, body: CouponBody) -> str:
    """The 200 digits of a coupon. Raises ValueError for a body that does not fit or names another key."""
    if body.kid != signer.kid:
        raise ValueError("a coupon names the key that signs it")
    packed = _pack(body)
    number = int.from_bytes(packed + signer.private.sign(_DOMAIN + packed))
    return str(number).zfill(DIGITS)


def find_token(text: str) -> str | None:
    """The 200 digits in a scanned text, whatever the scanner put before or a person between them; or None."""
    digits = _digits_of(text)
    return digits if digits is not None and len(digits) == DIGITS else None


def looks_cut(text: str) -> bool:
    """Whether this looks like a token of which a part is missing: longer than any other code, and digits only."""
    digits = _digits_of(text)
    return digits is not None and _SHORTEST_CUT <= len(digits) < DIGITS


def peek_serial(token: str) -> int | None:
    """The serial that the 200 digits of `find_token` name, genuine or not: good for looking up, for nothing else. None
    for what can be none."""
    serial = int(token) >> 8 * SIGNATURE_BYTES & _EIGHT_BYTES
    return serial if serial <= SERIAL_MAX else None


def peek_key(token: str) -> int:
    """The number of the key that the 200 digits of `find_token` name, genuine or not."""
    return int(token) >> 8 * (BODY_BYTES + SIGNATURE_BYTES - 3) & 0xFFFF


def read_token(
    text: str, registry: KeyRegistry, store: str, today: dt.date, issued: str | None = None
) -> GenuineCoupon | Refusal:
    """What the store `store` may make of a scanned text on its own day `today`. Never raises, whatever the text.

    The reasons have an order: what is no coupon, whose key it is, whether it is genuine, and only then whether it may
    be used here and today. So nobody learns the day of a coupon he made up.

    `issued` is the token that the store's own ledger keeps for this serial. The very same digits need no look at their
    signature, which takes a good part of the time a whole sale does: a typed code is taken on that row alone. The key
    must count all the same.
    """
    token = find_token(text)
    if token is None:
        return Refusal.CUT if looks_cut(text) else Refusal.NOT_A_COUPON
    number = int(token)
    if number >> 8 * (BODY_BYTES + SIGNATURE_BYTES):
        return Refusal.CUT
    whole = number.to_bytes(BODY_BYTES + SIGNATURE_BYTES)
    packed, signature = whole[:BODY_BYTES], whole[BODY_BYTES:]
    if packed[0] >> 4 != _FORMAT or packed[0] & 15 >= len(_SCOPES):
        return Refusal.NEWER
    body = _unpack(packed)
    key = registry.find(body.kid, today)
    if isinstance(key, Doubt):
        return _OF_DOUBT[key]
    is_issued = token == issued and key.store == store
    if not is_issued and not is_signed(key.public, signature, _DOMAIN + packed):
        return Refusal.FORGED
    if body.serial > SERIAL_MAX:
        return Refusal.NEWER
    if key.store != store and body.scope != "chain":
        return Refusal.WRONG_STORE
    if today > body.last_day:
        return Refusal.EXPIRED
    return GenuineCoupon(body, key.store)


def _digits_of(text: str) -> str | None:
    if len(text) > _LONGEST_TEXT:
        return None
    if text.isascii() and text.isdigit():  # as scanners and apps send it
        return text
    compact = "".join(unicodedata.normalize("NFKC", text).split())
    plain = _AIM_IDENTIFIER.sub("", compact, count=1) if compact.startswith("]") else compact
    return plain if plain.isascii() and plain.isdigit() else None


def _pack(body: CouponBody) -> bytes:
    day = (body.last_day - _DAY_ZERO).days
    if not (0 <= day <= _LAST_DAY and 0 <= body.serial <= SERIAL_MAX):
        raise ValueError("a coupon's last day lies between 2020 and 2199, its serial has 50 bits")
    return b"".join(
        (
            bytes([_FORMAT << 4 | _SCOPES.index(body.scope)]),
            body.kid.to_bytes(2),
            body.offer.to_bytes(3),
            min(body.version, _THREE_BYTES).to_bytes(3),
            day.to_bytes(2),
            body.serial.to_bytes(8),
        )
    )


def _unpack(packed: bytes) -> CouponBody:
    return CouponBody(
        kid=int.from_bytes(packed[1:3]),
        offer=int.from_bytes(packed[3:6]),
        version=int.from_bytes(packed[6:9]),
        last_day=_DAY_ZERO + dt.timedelta(days=int.from_bytes(packed[9:11])),
        serial=int.from_bytes(packed[11:19]),
        scope=_SCOPES[packed[0] & 15],
    )
