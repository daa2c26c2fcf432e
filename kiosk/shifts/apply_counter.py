"""sql: writes what happens at the counter besides sales: lives, shifts, cash movements, closings, parked baskets,
drawer."""

from kiosk.points.apply_points import release_points
from loyalty.transactions import Tx
from sync.facts.shifts import DrawerOpened, ShiftClosed, ShiftMoved, ShiftOpened
from sync.facts.store import BasketClaimed, BasketParked, EpochStarted, OperatorChanged
from sync.journal import Entry


def apply_epoch_started(tx: Tx, entry: Entry) -> None:
    """A new life of the database."""
    life = entry.body
    assert isinstance(life, EpochStarted)
    tx.execute(
        "INSERT INTO life (epoch, ordinal, op, store, currency, time_zone, reason, started_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.epoch,
            life.ordinal,
            entry.op_id.bytes,
            life.store,
            life.currency,
            life.time_zone,
            life.reason,
            entry.at,
        ),
    )


def apply_operator_changed(tx: Tx, entry: Entry) -> None:
    """Who may work here, and as what."""
    operator = entry.body
    assert isinstance(operator, OperatorChanged)
    tx.execute(
        "INSERT INTO operator (id, op, role, active) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET op = excluded.op, role = excluded.role, active = excluded.active",
        (operator.operator, entry.op_id.bytes, operator.role, int(operator.active)),
    )


def apply_shift_opened(tx: Tx, entry: Entry) -> None:
    """A till's shift; its business day holds for all that happens in it."""
    shift = entry.body
    assert isinstance(shift, ShiftOpened)
    tx.execute(
        "INSERT INTO shift (id, till, operator, business_day, opened_at, currency, float_minor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.op_id.bytes,
            shift.till,
            entry.operator,
            entry.business_day,
            entry.at,
            shift.currency,
            shift.float_minor,
        ),
    )


def apply_shift_moved(tx: Tx, entry: Entry) -> None:
    """Cash put in or taken out by hand."""
    moved = entry.body
    assert isinstance(moved, ShiftMoved)
    tx.execute(
        "INSERT INTO shift_movement (id, shift, kind, amount_minor, reason, operator, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.op_id.bytes,
            moved.shift.bytes,
            moved.kind,
            moved.amount_minor,
            moved.reason,
            entry.operator,
            entry.at,
        ),
    )


def apply_shift_closed(tx: Tx, entry: Entry) -> None:
    """The end of a shift with what was counted."""
    closed = entry.body
    assert isinstance(closed, ShiftClosed)
    op, shift = entry.op_id.bytes, closed.shift.bytes
    tx.execute(
        "INSERT INTO shift_close (shift, op, till, series, z_number, operator, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (shift, op, closed.till, closed.series, closed.z_number, entry.operator, entry.at),
    )
    for count in closed.counts:
        tx.execute(
            "INSERT INTO shift_count (shift, kind, op, expected_minor, counted_minor, variance_minor)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (shift, count.kind, op, count.expected_minor, count.counted_minor, count.variance_minor),
        )


def apply_drawer_opened(tx: Tx, entry: Entry) -> None:
    """The drawer opened without a sale."""
    opened = entry.body
    assert isinstance(opened, DrawerOpened)
    tx.execute(
        "INSERT INTO drawer_opening (id, till, shift, operator, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            entry.op_id.bytes,
            opened.till,
            opened.shift.bytes if opened.shift else None,
            entry.operator,
            opened.reason,
            entry.at,
        ),
    )


def apply_basket_parked(tx: Tx, entry: Entry) -> None:
    """A basket set aside, and the points let go that were on hold for it."""
    parked = entry.body
    assert isinstance(parked, BasketParked)
    tx.execute(
        "INSERT INTO parked_basket (id, till, operator, basket, total_minor, member, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entry.op_id.bytes,
            parked.till,
            entry.operator,
            bytes(parked.basket).decode(),
            parked.total_minor,
            parked.member.bytes if parked.member else None,
            entry.at,
        ),
    )
    if parked.postings:
        release_points(tx, entry, parked.postings)


def apply_basket_claimed(tx: Tx, entry: Entry) -> None:
    """A parked basket taken up by a till. The primary key makes it once."""
    claimed = entry.body
    assert isinstance(claimed, BasketClaimed)
    tx.execute(
        "INSERT INTO basket_claim (parked, op, till, at) VALUES (?, ?, ?, ?)",
        (claimed.parked.bytes, entry.op_id.bytes, claimed.till, entry.at),
    )
