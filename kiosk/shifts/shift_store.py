"""sql: shifts as they lie in the tables, and what they add up to."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from kiosk.shifts.business_day import utc_text
from kiosk.shifts.shift import MovementLine, ShiftTotals, TaxSum
from loyalty.errors import NotFound
from loyalty.transactions import Row, Tx
from sync.facts.shifts import TenderCount


class UnknownShift(NotFound):
    """There is no such shift in this store."""

    code, hint = "unknown_shift", "Open the list of shifts and choose one."


class ShiftRow(Struct, frozen=True, kw_only=True):
    """A shift and, once closed, its closing."""

    id: UUID
    till: str
    operator: str | None
    business_day: str
    opened_at: int
    float_minor: int
    series: int | None
    z_number: int | None
    closed_at: int | None


def read_shift(tx: Tx, shift: UUID) -> ShiftRow:
    """One shift. Raises UnknownShift."""
    row = tx.execute(
        "SELECT shift.till, shift.operator, business_day, opened_at, float_minor, series, z_number, closed_at"
        " FROM shift"
        " LEFT JOIN shift_close ON shift_close.shift = shift.id WHERE shift.id = ?",
        (shift.bytes,),
    ).fetchone()
    if row is None:
        raise UnknownShift
    till, operator, day, opened_at, float_minor, series, z_number, closed_at = row
    return ShiftRow(
        id=shift,
        till=till,
        operator=operator,
        business_day=day,
        opened_at=opened_at,
        float_minor=float_minor,
        series=series,
        z_number=z_number,
        closed_at=closed_at,
    )


def next_z_number(tx: Tx, till: str, series: int) -> int:
    """The number the till's next closing gets in this series, counted from 1."""
    row = tx.execute("SELECT max(z_number) FROM shift_close WHERE till = ? AND series = ?", (till, series)).fetchone()
    return int(row[0] or 0) + 1 if row else 1


def read_counts(tx: Tx, shift: UUID) -> tuple[TenderCount, ...]:
    """What was counted at closing."""
    rows = tx.execute(
        "SELECT kind, expected_minor, counted_minor, variance_minor FROM shift_count WHERE shift = ? ORDER BY kind",
        (shift.bytes,),
    )
    return tuple(TenderCount(*row) for row in rows)


def read_totals(tx: Tx, shift: UUID) -> ShiftTotals:
    """Add up a shift from its facts."""
    key = (shift.bytes,)
    sales = _one(
        tx,
        "SELECT count(*), sum(gross_minor), sum(discount_minor), sum(net_minor), sum(due_minor),"
        " sum(rounding_minor), sum(points_earned), sum(change_minor) FROM sale WHERE shift = ?",
        key,
    )
    voids = _one(
        tx,
        "SELECT count(*), sum(due_minor), sum(change_minor) FROM sale_void JOIN sale ON sale.id = sale_void.sale"
        " WHERE sale_void.shift = ?",
        key,
    )
    returns = _one(tx, "SELECT count(*), sum(value_minor + rounding_minor) FROM taken_back WHERE shift = ?", key)
    return ShiftTotals(
        sales=sales[0],
        gross_minor=sales[1],
        discount_minor=sales[2],
        net_minor=sales[3],
        due_minor=sales[4],
        rounding_minor=sales[5],
        points_earned=sales[6],
        voids=voids[0],
        voided_minor=voids[1],
        returns=returns[0],
        returned_minor=returns[1],
        taken=_taken(tx, key, sales[7]),
        given_back=_given_back(tx, key, voids[2]),
        taxes=_taxes(tx, key),
        movements=_movements(tx, key),
        drawer_openings=_drawer_openings(tx, key),
        first_number=_number(tx, key, "ASC"),
        last_number=_number(tx, key, "DESC"),
    )


def _taken(tx: Tx, key: tuple[bytes], change_minor: int) -> dict[str, int]:
    taken = _by_kind(
        tx,
        "SELECT kind, sum(amount_minor) FROM sale_tender JOIN sale ON sale.id = sale_tender.sale"
        " WHERE sale.shift = ? GROUP BY kind",
        key,
    )
    if change_minor:
        taken["cash"] = taken.get("cash", 0) - change_minor
    return taken


def _given_back(tx: Tx, key: tuple[bytes], voided_change_minor: int) -> dict[str, int]:
    given = _by_kind(
        tx,
        "SELECT kind, sum(amount_minor) FROM refund JOIN taken_back"
        " ON taken_back.op = refund.op AND taken_back.n = refund.n WHERE taken_back.shift = ? GROUP BY kind",
        key,
    )
    voided = _by_kind(
        tx,
        "SELECT kind, sum(amount_minor) FROM sale_tender JOIN sale_void ON sale_void.sale = sale_tender.sale"
        " WHERE sale_void.shift = ? GROUP BY kind",
        key,
    )
    if voided_change_minor:
        voided["cash"] = voided.get("cash", 0) - voided_change_minor
    return {kind: given.get(kind, 0) + voided.get(kind, 0) for kind in given.keys() | voided.keys()}


def _taxes(tx: Tx, key: tuple[bytes]) -> tuple[TaxSum, ...]:
    """Tax by rate: sold minus voided minus returned. The base of a returned line is its net without the tax in it."""
    rows = tx.execute(
        "SELECT rate, sum(base), sum(tax) FROM ("
        "SELECT rate, base_minor AS base, tax_minor AS tax FROM sale_tax JOIN sale ON sale.id = sale_tax.sale"
        " WHERE sale.shift = ?1"
        " UNION ALL SELECT rate, -base_minor, -tax_minor FROM sale_tax"
        " JOIN sale_void ON sale_void.sale = sale_tax.sale WHERE sale_void.shift = ?1"
        " UNION ALL SELECT tax_rate, -(taken_back_line.net_minor - CASE WHEN taken_back.tax_mode = 'included'"
        " THEN taken_back_line.tax_minor ELSE 0 END), -taken_back_line.tax_minor FROM taken_back_line"
        " JOIN taken_back ON taken_back.op = taken_back_line.op AND taken_back.n = taken_back_line.n"
        " WHERE taken_back.shift = ?1"
        ") GROUP BY rate ORDER BY CAST(rate AS REAL) DESC",
        key,
    )
    return tuple(TaxSum(*row) for row in rows)


def _movements(tx: Tx, key: tuple[bytes]) -> tuple[MovementLine, ...]:
    rows = tx.execute(
        "SELECT id, kind, amount_minor, reason, at FROM shift_movement WHERE shift = ? ORDER BY at, id", key
    )
    return tuple(
        MovementLine(id=UUID(bytes=row[0]), kind=row[1], amount_minor=row[2], reason=row[3], at=utc_text(row[4]))
        for row in rows
    )


def _drawer_openings(tx: Tx, key: tuple[bytes]) -> int:
    """How often the till's drawer was opened in this shift without a sale."""
    return int(_one(tx, "SELECT count(*) FROM drawer_opening WHERE shift = ?", key)[0])


def _number(tx: Tx, key: tuple[bytes], order: Literal["ASC", "DESC"]) -> str | None:
    """The first or last number the shift gave, by the till's own count: ids are the tills' and say nothing of it."""
    row = tx.execute(
        "SELECT number FROM (SELECT number FROM sale WHERE shift = ?1"  # noqa: S608  `order` is a word of ours
        " UNION SELECT number FROM taken_back WHERE shift = ?1)"
        f" JOIN document_number USING (number) ORDER BY series {order}, n {order} LIMIT 1",
        key,
    ).fetchone()
    return str(row[0]) if row else None


def _by_kind(tx: Tx, sql: str, key: tuple[bytes]) -> dict[str, int]:
    return dict(tx.execute(sql, key).fetchall())


def _one(tx: Tx, sql: str, key: tuple[bytes]) -> Row:
    """A row of sums; a sum of nothing is 0."""
    row = tx.execute(sql, key).fetchone()
    assert row is not None
    return tuple(value or 0 for value in row)
