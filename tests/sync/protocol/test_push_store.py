"""The store pushes what it books, whatever becomes of the line, and knows what head office has proved to hold."""

import itertools
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from sync.chain import ZERO_HASH, Head
from sync.protocol.messages import PUSH_OPS_MAX, PushAnswer, SessionAnswer, message_of
from sync.protocol.push_state import (
    Alarm,
    Effect,
    Event,
    Heal,
    Healed,
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
    Tick,
    Woken,
    begin,
    places_of,
)
from sync.protocol.push_store import (
    BATCH_STEP,
    HEARTBEAT_MS,
    SLOW_RETRY_MS,
    step,
)
from tests.sync.protocol.places import Chain

RUN = "5" * 32
NOW = 1_000_000
EPOCH = 7


EffectT = TypeVar("EffectT")


class Store:
    """The machine with the journal it speaks for; every event goes in at `now`."""

    def __init__(self, *chains: Chain, cursors: tuple[Head, ...] = (), timeline: int = 1) -> None:
        self.chains = {chain.epoch: chain for chain in chains}
        self.now = NOW
        self.state: StorePush = begin(RUN, cursors, [chain.head() for chain in chains], seed=1, timeline=timeline)

    def tell(self, event: Event) -> list[Effect]:
        self.state, effects = step(self.state, event, self.now)
        return list(effects)

    def own(self, answer: SessionAnswer | PushAnswer) -> tuple[Head, ...]:
        return tuple(
            self.chains[epoch].head(seq)
            for epoch, seq in places_of(answer)
            if epoch in self.chains and self.chains[epoch].has((epoch, seq))
        )

    def open(self, *held: Head, **changes: object) -> list[Effect]:
        """Open a session with a head office that holds these heads; what the store then does."""
        [opening] = [effect for effect in self.tell(Tick()) if isinstance(effect, OpenSession)]
        answer = session_answer(*held, **changes)
        return self.tell(SessionOpened(opening.request, answer, self.own(answer)))

    def answer(self, outcome: str, place: Head, *known: Head, **changes: object) -> list[Effect]:
        """Answer the push under way."""
        flight = self.state.in_flight
        assert flight is not None
        values: dict[str, Any] = {
            "request": flight.request,
            "timeline": self.state.timeline,
            "outcome": outcome,
            "epoch": message_of(place).epoch,
            "seq": place.seq,
            "hash": place.hash.hex(),
            "known": tuple(map(message_of, known)),
        }
        answer = PushAnswer(**values | changes)
        return self.tell(Pushed(answer, self.own(answer)))


def session_answer(*held: Head, **changes: object) -> SessionAnswer:
    values: dict[str, Any] = {
        "session": "s" * 20,
        "fence": 40,
        "timeline": 1,
        "protocol": 1,
        "hub_time": 0,
        "heads": tuple(map(message_of, held)),
        "credits": 500,
    }
    return SessionAnswer(**values | changes)


def chain(count: int, epoch: int = EPOCH, word: str = "a") -> Chain:
    return Chain(epoch, [f"{word}{number}" for number in range(1, count + 1)])


def empty(epoch: int = EPOCH) -> Head:
    return Head(epoch, 0, ZERO_HASH)


def only(effects: list[Effect], kind: type[EffectT]) -> EffectT:
    [found] = [effect for effect in effects if isinstance(effect, kind)]
    return found


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def test_a_store_opens_a_session_and_then_sends_what_is_waiting() -> None:
    store = Store(chain(3))
    opening = only(store.tell(Tick()), OpenSession)
    assert (opening.run, opening.fence, opening.heads) == (RUN, 0, (chain(3).head(),))
    store = Store(chain(3))
    send = only(store.open(), Send)
    assert (send.epoch, send.from_seq, send.previous, send.newest) == (EPOCH, 1, ZERO_HASH, chain(3).head())
    assert (send.timeline, send.session, send.closed) == (1, "s" * 20, False)
    assert send.limit >= 3


def test_what_a_session_says_holds_until_the_next() -> None:
    store = Store(chain(3), timeline=1)
    send = only(store.open(timeline=4, fence=70, session="t" * 20), Send)
    assert (send.timeline, send.session) == (4, "t" * 20)
    store.tell(SessionEnded("t" * 20))
    assert only(store.answer("acknowledged", chain(3).head()), OpenSession).fence == 70


def test_what_head_office_proved_is_kept_and_the_store_goes_on_behind_it() -> None:
    store = Store(chain(3))
    store.open()
    effects = store.answer("acknowledged", chain(3).head(2))
    assert effects[0] == SaveCursor(chain(3).head(2))
    assert only(effects, Send).from_seq == 3
    assert store.state.queued == 1
    assert kinds(store.answer("acknowledged", chain(3).head())) == ["SaveCursor", "Sleep"]
    assert store.state.queued == 0
    assert store.state.is_online


def test_a_session_says_what_is_held_so_nothing_of_it_is_sent_again() -> None:
    store = Store(chain(9))
    effects = store.open(chain(9).head(6))
    assert effects[0] == SaveCursor(chain(9).head(6))
    assert only(effects, Send).from_seq == 7


@pytest.mark.parametrize("wrong", ["earlier", "later", "other epoch"])
def test_the_answer_to_another_request_is_dropped(wrong: str) -> None:
    store = Store(chain(3))
    store.open()
    flight = store.state.in_flight
    assert flight is not None
    before = store.state
    changes = {"earlier": {"request": flight.request - 1}, "later": {"request": flight.request + 1}}
    other = {"other epoch": {"epoch": "0000000000000009"}}
    assert store.answer("acknowledged", chain(3).head(3), **(changes | other)[wrong]) == []
    assert store.state == before


def test_the_answer_to_another_opening_is_dropped() -> None:
    store = Store(chain(3))
    opening = only(store.tell(Tick()), OpenSession)
    before = store.state
    assert store.tell(SessionOpened(opening.request - 1, session_answer(), ())) == []
    assert store.tell(SessionOpened(opening.request + 1, session_answer(), ())) == []
    assert store.state == before
    store.tell(SessionOpened(opening.request, session_answer(), ()))
    push = store.state.in_flight
    assert push is not None
    assert store.tell(SessionOpened(push.request, session_answer(), ())) == []


def test_an_answer_that_comes_after_the_store_gave_up_on_it_is_dropped() -> None:
    store = Store(chain(3))
    store.open()
    flight = store.state.in_flight
    assert flight is not None
    store.tell(Lost(flight.request))
    late = PushAnswer(
        request=flight.request,
        timeline=1,
        outcome="acknowledged",
        epoch="0000000000000007",
        seq=3,
        hash=chain(3).head().hash.hex(),
    )
    assert SaveCursor(chain(3).head()) not in store.tell(Pushed(late, (chain(3).head(),)))
    assert store.state.queued == 3


def test_only_one_request_is_under_way() -> None:
    store = Store(chain(3))
    store.open()
    store.chains[EPOCH].append("a4")
    assert store.tell(Woken((store.chains[EPOCH].head(),))) == []
    assert store.tell(Tick()) == []
    effects = store.answer("acknowledged", chain(3).head())
    assert (only(effects, Send).from_seq, only(effects, Send).newest.seq) == (4, 4)


def test_an_acknowledged_entry_that_is_not_the_stores_own_moves_nothing() -> None:
    store = Store(chain(3))
    store.open()
    effects = store.answer("acknowledged", chain(3, word="b").head())
    assert kinds(effects) == ["Alarm", "Sleep"]
    assert effects[0] == Alarm("acknowledged_other_history")
    assert store.state.queued == 3
    assert store.state.session is None


def test_requests_have_numbers_of_their_own_in_all_sessions_of_a_run() -> None:
    store = Store(chain(3))
    given = [only(store.open(), Send).request]
    store.tell(SessionEnded("s" * 20))
    store.tell(Lost(given[0]))
    store.now += 10_000
    given.append(only(store.open(), Send).request)
    assert given == sorted(set(given))


class TestACursorGoesDown:
    def test_when_a_session_says_that_less_is_held(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(8),))
        effects = store.open(chain(9).head(5), timeline=2)
        assert effects[0] == SaveCursor(chain(9).head(5))
        assert only(effects, Send).from_seq == 6
        assert "Alarm" not in kinds(effects)  # it counted its timeline, so it knows

    def test_when_a_session_knows_nothing_of_the_epoch(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(9),))
        assert only(store.open(timeline=2), Send).from_seq == 1

    def test_with_an_alarm_when_head_office_forgot_to_count_its_timeline(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(8),), timeline=2)
        assert Alarm("hub_rewound") in store.open(chain(9).head(5), timeline=2)
        assert store.state.alarm == "hub_rewound"

    def test_with_an_alarm_when_its_timeline_fell(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(8),), timeline=3)
        assert Alarm("hub_timeline_fell") in store.open(chain(9).head(8), timeline=2)

    def test_when_an_answer_rewinds_and_then_asks_what_else_is_lost(self) -> None:
        old, new = chain(4, epoch=5), chain(9)
        store = Store(old, new, cursors=(old.head(), new.head(8)))
        store.open(old.head(), new.head(8))
        effects = store.answer("rewind", new.head(3), *(new.head(seq) for seq in (3, 2, 1, 0)))
        assert effects[:2] == [SaveCursor(new.head(3)), Alarm("hub_rewound")]
        opening = only(effects, OpenSession)
        answer = session_answer(old.head(1), new.head(3))
        effects = store.tell(SessionOpened(opening.request, answer, store.own(answer)))
        assert SaveCursor(old.head(1)) in effects

    def test_when_the_place_it_is_rewound_to_is_another_history_then_to_the_last_common_place(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(8),))
        store.open(chain(9).head(8))
        other = Chain(EPOCH, ["a1", "a2", "b3", "b4", "b5"])
        effects = store.answer("rewind", other.head(), *(other.head(seq) for seq in (5, 4, 3, 1, 0)))
        assert effects[0] == SaveCursor(chain(9).head(1))

    def test_at_the_start_when_the_journal_does_not_reach_it(self) -> None:
        store = Store(chain(4), cursors=(chain(9).head(8),))
        assert store.state.queued == 4

    def test_but_never_because_something_was_heard_late(self) -> None:
        store = Store(chain(9))
        store.tell(Woken((chain(9).head(4),)))
        assert store.state.cursors[0].newest == chain(9).head()


class TestEpochs:
    def test_every_epoch_is_sent_the_open_one_first_and_the_older_ones_each_fourth_batch(self) -> None:
        old, new = chain(40, epoch=5), chain(40)
        store = Store(old, new)
        send = only(store.open(credits=2), Send)
        order = []
        while send.limit:
            order.append(send.epoch)
            assert send.closed == (send.epoch == 5)
            place = store.chains[send.epoch].head(min(40, send.from_seq + send.limit - 1))
            found = [e for e in store.answer("acknowledged", place, credits=2) if isinstance(e, Send)]
            if not found:
                break
            send = found[0]
        assert order[:8] == [EPOCH, EPOCH, EPOCH, 5, EPOCH, EPOCH, EPOCH, 5]
        assert order.count(5) == order.count(EPOCH) == 20
        assert store.state.queued == 0

    def test_an_older_epoch_that_is_always_refused_holds_up_no_other(self) -> None:
        refused, fine, new = chain(3, epoch=3), chain(3, epoch=5), chain(3)
        store = Store(refused, fine, new)
        effects = store.open(credits=2)
        for _ in range(40):
            for send in (effect for effect in effects if isinstance(effect, Send)):
                if send.epoch == refused.epoch:
                    effects = store.tell(Refused(send.request, "broken_push"))
                else:
                    place = store.chains[send.epoch].head(min(3, send.from_seq - 1 + send.limit))
                    effects = store.answer("acknowledged", place, credits=2)
                break
            else:
                store.now += 600_000
                effects = store.tell(Tick())
        assert [cursor.waiting for cursor in store.state.cursors] == [3, 0, 0]

    def test_a_new_life_becomes_the_open_epoch(self) -> None:
        old, new = chain(3, epoch=5), chain(1)
        store = Store(old, cursors=(old.head(),))
        store.open(old.head())
        store.answer("acknowledged", old.head())
        store.chains[EPOCH] = new
        send = only(store.tell(Woken((new.head(),))), Send)
        assert (send.epoch, send.from_seq, send.closed) == (EPOCH, 1, False)
        store.answer("acknowledged", new.head())
        store.now += HEARTBEAT_MS
        assert [(c.epoch, c.waiting) for c in store.state.cursors] == [(5, 0), (EPOCH, 0)]

    def test_an_epoch_that_only_head_office_has_is_fetched_and_asked_for_once(self) -> None:
        lost = chain(4, epoch=5)
        store = Store(chain(2))
        assert Heal(empty(5)) in store.open(lost.head(), chain(2).head())
        store.tell(SessionEnded("s" * 20))
        store.answer("acknowledged", chain(2).head())
        answer = session_answer(lost.head(), chain(2).head())
        flight = store.state.in_flight
        assert flight is not None
        assert Heal(empty(5)) not in store.tell(SessionOpened(flight.request, answer, store.own(answer)))
        store.chains[5] = lost
        store.tell(Healed(5, (lost.head(), chain(2).head())))
        assert [cursor.epoch for cursor in store.state.cursors] == [5, EPOCH]
        assert store.state.missing == ()

    def test_an_epoch_that_was_healed_and_is_told_alone_leaves_the_others_where_they_are(self) -> None:
        old, new = chain(3, epoch=5), chain(2)
        store = Store(old, new)
        store.open()
        store.tell(Healed(EPOCH, (new.head(),)))
        assert [cursor.epoch for cursor in store.state.cursors] == [5, EPOCH]


class TestEverythingIsHere:
    def test_once_every_life_was_proved_up_to_its_end(self) -> None:
        old, new = chain(3, epoch=5), chain(2)
        store = Store(old, new, cursors=(old.head(), new.head()))
        assert not store.state.is_whole, "nobody has been asked"
        store.open(old.head(), new.head(1))
        assert not store.state.is_whole, "head office may hold another second entry"
        store.answer("acknowledged", new.head())
        assert store.state.is_whole
        store.tell(SessionEnded("s" * 20))
        assert not store.state.is_whole

    def test_not_while_a_life_that_only_head_office_has_is_fetched(self) -> None:
        lost, new = chain(4, epoch=5), chain(2)
        store = Store(new, cursors=(new.head(),))
        store.open(lost.head(), new.head())
        assert not store.state.is_whole
        store.chains[5] = lost
        store.tell(Healed(5, (lost.head(), new.head())))
        while not store.state.is_whole:
            store.now += HEARTBEAT_MS
            flight = store.state.in_flight
            assert flight is not None
            assert flight.newest is not None
            store.answer("acknowledged", flight.newest)
            store.tell(Tick())
        assert [cursor.acknowledged for cursor in store.state.cursors] == [lost.head(), new.head()]

    def test_not_while_head_office_has_more_of_a_life_or_another_history_of_it(self) -> None:
        mine, theirs = chain(5), chain(9)
        store = Store(mine, cursors=(mine.head(),))
        store.open(theirs.head())
        assert not store.state.is_whole
        store.answer("fork", mine.head(), *(theirs.head(seq) for seq in (9, 6, 5)))
        assert not store.state.is_whole


class TestHeartbeats:
    def test_with_nothing_to_send_all_epochs_take_turns(self) -> None:
        chains = chain(2, epoch=3), chain(3, epoch=5), chain(4)
        store = Store(*chains, cursors=tuple(each.head() for each in chains))
        send = only(store.open(*(each.head() for each in chains)), Send)
        beaten = []
        for _ in range(9):
            assert (send.limit, send.from_seq) == (0, send.newest.seq + 1)
            beaten.append(send.epoch)
            store.now += 1
            effects = store.answer("acknowledged", send.newest)
            assert effects[-1] == Sleep(store.now - 1 + HEARTBEAT_MS)
            assert store.tell(Tick()) == effects[-1:]
            store.now += HEARTBEAT_MS
            send = only(store.tell(Tick()), Send)
        assert beaten == [3, 5, EPOCH] * 3

    def test_the_first_in_a_session_does_not_wait(self) -> None:
        store = Store(chain(4), cursors=(chain(4).head(),))
        store.open(chain(4).head())
        store.answer("acknowledged", chain(4).head())
        store.tell(SessionEnded("s" * 20))
        flight = store.state.in_flight
        assert flight is not None
        answer = session_answer(chain(4).head())
        send = only(store.tell(SessionOpened(flight.request, answer, store.own(answer))), Send)
        assert (send.from_seq, send.limit) == (5, 0)

    def test_say_nothing_about_how_large_a_batch_may_be(self) -> None:
        store = Store(chain(4), cursors=(chain(4).head(),))
        assert only(store.open(chain(4).head()), Send).limit == 0
        before = store.state.batch
        store.answer("acknowledged", chain(4).head())
        store.now += HEARTBEAT_MS
        store.tell(Tick())
        store.now += 5_000
        store.answer("acknowledged", chain(4).head())
        assert store.state.batch == before

    def test_one_finds_out_that_head_office_holds_less(self) -> None:
        store = Store(chain(9), cursors=(chain(9).head(),))
        assert only(store.open(chain(9).head()), Send).limit == 0
        effects = store.answer("rewind", chain(9).head(4), chain(9).head(4))
        assert SaveCursor(chain(9).head(4)) in effects


class TestAnotherHistory:
    def test_is_healed_from_the_exact_place(self) -> None:
        mine, theirs = chain(9), Chain(EPOCH, [*chain(6).contents, "b7", "b8"])
        store = Store(mine, cursors=(mine.head(4),))
        store.open(theirs.head())
        effects = store.answer("fork", mine.head(6), theirs.head(7), mine.head(6))
        assert effects[:3] == [SaveCursor(mine.head(6)), Heal(mine.head(6)), Alarm("other_history")]

    def test_below_the_cursor_is_no_rewound_head_office(self) -> None:
        mine, theirs = chain(9), Chain(EPOCH, [*chain(6).contents, "b7", "b8", "b9"])
        store = Store(mine, cursors=(mine.head(8),))
        store.open()
        store.answer("acknowledged", mine.head(8))
        effects = store.answer("fork", empty(), theirs.head(7), mine.head(6))
        assert kinds(effects) == ["SaveCursor", "Heal", "Alarm", "Sleep"]
        assert effects[2] == Alarm("other_history")
        assert store.state.session is not None

    def test_rests_until_it_is_healed_while_all_other_epochs_go_on(self) -> None:
        mine, theirs = chain(9), Chain(EPOCH, [*chain(6).contents, "b7"])
        store = Store(mine)
        store.open()
        effects = store.answer("fork", mine.head(6), theirs.head(7), mine.head(6))
        assert "Send" not in kinds(effects)
        new = chain(2, epoch=11)
        store.chains[11] = new
        assert only(store.tell(Woken((new.head(),))), Send).epoch == 11
        assert "Send" not in kinds(store.answer("acknowledged", new.head()))
        store.now += 5 * HEARTBEAT_MS
        assert only(store.tell(Tick()), Send).epoch == 11
        store.answer("acknowledged", new.head())
        store.chains[EPOCH] = theirs
        send = only(store.tell(Healed(EPOCH, (theirs.head(), new.head()))), Send)
        assert (send.epoch, send.from_seq, send.closed, send.newest) == (EPOCH, 7, True, theirs.head())

    def test_that_is_not_placed_yet_is_proved_on_from_the_last_common_place(self) -> None:
        mine, theirs = chain(90), Chain(EPOCH, [*chain(60).contents, *(f"b{n}" for n in range(61, 91))])
        store = Store(mine)
        store.open()
        effects = store.answer("fork", empty(), *(theirs.head(seq) for seq in (90, 89, 87, 83, 75, 59, 27, 0)))
        assert effects[0] == SaveCursor(mine.head(59))
        assert "Heal" not in kinds(effects)
        assert only(effects, Send).from_seq == 60
        assert only(effects, Send).limit > 0

    def test_that_only_goes_on_where_the_stores_ends_is_healed_at_its_end(self) -> None:
        mine, theirs = chain(5), chain(9)
        store = Store(mine, cursors=(mine.head(),))
        send = only(store.open(theirs.head()), Send)
        assert (send.from_seq, send.limit) == (6, 0)
        effects = store.answer("fork", mine.head(), *(theirs.head(seq) for seq in (9, 6, 5)))
        assert Heal(mine.head()) in effects

    def test_is_placed_at_the_end_that_was_announced_although_the_till_sold_on_meanwhile(self) -> None:
        # Head office knows of lost entries, so its answer names no place behind the announced end.
        mine = chain(5)
        store = Store(mine, cursors=(mine.head(),))
        store.open(mine.head())
        mine.append("a6")
        store.tell(Woken((mine.head(),)))
        assert Heal(mine.head(5)) in store.answer("fork", mine.head(5), mine.head(5))

    def test_found_when_the_session_opens_is_looked_into_at_once(self) -> None:
        old, new = chain(5, epoch=5), chain(3)
        store = Store(old, new, cursors=(old.head(), new.head()))
        send = only(store.open(chain(9, epoch=5).head(), new.head()), Send)
        assert (send.epoch, send.limit) == (5, 0)


class TestRefusals:
    def refuse(self, store: Store, code: str, **changes: object) -> list[Effect]:
        flight = store.state.in_flight
        assert flight is not None
        return store.tell(Refused(flight.request, code, **changes))

    def test_a_store_that_does_not_know_the_fence_is_told_and_asks_again_at_once(self) -> None:
        store = Store(chain(1))
        store.tell(Tick())
        opening = only(self.refuse(store, "fenced", fence=77), OpenSession)
        assert opening.fence == 77
        assert kinds(self.refuse(store, "fenced", fence=77)) == ["Sleep"]  # but does not ask for ever

    def test_a_lower_fence_is_that_of_a_head_office_put_back(self) -> None:
        store = Store(chain(1))
        store.open(fence=90)
        assert only(self.refuse(store, "fenced", fence=12), OpenSession).fence == 12

    @pytest.mark.parametrize("code", ["wrong_timeline", "unauthorized"])
    def test_a_session_that_is_over_is_opened_anew_but_not_in_a_hurry(self, code: str) -> None:
        store = Store(chain(1))
        store.open()
        sleep = only(self.refuse(store, code), Sleep)
        assert store.now < sleep.until_ms <= store.now + 1_000
        store.now = sleep.until_ms
        assert kinds(store.tell(Tick())) == ["OpenSession"]

    def test_an_answer_from_another_timeline_is_not_believed(self) -> None:
        store = Store(chain(3))
        store.open()
        assert kinds(store.answer("acknowledged", chain(3).head(), timeline=2)) == ["Sleep"]
        assert (store.state.session, store.state.queued) == (None, 3)

    @pytest.mark.parametrize(
        "code", ["store_revoked", "quarantined", "superseded", "upgrade_required", "store_unknown"]
    )
    def test_what_only_a_person_can_end_is_said_once_and_asked_again_now_and_then(self, code: str) -> None:
        store = Store(chain(1))
        store.open()
        effects = self.refuse(store, code)
        assert effects[0] == Alarm(code)
        for _ in range(3):
            until = only(effects, Sleep).until_ms
            assert store.now + SLOW_RETRY_MS <= until <= store.now + 2 * SLOW_RETRY_MS
            store.now = until
            assert kinds(store.tell(Tick())) == ["OpenSession"]
            effects = self.refuse(store, code)
            assert kinds(effects) == ["Sleep"]
        assert store.state.queued == 1

    def test_a_busy_head_office_is_left_alone_as_long_as_it_says(self) -> None:
        store = Store(chain(1))
        store.open()
        before = store.state.batch
        sleep = only(self.refuse(store, "too_many_requests", retry_after_ms=20_000), Sleep)
        assert store.now + 20_000 < sleep.until_ms <= store.now + 21_000
        assert store.state.batch == before // 2
        assert store.tell(Woken((chain(1).head(),))) == [sleep]

    def test_a_body_that_is_too_large_is_cut_down_to_a_single_op(self) -> None:
        store = Store(chain(1))
        store.open()
        for _ in range(12):
            self.refuse(store, "body_too_large")
            store.now += 600_000
            store.tell(Tick())
        assert store.state.batch == 1

    def test_an_overtaken_request_is_sent_again_without_alarm(self) -> None:
        store = Store(chain(1))
        store.open()
        assert kinds(self.refuse(store, "stale_request")) == ["Sleep"]

    def test_an_unknown_refusal_is_said_and_nothing_is_dropped(self) -> None:
        store = Store(chain(2))
        store.open()
        effects = self.refuse(store, "broken_push")
        assert kinds(effects) == ["Alarm", "Sleep"]
        assert store.state.queued == 2

    def test_an_alarm_stands_until_a_push_goes_through(self) -> None:
        store = Store(chain(9))
        store.open()
        assert Alarm("broken_push") in self.refuse(store, "broken_push")
        store.tell(SessionEnded("s" * 20))
        store.now += 600_000
        store.open()
        assert Alarm("broken_push") not in self.refuse(store, "broken_push")
        store.now += 600_000
        store.tell(Tick())
        store.answer("fork", empty(), *(chain(9, word="b").head(seq) for seq in (9, 5, 3, 0)))
        assert store.state.alarm == "broken_push"
        store.answer("acknowledged", chain(9).head(2))
        assert store.state.alarm is None
        assert Alarm("broken_push") in self.refuse(store, "broken_push")

    def test_a_refusal_of_another_request_is_dropped(self) -> None:
        store = Store(chain(1))
        store.open()
        before = store.state
        assert store.tell(Refused(999, "quarantined")) == []
        assert store.tell(Lost(999)) == []
        assert store.state == before
        nothing_under_way = Store()
        assert nothing_under_way.tell(Refused(1, "quarantined")) == []
        assert nothing_under_way.tell(Lost(1)) == []


class TestPace:
    def test_waits_grow_with_each_failure_and_end_with_the_first_success(self) -> None:
        spans = []
        for seed in range(60):
            store = Store(chain(1))
            store.state = replace(store.state, seed=seed)
            waits = []
            for _ in range(14):
                store.tell(Tick())
                flight = store.state.in_flight
                assert flight is not None
                until = only(store.tell(Lost(flight.request)), Sleep).until_ms
                waits.append(until - store.now)
                store.now = until
            spans.append(waits)
        longest = [max(column) for column in zip(*spans, strict=True)]
        assert longest[0] <= 1_000
        assert all(longest[n] > 1.3 * longest[n - 1] for n in range(1, 8))
        assert 200_000 < max(longest) <= 300_000
        assert min(column for column in spans[0]) > 0

    def test_a_success_forgets_all_failures(self) -> None:
        store = Store(chain(2))
        for _ in range(5):
            store.tell(Tick())
            flight = store.state.in_flight
            assert flight is not None
            store.tell(Lost(flight.request))
            store.now += 600_000
        store.open()
        assert not store.state.is_online
        store.answer("acknowledged", chain(2).head(1))
        assert (store.state.attempt, store.state.is_online) == (0, True)

    def test_a_batch_grows_by_steps_and_is_halved_by_a_slow_or_lost_answer(self) -> None:
        long = chain(5_000)
        store = Store(long)
        sizes = [only(store.open(), Send).limit]
        for _ in range(3):
            place = long.head(sum(sizes))
            sizes.append(only(store.answer("acknowledged", place), Send).limit)
        assert [b - a for a, b in itertools.pairwise(sizes)] == [BATCH_STEP] * 3
        store.now += 1_001
        slow = only(store.answer("acknowledged", long.head(sum(sizes))), Send)
        assert slow.limit == sizes[-1] // 2
        flight = store.state.in_flight
        assert flight is not None
        store.tell(Lost(flight.request))
        store.now += 1_001
        assert only(store.tell(Tick()), Send).limit == sizes[-1] // 4

    def test_a_batch_is_never_larger_than_head_office_says(self) -> None:
        long = chain(6_000)
        store = Store(long)
        assert only(store.open(credits=30), Send).limit == 30
        assert only(store.answer("acknowledged", long.head(30), credits=0), Send).limit == 1
        limit, seq = 1, 30
        for _ in range(12):
            seq += limit
            limit = only(store.answer("acknowledged", long.head(seq)), Send).limit
        assert limit == PUSH_OPS_MAX

    def test_the_store_waits_as_long_as_an_answer_asks(self) -> None:
        store = Store(chain(9))
        store.open()
        effects = store.answer("acknowledged", chain(9).head(3), wait_ms=4_000)
        assert effects[-1] == Sleep(store.now + 4_000)


def test_a_session_ended_by_another_door_is_opened_anew_with_its_fence() -> None:
    store = Store(chain(2))
    store.open()
    assert store.tell(SessionEnded("another session")) == []
    assert store.state.session == "s" * 20
    store.tell(SessionEnded("s" * 20, fence=55))
    opening = only(store.answer("acknowledged", chain(2).head()), OpenSession)
    assert opening.fence == 55


def test_a_store_without_a_journal_has_nothing_to_say() -> None:
    store = Store()
    assert store.tell(Tick()) == []
