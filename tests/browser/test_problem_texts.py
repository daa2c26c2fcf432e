"""Whatever the service refuses on a till is said in the words of the till, in the language of the shop."""

from collections.abc import Iterable

import pytest

from tests.browser.conftest import OpenTill
from tests.browser.shop_service import Till
from tests.browser.test_till_files import catalogue
from tests.tidy.test_errors import error_classes

# Modules whose refusals no till can get, and why.
ELSEWHERE = {
    "kiosk.life.backup": "a command",
    "kiosk.bench": "a command",
    "kiosk.config": "before the service starts",
    "kiosk.demo": "a command",
    "kiosk.life.initialise": "a command",
    "kiosk.coupons.keyring": "a manager's tools",
    "kiosk.life.lives": "before the service starts",
    "kiosk.life.rebuild": "a command",
    "kiosk.replay.replay_folder": "a command",
    "kiosk.serve": "before the service starts",
    "kiosk.life.start": "before the service starts",
    "kiosk.members.tombstones": "before the service starts",
    "loyalty.keys": "head office's list of keys",
    "sync.db": "before the service starts",
    "kiosk.program.activities": "partners and the kiosk",
    "loyalty.activities": "partners and the kiosk",
    "kiosk.coupons.kiosk_coupons": "the kiosk",
    "kiosk.members.member_records": "a manager's tools",
    "kiosk.offers.offer_service": "a manager's tools",
    "loyalty.offers": "a manager's tools",
    "loyalty.earning_rules": "a manager's tools",
    "kiosk.catalogue.product_service": "a manager's tools",
    "kiosk.program.program_service": "a manager's tools",
    "sync.http.paging": "a cursor that the till did not make",
    "kiosk.life.enrolment": "a command",
    "kiosk.life.recover": "a command",
    "sync.agent": "the line to head office, which no till waits for",
    "sync.engines": "before head office starts",
    "sync.journal_mending": "the line to head office, which no till waits for",
    "sync.hub": "head office, which a till never speaks to",
    "sync.protocol": "head office and the store's agent between themselves",
}
# What only a wrong program can bring about: the service's own words are as good as any.
PROGRAMS_FAULT = {"not_json", "broken_request", "method_not_allowed", "unsupported_media", "body_too_large"}
LONGEST = 100


def codes_of_a_till(classes: Iterable[type]) -> set[str]:
    """The codes that a till may have to show."""
    return {
        str(vars(found)["code"])
        for found in classes
        if not any(f"{found.__module__}.".startswith(f"{module}.") for module in ELSEWHERE)
    } - PROGRAMS_FAULT


def test_every_refusal_that_a_till_can_get_has_its_text_in_every_language() -> None:
    known = catalogue("problem_texts.js")
    assert codes_of_a_till(error_classes()) - known.keys() == set()
    assert known.keys() - {str(vars(found)["code"]) for found in error_classes()} == set()


def test_each_language_has_words_of_its_own() -> None:
    alike = {code: texts for code, texts in catalogue("problem_texts.js").items() if len(set(texts)) != len(texts)}
    assert alike == {}
    for code, (en, ko, ja, pl) in catalogue("problem_texts.js").items():
        assert en.isascii() or "…" in en, code
        assert any("\uac00" <= letter <= "\ud7a3" for letter in ko), code
        assert any("\u3041" <= letter <= "\u30ff" for letter in ja), code
        assert not any("\u3041" <= letter <= "\ud7a3" for letter in pl), code
        assert max(map(len, (en, ko, ja, pl))) <= LONGEST, code


def test_a_new_refusal_without_a_text_is_found() -> None:
    class Lost:
        """The receipt blew away."""

        code = "lost"

    Lost.__module__ = "kiosk.sales.returns"
    assert codes_of_a_till([Lost]) == {"lost"}
    Lost.__module__ = "kiosk.life.backup"
    assert codes_of_a_till([Lost]) == set()
    Lost.__module__ = "kiosk.backups"
    assert codes_of_a_till([Lost]) == {"lost"}


@pytest.mark.parametrize(
    ("locale", "problem", "shown"),
    [
        ("pl", "{code: 'wrong_store', title: 'x'}", ["To kupon innego sklepu.", ""]),
        ("ja", "{code: 'underpaid', missing_minor: 250}", ["€2.50 足りません。記帳されていません。", ""]),
        (
            "ko",
            "{code: 'invalid_input', title: 't', detail: 'At /lines/0.'}",
            ["값이 올바르지 않습니다.", "At /lines/0."],
        ),
        ("pl", "{code: 'made_later', title: 'Later.', detail: 'By T02.', hint: 'Wait.'}", ["Later. By T02.", "Wait."]),
    ],
)
def test_a_refusal_is_said_in_the_shops_language_or_in_the_services_words(
    open_till: OpenTill, till: Till, locale: str, problem: str, shown: list[str]
) -> None:
    screen = open_till(till)
    said = screen.evaluate(
        f"""async () => {{
          const texts = await import('/static/till/texts.js');
          texts.setLanguage('{locale}');
          const refused = new (await import('/static/till/api.js')).Refused(422, {problem});
          const {{ text, hint }} = (await import('/static/till/problems.js')).sayProblem(refused);
          return [text, hint];
        }}"""
    )
    assert said == shown
