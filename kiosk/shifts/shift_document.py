"""pure: X and Z as a content for paper. What a blind X hides (kiosk/shifts/shift.py) has no row."""

from kiosk.documents import store_header
from kiosk.shifts.business_day import local_text
from kiosk.shifts.shift import ShiftReport
from kiosk.terms import Terms
from printers.contents import (
    JournalMark,
    ReportRow,
    ReportSection,
    ReportWord,
    ShiftReportContent,
    TenderKind,
)
from sync.chain import Stamp
from sync.facts.shifts import TenderCount

_WORDS = {word.value: word for word in ReportWord}


def shift_paper(
    terms: Terms, report: ShiftReport, opened_at_ms: int, now_ms: int, stamp: Stamp | None
) -> ShiftReportContent:
    """The paper of a shift. `stamp` is that of the closing entry; an X has none."""
    return ShiftReportContent(
        store=store_header(terms),
        kind="Z" if report.state == "closed" else "X",
        number=report.number or report.till,
        business_day=report.business_day,
        opened_at_local=local_text(opened_at_ms, terms.time_zone),
        at_local=local_text(now_ms, terms.time_zone),
        till=report.till,
        operator=report.operator or "",
        locale=terms.locale,
        currency=report.currency,
        currency_digits=terms.currency_digits,
        sections=_sections(report),
        journal=JournalMark(stamp.mark.epoch, stamp.mark.seq, stamp.mark.hash[:8]) if stamp else None,
    )


def _sections(report: ShiftReport) -> tuple[ReportSection, ...]:
    sections = [
        ReportSection(
            (
                ReportRow(word=ReportWord.RECEIPTS, count=report.sales),
                *_money(report),
                ReportRow(word=ReportWord.VOIDS, count=report.voids, amount_minor=_out(report.voided_minor)),
                ReportRow(word=ReportWord.RETURNS, count=report.returns, amount_minor=_out(report.returned_minor)),
            ),
            ReportWord.SALES,
        ),
        ReportSection(
            tuple(
                ReportRow(word=ReportWord.TAX, text=f"{tax.rate} %", amount_minor=tax.tax_minor) for tax in report.taxes
            ),
            ReportWord.TAXES,
        ),
        ReportSection(
            tuple(
                _tender_row(tender.kind, tender.taken_minor - tender.given_back_minor)
                for tender in report.tenders
                if tender.taken_minor is not None and tender.given_back_minor is not None
            ),
            ReportWord.TENDERS,
        ),
        ReportSection(_drawer(report), ReportWord.DRAWER),
        *(_counted(count) for count in report.counts),
    ]
    if report.points_earned:
        earned = ReportRow(word=ReportWord.POINTS_EARNED, count=report.points_earned)
        sections.append(ReportSection((earned,), ReportWord.LOYALTY))
    if report.first_number and report.last_number:
        numbers = (
            ReportRow(word=ReportWord.FIRST_RECEIPT, value=report.first_number),
            ReportRow(word=ReportWord.LAST_RECEIPT, value=report.last_number),
        )
        sections.append(ReportSection(numbers))
    return tuple(section for section in sections if section.rows)


def _money(report: ShiftReport) -> tuple[ReportRow, ...]:
    """The sums of the day; a blind X has none."""
    sums = (
        (ReportWord.GROSS, report.gross_minor),
        (ReportWord.DISCOUNTS, _out(report.discount_minor)),
        (ReportWord.NET, report.net_minor),
        (ReportWord.ROUNDING, report.rounding_minor),
    )
    return tuple(_row(word, amount, total=word is ReportWord.NET) for word, amount in sums if amount is not None)


def _out(amount_minor: int | None) -> int | None:
    return None if amount_minor is None else -amount_minor


def _drawer(report: ShiftReport) -> tuple[ReportRow, ...]:
    """What was put into the drawer and taken out of it by hand."""
    rows = [_row(ReportWord.OPENING_FLOAT, report.float_minor)]
    for movement in report.movements:
        paid_in = movement.kind == "pay_in"
        rows.append(
            ReportRow(
                word=ReportWord.PAID_IN if paid_in else ReportWord.PAID_OUT,
                text=movement.reason,
                amount_minor=movement.amount_minor if paid_in else -movement.amount_minor,
            )
        )
    if report.drawer_openings:
        rows.append(ReportRow(word=ReportWord.DRAWER_OPENINGS, count=report.drawer_openings))
    return tuple(rows)


def _counted(count: TenderCount) -> ReportSection:
    word = _WORDS.get(count.kind)
    rows = (
        _row(ReportWord.EXPECTED, count.expected_minor),
        _row(ReportWord.COUNTED, count.counted_minor),
        _row(ReportWord.DIFFERENCE, count.variance_minor, total=True),
    )
    return ReportSection(rows, word, "" if word else count.kind.replace("_", " "))


def _tender_row(kind: str, amount_minor: int) -> ReportRow:
    word = _WORDS.get(kind) if kind in {known.value for known in TenderKind} else None
    return ReportRow(word=word, text="" if word else kind.replace("_", " "), amount_minor=amount_minor)


def _row(word: ReportWord, amount_minor: int, *, total: bool = False) -> ReportRow:
    return ReportRow(word=word, amount_minor=amount_minor, total=total)
