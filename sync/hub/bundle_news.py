"""sql: what the feed says about bundles of prices, offers and rules after head office planned or withdrew some.

A thing named again and again would make the feed longer for ever. So a bundle that is planned takes out of the feed
what older ones say of its things and nobody needs any more: a word that a newer one of the same bucket has replaced
since more than a day. Every store that can be reached has that newer one, and one that was away is told both at once. A
bundle of which nothing is left goes whole.
"""

from collections.abc import Iterable

import msgspec

from loyalty.transactions import Tx
from sync.bundle_values import HEAD, PART_PREFIX, head_of, part_key
from sync.facts.bundles import BundlePlanned, BundleWithdrawn
from sync.hub.accepted import HEAD_OFFICE, Accepted
from sync.hub.bundles import changes_of, list_words
from sync.hub.feed_store import FeedChange
from sync.protocol.feed import Bundle, checksum_of, checksum_text

REPLACED_KEPT_MS = 86_400_000
_encode = msgspec.json.Encoder().encode
_read_head = msgspec.json.Decoder(Bundle).decode


def tell_bundles(tx: Tx, fresh: Iterable[Accepted]) -> list[FeedChange]:
    """What the feed says of the bundles in these entries, which were applied. Only head office plans bundles."""
    told: list[FeedChange] = []
    for entry in fresh:
        if entry.store == HEAD_OFFICE and isinstance(entry.body, BundlePlanned):
            told += [*_tell(entry.body), *_fold(tx, entry.body, entry.at - REPLACED_KEPT_MS)]
        elif entry.store == HEAD_OFFICE and isinstance(entry.body, BundleWithdrawn):
            bucket, version = entry.body.bucket, entry.body.version
            keys = [part_key(change.sort, change.name) for change in changes_of(tx, version)]
            told += [FeedChange(bucket, f"{PART_PREFIX}{version}", key, None) for key in keys]
            told.append(FeedChange(bucket, HEAD, str(version), None))
    return told


def _tell(body: BundlePlanned) -> list[FeedChange]:
    entity = f"{PART_PREFIX}{body.version}"
    parts = {part_key(change.sort, change.name): _encode(change) for change in body.changes}
    told = [FeedChange(body.bucket, entity, key, value) for key, value in parts.items()]
    return [*told, _head(body.bucket, body.version, body.active_at, parts)]


def _fold(tx: Tx, body: BundlePlanned, before_ms: int) -> list[FeedChange]:
    """Take out words that were replaced before `before_ms`; what is left of their bundles gets a new head."""
    gone: dict[int, set[str]] = {}
    for change in body.changes:
        begun = [word for word in list_words(tx, body.bucket, change.sort, change.name) if word.active_at <= before_ms]
        for word in begun[:-1]:
            gone.setdefault(word.version, set()).add(part_key(change.sort, change.name))
    told: list[FeedChange] = []
    for version, keys in gone.items():
        entity = f"{PART_PREFIX}{version}"
        present = _read_values(tx, body.bucket, entity)
        if present.keys() & keys:
            left = {key: value for key, value in present.items() if key not in keys}
            told += [FeedChange(body.bucket, entity, key, None) for key in sorted(present.keys() & keys)]
            head = _read_head(_read_values(tx, body.bucket, HEAD)[str(version)])
            told.append(
                _head(body.bucket, version, head.active_at, left)
                if left
                else FeedChange(body.bucket, HEAD, str(version), None)
            )
    return told


def _head(bucket: str, version: int, active_at: int, parts: dict[str, bytes]) -> FeedChange:
    entity = f"{PART_PREFIX}{version}"
    checksum = checksum_text(checksum_of((entity, key, value.decode()) for key, value in parts.items()))
    return FeedChange(bucket, HEAD, str(version), _encode(head_of(version, active_at, len(parts), checksum)))


def _read_values(tx: Tx, bucket: str, entity: str) -> dict[str, bytes]:
    """What the feed says now of all things of an entity."""
    rows = tx.execute(
        "SELECT key, value FROM feed WHERE bucket = ? AND entity = ? AND value IS NOT NULL", (bucket, entity)
    ).fetchall()
    return {key: value.encode() for key, value in rows}
