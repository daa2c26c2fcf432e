"""A loyalty card that nobody in the store knows, at the till: taken in by keyboard alone, so that it earns at once."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from kiosk.life.feed_bases import path_of
from kiosk.life.start import DATABASE_NAME
from kiosk.life.told import STUB_KEY
from loyalty.identity import make_card
from sync.db import connect
from sync.db_connections import connect_single
from sync.feed_file import add_stubs, lay_out
from sync.protocol.snapshots import STUBS
from sync.stubs import KNOWN, REPLACED, stub_of
from tests.browser.conftest import OpenTill
from tests.browser.line import Line
from tests.browser.shop_service import ESPRESSO, ShopService, Till, new_id
from tests.browser.test_till import fill, pay_exactly
from tests.browser.test_till_rewards import look_closely

ELSEWHERE, ELSEWHERE_TOO, LOST, *NOBODYS = (make_card(bytes(6) + bytes([n])) for n in range(1, 10))
KEY = bytes(range(32))
FILE = "ab" * 8
CUT = 1_795_273_200_000  # 21 November 2026, 15:00 UTC


class StubShop(ShopService):
    """A store that was told of the cards of other shops' members, and has no line to head office."""

    def tell_of_cards(self, folder: Path) -> None:
        """What a snapshot of head office leaves: a file of stubs, and the rows that name it."""
        data = folder / "data"
        file = path_of(data, FILE)
        file.parent.mkdir(exist_ok=True)
        with contextlib.closing(connect_single(file)) as connection:
            lay_out(connection, stubs=True)
            known = [(stub_of(KEY, card), KNOWN) for card in (ELSEWHERE, ELSEWHERE_TOO)]
            add_stubs(connection, [*known, (stub_of(KEY, LOST), REPLACED)])
        with contextlib.closing(connect(data / DATABASE_NAME)) as connection:
            connection.execute("INSERT INTO feed_base (bucket, file, generation) VALUES (?, ?, 0)", (STUBS, FILE))
            connection.execute("INSERT INTO head_office_note (name, value) VALUES (?, ?)", (STUB_KEY, KEY.hex()))
            connection.execute(
                "INSERT INTO head_office_line (name, state, since) VALUES ('line', 'offline', ?)", (CUT,)
            )

    def find(self, card: str) -> dict[str, Any]:
        """Whom the card stands for now."""
        found = self.call("POST", "/v1/members/resolve", {"token": card}, self.manager)
        return dict(self.call("GET", f"/v1/members/{found['member']['id']}", None, self.manager))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[StubShop]:
    """In place of the plain store."""
    folder = tmp_path_factory.mktemp("cards")
    running = StubShop(folder)
    running.close()
    running.tell_of_cards(folder)
    running.start()
    with running:
        yield running


def test_a_card_of_another_shop_is_taken_in_with_one_key_and_earns(
    open_till: OpenTill, shop: StubShop, till: Till
) -> None:
    screen = open_till(till)
    fill(screen, ESPRESSO)
    screen.scan(ELSEWHERE)
    screen.expect_text("dialog h2", "Card of another shop's member")
    screen.expect_text("dialog", ELSEWHERE)
    screen.expect_count("dialog footer button", 2)
    screen.expect_focus("dialog button.main")
    screen.press("Enter")
    screen.expect_text(".notice.good", "Card taken in")
    screen.expect_text(".sums .earn >> nth=1", "+14")
    pay_exactly(screen)
    (sale,) = shop.sales_of(till)
    member = shop.find(ELSEWHERE)
    assert (sale["member"], sale["points"]["earned"]) == (member["id"], 14)
    assert (member["name"], member["consents"]) == (None, [])
    screen.scan(ELSEWHERE)
    expect(screen.page.locator(".customer .points")).to_contain_text("14")
    screen.expect_count("dialog", 0)
    screen.press("F4")
    screen.expect_text("dialog .standing", "Not confirmed by head office yet · as of")
    screen.expect_text("dialog .standing", "Nov 21")


def test_whoever_is_not_taken_in_buys_without_a_card(open_till: OpenTill, shop: StubShop, till: Till) -> None:
    screen = open_till(till)
    fill(screen, ESPRESSO)
    screen.scan(ELSEWHERE_TOO)
    screen.expect_focus("dialog button.main")
    screen.press("Escape")
    screen.expect_count("dialog", 0)
    screen.expect_text(".customer", "No customer")
    pay_exactly(screen)
    assert [sale["member"] for sale in shop.sales_of(till)] == [None]


def test_a_card_that_was_reported_lost_is_refused_and_not_offered(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    screen.scan(LOST)
    screen.expect_text(".notice.bad", "replaced")
    screen.expect_count("dialog", 0)


def test_a_card_is_asked_about_again_and_found_once_somebody_has_it(
    open_till: OpenTill, shop: StubShop, till: Till
) -> None:
    card = NOBODYS[0]
    screen = open_till(till)
    screen.press("F4")
    screen.expect_focus("#phone")
    screen.scan(card)
    screen.expect_text("dialog h2", "Nobody here has this card")
    again = screen.page.get_by_text("Ask again")
    again.press("Enter")
    screen.expect_text(".notice.bad", "Still nobody")
    shop.call("POST", "/v1/members", {"id": new_id(), "locale": "en", "name": "Ewa Lis", "card": card}, till.token)
    again.press("Enter")
    screen.expect_text(".customer", "Ewa Lis")
    screen.expect_count("dialog", 0)


def test_a_card_that_another_till_took_in_meanwhile_is_that_member_s(
    open_till: OpenTill, shop: StubShop, till: Till
) -> None:
    card = NOBODYS[1]
    screen = open_till(till)
    screen.scan(card)
    screen.expect_focus("dialog button.main")
    shop.call("POST", "/v1/members", {"id": new_id(), "locale": "en", "name": "Ola Kos", "card": card}, till.token)
    screen.press("Enter")
    screen.expect_text(".customer", "Ola Kos")


def test_an_answer_that_is_lost_takes_the_card_in_once(open_till: OpenTill, shop: StubShop, till: Till) -> None:
    card = NOBODYS[2]
    screen = open_till(till)
    line = Line(screen.page, "**/v1/members")
    line.lose_answers(times=1)
    screen.scan(card)
    screen.expect_focus("dialog button.main")
    screen.press("Enter")
    screen.expect_text("dialog .problem", "did not answer")
    screen.page.locator("dialog button.main").press("Enter")
    screen.expect_text(".notice.good", "Card taken in")
    assert len(line.sent) == 2
    assert line.sent[0] == line.sent[1]
    assert shop.find(card)["id"] == line.sent[0]["id"]


def test_a_new_member_joins_with_the_card_that_was_scanned(open_till: OpenTill, shop: StubShop, till: Till) -> None:
    screen = open_till(till)
    screen.type(NOBODYS[3])
    screen.press("Enter")
    screen.expect_text("dialog h2", "Nobody here has this card")
    screen.page.locator("dialog footer").get_by_text("New member").press("Enter")
    screen.expect_focus("#enrol-name")
    screen.expect_text("dialog .lead", NOBODYS[3])
    screen.scan(NOBODYS[4])
    screen.expect_text("dialog .lead", NOBODYS[4])
    screen.type("Iga Maj")
    screen.press("Enter")
    screen.expect_text(".notice.good", "Welcome, Iga Maj.")
    assert shop.find(NOBODYS[4])["name"] == "Iga Maj"


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1280, 800)])
@pytest.mark.parametrize("language", ["en", "ko", "ja", "pl"])
def test_the_question_about_a_card_fits_in_every_language(
    open_till: OpenTill, till: Till, language: str, width: int, height: int
) -> None:
    screen = open_till(till, width=width, height=height)
    load = "async (to) => { (await import('/static/till/texts.js')).setLanguage(to);"
    screen.evaluate(f"{load} (await import('/static/till/state.js')).change({{}}); }}", language)
    for card in (ELSEWHERE_TOO, NOBODYS[5]):
        screen.scan(card)
        screen.expect_text("dialog[open]", card)
        look_closely(screen)
        screen.press("Escape")
        screen.expect_count("dialog", 0)
