"""pure: what a product must be like before the shop takes it, whoever sends it: a manager, a CSV file, head office.

`check_product` looks at one product alone; whether its barcodes belong to another is for the store to find out
(product_service). It answers all it finds, so that a file can be mended in one go.
"""

import unicodedata
from collections.abc import Collection

from msgspec import Struct

from loyalty.money import AMOUNT_LIMIT_MINOR
from sync.facts.catalogue import ProductFact
from sync.gtin import normalise_gtin

UNITS = ("piece", "kg", "g", "l", "m")
SKU_MAX, NAME_MAX, DEPARTMENT_MAX, GTINS_MAX, ITEM_CODE_MAX = 64, 120, 64, 50, 10

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Fault(Struct, frozen=True):
    """What is wrong with one field of a product, and what to do about it."""

    field: str
    code: str
    message: str
    hint: str


def check_product(product: ProductFact, tax_classes: Collection[str]) -> list[Fault]:
    """Everything that is wrong with the product by itself; empty when it may be sold."""
    faults = [
        _check_text("sku", product.sku, SKU_MAX),
        _check_text("name", product.name, NAME_MAX),
        _check_text("department", product.department, DEPARTMENT_MAX),
        _check_tax_class(product.tax_class, tax_classes),
        _check_price(product.price_minor),
        _check_unit(product.unit),
        _check_gtins(product.gtins),
        _check_item_code(product.item_code),
    ]
    return [fault for fault in faults if fault is not None]


def _check_text(field: str, text: str, longest: int) -> Fault | None:
    """1 to `longest` characters that can be shown, without blanks at the ends: two skus must never look alike."""
    if not text:
        return Fault(field, "missing", f"The {field} is empty.", f"Give every product a {field}.")
    if len(text) > longest:
        return Fault(field, "too_long", f"The {field} has {len(text)} characters.", f"Use at most {longest}.")
    if text != text.strip() or (not (text.isascii() and text.isprintable()) and any(map(_is_hidden, text))):
        return Fault(
            field,
            "wrong_text",
            f"The {field} begins or ends with a blank or holds a character that cannot be shown.",
            "Type it again instead of pasting it.",
        )
    return None


def _is_hidden(character: str) -> bool:
    """Control characters, halves of characters, and marks that would turn the rest of a receipt line around."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING


def _check_tax_class(tax_class: str, known: Collection[str]) -> Fault | None:
    if tax_class in known:
        return None
    listed = ", ".join(sorted(known))
    return Fault(
        "tax_class", "unknown_tax_class", f"There is no tax class {tax_class[:40]!r}.", f"Use one of: {listed}."
    )


def _check_price(price_minor: int) -> Fault | None:
    if 0 <= price_minor <= AMOUNT_LIMIT_MINOR:
        return None
    return Fault(
        "price_minor", "wrong_price", "The price is negative or too large.", "Check the price and its decimals."
    )


def _check_unit(unit: str) -> Fault | None:
    if unit in UNITS:
        return None
    return Fault("unit", "unknown_unit", f"There is no unit {unit[:40]!r}.", f"Use one of: {', '.join(UNITS)}.")


def _check_gtins(gtins: tuple[str, ...]) -> Fault | None:
    """Barcodes are kept in 14 digits, each once."""
    if len(gtins) > GTINS_MAX:
        return Fault("gtins", "too_many", f"A product with {len(gtins)} barcodes.", f"Use at most {GTINS_MAX}.")
    for gtin in gtins:
        if normalise_gtin(gtin) != gtin:
            return Fault(
                "gtins",
                "wrong_gtin",
                f"{gtin[:20]!r} is not a barcode number: 8, 12, 13 or 14 digits, the last of them a check digit.",
                "Scan the product's barcode instead of typing it.",
            )
    if len(set(gtins)) != len(gtins):
        return Fault("gtins", "doubled_gtin", "A barcode is listed twice.", "List each barcode once.")
    return None


def _check_item_code(item_code: str | None) -> Fault | None:
    if item_code is None or (item_code.isascii() and item_code.isdigit() and len(item_code) <= ITEM_CODE_MAX):
        return None
    return Fault(
        "item_code",
        "wrong_item_code",
        f"{item_code[:20]!r} is not an item code of a scale: 1 to {ITEM_CODE_MAX} digits.",
        "Use the digits that stand behind the prefix of the scale's labels.",
    )
