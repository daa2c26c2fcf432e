"""pure: what a store says of the points it has on lease, at the beginning of each session.

    POST /sync/v1/lease-reports   {"leases": [{"lease": …, "member": …, "points": 80}],
                                   "heads": [{"epoch": …, "seq": 412}]}
                         204

A head office that was put back from a backup does not know what it lent in the time that was lost. Once every store has
said what it holds, and all that they had booked by then is counted, it knows, and lends again before the longest lease
must be over. At any other time nothing comes of a report.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from sync.protocol.commands import LEASE_POINTS_MAX
from sync.protocol.messages import EPOCHS_MAX, Epoch, Seq

LEASES_MAX = 5_000


class HeldLease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lease whose end the store has not reported."""

    lease: UUID
    member: UUID
    points: Annotated[int, Meta(ge=1, le=LEASE_POINTS_MAX)]


class BookedLife(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a life of the store had come."""

    epoch: Epoch
    seq: Seq


class LeaseReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All leases of the store and the newest entry of each of its lives, at one instant."""

    leases: Annotated[tuple[HeldLease, ...], Meta(max_length=LEASES_MAX)]
    heads: Annotated[tuple[BookedLife, ...], Meta(max_length=EPOCHS_MAX)]
