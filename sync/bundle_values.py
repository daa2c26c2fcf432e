"""pure: bundles in the feed, as head office puts them and a store reads them, and which word counts where several do.

| entity      | key                | value                                                                 |
|-------------|--------------------|-----------------------------------------------------------------------|
| bundle:7    | product/1041453    | BundleChange: one thing as version 7 says that it shall be             |
| bundle_head | 7                  | sync.protocol.feed.Bundle: how many parts, their checksum, the instant |

All of a bundle stands in one bucket: of everybody, of a price zone, or of one store. The narrower one has the last
word, whenever it was said: a price of a zone is not undone by the next price of the chain. Within a bucket the bundle
that began last counts (feed.active_bundle). So what a thing is now follows from the set of bundles that have begun and
not from the order in which a store heard of them: one that comes late, or was never heard of, changes nothing of what a
newer one says, and no bundle has to wait for an older one.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from sync.facts.bundles import BundleChange
from sync.protocol.feed import Bundle

BUNDLE, HEAD = "bundle", "bundle_head"
PART_PREFIX = f"{BUNDLE}:"
PRODUCT: Final = "product"
OFFER: Final = "offer"
EARNING_RULE: Final = "earning_rule"
EVERYBODY = "global"
_ZONE, _STORE = "zone:", "store:"
_OF_A_TIMELINE = 1_000_000
"""So many versions has each timeline of head office, more than anybody plans."""


class Word(NamedTuple):
    """What one bundle that has begun says of a thing."""

    bucket: str
    active_at: int
    version: int
    change: BundleChange


def part_key(sort: str, name: str) -> str:
    """The key of a thing among the parts of a bundle."""
    return f"{sort}/{name}"


def zone_bucket(zone: str) -> str:
    """The bucket of a price zone."""
    return f"{_ZONE}{zone}"


def is_zone(bucket: str) -> bool:
    """Whether a bucket is a price zone's."""
    return bucket.startswith(_ZONE)


def width_of(bucket: str) -> int:
    """How narrow a bucket is: 0 for everybody's, 2 for one store's."""
    return 2 if bucket.startswith(_STORE) else int(bucket.startswith(_ZONE))


def head_of(version: int, active_at: int, count: int, checksum: str) -> Bundle:
    """The head of a bundle of prices, offers and rules."""
    return Bundle(name=BUNDLE, version=version, active_at=active_at, count=count, checksum=checksum)


def next_version(newest: int, timeline: int) -> int:
    """The version of the next bundle; `newest` is the highest that head office knows, 0 before the first.

    A head office that was put back from a backup has forgotten the last ones, and stores have begun them: what a store
    has begun it never begins again. So each timeline has versions of its own.

    >>> next_version(0, 1), next_version(6, 1), next_version(6, 2), next_version(1_000_001, 2)
    (1, 7, 1000001, 1000002)
    """
    return max(newest, (timeline - 1) * _OF_A_TIMELINE) + 1


def version_of(entity: str) -> int | None:
    """The version that an entity `bundle:<n>` holds parts of; None for any other."""
    number = entity.removeprefix(PART_PREFIX)
    return int(number) if number != entity and number.isascii() and number.isdigit() else None


def choose(words: Iterable[Word]) -> BundleChange | None:
    """The word that counts, or None where nobody says anything.

    Of each bucket the one that began last, by version where two began together; of those the narrowest that still says
    something. Example: the chain says 199 from Monday, a zone 189 from Tuesday, the chain 209 from Wednesday: in the
    zone it is 189 until the zone says nothing any more, then 209.
    """
    newest: dict[str, Word] = {}
    for word in words:
        known = newest.get(word.bucket)
        if known is None or (known.active_at, known.version) < (word.active_at, word.version):
            newest[word.bucket] = word
    speaking = [word for word in newest.values() if word.change.definition]
    best = max(speaking, key=lambda word: (width_of(word.bucket), word.active_at, word.version), default=None)
    return best.change if best is not None else None
