"""pure: rows of cells as a picture, one dot of it one dot of the print head.

A cell is 12 dots wide; a row of text is 30 dots high (24 for the letter, 6 for the eye), as on a printer that draws
its own letters. The picture has one bit per dot and is exactly as wide as the paper's printable part.

Drawing is work for the helper process: a picture of 100 rows drawn in a thread beside the database writer made sales
twenty times slower.
"""

import functools
import unicodedata
from collections.abc import Sequence

from msgspec import Struct
from PIL import Image, ImageChops, ImageDraw
from PIL.Image import Image as Picture

from printers.cells import Grid, clusters, count_cells
from printers.document import Style
from printers.fonts import font_of, is_cjk, is_latin, latin_font
from printers.layout import BarcodeRow, CutRow, FeedRow, QRRow, Row, RuleRow, TextRow
from printers.profile import Profile
from printers.symbols import BAR_ROWS, QUIET_MODULES, barcode_module_dots, barcode_modules, qr_matrix, qr_module_dots

CELL_DOTS = 12
ROW_DOTS = 30
_BASELINE = 22
_WHITE, _BLACK = 255, 0
# Mode "1" keeps a byte per dot while it is drawn on: with a white of 1 instead of 255, inverting it gives 254, white
# again.


class DotGrid(Struct, frozen=True):
    """The grid of a drawn row. An "ambiguous" character the Latin font lacks (※ ① α) is drawn two cells wide, as CJK
    fonts have it: condensed into one it could not be read.
    """

    columns: int

    def cells(self, character: str, /) -> int:
        """0, 1 or 2 cells."""
        if unicodedata.east_asian_width(character) == "A" and not is_latin(character):
            return 2 * Grid(self.columns).cells(character)
        return Grid(self.columns).cells(character)


def draw_rows(rows: Sequence[Row], profile: Profile, locale: str) -> Picture:
    """One picture (mode "1", 1 is white) of all rows; a cut takes no room. Raises Unprintable where a font is
    missing.
    """
    heights = [row_dots(row, profile) for row in rows]
    picture = Image.new("1", (profile.dots, sum(heights)), _WHITE)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        _draw_row(picture, top, row, profile, locale)
        top += height
    return picture


def row_dots(row: Row, profile: Profile) -> int:
    """How high a row is on paper, in dots."""
    match row:
        case TextRow():
            return ROW_DOTS * row.style.scale
        case RuleRow():
            return ROW_DOTS // 2 + 3
        case QRRow(text):
            return (len(qr_matrix(text)) + 2 * QUIET_MODULES) * qr_module_dots(text, profile.dots)
        case BarcodeRow():
            return BAR_ROWS + ROW_DOTS
        case FeedRow(count):
            return count * ROW_DOTS
        case CutRow():
            return 0


def _draw_row(picture: Picture, top: int, row: Row, profile: Profile, locale: str) -> None:
    draw = ImageDraw.Draw(picture)
    match row:
        case TextRow(text, style):
            _draw_text(picture, top, text, style, profile, locale)
        case RuleRow(double):
            middle = top + row_dots(row, profile) // 2
            for offset in (-3, 2) if double else (0,):
                draw.rectangle((0, middle + offset, profile.dots - 1, middle + offset + 1), fill=_BLACK)
        case QRRow(text):
            size = qr_module_dots(text, profile.dots)
            matrix = qr_matrix(text)
            left = (profile.dots - len(matrix) * size) // 2
            for y, line in enumerate(matrix):
                for x, dark in enumerate(line):
                    if dark:
                        corner = (left + x * size, top + (QUIET_MODULES + y) * size)
                        draw.rectangle((*corner, corner[0] + size - 1, corner[1] + size - 1), fill=_BLACK)
        case BarcodeRow(text):
            size = barcode_module_dots(text, profile.dots)
            modules = barcode_modules(text)
            left = (profile.dots - len(modules) * size) // 2
            for x, dark in enumerate(modules):
                if dark:
                    edge = left + x * size
                    draw.rectangle((edge, top + 15, edge + size - 1, top + 15 + BAR_ROWS - 1), fill=_BLACK)
        case FeedRow() | CutRow():
            pass


def _draw_text(picture: Picture, top: int, text: str, style: Style, profile: Profile, locale: str) -> None:
    """One row, drawn black on white and turned over as a whole where the style is inverted."""
    cells = DotGrid(profile.columns).cells
    cell = CELL_DOTS * style.scale
    strip = Image.new("1", (profile.dots, ROW_DOTS * style.scale), _WHITE)
    draw = ImageDraw.Draw(strip)
    draw.fontmode = "1"
    latin = latin_font(bold=style.bold, scale=style.scale)
    column, run, start = 0, "", 0
    for cluster in (*clusters(text, cells), ""):
        if len(cluster) == 1 and is_latin(cluster):
            # The Latin font advances by whole cells, so a run of it is one call.
            start, run = (column, cluster) if not run else (start, run + cluster)
            column += 1
            continue
        if run:
            draw.text((start * cell, _BASELINE * style.scale), run, fill=_BLACK, font=latin, anchor="ls")
            run = ""
        if cluster:
            width = count_cells(cluster, cells)
            glyph = _glyph(cluster, width, locale, bold=style.bold, scale=style.scale)
            strip.paste(glyph, (column * cell, 0))
            column += width
    picture.paste(ImageChops.invert(strip) if style.inverted else strip, (0, top))


@functools.lru_cache(maxsize=4096)
def _glyph(cluster: str, width: int, locale: str, *, bold: bool, scale: int) -> Picture:
    """One cluster in its cells: centred, drawn twice where its font has no bold, condensed where it is wider than its
    cells.
    """
    font = font_of(cluster, locale, bold=bold, scale=scale)
    room = width * CELL_DOTS * scale
    advance = round(font.getlength(cluster))
    glyph = Image.new("1", (max(room, advance), ROW_DOTS * scale), _WHITE)
    draw = ImageDraw.Draw(glyph)
    draw.fontmode = "1"
    left = max(room - advance, 0) // 2
    for offset in (0, scale) if bold and is_cjk(font) else (0,):
        draw.text((left + offset, _BASELINE * scale), cluster, fill=_BLACK, font=font, anchor="ls")
    return glyph if advance <= room else glyph.resize((room, ROW_DOTS * scale))
