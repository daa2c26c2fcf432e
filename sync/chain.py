"""pure: the hash chain of the journal.

`content` is the exact bytes of an entry, encoded once and never again; the chain covers those bytes, so that store
and hub agree on them for ever:

    content_hash = SHA-256(content)
    hash(n)      = SHA-256("counterfoil/1" || epoch as 8 bytes || seq as 8 bytes || hash(n-1) || content_hash),
    hash(0) = zeros
"""

import hashlib
from uuid import UUID

import msgspec

_DOMAIN = b"counterfoil/1"
ZERO_HASH = bytes(32)


class Head(msgspec.Struct, frozen=True):
    """The newest entry of an epoch, or a place on the way to it; seq 0 with the hash of zeros before the first."""

    epoch: int
    seq: int
    hash: bytes


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The hashed part of an entry as it lies in `journal.content`. `at` is milliseconds since 1970 UTC, the store's
    clock."""

    v: int
    kind: str
    op_id: UUID
    at: int
    business_day: str | None = None
    device: UUID | None = None
    operator: str | None = None
    body: msgspec.Raw


_decoder = msgspec.json.Decoder(Content)


def decode_content(content: bytes) -> Content:
    """Read an entry's exact bytes. Raises msgspec.DecodeError for bytes that are no entry."""
    return _decoder.decode(content)


def chain_hash(epoch: int, seq: int, previous: bytes, content: bytes) -> bytes:
    """The hash of entry (epoch, seq) after `previous`; 32 bytes."""
    link = _DOMAIN + epoch.to_bytes(8) + seq.to_bytes(8) + previous + hashlib.sha256(content).digest()
    return hashlib.sha256(link).digest()


def private_hash(salt: bytes, private: bytes) -> str:
    """What an entry holds in place of personal data, as 64 hex digits. Without the salt it says nothing about the
    data."""
    return hashlib.sha256(salt + private).hexdigest()


def epoch_text(epoch: int) -> str:
    """An epoch as 16 hex digits, the form it has in JSON."""
    return f"{epoch:016x}"


class JournalMark(msgspec.Struct, frozen=True):
    """Where a fact stands, as the API writes it: epoch (16 hex digits), number, hash (64 hex digits)."""

    epoch: str
    seq: int
    hash: str


def mark_of(epoch: int, seq: int, entry_hash: bytes) -> JournalMark:
    """The mark of an entry."""
    return JournalMark(epoch_text(epoch), seq, entry_hash.hex())


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer or a paper says about the entry behind it: who, when, which day, and its place in the chain."""

    op_id: UUID
    at: int
    business_day: str
    operator: str | None
    mark: JournalMark
