"""Somebody at a kiosk needs a person, and points that are confirmed a moment later: the till shows both by itself."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenTill
from tests.browser.line import Line
from tests.browser.shop_service import MILK, ShopService, Till
from tests.browser.till_screen import TillScreen

CALL = ".banner.call"


def new_kiosk(shop: ShopService) -> str:
    """The token of a kiosk."""
    code = shop.call("POST", "/v1/pairing-codes", {"kind": "kiosk"}, shop.manager)["code"]
    paired = {"code": code, "device": {"name": "Kiosk", "kind": "kiosk"}}
    return str(shop.call("POST", "/v1/pairings", paired)["token"])


def waiting(shop: ShopService) -> list[str]:
    """The kiosks at which somebody waits."""
    return [each["kiosk"] for each in shop.call("GET", "/v1/help-calls", None, shop.manager)["items"]]


def until_nobody_waits(shop: ShopService) -> None:
    for _ in range(600):
        if not waiting(shop):
            return
        shop.wait()
    assert waiting(shop) == []


def sounds_of(screen: TillScreen) -> int:
    return int(screen.evaluate("window.sounds"))


def count_sounds(screen: TillScreen) -> None:
    """From now on the page counts the tones it plays."""
    screen.evaluate(
        """() => {
            window.sounds = 0;
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...at) { window.sounds += 1; return start.apply(this, at); };
        }"""
    )


def test_a_call_from_a_kiosk_is_shown_and_heard_and_answered_by_a_key(
    open_till: OpenTill, shop: ShopService, till: Till
) -> None:
    screen, other, kiosk = open_till(till), open_till(shop.new_till()), new_kiosk(shop)
    screen.expect_count(CALL, 0)
    count_sounds(screen)
    call = shop.call("POST", "/v1/help-calls", None, kiosk)
    screen.expect_text(CALL, f"Help needed at {call['kiosk']}")
    other.expect_text(CALL, f"Help needed at {call['kiosk']}")
    assert sounds_of(screen) >= 2
    screen.scan(MILK)
    screen.expect_due("€1.43")
    screen.press("Control+y")
    screen.expect_count(CALL, 0)
    until_nobody_waits(shop)
    other.expect_count(CALL, 0)
    screen.expect_due("€1.43")


def test_two_kiosks_are_answered_one_after_the_other_by_touch(
    open_till: OpenTill, shop: ShopService, till: Till
) -> None:
    screen = open_till(till)
    kiosks = [new_kiosk(shop), new_kiosk(shop)]
    names = [shop.call("POST", "/v1/help-calls", None, kiosk)["kiosk"] for kiosk in kiosks]
    screen.expect_text(CALL, f"Help needed at {names[0]}, {names[1]}")
    screen.page.locator(f"{CALL} button").click()
    screen.expect_text(CALL, f"Help needed at {names[1]}")
    shop.call("DELETE", "/v1/help-calls", None, kiosks[1])
    screen.expect_count(CALL, 0)


def test_a_till_that_opens_while_somebody_waits_shows_it(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    kiosk = new_kiosk(shop)
    name = shop.call("POST", "/v1/help-calls", None, kiosk)["kiosk"]
    screen = open_till(till)
    screen.expect_text(CALL, f"Help needed at {name}")
    shop.call("DELETE", "/v1/help-calls", None, kiosk)
    screen.expect_count(CALL, 0)


def test_points_that_head_office_has_confirmed_meanwhile_are_no_longer_called_unconfirmed(
    open_till: OpenTill, shop: ShopService, till: Till
) -> None:
    screen = open_till(till)
    resolved = shop.call("POST", "/v1/members/resolve", {"phone": "600 100 200"}, till.token)
    resolved["points"]["provisional"] = True
    line = Line(screen.page, "**/v1/members/resolve")
    line.answer(200, **resolved)
    screen.press("F4")
    screen.expect_focus("[type=tel]")
    screen.type("600100200")
    screen.press("Enter")
    said = screen.page.get_by_text("Not confirmed by head office yet")
    expect(said).to_have_count(1)
    shop.change_price("1041462", 359)  # any news from the store makes the till look
    expect(said).to_have_count(0)
    screen.expect_text(".side", "Maria Kowalska")
