"""What head office looks for again and again is found by an index: its tables come to a hundred million rows."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from loyalty.transactions import Cursor, Tx
from sync.db import connect
from sync.hub.bundle_board import store_bundle
from sync.hub.decisions import list_names
from sync.hub.feed_store import FeedChange, collect_tombstones, put_many
from sync.hub.schema_all import ALL_TABLES
from sync.hub.store_members import complete_members
from sync.hub.stores import add_store, need_store

STORE = UUID(int=7)
NOW_MS = 1_800_000_000_000


class Planned:
    """A transaction that notes how each statement goes through the tables."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401  pysqlite3 has no types
        self._connection = connection
        self.plans: list[str] = []

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:  # noqa: ANN401  whatever is bound
        steps = self._connection.execute("EXPLAIN QUERY PLAN " + sql, parameters)
        self.plans += [row[3] for row in steps]
        answer: Cursor = self._connection.execute(sql, parameters)
        return answer


@pytest.fixture
def tx() -> Iterator[Any]:
    with contextlib.closing(connect(":memory:")) as connection:
        for table in ALL_TABLES:
            for statement in (table.ddl, *table.indexes):
                connection.execute(statement)
        add_store(connection, STORE, "S007", "Seven", NOW_MS)
        put_many(connection, [FeedChange("global", "a", "1", b"1"), FeedChange("global", "b", "1", None)], NOW_MS)
        connection.execute(
            "INSERT INTO member_seen (member, store, home, last_at) VALUES (?, ?, 1, ?)",
            (STORE.bytes, STORE.bytes, NOW_MS),
        )
        yield connection


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (lambda tx: collect_tombstones(tx, "global", NOW_MS + 1), "feed_gone (bucket=? AND changed_at<?)"),
        (lambda tx: complete_members(tx, STORE, b"", 10, NOW_MS, 400), "member_seen_by_store (store=? AND member>?)"),
        (
            lambda tx: store_bundle(tx, need_store(tx, STORE), NOW_MS),
            "store_bundle_by_instant (store=? AND outcome=?)",
        ),
        (
            lambda tx: store_bundle(tx, need_store(tx, STORE), NOW_MS),
            "office_bundle_by_instant (bucket=? AND active_at<?)",
        ),
        (
            lambda tx: list_names(tx, "global", "product", "", 10),
            "office_change_by_bucket (bucket=? AND sort=? AND name>?)",
        ),
    ],
)
def test_what_is_looked_for_is_found_by_an_index(tx: Any, job: Callable[[Tx], object], wanted: str) -> None:  # noqa: ANN401
    planned = Planned(tx)
    job(planned)  # type: ignore[arg-type]
    assert any(wanted in plan for plan in planned.plans), planned.plans
    assert not [plan for plan in planned.plans if plan.startswith("SCAN") and "CONSTANT" not in plan]
    assert not [plan for plan in planned.plans if "USE TEMP B-TREE" in plan]
