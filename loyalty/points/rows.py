"""pure: an account as plain rows, and back. What a store keeps as CACHE tables, and what a hub loads for a batch.

A row is a tuple in the order of the columns named here: integers, 16-byte ids, and short JSON text for the few lists.
A hub loads the accounts of a batch with one statement for each table, folds in memory, and saves `changed_rows`: only
lots, holds and redemptions that are not the very same objects as before.

    before = from_rows(account_row, lot_rows, hold_rows, redemption_rows)
    after = apply_postings(before, postings)
    changes = changed_rows(before, after)

Incidents are only ever added: the new ones are in the changes, and none need to be loaded to go on. Legs are not kept:
folding anew makes them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from loyalty.points.account import Account, Hold, Incident, Lot, LotId, Piece, Redemption
from loyalty.points.facts import LinePoints, Place, PostingId

Row = tuple[Any, ...]

ACCOUNT_COLUMNS = ("active", "pending", "held", "debt", "as_of", "last", "took_back", "waiting")
LOT_COLUMNS = (
    *("op_id", "n", "member", "restored", "source", "points", "available_from", "expires_at"),
    *("free", "held", "used", "expired", "clawed", "moved", "gone", "owed", "claimed"),
    *("lines", "clawed_lines", "children"),
)
HOLD_COLUMNS = ("id", "op_id", "n", "member", "points", "expires_at", "state", "pieces", "captured")
REDEMPTION_COLUMNS = ("op_id", "n", "member", "points", "pieces", "lines", "restored_lines")
INCIDENT_COLUMNS = ("kind", "op_id", "n", "member", "points")

# Made once: to make one for each value costs ten times what decoding does.
_place = msgspec.json.Decoder(Place)
_postings = msgspec.json.Decoder(tuple[PostingId, ...])
_lots = msgspec.json.Decoder(tuple[LotId, ...])
_pieces = msgspec.json.Decoder(tuple[Piece, ...])
_lines = msgspec.json.Decoder(LinePoints)


class AccountRows(msgspec.Struct, frozen=True):
    """The rows of one account, or those of them that have changed."""

    account: Row
    lots: list[Row]
    holds: list[Row]
    redemptions: list[Row]
    incidents: list[Row]


def to_rows(account: Account) -> AccountRows:
    """All rows of an account."""
    return changed_rows(Account(), account)


def changed_rows(before: Account, after: Account) -> AccountRows:
    """The rows to write when `before` became `after` by `apply_postings`; the account's own row always."""
    return AccountRows(
        account=_account_row(after),
        lots=[_lot_row(lot) for key, lot in after.lots.items() if before.lots.get(key) is not lot],
        holds=[_hold_row(hold) for key, hold in after.holds.items() if before.holds.get(key) is not hold],
        redemptions=[
            _redemption_row(redemption)
            for key, redemption in after.redemptions.items()
            if before.redemptions.get(key) is not redemption
        ],
        incidents=[_incident_row(incident) for incident in after.incidents[len(before.incidents) :]],
    )


def due_of(account: Account) -> int | None:
    """The next instant at which time does something to the account: points end or become active, a hold lapses. None
    when nothing is left to come. Until then nothing open need be loaded to add points."""
    ends = (
        lot.available_from if lot.available_from > account.as_of else lot.expires_at
        for lot in account.lots.values()
        if lot.free
    )
    lapses = (hold.expires_at for hold in account.holds.values() if hold.state == "open")
    return min((at for at in (*ends, *lapses) if at is not None), default=None)


def from_rows(
    account: Row,
    lots: Iterable[Row],
    holds: Iterable[Row],
    redemptions: Iterable[Row],
    incidents: Iterable[Row] = (),
) -> Account:
    """The account that was saved as these rows. Legs and incidents may be left out when only balances are asked."""
    active, pending, held, debt, as_of, last, returning, waiting = account
    return Account(
        active=active,
        pending=pending,
        held=held,
        debt=debt,
        as_of=as_of,
        last=_place.decode(last) if last is not None else None,
        returning=bool(returning),
        lots={lot.id: lot for lot in map(_lot, lots)},
        holds={hold.id: hold for hold in map(_hold, holds)},
        redemptions={redemption.id: redemption for redemption in map(_redemption, redemptions)},
        waiting=_postings.decode(waiting),
        incidents=tuple(Incident(row[0], PostingId(*row[1:4]), row[4]) for row in incidents),
    )


def _account_row(account: Account) -> Row:
    return (
        *(account.active, account.pending, account.held, account.debt, account.as_of),
        None if account.last is None else _encode(account.last),
        int(account.returning),
        _encode(account.waiting),
    )


def _lot_row(lot: Lot) -> Row:
    return (
        *(*lot.id, lot.source, lot.points, lot.available_from, lot.expires_at),
        *(lot.free, lot.held, lot.used, lot.expired, lot.clawed, lot.moved, lot.gone, lot.owed, lot.claimed),
        *(_encode(lot.lines), _encode(lot.clawed_lines), _encode(lot.children)),
    )


def _lot(row: Row) -> Lot:
    lines, clawed_lines, children = row[17:]
    lists = (_lines.decode(lines), _lines.decode(clawed_lines), _lots.decode(children))
    return Lot(*(LotId(*row[:4]), *row[4:17], *lists))


def _hold_row(hold: Hold) -> Row:
    return (hold.id, *hold.posting, hold.points, hold.expires_at, hold.state, _encode(hold.pieces), hold.captured)


def _hold(row: Row) -> Hold:
    identity, op_id, n, member, points, expires_at, state, pieces, captured = row
    reserved = _pieces.decode(pieces)
    return Hold(identity, PostingId(op_id, n, member), points, expires_at, state, reserved, captured)


def _redemption_row(redemption: Redemption) -> Row:
    lists = (redemption.pieces, redemption.lines, redemption.restored_lines)
    return (*redemption.id, redemption.points, *map(_encode, lists))


def _redemption(row: Row) -> Redemption:
    pieces, lines, restored_lines = row[4:]
    return Redemption(
        PostingId(*row[:3]),
        row[3],
        _pieces.decode(pieces),
        _lines.decode(lines),
        _lines.decode(restored_lines),
    )


def _incident_row(incident: Incident) -> Row:
    return (incident.kind, *incident.posting, incident.points)


def _encode(value: tuple[object, ...]) -> str:
    """JSON text; ids inside it are base64. Nearly every list of an account is empty."""
    return msgspec.json.encode(value).decode() if value else "[]"
