"""edge: what the commands of the command line share: options, one way to print JSON, one way to tell a problem."""

import errno
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from loyalty.errors import InvalidInput, Problem
from sync.http.problems import StorageUnavailable

Command = Callable[..., Any]

# What a person can mend who named a file or a folder; anything else of the system's is a fault to be looked into.
_ABOUT_FILES = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EEXIST,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)
FILE = click.Path(dir_okay=False, path_type=Path)

config_option = click.option("--config", "config_file", type=FILE, help="The store's own file over config.toml.")
pin_option = click.option("--pin", help="4 to 12 digits; asked for when it is not given.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def reports_problems(command: Command) -> Command:
    """Turn a problem into its sentence and hint on standard error, and exit 1."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  click hands over whatever the options give
        try:
            return command(*args, **kwargs)
        except StorageUnavailable as problem:
            # Its own hint is for a till, which asks again by itself.
            _fail(_say(problem), "Look at the disk, or whether the database answers; then run the command again.")
        except Problem as problem:
            _fail(_say(problem), problem.hint)
        except OSError as error:
            if error.errno not in _ABOUT_FILES or error.filename is None:
                raise
            _fail(
                f"{error.strerror}: {error.filename}",
                "Look at the path, its rights and the free space.",
            )

    return run


def reports_wrong_use(command: Command) -> Command:
    """Turn what an option cannot be into wrong use, exit 2; for commands that take a name, a PIN or an address."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  click hands over whatever the options give
        try:
            return command(*args, **kwargs)
        except InvalidInput as problem:
            raise click.UsageError(f"{_say(problem)} {problem.hint}") from problem

    return run


def ask_secret(name: str) -> str:
    """A PIN or password, typed twice and not shown. Asked for by the command itself, after what it could refuse."""
    answer: str = click.prompt(name, hide_input=True, confirmation_prompt=True)
    return answer


def _say(problem: Problem) -> str:
    """Its sentence, and what is known of this case."""
    title = problem.title()
    return title if problem.detail in ("", title) else f"{title} {problem.detail}"


def _fail(sentence: str, hint: str) -> None:
    click.echo(f"{sentence}\n{hint}", err=True)
    sys.exit(1)


def echo_json(value: object) -> None:
    """One JSON object on standard output."""
    click.echo(msgspec.json.encode(value))
