"""edge: the raw limit of this machine: the very rows a run wrote, written by one thread with nothing around them.

    limit = measure_raw(prepared, jobs, group_size=6.4)
    limit.per_s, limit.commit_p50_ms

The file is a fresh copy of the one the service started from, opened with the service's own settings (WAL, FULL), and
the groups are as large as those the service made.
"""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from kiosk.bench.recording import Job, replay
from kiosk.bench.statistics import milliseconds, percentile, rate_per_s
from sync.db import connect


class RawLimit(Struct, frozen=True):
    """Jobs a second, and the median of a commit with all its statements."""

    per_s: float
    commit_p50_ms: float


def measure_raw(prepared: Path, jobs: Sequence[Job], group_size: float) -> RawLimit:
    """Write `jobs` to a copy of the database `prepared`, committing groups of `group_size` on average."""
    with tempfile.TemporaryDirectory(dir=prepared.parent, prefix="raw-") as folder:
        copy = Path(folder) / prepared.name
        shutil.copyfile(prepared, copy)
        connection = connect(copy)
        try:
            return _write(connection, jobs, group_size)
        finally:
            connection.close()


def _write(connection: Any, jobs: Sequence[Job], group_size: float) -> RawLimit:  # noqa: ANN401  pysqlite3 has no types
    clock = time.perf_counter_ns
    commits_ns: list[int] = []
    began_ns = clock()
    for group in split_groups(jobs, group_size):
        group_began_ns = clock()
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            replay(connection, job)
        connection.execute("COMMIT")
        commits_ns.append(clock() - group_began_ns)
    elapsed_ns = clock() - began_ns
    return RawLimit(rate_per_s(len(jobs), elapsed_ns), milliseconds(percentile(sorted(commits_ns), 50)))


def split_groups(jobs: Sequence[Job], group_size: float) -> list[Sequence[Job]]:
    """`jobs` in order, in groups whose sizes differ by one at most and are `group_size` on average.

    Raises ValueError for a size below 1.
    """
    if group_size < 1:
        raise ValueError("a group has at least one job")
    groups: list[Sequence[Job]] = []
    start, due = 0, 0.0
    while start < len(jobs):
        due += group_size
        end = max(start + 1, min(len(jobs), round(due)))
        groups.append(jobs[start:end])
        start = end
    return groups
