"""The rule of tests/conftest.py, on real runs of pytest over small files: CI=true turns every skip into a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SKIPS = {
    "mark": "@pytest.mark.skip(reason='no scale for mark')\ndef test_a(): pass",
    "condition": "@pytest.mark.skipif(True, reason='no scale for condition')\ndef test_a(): pass",
    "fixture": "@pytest.fixture\ndef scale(): pytest.skip('no scale for fixture')\ndef test_a(scale): pass",
    "body": "def test_a(): pytest.skip('no scale for body')",
    "file": "pytest.skip('no scale for file', allow_module_level=True)",
    "library": "pytest.importorskip('no_such_scale', reason='no scale for library')",
}
EXPECTED_FAILURE = "@pytest.mark.xfail(reason='known')\ndef test_a(): assert False"


def run_pytest(folder: Path, files: dict[str, str], ci: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, source in files.items():
        (folder / f"test_{name}.py").write_text(f"import pytest\n{source}\ndef test_b(): pass\n")
    # What the outer run tells its own workers is not for the inner one, and plugins that are not tried cost seconds.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-ra",
            "--continue-on-collection-errors",
            *arguments,
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_way_to_skip_fails_in_ci_and_says_why(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, SKIPS, "true")
    assert run.returncode == 1, run.stdout
    for way in SKIPS:
        assert f"skipped under CI=true at test_{way}.py:" in run.stdout
        assert f"no scale for {way}" in run.stdout
    assert "1 failed, 4 passed, 5 errors" in run.stdout


def test_a_skip_fails_in_ci_with_workers_too(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, {"body": SKIPS["body"]}, "true", "-p", "xdist", "-n", "1")
    assert run.returncode == 1, run.stdout
    assert "no scale for body" in run.stdout


def test_skips_on_a_developers_machine_stay_skips(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, SKIPS, "")
    assert run.returncode == 0, run.stdout
    assert "4 passed, 6 skipped" in run.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, {"one": EXPECTED_FAILURE}, "true")
    assert run.returncode == 0, run.stdout
    assert "1 passed, 1 xfailed" in run.stdout
