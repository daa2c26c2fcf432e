"""sql: rows of the roll-ups by day, for the reports about shops. Each reads one table, over all stores or one."""

from collections.abc import Sequence

from loyalty.transactions import Row, Tx
from sync.hub.reports.bounded_rows import read_bounded
from sync.hub.reports.days import time_text
from sync.hub.reports.offers import OfferSums
from sync.hub.reports.report import Asked, Cells
from sync.hub.reports.shop_reports import SALES_COLUMNS, ShiftRow


def read_sales(tx: Tx, asked: Asked) -> list[Cells]:
    """By day, hour and currency, in the order of SALES_COLUMNS."""
    sums = ", ".join(f"sum({name})" for name in SALES_COLUMNS[3:])
    return _grouped(tx, asked, f"SELECT business_day, hour, currency, {sums} FROM sales_hour", ("hour", "currency"))  # noqa: S608


def read_tenders(tx: Tx, asked: Asked) -> list[Cells]:
    """By day, currency and kind."""
    select = (
        "SELECT business_day, currency, kind, sum(payments), sum(taken_minor), sum(refunds), sum(refunded_minor)"
        " FROM tender_day"
    )
    return _grouped(tx, asked, select, ("currency", "kind"))


def read_taxes(tx: Tx, asked: Asked) -> list[Cells]:
    """By day, currency and rate."""
    select = (
        "SELECT business_day, currency, rate, sum(base_minor), sum(tax_minor), sum(returned_base_minor),"
        " sum(returned_tax_minor), sum(card_base_minor) FROM tax_day"
    )
    return _grouped(tx, asked, select, ("currency", "rate"))


def read_points(tx: Tx, asked: Asked) -> list[Cells]:
    """By day, kind of posting and rule."""
    select = "SELECT business_day, kind, rule, sum(postings), sum(points) FROM points_day"
    return _grouped(tx, asked, select, ("kind", "rule"))


def read_redemptions(tx: Tx, asked: Asked) -> list[Cells]:
    """By what was redeemed, how it went, and currency, over the whole span."""
    select = "SELECT kind, name, outcome, currency, sum(times), sum(points), sum(value_minor) FROM redemption_day"
    by = "kind, name, outcome, currency"
    return [tuple(row) for row in select_days(tx, asked, select, f"GROUP BY {by} ORDER BY {by}")]


def read_offer_sums(tx: Tx, asked: Asked) -> list[OfferSums]:
    """By offer and currency, over the whole span."""
    select = (
        "SELECT offer, currency, sum(sales), sum(uses), sum(discount_minor), sum(uses_back), sum(discount_back_minor),"
        " sum(coupons_issued), sum(coupons_used), sum(coupons_voided) FROM offer_day"
    )
    by = "offer, currency"
    return [OfferSums(*row) for row in select_days(tx, asked, select, f"GROUP BY {by} ORDER BY {by}")]


def read_shifts(tx: Tx, asked: Asked) -> list[ShiftRow]:
    """Closed shifts of the span, with the codes of their stores."""
    codes = read_codes(tx)
    select = (
        "SELECT store, business_day, till, operator, series, z_number, kind, currency, expected_minor, counted_minor,"
        " variance_minor FROM counted_tender"
    )
    rows = select_days(tx, asked, select, "ORDER BY business_day, store, till, z_number, kind")
    return [ShiftRow(row[1], codes.get(row[0], row[0].hex()), *row[2:]) for row in rows]


def read_day_closes(tx: Tx, asked: Asked) -> list[Cells]:
    """The days that stores have proved, in the order of DAY_CLOSE_COLUMNS."""
    codes = read_codes(tx)
    select = "SELECT business_day, store, outcome, entries, what, told_at FROM day_close"
    rows = select_days(tx, asked, select, "ORDER BY business_day, store")
    return [(row[0], codes.get(row[1], row[1].hex()), *row[2:5], time_text(row[5])) for row in rows]


def read_codes(tx: Tx) -> dict[bytes, str]:
    """The code of each store, as head office gave it; of one that is known by its journal alone, as that says."""
    said = tx.execute("SELECT store, code FROM store_life ORDER BY store, ordinal").fetchall()
    given = tx.execute("SELECT store, code FROM store").fetchall()
    return dict([*said, *given])


def select_days(tx: Tx, asked: Asked, select: str, order: str) -> list[Row]:
    """Rows of a table by store and day, over the span that was asked for; `order` groups and sorts them. Raises
    TooMuchToReport."""
    where, values = _span(asked)
    return read_bounded(tx, f"{select} WHERE {where} {order}", values)


def _grouped(tx: Tx, asked: Asked, select: str, keys: Sequence[str]) -> list[Cells]:
    by = ", ".join(("business_day", *keys))
    return [tuple(row) for row in select_days(tx, asked, select, f"GROUP BY {by} ORDER BY {by}")]


def _span(asked: Asked) -> tuple[str, list[object]]:
    """The condition of the span, and its values."""
    where, values = "business_day BETWEEN ? AND ?", [asked.since, asked.until]
    if asked.store is None:
        return where, [*values]
    return f"store = ? AND {where}", [asked.store, *values]
