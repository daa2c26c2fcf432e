"""Very much is told at once: accounts are made anew some at a time, sales come in between, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.life import head_office
from kiosk.life.feed_rows import keep_page
from kiosk.life.head_office import FeedReader
from kiosk.life.laying import lay_over, list_touched
from kiosk.points.accounts import view_account
from kiosk.points.link import note_line, read_line
from kiosk.points.told_accounts import are_waiting
from kiosk.points.waiting_accounts import let_all_wait, make_some
from loyalty.transactions import Tx
from sync.db import connect
from sync.protocol.pull_store import ApplyPage, BucketSum, Put
from tests.kiosk.selling import Till, assert_holds, open_till
from tests.kiosk.shopkit import NOW_MS, make_config, perform, prepare_store, prove_all, running_store
from tests.kiosk.telling import BUCKET, elsewhere, tell_account

GIVING = {"adjust_limit_cashier": 100_000}
TOLD, OWN = 50, 7
MEMBERS = 5


class Crowd:
    """Members with points of this shop and of another one, which the rows do not know of yet."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.members = sorted((till.enrol() for _ in range(MEMBERS)), key=lambda member: member.bytes)
        for member in self.members:
            till.adjust(member, OWN)
            tell_account(till, member, elsewhere(member, "earn", TOLD))
        values = till.rows("SELECT bucket, key, seq, value FROM feed_row WHERE entity = 'account'")
        till.connection.execute("DELETE FROM feed_row WHERE entity = 'account'")
        lay_all(till)
        while perform(till.connection, lambda tx, *_: make_some(tx), till.shop, till.who):
            pass
        assert self.points() == [OWN] * MEMBERS
        for bucket, key, seq, value in values:
            till.connection.execute(
                "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES (?, 'account', ?, ?, 0, ?)",
                (bucket, key, seq, value),
            )

    def points(self) -> list[int]:
        """What the rows say, in the order in which they are made anew."""
        return [view_account(self.till.connection, member, NOW_MS).active for member in self.members]


def lay_all(till: Till) -> None:
    perform(till.connection, lambda tx, shop, who: lay_over(tx, None, shop.journal, who.now_ms), till.shop, till.who)


@pytest.fixture(name="crowd")
def make_crowd(tmp_path: Path) -> Iterator[Crowd]:
    with open_till(tmp_path, points=GIVING) as till:
        yield Crowd(till)
        assert_holds(till.connection)


def test_each_step_makes_some_and_what_is_posted_in_between_stays(crowd: Crowd) -> None:
    till, whole = crowd.till, TOLD + OWN
    lay_all(till)
    assert crowd.points() == [OWN] * MEMBERS, "nobody waits for all of them"
    assert prove_all(till.connection).ok, "what waits is no damage"
    assert perform(till.connection, lambda tx, *_: make_some(tx, 2), till.shop, till.who)
    assert crowd.points() == [whole, whole, OWN, OWN, OWN]
    for member in crowd.members:
        till.adjust(member, 100)
    assert crowd.points() == [whole + 100, whole + 100, *[OWN + 100] * 3]
    assert perform(till.connection, lambda tx, *_: make_some(tx, 2), till.shop, till.who)
    assert not perform(till.connection, lambda tx, *_: make_some(tx, 2), till.shop, till.who)
    assert not are_waiting(till.connection)
    assert crowd.points() == [whole + 100] * MEMBERS
    till.connection.execute("UPDATE account SET active = active + 1 WHERE member = ?", (crowd.members[0].bytes,))
    assert not prove_all(till.connection).ok, "from now on they are proved again"
    till.connection.execute("UPDATE account SET active = active - 1 WHERE member = ?", (crowd.members[0].bytes,))


def test_what_goes_with_a_bucket_is_made_anew_and_nothing_else(crowd: Crowd) -> None:
    """A store that leaves its price zone has no account to make anew."""
    till, tx = crowd.till, crowd.till.connection
    tx.execute("UPDATE feed_row SET bucket = 'zone:north' WHERE key = ?", (str(crowd.members[0]),))
    for bucket, expected in (("zone:south", set()), ("zone:north", {("account", str(crowd.members[0]))})):
        assert list_touched(tx, page(dropped=(bucket,))) == expected
    lay_all(till)
    while perform(tx, lambda tx, *_: make_some(tx), till.shop, till.who):
        pass
    gone = page(dropped=("zone:north",))

    def keep(tx: Tx, *_: object) -> None:
        touched = list_touched(tx, gone)
        keep_page(tx, gone)
        lay_over(tx, touched, till.shop.journal, till.who.now_ms)

    perform(tx, keep, till.shop, till.who)
    assert not are_waiting(tx)
    assert crowd.points() == [OWN, *[TOLD + OWN] * (MEMBERS - 1)]


def test_more_accounts_than_a_page_tells_wait_for_their_turn(crowd: Crowd) -> None:
    """A bucket that was told anew without them."""
    till, tx = crowd.till, crowd.till.connection
    many = [(BUCKET, str(UUID(int=n)), n) for n in range(501)]
    tx.executemany(
        "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES (?, 'account', ?, ?, 0, x'7b7d')",
        many,
    )
    swept = page(sums=(BucketSum(BUCKET, 1, "0" * 16),), generations={BUCKET: 1})
    touched = list_touched(tx, swept)
    assert touched is not None
    assert len(touched) == 501 + MEMBERS
    perform(tx, lambda tx, shop, who: lay_over(tx, touched, shop.journal, who.now_ms), till.shop, till.who)
    assert are_waiting(tx)
    tx.execute("DELETE FROM feed_row WHERE value = x'7b7d'")
    while perform(tx, lambda tx, *_: make_some(tx), till.shop, till.who):
        pass


def page(**fields: object) -> ApplyPage:
    usual = {"puts": (), "sums": (), "dropped": (), "cursor": "c", "generations": {}, "timeline": 1}
    return ApplyPage(request=1, **{**usual, **fields})  # type: ignore[arg-type]


async def test_nothing_counts_as_read_while_accounts_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_store(make_config(tmp_path)) as store:
        door = store.store.door
        reader = FeedReader(door)
        await door.database.write(lambda tx: note_line(tx, online=True, now_ms=1))
        await door.database.write(let_all_wait)
        with monkeypatch.context() as patch:
            patch.setattr(head_office, "make_waiting", _nothing)
            await reader.note_read({})
        line = await door.database.read(read_line)
        assert line is not None
        assert line.read_at is None
        await reader.note_read({})
        line = await door.database.read(read_line)
        assert line is not None
        assert line.read_at is not None
        assert not await door.database.read(are_waiting)


async def _nothing(_door: object) -> None:
    pass


async def test_a_service_that_ended_in_between_goes_on_by_itself(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    connection = connect(prepare_store(config))
    let_all_wait(connection)
    connection.close()
    async with running_store(config) as store, asyncio.timeout(120):
        while await store.store.database.read(are_waiting):  # noqa: ASYNC110  upkeep does it
            await asyncio.sleep(0.02)


async def test_a_page_leaves_no_account_waiting(tmp_path: Path) -> None:
    """What lets all accounts wait makes them anew before the next page is asked for."""
    async with running_store(make_config(tmp_path)) as store:
        put = Put(bucket="global", entity="thing", key="a", seq=1, generation=0, value=b"1")
        await store.store.database.write(let_all_wait)
        await FeedReader(store.store.door).keep_page(page(puts=(put,), generations={"global": 0}))
        assert not await store.store.database.read(are_waiting)


async def test_a_key_that_names_nobody_keeps_no_page_from_being_written(tmp_path: Path) -> None:
    """Else the pull would read this page for ever, and prices and erasures would come no more."""
    async with running_store(make_config(tmp_path)) as store:
        puts = tuple(
            Put(bucket="global", entity=entity, key="nobody", seq=n, generation=0, value=b"{}")
            for n, entity in enumerate(("account", "merge", "erased", "member", "thing"), start=1)
        )
        reader = FeedReader(store.store.door)
        assert await reader.keep_page(page(puts=puts, generations={"global": 0}, cursor="behind")) == ()
        assert (await reader.position())[0] == "behind"
        await store.store.database.write(
            lambda tx: lay_over(tx, None, store.store.door.shop.journal, store.store.door.now_ms())
        )
