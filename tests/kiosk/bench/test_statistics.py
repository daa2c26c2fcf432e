"""Percentiles, rates and the object a bench prints."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.bench.statistics import Machine, join_loads, machine_from, percentile, rate_per_s, report, summarise

MACHINE = Machine("Model 1", 2, "3.53.4", "3.11.7")


@pytest.mark.parametrize(
    ("count", "percent", "value"),
    [(1, 1, 1), (1, 100, 1), (2, 50, 1), (3, 50, 2), (10, 99, 10), (100, 99, 99), (101, 99, 100), (1000, 50, 500),
     (1000, 99.9, 999), (1000, 99.95, 1000), (1000, 0.1, 1), (1000, 100, 1000)],
)  # fmt: skip
def test_a_percentile_is_the_value_at_its_nearest_rank(count: int, percent: float, value: int) -> None:
    assert percentile(range(1, count + 1), percent) == value


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_a_percentile_was_measured_and_enough_values_do_not_exceed_it(values: list[int], percent: int) -> None:
    ordered = sorted(values)
    value = percentile(ordered, percent)
    assert value in values
    assert 100 * sum(other <= value for other in values) >= percent * len(values)
    assert 100 * sum(other < value for other in values) < percent * len(values)


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 100.1), ([1], -1)])
def test_a_percentile_of_nothing_or_out_of_range_is_refused(values: list[int], percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


def test_a_run_is_summed_up_whatever_the_order_of_its_latencies() -> None:
    load = summarise([3_000_000, 1_000_000, 2_000_000, 10_500_000], 2_000_000_000, {503: 1, 201: 3}, 400_000)
    assert (load.requests, load.elapsed_s, load.per_s) == (4, 2.0, 2.0)
    assert load.latency_ms == {"p50": 2.0, "p99": 10.5}
    assert list(load.answers.items()) == [(201, 3), (503, 1)]
    assert load.client_cpu_ms == 0.1


def test_runs_are_joined_as_if_they_had_been_one() -> None:
    runs = (
        summarise([9_000_000, 1_000_000], 1_000_000_000, {201: 2}, 400_000),
        summarise([4_000_000], 2_000_000_000, {503: 1}, 50_000),
    )
    whole = summarise([9_000_000, 1_000_000, 4_000_000], 3_000_000_000, {201: 2, 503: 1}, 450_000)
    assert join_loads(runs) == whole
    assert whole.latency_ms == {"p50": 4.0, "p99": 9.0}
    with pytest.raises(ValueError, match="time"):
        join_loads([])


def test_a_run_without_a_request_or_without_time_has_no_figures() -> None:
    with pytest.raises(ValueError, match="nothing"):
        summarise([], 1, {}, 0)
    with pytest.raises(ValueError, match="time"):
        rate_per_s(1, 0)


def test_a_report_is_printed_with_the_names_of_the_contract() -> None:
    made = report(
        "sales", {"tills_16_per_s": 1523.74, "tills_1_p50_ms": 1.48261}, {"tills_16_per_s": 5012}, MACHINE, "c"
    )
    assert msgspec.json.decode(msgspec.json.encode(made)) == {
        "bench": "sales",
        "figures": {"tills_16_per_s": 1524, "tills_1_p50_ms": 1.483},
        "raw": {"tills_16_per_s": 5012},
        "machine": {"cpu": "Model 1", "cores": 2, "sqlite": "3.53.4", "python": "3.11.7"},
        "commit": "c",
    }


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.0, 0), (0.000123456, 0.0001235), (0.03452, 0.03452), (99.996, 100.0), (999.96, 1000.0), (1000.4, 1000),
     (-12.3456, -12.35), (123456, 123456)],
)  # fmt: skip
def test_figures_keep_four_digits_that_count(value: float, rounded: float) -> None:
    assert report("x", {"a": value}, {}, MACHINE, "c").figures["a"] == rounded


@pytest.mark.parametrize(
    ("figures", "raw", "said"),
    [
        ({"ops_per_s": 5.0}, {}, "no raw limit for ops_per_s"),
        ({"ops_per_s": 5.0}, {"sales_per_s": 9.0}, "no raw limit for ops_per_s"),
        ({"p99_ms": math.nan}, {}, "p99_ms is no number"),
        ({"ops_per_s": 5.0}, {"ops_per_s": math.inf}, "ops_per_s is no number"),
    ],
)
def test_a_rate_without_its_raw_limit_and_what_is_no_number_are_refused(
    figures: dict[str, float], raw: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        report("x", figures, raw, MACHINE, "c")


@pytest.mark.parametrize(
    ("text", "cpu"),
    [
        (
            "processor\t: 0\nmodel name\t: Some  CPU @ 2.50GHz\nprocessor\t: 1\nmodel name\t: Other",
            "Some CPU @ 2.50GHz",
        ),
        ("processor\t: 0\nCPU part\t: 0xd0c\n", "0xd0c"),
        ("Hardware\t: X\nModel\t\t: Small Board 4\n", "Small Board 4"),
        ("model name: ", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_processor_is_named_as_its_kernel_names_it(text: str, cpu: str) -> None:
    assert machine_from(text, 2, "3.53.4", "3.11.7").cpu == cpu
