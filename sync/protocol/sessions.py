"""pure: who has the floor. Of one store only one running service may push at a time, and a copy of it is found out.

Each opening that is let in gets a new *fence*, and must have named the present one. A request of yesterday cannot name
it, so whoever plays it back is only told the present fence, and nothing changes; a service that has just started does
not know it either, is told, and asks again. What names the present fence was written by somebody who is alive now.
Fences rise in steps that nobody can guess: a head office that was put back from a backup would otherwise give the very
fences out again that its old requests name.

A *run* is one start of the service. A new run retires the one before. So a run that was retired and yet names the
present fence is a second copy of the store, alive beside the first; and so is one that names a `count` it has used
before, for a copy of a running machine has the same run. Both are then quarantined until a person says which is true
(`release`): neither may push, for the two would write two histories into one epoch. Their entries wait in the stores.

    Standing of the store's row, locked
    open_session(standing, message, ...)  ->  Opened(standing, answer)   write the row, give the answer
                                              TurnedAway(standing, problem, rival)   write the row, answer the problem
    admit_push(standing, ...)             ->  the row after this request, or raises
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from loyalty.errors import Problem
from sync.chain import Head
from sync.protocol.messages import PROTOCOL, Push, SessionAnswer, SessionOpen, message_of
from sync.protocol.refusals import (
    Fenced,
    Quarantined,
    StaleRequest,
    StoreRevoked,
    Superseded,
    UpgradeRequired,
    WrongTimeline,
)

PROTOCOL_MIN = 1
"""The oldest version that head office still speaks."""
RUNS_MAX = 32
"""How many retired runs are remembered. One that comes back later than that counts as a new start, and the run it
retires by that finds it out."""

FENCE_STEP = 2**20
"""Fences rise by a random number up to this: billions of openings before they are too large for JSON."""

StoreState: TypeAlias = Literal["new", "active", "quarantined", "revoked"]


class Standing(Struct, frozen=True, kw_only=True):
    """What head office knows of a store's sessions. `request` is the highest one heard in the present session; a row
    that has never seen an opening has fence 0 and no run. `retired` and `superseded` are runs, newest first."""

    state: StoreState = "new"
    fence: int = 0
    run: str | None = None
    count: int = 0
    request: int = 0
    retired: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()


class Opened(Struct, frozen=True):
    """The session begins; the row and the answer."""

    standing: Standing
    answer: SessionAnswer


class TurnedAway(Struct, frozen=True):
    """It does not. The row has to be written all the same: `rival` is the run that was found beside the present one,
    the reason for an incident `clone`; None in any other case."""

    standing: Standing
    problem: Problem
    rival: str | None = None


def open_session(
    standing: Standing,
    message: SessionOpen,
    *,
    session: str,
    timeline: int,
    held: Sequence[Head],
    now_ms: int,
    credits: int,  # noqa: A002
) -> Opened | TurnedAway:
    """Decide over an opening whose signature was found right. `session` is a fresh random token, `held` the heads of
    every epoch that head office holds of the store, `now_ms` its clock. The row is locked until the result is written.
    """
    problem = _outright(standing, message)
    if problem is not None:
        return TurnedAway(standing, problem)
    if message.fence != standing.fence:
        return TurnedAway(standing, Fenced(standing.fence))
    if message.run in standing.retired or (message.run == standing.run and message.count <= standing.count):
        return TurnedAway(replace(standing, state="quarantined"), Quarantined(), message.run)
    fence = standing.fence + 1 + int.from_bytes(hashlib.sha256(session.encode()).digest()[:8]) % FENCE_STEP
    answer = SessionAnswer(
        session=session,
        fence=fence,
        timeline=timeline,
        protocol=min(PROTOCOL, message.protocol_max),
        hub_time=now_ms,
        heads=tuple(map(message_of, held)),
        credits=max(1, credits),
    )
    opened = replace(standing, state="active", fence=fence, run=message.run, count=message.count, request=0)
    return Opened(_retiring(opened, standing.run, message.run), answer)


def _outright(standing: Standing, message: SessionOpen) -> Problem | None:
    """What needs no look at fence and run. A quarantined copy that was told off hears so rather than wait."""
    if standing.state == "revoked":
        return StoreRevoked()
    if message.run in standing.superseded:
        return Superseded()
    if standing.state == "quarantined":
        return Quarantined()
    if message.protocol_max < PROTOCOL_MIN or message.protocol_min > PROTOCOL:
        return UpgradeRequired(f"Head office speaks versions {PROTOCOL_MIN} to {PROTOCOL}.")
    return None


def _retiring(standing: Standing, before: str | None, now: str) -> Standing:
    if before is None or before == now:
        return standing
    return replace(standing, retired=(before, *standing.retired)[:RUNS_MAX])


def admit_push(standing: Standing, push: Push, *, is_present_session: bool, timeline: int) -> Standing:
    """The row after a push was let in, with its request number. `is_present_session`: the bearer token is that of the
    last opening.

    Raises StoreRevoked, Quarantined, Fenced, WrongTimeline or StaleRequest; the row stays as it is then. A request that
    was overtaken is not looked at: an old push that arrives late would look like a store that has gone back in time.
    """
    if standing.state == "revoked":
        raise StoreRevoked
    if standing.state == "quarantined":
        raise Quarantined
    if not is_present_session:
        raise Fenced(standing.fence)
    if push.timeline != timeline:
        raise WrongTimeline
    if push.request <= standing.request:
        raise StaleRequest
    return replace(standing, request=push.request)


def release(standing: Standing, true_run: str) -> Standing:
    """A person has named the true run of a quarantined store. All others that are known hear that they are not it, for
    as long as they run; the true one opens its next session as if nothing had been."""
    others = {*standing.retired, standing.run} - {None, true_run}
    superseded = tuple(run for run in (standing.run, *standing.retired) if run in others and run is not None)
    return replace(
        standing,
        state="active",
        run=true_run,
        # Whatever it counts next is new: the other copy may have used higher numbers of the same run.
        count=0,
        retired=(),
        superseded=(*superseded, *standing.superseded)[:RUNS_MAX],
    )
