"""Every word exists in every language and can be drawn."""

import pytest

from printers.cells import clean
from printers.contents import ReportWord, TenderKind
from printers.fonts import font_of
from printers.labels import LANGUAGES, Word, label, language_of

WORDS = [*Word, *TenderKind, *ReportWord]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_exists_in_every_language_and_has_a_font(language: str) -> None:
    for word in WORDS:
        text = label(word, language)
        assert text == text.strip()
        assert text
        for character in clean(text):
            assert font_of(character, language, bold=False, scale=1)


@pytest.mark.parametrize("language", ["ko", "ja", "pl"])
def test_the_words_are_translated_and_not_english(language: str) -> None:
    same = {word for word in WORDS if label(word, language) == label(word, "en")}
    assert same == set()


@pytest.mark.parametrize(
    ("locale", "language"), [("pl-PL", "pl"), ("ko_KR", "ko"), ("JA", "ja"), ("de", "en"), ("", "en")]
)
def test_a_language_we_do_not_have_is_printed_in_english(locale: str, language: str) -> None:
    assert language_of(locale) == language


def test_polish_paper_claims_to_be_no_fiscal_receipt() -> None:
    assert not any("paragon" in label(word, "pl").lower() for word in WORDS)
