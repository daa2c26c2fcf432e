"""What the repository says about the machines it was made on: nothing. And what its locks lock: everything."""

import itertools
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.sources import ROOT, repository_files

MACHINE_PATHS = re.compile(rb"(?<![\w.])/(work|root)/|(?<!\w)\.l[i]brary\b|/opt/py[p]i")
REGISTRY_HOSTS = re.compile(rb"py[p]i\.org|python[h]osted|registry\.[n]pmjs|deb\.[d]ebian\.org")
PLACES = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links| @ ")
TOOLING = ("Makefile", ".ci/run", "pyproject.toml", "requirements.lock", "requirements-dev.lock")
LOCKED = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>\S+)(?: ; [^\\]+?)?(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)


def traces_of_machines(name: str, content: bytes) -> list[str]:
    """Paths of the machine the file was written on, and hosts that its packages came from."""
    found = [*MACHINE_PATHS.finditer(content), *REGISTRY_HOSTS.finditer(content)]
    return [f"{name} says {trace[0].decode()}" for trace in found]


def places_in(lock: str) -> list[str]:
    """Where a lock says to fetch from; that is for the installer's own settings."""
    return [found[0] for found in PLACES.finditer(lock)]


def entries_of(lock: str) -> Iterator[str]:
    """The entries of a lock, each on one line, without comments."""
    joined = re.sub(r"\\\n\s*", "", lock)
    return (line for line in joined.splitlines() if line and not line.startswith("#"))


def unlocked(lock: str) -> list[str]:
    """Entries that are not one exact version with its hashes."""
    return [f"{entry[:60]} is not one version with hashes" for entry in entries_of(lock) if not LOCKED.fullmatch(entry)]


def versions_in(lock: str) -> Mapping[str, str]:
    return {found["name"]: found["version"] for entry in entries_of(lock) if (found := LOCKED.fullmatch(entry))}


def unmet(requirements: Sequence[str], lock: str) -> list[str]:
    """Requirements that the lock leaves out or answers with a version they do not allow."""
    versions = versions_in(lock)
    found = []
    for requirement in map(Requirement, requirements):
        version = versions.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{requirement} is locked at {version}: make lock")
    return found


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_no_file_tells_of_the_machine_it_was_made_on() -> None:
    contents = ((str(path), (ROOT / path).read_bytes()) for path in repository_files())
    assert [breach for name, content in contents for breach in traces_of_machines(name, content)] == []


def test_the_files_of_the_repository_are_seen() -> None:
    assert set(TOOLING) <= {str(path) for path in repository_files()}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_one_version_with_hashes_of_each_package(name: str) -> None:
    assert unlocked(read(name)) == []
    assert places_in(read(name)) == []
    assert len(versions_in(read(name))) > 20


def test_the_locks_answer_what_the_project_requires() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    build = [*project["build-system"]["requires"], "editables"]
    runtime = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"]
    assert unmet([*build, *runtime, *extras["cjk"]], read("requirements.lock")) == []
    assert unmet([*build, *runtime, *itertools.chain(*extras.values())], read("requirements-dev.lock")) == []


def test_both_locks_fit_into_one_environment() -> None:
    runtime, development = versions_in(read("requirements.lock")), versions_in(read("requirements-dev.lock"))
    assert runtime.items() <= development.items()


@pytest.mark.parametrize("text", ["open('{0}work{0}main')", "{0}root{0}.config", "see .lib{1}rary", "{0}opt{0}py{1}pi"])
def test_a_path_of_a_machine_is_caught(text: str) -> None:
    assert len(traces_of_machines("docs/page.md", text.format("/", "").encode())) == 1


def test_a_host_of_a_registry_is_caught() -> None:
    assert len(traces_of_machines("docs/page.md", "see https://pypi{}org/simple".format(".").encode())) == 1


def test_a_path_that_only_looks_like_one_passes() -> None:
    text = "GET /v1{0}{1}{0}1, homework/, docs{0}{2}{0}a, {0}{2}ed, a.{3}".format("/", "work", "root", "library")
    assert traces_of_machines("docs/page.md", text.encode()) == []


@pytest.mark.parametrize(
    "text", ["--index-url x", "a @ file:///x", "# from https://mirror.example/simple", "--find-links x"]
)
def test_a_place_in_a_lock_is_caught(text: str) -> None:
    assert places_in(text)


def test_the_makefile_explains_its_targets() -> None:
    # Under `make test` the flags of the outer make are not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    told = subprocess.run(["make"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    lines = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
    assert [line[1] for line in lines] == [
        "help",
        "run",
        "test",
        "bench",
        "campaigns",
        "simulate",
        "lint",
        "format",
        "lock",
    ]
    assert all(line[0] == "make" and len(line[2]) > 10 for line in lines)


def test_ci_runs_what_a_developer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [
        line for line in script.read_text(encoding="utf-8").splitlines() if not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["export CI=true", "exec make test"]


HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    "entry", ["idna==3.20", f"idna>=3 \\\n    {HASH}", f"idna @ x \\\n    {HASH}", "-e .", f"idna {HASH}"]
)
def test_an_entry_that_locks_nothing_is_caught(entry: str) -> None:
    assert len(unlocked(entry)) == 1


def test_a_sound_lock_answers_for_what_it_holds() -> None:
    lock = f"# made\nidna==3.20 \\\n    {HASH} \\\n    {HASH}\nwin-only==1.0 ; sys_platform == 'win32' \\\n    {HASH}\n"
    assert unlocked(lock) == []
    assert versions_in(lock) == {"idna": "3.20", "win-only": "1.0"}
    assert unmet(["IDNA>=3", "win_only"], lock) == []
    assert len(unmet(["idna>=4", "absent"], lock)) == 2
