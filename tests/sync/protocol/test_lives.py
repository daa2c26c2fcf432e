"""A database that is not the one that ran here last begins a new life, and two histories part at an exact place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.chain import ZERO_HASH, Head
from sync.protocol.lives import CommonPrefix, Continue, NewLife, common_prefix, decide_life
from tests.sync.protocol.places import Chain

OLD = Chain(5, ["a1", "a2", "a3"])
OPEN = Chain(7, ["b1", "b2", "b3", "b4"])
LATER = Chain(9, ["c1", "c2"])
OWN = [OLD.head(), OPEN.head()]


def own_hash(epoch: int, seq: int) -> bytes | None:
    for chain in (OLD, OPEN):
        if seq and chain.has((epoch, seq)):
            return chain.hashes[seq]
    return None


ELSEWHERE = Chain(7, ["b1", "x2", "x3"])
WITNESSES = {
    "nobody": ([], Continue()),
    "a till that has seen the newest entry": ([OPEN.head()], Continue()),
    "a till that was off for a while": ([OPEN.head(2)], Continue()),
    "a till that has seen nothing yet": ([Head(7, 0, ZERO_HASH)], Continue()),
    "one that still remembers the life before": ([OLD.head(2)], Continue()),
    "one that knows more of a life that is over": ([Head(5, 9, b"z" * 32)], Continue()),
    "one that knows another history of a life that is over": ([Head(5, 2, b"z" * 32)], Continue()),
    "one that has seen an entry that is not there": ([Head(7, 5, b"z" * 32)], NewLife("rewound")),
    "one that has seen another entry in that place": ([ELSEWHERE.head()], NewLife("rewound")),
    "one that knows a life that is not there": ([LATER.head()], NewLife("rewound")),
    "an epoch of which nothing is known": ([Head(9, 0, ZERO_HASH)], Continue()),
    "one of many": ([OPEN.head(1), OLD.head(), ELSEWHERE.head(2)], NewLife("rewound")),
}


@pytest.mark.parametrize("case", WITNESSES)
def test_who_remembers_more_than_the_database_ends_its_life(case: str) -> None:
    witnesses, decision = WITNESSES[case]
    assert decide_life(OWN, own_hash, nonce_matches=True, witnesses=witnesses) == decision


def test_a_witness_does_not_end_life_after_life() -> None:
    witnesses = [LATER.head()]
    assert decide_life(OWN, own_hash, nonce_matches=True, witnesses=witnesses, answered={9}) == Continue()
    more = [*witnesses, Head(11, 1, b"z" * 32)]
    assert decide_life(OWN, own_hash, nonce_matches=True, witnesses=more, answered={9}) == NewLife("rewound")


def test_another_nonce_is_a_backup_that_was_put_back() -> None:
    assert decide_life(OWN, own_hash, nonce_matches=False, witnesses=[]) == NewLife("restored")


def test_an_empty_disk_begins_its_first_life_or_recovers_the_ones_it_had() -> None:
    assert decide_life([], own_hash, nonce_matches=False, witnesses=[]) == NewLife("first")
    assert decide_life([], own_hash, nonce_matches=False, witnesses=[OLD.head()]) == NewLife("recovered")


def place(shared: int, *, exact: bool) -> CommonPrefix:
    return CommonPrefix(OPEN.head(shared), exact)


OTHER = Chain(7, ["b1", "b2", "x3", "x4", "x5", "x6"])
PREFIXES = {
    "the next one is another": ([3, 2], place(2, exact=True)),
    "the next one is another, and so are those behind it": ([6, 4, 3, 2, 1], place(2, exact=True)),
    "all of theirs are others": ([6, 5, 4], place(0, exact=False)),
    "the very first is another": ([1, 0], place(1, exact=False)),
    "a gap between the last common and the first other": ([6, 4, 1], place(1, exact=False)),
    "nothing told": ([], place(0, exact=False)),
}


@pytest.mark.parametrize("case", PREFIXES)
def test_the_last_common_place_is_found_among_those_told(case: str) -> None:
    told, expected = PREFIXES[case]
    known = [OTHER.head(seq) for seq in told]
    own = [OPEN.head(seq) for seq in told if seq <= 4]
    assert common_prefix(known, own, OPEN.head()) == expected


def test_a_history_that_goes_on_where_the_own_one_ends_has_it_all_in_common() -> None:
    longer = Chain(7, [*OPEN.contents, "b5", "b6"])
    known = [longer.head(seq) for seq in (6, 5, 4)]
    assert common_prefix(known, [OPEN.head(4)], OPEN.head()) == place(4, exact=True)
    assert common_prefix([longer.head(6)], [], OPEN.head()) == place(0, exact=False)


def test_an_empty_epoch_has_only_the_beginning_in_common() -> None:
    assert common_prefix([OPEN.head()], [], Head(7, 0, ZERO_HASH)).exact


def test_a_place_whose_own_hash_was_not_looked_up_proves_nothing() -> None:
    known = [OTHER.head(3), OTHER.head(2)]
    assert common_prefix(known, [OPEN.head(2)], OPEN.head()) == place(2, exact=False)


@given(shared=st.integers(0, 12), theirs=st.integers(0, 12), ours=st.integers(0, 12), told=st.sets(st.integers(0, 24)))
def test_the_place_is_common_and_if_exact_the_last(shared: int, theirs: int, ours: int, told: set[int]) -> None:
    both = [f"b{number}" for number in range(shared)]
    mine = Chain(7, both + [f"m{number}" for number in range(ours)])
    other = Chain(7, both + [f"t{number}" for number in range(theirs)])
    known = [other.head(seq) for seq in told if seq <= len(other.contents)]
    own = [mine.head(seq) for seq in told if seq <= len(mine.contents)]
    found = common_prefix(known, own, mine.head())
    assert found.head == mine.head(found.head.seq) == other.head(found.head.seq)
    assert found.head.seq == max([seq for seq in told if seq <= shared] + [0] + [shared] * (found.exact))
