"""`counterfoil rebuild` in a store that reads an installed snapshot: the snapshot is only read."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from kiosk.life import rebuild as rebuilding
from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from sync.db_connections import attach_files, connect_single
from tests.kiosk.history import tell_everything
from tests.kiosk.shopkit import open_shop


def test_a_rebuild_leaves_the_attached_snapshot_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, shop = open_shop(tmp_path)
    tell_everything(connection, shop)
    connection.close()
    base = tmp_path / "a.base"
    with contextlib.closing(connect_single(base)) as made:
        made.execute("CREATE TABLE feed_row (key TEXT PRIMARY KEY, value TEXT)")
        made.execute("CREATE INDEX feed_row_by_value ON feed_row (value)")
    files: Mapping[str, Path] = {"told_a": base}
    monkeypatch.setattr(rebuilding, "attach_installed", lambda connection, _: attach_files(connection, files))
    database = tmp_path / "data" / DATABASE_NAME
    before = base.read_bytes()
    assert rebuilding.rebuild(database) > 0
    assert base.read_bytes() == before
    assert prove(database, full=True).ok
