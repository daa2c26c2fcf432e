"""pure: head office's side of the pull: where a store goes on in each bucket, and the page it is given.

    asked = read_cursor(text, secret)                         # None: from the beginning
    plan = plan_pull(asked, refetch, timeline, heads)         # heads: of the buckets this store may read
    rows = {read.bucket: the things behind read.after, oldest change first, PAGE_ITEMS + 1 of them at most}
    answer = build_page(plan, rows, secret)                   # no news (`is_news`): wait for a change, ask again

Heads and rows are read in one transaction. A cursor holds for a bucket as long as nothing can have been missed:

    another timeline                 head office was put back from a backup; what its numbers meant is gone
    beyond the bucket's head         the same, by a head office that forgot to count its timeline
    at the head, with another sum    the same, and it has told as much of other things since
    before the bucket's horizon      things were removed behind it, and their tombstones are collected

Otherwise the bucket is told anew from its beginning, it alone, and `refetch` in the answer says so. A reader who is
told anew over many pages has not missed what was collected before he began, so the cursor remembers where the bucket
stood then (`base`).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from sync.protocol.feed import checksum_text
from sync.protocol.messages import BucketState, FeedItem, PullAnswer
from sync.protocol.refusals import BrokenCursor

PAGE_ITEMS = 500
PAGE_BYTES = 512 * 1024
"""A page ends with the thing that comes to this many bytes, so a thing of any size gets through."""
WAIT_MS = 25_000
"""How long a request may wait for something to tell. Proxies cut a silent connection off after 30 s and more."""

_MAC_BYTES = 16


class BucketHead(Protocol):
    """Where a bucket stands: its newest number, the newest number whose tombstone was collected, its checksum."""

    @property
    def bucket(self) -> str: ...
    @property
    def last(self) -> int: ...
    @property
    def horizon(self) -> int: ...
    @property
    def checksum(self) -> int: ...


class FeedThing(Protocol):
    """A thing of a bucket; `value` is JSON text, None where it is gone."""

    @property
    def entity(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def value(self) -> str | None: ...


class Position(Struct, frozen=True, array_like=True):
    """How far a reader has come in a bucket, and where the bucket stood when he began at its beginning. `checksum` is
    what it came to (16 hex digits) where he had read all of it: without that, nothing would tell one who waits at the
    head that it is the head of another history."""

    seq: int
    base: int
    checksum: str | None = None


class PullCursor(Struct, frozen=True):
    """What a cursor says, inside."""

    timeline: int
    buckets: dict[str, Position]


class BucketRead(Struct, frozen=True, kw_only=True):
    """One bucket's part in a page: read behind number `after`. `anew`: from its beginning, whatever the reader has."""

    bucket: str
    after: int
    base: int
    anew: bool
    last: int
    checksum: int


class Plan(Struct, frozen=True):
    """What to read for a page, bucket by bucket in the order of the page."""

    timeline: int
    reads: tuple[BucketRead, ...]


def plan_pull(asked: PullCursor | None, refetch: Collection[str], timeline: int, heads: Sequence[BucketHead]) -> Plan:
    """Where the reader goes on. `refetch` are buckets he asks for anew, because his own sum of them is not ours."""
    return Plan(timeline, tuple(_read_of(asked, refetch, timeline, head) for head in heads))


def _read_of(asked: PullCursor | None, refetch: Collection[str], timeline: int, head: BucketHead) -> BucketRead:
    at = asked.buckets.get(head.bucket) if asked is not None and asked.timeline == timeline else None
    holds = (
        at is not None
        and head.bucket not in refetch
        and at.seq <= head.last
        and at.base <= head.last
        and head.horizon <= max(at.seq, at.base)
        and not (at.seq == head.last and at.checksum not in (None, checksum_text(head.checksum)))
    )
    return BucketRead(
        bucket=head.bucket,
        after=at.seq if at is not None and holds else 0,
        base=at.base if at is not None and holds else head.last,
        anew=not holds,
        last=head.last,
        checksum=head.checksum,
    )


def build_page(plan: Plan, rows: Mapping[str, Sequence[FeedThing]], secret: bytes) -> PullAnswer:
    """The page and its cursor. `rows` has for each planned bucket the things behind `after` in the order of their
    numbers, PAGE_ITEMS + 1 of them at most; a bucket that is left out is empty."""
    items: list[FeedItem] = []
    states, positions = [], {}
    left_bytes = PAGE_BYTES
    for read in plan.reads:
        seq = read.after
        things = rows.get(read.bucket, ())
        for thing in things:
            if len(items) >= PAGE_ITEMS or left_bytes <= 0:
                break
            seq = thing.seq
            # Whoever reads a bucket anew forgets what he is not told, so of what is long gone he need not hear.
            if thing.value is not None or thing.seq > read.base:
                items.append(_item(read.bucket, thing))
                left_bytes -= len(thing.entity) + len(thing.key) + len(thing.value or "")
        else:
            # All of it: the newest number may be that of a tombstone that was collected.
            seq = read.last if len(things) <= PAGE_ITEMS else seq
        is_whole = seq == read.last
        checksum = checksum_text(read.checksum) if is_whole else None
        positions[read.bucket] = Position(seq, read.base, checksum)
        states.append(BucketState(bucket=read.bucket, seq=seq, checksum=checksum))
    return PullAnswer(
        timeline=plan.timeline,
        cursor=write_cursor(PullCursor(plan.timeline, positions), secret),
        items=tuple(items),
        buckets=tuple(states),
        more=any(state.checksum is None for state in states),
        refetch=tuple(read.bucket for read in plan.reads if read.anew),
    )


def _item(bucket: str, thing: FeedThing) -> FeedItem:
    value = msgspec.Raw(thing.value.encode()) if thing.value is not None else msgspec.UNSET
    return FeedItem(bucket=bucket, entity=thing.entity, key=thing.key, seq=thing.seq, value=value)


def is_news(answer: PullAnswer) -> bool:
    """Whether a page has anything to tell, or the request may wait until there is."""
    return bool(answer.items or answer.refetch or answer.more)


def write_cursor(cursor: PullCursor, secret: bytes) -> str:
    """A cursor as the store keeps it: readable by us alone in that nobody else can make one."""
    content = msgspec.json.encode(cursor)
    return _text(content) + "." + _text(_mac(content, secret))


def read_cursor(text: str | None, secret: bytes) -> PullCursor | None:
    """What a cursor says; None for no cursor. Raises BrokenCursor for one that was not made with this secret."""
    if not text:
        return None
    try:
        content, mac = (base64.b64decode(part.encode() + b"==", altchars=b"-_") for part in text.split("."))
    except (ValueError, binascii.Error) as error:
        raise BrokenCursor from error
    if not hmac.compare_digest(mac, _mac(content, secret)):
        raise BrokenCursor
    try:
        return msgspec.json.decode(content, type=PullCursor)
    except msgspec.DecodeError as error:
        raise BrokenCursor("It is a cursor of another release.") from error


def _mac(content: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"counterfoil/cursor/1\n" + content, hashlib.sha256)[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
