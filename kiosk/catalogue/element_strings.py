"""pure: trade items in GS1 element strings, as GS1-128, DataMatrix and QR carry them, and in GS1 Digital Links.

    >>> read_elements("0104006381333931310300125010L7", 2)
    ScannedGtin(gtin='04006381333931', batch='L7', expiry=None, serial=None, quantity_milli=1250, price_minor=None)
    >>> read_elements("(01)04006381333931(3922)0499", 2).price_minor
    499

Only what a till needs is taken: 01 GTIN, 10 batch, 17 expiry, 21 serial, 310n net weight in kilograms and 392n price of
a pack; n is the number of decimals. Meanings are those of the GS1 General Specifications, sections 3.3 to 3.6.
"""

from biip import ParseConfig, ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementStrings
from biip.gs1_messages import GS1Message
from msgspec import Struct, convert

from loyalty.money import AMOUNT_LIMIT_MINOR
from sync.gtin import normalise_gtin

_LONGEST = 512  # a symbol on a trade item holds far less
_GS = "\x1d"
_FIELDS = {"01": "gtin", "10": "batch", "17": "expiry", "21": "serial"}
_MEASURES = {"310": "weight", "392": "price"}
# biip asks the clock for the century of a date. Not verifying dates keeps the answer the same on every day.
_CONFIG = ParseConfig(gs1_element_strings_verify_date=False)
# What the parser of others may raise for the text of strangers. None of it may stop a till.
_UNREADABLE = (ParseError, ValueError, ArithmeticError, LookupError)


class ScannedGtin(Struct, frozen=True, kw_only=True, tag="gtin"):
    """A trade item: `gtin` in 14 digits, and what else the symbol said. `expiry` is YYMMDD as printed;
    `quantity_milli` its net weight in grams; `price_minor` the price of this very pack."""

    gtin: str
    batch: str | None = None
    expiry: str | None = None
    serial: str | None = None
    quantity_milli: int | None = None
    price_minor: int | None = None


def read_elements(text: str, exponent: int) -> ScannedGtin | None:
    """The trade item in element strings, bare with GS between them or printed with brackets; None if there is none.

    `exponent` is the number of decimals of the store's currency.
    """
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        if text.startswith("("):
            message = GS1Message.parse_hri(text, config=_CONFIG)
        else:
            message = GS1Message.parse(text.strip(_GS), config=_CONFIG)
    except _UNREADABLE:
        return None
    return _trade_item(message.element_strings, exponent)


def read_digital_link(url: str, exponent: int) -> ScannedGtin | None:
    """The trade item in a GS1 Digital Link URI of any host, or None. Nothing is fetched."""
    if len(url) > _LONGEST:
        return None
    try:
        link = GS1DigitalLinkURI.parse(url, config=_CONFIG)
    except _UNREADABLE:
        return None
    return _trade_item(link.element_strings, exponent)


def _trade_item(elements: GS1ElementStrings, exponent: int) -> ScannedGtin | None:
    """What the elements say about one pack. Contradicting values or a price that the currency cannot hold make the
    whole scan unreadable: sold without them, the pack would go at the price of another."""
    found: dict[str, str | int | None] = {}
    for element in elements:
        code, value = element.ai.ai, element.value
        name = _FIELDS.get(code) or _MEASURES.get(code[:3])
        if name is None:
            continue
        if not value.isascii():
            return None
        read: str | int | None = value
        if name == "gtin":
            read = normalise_gtin(value)
        elif name == "weight":
            read = _grams(int(value), int(code[3]))
        elif name == "price":
            read = _minor_units(int(value), int(code[3]), exponent)
        if read is None or found.setdefault(name, read) != read:
            return None
    if "gtin" not in found:
        return None
    found["quantity_milli"], found["price_minor"] = found.pop("weight", None), found.pop("price", None)
    return convert(found, ScannedGtin)


def _grams(value: int, decimals: int) -> int:
    """Kilograms with so many decimals in grams, a half rounded up: 0.1235 kg (3104) is 124 g."""
    kilogram: int = 10**decimals
    return (value * 2000 + kilogram) // (2 * kilogram)


def _minor_units(value: int, decimals: int, exponent: int) -> int | None:
    """A price in minor units, or None for one that is not whole in them or too large to be right: never rounded."""
    minor, rest = divmod(value * 10**exponent, 10**decimals)
    return minor if rest == 0 and minor <= AMOUNT_LIMIT_MINOR else None
