"""A kiosk that nobody stands at any more, that has no paper, that loses the service in the middle."""

import time
from collections.abc import Callable, Generator

import pytest
from playwright.sync_api import Browser

from tests.browser.kiosk_screen import KioskScreen
from tests.browser.kiosk_shop import PAID_OFFER, REWARD_POINTS, REWARD_TITLE, KioskShop, Member, PrinterThread
from tests.browser.line import Line

OpenKiosk = Callable[[], KioskScreen]
POINTS = 4321
IDLE_MS, COUNTDOWN_MS = 45_000, 15_000


@pytest.fixture(scope="module")
def kiosk_shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[KioskShop]:
    """A store with a kiosk, and its printer."""
    with PrinterThread() as printer, KioskShop(tmp_path_factory.mktemp("kiosk"), printer) as running:
        yield running


@pytest.fixture
def screen(browser: Browser, kiosk_shop: KioskShop) -> Generator[KioskScreen]:
    """A kiosk whose clock a test may turn on."""
    context = browser.new_context(viewport={"width": 1080, "height": 1920}, locale="en-GB", reduced_motion="reduce")
    screen = KioskScreen(context, kiosk_shop)
    screen.page.clock.install()
    screen.arrive()
    yield screen
    context.close()
    assert screen.complaints == []


@pytest.fixture
def anna(kiosk_shop: KioskShop) -> Member:
    return kiosk_shop.new_member(points=POINTS)


def traces(kiosk_shop: KioskShop, member: Member) -> list[str]:
    """Everything that tells of her: who she is, what she has, and her coupons."""
    coupons = [coupon[field] for coupon in kiosk_shop.coupons_of(member) for field in ("serial", "code", "token")]
    points = [str(POINTS), f"{POINTS:,}", str(POINTS - REWARD_POINTS), f"{POINTS - REWARD_POINTS:,}"]
    return [*member.traces, member.pin, "A. ·", *points, *coupons]


def choose_reward(screen: KioskScreen, member: Member) -> None:
    screen.come_in("coupons", member)
    screen.touch(f".group button.row:has-text('{REWARD_TITLE['en']}')")
    screen.wait(".confirm")


# -- nobody there any more ---------------------------------------------------------------------------------------------


def test_whoever_walks_away_is_forgotten_to_the_last_letter(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member
) -> None:
    depth = screen.evaluate("() => history.length")
    fresh = screen.remembered()
    with screen.page.expect_response("**/proofs") as proved:
        choose_reward(screen, anna)
    token = proved.value.json()["token"]
    screen.touch(".ways button:last-child")
    screen.wait("svg.code")
    left = traces(kiosk_shop, anna)
    assert screen.left_over(kiosk_shop.coupons_of(anna)[0]["code"]) != []
    screen.pass_time(IDLE_MS + 500)
    screen.expect_text("[role=dialog] h1", screen.say("idle_title", "en"))
    with screen.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        screen.pass_time(COUNTDOWN_MS)  # the way back, below, must not overtake the end of the proof
    screen.wait(".touch")
    assert screen.left_over(*left, token) == []
    assert screen.remembered() == fresh
    assert screen.evaluate("() => [history.length, history.state]") == [depth, None]
    screen.page.go_back()
    screen.page.go_forward()
    screen.wait(".touch")
    assert screen.left_over(*left, token) == []
    headers = {"Member-Proof": token}
    with pytest.raises(AssertionError, match="proof_ended"):
        kiosk_shop.call("GET", f"/v1/members/{anna.id}/points", None, screen.token, headers)


def test_any_touch_keeps_the_visit(screen: KioskScreen, anna: Member) -> None:
    screen.come_in("points", anna)
    answers: list[Callable[[], None]] = [
        lambda: screen.touch("[role=dialog] button"),
        lambda: screen.press("ArrowDown"),
    ]
    for answer in answers:
        screen.pass_time(IDLE_MS + 500)
        screen.expect_text("[role=dialog] h1", screen.say("idle_title", "en"))
        answer()
        screen.expect_count("[role=dialog]", 0)
        screen.pass_time(IDLE_MS - 20_000)  # a slow machine adds some seconds of its own
        screen.expect_count("[role=dialog]", 0)
        screen.press("ArrowUp")
    screen.expect_text(".sum output", "4,321")


@pytest.mark.parametrize("job", ["points", "coupons", "consents"])
def test_start_over_leaves_nothing_of_any_job(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member, job: str
) -> None:
    screen.come_in(job, anna)
    screen.touch(".keys button:nth-child(2)")
    screen.wait(".touch")
    assert screen.left_over(*traces(kiosk_shop, anna)) == []


def test_an_answer_for_somebody_who_has_gone_is_not_shown_to_the_next(screen: KioskScreen, anna: Member) -> None:
    line = Line(screen.page, "**/v1/members/*/offers")
    line.keep_answers()
    screen.begin()
    screen.touch("[data-job=coupons]")
    screen.dial(anna.phone)
    screen.dial(anna.pin, "proof")
    until(lambda: len(line.kept) == 1, lambda: screen.page.wait_for_timeout(20))
    screen.touch(".keys button:nth-child(2)")
    screen.wait(".touch")
    assert "COFFEE20" in line.kept[0]
    line.hand_over()
    screen.page.wait_for_timeout(300)
    assert screen.page.locator(".touch").count() == 1
    assert screen.remembered()["coupons"] is None


# -- no paper ----------------------------------------------------------------------------------------------------------


def test_a_printer_without_paper_is_told_before_anything_is_booked(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member
) -> None:
    screen.come_in("coupons", anna)
    kiosk_shop.printer.turn("paper out")
    try:
        screen.touch(f".group button.row:has-text('{REWARD_TITLE['en']}')")
        screen.expect_text(".notice", screen.say("printer_down", "en"))
        screen.expect_count(".ways button", 1)
        assert kiosk_shop.coupons_of(anna) == []
        screen.touch(".ways button")
        screen.wait("svg.code")
    finally:
        kiosk_shop.printer.turn("ready")
    (coupon,) = kiosk_shop.coupons_of(anna)
    assert screen.read(".typed output") == coupon["code"]


def test_paper_that_ran_out_while_she_was_reading_books_nothing(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member
) -> None:
    choose_reward(screen, anna)
    screen.expect_count(".ways button", 2)
    kiosk_shop.printer.turn("cover open")
    try:
        screen.touch(".ways button.main")
        screen.expect_text(".words .notice", screen.say("problem_paper_not_ready", "en"))
    finally:
        kiosk_shop.printer.turn("ready")
    points = kiosk_shop.points_of(anna)
    assert (points["active"], points["held"], kiosk_shop.coupons_of(anna)) == (POINTS, 0, [])


# -- the service goes --------------------------------------------------------------------------------------------------


def assert_taken_once(kiosk_shop: KioskShop, member: Member) -> str:
    """One coupon, paid once, nothing set aside. Returns its code."""
    (coupon,) = kiosk_shop.coupons_of(member)
    points = kiosk_shop.points_of(member)
    assert (coupon["offer"], points["active"], points["held"]) == (PAID_OFFER, POINTS - REWARD_POINTS, 0)
    return str(coupon["code"])


@pytest.mark.parametrize("booked", [False, True], ids=["before-it-was-booked", "after-it-was-booked"])
def test_a_service_killed_between_hold_and_coupon_ends_in_exactly_one(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member, booked: bool
) -> None:
    line = Line(screen.page, "**/v1/coupons")
    (line.lose_answers if booked else line.cut)(times=1, meanwhile=kiosk_shop.kill)
    choose_reward(screen, anna)
    screen.touch(".ways button:last-child")
    screen.expect_text(".working .lead", screen.say("working_again", "en"))
    kiosk_shop.start()
    screen.pass_time(3_000)
    screen.wait("svg.code")
    assert screen.read(".typed output") == assert_taken_once(kiosk_shop, anna)
    assert len(line.sent) > 1
    assert all(sent == line.sent[0] for sent in line.sent)


def test_whoever_leaves_between_hold_and_coupon_gets_her_points_back(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member
) -> None:
    line = Line(screen.page, "**/v1/coupons")
    line.cut()
    choose_reward(screen, anna)
    screen.touch(".ways button:last-child")
    screen.expect_text(".working .lead", screen.say("working_again", "en"))
    assert kiosk_shop.points_of(anna)["held"] == REWARD_POINTS
    screen.touch(".keys button:nth-child(2)")
    screen.wait(".touch")
    line.mend()
    until(lambda: kiosk_shop.points_of(anna)["held"] == 0, lambda: screen.pass_time(3_000))
    assert (kiosk_shop.points_of(anna)["active"], kiosk_shop.coupons_of(anna)) == (POINTS, [])
    assert screen.page.locator(".touch").count() == 1


def test_without_the_service_the_kiosk_is_closed_and_opens_again_by_itself(
    screen: KioskScreen, kiosk_shop: KioskShop, anna: Member
) -> None:
    screen.come_in("points", anna)
    kiosk_shop.kill()
    try:
        closed = screen.page.locator(".closed")
        until(lambda: closed.count() == 1, lambda: screen.pass_time(11_000))
        screen.expect_text("h1", screen.say("closed_title", "en"))
        assert screen.left_over(*anna.traces, "4,321") == []
    finally:
        kiosk_shop.start()
    until(lambda: screen.page.locator(".touch").count() == 1, lambda: screen.pass_time(2_500))


def test_a_revoked_kiosk_asks_to_be_paired_and_a_code_pairs_it(browser: Browser, kiosk_shop: KioskShop) -> None:
    context = browser.new_context(viewport={"width": 1080, "height": 1920}, locale="pl-PL", reduced_motion="reduce")
    screen = KioskScreen(context, kiosk_shop)
    screen.page.goto(f"{kiosk_shop.address}/kiosk#device=made-up")
    screen.wait("#code")
    assert screen.evaluate("() => location.href").endswith("/kiosk")
    assert screen.evaluate("() => JSON.stringify({...localStorage})") == "{}"
    code = kiosk_shop.call("POST", "/v1/pairing-codes", {"kind": "kiosk"}, kiosk_shop.manager)["code"]
    screen.scan(code)
    screen.wait(".touch")
    screen.page.reload()
    screen.wait(".touch")
    context.close()


def until(happened: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    """Let time go by in the page until something has happened."""
    for _ in range(1200):
        if happened():
            return
        meanwhile()
        time.sleep(0.05)
    raise AssertionError("it did not happen")
