"""edge: the command line. Exit 0 done, 1 found a fault, 2 wrong use; `--json` prints one object.

Commands import what they need when they run, so that `--help` is quick.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiosk import __version__
from kiosk.cli_bench import bench, campaigns, replay
from kiosk.cli_hub import FIELDS, hub, is_hub, verify_hub
from kiosk.cli_link import enrol, recover
from kiosk.cli_options import (
    FILE,
    ask_secret,
    config_option,
    echo_json,
    json_option,
    pin_option,
    reports_problems,
    reports_wrong_use,
)
from kiosk.cli_simulate import simulate
from kiosk.config import Config, load_config

if TYPE_CHECKING:
    from sync.verify import Report


@click.group()
@click.version_option(__version__, prog_name="counterfoil")
def main() -> None:
    """Counterfoil: the store service a shop can trust with its money and its customers."""


main.add_command(replay)
main.add_command(campaigns)
main.add_command(bench)
main.add_command(simulate)
main.add_command(enrol)
main.add_command(recover)
main.add_command(hub)


@main.command()
@config_option
@click.option("--manager", default="manager", show_default=True, help="Id of the first manager.")
@click.option("--name", default="Manager", show_default=True, help="Name of the first manager.")
@pin_option
@json_option
@reports_problems
@reports_wrong_use
def init(config_file: Path | None, manager: str, name: str, pin: str | None, as_json: bool) -> None:
    """Make a store: data folder, database, first manager, first pairing code."""
    from kiosk.life.initialise import initialise, refuse_second_store

    config = load_config(config_file)
    refuse_second_store(config)
    made = initialise(config, manager, name, pin or ask_secret("PIN of the manager"))
    if as_json:
        echo_json({"data_dir": str(made.data_dir), "manager": made.manager, "pairing_code": made.pairing_code})
        return
    click.echo(f"Store made in {made.data_dir}. Sign in as {made.manager} with the PIN you chose.")
    click.echo(f"Pair the first till within 10 minutes of its start with: {made.pairing_code}")


@main.command()
@config_option
@click.option("--kind", type=click.Choice(["till", "kiosk"]), default="till", show_default=True)
@reports_problems
def pair(config_file: Path | None, kind: str) -> None:
    """Make a pairing code while the service is stopped; a running one gives codes to a manager."""
    from kiosk.life.initialise import make_pairing_code

    click.echo(make_pairing_code(load_config(config_file), kind))


@main.command()
@config_option
@reports_problems
def store(config_file: Path | None) -> None:
    """Serve a store until SIGTERM."""
    from kiosk.serve import run_store

    run_store(load_config(config_file), lambda url: click.echo(f"{url}/till", err=True))


@main.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder of the demonstration; the same one goes on where it stopped.",
)
@click.option(
    "--port-base",
    type=click.IntRange(1, 65_000),
    help="Port of the store, 8080 unless it had another; head office gets the next one that is free.",
)
@json_option
@reports_problems
def demo(folder: Path, port_base: int | None, as_json: bool) -> None:
    """Build a store from real baskets, serve it and its head office until SIGTERM."""
    from kiosk.demo.serve import run_demo

    run_demo(folder, port_base, as_json=as_json)


@main.command()
@config_option
@click.option("--revoke", type=click.IntRange(1, 65_535), help="Number of a key whose signatures count no longer.")
@json_option
@reports_problems
def keys(config_file: Path | None, revoke: int | None, as_json: bool) -> None:
    """List the keys that sign coupons, or take one back while the service is stopped."""
    from kiosk.life.initialise import list_keys, revoke_listed_key

    config = load_config(config_file)
    if revoke is not None:
        revoke_listed_key(config, revoke)
    listed = list_keys(config)
    if as_json:
        echo_json({"keys": listed})
        return
    for key in listed:
        state = "revoked" if key["revoked"] else f"taken until {key['not_after']}"
        click.echo(f"{key['kid']:>5}  {key['store']}  {key['public'][:16]}…  {state}")


@main.command()
@config_option
@click.option("--full", is_flag=True, help="From the first entry; else from the last proved one.")
@json_option
@reports_problems
def verify(config_file: Path | None, full: bool, as_json: bool) -> None:
    """Prove the journal and everything made from it."""
    from kiosk.life.proof import mending, prove

    config = load_config(config_file)
    if is_hub(config):
        sys.exit(0 if verify_hub(config, as_json=as_json) else 1)
    report = prove(_database(config), full=full)
    if as_json:
        echo_json({field: getattr(report, field) for field in FIELDS})
    elif report.ok:
        click.echo(_told(report))
    else:
        click.echo(config.name_in_commands(mending(report)), err=True)
    sys.exit(0 if report.ok else 1)


@main.command()
@config_option
@json_option
@reports_problems
def doctor(config_file: Path | None, as_json: bool) -> None:
    """Say what is wrong here and the command that mends it."""
    from kiosk.life.doctor import examine

    checks = examine(load_config(config_file))
    well = all(check.ok for check in checks)
    if as_json:
        echo_json({"ok": well, "checks": checks})
    else:
        for check in checks:
            word, lead = ("well ", "next") if check.ok else ("WRONG", "mend")
            click.echo(f"{'note ' if check.ok and check.mend else word}  {check.name}: {check.detail}")
            if check.mend:
                click.echo(f"       {lead}: {check.mend}")
    sys.exit(0 if well else 1)


@main.command()
@config_option
@reports_problems
def rebuild(config_file: Path | None) -> None:
    """Make all tables anew from the journal; the service must be stopped."""
    from kiosk.life.rebuild import rebuild as rebuild_tables

    click.echo(f"Rebuilt from {rebuild_tables(_database(load_config(config_file)))} entries.")


@main.command()
@config_option
@click.argument("file", type=FILE)
@reports_problems
def backup(config_file: Path | None, file: Path) -> None:
    """Copy the database into FILE, beside a running service."""
    from kiosk.life.backup import back_up

    click.echo(f"{back_up(_database(load_config(config_file)), file)} bytes in {file}.")


@main.command()
@config_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reports_problems
def restore(config_file: Path | None, file: Path) -> None:
    """Put a backup in place of the database; the service must be stopped. The next start begins a new epoch."""
    from kiosk.life.backup import restore as put_back

    aside = put_back(load_config(config_file).data_dir(), file)
    click.echo("Restored." + (f" The former file is {aside}." if aside else ""))


def _told(report: "Report") -> str:
    """What a proof that found nothing wrong has done, in words."""
    from sync.verify import RULE

    head = report.head or {"seq": 0, "epoch": ""}
    where = f"entry {head['seq']}" + (f" of epoch {head['epoch']}" if report.epochs > 1 else "")
    new = f"{report.entries} entries replayed" if report.entries else "no entry is new since the last proof"
    rules = sum(name.startswith(RULE) for name in report.tables)
    tables = len(report.tables) - rules
    return (
        f"Everything holds up to {where}: the chain was read from its start, {new}, {tables} tables compared,"
        f" {rules} rules between facts asked."
    )


def _database(config: Config) -> Path:
    """The store's file. Raises StoreNotReady or StoreLost where there is none."""
    from kiosk.life.start import DATABASE_NAME, lack_of_store

    path = config.data_dir() / DATABASE_NAME
    if not path.exists():
        raise lack_of_store(config.data_dir())
    return path


if __name__ == "__main__":
    main()
