"""sql: rows for what leaves head office for the books: days of the roll-ups, and the entries of one day."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from loyalty.transactions import Tx
from sync.hub.accepted import Accepted
from sync.hub.op_names import read_names
from sync.hub.reports.accounting import DaySums, sum_days
from sync.hub.reports.report import Asked
from sync.hub.reports.shop_rows import read_codes, select_days
from sync.hub.rollups.originals import accepted_of

_PAGE = 500


def read_days(tx: Tx, asked: Asked) -> list[DaySums]:
    """Every store's days of the span, with all that is booked of them."""
    codes = read_codes(tx)
    key = "store, business_day, currency"

    def read(select: str, group: str) -> Iterable[Any]:
        rows = select_days(tx, asked, select, f"GROUP BY {group} ORDER BY {group}")
        return [(codes.get(row[0], row[0].hex()), *row[1:]) for row in rows]

    tenders = read(f"SELECT {key}, kind, sum(taken_minor - refunded_minor) FROM tender_day", f"{key}, kind")  # noqa: S608
    taxes = read(
        f"SELECT {key}, rate, sum(base_minor - returned_base_minor), sum(tax_minor - returned_tax_minor),"  # noqa: S608
        " sum(card_base_minor) FROM tax_day",
        f"{key}, rate",
    )
    roundings = read(f"SELECT {key}, sum(rounding_minor - returned_rounding_minor) FROM sales_hour", key)  # noqa: S608
    moved = read(f"SELECT {key}, kind, sum(amount_minor) FROM cash_day", f"{key}, kind")  # noqa: S608
    counted = read(f"SELECT {key}, kind, sum(variance_minor) FROM counted_tender", f"{key}, kind")  # noqa: S608
    return sum_days(tenders, taxes, roundings, moved, counted)


def read_day_entries(tx: Tx, store: bytes, day: str) -> list[Accepted]:
    """The applied entries of one store's business day, in the order of its lives and their numbers."""
    spans = tx.execute(
        "SELECT business_day_span.epoch, first_seq, last_seq FROM business_day_span JOIN store_life"
        " ON store_life.store = business_day_span.store AND store_life.epoch = business_day_span.epoch"
        " WHERE business_day_span.store = ? AND business_day = ? ORDER BY ordinal",
        (store, day),
    ).fetchall()
    found, names = [], read_names(tx, UUID(bytes=store))
    for epoch, first, last in spans:
        after = first - 1
        while True:
            rows = tx.execute(
                "SELECT inbox.seq, inbox.content FROM inbox JOIN applied ON applied.store = inbox.store"
                " AND applied.epoch = inbox.epoch AND applied.seq = inbox.seq"
                " WHERE inbox.store = ? AND inbox.epoch = ? AND inbox.seq > ? AND inbox.seq <= ?"
                " ORDER BY inbox.seq LIMIT ?",
                (store, epoch, after, last, _PAGE),
            ).fetchall()
            found += [accepted_of(store, epoch, seq, content, names) for seq, content in rows]
            if len(rows) < _PAGE:
                break
            after = rows[-1][0]
    return [entry for entry in found if entry.business_day == day]
