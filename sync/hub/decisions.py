"""sql: what head office decides for its stores about one product, offer or earning rule, checked by the rules of the
shops before anybody is told.

    change = offer_change(tx, bucket, "DAIRY10", request)
    plan = Plan(bucket=bucket, changes=(change,))
    if not is_said(tx, bucket, change): plan_bundle(tx, plan, …)

A store checks again what only it can know: that it has a rate for the tax class, that the barcode is no other product's
there (kiosk/bundles/).
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from loyalty.earning_rules.rule import EarningRule, RuleTerms
from loyalty.earning_rules.validation import validate_rule
from loyalty.errors import InvalidInput, NotFound
from loyalty.offers.offer import encode_offer
from loyalty.offers.request import OfferRequest, make_offer
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, EVERYBODY, OFFER, PRODUCT, zone_bucket
from sync.facts.bundles import BundleChange
from sync.facts.catalogue import ProductFact
from sync.gtin import normalise_gtin
from sync.http.problems import FieldError
from sync.hub.appliers.apply_bundles import codes_of, product_of
from sync.hub.bundles import Decision, find_decision, find_owner, list_words
from sync.hub.feed_store import store_bucket
from sync.hub.stores import find_store
from sync.product_rules import DEPARTMENT_MAX, GTINS_MAX, NAME_MAX, check_product

Sort = Literal["product", "offer", "earning_rule"]
_encode = msgspec.json.Encoder(order="deterministic").encode
_NAME_MAX = 64
_BEGIN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Wrong(Struct, frozen=True):
    """One thing that is wrong, and where."""

    pointer: str
    code: str
    message: str


class DecisionRefused(InvalidInput):
    """No store could sell by this."""

    code, hint = "decision_refused", "Mend what is listed and save it again."

    def __init__(self, faults: Sequence[Wrong]) -> None:
        """Names every fault, each with its code, so that all is mended in one go."""
        super().__init__(faults[0].message, faults=[{"pointer": each.pointer, "code": each.code} for each in faults])
        self.faults = tuple(faults)
        self.errors = tuple(FieldError(each.pointer, each.message) for each in faults)


class DecisionMissing(NotFound):
    """Head office has decided nothing about this."""

    code, hint = "decision_not_found", "Look at the list; a zone or a store has a list of its own."


class WrongScope(InvalidInput):
    """Nobody is meant by this."""

    code, hint = "wrong_scope", "Name a zone, or a store of the list, or neither for all stores."


class OfficeProduct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/products/{sku}: the article as it shall be in the stores."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
    department: Annotated[str, Meta(min_length=1, max_length=DEPARTMENT_MAX)]
    tax_class: Annotated[str, Meta(min_length=1, max_length=64)]
    price_minor: Annotated[int, Meta(ge=0, le=2**53)]
    unit: Literal["piece", "kg", "g", "l", "m"] = "piece"
    gtins: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=GTINS_MAX)] = ()
    item_code: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    active: bool = True


def instant_of(moment: dt.datetime | None) -> int | None:
    """A moment in milliseconds since 1970 UTC."""
    return (moment - _BEGIN) // dt.timedelta(milliseconds=1) if moment is not None else None


def bucket_for(tx: Tx, zone: str | None, store: UUID | None) -> str:
    """The bucket of whoever is meant: a price zone, one store, or everybody. Raises WrongScope."""
    if zone is not None and store is not None:
        raise WrongScope("A zone and a store at once.", pointer="/store")
    if store is not None:
        if find_store(tx, store) is None:
            raise WrongScope("There is no store of this id.", pointer="/store")
        return store_bucket(str(store))
    return zone_bucket(zone) if zone is not None else EVERYBODY


def offer_change(tx: Tx, bucket: str, offer_id: str, request: OfferRequest) -> BundleChange:
    """An offer as it shall be. Raises DecisionRefused."""
    made = make_offer(offer_id, len(list_words(tx, bucket, OFFER, offer_id)) + 1, request)
    if made.offer is None:
        raise DecisionRefused([Wrong(each.pointer, each.code, each.message) for each in made.faults])
    return BundleChange(sort=OFFER, name=offer_id, definition=msgspec.Raw(encode_offer(made.offer)))


def rule_change(tx: Tx, bucket: str, name: str, terms: RuleTerms) -> BundleChange:
    """An earning rule as it shall be. Raises DecisionRefused."""
    values = {field: getattr(terms, field) for field in terms.__struct_fields__}
    rule = EarningRule(**values, id=name, version=len(list_words(tx, bucket, EARNING_RULE, name)) + 1)
    try:
        rule = msgspec.convert(msgspec.to_builtins(rule), EarningRule)
    except msgspec.ValidationError as error:
        raise DecisionRefused([Wrong("/id", "wrong_id", f"This is no name for it: {error}.")]) from error
    faults = validate_rule(rule)
    if faults:
        raise DecisionRefused([Wrong(each.pointer, each.code, each.message) for each in faults])
    return BundleChange(sort=EARNING_RULE, name=name, definition=msgspec.Raw(_encode(rule)))


def product_change(sku: str, wanted: OfficeProduct, tax_classes: Collection[str]) -> BundleChange:
    """A product as it shall be. Barcodes are kept in 14 digits. Raises DecisionRefused."""
    product = ProductFact(
        sku=sku,
        name=wanted.name,
        department=wanted.department,
        tax_class=wanted.tax_class,
        price_minor=wanted.price_minor,
        unit=wanted.unit,
        gtins=tuple(sorted({normalise_gtin(gtin) or gtin for gtin in wanted.gtins})),
        item_code=wanted.item_code,
        active=wanted.active,
    )
    faults = check_product(product, tax_classes)
    if faults:
        raise DecisionRefused([Wrong(f"/{each.field}", each.code, f"{each.message} {each.hint}") for each in faults])
    return BundleChange(sort=PRODUCT, name=sku, definition=msgspec.Raw(_encode(product)))


def end_change(tx: Tx, bucket: str, sort: Sort, name: str) -> BundleChange:
    """The end of an offer or rule; in a zone or a store, that only the wider word counts again.

    Raises DecisionMissing.
    """
    known = find_decision(tx, bucket, sort, name)
    if known is None:
        raise DecisionMissing(name[:_NAME_MAX])
    if bucket != EVERYBODY:
        return BundleChange(sort=sort, name=name)
    if sort == PRODUCT:
        product = product_of(known.change)
        assert product is not None, "a word for everybody always says something"
        raw = msgspec.Raw(_encode(msgspec.structs.replace(product, active=False)))
        return BundleChange(sort=sort, name=name, definition=raw)
    return BundleChange(sort=sort, name=name, live=False, definition=known.change.definition)


def check_codes(tx: Tx, bucket: str, changes: Iterable[BundleChange]) -> None:
    """One scan must mean one product, of those that change together and of all others of the bucket.

    Raises DecisionRefused.
    """
    products = [product for product in map(product_of, changes) if product is not None]
    mine = {product.sku for product in products}
    owners: dict[str, str] = {}
    faults = []
    for product in products:
        for code in codes_of(product):
            owner = owners.setdefault(code, product.sku)
            other = owner if owner != product.sku else find_owner(tx, bucket, code, mine)
            if other is not None:
                number = code.partition(":")[2]
                faults.append(Wrong("/gtins", "barcode_in_use", f"{number} belongs to product {other[:_NAME_MAX]}."))
    if faults:
        raise DecisionRefused(faults)


def is_said(known: Decision | None, change: BundleChange) -> bool:
    """Whether the newest word on a thing says this already; the number of the version is no part of what is said."""
    if known is None:
        return False
    return known.change.live == change.live and _without_version(known.change) == _without_version(change)


def list_names(tx: Tx, bucket: str, sort: Sort, after: str, limit: int) -> list[str]:
    """Up to `limit` things of a sort that a bucket ever said something of, by name, behind `after`."""
    rows = tx.execute(
        "SELECT DISTINCT name FROM office_change WHERE sort = ? AND bucket = ? AND name > ? ORDER BY name LIMIT ?",
        (sort, bucket, after, limit),
    ).fetchall()
    return [row[0] for row in rows]


def _without_version(change: BundleChange) -> object:
    if not change.definition:
        return None
    said = msgspec.json.decode(change.definition)
    said.pop("version", None)
    return said
