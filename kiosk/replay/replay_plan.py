"""edge: what a file of baskets asks for, read whole before anything is sold.

plan = read_plan(Path("transactions.csv.gz"))
len(plan.orders), plan.overrides, plan.notes
"""

import hashlib
from pathlib import Path

from msgspec import Struct

from kiosk.demo.catalogue import build_catalogue
from kiosk.demo.files import find_products, load_baskets, load_products
from kiosk.demo.prices import choose_prices, count_overrides, describe
from kiosk.replay.replay_orders import Order, make_orders
from sync.facts.catalogue import ProductFact


class Plan(Struct, frozen=True, kw_only=True):
    """What a file asks for: its baskets as orders, the goods and households in them, and what was settled on the
    way."""

    digest: str
    orders: tuple[Order, ...]
    lines: int
    overrides: int
    products: tuple[ProductFact, ...]
    households: tuple[str, ...]
    notes: tuple[str, ...]


def read_plan(file: Path) -> Plan:
    """Read a file of baskets, and the products beside it if there are any. Raises WrongFile."""
    found = load_baskets(file)
    lines = [line for basket in found.baskets for line in basket.lines]
    prices = choose_prices(lines)
    overrides = count_overrides(found.baskets, prices)
    return Plan(
        digest=read_digest(file),
        orders=tuple(make_orders(found.baskets, prices)),
        lines=len(lines),
        overrides=overrides,
        products=build_catalogue(prices, load_products(find_products(file))),
        households=tuple(sorted({basket.household_id for basket in found.baskets if basket.household_id})),
        notes=describe(found.counts, overrides),
    )


def read_digest(file: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
