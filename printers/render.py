"""pure: from the stored bytes of a content to the bytes of a printer, a picture or a text, in one call.

A top-level function of plain arguments, so that it can run in the helper process (spawn) and nowhere near the database
writer. The same arguments always give the same bytes.

    >>> render(encode_content(receipt), "epson-80mm", "txt").decode().splitlines()[0].strip()
    'Corner Shop'
"""

from typing import Literal

from msgspec import Struct

from printers import legible
from printers.contents import Content, CouponContent, ReceiptContent, ShiftReportContent, decode_content
from printers.document import Document
from printers.escpos import encode_document
from printers.preview import preview_png, preview_text
from printers.profile import load_profile
from printers.templates.coupon import coupon_document
from printers.templates.receipt import receipt_document
from printers.templates.shift_report import shift_report_document

Form = Literal["bin", "png", "txt"]

MEDIA_TYPES: dict[Form, str] = {
    "bin": "application/octet-stream",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
}


class Rendered(Struct, frozen=True):
    """The bytes of a paper, and the characters it shows a sign for because nothing here can print them."""

    data: bytes
    replaced: tuple[str, ...] = ()


def render(content: bytes, profile_name: str, form: Form = "bin", copy_number: int = 0) -> bytes:
    """Stored content as ESC/POS bytes (`bin`), the PNG of the paper (`png`) or UTF-8 text (`txt`).

    `copy_number` above 0 marks the paper as COPY n. A letter that can be neither written nor drawn comes out as
    `legible.REPLACEMENT`. Raises UnreadableContent, UnknownProfile, and Unprintable for a code that does not fit.
    """
    profile = load_profile(profile_name)
    document = document_of(decode_content(content), copy_number)
    match form:
        case "bin":
            return encode_document(legible.for_printer(document, profile).document, profile)
        case "png":
            return preview_png(legible.for_drawing(document).document, profile)
        case "txt":
            return preview_text(document, profile).encode()


def render_job(content: bytes, profile_name: str, copy_number: int) -> Rendered:
    """`render` for a printer, with what it could not print. Raises what `render` raises."""
    profile = load_profile(profile_name)
    found = legible.for_printer(document_of(decode_content(content), copy_number), profile)
    return Rendered(encode_document(found.document, profile), found.replaced)


def document_of(content: Content, copy_number: int = 0) -> Document:
    """The document of any content."""
    match content:
        case ReceiptContent():
            return receipt_document(content, copy_number)
        case ShiftReportContent():
            return shift_report_document(content, copy_number)
        case CouponContent():
            return coupon_document(content, copy_number)
