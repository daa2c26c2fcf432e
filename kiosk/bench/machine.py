"""edge: the machine and the commit that a bench's figures belong to.

machine = read_machine(sqlite_version="3.53.4")
report("sales", figures, raw, machine, read_commit())
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from kiosk.bench.statistics import UNKNOWN, Machine, machine_from

_PACKAGE = Path(__file__).resolve().parents[1]


def read_machine(sqlite_version: str) -> Machine:
    """This machine. `sqlite_version` is told by whoever has the database open (the server), not guessed here."""
    try:
        processor_text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        processor_text = f"model name: {platform.processor()}"
    return machine_from(processor_text, _count_cores(), sqlite_version, platform.python_version())


def read_commit(package: Path = _PACKAGE) -> str:
    """The commit the package at `package` stands at, with -dirty when files differ from it; "unknown" outside git.

    An installed copy may lie inside the repository of something else, whose commit says nothing about this program: so
    git has to know the package's own file.
    """
    git = shutil.which("git")
    if git is None or _ask(git, package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return UNKNOWN
    return _ask(git, package, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or UNKNOWN


def _count_cores() -> int:
    """The cores this process may run on, where the system tells: a container often has fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ask(git: str, folder: Path, *arguments: str) -> str | None:
    """What git prints, or None when it refuses."""
    try:
        answer = subprocess.run(  # noqa: S603 the arguments are constants of this module
            [git, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
