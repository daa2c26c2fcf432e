"""pure: what a run under load says: percentiles, rates, and the object that `counterfoil bench NAME --json` prints.

>>> percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 50), percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 99)
(5, 10)
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

Figure = int | float
Figures = Mapping[str, Figure]

UNKNOWN = "unknown"
_RATE = "_per_s"
_NANOSECONDS = 1_000_000_000
_NANOSECONDS_A_MILLISECOND = 1_000_000


class Machine(msgspec.Struct, frozen=True):
    """Where the figures were measured: processor model, cores this process may use, versions of SQLite and Python."""

    cpu: str
    cores: int
    sqlite: str
    python: str


class Report(msgspec.Struct, frozen=True):
    """What `bench --json` prints; the names are the contract's."""

    bench: str
    figures: dict[str, Figure]
    raw: dict[str, Figure]
    machine: Machine
    commit: str


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one run under load measured. `answers` counts by HTTP status; `latency_ms` has a value per percentile.

    `client_cpu_ms` is what this side of the wire burned per request: on a machine that client and server share, it is
    missing from the server's rate, and belongs beside it. `latencies_ns` are all of them, ascending.
    """

    requests: int
    elapsed_s: float
    per_s: float
    answers: dict[int, int]
    latency_ms: dict[str, float]
    client_cpu_ms: float
    latencies_ns: tuple[int, ...]


def percentile(ordered: Sequence[int], percent: Figure) -> int:
    """The nearest-rank percentile: the smallest value that at least `percent` percent of `ordered` do not exceed.

    It is always a value that was measured. `ordered` ascends; `percent` is above 0 and at most 100.

        values 1..1000, percent | rank               | value
        ------------------------|--------------------|------
                             50 | 500                |   500
                           99.9 | 999                |   999
                         99.95  | 999.5, rounded up  |  1000

    Raises ValueError for no values or a percent out of range.
    """
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    share = Fraction(str(percent))  # 99.9 as it is written: its float is a little more and would take the next rank
    if not 0 < share <= 100:
        raise ValueError("a percentile lies above 0 and at most at 100")
    return ordered[math.ceil(share * len(ordered) / 100) - 1]


def summarise(
    latencies_ns: Sequence[int],
    elapsed_ns: int,
    answers: Mapping[int, int],
    cpu_ns: int,
    percentiles: Sequence[Figure] = (50, 99),
) -> Load:
    """A run's figures from one latency per request, in any order. Raises ValueError for a run without a request."""
    ordered = sorted(latencies_ns)
    return Load(
        requests=len(ordered),
        elapsed_s=elapsed_ns / _NANOSECONDS,
        per_s=rate_per_s(len(ordered), elapsed_ns),
        answers=dict(sorted(answers.items())),
        latency_ms={f"p{percent}": milliseconds(percentile(ordered, percent)) for percent in percentiles},
        client_cpu_ms=milliseconds(cpu_ns) / len(ordered),
        latencies_ns=tuple(ordered),
    )


def join_loads(loads: Sequence[Load], percentiles: Sequence[Figure] = (50, 99)) -> Load:
    """Several runs of one kind as one: percentiles of all their latencies, and the rate over the sum of their times.

    Raises ValueError for none.
    """
    answers: dict[int, int] = {}
    for load in loads:
        for status, count in load.answers.items():
            answers[status] = answers.get(status, 0) + count
    return summarise(
        [latency for load in loads for latency in load.latencies_ns],
        round(sum(load.elapsed_s for load in loads) * _NANOSECONDS),
        answers,
        round(sum(load.client_cpu_ms * load.requests for load in loads) * _NANOSECONDS_A_MILLISECOND),
        percentiles,
    )


def rate_per_s(count: int, elapsed_ns: int) -> float:
    """How many in a second. Raises ValueError when no time has passed."""
    if elapsed_ns <= 0:
        raise ValueError("a rate needs a time that passed")
    return count * _NANOSECONDS / elapsed_ns


def milliseconds(duration_ns: int) -> float:
    """Nanoseconds as milliseconds."""
    return duration_ns / _NANOSECONDS_A_MILLISECOND


def report(bench: str, figures: Figures, raw: Figures, machine: Machine, commit: str) -> Report:
    """The object of `--json`, with figures rounded to four digits that count, at least to whole numbers.

    Raises ValueError for a rate (`..._per_s`) without its raw limit under the same name, for a raw limit that is no
    figure's, and for what is no number: a rate alone says more about the machine than about the program.
    """
    unmatched = {name for name in figures if name.endswith(_RATE)} - set(raw)
    if unmatched:
        raise ValueError(f"no raw limit for {', '.join(sorted(unmatched))}")
    for name, value in (*figures.items(), *raw.items()):
        if not math.isfinite(value):
            raise ValueError(f"{name} is no number")
    return Report(bench, _rounded(figures), _rounded(raw), machine, commit)


def describe(report: Report) -> tuple[str, ...]:
    """A report as lines for a person: each figure with its raw limit behind it."""
    machine = report.machine
    where = f"{machine.cpu}, {machine.cores} cores, SQLite {machine.sqlite}, Python {machine.python}"
    width = max(map(len, report.figures), default=0)
    lines = []
    for name, value in report.figures.items():
        limit = f"   raw {report.raw[name]:>8}" if name in report.raw else ""
        lines.append(f"  {name:<{width}} {value:>10}{limit}")
    return (f"{report.bench} at {report.commit[:12]}", f"  {where}", *lines)


def machine_from(processor_text: str, cores: int, sqlite: str, python: str) -> Machine:
    """The machine, with the first processor model that `processor_text` (as Linux's /proc/cpuinfo is written) names."""
    return Machine(_model_in(processor_text), cores, sqlite, python)


def _model_in(processor_text: str) -> str:
    """The processor's model. ARM kernels name none there but the part of the core, which is better than nothing."""
    fields: dict[str, str] = {}
    for line in processor_text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().casefold(), " ".join(value.split()))
    return fields.get("model name") or fields.get("model") or fields.get("cpu part") or UNKNOWN


def _rounded(figures: Figures) -> dict[str, Figure]:
    """Figures as a person reads them: 1.2346, 123.5, 12346."""
    return {name: _round(value) for name, value in figures.items()}


def _round(value: Figure) -> Figure:
    """Four digits that count; whole numbers and anything from a thousand on stay whole."""
    if isinstance(value, int) or value == 0:
        return value
    if abs(value) >= 1000:
        return round(value)
    return round(value, 3 - math.floor(math.log10(abs(value))))
