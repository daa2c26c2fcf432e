"""edge: `counterfoil simulate`: shops, lines and a head office in virtual time, and everything goes wrong that can."""

import sys
from typing import TYPE_CHECKING

import click

from kiosk.cli_options import echo_json, json_option

if TYPE_CHECKING:
    from kiosk.simulate.simulation import SimulationReport

_TRACE_LINES = 40


@click.command()
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the first universe.")
@click.option("--universes", type=click.IntRange(min=1), default=300, show_default=True, help="How many, seed by seed.")
@click.option("--planted", is_flag=True, help="Also put bugs in on purpose, one by one: each must be found.")
@click.option("--trace", is_flag=True, help="Print everything that happens in the first universe.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that run them.")
@json_option
def simulate(seed: int, universes: int, planted: bool, trace: bool, workers: int, as_json: bool) -> None:
    """Try the protocol between shops and head office against lost messages, power cuts, old backups, copies and wrong
    clocks. The same seed is the same universe, to the letter."""
    from kiosk.simulate.simulation import run_universe
    from kiosk.simulate.simulation import simulate as run_all

    if trace:
        for line in run_universe(seed, keep_trace=True).trace:
            click.echo(line, err=as_json)
    report = run_all(seed, universes, planted=planted, workers=workers)
    if as_json:
        echo_json(report)
    else:
        _tell(report)
    sys.exit(0 if report.ok else 1)


def _tell(report: "SimulationReport") -> None:
    from kiosk.simulate.simulation import list_needs, run_universe

    click.echo(
        f"{report.universes} universes from seed {report.first_seed}: {report.entries} entries, {report.power_cuts}"
        f" power cuts, {report.restores} disks put back or replaced, {report.clones} copies, head office put back"
        f" {report.hub_restores} times, {report.full_disks} disks full, {report.bit_flips} bits flipped;"
        f" {report.reservations} things kept for a shop, {report.bundles} prices begun:"
        f" {len(report.breaches) or 'no'} breaches."
    )
    for breach in report.breaches:
        where = f"scenario {breach.scenario}" if breach.scenario else f"seed {breach.seed}"
        click.echo(f"BREACH  {where}, step {breach.step}: {breach.invariant}: {breach.detail}")
    seeds = [breach.seed for breach in report.breaches if breach.scenario is None]
    if seeds:
        click.echo(f"\nThe end of seed {seeds[0]}, which needs {', '.join(list_needs(seeds[0])) or 'no disk trouble'}:")
        for line in run_universe(seeds[0]).trace[-_TRACE_LINES:]:
            click.echo(line)
        click.echo(f"All of it: counterfoil simulate --seed {seeds[0]} --universes 1 --trace")
    for name, found in report.planted.items():
        click.echo(f"{'found  ' if found else 'ESCAPED'}  {name}")
