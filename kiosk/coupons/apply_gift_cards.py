"""sql: writes the movements of gift cards as entries say. The only writer of `gift_card_posting`; decides nothing."""

from collections.abc import Iterable
from uuid import UUID

from loyalty.transactions import Tx
from sync.facts.gift_cards import CardPosted
from sync.journal import Entry


def post_cards(tx: Tx, entry: Entry, sale: UUID, currency: str, posted: Iterable[CardPosted]) -> None:
    """Movements of `entry` that belong to `sale`, or to the one they name. One that another till made meanwhile breaks
    the transaction."""
    tx.executemany(
        "INSERT INTO gift_card_posting (card, n, op, sale, kind, line, ending, currency, amount_minor, balance_minor,"
        " elsewhere, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                bytes.fromhex(each.card),
                each.n,
                entry.op_id.bytes,
                (each.paid_for or sale).bytes,
                each.kind,
                each.line,
                each.ending,
                currency,
                each.amount_minor,
                each.balance_minor,
                int(each.elsewhere),
                entry.at,
            )
            for each in posted
        ],
    )
