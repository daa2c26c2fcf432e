"""sql: which lives of which stores have entries that are not applied yet, and which of them stand still."""

from uuid import UUID

from loyalty.transactions import Tx

_ALARM_CHARACTERS = 200


def find_lagging(tx: Tx) -> tuple[list[tuple[UUID, int]], int]:
    """The lives with something to apply, and how many stand still until a person looks at them."""
    rows = tx.execute(
        "SELECT apply_cursor.store, apply_cursor.epoch, apply_cursor.state FROM apply_cursor JOIN epoch_head"
        " ON epoch_head.store = apply_cursor.store AND epoch_head.epoch = apply_cursor.epoch"
        " WHERE apply_cursor.applied_seq < epoch_head.seq"
    ).fetchall()
    running = [(UUID(bytes=store), epoch) for store, epoch, state in rows if state == "running"]
    return running, len(rows) - len(running)


def stop_life(tx: Tx, store: UUID, epoch: int, alarm: str) -> None:
    """Apply nothing more of this life until a person has looked; `alarm` says why."""
    tx.execute(
        "UPDATE apply_cursor SET state = 'stopped', alarm = ? WHERE store = ? AND epoch = ?",
        (alarm[:_ALARM_CHARACTERS], store.bytes, epoch),
    )


def resume_lives(tx: Tx, store: UUID) -> None:
    """Go on with every life of this store, after what was wrong is mended."""
    tx.execute("UPDATE apply_cursor SET state = 'running', alarm = '' WHERE store = ?", (store.bytes,))
