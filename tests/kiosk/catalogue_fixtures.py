"""A shop of nothing but its catalogue: a real SQLite file, the real journal, the real appliers of goods."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from kiosk.catalogue.apply_catalogue import apply_products_changed, apply_stock_counted
from kiosk.catalogue.apply_stock import check_stock_levels
from kiosk.catalogue.product_service import change_products
from kiosk.schema.catalogue import TABLES as CATALOGUE_TABLES
from kiosk.shifts.apply_counter import apply_epoch_started
from loyalty.ids import uuid7
from loyalty.tables import Table
from loyalty.transactions import Tx
from sync import schema as journal_schema
from sync.db import connect
from sync.facts.catalogue import ProductFact, ProductsChanged, StockCounted
from sync.facts.store import EpochStarted
from sync.journal import Journal, Origin
from sync.verify import Mark, Registry, Report, verify

T = TypeVar("T")
EPOCH = 0x0123_4567_89AB_CDEF
TAX_CLASSES = frozenset({"standard", "food"})
TABLES = (*journal_schema.TABLES, *CATALOGUE_TABLES)
APPLIERS = {
    EpochStarted: apply_epoch_started,
    ProductsChanged: apply_products_changed,
    StockCounted: apply_stock_counted,
}
REGISTRY = Registry(tables=TABLES, appliers=APPLIERS, caches={"stock_level": check_stock_levels})


def product(sku: str = "1041453", **changes: object) -> ProductFact:
    """A product like any other, but for the named fields."""
    fields: dict[str, Any] = {
        "sku": sku,
        "name": f"Product {sku}",
        "department": "GROCERY",
        "tax_class": "food",
        "price_minor": 143,
    }
    return ProductFact(**(fields | changes))


def op(number: int) -> UUID:
    """The id of the number-th thing somebody does."""
    return uuid7(1_700_000_000_000 + number, number.to_bytes(10))


def origin(now_ms: int = 1_700_000_000_000) -> Origin:
    """Who does it."""
    return Origin(now_ms=now_ms, business_day="2026-11-21", operator="ola")


def create(path: Path | str, tables: Sequence[Table]) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """A database with these tables."""
    connection = connect(path)
    for table in tables:
        connection.execute(table.ddl)
        for index in table.indexes:
            connection.execute(index)
    return connection


class Shop:
    """`write(fn)` runs fn(tx, journal) as one transaction: all or nothing, as the writer does it."""

    def __init__(self, path: Path) -> None:
        self.tx = create(path / "store.db", TABLES)
        self.journal = Journal(EPOCH, APPLIERS)
        life = EpochStarted(store="S001", currency="EUR", time_zone="Europe/Warsaw", ordinal=1, reason="new")
        self.write(lambda tx, journal: journal.record(tx, origin(), op(9_999), life))
        self._operations = 0

    def write(self, fn: Callable[[Tx, Journal], T]) -> T:
        """Run `fn`; what it raises rolls everything back."""
        self.tx.execute("BEGIN IMMEDIATE")
        try:
            result = fn(self.tx, self.journal)
        except BaseException:
            self.tx.execute("ROLLBACK")
            raise
        self.tx.execute("COMMIT")
        return result

    def change(self, *products: ProductFact, op_id: UUID | None = None, now_ms: int = 1_700_000_000_000) -> int:
        """change_products with an id of its own, by a manager."""
        self._operations += 1
        used = op_id or op(10_000 + self._operations)
        return self.write(
            lambda tx, journal: change_products(
                tx, journal, origin(now_ms), used, products, "manager", tax_classes=TAX_CLASSES
            )
        )

    def rows(self, select: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a table holds."""
        return list(self.tx.execute(select, parameters).fetchall())

    def entries(self) -> int:
        """How many facts the journal holds beside the start of its life."""
        return int(self.rows("SELECT count(*) FROM journal")[0][0]) - 1

    def verify(self, since: Mark | None = None) -> Report:
        """Replay the journal into empty tables and compare."""
        scratch = create(":memory:", TABLES)
        try:
            return verify(self.tx, scratch, REGISTRY, since)
        finally:
            scratch.close()

    def close(self) -> None:
        self.tx.close()
