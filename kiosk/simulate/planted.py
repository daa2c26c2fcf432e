"""pure: bugs put in on purpose, one at a time, in front of the real machines. A simulator that does not find them would
not find a real one either.

The first nine are those of which an early sketch of this protocol missed four. Each stands for a mistake that somebody
could make in good faith; none is ever in the product's code.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kiosk.simulate.machines import REAL, Flaws, Machines
from sync.chain import Head
from sync.hub.consents import Word
from sync.protocol.messages import PullAnswer, Push, PushAnswer, SessionOpen, head_of, message_of
from sync.protocol.pull_hub import Plan, read_cursor, write_cursor
from sync.protocol.pull_store import ApplyPage, StorePull
from sync.protocol.pull_store import Effect as PullEffect
from sync.protocol.pull_store import Event as PullEvent
from sync.protocol.push_hub import Batch, EpochState, ProvedOp, Received
from sync.protocol.push_state import Effect, Event, Pushed, SessionOpened, StorePush
from sync.protocol.sessions import Opened, Standing, TurnedAway

_Step = tuple[StorePush, tuple[Effect, ...]]


def _same_hashes(held: EpochState, hashes: Mapping[int, bytes], ops: tuple[ProvedOp, ...]) -> tuple[ProvedOp, ...]:
    """The ops, told to have the hashes that are held at their numbers."""
    known = {**hashes, held.head.seq: held.head.hash}
    return tuple([replace(op, hash=known.get(op.seq, op.hash)) for op in ops])


def _skip_by_number(held: EpochState, hashes: Mapping[int, bytes], batch: Batch) -> Received:
    """What is up to the head is taken for known, whatever it is."""
    return REAL.receive(held, hashes, replace(batch, ops=_same_hashes(held, hashes, batch.ops)))


def _compare_nothing(held: EpochState, hashes: Mapping[int, bytes], batch: Batch) -> Received:
    """Nor is it asked whether the batch follows what is held, or what the shop says of its end."""
    known = {**hashes, 0: bytes(32), held.head.seq: held.head.hash}
    before = replace(batch.before, hash=known.get(batch.before.seq, batch.before.hash))
    newest = replace(batch.newest, hash=known.get(batch.newest.seq, batch.newest.hash))
    ops = _same_hashes(held, hashes, batch.ops)
    return REAL.receive(held, hashes, replace(batch, before=before, newest=newest, ops=ops))


def _acknowledge_the_head(received: Received, request: int, timeline: int, **rest: Any) -> PushAnswer:  # noqa: ANN401
    """All that is held is acknowledged, not what the message proved."""
    if received.outcome == "acknowledged":
        received = replace(received, place=received.state.head)
    return REAL.answer_of(received, request, timeline, **rest)


def _take_what_comes(held: EpochState, hashes: Mapping[int, bytes], batch: Batch) -> Received:
    """A batch behind a gap is stored behind the head."""
    if batch.before.seq <= held.head.seq:
        return REAL.receive(held, hashes, batch)
    state = replace(held, head=batch.last)
    return Received(outcome="acknowledged", place=batch.last, known=(), insert=batch.ops, state=state)


def _only_upwards(state: StorePush, event: Event, now_ms: int) -> _Step:
    """The cursor is the highest place that was ever acknowledged."""
    highest = {cursor.epoch: cursor.acknowledged for cursor in state.cursors}
    match event:
        case Pushed(answer):
            before = highest.get(int(answer.epoch, 16))
            if before is not None and before.seq > answer.seq:
                place = message_of(before)
                answer = replace(answer, outcome="acknowledged", seq=place.seq, hash=place.hash, known=())
                event = Pushed(answer, (before,))
        case SessionOpened(request, opened, own):
            held = {head.epoch: head for head in map(head_of, opened.heads)}
            higher = {**held, **{e: h for e, h in highest.items() if e not in held or held[e].seq < h.seq}}
            heads = tuple([message_of(head) for head in higher.values()])
            event = SessionOpened(request, replace(opened, heads=heads), (*own, *highest.values()))
    return REAL.step(state, event, now_ms)


def _believe_every_hash(state: StorePush, event: Event, now_ms: int) -> _Step:
    """The hash that head office names is taken for the shop's own."""
    match event:
        case Pushed(answer):
            event = replace(event, own=_told(answer))
        case SessionOpened(_, opened):
            event = replace(event, own=tuple(map(head_of, opened.heads)))
    return REAL.step(state, event, now_ms)


def _told(answer: PushAnswer) -> tuple[Head, ...]:
    place = Head(int(answer.epoch, 16), answer.seq, bytes.fromhex(answer.hash))
    return (*map(head_of, answer.known), place)


def _hear_every_answer(state: StorePush, event: Event, now_ms: int) -> _Step:
    """Whatever answer comes is the one that is waited for."""
    flight = state.in_flight
    match event:
        case Pushed(answer) if flight is not None and flight.newest is not None:
            if int(answer.epoch, 16) == flight.newest.epoch:
                event = replace(event, answer=replace(answer, request=flight.request, timeline=state.timeline))
        case SessionOpened() if flight is not None and flight.newest is None:
            event = replace(event, request=flight.request)
    return REAL.step(state, event, now_ms)


def _every_session_is_the_present_one(standing: Standing, push: Push, **rest: Any) -> Standing:  # noqa: ANN401
    """Nobody is fenced off, and an old request is as good as a new one."""
    rest["is_present_session"] = True
    REAL.admit_push(replace(standing, request=0), push, **rest)
    return standing


def _every_opening_is_let_in(standing: Standing, message: SessionOpen, **rest: Any) -> Opened | TurnedAway:  # noqa: ANN401
    """Neither the fence nor the run is looked at, so two copies of a shop run side by side."""
    message = replace(message, fence=standing.fence)
    return REAL.open_session(replace(standing, retired=(), count=0), message, **rest)


def _no_timeline(standing: Standing, push: Push, **rest: Any) -> Standing:  # noqa: ANN401
    """Head office does not ask which timeline a shop believes in."""
    rest["timeline"] = push.timeline
    return REAL.admit_push(standing, push, **rest)


def _count_on(newest: int, _timeline: int) -> int:
    """A bundle gets the next version of those that head office knows."""
    return newest + 1


def _no_sums_in_cursors(plan: Plan, rows: Any, secret: bytes) -> PullAnswer:  # noqa: ANN401
    """Who stands at the newest number of a bucket has read it, whatever it is the head of."""
    answer = REAL.build_page(plan, rows, secret)
    cursor = read_cursor(answer.cursor, secret)
    assert cursor is not None, "every page has one"
    positions = {name: replace(position, checksum=None) for name, position in cursor.buckets.items()}
    return replace(answer, cursor=write_cursor(replace(cursor, buckets=positions), secret))


def _sweep_nothing(state: StorePull, event: PullEvent, now_ms: int) -> tuple[StorePull, tuple[PullEffect, ...]]:
    """What was not told again stays, and nobody compares sums."""
    state, effects = REAL.pull_step(state, event, now_ms)
    kept = tuple([replace(each, sums=()) if isinstance(each, ApplyPage) else each for each in effects])
    page = next((each for each in kept if isinstance(each, ApplyPage)), None)
    return (replace(state, applying=page) if page is not None else state), kept


def _last_word(words: Iterable[Word]) -> list[Word]:
    """Of all that a member said in any shop, what head office heard last counts."""
    return list(words)[-1:]


class Planted(Struct, frozen=True):
    """A bug, and the scenario that brings it out; None: luck does, within `LUCK` universes."""

    machines: Machines
    scenario: str | None = None


def _flaw(scenario: str | None = None, **flaws: bool) -> Planted:
    return Planted(replace(REAL, flaws=Flaws(**flaws)), scenario)


def _machine(scenario: str | None = None, **functions: Callable[..., Any]) -> Planted:
    return Planted(replace(REAL, **functions), scenario)


LUCK = 60
"""So many universes, the first ones, are given to luck."""

PLANTED: Mapping[str, Planted] = {
    "dedupe_on_seq_only": _machine(receive=_skip_by_number),
    "no_hash_compare": _machine(receive=_compare_nothing),
    "delete_on_ack": _flaw(deletes_what_is_acknowledged=True),
    "ack_the_head": _machine("far_back", answer_of=_acknowledge_the_head),
    "open_epoch_only": _flaw(pushes_the_open_epoch_only=True),
    "no_op_id_dedupe": _flaw("logged_again_twice", applies_an_operation_again=True),
    "cursor_only_upwards": _machine("put_back_unnoticed", step=_only_upwards),
    "no_ack_hash_check": _machine(step=_believe_every_hash),
    "no_request_check": _machine(step=_hear_every_answer),
    "no_fence_on_push": _machine(admit_push=_every_session_is_the_present_one),
    "no_fence_on_sessions": _machine(open_session=_every_opening_is_let_in),
    "timeline_ignored": Planted(
        replace(REAL, admit_push=_no_timeline, flaws=Flaws(takes_leases_of_an_earlier_timeline=True)),
        "granted_in_another_time",
    ),
    "gap_accepted": _machine("put_back_unnoticed", receive=_take_what_comes),
    "new_ids_when_logged_again": _flaw("far_back", gives_new_ids_when_it_logs_again=True),
    "backup_goes_on_in_its_epoch": _flaw(goes_on_in_the_epoch_of_a_backup=True),
    "leases_survive_a_restore": _flaw("spent_and_forgotten", keeps_leases_in_a_new_life=True),
    "answered_before_stored": _flaw(answers_before_it_has_stored=True),
    "answered_before_on_disk": _flaw(answers_before_it_is_on_disk=True),
    "floor_freed_on_arrival": _flaw("arrived_and_not_applied", frees_the_floor_on_arrival=True),
    "leases_taken_back_by_the_clock": _flaw(takes_leases_back_by_the_clock=True),
    "lends_at_once_after_a_restore": _flaw("lent_and_forgotten", lends_at_once_after_a_restore=True),
    "leases_heard_of_before_entries": _flaw("lent_spent_and_forgotten", hears_of_leases_before_it_has_the_entries=True),
    "lends_what_is_lent": _flaw(lends_what_is_lent=True),
    "unsigned_push_taken": _flaw("spoiled_before_it_was_sent", takes_what_is_not_signed=True),
    "keeps_what_is_kept": _flaw("asked_for_at_once", keeps_what_is_kept=True),
    "keeps_at_once_after_a_restore": _flaw("kept_and_forgotten", keeps_at_once_after_a_restore=True),
    "reservations_taken_back_by_the_clock": _flaw(
        "kept_for_one_who_is_silent", gives_reservations_back_by_the_clock=True
    ),
    "uses_what_it_gave_back": _flaw("answered_when_it_was_given_back", uses_what_it_gave_back=True),
    "ignores_what_came_back_elsewhere": _flaw("came_back_elsewhere", ignores_what_came_back_elsewhere=True),
    "takes_coupons_on_trust": _flaw(takes_coupons_on_trust=True),
    "pays_by_card_without_a_line": _flaw("paid_by_card_everywhere", pays_by_card_without_a_line=True),
    "begins_bundles_on_arrival": _flaw(begins_bundles_on_arrival=True),
    "gives_a_version_out_again": _machine("planned_and_forgotten", next_version=_count_on),
    "adds_nothing_up": _flaw(adds_nothing_up=True),
    "keeps_the_cursor_of_a_page_it_has_not": _flaw(keeps_the_cursor_of_a_page_it_has_not=True),
    "no_sums_in_cursors": _machine("told_as_much_again", build_page=_no_sums_in_cursors),
    "forgets_its_doubts": _flaw("told_of_another_history", forgets_its_doubts=True),
    "sweeps_nothing": _machine("told_in_another_time", pull_step=_sweep_nothing),
    "books_half_when_full": _flaw(books_half_when_full=True),
    "installs_any_snapshot": _flaw("an_old_snapshot", installs_any_snapshot=True),
    "last_word_counts": _machine("no_and_yes", standing=_last_word),
}
"""Every planted bug by its name."""
