"""How a member is recognised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.errors import InvalidInput
from loyalty.identity import (
    WrongEmail,
    WrongPhone,
    fold_name,
    make_card,
    mask_phone,
    normalise_email,
    normalise_phone,
    read_card,
)

quick = settings(max_examples=200, derandomize=True, deadline=None)
cards = st.binary(min_size=7, max_size=7).map(make_card)
CARD = "29471108154711081513"


@quick
@given(cards)
def test_a_card_has_twenty_digits_and_reads_back(card: str) -> None:
    assert len(card) == 20
    assert card.isdigit()
    assert card.startswith("29")
    assert int(card) % 97 == 1
    assert read_card(card) == card


@quick
@given(cards)
def test_every_wrong_digit_is_found(card: str) -> None:
    for position, right in enumerate(card):
        for digit in "0123456789":
            if digit != right:
                assert read_card(card[:position] + digit + card[position + 1 :]) is None


@quick
@given(cards)
def test_every_swap_of_neighbours_is_found(card: str) -> None:
    for position in range(len(card) - 1):
        if card[position] != card[position + 1]:
            swapped = card[:position] + card[position + 1] + card[position] + card[position + 2 :]
            assert read_card(swapped) is None


@quick
@given(st.binary(min_size=7, max_size=7), st.sampled_from(["00", "01", "99"]))
def test_a_card_has_only_one_pair_of_check_digits(random: bytes, never: str) -> None:
    assert read_card(make_card(random)[:-2] + never) is None


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        f"]Q1{CARD}",
        f"]C0 {CARD}\r\n",
        "2947 1108 1547 1108 1513",
        "\t29 4711 0815 4711 0815 13 ",
        "２９４７１１０８１５４７１１０８１５１３",
    ],
)
def test_a_card_reads_through_scanner_marks_spaces_and_wide_digits(text: str) -> None:
    assert read_card(text) == CARD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "]Q1",
        "5901234123457",  # GTIN-13
        "00012345678905",  # GTIN-14
        "00340123450000000018",  # SSCC with its application identifier: 20 digits too
        CARD[:-1],
        CARD + "0",
        "x" + CARD[1:],
        "]Q1]Q1" + CARD,
        CARD.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        CARD + " " * 100,
    ],
)
def test_what_is_not_a_card_is_not_read_as_one(text: str) -> None:
    assert read_card(text) is None


@quick
@given(st.text(max_size=70))
def test_any_text_may_be_scanned(text: str) -> None:
    card = read_card(text)
    assert card is None or read_card(card) == card


@pytest.mark.parametrize("length", [0, 6, 8])
def test_a_card_needs_exactly_seven_random_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="7 random bytes"):
        make_card(bytes(length))


@pytest.mark.parametrize(
    ("typed", "prefix", "expected"),
    [
        ("600 100 200", "48", "+48600100200"),
        ("600100200", "+48", "+48600100200"),
        ("010-1234-5678", "82", "+821012345678"),
        ("０９０ー１２３４ー５６７８", "81", "+819012345678"),
        ("0048 600-100-200", "82", "+48600100200"),
        ("+48 600.100.200", "82", "+48600100200"),
        ("+44 (0)20 7946 0958", "48", "+442079460958"),
        ("+44 (0)20 7946 0", "48", "+442079460"),
        ("06 1234 5678", "39", "+390612345678"),
        ("+39 06 1234 5678", "48", "+390612345678"),
        ("(650) 555-0123", "1", "+16505550123"),
        ("030/1234567", "49", "+49301234567"),
        ("+353 85 012 3456", "48", "+353850123456"),
    ],
)
def test_a_phone_number_has_one_form_however_it_is_typed(typed: str, prefix: str, expected: str) -> None:
    assert normalise_phone(typed, prefix) == expected
    assert normalise_phone(expected, prefix) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "0",
        "12",
        "+48",
        "600 100 20O",
        "+0600100200",
        "+48 600 100 200 300 400",
        "++48600100200",
        "6" * 40,
        "600100200" + " " * 60 + "5",
    ],
)
def test_what_is_not_a_phone_number_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(WrongPhone) as refused:
        normalise_phone(typed, "48")
    assert isinstance(refused.value, InvalidInput)
    assert not any(character.isdigit() for character in str(refused.value))


@pytest.mark.parametrize("prefix", ["", "0", "4", "480", "pl", "+", "1234"])
def test_a_store_with_a_wrong_country_code_is_an_error(prefix: str) -> None:
    with pytest.raises(ValueError, match="country code"):
        normalise_phone("600100200", prefix)


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+48600100200", "+48 ••• ••• 200"),
        ("+821012345678", "+82 • ••• ••• 678"),
        ("+16505550123", "+1 • ••• ••• 123"),
        ("+353850123456", "+353 ••• ••• 456"),
        ("+4812345", "+48 •• ••5"),
        ("600100200", "•••"),
        ("+48 600 100 200", "•••"),
        ("", "•••"),
    ],
)
def test_a_masked_phone_shows_the_country_and_the_last_digits(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@quick
@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_mask_never_shows_more_than_a_third_of_the_national_number(phone: str) -> None:
    masked = mask_phone(phone)
    country, _, national = masked.partition(" ")
    shown = sum(character.isdigit() for character in national)
    assert len(country) - 1 + national.count("•") + shown == len(phone) - 1
    assert shown * 3 <= national.count("•") + shown
    assert shown <= 3


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" Ana.Kowalska@Example.COM ", "ana.kowalska@example.com"),
        ("ana+shop@example.com", "ana+shop@example.com"),
        ("ａｎａ＠ｅｘａｍｐｌｅ．ｊｐ", "ana@example.jp"),
        ("ana@Bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("żółw@example.pl", "żółw@example.pl"),
        ("straße@example.de", "straße@example.de"),
    ],
)
def test_an_address_has_one_form_however_it_is_typed(typed: str, expected: str) -> None:
    assert normalise_email(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@example",
        "a b@example.com",
        "ana@@example.com",
        "ana@exa mple.com",
        "ana@.com",
        "ana@example..com",
        ".ana@example.com",
        "ana.@example.com",
        "a..b@example.com",
        "ana@-x.com",
        "a" * 65 + "@example.com",
        "ana@" + "x" * 64 + ".com",
        "ana@example.com\nbcc: eve",
        "x" * 300 + "@example.com",
    ],
)
def test_what_is_not_an_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(WrongEmail) as refused:
        normalise_email(typed)
    assert "example" not in str(refused.value)


@quick
@given(st.text(max_size=40))
def test_any_text_may_be_typed_as_an_address(typed: str) -> None:
    try:
        address = normalise_email(typed)
    except WrongEmail:
        return
    assert normalise_email(address) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("  ŻÓŁW  Anna ", "żółw anna"),
        ("Ａｎｎａ", "anna"),
        ("STRASSE", "straße"),
        ("ﾀﾅｶ", "タナカ"),
        ("e\u0301lodie", "Élodie"),
        ("김\u3000민준", "김 민준"),
        ("zolty ser", "Żółty ser"),
        ("Lucja", "Łucja"),
        ("Aeroskobing", "Ærøskøbing"),
        ("Istanbul", "İstanbul"),
        ("か\u3099", "が"),
    ],
)
def test_names_that_read_the_same_have_one_search_key(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_names_that_read_differently_keep_different_keys() -> None:
    names = ("Łucja", "タナカ", "タナガ", "たなか", "ハン", "バン", "パン", "신라면", "실라면", "하", "해", "Ana", "An")
    assert len({fold_name(name) for name in names}) == len(names)


@quick
@given(st.text(max_size=30))
def test_folding_a_name_twice_changes_nothing_more(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)
