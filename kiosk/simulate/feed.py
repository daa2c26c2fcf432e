"""pure: what a simulated head office tells, as it lies on its disk: buckets of things, by the rules of
sync.hub.feed_store. The pages are made of it by the real machine (sync.protocol.pull_hub).

| entity              | bucket   | key     | value                                              |
|---------------------|----------|---------|----------------------------------------------------|
| coupon_used         | global   | coupon  | the operations that used it                        |
| consent             | global   | member  | ConsentTold                                        |
| bundle:7            | global   | thing   | BundleChange                                       |
| bundle_head         | global   | 7       | sync.protocol.feed.Bundle                          |
| product             | global   | sku     | something, to make a bucket large                  |
| reservation         | a shop's | its id  | the operation that it is for                       |
| returned_elsewhere  | a shop's | sale    | minor units that came back elsewhere, or are going to |
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from sync.protocol.feed import changed_checksum

T = TypeVar("T")
GLOBAL = "global"
COUPON_USED, CONSENT, RESERVATION, RETURNED, PRODUCT = (
    *("coupon_used", "consent", "reservation"),
    *("returned_elsewhere", "product"),
)
encode = msgspec.json.Encoder(order="deterministic").encode


class ConsentTold(Struct, frozen=True):
    """The word of a member that counts, by head office."""

    op: UUID
    granted: bool
    at: int


class Thing(NamedTuple):
    """A thing of a bucket; None for one that is gone, since `changed_at`."""

    entity: str
    key: str
    seq: int
    value: str | None
    changed_at: int


class Bucket:
    """Things by the order of their numbers, with the newest number, what was collected, and what all alive add up to.

    A bucket that lies in a backup is never changed: whoever changes one copies it first.
    """

    def __init__(self, bucket: str) -> None:
        self.bucket, self.last, self.horizon, self.checksum = bucket, 0, 0, 0
        self.things: dict[tuple[str, str], Thing] = {}

    def put(self, entity: str, key: str, value: str | None, now_ms: int) -> None:
        """Tell a thing's newest state; it moves to the newest number."""
        before = self.things.pop((entity, key), None)
        self.last += 1
        self.checksum = changed_checksum(self.checksum, entity, key, before.value if before else None, value)
        self.things[(entity, key)] = Thing(entity, key, self.last, value, now_ms)

    def after(self, seq: int, limit: int) -> list[Thing]:
        """Up to `limit` things behind a number, oldest change first."""
        found: list[Thing] = []
        for thing in reversed(self.things.values()):
            if thing.seq <= seq:
                break
            found.append(thing)
        return found[::-1][:limit]

    def collect(self, before_ms: int) -> None:
        """Forget what is gone since before an instant."""
        gone = [thing for thing in self.things.values() if thing.value is None and thing.changed_at < before_ms]
        for thing in gone:
            del self.things[(thing.entity, thing.key)]
            self.horizon = max(self.horizon, thing.seq)

    def copy(self) -> "Bucket":
        """The same bucket, to be changed."""
        copied = Bucket(self.bucket)
        copied.last, copied.horizon, copied.checksum = self.last, self.horizon, self.checksum
        copied.things = self.things.copy()
        return copied


class Feed:
    """All buckets. A copy shares them until one is changed."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._shared: dict[str, bool] = {}

    def bucket(self, name: str) -> Bucket:
        """A bucket to look at; one that nothing was ever put into stands at 0."""
        return self._buckets.get(name) or Bucket(name)

    def put(self, name: str, entity: str, key: str, value: bytes | None, now_ms: int) -> None:
        """Tell a thing's newest state, where it is another."""
        text = value.decode() if value is not None else None
        known = self.bucket(name).things.get((entity, key))
        if (known.value if known else None) != text:
            self._own(name).put(entity, key, text, now_ms)

    def collect(self, before_ms: int) -> None:
        """Forget what is gone since before an instant."""
        for name in self._buckets:
            self._own(name).collect(before_ms)

    def _own(self, name: str) -> Bucket:
        if name not in self._buckets or name in self._shared:
            self._buckets[name] = self.bucket(name).copy()
            self._shared.pop(name, None)
        return self._buckets[name]

    def values(self, entity: str) -> Iterable[tuple[str, str]]:
        """The (key, value) of all things of an entity that everybody is told."""
        for thing in self.bucket(GLOBAL).things.values():
            if thing.entity == entity and thing.value is not None:
                yield thing.key, thing.value

    def copy(self) -> "Feed":
        """What a backup holds."""
        copied = Feed()
        copied._buckets = self._buckets.copy()
        copied._shared = dict.fromkeys(self._buckets, True)
        self._shared = dict.fromkeys(self._buckets, True)
        return copied


def read_value(decoder: msgspec.json.Decoder[T], value: str) -> T | None:
    """What a row says; None for a damaged one, which is told anew."""
    try:
        return decoder.decode(value)
    except msgspec.DecodeError:
        return None


def bucket_of(shop: str) -> str:
    """The bucket of one shop."""
    return f"store:{shop}"
