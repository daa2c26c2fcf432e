"""pure: the ops of a push as the inbox keeps them. Their chain is proved already; here they are looked at one by one.

What an honest journal can hold is taken, whatever its kind: a newer store may send kinds that this release does not
know. What no journal holds (bytes that are no entry, numbers beyond 64 bits) is refused as a whole.
"""

import re
from typing import NamedTuple
from uuid import UUID

import msgspec

from sync.chain import decode_content, private_hash
from sync.hub.problems import WrongOp
from sync.protocol.push_hub import ProvedOp

_KIND = re.compile(r"[a-z][a-z0-9_.]{0,59}")
_INTEGERS = range(-(2**63), 2**63)
_VERSIONS = range(1, 2**31)
_MARGIN = 150
_OPENED_MAX = 500
"""How deep a text may be nested depends on how deep the program stands that reads it, about 1,000 in all. What is taken
here can be read from _MARGIN further down, so that appliers, reports and the proof never find it too deep."""
_read_deeper = msgspec.json.Decoder(msgspec.Raw).decode


class ReceivedOp(NamedTuple):
    """An op whose place in the chain was worked out from the message that brought it."""

    seq: int
    op_id: UUID
    kind: str
    v: int
    content: bytes
    hash: bytes
    private: tuple[UUID, bytes, bytes] | None


def read_op(proved: ProvedOp) -> ReceivedOp:
    """One op. Its personal half is kept only where the entry names the hash of it: anything else is not the half of
    this entry. Raises WrongOp."""
    try:
        content = decode_content(proved.content)
        if proved.content.count(b"[") + proved.content.count(b"{") > _OPENED_MAX:
            _read_deeper(b"[" * _MARGIN + proved.content + b"]" * _MARGIN)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WrongOp(f"Entry {proved.seq} cannot be read.") from error
    if not _KIND.fullmatch(content.kind) or content.v not in _VERSIONS or content.at not in _INTEGERS:
        raise WrongOp(f"Entry {proved.seq} is none that a journal holds.")
    private = proved.op.private
    kept = None
    if private is not None and private_hash(private.salt, private.data).encode() in bytes(content.body):
        kept = (private.member, private.salt, private.data)
    return ReceivedOp(proved.seq, content.op_id, content.kind, content.v, proved.content, proved.hash, kept)
