"""sql: products changed and shelves counted: decide, then record. One journal entry each, with what was decided.

    version = change_products(tx, journal, origin, op_id, [product], "manager", tax_classes={"standard", "food"})
    read_price_book(tx) == version      # complete when this transaction commits, invisible before

What is already as asked is not written again: sending a catalogue of 100,000 products once more with 200 new prices
makes one entry of 200 products, and sending it a third time makes none.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from kiosk.catalogue.product_store import Product, read_price_book, read_products, read_stocks
from kiosk.commands import fingerprint
from loyalty.errors import Conflict, InvalidInput, Problem
from loyalty.ids import derived_uuid
from loyalty.money import AMOUNT_LIMIT_MINOR
from loyalty.transactions import Tx
from sync.facts.catalogue import ProductFact, ProductsChanged, StockCount, StockCounted
from sync.journal import Journal, Origin, find_same
from sync.product_rules import Fault, check_product

PRODUCTS_MAX = 500
CHANGES_AT_ONCE_MAX = 10_000
COUNTS_MAX = 1000

_GTIN_OWNERS = "SELECT gtin, sku FROM product_barcode WHERE gtin IN (SELECT value FROM json_each(?))"
_ITEM_CODE_OWNERS = "SELECT item_code, sku FROM product WHERE item_code IN (SELECT value FROM json_each(?))"


class WrongProduct(InvalidInput):
    """The product cannot be taken like this."""

    code, hint = "wrong_product", "Correct the marked field and send it again."


class UnknownTaxClass(WrongProduct):
    """There is no such tax class in this store."""

    code, hint = "unknown_tax_class", "Use a tax class of the store's configuration."


class BarcodeInUse(Conflict):
    """This barcode belongs to another product."""

    code, hint = "barcode_in_use", "Take it off the other product first: one scan must mean one product."


class ItemCodeInUse(Conflict):
    """This item code of the scale belongs to another product."""

    code, hint = "item_code_in_use", "Use another item code: one label must mean one product."


class WrongCount(InvalidInput):
    """The count cannot be taken like this."""

    code, hint = "wrong_count", "Count each product once, and only products of this store."


class ImportTooLarge(InvalidInput):
    """The file changes too many products while the shop is open: the tills would have to wait for it."""

    code, hint = "import_too_large", "Import it before the first shift opens or after the last is closed, or in parts."


class ProductFault(msgspec.Struct, frozen=True):
    """What is wrong with the product at `index` of a list."""

    index: int
    fault: Fault


class Taken(msgspec.Struct, frozen=True):
    """What became of an import: the price book that holds it, and what could not be taken, in order."""

    price_book: int
    faults: tuple[ProductFault, ...]


class ProductsRequest(msgspec.Struct, frozen=True):
    """What was asked, for its fingerprint: a replay must ask for the same."""

    source: str
    products: tuple[ProductFact, ...]


_PROBLEMS: Mapping[str, type[Problem]] = {
    problem.code: problem for problem in (UnknownTaxClass, BarcodeInUse, ItemCodeInUse)
}


def change_products(
    tx: Tx,
    journal: Journal,
    origin: Origin,
    op_id: UUID,
    products: Sequence[ProductFact],
    source: str,
    *,
    tax_classes: Collection[str],
) -> int:
    """Make these products what they say, all or none, and answer the price book that holds them.

    `products` are complete and at most PRODUCTS_MAX; `source` names who decided (manager, import, hub). When nothing
    differs from the catalogue, nothing is written and the present price book is the answer.

    Raises UnknownTaxClass and WrongProduct (422), BarcodeInUse and ItemCodeInUse (409), each with the pointer
    /products/<index>/<field>; IdConflict when `op_id` stands for another change.
    """
    request = fingerprint(ProductsRequest(source, tuple(products)))
    if (known := _read_known(tx, op_id, request)) is not None:
        return known
    _check_number(products)
    for found in find_faults(tx, products, tax_classes):
        fault = found.fault
        problem = _PROBLEMS.get(fault.code, WrongProduct)
        raise problem(f"{fault.message} {fault.hint}", pointer=f"/products/{found.index}/{fault.field}")
    return _record(tx, journal, origin, op_id, request, products, source)


def import_products(
    tx: Tx,
    journal: Journal,
    origin: Origin,
    op_id: UUID,
    products: Sequence[ProductFact],
    source: str,
    *,
    tax_classes: Collection[str],
    changes_max: int | None = None,
) -> Taken:
    """Take what can be taken, as one price book, and answer the others with their faults.

    A price book is complete or invisible, so all of it is one transaction: entries of PRODUCTS_MAX products with one
    version, whose first opens it. Should anything fail, nothing of it was taken. A sale waits as long as this takes,
    25 to 50 microseconds for a product that changes: that is why a shop that is open takes `changes_max` at once
    (CHANGES_AT_ONCE_MAX: a quarter to half a second). A new catalogue of 100,000 takes three to five, and nobody sells.

    Raises ImportTooLarge. `op_id` names the import; its entries have ids derived from it.
    """
    before = read_price_book(tx)
    faults, part, changes = list[ProductFault](), 0, 0
    for start in range(0, len(products), PRODUCTS_MAX):
        asked = products[start : start + PRODUCTS_MAX]
        good, wrong = _sort_out(tx, asked, tax_classes)
        faults += [ProductFault(start + each.index, each.fault) for each in wrong]
        changed = [good[index] for index in find_changed(tx, good)]
        changes += len(changed)
        if changes_max is not None and changes > changes_max:
            raise ImportTooLarge(f"More than {changes_max} products would change.")
        if changed:
            part += 1
            body = ProductsChanged(
                request=fingerprint(ProductsRequest(source, tuple(asked))),
                price_book=before + 1,
                source=source,
                products=tuple(changed),
                part=part,
            )
            journal.record(tx, origin, derived_uuid(op_id, f"part {part}"), body)
    return Taken(before + 1 if part else before, tuple(faults))


def find_changed(tx: Tx, products: Sequence[ProductFact]) -> list[int]:
    """Which of the products differ from the catalogue, by index."""
    present = read_products(tx, [product.sku for product in products])
    return [index for index, product in enumerate(products) if not _is_already(product, present.get(product.sku))]


def _sort_out(
    tx: Tx, products: Sequence[ProductFact], tax_classes: Collection[str]
) -> tuple[list[ProductFact], list[ProductFault]]:
    """The products that can be taken, and the faults of the others in order.

    One that is left out keeps its present barcodes, which another of the list may have counted on: so look again.
    """
    good, faults = list(range(len(products))), list[ProductFault]()
    while found := find_faults(tx, [products[index] for index in good], tax_classes):
        faults += [ProductFault(good[wrong.index], wrong.fault) for wrong in found]
        out = {good[wrong.index] for wrong in found}
        good = [index for index in good if index not in out]
    return [products[index] for index in good], sorted(faults, key=lambda wrong: wrong.index)


def find_faults(tx: Tx, products: Sequence[ProductFact], tax_classes: Collection[str]) -> list[ProductFault]:
    """Everything that keeps products out of the catalogue, in their order. The others could be taken without them.

    A barcode or item code is free when no product outside the list has it: within the list it may change hands. A
    product no longer sold keeps its barcodes, since a return still scans them.
    """
    mine = {product.sku for product in products}
    gtins = [gtin for product in products for gtin in product.gtins]
    item_codes = [product.item_code for product in products if product.item_code is not None]
    taken, coded = _owners(tx, _GTIN_OWNERS, gtins, mine), _owners(tx, _ITEM_CODE_OWNERS, item_codes, mine)
    faults: list[ProductFault] = []
    seen: set[str] = set()
    for index, product in enumerate(products):
        wrong = check_product(product, tax_classes)
        if product.sku in seen:
            wrong.append(Fault("sku", "doubled_sku", f"The sku {product.sku} is there twice.", "Send each once."))
        wrong += _claim(product, taken, coded)
        seen.add(product.sku)
        faults += [ProductFault(index, fault) for fault in wrong]
    return faults


def count_stock(
    tx: Tx,
    journal: Journal,
    origin: Origin,
    op_id: UUID,
    request: str,
    counts: Sequence[tuple[str, int]],
    reason: str,
) -> StockCounted:
    """Record what lies on the shelf: `counts` are (sku, thousandths). Answers the differences to what was expected.

    `request` is the fingerprint of the command. The difference is decided here, inside the write transaction, so a sale
    that comes in meanwhile lies wholly before or wholly after the count.

    Raises WrongCount (422) for no or too many products, one twice, an unknown sku, or a quantity that is negative or
    too large; IdConflict.
    """
    known = find_same(tx, op_id, StockCounted, request)
    if known is not None:
        assert isinstance(known.body, StockCounted)
        return known.body
    if not 1 <= len(counts) <= COUNTS_MAX:
        raise WrongCount(f"A count names 1 to {COUNTS_MAX} products.", pointer="/counts")
    skus = [sku for sku, _ in counts]
    present, seen = read_products(tx, skus), set[str]()
    for index, (sku, counted_milli) in enumerate(counts):
        if sku not in present:
            raise WrongCount(f"There is no product {sku[:64]}.", pointer=f"/counts/{index}/sku")
        if sku in seen:
            raise WrongCount(f"Product {sku} is counted twice.", pointer=f"/counts/{index}/sku")
        if not 0 <= counted_milli <= AMOUNT_LIMIT_MINOR:
            raise WrongCount("A counted quantity is 0 or more.", pointer=f"/counts/{index}/quantity_milli")
        seen.add(sku)
    expected = read_stocks(tx, skus)
    found = [StockCount(sku, milli, expected[sku], milli - expected[sku]) for sku, milli in counts]
    body = StockCounted(request=request, reason=reason, counts=tuple(found))
    journal.record(tx, origin, op_id, body)
    return body


def _read_known(tx: Tx, op_id: UUID, request: str) -> int | None:
    known = find_same(tx, op_id, ProductsChanged, request)
    if known is None:
        return None
    assert isinstance(known.body, ProductsChanged)
    return known.body.price_book


def _check_number(products: Sequence[ProductFact]) -> None:
    if len(products) > PRODUCTS_MAX:
        raise WrongProduct(f"{len(products)} products at once; at most {PRODUCTS_MAX} are taken.", pointer="/products")


def _record(
    tx: Tx,
    journal: Journal,
    origin: Origin,
    op_id: UUID,
    request: str,
    products: Sequence[ProductFact],
    source: str,
) -> int:
    """Write down the products that differ from the catalogue, as the next price book; nothing if none does."""
    changed = tuple(products[index] for index in find_changed(tx, products))
    price_book = read_price_book(tx)
    if not changed:
        return price_book
    body = ProductsChanged(request=request, price_book=price_book + 1, source=source, products=changed)
    journal.record(tx, origin, op_id, body)
    return price_book + 1


def _owners(tx: Tx, select: str, values: Sequence[str], without: set[str]) -> dict[str, str]:
    """Who has these barcodes or item codes now, by value, leaving out the skus that are about to be rewritten."""
    rows = tx.execute(select, (msgspec.json.encode(values).decode(),))
    return {row[0]: row[1] for row in rows if row[1] not in without}


def _claim(product: ProductFact, taken: dict[str, str], coded: dict[str, str]) -> list[Fault]:
    """Give the product its barcodes and item code, as far as they are free; what is not becomes a fault."""
    faults: list[Fault] = []
    for gtin in product.gtins:
        owner = taken.setdefault(gtin, product.sku)
        if owner != product.sku:
            message = f"Barcode {gtin} belongs to product {owner}."
            faults.append(Fault("gtins", BarcodeInUse.code, message, BarcodeInUse.hint))
    if product.item_code is not None and (owner := coded.setdefault(product.item_code, product.sku)) != product.sku:
        message = f"Item code {product.item_code} belongs to product {owner}."
        faults.append(Fault("item_code", ItemCodeInUse.code, message, ItemCodeInUse.hint))
    return faults


def _is_already(product: ProductFact, present: Product | None) -> bool:
    return present is not None and product == ProductFact(
        sku=present.sku,
        name=present.name,
        department=present.department,
        tax_class=present.tax_class,
        price_minor=present.price_minor,
        unit=present.unit,
        gtins=present.gtins if set(present.gtins) != set(product.gtins) else product.gtins,
        item_code=present.item_code,
        active=present.active,
    )
