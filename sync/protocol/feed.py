"""pure: what store and head office agree on about the feed: checksums of buckets, and bundles that count as a whole.

A bucket is a set of things, each (entity, key) with its newest value. Its checksum is the sum, modulo 2^64, of the
first eight bytes of SHA-256(entity NUL key NUL value) over all that is alive in it. Order does not matter, so one
change costs one subtraction and one addition, and two bookkeepers who disagree find out without sending a row.

A *bundle* is a set of things that make sense only together: the prices of one version of the price book, the offers of
a campaign. Its parts come in whatever pages they come in; the bundle itself, a thing of its own that names how many
parts there are and their checksum, comes last. Until every part is there it does not exist for the shop.
"""

import hashlib
from collections.abc import Iterable

from msgspec import Struct

_MODULUS = 2**64


def row_hash(entity: str, key: str, value: str) -> int:
    """What one live thing adds to the checksum; `value` is its JSON as it was sent."""
    return int.from_bytes(hashlib.sha256(f"{entity}\0{key}\0{value}".encode()).digest()[:8])


def checksum_of(rows: Iterable[tuple[str, str, str]]) -> int:
    """The checksum of live things (entity, key, value), in any order."""
    return sum(row_hash(*row) for row in rows) % _MODULUS


def changed_checksum(checksum: int, entity: str, key: str, before: str | None, after: str | None) -> int:
    """The checksum after one thing has changed; None where it was not there, or is not there any more."""
    gone = row_hash(entity, key, before) if before is not None else 0
    come = row_hash(entity, key, after) if after is not None else 0
    return (checksum - gone + come) % _MODULUS


def checksum_text(checksum: int) -> str:
    """A checksum as 16 hex digits, the form it has in JSON."""
    return f"{checksum:016x}"


class Bundle(Struct, frozen=True, kw_only=True):
    """The last part of a bundle. `name` is what it is a version of; its parts are the things of entity `part_entity`.
    `active_at` is when it begins to count, milliseconds on the store's clock: the same instant everywhere."""

    name: str
    version: int
    active_at: int
    count: int
    checksum: str

    @property
    def part_entity(self) -> str:
        """The entity under which the parts of this version, and no others, stand in the feed."""
        return f"{self.name}:{self.version}"

    def is_complete(self, count: int, checksum: int) -> bool:
        """Whether these are all its parts, by their number and checksum."""
        return count == self.count and checksum_text(checksum) == self.checksum


def active_bundle(complete: Iterable[Bundle], now_ms: int) -> Bundle | None:
    """The version that counts at `now_ms`, of the complete versions of one name: the one that began last, the higher
    version where two began together; None before the first. One that is not complete yet changes nothing, so a shop
    goes on with the prices it has."""
    begun = [bundle for bundle in complete if bundle.active_at <= now_ms]
    return max(begun, key=lambda bundle: (bundle.active_at, bundle.version), default=None)
