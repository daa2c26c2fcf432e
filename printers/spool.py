"""sql: the durable spool. A print job is a row that commits together with the sale it belongs to.

    queued ──► preflight ──► sending ──► printed       the printer answered after the last byte
      ▲  │         │            ├──────► handed_over   every byte is out, this port cannot answer
      │  │         │            └──────► unknown       bytes went out, no answer: a person looks at the paper
      │  ├─────────┼───────────────────► failed        it can never be printed as it is (nothing went out)
      │  ├─────────┴───────────────────► canceled      nobody wants it any more (nothing went out)
      └──┴── not sent: refused, no paper, cover open   tried again by itself

The order matters more than the states. `sending` is committed before the first byte leaves, so a crash finds either a
job of which nothing left (queued, preflight: safe to try again) or one that may be on paper (sending: becomes
`unknown`). Only "not sent" is ever retried without a person; a second paper is always a `reprint`: a new job with a
COPY mark. Two unmarked receipts for one sale are how refunds are stolen.

    >>> submit(tx, job_id=job, printer="counter", kind="receipt", content=encode_content(receipt), now_ms=now)
    >>> take_next(tx, "counter", now).id == job        # state is now preflight
    True
"""

import enum
import uuid

from msgspec import Struct

from printers.errors import PrinterProblem, PrintJobConflict, PrintJobState, UnknownPrintJob
from printers.transactions import Row, Tx


class PrintState(enum.StrEnum):
    """How far a print job has come."""

    QUEUED = "queued"
    PREFLIGHT = "preflight"
    SENDING = "sending"
    PRINTED = "printed"
    HANDED_OVER = "handed_over"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELED = "canceled"


_ALLOWED: frozenset[tuple[PrintState, PrintState]] = frozenset(
    {
        (PrintState.QUEUED, PrintState.PREFLIGHT),
        (PrintState.QUEUED, PrintState.FAILED),
        (PrintState.QUEUED, PrintState.CANCELED),
        (PrintState.PREFLIGHT, PrintState.QUEUED),
        (PrintState.PREFLIGHT, PrintState.SENDING),
        (PrintState.PREFLIGHT, PrintState.FAILED),
        (PrintState.PREFLIGHT, PrintState.CANCELED),
        # `sending` is committed before the connection is handed the bytes, so it may turn out that none of them left.
        (PrintState.SENDING, PrintState.QUEUED),
        (PrintState.SENDING, PrintState.PRINTED),
        (PrintState.SENDING, PrintState.HANDED_OVER),
        (PrintState.SENDING, PrintState.UNKNOWN),
    }
)
"""Every change a job may make; everything else is refused."""

_FINISHED = ("printed", "handed_over", "unknown", "failed", "canceled")


class PrintJob(Struct, frozen=True, kw_only=True):
    """One row of the spool. Times are milliseconds since 1970 UTC; `copy_number` 0 is the original paper."""

    id: uuid.UUID
    printer: str
    kind: str
    reference: uuid.UUID | None
    member: uuid.UUID | None
    original: uuid.UUID | None
    content: bytes
    state: PrintState
    copy_number: int
    attempts: int
    created_at: int
    updated_at: int
    problem: str | None


_COLUMNS = (
    "id, printer, kind, reference, member, original, content, state, "
    "copy_number, attempts, created_at, updated_at, problem"
)

_SELECT = f"SELECT {_COLUMNS} FROM print_job "  # noqa: S608

_INSERT = (
    "INSERT INTO print_job (id, printer, kind, reference, member, content, state, copy_number, attempts, "
    "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 'queued', 0, 0, ?, ?) ON CONFLICT (id) DO NOTHING"
)

_OPEN = "state NOT IN ('printed', 'handed_over')"
"""The condition of the partial index print_job_open, word for word."""


def submit(
    tx: Tx,
    *,
    job_id: uuid.UUID,
    printer: str,
    kind: str,
    content: bytes,
    now_ms: int,
    reference: uuid.UUID | None = None,
    member: uuid.UUID | None = None,
) -> None:
    """Queue a print in the caller's transaction. The same id with the same content again changes nothing.

    `content` is what `encode_content` gave. Raises PrintJobConflict where the id stands for another content or printer.
    """
    known = (_bytes(reference), _bytes(member), content, now_ms, now_ms)
    if tx.execute(_INSERT, (job_id.bytes, printer, kind, *known)).rowcount == 1:
        return
    stored = get(tx, job_id)
    if (stored.printer, stored.kind, stored.content) != (printer, kind, content):
        raise PrintJobConflict(f"Print {job_id} was queued before with another content.")


def get(tx: Tx, job_id: uuid.UUID) -> PrintJob:
    """One job. Raises UnknownPrintJob."""
    row = tx.execute(_SELECT + "WHERE id = ?", (job_id.bytes,)).fetchone()
    if row is None:
        raise UnknownPrintJob(f"There is no print {job_id}.")
    return _job(row)


def list_jobs(
    tx: Tx,
    *,
    printer: str | None = None,
    state: PrintState | None = None,
    reference: uuid.UUID | None = None,
    before: tuple[int, uuid.UUID] | None = None,
    limit: int = 100,
) -> list[PrintJob]:
    """The newest jobs first, narrowed where a filter is given; `before` is (created_at, id) of the job to go on
    after."""
    filters = {"printer": printer, "state": state and str(state), "reference": _bytes(reference)}
    given = {column: value for column, value in filters.items() if value is not None}
    conditions = [f"{column} = ?" for column in given]
    values: list[object] = list(given.values())
    if before is not None:
        conditions.append("(created_at, id) < (?, ?)")
        values += [before[0], before[1].bytes]
    where = " AND ".join(conditions) or "1 = 1"
    sql = _SELECT + f"WHERE {where} ORDER BY created_at DESC, id DESC LIMIT ?"
    return [_job(row) for row in tx.execute(sql, (*values, limit))]


def next_queued(tx: Tx, printer: str) -> PrintJob | None:
    """The oldest job waiting for this printer, or None."""
    sql = _SELECT + f"WHERE {_OPEN} AND printer = ? AND state = 'queued' ORDER BY created_at, id LIMIT 1"
    row = tx.execute(sql, (printer,)).fetchone()
    return None if row is None else _job(row)


def take_next(tx: Tx, printer: str, now_ms: int) -> PrintJob | None:
    """The oldest waiting job, now in preflight and with one attempt more; None where nothing waits."""
    job = next_queued(tx, printer)
    if job is None or not _move(tx, job.id, PrintState.PREFLIGHT, now_ms, problem=job.problem):
        return None
    tx.execute("UPDATE print_job SET attempts = attempts + 1 WHERE id = ?", (job.id.bytes,))
    return get(tx, job.id)


def mark_sending(tx: Tx, job_id: uuid.UUID, now_ms: int) -> bool:
    """Commit this before the first byte leaves. False: the job was canceled or erased meanwhile, send nothing."""
    return _move(tx, job_id, PrintState.SENDING, now_ms)


def mark_printed(tx: Tx, job_id: uuid.UUID, now_ms: int) -> bool:
    """The printer confirmed the last byte. False: the row was erased meanwhile."""
    return _move(tx, job_id, PrintState.PRINTED, now_ms)


def mark_handed_over(tx: Tx, job_id: uuid.UUID, now_ms: int) -> bool:
    """Every byte is out and this printer cannot confirm."""
    return _move(tx, job_id, PrintState.HANDED_OVER, now_ms)


def mark_unknown(tx: Tx, job_id: uuid.UUID, now_ms: int, problem: PrinterProblem) -> bool:
    """Bytes left and no answer came back. Never tried again by itself."""
    return _move(tx, job_id, PrintState.UNKNOWN, now_ms, problem=_sentence(problem))


def mark_not_sent(tx: Tx, job_id: uuid.UUID, now_ms: int, problem: PrinterProblem) -> bool:
    """Not one byte left: back into the queue, at its old place."""
    return _move(tx, job_id, PrintState.QUEUED, now_ms, problem=_sentence(problem))


def mark_failed(tx: Tx, job_id: uuid.UUID, now_ms: int, problem: PrinterProblem) -> bool:
    """It can never be printed as it is; nothing left."""
    return _move(tx, job_id, PrintState.FAILED, now_ms, problem=_sentence(problem))


def mark_canceled(tx: Tx, job_id: uuid.UUID, now_ms: int, problem: PrinterProblem | None = None) -> bool:
    """Nobody wants it any more; nothing left. False: too late, it is being sent or done."""
    return _move(tx, job_id, PrintState.CANCELED, now_ms, problem=None if problem is None else _sentence(problem))


def reprint(tx: Tx, job_id: uuid.UUID, new_id: uuid.UUID, now_ms: int, *, printer: str | None = None) -> PrintJob:
    """Queue the paper of `job_id` again under `new_id`, on the same printer or another. The same `new_id` again is the
    same reprint.

    It carries COPY n, n counting every earlier paper that exists or may exist. A job that surely left no paper
    (failed, canceled) is no copy of anything: its reprint is the original. Raises UnknownPrintJob; PrintJobState
    while the job still waits in the queue (it will come by itself, and a reprint now would be a second paper);
    PrintJobConflict where `new_id` is another job.
    """
    job = get(tx, job_id)
    family = job.original or job.id
    row = tx.execute("SELECT original FROM print_job WHERE id = ?", (new_id.bytes,)).fetchone()
    if row is not None:
        if row[0] != family.bytes:
            raise PrintJobConflict(f"Print {new_id} was queued before for something else.")
        return get(tx, new_id)
    if job.state not in _FINISHED:
        raise PrintJobState(f"Print {job_id} is {job.state}: it has not come to an end yet.")
    (copy_number,) = tx.execute(
        "SELECT COALESCE(MAX(copy_number) + 1, 0) FROM print_job "
        "WHERE (id = ? OR original = ?) AND state NOT IN ('failed', 'canceled')",
        (family.bytes, family.bytes),
    ).fetchall()[0]
    tx.execute(
        f"INSERT INTO print_job ({_COLUMNS}) "  # noqa: S608
        "SELECT ?, COALESCE(?, printer), kind, reference, member, ?, content, 'queued', ?, 0, ?, ?, NULL "
        "FROM print_job WHERE id = ?",
        (new_id.bytes, printer, family.bytes, copy_number, now_ms, now_ms, job_id.bytes),
    )
    return get(tx, new_id)


def recover_after_start(tx: Tx, now_ms: int) -> int:
    """After a start, before any worker runs: what was being sent is unknown, what was being checked is queued again.

    Returns how many jobs became unknown, so that a screen can ask somebody to look at the paper.
    """
    problem = "print_outcome_unknown: The service stopped while this was being printed."
    unknown = tx.execute(
        f"UPDATE print_job SET state = 'unknown', updated_at = ?, problem = ? WHERE {_OPEN} AND state = 'sending'",  # noqa: S608
        (now_ms, problem),
    ).rowcount
    tx.execute(
        f"UPDATE print_job SET state = 'queued', updated_at = ? WHERE {_OPEN} AND state = 'preflight'",  # noqa: S608
        (now_ms,),
    )
    return unknown


def doubt_open_jobs(tx: Tx, now_ms: int) -> int:
    """After an older copy of the spool was put back, before any worker runs: nobody knows which of its open jobs came
    out since. All become unknown, so that whatever is printed of them again carries COPY. Returns how many."""
    problem = "print_outcome_unknown: The store was restored from a copy; this may have been printed since."
    return tx.execute(
        f"UPDATE print_job SET state = 'unknown', updated_at = ?, problem = ? WHERE {_OPEN}"  # noqa: S608
        " AND state IN ('queued', 'preflight', 'sending')",
        (now_ms, problem),
    ).rowcount


def ends_in_doubt(tx: Tx, printer: str) -> bool:
    """Whether the last thing sent to this printer ended unknown: half a receipt may hang there, to be cut off first."""
    row = tx.execute(
        "SELECT state FROM print_job WHERE printer = ? AND state IN ('sending', 'printed', 'handed_over', 'unknown') "
        "ORDER BY created_at DESC, id DESC LIMIT 1",
        (printer,),
    ).fetchone()
    return row is not None and row[0] == "unknown"


def delete_older_than(tx: Tx, before_ms: int, *, limit: int = 1000) -> int:
    """Drop finished jobs created before `before_ms`, at most `limit` in one go; they can be rendered again from
    facts.
    """
    return tx.execute(
        "DELETE FROM print_job WHERE id IN (SELECT id FROM print_job WHERE created_at < ? "
        "AND state IN ('printed', 'handed_over', 'unknown', 'failed', 'canceled') ORDER BY created_at LIMIT ?)",
        (before_ms, limit),
    ).rowcount


def forget_member(tx: Tx, member: uuid.UUID) -> int:
    """Erase every job that may hold this member's data, whatever its state. A paper being printed now still comes
    out.
    """
    return tx.execute("DELETE FROM print_job WHERE member = ?", (member.bytes,)).rowcount


def _move(tx: Tx, job_id: uuid.UUID, to: PrintState, now_ms: int, *, problem: str | None = None) -> bool:
    sources = [str(source) for source, target in _ALLOWED if target is to]
    marks = ",".join("?" * len(sources))
    sql = f"UPDATE print_job SET state = ?, updated_at = ?, problem = ? WHERE id = ? AND state IN ({marks})"  # noqa: S608
    return tx.execute(sql, (str(to), now_ms, problem, job_id.bytes, *sources)).rowcount == 1


def _sentence(problem: PrinterProblem) -> str:
    return f"{problem.code}: {problem.detail}"


def _bytes(value: uuid.UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _uuid(value: bytes | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(bytes=value)


def _job(row: Row) -> PrintJob:
    return PrintJob(
        id=uuid.UUID(bytes=row[0]),
        printer=row[1],
        kind=row[2],
        reference=_uuid(row[3]),
        member=_uuid(row[4]),
        original=_uuid(row[5]),
        content=row[6],
        state=PrintState(row[7]),
        copy_number=row[8],
        attempts=row[9],
        created_at=row[10],
        updated_at=row[11],
        problem=row[12],
    )
