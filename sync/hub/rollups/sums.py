"""pure: sums under keys, table by table: what a batch of entries adds to the roll-ups, before it is written.

    sums = Sums()
    sums.add("tender_day", (store, "2026-11-21", "EUR", "cash"), payments=1, taken_minor=258)
    sums.rows["tender_day"]              # {(store, '2026-11-21', 'EUR', 'cash'): {'payments': 1, 'taken_minor': 258}}

Adding is all there is, so the order of entries and the size of batches make no difference.
"""

from collections.abc import Mapping

from msgspec import Struct

Cell = bytes | str | int
Key = tuple[Cell, ...]
Values = dict[str, Cell]


class Shape(Struct, frozen=True, kw_only=True):
    """How the columns of a table behave beyond its key: `added` up, the `least` or the `greatest` seen, or `fixed` by
    the first that comes (all that come later say the same)."""

    key: tuple[str, ...]
    added: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order rows are written and read."""
        return self.key + self.added + self.least + self.greatest + self.fixed

    def row_of(self, key: Key, values: Mapping[str, Cell]) -> tuple[Cell | None, ...]:
        """A row in the order of `columns`: what nobody added is 0, a least or greatest of nothing is None."""
        added = [values.get(name, 0) for name in self.added]
        return (*key, *added, *(values.get(name) for name in self.least + self.greatest + self.fixed))


_HOUR = (
    *("sales", "member_sales", "lines", "gross_minor", "discount_minor", "net_minor", "base_minor", "tax_minor"),
    *("rounding_minor", "due_minor", "voids", "voided_minor", "returns", "returned_minor", "returned_rounding_minor"),
    "overrides",
)
_OFFER = (
    *("sales", "uses", "discount_minor", "uses_back", "discount_back_minor"),
    *("coupons_issued", "coupons_used", "coupons_voided"),
)
_COUNT = (
    *("business_day", "till", "operator", "currency", "series", "z_number"),
    *("expected_minor", "counted_minor", "variance_minor", "closed_at"),
)

SHAPES: Mapping[str, Shape] = {
    "store_life": Shape(key=("store", "epoch"), fixed=("code", "currency", "time_zone", "ordinal")),
    "sales_hour": Shape(key=("store", "business_day", "hour", "currency", "channel"), added=_HOUR),
    "tender_day": Shape(
        key=("store", "business_day", "currency", "kind"),
        added=("payments", "taken_minor", "refunds", "refunded_minor"),
    ),
    "tax_day": Shape(
        key=("store", "business_day", "currency", "rate"),
        added=("base_minor", "tax_minor", "returned_base_minor", "returned_tax_minor", "card_base_minor"),
    ),
    "points_day": Shape(key=("store", "business_day", "kind", "rule"), added=("postings", "points")),
    "redemption_day": Shape(
        key=("store", "business_day", "currency", "kind", "name", "outcome"),
        added=("times", "points", "value_minor"),
    ),
    "offer_day": Shape(key=("store", "business_day", "currency", "offer"), added=_OFFER),
    "counted_tender": Shape(
        key=("store", "shift", "kind"),
        fixed=_COUNT,
    ),
    "cash_day": Shape(key=("store", "business_day", "currency", "kind"), added=("times", "amount_minor")),
    "business_day_span": Shape(
        key=("store", "business_day", "epoch"), added=("entries",), least=("first_seq",), greatest=("last_seq",)
    ),
    "member_purchase": Shape(
        key=("member", "business_day", "store", "currency", "channel"),
        added=("visits", "spent_minor", "returned_minor"),
        least=("first_at",),
    ),
    "member_offer": Shape(
        key=("member", "offer", "store", "currency"),
        added=("issued", "used", "discount_minor"),
        least=("issued_day", "used_day"),
    ),
    "member_touch": Shape(key=("member", "op", "n"), fixed=("store", "at", "kind", "source", "channel")),
}
"""The tables of sync/hub/schema_reports.py, by name."""


class Sums:
    """What a number of entries adds up to."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Values]] = {}

    def add(self, table: str, key: Key, **amounts: int) -> None:
        """Add amounts to the row under `key`; the row is there afterwards, also when all amounts are 0."""
        values = self._values(table, key)
        for name, amount in amounts.items():
            values[name] = values.get(name, 0) + amount  # type: ignore[operator]  # these columns hold numbers only

    def reach(self, table: str, key: Key, **seen: Cell) -> None:
        """Widen the row's least and greatest values by what was seen."""
        values = self._values(table, key)
        for name, value in seen.items():
            known = values.get(name)
            least = name in SHAPES[table].least
            if known is None or (value < known if least else value > known):  # type: ignore[operator]  # one type each
                values[name] = value

    def fix(self, table: str, key: Key, **values: Cell) -> None:
        """A row that says the same for ever."""
        self._values(table, key).update(values)

    def table_rows(self, table: str) -> list[tuple[Cell | None, ...]]:
        """The rows of a table in the order of its keys, columns as its shape has them: the order in which every writer
        locks rows, so that no two wait for each other."""
        shape = SHAPES[table]
        return [
            shape.row_of(key, values)
            for key, values in sorted(self.rows.get(table, {}).items(), key=lambda row: row[0])
        ]

    def _values(self, table: str, key: Key) -> Values:
        rows = self.rows.get(table)
        if rows is None:
            rows = self.rows[table] = {}
        values = rows.get(key)
        if values is None:
            values = rows[key] = {}
        return values
