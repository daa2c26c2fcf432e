"""edge: the commands of head office: `counterfoil hub` serves it, `counterfoil hub init` makes it."""

import tomllib
from pathlib import Path

import click

from kiosk import __version__
from kiosk.cli_options import FILE, ask_secret, echo_json, json_option, reports_problems, reports_wrong_use
from kiosk.config import Config, load_config

FIELDS = ("ok", "entries", "epochs", "head", "first_wrong", "tables")
"""What `verify --json` prints of a report."""

config_option = click.option("--config", "config_file", type=FILE, help="Head office's own file over config.toml.")
password_option = click.option("--password", help="At least 10 characters; asked for when it is not given.")


@click.group(invoke_without_command=True)
@config_option
@click.option("--restored", is_flag=True, help="Say once that the database was put back from a backup, and end.")
@click.pass_context
@reports_problems
def hub(context: click.Context, config_file: Path | None, restored: bool) -> None:
    """Serve head office until SIGTERM."""
    from sync.hub.initialise import begin_timeline
    from sync.hub.serve import run_hub

    if context.invoked_subcommand is not None:
        return
    config = load_config(config_file)
    if restored:
        timeline = begin_timeline(config.hub, _folder(config))
        click.echo(f"Timeline {timeline} begins. Start head office now; stores send what the backup does not hold.")
        return
    run_hub(
        config.hub, _folder(config), __version__, config.log.level, lambda url: click.echo(f"{url}/office", err=True)
    )


@hub.command("init")
@config_option
@click.option("--user", default="office", show_default=True, help="Name of the first user of head office.")
@password_option
@json_option
@reports_problems
@reports_wrong_use
def init_hub(config_file: Path | None, user: str, password: str | None, as_json: bool) -> None:
    """Make a head office: tables, first timeline, first user."""
    from sync.hub.initialise import make_hub

    config = load_config(config_file)
    make_hub(config.hub, _folder(config), user, password or ask_secret(f"Password of {user}"))
    if as_json:
        echo_json({"data_dir": str(_folder(config)), "user": user})
        return
    click.echo(f"Head office made in {_folder(config)}. Sign in as {user} with the password you chose.")


@hub.command("password")
@config_option
@click.option("--user", default="office", show_default=True, help="Whose password; a new name adds a user.")
@password_option
@reports_problems
@reports_wrong_use
def set_password(config_file: Path | None, user: str, password: str | None) -> None:
    """Set the password of a user, who may then change everything; for when nobody can sign in any more."""
    from sync.hub.initialise import set_user

    config = load_config(config_file)
    set_user(config.hub, _folder(config), user, password or ask_secret(f"New password of {user}"))
    click.echo(f"{user} may sign in with the password you chose.")


def is_hub(config: Config) -> bool:
    """Whether the file of this configuration is a head office's: it says something of `hub` and nothing of `store`."""
    sections = tomllib.loads(config.file.read_text(encoding="utf-8")) if config.file else {}
    return "hub" in sections and "store" not in sections


def verify_hub(config: Config, *, as_json: bool) -> bool:
    """`counterfoil verify` of a head office; whether everything holds."""
    from sync.hub.proving import prove_hub

    report = prove_hub(config.hub, _folder(config))
    if as_json:
        echo_json({field: getattr(report, field) for field in FIELDS})
    elif report.ok:
        tables, lives = len(report.tables), report.epochs
        click.echo(f"Everything holds: {report.entries} entries of {lives} lives applied anew, {tables} proofs.")
    elif report.first_wrong is not None:
        wrong = report.first_wrong
        click.echo(f"Wrong at entry {wrong.seq} of epoch {wrong.epoch}: {wrong.what}", err=True)
    else:
        click.echo("\n".join(f"Wrong: {name}" for name, ok in report.tables.items() if not ok), err=True)
    return report.ok


def _folder(config: Config) -> Path:
    return (config.folder / config.hub.data_dir).absolute()
