"""edge: what head office holds of a life and this disk has lost, fetched page by page.

async for place in fetch_life(side, client, common, session): ...      # each part is on the disk when it is named
"""

from collections.abc import AsyncIterator, Sequence

import msgspec

from loyalty.transactions import Tx
from sync.agent.client import HubClient
from sync.agent.store_side import StoreSide
from sync.chain import Head, decode_content, epoch_text
from sync.facts.store import EpochStarted
from sync.journal import Private
from sync.journal_mending import LoggedOp, check_private
from sync.protocol.messages import HeldOp

TAKEN_BACK_AT_ONCE = 50
"""Entries that come back are applied so many at a time; a sale that is rung up meanwhile waits for one such part."""


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
