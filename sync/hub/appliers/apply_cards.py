"""sql: gift cards of all stores: every movement, and what is left. The only writer of their tables.

The sum does not depend on the order in which stores report. Below nothing, the same money was spent twice: an incident
with every receipt that was paid with the card. It goes when a late report explains the money.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from loyalty.bulk import read_rows, write_returning, write_rows
from loyalty.transactions import Row, Tx
from sync.facts.card_movements import list_movements
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import read_receipts
from sync.hub.incidents import Incident, incident_id, put_incidents, withdraw_incidents

_KIND = "card_overdrawn"
_MOVE = (
    "INSERT INTO card_movement (card, op, n, store, kind, ending, currency, amount_minor, effective_at, origin, seq)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BALANCE = (
    "INSERT INTO card_balance (card, ending, currency, balance_minor) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (card) DO UPDATE SET balance_minor = card_balance.balance_minor + excluded.balance_minor"
    " RETURNING card, balance_minor"
)
_PAID = (
    "SELECT card, effective_at, origin, seq, op, store, amount_minor FROM card_movement WHERE kind = 'redeem'"
    " AND card IN (?)"
)


def apply_cards(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries did to gift cards."""
    rows = [row for entry in entries for row in _rows(entry)]
    if not rows:
        return
    write_rows(tx, _MOVE, sorted(rows, key=lambda row: row[:3]))
    sums: dict[bytes, tuple[str, str, int]] = {}
    for card, _op, _n, _store, _kind, ending, currency, amount_minor, *_ in rows:
        before = sums.get(card)
        sums[card] = (ending, currency, amount_minor + (before[2] if before else 0))
    balances: dict[bytes, int] = dict(write_returning(tx, _BALANCE, [(card, *sums[card]) for card in sorted(sums)]))
    put_incidents(tx, _overdrawn(tx, {card: left for card, left in balances.items() if left < 0}))
    withdraw_incidents(tx, (incident_id(_KIND, card) for card, left in balances.items() if left >= 0))


def _rows(entry: Accepted) -> Iterator[Row]:
    for currency, posted in list_movements(entry.body):
        yield (
            *(bytes.fromhex(posted.card), entry.op_id.bytes, posted.n, entry.store.bytes, posted.kind, posted.ending),
            *(currency, posted.amount_minor, entry.effective_at, entry.epoch, entry.seq),
        )


def _overdrawn(tx: Tx, balances: dict[bytes, int]) -> list[Incident]:
    if not balances:
        return []
    payments: dict[bytes, list[Row]] = {card: [] for card in balances}
    for card, *payment in read_rows(tx, _PAID, sorted(balances)):
        payments[card].append(tuple(payment))
    receipts = read_receipts(tx, [payment[3] for paid in payments.values() for payment in paid])
    incidents = []
    for card, paid in sorted(payments.items()):
        refs = [
            {
                "op": str(UUID(bytes=op)),
                "store": str(UUID(bytes=store)),
                "number": receipts[op].number if op in receipts else None,
                "amount_minor": amount_minor,
            }
            for _at, _origin, _seq, op, store, amount_minor in sorted(paid)
        ]
        newest = max(paid, default=(0, 0, 0, b"", None, 0))
        incidents.append(
            Incident(
                id=incident_id(_KIND, card),
                kind=_KIND,
                store=UUID(bytes=newest[4]) if newest[4] else None,
                amount=-balances[card],
                refs=tuple(refs),
                opened_at=newest[0],
            )
        )
    return incidents
