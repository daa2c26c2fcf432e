"""A head office that was put back from a backup finds out at its start, and stores bring back what it lost."""

import asyncio
import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from kiosk import __version__
from kiosk.cli import main
from sync.engines import DatabaseInUse
from sync.hub.compose import Hub
from sync.hub.marker import FILE_NAME, Mark, read_mark, write_mark
from sync.hub.problems import HubNotReady, HubWasRestored
from tests.sync.hub.hubkit import Clock, running_hub, settings

EMPTY = Mark(1, 0, hashlib.sha256().hexdigest()[:32])
"""No entry, and no store with a key."""


@pytest.fixture
def folder(filled_file: Path, tmp_path: Path) -> Path:
    shutil.copy(filled_file, tmp_path / "hub.sqlite")
    return tmp_path


def address_in(folder: Path) -> str:
    return f"sqlite://{folder / 'hub.sqlite'}"


async def refuse_to_open(folder: Path, problem: type[Exception]) -> None:
    hub = Hub(settings(database=address_in(folder)), folder, __version__, on_death=print)
    with pytest.raises(problem):
        await hub.open()
    await hub.close()


async def test_a_database_older_than_the_mark_is_refused_until_somebody_says_so(folder: Path) -> None:
    clock = Clock()
    backup = folder / "backup.sqlite"
    async with running_hub(address_in(folder), folder, clock=clock) as hub:
        shop = await hub.enrol("S001")
        await shop.open_session()
        await shop.push(shop.book(2))
    shutil.copy(folder / "hub.sqlite", backup)
    async with running_hub(address_in(folder), folder, clock=clock) as hub:
        shop.hub = hub
        await shop.push(shop.book(3))
    shutil.copy(backup, folder / "hub.sqlite")
    for _ in range(2):
        await refuse_to_open(folder, HubWasRestored)
    await asyncio.to_thread(say_restored, folder)
    mark = read_mark(folder)
    assert mark is not None
    assert (mark.timeline, mark.entries) == (2, 2)
    async with running_hub(address_in(folder), folder, clock=clock) as hub:
        shop.hub = hub
        status, answer = await shop.push(shop.book(1))
        assert (status, answer["code"]) == (409, "fenced")
        status, answer = await shop.open_session()
        assert (status, answer["timeline"], [head["seq"] for head in answer["heads"]]) == (201, 2, [2])
        status, answer = await shop.push(shop.ops[2:], from_seq=3)
        assert (answer["outcome"], answer["seq"]) == ("acknowledged", 6)


def say_restored(folder: Path) -> None:
    (folder / "hub.toml").write_text(f'[hub]\ndata_dir = "."\ndatabase = "{address_in(folder)}"\n')
    result = CliRunner().invoke(main, ["hub", "--config", str(folder / "hub.toml"), "--restored"])
    assert result.exit_code == 0, result.output
    assert "Timeline 2" in result.output


async def test_a_push_that_believes_in_the_lost_timeline_is_sent_to_ask_again(folder: Path) -> None:
    async with running_hub(address_in(folder), folder) as hub:
        shop = await hub.enrol("S001")
        await shop.open_session()
        shop.timeline = 2
        status, answer = await shop.push(shop.book(1))
        assert (status, answer["code"]) == (409, "wrong_timeline")


@pytest.mark.parametrize(
    ("mark", "refused"),
    [
        (Mark(1, 0), False),
        (Mark(1, 1), True),
        (Mark(2, 0), True),
        (None, False),
    ],
)
async def test_what_the_mark_says_against_an_empty_database_of_the_first_timeline(
    folder: Path, mark: Mark | None, refused: bool
) -> None:
    if mark is not None:
        write_mark(folder, mark)
    if refused:
        await refuse_to_open(folder, HubWasRestored)
        assert read_mark(folder) == mark, "a refused start leaves the mark as it was"
    else:
        async with running_hub(address_in(folder), folder):
            assert read_mark(folder) == EMPTY


async def test_a_damaged_mark_is_as_good_as_none(folder: Path) -> None:
    (folder / FILE_NAME).write_text("{")
    async with running_hub(address_in(folder), folder):
        assert read_mark(folder) == EMPTY


async def test_an_empty_database_is_no_head_office_and_one_file_serves_one_process(folder: Path) -> None:
    async with running_hub(address_in(folder), folder):
        await refuse_to_open(folder, DatabaseInUse)
    (folder / "hub.sqlite").unlink()
    await refuse_to_open(folder, HubNotReady)


def test_init_makes_a_head_office_once(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text('[hub]\ndata_dir = "office"\n')
    command = ["hub", "init", "--config", str(tmp_path / "hub.toml"), "--password", "a good long password"]
    first = CliRunner().invoke(main, [*command, "--json"])
    assert (first.exit_code, first.output) == (0, f'{{"data_dir":"{tmp_path / "office"}","user":"office"}}\n')
    assert (tmp_path / "office" / "hub.sqlite").exists()
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 1
    assert "already" in again.output
    unfit = CliRunner().invoke(main, [*command[:-1], "short"])
    assert unfit.exit_code == 2


def test_a_forgotten_password_is_set_anew_on_the_machine_itself(folder: Path) -> None:
    (folder / "hub.toml").write_text(f'[hub]\ndata_dir = "."\ndatabase = "{address_in(folder)}"\n')
    command = ["hub", "password", "--config", str(folder / "hub.toml"), "--password", "a brand new password"]
    for user in ("office", "olga"):
        done = CliRunner().invoke(main, [*command, "--user", user])
        assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main, [*command, "--user", "No Name"]).exit_code == 2

    async def sign_in_with_it() -> None:
        async with running_hub(address_in(folder), folder) as hub:
            assert await hub.sign_in("office", "a brand new password")
            assert await hub.sign_in("olga", "a brand new password")

    asyncio.run(sign_in_with_it())
