"""pure: where the points for bringing a friend stand. A function of what was booked and of the moment.

state     | when
----------|--------------------------------------------------------------------------
joined    | the friend is known, and has bought nothing yet
qualified | the first purchase was made; the points wait until it can be returned no more
paid      | that time is over
revoked   | the whole first purchase came back, or was voided, or nothing was to be paid
"""

from typing import Literal

from msgspec import Struct

ReferralState = Literal["joined", "qualified", "paid", "revoked"]


class Referral(Struct, frozen=True, kw_only=True):
    """A referral as it was booked. `bought` says that the friend's first purchase posted the points, which count from
    `available_from` on (milliseconds since 1970 UTC, None at once); `taken_back` how many of the points went again."""

    points: int
    bought: bool = False
    available_from: int | None = None
    taken_back: int = 0


def state_of(referral: Referral, now: int) -> ReferralState:
    """The state at `now`, milliseconds since 1970 UTC. Time passes by itself: nothing is booked for it."""
    if not referral.bought:
        return "joined"
    if referral.taken_back >= referral.points:
        return "revoked"
    waits = referral.available_from is not None and now < referral.available_from
    return "qualified" if waits else "paid"
