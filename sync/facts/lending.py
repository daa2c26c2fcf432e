"""pure: the end of a lease, as the store that had it reports it."""

from typing import Literal
from uuid import UUID

from msgspec import Struct


class LeaseEnded(Struct, frozen=True, kw_only=True):
    """Nothing more is set aside on this lease. It stands in the journal behind everything that was, so whoever has
    applied it has seen all that the lease ever paid for. `unspent` of its `points` come back.

    `why`: `settled` (what was set aside on it has paid or was let go), `over` (its time, or the boot that counted it),
    `unknown` (this life never had it: an answer was lost, or an earlier life got it).
    """

    lease: UUID
    member: UUID
    points: int
    unspent: int
    why: Literal["settled", "over", "unknown"]
