"""edge: a till as a cashier holds it: keys, scans, and what can be read on the screen.

    screen.scan("5901234123457")
    screen.press("F9")
    screen.type("50")
    screen.press("Enter")
    assert screen.read(".finished .huge") == "€48.57"

Keys carry their own time stamps, so a scan is a scan and typing is typing however busy the machine is.
"""

import time
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

PATIENCE_MS = 60_000  # nothing takes that long on a quiet machine; a busy one must not turn a test red
SCANNER_GAP_S = 0.004
FINGER_GAP_S = 0.06
PAUSE_S = 0.12
# The seconds that a screen gives an answer before it asks again are plenty on a quick machine, and not on a busy one.
WAITS_LONG = "{ const wait = AbortSignal.timeout.bind(AbortSignal); AbortSignal.timeout = (ms) => wait(10 * ms); }"
# So are those that good news stand on the screen, and in which what was removed may be taken back.
_SHOWS_LONG = """{
  const wait = window.setTimeout.bind(window);
  window.setTimeout = (work, ms, ...values) => wait(work, ms >= 4000 ? 10 * ms : ms, ...values);
}"""


class TillScreen:
    """One page of /till."""

    patience = WAITS_LONG + _SHOWS_LONG

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.context = context
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(self.patience)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/till")[0].split("/v1")[0]))
        self._start = self._last = 0.0
        self._devtools = context.new_cdp_session(self.page)

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text or "Uncaught" in text:
            self.complaints.append(text)

    def open(self, device: str = "", token: str = "", *, selector: str = "#entry") -> None:
        """Open the till as the link of a demo does, tokens behind the #."""
        self.page.goto(
            f"{self.address}/till#device={device}&token={token}" if device or token else f"{self.address}/till"
        )
        self.page.wait_for_selector(selector)

    def scan(self, text: str) -> None:
        """What a scanner on a USB port sends: all keys within milliseconds, then Enter."""
        self._keys(text, SCANNER_GAP_S)
        self._key("Enter", "\r", SCANNER_GAP_S * (len(text) + 1))

    def type(self, text: str) -> None:
        """Typed by hand, into whatever has the focus."""
        self._keys(text, FINGER_GAP_S)

    def press(self, key: str) -> None:
        """One key or a chord, such as F9 or Control+Enter."""
        self.page.keyboard.press(key)

    def read(self, selector: str) -> str:
        """The text of the one element that matches."""
        return self.page.locator(selector).inner_text()

    def expect_text(self, selector: str, text: str) -> None:
        """Wait until the text stands there."""
        expect(self.page.locator(selector)).to_contain_text(text)

    def expect_count(self, selector: str, count: int) -> None:
        """Wait until so many elements match."""
        expect(self.page.locator(selector)).to_have_count(count)

    def expect_focus(self, selector: str) -> None:
        """Wait until the one element that matches has the focus."""
        expect(self.page.locator(selector)).to_be_focused()

    def expect_due(self, text: str) -> None:
        """Wait until the service has priced the basket at this sum."""
        expect(self.page.locator(".sums:not(.stale) .due output")).to_have_text(text)

    def evaluate(self, script: str, argument: Any = None) -> Any:  # noqa: ANN401  whatever the page answers
        """Run a script in the page."""
        return self.page.evaluate(script, argument)

    def _keys(self, text: str, gap_s: float) -> None:
        self._start = max(time.time(), self._last + PAUSE_S)
        for number, character in enumerate(text):
            self._key(character, character, gap_s * number)

    def _key(self, key: str, text: str, after_s: float) -> None:
        stamp = self._last = self._start + after_s
        time.sleep(max(0.0, stamp - time.time()))
        code = f"Digit{key}" if key.isdigit() else f"Key{key.upper()}" if key.isascii() and key.isalpha() else key
        common = {"key": key, "code": code if len(key) == 1 or key == "Enter" else key, "timestamp": stamp}
        virtual = {"windowsVirtualKeyCode": 13} if key == "Enter" else {}
        self._devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **common, **virtual})
        self._devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **common, **virtual})
