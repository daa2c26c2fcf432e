"""sql: what head office tells this store, as it tells it: one row for each thing, its newest state, bucket by bucket.

A page and its cursor are written in one transaction, so a cut leaves both or neither. Beside the rows stands what they
add up to (sync/protocol/feed.py); head office says with the last page of a bucket what it should be.
"""

from uuid import UUID

from kiosk.life.link_notes import note, read_note
from loyalty.transactions import Tx
from sync.protocol.feed import changed_checksum, checksum_of, checksum_text
from sync.protocol.pull_store import ApplyPage, BucketSum, Put

_CURSOR = "feed_cursor"
_ABOUT_MEMBERS = ("member", "account")


def read_position(tx: Tx) -> tuple[str | None, dict[str, int]]:
    """The cursor of the last page, and the generation of each bucket."""
    rows = tx.execute("SELECT bucket, generation FROM feed_bucket").fetchall()
    return read_note(tx, _CURSOR), dict(rows)


def keep_page(tx: Tx, page: ApplyPage) -> tuple[str, ...]:
    """Write a page and its cursor; the buckets that do not add up to what head office says."""
    sums = {bucket: int(text, 16) for bucket, text in tx.execute("SELECT bucket, checksum FROM feed_bucket")}
    for put in page.puts:
        sums[put.bucket] = _keep(tx, put, sums.get(put.bucket, 0))
    for told in page.sums:
        sweep = "DELETE FROM feed_row WHERE bucket = ? AND generation < ?"
        swept = tx.execute(sweep, (told.bucket, told.generation)).rowcount
        # The sum kept by the way is that of rows which were damaged, too: the rows themselves have the last word.
        if swept or not _fits(told, sums):
            sums[told.bucket] = add_up(tx, told.bucket)
    for bucket, generation in page.generations.items():
        tx.execute(
            "INSERT INTO feed_bucket (bucket, generation, checksum, told) VALUES (?, ?, ?, '')"
            " ON CONFLICT (bucket) DO UPDATE SET generation = excluded.generation, checksum = excluded.checksum",
            (bucket, generation, checksum_text(sums.get(bucket, 0))),
        )
    for told in page.sums:
        tx.execute("UPDATE feed_bucket SET told = ? WHERE bucket = ?", (told.checksum, told.bucket))
    for bucket in page.dropped:
        tx.execute("DELETE FROM feed_row WHERE bucket = ?", (bucket,))
        tx.execute("DELETE FROM feed_bucket WHERE bucket = ?", (bucket,))
    note(tx, _CURSOR, page.cursor)
    return tuple(told.bucket for told in page.sums if not _fits(told, sums))


def find_wrong(tx: Tx) -> tuple[str, ...]:
    """The buckets whose rows, added up one by one, are not what head office said last. A row that was damaged in the
    file is found by this and by nothing else."""
    told = tx.execute("SELECT bucket, told FROM feed_bucket WHERE told <> '' ORDER BY bucket").fetchall()
    return tuple(bucket for bucket, checksum in told if checksum_text(add_up(tx, bucket)) != checksum)


def add_up(tx: Tx, bucket: str) -> int:
    """The checksum of all rows of a bucket."""
    rows = tx.execute("SELECT entity, key, value FROM feed_row WHERE bucket = ?", (bucket,))
    return checksum_of((entity, key, value.decode(errors="replace")) for entity, key, value in rows)


def forget_member_rows(tx: Tx, member: UUID) -> None:
    """Delete what head office told of a member who was erased here; it will say so itself when it has heard of it."""
    for entity in _ABOUT_MEMBERS:
        tx.execute("DELETE FROM feed_row WHERE entity = ? AND key = ?", (entity, str(member)))


def _keep(tx: Tx, put: Put, checksum: int) -> int:
    """Write one thing's newest state; the bucket's checksum after it."""
    key = (put.bucket, put.entity, put.key)
    row = tx.execute("SELECT value FROM feed_row WHERE bucket = ? AND entity = ? AND key = ?", key).fetchone()
    before = row[0].decode(errors="replace") if row is not None else None
    after = put.value.decode() if put.value is not None else None
    if put.value is None:
        tx.execute("DELETE FROM feed_row WHERE bucket = ? AND entity = ? AND key = ?", key)
    else:
        tx.execute(
            "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (bucket, entity, key) DO UPDATE SET seq = excluded.seq, generation = excluded.generation,"
            " value = excluded.value",
            (*key, put.seq, put.generation, put.value),
        )
    return changed_checksum(checksum, put.entity, put.key, before, after)


def _fits(told: BucketSum, sums: dict[str, int]) -> bool:
    return checksum_text(sums.get(told.bucket, 0)) == told.checksum
