"""pure: a document as ESC/POS bytes (Epson's command reference; every command is named beside its bytes).

Two ways, chosen for the whole job: in the printer's own letters where the code pages of its profile have every
character (2 kB for a receipt), else drawn, as strips of a picture (65 kB), with QR codes and barcodes still made by
the printer where it can. There is no third way: a character is never replaced by a question mark. The only stand-ins
are characters that look and mean the same: `-` for the minus sign and for the hyphen that does not break, a space for
the space that does not break.

The bytes are written here and not with python-escpos: its text encoder turns Korean and kana into `?`, forgets the
code page after ESC @, and its graphics command cuts the length of tall pictures to 16 bits; a second of import and a
logging setup at import come on top. What is left of it for us would be eight constants.

    >>> encode_document(Document("pl", (Wrapped("Łódź"), Cut())), load_profile("epson-80mm"))
    b'\\x1b@\\x1da\\x0e\\x1bt\\x00\\x1bt\\x12\\x9d\\xa2d\\xab\\n\\x1dVB\\x00'
"""

from collections.abc import Callable, Iterator, Sequence

from PIL.Image import Image as Picture

from printers.cells import NO_BREAK_SPACE, Grid
from printers.document import PLAIN, Document, Style
from printers.layout import BarcodeRow, CutRow, FeedRow, QRRow, Row, RuleRow, TextRow, layout
from printers.profile import CodePage, Profile
from printers.raster import ROW_DOTS, DotGrid, draw_rows
from printers.symbols import BAR_ROWS, QUIET_MODULES, barcode_module_dots, barcode_runs, qr_module_dots

INITIALIZE = b"\x1b@"  # ESC @
CANCEL_DOUBLE_BYTE = b"\x1c."  # FS .
CHARACTER_SET_USA = b"\x1bR\x00"  # ESC R 0: else a Korean printer prints ₩ for a backslash
AUTO_STATUS = b"\x1da\x0e"  # GS a 14: report paper, cover and errors in the middle of a job, until ESC @
LEFT, CENTER = b"\x1ba\x00", b"\x1ba\x01"  # ESC a n
_SAME = str.maketrans({"−": "-", "‑": "-", "‐": "-", NO_BREAK_SPACE: " "})


def encode_document(document: Document, profile: Profile) -> bytes:
    """The bytes of a job. Raises Unprintable where a character is in no code page and in no font."""
    head = INITIALIZE + (AUTO_STATUS if profile.answers else b"")
    head += CANCEL_DOUBLE_BYTE + CHARACTER_SET_USA if profile.double_byte_rom else b""
    rows = layout(document, Grid(profile.columns))
    if fits_text(rows, profile):
        return head + b"".join(_encode_text(rows, profile))
    rows = layout(document, DotGrid(profile.columns))
    return head + b"".join(_encode_raster(rows, profile, document.locale))


def fits_text(rows: Sequence[Row], profile: Profile) -> bool:
    """Whether the printer's own letters are enough for every row."""
    characters = {character for row in rows if isinstance(row, TextRow) for character in row.text.translate(_SAME)}
    drawn = any(isinstance(row, QRRow | BarcodeRow) for row in rows) and not profile.native_codes
    pages = profile.code_pages
    return bool(pages) and not drawn and all(_page_of(character, pages, pages[0]) for character in characters)


def separator(profile: Profile) -> bytes:
    """Cuts off what a broken connection may have left hanging, so that the next receipt does not begin in its middle.

    A picture that broke off swallows whatever comes next as its missing dots. So a white strip of full size goes first:
    to such a printer it is the missing dots, to any other a finger's breadth of white paper to cut in.
    """
    width = profile.dots // 8
    size = width.to_bytes(2, "little") + profile.strip_rows.to_bytes(2, "little")
    white = b"\x1dv0\x00" + size + bytes(width * profile.strip_rows)
    return INITIALIZE + white + INITIALIZE + _cut(profile)


def _encode_text(rows: Sequence[Row], profile: Profile) -> Iterator[bytes]:
    page = profile.code_pages[0]
    style = PLAIN
    yield _select(page)
    for row in rows:
        if isinstance(row, TextRow):
            yield _restyle(style, row.style)
            style = row.style
            data, page = _encode_characters(row.text.translate(_SAME), profile.code_pages, page)
            yield data + b"\n"
        else:
            yield _restyle(style, PLAIN)
            style = PLAIN
            yield _encode_other(row, profile)


def _encode_raster(rows: Sequence[Row], profile: Profile, locale: str) -> Iterator[bytes]:
    drawn: list[Row] = []
    for row in rows:
        native = isinstance(row, QRRow | BarcodeRow) and profile.native_codes
        if not native and not isinstance(row, CutRow):
            drawn.append(row)
            continue
        yield _strips(drawn, profile, locale)
        drawn = []
        yield _encode_other(row, profile)
    yield _strips(drawn, profile, locale)


def _strips(rows: Sequence[Row], profile: Profile, locale: str) -> bytes:
    """GS v 0 m xL xH yL yH, in strips no taller than the printer's buffer."""
    if not rows:
        return b""
    picture: Picture = draw_rows(rows, profile, locale)
    width = profile.dots // 8
    data = picture.tobytes("raw", "1;I")  # 1 is a black dot
    strips = []
    for top in range(0, picture.height, profile.strip_rows):
        part = data[top * width : (top + profile.strip_rows) * width]
        size = width.to_bytes(2, "little") + (len(part) // width).to_bytes(2, "little")
        strips.append(b"\x1dv0\x00" + size + part)
    return b"".join(strips)


def _encode_other(row: Row, profile: Profile) -> bytes:
    match row:
        case RuleRow(double):
            return (b"=" if double else b"-") * profile.columns + b"\n"
        case QRRow(text):
            return _qr(text, profile)
        case BarcodeRow(text):
            return _barcode(text, profile)
        case FeedRow(count):
            return b"\x1bd" + bytes([count])  # ESC d n: n rows
        case CutRow():
            return _cut(profile)
        case TextRow():
            raise AssertionError("text rows are encoded by their caller")


def _qr(text: str, profile: Profile) -> bytes:
    """GS ( k: model 2, module size, error correction M, store, print; the quiet zone above and below is fed."""
    size = qr_module_dots(text, profile.dots)
    data = text.encode()
    quiet = b"\x1bJ" + bytes([QUIET_MODULES * size])  # ESC J n: n dots
    functions = (
        b"\x31\x41\x32\x00",
        b"\x31\x43" + bytes([size]),
        b"\x31\x45\x31",
        b"\x31\x50\x30" + data,
        b"\x31\x51\x30",
    )
    commands = (b"\x1d(k" + len(function).to_bytes(2, "little") + function for function in functions)
    return CENTER + quiet + b"".join(commands) + quiet + LEFT


def _barcode(text: str, profile: Profile) -> bytes:
    """GS k 73: Code 128 with its code sets written out, no text of the printer's own below it."""
    data = b"".join(
        b"{B" + run.replace("{", "{{").encode("ascii")
        if code_set == "B"
        else b"{C" + bytes(int(run[index : index + 2]) for index in range(0, len(run), 2))
        for code_set, run in barcode_runs(text)
    )
    size = barcode_module_dots(text, profile.dots)
    shape = b"\x1dh" + bytes([BAR_ROWS]) + b"\x1dw" + bytes([size]) + b"\x1dH\x00"  # GS h, GS w, GS H
    feed = b"\x1bJ" + bytes([ROW_DOTS // 2])
    return CENTER + feed + shape + b"\x1dk\x49" + bytes([len(data)]) + data + feed + LEFT


def _cut(profile: Profile) -> bytes:
    """GS V 65/66 n: feed to the cutter, then cut. Without a cutter only the feed to the tear bar."""
    feed = b"\x1bd" + bytes([profile.feed_rows]) if profile.feed_rows else b""
    return feed + {"full": b"\x1dVA\x00", "partial": b"\x1dVB\x00", "none": b""}[profile.cut]


def _restyle(old: Style, new: Style) -> bytes:
    """ESC E (bold), GS ! (size), GS B (inverted): only what changes."""
    changes: list[tuple[bool, Callable[[], bytes]]] = [
        (old.bold != new.bold, lambda: b"\x1bE" + bytes([new.bold])),
        (old.scale != new.scale, lambda: b"\x1d!" + bytes([0x11 * (new.scale - 1)])),
        (old.inverted != new.inverted, lambda: b"\x1dB" + bytes([new.inverted])),
    ]
    return b"".join(command() for changed, command in changes if changed)


def _encode_characters(text: str, pages: Sequence[CodePage], page: CodePage) -> tuple[bytes, CodePage]:
    data = bytearray()
    for character in text:
        found = _page_of(character, pages, page)
        assert found is not None, "fits_text was asked first"
        if found != page:
            page = found
            data += _select(page)
        data += character.encode(page.codec)
    return bytes(data), page


def _select(page: CodePage) -> bytes:
    return b"\x1bt" + bytes([page.number])  # ESC t n


def _page_of(character: str, pages: Sequence[CodePage], current: CodePage) -> CodePage | None:
    """The code page to print a character with: the present one if it can, else the first that can."""
    return next((page for page in (current, *pages) if is_encodable(character, page.codec)), None)


def is_encodable(character: str, codec: str) -> bool:
    """Whether a code page has the character as one byte."""
    # Control characters encode in every codec and would be commands: layout has removed them, this refuses them again.
    if not character.isprintable():
        return False
    try:
        return len(character.encode(codec)) == 1
    except UnicodeEncodeError:
        return False
