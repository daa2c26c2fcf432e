"""A real shop's history at head office: the same accounts, points by points, as the shop has."""

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kiosk.shop import Shop
from tests.kiosk.history import Storyteller, tell_everything
from tests.kiosk.shopkit import NOW_MS, open_shop
from tests.sync.hub.appliers.office import STORE, Office, journal_of

LEDGER = ("posting", "account", "points_lot", "points_hold", "points_redemption", "points_incident", "member_merge")


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Shop]:
    """A real shop whose first entries are as old as its stories: head office lets no time go back."""
    with monkeypatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
        return open_shop(tmp_path / "shop")


def test_every_kind_of_fact_is_applied_and_the_accounts_are_those_of_the_shop(
    office: Office, opened: tuple[Any, Shop]
) -> None:
    connection, shop = opened
    tell_everything(connection, shop)
    office.take_in(STORE, journal_of(connection))
    done = office.apply_all(STORE)
    entries = connection.execute("SELECT count(*) FROM journal").fetchone()[0]
    assert sum(applied.fresh for applied in done) == entries
    assert office.rows("dead_letter") == []
    for table in LEDGER:
        assert office.rows(table) == sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr), table


@pytest.mark.parametrize("seed", range(3))
def test_a_shop_that_lives_at_random_has_the_same_accounts_at_head_office(
    office: Office, opened: tuple[Any, Shop], seed: int
) -> None:
    connection, shop = opened
    Storyteller(connection, shop, Random(seed)).tell(40)
    office.take_in(STORE, journal_of(connection))
    office.apply_all(STORE, limit=7 + seed)
    assert office.rows("dead_letter") == []
    for table in LEDGER:
        assert office.rows(table) == sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr), table
