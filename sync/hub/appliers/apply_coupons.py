"""sql: coupons of all stores: issued, used, given back, voided. The only writer of their tables.

Two stores that cannot hear each other may both take one coupon. Both uses stand, because the goods are gone; as long as
more uses count than the coupon allows, an incident names every receipt. The use that came in first is the one that is
kept, by head office's own clock: no store gains anything by setting back its own. What the others took off is the loss.

A use is given back by the store that booked it and by no other, and at most once, whichever of both comes in first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from loyalty.bulk import read_rows, write_returning, write_rows
from loyalty.transactions import Row, Tx
from sync.facts.coupons import CouponGivenBack, CouponsIssued, CouponVoided, IssuedCoupon, UsedCoupon
from sync.facts.returns import ReturnFollowed, ReturnTaken
from sync.facts.sales import SaleCompleted, SaleVoided
from sync.facts.vouchers import UndoneVouchers
from sync.hub.accepted import Accepted
from sync.hub.appliers.receipts import read_receipts
from sync.hub.incidents import Incident, incident_id, put_incidents, withdraw_incidents

_RETURNED = "returned"
_KIND = "coupon_reuse"
_ISSUE = (
    "INSERT INTO issued_coupon (serial, op, store, source, offer, offer_version, member, issued_at, valid_until, scope,"
    " uses_max) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (serial) DO NOTHING"
)
_SPEND = (
    "INSERT INTO coupon_spending (serial, op, n, store, offer, uses_max, effective_at, origin, seq, received_at,"
    " value_minor, last_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# Goods that came back in two lives of a store, because the second had lost the first: the use comes back once.
_GIVE_BACK = (
    "INSERT INTO coupon_return (serial, sale, n, op) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (serial, sale, n) DO NOTHING RETURNING serial, sale, n"
)
_END = "INSERT INTO coupon_end (serial, op, at, reason, replacement) VALUES (?, ?, ?, ?, ?)"
_COUNT = (
    "INSERT INTO coupon_count (serial, uses) VALUES (?, ?)"
    " ON CONFLICT (serial) DO UPDATE SET uses = coupon_count.uses + excluded.uses RETURNING serial, uses"
)


class _Moves(NamedTuple):
    """What a batch does to coupons, as rows."""

    issued: list[Row]
    spent: list[Row]
    returned: list["_Back"]
    ended: list[Row]


class _Back(NamedTuple):
    """A row of a use that counts no longer, and the store that says so."""

    row: Row
    store: bytes


class _Use(NamedTuple):
    """A use of a coupon, in the order in which they came in."""

    received_at: int
    effective_at: int
    origin: int
    seq: int
    op: bytes
    n: int
    uses_max: int
    store: bytes
    value_minor: int


def apply_coupons(tx: Tx, entries: Sequence[Accepted]) -> None:
    """Everything these entries did to coupons."""
    moves = _Moves([], [], [], [])
    for entry in entries:
        _collect(entry, moves)
    if not any(moves):
        return
    write_rows(tx, _ISSUE, _unique(moves.issued, 1))
    write_rows(tx, _SPEND, sorted(moves.spent, key=lambda row: row[:3]))
    known = _read_returns(tx, moves.spent)
    returned, counted = _take_returns(tx, moves.returned)
    write_rows(tx, _END, sorted(moves.ended, key=lambda row: row[:2]))
    counts: dict[int, int] = {}
    for row in moves.spent:
        counts[row[0]] = counts.get(row[0], 0) + (row[:3] not in known)
    for serial in counted:
        counts[serial] = counts.get(serial, 0) - 1
    for row in moves.ended:
        counts.setdefault(row[0], 0)
    _count_uses(tx, counts, anything_back=bool(known or returned))


def _collect(entry: Accepted, moves: _Moves) -> None:
    body = entry.body
    if isinstance(body, SaleCompleted):
        if body.vouchers is not None:
            _issue(entry, body.vouchers.issued, "sale", moves)
            moves.spent.extend(_use_row(entry, use) for use in body.vouchers.used)
        for taken in body.returned:
            _undo(entry, taken.sale, taken.vouchers, moves)
    elif isinstance(body, SaleVoided | ReturnFollowed):
        _undo(entry, body.sale, body.vouchers, moves)
    elif isinstance(body, ReturnTaken):
        _undo(entry, body.taken.sale, body.taken.vouchers, moves)
    elif isinstance(body, CouponsIssued):
        _issue(entry, body.coupons, body.source, moves)
    elif isinstance(body, CouponVoided):
        replacement = body.replacement
        moves.ended.append(_end_row(entry, body.serial, body.reason, replacement.serial if replacement else None))
        _issue(entry, (replacement,) if replacement else (), "reissue", moves)


def _undo(entry: Accepted, sale: UUID, undone: UndoneVouchers | None, moves: _Moves) -> None:
    if undone is not None:
        moves.returned.extend(_return_row(entry, sale, back) for back in undone.given_back)
        moves.ended.extend(_end_row(entry, serial, _RETURNED, None) for serial in undone.voided)


def _issue(entry: Accepted, coupons: Iterable[IssuedCoupon], source: str, moves: _Moves) -> None:
    for coupon in coupons:
        moves.issued.append(
            (
                *(coupon.serial, entry.op_id.bytes, entry.store.bytes, source, coupon.offer, coupon.offer_version),
                *(coupon.member.bytes if coupon.member else None, entry.at, coupon.valid_until, coupon.scope),
                coupon.uses_max,
            )
        )


def _use_row(entry: Accepted, use: UsedCoupon) -> Row:
    return (
        *(use.serial, entry.op_id.bytes, use.n, entry.store.bytes, use.offer, use.uses_max),
        *(entry.effective_at, entry.epoch, entry.seq, entry.received_at, use.value_minor, use.last_day),
    )


def _return_row(entry: Accepted, sale: UUID, back: CouponGivenBack) -> _Back:
    return _Back((back.serial, sale.bytes, back.n, entry.op_id.bytes), entry.store.bytes)


def _end_row(entry: Accepted, serial: int, reason: str, replacement: int | None) -> Row:
    return serial, entry.op_id.bytes, entry.at, reason, replacement


def _unique(rows: Iterable[Row], key: int) -> list[Row]:
    """Rows in the order of their first `key` columns, each key once: the first one said."""
    first: dict[Row, Row] = {}
    for row in rows:
        first.setdefault(row[:key], row)
    return [first[name] for name in sorted(first)]


def _read_returns(tx: Tx, spent: Sequence[Row]) -> set[Row]:
    """Which of these uses were given back before they were heard of."""
    if not spent:
        return set()
    rows = read_rows(tx, "SELECT serial, sale, n FROM coupon_return WHERE serial IN (?)", [row[0] for row in spent])
    return set(rows)


def _take_returns(tx: Tx, said: Sequence[_Back]) -> tuple[list[Row], list[int]]:
    """Write what a store says it gives back of uses: (serial, sale, n) of those that are new, and the serials of those
    that were counted. Another store's use is none of its business, one that nobody heard of yet is not counted."""
    if not said:
        return [], []
    select = "SELECT serial, op, n, store FROM coupon_spending WHERE serial IN (?)"
    users = {row[:3]: row[3] for row in read_rows(tx, select, [back.row[0] for back in said])}
    mine = [back.row for back in said if users.get(back.row[:3], back.store) == back.store]
    written = [tuple(row) for row in write_returning(tx, _GIVE_BACK, _unique(mine, 3))]
    return written, [use[0] for use in written if use in users]


def _count_uses(tx: Tx, counts: Mapping[int, int], *, anything_back: bool) -> None:
    """Count, and look closer at coupons with more than one use, or with one although they are void: whether that is too
    many."""
    counted: dict[int, int] = dict(write_returning(tx, _COUNT, sorted(counts.items())))
    known = {incident_id(_KIND, str(serial).encode()): serial for serial in counted}
    used = [serial for serial, uses in counted.items() if uses > 0]
    void = {row[0] for row in read_rows(tx, "SELECT serial FROM coupon_end WHERE serial IN (?)", used)}
    suspicious = [serial for serial in used if counted[serial] > 1 or serial in void]
    incidents = _find_reuse(tx, suspicious, void) if suspicious else []
    put_incidents(tx, incidents)
    broken = {incident.id for incident in incidents}
    if anything_back:
        withdraw_incidents(tx, (identity for identity in known if identity not in broken))


def _find_reuse(tx: Tx, serials: Sequence[int], void: Collection[int]) -> list[Incident]:
    back = set(read_rows(tx, "SELECT serial, sale, n FROM coupon_return WHERE serial IN (?)", serials))
    uses: dict[int, list[_Use]] = {serial: [] for serial in serials}
    select = (
        "SELECT serial, received_at, effective_at, origin, seq, op, n, uses_max, store, value_minor"
        " FROM coupon_spending WHERE serial IN (?)"
    )
    for serial, *columns in read_rows(tx, select, serials):
        use = _Use(*columns)
        if (serial, use.op, use.n) not in back:
            uses[serial].append(use)
    allowed = {serial: _allowed(found, is_void=serial in void) for serial, found in uses.items()}
    over = {serial: sorted(found) for serial, found in uses.items() if len(found) > allowed[serial]}
    receipts = read_receipts(tx, [use.op for found in over.values() for use in found])
    numbers = {op: receipt.number for op, receipt in receipts.items()}
    return [_reuse(serial, found, len(found) - allowed[serial], numbers) for serial, found in sorted(over.items())]


def _allowed(uses: Sequence[_Use], *, is_void: bool) -> int:
    """How often the coupon may be used: every store reads it from the same signed token. One for a single use is void
    only as long as nobody has used it, whatever is heard of first; of one for several uses nobody can tell which of
    them came before its end."""
    allowed = min((use.uses_max for use in uses), default=0)
    return 0 if is_void and allowed == 1 else allowed


def _reuse(serial: int, uses: Sequence[_Use], over: int, numbers: Mapping[bytes, str]) -> Incident:
    refs = [
        {
            "op": str(UUID(bytes=use.op)),
            "store": str(UUID(bytes=use.store)),
            "number": numbers.get(use.op),
            "serial": serial,
            "value_minor": use.value_minor,
        }
        for use in uses
    ]
    first_too_many = uses[-over]
    return Incident(
        id=incident_id(_KIND, str(serial).encode()),
        kind=_KIND,
        store=UUID(bytes=first_too_many.store),
        amount=over,
        refs=tuple(refs),
        opened_at=first_too_many.effective_at,
    )
