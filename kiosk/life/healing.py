"""edge: a store whose disk went back in time begins a new life at once, so that no number is ever given twice.

Who finds it (docs/sync.md): a till that remembers an entry this disk does not have, or head office, which holds another
history of the newest life. Whoever finds it writes a plan beside the database; the service stops booking, starts anew,
and the start carries the plan out in one transaction before anything is served:

    plan = Plan(epoch=…, seq=…, hash=…)     # the last entry that is surely the store's own
    write_plan(folder, plan)                 # from here on the store is read-only
    ends = carry_out(connection, folder, plan, …)

- a new life begins, with the next letter in its receipt numbers; leases of the life before count no longer;
- what stands behind the place of the plan is logged again in it, with the same ids and the same bytes;
- where something was moved, the tables are made anew from the journal, because postings carry their place.

A cut at any moment leaves the store before or after: the plan stays until the new life is on the disk, and a plan that
was carried out says nothing new. A plan that cannot be read still says that a new life has to begin: that is always
safe, and what it would have moved is found once more by whoever found it first.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kiosk.bundles.restating import note_mended
from kiosk.life.lives import write_first_entry
from kiosk.life.proof import doubt_finding
from kiosk.life.remaking import remake_tables
from kiosk.life.restored import settle_copy
from kiosk.members.tombstones import read_tombstones
from loyalty.ids import derived_uuid, uuid7
from sync import marks
from sync.chain import Head, epoch_text
from sync.durable_files import replace_file, sync_path
from sync.facts.lives import EpochCut
from sync.journal import Origin, read_head, read_life
from sync.journal_mending import cut_epoch, log_again

FILE_NAME = "heal.json"
REASON = "healed"
NOTICE = (
    "This store's disk has gone back in time: somebody knows of a sale that it has lost. It begins a new series of"
    " numbers and goes on by itself. Wait some seconds, then sign in again."
)


class Plan(Struct, frozen=True, kw_only=True):
    """Begin a new life; of `epoch`, what stands behind (`seq`, `hash`) is logged again in it. `seen_epoch` is a life
    that a till knows and this disk does not: it had a letter too, so one is left out."""

    epoch: str
    seq: int
    hash: str
    seen_epoch: str | None = None


def write_plan(folder: Path, plan: Plan) -> None:
    """Note the plan durably. A second one does not replace the first."""
    if read_plan(folder) is None:
        replace_file(folder / FILE_NAME, json.dumps(msgspec.to_builtins(plan)))


def read_plan(folder: Path) -> Plan | None:
    """The plan that waits to be carried out; None where there is none that can be read."""
    try:
        return msgspec.convert(json.loads((folder / FILE_NAME).read_text(encoding="utf-8")), Plan)
    except (OSError, ValueError):
        return None


def has_unreadable_plan(folder: Path) -> bool:
    """Whether somebody found that this disk has gone back in time, and what he wrote down about it is damaged."""
    return (folder / FILE_NAME).exists() and read_plan(folder) is None


def read_notice(folder: Path) -> str | None:
    """What the screens show while a plan waits; None where none does."""
    return NOTICE if (folder / FILE_NAME).exists() else None


def drop_plan(folder: Path) -> None:
    """The plan was carried out, or says nothing about this file."""
    if (folder / FILE_NAME).exists():
        (folder / FILE_NAME).unlink()
        sync_path(folder)


def carry_out(
    connection: Any,  # noqa: ANN401  pysqlite3 has no types
    folder: Path,
    plan: Plan,
    store: str,
    currency: str,
    time_zone: str,
) -> tuple[int, int] | None:
    """Begin the new life; (epoch, ordinal) of it, or None where the plan speaks of another file or was carried out."""
    kept = Head(int(plan.epoch, 16), plan.seq, bytes.fromhex(plan.hash))
    if not _is_due(connection, kept, plan):
        return None
    ordinal = marks.reserve_ordinal(connection, folder)
    if plan.seen_epoch is not None:
        ordinal = marks.reserve_ordinal(connection, folder)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        lost = read_head(connection, kept.epoch)
        ops = cut_epoch(connection, kept)
        begun = write_first_entry(connection, store, currency, time_zone, reason=REASON, ordinal=ordinal)
        if ops:
            op_id = derived_uuid(uuid7(begun.now_ms, begun.journal.epoch.to_bytes(10)), "cut")
            body = EpochCut(
                epoch=epoch_text(kept.epoch),
                seq=kept.seq,
                hash=kept.hash.hex(),
                lost_seq=lost.seq,
                lost_hash=lost.hash.hex(),
            )
            begun.journal.record(connection, Origin(now_ms=begun.now_ms), op_id, body)
            log_again(connection, begun.journal.epoch, ops)
            note_mended(connection, ops)
            connection.execute(
                "UPDATE head_office_cursor SET pushed_seq = min(pushed_seq, ?),"
                " acknowledged_seq = min(acknowledged_seq, ?) WHERE epoch = ?",
                (kept.seq, kept.seq, kept.epoch),
            )
            remake_tables(connection)
        dead = read_tombstones(folder)
        settle_copy(connection, begun.journal, begun.now_ms, dead.erased, dead.revoked)
        if plan.seen_epoch is not None:
            _remember_lost(connection, plan.seen_epoch)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
    # What verify proved stood in the life that was cut; what it found may be wrong still.
    doubt_finding(folder)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return begun.journal.epoch, begun.ordinal


def _is_due(connection: Any, kept: Head, plan: Plan) -> bool:  # noqa: ANN401  pysqlite3 has no types
    """Whether this file holds the place of the plan, and goes on behind it or has no later life."""
    row = connection.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (kept.epoch, kept.seq)).fetchone()
    if row is None or row[0] != kept.hash:
        return False
    if plan.seen_epoch is not None:
        return not knows_lost(connection, plan.seen_epoch)
    life = read_life(connection)
    return life is None or life[0] == kept.epoch or read_head(connection, kept.epoch).seq > kept.seq


def knows_lost(connection: Any, epoch: str) -> bool:  # noqa: ANN401  pysqlite3 has no types
    """Whether a life that this disk has lost was dealt with already."""
    row = connection.execute("SELECT 1 FROM lost_life WHERE epoch = ?", (int(epoch, 16),)).fetchone()
    return row is not None


def _remember_lost(connection: Any, epoch: str) -> None:  # noqa: ANN401  pysqlite3 has no types
    connection.execute("INSERT INTO lost_life (epoch) VALUES (?) ON CONFLICT (epoch) DO NOTHING", (int(epoch, 16),))
