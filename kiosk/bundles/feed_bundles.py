"""sql: which bundles have been told whole. Called by the pull, in the transaction of the page.

    note_told(tx, now_ms, versions_in(page.puts))

A bundle is ready when its parts are as many, and add up to, what its head says (sync/protocol/feed.py), whatever pages
they came in. Whether it is, is looked at for those that a page touched; so a sale never adds up anything.
"""

from collections.abc import Collection, Iterable

import msgspec

from loyalty.transactions import Tx
from sync.bundle_values import HEAD, PART_PREFIX, version_of
from sync.protocol.feed import Bundle, checksum_of
from sync.protocol.pull_store import Put

_decode = msgspec.json.Decoder(Bundle).decode


def versions_in(puts: Iterable[Put]) -> set[int]:
    """The bundles that a page says something of."""
    found = set()
    for put in puts:
        text = f"{PART_PREFIX}{put.key}" if put.entity == HEAD else put.entity
        version = version_of(text)
        if version is not None:
            found.add(version)
    return found


def note_told(tx: Tx, now_ms: int, versions: Collection[int] | None = None) -> None:
    """Look anew at these bundles (None: at all), and forget those that are told no longer."""
    rows = tx.execute("SELECT bucket, key, value FROM feed_row WHERE entity = ? AND length(value) > 0", (HEAD,))
    told = ((version_of(f"{PART_PREFIX}{key}"), bucket, bytes(value)) for bucket, key, value in rows.fetchall())
    heads = {version: (bucket, value) for version, bucket, value in told if version is not None}
    for (version,) in tx.execute("SELECT version FROM bundle_ready").fetchall():
        if version not in heads:
            tx.execute("DELETE FROM bundle_ready WHERE version = ?", (version,))
    for version in sorted(heads if versions is None else heads.keys() & set(versions)):
        _look_at(tx, version, *heads[version], now_ms)


def _look_at(tx: Tx, version: int, bucket: str, raw: bytes, now_ms: int) -> None:
    try:
        head = _decode(raw)
    except msgspec.DecodeError:
        # A head of a later release, perhaps: without knowing when it begins, and what is in it, it is not there yet.
        head = None
    if head is None or not _is_whole(tx, bucket, head):
        tx.execute("DELETE FROM bundle_ready WHERE version = ?", (version,))
        return
    tx.execute(
        "INSERT INTO bundle_ready (version, bucket, active_at, complete_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (version) DO UPDATE SET bucket = excluded.bucket, active_at = excluded.active_at",
        (version, bucket, head.active_at, now_ms),
    )


def _is_whole(tx: Tx, bucket: str, head: Bundle) -> bool:
    rows = tx.execute(
        "SELECT key, value FROM feed_row WHERE bucket = ? AND entity = ? AND length(value) > 0",
        (bucket, head.part_entity),
    ).fetchall()
    parts = [(head.part_entity, key, bytes(value).decode(errors="replace")) for key, value in rows]
    return head.is_complete(len(parts), checksum_of(parts))
