"""edge: what the command line says to a person."""

import errno
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


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["backup", "{nowhere}/copy.sqlite", "--config", "{file}"], 1, "No such file or directory: {nowhere}/copy.sq"),
        (["verify", "--config", "{nowhere}"], 1, "cannot be read. {nowhere}: No such file or directory."),
        (["hub", "--config", "{hub}"], 1, "Make one with: counterfoil hub init --config FILE"),
        (["init", "--config", "{file}"], 1, "There is a store in this data folder already."),
        (["hub", "init", "--config", "{nowhere}"], 1, "cannot be read. {nowhere}: No such file or directory."),
        (["init", "--pin", "12", "--config", "{hub}"], 2, "A PIN has 4 to 12 digits, 0 to 9. Choose another PIN."),
        (
            ["enrol", "--hub", "office", "--code", "A", "--config", "{file}"],
            2,
            "is none. office Give it as https://host",
        ),
        (["enrol", "--hub", "http://127.0.0.1:1", "--code", "A", "--config", "{file}"], 1, "Check the address"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_a_person_can_mend_is_said_with_a_hint_and_no_question_comes_before(
    file: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    hub = file.with_name("hub.toml")
    hub.write_text('[hub]\ndata_dir = "office"\n[store]\ndata_dir = "other"\n')
    paths = {"file": file, "nowhere": file.with_name("nowhere"), "hub": hub}
    found = CliRunner().invoke(main, [each.format_map(paths) for each in arguments])
    assert said.format_map(paths) in found.stderr.replace("\n", " ")
    assert (found.exit_code, found.stdout) == (exit_code, "")


def test_a_fault_of_the_system_that_nobody_can_mend_by_a_path_is_not_hidden(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(file))

    monkeypatch.setattr("kiosk.life.rebuild.rebuild", break_down)
    assert isinstance(run("rebuild", file).exception, OSError)


def test_a_pin_is_asked_for_twice_where_none_is_given(tmp_path: Path) -> None:
    file = tmp_path / "store.toml"
    file.write_text("")
    made = CliRunner().invoke(main, ["init", "--config", str(file)], input="2580\n2580\n")
    assert made.exit_code == 0, made.output
    assert "Sign in as manager with the PIN you chose." in made.stdout
