"""sql: the feed that stores read: buckets of things, each with its newest state and a number that never skips.

    put_many(tx, [FeedChange("global", "erased", member.hex, None)], now_ms)
    read_after(tx, "global", 7, 200)        # what changed behind number 7, oldest first

A bucket's numbers are taken from its row in `feed_head`, which stays locked until the commit: so they come in the order
of the commits, and no reader ever steps over one that is still to come. A thing that changes again moves to the newest
number, so that the feed is never longer than the things in it.

The checksum of all that is alive in a bucket (sync/protocol/feed.py) is kept beside its number.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from loyalty.transactions import Tx
from sync.protocol.feed import changed_checksum, checksum_of, checksum_text

GLOBAL = "global"
_AT_ONCE = 500
_MODULUS = 2**64
_MAKE_HEAD = (
    "INSERT INTO feed_head (bucket, last, horizon, checksum) VALUES (?, 0, 0, '0') ON CONFLICT (bucket) DO NOTHING"
)


class FeedChange(NamedTuple):
    """A thing's newest state as JSON, or None: it is gone."""

    bucket: str
    entity: str
    key: str
    value: bytes | None


class FeedRow(NamedTuple):
    """A thing as it stands in its bucket."""

    entity: str
    key: str
    seq: int
    value: str | None


class FeedHead(NamedTuple):
    """Where a bucket stands. Of what was removed up to `horizon` nothing is known any longer: a reader who has not come
    that far reads the bucket anew."""

    bucket: str
    last: int
    horizon: int
    checksum: int


def store_bucket(store: str) -> str:
    """The bucket of one store, whose id is given as text."""
    return f"store:{store}"


def put_many(tx: Tx, changes: Sequence[FeedChange], now_ms: int) -> None:
    """Tell the stores of changes. Of several changes of one thing the last counts. Buckets are locked in the order of
    their names, so two writers never wait for each other in a circle."""
    newest = {change[:3]: change for change in changes}
    for bucket, group in groupby(sorted(newest.values(), key=lambda change: change[:3]), lambda change: change.bucket):
        _put(tx, bucket, list(group), now_ms)


def fill_bucket(tx: Tx, bucket: str, things: Sequence[tuple[str, str, str]], now_ms: int) -> None:
    """Put things (entity, key, value) that a bucket does not have into it, many at once: for a chain that begins."""
    tx.execute(_MAKE_HEAD, (bucket,))
    head = _lock(tx, bucket, len(things))
    assert head is not None, "the row was just made"
    tx.executemany(
        "INSERT INTO feed (bucket, entity, key, seq, value, changed_at) VALUES (?, ?, ?, ?, ?, ?)",
        [(bucket, *thing[:2], head.last - len(things) + n, thing[2], now_ms) for n, thing in enumerate(things, 1)],
    )
    checksum = (head.checksum + checksum_of(things)) % _MODULUS
    tx.execute("UPDATE feed_head SET checksum = ? WHERE bucket = ?", (checksum_text(checksum), bucket))


def read_heads(tx: Tx, buckets: Sequence[str]) -> dict[str, FeedHead]:
    """Where these buckets stand; one that nothing was ever put into stands at 0."""
    heads = {bucket: FeedHead(bucket, 0, 0, 0) for bucket in buckets}
    for bucket in buckets:
        row = tx.execute("SELECT last, horizon, checksum FROM feed_head WHERE bucket = ?", (bucket,)).fetchone()
        if row is not None:
            heads[bucket] = FeedHead(bucket, row[0], row[1], int(row[2], 16))
    return heads


def read_positions(tx: Tx) -> dict[str, int]:
    """The newest number of every bucket: what long polls wait for."""
    return {row[0]: row[1] for row in tx.execute("SELECT bucket, last FROM feed_head").fetchall()}


def read_after(tx: Tx, bucket: str, seq: int, limit: int) -> list[FeedRow]:
    """Up to `limit` things of a bucket that changed behind `seq`, in the order of their numbers."""
    rows = tx.execute(
        "SELECT entity, key, seq, value FROM feed WHERE bucket = ? AND seq > ? ORDER BY seq LIMIT ?",
        (bucket, seq, limit),
    ).fetchall()
    return [FeedRow(*row) for row in rows]


def read_alive(tx: Tx, bucket: str, after: tuple[str, str], limit: int) -> list[FeedRow]:
    """Up to `limit` things of a bucket that are not gone, behind (entity, key), in the order of both."""
    rows = tx.execute(
        "SELECT entity, key, seq, value FROM feed WHERE bucket = ? AND (entity, key) > (?, ?) AND value IS NOT NULL"
        " ORDER BY entity, key LIMIT ?",
        (bucket, *after, limit),
    ).fetchall()
    return [FeedRow(*row) for row in rows]


def lock_bucket(tx: Tx, bucket: str) -> None:
    """Let nobody else put anything into a bucket until this transaction ends. What is read after it and put here then
    is never older than what another puts later."""
    tx.execute(_MAKE_HEAD, (bucket,))
    _lock(tx, bucket, 0)


def find_present(tx: Tx, bucket: str, things: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these things (entity, key) the bucket tells now."""
    changes = [FeedChange(bucket, entity, key, None) for entity, key in things]
    parts = (changes[start : start + _AT_ONCE] for start in range(0, len(changes), _AT_ONCE))
    present = {thing: value for part in parts for thing, value in _read_present(tx, bucket, part).items()}
    return {thing for thing, value in present.items() if value is not None}


def collect_tombstones(tx: Tx, bucket: str, before_ms: int) -> int:
    """Forget things of a bucket that are gone since before `before_ms`; how many. Whoever has not read that far reads
    the bucket anew."""
    # Most buckets have none: they are not locked, and nothing is written.
    old = tx.execute(
        "SELECT 1 FROM feed WHERE bucket = ? AND value IS NULL AND changed_at < ? LIMIT 1", (bucket, before_ms)
    ).fetchone()
    if old is None:
        return 0
    _lock(tx, bucket, 0)
    gone = tx.execute(
        "DELETE FROM feed WHERE bucket = ? AND value IS NULL AND changed_at < ? RETURNING seq", (bucket, before_ms)
    ).fetchall()
    if gone:
        horizon = max(seq for (seq,) in gone)
        tx.execute("UPDATE feed_head SET horizon = ? WHERE bucket = ? AND horizon < ?", (horizon, bucket, horizon))
    return len(gone)


def _turn(change: FeedChange) -> tuple[bool, str, str]:
    """Members and their merges are told before the accounts that these join: a page may end between them. Whoever has
    read the merge alone adds up the two accounts that he has; whoever had read the sum alone would have it beside one
    of the two."""
    return change.entity not in ("member", "merge"), change.entity, change.key


def _put(tx: Tx, bucket: str, changes: list[FeedChange], now_ms: int) -> None:
    tx.execute(_MAKE_HEAD, (bucket,))
    head = _lock(tx, bucket, len(changes))
    assert head is not None, "the row was just made"
    numbers = {change[1:3]: head.last - len(changes) + n for n, change in enumerate(sorted(changes, key=_turn), 1)}
    checksum = head.checksum
    for start in range(0, len(changes), _AT_ONCE):
        part = changes[start : start + _AT_ONCE]
        present = _read_present(tx, bucket, part)
        parameters: list[object] = []
        for change in part:
            value = change.value.decode() if change.value is not None else None
            before = present.get((change.entity, change.key))
            checksum = changed_checksum(checksum, change.entity, change.key, before, value)
            seq = numbers[change.entity, change.key]
            parameters += (bucket, change.entity, change.key, seq, value, now_ms)
        tx.execute(
            "INSERT INTO feed (bucket, entity, key, seq, value, changed_at) VALUES "  # noqa: S608  marks only
            + ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(part))
            + " ON CONFLICT (bucket, entity, key) DO UPDATE SET seq = excluded.seq, value = excluded.value,"
            " changed_at = excluded.changed_at",
            parameters,
        )
    tx.execute("UPDATE feed_head SET checksum = ? WHERE bucket = ?", (checksum_text(checksum), bucket))


def _lock(tx: Tx, bucket: str, count: int) -> FeedHead | None:
    """The head after `count` more numbers were taken, locked until the transaction ends."""
    row = tx.execute(
        "UPDATE feed_head SET last = last + ? WHERE bucket = ? RETURNING last, horizon, checksum", (count, bucket)
    ).fetchone()
    return FeedHead(bucket, row[0], row[1], int(row[2], 16)) if row else None


def _read_present(tx: Tx, bucket: str, changes: Sequence[FeedChange]) -> dict[tuple[str, str], str | None]:
    """What the bucket holds of these things now."""
    parameters: list[object] = [bucket]
    for change in changes:
        parameters += (change.entity, change.key)
    rows = tx.execute(
        "SELECT entity, key, value FROM feed WHERE bucket = ? AND (entity, key) IN (VALUES "  # noqa: S608  marks only
        + ", ".join(["(?, ?)"] * len(changes))
        + ")",
        parameters,
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}
