"""pure: points that head office lends to a store, so that a member can spend them there whatever the line does.

Head office splits a balance: free + lent <= balance. A store alone spends what it was lent, and only downwards, so all
stores together cannot spend more than there was (escrow, O'Neil 1986). No message, no clock can change that.

    what happens               | at the store                             | at head office
    ---------------------------|------------------------------------------|-------------------------------------
    a lease is granted         | may be spent from then on                | its points are no longer free
    its time is over, a reboot | nothing more is set aside on it;         | still lent
                               | holds placed on it before still pay      |
    the store reports its end  | gone                                     | what was not spent is free again

**Only the store's report gives points back.** A head office that took them back when the time was over would count as
free what the store spent just before and could not report yet. So the time only says when a store must stop and report;
it is counted on the store's own monotonic clock from the moment the request was sent, and cut by a hundredth, more than
any two clocks drift apart. A reboot loses that clock, and a copied disk has another boot: both end the lease early,
which is always safe.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

_DRIFT = (1, 100)


class Uptime(NamedTuple):
    """The machine's monotonic clock, time asleep included: which boot, and milliseconds since it."""

    boot: str
    ms: int


class Lease(Struct, frozen=True, kw_only=True):
    """`points` >= 1 of `member` lent to this store. `ends_at_ms` is on the clock of the boot that asked for it."""

    id: bytes
    member: bytes
    points: int
    boot: str
    ends_at_ms: int


class Loan(NamedTuple):
    """A lease and the points of it that holds have taken: captured, open and lapsed ones, not the released."""

    lease: Lease
    taken: int


class LeaseHold(NamedTuple):
    """A hold on a lease. `points` it took, `captured` of them were paid with."""

    points: int
    state: Literal["open", "lapsed", "captured", "released"]
    captured: int = 0


def receive(lease: bytes, member: bytes, points: int, sent: Uptime, duration_ms: int) -> Lease:
    """The lease that answers a request which left at `sent`.

    A hundredth is cut off: lent for 3,600,000 ms it is spent from for 3,564,000.
    """
    usable_ms = duration_ms * (_DRIFT[1] - _DRIFT[0]) // _DRIFT[1]
    return Lease(id=lease, member=member, points=points, boot=sent.boot, ends_at_ms=sent.ms + usable_ms)


def remaining(loan: Loan, now: Uptime | None) -> int:
    """The points that can still be set aside on a lease. None is a machine whose uptime is not known: nothing can."""
    lease = loan.lease
    if now is None or now.boot != lease.boot or now.ms >= lease.ends_at_ms:
        return 0
    return max(lease.points - loan.taken, 0)


def draw(loans: Iterable[Loan], points: int, now: Uptime | None) -> tuple[tuple[bytes, int], ...]:
    """Which leases give how much of `points`, those that end first before the others. They may give less than asked."""
    parts: list[tuple[bytes, int]] = []
    for loan in sorted(loans, key=lambda loan: (loan.lease.ends_at_ms, loan.lease.id)):
        part = min(remaining(loan, now), points)
        if part > 0:
            parts.append((loan.lease.id, part))
            points -= part
    return tuple(parts)


def unspent(lease: Lease, holds: Sequence[LeaseHold]) -> int | None:
    """What the report of a lease's end gives back. None while a hold on it could still pay: it cannot be reported yet.

    A lapsed hold can (it pays if its points are free), so whoever reports releases it first.
    """
    if any(hold.state in ("open", "lapsed") for hold in holds):
        return None
    return lease.points - sum(hold.captured for hold in holds)
