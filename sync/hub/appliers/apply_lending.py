"""sql: what stores say about the points they were lent: what was set aside on a lease or without one, and the end of a
lease. The only writer of `lent_part` and `lent_end`.

A store can only speak of its own leases: an end that another store reports changes nothing, and a part of a lease that
was never granted, or is another store's, is kept and counts for nothing. What was spent without a lease became debt in
the ledger already.
"""

from collections.abc import Sequence
from uuid import UUID

from loyalty.bulk import write_rows
from loyalty.transactions import Row, Tx
from sync.facts.backing import LeasePart
from sync.facts.lending import LeaseEnded
from sync.facts.points import PointsHeld
from sync.hub.accepted import Accepted
from sync.hub.schema_lending import NO_LEASE

_PART = (
    "INSERT INTO lent_part (member, lease, hold, op, store, points) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (member, lease, hold) DO NOTHING"
)
_END = (
    "INSERT INTO lent_end (member, lease, store, op, unspent) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (member, lease, store) DO NOTHING"
)


def apply_lending(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries say about leases."""
    parts: dict[Row, Row] = {}
    ends: dict[Row, Row] = {}
    for entry in entries:
        body, op = entry.body, entry.op_id.bytes
        if isinstance(body, PointsHeld) and body.backing is not None:
            parts_of = [*body.backing.leases]
            if body.backing.floor_points:
                parts_of.append(LeasePart(UUID(bytes=NO_LEASE), body.backing.floor_points))
            for part in parts_of:
                row = (body.member.bytes, part.lease.bytes, op, op, entry.store.bytes, part.points)
                parts[row[:3]] = row
        elif isinstance(body, LeaseEnded):
            ends[body.member.bytes, body.lease.bytes] = (
                *(body.member.bytes, body.lease.bytes, entry.store.bytes, op, body.unspent),
            )
    write_rows(tx, _PART, [parts[key] for key in sorted(parts)])
    write_rows(tx, _END, [ends[key] for key in sorted(ends)])
