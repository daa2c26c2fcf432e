"""pure: what the shops did: sales by hour, tenders, taxes, points by kind, redemptions and refusals, cash-up.

Each takes rows of a roll-up (sync/hub/reports/shop_rows.py reads them) and answers a report.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from sync.hub.reports.report import Asked, Cell, Cells, Note, Report

SALES_COLUMNS = (
    *("business_day", "hour", "currency", "sales", "member_sales", "lines", "gross_minor", "discount_minor"),
    *("net_minor", "base_minor", "tax_minor", "rounding_minor", "due_minor", "voids", "voided_minor"),
    *("returns", "returned_minor", "overrides"),
)
TENDER_COLUMNS = ("business_day", "currency", "kind", "payments", "taken_minor", "refunds", "refunded_minor")
TAX_COLUMNS = (
    *("business_day", "currency", "rate", "base_minor", "tax_minor"),
    *("returned_base_minor", "returned_tax_minor", "card_base_minor"),
)
POINTS_COLUMNS = ("business_day", "kind", "rule", "postings", "points")
REDEMPTION_COLUMNS = ("kind", "name", "outcome", "currency", "times", "points", "value_minor")
DAY_CLOSE_COLUMNS = ("business_day", "store", "outcome", "entries", "what", "last_contact")
CASH_UP_COLUMNS = (
    *("business_day", "store", "till", "operator", "z_number", "kind", "currency"),
    *("expected_minor", "counted_minor", "variance_minor"),
)

_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_VOIDS = Note(
    "voids_taken_off", "A voided sale is taken off the hour it was made in; the void counts when it was made."
)
_RETURNS = Note("returns_on_their_day", "Goods that come back count on the day they do, not on that of their sale.")
_JOURNALLED = Note(
    "only_journalled_refusals",
    "Refusals are those of coupons that were shown at a sale and gave nothing. A request that was refused outright"
    " (too few points, a lapsed hold) is no fact and stands in no journal.",
)
_EXCHANGE = Note("exchange_is_no_money", "The kind exchange is credit for goods that came back: as much in as out.")
_FOLDED = Note(
    "only_postings", "Expiry and activation happen by time alone and are no postings; see points-liability for them."
)

_NOT_PROVED = Note(
    "missing_days", "A day that is not listed was not proved yet: its store was away, or had no entries to prove."
)


class ShiftRow(NamedTuple):
    """One kind of tender of a closed shift."""

    business_day: str
    store: str
    till: str
    operator: str
    series: int
    z_number: int
    kind: str
    currency: str
    expected_minor: int
    counted_minor: int
    variance_minor: int


def report_sales(asked: Asked, rows: Sequence[Cells]) -> Report:
    """Sales by day and hour of the shops' own clocks. `rows` are SALES_COLUMNS."""
    figures = _totals(SALES_COLUMNS, rows, ("sales", "member_sales", "due_minor", "returned_minor", "voids"))
    return _report("sales", asked, SALES_COLUMNS, rows, figures, (_VOIDS, _RETURNS))


def report_tenders(asked: Asked, rows: Sequence[Cells]) -> Report:
    """What was paid with, by day."""
    figures = _totals(TENDER_COLUMNS, rows, ("taken_minor", "refunded_minor"))
    return _report("tenders", asked, TENDER_COLUMNS, rows, figures, (_EXCHANGE,))


def report_taxes(asked: Asked, rows: Sequence[Cells]) -> Report:
    """Base and tax by day and rate."""
    names = ("base_minor", "tax_minor", "returned_base_minor", "returned_tax_minor")
    rows = sorted(rows, key=lambda row: (str(row[0]), str(row[1]), rate_order(str(row[2]))))
    return _report("taxes", asked, TAX_COLUMNS, rows, _totals(TAX_COLUMNS, rows, names), (_RETURNS,))


def rate_order(rate: str) -> tuple[bool, Decimal, str]:
    """Where a tax rate stands among others: 5, 8, 23 as numbers, whatever is none behind them."""
    is_number = _RATE.fullmatch(rate) is not None
    return not is_number, Decimal(rate if is_number else 0), rate


def report_points(asked: Asked, rows: Sequence[Cells]) -> Report:
    """Points by day, kind of posting, and the rule that made them."""
    figures: dict[str, Cell] = defaultdict(int)
    for row in rows:
        figures[f"{row[1]}_points"] += row[4]  # type: ignore[operator]  # the column points holds numbers
    return _report("points", asked, POINTS_COLUMNS, rows, dict(sorted(figures.items())), (_FOLDED,))


def report_redemptions(asked: Asked, rows: Sequence[Cells]) -> Report:
    """What points, rewards, coupons and gift cards were used for, taken back, or refused, over the whole span."""
    used = [row for row in rows if row[2] == "used"]
    refused = [row for row in rows if str(row[2]).startswith("refused:")]
    figures = {"used": _sum(used, 4), "refused": _sum(refused, 4), "points_used": _sum(used, 5)}
    return _report("redemptions", asked, REDEMPTION_COLUMNS, rows, figures, (_JOURNALLED,))


def report_cash_up(asked: Asked, rows: Iterable[ShiftRow]) -> Report:
    """Every closed shift, by kind of tender: what should have been there, what was counted, the difference."""
    cells = [
        (
            *(row.business_day, row.store, row.till, row.operator, z_text(row.till, row.series, row.z_number)),
            *(row.kind, row.currency, row.expected_minor, row.counted_minor, row.variance_minor),
        )
        for row in sorted(rows)
    ]
    short = sum(row[9] for row in cells if row[9] < 0)
    over = sum(row[9] for row in cells if row[9] > 0)
    shifts = len({(row[1], row[4]) for row in cells})
    figures = {"shifts": shifts, **_money(CASH_UP_COLUMNS, cells, {"short_minor": short, "over_minor": over})}
    return _report("cash-up", asked, CASH_UP_COLUMNS, cells, figures)


def report_day_closes(asked: Asked, rows: Sequence[Cells]) -> Report:
    """Which days the stores have proved: closed where both hold the same, else the first place that differs."""
    differ = sum(row[2] == "differs" for row in rows)
    figures: dict[str, Cell] = {"closed": len(rows) - differ, "differing": differ}
    return _report("day-closes", asked, DAY_CLOSE_COLUMNS, rows, figures, (_NOT_PROVED,))


def z_text(till: str, series: int, number: int) -> str:
    """A Z number as it is printed: T01-Z0007, and in the second life of a database T01B-Z0007."""
    letters, rest = "", series - 1
    while rest:
        rest, digit = divmod(rest, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{till}{letters}-Z{number:04d}"


def _report(
    name: str,
    asked: Asked,
    columns: tuple[str, ...],
    rows: Sequence[Cells],
    figures: Mapping[str, Cell],
    notes: tuple[Note, ...] = (),
) -> Report:
    return Report(
        name=name, since=asked.since, until=asked.until, columns=columns, rows=rows, figures=figures, notes=notes
    )


def _totals(columns: tuple[str, ...], rows: Sequence[Cells], names: Iterable[str]) -> dict[str, Cell]:
    """Sums of columns. Money of several currencies has no sum: such figures are left out."""
    return _money(columns, rows, {name: _sum(rows, columns.index(name)) for name in names})


def _money(columns: tuple[str, ...], rows: Sequence[Cells], figures: dict[str, int]) -> dict[str, Cell]:
    currencies = sorted({str(row[columns.index("currency")]) for row in rows})
    kept: dict[str, Cell] = {
        name: value for name, value in figures.items() if len(currencies) < 2 or not name.endswith("_minor")
    }
    return {**kept, "currency": currencies[0]} if len(currencies) == 1 else kept


def _sum(rows: Iterable[Cells], column: int) -> int:
    return sum(value for row in rows if isinstance(value := row[column], int))
