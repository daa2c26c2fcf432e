"""Reasons and near misses in words, in four languages, none forgotten."""

import string
from typing import get_args

import pytest
from babel import Locale

from loyalty.offers.offer import Channel
from loyalty.offers.outcome import Code, Note, Reason
from loyalty.offers.texts import (
    CHANNELS,
    LANGUAGES,
    LOWEST_PRICE,
    PIECES,
    TEMPLATES,
    say_lowest_price,
    say_note,
    say_reason,
)

TEN = Reason(Code.PERCENT_OFF, {"percent": "10"})


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_everything_has_words_in_every_language() -> None:
    assert set(TEMPLATES) == {*(code.value for code in Code), LOWEST_PRICE}
    for key, texts in TEMPLATES.items():
        assert len(texts) == len(LANGUAGES)
        assert all(text.strip() for text in texts), key


def test_every_language_says_the_same_figures_of_what_is_missing_or_given() -> None:
    for key, texts in TEMPLATES.items():
        named = [fields_of(text) for text in texts]
        assert all(fields == named[0] for fields in named), key


def test_languages_differ_where_there_are_words() -> None:
    for key, texts in TEMPLATES.items():
        if key != "in_channel":
            assert len(set(texts)) == len(texts), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_pieces_have_every_plural_of_their_language(language: str) -> None:
    needed = {Locale(language).plural_form(count) for count in range(1, 1000)}
    assert needed <= set(PIECES[language])


def test_every_channel_has_a_name() -> None:
    assert set(CHANNELS) == set(get_args(Channel))
    assert all(len(names) == len(LANGUAGES) for names in CHANNELS.values())


@pytest.mark.parametrize(
    ("note", "locale", "currency", "sentence"),
    [
        (Note("A", Code.MORE_MONEY, {"missing_minor": 210}, TEN), "en", "EUR", "€2.10 more and: 10% off"),
        (Note("A", Code.MORE_MONEY, {"missing_minor": 2100}, TEN), "ko", "KRW", "₩2,100 더 담으면: 10% 할인"),
        (Note("A", Code.MORE_MONEY, {"missing_minor": 210}, TEN), "ja", "JPY", "あと￥210で：10%引き"),
        (
            Note("A", Code.MORE_MONEY, {"missing_minor": 210}, TEN),
            "pl",
            "PLN",
            "Jeszcze 2,10 zł, a otrzymasz: rabat 10%",
        ),
        (Note("A", Code.MORE_PIECES, {"pieces": 1}, TEN), "en", "EUR", "Just 1 piece more and: 10% off"),
        (Note("A", Code.MORE_PIECES, {"pieces": 1}, TEN), "pl", "PLN", "Jeszcze 1 sztuka, a otrzymasz: rabat 10%"),
        (Note("A", Code.MORE_PIECES, {"pieces": 3}, TEN), "pl", "PLN", "Jeszcze 3 sztuki, a otrzymasz: rabat 10%"),
        (Note("A", Code.MORE_PIECES, {"pieces": 5}, TEN), "pl", "PLN", "Jeszcze 5 sztuk, a otrzymasz: rabat 10%"),
        (Note("A", Code.WITH_CARD, {}, TEN), "ja", "JPY", "会員カードで：10%引き"),
        (Note("A", Code.FROM_DAY, {"day": "2026-11-27"}, TEN), "en", "EUR", "From Fri, Nov 27: 10% off"),
        (Note("A", Code.FROM_DAY, {"day": "2026-11-27"}, TEN), "ko", "KRW", "11월 27일 (금)부터: 10% 할인"),
        (Note("A", Code.IN_CHANNEL, {"channels": "web"}, TEN), "pl", "PLN", "W sklepie internetowym: rabat 10%"),
        (Note("A", Code.UNKNOWN_OFFER, {}), "en", "EUR", "This shop does not know the offer of this coupon"),
    ],
)
def test_a_note_is_said_as_the_language_says_it(note: Note, locale: str, currency: str, sentence: str) -> None:
    assert say_note(note, locale, currency).replace("\xa0", " ") == sentence


@pytest.mark.parametrize(
    ("reason", "locale", "sentence"),
    [
        (Reason(Code.CHEAPEST_FREE, {"buy": 2, "get": 1, "all": 3}), "en", "3 for the price of 2"),
        (Reason(Code.PERCENT_OFF, {"percent": "12.5"}), "pl", "rabat 12,5%"),
        (Reason(Code.SET_PRICE, {"pieces": 3, "price_minor": 500}), "pl-PL", "3 sztuki razem za 5,00 zł"),
        (Reason(Code.GIFT, {"pieces": 1}), "ko_KR", "사은품 1개"),
        (Reason(Code.AMOUNT_OFF, {"amount_minor": 150}), "fr", "PLN1.50 off"),
    ],
)
def test_a_reason_is_said_in_the_language_asked_for_or_in_english(reason: Reason, locale: str, sentence: str) -> None:
    assert say_reason(reason, locale, "PLN").replace("\xa0", " ") == sentence


def test_the_lowest_price_is_said_beside_the_reduced_one() -> None:
    assert say_lowest_price(799, "pl", "PLN").replace("\xa0", " ") == "Najniższa cena z 30 dni przed obniżką: 7,99 zł"
    assert say_lowest_price(799, "en", "EUR") == "Lowest price of the 30 days before: €7.99"
