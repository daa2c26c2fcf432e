"""sql: a bundle comes into use: everything it changes and the word that it is in use, in one transaction.

    activate_due(tx, shop, now_ms, new_id)      # what begins now; False while more is due than fits one transaction

**When.** Time alone writes nothing: at the instant nothing happens by itself. Whoever asks or books something at or
after it makes the bundle begin first (kiosk/bundles/instant.py), so nobody ever sees a price of before, and the facts
say by themselves which bundle a sale was made under: its entry stands behind `bundle.activated` or before it. The other
way, facts that name the instant in advance and prices that are chosen by the time of each read, was not taken: every
read of a price would need the clock, the search by name and by barcode too, a clock that is put back would sell at the
old prices again, and a replay would have to know at which instant each sale had looked.

**What.** The parts become the same facts as if a manager had saved them: `products.changed` (parts of one price book),
`offer.changed`, `definition.changed`; then `bundle.activated` names the books that hold them. What is as asked already
is not written again. Versions of offers and rules go on counting in this store, because one that was made here before
head office came has numbers already; the definition is head office's byte for byte but for that number.

**Which word counts** where several bundles name a thing follows from the set of those in use (sync/bundle_values.py),
so a bundle that arrives late changes nothing that a newer one says.

**All or nothing.** What only this store can know is looked at before anything is written: a tax class without a rate
here, more offers than a till can weigh up, a definition of a later release. Then the store goes on with what it has and
says so once (`bundle.refused`); it is tried again with the next page and the next start. A barcode or item code that
head office gives to a product is taken off the store's own product that had it: two products for one scan sell at
neither price. Products of the departments that the store looks after itself (`store.own_departments`) stay as they are.
"""

from collections.abc import Callable
from uuid import UUID

import msgspec

from kiosk.bundles.bundle_plan import BundlePlan, CannotUse, plan_activation
from kiosk.bundles.bundle_store import ReadyBundle, read_begun, read_due, read_parts, was_refused
from kiosk.catalogue.product_service import PRODUCTS_MAX
from kiosk.catalogue.product_store import read_price_book
from kiosk.offers.offer_store import read_offer_book
from kiosk.program.program_store import read_program_book
from kiosk.shop import Shop
from loyalty.earning_rules.rule import WrongRule
from loyalty.offers.offer import WrongOffer, encode_offer
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, OFFER, PRODUCT
from sync.facts.bundles import BundleActivated, BundleRefused
from sync.facts.catalogue import ProductsChanged
from sync.facts.earning import DefinitionChanged
from sync.facts.offers import OfferChanged
from sync.journal import Journal, Origin

AT_ONCE_MAX = 10_000
"""So many changes are taken into use in one transaction, a sale waits for half a second at most; the next bundle, if
several are due, begins in the next. One bundle never holds more."""

_SOURCE = "hub"
_SUBJECT_MAX = 200


def activate_due(tx: Tx, shop: Shop, now_ms: int, new_id: Callable[[], UUID]) -> bool:
    """Take into use what begins now, in the order in which it does; whether that was all of it."""
    origin, begun, count = Origin(now_ms=now_ms), read_begun(tx), 0
    for bundle in read_due(tx, now_ms):
        try:
            parts = read_parts(tx, bundle)
            if count and count + len(parts) > AT_ONCE_MAX:
                return False
            plan = plan_activation(tx, shop.terms, parts, {**begun, bundle.version: bundle.active_at}, now_ms)
        except (msgspec.DecodeError, WrongOffer, WrongRule) as error:
            _refuse(tx, shop.journal, origin, new_id(), bundle, CannotUse("not_understood", str(error)))
        except CannotUse as problem:
            _refuse(tx, shop.journal, origin, new_id(), bundle, problem)
        else:
            _record(tx, shop.journal, origin, new_id, bundle, plan)
            begun[bundle.version] = bundle.active_at
            count += len(parts)
    return True


def _record(
    tx: Tx, journal: Journal, origin: Origin, new_id: Callable[[], UUID], bundle: ReadyBundle, plan: BundlePlan
) -> None:
    """Everything that is different from now on, then that the bundle is in use."""
    price_book = record_changes(tx, journal, origin, new_id, plan)
    activated = BundleActivated(
        version=bundle.version,
        bucket=bundle.bucket,
        active_at=bundle.active_at,
        arrived_at=bundle.complete_at,
        products=plan.named[PRODUCT],
        offers=plan.named[OFFER],
        rules=plan.named[EARNING_RULE],
        kept=plan.kept,
        price_book=price_book,
        offer_book=read_offer_book(tx),
        program_book=read_program_book(tx),
    )
    journal.record(tx, origin, new_id(), activated)


def record_changes(tx: Tx, journal: Journal, origin: Origin, new_id: Callable[[], UUID], plan: BundlePlan) -> int:
    """Everything that is different from now on, as facts; the price book that holds it."""
    price_book = read_price_book(tx) + bool(plan.products)
    for part, start in enumerate(range(0, len(plan.products), PRODUCTS_MAX), 1):
        products = tuple(plan.products[start : start + PRODUCTS_MAX])
        body = ProductsChanged(request="", price_book=price_book, source=_SOURCE, products=products, part=part)
        journal.record(tx, origin, new_id(), body)
    for change in plan.offers:
        offer = change.offer
        told = OfferChanged(
            offer=offer.id,
            version=offer.version,
            book=read_offer_book(tx) + 1,
            live=change.live,
            live_since=change.live_since,
            definition=msgspec.Raw(encode_offer(offer)),
        )
        journal.record(tx, origin, new_id(), told)
    for rule, live in plan.rules:
        defined = DefinitionChanged(
            sort=EARNING_RULE,
            name=rule.id,
            version=rule.version,
            book=read_program_book(tx) + 1,
            live=live,
            definition=msgspec.Raw(msgspec.json.encode(rule, order="deterministic")),
        )
        journal.record(tx, origin, new_id(), defined)
    return price_book


def _refuse(tx: Tx, journal: Journal, origin: Origin, op_id: UUID, bundle: ReadyBundle, problem: CannotUse) -> None:
    """Say, once for each reason, that this store cannot use a bundle."""
    if was_refused(tx, bundle.version, problem.code):
        return
    refused = BundleRefused(
        version=bundle.version,
        bucket=bundle.bucket,
        active_at=bundle.active_at,
        arrived_at=bundle.complete_at,
        code=problem.code,
        subject=problem.subject[:_SUBJECT_MAX],
    )
    journal.record(tx, origin, op_id, refused)
