"""Accounts that head office told in a snapshot, under what this store posted: proved together, and never taken for
damage of the store's own where the snapshot is what is lost or damaged."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kiosk.life.feed_bases import forget_damaged, open_bases, path_of
from kiosk.life.start import DATABASE_NAME
from kiosk.life.told import schema_of
from kiosk.points.accounts import view_account
from kiosk.points.waiting_accounts import make_some
from loyalty.points.facts import Posting
from loyalty.points.fold import fold
from loyalty.points.rows import to_rows
from loyalty.points.told import AccountValue
from loyalty.transactions import Tx
from sync.db import Database
from sync.db_connections import attach_files, connect_single
from sync.feed_file import add_rows, lay_out
from sync.protocol.feed import checksum_of, checksum_text
from sync.protocol.snapshots import STUBS
from tests.kiosk.selling import Till, open_till
from tests.kiosk.shopkit import new_id, prove_all

TOLD = 50
BUCKET, ZONE = "global", "zone:north"
FILES = {BUCKET: "aa00", ZONE: "bb00", STUBS: "cc00"}


def account_value(member: UUID, at: int) -> str:
    """An account with 50 points that another shop gave."""
    earned = Posting(member=member.bytes, op_id=new_id().bytes, kind="earn", points=TOLD, effective_at=at, origin=9)
    rows = to_rows(fold([earned]))
    value = AccountValue(
        account_of=member, account=rows.account, lots=tuple(rows.lots), holds=(), due=None, through={"0" * 16: 0}
    )
    return msgspec.json.encode(value).decode()


class Shop:
    """A till, and installed snapshots with what head office said that they add up to."""

    def __init__(self, till: Till, folder: Path) -> None:
        self.till, self.folder = till, folder
        self.member = till.enrol()
        self.install(BUCKET, ("account", str(self.member), account_value(self.member, till.who.now_ms)))
        self.install(ZONE, ("thing", "a", "1"))
        self.install(STUBS)
        self.attach()
        till.sell("100", member=self.member)
        assert self.active(till.connection) == TOLD + 1

    def path(self, bucket: str = BUCKET) -> Path:
        return path_of(self.folder, FILES[bucket])

    def install(self, bucket: str, *things: tuple[str, str, str]) -> None:
        self.path(bucket).parent.mkdir(exist_ok=True)
        with contextlib.closing(connect_single(self.path(bucket))) as base:
            lay_out(base, stubs=bucket == STUBS)
            if bucket != STUBS:
                add_rows(base, [(entity, key, 1, value) for entity, key, value in things])
        tx = self.till.connection
        tx.execute("INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, 0)", (bucket, FILES[bucket]))
        if bucket != STUBS:
            told = checksum_text(checksum_of(things))
            tx.execute(
                "INSERT INTO feed_bucket (bucket, generation, checksum, told, seq) VALUES (?, 0, ?, ?, 1)",
                (bucket, told, told),
            )

    def attach(self, *buckets: str) -> None:
        """Attach these, or all."""
        files = {schema_of(FILES[bucket]): self.path(bucket) for bucket in buckets or FILES}
        attach_files(self.till.connection, files)

    def active(self, tx: Tx) -> int:
        return view_account(tx, self.member, 0).active


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_till(tmp_path) as till:
        yield Shop(till, tmp_path / "data")


def test_caches_are_proved_under_a_snapshot_also_where_there_is_a_file_of_stubs(shop: Shop) -> None:
    connection = shop.till.connection
    assert prove_all(connection).ok
    connection.execute("UPDATE account SET active = active + 1")
    report = prove_all(connection)
    assert not report.ok
    assert report.tables["account"] is False


def test_a_snapshot_that_is_damaged_or_not_attached_is_no_fault_of_the_tables(shop: Shop) -> None:
    connection = shop.till.connection
    shop.attach(ZONE, STUBS)
    assert prove_all(connection).ok, "not attached"
    with contextlib.closing(connect_single(shop.path())) as base:
        base.execute("UPDATE feed_row SET value = CAST('{}' AS BLOB)")
    shop.attach()
    assert prove_all(connection).ok, "other values than head office told"
    shop.attach(ZONE, STUBS)
    whole = shop.path().read_bytes()
    shop.path().write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    shop.attach()
    assert prove_all(connection).ok, "pages that cannot be read"


@pytest.mark.parametrize("at_the_start", [True, False], ids=["missing at the start", "damaged later"])
async def test_after_the_loss_of_a_snapshot_the_tables_are_what_is_left(shop: Shop, at_the_start: bool) -> None:
    database = Database(shop.folder / DATABASE_NAME)
    await database.open()
    if at_the_start:
        shop.path().unlink()
    await open_bases(database)
    assert await database.read(shop.active) == TOLD + 1, "as it was known a moment ago"
    if not at_the_start:
        await forget_damaged(database, [BUCKET])
    assert await database.read(lambda tx: prove_all(tx).ok), "the rows wait to be made anew"
    while await database.write(make_some):
        pass
    first_wrong, active = await database.read(lambda tx: (prove_all(tx).first_wrong, shop.active(tx)))
    await database.close()
    assert (first_wrong, active) == (None, 1), "the store's own point: nobody says anything else any more"


async def test_an_account_in_another_snapshot_stays_as_it_is_told(shop: Shop) -> None:
    database = Database(shop.folder / DATABASE_NAME)
    await database.open()
    shop.path(ZONE).unlink()
    await open_bases(database)
    assert await database.read(shop.active) == TOLD + 1
    await database.close()
