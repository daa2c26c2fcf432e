"""What must hold in a universe on the real SQL once everybody agrees, in the product's own proofs and beyond them.

Nothing is lost and nothing counts twice; what only one may have, one had, or a person is told; prices began at their
instant; what shops were told adds up.
"""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from kiosk.life.feed_rows import find_wrong
from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.sales import SaleCompleted

if TYPE_CHECKING:
    from tests.simulation.real_shop import RealShop
    from tests.simulation.real_universe import RealUniverse

_SPENT = """
SELECT serial, uses_max, count(*) - (SELECT count(*) FROM coupon_return AS back WHERE back.serial = spent.serial)
FROM coupon_spending AS spent GROUP BY serial, uses_max
"""
_BACK = """
SELECT sale, line, sum(quantity_milli), max(sold_milli), sum(CASE WHEN sold_milli > 0 THEN quantity_milli ELSE 0 END),
    count(DISTINCT store)
FROM goods_back GROUP BY sale, line
"""


def reckon(universe: "RealUniverse") -> None:
    """Raises AssertionError. Stops everything."""
    hub = universe.hub
    # A till asks again under the same id when a disk went back between its commit and its answer. Then there are
    # two facts of one id; head office counts the first, and a person is told of the other.
    letters = hub.rows("SELECT kind, code, error FROM dead_letter")
    dead = [letter for letter in letters if letter[1] != "id_conflict"]
    assert not dead, dead
    for shop in universe.shops:
        applied = hub.ops_of(shop.joined.id, "applied")
        missing = [op for store, op in universe.owed if store == shop.joined.id and op not in applied]
        assert not missing, f"{len(missing)} operations of {shop.name} do not count"
        universe.counts["snapshot installed"] += len(shop.rows("SELECT bucket FROM feed_base"))
        wrong = shop.read(find_wrong)
        assert not wrong, f"{shop.name} was told what does not add up: {wrong}"
    sales = _read_sales(universe)
    check_prices(universe, sales)
    check_coupons(universe, sales)
    check_returns(universe)
    check_cards(universe)
    check_points(universe)
    for shop in universe.shops:
        universe.run_until(shop.stop())
        report = shop.prove()
        assert report.ok, (shop.name, report.first_wrong)
    report = hub.prove()
    assert report.ok, (report.first_wrong, report.tables)


def agrees(universe: "RealUniverse") -> str:
    """What is not settled yet; nothing when everybody agrees."""
    hub = universe.hub
    if not hub.up:
        return "head office is down"
    if universe.faults.waiting:
        return "a disk is not recovered"
    for shop in universe.shops:
        if not shop.up or shop.store is None or shop.store.head_office is None or shop.store.door.read_only:
            return f"{shop.name} does not work"
        if shop.store.head_office.agent.queued:
            return f"{shop.name} has something to send"
        chains = shop.chains()
        held = {epoch: hub.chain_of(shop.joined.id, epoch) for epoch in chains}
        if chains != held:
            return f"{shop.name} and head office hold other chains"
        behind = _buckets_behind(universe, shop)
        if behind:
            return f"{shop.name} was not told all of {behind}"
    return "something is not applied" if hub.is_behind() else ""


def _buckets_behind(universe: "RealUniverse", shop: "RealShop") -> list[str]:
    # By what they add up to: of what is gone a reader who comes late is told nothing, not even its number.
    told = dict(shop.rows("SELECT bucket, told FROM feed_bucket"))
    heads = universe.hub.rows("SELECT bucket, checksum FROM feed_head")
    mine = ("global", f"store:{shop.joined.id}")
    return [bucket for bucket, checksum in heads if bucket in mine and checksum != told.get(bucket)]


def _read_sales(universe: "RealUniverse") -> list[tuple[str, int, SaleCompleted]]:
    """Every sale that counts: its store, when it was, and what it says."""
    rows = universe.hub.rows(
        "SELECT inbox.store, inbox.v, inbox.content FROM applied JOIN inbox ON inbox.store = applied.store"
        " AND inbox.epoch = applied.epoch AND inbox.seq = applied.seq WHERE inbox.kind = 'sale.completed'"
    )
    sales = []
    for store, version, raw in rows:
        content = decode_content(raw)
        body = decode_body("sale.completed", version, content.body)
        assert isinstance(body, SaleCompleted)
        sales.append((bytes(store).hex(), content.at, body))
    return sales


def check_prices(universe: "RealUniverse", sales: list[tuple[str, int, SaleCompleted]]) -> None:
    """No price began before its instant; in the end all shops sell at the one that began last."""
    since = {price.minor: price.active_at for price in universe.faults.prices}
    for store, at, body in sales:
        for line in body.lines:
            if line.sku == "100" and line.unit_price_minor in since:
                begun = since[line.unit_price_minor]
                assert begun <= at, f"{store} sold at {line.unit_price_minor} {begun - at} ms before its instant"
                universe.counts["sold at a planned price"] += 1
    # A head office that went back and was not told so gives numbers of bundles again that shops have seen as others:
    # those shops wait for a higher one.
    if universe.faults.prices and not universe.hub_forgot:
        last = max(reversed(universe.faults.prices), key=lambda price: price.active_at)
        for shop in universe.shops:
            basket = {"lines": [{"sku": "100"}]}
            shop.seen = ""  # nobody comes any more who could have seen what a disk has lost
            reply = universe.run_until(shop.call("POST", "/v1/quotes", basket))
            assert reply is not None
            assert reply.status == 200, reply
            price = msgspec.json.decode(reply.body)["lines"][0]["unit_price_minor"]
            assert price == last.minor, f"{shop.name} sells at {price}, and it is {last.minor} everywhere"


def check_coupons(universe: "RealUniverse", sales: list[tuple[str, int, SaleCompleted]]) -> None:
    """A coupon that was used too often is an incident. Where no disk and no memory went back in time, at most one of
    its uses was kept by head office: the others were risked by a store out of touch."""
    told = _incidents(universe, "coupon_reuse")
    kept: Counter[int] = Counter()
    kept.subtract(serial for (serial,) in universe.hub.rows("SELECT serial FROM coupon_return"))
    for _store, _at, body in sales:
        for use in body.vouchers.used if body.vouchers is not None else ():
            kept[use.serial] += use.reserved is not None
            universe.counts["coupon kept" if use.reserved is not None else "coupon risked"] += bool(use.last_day)
    for serial, uses_max, uses in universe.hub.rows(_SPENT):
        if uses > uses_max:
            universe.counts["coupon used twice"] += 1
            assert told, f"coupon {serial} was used {uses} times, and nobody is told"
        if universe.never_went_back:
            assert kept[serial] <= uses_max, f"head office kept coupon {serial} for {kept[serial]} sales"


def check_returns(universe: "RealUniverse") -> None:
    """Goods that came back more often than they were sold are an incident. What other shops took back was kept for them
    by head office, so those alone never are too much."""
    told = _incidents(universe, "return_twice")
    sold = {
        (sale, line): quantity
        for shop in universe.shops
        for sale, line, quantity in shop.rows("SELECT sale, line, quantity_milli FROM sale_line")
    }
    for sale, line, back, said, elsewhere, stores in universe.hub.rows(_BACK):
        limit = sold.get((sale, line), said)
        if limit and back > limit:
            universe.counts["goods back twice"] += 1
            # What the selling shop alone took back is right by its own books; a copy of it is an incident by itself.
            assert told or stores == 1, f"line {line} came back {back} of {limit}, and nobody is told"
        if universe.never_went_back and limit:
            assert elsewhere <= limit, f"other shops took back {elsewhere} of {limit}"


def check_cards(universe: "RealUniverse") -> None:
    """A card that paid more than was on it is an incident, and never happens while no disk goes back in time."""
    told = _incidents(universe, "card_overdrawn")
    for ending, balance in universe.hub.rows("SELECT ending, balance_minor FROM card_balance"):
        if balance < 0:
            assert told, f"card {ending} paid {-balance} too much, and nobody is told"
            assert not universe.never_went_back, f"card {ending} paid {-balance} too much"


def check_points(universe: "RealUniverse") -> None:
    """Without a floor nobody spends what is not there, as long as no disk goes back in time."""
    overspent = _incidents(universe, "overspend")
    if universe.never_went_back and not universe.floor_minor:
        assert not overspent, f"more points were spent than there are: {overspent}"
    universe.counts["points lent"] += len(universe.hub.rows("SELECT lease FROM lent_lease"))


def _incidents(universe: "RealUniverse", kind: str) -> list[Any]:
    rows = universe.hub.rows("SELECT refs FROM incident WHERE kind = ?", (kind,))
    return [json.loads(refs) for (refs,) in rows]
