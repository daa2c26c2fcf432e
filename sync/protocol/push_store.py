"""pure: the store's side of the push: events in, effects out, and the state between them.

    state, effects = step(state, Woken(heads), now_ms)      # something was booked, or the service has just started
    state, effects = step(state, Tick(), now_ms)            # the time that Sleep named has come

The edge does what the effects say and brings back what became of it. It holds the key, the clock, the journal and the
line; every decision is here.

**One request is under way at a time**, and each has a number of its own in this run, openings of sessions included. An
answer to any other number is dropped: a late one would speak of a state that is gone.

**A cursor is what head office has proved to hold**, per epoch, as number and hash. It moves only to a place where the
store's own hash is the one answered. It may move down: head office was put back from a backup, what it holds is the
truth, and sending again is always safe. Nothing in the journal is ever deleted because it was acknowledged.

**Every epoch is kept in step**, not only the open one: new entries of the open epoch come first, but each fourth batch
is of an older one while any of those waits; with nothing to send the epochs take turns with heartbeats.

**Another history.** A fork answer names places; the last common one is found by the store's own hashes. While it is not
exact the cursor goes there and the next batch proves on, entry by entry, so the exact place is found in any depth. Then
`Heal` says where the two part. That epoch rests until `Healed`; all others go on.

**What is refused is never dropped.** A refusal makes the store wait or open a new session; the entries stay where they
are and the cursor with them.
"""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from sync.chain import Head
from sync.protocol.backoff import CAP_MS, draw, full_jitter
from sync.protocol.lives import common_prefix
from sync.protocol.messages import EPOCHS_MAX, PUSH_OPS_MAX, SessionAnswer, head_of
from sync.protocol.push_state import (
    Alarm,
    Cursor,
    Effect,
    Event,
    Heal,
    Healed,
    InFlight,
    Lost,
    OpenSession,
    Pushed,
    Refused,
    SaveCursor,
    Send,
    SessionEnded,
    SessionOpened,
    Sleep,
    StorePush,
    Woken,
    cursor_of,
    empty,
)

_Effects: TypeAlias = tuple[Effect, ...]

HEARTBEAT_MS = 60_000
"""How long a store that has nothing to send stays silent: head office shows a store as offline soon after."""
BATCH_STEP = 50
"""By how many ops a batch may be larger than the one before it that went well."""
BATCH_TIME_MS = 1_000
"""A round trip that took longer halves the next batch."""
OLD_EPOCHS_EVERY = 4
"""While older epochs have something to send, each fourth batch is theirs."""
SLOW_RETRY_MS = CAP_MS
"""How often a store asks again that was told to wait for a person."""

# What only a person can end; the store asks again now and then whether it has been.
_FOR_A_PERSON = frozenset({"store_revoked", "store_unknown", "quarantined", "superseded", "upgrade_required"})
# The session is no more; a new one mends it.
_SESSION_IS_OVER = frozenset({"wrong_timeline", "unauthorized", "session_unknown"})
# Head office or the line is busy: later, and less at once.
_TOO_MUCH = frozenset({"too_many_requests", "storage_unavailable", "too_slow", "body_too_large", "read_only"})


def step(state: StorePush, event: Event, now_ms: int) -> tuple[StorePush, tuple[Effect, ...]]:
    """What the store does about an event. `now_ms` is any clock that does not go back while the service runs."""
    effects: _Effects = ()
    match event:
        case Woken(heads):
            state = _with_heads(state, heads)
        case SessionOpened(request, answer, own) if _is_under_way(state, request, None):
            state, effects = _on_session(replace(state, in_flight=None), answer, own, now_ms)
        case Pushed(answer) if _is_under_way(state, answer.request, int(answer.epoch, 16)):
            state, effects = _on_answer(state, event, now_ms)
        case Refused(request) if state.in_flight is not None and state.in_flight.request == request:
            state, effects = _on_refusal(replace(state, in_flight=None), event, now_ms)
        case Lost(request) if state.in_flight is not None and state.in_flight.request == request:
            state = _back_off(replace(state, in_flight=None, batch=_halved(state.batch)), now_ms)
        case SessionEnded(session, fence) if session == state.session:
            state = replace(state, session=None, fence=fence or state.fence)
        case Healed(epoch, heads):
            state = _on_healed(state, epoch, heads)
    state, more = _go_on(state, now_ms)
    return state, effects + more


def _is_under_way(state: StorePush, request: int, epoch: int | None) -> bool:
    """Whether the answer is to the very request under way. What that one asked is not asked any more otherwise."""
    flight = state.in_flight
    return (
        flight is not None
        and flight.request == request
        and epoch == (flight.newest.epoch if flight.newest is not None else None)
    )


def _with_heads(state: StorePush, heads: Sequence[Head]) -> StorePush:
    """The journal has grown. What is heard late is not believed: within a life it never shrinks."""
    known = {cursor.epoch: cursor for cursor in state.cursors}
    named = {head.epoch for head in heads}
    others = tuple(cursor for cursor in state.cursors if cursor.epoch not in named)
    return replace(state, cursors=others + tuple(_grown(known.get(head.epoch), head) for head in heads))


def _grown(cursor: Cursor | None, head: Head) -> Cursor:
    if cursor is None:
        return cursor_of(head, empty(head.epoch))
    return cursor if head.seq <= cursor.newest.seq else replace(cursor, newest=head)


def _on_session(
    state: StorePush, answer: SessionAnswer, own: Sequence[Head], now_ms: int
) -> tuple[StorePush, _Effects]:
    """What head office holds is the truth about what it holds: each cursor goes where the store has the same entry."""
    held = {head.epoch: head for head in map(head_of, answer.heads)}
    mine = set(own)
    effects: list[Effect] = []
    cursors = []
    fell = False
    for cursor in state.cursors:
        place = held.get(cursor.epoch, empty(cursor.epoch))
        if place.seq == 0 or place in mine:
            fell = fell or place.seq < cursor.acknowledged.seq
            moved, saved = _moved(cursor, place, now_ms)
            cursors.append(moved)
            effects += saved
        else:
            # It has more than the store, or something else. A heartbeat finds out what.
            cursors.append(replace(cursor, proved_at_ms=None))
    alarm = _timeline_alarm(state.timeline, answer.timeline, fell=fell)
    missing = tuple(
        head.epoch
        for head in held.values()
        if head.seq and head.epoch not in {c.epoch for c in state.cursors} and head.epoch not in state.missing
    )
    state = replace(
        state,
        session=answer.session,
        fence=answer.fence,
        timeline=answer.timeline,
        cursors=tuple(cursors),
        credits=max(1, answer.credits),
        missing=state.missing + missing,
        # Only a push that goes through shows that all is well again, so the first one does not wait.
        heartbeat_at_ms=now_ms - HEARTBEAT_MS,
    )
    state, said = _say(state, alarm) if alarm else (state, ())
    return state, (*effects, *(Heal(empty(epoch)) for epoch in missing), *said)


def _timeline_alarm(known: int, told: int, *, fell: bool) -> str | None:
    """A head office that holds less than it did was put back from a backup, and counts one timeline more. One that
    does not count it has forgotten to: what it granted meanwhile it does not know."""
    if told < known:
        return "hub_timeline_fell"
    return "hub_rewound" if fell and told == known else None


def _on_answer(state: StorePush, event: Pushed, now_ms: int) -> tuple[StorePush, _Effects]:
    flight, answer = state.in_flight, event.answer
    assert flight is not None
    assert flight.newest is not None
    state = replace(state, in_flight=None)
    if answer.timeline != state.timeline:
        return _back_off(replace(state, session=None), now_ms), ()
    cursor = next(cursor for cursor in state.cursors if cursor.epoch == flight.newest.epoch)
    if flight.ops:
        slow = now_ms - flight.sent_at_ms > BATCH_TIME_MS
        state = replace(state, batch=_halved(state.batch) if slow else min(PUSH_OPS_MAX, state.batch + BATCH_STEP))
    place = Head(cursor.epoch, answer.seq, bytes.fromhex(answer.hash))
    known = (*map(head_of, answer.known), place)
    shared = common_prefix(known, event.own, flight.newest)
    if answer.outcome == "acknowledged" and shared.head.seq < place.seq:
        # It acknowledges an entry that this journal does not have: an answer to another life of it.
        state, said = _say(state, "acknowledged_other_history")
        return _back_off(replace(state, session=None), now_ms), said
    # It lost what it had acknowledged. The heads of a new session say what else it lost.
    lost = answer.outcome == "rewind"
    parts = answer.outcome == "fork" and shared.exact
    moved, effects = _moved(cursor, shared.head, now_ms)
    state = replace(
        _with_cursor(state, replace(moved, healing=parts)),
        attempt=0,
        credits=max(1, answer.credits),
        not_before_ms=now_ms + max(0, answer.wait_ms),
        session=None if lost else state.session,
    )
    alarm = "hub_rewound" if lost else "other_history" if parts else None
    state, said = _say(state, alarm) if alarm or answer.outcome == "acknowledged" else (state, ())
    return state, (*effects, *((Heal(shared.head),) if parts else ()), *said)


def _on_refusal(state: StorePush, event: Refused, now_ms: int) -> tuple[StorePush, _Effects]:
    said: _Effects = ()
    if event.code in _FOR_A_PERSON:
        state, said = _say(state, event.code)
        chance, seed = draw(state.seed)
        wait_ms = SLOW_RETRY_MS + full_jitter(1, chance, base_ms=SLOW_RETRY_MS)
        return replace(state, session=None, seed=seed, attempt=state.attempt + 1, not_before_ms=now_ms + wait_ms), said
    if event.code == "fenced":
        # Told another fence than it named, it asks again at once; even a lower one, from a head office put back.
        is_new = event.fence != state.fence
        state = replace(state, session=None, fence=event.fence)
        return (state if is_new else _back_off(state, now_ms)), ()
    if event.code in _SESSION_IS_OVER:
        return _back_off(replace(state, session=None), now_ms), ()
    if event.code in _TOO_MUCH:
        state = replace(state, batch=_halved(state.batch))
    elif event.code != "stale_request":
        state, said = _say(state, event.code)
    return _back_off(state, now_ms + max(0, event.retry_after_ms)), said


def _on_healed(state: StorePush, epoch: int, heads: Sequence[Head]) -> StorePush:
    """The journal was put together anew, so its heads count as they are now told, up or down."""
    known = {cursor.epoch: cursor for cursor in state.cursors}
    named = {head.epoch for head in heads}
    others = tuple(cursor for cursor in state.cursors if cursor.epoch not in named)
    cursors = others + tuple(
        cursor_of(head, known[head.epoch].acknowledged if head.epoch in known else empty(head.epoch))
        if head.epoch == epoch
        else _grown(known.get(head.epoch), head)
        for head in heads
    )
    return replace(state, cursors=cursors, missing=tuple(other for other in state.missing if other != epoch))


def _go_on(state: StorePush, now_ms: int) -> tuple[StorePush, _Effects]:
    """The next thing to do: nothing while a request is under way or a wait is on."""
    if state.in_flight is not None or not state.cursors:
        return state, ()
    if now_ms < state.not_before_ms:
        return state, (Sleep(state.not_before_ms),)
    if state.session is None:
        request = state.request + 1
        flight = InFlight(request=request, newest=None, ops=False, sent_at_ms=now_ms)
        heads = tuple(cursor.newest for cursor in state.cursors[-EPOCHS_MAX:])
        opening = OpenSession(request, state.run, state.fence, heads)
        return replace(state, request=request, in_flight=flight), (opening,)
    cursor = _due(state) or _beating(state, now_ms)
    if cursor is None:
        return state, (Sleep(state.heartbeat_at_ms + HEARTBEAT_MS),)
    return _send(state, state.session, cursor, now_ms)


def _due(state: StorePush) -> Cursor | None:
    """The epoch whose turn it is, among those with something to send or to find out. New entries of the open epoch
    come first, the older lives get each fourth batch, in turn: none waits for another to end, and one that head office
    will not take holds up no other."""
    due = [c for c in state.cursors if not c.healing and (c.waiting or c.proved_at_ms is None)]
    older = [cursor for cursor in due if cursor.epoch != state.cursors[-1].epoch]
    turn_of_older = len(older) == len(due) or state.sends % OLD_EPOCHS_EVERY == OLD_EPOCHS_EVERY - 1
    if older and turn_of_older:
        return older[state.sends // OLD_EPOCHS_EVERY % len(older)]
    return due[-1] if due else None


def _beating(state: StorePush, now_ms: int) -> Cursor | None:
    """The epoch to send a heartbeat for, when it is time: the one that was proved longest ago."""
    if now_ms < state.heartbeat_at_ms + HEARTBEAT_MS:
        return None
    return min((c for c in state.cursors if not c.healing), key=lambda c: c.proved_at_ms or 0, default=None)


def _send(state: StorePush, session: str, cursor: Cursor, now_ms: int) -> tuple[StorePush, _Effects]:
    request = state.request + 1
    effect = Send(
        request=request,
        session=session,
        timeline=state.timeline,
        epoch=cursor.epoch,
        from_seq=cursor.acknowledged.seq + 1,
        previous=cursor.acknowledged.hash,
        newest=cursor.newest,
        closed=cursor.epoch != state.cursors[-1].epoch,
        limit=min(state.batch, state.credits) if cursor.waiting else 0,
    )
    flight = InFlight(request=request, newest=cursor.newest, ops=effect.limit > 0, sent_at_ms=now_ms)
    state = replace(state, request=request, in_flight=flight, sends=state.sends + 1, heartbeat_at_ms=now_ms)
    return state, (effect,)


def _moved(cursor: Cursor, place: Head, now_ms: int) -> tuple[Cursor, _Effects]:
    """The cursor at a place that both sides have, whether up or down."""
    newest = cursor.newest if cursor.newest.seq >= place.seq else place
    moved = replace(cursor, acknowledged=place, newest=newest, proved_at_ms=now_ms)
    return moved, (SaveCursor(place),) if place != cursor.acknowledged else ()


def _with_cursor(state: StorePush, changed: Cursor) -> StorePush:
    return replace(state, cursors=tuple(changed if c.epoch == changed.epoch else c for c in state.cursors))


def _back_off(state: StorePush, from_ms: int) -> StorePush:
    """Wait a random part of a span that doubles with each failure in a row."""
    chance, seed = draw(state.seed)
    attempt = state.attempt + 1
    return replace(state, attempt=attempt, seed=seed, not_before_ms=from_ms + full_jitter(attempt, chance))


def _say(state: StorePush, code: str | None) -> tuple[StorePush, _Effects]:
    """An alarm that was not on; None: all is well."""
    said = (Alarm(code),) if code is not None and code != state.alarm else ()
    return replace(state, alarm=code), said


def _halved(batch: int) -> int:
    return max(1, batch // 2)
