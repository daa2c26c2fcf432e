"""The till's own pieces: the language catalogue, money without floats, ids, and the one file that others wrote."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.browser.conftest import OpenTill
from tests.browser.shop_service import Till
from tests.browser.till_screen import TillScreen

STATIC = Path(__file__).parents[2] / "kiosk" / "web" / "static"
SCRIPTS = sorted((STATIC / "till").glob("*.js"))
LANGUAGES = 4
# htm 3.1.1 from the npm registry, file htm/preact/standalone.module.js: Apache-2.0, with preact (MIT) inside.
VENDORED = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"
_TEXT = re.compile(r'^  (\w+): \[((?:"(?:[^"\\]|\\.)*"(?:, )?)+)\],$', re.MULTILINE)
_USED = re.compile(r'"((?:key|help|reason|report)_[a-z_]+)"|say\("([a-z_]+)"')


def catalogue(file: str = "texts.js") -> dict[str, list[str]]:
    """All texts by key, as written."""
    source = (STATIC / "till" / file).read_text()
    return {key: re.findall(r'"((?:[^"\\]|\\.)*)"', texts) for key, texts in _TEXT.findall(source)}


def test_the_vendored_file_is_the_published_one_and_has_its_licences_beside_it() -> None:
    vendor = STATIC / "vendor"
    assert hashlib.sha256((vendor / "htm-preact-standalone.js").read_bytes()).hexdigest() == VENDORED
    assert "Apache License" in (vendor / "htm-LICENSE.txt").read_text()
    assert "MIT License" in (vendor / "preact-LICENSE.txt").read_text()


@pytest.mark.parametrize("file", ["texts.js", "problem_texts.js"])
def test_every_text_is_there_in_four_languages_with_the_same_placeholders(file: str) -> None:
    texts = catalogue(file)
    assert len(texts) > 150
    wrong = {
        key: values
        for key, values in texts.items()
        if len(values) != LANGUAGES
        or not all(value.strip() for value in values)
        or len({tuple(sorted(re.findall(r"\{\w+\}", value))) for value in values}) != 1
    }
    assert wrong == {}


def test_the_catalogue_reads_the_same_in_the_browser(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    read = "async () => (await import('/static/till/texts.js')).TEXTS"
    assert screen.evaluate(read) == {key: list(values) for key, values in catalogue().items()}
    read = "async () => (await import('/static/till/problem_texts.js')).PROBLEMS"
    assert screen.evaluate(read) == {key: list(values) for key, values in catalogue("problem_texts.js").items()}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_text_that_a_script_names_is_in_the_catalogue(script: Path) -> None:
    named = {first or second for first, second in _USED.findall(script.read_text())}
    assert named - catalogue().keys() == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_short_and_ask_only_this_store(script: Path) -> None:
    source = script.read_text()
    assert source.startswith("// ")
    assert script.name == "texts.js" or source.count("\n") <= 250
    assert re.findall(r"https?://|\beval\(|innerHTML|dangerouslySet|style=", source) == []


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    page = (STATIC / "till.html").read_text()
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", page) == []


def ask(screen: TillScreen, module: str, expression: str) -> object:
    """Evaluate with the names of a module, in a store of two-digit euro."""
    return screen.evaluate(
        f"async () => {{ const m = await import('/static/till/{module}.js'); return {expression}; }}"
    )


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("12,5", 1250), ("12.50", 1250), ("0.07", 7), ("1 234,56", 123456), ("7", 700), ("0", 0),
     ("12.345", None), ("1.100", 110), ("", None), ("-1", None), ("1e3", None), ("1,2,3", None), ("9" * 10, None)],
)  # fmt: skip
def test_typed_amounts_become_whole_minor_units(open_till: OpenTill, till: Till, typed: str, minor: int | None) -> None:
    assert ask(open_till(till), "money", f"m.parseAmount('{typed}')") == minor


def test_money_is_shown_by_the_stores_currency_without_floats(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    terms = "m.setMoneyTerms({{currency: '{}', currency_digits: {}, locale: '{}', cash_rounding_step_minor: 1}}), "
    shown = [
        ask(screen, "money", f"({terms.format(currency, digits, locale)} m.money({minor}))")
        for currency, digits, locale, minor in [
            ("EUR", 2, "en", 900719925474099),
            ("KRW", 0, "ko", 12500),
            ("JPY", 0, "ja", 980),
            ("PLN", 2, "pl", -123456),
        ]
    ]
    assert [re.sub(r"[\s\u00a0\u202f]", " ", str(text)) for text in shown] == [
        "€9,007,199,254,740.99",
        "₩12,500",
        "￥980",
        "-1234,56 zł",
    ]


def test_likely_cash_is_what_notes_make(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    assert ask(screen, "cash", "m.likelyCash(1258)") == [1500, 2000, 5000, 10000]
    assert ask(screen, "cash", "m.likelyCash(1000)") == [2000, 5000, 10000, 20000]


@pytest.mark.parametrize(("minor", "rounded"), [(258, 260), (257, 255), (-258, -260), (0, 0)])
def test_cash_is_rounded_as_the_store_rounds_it(open_till: OpenTill, till: Till, minor: int, rounded: int) -> None:
    assert ask(open_till(till), "cash", f"m.roundCash({minor}, 5)") == rounded


def test_ids_are_uuids_of_version_7_in_the_order_they_were_made(open_till: OpenTill, till: Till) -> None:
    made = ask(open_till(till), "ids", "[m.newId(1), m.newId(2 ** 40), m.newId(2 ** 40 + 1)]")
    assert isinstance(made, list)
    assert made == sorted(made)
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in made
    )
    assert made[0].startswith("00000000-0001-7")


def test_refunds_go_first_where_the_cashier_says_and_end_at_the_sum(open_till: OpenTill, till: Till) -> None:
    quote = "{refund_minor: 1000, refunds_allowed: [{kind: 'card', max_minor: 700}, {kind: 'cash', max_minor: 900}]}"
    screen = open_till(till)
    card_first = [{"kind": "card", "amount_minor": 700}, {"kind": "cash", "amount_minor": 300}]
    cash_first = [{"kind": "cash", "amount_minor": 900}, {"kind": "card", "amount_minor": 100}]
    assert ask(screen, "corrections", f"m.planRefunds({quote}, '')") == card_first
    assert ask(screen, "corrections", f"m.planRefunds({quote}, 'cash')") == cash_first
    assert ask(screen, "corrections", f"m.planRefunds({quote.replace('1000', '9999')}, '')") == []
