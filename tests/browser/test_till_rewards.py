"""Members, points, coupons, offers and gift cards on the till, by keyboard and scanner alone."""

import itertools
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from loyalty.one_time_codes import STEP_MS, read_secret
from tests.browser.conftest import OpenTill
from tests.browser.line import Line
from tests.browser.shop_service import BREAD, ESPRESSO, MILK, PIN, POWDER, ShopService, Till, new_id
from tests.browser.test_till import _cut_off, _faint_texts, _small_targets, fill, pay_exactly
from tests.browser.till_screen import TillScreen
from tests.phone import make_rotating

CONFIG = """[gift_cards]
departments = ["GIFT"]
[points]
approval_above = 2000
[loyalty]
excluded_departments = ["GIFT"]
[loyalty.tiers]
levels = [{ name = "silver", threshold = 500 }]
"""
MEMBER_PIN = "4711"


class RewardsShop(ShopService):
    """A store with offers, coupons, gift cards and tiers."""

    def __init__(self, folder: Path) -> None:
        self._phones = itertools.count(600_300_100)
        super().__init__(folder, CONFIG)
        card = {"name": "Gift card 50", "department": "GIFT", "tax_class": "food", "price_minor": 5000}
        self.call("PUT", "/v1/products/900", card, self.manager)
        self.offer("COFFEE", "Coffee week", "20", "1041455")
        self.offer("FREEMILK", "Free milk", "100", "1041453", trigger="coupon", conditions={"member_required": True})
        self.offer("POWDER", "Powder days", "10", "1041456", trigger="coupon")
        big = {"kind": "amount", "amount_minor": 500}
        wanted = {"title": {"en": "Five off"}, "effect": big, "conditions": {"minimum": {"amount_minor": 3000}}}
        self.call("PUT", "/v1/offers/FIVE", wanted, self.manager)
        for name, points, off in (("fiver", 300, 500), ("dear", 5000, 900)):
            gives = {"kind": "amount", "amount_minor": off}
            reward = {"title": {"en": name.capitalize(), "pl": f"{name} po polsku"}, "points": points, "gives": gives}
            self.call("PUT", f"/v1/rewards/{name}", reward, self.manager)

    def offer(self, offer: str, title: str, percent: str, sku: str, **more: Any) -> None:  # noqa: ANN401
        """A percentage off one article."""
        effect = {"kind": "percent", "percent": percent, "goods": {"products": [sku]}}
        self.call("PUT", f"/v1/offers/{offer}", {"title": {"en": title}, "effect": effect, **more}, self.manager)

    def joined(self, name: str = "Jan Nowak", points: int = 740, pin: str = MEMBER_PIN) -> dict[str, Any]:
        """Somebody who joined a while ago, with points and a PIN."""
        wanted = {"id": new_id(), "locale": "en", "name": name, "phone": str(next(self._phones))}
        member = dict(self.call("POST", "/v1/members", wanted, self.manager))
        self.call("PUT", f"/v1/members/{member['id']}/pin", {"pin": pin}, self.manager)
        if points:
            given = {"id": new_id(), "points": points, "reason": "opening"}
            self.call("POST", f"/v1/members/{member['id']}/adjustments", given, self.manager)
        return member

    def coupon(self, offer: str, member: dict[str, Any] | None = None) -> dict[str, Any]:
        """A coupon that was issued."""
        wanted = {"id": new_id(), "offer": offer, "member": member["id"] if member else None}
        return dict(self.call("POST", "/v1/coupons", wanted, self.manager))

    def points_of(self, member: dict[str, Any]) -> dict[str, int]:
        """active, pending, held, debt."""
        found = self.call("GET", f"/v1/members/{member['id']}/points", None, self.manager)
        return {name: found[name] for name in ("active", "pending", "held", "debt")}

    def expect_points(self, member: dict[str, Any], **wanted: int) -> None:
        """Wait until the account stands so."""
        for _ in range(600):
            if {name: self.points_of(member)[name] for name in wanted} == wanted:
                return
            self.wait()
        assert self.points_of(member) == wanted


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[RewardsShop]:
    """In place of the plain store."""
    with RewardsShop(tmp_path_factory.mktemp("rewards")) as running:
        yield running


def open_payment(screen: TillScreen) -> None:
    """F9, once the price is there."""
    expect(screen.page.locator("button.pay")).to_be_enabled()
    screen.press("F9")
    screen.page.wait_for_selector("#amount")


def hold_points(screen: TillScreen, points: str = "", pin: str = MEMBER_PIN) -> None:
    """F6 and the customer's PIN."""
    screen.press("F6")
    screen.expect_focus("#proof")
    if points:
        screen.page.fill("#points-wanted", points)
        screen.page.locator("#proof").focus()
    screen.type(pin)
    screen.press("Enter")


def test_the_member_s_points_tier_and_offers_stand_beside_the_basket(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    member = shop.joined()
    shop.call("POST", "/v1/sales", {"id": new_id(), "member": member["id"], "lines": [{"sku": "1041454"}] * 3,
              "tenders": [{"kind": "cash", "amount_minor": 687}]}, till.token)  # fmt: skip
    screen = open_till(till)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "746")
    screen.expect_text(".member", "silver")
    for title in ("Coffee week", "Five off", "Free milk"):
        screen.expect_text(".member", title)
    screen.press("F4")
    screen.expect_text("dialog .standing dl", "746")
    screen.expect_text("dialog .standing", "€5.00 off")
    screen.press("Escape")
    screen.page.reload()
    screen.expect_text(".member", "silver")
    screen.press("F4")
    screen.page.get_by_text("Without Jan Nowak").press("Enter")
    screen.expect_count(".member", 0)


def test_a_discount_says_why_and_what_is_nearly_reached(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    fill(screen, ESPRESSO, POWDER)
    screen.expect_due("€23.41")
    screen.expect_text("tbody tr >> nth=0", "20% off -2.98")
    screen.expect_text(".near", "more and: €5.00 off")
    screen.scan(BREAD)
    screen.expect_count("tbody tr", 3)
    screen.type("4*")
    screen.press("Enter")
    screen.expect_due("€30.55")  # of two that may not be joined, the better one
    screen.expect_text("tbody", "€5.00 off")
    screen.expect_count(".near", 0)


@pytest.mark.parametrize("typed", [False, True])
def test_a_coupon_is_scanned_or_typed_and_used_once(
    open_till: OpenTill, shop: RewardsShop, till: Till, *, typed: bool
) -> None:
    member = shop.joined()
    coupon = shop.coupon("FREEMILK", member)
    screen = open_till(till)
    fill(screen, BREAD)
    screen.scan(member["token"])
    screen.expect_text(".customer", "Jan Nowak")
    if typed:
        screen.page.locator("#entry").fill(coupon["code"].lower())
        screen.press("Enter")
    else:
        screen.scan(coupon["token"])
    screen.expect_text(".notice.good", "Coupon taken: Free milk")
    screen.expect_text("tr.coupon .mark", "Nothing in the basket takes this offer")
    screen.scan(MILK)
    screen.expect_text("tr.coupon .off", "-1.43")
    screen.expect_due("€2.29")
    screen.scan(coupon["token"])
    screen.expect_text(".notice.bad", "in the basket already")
    screen.expect_count("tr.coupon", 1)
    pay_exactly(screen)
    (sale,) = shop.sales_of(till)
    assert sale["coupons"]["used"] == [coupon["serial"]]
    screen.scan(coupon["token"])
    screen.expect_text(".notice.bad", "Free milk: This coupon was used already.")
    screen.expect_count("tr.coupon", 0)


def test_a_coupon_is_taken_off_and_put_back_with_the_keys_of_a_line(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(shop.coupon("POWDER")["token"])
    screen.expect_due("€10.34")
    screen.press("ArrowDown")
    screen.expect_count("tr.coupon.on", 1)
    screen.press("Delete")
    screen.expect_text(".notice.undo", "Powder days")
    screen.expect_due("€11.49")
    screen.press("Control+z")
    screen.expect_due("€10.34")
    screen.page.reload()
    screen.expect_due("€10.34")
    screen.expect_text("tr.coupon", "Powder days")


def test_what_is_no_coupon_is_refused_in_plain_words(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    token = shop.coupon("POWDER")["token"]
    screen = open_till(till)
    fill(screen, POWDER)
    forged = token[:150] + ("1" if token[150] != "1" else "2") + token[151:]
    screen.scan(forged)
    screen.expect_text(".notice.bad", "never issued")
    screen.scan(token[:120])
    screen.expect_text(".notice.bad", "Only a part of the code was read")
    screen.expect_count("tr.coupon", 0)
    screen.expect_due("€11.49")


def test_a_coupon_goes_with_the_parked_basket(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    here, there = open_till(till), open_till(shop.new_till())
    fill(here, POWDER)
    here.scan(shop.coupon("POWDER")["token"])
    here.expect_due("€10.34")
    here.press("F7")
    here.page.wait_for_selector("#label")
    here.type("hat")
    here.press("Enter")
    here.expect_count("tbody tr", 0)
    there.press("F8")
    there.expect_text("dialog .rows button:focus", "hat")
    there.press("Enter")
    there.expect_text("tr.coupon", "Powder days")
    there.expect_due("€10.34")


def test_points_pay_with_the_customer_s_pin_and_the_rest_is_cash(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    member = shop.joined()
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    hold_points(screen, pin="9999")
    screen.expect_text("dialog .problem", "The customer's PIN is wrong")
    screen.page.fill("#proof", "")
    screen.type(MEMBER_PIN)
    screen.press("Enter")
    screen.expect_text(".tenders", "Points · 740 points")
    screen.expect_text(".payment .huge", "€4.09")
    screen.expect_text(".member", "Set aside 740")
    screen.press("Enter")
    screen.expect_text(".finished dl", "Points used")
    (sale,) = shop.sales_of(till)
    assert [(tender["kind"], tender["amount_minor"], tender["points"]) for tender in sale["tenders"]] == [
        ("points", 740, 740),
        ("cash", 409, 0),
    ]
    assert shop.points_of(member) == {"active": 4, "pending": 0, "held": 0, "debt": 0}
    assert screen.evaluate("() => localStorage['counterfoil.till.holds'] ?? null") is None


def test_points_alone_can_pay_and_what_is_too_much_stays(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    member = shop.joined()
    screen = open_till(till)
    fill(screen, MILK)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    hold_points(screen)
    screen.page.wait_for_selector(".finished")
    assert shop.sales_of(till)[0]["points"]["redeemed"] == 143
    assert shop.points_of(member) == {"active": 597, "pending": 0, "held": 0, "debt": 0}


def test_the_moving_code_of_the_phone_is_scanned_and_works_once(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    member = shop.joined()
    made = shop.call("POST", f"/v1/members/{member['id']}/code-secrets", {"proof": MEMBER_PIN}, shop.manager)
    secret = read_secret(made["uri"].split("secret=")[1].split("&")[0])
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    screen.press("F6")
    screen.expect_focus("#proof")
    screen.scan(member["token"])
    screen.expect_text("dialog .problem", "A card only says who it is")
    # A phone half a minute ahead: its code is good for a minute from now on, however slow the machine.
    shown = make_rotating(member["token"], secret, time.time_ns() // 1_000_000 + STEP_MS)
    screen.scan(shown)
    screen.expect_text(".tenders", "740 points")
    screen.press("Backspace")
    screen.expect_count(".tenders", 0)
    shop.expect_points(member, active=740, held=0)
    expect(screen.page.locator("button.way", has_text="F6")).to_be_enabled()
    screen.press("F6")
    screen.expect_focus("#proof")
    screen.scan(shown)
    screen.expect_text("dialog .problem", "This code was used already")


def test_a_manager_says_so_where_the_customer_has_no_proof(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    member = shop.joined(points=3000)
    screen = open_till(till)
    fill(screen, ESPRESSO, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "3,000")
    open_payment(screen)
    hold_points(screen, "2100")
    screen.expect_text("dialog .problem", "A manager has to approve this.")
    screen.page.get_by_text("A manager approves").press("Enter")
    screen.expect_focus("#approver")
    screen.type("manager")
    screen.press("Tab")
    screen.type(PIN["manager"])
    screen.press("Enter")
    screen.expect_text(".tenders", "2,100 points")
    screen.press("Enter")
    screen.page.wait_for_selector(".finished")
    assert shop.points_of(member)["active"] == 902


@pytest.mark.parametrize("leave", ["Escape", "scan", "reload", "member"])
def test_points_are_free_again_when_the_payment_is_left(
    open_till: OpenTill, shop: RewardsShop, till: Till, leave: str
) -> None:
    member, other = shop.joined(), shop.joined("Ewa Lis", 0)
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    hold_points(screen, "500")
    screen.expect_text(".tenders", "500 points")
    assert shop.points_of(member)["held"] == 500
    if leave == "reload":
        screen.page.reload()
        screen.page.wait_for_selector("#entry")
    elif leave == "Escape":
        screen.press("Escape")
    else:
        screen.scan(BREAD if leave == "scan" else other["token"])
    screen.expect_count(".payment", 0)
    shop.expect_points(member, active=740, held=0)
    assert shop.sales_of(till) == []


def test_points_whose_hold_was_never_answered_are_let_go(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    member = shop.joined()
    screen = open_till(till)
    line = Line(screen.page, "**/v1/holds")
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    line.lose_answers()
    hold_points(screen)
    screen.expect_text("dialog .problem", "did not answer")
    line.mend()
    screen.press("Enter")
    screen.expect_text(".tenders", "740 points")
    screen.press("Enter")
    screen.page.wait_for_selector(".finished")
    assert shop.points_of(member) == {"active": 4, "pending": 0, "held": 0, "debt": 0}


def test_a_sale_with_points_that_is_sent_again_keeps_its_hold(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    member = shop.joined()
    screen = open_till(till)
    line = Line(screen.page, "**/v1/sales")
    line.cut()
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    open_payment(screen)
    hold_points(screen)
    screen.expect_text(".tenders", "740 points")
    screen.press("Enter")
    screen.expect_text(".banner", "cannot be booked twice")
    assert shop.points_of(member)["held"] == 740
    # The way stays shut until the page is back: else the till may get its answer just before it is thrown away.
    screen.page.reload()
    screen.expect_text(".banner", "cannot be booked twice")
    line.mend()
    screen.page.wait_for_selector(".finished")
    assert [sale["points"]["redeemed"] for sale in shop.sales_of(till)] == [740]


def test_a_gift_card_is_sold_and_pays(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    screen = open_till(till)
    screen.page.locator("#entry").fill("900")
    screen.press("Enter")
    screen.expect_due("€50.00")
    screen.press("F9")
    screen.page.wait_for_selector("#amount")
    screen.press("Enter")
    screen.expect_text("dialog h2", "Which gift card is sold?")
    screen.scan("GC77-0000-1234")
    screen.expect_text("tbody", "Gift card · 1234")
    pay_exactly(screen)
    fill(screen, POWDER)
    screen.expect_due("€11.49")
    open_payment(screen)
    screen.press("F7")
    screen.expect_focus("#card-code")
    screen.type("GC7700009999")
    screen.press("Enter")
    screen.expect_text("dialog .problem", "This gift card is not known")
    screen.page.fill("#card-code", "")
    screen.type("gc7700001234")
    screen.press("Enter")
    screen.expect_text("dialog .huge", "€50.00")
    screen.expect_focus("dialog button.main")
    screen.press("Enter")
    screen.page.wait_for_selector(".finished")
    sold = shop.sales_of(till)
    assert [sale["tenders"][0]["kind"] for sale in sorted(sold, key=lambda sale: sale["number"])] == [
        "cash",
        "gift_card",
    ]
    balance = shop.call("POST", "/v1/gift-cards/balance", {"code": "GC7700001234"}, shop.manager)
    assert balance["balance_minor"] == 3851


def test_a_return_says_what_it_does_to_the_points(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    member = shop.joined(points=0)
    sale = {"id": new_id(), "member": member["id"], "lines": [{"sku": "1041456", "quantity_milli": 2000}]}
    sold = shop.call("POST", "/v1/sales", {**sale, "tenders": [{"kind": "cash", "amount_minor": 2298}]}, till.token)
    assert shop.points_of(member)["active"] == 22
    spend = {"id": new_id(), "member": member["id"], "points": 20, "proof": MEMBER_PIN}
    hold = shop.call("POST", "/v1/holds", spend, till.token)["id"]
    points = [{"kind": "points", "amount_minor": 20, "hold": hold}, {"kind": "cash", "amount_minor": 123}]
    second = {"id": new_id(), "member": member["id"], "lines": [{"sku": "1041453"}], "tenders": points}
    paid = shop.call("POST", "/v1/sales", second, till.token)
    screen = open_till(till)
    screen.scan(sold["number"])
    screen.expect_focus("dialog .row .grow")
    screen.press("+")
    screen.press("+")
    screen.expect_text("dialog .refund", "Points taken back: 22")
    screen.expect_text("dialog .refund .owed", "Points owed after this: ")
    screen.press("Enter")
    screen.expect_text("dialog h2", "Returned")
    screen.press("Enter")
    screen.expect_count("dialog", 0)
    screen.scan(paid["number"])
    screen.expect_focus("dialog .row .grow")
    screen.press(" ")
    screen.expect_text("dialog .refund", "Points given back: 20")
    screen.expect_text("dialog .refund .huge", "€1.23")


def test_a_member_joins_at_the_till_by_keyboard(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    screen = open_till(till)
    fill(screen, MILK)
    screen.press("F4")
    screen.expect_focus("#phone")
    screen.type("600900800")
    screen.press("Enter")
    screen.expect_text("dialog .problem", "No customer found")
    screen.page.get_by_text("New member").last.press("Enter")
    screen.expect_focus("#enrol-name")
    assert screen.page.input_value("#enrol-phone") == "600900800"
    screen.type("Zofia Wilk")
    for _ in range(4):
        screen.press("Tab")
    screen.press(" ")
    expect(screen.page.locator(".consents button").first).to_have_attribute("aria-checked", "true")
    screen.page.locator("#enrol-phone").press("Enter")
    screen.expect_text(".customer", "Zofia Wilk")
    screen.expect_text(".notice.good", "Welcome, Zofia Wilk.")
    screen.expect_text(".customer .points", "0")
    pay_exactly(screen)
    (sale,) = shop.sales_of(till)
    member = shop.call("GET", f"/v1/members/{sale['member']}", None, shop.manager)
    assert (member["name"], member["phone"]) == ("Zofia Wilk", "+48600900800")
    assert {(each["channel"], each["granted"]) for each in member["consents"]} == {("sms", True), ("email", False)}
    screen.press("F3")
    screen.expect_focus("#enrol-name")
    screen.page.fill("#enrol-phone", "600900800")
    screen.press("Enter")
    screen.expect_text(".notice.bad", "Others with this phone or e-mail: 1")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1280, 800)])
@pytest.mark.parametrize("language", ["en", "ko", "ja", "pl"])
def test_everything_about_members_fits_in_every_language(
    open_till: OpenTill, shop: RewardsShop, till: Till, language: str, width: int, height: int
) -> None:
    member = shop.joined("Maksymilian Brzęczyszczykiewicz")
    screen = open_till(till, width=width, height=height)
    fill(screen, ESPRESSO)
    screen.scan(member["token"])
    screen.scan(shop.coupon("POWDER")["token"])
    screen.expect_count("tr.coupon", 1)
    load = "async (to) => { (await import('/static/till/texts.js')).setLanguage(to);"
    screen.evaluate(f"{load} (await import('/static/till/state.js')).change({{}}); }}", language)
    look_closely(screen)
    for key in ("F3", "F4"):
        screen.press(key)
        screen.page.wait_for_selector("dialog[open]")
        look_closely(screen)
        screen.press("Escape")
        screen.expect_count("dialog", 0)
    open_payment(screen)
    look_closely(screen)
    for key in ("F6", "F7"):
        screen.press(key)
        screen.page.wait_for_selector("dialog[open]")
        look_closely(screen)
        screen.press("Escape")
        screen.expect_count("dialog", 0)
    assert screen.evaluate("() => document.documentElement.scrollWidth") == width


def look_closely(screen: TillScreen) -> None:
    """No word is cut off, no target too small, no text too faint."""
    assert _cut_off(screen) == []
    assert _small_targets(screen) == []
    assert _faint_texts(screen) == []


def choose_reward(screen: TillScreen, name: str) -> None:
    """F4, the reward, and the field for the proof."""
    screen.press("F4")
    screen.page.locator("button.reward", has_text=name).press("Enter")
    screen.expect_focus("#proof")


def test_a_reward_is_taken_off_the_sale_for_points_and_goes_with_the_line_keys(
    open_till: OpenTill, shop: RewardsShop, till: Till
) -> None:
    member = shop.joined()
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    screen.press("F4")
    expect(screen.page.locator("button.reward", has_text="Dear")).to_be_disabled()
    screen.expect_text("button.reward:has-text('Dear')", "There are not enough points.")
    screen.press("Escape")
    choose_reward(screen, "Fiver")
    screen.type("9999")
    screen.press("Enter")
    screen.expect_text("dialog .problem", "The customer's PIN is wrong")
    screen.page.fill("#proof", "")
    screen.type(MEMBER_PIN)
    screen.press("Enter")
    screen.expect_text("tr.coupon", "Fiver")
    screen.expect_text("tr.coupon", "300 points")
    screen.expect_due("€6.49")
    assert shop.points_of(member)["held"] == 300
    screen.press("ArrowDown")
    screen.expect_count("tr.coupon.on", 1)
    screen.press("Delete")
    screen.expect_due("€11.49")
    shop.expect_points(member, active=740, held=0)
    screen.expect_count(".notice.undo", 0)
    choose_reward(screen, "Fiver")
    screen.type(MEMBER_PIN)
    screen.press("Enter")
    screen.expect_due("€6.49")
    screen.page.reload()
    screen.expect_due("€6.49")
    open_payment(screen)
    screen.press("Escape")
    screen.expect_due("€6.49")
    assert shop.points_of(member)["held"] == 300
    pay_exactly(screen)
    (sale,) = shop.sales_of(till)
    assert sale["totals"]["due_minor"] == 649
    assert sale["points"]["redeemed"] == 300
    assert shop.points_of(member) == {"active": 446, "pending": 0, "held": 0, "debt": 0}
    assert screen.evaluate("() => localStorage['counterfoil.till.holds'] ?? null") is None


@pytest.mark.parametrize("leave", ["member", "park"])
def test_the_points_of_a_reward_are_free_again_when_it_is_not_sold(
    open_till: OpenTill, shop: RewardsShop, till: Till, leave: str
) -> None:
    member, other = shop.joined(), shop.joined("Ewa Lis", 0)
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    choose_reward(screen, "Fiver")
    screen.type(MEMBER_PIN)
    screen.press("Enter")
    screen.expect_due("€6.49")
    if leave == "member":
        screen.scan(other["token"])
        screen.expect_text(".customer", "Ewa Lis")
        screen.expect_due("€11.49")
    else:
        screen.press("F7")
        screen.page.wait_for_selector("#label")
        screen.press("Enter")
    screen.expect_count("tr.coupon", 0)
    shop.expect_points(member, active=740, held=0)


def test_points_and_a_reward_may_be_used_in_one_sale(open_till: OpenTill, shop: RewardsShop, till: Till) -> None:
    member = shop.joined()
    screen = open_till(till)
    fill(screen, POWDER)
    screen.scan(member["token"])
    screen.expect_text(".customer .points", "740")
    choose_reward(screen, "Fiver")
    screen.type(MEMBER_PIN)
    screen.press("Enter")
    screen.expect_due("€6.49")
    open_payment(screen)
    hold_points(screen, "400")
    screen.expect_text(".tenders", "400 points")
    screen.expect_text(".payment .huge", "€2.49")
    assert shop.points_of(member)["held"] == 700
    screen.press("Enter")
    screen.page.wait_for_selector(".finished")
    assert shop.points_of(member) == {"active": 42, "pending": 0, "held": 0, "debt": 0}
