"""Bundles of head office as they are told, page by page, to a shop without a line.

tell(connection, *bundle(7, AT, product("100", 149), offer("DAIRY10", "10")))
activate(connection, shop, AT)
"""

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from kiosk.bundles.activation import activate_due
from kiosk.bundles.feed_bundles import note_told, versions_in
from kiosk.life.feed_rows import keep_page
from kiosk.shop import Shop
from loyalty.earning_rules.rule import EarningRule, Once
from loyalty.offers.offer import Goods, Offer, PercentOff, encode_offer
from sync.bundle_values import EARNING_RULE, HEAD, OFFER, PRODUCT, head_of, part_key
from sync.facts.bundles import BundleChange
from sync.facts.catalogue import ProductFact
from sync.protocol.feed import checksum_of, checksum_text
from sync.protocol.pull_store import ApplyPage, Put
from tests.kiosk.shopkit import CATALOGUE, new_id

_numbers = itertools.count(1)


def product(sku: str, price_minor: int, **changes: object) -> BundleChange:
    """An article of the shop's catalogue, or a new one, at a price."""
    known = next((each for each in CATALOGUE if each.sku == sku), None)
    usual = known or ProductFact(sku=sku, name=f"Article {sku}", department="OTHER", tax_class="food", price_minor=1)
    fact = msgspec.structs.replace(usual, **{"price_minor": price_minor, **changes})
    return BundleChange(sort=PRODUCT, name=sku, definition=msgspec.Raw(msgspec.json.encode(fact)))


def offer(name: str, percent: str, *, live: bool = True) -> BundleChange:
    """So many percent off dairy."""
    effect = PercentOff(percent=percent, goods=Goods(categories=("DAIRY",)))
    made = Offer(format=1, id=name, version=1, title={"en": f"{percent} percent"}, effect=effect)
    return BundleChange(sort=OFFER, name=name, live=live, definition=msgspec.Raw(encode_offer(made)))


def rule(name: str, points: int) -> BundleChange:
    """So many points with every purchase."""
    made = EarningRule(
        id=name, version=1, title={"en": name}, trigger="purchase_basket", op="add", gives=Once(points=points)
    )
    return BundleChange(sort=EARNING_RULE, name=name, definition=msgspec.Raw(msgspec.json.encode(made)))


def nothing(sort: str, name: str) -> BundleChange:
    """No word on a thing any more."""
    return BundleChange(sort=sort, name=name)


def bundle(version: int, active_at: int, *changes: BundleChange, bucket: str = "global") -> list[Put]:
    """Its parts, and its head as the last of them."""
    values = {part_key(each.sort, each.name): msgspec.json.encode(each) for each in changes}
    entity = f"bundle:{version}"
    checksum = checksum_text(checksum_of((entity, key, value.decode()) for key, value in values.items()))
    head = msgspec.json.encode(head_of(version, active_at, len(values), checksum))
    parts = [_put(bucket, entity, key, value) for key, value in values.items()]
    return [*parts, _put(bucket, HEAD, str(version), head)]


def gone(puts: Iterable[Put]) -> list[Put]:
    """The same things, told to be no more."""
    return [msgspec.structs.replace(put, value=None, seq=next(_numbers)) for put in puts]


def page_of(*puts: Put) -> ApplyPage:
    """A page of the feed."""
    generations = {put.bucket: 0 for put in puts}
    return ApplyPage(
        request=1, puts=puts, sums=(), dropped=(), cursor=str(next(_numbers)), generations=generations, timeline=1
    )


def tell(connection: Any, *puts: Put, at_ms: int = 0) -> None:  # noqa: ANN401  pysqlite3 has no types
    """One page arrives, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    keep_page(connection, page_of(*puts))
    note_told(connection, at_ms, versions_in(puts))
    connection.execute("COMMIT")


def activate(connection: Any, shop: Shop, at_ms: int) -> bool:  # noqa: ANN401
    """Somebody asks for something at this moment."""
    connection.execute("BEGIN IMMEDIATE")
    done = activate_due(connection, shop, at_ms, new_id)
    connection.execute("COMMIT")
    return done


def _put(bucket: str, entity: str, key: str, value: bytes) -> Put:
    return Put(bucket=bucket, entity=entity, key=key, seq=next(_numbers), generation=0, value=value)
