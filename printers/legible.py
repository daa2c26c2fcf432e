"""pure: a document with nothing in it that this printer cannot put on paper.

A shop sells what it is brought: an article named with a letter that no code page and no font here has, or a customer's
emoji. The amounts on such a receipt are right and the customer is owed it, so it comes out, with the sign ▒ where the
letter stood, instead of not at all. The sign is in code page 437 and in the Latin font, so it never makes a receipt a
picture that was none.
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from printers.cells import Grid, clean, clusters
from printers.document import Columns, Document, Element, Line, Wrapped
from printers.errors import Unprintable
from printers.escpos import fits_text, is_encodable
from printers.fonts import font_of
from printers.layout import layout
from printers.profile import CodePage, Profile

REPLACEMENT = "▒"


class Legible(Struct, frozen=True):
    """A document that can be printed, and the characters that `REPLACEMENT` stands for in it, each once, sorted."""

    document: Document
    replaced: tuple[str, ...] = ()


def for_printer(document: Document, profile: Profile) -> Legible:
    """The document as `encode_document` can take it: in the printer's own letters where they and the sign are enough,
    else in what the fonts can draw."""
    grid = Grid(profile.columns)
    if fits_text(layout(document, grid), profile):
        return Legible(document)
    written = _replace(document, profile.code_pages)
    return written if fits_text(layout(written.document, grid), profile) else for_drawing(document)


def for_drawing(document: Document) -> Legible:
    """The document as `draw_rows` can take it."""
    return _replace(document, ())


def _replace(document: Document, pages: Sequence[CodePage]) -> Legible:
    """The sign for every cluster that neither one of `pages` nor a font has."""
    replaced: set[str] = set()

    def legible(cluster: str) -> str:
        if pages and all(any(is_encodable(character, page.codec) for page in pages) for character in cluster):
            return cluster
        try:
            font_of(cluster, document.locale, bold=False, scale=1)
        except Unprintable:
            replaced.update(cluster)
            return REPLACEMENT
        return cluster

    def rewrite(text: str) -> str:
        return "\n".join(
            "".join(legible(cluster) for cluster in clusters(clean(line), Grid(0).cells)) for line in text.split("\n")
        )

    elements = tuple(_rewrite(element, rewrite) for element in document.elements)
    return Legible(msgspec.structs.replace(document, elements=elements), tuple(sorted(replaced)))


def _rewrite(element: Element, rewrite: Callable[[str], str]) -> Element:
    """The element with its texts rewritten; codes are plain ASCII and stay as they are."""
    match element:
        case Wrapped(text):
            return msgspec.structs.replace(element, text=rewrite(text))
        case Line(left, right, mark):
            mark = None if mark is None else rewrite(mark)
            return msgspec.structs.replace(element, left=rewrite(left), right=rewrite(right), mark=mark)
        case Columns(head, rows):
            rewritten = tuple(tuple(rewrite(cell) for cell in row) for row in rows)
            return msgspec.structs.replace(element, head=tuple(rewrite(cell) for cell in head), rows=rewritten)
        case _:
            return element
