"""The machine and the commit beside the figures, from the real system and real repositories."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from kiosk.bench.machine import read_commit, read_machine


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed: apt-get install git")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    git(tmp_path, "init", "-q")
    return folder


def test_this_machine_says_what_it_is() -> None:
    machine = read_machine("3.53.4")
    assert machine.cpu
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert (machine.sqlite, machine.python) == ("3.53.4", platform.python_version())


def test_the_commit_is_named_and_a_change_beside_it_too(package: Path) -> None:
    git(package, "add", ".")
    git(package, "commit", "-qm", "one")
    git(package, "tag", "-m", "one", "v1")
    commit = git(package, "rev-parse", "HEAD")
    assert read_commit(package) == commit
    (package / "__init__.py").write_text("x = 1\n")
    assert read_commit(package) == f"{commit}-dirty"


def test_a_copy_inside_another_repository_has_no_commit(package: Path) -> None:
    (package.parent / "other.txt").write_text("")
    git(package.parent, "add", "other.txt")
    git(package.parent, "commit", "-qm", "one")
    assert read_commit(package) == "unknown"


def test_a_copy_outside_any_repository_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_commit(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", "")
    assert read_commit(tmp_path) == "unknown"
