"""`counterfoil init`: a whole store or none, whatever fails on the way."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kiosk.cli import main
from kiosk.config import Config
from kiosk.identity.people import WrongOperatorId
from kiosk.life.initialise import NameUnfit, PinUnfit, StoreExists, create_database, initialise
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME, MAKING_NAME, StoreNotReady, release, start_store
from loyalty.errors import InvalidInput
from sync import marks
from tests.kiosk.shopkit import make_config, write_config


@pytest.fixture(name="config")
def make_shop_config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("manager", "name", "pin", "problem"),
    [
        ("", "Ada", "2580", WrongOperatorId),
        ("Ada", "Ada", "2580", WrongOperatorId),
        ("ada\n", "Ada", "2580", WrongOperatorId),
        ("ada", "", "2580", NameUnfit),
        ("ada", "A\nda", "2580", NameUnfit),
        ("ada", "Ada", "258", PinUnfit),
        ("ada", "Ada", "2580258025802", PinUnfit),
        ("ada", "Ada", "25a0", PinUnfit),
        ("ada", "Ada", "\u0662\u0665\u0668\u0660", PinUnfit),
        ("ada", "Ada", "2580\n", PinUnfit),
    ],
)
def test_what_nobody_could_sign_in_with_is_refused_before_anything_is_made(
    config: Config, manager: str, name: str, pin: str, problem: type[InvalidInput]
) -> None:
    with pytest.raises(problem):
        initialise(config, manager, name, pin)
    assert left_in(config.data_dir()) == set()


def test_a_store_that_was_made_is_whole_and_starts_in_its_first_life(config: Config) -> None:
    made = initialise(config, "ada", "Ada", "2580")
    assert len(made.pairing_code) == 8
    assert left_in(config.data_dir()) == {DATABASE_NAME, marks.FILE_NAME, "keys", "service.lock"}
    assert (config.data_dir() / DATABASE_NAME).stat().st_mode & 0o777 == 0o600
    started = start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw")
    assert started.ordinal == 1
    release(started, clean=True)
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok
    with pytest.raises(StoreExists):
        initialise(config, "ada", "Ada", "2580")


@pytest.mark.parametrize("place", ["migrate", "begin_life", "set_up_manager", "create_pairing_code", "sync_path"])
def test_an_init_that_fails_anywhere_leaves_no_store_and_can_be_repeated(
    config: Config, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(f"kiosk.life.initialise.{place}", fail)
        with pytest.raises(OSError, match="no space"):
            initialise(config, "ada", "Ada", "2580")
    assert left_in(config.data_dir()) == {"service.lock"}
    with pytest.raises(StoreNotReady):
        start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw")
    initialise(config, "ada", "Ada", "2580")


def test_an_init_that_was_cut_off_is_no_store_and_no_obstacle(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut tidies nothing up: the file without its name and the marks stay behind."""
    with monkeypatch.context() as patch:
        patch.setattr("kiosk.life.initialise.remove_database", lambda _: None)
        patch.setattr(Path, "replace", _cut_at_the_last_rename)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            initialise(config, "ada", "Ada", "2580")
    assert {MAKING_NAME, marks.FILE_NAME} <= left_in(config.data_dir())
    with pytest.raises(StoreNotReady):
        start_store(config.data_dir(), "S001", "EUR", "Europe/Warsaw")
    initialise(config, "ada", "Ada", "2580")
    assert left_in(config.data_dir()) == {DATABASE_NAME, marks.FILE_NAME, "keys", "service.lock"}


_replace = Path.replace


def _cut_at_the_last_rename(self: Path, target: Path) -> Path:
    if self.name == MAKING_NAME:
        raise KeyboardInterrupt
    return _replace(self, target)


def test_whoever_fails_inside_a_new_database_leaves_none(config: Config) -> None:
    with pytest.raises(RuntimeError), create_database(config):
        raise RuntimeError
    assert left_in(config.data_dir()) == {"service.lock"}


def test_the_command_takes_digits_of_no_other_alphabet(tmp_path: Path) -> None:
    file = str(write_config(tmp_path))
    refused = CliRunner().invoke(main, ["init", "--config", file, "--pin", "\u0662\u0665\u0668\u0660"])
    assert refused.exit_code == 2
    assert "4 to 12 digits" in refused.output
    made = CliRunner().invoke(main, ["init", "--config", file, "--pin", "2580", "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.output)["manager"] == "manager"
