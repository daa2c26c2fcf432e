"""The kiosk as shoppers use it: every job, in their languages, by touch, keypad and scanner."""

import time
from collections.abc import Callable, Generator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser

from loyalty.one_time_codes import STEP_MS, read_secret
from tests.browser.kiosk_screen import LANGUAGES, KioskScreen
from tests.browser.kiosk_shop import OFFER, PAID_OFFER, REWARD_POINTS, REWARD_TITLE, KioskShop, Member, PrinterThread
from tests.browser.line import Line
from tests.browser.shop_service import new_id
from tests.phone import make_rotating

OpenKiosk = Callable[..., KioskScreen]
PORTRAIT, LANDSCAPE = (1080, 1920), (1280, 800)
TWO = pytest.mark.parametrize("language", ["pl", "ko"])


@pytest.fixture(scope="module")
def kiosk_shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[KioskShop]:
    """A store with a kiosk, and its printer."""
    with PrinterThread() as printer, KioskShop(tmp_path_factory.mktemp("kiosk"), printer) as running:
        yield running


@pytest.fixture
def open_kiosk(browser: Browser, kiosk_shop: KioskShop) -> Generator[OpenKiosk]:
    """Opens kiosks, each in a browser profile of its own, and checks afterwards that none complained."""
    screens: list[KioskScreen] = []

    def open_one(size: tuple[int, int] = PORTRAIT) -> KioskScreen:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="en-GB", reduced_motion="reduce", has_touch=True
        )
        screen = KioskScreen(context, kiosk_shop)
        screens.append(screen)
        screen.arrive()
        return screen

    yield open_one
    for screen in screens:
        screen.context.close()
    assert [complaint for screen in screens for complaint in screen.complaints] == []
    hosts = {host for screen in screens for host in screen.hosts if host.startswith("http")}
    assert {host for host in hosts if not host.startswith(kiosk_shop.address)} == set()


@pytest.mark.parametrize("letter", ["\ud55c", "\u958b", "\u30b9"])
def test_a_machine_without_asian_fonts_draws_their_letters_all_the_same(open_kiosk: OpenKiosk, letter: str) -> None:
    screen = open_kiosk()
    drawn = """async (letter) => {
        const faces = await document.fonts.load('40px "Counterfoil CJK"', letter);
        const paint = (text) => {
          const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
          pen.font = "40px " + getComputedStyle(document.documentElement).fontFamily;
          pen.fillText(text, 10, 60);
          return canvas.toDataURL();
        };
        return [faces.map((face) => face.status), paint(letter) !== paint("\\uffff")];
      }"""
    assert screen.evaluate(drawn, letter) == [["loaded"], True]


# -- the jobs ----------------------------------------------------------------------------------------------------------


@TWO
def test_a_member_sees_her_points_after_the_pin_and_not_before(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop, language: str
) -> None:
    anna, screen = kiosk_shop.new_member(points=1234), open_kiosk()
    screen.begin(language)
    screen.expect_text("h1", screen.say("menu_title", language))
    screen.touch("[data-job=points]")
    screen.dial(anna.phone)
    screen.expect_text(".who", "A. · +48 ••• •••")
    assert screen.left_over(anna.name, anna.phone, anna.phone[3:], "1234", "1,234", "1 234") == []
    screen.dial("9999", "proof")
    screen.expect_text(".notice", screen.say("problem_member_pin_wrong", language))
    screen.dial(anna.pin, "proof")
    screen.wait(".sum")
    assert "".join(character for character in screen.read(".sum output") if character.isdigit()) == "1234"
    assert screen.left_over(anna.name, anna.phone, anna.phone[3:]) == []


@TWO
def test_a_free_coupon_is_printed_and_shown(open_kiosk: OpenKiosk, kiosk_shop: KioskShop, language: str) -> None:
    anna, screen, papers = kiosk_shop.new_member(locale=language), open_kiosk(), kiosk_shop.printer.jobs
    screen.come_in("coupons", anna, language)
    screen.touch(".group button.row")
    screen.expect_text(".confirm .lead", screen.say("confirm_free", language))
    screen.touch(".confirm button.main")
    screen.wait("svg.code")
    (coupon,) = kiosk_shop.coupons_of(anna)
    assert (screen.read(".typed output"), coupon["offer"], coupon["state"]) == (coupon["code"], OFFER, "live")
    until(lambda: kiosk_shop.printer.jobs == papers + 1)
    assert kiosk_shop.points_of(anna)["active"] == 500


@TWO
def test_a_reward_is_taken_for_points_and_found_again(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop, language: str
) -> None:
    anna, screen = kiosk_shop.new_member(points=400), open_kiosk()
    screen.come_in("coupons", anna, language)
    screen.touch(f".group button.row:has-text('{REWARD_TITLE[language]}')")
    screen.expect_text(".confirm .lead", "250")
    screen.touch(".ways button:last-child")
    screen.wait("svg.code")
    screen.expect_text(".shown > b", REWARD_TITLE[language])
    (coupon,) = kiosk_shop.coupons_of(anna)
    points = kiosk_shop.points_of(anna)
    assert (coupon["offer"], points["active"], points["held"]) == (PAID_OFFER, 400 - REWARD_POINTS, 0)
    screen.press("Escape")
    screen.touch(".group:first-child button.row")
    screen.expect_text(".typed output", coupon["code"])
    assert len(kiosk_shop.coupons_of(anna)) == 1


@TWO
def test_somebody_joins_with_one_consent_and_a_pin(open_kiosk: OpenKiosk, kiosk_shop: KioskShop, language: str) -> None:
    screen = open_kiosk()
    phone = kiosk_shop.new_phone()
    screen.begin(language)
    screen.touch("[data-job=join]")
    for digit in phone:
        screen.page.locator(".join .pad button").get_by_text(digit, exact=True).click()
    screen.touch(".fields .field:nth-child(2)")
    for letter in "ANNA":
        screen.page.locator(".letters button").get_by_text(letter, exact=False).first.click()
    screen.touch(".ask button.main")
    screen.wait(".join-consents")
    assert screen.page.locator(".tick[aria-checked=true]").count() == 0
    screen.touch(".tick")
    screen.touch(".join-consents button.main")
    screen.dial("4711", "join-pin")
    screen.expect_text("h1", screen.say("repeat_pin", language))
    screen.dial("4712", "join-pin")
    screen.expect_text(".notice", screen.say("pin_differs", language))
    screen.dial("4711", "join-pin")
    screen.expect_text("h1", screen.say("repeat_pin", language))
    screen.dial("4711", "join-pin")
    screen.wait(".joined svg.code")
    card = screen.read(".typed output").replace(" ", "")
    found = kiosk_shop.call("POST", "/v1/members/resolve", {"token": card}, kiosk_shop.manager)["member"]
    joined = kiosk_shop.call("GET", f"/v1/members/{found['id']}", None, kiosk_shop.manager)
    assert (joined["name"], joined["phone"], joined["locale"]) == ("Anna", f"+48{phone}", language)
    assert kiosk_shop.consents_of(joined["id"]) == {("sms", "offers"): True}
    assert joined["has_pin"]
    screen.touch(".joined button.main")
    screen.wait(".touch")
    assert screen.left_over(card, phone, "Anna", joined["id"]) == []


def test_without_a_tick_nothing_is_consented_to(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    screen = open_kiosk(LANDSCAPE)
    screen.begin()
    screen.touch("[data-job=join]")
    screen.dial(kiosk_shop.new_phone(), "join")
    screen.touch(".join-consents button.main")
    screen.touch(".join-pin .ways button:last-child")
    screen.wait(".joined svg.code")
    card = screen.read(".typed output").replace(" ", "")
    found = kiosk_shop.call("POST", "/v1/members/resolve", {"token": card}, kiosk_shop.manager)["member"]
    assert kiosk_shop.consents_of(found["id"]) == {}


@TWO
def test_a_consent_is_given_and_taken_back(open_kiosk: OpenKiosk, kiosk_shop: KioskShop, language: str) -> None:
    anna, screen = kiosk_shop.new_member(), open_kiosk()
    screen.come_in("consents", anna, language)
    assert screen.page.locator(".tick").count() == 2
    for wanted in ("true", "false"):
        screen.touch(".tick")
        screen.touch(".consents button.main")
        screen.expect_text(".notice.good", screen.say("consents_saved", language))
        assert screen.page.locator(".tick").first.get_attribute("aria-checked") == wanted
        assert kiosk_shop.consents_of(anna.id) == {("sms", "offers"): wanted == "true"}


def test_two_who_share_a_phone_are_asked_which_of_them_it_is(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    anna = kiosk_shop.new_member("Anna Nowak", points=11)
    ben = kiosk_shop.new_member("Ben Nowak", points=22, pin="8642", phone=anna.phone)
    screen = open_kiosk()
    screen.begin()
    screen.touch("[data-job=points]")
    screen.dial(anna.phone)
    screen.touch(".people .row:has-text('B.')")
    screen.dial(ben.pin, "proof")
    screen.expect_text(".sum output", "22")


# -- scanner and keypad ------------------------------------------------------------------------------------------------


def test_a_scanned_card_begins_and_another_ones_ends_the_visit(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    anna = kiosk_shop.new_member("Anna Nowak", locale="pl", points=31)
    ben = kiosk_shop.new_member("Ben Kowal", locale="en", points=32)
    screen = open_kiosk()
    screen.scan(anna.card)
    screen.expect_text("h1", screen.say("hello", "pl").format(name="A."))
    screen.touch("[data-job=points]")
    screen.dial(anna.pin, "proof")
    screen.expect_text(".sum output", "31")
    screen.scan(ben.card)
    screen.expect_text("h1", screen.say("hello", "en").format(name="B."))
    assert screen.left_over(anna.id, "A.") == []
    assert screen.remembered()["proof"] is None


def test_the_changing_code_of_a_phone_identifies_and_proves_in_one_scan(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop
) -> None:
    anna = kiosk_shop.new_member(points=77)
    made = kiosk_shop.call("POST", f"/v1/members/{anna.id}/code-secrets", {}, kiosk_shop.manager)
    secret = read_secret(parse_qs(urlsplit(made["uri"]).query)["secret"][0])
    screen = open_kiosk()
    screen.begin()
    screen.touch("[data-job=points]")
    screen.wait(".identify")
    # A phone half a minute ahead: its code is good for a minute from now on, however slow the machine.
    shown = make_rotating(anna.card, secret, time.time_ns() // 1_000_000 + STEP_MS)
    screen.scan(shown)
    screen.expect_text(".sum output", "77")
    screen.touch(".keys button:nth-child(2)")
    screen.wait(".touch")
    screen.scan(shown)  # the picture of a code that was used
    screen.expect_text(".notice", screen.say("problem_code_used", "en"))
    assert screen.page.locator(".sum").count() == 0


def test_a_card_alone_proves_nothing_and_what_is_no_card_is_said_to_be_unknown(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop
) -> None:
    anna, screen = kiosk_shop.new_member(), open_kiosk()
    screen.scan("5901234123457")
    screen.expect_text(".notice", screen.say("problem_unknown_member", "en"))
    screen.begin()
    screen.touch("[data-job=points]")
    screen.dial(anna.phone)
    screen.wait(".proof")
    screen.scan(anna.card)
    screen.expect_text(".notice", screen.say("problem_card_proves_nothing", "en"))
    assert screen.read(".entry output") == ""


def test_the_digits_of_a_scan_are_never_typed_into_the_pin(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    anna, screen = kiosk_shop.new_member(), open_kiosk()
    screen.begin()
    screen.touch("[data-job=points]")
    screen.dial(anna.phone)
    screen.wait(".proof")
    screen.type("4")
    screen.expect_text(".entry output", "●")
    for scan in (screen.scan, screen.scan_late):
        scan(anna.card)
        screen.expect_text(".notice", screen.say("problem_card_proves_nothing", "en"))
        screen.page.wait_for_timeout(150)
        assert screen.read(".entry output") == ""
        screen.type("4")
        screen.expect_text(".entry output", "●")


def test_a_keypad_is_enough(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    anna, screen = kiosk_shop.new_member(), open_kiosk(LANDSCAPE)
    screen.press("Tab")
    screen.press("Enter")
    screen.wait(".menu")
    screen.press("ArrowRight")
    screen.press("Enter")
    screen.wait(".identify")
    screen.type(anna.phone[3:])
    screen.expect_text(".entry output", anna.phone[3:])
    screen.press("Enter")
    screen.wait(".proof")
    screen.type(anna.pin + "9")
    screen.expect_text(".entry output", "●●●●●")
    screen.press("Backspace")
    until(lambda: screen.read(".entry output") == "●●●●")
    screen.press("Enter")
    screen.wait(".coupons")
    screen.press("ArrowDown")
    screen.press("Enter")
    screen.wait(".confirm")
    screen.press("ArrowRight")
    screen.press("Enter")
    screen.wait("svg.code")
    assert len(kiosk_shop.coupons_of(anna)) == 1
    screen.press("Enter")  # Done has the focus
    screen.wait(".touch")


def test_back_start_over_and_help_are_always_in_the_same_place(open_kiosk: OpenKiosk, kiosk_shop: KioskShop) -> None:
    anna, screen = kiosk_shop.new_member(), open_kiosk()
    screen.begin()
    places = [screen.page.locator(".keys").bounding_box()]
    screen.touch("[data-job=coupons]")
    screen.dial(anna.phone)
    places.append(screen.page.locator(".keys").bounding_box())
    screen.dial(anna.pin, "proof")
    screen.wait(".coupons")
    places.append(screen.page.locator(".keys").bounding_box())
    assert all(place == places[0] for place in places)
    screen.touch(".keys button:nth-child(3)")
    screen.expect_text("[role=dialog]", screen.say("staff_called", "en"))
    screen.touch("[role=dialog] button")
    screen.touch(".group button.row")
    screen.wait(".confirm")
    for expected in (".coupons", ".menu", ".touch"):
        screen.touch(".keys button:first-child") if expected != ".coupons" else screen.press("Escape")
        screen.wait(expected)


def test_the_tills_hear_of_who_calls_the_staff_until_she_needs_no_help(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop
) -> None:
    def waits() -> bool:
        return bool(kiosk_shop.call("GET", "/v1/help-calls", None, kiosk_shop.manager)["items"])

    # Others may have called before: all that waits is answered first.
    for call in kiosk_shop.call("GET", "/v1/help-calls", None, kiosk_shop.manager)["items"]:
        kiosk_shop.call("DELETE", f"/v1/help-calls/{call['id']}", None, kiosk_shop.manager)
    screen = open_kiosk()
    screen.begin()
    screen.touch(".keys button:nth-child(3)")
    screen.expect_text("[role=dialog]", screen.say("staff_called", "en"))
    assert waits()
    screen.touch("[role=dialog] button")
    until(lambda: not waits())


def test_who_calls_while_the_store_does_not_answer_is_told_where_help_is(open_kiosk: OpenKiosk) -> None:
    screen = open_kiosk()
    screen.begin()
    line = Line(screen.page, "**/v1/help-calls")
    line.cut()
    with screen.page.expect_event("requestfailed", lambda request: request.url.endswith("/v1/help-calls")):
        screen.touch(".keys button:nth-child(3)")
    screen.expect_text("[role=dialog]", screen.say("staff_text", "en"))


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_can_be_read_and_touched(
    open_kiosk: OpenKiosk, kiosk_shop: KioskShop, size: tuple[int, int], language: str
) -> None:
    anna, screen = kiosk_shop.new_member(locale=language, points=12_345), open_kiosk(size)
    kiosk_shop.call("POST", "/v1/coupons", {"id": new_id(), "offer": OFFER, "member": anna.id}, kiosk_shop.manager)
    found = {"attract": screen.faults()}
    screen.begin(language)
    found["menu"] = screen.faults()
    screen.touch("[data-job=join]")
    screen.wait(".join")
    found["join"] = screen.faults()
    screen.touch(".fields .field:nth-child(2)")
    found["name"] = screen.faults()
    screen.touch(".fields .field:nth-child(1)")
    screen.dial("600100200", "join")
    screen.wait(".join-consents")
    found["asks"] = screen.faults()
    screen.touch(".join-consents button.main")
    screen.wait(".join-pin")
    found["pin"] = screen.faults()
    screen.touch(".keys button:nth-child(2)")
    screen.come_in("points", anna, language)
    found["points"] = screen.faults()
    screen.touch(".points button.main")
    screen.wait(".coupons")
    found["coupons"] = screen.faults()
    screen.touch(f".group button.row:has-text('{REWARD_TITLE[language]}')")
    screen.wait(".confirm")
    found["confirm"] = screen.faults()
    for key in (4, 5):
        screen.touch(f".keys button:nth-child({key})")
        found[f"confirm {key}"] = screen.faults()
    screen.press("Escape")
    screen.wait(".coupons")
    found["coupons large"] = screen.faults()
    assert {name: faults for name, faults in found.items() if faults} == {}


def until(happened: Callable[[], bool]) -> None:
    """Wait for something outside of the page."""
    for _ in range(1200):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_the_members_of_these_tests_are_told_apart(kiosk_shop: KioskShop) -> None:
    """Else a test that finds nothing of a member on the screen would prove nothing."""
    anna: Member = kiosk_shop.new_member()
    assert all(len(trace) >= 3 for trace in anna.traces)
    assert anna.phone != kiosk_shop.new_member().phone
