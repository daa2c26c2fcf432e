"""pure: a report: rows under named columns, a few figures above them, and what one must know to read them right.

    report = Report(name="sales", since="2026-11-01", until="2026-11-21", columns=COLUMNS, rows=rows)
    as_items(report)          # one object for each row, for JSON
    as_csv(report)            # the same columns and rows, RFC 4180

Money is integers of minor units, in columns whose name ends with `_minor`, beside a column `currency`. Shares are whole
thousandths (`_permille`), so that no figure is rounded twice.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Cell = str | int | None
Cells = tuple[Cell, ...]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Note(Struct, frozen=True):
    """What a figure means or does not mean. `code` is stable, `text` English."""

    code: str
    text: str


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody wants to know: business days `since` to `until`, both included (YYYY-MM-DD), of one store or all.
    `now_ms` is when they ask."""

    since: str
    until: str
    now_ms: int
    store: bytes | None = None


class Report(Struct, frozen=True, kw_only=True):
    """A finished report. `figures` are sums over all of it."""

    name: str
    since: str
    until: str
    columns: tuple[str, ...]
    rows: Sequence[Cells]
    figures: Mapping[str, Cell] = {}
    notes: tuple[Note, ...] = ()


def as_items(report: Report) -> list[dict[str, Cell]]:
    """The rows as objects."""
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


def as_csv(report: Report) -> bytes:
    """The rows as CSV in UTF-8: a line of column names, then the rows, CRLF at the ends. Nothing is shown as empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).
    """
    return write_csv(report.columns, report.rows)


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as CSV, as `as_csv` says."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def permille(part: int, whole: int) -> int | None:
    """`part` of `whole` in whole thousandths, rounded half up; None of nothing.

    >>> permille(1, 3), permille(2, 3), permille(0, 5), permille(1, 0)
    (333, 667, 0, None)
    """
    return (2000 * part + whole) // (2 * whole) if whole > 0 else None


def each(total: int, count: int) -> int | None:
    """A mean in whole units, rounded half up; None of nobody.

    >>> each(100, 3), each(-5, 2), each(7, 0)
    (33, -2, None)
    """
    return (2 * total + count) // (2 * count) if count > 0 else None


def _safe(cell: object) -> object:
    if cell is None:
        return ""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
