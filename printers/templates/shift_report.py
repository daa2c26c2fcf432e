"""pure: the X and the Z report of a shift, from its content: one section after the other, amounts in one column."""

from collections.abc import Iterator

from printers.amounts import format_amount, format_count
from printers.contents import ReportRow, ReportSection, ShiftReportContent
from printers.document import BOLD, LARGE, PLAIN, Cut, Document, Element, Feed, Line, Rule, Wrapped
from printers.labels import Word, label
from printers.templates.parts import journal_foot, marks, store_head


def shift_report_document(content: ShiftReportContent, copy_number: int = 0) -> Document:
    """The document of a shift report; `copy_number` above 0 marks it as COPY n."""
    warnings = list(marks(content.locale, training=content.training, copy_number=copy_number))
    elements: list[Element] = [*store_head(content.store, content.locale), *warnings, *_title(content)]
    for section in content.sections:
        elements += [Rule(), *_section(section, content)]
    elements += [Rule(), *journal_foot(content.journal), Feed(), *warnings, Cut()]
    return Document(content.locale, tuple(elements))


def _title(content: ShiftReportContent) -> Iterator[Element]:
    locale = content.locale
    yield Wrapped(label(Word.TITLE_Z if content.kind == "Z" else Word.TITLE_X, locale), align="center", style=LARGE)
    yield Wrapped(content.number, align="center", style=BOLD)
    yield Feed()
    yield Line(label(Word.BUSINESS_DAY, locale), content.business_day)
    yield Line(label(Word.OPENED, locale), content.opened_at_local)
    yield Line(label(Word.CLOSED if content.kind == "Z" else Word.AS_OF, locale), content.at_local)
    yield Line(label(Word.TILL, locale), content.till)
    yield Line(label(Word.OPERATOR, locale), content.operator)


def _section(section: ReportSection, content: ShiftReportContent) -> Iterator[Element]:
    heading = _label(section, content)
    if heading:
        yield Wrapped(heading, style=BOLD)
    for row in section.rows:
        yield Line(_label(row, content), _value(row, content), style=BOLD if row.total else PLAIN)


def _label(item: ReportRow | ReportSection, content: ShiftReportContent) -> str:
    words = [label(item.word, content.locale)] if item.word is not None else []
    return " ".join([*words, item.text] if item.text else words)


def _value(row: ReportRow, content: ShiftReportContent) -> str:
    """What stands at the right: a plain value, a count with its sign of times, an amount, in this order."""
    parts = [row.value] if row.value is not None else []
    if row.count is not None:
        count = format_count(row.count, content.locale)
        parts.append(count if row.amount_minor is None else f"{count} ×  ")
    if row.amount_minor is not None:
        parts.append(format_amount(row.amount_minor, content.currency_digits, content.locale))
    return " ".join(parts)
