"""pure: how many points of an account head office can still lend (loyalty/leases.py says why lending is safe).

A lease takes its points out of what others may be lent, until the store has reported its end. What the store set aside
on it is out of the active points already and must not be counted twice:

    the hold on the lease | of the account    | of the lease, outstanding is
    ----------------------|-------------------|------------------------------------------------------------
    not heard of          | active            | all of it
    open                  | held, not active  | less by the hold
    captured              | used              | less by what was paid; the rest may not be spent, but is not reported
    lapsed                | active again      | all of it: a lapsed hold still pays if its points are free
    released              | active again      | all of it: the store may set the points aside once more

A point that a lapsed hold still claims is therefore never lent a second time.

A hold that no open lease stands behind claims its points too once it has lapsed, until it has paid or its store has
released it. One on the floor uses no floor up as soon as it is heard of (loyalty/exposure.py); one on a lease that has
ended can come back to a store that lost its disk. Both can still pay.

A lease whose end was reported counts on with what the store says it paid, until those payments are seen: they can come
after the end (entries of an earlier life, an entry that was set aside and is replayed later). See `LentLease`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from loyalty.points.account import Account, Hold
from loyalty.points.fold import view

LAPSED_KEPT_MS = 24 * 3_600_000
"""How long a lapsed hold may still pay. Then its store lets it go for good; head office counts on that."""


class LentPart(NamedTuple):
    """Points of a lease that stand behind one hold, as the store's own entry says."""

    hold: bytes
    points: int


class LentLease(NamedTuple):
    """A lease. `points` is what may still be taken out of the active ones because of it, as far as the store said: all
    of it, or after its end what it paid."""

    points: int
    parts: tuple[LentPart, ...] = ()


def free_points(account: Account, leases: Iterable[LentLease], now_ms: int, alone: Iterable[LentPart] = ()) -> int:
    """What can be lent of an account now, at least 0: what is active and not promised to a store. `account` holds the
    holds that the leases name and those `alone`, which no open lease stands behind, whatever their state."""
    now = view(account, max(now_ms, account.as_of))
    lent = sum(outstanding(lease, now.holds) for lease in leases)
    lapsed = sum(part.points for part in alone if part.hold in now.holds and now.holds[part.hold].state == "lapsed")
    return max(now.active - lent - lapsed, 0)


def outstanding(lease: LentLease, holds: Mapping[bytes, Hold]) -> int:
    """The points of a lease that its store may still take out of the active ones."""
    return max(lease.points - sum(_taken(part, holds.get(part.hold)) for part in lease.parts), 0)


def _taken(part: LentPart, hold: Hold | None) -> int:
    """What a hold has taken out of the active points on behalf of a lease. The lease pays before the floor does."""
    if hold is None or hold.state in ("lapsed", "released"):
        return 0
    return min(part.points, hold.captured) if hold.state == "captured" else part.points
