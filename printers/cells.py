"""pure: how many cells a character takes, what belongs together, and where a row may end.

Paper is a grid of cells. East Asian wide characters take two, combining marks none, everything else one (Unicode
Annex 11, after NFC). "Ambiguous" characters (€ ½ →) take one here, because our fonts and single-byte code pages draw
them so; a printer's own double-byte mode draws them in two, so the width is a question to the target, never a
constant.

A *cluster* is a character with the marks that sit on it; it is never split. Control and format characters never reach a
printer: an article named "\\x1bp0" would otherwise open the cash drawer.

    >>> wrap("사과 주스 1 L", 6, Grid(48).cells)
    ['사과', '주스 1', 'L']
"""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from printers.errors import Unprintable

Cells = Callable[[str], int]

NO_BREAK_SPACE = "\u00a0"
_UNBREAKABLE_SPACES = frozenset("\u00a0\u202f\u2007")
_NEVER_FIRST = frozenset("、。，．・：；？！）］｝」』】〉》〕％ーァィゥェォッャュョぁぃぅぇぉっゃゅょ々°%)]}.,:;!?")
_NEVER_LAST = frozenset("（［｛「『【〈《〔￥＄([{¥₩$€£#")


class Target(Protocol):
    """Where rows go: how many cells are in a row, and how many of them a character takes there."""

    @property
    def columns(self) -> int: ...
    def cells(self, character: str, /) -> int: ...


class Grid(Struct, frozen=True):
    """The plain grid of our raster, of the preview and of single-byte code pages."""

    columns: int

    def cells(self, character: str, /) -> int:
        """0 for what sits on the character before it, 2 for East Asian wide and full-width characters, else 1."""
        if "\u1160" <= character <= "\u11ff" or unicodedata.category(character) in ("Mn", "Me"):
            return 0
        return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def clean(text: str) -> str:
    """Text fit for paper: NFC, controls and line ends as spaces, invisible format characters gone, spaces of known
    width.
    """
    return "".join(_clean_character(character) for character in unicodedata.normalize("NFC", text))


def _clean_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""
    if character in _UNBREAKABLE_SPACES:
        return NO_BREAK_SPACE
    if category in ("Cc", "Zl", "Zp") or (category == "Zs" and character != "\u3000"):
        return " "
    return character


def clusters(text: str, cells: Cells) -> Iterator[str]:
    """The text in pieces that must stay together: a character and every mark without a cell of its own behind it."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or cells(text[index]) > 0:
            if text[start:index]:
                yield text[start:index]
            start = index


def count_cells(text: str, cells: Cells) -> int:
    """The width of a text in cells."""
    return sum(cells(character) for character in text)


def wrap(text: str, width: int, cells: Cells) -> list[str]:
    """The text in rows of at most `width` cells; always at least one row. Raises Unprintable where a character is
    wider.

    A row ends at a space, or between two characters where East Asian text may be broken; a word longer than a row is
    broken between clusters.
    """
    rows: list[str] = []
    row: list[str] = []
    used = 0
    for cluster in clusters(text, cells):
        size = count_cells(cluster, cells)
        if size > width:
            raise Unprintable(f"A row of {width} cells has no room for {cluster!r}.")
        if used + size > width:
            if cluster == " ":
                rows.append("".join(row).rstrip(" "))
                row, used = [], 0
                continue
            keep = _last_break(row, cluster, cells)
            rows.append("".join(row[:keep]).rstrip(" "))
            row = row[keep:]
            used = count_cells("".join(row), cells)
        if cluster == " " and not row and rows:
            continue
        row.append(cluster)
        used += size
    rows.append("".join(row).rstrip(" "))
    return rows


def _last_break(row: list[str], following: str, cells: Cells) -> int:
    """How many clusters stay on the full row: up to the last place a break is allowed, else all of them."""
    after = following
    for index in range(len(row), 0, -1):
        before = row[index - 1]
        if before == " " and "".join(row[:index]).strip(" "):
            return index
        if _may_break(before, after, cells):
            return index
        after = before
    return len(row)


def _may_break(before: str, after: str, cells: Cells) -> bool:
    if before in _NEVER_LAST or after in _NEVER_FIRST:
        return False
    return _breaks_anywhere(before, cells) or _breaks_anywhere(after, cells)


def _breaks_anywhere(cluster: str, cells: Cells) -> bool:
    """Chinese characters and kana may end a row anywhere; Korean is written in words, like Latin."""
    return cells(cluster[0]) == 2 and not "\uac00" <= cluster[0] <= "\ud7a3"
