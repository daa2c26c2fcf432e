"""Which word counts where several bundles name a thing: the narrowest layer's newest, in whatever order they are
heard."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.bundle_values import Word, choose, head_of, part_key, version_of, width_of, zone_bucket
from sync.facts.bundles import BundleChange
from sync.protocol.feed import active_bundle

CHAIN, ZONE, STORE = "global", zone_bucket("north"), "store:0199"


def word(bucket: str, active_at: int, version: int, said: str | None) -> Word:
    change = BundleChange(sort="product", name="100")
    if said is not None:
        change = msgspec.structs.replace(change, definition=msgspec.Raw(said.encode()))
    return Word(bucket, active_at, version, change)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], None),
        ([(CHAIN, 1, 1, "199")], "199"),
        ([(CHAIN, 1, 1, "199"), (CHAIN, 2, 2, "209")], "209"),
        ([(CHAIN, 2, 1, "199"), (CHAIN, 1, 2, "209")], "199"),
        ([(CHAIN, 1, 1, "199"), (CHAIN, 1, 2, "209")], "209"),
        ([(CHAIN, 9, 9, "199"), (ZONE, 1, 1, "189")], "189"),
        ([(CHAIN, 9, 9, "199"), (ZONE, 8, 8, "189"), (STORE, 1, 1, "99")], "99"),
        ([(CHAIN, 1, 1, "199"), (ZONE, 2, 2, "189"), (ZONE, 3, 3, None)], "199"),
        ([(ZONE, 2, 2, "189"), (ZONE, 3, 3, None)], None),
        ([(ZONE, 3, 3, "189"), (ZONE, 2, 2, None)], "189"),
    ],
)
def test_the_newest_word_of_the_narrowest_layer_that_speaks(
    words: list[tuple[str, int, int, str | None]], said: str | None
) -> None:
    chosen = choose(word(*each) for each in words)
    assert (bytes(chosen.definition).decode() if chosen and chosen.definition else None) == said


_WORDS = st.lists(
    st.tuples(st.sampled_from([CHAIN, ZONE, STORE]), st.integers(0, 4), st.none() | st.sampled_from("abc")), max_size=7
)


@given(_WORDS, st.data())
def test_no_order_makes_a_difference_and_a_chain_alone_has_the_bundle_that_is_active(
    said: list[tuple[str, int, str | None]], data: st.DataObject
) -> None:
    words = [word(bucket, active_at, version, text) for version, (bucket, active_at, text) in enumerate(said)]
    shuffled = data.draw(st.permutations(words))
    assert choose(shuffled) == choose(words)
    spoken = [each for each in words if each.bucket == CHAIN and each.change.definition]
    newest = active_bundle((head_of(each.version, each.active_at, 1, "") for each in spoken), 9)
    chosen = choose(spoken)
    assert (chosen, newest) == (None, None) or (
        newest is not None and chosen == next(each.change for each in spoken if each.version == newest.version)
    )


@pytest.mark.parametrize(
    ("entity", "version"),
    [("bundle:7", 7), ("bundle:", None), ("bundle_head", None), ("bundle:x", None), ("lease", None)],
)
def test_parts_are_told_from_everything_else(entity: str, version: int | None) -> None:
    assert version_of(entity) == version


def test_names_of_buckets_and_keys() -> None:
    assert [width_of(bucket) for bucket in (CHAIN, ZONE, STORE)] == [0, 1, 2]
    assert (head_of(7, 1, 1, "0").part_entity, part_key("offer", "D")) == ("bundle:7", "offer/D")
