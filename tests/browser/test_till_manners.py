"""What a first user stumbled over, and stumbles over no more."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenTill
from tests.browser.shop_service import BREAD, MILK, PIN, ShopService, Till, new_id
from tests.browser.test_till import fill, pay_exactly
from tests.browser.till_screen import TillScreen


def sell(shop: ShopService, till: Till, *skus: str, pieces: int = 1) -> str:
    """A sale made somewhere else; its number."""
    lines = [{"sku": sku, "quantity_milli": pieces * 1000} for sku in skus]
    body = {"id": new_id(), "lines": lines, "tenders": [{"kind": "cash", "amount_minor": 100_000}]}
    return str(shop.call("POST", "/v1/sales", body, till.token)["number"])


def test_a_return_needs_only_the_keyboard(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    number = sell(shop, till, "1041453", "1041454", pieces=2)
    screen = open_till(till)
    screen.press("F11")
    screen.expect_focus("#receipt")
    screen.type(number.lower())
    screen.press("Enter")
    screen.expect_focus("dialog .row:first-child .grow")
    screen.press("Enter")
    screen.expect_text("dialog .notice", "Choose first what comes back")
    screen.press("ArrowDown")
    screen.expect_focus("dialog .row:nth-child(2) .grow")
    screen.press("+")
    screen.expect_text("dialog .refund .huge", "€2.29")
    screen.press("ArrowUp")
    screen.press(" ")
    screen.expect_text("dialog .refund .huge", "€5.15")
    screen.press("-")
    screen.expect_text("dialog .refund .huge", "€3.72")
    screen.press("Enter")
    screen.expect_text("dialog h2", "Returned")
    screen.expect_text("dialog .huge", "€3.72")
    screen.press("Enter")
    screen.expect_count("dialog", 0)
    screen.expect_focus("#entry")
    assert shop.call("GET", "/v1/shifts/current", None, till.token)["returns"] == 1


def test_a_return_is_left_with_escape_at_every_step(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    number = sell(shop, till, "1041453")
    screen = open_till(till)
    for scanned in (False, True):
        if scanned:
            screen.scan(number)
            screen.expect_focus("dialog .row .grow")
            screen.press("+")
            screen.expect_text("dialog .refund .huge", "€1.43")
        else:
            screen.press("F11")
            screen.expect_focus("#receipt")
        screen.press("Escape")
        screen.expect_count("dialog", 0)
        screen.expect_focus("#entry")
    assert shop.call("GET", "/v1/shifts/current", None, till.token)["returns"] == 0


def test_a_refused_return_says_so_in_the_dialog(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    number = sell(shop, till, "1041453", pieces=2)
    screen = open_till(till)
    screen.scan(number)
    screen.expect_focus("dialog .row .grow")
    screen.press("+")
    screen.expect_text("dialog .refund .huge", "€1.43")
    back = {"id": new_id(), "sale": number, "lines": [{"line": 1, "quantity_milli": 2000}], "reason": "x"}
    shop.call("POST", "/v1/returns", {**back, "refunds": [{"kind": "cash", "amount_minor": 286}]}, till.token)
    screen.press("Enter")
    screen.expect_text("dialog .notice.bad", "it came back before")


@pytest.mark.parametrize("query", ["zolty", "Żółty", "ZOLTY SER"])
def test_names_are_found_without_the_letters_of_their_language(open_till: OpenTill, till: Till, query: str) -> None:
    screen = open_till(till)
    screen.page.locator("#entry").fill(query)
    screen.expect_text(".found", "Żółty ser 200 g")


def test_names_and_pins_may_be_typed_as_fast_as_a_scanner(open_till: OpenTill, shop: ShopService) -> None:
    device = shop.new_till(operator="manager").device
    screen = open_till(Till(device, ""), selector="#operator")
    screen.expect_focus("#operator")
    screen.page.keyboard.type("manager")
    screen.press("Tab")
    screen.expect_focus("#pin")
    screen.page.keyboard.type(PIN["manager"])
    screen.press("Enter")
    screen.page.wait_for_selector("#entry")
    screen.expect_text(".top .who", "Manager")


def test_an_approval_may_be_typed_as_fast_as_a_scanner(open_till: OpenTill, shop: ShopService, till: Till) -> None:
    screen = open_till(till)
    fill(screen, MILK)
    screen.press("F6")
    screen.page.get_by_label("New price").check(force=True)
    screen.page.locator("#value").focus()
    screen.type("1")
    screen.press("Enter")
    screen.expect_focus("#approver")
    screen.page.keyboard.type("manager")
    screen.press("Tab")
    screen.page.keyboard.type(PIN["manager"])
    screen.press("Enter")
    screen.expect_due("€1.00")
    pay_exactly(screen)
    assert shop.sales_of(till)[0]["totals"]["due_minor"] == 100


def test_the_key_for_members_says_what_it_does(open_till: OpenTill, till: Till) -> None:
    screen = open_till(till)
    expect(screen.page.locator(".keys button", has_text="F4")).to_contain_text("Find member")
    screen.expect_text(".customer", "phone number")
    screen.press("F4")
    screen.expect_text("dialog h2", "Find a member by phone or card")


def test_the_rounding_of_cash_is_shown_before_anybody_pays(browser: Browser, tmp_path: Path) -> None:
    with ShopService(tmp_path, "[tender]\ncash_rounding_step_minor = 5\n") as shop:
        till = shop.new_till()
        screen = TillScreen(browser.new_context(locale="en-GB"), shop.address)
        screen.open(till.device, till.token)
        fill(screen, MILK)
        screen.expect_due("€1.43")
        screen.press("F9")
        screen.expect_text(".payment .huge", "€1.45")
        screen.expect_text(".payment .rounding", "€1.43, in cash rounded by +€0.02")
        screen.expect_text(".way >> nth=1", "€1.43")
        screen.type("1")
        screen.press("F8")
        screen.expect_text(".payment .rounding", "€0.43, in cash rounded by +€0.02")
        screen.press("Enter")
        screen.page.wait_for_selector(".finished")
        (sale,) = shop.sales_of(till)
        assert (sale["totals"]["due_minor"], sale["totals"]["rounding_minor"]) == (145, 2)
        screen.context.close()


def test_a_store_that_turns_read_only_says_so_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    with ShopService(tmp_path) as shop:
        till = shop.new_till()
        screen = TillScreen(browser.new_context(locale="en-GB"), shop.address)
        screen.open(till.device, till.token)
        fill(screen, MILK, BREAD)
        screen.expect_due("€3.72")
        finding = find(tmp_path, "Entry 3 does not hold. Run: counterfoil rebuild --config FILE")
        screen.expect_text(
            ".banner.bad", f"Entry 3 does not hold. Run: counterfoil rebuild --config {tmp_path}/store.toml"
        )
        screen.press("F9")
        screen.press("Enter")
        screen.expect_text(".notice.bad", "can only be read at the moment")
        assert shop.sales_of(till) == []
        finding.unlink()
        screen.expect_count(".banner", 0)
        screen.context.close()


def test_the_banner_comes_at_once_when_a_refusal_says_so(browser: Browser, tmp_path: Path) -> None:
    with ShopService(tmp_path) as shop:
        till = shop.new_till()
        screen = TillScreen(browser.new_context(locale="en-GB"), shop.address)
        screen.page.add_init_script("window.setInterval = () => 0;")  # only the refusal can bring the banner
        screen.open(till.device, till.token)
        fill(screen, MILK)
        find(tmp_path, "Look at the disk.")
        expect_read_only(shop)
        screen.press("F7")
        screen.expect_focus("#label")
        screen.press("Enter")
        screen.expect_text(".banner.bad", "Look at the disk.")
        screen.context.close()


def find(folder: Path, mend: str) -> Path:
    """A verify has found a fault. Its file is there whole or not at all: the service may look at any moment."""
    finding = folder / "data" / "verify.json"
    written = finding.with_suffix(".new")
    written.write_text(json.dumps({"ok": False, "mend": mend}))
    return written.replace(finding)


def expect_read_only(shop: ShopService) -> None:
    """Wait until the service has seen the finding."""
    for _ in range(600):
        if shop.call("GET", "/v1/store", None, shop.manager)["read_only"]:
            return
        shop.wait()
    raise AssertionError("the service does not look at its finding")


def test_a_manager_makes_a_code_for_one_more_till_and_a_cashier_does_not(
    open_till: OpenTill, shop: ShopService
) -> None:
    cashier = open_till(shop.new_till())
    cashier.press("F1")
    cashier.expect_text("dialog", "Keys of the till")
    cashier.expect_count("dialog .pairing", 0)
    screen = open_till(shop.new_till(operator="manager"))
    screen.press("F1")
    screen.page.get_by_text("Code for one more till").press("Enter")
    code = screen.page.locator("dialog output.code")
    expect(code).not_to_be_empty()
    screen.expect_text("dialog .pairing", f"{shop.address}/till")
    other = open_till()
    other.page.fill("#code", code.inner_text())
    other.press("Enter")
    other.expect_text("h1", "Sign in")
