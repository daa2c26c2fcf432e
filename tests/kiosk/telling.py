"""Head office tells a shop of a member whom other shops know too: pages of the feed, made as it makes them.

with open_till(tmp_path) as till:
    anna = till.enrol()
    tell_account(till, anna, elsewhere(anna, "earn", 320))     # and everything that was posted here until now
"""

import contextlib
import itertools
from typing import Any
from uuid import UUID

import msgspec

from kiosk.life.feed_rows import keep_page
from kiosk.life.laying import lay_over, list_touched
from loyalty.accounts_store import read_open_rows
from loyalty.apply_points import post_points
from loyalty.merge_store import group_of, survivor_of
from loyalty.points.facts import Posting, PostingKind
from loyalty.points.told import AccountValue
from loyalty.points_store import read_group
from loyalty.schema import TABLES
from loyalty.told_operations import read_hidden
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.db import connect
from sync.protocol.pull_store import ApplyPage, Put
from tests.kiosk.selling import Till
from tests.kiosk.shopkit import NOW_MS, new_id, perform

OTHER_SHOP = 77
BUCKET = "store:here"
_numbers = itertools.count(1)


def elsewhere(member: UUID, kind: PostingKind, points: int, *, at: int = NOW_MS - 86_400_000, **more: Any) -> Posting:  # noqa: ANN401
    """Something that another shop posted, a day before this one opened unless said otherwise."""
    fields: dict[str, Any] = {"effective_at": at, "origin": OTHER_SHOP, "seq": next(_numbers), **more}
    if kind == "earn":
        fields = {"available_from": at, **fields}
    return Posting(member=member.bytes, op_id=new_id().bytes, n=0, kind=kind, points=points, **fields)


def tell(till: Till, entity: str, key: object, value: msgspec.Struct | None) -> None:
    """One thing of the shop's bucket is told, as a page is written."""
    raw = msgspec.json.encode(value) if value is not None else None
    put = Put(bucket=BUCKET, entity=entity, key=str(key), seq=next(_numbers), generation=0, value=raw)
    page = ApplyPage(
        request=1, puts=(put,), sums=(), dropped=(), cursor=str(put.seq), generations={BUCKET: 0}, timeline=1
    )

    def keep(tx: Tx, *_: object) -> None:
        touched = list_touched(tx, page)
        keep_page(tx, page)
        lay_over(tx, touched, till.shop.journal, till.who.now_ms)

    perform(till.connection, keep, till.shop, till.who)


def tell_account(till: Till, member: UUID, *others: Posting, through: int | None = None) -> None:
    """Head office tells of a member's account: what other shops posted, and what this one did up to entry `through` of
    its present life (all of it, if left out)."""
    tx, epoch = till.connection, till.shop.journal.epoch
    account = survivor_of(tx, member)
    last = through if through is not None else tx.execute("SELECT max(seq) FROM journal").fetchone()[0]
    postings, _ = read_group(tx, account.bytes)
    counted = [posting for posting in postings if posting.origin != epoch or posting.seq <= last]
    with contextlib.closing(connect(":memory:")) as books:
        for table in TABLES:
            for statement in (table.ddl, *table.indexes):
                books.execute(statement)
        for row in tx.execute("SELECT * FROM member_merge").fetchall():
            books.execute(f"INSERT INTO member_merge VALUES ({', '.join('?' * len(row))})", row)
        post_points(books, [*counted, *others])
        opened = read_open_rows(books, [account.bytes])
        owners = {member.bytes: account.bytes for member in group_of(tx, account)}
        hidden = read_hidden(books, owners, opened, bytes(16)).get(account.bytes, [])
    rows = opened[account.bytes]
    value = AccountValue(
        account_of=account,
        account=rows.account,
        lots=rows.lots,
        holds=rows.holds,
        redemptions=rows.redemptions,
        due=rows.due,
        through={epoch_text(epoch): last},
        aliases=tuple(each for each in group_of(tx, account) if each != account),
        known=tuple(each.op_id for each in hidden if each.origin != OTHER_SHOP),
    )
    tell(till, "account", account, value)
