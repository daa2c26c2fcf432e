"""edge: what head office holds of a life and this disk has lost, fetched page by page.

heads = await mend_life(side, client, common, session, kept)     # `kept` is told of each part when it is on the disk
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from loyalty.transactions import Tx
from sync.agent.client import HubClient
from sync.agent.journal_reader import read_heads
from sync.agent.store_side import StoreSide
from sync.chain import Head, decode_content, epoch_text
from sync.facts.store import EpochStarted
from sync.journal import Private
from sync.journal_mending import LoggedOp, check_private
from sync.protocol.messages import HeldOp

logger = logging.getLogger(__name__)
TAKEN_BACK_AT_ONCE = 50
"""Entries that come back are applied so many at a time; a sale that is rung up meanwhile waits for one such part."""


async def mend_life(
    side: StoreSide, client: HubClient, common: Head, session: str, kept: Callable[[Head], None]
) -> tuple[Head, ...] | None:
    """Put a life together again that goes on differently behind `common` at head office; the heads of all lives then.
    None where a new life has to begin, which the store was told.

    Raises HubSilent, HubRefused, HistoryWrong; what was kept stays.
    """
    heads = await side.database.read(read_heads)
    own = next((head for head in heads if head.epoch == common.epoch), None)
    if own is not None and (own.seq > common.seq or own.epoch == heads[-1].epoch):
        logger.error("head office holds another history", extra={"fields": {"epoch": epoch_text(own.epoch)}})
        side.begin_new_life(common)
        return None
    if own is None and await _began_later(side, client, common.epoch, session):
        logger.error("this disk has lost a whole life", extra={"fields": {"epoch": epoch_text(common.epoch)}})
        side.begin_new_life(heads[-1])
        return None
    async for place in fetch_life(side, client, common, session):
        kept(place)
    return await side.database.read(read_heads)


async def _began_later(side: StoreSide, client: HubClient, epoch: int, session: str) -> bool:
    """Whether a life that head office holds and this disk lacks came after the open one: the disk has gone back by
    more than a life, and nothing on it tells."""
    ordinal = await read_ordinal(client, epoch, session)
    if ordinal is None:
        return False
    return await side.database.read(lambda tx: side.note_lost_life(tx, ordinal))


async def read_ordinal(client: HubClient, epoch: int, session: str) -> int | None:
    """Which life of this store an epoch is, by its first entry at head office; None where that says nothing of it.

    Raises HubSilent, HubRefused.
    """
    page = await client.read_entries(session, epoch_text(epoch), 0)
    if not page.items:
        return None
    try:
        return msgspec.json.decode(decode_content(page.items[0].content.encode()).body, type=EpochStarted).ordinal
    except msgspec.DecodeError:
        return None


async def fetch_life(side: StoreSide, client: HubClient, common: Head, session: str) -> AsyncIterator[Head]:
    """Take back all that head office holds of a life behind `common`, where this disk's own entries end.

    Raises HubSilent, HubRefused, HistoryWrong; what was named is kept all the same.
    """
    after: int | None = common.seq
    while after is not None:
        page = await client.read_entries(session, epoch_text(common.epoch), after)
        for begin_at in range(0, len(page.items), TAKEN_BACK_AT_ONCE):
            held = page.items[begin_at : begin_at + TAKEN_BACK_AT_ONCE]
            last = Head(common.epoch, held[-1].seq, bytes.fromhex(held[-1].hash))
            await _keep(side, last, read_ops(held))
            yield last
        after = page.next


async def _keep(side: StoreSide, last: Head, ops: Sequence[LoggedOp]) -> None:
    def write(tx: Tx) -> None:
        side.take_back(tx, last, ops)

    await side.database.write(write)


def read_ops(held: Sequence[HeldOp]) -> list[LoggedOp]:
    """Entries from the wire. Raises HistoryWrong for a personal half that is not the entry's own."""
    ops = [
        LoggedOp(
            item.content.encode(),
            Private(item.private.member, item.private.salt, item.private.data) if item.private else None,
        )
        for item in held
    ]
    for op in ops:
        check_private(op)
    return ops
