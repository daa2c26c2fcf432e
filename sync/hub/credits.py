"""sql: what each store gives out, day by day, and what head office does not stand for: more than a shop can give.

    points_withheld(tx, members, cap)       # not to be lent
    card_withheld(tx, card, cap)            # not to be kept for a sale

A store that somebody has taken over books whatever he likes, and no fact is ever refused. His points and gift cards are
worth something in other shops only because head office lends the points and keeps the money. So it adds up what every
store gives on a day (UTC, when head office got it). Of a day above the cap nobody can say which part was
made up: nothing that the store gave on it is lent or kept for anybody, from the very transaction on that went above,
until a person has looked at the incident and resolved it. What such a store makes other shops pay on a day is at most
the cap.

Points that an honest shop gave above the cap are not lost: they are spent in that shop, on the floor of others, and
everywhere once the incident is resolved.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.bulk import read_rows
from loyalty.transactions import Row, Tx
from sync.hub.appliers.apply_credits import DAY_MS
from sync.hub.incidents import Incident, incident_id

POINTS_ABOVE_CAP, CARDS_ABOVE_CAP = "points_above_cap", "cards_above_cap"
_ABOVE: Mapping[str, str] = {
    POINTS_ABOVE_CAP: "SELECT store, day, points FROM credit_day WHERE points > ?",
    CARDS_ABOVE_CAP: "SELECT store, day, card_minor FROM credit_day WHERE card_minor > ?",
}
_GIVEN = "SELECT op, points FROM posting WHERE points > 0 AND kind <> 'hold' AND member IN (?)"
_LOADED = "SELECT op, amount_minor FROM card_movement WHERE card = ? AND amount_minor > 0"
_RECEIVED = (
    "SELECT applied.op_id, inbox.received_at FROM applied JOIN inbox ON inbox.store = applied.store"
    " AND inbox.epoch = applied.epoch AND inbox.seq = applied.seq WHERE applied.store = ? AND applied.op_id IN (?)"
)
_REOPENS_AT = 2
"""An incident that was resolved is open again when the day has come to so many times what was looked at."""


class Caps(NamedTuple):
    """What one store may give on a day: points, and minor units on gift cards."""

    points: int
    card_minor: int


class _Day(NamedTuple):
    """A day above the cap, as the number of days since 1970, and how much it was."""

    store: bytes
    day: int
    amount: int

    def incident(self, kind: str) -> UUID:
        return incident_id(kind, self.store, self.day.to_bytes(8, signed=True))


def points_withheld(tx: Tx, members: Collection[bytes], cap: int) -> int:
    """The points of these members, who share an account, that come from days nobody has looked at yet."""
    days = _list_unseen(tx, POINTS_ABOVE_CAP, cap)
    # Nearly always there is none: one look into an index.
    return _sum_of_days(tx, days, read_rows(tx, _GIVEN, members)) if days else 0


def card_withheld(tx: Tx, card: bytes, cap: int) -> int:
    """What was put on a card on days nobody has looked at yet, in minor units."""
    days = _list_unseen(tx, CARDS_ABOVE_CAP, cap)
    return _sum_of_days(tx, days, tx.execute(_LOADED, (card,)).fetchall()) if days else 0


def list_untold(tx: Tx, caps: Caps) -> list[Incident]:
    """The incidents of days above a cap that are not there yet, or that say too little: what is withheld waits for a
    person."""
    untold = []
    for kind, cap in ((POINTS_ABOVE_CAP, caps.points), (CARDS_ABOVE_CAP, caps.card_minor)):
        days = _list_above(tx, kind, cap)
        select = "SELECT id, amount FROM incident WHERE id IN (?)"
        known: dict[bytes, int] = dict(read_rows(tx, select, [each.incident(kind).bytes for each in days]))
        grown = [each for each in days if each.amount >= _REOPENS_AT * known.get(each.incident(kind).bytes, 0)]
        untold += [_describe(kind, each) for each in grown]
    return untold


def _sum_of_days(tx: Tx, days: Collection[_Day], given: Sequence[Row]) -> int:
    """How much of what was given, each with the fact that did it, these stores gave on these days."""
    total = 0
    for store in sorted({each.store for each in days}):
        above = {each.day for each in days if each.store == store}
        received: dict[bytes, int] = dict(read_rows(tx, _RECEIVED, [op for op, _ in given], (store,)))
        total += sum([amount for op, amount in given if op in received and received[op] // DAY_MS in above])
    return total


def _describe(kind: str, above: _Day) -> Incident:
    day = dt.date(1970, 1, 1) + dt.timedelta(days=above.day)
    return Incident(
        id=above.incident(kind),
        kind=kind,
        store=UUID(bytes=above.store),
        amount=above.amount,
        refs=({"day": day.isoformat()},),
        opened_at=above.day * DAY_MS,
    )


def _list_above(tx: Tx, kind: str, cap: int) -> list[_Day]:
    return [_Day(*row) for row in tx.execute(_ABOVE[kind], (cap,)).fetchall()]


def _list_unseen(tx: Tx, kind: str, cap: int) -> list[_Day]:
    """The days above the cap that nobody has looked at, whether their incident is open already or not."""
    days = _list_above(tx, kind, cap)
    select = "SELECT id FROM incident WHERE state = 'resolved' AND id IN (?)"
    seen = {row[0] for row in read_rows(tx, select, [each.incident(kind).bytes for each in days])}
    return [each for each in days if each.incident(kind).bytes not in seen]
