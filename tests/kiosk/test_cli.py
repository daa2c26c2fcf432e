"""edge: what the command line says to a person."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kiosk.cli import main
from kiosk.config import load_config
from kiosk.life.initialise import initialise
from kiosk.life.rules import RULES
from kiosk.life.start import DATABASE_NAME
from sync.db import connect


@pytest.fixture(name="file")
def make_store(tmp_path: Path) -> Path:
    """The shop's own file; its store is made."""
    file = tmp_path / "store.toml"
    file.write_text("")
    initialise(load_config(file), "ada", "Ada", "2580")
    return file


def run(command: str, file: Path) -> Result:
    return CliRunner().invoke(main, [command, "--config", str(file)])


def test_verify_says_what_was_replayed_and_afterwards_that_nothing_was_new(file: Path) -> None:
    told = [run("verify", file).stdout for _ in range(2)]
    assert all(text.startswith("Everything holds up to entry 3: the chain was read from its start, ") for text in told)
    assert ", 3 entries replayed, " in told[0]
    assert ", no entry is new since the last proof, " in told[1]
    assert all(text.endswith(f" tables compared, {len(RULES)} rules between facts asked.\n") for text in told)


def test_a_store_that_was_never_verified_is_a_note_with_the_command(file: Path) -> None:
    lines = run("doctor", file).stdout.splitlines()
    at = next(index for index, line in enumerate(lines) if " verify: " in line)
    assert lines[at] == "note   verify: not run yet; the service does it at night"
    assert lines[at + 1] == f"       next: counterfoil verify --config {file}"


def test_a_fault_is_told_with_the_path_of_the_shops_own_file(file: Path) -> None:
    connection = connect(load_config(file).data_dir() / DATABASE_NAME)
    connection.execute("UPDATE operator SET role = 'cashier'")
    connection.close()
    found = run("verify", file)
    assert found.exit_code == 1
    assert found.stderr.rstrip().endswith(f"Run: counterfoil rebuild --config {file}")
    lines = run("doctor", file).stdout.splitlines()
    assert f"       mend: counterfoil rebuild --config {file}" in lines
