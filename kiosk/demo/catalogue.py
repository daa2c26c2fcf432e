"""pure: the goods of the demonstration: names and departments out of products.csv, prices out of the baskets.

The data have no barcodes. A product's GTIN-13 is 952, the prefix GS1 keeps for examples, its product id in nine
digits, and the check digit, so that no barcode of the demonstration can be that of a real product.

    >>> gtin_of("1041453")
    '09520010414532'
    >>> build_catalogue({"1041453": 143}, {})[0].name
    'Product 1041453'
"""

from collections.abc import Iterable, Mapping

import msgspec

from kiosk.demo.names import LONGEST_NAME, capitalise, name_product
from kiosk.demo.rows import Faults, read_rows
from sync.facts.catalogue import ProductFact

PRODUCT_COLUMNS = ("product_id", "department", "product_category", "product_type", "package_size")
EXAMPLE_PREFIX = "952"
OTHER_DEPARTMENT = "Other"

_FOOD = ("DELI", "FROZEN GROCERY", "GROCERY", "MEAT", "MEAT-PCKGD", "NUTRITION", "PASTRY", "PRODUCE")
_TAX_CLASSES = {
    **dict.fromkeys((*_FOOD, "SEAFOOD", "SEAFOOD-PCKGD"), "food"),
    **dict.fromkeys(("CHEF SHOPPE", "FLORAL", "RESTAURANT", "SALAD BAR"), "reduced"),
}


class ProductRow(msgspec.Struct, frozen=True):
    """One row of products.csv, as the source writes it; any text may be empty."""

    product_id: str
    department: str
    product_category: str
    product_type: str
    package_size: str


def read_products(lines: Iterable[str], name: str = "products.csv") -> dict[str, ProductRow]:
    """Products by id from CSV text `lines`, header first.

    Raises WrongFile with every line that cannot be right: no id, an id that was there before, a wrong number of fields.
    """
    faults = Faults(name)
    products: dict[str, ProductRow] = {}
    for line, fields in read_rows(lines, PRODUCT_COLUMNS, faults):
        product = ProductRow(*fields)
        if not product.product_id:
            faults.add(line, "product_id is empty")
        elif product.product_id in products:
            faults.add(line, f"product {product.product_id[:20]} is named a second time")
        else:
            products[product.product_id] = product
    faults.raise_if_any()
    return products


def build_catalogue(prices: Mapping[str, int], products: Mapping[str, ProductRow]) -> tuple[ProductFact, ...]:
    """A product for every price (minor units), in that order; what `products` does not know is "Product <id>"."""
    return tuple(
        _build_product(product_id, price_minor, products.get(product_id)) for product_id, price_minor in prices.items()
    )


def gtin_of(product_id: str) -> str | None:
    """The GTIN of a product id in its 14-digit form; None for an id that is no plain number of up to nine digits.

    "42" and "042" would meet in one barcode, so an id with leading zeros has none and is sold by its sku.
    """
    if not (product_id.isascii() and product_id.isdigit() and len(product_id) <= 9):
        return None
    if len(product_id) > 1 and product_id.startswith("0"):
        return None
    body = EXAMPLE_PREFIX + product_id.zfill(9)
    return f"0{body}{check_digit(body)}"


def check_digit(body: str) -> int:
    """The last digit of a GTIN whose other digits are `body` (GS1 General Specifications, section 7.9).

    Digits weigh 3 and 1 in turn, beginning with 3 at the right; the check digit fills the sum up to a ten.

        body   9  5  2  0  0  1  0  4  1  4  5  3
        weight 1  3  1  3  1  3  1  3  1  3  1  3
        sum    9+15+ 2+ 0+ 0+ 3+ 0+12+ 1+12+ 5+ 9 = 68, and 2 makes it 70
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return -total % 10


def tax_class_of(department: str) -> str:
    """The tax class of a whole department: food, reduced or standard.

    A demonstration has to show three rates on one receipt; no country's tax law draws the line like this.
    """
    return _TAX_CLASSES.get(department, "standard")


def _build_product(product_id: str, price_minor: int, row: ProductRow | None) -> ProductFact:
    """One product, sold by the piece."""
    name = department = ""
    if row is not None:
        name = name_product(row.product_type or row.product_category, row.package_size)
        department = capitalise(row.department)[:LONGEST_NAME]
    gtin = gtin_of(product_id)
    return ProductFact(
        sku=product_id,
        name=name or f"Product {product_id}",
        department=department or OTHER_DEPARTMENT,
        tax_class=tax_class_of(row.department) if row is not None else "standard",
        price_minor=price_minor,
        gtins=(gtin,) if gtin is not None else (),
    )
