"""sql: the list of sales, in the order they were made."""

from uuid import UUID

from msgspec import Struct

from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop
from loyalty.transactions import Row, Tx
from sync.http.paging import Page, decode_cursor, encode_cursor, page_of

_PURPOSE = "sales"


class SaleSummary(Struct, frozen=True, kw_only=True):
    """A sale in one line."""

    id: UUID
    number: str
    business_day: str
    at: str
    till: str
    member: UUID | None
    due_minor: int
    state: str


def list_sales(
    tx: Tx, _: Shop, __: Caller, business_day: str | None, member: UUID | None, after: str | None, limit: int
) -> Page[SaleSummary]:
    """Sales of a day, of a member, or all, oldest first. Raises InvalidCursor."""
    where, values = ["sale.id > ?"], [decode_cursor(after, _PURPOSE, bytes) if after else b""]
    filters: list[tuple[str, object]] = [("business_day = ?", business_day), ("member = ?", member and member.bytes)]
    given: list[object] = list(values)
    for condition, value in filters:
        if value is not None:
            where.append(condition)
            given.append(value)
    rows = tx.execute(  # the conditions are ours, the values bound
        "SELECT id, number, business_day, sale.at, till, member, due_minor, sale_void.sale FROM sale"  # noqa: S608
        f" LEFT JOIN sale_void ON sale_void.sale = sale.id WHERE {' AND '.join(where)} ORDER BY sale.id LIMIT ?",
        (*given, limit + 1),
    ).fetchall()
    return page_of([_summary(row) for row in rows], limit, lambda sale: encode_cursor(sale.id.bytes, _PURPOSE))


def _summary(row: Row) -> SaleSummary:
    return SaleSummary(
        id=UUID(bytes=row[0]),
        number=row[1],
        business_day=row[2],
        at=utc_text(row[3]),
        till=row[4],
        member=UUID(bytes=row[5]) if row[5] else None,
        due_minor=row[6],
        state="voided" if row[7] else "completed",
    )
