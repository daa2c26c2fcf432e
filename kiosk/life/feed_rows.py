"""sql: what head office tells this store, as it tells it: one row for each thing, its newest state, bucket by bucket.

A page and its cursor are written in one transaction, so a cut leaves both or neither. Beside the rows stands what they
add up to (sync/protocol/feed.py); head office says with the last page of a bucket what it should be.

A large bucket comes as a snapshot (kiosk/life/bootstrap.py): a file whose rows count where there is none of the same
thing here (kiosk/life/told.py). Installing one is a row in `feed_base`, and the cursor, in one transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from kiosk.life.link_notes import note, read_note
from kiosk.life.told import GONE, STUB_KEY, Base, list_alive, list_bases, read_members, read_of_base, schema_of
from loyalty.transactions import Tx
from sync.protocol.feed import changed_checksum, checksum_of, checksum_text
from sync.protocol.pull_store import ApplyPage, BucketSum, Put
from sync.protocol.snapshots import BULK, STUBS, Manifest

_CURSOR, _TIMELINE, _DOUBTED = "feed_cursor", "feed_timeline", "feed_doubted"
_MEMBER = "member"
_DELETE = "DELETE FROM feed_row WHERE bucket = ? AND entity = ? AND key = ?"
_PUT = (
    "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (bucket, entity, key) DO UPDATE SET seq = excluded.seq, generation = excluded.generation,"
    " value = excluded.value"
)


class _Known(msgspec.Struct):
    """What is read of a member's value to find her by it."""

    identifiers: tuple[tuple[str, str, str], ...] = ()


def read_position(tx: Tx) -> tuple[str | None, dict[str, int]]:
    """The cursor of the last page, and the generation of each bucket."""
    rows = tx.execute("SELECT bucket, generation FROM feed_bucket").fetchall()
    return read_note(tx, _CURSOR), dict(rows)


def read_doubted(tx: Tx) -> tuple[str, ...]:
    """The buckets whose last page did not add up, and that were not told anew since: a start must not forget it, for
    the cursor stands behind that page."""
    text = read_note(tx, _DOUBTED)
    return msgspec.json.decode(text, type=tuple[str, ...]) if text else ()


def read_progress(tx: Tx) -> tuple[int, dict[str, int]]:
    """The newest timeline of head office that anything was read of, and the newest number of each bucket in it."""
    rows = tx.execute("SELECT bucket, seq FROM feed_bucket").fetchall()
    return int(read_note(tx, _TIMELINE) or 0), dict(rows)


def keep_page(tx: Tx, page: ApplyPage) -> tuple[str, ...]:
    """Write a page and its cursor; the buckets that do not add up to what head office says."""
    sums = {bucket: int(text, 16) for bucket, text in tx.execute("SELECT bucket, checksum FROM feed_bucket")}
    bases = {base.bucket: base for base in list_bases(tx)}
    for put in page.puts:
        sums[put.bucket] = _keep(tx, put, sums.get(put.bucket, 0), bases.get(put.bucket))
    for told in page.sums:
        swept = _sweep(tx, told)
        # The sum kept by the way is that of rows which were damaged, too: the rows themselves have the last word.
        if swept or not _fits(told, sums):
            sums[told.bucket] = add_up(tx, told.bucket)
    newest = _newest_numbers(tx, page)
    for bucket, generation in page.generations.items():
        checksum = checksum_text(sums.get(bucket, 0))
        tx.execute(
            "INSERT INTO feed_bucket (bucket, generation, checksum, told, seq) VALUES (?, ?, ?, '', ?)"
            " ON CONFLICT (bucket) DO UPDATE SET generation = excluded.generation, checksum = excluded.checksum,"
            " seq = excluded.seq",
            (bucket, generation, checksum, newest.get(bucket, 0)),
        )
    for told in page.sums:
        tx.execute("UPDATE feed_bucket SET told = ? WHERE bucket = ?", (told.checksum, told.bucket))
    for bucket in page.dropped:
        _forget_bucket(tx, bucket)
        tx.execute("DELETE FROM feed_bucket WHERE bucket = ?", (bucket,))
    note(tx, _CURSOR, page.cursor)
    note(tx, _TIMELINE, str(page.timeline))
    wrong = tuple(told.bucket for told in page.sums if not _fits(told, sums))
    _note_doubted(tx, wrong, (*page.dropped, *(told.bucket for told in page.sums)))
    return wrong


def install(tx: Tx, manifest: Manifest, names: Mapping[str, str]) -> tuple[str, dict[str, int], tuple[UUID, ...]]:
    """Let the snapshots of a manifest be what was told; `names` are those of the installed files, by bucket,
    which are attached. What was told of these buckets before is forgotten: a snapshot is a bucket's whole.

    Answers the cursor behind which the pull goes on, the generations of all buckets, and the members whom head office
    has forgotten.
    """
    _, generations = read_position(tx)
    erased: list[UUID] = []
    for file in manifest.files:
        bucket, schema = file.bucket, schema_of(names[file.bucket])
        generation = generations[bucket] = generations.get(bucket, 0) + 1
        _forget_bucket(tx, bucket)
        for entity in sorted(set(file.entities) - BULK):
            of_entity = f"SELECT ?, entity, key, seq, ?, value FROM {schema}.feed_row WHERE entity = ?"  # noqa: S608
            tx.execute(
                "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) " + of_entity,
                (bucket, generation, entity),
            )
        rows = tx.execute("SELECT key FROM feed_row WHERE bucket = ? AND entity = 'erased' ORDER BY key", (bucket,))
        erased += read_members(row[0] for row in rows)
        tx.execute(
            "INSERT INTO feed_bucket (bucket, generation, checksum, told, seq) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (bucket) DO UPDATE SET generation = excluded.generation, checksum = excluded.checksum,"
            " told = excluded.told, seq = excluded.seq",
            (bucket, generation, file.checksum, file.checksum, file.seq),
        )
        tx.execute(
            "INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, ?)", (bucket, names[bucket], generation)
        )
    tx.execute("DELETE FROM feed_base WHERE bucket = ?", (STUBS,))
    if manifest.stubs is not None:
        tx.execute("INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, 0)", (STUBS, names[STUBS]))
    note(tx, STUB_KEY, manifest.stub_key or None)
    _note_doubted(tx, (), [file.bucket for file in manifest.files])
    note(tx, _CURSOR, manifest.cursor)
    note(tx, _TIMELINE, str(manifest.timeline))
    return manifest.cursor, generations, tuple(erased)


def forget_snapshots(tx: Tx, buckets: Sequence[str]) -> None:
    """The snapshots of these buckets are lost: whatever head office tells is to be told anew."""
    tx.execute("DELETE FROM feed_base WHERE bucket = ?", (STUBS,))
    for bucket in buckets:
        _forget_bucket(tx, bucket)
        tx.execute("UPDATE feed_bucket SET told = '', checksum = ?, seq = 0 WHERE bucket = ?", ("0" * 16, bucket))
    note(tx, _CURSOR, None)


def find_wrong(tx: Tx) -> tuple[str, ...]:
    """The buckets whose rows, added up one by one, are not what head office said last. A row that was damaged in the
    file is found by this and by nothing else."""
    told = tx.execute("SELECT bucket, told FROM feed_bucket WHERE told <> '' ORDER BY bucket").fetchall()
    return tuple(bucket for bucket, checksum in told if checksum_text(add_up(tx, bucket)) != checksum)


def add_up(tx: Tx, bucket: str) -> int:
    """The checksum of all rows of a bucket."""
    rows = list_alive(tx, bucket)
    return checksum_of((entity, key, value.decode(errors="replace")) for entity, key, value in rows)


def forget_member_rows(tx: Tx, member: UUID) -> None:
    """Delete what head office told of a member who was erased here; it will say so itself when it has heard of it. What
    lies of her in a snapshot counts no longer; the caller overwrites it there (kiosk/life/feed_bases.py). Her account
    stays: it names nobody."""
    tx.execute("DELETE FROM feed_row WHERE entity = ? AND key = ?", (_MEMBER, str(member)))
    for base in list_bases(tx):
        if read_of_base(tx, base, _MEMBER, str(member)) is not None:
            tx.execute(_PUT, (base.bucket, _MEMBER, str(member), 0, base.generation, GONE))
    tx.execute("DELETE FROM feed_identifier WHERE member = ?", (str(member),))


def _keep(tx: Tx, put: Put, checksum: int, base: Base | None) -> int:
    """Write one thing's newest state; the bucket's checksum after it."""
    key = (put.bucket, put.entity, put.key)
    row = tx.execute("SELECT value FROM feed_row WHERE bucket = ? AND entity = ? AND key = ?", key).fetchone()
    below = read_of_base(tx, base, put.entity, put.key) if base is not None else None
    present = row[0] if row is not None else below
    before = present.decode(errors="replace") if present else None
    after = put.value.decode() if put.value is not None else None
    if put.value is None and below is None:
        tx.execute(_DELETE, key)
    else:
        tx.execute(_PUT, (*key, put.seq, put.generation, put.value if put.value is not None else GONE))
    if put.entity == "member":
        _know_by(tx, put)
    return changed_checksum(checksum, put.entity, put.key, before, after)


def _know_by(tx: Tx, put: Put) -> None:
    """By what the member is found from now on."""
    tx.execute("DELETE FROM feed_identifier WHERE member = ? AND bucket = ?", (put.key, put.bucket))
    if put.value is None:
        return
    try:
        known = msgspec.json.decode(put.value, type=_Known)
    except msgspec.DecodeError:
        # A value of a later release, perhaps. It is kept as it came; nobody is found by it until then.
        return
    tx.executemany(
        "INSERT INTO feed_identifier (kind, value, member, bucket, state) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, value, member, bucket) DO UPDATE SET state = excluded.state",
        [(kind, value, put.key, put.bucket, state) for kind, value, state in known.identifiers],
    )


def _sweep(tx: Tx, told: BucketSum) -> bool:
    """Drop what was not told again by the time a bucket is whole; whether there was any."""
    older = (told.bucket, told.generation)
    swept = tx.execute("DELETE FROM feed_row WHERE bucket = ? AND generation < ?", older).rowcount
    swept += tx.execute("DELETE FROM feed_base WHERE bucket = ? AND generation < ?", older).rowcount
    if swept:
        tx.execute(
            "DELETE FROM feed_identifier WHERE bucket = ? AND NOT EXISTS (SELECT 1 FROM main.feed_row AS kept"
            " WHERE kept.bucket = feed_identifier.bucket AND kept.entity = 'member' AND kept.key ="
            " feed_identifier.member)",
            (told.bucket,),
        )
    return swept > 0


def _newest_numbers(tx: Tx, page: ApplyPage) -> dict[str, int]:
    """The newest number of each bucket that was read, in the timeline of the page."""
    timeline, newest = read_progress(tx)
    if timeline != page.timeline:
        newest = {}
    for put in page.puts:
        newest[put.bucket] = max(put.seq, newest.get(put.bucket, 0))
    return newest


def _note_doubted(tx: Tx, wrong: Sequence[str], added_up: Collection[str]) -> None:
    """Of the buckets that were added up just now only these are in doubt."""
    before = read_doubted(tx)
    doubted = (*(bucket for bucket in before if bucket not in added_up), *wrong)
    if doubted != before:
        note(tx, _DOUBTED, msgspec.json.encode(doubted).decode() if doubted else None)


def _forget_bucket(tx: Tx, bucket: str) -> None:
    """Everything that was told in a bucket, but its number."""
    tx.execute("DELETE FROM feed_row WHERE bucket = ?", (bucket,))
    tx.execute("DELETE FROM feed_identifier WHERE bucket = ?", (bucket,))
    tx.execute("DELETE FROM feed_base WHERE bucket = ?", (bucket,))


def _fits(told: BucketSum, sums: dict[str, int]) -> bool:
    return checksum_text(sums.get(told.bucket, 0)) == told.checksum
