"""sql: writes sales, voids and returns as their entries say. Live and in replay the same; decides nothing.

Which table holds what: kiosk/schema/sales.py. Points go to loyalty's postings, goods to stock moves.
"""

from uuid import UUID

import msgspec

from kiosk.catalogue.apply_stock import move_stock
from kiosk.offers.apply_offers import give_back_offers, use_offers
from kiosk.points.apply_postings import post_folded, post_points
from kiosk.program.apply_earning import put_referral, put_rule_points
from kiosk.sales.apply_vouchers import move_vouchers, undo_vouchers
from loyalty.transactions import Tx
from sync.facts.points import ledger_postings
from sync.facts.returns import ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided, SoldLine
from sync.journal import Entry

_MOVES_PER_SALE = 10_000
_INSERT_SALE = (
    "INSERT INTO sale (id, number, till, shift, operator, business_day, at, currency, tax_mode, member, gross_minor,"
    " discount_minor, net_minor, rounding_minor, due_minor, paid_minor, change_minor, points_earned, price_book)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_LINE = (
    "INSERT INTO sale_line (sale, line, sku, name, department, quantity_milli, unit_price_minor, gross_minor,"
    " discount_minor, net_minor, tax_rate, tax_minor, points, override_reason, discounts)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_encode = msgspec.json.Encoder().encode


def apply_sale_completed(tx: Tx, entry: Entry) -> None:
    """A sale, the goods it took from the shelf, the points it earned, and what came back in an exchange."""
    sale = entry.body
    assert isinstance(sale, SaleCompleted)
    op = entry.op_id.bytes
    _number(tx, entry, sale, "sale")
    tx.execute(_INSERT_SALE, _sale_row(entry, sale))
    tx.executemany(_INSERT_LINE, [_line(op, line) for line in sale.lines])
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
    postings = list(sale.postings)
    if sale.member is not None:
        bonuses = sale.basket.bonuses if sale.basket is not None else ()
        put_rule_points(tx, op, sale.member, entry.business_day or "", (*sale.earned, *bonuses))
    if sale.referral is not None:
        put_referral(tx, op, sale.referral)
        postings += sale.referral.postings
    use_offers(tx, entry.op_id, sale.member, sale.offers)
    if sale.vouchers is not None:
        move_vouchers(tx, entry, sale.currency, sale.vouchers)
    for n, taken in enumerate(sale.returned, 1):
        _taken_back(tx, entry, n, taken, sale.number, sale.shift, "exchange")
        if taken.vouchers is not None:
            undo_vouchers(tx, entry, taken.sale, sale.currency, taken.vouchers)
        if taken.elsewhere is None:
            postings += (*taken.postings, *taken.referral)
    if entry.folded is not None:
        post_folded(tx, entry.folded, entry.seq)
    elif postings:
        post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, postings))


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
    give_back_offers(tx, entry.op_id, void.sale, void.offers)
    if void.vouchers is not None:
        undo_vouchers(tx, entry, void.sale, void.currency, void.vouchers)
    if void.postings or void.referral:
        postings = (*void.postings, *void.referral)
        post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, postings))


def apply_return_taken(tx: Tx, entry: Entry) -> None:
    """Goods of one sale taken back under a number of their own."""
    taken = entry.body
    assert isinstance(taken, ReturnTaken)
    _number(tx, entry, taken, "return")
    _taken_back(tx, entry, 1, taken.taken, taken.number, taken.shift, taken.reason)
    if taken.taken.vouchers is not None:
        undo_vouchers(tx, entry, taken.taken.sale, taken.currency, taken.taken.vouchers)
    postings = (*taken.taken.postings, *taken.taken.referral)
    if postings and taken.taken.elsewhere is None:
        post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, postings))


def _number(tx: Tx, entry: Entry, document: SaleCompleted | ReturnTaken, kind: str) -> None:
    tx.execute(
        "INSERT INTO document_number (till, series, n, number, kind, op) VALUES (?, ?, ?, ?, ?, ?)",
        (document.till, document.series, document.n, document.number, kind, entry.op_id.bytes),
    )


def _sale_row(entry: Entry, sale: SaleCompleted) -> tuple[object, ...]:
    return (
        entry.op_id.bytes,
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
        _encode(line.discounts).decode() if line.discounts else "[]",
    )


def _taken_back(tx: Tx, entry: Entry, n: int, taken: TakenBack, number: str, shift: UUID, reason: str) -> None:
    """`n` numbers the sales that give back in one entry; it also keeps their stock moves apart from the sold lines'.

    One that is neither of this store nor of another breaks the transaction."""
    op, sale = entry.op_id.bytes, taken.sale.bytes
    tx.execute(
        "INSERT INTO taken_back (op, n, sale, number, shift, operator, business_day, at, reason, member, store,"
        " tax_mode, value_minor, rounding_minor, points_clawed_back) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " coalesce(?, (SELECT tax_mode FROM sale WHERE id = ?)), ?, ?, ?)",
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
            taken.elsewhere.store if taken.elsewhere else None,
            taken.elsewhere.tax_mode if taken.elsewhere else None,
            sale,
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
    give_back_offers(tx, entry.op_id, taken.sale, taken.offers)
