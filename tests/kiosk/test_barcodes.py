"""Trade item numbers and the labels of a scale."""

import pytest
from biip.checksums import gs1_price_weight_check_digit, gs1_standard_check_digit
from hypothesis import given
from hypothesis import strategies as st

from kiosk.catalogue.barcodes import Label, LabelPattern, read_label
from kiosk.config import load_config
from sync.gtin import check_digit, normalise_gtin

DIGITS = st.text("0123456789", min_size=1, max_size=13)
PRICE = LabelPattern.parse("23IIIIIPPPPPC")
WEIGHT = LabelPattern.parse("29IIIIIWWWWWC")


@pytest.mark.parametrize(
    ("scanned", "gtin"),
    [
        ("4006381333931", "04006381333931"),
        ("036000291452", "00036000291452"),
        ("96385074", "00000096385074"),
        ("14006381333938", "14006381333938"),
        ("04006381333931", "04006381333931"),
        ("9520000000011", "09520000000011"),
        ("4006381333930", None),
        ("400638133393", None),
        ("40063813339", None),
        ("123456789012345", None),
        ("00000000", None),
        ("00000000000000", None),
        ("", None),
        ("4006381333931 ", None),
        ("4006381333931\n", None),
        ("400638133393X", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", None),
        ("４００６３８１３３３９３１", None),
        ("-006381333931", None),
    ],
)
def test_a_gtin_of_every_length_becomes_fourteen_digits_or_nothing(scanned: str, gtin: str | None) -> None:
    assert normalise_gtin(scanned) == gtin


@given(DIGITS)
def test_the_check_digit_is_the_one_of_another_implementation(digits: str) -> None:
    assert check_digit(digits) == str(gs1_standard_check_digit(digits))


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(digits: str, place: int, difference: int) -> None:
    right = digits + check_digit(digits)
    wrong = right[:place] + str((int(right[place]) + difference) % 10) + right[place + 1 :]
    assert normalise_gtin(wrong) is None


@given(st.integers(1, 10**7 - 1))
def test_leading_zeros_do_not_make_another_product(number: int) -> None:
    short = f"{number:07d}"
    digits = short + check_digit(short)
    assert len({normalise_gtin(digits.zfill(length)) for length in (8, 12, 13, 14)}) == 1


@pytest.mark.parametrize(
    ("scanned", "pattern", "label"),
    [
        ("2312345012500", "23IIIIIPPPPPC", Label("12345", 1250, None)),
        ("2300001000008", "23IIIIIPPPPPC", Label("00001", 0, None)),
        ("2912345012502", "29IIIIIWWWWWC", Label("12345", None, 1250)),
        ("2312345012501", "23IIIIIPPPPPC", None),
        ("2412345012507", "23IIIIIPPPPPC", None),
        ("212345612349", "2IIIIIICPPPPC", None),
        ("4006381333931", "23IIIIIPPPPPC", None),
        ("", "23IIIIIPPPPPC", None),
    ],
)
def test_a_label_of_the_scale_says_item_and_price_or_weight(scanned: str, pattern: str, label: Label | None) -> None:
    assert read_label(scanned, [LabelPattern.parse(pattern)]) == label


@given(st.integers(0, 99999), st.integers(0, 9999))
def test_a_guarded_price_is_read_only_with_its_own_check_digit(item: int, price_minor: int) -> None:
    pattern = LabelPattern.parse("2IIIIICPPPPC")
    guard = gs1_price_weight_check_digit(f"{price_minor:04d}")
    for digit in range(10):
        digits = f"2{item:05d}{digit}{price_minor:04d}"
        expected = Label(f"{item:05d}", price_minor, None) if digit == guard else None
        assert read_label(digits + check_digit(digits), [pattern]) == expected


def test_a_upc_label_is_read_with_and_without_the_zero_in_front() -> None:
    pattern = LabelPattern.parse("2IIIIIPPPPPC")
    digits = "21234501250"
    label = digits + check_digit(digits)
    assert read_label(label, [pattern]) == read_label("0" + label, [pattern]) == Label("12345", 1250, None)


def test_the_first_pattern_that_fits_wins() -> None:
    wide = LabelPattern.parse("2IIIIIIPPPPPC")
    assert read_label("2312345012500", [PRICE, wide]) == Label("12345", 1250, None)
    assert read_label("2312345012500", [wide, PRICE]) == Label("312345", 1250, None)


@given(st.integers(0, 99999), st.integers(0, 99999))
def test_what_the_scale_prints_is_what_the_till_reads(item: int, value: int) -> None:
    for pattern, prefix in ((PRICE, "23"), (WEIGHT, "29")):
        digits = f"{prefix}{item:05d}{value:05d}"
        label = read_label(digits + check_digit(digits), [PRICE, WEIGHT])
        assert label is not None
        assert (label.item_code, label.quantity_milli if pattern.weighs else label.price_minor) == (
            f"{item:05d}",
            value,
        )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a label pattern"),
        ("C", "not a label pattern"),
        ("23IIIIIPPPPP", "not a label pattern"),
        ("IIIIIIIPPPPPC", "not a label pattern"),
        ("23IIIIIPPWWWC", "not a label pattern"),
        ("23PPPPPIIIIIC", "not a label pattern"),
        ("239IIIIPPPPPC ", "not a label pattern"),
        ("23IIIIIPPPPPC\n", "not a label pattern"),
        ("٢٣IIIIIPPPPPC", "not a label pattern"),
        ("23" + "I" * 4000 + "PC", "4004 places"),
        ("23IIIIICPPPPPC", "14 places"),
        ("2IIIIIICPPPC", "4 or 5 digits"),
    ],
)
def test_a_pattern_that_no_label_can_have_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        LabelPattern.parse(text)


def test_the_patterns_of_the_shipped_configuration_can_be_read() -> None:
    patterns = [LabelPattern.parse(text) for text in load_config().labels.patterns]
    assert [pattern.weighs for pattern in patterns] == [False, True]


@given(st.text(max_size=20))
def test_no_text_makes_a_label_reader_stumble(text: str) -> None:
    label = read_label(text, [PRICE, WEIGHT])
    assert label is None or len(label.item_code) == 5
