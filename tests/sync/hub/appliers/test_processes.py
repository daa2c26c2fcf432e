"""Several processes apply at once: they meet at accounts, coupons, cards and stores' buckets, and nothing is lost."""

import asyncio
from random import Random
from uuid import UUID

import pytest

from sync.hub.applier import apply_next
from tests.sync.hub.appliers.office import NOW_MS, Office, Shop
from tests.sync.hub.appliers.test_proof import proof_of
from tests.sync.hub.appliers.vouchers import card, used, vouchers

MEMBERS = [Shop(epoch=n).id() for n in range(1, 6)]
STORES = [UUID(int=0x2000 + n) for n in range(4)]


def busy_shop(store: UUID, epoch: int) -> Shop:
    """Sales of a few members whom every shop knows, the one card and the one coupon among them."""
    random = Random(epoch)
    shop = Shop(store, epoch=epoch, at_ms=NOW_MS + random.randrange(10_000))
    shop.enrol(shop.id(), "+48600100200")
    for n in range(60):
        shop.now_ms += random.randrange(5_000)
        shop.sell(
            random.choice(MEMBERS),
            earn=random.randint(1, 20),
            pay=random.choice([0, 0, 9]),
            vouchers=vouchers(
                used=[used(5, n=n, uses_max=100)] if n % 20 == 0 else [],
                cards=[card(n, "activate", 10)] if n % 10 == 0 else [],
            ),
        )
    return shop


async def apply_everywhere(office: Office) -> None:
    """Two appliers for each store, all at once, in batches of a few entries."""

    async def run(store: UUID, epoch: int) -> None:
        more = True
        while more:
            applied = await office.storage.write(lambda tx: apply_next(tx, store, epoch, office.now_ms, limit=7))
            more = applied.more

    lives = [(store, 30 + n) for n, store in enumerate(STORES)]
    await asyncio.gather(*(run(*life) for life in (*lives, *lives)))


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
def test_appliers_that_meet_everywhere_come_to_the_books_of_one_after_the_other(office: Office) -> None:
    shops = [busy_shop(store, 30 + n) for n, store in enumerate(STORES)]
    for shop in shops:
        office.take_in(shop.store, shop.journal)
    office.run(apply_everywhere(office))
    assert office.rows("dead_letter") == []
    assert office.rows("card_balance", "balance_minor") == [(240,)]
    assert office.rows("coupon_count") == [(5, 12)]
    earned = sum(row[0] for row in office.rows("posting", "points"))
    assert sum(active - debt for active, debt in office.rows("account", "active, debt")) == earned
    report = proof_of(office)
    assert report.ok, report.first_wrong
