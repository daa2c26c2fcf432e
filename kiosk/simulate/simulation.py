"""edge: many universes, one after another or in several processes, and what came of them. The answer depends on the
seeds alone, never on the machine, the number of processes or the time.

report = simulate(first_seed=1, universes=300)
report.breaches              # ({"seed": 17, "invariant": "lost", "step": 812}, ...)
counterfoil simulate --seed 17 --universes 1 --trace      shows how it came to that
"""

import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

from msgspec import Struct
from msgspec.structs import replace

from kiosk.simulate.machines import REAL, Machines
from kiosk.simulate.planted import LUCK, PLANTED, Planted
from kiosk.simulate.scenarios import SCENARIOS, run_scenario
from kiosk.simulate.universe import Result, Universe, draw_mix
from kiosk.simulate.world import Mix

_BATCH = 20
TROUBLES = (
    *("power_cut", "hub_crash", "hub_restore", "forgotten_timeline", "restore", "revert", "new_disk", "clone"),
    *("cut_line", "clock_jump", "full_disk", "bit_flip"),
)
"""The chances of a mix that something goes wrong with a machine or a line."""
_COUNTED = (
    *("restores", "clones", "hub_restores", "power_cuts", "full_disks", "bit_flips"),
    *("entries", "reservations", "bundles", "snapshots", "steps"),
)


class FoundBreach(Struct, frozen=True):
    """A universe in which something did not hold. A scenario has the seed of its luck too; it is named then."""

    seed: int
    invariant: str
    step: int
    detail: str
    scenario: str | None = None


class SimulationReport(Struct, frozen=True):
    """What `counterfoil simulate --json` prints. `planted` is each planted bug and whether it was found; empty where
    nobody asked. The counts are over all universes."""

    universes: int
    first_seed: int
    breaches: tuple[FoundBreach, ...]
    planted: dict[str, bool]
    restores: int = 0
    clones: int = 0
    hub_restores: int = 0
    power_cuts: int = 0
    full_disks: int = 0
    bit_flips: int = 0
    entries: int = 0
    reservations: int = 0
    bundles: int = 0
    snapshots: int = 0
    steps: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing broke and no planted bug escaped."""
        return not self.breaches and all(self.planted.values())


def run_universe(seed: int, machines: Machines = REAL, mix: Mix | None = None, *, keep_trace: bool = False) -> Result:
    """The universe of a seed. `mix` instead of the one that the seed draws."""
    chance = random.Random(seed)  # noqa: S311  luck that can be repeated, not a secret
    drawn = draw_mix(chance)
    return Universe(chance, machines, mix or drawn, keep_trace=keep_trace).run()


def simulate(
    first_seed: int,
    universes: int,
    *,
    planted: bool = False,
    workers: int = 1,
    on_universes: Callable[[int], None] = lambda _: None,
) -> SimulationReport:
    """Run universes, every scenario, and the planted bugs if asked. `on_universes` hears how many more are done."""
    report = SimulationReport(universes, first_seed, tuple(_broken_scenarios()), {})
    for part in _parts(first_seed, universes, workers):
        report = _sum(report, part)
        on_universes(part.universes)
    if planted:
        report = replace(report, planted={name: is_found(bug) for name, bug in PLANTED.items()})
    return report


def is_found(bug: Planted) -> bool:
    """Whether a planted bug breaks an invariant, in its scenario or by luck."""
    if bug.scenario is not None:
        return run_scenario(bug.scenario, random.Random(1), bug.machines).breach is not None  # noqa: S311
    return any(run_universe(seed, bug.machines).breach is not None for seed in range(1, LUCK + 1))


def list_needs(seed: int, machines: Machines = REAL) -> tuple[str, ...]:
    """The kinds of trouble without which the universe of a seed breaks no invariant: what a breach is about."""
    mix = draw_mix(random.Random(seed))  # noqa: S311
    needed = []
    for trouble in TROUBLES:
        if not getattr(mix, trouble):
            continue
        without = replace(mix, **{trouble: 0.0})
        if run_universe(seed, machines, without).breach is not None:
            mix = without
        else:
            needed.append(trouble)
    return tuple(needed)


def _broken_scenarios() -> Iterator[FoundBreach]:
    for name in SCENARIOS:
        breach = run_scenario(name, random.Random(1), REAL).breach  # noqa: S311
        if breach is not None:
            yield FoundBreach(1, breach.invariant, breach.step, breach.detail, name)


def _parts(first_seed: int, universes: int, workers: int) -> Iterator[SimulationReport]:
    """The universes in parts, in the order of their seeds whoever runs them."""
    starts = range(first_seed, first_seed + universes, _BATCH)
    sizes = [min(_BATCH, first_seed + universes - start) for start in starts]
    if workers == 1:
        yield from map(_run_part, starts, sizes)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_run_part, starts, sizes)


def _run_part(first_seed: int, universes: int) -> SimulationReport:
    report = SimulationReport(universes, first_seed, (), {})
    for seed in range(first_seed, first_seed + universes):
        result = run_universe(seed)
        breach, counts = result.breach, result.counts
        found = (FoundBreach(seed, breach.invariant, breach.step, breach.detail),) if breach is not None else ()
        counted = {name: getattr(counts, name) for name in _COUNTED if name != "steps"}
        one = SimulationReport(1, seed, found, {}, steps=result.steps, **counted)
        report = _sum(report, one)
    return report


def _sum(report: SimulationReport, part: SimulationReport) -> SimulationReport:
    counts = {name: getattr(report, name) + getattr(part, name) for name in _COUNTED}
    return replace(report, breaches=report.breaches + part.breaches, **counts)
