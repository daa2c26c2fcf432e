"""sql: incidents: a rule was broken by a fact that nobody could refuse, and somebody should look at it.

An incident is named by what broke, not by when it was noticed: whatever order the entries of several stores come in,
the same incidents are there in the end (I11). One that a late entry explains away goes, unless somebody has resolved it
already; one whose receipts changed is open again.

    put_incidents(tx, [Incident(kind="overspend", …)])
    open_incident(tx, "clone", store, [{"run": …}], now_ms)
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.bulk import write_rows
from loyalty.errors import Conflict, NotFound
from loyalty.transactions import Row, Tx

State = Literal["open", "resolved"]
Refs = Sequence[object]

OF_POINTS = frozenset(
    {"overspend", "hold_short", "hold_reused", "capture_above_hold", "clawed_too_much", "restored_too_much"}
)
"""The kinds that follow from the fold of an account: they come and go with it."""

_OF_GOODS = {"coupon_reuse", "card_overdrawn", "return_twice"}

OF_FACTS = OF_POINTS | _OF_GOODS | {"duplicate_member", "number_reused", "merge_conflict"}
"""All kinds that follow from the entries alone."""

_COLUMNS = "id, kind, store, member, amount, refs, opened_at, state, resolution, resolved_at, resolved_by"
_PUT = (
    "INSERT INTO incident (id, kind, store, member, amount, refs, opened_at, state)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 'open')"
    " ON CONFLICT (id) DO UPDATE SET store = excluded.store, amount = excluded.amount, refs = excluded.refs,"
    " opened_at = excluded.opened_at, state = 'open', resolution = NULL, resolved_at = NULL, resolved_by = NULL"
    " WHERE incident.refs <> excluded.refs OR incident.amount <> excluded.amount"
)


class IncidentNotFound(NotFound):
    """There is no such incident."""

    code, hint = "incident_not_found", "Look it up in the list again: it may have been explained away."


class IncidentResolved(Conflict):
    """This incident was resolved by somebody else already."""

    code, hint = "incident_resolved", "Reload the list and read what was decided."


class Incident(Struct, frozen=True, kw_only=True):
    """Something to look at. `refs` names what it is about as plain JSON: receipts, entries, members; `amount` is by how
    much the rule was broken, in points or minor units. Times are milliseconds since 1970 UTC."""

    id: UUID
    kind: str
    store: UUID | None = None
    member: UUID | None = None
    amount: int = 0
    refs: tuple[object, ...] = ()
    opened_at: int
    state: State = "open"
    resolution: str | None = None
    resolved_at: int | None = None
    resolved_by: str | None = None


def incident_id(kind: str, *about: bytes) -> UUID:
    """The id of the incident of a kind about these things."""
    digest = hashlib.sha256(b"\0".join((b"counterfoil/incident/1", kind.encode(), *about))).digest()
    return UUID(bytes=digest[:16], version=5)


def open_incident(
    tx: Tx, kind: str, store: UUID, refs: Refs, now_ms: int, *, member: UUID | None = None, amount: int = 0
) -> UUID:
    """An incident about a store itself, not about an entry; its id. The same again is the same incident."""
    identity = incident_id(kind, store.bytes, _encode(refs).encode())
    incident = Incident(
        id=identity, kind=kind, store=store, member=member, amount=amount, refs=tuple(refs), opened_at=now_ms
    )
    put_incidents(tx, [incident])
    return identity


def put_incidents(tx: Tx, incidents: Iterable[Incident]) -> None:
    """Write incidents, each once. One that is known already and says something else now is open again."""
    rows = {
        each.id: (
            each.id.bytes,
            each.kind,
            each.store.bytes if each.store else None,
            each.member.bytes if each.member else None,
            each.amount,
            _encode(each.refs),
            each.opened_at,
        )
        for each in incidents
    }
    write_rows(tx, _PUT, [rows[identity] for identity in sorted(rows)])


def withdraw_incidents(tx: Tx, ids: Iterable[UUID]) -> None:
    """What late entries explained away. What a person has resolved stays on record."""
    tx.executemany(
        "DELETE FROM incident WHERE id = ? AND state = 'open'", [(identity.bytes,) for identity in sorted(set(ids))]
    )


def list_incidents(tx: Tx, state: State | None = None, after: UUID | None = None, limit: int = 100) -> list[Incident]:
    """Incidents by id, beginning behind `after`."""
    where = "state = ? AND" if state else ""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE {where} id > ? ORDER BY id LIMIT ?",  # noqa: S608  columns of ours
        (*((state,) if state else ()), after.bytes if after else b"", limit),
    ).fetchall()
    return [_incident(row) for row in rows]


def find_incident(tx: Tx, identity: UUID) -> Incident:
    """One incident. Raises IncidentNotFound."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM incident WHERE id = ?", (identity.bytes,)).fetchone()  # noqa: S608
    if row is None:
        raise IncidentNotFound
    return _incident(row)


def resolve_incident(tx: Tx, identity: UUID, who: str, words: str, now_ms: int) -> Incident:
    """A person has looked at it and says what was done. The same words again are the same answer.

    Raises IncidentNotFound, IncidentResolved.
    """
    changed = tx.execute(
        "UPDATE incident SET state = 'resolved', resolution = ?, resolved_at = ?, resolved_by = ?"
        " WHERE id = ? AND state = 'open'",
        (words, now_ms, who, identity.bytes),
    ).rowcount
    incident = find_incident(tx, identity)
    if not changed and incident.resolution != words:
        raise IncidentResolved
    return incident


def count_open(tx: Tx) -> dict[str, int]:
    """How many incidents are open, by kind."""
    rows = tx.execute("SELECT kind, COUNT(*) FROM incident WHERE state = 'open' GROUP BY kind ORDER BY kind")
    counts: dict[str, int] = dict(rows.fetchall())
    return counts


def _encode(refs: Refs) -> str:
    return msgspec.json.encode(list(refs), order="deterministic").decode()


def _incident(row: Row) -> Incident:
    identity, kind, store, member, amount, refs, opened_at, state, resolution, resolved_at, resolved_by = row
    return Incident(
        id=UUID(bytes=identity),
        kind=kind,
        store=UUID(bytes=store) if store else None,
        member=UUID(bytes=member) if member else None,
        amount=amount,
        refs=tuple(msgspec.json.decode(refs)),
        opened_at=opened_at,
        state=state,
        resolution=resolution,
        resolved_at=resolved_at,
        resolved_by=resolved_by,
    )
