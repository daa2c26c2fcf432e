"""edge: takes the pictures of the documentation anew, from a demonstration that it builds and serves.

    python -m tests.browser.pictures                     # writes docs/pictures/{till,kiosk,office}.png

Look at them before they are committed: what they show is what the screens are today.
"""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.till_screen import PATIENCE_MS, TillScreen
from tests.ports import reserve_port

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_DEMO = [sys.executable, "-c", "from kiosk.cli import main; main()", "demo", "--json"]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_KIOSK_WIDTH, _GAP = 420, 16
_SOLD = 7


@contextlib.contextmanager
def serve_demo() -> Iterator[dict[str, Any]]:
    """A demonstration, and its first line: where it is and who may come in."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_DEMO, "--data", folder, "--port-base", str(reserve_port())]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                told: dict[str, Any] = json.loads(process.stdout.readline())
                _await_head_office(told)
                yield told | {"office": json.loads((Path(folder) / "office.json").read_text())}
            finally:
                process.terminate()


def _await_head_office(demo: dict[str, Any]) -> None:
    """Until the member's points are known to all: before that the till says that they are not."""
    address = f"{demo['store']['url']}/v1/members/{demo['members'][0]['id']}/points"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {demo['store']['manager_token']}"})
    for _ in range(600):
        with urllib.request.urlopen(asked, timeout=60) as answer:
            if not json.load(answer)["provisional"]:
                return
        time.sleep(0.2)
    raise AssertionError("head office has not confirmed the points")


def take_till(browser: Browser, demo: dict[str, Any]) -> bytes:
    """A basket of a member, before it is paid."""
    with _new_page(browser, 1280, 800) as page:
        screen = TillScreen(page.context, demo["store"]["url"])
        screen.open(demo["store"]["device_token"], demo["store"]["till_token"])
        screen.scan(demo["members"][0]["token"])
        screen.expect_text(".customer", demo["members"][0]["name"])
        for number, product in enumerate(demo["products"][:_SOLD], 1):
            screen.scan(product["gtin"])
            screen.expect_count("tbody tr", number)
        screen.page.wait_for_selector(".sums:not(.stale)")
        return screen.page.screenshot()


def take_kiosk(browser: Browser, demo: dict[str, Any]) -> bytes:
    """From the first picture to a coupon for points, four screens in a row."""
    member = demo["members"][0]
    with _new_page(browser, 1080, 1920) as page:
        page.goto(f"{demo['store']['url']}/kiosk#device={demo['store']['kiosk_token']}")
        page.wait_for_selector(".touch")
        shots = [page.screenshot()]
        page.locator(".choose [lang=en]").click()
        page.locator("[data-job=coupons]").click()
        _dial(page, member["phone"], "identify")
        _dial(page, member["pin"], "proof")
        page.wait_for_selector(".coupons")
        shots.append(page.screenshot())
        page.locator(".coupons button").filter(has_text="points").first.click()
        page.wait_for_selector(".confirm")
        shots.append(page.screenshot())
        page.locator(".confirm button.main").click()
        page.wait_for_selector("svg.code")
        shots.append(page.screenshot())
    return _in_a_row(shots)


def take_office(browser: Browser, demo: dict[str, Any]) -> bytes:
    """The sales of the last weeks."""
    with _new_page(browser, 1400, 900) as page:
        page.goto(f"{demo['hub']['url']}/office#/reports")
        page.fill("#user", demo["office"]["user"])
        page.fill("#password", demo["office"]["password"])
        page.press("#password", "Enter")
        page.wait_for_selector(".report figure svg")
        return page.screenshot()


@contextlib.contextmanager
def _new_page(browser: Browser, width: int, height: int) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def _dial(page: Page, digits: str, name: str) -> None:
    page.wait_for_selector(f".{name}")
    for digit in digits:
        page.locator(f".{name} .pad button").get_by_text(digit, exact=True).click()
    page.locator(f".{name} .ask button.main").click()


def _in_a_row(shots: list[bytes]) -> bytes:
    pictures = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    size = (_KIOSK_WIDTH, _KIOSK_WIDTH * pictures[0].height // pictures[0].width)
    row = Image.new("RGB", (len(pictures) * (size[0] + _GAP) - _GAP, size[1]), "white")
    for number, picture in enumerate(pictures):
        row.paste(picture.resize(size, Image.Resampling.LANCZOS), (number * (size[0] + _GAP), 0))
    content = io.BytesIO()
    row.quantize(256).save(content, "PNG", optimize=True)
    return content.getvalue()


def main() -> None:
    """Take all of them."""
    program = next(found for name in _BROWSERS if (found := shutil.which(name)))
    with serve_demo() as demo, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for name, take in (("till", take_till), ("kiosk", take_kiosk), ("office", take_office)):
            (FOLDER / f"{name}.png").write_bytes(take(browser, demo))
        browser.close()


if __name__ == "__main__":
    main()
