"""Loyalty while head office cannot be reached: everybody else stops, or pays out without a limit.

Each scenario is named by its thread and asserts what the shop wants instead. A point is worth a cent; the floor is 5.00
for a member and 100.00 for the store, as shipped.
"""

from pathlib import Path
from uuid import UUID

from kiosk.points.feed_lending import save_lease
from kiosk.points.link import note_line, note_pushed, note_read
from loyalty.leases import receive
from loyalty.transactions import Tx
from sync.journal import read_head
from tests.kiosk.shopkit import new_id
from tests.scenario.counter import MANAGER, Counter, open_counter, points_tender, sale_of


async def line_goes(shop: Counter, *, online: bool) -> None:
    """The line to head office goes up or down; the store is enrolled from then on."""
    store = shop.running.store
    await store.database.write(lambda tx: note_line(tx, online=online, now_ms=store.door.now_ms()))


async def meet_head_office(shop: Counter) -> None:
    """Everything is pushed, applied and read back."""
    store = shop.running.store
    epoch = store.door.shop.journal.epoch

    def read(tx: Tx) -> None:
        seq = read_head(tx, epoch).seq
        note_pushed(tx, epoch, seq)
        note_read(tx, epoch, store.door.now_ms(), store.door.uptime(), {epoch: seq})

    await store.database.write(read)


async def test_points_are_earned_and_used_without_a_line_erpnext_14885(tmp_path: Path) -> None:
    """erpnext#14885 (points offline, whatever the risk), POS-Awesome#3059, Square (not supported offline at all)."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 2_000)
        await line_goes(shop, online=True)
        await meet_head_office(shop)
        assert (await shop.points(anna))["provisional"] is False
        await line_goes(shop, online=False)
        sold = await shop.sell({"104": 1}, member=anna)
        assert sold["points"]["earned"] == 19
        assert (await shop.points(anna))["provisional"] is True
        hold = await shop.hold(anna, 350)
        body = sale_of({"102": 1}, {}, member=anna)
        body["tenders"].append(points_tender(hold, 350))
        assert (await shop.ask("POST", "/v1/sales", body))["points"]["redeemed"] == 350
        too_many = await shop.send("POST", "/v1/holds", await shop.hold_of(anna, 151))
        assert (too_many.status, too_many.json["code"]) == (409, "member_limit_reached")
        assert too_many.json["left_minor"] == 150
        link = (await shop.ask("GET", "/v1/store"))["link"]
        assert (link["state"], link["queued"] > 0) == ("offline", True)
        await line_goes(shop, online=True)
        await meet_head_office(shop)
        assert (await shop.ask("GET", "/v1/store"))["link"]["queued"] == 0
        assert (await shop.points(anna))["provisional"] is False
        assert await shop.active(anna) == 2_000 + 19 - 350


async def test_leased_points_pay_like_a_gift_card_dynamics_1502(tmp_path: Path) -> None:
    """dynamics-365#1502 asks why a gift card can pay offline and points cannot: points that were lent can."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await shop.give_points(anna, 5_000)
        await line_goes(shop, online=True)
        await meet_head_office(shop)
        store = shop.running.store
        sent = store.door.uptime()
        assert sent is not None
        lease = receive(new_id().bytes, UUID(anna).bytes, 4_000, sent, 3_600_000)
        await store.database.write(lambda tx: save_lease(tx, store.door.shop.journal.epoch, lease))
        await line_goes(shop, online=False)
        await shop.hold(anna, 3_900)
        await shop.hold(anna, 600, role=MANAGER)  # a hundred of the lease, the rest on the floor
        refused = await shop.refused("POST", "/v1/holds", await shop.hold_of(anna, 1))
        assert refused == "member_limit_reached"


async def test_what_is_sold_offline_earns_once_however_often_it_is_sent_odoo_270532(tmp_path: Path) -> None:
    """odoo#270532: points of sales made offline are lost, or doubled when they are sent again."""
    async with open_counter(tmp_path) as shop:
        anna = await shop.enrol()
        await line_goes(shop, online=False)
        bodies = [sale_of({"101": 2}, member=anna) for _ in range(3)]
        for body in [*bodies, *bodies]:
            await shop.ask("POST", "/v1/sales", body)
        await line_goes(shop, online=True)
        for body in bodies:
            await shop.ask("POST", "/v1/sales", body)
        assert await shop.active(anna) == 3 * 5


async def test_a_basket_costs_the_same_with_and_without_a_line_posawesome_3055(tmp_path: Path) -> None:
    """POS-Awesome-V15#3055: rules for the whole basket are forgotten while the till is offline."""
    async with open_counter(tmp_path) as shop:
        offer = {
            "title": {"en": "Two euros off from ten"},
            "effect": {"kind": "amount", "amount_minor": 200},
            "conditions": {"minimum": {"amount_minor": 1_000}},
        }
        await shop.ask("PUT", "/v1/offers/TWO", offer, role=MANAGER)
        totals = []
        for online in (True, False):
            await line_goes(shop, online=online)
            quote = await shop.quote({"101": 4})
            sold = await shop.sell({"101": 4}, {"card": quote["totals"]["due_minor"]})
            totals.append((quote["totals"]["due_minor"], sold["totals"]["due_minor"]))
        assert totals == [(836, 836), (836, 836)]
