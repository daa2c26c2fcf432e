"""When thousands of stores wake at once, memory stays bounded, the pressing goes first, and each gets its turn."""

import heapq
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.protocol.admission import (
    EXPECTED_MS_MIN,
    HANDICAP_MS,
    KEPT_MS,
    PROFILES,
    REDEMPTIONS,
    RETRY_MS_MAX,
    RETRY_MS_MIN,
    SALES,
    TELEMETRY,
    TRIES_PER_S,
    TURN_MS,
    Admission,
    Limits,
    Served,
    Ticket,
    TurnedAway,
    Waiting,
)


def ticket(store: int, priority: int = SALES, number: int = 1) -> Ticket:
    return Ticket(UUID(int=store), priority, number)


def line(served: int = 1, waiting: int = 3) -> Admission:
    return Admission(Limits(served=served, waiting=waiting))


def called(admission: Admission, first: Ticket, now_ms: int) -> list[Ticket]:
    """Who is served from here on, one after the other, when each takes 1 ms."""
    order, leaving = [], [first]
    while leaving:
        now_ms += 1
        following = admission.leave(leaving.pop(), now_ms)
        order += following
        leaving += following
    return order


def test_requests_are_served_up_to_the_limit_then_wait_then_are_turned_away() -> None:
    admission = line(served=2, waiting=2)
    decisions = [admission.arrive(ticket(store), 1_000 + store) for store in range(1, 6)]
    assert decisions[:2] == [Served(), Served()]
    assert decisions[2:4] == [Waiting(), Waiting()]
    assert isinstance(decisions[4], TurnedAway)
    assert (admission.served, admission.waiting) == (2, 2)


def test_whoever_leaves_makes_room_for_the_first_in_the_line() -> None:
    admission = line()
    for store in (1, 2, 3):
        admission.arrive(ticket(store), 1_000 + store)
    assert admission.leave(ticket(1), 1_100) == (ticket(2),)
    assert admission.leave(ticket(1), 1_101) == ()
    assert admission.leave(ticket(2), 1_200) == (ticket(3),)
    assert admission.leave(ticket(3), 1_300) == ()
    assert (admission.served, admission.waiting) == (0, 0)


def test_what_is_more_pressing_goes_first() -> None:
    admission = line(waiting=9)
    admission.arrive(ticket(9), 1_000)
    for store, priority in enumerate((TELEMETRY, PROFILES, SALES, REDEMPTIONS)):
        admission.arrive(ticket(store, priority), 1_000)
    order = called(admission, ticket(9), 1_001)
    assert [each.priority for each in order] == [REDEMPTIONS, SALES, PROFILES, TELEMETRY]


def test_what_has_waited_long_enough_goes_before_what_is_more_pressing() -> None:
    admission = line(waiting=9)
    admission.arrive(ticket(9), 1_000)
    old = ticket(1, TELEMETRY)
    admission.arrive(old, 1_000)
    soon = 1_000 + HANDICAP_MS[TELEMETRY] - HANDICAP_MS[REDEMPTIONS]
    admission.arrive(ticket(2, REDEMPTIONS), soon - 1)
    admission.arrive(ticket(3, REDEMPTIONS), soon + 1)
    assert [each.store.int for each in called(admission, ticket(9), soon + 2)] == [2, 1, 3]


def test_a_store_that_asks_over_and_over_stands_behind_those_that_ask_seldom() -> None:
    admission = line(waiting=9)
    now = 1_000
    for number in range(4):
        assert admission.arrive(ticket(1, number=number), now) == Served()
        if number < 3:
            admission.leave(ticket(1, number=number), now + 1)
        now += 10
    admission.arrive(ticket(1, REDEMPTIONS, number=9), now)
    admission.arrive(ticket(2), now + 1)
    eager, seldom = now + HANDICAP_MS[SALES] - 40 + 4 * TURN_MS, now + 1 + HANDICAP_MS[SALES]
    assert eager > seldom
    assert [each.store.int for each in called(admission, ticket(1, number=3), now + 2)] == [2, 1]


def test_a_full_line_lets_go_of_its_last_for_a_better_place() -> None:
    admission = line(waiting=2)
    admission.arrive(ticket(9), 1_000)
    admission.arrive(ticket(1, TELEMETRY), 1_000)
    admission.arrive(ticket(2, SALES), 1_000)
    decision = admission.arrive(ticket(3, REDEMPTIONS), 1_000)
    assert isinstance(decision, Waiting)
    assert decision.instead_of is not None
    assert decision.instead_of.ticket == ticket(1, TELEMETRY)
    assert isinstance(admission.arrive(ticket(4, PROFILES), 1_000), TurnedAway)
    assert [each.store.int for each in called(admission, ticket(9), 1_001)] == [3, 2]


def test_whoever_was_turned_away_has_the_place_of_his_first_try() -> None:
    admission = line(waiting=1)
    admission.arrive(ticket(9), 1_000)
    admission.arrive(ticket(1), 1_000)
    assert isinstance(admission.arrive(ticket(2), 1_500), TurnedAway)
    admission.leave(ticket(9), 2_000)
    admission.arrive(ticket(3), 2_001)
    decision = admission.arrive(ticket(2, number=2), 9_000)
    assert isinstance(decision, Waiting)
    assert decision.instead_of is not None
    assert decision.instead_of.ticket == ticket(3)


def test_a_request_that_gives_up_frees_its_place() -> None:
    admission = line(waiting=1)
    admission.arrive(ticket(9), 1_000)
    admission.arrive(ticket(1), 1_000)
    gone = admission.give_up(ticket(1), 1_001)
    assert gone is not None
    assert gone.ticket == ticket(1)
    assert admission.give_up(ticket(1), 1_001) is None
    assert admission.give_up(ticket(9), 1_001) is None
    assert admission.arrive(ticket(2), 1_001) == Waiting()


def test_a_store_that_asks_again_while_it_waits_takes_over_its_own_place() -> None:
    admission = line(waiting=2)
    admission.arrive(ticket(9), 1_000)
    admission.arrive(ticket(1), 1_000)
    decision = admission.arrive(ticket(1, number=2), 5_000)
    assert isinstance(decision, Waiting)
    assert decision.instead_of is not None
    assert decision.instead_of.ticket == ticket(1)
    assert admission.waiting == 1
    assert isinstance(admission.arrive(ticket(1, REDEMPTIONS), 5_000), Waiting)  # another class is another thing
    assert called(admission, ticket(9), 5_001)[0] == ticket(1, number=2)


def test_a_store_never_has_all_the_turns_however_much_it_asks() -> None:
    admission = line(served=4, waiting=9)
    mine = [ticket(1, number=number) for number in (1, 2)]
    assert [admission.arrive(each, 0) for each in mine] == [Served(), Served()]
    waits = ticket(1, PROFILES, 3)
    assert admission.arrive(waits, 0) == Waiting()
    others = [ticket(store) for store in (2, 3)]
    assert [admission.arrive(each, 1) for each in others] == [Served(), Served()]
    late = ticket(4)
    assert admission.arrive(late, 2) == Waiting()
    assert admission.leave(others[0], 3) == (late,)
    assert admission.leave(late, 4) == (), "a turn is free, and it is not the store's"
    assert admission.leave(mine[0], 5) == (waits,)


def test_nobody_waits_where_waiting_is_not_allowed() -> None:
    admission = line(waiting=0)
    assert admission.arrive(ticket(1), 0) == Served()
    assert isinstance(admission.arrive(ticket(2), 0), TurnedAway)


def test_the_time_to_come_back_grows_with_the_rush_and_differs_from_store_to_store() -> None:
    admission = line(served=2, waiting=5)
    decisions = [admission.arrive(ticket(store), 1_000) for store in range(3_000)]
    away = [decision.retry_after_ms for decision in decisions if isinstance(decision, TurnedAway)]
    assert max(away[:20]) < 4_000
    assert sum(away[-200:]) > 4 * sum(away[:200])
    assert len(set(away[-500:])) > 450
    assert max(away) <= RETRY_MS_MAX


def test_two_stores_that_are_turned_away_at_the_same_moment_come_back_at_different_ones() -> None:
    told = []
    for store in range(200):
        admission = line(served=1, waiting=0)
        admission.arrive(ticket(999), 1_000)
        decision = admission.arrive(ticket(store), 1_000)
        assert isinstance(decision, TurnedAway)
        told.append(decision.retry_after_ms)
    assert len(set(told)) > 150
    assert max(told) - min(told) > 800


@pytest.mark.parametrize("slow_ms", [10, 1_000])
def test_the_time_to_come_back_follows_how_long_service_takes(slow_ms: int) -> None:
    admission = line(served=1, waiting=1)
    now = 0
    for number in range(60):
        admission.arrive(ticket(1, number=number), now)
        now += slow_ms
        admission.leave(ticket(1, number=number), now)
    for store in range(2, 102):
        last = admission.arrive(ticket(store), now)
    assert isinstance(last, TurnedAway)
    assert (last.retry_after_ms > 1_000 + EXPECTED_MS_MIN // 2) == (slow_ms == 1_000)


def test_a_time_measured_in_the_middle_of_a_rush_is_not_believed_beyond_what_asking_costs() -> None:
    admission = line(served=1, waiting=0)
    admission.arrive(ticket(1), 0)
    admission.leave(ticket(1), 600_000)
    admission.arrive(ticket(1, number=2), 600_000)
    away = [admission.arrive(ticket(store), 600_000) for store in range(2, 5_002)]
    told = [each.retry_after_ms for each in away if isinstance(each, TurnedAway)]
    assert len(told) == 5_000
    believed = 5_000 * 1_000 // TRIES_PER_S
    assert max(told) <= RETRY_MS_MIN + believed * 3 // 2
    assert max(told[:100]) <= RETRY_MS_MIN + EXPECTED_MS_MIN * 3 // 2
    assert len(set(told[-500:])) > 450, "each at a moment of its own"


def test_a_store_that_is_turned_away_again_and_again_counts_once() -> None:
    admission = line(served=1, waiting=0)
    admission.arrive(ticket(9), 1_000)
    told = []
    for number in range(5_000):
        decision = admission.arrive(ticket(1, number=number), 1_000 + number)
        assert isinstance(decision, TurnedAway)
        told.append(decision.retry_after_ms)
    assert told[-1] == told[0]


def test_the_place_of_one_who_never_came_back_is_forgotten() -> None:
    admission = line(served=1, waiting=0)
    admission.arrive(ticket(9), 1_000)
    for store in range(1_000):
        admission.arrive(ticket(store + 100), 1_000)
    soon = admission.arrive(ticket(1), 1_000 + KEPT_MS)
    late = admission.arrive(ticket(1), 1_001 + KEPT_MS)
    assert isinstance(soon, TurnedAway)
    assert isinstance(late, TurnedAway)
    assert (soon.retry_after_ms > EXPECTED_MS_MIN // 2, late.retry_after_ms > EXPECTED_MS_MIN // 2) == (True, False)


@given(
    acts=st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from([REDEMPTIONS, SALES, TELEMETRY]), st.sampled_from("aalg")),
        max_size=60,
    )
)
def test_every_request_is_in_exactly_one_place(acts: list[tuple[int, int, str]]) -> None:
    admission = line(served=2, waiting=3)
    served: set[Ticket] = set()
    waiting: set[Ticket] = set()
    for number, (store, priority, act) in enumerate(acts):
        now = number * 100
        if act == "a":
            newcomer = ticket(store, priority, number)
            match admission.arrive(newcomer, now):
                case Served():
                    served.add(newcomer)
                case Waiting(instead_of):
                    waiting.add(newcomer)
                    waiting -= {instead_of.ticket} if instead_of else set()
                case TurnedAway(turned, retry_after_ms):
                    assert turned == newcomer
                    assert retry_after_ms > 0
        elif act == "l" and served:
            leaving = min(served, key=lambda each: each.number)
            served.remove(leaving)
            for following in admission.leave(leaving, now):
                waiting.remove(following)
                served.add(following)
        elif act == "g" and waiting:
            going = max(waiting, key=lambda each: each.number)
            waiting.remove(going)
            assert admission.give_up(going, now) is not None
        assert (admission.served, admission.waiting) == (len(served), len(waiting))
        assert len(served) <= 2
        assert len(waiting) <= 3
        assert not waiting or len(served) == 2


@pytest.mark.parametrize("first_ms", [20, 20_000])
def test_stores_that_wake_all_at_once_are_all_served_within_a_few_times_the_time_it_takes(first_ms: int) -> None:
    """A thousand stores wake in the same second; each has five batches that take 20 ms, eight at a time. The first
    eight may take very long: then all the others come at once."""
    stores, batches = 1_000, 5
    admission = Admission(Limits(served=8, waiting=50))
    left = dict.fromkeys(range(stores), batches)
    done: Counter[int] = Counter()
    finished: dict[int, int] = {}
    taken: set[Ticket] = set()
    events: list[tuple[int, int, str, Ticket]] = []
    for store in range(stores):
        heapq.heappush(events, (store, store, "arrive", ticket(store)))
    now, turns = 0, stores
    while events:
        now, _, act, each = heapq.heappop(events)
        turns += 1
        begun: tuple[Ticket, ...] = ()
        if act == "arrive":
            match admission.arrive(each, now):
                case Served():
                    begun = (each,)
                case Waiting(instead_of) if instead_of is not None:
                    heapq.heappush(events, (now + instead_of.retry_after_ms, turns, "arrive", instead_of.ticket))
                case TurnedAway(_, retry_after_ms):
                    heapq.heappush(events, (now + retry_after_ms, turns, "arrive", each))
        else:
            begun = admission.leave(each, now)
            store = each.store.int
            done[store] += 1
            left[store] -= 1
            if left[store]:
                heapq.heappush(events, (now + 5, turns, "arrive", ticket(store, number=each.number + 1)))
            else:
                finished[store] = now
        for following in begun:
            turns += 1
            service_ms = 20 if len(taken) >= 8 else first_ms
            taken.add(following)
            heapq.heappush(events, (now + service_ms, turns, "leave", following))
        assert admission.waiting <= 50
    assert set(done.values()) == {batches}
    least_ms = stores * batches * 20 // 8
    assert max(finished.values()) < 2 * least_ms + 2 * first_ms
    assert turns < 8 * stores * batches
