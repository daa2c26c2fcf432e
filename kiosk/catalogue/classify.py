"""pure: what was scanned or typed: a product, a label of the scale, a member, a receipt, a coupon, or just text.

One function for every scanner, every screen and every field. It looks only at the text and, where the scanner tells,
at the kind of symbol; whether there is such a product or member is for the store to find out.

    >>> classify("]E04006381333931", None, [])
    ScannedGtin(gtin='04006381333931', batch=None, expiry=None, serial=None, quantity_milli=None, price_minor=None)
    >>> classify("https://id.gs1.org/01/4006381333931?3103=001250", "qr_code", []).quantity_milli
    1250

The order matters, because digits are ambiguous. `4006381333931` is an EAN-13, but read as GS1 element strings it is
also an order number (AI 400), and with a wrong check digit only that. So a bare number of a GTIN's length is a GTIN, a
label or text, never a message; element strings need a symbol that carries them, brackets, or a GTIN in front.
"""

import re
import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from kiosk.catalogue.barcodes import LabelPattern, read_label
from kiosk.catalogue.element_strings import ScannedGtin, read_digital_link, read_elements
from kiosk.sales.numbering import is_document_number
from loyalty.coupon_codes import read_code
from loyalty.coupons import find_token
from loyalty.one_time_codes import read_identifying
from sync.gtin import normalise_gtin

LONGEST = 4096
_GS = "\x1d"
_BLANKS = " \t\r\n"
_AIM = re.compile(r"\]([A-Za-z][0-9A-Za-z])")  # ISO/IEC 15424
_GTIN_LENGTHS = (8, 12, 13, 14)
_URL = re.compile(r"https?://", re.IGNORECASE)
# AIM identifiers of symbols that carry GS1 element strings: GS1-128, DataBar and composites, DataMatrix, QR, DotCode.
_GS1_SYMBOLS = frozenset({"C1", "e0", "e1", "e2", "e3", "d2", "Q3", "J1"})
# How a browser's BarcodeDetector calls them. Code 128, DataMatrix and QR stay open: they may or may not be GS1's.
_NAMED = {"ean_13": "E0", "ean_8": "E4", "upc_a": "E0", "itf": "I0", "code_39": "A0", "code_93": "G0", "codabar": "F0"}


class ScannedLabel(Struct, frozen=True, tag="label"):
    """A label of the scale: the shop's item code with the price of the pack or its weight in grams."""

    item_code: str
    price_minor: int | None
    quantity_milli: int | None


class ScannedMember(Struct, frozen=True, tag="member"):
    """A loyalty card, 20 digits with a right check, alone or with the code a phone shows behind it."""

    card: str


class ScannedReceipt(Struct, frozen=True, tag="receipt"):
    """A receipt number of this or another store."""

    number: str


class ScannedCoupon(Struct, frozen=True, tag="coupon"):
    """The 200 digits of a coupon, or twelve characters that may be its typed code: the store knows whether they are."""

    text: str


class ScannedText(Struct, frozen=True, tag="text"):
    """Anything else: perhaps a sku, a name, a phone number. At most 4096 characters, without AIM identifier."""

    text: str


Scan = ScannedGtin | ScannedLabel | ScannedMember | ScannedReceipt | ScannedCoupon | ScannedText


def classify(text: str, symbology: str | None, patterns: Iterable[LabelPattern], exponent: int = 2) -> Scan:
    """What `text` is. `symbology` is an AIM identifier ("]E0", "E0") or a browser's name for it ("ean_13"); one at the
    front of the text wins. `patterns` are the shop's labels; `exponent` the currency's decimal digits, for AI 392n.

    Never raises, whatever the text.
    """
    symbol, content = _split_symbol(text[:LONGEST].strip(_BLANKS), symbology)
    if (card := read_identifying(content)) is not None:
        return ScannedMember(card)
    if (token := find_token(content)) is not None:
        return ScannedCoupon(token)
    plain = _narrow(content)
    if _URL.match(plain):
        return _read_url(plain, exponent) or ScannedText(content)
    if is_document_number(plain):
        return ScannedReceipt(plain)
    if symbol not in _GS1_SYMBOLS and plain.isdigit() and len(plain) in _GTIN_LENGTHS:
        return _read_number(plain, patterns) or ScannedText(content)
    if _holds_elements(plain, symbol):
        return read_elements(plain, exponent) or ScannedText(content)
    return ScannedText(content) if read_code(content) is None else ScannedCoupon(content)


def _split_symbol(text: str, symbology: str | None) -> tuple[str, str]:
    """AIM identifier without its bracket, empty if unknown, and the text behind it."""
    if (match := _AIM.match(text)) is not None:
        return match[1], text[match.end() :].strip(_BLANKS)
    named = (symbology or "").strip()[:32]
    known = _NAMED.get(named.lower(), named.removeprefix("]"))
    return (known if _AIM.fullmatch(f"]{known}") else ""), text


def _narrow(text: str) -> str:
    """Wide letters of an East Asian keyboard made narrow, and a number typed in groups made one."""
    narrow = text if text.isascii() else unicodedata.normalize("NFKC", text)
    joined = narrow.replace(" ", "")
    return joined if joined.isascii() and joined.isdigit() else narrow


def _read_number(digits: str, patterns: Iterable[LabelPattern]) -> Scan | None:
    if (label := read_label(digits, patterns)) is not None:
        return ScannedLabel(*label)
    gtin = normalise_gtin(digits)
    return ScannedGtin(gtin=gtin) if gtin is not None else None


def _read_url(url: str, exponent: int) -> Scan | None:
    """A GS1 Digital Link, or a link to a receipt: then its last step is the number."""
    number = url.rstrip("/").rpartition("/")[2]
    return ScannedReceipt(number) if is_document_number(number) else read_digital_link(url, exponent)


def _holds_elements(text: str, symbol: str) -> bool:
    """Whether to read element strings: the symbol says so, brackets do, or, from a scanner that names no symbols, FNC1
    (sent as GS) or a GTIN with its check digit stands in front."""
    if symbol in _GS1_SYMBOLS or text.startswith("("):
        return True
    return not symbol and (text.startswith(_GS) or (text.startswith("01") and normalise_gtin(text[2:16]) is not None))
