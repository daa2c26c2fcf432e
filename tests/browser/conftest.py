"""edge: one browser and one real store for each file of browser tests; every test gets a till of its own."""

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, expect, sync_playwright  # noqa: E402  after the check above

from tests.browser.shop_service import ShopService, Till  # noqa: E402
from tests.browser.till_screen import PATIENCE_MS, TillScreen  # noqa: E402

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

OpenTill = Callable[..., TillScreen]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """The system's Chromium, headless. It ends with the file: its driver runs an event loop that no other may join."""
    program = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium found: install the package chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[ShopService]:
    """A store that runs as it does in a shop: a process of its own."""
    folder: Path = tmp_path_factory.mktemp("shop")
    with ShopService(folder) as running:
        yield running


@pytest.fixture
def till(shop: ShopService) -> Till:
    """A till with a cashier and an open shift."""
    return shop.new_till()


@pytest.fixture
def open_till(browser: Browser, shop: ShopService) -> Generator[OpenTill]:
    """Opens screens, each in a browser profile of its own, and checks afterwards that none complained."""
    screens: list[TillScreen] = []

    def open_one(
        till: Till | None = None, *, width: int = 1366, height: int = 768, selector: str = "#entry"
    ) -> TillScreen:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce"
        )
        screen = TillScreen(context, shop.address)
        screens.append(screen)
        if till is None:
            screen.open(selector="#code")
        else:
            screen.open(till.device, till.token, selector=selector)
        return screen

    yield open_one
    for screen in screens:
        screen.context.close()
    assert [complaint for screen in screens for complaint in screen.complaints] == []
    assert {host for screen in screens for host in screen.hosts if host.startswith("http")} <= _own(shop, screens)


def _own(shop: ShopService, screens: list[TillScreen]) -> set[str]:
    """The only places that a till may ask: this store, for pages, files and the API."""
    return {host for screen in screens for host in screen.hosts if host.startswith(shop.address)}
