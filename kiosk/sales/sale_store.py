"""sql: sales as they lie in the tables: their numbers, and what a return needs to know of them."""

from uuid import UUID

import msgspec

from kiosk.sales.returns import SoldLineState, SoldState, count_elsewhere
from loyalty.errors import InvalidInput, NotFound
from loyalty.transactions import Tx
from sync.facts.sales import SaleCompleted
from sync.journal import find
from sync.protocol.sale_states import ReturnedElsewhere

_AMOUNT_MAX = 2**53
_decode_elsewhere = msgspec.json.Decoder(ReturnedElsewhere).decode


class UnknownSale(NotFound):
    """There is no such receipt in this store."""

    code, hint = "unknown_sale", "Scan the receipt again or type its number as printed, such as S001-T01-000123."


class UnknownReceipt(InvalidInput):
    """The receipt is not one of this store."""

    code, hint = "unknown_receipt", "Scan the receipt again or type its number as printed, such as S001-T01-000123."


def next_document(tx: Tx, till: str, series: int) -> int:
    """The number the till's next document gets. Safe only inside the transaction that writes the document."""
    row = tx.execute(
        "SELECT n FROM document_number WHERE till = ? AND series = ? ORDER BY n DESC LIMIT 1", (till, series)
    ).fetchone()
    return int(row[0]) + 1 if row else 1


def find_sale(tx: Tx, text: str) -> UUID:
    """The id of a sale given by id or by receipt number. Raises UnknownSale."""
    try:
        row = tx.execute("SELECT id FROM sale WHERE id = ?", (UUID(text).bytes,)).fetchone()
    except ValueError:
        row = tx.execute(
            "SELECT op FROM document_number WHERE number = ? AND kind = 'sale'", (text.strip().upper(),)
        ).fetchone()
    if row is None:
        raise UnknownSale(f"No sale {text[:40]}.")
    return UUID(bytes=row[0])


def sold_at(tx: Tx, sale: UUID) -> int:
    """When the sale was made, in milliseconds since 1970 UTC."""
    row = tx.execute("SELECT at FROM sale WHERE id = ?", (sale.bytes,)).fetchone()
    return int(row[0]) if row else 0


def is_voided(tx: Tx, sale: UUID) -> bool:
    """Whether the sale was voided."""
    return tx.execute("SELECT 1 FROM sale_void WHERE sale = ?", (sale.bytes,)).fetchone() is not None


def has_returns(tx: Tx, sale: UUID) -> bool:
    """Whether anything of the sale came back, here or, as far as this store was told, elsewhere."""
    own = tx.execute("SELECT 1 FROM taken_back WHERE sale = ? LIMIT 1", (sale.bytes,)).fetchone()
    return own is not None or read_elsewhere(tx, sale) is not None


def read_sold_state(tx: Tx, sale: UUID) -> SoldState:
    """A sale as a return finds it. Raises UnknownSale.

    Whether its tax was in the price or on top of it is told by the sale itself, not by today's configuration.
    """
    head = tx.execute(
        "SELECT number, member, due_minor, change_minor, tax_mode FROM sale WHERE id = ?", (sale.bytes,)
    ).fetchone()
    if head is None:
        raise UnknownSale
    tax_added = head[4] == "added"
    kept: dict[str, int] = dict(
        tx.execute(
            "SELECT settles, sum(amount_minor) FROM sale_tender WHERE sale = ? GROUP BY settles", (sale.bytes,)
        ).fetchall()
    )
    if head[3]:
        kept["cash"] = kept.get("cash", 0) - head[3]
    refunded: dict[str, int] = dict(
        tx.execute(
            "SELECT settles, sum(amount_minor) FROM refund WHERE sale = ? GROUP BY settles", (sale.bytes,)
        ).fetchall()
    )
    entry = find(tx, sale)
    fact = entry.body if entry is not None and isinstance(entry.body, SaleCompleted) else None
    state = SoldState(
        sale=sale,
        number=head[0],
        member=UUID(bytes=head[1]) if head[1] else None,
        due_minor=head[2],
        tax_added=tax_added,
        lines=_read_lines(tx, sale, fact, tax_added=tax_added),
        kept=kept,
        refunded=refunded,
        reward_postings=_reward_postings(fact),
    )
    told = read_elsewhere(tx, sale)
    return state if told is None else count_elsewhere(state, told)


def read_elsewhere(tx: Tx, sale: UUID) -> ReturnedElsewhere | None:
    """What head office said that other stores took back of this sale. A word that cannot be is as good as none: then
    own receipts are taken back as without a line."""
    word = read_word(tx, sale)
    if word is None:
        return None
    try:
        told = _decode_elsewhere(word)
    except ValueError:
        return None
    amounts = [*told.returned.values(), *told.refunded.values(), *told.pending.values(), *told.paying.values()]
    return told if all(0 <= amount <= _AMOUNT_MAX for amount in amounts) else None


def read_word(tx: Tx, sale: UUID) -> bytes | None:
    """The feed's word of it, as it came."""
    row = tx.execute(
        "SELECT value FROM feed_row WHERE entity = 'returned_elsewhere' AND key = ? AND length(value) > 0", (str(sale),)
    ).fetchone()
    return bytes(row[0]) if row is not None else None


def _read_lines(tx: Tx, sale: UUID, fact: SaleCompleted | None, *, tax_added: bool) -> tuple[SoldLineState, ...]:
    # The unit of a line stands in the fact alone, since only papers ask for it.
    units = {line.line: line.unit for line in fact.lines} if fact is not None else {}
    returned: dict[int, int] = dict(
        tx.execute(
            "SELECT line, sum(quantity_milli) FROM taken_back_line WHERE sale = ? GROUP BY line", (sale.bytes,)
        ).fetchall()
    )
    return tuple(
        SoldLineState(
            line=line,
            sku=sku,
            name=name,
            unit=units.get(line, "piece"),
            quantity_milli=quantity,
            net_minor=net,
            tax_rate=rate,
            tax_minor=tax,
            amount_minor=net + tax if tax_added else net,
            points=points,
            returned_milli=returned.get(line, 0),
        )
        for line, sku, name, quantity, net, rate, tax, points in tx.execute(
            "SELECT line, sku, name, quantity_milli, net_minor, tax_rate, tax_minor, points FROM sale_line"
            " WHERE sale = ? ORDER BY line",
            (sale.bytes,),
        )
    )


def _reward_postings(fact: SaleCompleted | None) -> frozenset[int]:
    """The numbers of the postings that bought a reward: what was paid with points names its hold in a tender."""
    if fact is None:
        return frozenset()
    paid = {tender.hold for tender in fact.tenders}
    return frozenset(posted.n for posted in fact.postings if posted.kind == "redeem" and posted.hold not in paid)
