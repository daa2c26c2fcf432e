"""sql: what head office has told of a thing: its newest state, wherever it lies.

    read_told(tx, "member", str(member))             # the JSON value, None where nothing is told
    find_told_members(tx, "card", "29000…")          # whom a card, phone or e-mail stands for, by head office

Two places hold what was told. `feed_row` has what came page by page. A large bucket comes as a snapshot instead: a file
beside the database, attached to every connection (kiosk/life/feed_bases.py), whose rows count where `feed_row` has none
of the same thing. An empty value in `feed_row` says that the thing of the snapshot is gone.

A snapshot that is not attached, or cannot be read, counts as nothing told: the shop goes on with what it booked itself,
and the next start asks for it anew.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from kiosk.life.link_notes import read_note
from loyalty.transactions import Row, Tx
from sync.protocol.snapshots import STUBS
from sync.stubs import stub_of

logger = logging.getLogger(__name__)
GONE = b""
STUB_KEY = "stub_key"
"""The note with the secret of the chain that the stubs are keyed with."""
_SCHEMA_DIGITS = 16
_TOLD_OR_INSTALLED = (
    "SELECT bucket, value, NULL AS file, NULL AS generation FROM feed_row WHERE entity = ? AND key = ?"
    " UNION ALL SELECT bucket, NULL, file, generation FROM feed_base ORDER BY bucket DESC"
)


class Base(NamedTuple):
    """An installed snapshot: its bucket, the name under which it is attached, the generation it was installed as."""

    bucket: str
    schema: str
    generation: int


def schema_of(file: str) -> str:
    """The name under which an installed file is attached."""
    return f"base_{file[:_SCHEMA_DIGITS]}"


def list_bases(tx: Tx) -> tuple[Base, ...]:
    """The installed snapshots that can be read now, those of single stores before those for everybody."""
    return tuple(base for base in _list_attached(tx) if base.bucket != STUBS)


def find_stub(tx: Tx, card: str) -> int | None:
    """What is known of a card of another store's member (the states of sync/stubs.py); None for a card that nobody in
    the chain has, as far as this store was told."""
    key = read_note(tx, STUB_KEY)
    for base in _list_attached(tx):
        if base.bucket == STUBS and key is not None:
            stub = stub_of(bytes.fromhex(key), card)
            rows = _ask(tx, f"SELECT state FROM {base.schema}.feed_stub WHERE hash = ?", stub)  # noqa: S608  ours
            return int(rows[0][0]) if rows else None
    return None


def read_told(tx: Tx, entity: str, key: str) -> bytes | None:
    """The newest value of a thing as JSON; None where head office tells of no such thing. A thing that stands in the
    store's own bucket and in one for everybody is the store's."""
    # One statement: every sale comes here, and most often to find that nothing is told.
    found = tx.execute(_TOLD_OR_INSTALLED, (entity, key)).fetchall()
    if not found:
        return None
    told = {bucket: value for bucket, value, file, _ in found if file is None}
    for value in told.values():
        if value != GONE:
            return bytes(value)
    installed = [(bucket, file, generation) for bucket, _, file, generation in found if file is not None]
    for base in _attached(tx, installed):
        if base.bucket in told or base.bucket == STUBS:
            continue
        if (value := read_of_base(tx, base, entity, key)) is not None:
            return value
    return None


def read_of_base(tx: Tx, base: Base, entity: str, key: str) -> bytes | None:
    """A thing as the snapshot has it, whatever was told since."""
    select = f"SELECT value FROM {base.schema}.feed_row WHERE entity = ? AND key = ?"  # noqa: S608  a name of ours
    rows = _ask(tx, select, entity, key)
    return bytes(rows[0][0]) if rows else None


def read_members(keys: Iterable[str]) -> list[UUID]:
    """The members that keys of the feed name. One that names nobody, of a head office with a fault, is left alone:
    else the page that tells it could never be written."""
    members = []
    for key in keys:
        try:
            members.append(UUID(key))
        except ValueError:
            logger.exception("a key that head office told names no member")
    return members


def find_told_members(tx: Tx, kind: str, value: str, state: str = "active") -> list[UUID]:
    """The members that head office recognises by an identifier in this state, oldest first (ids are made in the order
    of time)."""
    found = {
        row[0]
        for row in tx.execute(
            "SELECT member FROM feed_identifier WHERE kind = ? AND value = ? AND state = ?", (kind, value, state)
        )
    }
    for base in list_bases(tx):
        rows = _ask(
            tx,
            f"SELECT known.member FROM {base.schema}.feed_identifier AS known"  # noqa: S608  a name of ours
            " WHERE known.kind = ? AND known.value = ? AND known.state = ? AND NOT EXISTS (SELECT 1 FROM main.feed_row"
            " AS newer WHERE newer.bucket = ? AND newer.entity = 'member' AND newer.key = known.member)",
            *(kind, value, state, base.bucket),
        )
        found.update(row[0] for row in rows)
    return sorted(map(UUID, found))


def _ask(tx: Tx, select: str, *parameters: object) -> list[Row]:
    """What a snapshot answers; nothing where its file is damaged, which the daily sum finds out and mends. One that is
    being overwritten is asked again by whoever asked: nobody must be taken for unknown meanwhile."""
    try:
        return tx.execute(select, parameters).fetchall()
    except Exception as error:
        if "locked" in str(error):
            raise
        logger.exception("an installed snapshot cannot be read")
        return []


def _list_attached(tx: Tx) -> tuple[Base, ...]:
    return _attached(tx, tx.execute("SELECT bucket, file, generation FROM feed_base ORDER BY bucket DESC").fetchall())


def _attached(tx: Tx, installed: Sequence[Row]) -> tuple[Base, ...]:
    if not installed:
        return ()
    attached = {row[1] for row in tx.execute("PRAGMA database_list").fetchall()}
    bases = (Base(bucket, schema_of(file), generation) for bucket, file, generation in installed)
    return tuple(base for base in bases if base.schema in attached)


def list_alive(tx: Tx, bucket: str) -> Iterator[tuple[str, str, bytes]]:
    """Everything that a bucket tells: entity, key, value."""
    for row in tx.execute("SELECT entity, key, value FROM main.feed_row WHERE bucket = ?", (bucket,)):
        if row[2] != GONE:
            yield row[0], row[1], row[2]
    for base in list_bases(tx):
        if base.bucket == bucket:
            rows = tx.execute(
                f"SELECT entity, key, value FROM {base.schema}.feed_row AS old"  # noqa: S608  a name of ours
                " WHERE NOT EXISTS (SELECT 1 FROM main.feed_row AS newer WHERE newer.bucket = ?"
                " AND newer.entity = old.entity AND newer.key = old.key)",
                (bucket,),
            )
            yield from ((row[0], row[1], row[2]) for row in rows)
