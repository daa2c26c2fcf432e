"""sql: add applied entries to the roll-ups, a batch at a time.

    roll_up(tx, entries)        # in the transaction that applies them, once for each entry that was not applied before

Sums are made in memory and written in a few statements of many rows, in the order of their keys.
"""

from collections.abc import Mapping, Sequence

from loyalty.transactions import Tx
from sync.hub.accepted import Accepted
from sync.hub.rollups.fold import fold_entry
from sync.hub.rollups.originals import read_calendars, read_known
from sync.hub.rollups.sums import SHAPES, Shape, Sums

_ROWS_MAX = 500

_INSERTS: Mapping[str, str] = {
    "store_life": "INSERT INTO store_life",
    "sales_hour": "INSERT INTO sales_hour",
    "tender_day": "INSERT INTO tender_day",
    "tax_day": "INSERT INTO tax_day",
    "points_day": "INSERT INTO points_day",
    "redemption_day": "INSERT INTO redemption_day",
    "offer_day": "INSERT INTO offer_day",
    "counted_tender": "INSERT INTO counted_tender",
    "cash_day": "INSERT INTO cash_day",
    "business_day_span": "INSERT INTO business_day_span",
    "member_purchase": "INSERT INTO member_purchase",
    "member_offer": "INSERT INTO member_offer",
    "member_touch": "INSERT INTO member_touch",
}


def roll_up(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Add these entries. The caller sees to it that an op is added once, whatever life it was logged in."""
    save_sums(tx, sum_up(tx, entries))


def sum_up(tx: Tx, entries: Sequence[Accepted]) -> Sums:
    """What these entries add up to, without writing anything."""
    calendars = read_calendars(tx, entries)
    known = read_known(tx, entries, calendars)
    sums = Sums()
    for entry in entries:
        fold_entry(sums, entry, known)
    return sums


def save_sums(tx: Tx, sums: Sums) -> None:
    """Add sums to the tables."""
    for table, insert in _INSERTS.items():
        rows = sums.table_rows(table)
        head, tail = _statement(table, insert, SHAPES[table])
        marks = "(" + ", ".join("?" * len(SHAPES[table].columns)) + ")"
        for start in range(0, len(rows), _ROWS_MAX):
            chunk = rows[start : start + _ROWS_MAX]
            values = [value for row in chunk for value in row]
            tx.execute(head + ", ".join([marks] * len(chunk)) + tail, values)


def _statement(table: str, insert: str, shape: Shape) -> tuple[str, str]:
    """What stands before and behind the rows of an upsert that adds to what is there."""
    changes = [f"{name} = {table}.{name} + excluded.{name}" for name in shape.added]
    changes += [_extreme(table, name, "<") for name in shape.least]
    changes += [_extreme(table, name, ">") for name in shape.greatest]
    head = f"{insert} ({', '.join(shape.columns)}) VALUES "
    behind = f"DO UPDATE SET {', '.join(changes)}" if changes else "DO NOTHING"
    return head, f" ON CONFLICT ({', '.join(shape.key)}) {behind}"


def _extreme(table: str, name: str, sign: str) -> str:
    """The smaller or greater of both; one of nothing is NULL, and gives way."""
    return (
        f"{name} = CASE WHEN {table}.{name} IS NULL OR excluded.{name} {sign} {table}.{name}"
        f" THEN excluded.{name} ELSE {table}.{name} END"
    )
