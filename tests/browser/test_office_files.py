"""The pieces of head office's screens: catalogues in four languages, short scripts, no code or style in the page."""

import re
from pathlib import Path

import pytest

from sync.hub.reports import (
    cohorts,
    exposure,
    journeys,
    liability,
    offers,
    segments,
    shop_reports,
)
from sync.hub.reports.catalogue import BUILDERS

STATIC = Path(__file__).parents[2] / "sync" / "hub" / "web" / "static"
SCRIPTS = sorted((STATIC / "office").glob("*.js"))
CATALOGUES = ("texts.js", "report_texts.js")
LANGUAGES = 4
_TEXT = re.compile(r'^  (\w+): \[((?:"(?:[^"\\]|\\.)*"(?:, )?)+)\],$', re.MULTILINE)
_SECTION = re.compile(r"^export const (\w+) = \{$(.*?)^\};$", re.MULTILINE | re.DOTALL)
_USED = re.compile(r'say\("([a-z_]+)"')
_NOTE = re.compile(r'Note\(\s*"(\w+)"')


def catalogues() -> dict[str, dict[str, list[str]]]:
    """All texts by section and key, as written."""
    sections = {}
    for file in CATALOGUES:
        for name, body in _SECTION.findall((STATIC / "office" / file).read_text(encoding="utf-8")):
            sections[name] = {key: re.findall(r'"((?:[^"\\]|\\.)*)"', texts) for key, texts in _TEXT.findall(body)}
    return sections


@pytest.mark.parametrize("section", ["TEXTS", "COLUMNS", "WORDS", "NOTES"])
def test_every_text_is_there_in_four_languages_with_the_same_placeholders(section: str) -> None:
    texts = catalogues()[section]
    assert len(texts) > 15
    wrong = {
        key: values
        for key, values in texts.items()
        if len(values) != LANGUAGES
        or not all(value.strip() for value in values)
        or len({tuple(sorted(re.findall(r"\{\w+\}", value))) for value in values}) != 1
    }
    assert wrong == {}


@pytest.mark.parametrize("section", ["TEXTS", "NOTES"])
def test_each_language_has_its_own_letters(section: str) -> None:
    for key, (en, ko, ja, pl) in catalogues()[section].items():
        assert en.isascii() or "…" in en, key
        assert any("\uac00" <= letter <= "\ud7a3" for letter in ko), key
        assert any("\u3041" <= letter <= "\u9fff" for letter in ja), key
        assert not any("\u3041" <= letter <= "\ud7a3" for letter in pl), key


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_text_that_a_script_names_is_in_the_catalogue(script: Path) -> None:
    named = set(_USED.findall(script.read_text(encoding="utf-8")))
    assert named - catalogues()["TEXTS"].keys() == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_short_and_ask_only_this_head_office(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert source.startswith("// ")
    assert script.name in CATALOGUES or source.count("\n") <= 250
    assert re.findall(r"https?://(?!www\.w3\.org)|\beval\(|innerHTML|style=|\.style\b", source) == []


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = (STATIC / "office.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", page) == []


def test_every_report_chart_column_and_note_has_its_text() -> None:
    texts, columns, notes = (catalogues()[name] for name in ("TEXTS", "COLUMNS", "NOTES"))
    assert {f"report_{name.replace('-', '_')}" for name in BUILDERS} <= texts.keys()
    named = {
        *(*shop_reports.SALES_COLUMNS, *shop_reports.TENDER_COLUMNS, *shop_reports.TAX_COLUMNS),
        *(*shop_reports.POINTS_COLUMNS, *shop_reports.REDEMPTION_COLUMNS, *shop_reports.CASH_UP_COLUMNS),
        *shop_reports.DAY_CLOSE_COLUMNS,
        *(*segments.COLUMNS, *offers.COLUMNS, *liability.COLUMNS, *exposure.COLUMNS),
        *(*cohorts.RETENTION_COLUMNS, *cohorts.VALUE_COLUMNS, *journeys.TOUCH_COLUMNS, *journeys.CHANNEL_COLUMNS),
    }
    assert named - columns.keys() == set()
    folder = Path(shop_reports.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert set(_NOTE.findall(sources)) == notes.keys()
    charts = set(re.findall(r'\[?\("(\w+)", (?:_by_day|_pairs|bars|heat|grid|intervals|Bars)', sources))
    assert {f"chart_{name}" for name in charts} <= texts.keys()
    assert len(charts) > 10


def test_every_segment_has_its_word() -> None:
    words = catalogues()["WORDS"]
    docs = segments.__doc__ or ""
    names = set(re.findall(r"\b(champions|loyal|promising|new|fading|asleep|at_risk|gone|none)\b", docs))
    assert len(names) == 9
    assert names <= words.keys()
