"""sql: writes sales, voids and returns as their entries say. Live and in replay the same; decides nothing.

Which table holds what: kiosk/schema/sales.py. Points go to loyalty's postings, goods to stock moves.
"""

from uuid import UUID

from kiosk.apply_stock import move_stock
from loyalty.apply_points import post_points
from loyalty.transactions import Tx
from sync.facts.returns import ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided, SoldLine
from sync.journal import Entry

_MOVES_PER_SALE = 10_000
_INSERT_LINE = (
    "INSERT INTO sale_line (sale, line, sku, name, department, quantity_milli, unit_price_minor, gross_minor,"
    " discount_minor, net_minor, tax_rate, tax_minor, points, override_reason)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_DISCOUNT = (
    "INSERT INTO sale_discount (sale, line, n, kind, offer, reason, amount_minor) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def apply_sale_completed(tx: Tx, entry: Entry) -> None:
    """A sale, the goods it took from the shelf, the points it earned, and what came back in an exchange."""
    sale = entry.body
    assert isinstance(sale, SaleCompleted)
    op = entry.op_id.bytes
    _number(tx, entry, sale, "sale")
    tx.execute(
        "INSERT INTO sale (id, number, till, shift, operator, business_day, at, currency, tax_mode, member,"
        " gross_minor, discount_minor, net_minor, rounding_minor, due_minor, paid_minor, change_minor, points_earned,"
        " price_book)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            op,
            sale.number,
            sale.till,
            sale.shift.bytes,
            entry.operator,
            entry.business_day,
            entry.at,
            sale.currency,
            sale.terms.mode,
            sale.member.bytes if sale.member else None,
            sale.gross_minor,
            sale.discount_minor,
            sale.net_minor,
            sale.rounding_minor,
            sale.due_minor,
            sale.paid_minor,
            sale.change_minor,
            sale.points_earned,
            sale.price_book,
        ),
    )
    tx.executemany(_INSERT_LINE, [_line(op, line) for line in sale.lines])
    discounts = [row for line in sale.lines for row in _discounts(op, line)]
    if discounts:
        tx.executemany(_INSERT_DISCOUNT, discounts)
    tx.executemany(
        "INSERT INTO sale_tax (sale, rate, base_minor, tax_minor) VALUES (?, ?, ?, ?)",
        [(op, tax.rate, tax.base_minor, tax.tax_minor) for tax in sale.taxes],
    )
    for n, tender in enumerate(sale.tenders, 1):
        tx.execute(
            "INSERT INTO sale_tender (sale, n, kind, settles, amount_minor, reference) VALUES (?, ?, ?, ?, ?, ?)",
            (op, n, tender.kind, tender.settles, tender.amount_minor, tender.reference),
        )
    move_stock(tx, op, [(line.sku, -line.quantity_milli) for line in sale.lines], "sale")
    if sale.member and sale.points_earned:
        post_points(tx, sale.member.bytes, op, 1, "earn", sale.points_earned, entry.at, rule=sale.earn_rule)
    for n, taken in enumerate(sale.returned, 1):
        _taken_back(tx, entry, n, taken, sale.number, sale.shift, "exchange")


def apply_sale_voided(tx: Tx, entry: Entry) -> None:
    """The mirror of a sale: goods back on the shelf, points back where they came from."""
    void = entry.body
    assert isinstance(void, SaleVoided)
    op = entry.op_id.bytes
    tx.execute(
        "INSERT INTO sale_void (sale, op, shift, operator, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
        (void.sale.bytes, op, void.shift.bytes, entry.operator, void.reason, entry.at),
    )
    move_stock(tx, op, [(line.sku, line.quantity_milli) for line in void.lines], "void")
    if void.member and void.points_reversed:
        post_points(
            tx,
            void.member.bytes,
            op,
            1,
            "reverse_earn",
            -void.points_reversed,
            entry.at,
            reference=void.sale.bytes,
            reason=void.reason,
        )


def apply_return_taken(tx: Tx, entry: Entry) -> None:
    """Goods of one sale taken back under a number of their own."""
    taken = entry.body
    assert isinstance(taken, ReturnTaken)
    _number(tx, entry, taken, "return")
    _taken_back(tx, entry, 1, taken.taken, taken.number, taken.shift, taken.reason)


def _number(tx: Tx, entry: Entry, document: SaleCompleted | ReturnTaken, kind: str) -> None:
    tx.execute(
        "INSERT INTO document_number (till, series, n, number, kind, op) VALUES (?, ?, ?, ?, ?, ?)",
        (document.till, document.series, document.n, document.number, kind, entry.op_id.bytes),
    )


def _line(sale: bytes, line: SoldLine) -> tuple[object, ...]:
    return (
        sale,
        line.line,
        line.sku,
        line.name,
        line.department,
        line.quantity_milli,
        line.unit_price_minor,
        line.gross_minor,
        line.gross_minor - line.net_minor,
        line.net_minor,
        line.tax_rate,
        line.tax_minor,
        line.points,
        line.override_reason,
    )


def _discounts(sale: bytes, line: SoldLine) -> list[tuple[object, ...]]:
    return [
        (sale, line.line, n, discount.kind, discount.offer, discount.reason, discount.amount_minor)
        for n, discount in enumerate(line.discounts, 1)
    ]


def _taken_back(tx: Tx, entry: Entry, n: int, taken: TakenBack, number: str, shift: UUID, reason: str) -> None:
    """`n` numbers the sales that give back in one entry; it also keeps their stock moves apart from the sold lines'."""
    op, sale = entry.op_id.bytes, taken.sale.bytes
    tx.execute(
        "INSERT INTO taken_back (op, n, sale, number, shift, operator, business_day, at, reason, member, value_minor,"
        " rounding_minor, points_clawed_back) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            op,
            n,
            sale,
            number,
            shift.bytes,
            entry.operator,
            entry.business_day,
            entry.at,
            reason,
            taken.member.bytes if taken.member else None,
            taken.value_minor,
            taken.rounding_minor,
            taken.points_clawed_back,
        ),
    )
    for line in taken.lines:
        tx.execute(
            "INSERT INTO taken_back_line (op, n, line, sale, sku, quantity_milli, net_minor, tax_rate, tax_minor,"
            " points) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                op,
                n,
                line.line,
                sale,
                line.sku,
                line.quantity_milli,
                line.net_minor,
                line.tax_rate,
                line.tax_minor,
                line.points,
            ),
        )
    for i, refund in enumerate(taken.refunds, 1):
        tx.execute(
            "INSERT INTO refund (op, n, i, sale, kind, settles, amount_minor) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (op, n, i, sale, refund.kind, refund.settles, refund.amount_minor),
        )
    moves = [(line.sku, line.quantity_milli) for line in taken.lines]
    move_stock(tx, op, moves, "return", first=_MOVES_PER_SALE * n)
    if taken.member and taken.points_clawed_back:
        post_points(
            tx,
            taken.member.bytes,
            op,
            100 + n,
            "reverse_earn",
            -taken.points_clawed_back,
            entry.at,
            reference=sale,
            reason=reason,
        )
