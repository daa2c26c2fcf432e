"""sql: the stores of the chain: who they are, whether they may speak, when they last did.

new ──enrol──► active ──two copies run──► quarantined ──release──► active
 └────────────────┴──────────revoke────────────┴──► revoked ──a new code──► active
"""

import hashlib
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.errors import IdConflict, NotFound
from loyalty.transactions import Row, Tx
from sync.hub.problems import StoreCodeTaken, StoreNotQuarantined, StoreUnknown
from sync.protocol import sessions
from sync.protocol.messages import PrinterState, StoreStatus
from sync.protocol.refusals import Fenced, Quarantined, StoreRevoked
from sync.protocol.sessions import Standing

_COLUMNS = (
    "store, code, name, reason, public_key, enrolment, session, version, clock_offset_ms, last_contact, queued,"
    " printers, state, fence, run, run_count, request, retired, superseded, zone"
)
_printers = msgspec.json.Decoder(tuple[PrinterState, ...])
_runs = msgspec.json.Decoder(tuple[str, ...])
_encode = msgspec.json.Encoder().encode


class StoreRow(Struct, frozen=True, kw_only=True):
    """One store. Times are milliseconds since 1970 UTC on head office's clock; `clock_offset_ms` is what that clock was
    ahead of the store's; `session` is the hash of the token that may push, `enrolment` that of the code that still
    enrols; `zone` is its price zone, empty for none."""

    store: UUID
    code: str
    name: str
    zone: str
    reason: str
    public_key: bytes | None
    enrolment: bytes | None
    session: bytes | None
    version: str
    clock_offset_ms: int
    last_contact: int | None
    queued: int
    printers: tuple[PrinterState, ...]
    standing: Standing

    @property
    def state(self) -> str:
        """new, active, quarantined or revoked."""
        return self.standing.state


def add_store(tx: Tx, store: UUID, code: str, name: str, now_ms: int, zone: str = "") -> bool:
    """Make a store known; False when this very store is known already (the same request again).

    Raises StoreCodeTaken, IdConflict for an id that is another store's.
    """
    known = find_store(tx, store)
    if known is not None:
        if (known.code, known.name) != (code, name):
            raise IdConflict
        return False
    taken = tx.execute(
        "INSERT INTO store_code (code, store) VALUES (?, ?) ON CONFLICT (code) DO NOTHING RETURNING store",
        (code, store.bytes),
    ).fetchone()
    if taken is None:
        # Two of the same request at once: the other one was first.
        if find_store(tx, store) is not None:
            return add_store(tx, store, code, name, now_ms, zone)
        raise StoreCodeTaken(f"{code} is another store's.", pointer="/code")
    tx.execute(
        "INSERT INTO store (store, code, name, zone, state, reason, fence, run_count, retired, superseded, request,"
        " version, clock_offset_ms, queued, printers, created_at) VALUES (?, ?, ?, ?, 'new', '', 0, 0, '[]', '[]', 0,"
        " '', 0, 0, '[]', ?)",
        (store.bytes, code, name, zone, now_ms),
    )
    return True


def find_store(tx: Tx, store: UUID) -> StoreRow | None:
    """A store by its id."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM store WHERE store = ?", (store.bytes,)).fetchone()  # noqa: S608  columns
    return _read(row) if row else None


def need_store(tx: Tx, store: UUID) -> StoreRow:
    """A store named in a path. Raises NotFound."""
    found = find_store(tx, store)
    if found is None:
        raise NotFound("There is no store of this id.")
    return found


def lock_store(tx: Tx, store: UUID, now_ms: int) -> StoreRow:
    """The store's row, locked until the transaction ends; notes that the store was heard of now.

    Raises StoreUnknown.
    """
    row = tx.execute(
        f"UPDATE store SET last_contact = ? WHERE store = ? RETURNING {_COLUMNS}",  # noqa: S608  columns
        (now_ms, store.bytes),
    ).fetchone()
    if row is None:
        raise StoreUnknown
    return _read(row)


def list_stores(tx: Tx, after: UUID | None, limit: int) -> list[StoreRow]:
    """Up to `limit` stores in the order of their ids, behind `after`."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM store WHERE store > ? ORDER BY store LIMIT ?",  # noqa: S608  columns
        (after.bytes if after else b"", limit),
    ).fetchall()
    return [_read(row) for row in rows]


def digest_keys(tx: Tx) -> str:
    """What stands for the stores that have a key and for their keys, as 32 hex digits: another one as soon as a store
    joins, joins again or is revoked."""
    rows = tx.execute("SELECT store, public_key FROM store WHERE public_key IS NOT NULL ORDER BY store").fetchall()
    return hashlib.sha256(b"".join(cell for row in rows for cell in row)).hexdigest()[:32]


def lock_present(tx: Tx, store: UUID, session: bytes, now_ms: int) -> StoreRow:
    """The row of a store that speaks in its present session, locked as by `lock_store`.

    Raises StoreRevoked, Quarantined, Fenced, StoreUnknown.
    """
    row = lock_store(tx, store, now_ms)
    check_present(row, session)
    return row


def check_present(row: StoreRow, session: bytes) -> None:
    """Raises StoreRevoked, Quarantined or Fenced for a store that may not speak, or not in this session any more."""
    if row.state == "revoked":
        raise StoreRevoked
    if row.state == "quarantined":
        raise Quarantined
    if row.session != session:
        raise Fenced(row.standing.fence)


def write_standing(tx: Tx, store: UUID, standing: Standing) -> None:
    """Write what was decided about the store's sessions."""
    tx.execute(
        "UPDATE store SET state = ?, fence = ?, run = ?, run_count = ?, request = ?, retired = ?, superseded = ?"
        " WHERE store = ?",
        (
            standing.state,
            standing.fence,
            standing.run,
            standing.count,
            standing.request,
            _encode(standing.retired).decode(),
            _encode(standing.superseded).decode(),
            store.bytes,
        ),
    )


def begin_session(tx: Tx, store: UUID, session: bytes, version: str, clock_offset_ms: int, now_ms: int) -> None:
    """From now on only the token with this hash may push."""
    tx.execute(
        "UPDATE store SET session = ?, session_at = ?, version = ?, clock_offset_ms = ?, reason = '' WHERE store = ?",
        (session, now_ms, version, clock_offset_ms, store.bytes),
    )


def note_push(tx: Tx, store: UUID, request: int, queued: int) -> None:
    """The highest request heard in the session, and how much the store still has."""
    tx.execute("UPDATE store SET request = ?, queued = ? WHERE store = ?", (request, queued, store.bytes))


def revoke(tx: Tx, store: UUID) -> StoreRow:
    """Take the store's key back: it can open no session and push nothing until it is enrolled anew. Raises NotFound."""
    need_store(tx, store)
    tx.execute(
        "UPDATE store SET state = 'revoked', reason = 'revoked', public_key = NULL, enrolment = NULL, session = NULL"
        " WHERE store = ?",
        (store.bytes,),
    )
    return need_store(tx, store)


def note_reason(tx: Tx, store: UUID, reason: str) -> None:
    """Why the store is in the state it is in, for the board."""
    tx.execute("UPDATE store SET reason = ? WHERE store = ?", (reason, store.bytes))


def release(tx: Tx, store: UUID, true_run: str) -> StoreRow:
    """End the quarantine: `true_run` is the running service that speaks for the store; every other run known so far is
    told that it is not. Raises NotFound, StoreNotQuarantined."""
    row = need_store(tx, store)
    if row.state != "quarantined":
        raise StoreNotQuarantined
    write_standing(tx, store, sessions.release(row.standing, true_run))
    tx.execute("UPDATE store SET reason = '', session = NULL WHERE store = ?", (store.bytes,))
    return need_store(tx, store)


def set_zone(tx: Tx, store: UUID, zone: str) -> StoreRow:
    """Put a store into a price zone, or into none. Raises NotFound."""
    need_store(tx, store)
    tx.execute("UPDATE store SET zone = ? WHERE store = ?", (zone, store.bytes))
    return need_store(tx, store)


def keep_status(tx: Tx, store: UUID, status: StoreStatus) -> None:
    """Keep what a store tells of itself for the board."""
    tx.execute(
        "UPDATE store SET printers = ?, queued = ? WHERE store = ?",
        (_encode(status.printers).decode(), status.queued, store.bytes),
    )


def _read(row: Row) -> StoreRow:
    return StoreRow(
        store=UUID(bytes=row[0]),
        code=row[1],
        name=row[2],
        reason=row[3],
        public_key=row[4],
        enrolment=row[5],
        session=row[6],
        version=row[7],
        clock_offset_ms=row[8],
        last_contact=row[9],
        queued=row[10],
        printers=_printers.decode(row[11]),
        standing=Standing(
            state=row[12],
            fence=row[13],
            run=row[14],
            count=row[15],
            request=row[16],
            retired=_runs.decode(row[17]),
            superseded=_runs.decode(row[18]),
        ),
        zone=row[19],
    )
