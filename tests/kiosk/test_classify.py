"""Whatever a scanner, a keyboard or a stranger sends: what it is taken for."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.catalogue.barcodes import LabelPattern
from kiosk.catalogue.classify import (
    LONGEST,
    Scan,
    ScannedCoupon,
    ScannedLabel,
    ScannedMember,
    ScannedReceipt,
    ScannedText,
    classify,
)
from kiosk.catalogue.element_strings import ScannedGtin
from loyalty.identity import make_card

PATTERNS = [LabelPattern.parse("23IIIIIPPPPPC"), LabelPattern.parse("29IIIIIWWWWWC")]
CARD = make_card(b"counter")
GTIN = "04006381333931"
GS = "\x1d"
PEN = ScannedGtin(gtin=GTIN)


@pytest.mark.parametrize(
    ("text", "symbology", "scan"),
    [
        # numbers on packs
        ("4006381333931", None, PEN),
        ("]E04006381333931", None, PEN),
        ("4006381333931", "]E0", PEN),
        ("4006381333931", "E0", PEN),
        ("4006381333931", "ean_13", PEN),
        ("]C04006381333931", None, PEN),
        ("]I104006381333931", None, PEN),
        (" 4 006381 333931\r\n", None, PEN),
        ("４００６３８１３３３９３１", None, PEN),
        ("]E496385074", None, ScannedGtin(gtin="00000096385074")),
        ("036000291452", "upc_a", ScannedGtin(gtin="00036000291452")),
        # trap: a wrong check digit is still a fine order number (AI 400) for a parser of element strings
        ("4006381333930", None, ScannedText("4006381333930")),
        ("]E04006381333930", None, ScannedText("4006381333930")),
        ("]C14006381333931", None, ScannedText("4006381333931")),
        ("12345678", None, ScannedText("12345678")),
        ("1041453", None, ScannedText("1041453")),
        # labels of the scale
        ("2312345012500", None, ScannedLabel("12345", 1250, None)),
        ("]E02312345012500", None, ScannedLabel("12345", 1250, None)),
        ("2912345012502", None, ScannedLabel("12345", None, 1250)),
        ("2312345012501", None, ScannedText("2312345012501")),
        ("2412345012507", None, ScannedGtin(gtin="02412345012507")),
        # element strings
        (f"]C101{GTIN}10L-7", None, ScannedGtin(gtin=GTIN, batch="L-7")),
        (f"]d201{GTIN}10L-7{GS}17270131", None, ScannedGtin(gtin=GTIN, batch="L-7", expiry="270131")),
        (f"]Q301{GTIN}21SN1", None, ScannedGtin(gtin=GTIN, serial="SN1")),
        (f"]e001{GTIN}3103001250", None, ScannedGtin(gtin=GTIN, quantity_milli=1250)),
        (f"]e001{GTIN}3922499", None, ScannedGtin(gtin=GTIN, price_minor=499)),
        (f"]e001{GTIN}31020001253920{5}", None, ScannedGtin(gtin=GTIN, quantity_milli=1250, price_minor=500)),
        (f"01{GTIN}3103001250", None, ScannedGtin(gtin=GTIN, quantity_milli=1250)),
        (f"{GS}01{GTIN}10A", None, ScannedGtin(gtin=GTIN, batch="A")),
        (f"01{GTIN}10A", "code_128", ScannedGtin(gtin=GTIN, batch="A")),
        (f"01{GTIN}10A", "]C0", ScannedText(f"01{GTIN}10A")),
        (f"({'01'}){GTIN}(10)L-7", None, ScannedGtin(gtin=GTIN, batch="L-7")),
        (f"(01) {GTIN} (17) 270100", None, ScannedGtin(gtin=GTIN, expiry="270100")),
        ("]C1010400638133393010L-7", None, ScannedText("010400638133393010L-7")),
        (f"]C101{GTIN}17279999", None, ScannedText(f"01{GTIN}17279999")),
        ("]C100106141412345678908", None, ScannedText("00106141412345678908")),
        ("01040063813339301", None, ScannedText("01040063813339301")),
        # a price that the currency cannot hold, or two that differ: never sold at the catalogue price instead
        (f"]e001{GTIN}39234995", None, ScannedText(f"01{GTIN}39234995")),
        (f"]e001{GTIN}3920999999999999999", None, ScannedText(f"01{GTIN}3920999999999999999")),
        (f"]e001{GTIN}3922499{GS}3922599", None, ScannedText(f"01{GTIN}3922499{GS}3922599")),
        (f"]e001{GTIN}3923{4990}", None, ScannedGtin(gtin=GTIN, price_minor=499)),
        # links
        ("https://id.gs1.org/01/04006381333931", None, PEN),
        ("]Q1https://id.gs1.org/01/4006381333931", None, PEN),
        ("]Q3https://id.gs1.org/01/4006381333931/10/L%2F7?17=270131", None,
         ScannedGtin(gtin=GTIN, batch="L/7", expiry="270131")),
        ("HTTP://shop.example/products/01/4006381333931?3103=001250&x=1", "qr_code",
         ScannedGtin(gtin=GTIN, quantity_milli=1250)),
        ("https://id.gs1.org/01/4006381333931?3103=%D9%A3%D9%A3%D9%A3%D9%A3%D9%A3%D9%A3", None,
         ScannedText("https://id.gs1.org/01/4006381333931?3103=%D9%A3%D9%A3%D9%A3%D9%A3%D9%A3%D9%A3")),
        (f"]I101{GTIN}10A", None, ScannedText(f"01{GTIN}10A")),
        ("https://id.gs1.org/01/4006381333930", None, ScannedText("https://id.gs1.org/01/4006381333930")),
        ("https://id.gs1.org/00/106141412345678908", None, ScannedText("https://id.gs1.org/00/106141412345678908")),
        ("https://shop.example/", None, ScannedText("https://shop.example/")),
        ("https://[", None, ScannedText("https://[")),
        ("https://shop.example/r/S001-T01-000123", None, ScannedReceipt("S001-T01-000123")),
        # members and receipts
        (CARD, None, ScannedMember(CARD)),
        (f"]Q1{CARD}", None, ScannedMember(CARD)),
        (f"]C1{CARD}", None, ScannedMember(CARD)),
        (CARD[:-1] + str((int(CARD[-1]) + 1) % 10), None, ScannedText(CARD[:-1] + str((int(CARD[-1]) + 1) % 10))),
        ("S001-T01-000123", None, ScannedReceipt("S001-T01-000123")),
        ("]Q1S001-T01B-000001", None, ScannedReceipt("S001-T01B-000001")),
        ("Ｓ００１-T01-000123", None, ScannedReceipt("S001-T01-000123")),
        ("S001-T01-12", None, ScannedText("S001-T01-12")),
        # everything else
        ("", None, ScannedText("")),
        ("   ", None, ScannedText("")),
        ("]", None, ScannedText("]")),
        ("]E0", None, ScannedText("")),
        ("milk 3.2 %", None, ScannedText("milk 3.2 %")),
        ("牛乳", "ean_13", ScannedText("牛乳")),
        ("+48 600 100 200", None, ScannedText("+48 600 100 200")),
        ("(", None, ScannedText("(")),
        ("(01)", None, ScannedText("(01)")),
        ("((((((", "]C1", ScannedText("((((((")),
        (GS * 30, None, ScannedText(GS * 30)),
        ("]C1" + GS, None, ScannedText(GS)),
        ("]C1٣٩٢٢٠١", None, ScannedText("٣٩٢٢٠١")),
        ("\ud800", None, ScannedText("\ud800")),
        ("\0", None, ScannedText("\0")),
        ("'; DROP TABLE product; --", None, ScannedText("'; DROP TABLE product; --")),
        ("4006381333931", "x" * 10_000, PEN),
    ],
)  # fmt: skip
def test_a_scan_is_taken_for_what_it_is(text: str, symbology: str | None, scan: Scan) -> None:
    assert classify(text, symbology, PATTERNS) == scan


@pytest.mark.parametrize(
    ("element", "exponent", "price_minor"),
    [("3920500", 0, 500), ("3920500", 2, 50_000), ("3922500", 0, 5), ("3922501", 0, None), ("3923500", 3, 500),
     ("3922500", 3, 5000), ("3929" + "1" + "0" * 9, 0, 1)],
)  # fmt: skip
def test_a_price_in_a_symbol_becomes_minor_units_exactly_or_not_at_all(
    element: str, exponent: int, price_minor: int | None
) -> None:
    scan = classify(f"]e001{GTIN}{element}", None, PATTERNS, exponent)
    assert scan == (
        ScannedText(f"01{GTIN}{element}") if price_minor is None else ScannedGtin(gtin=GTIN, price_minor=price_minor)
    )


@pytest.mark.parametrize(
    ("element", "grams"),
    [("3100000012", 12_000), ("3101000125", 12_500), ("3103001250", 1250), ("3104001234", 123), ("3104001235", 124),
     ("3105000049", 0), ("3105000050", 1), ("3103000000", 0)],
)  # fmt: skip
def test_a_weight_in_a_symbol_becomes_whole_grams(element: str, grams: int) -> None:
    assert classify(f"]e001{GTIN}{element}", None, PATTERNS) == ScannedGtin(gtin=GTIN, quantity_milli=grams)


def test_a_text_without_end_is_cut() -> None:
    scan = classify("x" * 1_000_000, None, PATTERNS)
    assert scan == ScannedText("x" * LONGEST)


PREFIXES = (
    "]C1",
    "]d2",
    "]Q1",
    "]Q3",
    "]e0",
    "]E0",
    GS,
    "(",
    ")",
    "(01)",
    "https://",
    "/01/",
    "?",
    "&3922=",
    "%1d",
    "%",
)
ELEMENTS = ("01", GTIN, "10", "17", "21", "3103", "3922", "3929", "393", "7007", "8008", "4326", "99", "000000")
OTHERS = ("S001-T01-000123", CARD, "2312345012500", "٣", "３", "é", "\ud800", " ", "\0")
PIECES = st.sampled_from((*PREFIXES, *ELEMENTS, *OTHERS))


@given(st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join), st.none() | st.text(max_size=6) | PIECES)
@example("]C1" + "99" + "A" * 5000, None)
@example("(" * 5000, None)
@example("https://x" + "/01" * 1300, None)
@example("https://x/01/4006381333931?" + "&10=a" * 800, None)
def test_nothing_a_stranger_sends_makes_the_till_stumble(text: str, symbology: str | None) -> None:
    scan = classify(text, symbology, PATTERNS)
    match scan:
        case ScannedGtin():
            assert len(scan.gtin) == 14
            assert all(value is None or value >= 0 for value in (scan.quantity_milli, scan.price_minor))
        case ScannedText():
            assert len(scan.text) <= LONGEST
        case ScannedMember() | ScannedReceipt() | ScannedLabel():
            assert text.strip()


def test_the_200_digits_of_a_coupon_are_one_whatever_the_scanner_adds() -> None:
    token = "0" + "123456789" * 22 + "1"
    for text in (token, f"]Q1{token}", f" {token[:100]} {token[100:]}\r\n"):
        assert classify(text, None, PATTERNS) == ScannedCoupon(token)
    assert classify(token, "qr_code", PATTERNS) == ScannedCoupon(token)
    for other in (token[:-1], token + "1"):
        assert not isinstance(classify(other, None, PATTERNS), ScannedCoupon)


def test_a_typed_code_is_one_by_its_check_and_anything_else_is_text() -> None:
    assert classify("0000-0000-01zt", None, PATTERNS) == ScannedCoupon("0000-0000-01zt")
    assert classify("0000-0000-01zs", None, PATTERNS) == ScannedText("0000-0000-01zs")
    assert isinstance(classify("036000291452", None, PATTERNS), ScannedGtin), "twelve digits are a UPC-A"
