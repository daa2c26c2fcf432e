"""What was forgotten is overwritten in installed snapshots, whoever reads in them, and however it ends."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.life import feed_bases
from kiosk.life.feed_bases import drop_others, open_bases, overwrite_gone, path_of
from kiosk.life.start import DATABASE_NAME
from kiosk.life.told import GONE, read_told, schema_of
from loyalty.transactions import Tx
from sync.db import Database
from sync.db_connections import attach_files, connect_single
from sync.feed_file import add_identifiers, add_rows, identifiers_of, lay_out
from tests.kiosk.shopkit import open_shop

BUCKET, FILE = "global", "aa00"
ANNA, BEA = "anna", "bea"
PHONES = {ANNA: "+48600100200", BEA: "+48600300400"}


class Installed:
    """A store with a snapshot that tells of two members."""

    def __init__(self, folder: Path) -> None:
        connection, _ = open_shop(folder)
        data = folder / "data"
        self.database, self.path = Database(data / DATABASE_NAME), path_of(data, FILE)
        self.path.parent.mkdir()
        rows = [
            ("member", member, 1, f'{{"phone":"{phone}","identifiers":[["phone","{phone}","active"]]}}')
            for member, phone in PHONES.items()
        ]
        with contextlib.closing(connect_single(self.path)) as base:
            lay_out(base)
            add_rows(base, rows)
            add_identifiers(base, identifiers_of(rows))
        connection.execute("INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, 0)", (BUCKET, FILE))
        connection.close()

    async def forget(self, member: str) -> None:
        insert = "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES (?, 'member', ?, 0, 0, ?)"
        await self.database.write(lambda tx: tx.execute(insert, (BUCKET, member, GONE)).rowcount)

    def has(self, member: str) -> bool:
        return PHONES[member].encode() in self.path.read_bytes()


@pytest.fixture
async def installed(tmp_path: Path) -> AsyncIterator[Installed]:
    made = Installed(tmp_path)
    await made.database.open()
    await open_bases(made.database)
    yield made
    await made.database.close()


@contextlib.contextmanager
def reader(path: Path) -> Any:  # noqa: ANN401
    """Somebody who reads in the file for long, as the nightly proof does."""
    with contextlib.closing(connect_single(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM feed_row").fetchone()
        yield


async def test_who_reads_for_long_is_not_waited_for_and_it_is_done_later(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_bases, "_OVERWRITE_PAUSE_S", 0.01)
    await installed.forget(ANNA)
    with reader(installed.path):
        assert not await overwrite_gone(installed.database)
        assert installed.has(ANNA)
        assert await installed.database.read(lambda tx: read_told(tx, "member", ANNA)) is None, "it counts no more"
    assert await overwrite_gone(installed.database)
    assert (installed.has(ANNA), installed.has(BEA)) == (False, True)
    assert await overwrite_gone(installed.database), "nothing is left to do"


async def test_a_damaged_file_stops_nobody(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_bases, "_OVERWRITE_PAUSE_S", 0.01)
    await installed.forget(ANNA)
    installed.path.write_bytes(b"x" * 9_000)
    assert not await overwrite_gone(installed.database)


async def test_what_was_being_overwritten_when_the_machine_stopped_is_taken_back_and_done_anew(
    installed: Installed, tmp_path: Path
) -> None:
    await installed.forget(ANNA)
    copy = tmp_path / "copy"
    with contextlib.closing(connect_single(installed.path)) as base:
        base.execute("PRAGMA cache_size = 1")
        base.execute("BEGIN")
        base.execute("UPDATE feed_row SET value = zeroblob(100000)")  # so much that it is written before the end
        copy.mkdir()
        for path in installed.path.parent.iterdir():
            shutil.copy(path, copy / path.name)
        base.execute("ROLLBACK")
    assert {path.name for path in copy.iterdir()} == {f"{FILE}.base", f"{FILE}.base-journal"}
    for path in copy.iterdir():
        shutil.copy(path, installed.path.parent / path.name)
    await open_bases(installed.database)
    bea = await installed.database.read(lambda tx: read_told(tx, "member", BEA))
    assert bea is not None, "it is still installed"
    assert PHONES[BEA].encode() in bea
    assert not installed.has(ANNA)
    assert [path.name for path in installed.path.parent.iterdir()] == [f"{FILE}.base"]


def test_what_is_not_installed_goes_and_of_the_rest_also_what_lies_beside_it_stays(tmp_path: Path) -> None:
    folder = path_of(tmp_path, FILE).parent
    folder.mkdir()
    for name in ("aa00.base", "aa00.base-journal", "bb00.base", "bb00.base-journal", "bb00.base.new", "cc.part"):
        (folder / name).touch()
    drop_others(tmp_path, [path_of(tmp_path, FILE)])
    assert sorted(path.name for path in folder.iterdir()) == ["aa00.base", "aa00.base-journal", "cc.part"]


def test_while_a_file_is_overwritten_nobody_counts_as_unknown(tmp_path: Path) -> None:
    installed = Installed(tmp_path)
    with contextlib.closing(connect_single(installed.database.path)) as store:
        attach_files(store, {schema_of(FILE): installed.path})
        store.execute("PRAGMA busy_timeout = 0")
        tx: Tx = store
        with contextlib.closing(connect_single(installed.path)) as base:
            base.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Exception, match="locked"):
                read_told(tx, "member", ANNA)
        assert read_told(tx, "member", ANNA) is not None
