"""Head office proves the chain, takes what is new, acknowledges what this message proved, and finds other histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.chain import ZERO_HASH, Head
from sync.protocol.messages import Op, Push
from sync.protocol.push_hub import (
    EpochState,
    Received,
    answer_of,
    nothing_held,
    places_wanted,
    prove_batch,
    receive,
)
from sync.protocol.refusals import BrokenPush
from tests.sync.protocol.places import Chain, push_of

EPOCH = 7
TRUE = [f"a{number}" for number in range(1, 101)]


def chain(own: int, other: int = 0) -> Chain:
    """`own` entries of the one history, then `other` of another."""
    return Chain(EPOCH, TRUE[:own] + [f"b{number}" for number in range(own + 1, own + other + 1)])


def held_of(office: Chain, **changes: object) -> EpochState:
    return replace(EpochState(head=office.head(), announced=office.head()), **changes)


def take(office: Chain, push: Push, held: EpochState | None = None) -> Received:
    """What head office, which holds `office`, makes of a push; the hashes it needs are read as the edge reads them."""
    state = held if held is not None else held_of(office)
    batch = prove_batch(push)
    wanted = places_wanted(state, batch)
    assert all(0 < seq < state.head.seq for seq in wanted)
    return receive(state, {seq: office.hashes[seq] for seq in wanted}, batch)


def seqs(received: Received) -> list[int]:
    return [op.seq for op in received.insert]


# What is held, what the store has, from where and how many it sends; the outcome, the place and what is inserted.
ORDINARY = {
    "the first ops of an epoch": (0, 3, 1, 3, "acknowledged", 3, [1, 2, 3]),
    "ops right behind the head": (5, 9, 6, 2, "acknowledged", 7, [6, 7]),
    "ops that are all held already": (9, 9, 4, 3, "acknowledged", 6, []),
    "ops of which some are held": (5, 9, 4, 4, "acknowledged", 7, [6, 7]),
    "a heartbeat at the head": (5, 5, 6, 0, "acknowledged", 5, []),
    "a heartbeat of a store with more": (5, 8, 6, 0, "acknowledged", 5, []),
    "a heartbeat of an empty epoch": (0, 0, 1, 0, "acknowledged", 0, []),
    "a gap": (5, 9, 8, 2, "rewind", 5, []),
    "a gap where nothing is held": (0, 9, 4, 2, "rewind", 0, []),
    "a heartbeat behind a gap": (5, 9, 10, 0, "rewind", 5, []),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_a_store_of_the_same_history_is_taken_at_its_word(case: str) -> None:
    held, owned, from_seq, count, outcome, place, inserted = ORDINARY[case]
    received = take(chain(held), push_of(chain(owned), from_seq, count))
    assert (received.outcome, received.place, seqs(received)) == (outcome, chain(100).head(place), inserted)
    assert received.state.head == chain(100).head(max(inserted, default=held))
    assert received.state.state == "live"


def test_a_heartbeat_of_a_store_that_only_starts_again_from_the_beginning_proves_the_beginning_alone() -> None:
    # Acknowledging the head here would let a store that went another way behind it take our entries for its own.
    received = take(chain(9), push_of(chain(9), 1, 0))
    assert (received.outcome, received.place.seq) == ("acknowledged", 0)


def test_a_rewound_store_that_goes_another_way_finds_a_common_place_close_to_the_head() -> None:
    told = [head.seq for head in take(chain(60), push_of(chain(50, 40), 91, 0)).known]
    assert {60, 59, 58, 56, 52, 44, 28, 0} <= set(told)


def test_the_everyday_push_needs_no_look_at_what_is_held() -> None:
    held = held_of(chain(5))
    assert places_wanted(held, prove_batch(push_of(chain(9), 6, 4))) == ()
    assert places_wanted(nothing_held(EPOCH), prove_batch(push_of(chain(9), 1, 9))) == ()


def test_the_same_push_again_gives_the_same_answer_and_inserts_nothing() -> None:
    push = push_of(chain(9), 4, 6)
    first = take(chain(5), push)
    again = take(chain(9), push, first.state)
    assert (again.outcome, again.place, seqs(again), again.state) == (first.outcome, first.place, [], first.state)


# What is held and what the store has, each as (entries in common, entries of its own); from where and how many it
# sends; the place that was proved.
OTHERS = {
    "at the first op of the batch": ((5, 3), (5, 4), 6, 4, 5),
    "inside the batch": ((5, 3), (5, 4), 4, 5, 5),
    "at the last op": ((5, 1), (5, 1), 4, 3, 5),
    "at the very first entry": ((0, 3), (0, 4), 1, 4, 0),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_history_is_found_at_the_very_op_and_nothing_of_it_is_taken(case: str) -> None:
    (shared, theirs), (_, ours), from_seq, count, place = OTHERS[case]
    office = chain(100).copy()
    office.cut(shared)
    for number in range(theirs):
        office.append(f"c{number}")
    received = take(office, push_of(chain(shared, ours), from_seq, count))
    assert (received.outcome, received.place, seqs(received)) == ("fork", office.head(place), [])
    assert [head.seq for head in received.known] == [place + 1, place]
    assert received.state == held_of(office, state="forked", announced=received.state.announced)


def test_a_cursor_on_another_history_is_told_places_from_close_by_to_the_beginning() -> None:
    office, store = chain(90), chain(20, 60)
    received = take(office, push_of(store, 81, 0))
    told = [head.seq for head in received.known]
    assert (received.outcome, received.place.seq) == ("fork", 0)
    assert told == sorted(told, reverse=True)
    assert {80, 79, 78, 76, 72, 0} <= set(told)
    assert max(told) == 80
    assert all(bytes.fromhex(head.hash) == office.hashes[head.seq] for head in received.known)


def test_a_store_whose_end_is_another_is_told_places_up_to_it() -> None:
    # It sends entries that both have, but announces an end that ours does not have.
    office, store = chain(90), chain(40, 30)
    received = take(office, push_of(store, 11, 10))
    assert (received.outcome, received.place) == ("fork", office.head(20))
    told = [head.seq for head in received.known]
    assert {70, 69, 68, 66, 21, 22, 24, 20} <= set(told)
    assert set(told) <= set(range(20, 71))


def test_a_store_that_ends_before_the_head_is_told_once_its_end_is_reached() -> None:
    office = chain(90)
    on_the_way = take(office, push_of(chain(80), 11, 10))
    assert on_the_way.outcome == "fork"  # its end is held here, so nothing more has to be proved
    assert {81, 80, 20} <= {head.seq for head in on_the_way.known}
    at_the_end = take(office, push_of(chain(80), 81, 0))
    assert (at_the_end.outcome, at_the_end.place) == ("fork", office.head(80))
    assert at_the_end.known[0].seq == 90
    assert at_the_end.state.state == "forked"


def test_a_store_that_lost_what_it_had_announced_delivers_what_it_has_and_is_then_told() -> None:
    announced = held_of(chain(60), announced=chain(100).head())
    on_the_way = take(chain(60), push_of(chain(80), 61, 10), announced)
    assert (on_the_way.outcome, on_the_way.state.state, seqs(on_the_way)) == (
        "acknowledged",
        "forked",
        list(range(61, 71)),
    )
    at_the_end = take(chain(70), push_of(chain(80), 71, 10), on_the_way.state)
    assert (at_the_end.outcome, at_the_end.place, len(at_the_end.insert)) == ("fork", chain(80).head(), 10)
    assert at_the_end.state.announced == chain(100).head()
    assert at_the_end.lost is None


def test_a_store_that_has_another_entry_in_the_place_it_had_announced_is_found_out() -> None:
    announced = held_of(chain(60), announced=chain(80).head())
    overtaken = take(chain(60), push_of(chain(70, 20), 61, 30), announced)
    assert (overtaken.outcome, overtaken.state.state) == ("fork", "forked")
    assert overtaken.state.head == chain(70, 20).head()
    in_the_very_place = take(chain(60), push_of(chain(70, 10), 61, 5), announced)
    assert (in_the_very_place.outcome, in_the_very_place.state.state) == ("acknowledged", "forked")


def test_what_was_announced_and_is_lost_is_said_once_when_the_store_has_left_the_epoch() -> None:
    forked = held_of(chain(60), announced=chain(100).head(), state="forked")
    closing = take(chain(60), push_of(chain(80), 61, 20, closed=True), forked)
    assert (closing.outcome, closing.lost) == ("acknowledged", (81, 100))
    assert (closing.state.state, closing.state.announced) == ("closed", chain(80).head())
    assert take(chain(80), push_of(chain(80), 81, 0, closed=True), closing.state).lost is None


def test_what_head_office_has_is_not_lost_though_the_store_has_lost_it() -> None:
    received = take(chain(90), push_of(chain(80), 81, 0, closed=True), held_of(chain(90), announced=chain(100).head()))
    assert (received.outcome, received.lost) == ("fork", (91, 100))


def test_a_closed_epoch_is_asked_for_nothing_but_what_is_missing_in_it() -> None:
    closed = held_of(chain(80), state="closed")
    assert take(chain(80), push_of(chain(80), 81, 0, closed=True), closed).outcome == "acknowledged"
    assert take(chain(80), push_of(chain(70), 71, 0, closed=True), closed).outcome == "fork"
    more = take(chain(80), push_of(chain(90), 81, 10, closed=True), closed)
    assert (more.outcome, len(more.insert), more.state.state) == ("acknowledged", 10, "closed")


def test_a_store_that_goes_on_with_an_epoch_it_had_left_is_told() -> None:
    closed = held_of(chain(80), state="closed")
    received = take(chain(80), push_of(chain(85), 81, 5), closed)
    assert (received.outcome, len(received.insert), received.state.state) == ("fork", 5, "closed")


def test_a_store_that_was_told_of_its_fork_is_told_again_until_it_begins_a_new_life() -> None:
    forked = held_of(chain(80), state="forked")
    assert take(chain(80), push_of(chain(80), 81, 0), forked).outcome == "fork"
    assert take(chain(80), push_of(chain(80), 81, 0, closed=True), forked).state.state == "closed"


def test_what_the_store_announced_is_kept_and_never_falls_by_itself() -> None:
    first = take(chain(5), push_of(chain(9), 6, 1))
    assert first.state.announced == chain(9).head()
    later = take(chain(6), push_of(chain(12), 7, 1), first.state)
    assert later.state.announced == chain(12).head()


@pytest.mark.parametrize(
    "changes",
    [
        {"max_seq": 8},
        {"max_hash": "ab" * 32},
        {"max_seq": 0, "max_hash": "ab" * 32, "ops": (), "from_seq": 1, "previous": ZERO_HASH.hex()},
        {"from_seq": 1, "previous": "ab" * 32, "max_seq": 99},
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BrokenPush):
        prove_batch(replace(push_of(chain(9), 6, 4), **changes))


def test_a_batch_is_hashed_op_by_op_over_its_exact_bytes() -> None:
    store = Chain(EPOCH, ['{"v":1}', '{"name":"Żaneta 김"}', " x "])
    batch = prove_batch(push_of(store, 2, 2))
    assert [op.hash for op in batch.ops] == store.hashes[2:]
    assert batch.ops[0].content == '{"name":"Żaneta 김"}'.encode()
    assert batch.last == store.head()
    changed = replace(push_of(store, 2, 2, max_seq=9), ops=(Op(content='{"name":"Żaneta  김"}'), Op(content=" x ")))
    assert prove_batch(changed).last != store.head()


def test_the_answer_says_where_to_go_on_and_never_stops_the_store_altogether() -> None:
    answer = answer_of(take(chain(5), push_of(chain(9), 6, 2)), 11, 3, credits=0, wait_ms=70)
    assert (answer.request, answer.timeline, answer.outcome, answer.seq) == (11, 3, "acknowledged", 7)
    assert answer.hash == chain(9).hashes[7].hex()
    assert (answer.epoch, answer.credits, answer.wait_ms) == ("0000000000000007", 1, 70)
    assert answer_of(take(chain(5), push_of(chain(9), 6, 2)), 11, 3, credits=9_999).credits == 500


@given(
    shared=st.integers(0, 40),
    theirs=st.integers(0, 40),
    ours=st.integers(0, 40),
    from_part=st.floats(0, 1),
    count=st.integers(0, 30),
    closed=st.booleans(),
)
def test_whatever_comes_the_answer_is_true(
    shared: int, theirs: int, ours: int, from_part: float, count: int, closed: bool
) -> None:
    """Every place told is one that is held; what is inserted extends the chain; an acknowledged place is the store's
    own; a fork is only said of histories that part or end differently, a rewind only of a gap."""
    office = chain(shared)
    for number in range(theirs):
        office.append(f"c{number}")
    store = chain(shared, ours)
    from_seq = 1 + int(from_part * len(store.contents))
    received = take(office, push_of(store, from_seq, count, closed=closed))
    after = Chain(EPOCH, office.contents + [op.content.decode() for op in received.insert])
    assert received.state.head == after.head()
    assert all(after.hashes[head.seq].hex() == head.hash for head in received.known)
    assert after.head(received.place.seq) == received.place
    if received.outcome == "acknowledged":
        assert store.head(received.place.seq) == received.place
        assert received.place.seq == min(from_seq - 1 + count, len(store.contents))
    elif received.outcome == "rewind":
        assert from_seq > len(office.contents) + 1
        assert received.place == office.head()
    else:
        assert (theirs and ours) or len(after.contents) > len(store.contents)
        assert seqs(received) == []
    if (theirs and ours) or len(office.contents) > len(store.contents):
        whole = from_seq - 1 <= len(office.contents) and from_seq - 1 + count >= len(store.contents)
        assert received.outcome == "fork" or not whole


def test_places_are_few_however_long_the_history() -> None:
    held = EpochState(head=Head(EPOCH, 5_000_000, bytes(32)), announced=Head(EPOCH, 5_000_000, bytes(32)))
    far = Push(
        request=1,
        timeline=1,
        epoch="0000000000000007",
        from_seq=4_000_001,
        previous="ab" * 32,
        max_seq=4_999_999,
        max_hash="cd" * 32,
        ops=(),
        signature="0" * 128,
    )
    assert len(places_wanted(held, prove_batch(far))) < 120
