"""sql: what a bundle of head office makes different in this store, decided before a word of it is written.

    plan = plan_activation(tx, terms, parts, begun, now_ms)     # raises CannotUse: then nothing of it begins

`begun` are all bundles in use, this one too: which word counts of a thing that several name follows from them
(sync/bundle_values.py). Why things are as they are here: kiosk/bundles/activation.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from kiosk.bundles.bundle_store import read_words
from kiosk.catalogue.product_service import find_changed, find_faults
from kiosk.catalogue.product_store import Product, find_by_gtins, find_by_item_code, read_products
from kiosk.offers.offer_service import LIVE_MAX
from kiosk.offers.offer_store import count_live_offers, read_offer
from kiosk.program.program_service import LIVE_MAX as RULES_MAX
from kiosk.program.program_shelf import base_rule
from kiosk.program.program_store import count_live, read_definition
from kiosk.terms import Terms
from loyalty.earning_rules.rule import EarningRule, decode_rule
from loyalty.offers.offer import Offer, decode_offer
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, OFFER, PRODUCT, choose
from sync.facts.bundles import BundleChange
from sync.facts.catalogue import ProductFact

_Chosen = Sequence[tuple[str, BundleChange | None]]
_product = msgspec.json.Decoder(ProductFact).decode


class CannotUse(Exception):
    """This store cannot use a bundle: why, and because of which thing."""

    def __init__(self, code: str, subject: str = "") -> None:
        super().__init__(f"{code} {subject}")
        self.code, self.subject = code, subject


class PlannedOffer(NamedTuple):
    """An offer as it shall be; `live_since` in milliseconds since 1970 UTC."""

    offer: Offer
    live: bool
    live_since: int


class BundlePlan(NamedTuple):
    """What changes. `named` counts what the bundle names of each sort, `kept` the products among it that stay because
    the store looks after them itself."""

    named: Mapping[str, int]
    kept: int
    products: Sequence[ProductFact]
    offers: Sequence[PlannedOffer]
    rules: Sequence[tuple[EarningRule, bool]]


def plan_activation(
    tx: Tx, terms: Terms, parts: Sequence[BundleChange], begun: Mapping[int, int], now_ms: int
) -> BundlePlan:
    """What is going to be different.

    Raises CannotUse; msgspec.DecodeError, WrongOffer or WrongRule for what a later release has written.
    """
    chosen: dict[str, list[tuple[str, BundleChange | None]]] = {PRODUCT: [], OFFER: [], EARNING_RULE: []}
    for part in parts:
        if part.sort not in chosen:
            raise CannotUse("not_understood", part.sort)
        chosen[part.sort].append((part.name, choose(read_words(tx, part.sort, part.name, begun))))
    products, kept = _plan_products(tx, terms, chosen[PRODUCT])
    return BundlePlan(
        named={sort: len(things) for sort, things in chosen.items()},
        kept=kept,
        products=products,
        offers=_plan_offers(tx, chosen[OFFER], now_ms),
        rules=_plan_rules(tx, terms, chosen[EARNING_RULE]),
    )


def _plan_products(tx: Tx, terms: Terms, chosen: _Chosen) -> tuple[list[ProductFact], int]:
    """The products that change, with those that lose a barcode to them; and how many stay because they are the store's
    own."""
    present = read_products(tx, [sku for sku, _ in chosen])
    own = terms.own_departments
    asked: list[ProductFact] = []
    kept = 0
    for sku, change in chosen:
        known = present.get(sku)
        product = _wanted_product(change, known)
        if product is None:
            continue
        if product.department in own or (known is not None and known.department in own):
            kept += 1
        else:
            asked.append(product)
    asked += _displaced(tx, asked)
    faults = find_faults(tx, asked, frozenset(rate.tax_class for rate in terms.rates))
    if faults:
        raise CannotUse(faults[0].fault.code, asked[faults[0].index].sku)
    return [asked[index] for index in find_changed(tx, asked)], kept


def _wanted_product(change: BundleChange | None, known: Product | None) -> ProductFact | None:
    """The product as it shall be. Of what nobody says anything any more the store has no more to sell."""
    if change is not None and change.definition:
        return _product(change.definition)
    return msgspec.structs.replace(_fact_of(known), active=False) if known is not None else None


def _displaced(tx: Tx, asked: Sequence[ProductFact]) -> list[ProductFact]:
    """Products of the store that lose barcodes or item codes, because head office gives those to others."""
    mine = {product.sku for product in asked}
    gtins = [gtin for product in asked for gtin in product.gtins]
    codes = [product.item_code for product in asked if product.item_code is not None]
    losing = {owner.sku: owner for owner in find_by_gtins(tx, gtins).values() if owner.sku not in mine}
    for code in codes:
        owner = find_by_item_code(tx, code)
        if owner is not None and owner.sku not in mine:
            losing[owner.sku] = owner
    return [
        msgspec.structs.replace(
            _fact_of(owner),
            gtins=tuple(gtin for gtin in owner.gtins if gtin not in gtins),
            item_code=owner.item_code if owner.item_code not in codes else None,
        )
        for _, owner in sorted(losing.items())
    ]


def _fact_of(product: Product) -> ProductFact:
    return ProductFact(**{field: getattr(product, field) for field in ProductFact.__struct_fields__})


def _plan_offers(tx: Tx, chosen: _Chosen, now_ms: int) -> list[PlannedOffer]:
    """The offers that change. One that nobody says anything of any more ends."""
    changed: list[PlannedOffer] = []
    live_more = 0
    for name, change in chosen:
        present = read_offer(tx, name)
        if change is None and present is None:
            continue
        live = change is not None and change.live
        wanted = _wanted_offer(change, present.offer if present else None)
        version, was_live = (present.offer.version, present.live) if present is not None else (0, False)
        same = present is not None and msgspec.structs.replace(wanted, version=version) == present.offer
        if same and live == was_live:
            continue
        live_since = present.live_since if present is not None and (was_live or not live) else now_ms
        live_more += int(live) - int(was_live)
        changed.append(PlannedOffer(msgspec.structs.replace(wanted, version=version + 1), live, live_since))
    if live_more > 0 and count_live_offers(tx) + live_more > LIVE_MAX:
        raise CannotUse("too_many_offers")
    return changed


def _wanted_offer(change: BundleChange | None, present: Offer | None) -> Offer:
    if change is not None and change.definition:
        return decode_offer(bytes(change.definition))
    assert present is not None, "there is a word or an offer"
    return present


def _plan_rules(tx: Tx, terms: Terms, chosen: _Chosen) -> list[tuple[EarningRule, bool]]:
    """The same for earning rules. The configuration's own rule has a version that points were earned by already."""
    changed: list[tuple[EarningRule, bool]] = []
    live_more = 0
    base = base_rule(terms)
    for name, change in chosen:
        present = read_definition(tx, EARNING_RULE, name)
        kept = decode_rule(present.content) if present is not None else None
        wanted = decode_rule(bytes(change.definition)) if change is not None and change.definition else kept
        if wanted is None:
            continue
        live, was_live = change is not None and change.live, present is not None and present.live
        version = kept.version if kept is not None else base.version * (name == base.id)
        if kept is not None and live == was_live and msgspec.structs.replace(wanted, version=version) == kept:
            continue
        live_more += int(live) - int(was_live)
        changed.append((msgspec.structs.replace(wanted, version=version + 1), live))
    if live_more > 0 and count_live(tx, EARNING_RULE) + live_more > RULES_MAX:
        raise CannotUse("too_many_definitions")
    return changed
