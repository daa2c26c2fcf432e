"""sql: the bundles that are here whole, read back: what is due, when the next one is, what they say of a thing.

A bundle is due when it is whole, its instant has come on the store's clock, and it was not taken into use. That it was
is a fact, so a clock that is put back makes nothing begin twice and takes nothing back.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loyalty.transactions import Tx
from sync.bundle_values import PART_PREFIX, Word, part_key, version_of
from sync.facts.bundles import BundleChange

_NOT_ACTIVE = (
    " NOT EXISTS (SELECT 1 FROM bundle_outcome"
    " WHERE bundle_outcome.version = bundle_ready.version AND outcome = 'active')"
)
# The condition on the entity is word for word that of an index (kiosk/schema/head_office.py).
_WORDS = "SELECT bucket, entity, value FROM feed_row WHERE key = ? AND entity GLOB 'bundle:*' AND length(value) > 0"
_decode = msgspec.json.Decoder(BundleChange).decode


class ReadyBundle(NamedTuple):
    """A bundle that is here whole; times in milliseconds on the store's clock."""

    version: int
    bucket: str
    active_at: int
    complete_at: int


class StoreBundle(NamedTuple):
    """The bundle that this store sells by."""

    version: int
    active_at: int
    arrived_at: int
    at: int


def read_due(tx: Tx, now_ms: int) -> list[ReadyBundle]:
    """The bundles that begin now or should have begun, in the order in which they do."""
    rows = tx.execute(
        "SELECT version, bucket, active_at, complete_at FROM bundle_ready WHERE active_at <= ? AND"  # noqa: S608
        f"{_NOT_ACTIVE} ORDER BY active_at, version",
        (now_ms,),
    )
    return [ReadyBundle(*row) for row in rows.fetchall()]


def next_instant(tx: Tx, after_ms: int | None = None) -> int | None:
    """When the next bundle that is here whole begins, or should have begun; None where there is none. With `after_ms`
    only what begins later counts: what was due by then and was refused waits, and hides nothing."""
    row = tx.execute(
        f"SELECT min(active_at) FROM bundle_ready WHERE (?1 IS NULL OR active_at > ?1) AND{_NOT_ACTIVE}",  # noqa: S608
        (after_ms,),
    ).fetchone()
    return row[0] if row else None


def was_refused(tx: Tx, version: int, code: str) -> bool:
    """Whether it was said already that this bundle cannot be used, for this reason."""
    row = tx.execute(
        "SELECT 1 FROM bundle_outcome WHERE version = ? AND outcome = 'refused' AND code = ?", (version, code)
    ).fetchone()
    return row is not None


def read_active(tx: Tx) -> StoreBundle | None:
    """The bundle in use that began last; None before the first."""
    row = tx.execute(
        "SELECT version, active_at, arrived_at, at FROM bundle_outcome WHERE outcome = 'active'"
        " ORDER BY active_at DESC, version DESC LIMIT 1"
    ).fetchone()
    return StoreBundle(*row) if row else None


def read_parts(tx: Tx, bundle: ReadyBundle) -> list[BundleChange]:
    """Everything a bundle changes, by sort and name. Raises msgspec.DecodeError for what this release cannot read."""
    rows = tx.execute(
        "SELECT value FROM feed_row WHERE bucket = ? AND entity = ? AND length(value) > 0 ORDER BY key",
        (bundle.bucket, f"{PART_PREFIX}{bundle.version}"),
    )
    return [_decode(row[0]) for row in rows.fetchall()]


def read_begun(tx: Tx) -> dict[int, int]:
    """The bundles in use: version -> instant."""
    rows = tx.execute("SELECT version, active_at FROM bundle_outcome WHERE outcome = 'active'")
    return dict(rows.fetchall())


def read_words(tx: Tx, sort: str, name: str, begun: Mapping[int, int]) -> list[Word]:
    """What these bundles (version -> instant) say of a thing."""
    words = []
    for bucket, entity, value in tx.execute(_WORDS, (part_key(sort, name),)).fetchall():
        version = version_of(entity)
        if version is not None and version in begun:
            words.append(Word(bucket, begun[version], version, _decode(value)))
    return words


def is_named(tx: Tx, sort: str, name: str) -> bool:
    """Whether head office says anything of a thing, begun or still to come."""
    return tx.execute(f"{_WORDS} LIMIT 1", (part_key(sort, name),)).fetchone() is not None
