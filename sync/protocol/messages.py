"""pure: what a store and head office say to each other, message by message (docs/sync.md tells the whole exchange).

An *op* is a journal entry on the wire: its exact bytes as text, so that both sides hash the same. One signature over
the head of a batch covers every op in it, because the head is a hash of them all.

    store                                         head office
    SessionOpen   (who runs, its heads)      ──►
                                             ◄──  SessionAnswer (fence, timeline, what is held of each epoch)
    Push          (ops after a proved head)  ──►
                                             ◄──  PushAnswer    (the last op that this message proved, with its hash)
    pull?cursor=&refetch=                    ──►
                                             ◄──  PullAnswer    (what changed since, bucket by bucket, and checksums)
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from sync.chain import Head, epoch_text

PROTOCOL = 1
"""The version this release speaks. A head office is upgraded first and speaks those of the last 18 months too."""

PUSH_OPS_MAX = 500
PUSH_BYTES_MAX = 512 * 1024
BODY_BYTES_MAX = 8 * 1024 * 1024
"""What a body may come to when it is unpacked: beyond it is a bomb, not a batch."""

EPOCHS_MAX = 1_000

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
Epoch = Annotated[str, Meta(pattern=r"^[0-7][0-9a-f]{15}$", max_length=16)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
Milliseconds = Annotated[int, Meta(ge=0, le=2**53)]
Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,128}$(?!\n)", max_length=128)]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}$", max_length=128)]
Bucket = Annotated[str, Meta(min_length=1, max_length=100)]


class EpochHead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The newest entry of one epoch, as whoever says so holds it. Number 0 with a hash of zeros is an empty epoch."""

    epoch: Epoch
    seq: Seq
    hash: Hash


class SessionOpen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A running store service asks for the floor. `run` is drawn anew at every start of the service and `count` grows
    with each session of that run. `fence` is the last fence this run has heard of, 0 before the first: a request of
    yesterday cannot know today's, so it opens nothing, and a run that was taken for dead and knows it is alive.

    `heads` are those of every epoch that the store still holds, oldest life first. `sent_at` is the store's clock.
    """

    store: UUID
    run: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$", max_length=32)]
    count: Annotated[int, Meta(ge=1, le=2**53)]
    fence: Annotated[int, Meta(ge=0, le=2**53)] = 0
    protocol_min: Annotated[int, Meta(ge=1, le=2**31)]
    protocol_max: Annotated[int, Meta(ge=1, le=2**31)]
    version: Annotated[str, Meta(max_length=40)]
    heads: Annotated[tuple[EpochHead, ...], Meta(max_length=EPOCHS_MAX)]
    sent_at: Milliseconds
    signature: Signature


class SessionAnswer(Struct, frozen=True, kw_only=True):
    """The floor is given. `session` is the bearer token of all that follows; a later session has a higher `fence` and
    ends this one. `timeline` counts how often head office itself was put back from a backup. `heads` is what it holds
    of each epoch it ever heard of from this store. `hub_time` is its clock when it answered."""

    session: Token
    fence: int
    timeline: int
    protocol: int
    hub_time: Milliseconds
    heads: tuple[EpochHead, ...]
    credits: int


class OpPrivate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The personal half of an op, beside it and outside its hash. `salt` and `data` are base64 (RFC 4648)."""

    member: UUID
    salt: Annotated[bytes, Meta(max_length=64)]
    data: Annotated[bytes, Meta(max_length=64 * 1024)]


class Op(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One journal entry: the exact bytes of its content as UTF-8 text. An erased member's op has no private half any
    more."""

    content: Annotated[str, Meta(min_length=2, max_length=4 * 1024 * 1024)]
    private: OpPrivate | None = None


class Push(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ops of one epoch from number `from_seq` on, behind the entry whose hash is `previous`. No ops: a heartbeat.

    `request` grows within the session; only one is under way at a time. `max_seq` and `max_hash` are the epoch's head
    at the store. `closed` says that the store has begun a later life and adds nothing to this epoch any more.
    `timeline` is the one the store believes head office to be in.
    """

    request: Annotated[int, Meta(ge=1, le=2**53)]
    timeline: Annotated[int, Meta(ge=1, le=2**31)]
    epoch: Epoch
    from_seq: Annotated[int, Meta(ge=1, le=2**53)]
    previous: Hash
    max_seq: Seq
    max_hash: Hash
    closed: bool = False
    ops: Annotated[tuple[Op, ...], Meta(max_length=PUSH_OPS_MAX)]
    signature: Signature


class PushAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What head office made of a push.

    acknowledged  everything up to (`seq`, `hash`) is kept for ever: the last op this very message proved, not the head
    rewind        something before `from_seq` is missing: go on behind (`seq`, `hash`), the head of what is held here
    fork          the epoch has another history here, or goes on where the store's ends; (`seq`, `hash`) is the last
                  place that this message proved, or the empty beginning

    With the last two, `known` are places of the epoch as it is held here, newest first: the store looks up its own
    hashes there and finds the last one that both have (lives.common_prefix).

    `credits` is how many ops the next push may hold, `wait_ms` how long the store should wait before it.
    """

    request: int
    timeline: int
    outcome: Literal["acknowledged", "rewind", "fork"]
    epoch: str
    seq: int
    hash: str
    known: tuple[EpochHead, ...] = ()
    credits: int = PUSH_OPS_MAX
    wait_ms: int = 0


def head_of(message: EpochHead) -> Head:
    """A head from its words on the wire."""
    return Head(int(message.epoch, 16), message.seq, bytes.fromhex(message.hash))


def message_of(head: Head) -> EpochHead:
    """A head in its words on the wire."""
    return EpochHead(epoch=epoch_text(head.epoch), seq=head.seq, hash=head.hash.hex())


class FeedItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest state of one thing in a bucket. `seq` is where in the bucket it stands now; no `value`: it is gone."""

    bucket: str
    entity: str
    key: str
    seq: int
    # Not `Raw | None`: msgspec reads such a field as one that may only be null.
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class BucketState(Struct, frozen=True, kw_only=True):
    """Where a bucket stands after this page. `checksum` is that of all that is alive in it (16 hex digits), once the
    page has come to the bucket's newest change; None while more of it is to come."""

    bucket: str
    seq: int
    checksum: str | None


class PullAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changed behind the cursor, in the order of each bucket. `more`: ask again at once. `refetch` names buckets
    that are told anew from their beginning, from this page on, because what the cursor knew of them holds no longer;
    what was there before and is not told again by the time a checksum comes is gone. `applied` says of each epoch of
    the store how far its own entries are counted in all that was told up to this page."""

    timeline: int
    cursor: str
    items: tuple[FeedItem, ...]
    buckets: tuple[BucketState, ...]
    more: bool = False
    refetch: tuple[str, ...] = ()
    applied: dict[str, int] = {}


def session_signed_bytes(message: SessionOpen) -> bytes:
    """What a store signs to open a session: everything but the signature, field by field."""
    heads = ";".join(f"{head.epoch}:{head.seq}:{head.hash}" for head in message.heads)
    return "\n".join(
        (
            "counterfoil/session/1",
            str(message.store),
            message.run,
            str(message.count),
            str(message.fence),
            f"{message.protocol_min}-{message.protocol_max}",
            message.version,
            heads,
            str(message.sent_at),
        )
    ).encode()


def push_signed_bytes(session: str, message: Push, last_hash: str) -> bytes:
    """What a store signs of a push: its head. `last_hash` is the chain hash behind the last op of the batch (that of
    `previous` where there are none), so the signature covers every byte of every op."""
    return "\n".join(
        (
            "counterfoil/push/1",
            session,
            str(message.request),
            str(message.timeline),
            message.epoch,
            str(message.from_seq),
            message.previous,
            str(len(message.ops)),
            last_hash,
            str(message.max_seq),
            message.max_hash,
            "closed" if message.closed else "open",
        )
    ).encode()


class Enrol(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A store joins with the code that head office gave out for it, once. `public_key` is the Ed25519 key (RFC 8032) it
    signs with from now on; the private half never leaves the store."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]


class EnrolAnswer(Struct, frozen=True, kw_only=True):
    """Who the store is from now on. `timeline` is head office's at this moment; `hub_key` is the key it signs with
    (Ed25519, 64 hex digits), which the store keeps."""

    store: UUID
    code: str
    name: str
    timeline: int
    hub_key: str = ""


class HeldOp(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An op as head office holds it, with its number and chain hash. The private half is gone where it was erased."""

    seq: int
    hash: str
    content: str
    private: OpPrivate | None = None


class EntriesAnswer(Struct, frozen=True, kw_only=True):
    """A page of one epoch of the store that asks, for a store that lost its disk. `next` is the number to ask behind
    for the next page, None on the last one; `head` is the newest entry that head office has of the epoch."""

    head: EpochHead
    items: tuple[HeldOp, ...]
    next: int | None


class PrinterState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One printer of a store and how it is, in the words of the store's own list of printers."""

    name: Annotated[str, Meta(min_length=1, max_length=30)]
    state: Annotated[str, Meta(min_length=1, max_length=40)]


class StoreStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a store tells of itself for the board of stores, when something of it changes. It is no fact: the newest one
    counts and none is kept."""

    printers: Annotated[tuple[PrinterState, ...], Meta(max_length=100)]
    queued: Seq
