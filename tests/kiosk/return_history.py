"""Goods of a history's sales that come back at other stores, as head office tells of them.

come_back_elsewhere(story, sale, {1: 1000})
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from kiosk.sales.told_returns import follow_returns, note_whole
from kiosk.shop import Caller, Shop
from loyalty.transactions import Tx
from sync.protocol.sale_states import ReturnedElsewhere

if TYPE_CHECKING:
    from tests.kiosk.history import Story


def come_back_elsewhere(story: "Story", sale: UUID, returned: Mapping[int, int]) -> None:
    """Head office says what came back of a sale, and says it no more afterwards."""
    thing = "returned_elsewhere", str(sale)
    value = msgspec.json.encode(ReturnedElsewhere(returned=dict(returned), refunded={}, pending={}))
    story.connection.execute(
        "INSERT INTO feed_row (bucket, entity, key, seq, generation, value) VALUES ('x', ?, ?, 1, 0, ?)",
        (*thing, value),
    )

    def follow(tx: Tx, shop: Shop, who: Caller) -> None:
        note_whole(tx, shop, who.now_ms)
        follow_returns(tx, shop, who.now_ms, {thing})

    story.do(follow)
    story.connection.execute("DELETE FROM feed_row WHERE bucket = 'x'")
