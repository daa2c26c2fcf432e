"""What holds for every test: how hypothesis searches, and that CI takes no skip for an answer.

A test may skip itself where a developer's machine lacks something. With CI=true nothing may be lacking, so each skip,
of one test or of a whole file, counts as a failure that carries the reason. An expected failure (xfail) is no skip.

    HYPOTHESIS_PROFILE=search make test     looks for new counterexamples: random, ten times as many
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# The house profile makes the same search on every run, so that a red run means a changed program and not a new guess.
# How long an example takes says something about the machine, not about the program: no deadline, no health check on it.
settings.register_profile(
    "house",
    derandomize=True,
    max_examples=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("house"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

SKIPS_FAIL = os.environ.get("CI") == "true"


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse the skip of a test, whether by mark, in its setup or in its body."""
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse the skip of a whole file (importorskip, allow_module_level)."""
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """The report itself, or a failed one with the skip's place and reason when CI=true."""
    if SKIPS_FAIL and report.skipped and not hasattr(report, "wasxfail"):
        place = report.nodeid
        reason = str(report.longrepr)
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            place = f"{Path(path).name}:{line}"
        report.outcome = "failed"
        report.longrepr = f"skipped under CI=true at {place}: {reason}"
    return report
