"""edge: journals to push: real sales, booked by the store's own code, dealt out to as many stores as wanted.

    opening, *journals = book_journals(stand, [2_000] * 8, products=500, members=1_000)

`opening` is how the goods and members came to be. Every journal is an epoch of its own with its own chain, so the
entries are what a store writes, byte for byte, and only their places are new. Members live beside one of the stores and
go there nine times out of ten.
"""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kiosk.bench.goods import make_sales, member_of
from kiosk.bench.stand import Stand, make_caller
from kiosk.commands import CompleteSale
from kiosk.compose import make_shop, now_ms
from kiosk.config import load_config
from kiosk.sales.sale_service import complete_sale
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, chain_hash, decode_content
from sync.db import connect
from sync.journal import read_life
from sync.protocol.messages import Op, OpPrivate

_AT_ONCE = 200
_AWAY = 10
_FIRST_EPOCH = 0x1000_0000_0000_0000


class Journal(Struct, frozen=True):
    """One store's life: its entries as they go on the wire, and the chain hash behind each (`hashes[0]` is zeros)."""

    epoch: int
    ops: tuple[Op, ...]
    hashes: tuple[bytes, ...]


def book_journals(stand: Stand, sales: Sequence[int], *, products: int, members: int) -> list[Journal]:
    """What the store of `stand` wrote before, and for each of `sales` a journal with about so many in it. It is not
    running."""
    connection = connect(stand.database)
    try:
        life = read_life(connection)
        assert life is not None, "a store always has a life"
        begun = list(_read_ops(connection, 0))
        commands = list(make_sales(0, sum(sales), products, members))
        _book(connection, stand, life, commands)
        booked = list(_read_ops(connection, len(begun)))
    finally:
        connection.close()
    # A life begins with the entry that says so, under an id of its own: no two stores have one.
    dealt = [[_rename(begun[0])] for _ in sales]
    homes = _homes(sales, members)
    for n, (command, op) in enumerate(zip(commands, booked, strict=True)):
        home = homes[command.member] if command.member is not None else 0
        dealt[(home + (n % _AWAY == 0)) % len(sales)].append(op)
    return [_chain(_FIRST_EPOCH + number, tuple(ops)) for number, ops in enumerate([begun, *dealt])]


def _rename(op: Op) -> Op:
    """The same entry under a new id."""
    entry = decode_content(op.content.encode())
    return replace(op, content=op.content.replace(str(entry.op_id), str(uuid7(entry.at, os.urandom(10))), 1))


def _homes(sales: Sequence[int], members: int) -> dict[UUID, int]:
    """Beside which store each member lives: as many as the store has customers."""
    ends = [members * part // sum(sales) for part in accumulate(sales)]
    return {member_of(n): bisect_right(ends, n) for n in range(members)}


def _book(connection: Tx, stand: Stand, life: tuple[int, int], commands: Sequence[CompleteSale]) -> None:
    shop = make_shop(load_config(stand.config_file), *life)
    for n, command in enumerate(commands):
        if n % _AT_ONCE == 0:
            connection.execute("COMMIT" if n else "SELECT 1")
            connection.execute("BEGIN IMMEDIATE")
            caller = make_caller(connection, stand.tills[0], now_ms())
        complete_sale(connection, shop, caller, command)
    connection.execute("COMMIT")


def _read_ops(tx: Tx, after: int) -> Iterator[Op]:
    rows = tx.execute(
        "SELECT content, member, salt, bytes FROM journal LEFT JOIN journal_private"
        " ON journal_private.epoch = journal.epoch AND journal_private.seq = journal.seq"
        " WHERE journal.seq > ? ORDER BY journal.seq",
        (after,),
    )
    for content, member, salt, data in rows:
        private = OpPrivate(member=UUID(bytes=member), salt=salt, data=data) if member is not None else None
        yield Op(content=content.decode(), private=private)


def _chain(epoch: int, ops: tuple[Op, ...]) -> Journal:
    hashes = [ZERO_HASH]
    for seq, op in enumerate(ops, 1):
        hashes.append(chain_hash(epoch, seq, hashes[-1], op.content.encode()))
    return Journal(epoch, ops, tuple(hashes))
