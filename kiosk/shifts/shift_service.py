"""sql: opening, moving cash in, reporting and closing shifts."""

from uuid import UUID

from msgspec import Struct

from kiosk.commands import CloseShift, MoveCash, OpenDrawer, fingerprint
from kiosk.commands import OpenShift as OpenShiftCommand
from kiosk.identity.approvals import need_approval
from kiosk.outcome import Outcome
from kiosk.paper import queue_paper
from kiosk.sales.numbering import shift_number
from kiosk.sales.tender import CASH
from kiosk.shifts.business_day import business_day, utc_text
from kiosk.shifts.shift import (
    DrawerShort,
    MovementAnswer,
    ShiftAlreadyOpen,
    ShiftClosedDifferently,
    ShiftNotOpen,
    ShiftReport,
    ShiftTotals,
    count_shift,
    expected_by_kind,
    hide_cash,
    total_tenders,
)
from kiosk.shifts.shift_document import shift_paper
from kiosk.shifts.shift_store import ShiftRow, next_z_number, read_counts, read_shift, read_totals
from kiosk.shop import Caller, Shop, day_of, find_open_shift, need_open_shift, origin_of
from loyalty.errors import Forbidden, IdConflict
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.facts.shifts import DrawerOpened, ShiftClosed, ShiftMoved, ShiftOpened
from sync.journal import Entry, find, find_same

_MANAGER = "manager"
# The paper of an open shift that a manager asked for shows the money; its kind keeps it from cashiers.
_SHIFT_PAPER, _FULL_X = "shift_report", "manager_shift_report"


class NotYourTill(Forbidden):
    """This shift belongs to another till."""

    code, hint = "not_your_till", "Do it on the till the shift was opened on, or ask a manager."


class ManagersPaper(Forbidden):
    """This paper says what should be in the drawer, and the drawer has yet to be counted by somebody else."""

    code, hint = "managers_paper", "Print the X of your own shift, or ask a manager."


class DrawerAnswer(Struct, frozen=True):
    """The drawer was told to open."""

    id: UUID
    at: str


def open_shift(tx: Tx, shop: Shop, caller: Caller, command: OpenShiftCommand) -> Outcome[ShiftReport]:
    """Open this till's shift and fix its business day. The answer is the X of the moment it opened, also later.

    Raises ShiftAlreadyOpen.
    """
    known = find_same(tx, command.id, ShiftOpened, fingerprint(command))
    if known is not None:
        return Outcome(_opened(known), replayed=True)
    shop.terms.check_currency(command.currency)
    if find_open_shift(tx, caller.till) is not None:
        raise ShiftAlreadyOpen
    day = business_day(caller.now_ms, shop.terms.time_zone, shop.terms.day_cutover_minutes)
    body = ShiftOpened(
        request=fingerprint(command),
        till=caller.till,
        currency=shop.terms.currency,
        float_minor=command.float_minor,
    )
    return Outcome(_opened(shop.journal.record(tx, origin_of(caller, day), command.id, body)), replayed=False)


def move_cash(tx: Tx, shop: Shop, caller: Caller, shift: UUID, command: MoveCash) -> Outcome[MovementAnswer]:
    """Put cash in or take it out by hand.

    Only a manager's amount is compared with the drawer: a cashier could otherwise ask for what should be in it, refusal
    by refusal. A mistyped pay-out of hers is taken back by a pay-in, and shows in the Z.

    Raises UnknownShift, NotYourTill, ShiftNotOpen, DrawerShort, IdConflict.
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, ShiftMoved, request)
    if known is not None:
        answer = _moved(known)
        if answer.shift != shift:
            raise IdConflict
        return Outcome(answer, replayed=True)
    shop.terms.check_currency(command.currency)
    row = _mine(read_shift(tx, shift), caller)
    if row.closed_at is not None:
        raise ShiftNotOpen
    if command.kind != "pay_in" and caller.role == _MANAGER:
        inside = expected_by_kind(row.float_minor, read_totals(tx, shift))[CASH]
        if command.amount_minor > inside:
            raise DrawerShort(pointer="/amount_minor")
    body = ShiftMoved(
        request=request,
        shift=shift,
        till=row.till,
        currency=shop.terms.currency,
        kind=command.kind,
        amount_minor=command.amount_minor,
        reason=command.reason,
    )
    entry = shop.journal.record(tx, origin_of(caller, row.business_day), command.id, body)
    return Outcome(_moved(entry), replayed=False)


def close_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID, command: CloseShift) -> Outcome[ShiftReport]:
    """Close a shift with a blind count. The same close again answers the same.

    Raises UnknownShift, NotYourTill, CashNotCounted, ShiftClosedDifferently.
    """
    request = fingerprint(command)
    close_id = derived_uuid(shift, "close")
    known = find(tx, close_id)
    if known is not None:
        assert isinstance(known.body, ShiftClosed)
        if known.body.request != request:
            raise ShiftClosedDifferently
        return Outcome(report_shift(tx, shop, caller, shift), replayed=True)
    shop.terms.check_currency(command.currency)
    row = _mine(read_shift(tx, shift), caller)
    expected = expected_by_kind(row.float_minor, read_totals(tx, shift))
    body = ShiftClosed(
        request=request,
        shift=shift,
        till=row.till,
        currency=shop.terms.currency,
        series=shop.series,
        z_number=next_z_number(tx, row.till, shop.series),
        counts=count_shift(expected, command.counted),
    )
    entry = shop.journal.record(tx, origin_of(caller, row.business_day), close_id, body)
    report = report_shift(tx, shop, caller, shift)
    assert report.print_job is not None, "a closed shift has a paper"
    paper = shift_paper(shop.terms, report, row.opened_at, caller.now_ms, entry.stamp())
    queue_paper(tx, shop, caller, report.print_job, "shift_report", shift, None, paper)
    return Outcome(report, replayed=False)


def print_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID, job: UUID) -> UUID:
    """Queue the X of an open shift, or the Z of a closed one once more, as `job`. Raises UnknownShift, NotYourTill."""
    row = _mine(read_shift(tx, shift), caller)
    entry = find(tx, derived_uuid(shift, "close"))
    shown_at = caller.now_ms if row.closed_at is None else row.closed_at
    stamp = entry.stamp() if entry else None
    paper = shift_paper(shop.terms, report_shift(tx, shop, caller, shift), row.opened_at, shown_at, stamp)
    kind = _FULL_X if row.closed_at is None and caller.role == _MANAGER else _SHIFT_PAPER
    queue_paper(tx, shop, caller, job, kind, shift, None, paper)
    return job


def refuse_foreign_paper(tx: Tx, caller: Caller, kind: str, reference: UUID | None) -> None:
    """A printed X or Z may be looked at, or printed again, by whoever may see its shift.

    Raises NotYourTill, ManagersPaper.
    """
    if caller.role == _MANAGER or kind not in (_FULL_X, _SHIFT_PAPER):
        return
    if kind == _FULL_X:
        raise ManagersPaper
    if reference is not None:
        _mine(read_shift(tx, reference), caller)


def report_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID) -> ShiftReport:
    """X before the closing, Z after it. A cashier sees the shifts of her till, and counts blind: the money is shown
    only afterwards.

    Raises UnknownShift, NotYourTill.
    """
    row = _mine(read_shift(tx, shift), caller)
    totals, counts = read_totals(tx, shift), read_counts(tx, shift)
    closed = row.closed_at is not None
    report = ShiftReport(
        id=row.id,
        kind="Z" if closed else "X",
        state="closed" if closed else "open",
        till=row.till,
        operator=row.operator,
        business_day=row.business_day,
        opened_at=utc_text(row.opened_at),
        closed_at=utc_text(row.closed_at) if row.closed_at is not None else None,
        z_number=row.z_number,
        number=shift_number(row.till, row.series, row.z_number) if row.series and row.z_number else None,
        currency=shop.terms.currency,
        float_minor=row.float_minor,
        sales=totals.sales,
        gross_minor=totals.gross_minor,
        discount_minor=totals.discount_minor,
        net_minor=totals.net_minor,
        due_minor=totals.due_minor,
        rounding_minor=totals.rounding_minor,
        voids=totals.voids,
        voided_minor=totals.voided_minor,
        returns=totals.returns,
        returned_minor=totals.returned_minor,
        drawer_openings=totals.drawer_openings,
        points_earned=totals.points_earned,
        taxes=list(totals.taxes),
        tenders=total_tenders(row.float_minor, totals),
        movements=list(totals.movements),
        counts=list(counts),
        variance_minor=sum(count.variance_minor for count in counts),
        first_number=totals.first_number,
        last_number=totals.last_number,
        print_job=derived_uuid(shift, "paper") if closed else None,
    )
    return report if closed or caller.role == _MANAGER else hide_cash(report)


def current_shift(tx: Tx, shop: Shop, caller: Caller) -> ShiftReport:
    """The X of this till's open shift. Raises NoOpenShift."""
    return report_shift(tx, shop, caller, need_open_shift(tx, caller.till).id)


def open_drawer(tx: Tx, shop: Shop, caller: Caller, command: OpenDrawer) -> Outcome[DrawerAnswer]:
    """Record that the drawer was opened without a sale. Raises ApprovalNeeded where config asks for it."""
    known = find_same(tx, command.id, DrawerOpened, fingerprint(command))
    if known is not None:
        return Outcome(DrawerAnswer(command.id, utc_text(known.at)), replayed=True)
    approver = need_approval(tx, caller, command.approval, "drawer", shop.terms.needs_approval)
    shift = find_open_shift(tx, caller.till)
    body = DrawerOpened(
        request=fingerprint(command),
        till=caller.till,
        reason=command.reason,
        shift=shift.id if shift else None,
        approved_by=approver,
    )
    entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
    return Outcome(DrawerAnswer(command.id, utc_text(entry.at)), replayed=False)


def _mine(row: ShiftRow, caller: Caller) -> ShiftRow:
    if row.till != caller.till and caller.role != _MANAGER:
        raise NotYourTill
    return row


def _opened(entry: Entry) -> ShiftReport:
    """The X of a shift in which nothing has happened yet: whoever opened it counted the float."""
    body = entry.body
    assert isinstance(body, ShiftOpened)
    return ShiftReport(
        id=entry.op_id,
        kind="X",
        state="open",
        till=body.till,
        operator=entry.operator,
        business_day=entry.business_day or "",
        opened_at=utc_text(entry.at),
        closed_at=None,
        z_number=None,
        number=None,
        currency=body.currency,
        float_minor=body.float_minor,
        sales=0,
        gross_minor=0,
        discount_minor=0,
        net_minor=0,
        due_minor=0,
        rounding_minor=0,
        voids=0,
        voided_minor=0,
        returns=0,
        returned_minor=0,
        drawer_openings=0,
        points_earned=0,
        taxes=[],
        tenders=total_tenders(body.float_minor, ShiftTotals()),
        movements=[],
        counts=[],
        variance_minor=0,
        first_number=None,
        last_number=None,
    )


def _moved(entry: Entry) -> MovementAnswer:
    body = entry.body
    assert isinstance(body, ShiftMoved)
    return MovementAnswer(
        id=entry.op_id,
        shift=body.shift,
        kind=body.kind,
        currency=body.currency,
        amount_minor=body.amount_minor,
        reason=body.reason,
        at=utc_text(entry.at),
    )
