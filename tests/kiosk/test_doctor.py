"""edge: the doctor names what is wrong and the command that mends it, and changes nothing."""

import os
import socket
import time
from pathlib import Path

import pytest

from kiosk.config import Config, load_config
from kiosk.life.doctor import examine
from kiosk.life.initialise import initialise
from kiosk.life.link_checks import Check
from kiosk.life.proof import prove, remember_fault
from kiosk.life.start import DATABASE_NAME, lock_folder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "store.toml").write_text("")
    return load_config(tmp_path / "store.toml")


def found(config: Config) -> dict[str, Check]:
    return {check.name: check for check in examine(config)}


def test_without_a_store_the_doctor_says_how_to_make_one(config: Config) -> None:
    checks = found(config)
    assert not checks["data folder"].ok
    assert checks["data folder"].mend == f"counterfoil init --config {config.file}"
    assert checks["database"].mend == f"counterfoil init --config {config.file}"


def test_a_new_store_is_well_but_not_running_and_the_command_to_verify_is_a_note(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    checks = found(config)
    assert {name: check.mend for name, check in checks.items() if not check.ok} == {
        "service": f"counterfoil store --config {config.file}"
    }
    assert checks["verify"].mend == f"counterfoil verify --config {config.file}"
    assert "not run yet" in checks["verify"].detail


def test_a_finding_is_told_once_and_its_command_names_the_shops_own_file(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    remember_fault(config.data_dir(), "Entry 3 does not hold. Run: counterfoil rebuild --config FILE")
    check = found(config)["verify"]
    assert (check.ok, check.detail) == (False, "Entry 3 does not hold.")
    assert check.mend == f"counterfoil rebuild --config {config.file}"


def test_a_verified_running_store_is_well(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    assert prove(config.data_dir() / DATABASE_NAME, full=True).ok
    lock = lock_folder(config.data_dir())
    try:
        assert all(check.ok for check in examine(config))
    finally:
        os.close(lock)


def test_a_damaged_file_is_named_with_the_restore_command(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    (config.data_dir() / DATABASE_NAME).write_bytes(b"not a database" * 400)
    check = found(config)["database"]
    assert not check.ok
    assert check.mend is not None
    assert check.mend.startswith("counterfoil restore")


def test_a_folder_that_others_may_read_is_named(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    config.data_dir().chmod(0o755)
    assert found(config)["privacy"].mend == f"chmod 700 {config.data_dir()}"


def test_a_store_whose_file_went_away_is_not_made_anew(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    (config.data_dir() / DATABASE_NAME).unlink()
    assert found(config)["database"].mend == f"counterfoil restore FILE --config {config.file}"


def test_copies_set_aside_long_ago_are_named_with_the_command_that_removes_them(config: Config) -> None:
    initialise(config, "ada", "Ada", "2580")
    young, old, step = (
        config.data_dir() / name
        for name in ("store.replaced-20261120-1.sqlite", "store.replaced-20260901-1.sqlite", "store.before-2.sqlite")
    )
    for path in (young, old, step):
        path.write_bytes(b"Anna Kowalska")
    assert found(config)["old copies"].ok
    for path in (old, step):
        os.utime(path, (time.time() - 31 * 86_400,) * 2)
    check = found(config)["old copies"]
    assert not check.ok
    assert check.mend == f"rm {step} {old}"
    assert young.name not in check.detail


def test_a_printer_that_does_not_answer_is_named_and_one_that_does_is_well(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        (tmp_path / "store.toml").write_text(
            f'[printing]\nprinters = [{{ name = "receipt", kind = "tcp", profile = "epson-80mm", port = {port} }}]\n'
        )
        config = load_config(tmp_path / "store.toml")
        assert found(config)["printer receipt"].ok
    check = found(config)["printer receipt"]
    assert not check.ok
    assert check.mend is not None
    assert f"127.0.0.1:{port}" in check.mend
