"""pure: made-up goods, members and baskets for the benches, the same in every run.

>>> make_products(2)[1].sku, make_products(2)[1].price_minor
('B0000001', 156)
"""

from collections.abc import Iterator
from uuid import UUID

from kiosk.commands import CompleteSale, LineRequest, TenderRequest
from kiosk.demo.catalogue import check_digit
from loyalty.identity import make_card
from loyalty.ids import uuid7
from sync.facts.catalogue import ProductFact

LINES_PER_SALE = 5
_TAX_CLASSES = ("food", "standard", "reduced", "food", "standard")
_DEPARTMENTS = ("Dairy", "Household", "Books", "Bakery", "Drinks")
_KINDS = ("Milk", "Soap", "Atlas", "Bread", "Coffee", "Cheese", "Sponge", "Novel", "Roll", "Tea")
_MAKERS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple")
_KINDS_ELSEWHERE = ("우유", "비누", "지도", "빵", "커피", "牛乳", "石鹸", "食パン", "緑茶", "珈琲")
_BORN_MS = 1_700_000_000_000
_PRIME = 7_919
_CASH_MINOR = 100_000


def make_products(count: int, *, mixed_scripts: bool = False) -> list[ProductFact]:
    """`count` products with a barcode of the range for examples, in five departments and three tax classes.

    With `mixed_scripts` every fourth has a Korean or Japanese name.
    """
    return [
        ProductFact(
            sku=sku_of(n),
            name=name_elsewhere_of(n) if mixed_scripts and n % 4 == 3 else name_of(n),
            department=_DEPARTMENTS[n % 5],
            tax_class=_TAX_CLASSES[n % 5],
            price_minor=99 + n * 57 % 2400,
            gtins=(gtin_of(n),),
        )
        for n in range(count)
    ]


def sku_of(n: int) -> str:
    """The sku of the `n`-th product."""
    return f"B{n:07d}"


def name_of(n: int) -> str:
    """The name of the `n`-th product."""
    return f"{_MAKERS[n // 10 % 12]} {_KINDS[n % 10]} No. {n}"


def name_elsewhere_of(n: int) -> str:
    """The name of the `n`-th product where it is sold in Korea or Japan."""
    return f"{_KINDS_ELSEWHERE[n // 4 % 10]} {n}"


def gtin_of(n: int) -> str:
    """The barcode of the `n`-th product in 14 digits."""
    body = f"952{n:09d}"
    return f"0{body}{check_digit(body)}"


def member_of(n: int) -> UUID:
    """The `n`-th member's id."""
    return uuid7(_BORN_MS + n, n.to_bytes(10, "big"))


def sale_of(n: int) -> UUID:
    """The `n`-th sale's id, never that of a member."""
    return uuid7(_BORN_MS + n, b"\x01" + n.to_bytes(9, "big"))


def phone_of(n: int) -> str:
    """The `n`-th member's phone, in one made-up block."""
    return f"+4850{n:07d}"


def card_of(n: int) -> str:
    """The `n`-th member's card number."""
    return make_card(n.to_bytes(7, "big"))


def make_sales(first: int, count: int, products: int, members: int) -> Iterator[CompleteSale]:
    """Sales `first` to `first + count`: five different articles, a member, one to three pieces, cash, a receipt."""
    for n in range(first, first + count):
        lines = tuple(
            LineRequest(sku=sku_of((n * LINES_PER_SALE + line) * _PRIME % products), quantity_milli=1000 * (1 + n % 3))
            for line in range(LINES_PER_SALE)
        )
        yield CompleteSale(
            id=sale_of(n),
            lines=lines,
            member=member_of(n * _PRIME % members),
            tenders=(TenderRequest(kind="cash", amount_minor=_CASH_MINOR),),
            receipt="paper",
        )
