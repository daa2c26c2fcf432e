"""When an entry counts: the store's clock, in the bounds that head office sets (rule 4 of the design)."""

import pytest

from sync.hub.accepted import Placed, place_in_time
from tests.sync.hub.appliers.office import STORE, Office, Shop

MINUTE_MS = 60_000
ANNA = Shop(epoch=1).id()


@pytest.mark.parametrize(
    ("before", "occurred_at", "offset_ms", "received_at", "counts", "cut_ms"),
    [
        (0, 1_000, 0, 2_000, 1_000, 0),
        (1_500, 1_000, 0, 2_000, 1_500, 0),
        (0, 1_000, 500, 2_000, 1_500, 0),
        (0, 1_000, -400, 2_000, 600, 0),
        (0, 900_000, 0, 2_000, 302_000, 598_000),
        (400_000, 900_000, 0, 2_000, 400_000, 598_000),
        (0, -5, 0, 2_000, 0, 0),
        (0, 302_000, 0, 2_000, 302_000, 0),
        (0, 302_001, 0, 2_000, 302_000, 1),
    ],
)
def test_the_stores_time_counts_within_bounds(
    before: int, occurred_at: int, offset_ms: int, received_at: int, counts: int, cut_ms: int
) -> None:
    assert place_in_time(before, occurred_at, offset_ms, received_at) == Placed(counts, cut_ms)


def effective(office: Office) -> list[int]:
    return [at for _, at in office.rows("applied", "seq, effective_at")]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_clock_that_is_set_back_never_takes_the_order_back_also_between_batches(office: Office) -> None:
    shop = Shop()
    begin = shop.now_ms
    shop.sell()
    shop.now_ms = 1_000
    shop.sell()
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE, limit=2)
    assert effective(office) == [begin - 1_000, begin, begin]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_clock_far_ahead_is_cut_and_somebody_is_told_once_a_day(office: Office) -> None:
    shop = Shop()
    at = shop.now_ms
    shop.now_ms += 60 * MINUTE_MS
    shop.sell()
    shop.sell()
    office.take_in(STORE, shop.journal, now_ms=at)
    office.apply_all(STORE, limit=2)
    assert effective(office)[1:] == [at + 5 * MINUTE_MS] * 2
    assert [incident[0] for incident in office.incidents()] == ["clock_skew"]
    shop.now_ms += 24 * 60 * MINUTE_MS
    shop.sell()
    office.take_in(STORE, shop.journal, now_ms=at + 24 * 60 * MINUTE_MS)
    office.apply_all(STORE)
    assert len(office.incidents()) == 2


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_clock_that_is_known_to_be_wrong_is_put_right(office: Office) -> None:
    shop = Shop()
    begin = shop.now_ms
    shop.sell(ANNA, earn=1)
    office.take_in(STORE, shop.journal, offset_ms=-7_000)
    office.apply_all(STORE)
    assert effective(office) == [begin - 8_000, begin - 7_000]
    assert office.rows("posting", "effective_at") == [(begin - 7_000,)]
