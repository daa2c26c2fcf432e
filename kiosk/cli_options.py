"""edge: what the commands of the command line share: options, one way to print JSON, one way to tell a problem."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from loyalty.errors import Problem

Command = Callable[..., Any]

FILE = click.Path(dir_okay=False, path_type=Path)

config_option = click.option("--config", "config_file", type=FILE, help="The store's own file over config.toml.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def reports_problems(command: Command) -> Command:
    """Turn a problem into its sentence and hint on standard error, and exit 1."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  click hands over whatever the options give
        try:
            return command(*args, **kwargs)
        except Problem as problem:
            click.echo(f"{problem.title()} {problem.detail}\n{problem.hint}", err=True)
            sys.exit(1)

    return run


def echo_json(value: object) -> None:
    """One JSON object on standard output."""
    click.echo(msgspec.json.encode(value))
