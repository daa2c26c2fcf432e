"""pure: the store's side of the pull: events in, effects out, and the state between them.

    state, effects = step(state, SessionReady(session), now_ms)
    Pull       ask for the page behind the cursor, and wait for one if there is nothing to tell
    ApplyPage  write the page and its cursor in one transaction, then say what the sums came to: Applied

**Told anew.** A bucket named in `refetch` is told from its beginning. What the store has of it stays in use until the
last page is there, for half a price list is worse than an old one: each thing written carries the *generation* of its
bucket, and when the checksum comes, whatever still carries an older one is swept out. A checksum that does not fit then
makes the store ask for that bucket anew, and for no other.

**Audits.** Sums kept by the way would not notice a damaged file. Once a day, at a time of the store's own, the edge
adds each bucket up in full and says what came out (Audited).
"""

from collections.abc import Collection
from typing import TypeAlias

from msgspec import UNSET, Struct
from msgspec.structs import replace

from sync.protocol.backoff import draw, full_jitter
from sync.protocol.messages import PullAnswer
from sync.protocol.pull_hub import WAIT_MS

QUIET_MS = 1_000
"""How soon to ask again where head office had nothing to tell and did not wait for it."""

_BUSY = frozenset({"too_many_requests", "storage_unavailable", "too_slow", "read_only"})
_SESSION_IS_OVER = frozenset({"fenced", "wrong_timeline", "unauthorized", "session_unknown", "quarantined"})


class BucketSum(Struct, frozen=True):
    """What all that is alive in a bucket adds up to, by head office, and the generation it is told in."""

    bucket: str
    generation: int
    checksum: str


class StorePull(Struct, frozen=True, kw_only=True):
    """What the store knows of its pull. `cursor` and `generations` outlive the service, written with each page.

    `refetch` are buckets to ask for anew. `doubted` are those that did not add up and have not since; one that does not
    add up again is a fault of a program, which a person should see. `applying` is the page that is being written.
    """

    seed: int
    cursor: str | None = None
    generations: dict[str, int] = {}
    session: str | None = None
    request: int = 0
    in_flight: int | None = None
    asked_at_ms: int = 0
    applying: "ApplyPage | None" = None
    attempt: int = 0
    not_before_ms: int = 0
    refetch: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()
    alarm: str | None = None


class SessionReady(Struct, frozen=True):
    """The push has opened a session; its token is good for the pull too."""

    session: str


class Answered(Struct, frozen=True):
    """Head office answered a pull."""

    request: int
    answer: PullAnswer


class Applied(Struct, frozen=True):
    """A page was written, and its cursor with it. `wrong` are the buckets whose sum is not the one it told."""

    wrong: tuple[str, ...] = ()


class Audited(Struct, frozen=True):
    """The buckets were added up in full. `wrong` are those that do not come to the sum last told."""

    wrong: tuple[str, ...] = ()


class Refused(Struct, frozen=True):
    """Head office answered a pull with a problem."""

    request: int
    code: str
    retry_after_ms: int = 0
    fence: int = 0


class Lost(Struct, frozen=True):
    """No answer came, or the page could not be written."""

    request: int


class Installed(Struct, frozen=True):
    """In place of an answer: head office had so much to tell that its snapshots were fetched and installed, with their
    cursor. The pull goes on behind it."""

    request: int
    cursor: str
    generations: dict[str, int]


class Tick(Struct, frozen=True):
    """The time has come that the last Sleep named."""


Event: TypeAlias = SessionReady | Answered | Installed | Applied | Audited | Refused | Lost | Tick


class Pull(Struct, frozen=True, kw_only=True):
    """Ask for the next page; head office may take `wait_ms` to answer where it has nothing to tell."""

    request: int
    session: str
    cursor: str | None
    refetch: tuple[str, ...]
    wait_ms: int


class Put(Struct, frozen=True, kw_only=True):
    """A thing's newest state: its JSON as it came, None where it is gone."""

    bucket: str
    entity: str
    key: str
    seq: int
    generation: int
    value: bytes | None


class ApplyPage(Struct, frozen=True, kw_only=True):
    """In one transaction: write `puts`; of every bucket in `sums` delete what carries an older generation than the one
    named, and add up what is left; delete the buckets `dropped`, which this store is told no longer; keep `cursor` and
    `generations`. Then Applied; Lost where the transaction failed. `applied` is present on the last page that there is
    to read now; `timeline` is head office's."""

    request: int
    puts: tuple[Put, ...]
    sums: tuple[BucketSum, ...]
    dropped: tuple[str, ...]
    cursor: str
    generations: dict[str, int]
    applied: dict[str, int] | None = None
    timeline: int = 0


class EverythingRead(Struct, frozen=True):
    """There is nothing that head office has told and this store has not written. `applied` is how far it has counted
    each epoch of this store (16 hex digits)."""

    applied: dict[str, int]


class SessionIsOver(Struct, frozen=True):
    """For the push machine: SessionEnded."""

    session: str
    fence: int


class Sleep(Struct, frozen=True):
    """Nothing to do before `until_ms`; then Tick."""

    until_ms: int


class Alarm(Struct, frozen=True):
    """Something a person should see. Said once until it changes."""

    code: str


Effect: TypeAlias = Pull | ApplyPage | EverythingRead | SessionIsOver | Sleep | Alarm
_Effects: TypeAlias = tuple[Effect, ...]


def step(state: StorePull, event: Event, now_ms: int) -> tuple[StorePull, tuple[Effect, ...]]:
    """What the store does about an event. `now_ms` is any clock that does not go back while the service runs."""
    effects: _Effects = ()
    match event:
        case SessionReady(session):
            # Whatever was asked in the session before is of no interest any more; the cursor says where to go on.
            state = replace(state, session=session, in_flight=None)
        case Answered(request, answer) if request == state.in_flight:
            state, effects = _on_answer(replace(state, in_flight=None), answer)
        case Installed(_, cursor, generations):
            # It is written already, whatever was asked or being written meanwhile: an answer to that is dropped.
            state = replace(
                state, in_flight=None, applying=None, cursor=cursor, generations=generations, refetch=(), doubted=()
            )
        case Applied(wrong) if state.applying is not None:
            kept = state.applying
            added = [each.bucket for each in kept.sums]
            left = [bucket for bucket in state.doubted if bucket not in kept.dropped]
            doubted = tuple(bucket for bucket in left if bucket not in added or bucket in wrong)
            # Asked for until it is written: a page that the disk refused is told again, and anew only if we say so.
            refetch = tuple(
                bucket
                for bucket in state.refetch
                if bucket not in kept.dropped and kept.generations.get(bucket, 0) == state.generations.get(bucket, 0)
            )
            state = replace(
                state,
                applying=None,
                cursor=kept.cursor,
                generations=kept.generations,
                doubted=doubted,
                refetch=refetch,
            )
            # A bucket told anew over and over makes progress with every page and none at all.
            attempt = state.attempt if doubted else 0
            state, effects = _on_sums(replace(state, attempt=attempt), wrong, now_ms)
            if kept.applied is not None and not state.doubted:
                effects += (EverythingRead(kept.applied),)
        case Audited(wrong):
            state, effects = _on_sums(state, wrong, now_ms)
        case Refused(request) if request == state.in_flight:
            state, effects = _on_refusal(replace(state, in_flight=None), event, now_ms)
        case Lost(request) if request in (state.in_flight, state.applying and state.applying.request):
            # A page that could not be written is asked for again, from the cursor that was kept.
            state = _back_off(replace(state, in_flight=None, applying=None), now_ms)
    state, more = _go_on(state, now_ms)
    return state, effects + more


def _on_answer(state: StorePull, answer: PullAnswer) -> tuple[StorePull, _Effects]:
    told = {bucket.bucket: bucket for bucket in answer.buckets}
    if not (answer.items or answer.refetch or answer.more) and answer.cursor == state.cursor:
        # Nothing is written because nothing happened. One that does not wait before it says so is not asked at once.
        state = replace(state, attempt=0, not_before_ms=state.asked_at_ms + QUIET_MS)
        return state, () if state.doubted else (EverythingRead(answer.applied),)
    generations = {bucket: state.generations.get(bucket, 0) + (bucket in answer.refetch) for bucket in told}
    page = ApplyPage(
        request=state.request,
        puts=tuple(
            Put(
                bucket=item.bucket,
                entity=item.entity,
                key=item.key,
                seq=item.seq,
                generation=generations[item.bucket],
                value=bytes(item.value) if item.value is not UNSET else None,
            )
            for item in answer.items
            if item.bucket in told
        ),
        sums=tuple(
            BucketSum(bucket.bucket, generations[bucket.bucket], bucket.checksum)
            for bucket in answer.buckets
            if bucket.checksum is not None
        ),
        dropped=tuple(bucket for bucket in state.generations if bucket not in told),
        cursor=answer.cursor,
        generations=generations,
        applied=None if answer.more else answer.applied,
        timeline=answer.timeline,
    )
    return replace(state, applying=page), (page,)


def _on_sums(state: StorePull, wrong: Collection[str], now_ms: int) -> tuple[StorePull, _Effects]:
    """Buckets that do not add up are asked for anew. Once is chance, a damaged page of a file; twice is no chance."""
    again = [bucket for bucket in wrong if bucket in state.doubted]
    state = replace(
        state,
        refetch=tuple(dict.fromkeys((*state.refetch, *wrong))),
        doubted=tuple(dict.fromkeys((*state.doubted, *wrong))),
    )
    state, said = _say(state, "feed_does_not_add_up" if again else None)
    return (_back_off(state, now_ms) if again else state), said


def _on_refusal(state: StorePull, event: Refused, now_ms: int) -> tuple[StorePull, _Effects]:
    if event.code in _SESSION_IS_OVER and state.session is not None:
        return replace(state, session=None), (SessionIsOver(state.session, event.fence),)
    if event.code == "broken_cursor":
        return _back_off(replace(state, cursor=None), now_ms), ()
    state, said = _say(state, None if event.code in _BUSY else event.code)
    return _back_off(state, now_ms + max(0, event.retry_after_ms)), said


def _go_on(state: StorePull, now_ms: int) -> tuple[StorePull, _Effects]:
    if state.session is None or state.in_flight is not None or state.applying is not None:
        return state, ()
    if now_ms < state.not_before_ms:
        return state, (Sleep(state.not_before_ms),)
    request = state.request + 1
    effect = Pull(request=request, session=state.session, cursor=state.cursor, refetch=state.refetch, wait_ms=WAIT_MS)
    return replace(state, request=request, in_flight=request, asked_at_ms=now_ms), (effect,)


def _back_off(state: StorePull, from_ms: int) -> StorePull:
    chance, seed = draw(state.seed)
    attempt = state.attempt + 1
    return replace(state, attempt=attempt, seed=seed, not_before_ms=from_ms + full_jitter(attempt, chance))


def _say(state: StorePull, code: str | None) -> tuple[StorePull, _Effects]:
    said = (Alarm(code),) if code is not None and code != state.alarm else ()
    return replace(state, alarm=code), said
