"""pure: the receipt of a sale, a return or a void, from its content.

From top to bottom: who sells, what paper this is, what was bought and what came back, what it costs, how it was paid,
the tax in it, the points, and the code a return is found by. Amounts are printed as the content has them; a discount
is the one thing that gets its minus here.
"""

from collections.abc import Iterator

from printers.amounts import TIMES, format_amount, format_count, format_money, format_quantity, format_rate
from printers.contents import ReceiptContent, ReceiptLine, ReportWord, ReturnedLine
from printers.document import BOLD, LARGE, PLAIN, QR, Align, Columns, Cut, Document, Element, Feed, Line, Rule, Wrapped
from printers.labels import Word, label
from printers.templates.parts import journal_foot, marks, store_head

_TITLES = {"sale": Word.TITLE_SALE, "return": Word.TITLE_RETURN, "void": Word.TITLE_VOID}


def receipt_document(content: ReceiptContent, copy_number: int = 0) -> Document:
    """The document of a receipt; `copy_number` above 0 marks it as COPY n."""
    elements: list[Element] = [*store_head(content.store, content.locale)]
    warnings = list(marks(content.locale, training=content.training, copy_number=copy_number))
    elements += [*warnings, *_title(content), Rule()]
    for line in content.lines:
        elements += _sold(line, content)
    if content.returned:
        elements += _returned(content)
    elements += [Rule(), *_totals(content)]
    if content.taxes:
        elements += [Rule(), *_taxes(content)]
    if content.points is not None:
        elements += [Rule(), *_points(content)]
    elements += _foot(content)
    return Document(content.locale, (*elements, *warnings, Cut()))


def _title(content: ReceiptContent) -> Iterator[Element]:
    locale = content.locale
    yield Line(label(_TITLES[content.title], locale), content.number, style=BOLD)
    if content.original_number:
        yield Line(label(Word.ORIGINAL, locale), content.original_number)
    yield Line(content.at_local, f"{label(Word.TILL, locale)} {content.till}")
    if not content.at_local.startswith(content.business_day):
        yield Line(label(Word.BUSINESS_DAY, locale), content.business_day)
    yield Line(label(Word.OPERATOR, locale), content.operator)


def _sold(line: ReceiptLine, content: ReceiptContent) -> Iterator[Element]:
    """The name with its amount before discounts; how many at what price below, where it is not simply one piece."""
    yield Line(line.name, _amount(line.gross_minor, content), line.tax_mark)
    if line.quantity_milli != 1000 or line.unit != "piece":
        price = _amount(line.unit_price_minor, content)
        yield Wrapped(f"{_quantity(line, content)} {TIMES} {price}", indent=2)
    for discount in line.discounts:
        yield Line(discount.reason, _amount(-discount.amount_minor, content), "", indent=2)
    if line.note:
        yield Wrapped(line.note, indent=2)


def _returned(content: ReceiptContent) -> Iterator[Element]:
    if content.lines:
        yield Feed()
    yield Wrapped(label(Word.RETURNED, content.locale), style=BOLD)
    for line in content.returned:
        yield Line(line.name, _amount(line.amount_minor, content), line.tax_mark)
        notes = [f"{TIMES} {_quantity(line, content)}"] if line.quantity_milli != 1000 or line.unit != "piece" else []
        if line.original_number and line.original_number != content.original_number:
            notes.append(f"{label(Word.ORIGINAL, content.locale)} {line.original_number}")
        if notes:
            yield Wrapped(" · ".join(notes), indent=2)


def _totals(content: ReceiptContent) -> Iterator[Element]:
    totals, locale = content.totals, content.locale
    if totals.discount_minor:
        yield Line(label(Word.SUBTOTAL, locale), _amount(totals.gross_minor, content), "")
        yield Line(label(ReportWord.DISCOUNTS, locale), _amount(-totals.discount_minor, content), "")
    if not content.prices_include_tax:
        yield Line(label(ReportWord.NET, locale), _amount(totals.net_minor, content), "")
        for tax in content.taxes:
            left = f"{label(ReportWord.TAX, locale)} {format_rate(tax.rate, locale)}"
            yield Line(left, _amount(tax.tax_minor, content), tax.mark)
    if totals.rounding_minor:
        yield Line(label(ReportWord.ROUNDING, locale), _amount(totals.rounding_minor, content), "")
    word = Word.REFUND if totals.due_minor < 0 else Word.TOTAL
    money = format_money(totals.due_minor, content.currency, content.currency_digits, locale)
    yield Line(label(word, locale), money, "", style=LARGE)
    for tender in content.tenders:
        yield Line(tender.label or label(tender.kind, locale), _amount(tender.amount_minor, content), "")
    if content.change_minor:
        yield Line(label(Word.CHANGE, locale), _amount(content.change_minor, content), "", style=BOLD)
    if totals.saved_minor:
        yield Line(label(Word.SAVED, locale), _amount(totals.saved_minor, content), "", style=BOLD)


def _taxes(content: ReceiptContent) -> Iterator[Element]:
    locale = content.locale
    words = (Word.RATE, ReportWord.NET, ReportWord.TAX, ReportWord.GROSS)
    head: tuple[str, ...] = ("", *(label(word, locale) for word in words))
    rows: list[tuple[str, ...]] = []
    for tax in content.taxes:
        amounts = (tax.base_minor, tax.tax_minor, tax.base_minor + tax.tax_minor)
        rows.append((tax.mark, format_rate(tax.rate, locale), *(_amount(amount, content) for amount in amounts)))
    aligns: tuple[Align, ...] = ("left", "right", "right", "right", "right")
    if not any(tax.mark for tax in content.taxes):
        head, rows, aligns = head[1:], [row[1:] for row in rows], ("left", "right", "right", "right")
    yield Columns(head, tuple(rows), aligns)
    yield Wrapped(label(Word.TAX_INCLUDED if content.prices_include_tax else Word.TAX_ADDED, locale))


def _points(content: ReceiptContent) -> Iterator[Element]:
    points, locale = content.points, content.locale
    if points is None:
        return
    if points.card_masked:
        yield Line(label(Word.MEMBER_CARD, locale), points.card_masked)
    if points.earned:
        yield Line(label(ReportWord.POINTS_EARNED, locale), format_count(points.earned, locale, signed=True))
    if points.redeemed:
        yield Line(label(ReportWord.POINTS_REDEEMED, locale), format_count(-points.redeemed, locale, signed=True))
    yield Line(label(Word.POINTS_BALANCE, locale), format_count(points.active, locale), style=BOLD)
    if points.pending:
        yield Line(label(Word.POINTS_PENDING, locale), format_count(points.pending, locale))
    if points.ending and points.ends_on:
        yield Line(f"{label(Word.POINTS_ENDING, locale)} {points.ends_on}", format_count(points.ending, locale))
    if points.provisional:
        yield Wrapped(label(Word.POINTS_PROVISIONAL, locale))


def _foot(content: ReceiptContent) -> Iterator[Element]:
    yield Rule()
    if content.qr_text:
        # The typed fallback of the code is its own row: a scanner that fails must not stop a return.
        yield QR(content.qr_text)
        yield Wrapped(content.number, align="center")
    yield Feed()
    for line in content.store.footer_lines:
        yield Wrapped(line, align="center", style=PLAIN)
    yield from journal_foot(content.journal)
    yield Feed()


def _amount(amount_minor: int, content: ReceiptContent) -> str:
    return format_amount(amount_minor, content.currency_digits, content.locale)


def _quantity(line: ReceiptLine | ReturnedLine, content: ReceiptContent) -> str:
    quantity = format_quantity(line.quantity_milli, content.locale)
    return quantity if line.unit == "piece" else f"{quantity} {line.unit}"
