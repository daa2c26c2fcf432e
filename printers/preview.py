"""pure: the paper that would be printed, as a PNG of the paper or as plain text.

The PNG has the printer's own dots, one bit each, and the white margin no printer reaches: what a manager sees on the
screen is what the customer holds. It is written here with zlib, because the same document should give the same bytes
under every version of the imaging library (ISO/IEC 15948: signature, IHDR, IDAT, IEND).
"""

import re
import struct
import zlib

from PIL import Image

from printers.cells import Grid, count_cells
from printers.document import Document
from printers.layout import BarcodeRow, CutRow, FeedRow, QRRow, RuleRow, TextRow, layout
from printers.profile import Profile
from printers.raster import DotGrid, draw_rows

_DOTS_PER_METRE = 7992
"""203 dots per inch."""


def preview_png(document: Document, profile: Profile) -> bytes:
    """The paper as a black and white PNG at the size of its dots. Raises Unprintable where a font is missing."""
    drawn = draw_rows(layout(document, DotGrid(profile.columns)), profile, document.locale)
    margin = profile.margin_dots
    paper = Image.new("1", (drawn.width + 2 * margin, drawn.height + 2 * margin), 255)
    paper.paste(drawn, (margin, margin))
    width = (paper.width + 7) // 8
    data = paper.tobytes()
    lines = b"".join(b"\x00" + data[top : top + width] for top in range(0, len(data), width))
    header = struct.pack(">IIBBBBB", paper.width, paper.height, 1, 0, 0, 0, 0)
    resolution = struct.pack(">IIB", _DOTS_PER_METRE, _DOTS_PER_METRE, 1)
    chunks = ((b"IHDR", header), (b"pHYs", resolution), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def preview_text(document: Document, profile: Profile) -> str:
    """The paper as plain text, one line per row; codes stand as their text in brackets. Any character will do here."""
    rows = layout(document, Grid(profile.columns))
    lines: list[str] = []
    for row in rows:
        match row:
            case TextRow():
                lines.append(_plain(row, profile))
            case RuleRow(double):
                lines.append(("=" if double else "-") * profile.columns)
            case QRRow(text) | BarcodeRow(text):
                lines.append(f"[{text}]".center(profile.columns).rstrip())
            case FeedRow(count):
                lines += [""] * count
            case CutRow():
                pass
    return "\n".join(lines) + "\n"


def _plain(row: TextRow, profile: Profile) -> str:
    """A row as text. A large row has half as many letters as cells: its gap grows, a centred one stays in the
    middle.
    """
    text = row.text.rstrip(" ")
    if row.style.scale == 1:
        return text
    body = text.lstrip(" ")
    width = count_cells(body, Grid(profile.columns).cells)
    if body != text:
        lead = len(text) - len(body)
        at_the_end = lead + width > profile.columns // 2 - 2
        return " " * (2 * lead + (width if at_the_end else width // 2)) + body
    gap = max(re.findall(" {2,}", text), key=len, default="")
    return text.replace(gap, gap + " " * (profile.columns - width), 1) if gap else text


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
