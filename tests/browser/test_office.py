"""Head office's screens in a real browser: signing in, the board, incidents, dead letters, reports, four languages."""

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect  # noqa: E402  after the check above

from sync.hub.reports.catalogue import BUILDERS  # noqa: E402
from tests.browser.line import Line  # noqa: E402
from tests.browser.office_service import DAY, PASSWORD, USER, OfficeService  # noqa: E402
from tests.browser.till_screen import PATIENCE_MS  # noqa: E402

SPAN = "from=2026-11-01&to=2026-11-30"
OpenOffice = Callable[..., Page]
_REFUSAL = "Failed to load resource"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Generator[OfficeService]:
    """A head office with the books of one shop."""
    with OfficeService(tmp_path_factory.mktemp("office")) as running:
        yield running


@pytest.fixture
def open_office(browser: Browser, office: OfficeService) -> Generator[OpenOffice]:
    """Opens the screens signed in, each in a browser profile of its own; afterwards no script may have complained, and
    nothing been asked of another place. (That an answer was a refusal the browser itself writes down.)"""
    pages: list[Page] = []
    complaints: list[str] = []
    asked: list[str] = []

    def open_one(view: str = "stores", *, width: int = 1366, sign_in: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 850}, locale="en-GB", reduced_motion="reduce", accept_downloads=True
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: None if told.text.startswith(_REFUSAL) else complaints.append(told.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{office.address}/office#/{view}")
        if sign_in:
            page.fill("#user", USER)
            page.fill("#password", PASSWORD)
            page.click("button[type=submit]")
            expect(page.locator("nav a[aria-current=page]").first).to_be_visible()
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((office.address, "blob:"))] == []


def test_a_wrong_password_is_told_and_the_right_one_lets_in(open_office: OpenOffice) -> None:
    page = open_office(sign_in=False)
    page.fill("#user", USER)
    page.fill("#password", "not the password")
    page.click("button[type=submit]")
    expect(page.locator("[role=alert]")).not_to_be_empty()
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Stores")
    page.click("header button")
    expect(page.locator("#user")).to_be_visible()
    page.reload()
    expect(page.locator("#user")).to_be_visible()


def test_the_address_alone_leads_to_the_office(open_office: OpenOffice, office: OfficeService) -> None:
    page = open_office(sign_in=False)
    page.goto(office.address)
    expect(page.locator("#user")).to_be_visible()
    assert page.url.endswith("/office")


def test_the_board_tells_who_is_silent_and_what_can_be_lost(open_office: OpenOffice) -> None:
    page = open_office("stores")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("online")
    expect(rows.nth(0)).to_contain_text(re.compile(r"\d+ · [0-9a-f]{8}"))
    expect(rows.nth(1)).to_contain_text("silent")
    expect(rows.nth(1)).to_contain_text("3 days ago")
    expect(rows.nth(1)).to_contain_text("1,240")
    expect(rows.nth(2)).to_contain_text("new")
    tiles = page.locator(".tile")
    expect(tiles.nth(1)).to_contain_text("1")
    expect(tiles.nth(3)).to_contain_text("€100.00")


def test_an_incident_names_both_receipts_and_is_resolved_with_words(open_office: OpenOffice) -> None:
    page = open_office("incidents")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("S001-T01-000004")
    expect(row).to_contain_text("S002-T02-000917")
    row.locator("input").fill("Checked with both shops; the debt stays.")
    row.locator("button").click()
    expect(page.locator("main")).to_contain_text("Nothing here.")
    page.click("text=resolved")
    expect(page.locator("tbody tr")).to_contain_text("Checked with both shops; the debt stays.")
    expect(page.locator("tbody tr")).to_contain_text(USER)


def test_a_dead_letter_is_left_out_only_after_a_question(open_office: OpenOffice) -> None:
    page = open_office("dead-letters")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("shift.opened")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    row.locator("button", has_text="Leave it out").click()
    expect(row).to_have_count(1)
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    row.locator("button", has_text="Leave it out").click()
    expect(page.locator("main")).to_contain_text("Nothing here.")
    assert len(asked) == 2
    page.click("text=left out")
    expect(page.locator("tbody tr")).to_contain_text("shift.opened")


def test_a_bundle_is_shown_with_its_stores_and_withdrawn_only_after_a_question(open_office: OpenOffice) -> None:
    page = open_office("bundles")
    row = page.locator("tbody tr")
    for text in ("Dairy week", "All stores", "planned", "0 / 3"):
        expect(row).to_contain_text(text)
    page.once("dialog", lambda dialog: dialog.dismiss())
    row.locator("button").click()
    expect(row).to_contain_text("planned")
    page.once("dialog", lambda dialog: dialog.accept())
    row.locator("button").click()
    expect(row).to_contain_text("withdrawn")
    expect(row.locator("button")).to_have_count(0)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_report_has_its_figures_notes_and_table(open_office: OpenOffice, name: str) -> None:
    page = open_office(f"reports/{name}?{SPAN}")
    expect(page.locator("nav.reports a[aria-current=page]")).to_be_visible()
    expect(page.locator("section h1")).to_be_visible()
    expect(page.locator("main")).to_contain_text("so newer figures are missing: S002")
    text = page.locator("main").inner_text()
    # An unknown word is shown by its key.
    assert re.findall(r"\b(?:col|note|report|chart|board|view)_\w+", text) == []
    if page.locator("tbody tr").count():
        assert page.locator("th[scope=col]").count() > 1
    for chart in page.locator("svg.chart").all():
        assert chart.get_attribute("aria-label")


def due_of(office: OfficeService) -> str:
    """What the shop took, as a screen says it."""
    due_minor = json.loads(office.report(f"sales?{SPAN}"))["figures"]["due_minor"]
    assert due_minor > 0
    return f"€{due_minor // 100}.{due_minor % 100:02}"


def test_sales_are_drawn_and_told(open_office: OpenOffice, office: OfficeService) -> None:
    due = due_of(office)
    page = open_office(f"reports/sales?{SPAN}")
    expect(page.locator("svg.chart")).to_have_count(2)
    expect(page.locator("tbody tr")).to_contain_text(due)
    expect(page.locator(".tile").nth(2)).to_contain_text(due)
    page.fill("input[name=from]", "2026-11-22")
    page.click("form.filters button")
    expect(page.locator("main")).to_contain_text("No figures in these days.")


def test_files_are_taken_with_the_token_of_who_is_signed_in(open_office: OpenOffice, office: OfficeService) -> None:
    page = open_office(f"reports/tenders?{SPAN}")
    with page.expect_download() as waiting:
        page.click("button:text-is('CSV')")
    file = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == "tenders-2026-11-01-2026-11-30.csv"
    assert file.splitlines()[1].startswith(f"{DAY},EUR,cash,")
    assert file.splitlines() == office.report(f"tenders?{SPAN}", "text/csv").splitlines()
    with page.expect_download() as waiting:
        page.click("text=For the books")
    assert waiting.value.suggested_filename == "journal-2026-11-01-2026-11-30.csv"


@pytest.mark.parametrize(
    ("language", "stores", "sales"), [("ko", "매장", "매출"), ("ja", "店舗", "売上"), ("pl", "Sklepy", "Sprzedaż")]
)
def test_the_screens_speak_four_languages(open_office: OpenOffice, language: str, stores: str, sales: str) -> None:
    page = open_office("stores")
    page.select_option("header select", language)
    expect(page.locator("h1")).to_have_text(stores)
    assert page.evaluate("() => document.documentElement.lang") == language
    page.goto(page.url.split("#")[0] + f"#/reports/sales?{SPAN}")
    expect(page.locator("section h1")).to_have_text(sales)
    words = page.locator("svg.chart text").all_inner_texts()
    assert not {"mon", "hour", "sales"} & set(words)


def test_a_narrow_screen_scrolls_its_tables_and_never_the_page(open_office: OpenOffice, office: OfficeService) -> None:
    page = open_office(f"reports/sales?{SPAN}", width=480)
    expect(page.locator("tbody tr")).to_contain_text(due_of(office))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 480


def test_a_view_without_an_answer_says_so(open_office: OpenOffice) -> None:
    page = open_office("stores")
    line = Line(page, "**/v1/incidents*")
    line.answer(503, code="storage_unavailable", detail="The disk.")
    page.evaluate("() => { location.hash = '#/incidents'; }")
    expect(page.locator("[role=alert]")).to_contain_text("The disk.")
    line.mend()
    page.evaluate("() => { location.hash = '#/dead-letters?state=parked'; }")
    expect(page.locator("main")).to_contain_text("Nothing here.")


def test_a_store_is_added_and_its_code_told_and_a_known_one_gets_another_code(open_office: OpenOffice) -> None:
    page = open_office("stores")
    page.click("summary")
    page.fill("[name=code]", "s007")
    page.fill("[name=name]", "Corner Shop 7")
    command = page.locator(".command")
    page.click(".admission button")
    expect(command).to_contain_text(re.compile(r"counterfoil enrol --hub http://\S+ --code [0-9A-Z-]{14} --config"))
    expect(page.locator("tbody tr", has_text="S007")).to_contain_text("new")
    expect(page.locator("[name=code]")).to_have_value("")
    first = command.inner_text()
    page.fill("[name=code]", "S007")
    page.fill("[name=name]", "Corner Shop 7")
    page.click(".admission button")
    expect(command).not_to_have_text(first)
    expect(page.locator("tbody tr", has_text="S007")).to_have_count(1)


def test_a_code_that_no_store_can_have_is_not_sent(open_office: OpenOffice) -> None:
    page = open_office("stores")
    page.click("summary")
    page.fill("[name=code]", "shop 7")
    page.fill("[name=name]", "Corner Shop 7")
    page.click(".admission button")
    expect(page.locator("[name=code]:invalid")).to_have_count(1)
    expect(page.locator(".command")).to_have_count(0)
