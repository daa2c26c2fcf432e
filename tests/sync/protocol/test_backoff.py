"""Stores that lost head office at the same moment do not come back at the same moment."""

from uuid import UUID

import pytest

from sync.protocol.backoff import draw, full_jitter, slot_ms

MOST = 2**64 - 1


@pytest.mark.parametrize(
    ("attempt", "span"),
    [(1, 1_000), (2, 2_000), (3, 4_000), (9, 256_000), (10, 300_000), (11, 300_000), (999, 300_000)],
)
def test_the_span_doubles_up_to_five_minutes_and_all_of_it_is_used(attempt: int, span: int) -> None:
    assert full_jitter(attempt, 0) == 1
    assert full_jitter(attempt, MOST) == span
    assert abs(full_jitter(attempt, MOST // 2) - span // 2) <= 1


def test_chance_is_spread_evenly_and_repeats_itself_from_its_seed() -> None:
    numbers, seed = [], 42
    for _ in range(4_000):
        number, seed = draw(seed)
        numbers.append(number)
    assert len(set(numbers)) == 4_000
    tenths = [
        sum(tenth * 2**64 // 10 <= number < (tenth + 1) * 2**64 // 10 for number in numbers) for tenth in range(10)
    ]
    assert min(tenths) > 320
    assert max(tenths) < 480
    assert draw(42)[0] == numbers[0]


def test_the_generator_is_the_published_one() -> None:
    # The first outputs of SplitMix64 for seed 0, as its reference implementations print them.
    first, seed = draw(0)
    second, _ = draw(seed)
    assert (first, second) == (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4)


def test_each_store_has_a_slot_of_its_own_that_stays() -> None:
    window = 3_600_000
    slots = [slot_ms(UUID(int=number), window) for number in range(2_000)]
    assert slots == [slot_ms(UUID(int=number), window) for number in range(2_000)]
    assert all(0 <= slot < window for slot in slots)
    quarters = [sum(slot * 4 // window == quarter for slot in slots) for quarter in range(4)]
    assert min(quarters) > 420
