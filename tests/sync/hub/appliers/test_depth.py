"""What is nested deeper than a program can follow is refused at the door, with room to spare: appliers and proof, which
stand deeper than the door, read all that was taken in."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from sync.hub.problems import WrongOp
from sync.hub.received import read_op
from sync.protocol.messages import Op
from sync.protocol.push_hub import ProvedOp
from tests.sync.hub.appliers.office import STORE, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of

LONG = "12345678901234567890123"
"""A number that the look for nonsense follows all the way down."""


def is_taken(shop: Shop, depth: int, end: str) -> bool:
    """Book an entry that is nested so deep, unless the door refuses it."""
    nested = '{"a":[' * (depth // 2) + end + "]}" * (depth // 2)
    body = f'{{"request":"","till":"T01","reason":"x","more":{nested or 0}}}'
    shop.log_raw({"v": 1, "kind": "drawer.opened", "body": msgspec.Raw(body.encode())})
    op = shop.ops[-1]
    proved = ProvedOp(seq=op.seq, hash=op.hash, content=op.content, op=Op(content=op.content.decode()))
    # In a thread of its own nothing stands above the door.
    with ThreadPoolExecutor(1) as door:
        refused = isinstance(door.submit(read_op, proved).exception(), WrongOp)
    if refused:
        shop.ops.pop()
    return not refused


@pytest.mark.parametrize("engine", ["sqlite"])
def test_whatever_depth_is_taken_in_can_be_read_wherever_it_is_read(office: Office) -> None:
    shop = Shop()
    taken = {depth: is_taken(shop, depth, "") for depth in (*range(1_000, 940, -2), *range(940, 700, -20), 500, 10)}
    deepest = max(depth for depth, is_in in taken.items() if is_in)
    assert 500 < deepest < 980
    assert is_taken(shop, deepest, LONG)
    last = shop.sell()
    office.take_in(STORE, shop.journal)
    office.apply_all(STORE)
    assert (last.bytes,) in office.rows("receipt", "op")
    assert len(office.rows("dead_letter")) == 1, "the number"
    assert proof_of(office).ok
