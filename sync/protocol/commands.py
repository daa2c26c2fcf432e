"""pure: what a store asks head office to decide, while the line is up. A fact is never refused; a command may be.

    POST /sync/v1/commands   {"kind": "lease", "id": …, "member": …, "points": 80, "epoch": …, "seq": 412}
                       201   {"lease": …, "member": …, "points": 80, "duration_ms": 3600000}
                       409   points_not_free, not_yet_applied, lending_closed, too_much_lent

The id is the idempotency key and the name of the lease. A command says how far the store's journal had come, because
head office must count what the store itself has spent before it lends more.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from sync.protocol.messages import Epoch, Seq

LEASE_POINTS_MAX = 2**31


class LeaseCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="lease"):
    """Lend `points` of a member to this store. `epoch` and `seq` are the newest entry of the store's journal that its
    decision knows of."""

    id: UUID
    member: UUID
    points: Annotated[int, Meta(ge=1, le=LEASE_POINTS_MAX)]
    epoch: Epoch
    seq: Seq


class LeaseAnswer(Struct, frozen=True, kw_only=True):
    """The points are this store's to spend for `duration_ms`, counted on its own uptime from when it asked."""

    lease: UUID
    member: UUID
    points: int
    duration_ms: int


class LeaseValue(Struct, frozen=True, kw_only=True):
    """The feed's word (entity `lease`, key the lease): this store has it, and has not reported its end. A store that
    knows nothing of it reports at once."""

    member: UUID
    points: int
    granted_at: int
