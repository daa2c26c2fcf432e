"""sql: a large store's goods and members, for the bench of scans.

Goods come the shop's own way, through its import. A million members come as the bare rows a head office's feed would
bring, without entries of their own, so verify is not for this store.
"""

from kiosk.bench.goods import card_of, make_products, member_of, phone_of
from kiosk.catalogue.catalogue_service import import_catalogue
from kiosk.shop import Caller, Shop
from loyalty.apply_members import put_member
from loyalty.ids import uuid7
from loyalty.member_store import MemberRow
from loyalty.transactions import Tx

_AT_ONCE = 10_000  # what may change while tills are open


def bring_goods(tx: Tx, shop: Shop, caller: Caller, count: int) -> None:
    """Import `count` products, every fourth with a Korean or Japanese name."""
    products = make_products(count, mixed_scripts=True)
    for start in range(0, count, _AT_ONCE):
        part = products[start : start + _AT_ONCE]
        taken = import_catalogue(tx, shop, caller, uuid7(caller.now_ms, start.to_bytes(10)), part)
        assert not taken.faults, "made-up goods are sound"


def bring_members(tx: Tx, count: int, now_ms: int) -> None:
    """Write `count` active members, each with a card and a phone."""
    op = uuid7(now_ms, bytes(10))
    for n in range(count):
        put_member(
            tx,
            op,
            MemberRow(
                id=member_of(n),
                status="active",
                locale="en",
                revision=1,
                name=f"Member {n}",
                phone=phone_of(n),
                email=None,
                card=card_of(n),
                enrolled_at=now_ms,
            ),
        )
