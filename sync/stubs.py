"""pure: stubs: what a store knows of the cards of members whom other stores hold.

A store holds its own members whole. Of every other card of the chain it has eight bytes and a state, so that a till can
tell a member of another store from a card that never was, and refuse one that was reported lost, with the line down and
without anybody's name, number or balance. The hash is keyed with a secret of the chain: the file alone tells nobody
whose card it is.

    >>> stub_of(bytes(32), "29000000000000000039") == stub_of(bytes(32), "29000000000000000039")
    True
"""

import hashlib
import hmac

KNOWN, REPLACED = 1, 2
"""The states of a stub: a member of the chain has this card; she reported it lost and has another one."""

KEY_BYTES = 32
_CARD = b"counterfoil/stub/1\0"
_BITS = 64


def stub_of(key: bytes, card: str) -> int:
    """The 64 bits, as a signed number, that stand for a card number. `key` is the chain's secret of KEY_BYTES."""
    digest = hmac.digest(key, _CARD + card.encode(), hashlib.sha256)
    return int.from_bytes(digest[: _BITS // 8], signed=True)
