"""Each planted bug is found, and each story ends well with the real machines."""

from random import Random

import pytest

from kiosk.simulate.machines import REAL
from kiosk.simulate.planted import PLANTED
from kiosk.simulate.scenarios import SCENARIOS, run_scenario
from kiosk.simulate.simulation import is_found

NINE = (
    *("dedupe_on_seq_only", "no_hash_compare", "delete_on_ack", "ack_the_head", "open_epoch_only"),
    *("no_op_id_dedupe", "cursor_only_upwards", "no_ack_hash_check", "no_request_check"),
)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    assert is_found(PLANTED[name])


def test_the_nine_that_a_sketch_of_the_protocol_was_tried_with_are_among_them() -> None:
    assert set(NINE) <= PLANTED.keys()
    assert len(PLANTED) >= 13


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_story_ends_well_with_the_real_machines(name: str, seed: int) -> None:
    assert run_scenario(name, Random(seed), REAL).breach is None
