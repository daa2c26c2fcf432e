"""pure: a document becomes rows of cells for one target. No row is ever wider than the target's columns.

>>> layout(Document("en", (Line("Tea", "2.50"),)), Grid(12))
(TextRow(text='Tea     2.50', style=Style(bold=False, scale=1, inverted=False)),)
"""

from msgspec import Struct

from printers.cells import Target, clean, count_cells, wrap
from printers.document import (
    BOLD,
    PLAIN,
    QR,
    Align,
    Barcode,
    Columns,
    Cut,
    Document,
    Element,
    Feed,
    Line,
    Rule,
    Style,
    Wrapped,
)


class TextRow(Struct, frozen=True):
    """One row of text, padded with spaces on the left where it is centred or right-aligned."""

    text: str
    style: Style = PLAIN


class RuleRow(Struct, frozen=True):
    """A line across the paper, drawn as the output does it best."""

    double: bool = False


class QRRow(Struct, frozen=True):
    """A QR code in the middle, with its quiet zone."""

    text: str


class BarcodeRow(Struct, frozen=True):
    """A Code 128 in the middle, with its quiet zone; its text is a TextRow below."""

    text: str


class FeedRow(Struct, frozen=True):
    """Empty rows."""

    rows: int


class CutRow(Struct, frozen=True):
    """The end of the paper."""


Row = TextRow | RuleRow | QRRow | BarcodeRow | FeedRow | CutRow


def layout(document: Document, target: Target) -> tuple[Row, ...]:
    """The rows of a document. Raises Unprintable where a character is wider than the paper."""
    marks = [count_cells(clean(item.mark or ""), target.cells) for item in document.elements if isinstance(item, Line)]
    widest = max(marks, default=0)
    mark_room = widest + 1 if widest else 0
    rows: list[Row] = []
    for element in document.elements:
        rows.extend(_lay(element, target, mark_room))
    return tuple(rows)


def _lay(element: Element, target: Target, mark_room: int) -> list[Row]:
    match element:
        case Wrapped():
            return _lay_wrapped(element, target)
        case Line():
            return _lay_line(element, target, mark_room)
        case Columns():
            return _lay_columns(element, target)
        case Rule(double):
            return [RuleRow(double)]
        case QR(text):
            return [QRRow(text)]
        case Barcode(text):
            return [BarcodeRow(text), *_lay_wrapped(Wrapped(text, align="center"), target)]
        case Feed(rows):
            return [FeedRow(rows)]
        case Cut():
            return [CutRow()]


def _lay_wrapped(element: Wrapped, target: Target) -> list[Row]:
    columns = target.columns // element.style.scale
    indent = min(element.indent, columns // 2)
    rows: list[Row] = []
    for paragraph in element.text.split("\n"):
        for text in wrap(clean(paragraph), columns - indent, target.cells):
            placed = " " * indent + _place(text, columns - indent, element.align, target)
            # The bar of an inverted mark reaches across the paper, so that it cannot be torn or folded away.
            filled = (
                _place(placed, columns, "left", target, fill=True) if element.style.inverted else placed.rstrip(" ")
            )
            rows.append(TextRow(filled, element.style))
    return rows


def _lay_line(element: Line, target: Target, mark_room: int) -> list[Row]:
    """The value ends before the room for marks, on the last row of the label or, where both do not fit, on its own."""
    scale = element.style.scale
    columns = target.columns // scale
    mark = clean(element.mark or "")
    # The room is measured in cells of normal size, a mark on a large row is large itself.
    own = count_cells(mark, target.cells) + 1 if mark else 0
    end = columns - (0 if element.mark is None else max(-(-mark_room // scale), own))
    amount = clean(element.right)
    width = count_cells(amount, target.cells)
    indent = min(element.indent, columns // 2)
    labels = wrap(clean(element.left), columns - indent, target.cells)
    rows = [" " * indent + text for text in labels]
    if width > end:
        # Wider than the paper: the amount is wrapped rather than lost, and cannot have company.
        tail = [_place(text, columns, "right", target) for text in wrap(amount, columns, target.cells)]
        return [TextRow(text, element.style) for text in [*rows, *tail]]
    if count_cells(rows[-1], target.cells) + 1 + width > end:
        rows = [" " * indent + text for text in wrap(clean(element.left), max(end - indent, 2), target.cells)]
    if count_cells(rows[-1], target.cells) + 1 + width > end:
        rows.append("")
    gap = end - width - count_cells(rows[-1], target.cells)
    rows[-1] = (rows[-1] + " " * gap + amount + (" " + mark if mark else "")).rstrip(" ")
    return [TextRow(text, element.style) for text in rows]


def _lay_columns(element: Columns, target: Target) -> list[Row]:
    table = [tuple(clean(cell) for cell in row) for row in (element.head, *element.rows)]
    widths = [max(count_cells(cell, target.cells) for cell in column) for column in zip(*table, strict=True)]
    gaps = len(widths) - 1
    spare = target.columns - sum(widths)
    if spare < gaps:
        return _stack(element, target)
    # What is left over goes between the columns, one cell more to the left ones where it does not divide.
    spaces = [spare // gaps + (1 if index < spare % gaps else 0) for index in range(gaps)] if gaps else []
    rows: list[Row] = []
    for number, row in enumerate(table):
        cells = [_place(*item, target, fill=True) for item in zip(row, widths, element.aligns, strict=True)]
        text = cells[0] + "".join(" " * space + cell for space, cell in zip(spaces, cells[1:], strict=True))
        rows.append(TextRow(text.rstrip(" "), BOLD if number == 0 else PLAIN))
    return rows


def _stack(element: Columns, target: Target) -> list[Row]:
    rows: list[Row] = []
    for row in element.rows:
        for head, cell in zip(element.head, row, strict=True):
            rows.extend(_lay_line(Line(head, cell), target, 0))
    return rows


def _place(text: str, width: int, align: Align, target: Target, *, fill: bool = False) -> str:
    spare = width - count_cells(text, target.cells)
    left = {"left": 0, "center": spare // 2, "right": spare}[align]
    return " " * left + text + (" " * (spare - left) if fill else "")
