"""sql: opening, moving cash in, reporting and closing shifts."""

from uuid import UUID

from msgspec import Struct

from kiosk.approvals import need_approval
from kiosk.business_day import business_day, utc_text
from kiosk.commands import CloseShift, MoveCash, OpenDrawer, fingerprint
from kiosk.commands import OpenShift as OpenShiftCommand
from kiosk.paper import queue_paper
from kiosk.shift import (
    DrawerShort,
    ShiftAlreadyOpen,
    ShiftClosedDifferently,
    ShiftNotOpen,
    ShiftReport,
    ShiftTotals,
    TenderTotal,
    count_shift,
    expected_by_kind,
)
from kiosk.shift_document import shift_paper
from kiosk.shift_store import ShiftRow, next_z_number, read_counts, read_shift, read_totals
from kiosk.shop import Caller, Shop, day_of, find_open_shift, need_open_shift, origin_of
from kiosk.tender import CASH
from loyalty.errors import Forbidden, IdConflict
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.facts.shifts import DrawerOpened, ShiftClosed, ShiftMoved, ShiftOpened
from sync.journal import find, find_same


class NotYourTill(Forbidden):
    """This shift belongs to another till."""

    code, hint = "not_your_till", "Do it on the till the shift was opened on, or ask a manager."


class ShiftOutcome(Struct, frozen=True):
    """A report, and whether the command had been carried out before."""

    answer: ShiftReport
    replayed: bool


class DrawerAnswer(Struct, frozen=True):
    """The drawer was told to open."""

    id: UUID
    at: str


def open_shift(tx: Tx, shop: Shop, caller: Caller, command: OpenShiftCommand) -> ShiftOutcome:
    """Open this till's shift and fix its business day. Raises ShiftAlreadyOpen."""
    known = find_same(tx, command.id, ShiftOpened, fingerprint(command))
    if known is None:
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
        shop.journal.record(tx, origin_of(caller, day), command.id, body)
    return ShiftOutcome(report_shift(tx, shop, caller, command.id), replayed=known is not None)


def move_cash(tx: Tx, shop: Shop, caller: Caller, shift: UUID, command: MoveCash) -> ShiftOutcome:
    """Put cash in or take it out by hand. A replay answers with the shift as it is now.

    Raises UnknownShift, NotYourTill, ShiftNotOpen, DrawerShort, IdConflict.
    """
    request = fingerprint(command)
    known = find_same(tx, command.id, ShiftMoved, request)
    if known is not None:
        assert isinstance(known.body, ShiftMoved)
        if known.body.shift != shift:
            raise IdConflict
    if known is None:
        shop.terms.check_currency(command.currency)
        row = _mine(read_shift(tx, shift), caller)
        if row.closed_at is not None:
            raise ShiftNotOpen
        inside = expected_by_kind(row.float_minor, read_totals(tx, shift))[CASH]
        if command.kind != "pay_in" and command.amount_minor > inside:
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
        shop.journal.record(tx, origin_of(caller, row.business_day), command.id, body)
    return ShiftOutcome(report_shift(tx, shop, caller, shift), replayed=known is not None)


def close_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID, command: CloseShift) -> ShiftOutcome:
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
        return ShiftOutcome(report_shift(tx, shop, caller, shift), replayed=True)
    shop.terms.check_currency(command.currency)
    row = _mine(read_shift(tx, shift), caller)
    expected = expected_by_kind(row.float_minor, read_totals(tx, shift))
    body = ShiftClosed(
        request=request,
        shift=shift,
        till=row.till,
        currency=shop.terms.currency,
        z_number=next_z_number(tx, row.till),
        counts=count_shift(expected, command.counted),
    )
    entry = shop.journal.record(tx, origin_of(caller, row.business_day), close_id, body)
    report = report_shift(tx, shop, caller, shift)
    assert report.print_job is not None, "a closed shift has a paper"
    paper = shift_paper(shop.terms, report, row.opened_at, caller.now_ms, entry.stamp())
    queue_paper(tx, shop, caller, report.print_job, "shift_report", shift, None, paper)
    return ShiftOutcome(report, replayed=False)


def print_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID, job: UUID) -> UUID:
    """Queue the X of an open shift, or the Z of a closed one once more, as `job`. Raises UnknownShift."""
    row = read_shift(tx, shift)
    entry = find(tx, derived_uuid(shift, "close"))
    shown_at = caller.now_ms if row.closed_at is None else row.closed_at
    stamp = entry.stamp() if entry else None
    paper = shift_paper(shop.terms, report_shift(tx, shop, caller, shift), row.opened_at, shown_at, stamp)
    queue_paper(tx, shop, caller, job, "shift_report", shift, None, paper)
    return job


def report_shift(tx: Tx, shop: Shop, caller: Caller, shift: UUID) -> ShiftReport:
    """X before the closing, Z after it. A cashier counts blind: what should be there is shown only afterwards.

    Raises UnknownShift.
    """
    row, totals, counts = read_shift(tx, shift), read_totals(tx, shift), read_counts(tx, shift)
    closed = row.closed_at is not None
    blind = not closed and caller.role != "manager"
    return ShiftReport(
        id=row.id,
        kind="Z" if closed else "X",
        state="closed" if closed else "open",
        till=row.till,
        operator=row.operator,
        business_day=row.business_day,
        opened_at=utc_text(row.opened_at),
        closed_at=utc_text(row.closed_at) if row.closed_at is not None else None,
        z_number=row.z_number,
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
        tenders=_tenders(row.float_minor, totals, blind=blind),
        movements=list(totals.movements),
        counts=list(counts),
        variance_minor=sum(count.variance_minor for count in counts),
        first_number=totals.first_number,
        last_number=totals.last_number,
        print_job=derived_uuid(shift, "paper") if closed else None,
    )


def current_shift(tx: Tx, shop: Shop, caller: Caller) -> ShiftReport:
    """The X of this till's open shift. Raises NoOpenShift."""
    return report_shift(tx, shop, caller, need_open_shift(tx, caller.till).id)


def open_drawer(tx: Tx, shop: Shop, caller: Caller, command: OpenDrawer) -> tuple[DrawerAnswer, bool]:
    """Record that the drawer was opened without a sale. Raises ApprovalNeeded where config asks for it."""
    known = find_same(tx, command.id, DrawerOpened, fingerprint(command))
    if known is None:
        need_approval(tx, caller, command.approval, "drawer", shop.terms.needs_approval)
        body = DrawerOpened(request=fingerprint(command), till=caller.till, reason=command.reason)
        entry = shop.journal.record(tx, origin_of(caller, day_of(tx, caller, shop.terms)), command.id, body)
        return DrawerAnswer(command.id, utc_text(entry.at)), False
    return DrawerAnswer(command.id, utc_text(known.at)), True


def _mine(row: ShiftRow, caller: Caller) -> ShiftRow:
    if row.till != caller.till and caller.role != "manager":
        raise NotYourTill
    return row


def _tenders(float_minor: int, totals: ShiftTotals, *, blind: bool) -> list[TenderTotal]:
    expected = expected_by_kind(float_minor, totals)
    return [
        TenderTotal(
            kind=kind,
            taken_minor=totals.taken.get(kind, 0),
            given_back_minor=totals.given_back.get(kind, 0),
            expected_minor=None if blind else amount,
        )
        for kind, amount in expected.items()
    ]
