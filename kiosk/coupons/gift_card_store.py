"""sql: gift cards as they lie in the table: what is on them, what they paid, what the shop owes on all of them."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from kiosk.coupons.gift_cards import CardState, Paid
from loyalty.transactions import Tx
from sync.facts.gift_cards import CardPosted


class Liability(NamedTuple):
    """What the shop owes on its gift cards in one currency."""

    currency: str
    cards: int
    outstanding_minor: int
    activated_minor: int
    redeemed_minor: int


class Activated(NamedTuple):
    """A card that a sale sold and that did not come back: the line, the card, what it was sold for."""

    line: int
    card: str
    amount_minor: int


def read_cards(tx: Tx, cards: Iterable[str], before: Iterable[CardPosted] = ()) -> dict[str, CardState]:
    """The cards as they are, and as `before` leaves them where the same entry moves them first; one never sold is not
    in the answer."""
    states = {}
    for card in dict.fromkeys(cards):
        row = tx.execute(
            "SELECT n, ending, balance_minor, elsewhere FROM gift_card_posting WHERE card = ? ORDER BY n DESC LIMIT 1",
            (bytes.fromhex(card),),
        ).fetchone()
        if row is not None:
            states[card] = CardState(n=row[0], ending=row[1], balance_minor=row[2], elsewhere=bool(row[3]))
    for each in before:
        states[each.card] = CardState(
            n=each.n, ending=each.ending, balance_minor=each.balance_minor, elsewhere=each.elsewhere
        )
    return states


def read_paid(tx: Tx, sale: UUID) -> list[Paid]:
    """What cards paid of a sale, less what was given back to them; then what they paid of the sales whose credit it was
    exchanged for, back to the first.

    An exchange moves the right to a refund to the new sale, but no money: the card that paid first is still the one
    that gets it back.
    """
    rows = tx.execute(
        "WITH RECURSIVE source (sale, depth) AS (SELECT ?, 0 UNION SELECT taken_back.sale, depth + 1 FROM source"
        " JOIN taken_back ON taken_back.op = source.sale)"
        " SELECT posting.sale, card, -sum(amount_minor) FROM source JOIN gift_card_posting AS posting"
        " ON posting.sale = source.sale WHERE kind IN ('redeem', 'refund')"
        " GROUP BY posting.sale, card HAVING sum(amount_minor) < 0 ORDER BY min(depth), min(n), card",
        (sale.bytes,),
    )
    return [Paid(UUID(bytes=row[0]), bytes(row[1]).hex(), row[2]) for row in rows]


def read_activated(tx: Tx, sale: UUID) -> list[Activated]:
    """The cards that a sale sold and that did not come back, by line."""
    rows = tx.execute(
        "SELECT line, card, sum(amount_minor) FROM gift_card_posting WHERE sale = ? AND kind IN ('activate', 'cancel')"
        " GROUP BY line, card HAVING sum(amount_minor) > 0 ORDER BY line",
        (sale.bytes,),
    )
    return [Activated(row[0], bytes(row[1]).hex(), row[2]) for row in rows]


def report_liability(tx: Tx, until_ms: int) -> list[Liability]:
    """What the shop owed on its cards at a moment (milliseconds since 1970 UTC), by currency.

    Refunds to cards and cards taken back are part of what is outstanding, as they stand on them or no longer do.
    """
    rows = tx.execute(
        "SELECT currency, count(DISTINCT card), sum(amount_minor),"
        " sum(CASE WHEN kind IN ('activate', 'cancel') THEN amount_minor ELSE 0 END),"
        " -sum(CASE WHEN kind IN ('redeem', 'refund') THEN amount_minor ELSE 0 END)"
        " FROM gift_card_posting WHERE at <= ? GROUP BY currency ORDER BY currency",
        (until_ms,),
    )
    return [Liability(*row) for row in rows]
