"""sql: bundles of prices, offers and earning rules: what head office planned and withdrew, what the stores made of it.

The only writer of `office_bundle`, `office_change`, `office_code` and `store_bundle`.
"""

from collections.abc import Iterator, Sequence

import msgspec

from loyalty.bulk import write_rows
from loyalty.transactions import Row, Tx
from sync.bundle_values import PRODUCT
from sync.facts.bundles import BundleActivated, BundleChange, BundlePlanned, BundleRefused, BundleWithdrawn
from sync.facts.catalogue import ProductFact
from sync.hub.accepted import HEAD_OFFICE, Accepted

_BUNDLE = (
    "INSERT INTO office_bundle (version, op, title, campaign, bucket, active_at, changes, planned_at, withdrawn_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)"
)
_CHANGE = (
    "INSERT INTO office_change (name, sort, version, op, bucket, active_at, live, definition)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_CODE = "INSERT INTO office_code (code, sku, version, op) VALUES (?, ?, ?, ?)"
_STORE = (
    "INSERT INTO store_bundle (store, version, outcome, op, active_at, arrived_at, at, code, effective_at, origin, seq)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store, version, outcome) DO UPDATE SET op = excluded.op,"
    " active_at = excluded.active_at, arrived_at = excluded.arrived_at, at = excluded.at, code = excluded.code,"
    " effective_at = excluded.effective_at, origin = excluded.origin, seq = excluded.seq"
    " WHERE (store_bundle.effective_at, store_bundle.origin, store_bundle.seq)"
    " < (excluded.effective_at, excluded.origin, excluded.seq)"
)
_product = msgspec.json.Decoder(ProductFact)


def apply_bundles(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries say about bundles. What head office decides counts only out of its own journal: a store
    that claims to plan a bundle plans nothing."""
    for entry in entries:
        body = entry.body
        if isinstance(body, BundlePlanned) and entry.store == HEAD_OFFICE:
            _plan(tx, entry, body)
        elif isinstance(body, BundleWithdrawn) and entry.store == HEAD_OFFICE:
            tx.execute(
                "UPDATE office_bundle SET op = ?, withdrawn_at = ? WHERE version = ?",
                (entry.op_id.bytes, entry.at, body.version),
            )
        elif isinstance(body, BundleActivated | BundleRefused):
            write_rows(tx, _STORE, [_store_row(entry, body)])


def codes_of(product: ProductFact) -> Iterator[str]:
    """What one scan may mean only one product by."""
    yield from (f"gtin:{gtin}" for gtin in product.gtins)
    if product.item_code is not None:
        yield f"item:{product.item_code}"


def product_of(change: BundleChange) -> ProductFact | None:
    """The product that a change says; None for anything else, and where it says nothing of it any more."""
    if change.sort != PRODUCT or not change.definition:
        return None
    return _product.decode(change.definition)


def _plan(tx: Tx, entry: Accepted, body: BundlePlanned) -> None:
    op, changes = entry.op_id.bytes, body.changes
    place = (body.version, op, body.title, body.campaign, body.bucket, body.active_at, len(changes), entry.at)
    tx.execute(_BUNDLE, place)
    rows = [
        (
            *(change.name, change.sort, body.version, op, body.bucket, body.active_at, int(change.live)),
            bytes(change.definition).decode() if change.definition else None,
        )
        for change in changes
    ]
    write_rows(tx, _CHANGE, sorted(rows, key=lambda row: row[:2]))
    products = [product for product in map(product_of, changes) if product is not None]
    codes = {(code, product.sku) for product in products for code in codes_of(product)}
    write_rows(tx, _CODE, [(*code, body.version, op) for code in sorted(codes)])


def _store_row(entry: Accepted, body: BundleActivated | BundleRefused) -> Row:
    outcome, code = "active", ""
    if isinstance(body, BundleRefused):
        outcome, code = "refused", f"{body.code} {body.subject}".strip()
    return (
        *(entry.store.bytes, body.version, outcome, entry.op_id.bytes),
        *(body.active_at, body.arrived_at, entry.at, code),
        *(entry.effective_at, entry.epoch, entry.seq),
    )
