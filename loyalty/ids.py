"""pure: identifiers. UUIDv7 (RFC 9562 section 5.7) for everything a machine names.

>>> uuid7(0x017F22E279B0, bytes(10)).hex[:12]
'017f22e279b0'
"""

import hashlib
import uuid

_VERSION_7, _VERSION_8 = 0x7000, 0x8000
_VARIANT = 0x8000_0000_0000_0000


def uuid7(now_ms: int, random: bytes) -> uuid.UUID:
    """A UUIDv7 from milliseconds since 1970 UTC and 10 random bytes (74 of their bits are used)."""
    return _timed_uuid(now_ms, random, _VERSION_7)


def derived_uuid(origin: uuid.UUID, purpose: str) -> uuid.UUID:
    """The one id that belongs to `origin` for `purpose` (a sale's receipt, a sale's void): same in, same out.

    It keeps the time of `origin` in front, so that index pages stay local, and takes the rest from a SHA-256. Its
    version is 8, RFC 9562's for schemes of one's own, so that nobody who makes version 7 can hit it or take it away.
    """
    digest = hashlib.sha256(origin.bytes + purpose.encode()).digest()
    return _timed_uuid(origin.int >> 80, digest[:10], _VERSION_8)


def _timed_uuid(now_ms: int, random: bytes, version: int) -> uuid.UUID:
    if len(random) != 10:
        raise ValueError("an id needs exactly 10 random bytes")
    high = int.from_bytes(random[:2]) & 0x0FFF
    low = int.from_bytes(random[2:]) & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=(now_ms & 0xFFFF_FFFF_FFFF) << 80 | (version | high) << 64 | _VARIANT | low)
