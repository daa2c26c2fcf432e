"""A store leaves a price zone and comes back: what the zone said goes with it, and counts again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.bundles import restating
from kiosk.bundles.bundle_plan import CannotUse
from kiosk.bundles.feed_bundles import note_told, versions_in
from kiosk.bundles.restating import has_to_restate, note_zones, restate_some
from kiosk.catalogue.product_store import read_price_book, read_product
from kiosk.compose import make_shop
from kiosk.life.feed_rows import keep_page
from kiosk.life.healing import Plan, carry_out
from kiosk.life.lives import begin_life
from kiosk.offers.offer_store import read_offer
from kiosk.program.program_store import read_definition
from kiosk.shop import Shop
from sync.chain import epoch_text
from sync.facts.catalogue import ProductFact, ProductsChanged
from sync.journal import Origin, read_head, read_life
from sync.protocol.pull_store import Put
from tests.kiosk.bundling import activate, bundle, offer, page_of, product, rule
from tests.kiosk.linked import joined_store
from tests.kiosk.shopkit import NOW_MS, caller, make_config, new_id, open_shop, perform, prove_all
from tests.kiosk.test_link_bundles import HOUR_MS, MILK, chain, opened, price_of, prove, until

NORTH, SOUTH = "zone:north", "zone:south"


class Zones:
    """A shop in the north: the chain says 149 for milk, the north 119, and has an article, an offer and a rule more."""

    def __init__(self, connection: Any, shop: Shop) -> None:  # noqa: ANN401  pysqlite3 has no types
        self.connection, self.shop = connection, shop
        self.north = bundle(
            2, NOW_MS, product("100", 119), product("900", 500), offer("N", "10"), rule("gift", 5), bucket=NORTH
        )
        self.page(*bundle(1, NOW_MS, product("100", 149), product("101", 249)))
        self.page(*self.north)
        assert self.state() == (119, True, True, True)

    def page(self, *puts: Put, dropped: tuple[str, ...] = ()) -> None:
        """A page arrives, what begins begins."""
        told = {bucket for (bucket,) in self.connection.execute("SELECT bucket FROM feed_bucket")} - set(dropped)
        generations = dict.fromkeys({*told, *(put.bucket for put in puts)}, 0)
        page = replace(page_of(*puts), dropped=dropped, generations=generations)
        self.connection.execute("BEGIN IMMEDIATE")
        note_zones(self.connection, page.dropped, page.generations)
        keep_page(self.connection, page)
        note_told(self.connection, NOW_MS, versions_in(puts))
        self.connection.execute("COMMIT")
        activate(self.connection, self.shop, NOW_MS)

    def restate(self) -> None:
        """Everything was read."""
        while has_to_restate(self.connection):
            self.connection.execute("BEGIN IMMEDIATE")
            restate_some(self.connection, self.shop, NOW_MS, new_id)
            self.connection.execute("COMMIT")

    def state(self) -> tuple[int, bool, bool, bool]:
        """The price of milk, and whether the north's article is sold, its offer and its rule are live."""
        milk, more = read_product(self.connection, "100"), read_product(self.connection, "900")
        extra, gift = read_offer(self.connection, "N"), read_definition(self.connection, "earning_rule", "gift")
        assert milk is not None
        return (
            milk.price_minor,
            more is not None and more.active,
            extra is not None and extra.live,
            gift is not None and gift.live,
        )

    def entries(self) -> int:
        ((count,),) = self.connection.execute("SELECT count(*) FROM journal").fetchall()
        return int(count)


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Zones]:
    connection, shop = open_shop(tmp_path)
    yield Zones(connection, shop)
    report = prove_all(connection)
    connection.close()
    assert report.ok, report.first_wrong


def test_what_only_the_left_zone_said_goes_once_everything_is_read_and_no_sooner(zones: Zones) -> None:
    zones.restate()
    before = zones.entries()
    zones.page(dropped=(NORTH,))
    assert zones.state() == (119, True, True, True), "the words of the next zone are still on their way"
    zones.restate()
    assert zones.state() == (149, False, False, False)
    assert zones.entries() > before
    after = zones.entries()
    zones.restate()
    zones.page(dropped=("store:elsewhere",))
    assert not has_to_restate(zones.connection)
    assert zones.entries() == after


def test_between_two_zones_no_article_has_a_price_of_neither(zones: Zones) -> None:
    zones.page(*bundle(3, NOW_MS, product("100", 109), bucket=SOUTH), dropped=(NORTH,))
    assert zones.state() == (109, True, True, True)
    zones.restate()
    assert zones.state() == (109, False, False, False)


def test_a_zone_that_is_joined_again_counts_again_though_its_bundles_began_long_ago(zones: Zones) -> None:
    zones.page(dropped=(NORTH,))
    zones.restate()
    for some in (zones.north[:2], zones.north[2:]):
        zones.page(*some)
        assert zones.state() == (149, False, False, False)
    zones.restate()
    assert zones.state() == (119, True, True, True)


def test_a_zone_that_is_left_and_joined_before_anything_was_looked_at_changes_nothing(zones: Zones) -> None:
    zones.restate()
    before = zones.entries()
    zones.page(dropped=(NORTH,))
    zones.page(*zones.north)
    zones.restate()
    assert (zones.state(), zones.entries()) == ((119, True, True, True), before)


def test_one_thing_that_cannot_be_used_keeps_no_other_from_changing(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = restating.plan_activation

    def refuse(tx: Any, terms: Any, parts: Any, *more: Any) -> Any:  # noqa: ANN401
        if any(part.name == "N" for part in parts):
            raise CannotUse("too_many_offers")
        return plan(tx, terms, parts, *more)

    zones.page(dropped=(NORTH,))
    monkeypatch.setattr(restating, "plan_activation", refuse)
    zones.restate()
    assert zones.state() == (149, False, True, False)


def test_an_older_price_that_is_logged_again_does_not_stay_the_last_word(tmp_path: Path) -> None:
    """The disk went back and was used for a while: head office never got that part of the life, in which one price was
    changed by it and one by the shop. A later life has changed the first once more before the line is back."""
    connection, shop = open_shop(tmp_path)
    first = read_life(connection)
    assert first is not None
    common = read_head(connection, first[0])
    zones = Zones(connection, shop)
    own = ProductFact(sku="777", name="Own", department="OTHER", tax_class="food", price_minor=77)
    book = read_price_book(connection) + 1
    body = ProductsChanged(request="", price_book=book, source="manager", products=(own,))
    perform(connection, lambda tx, *_: shop.journal.record(tx, Origin(now_ms=NOW_MS), new_id(), body), shop, caller())
    begun = begin_life(connection, "S001", "EUR", "Europe/Warsaw")
    zones.shop = make_shop(make_config(tmp_path), *begun)
    zones.page(*bundle(3, NOW_MS + 1, product("100", 99), bucket=NORTH))
    activate(connection, zones.shop, NOW_MS + 1)
    assert zones.state()[0] == 99
    zones.restate()
    plan = Plan(epoch=epoch_text(common.epoch), seq=common.seq, hash=common.hash.hex())
    healed = carry_out(connection, tmp_path / "data", plan, "S001", "EUR", "Europe/Warsaw")
    assert healed is not None
    zones.shop = make_shop(make_config(tmp_path), *healed)
    assert zones.state()[0] == 119, "the older one stands behind the newer"
    zones.restate()
    assert zones.state() == (99, True, True, True)
    kept = read_product(connection, "777")
    assert kept is not None
    assert (kept.active, kept.price_minor) == (True, 77), "what no bundle names stays as it is"
    report = prove_all(connection)
    connection.close()
    assert report.ok, report.first_wrong


async def test_head_office_moves_a_store_from_zone_to_zone(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        config = await joined_store(made.hub, tmp_path / "S001", "S001")
        store = (await made.board("S001"))["id"]
        await made.office("PUT", f"/v1/stores/{store}/zone", {"zone": "north"})
        async with opened(made, config) as one:
            for price, zone in ((149, None), (119, "north"), (109, "south")):
                params = {"zone": zone} if zone else {}
                await made.office("PUT", "/v1/products/100", {**MILK, "price_minor": price}, expect=201, params=params)
            made.ahead_ms = HOUR_MS

            async def sells_at(price: int) -> bool:
                return await price_of(one) == price

            await until(lambda: sells_at(119))
            for zone, price in ((None, 149), ("north", 119), ("south", 109), ("north", 119)):
                await made.office("PUT", f"/v1/stores/{store}/zone", {"zone": zone})
                await until(lambda price=price: sells_at(price))
        prove(config)
