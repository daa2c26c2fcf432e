"""edge: the commands that put load on a store: `counterfoil replay`, `counterfoil campaigns` and `counterfoil bench`.

Each makes a throw-away store; nothing of an existing shop is touched.
"""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from kiosk.cli_options import echo_json, json_option, reports_problems

FOLDER = click.Path(file_okay=False, path_type=Path)
T = TypeVar("T")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--data", "folder", type=FOLDER, help="Keep the store in this folder; the same one goes on.")
@click.option("--tills", type=click.IntRange(1, 64), default=4, show_default=True, help="How many sell at once.")
@json_option
@reports_problems
def replay(file: Path | None, folder: Path | None, tills: int, as_json: bool) -> None:
    """Sell the real baskets in FILE over HTTP, then prove every total and the journal.

    FILE is CSV, gzipped or not, with the columns of the baskets that come with this program, which are sold when no
    FILE is named.
    """
    from kiosk.demo.files import bundled_baskets
    from kiosk.replay.replay import replay as sell_all
    from kiosk.replay.replay_plan import read_plan

    plan = read_plan(file or bundled_baskets())
    with _work_folder(folder) as work, _progress(len(plan.orders), quiet=as_json) as advance:
        selling = sell_all(plan, work, tills=tills, on_answer=lambda _: advance())
        done = _run(selling, "The same command goes on from here." if folder else "The store is gone with its folder.")
    if as_json:
        echo_json(done)
    else:
        for line in done.describe():
            click.echo(line)
    sys.exit(0 if done.ok else 1)


@click.command()
@click.option("--days", type=click.IntRange(1, 366), default=366, show_default=True, help="How much of the year.")
@json_option
@reports_problems
def campaigns(days: int, as_json: bool) -> None:
    """Take the real coupons to the real baskets, and try each of them where nobody should take it."""
    from kiosk.demo.files import bundled_baskets
    from kiosk.replay.campaign_plan import cut_plan, read_campaign_plan
    from kiosk.replay.campaign_run import run_campaigns

    plan = cut_plan(read_campaign_plan(bundled_baskets()), days)
    with _work_folder(None) as work, _progress(len(plan.baskets), quiet=as_json) as advance:
        done = run_campaigns(work, plan, on_basket=advance)
    if as_json:
        echo_json(done)
    else:
        for line in done.describe():
            click.echo(line)
    sys.exit(0 if done.ok else 1)


@click.group()
def bench() -> None:
    """Measure this program on this machine, each figure beside the raw limit of the same run."""


@bench.command()
@click.option("--folder", type=FOLDER, help="Where the data lies while it runs; choose the disk to be measured.")
@json_option
@reports_problems
def sales(folder: Path | None, as_json: bool) -> None:
    """Durable sales over HTTP, on one till and on sixteen."""
    from kiosk.bench.sales import bench_sales

    _print(_run_in(folder, bench_sales), as_json=as_json)


@bench.command()
@click.option("--folder", type=FOLDER, help="Where the data lies while it runs; choose the disk to be measured.")
@json_option
@reports_problems
def scan(folder: Path | None, as_json: bool) -> None:
    """Products, members and searches in a large store."""
    from kiosk.bench.scan import bench_scan

    _print(_run_in(folder, bench_scan), as_json=as_json)


@bench.command()
@json_option
@reports_problems
def price(as_json: bool) -> None:
    """Baskets of 100 lines against 200 offers, and an account of 10,000 postings folded anew."""
    from kiosk.bench.price import bench_price

    _print(bench_price(), as_json=as_json)


@bench.command()
@click.option("--folder", type=FOLDER, help="Where the data lies while it runs; choose the disk to be measured.")
@json_option
@reports_problems
def push(folder: Path | None, as_json: bool) -> None:
    """Stores that push into head office, on SQLite and on PostgreSQL."""
    from kiosk.bench.push import bench_push

    _print(_run_in(folder, bench_push), as_json=as_json)


@bench.command()
@click.option("--folder", type=FOLDER, help="Where the data lies while it runs; choose the disk to be measured.")
@json_option
@reports_problems
def herd(folder: Path | None, as_json: bool) -> None:
    """A whole chain of 5,000 stores that wakes at once in front of head office."""
    from kiosk.bench.herd import bench_herd

    _print(_run_in(folder, bench_herd), as_json=as_json)


@bench.command()
@click.option("--folder", type=FOLDER, help="Where the data lies while it runs; choose the disk to be measured.")
@json_option
@reports_problems
def bootstrap(folder: Path | None, as_json: bool) -> None:
    """A store that begins anew in a chain of a million members and a hundred thousand products."""
    from kiosk.bench.bootstrap import bench_bootstrap

    _print(_run_in(folder, bench_bootstrap), as_json=as_json)


def _run_in(folder: Path | None, run: Callable[[Path], Coroutine[Any, Any, T]]) -> T:
    """Run a bench in a new folder below `folder`, and remove it afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="counterfoil-bench-") as work:
        return _run(run(Path(work)), "Nothing was measured.")


def _run(work: Coroutine[Any, Any, T], if_stopped: str) -> T:
    """Run to the end; a SIGTERM ends it like Ctrl-C, so that the service in the other process is stopped first."""

    async def until_told() -> T:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(until_told())
    except (asyncio.CancelledError, KeyboardInterrupt):
        click.echo(f"Stopped. {if_stopped}", err=True)
        sys.exit(1)


@contextlib.contextmanager
def _work_folder(folder: Path | None) -> Iterator[Path]:
    """`folder`, which stays, or a new one that goes."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="counterfoil-replay-") as work:
        yield Path(work)


@contextlib.contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error; the function counts one on."""
    if quiet:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("selling", total=total)
        yield lambda: progress.advance(task)


def _print(report: Any, *, as_json: bool) -> None:  # noqa: ANN401  only passed on
    from kiosk.bench.statistics import describe

    if as_json:
        echo_json(report)
        return
    for line in describe(report):
        click.echo(line)
