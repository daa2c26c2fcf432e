"""sql: entries that head office keeps and could not apply. None is ever lost or forgotten: it stays in the inbox, its
store sees it in the feed, and it waits for a replay or for a person who says that it shall have no effect.

| state     | why                                                        | what ends it                         |
|-----------|------------------------------------------------------------|--------------------------------------|
| open      | it failed: it contradicts what is here, or a bug of ours;  | replay, or a person dismisses it     |
|           | or it waits, code `beyond_share` (reach.py)                |                                      |
| parked    | its kind or version is newer than this release             | the next release replays it          |
| replayed  | a later try went through                                   |                                      |
| dismissed | a person decided; what was sold stays in the store's books |                                      |

Nothing personal stands here: not the content, and of an error only its type and words of ours.
"""

from uuid import UUID

from loyalty.errors import Conflict, NotFound
from loyalty.transactions import Row, Tx
from sync.hub.failures import BEYOND_SHARE, WAITING, DeadLetter, State

_COLUMNS = "store, epoch, seq, op_id, kind, code, error, hub_version, effective_at, first_at, last_at, tries, state"
_PUT = (
    f"INSERT INTO dead_letter ({_COLUMNS})"  # noqa: S608  columns of ours
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"
    " ON CONFLICT (store, epoch, seq) DO UPDATE SET code = excluded.code, error = excluded.error,"
    " hub_version = excluded.hub_version, last_at = excluded.last_at, tries = dead_letter.tries + 1,"
    " state = excluded.state"
)


class DeadLetterNotFound(NotFound):
    """There is no such entry among those that could not be applied."""

    code, hint = "dead_letter_not_found", "Reload the list: it may have been applied meanwhile."


class DeadLetterSettled(Conflict):
    """This entry was applied or dismissed already."""

    code, hint = "dead_letter_settled", "Reload the list and read what was decided."


def put_dead_letter(tx: Tx, letter: DeadLetter) -> None:
    """Write down an entry that failed, or failed again."""
    tx.execute(
        _PUT,
        (
            *(letter.store.bytes, letter.epoch, letter.seq, letter.op_id.bytes, letter.kind, letter.code),
            *(letter.error, letter.hub_version, letter.effective_at, letter.first_at, letter.last_at, letter.state),
        ),
    )


def find_dead_letter(tx: Tx, store: UUID, epoch: int, seq: int) -> DeadLetter:
    """One of them. Raises DeadLetterNotFound."""
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM dead_letter WHERE store = ? AND epoch = ? AND seq = ?",  # noqa: S608  columns of ours
        (store.bytes, epoch, seq),
    ).fetchone()
    if row is None:
        raise DeadLetterNotFound
    return _letter(row)


def list_dead_letters(
    tx: Tx, state: State | None = None, after: tuple[UUID, int, int] | None = None, limit: int = 100
) -> list[DeadLetter]:
    """Those in a state (all of them, if none is named) by store, life and number, beginning behind `after`."""
    where = "state = ? AND" if state else ""
    store, epoch, seq = (after[0].bytes, after[1], after[2]) if after else (b"", -1, 0)
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM dead_letter WHERE {where} (store, epoch, seq) > (?, ?, ?)"  # noqa: S608  columns
        " ORDER BY store, epoch, seq LIMIT ?",
        (*((state,) if state else ()), store, epoch, seq, limit),
    ).fetchall()
    return [_letter(row) for row in rows]


def count_failed_since(tx: Tx, store: UUID, epoch: int, seq: int) -> int:
    """How many entries of this life behind number `seq` failed and still do; without those that only wait."""
    row = tx.execute(
        "SELECT COUNT(*) FROM dead_letter WHERE store = ? AND epoch = ? AND seq > ? AND state = 'open' AND code <> ?",
        (store.bytes, epoch, seq, BEYOND_SHARE),
    ).fetchone()
    return int(row[0]) if row else 0


def settle_dead_letter(tx: Tx, letter: DeadLetter, state: State, now_ms: int) -> None:
    """It was applied, or dismissed."""
    tx.execute(
        "UPDATE dead_letter SET state = ?, last_at = ?, tries = tries + 1 WHERE store = ? AND epoch = ? AND seq = ?",
        (state, now_ms, letter.store.bytes, letter.epoch, letter.seq),
    )


def need_waiting(letter: DeadLetter) -> None:
    """Raises DeadLetterSettled for one that nobody waits for any more."""
    if letter.state not in WAITING:
        raise DeadLetterSettled


def _letter(row: Row) -> DeadLetter:
    store, epoch, seq, op_id, kind, code, error, version, effective_at, first_at, last_at, tries, state = row
    return DeadLetter(
        store=UUID(bytes=store),
        epoch=epoch,
        seq=seq,
        op_id=UUID(bytes=op_id),
        kind=kind,
        code=code,
        error=error,
        hub_version=version,
        effective_at=effective_at,
        first_at=first_at,
        last_at=last_at,
        tries=tries,
        state=state,
    )
