"""Connections beside the store's own file, and what is bound through them."""

from pathlib import Path

import pytest

from kiosk.catalogue.apply_stock import move_stock
from kiosk.life.proof import open_scratch
from kiosk.registry import list_statements
from sync.db import connect
from sync.db_connections import connect_scratch, spare_adapting


class Stamped(bytes):
    """Bytes of another type: nobody answers for those."""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (b"", "blob"),
        (bytes(range(240, 256)), "blob"),
        (Stamped(b"a"), "blob"),
        ("", "text"),
        (0, "integer"),
        (1.5, "real"),
    ],
)
def test_what_is_bound_without_looking_for_an_adapter_is_stored_as_it_is(
    tmp_path: Path, value: object, kind: str
) -> None:
    spare_adapting()
    for connection in (connect(tmp_path / "a.sqlite"), connect_scratch()):
        connection.execute("CREATE TABLE kept (value)")
        connection.execute("INSERT INTO kept VALUES (?)", (value,))
        connection.executemany("INSERT INTO kept VALUES (?)", [(value,)])
        assert connection.execute("SELECT value, typeof(value) FROM kept").fetchall() == [(value, kind)] * 2
        connection.close()


def test_what_nobody_can_store_is_refused_as_before() -> None:
    spare_adapting()
    connection = connect_scratch()
    with pytest.raises(Exception, match="unsupported type"):
        connection.execute("SELECT ?", (object(),))
    connection.close()


def test_the_tables_of_a_proof_take_facts_and_no_caches(tmp_path: Path) -> None:
    store, scratch = connect(tmp_path / "a.sqlite"), open_scratch()
    for statement in list_statements():
        store.execute(statement)
    levels = []
    for connection in (store, scratch):
        move_stock(connection, bytes(16), [("100", -2_000)], "sale")
        assert connection.execute("SELECT sku, quantity_milli FROM stock_move").fetchall() == [("100", -2_000)]
        levels.append(connection.execute("SELECT sku, quantity_milli FROM stock_level").fetchall())
        connection.close()
    assert levels == [[("100", -2_000)], []]
