"""pure: what the shop sells, and how much of it lies there."""

from msgspec import Struct


class ProductFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product, complete. `gtins` are 14-digit; `item_code` is the item part of its price-embedded labels."""

    sku: str
    name: str
    department: str
    tax_class: str
    price_minor: int
    unit: str = "piece"
    gtins: tuple[str, ...] = ()
    item_code: str | None = None
    active: bool = True


class ProductsChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Products created or changed together; `price_book` is the version that holds them from this entry on.

    A long import is several entries of one version, written in one transaction; `part` counts them from 1.
    """

    request: str
    price_book: int
    source: str
    products: tuple[ProductFact, ...]
    part: int = 1


class StockCount(Struct, frozen=True):
    """A count of one product. `difference_milli` is counted minus expected."""

    sku: str
    counted_milli: int
    expected_milli: int
    difference_milli: int


class StockCounted(Struct, frozen=True, kw_only=True):
    """Shelves counted."""

    request: str
    reason: str
    counts: tuple[StockCount, ...]
