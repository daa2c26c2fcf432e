"""The kiosk's own pieces: its language catalogue, what its scripts name, and what they may not do."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "kiosk" / "web" / "static"
SCRIPTS = sorted((STATIC / "kiosk").glob("*.js"))
LANGUAGES = 4
_TEXT = re.compile(r'^  (\w+): \[((?:"(?:[^"\\]|\\.)*"(?:, )?)+)\],$', re.MULTILINE)
_USED = re.compile(r'\bsay(?:In)?\((?:language, )?"([a-z_]+)"')
_CHOSEN = re.compile(r'\? "([a-z_]+)" : "([a-z_]+)"')
_CODE = re.compile(r'\bcode(?:, \w+)* = (?:\(\s*)?"([a-z_]+)"')
# What a shopper can do something about; for every other refusal the kiosk sends her to the till.
_FOLLOWABLE = ("kiosk/identity/proofs.py", "kiosk/coupons/kiosk_coupons.py")
_FOR_STAFF = {"factor_proof_needed", "chain_coupon_forbidden", "proof_needed"}


def catalogue() -> dict[str, list[str]]:
    """All texts by key, as written."""
    source = (STATIC / "kiosk" / "texts.js").read_text()
    return {key: re.findall(r'"((?:[^"\\]|\\.)*)"', texts) for key, texts in _TEXT.findall(source)}


def test_every_text_is_there_in_four_languages_with_the_same_placeholders() -> None:
    texts = catalogue()
    assert len(texts) > 120
    wrong = {
        key: values
        for key, values in texts.items()
        if len(values) != LANGUAGES
        or not all(value.strip() for value in values)
        or len({tuple(sorted(re.findall(r"\{\w+\}", value))) for value in values}) != 1
    }
    assert wrong == {}


def test_every_line_of_the_catalogue_was_read() -> None:
    source = (STATIC / "kiosk" / "texts.js").read_text()
    written = re.findall(r"^  (\w+): \[", source, re.MULTILINE)
    assert sorted(written) == sorted(catalogue())
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_text_that_a_script_names_is_in_the_catalogue(script: Path) -> None:
    source = script.read_text()
    named = {name for name in _USED.findall(source) if not name.endswith("_")}
    for call in re.findall(r"say\([^`()]*\)", source):
        named |= {name for pair in _CHOSEN.findall(call) for name in pair}
    assert named - catalogue().keys() == set()


def test_what_a_shopper_can_mend_herself_is_said_in_her_language() -> None:
    source = "".join((STATIC.parents[2] / path).read_text() for path in _FOLLOWABLE)
    codes = set(_CODE.findall(source))
    assert len(codes) > 12
    assert {code for code in codes - _FOR_STAFF if f"problem_{code}" not in catalogue()} == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_short_and_ask_only_this_store(script: Path) -> None:
    source = script.read_text()
    assert source.startswith("// ")
    assert script.name == "texts.js" or source.count("\n") <= 250
    assert re.findall(r"https?://|\beval\(|innerHTML|dangerouslySet|style=|sessionStorage|indexedDB", source) == []


def test_only_the_devices_own_token_is_ever_stored() -> None:
    storing = [script.name for script in SCRIPTS if re.search(r"localStorage|document\.cookie", script.read_text())]
    assert storing == ["device.js"]


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = (STATIC / "kiosk.html").read_text()
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", page) == []
