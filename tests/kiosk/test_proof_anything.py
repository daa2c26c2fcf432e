"""`counterfoil verify` against any damage at all: random histories, random cells, random bits of the file."""

import functools
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.life.proof import prove
from kiosk.life.start import DATABASE_NAME
from sync.db import SqliteError, connect
from sync.schema import JOURNAL, PRIVATE
from tests.kiosk.damage import change_cell, columns_of, delete_row, insert_like, rows_of
from tests.kiosk.history import Storyteller, tell_everything
from tests.kiosk.shopkit import NOW_MS, open_shop, prove_all
from tests.kiosk.told import CACHES, FACTS, into_memory, undone

# -- any damage at all -------------------------------------------------------------------------------------------------


@functools.cache
def random_shop(seed: int) -> Any:  # noqa: ANN401
    with tempfile.TemporaryDirectory() as folder:
        opened, shop = open_shop(Path(folder))
        Storyteller(opened, shop, Random(seed)).tell(25)
        connection = into_memory(opened)
    report = prove_all(connection)
    assert report.ok, report.first_wrong
    return connection


@given(seed=st.integers(0, 7), data=st.data())
def test_no_damage_to_any_table_of_any_history_goes_unseen(seed: int, data: st.DataObject) -> None:
    connection = random_shop(seed)
    proved = [table for table in (JOURNAL, PRIVATE, *FACTS, *CACHES) if rows_of(connection, table)]
    table = data.draw(st.sampled_from(proved), "table")
    row = data.draw(st.sampled_from(rows_of(connection, table)), "row")
    damage = data.draw(st.sampled_from(["change", "delete", "insert"]), "damage")
    column = data.draw(st.sampled_from(columns_of(connection, table)), "column")
    with undone(connection):
        try:
            if damage == "change":
                change_cell(connection, table, row, column)
            elif damage == "delete":
                delete_row(connection, table, row)
            else:
                insert_like(connection, table, row)
        except SqliteError:
            return  # two rows of one key: not even a broken disk makes that
        assert not prove_all(connection).ok
    assert prove_all(connection).ok, "the damage was undone"


def content_of(database: Path) -> dict[str, object]:
    """What the proved tables hold; None for one that cannot be read."""
    connection = connect(database, read_only=True)
    connection.text_factory = bytes
    found: dict[str, object] = {}
    for table in (JOURNAL, PRIVATE, *FACTS, *CACHES):
        try:
            found[table.name] = sorted(connection.execute(f"SELECT * FROM {table.name} NOT INDEXED"), key=repr)
        except (SqliteError, UnicodeDecodeError):
            found[table.name] = None
    connection.close()
    return found


@settings(max_examples=120)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_in_the_file_never_ends_the_proof_and_is_found_where_it_counts(
    place: float, bit: int
) -> None:
    original, before = _file_and_content()
    at = int(place * len(original))
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / DATABASE_NAME
        database.write_bytes(original[:at] + bytes([original[at] ^ 1 << bit]) + original[at + 1 :])
        try:
            after = content_of(database)
        except SqliteError:
            return  # not even a database any more; start refuses it
        report = prove(database, full=True)
        if after != before:
            assert not report.ok, f"byte {at}, bit {bit}"


@functools.cache
def _file_and_content() -> tuple[bytes, dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        connection, shop = open_shop(Path(folder))
        tell_everything(connection, shop, NOW_MS)
        connection.close()
        database = Path(folder) / "data" / DATABASE_NAME
        return database.read_bytes(), content_of(database)
