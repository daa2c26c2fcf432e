"""pure: a document as what it says, before anybody decides how many columns there are.

Templates build it from a content; `layout` turns it into rows of cells; escpos, raster and preview draw the rows. Every
stage is a value that can be printed, compared and tested.

    Document("en", (Wrapped("Corner Shop", align="center", style=LARGE), Rule(), Line("Tea", "2.50"), Cut()))
"""

from typing import Literal

from msgspec import Struct

Align = Literal["left", "center", "right"]


class Style(Struct, frozen=True):
    """How text is set. `scale` 2 doubles width and height; `inverted` is white on black, for marks nobody may miss."""

    bold: bool = False
    scale: Literal[1, 2] = 1
    inverted: bool = False


PLAIN = Style()
BOLD = Style(bold=True)
LARGE = Style(bold=True, scale=2)
BANNER = Style(bold=True, inverted=True)


class Wrapped(Struct, frozen=True, tag=True):
    """A paragraph: wrapped at words (at any character in Chinese and Japanese), `indent` cells in from the left."""

    text: str
    align: Align = "left"
    style: Style = PLAIN
    indent: int = 0


class Line(Struct, frozen=True, tag=True):
    """A label and its value. The label wraps, the value does not: it stands at the right of the label's last row.

    `mark` stands behind the amount (the tax letter). Every amount of a document ends in the same cell: give it a mark
    or the empty mark. None is for what is no amount (a number, a date): it ends at the edge of the paper.
    """

    left: str
    right: str
    mark: str | None = None
    style: Style = PLAIN
    indent: int = 0


class Columns(Struct, frozen=True, tag=True):
    """A small table with a head. Where it does not fit it is set as one `Line` per cell; a number is never cut in
    two.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    aligns: tuple[Align, ...]


class Rule(Struct, frozen=True, tag=True):
    """A line across the paper."""

    double: bool = False


class QR(Struct, frozen=True, tag=True):
    """A QR code in the middle of the paper, nothing beside it."""

    text: str


class Barcode(Struct, frozen=True, tag=True):
    """A Code 128 in the middle of the paper with its text below. ASCII only."""

    text: str


class Feed(Struct, frozen=True, tag=True):
    """Empty rows."""

    rows: int = 1


class Cut(Struct, frozen=True, tag=True):
    """The end of the paper."""


Element = Wrapped | Line | Columns | Rule | QR | Barcode | Feed | Cut


class Document(Struct, frozen=True):
    """Elements from top to bottom; `locale` chooses the face of Chinese characters."""

    locale: str
    elements: tuple[Element, ...]
