"""edge: a kiosk as a shopper meets it: fingers on buttons, a keypad, a scanner, and what can be read on the screen.

screen.touch("[data-job=coupons]")
screen.dial(anna.phone)
screen.dial(anna.pin, "proof")
screen.wait(".coupons")
"""

import re
import time
from typing import Any

from playwright.sync_api import BrowserContext, Request

from tests.browser.kiosk_shop import KioskShop, Member
from tests.browser.till_screen import WAITS_LONG, TillScreen

LANGUAGES = ["en", "ko", "ja", "pl"]


class KioskScreen(TillScreen):
    """One page of /kiosk. Its own clock, which a test may turn, stays as it is."""

    patience = WAITS_LONG

    def __init__(self, context: BrowserContext, shop: KioskShop) -> None:
        super().__init__(context, shop.address)
        self.token = shop.new_kiosk()
        self._asking: set[Request] = set()
        self.page.on("request", self._asked)
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._answered)

    def _asked(self, request: Request) -> None:
        self._asking.add(request)

    def _answered(self, request: Request) -> None:
        self._asking.discard(request)

    def arrive(self) -> None:
        """Open the kiosk as the link of a demo does, its token behind the #."""
        self.page.goto(f"{self.address}/kiosk#device={self.token}")
        self.wait(".touch")

    def touch(self, selector: str) -> None:
        """Press what is there, once it is."""
        self.page.locator(selector).first.click()

    def wait(self, selector: str) -> None:
        """Until it is on the screen."""
        self.page.wait_for_selector(selector)

    def scan_late(self, text: str) -> None:
        """A scan whose keys a busy machine hands over half a second after they were typed."""
        time.sleep(0.7)
        self._start = time.time() - 0.5
        for number, character in enumerate([*text, "Enter"]):
            self._key(character, "\r" if character == "Enter" else character, 0.004 * number)

    def pass_time(self, ms: int) -> None:
        """Let the page's clock jump, but not over a question under way: its answer would come too late."""
        while self._asking:
            self.page.wait_for_timeout(20)
        self.page.clock.fast_forward(ms)

    def begin(self, language: str = "en") -> None:
        """Touch the first picture where it says the language."""
        self.touch(f".choose [lang={language}]")
        self.wait(".menu")

    def dial(self, digits: str, name: str = "identify") -> None:
        """Press digits on the pad of a screen, then go on."""
        self.wait(f".{name}")
        for digit in digits:
            self.page.locator(f".{name} .pad button").get_by_text(digit, exact=True).click()
        self.touch(f".{name} .ask button.main")

    def come_in(self, job: str, member: Member, language: str = "en") -> None:
        """From the first picture to the job, by phone and PIN."""
        self.begin(language)
        self.touch(f"[data-job={job}]")
        self.dial(member.phone)
        self.dial(member.pin, "proof")
        self.wait(f".{job}")

    def say(self, key: str, language: str) -> str:
        """A text of the kiosk, as its catalogue has it."""
        load = "async ([key, language]) => { const m = await import('/static/kiosk/texts.js');"
        text: str = self.evaluate(f"{load} return m.TEXTS[key][m.LANGUAGES.indexOf(language)]; }}", [key, language])
        return text

    def left_over(self, *traces: str) -> list[str]:
        """Which of the texts are anywhere in the page, in what a browser keeps, or in its history.

        Short ones only as words of their own: the device's random token may well hold three digits of a phone.
        """
        everything: str = self.evaluate(
            """() => [document.documentElement.outerHTML,
              ...[...document.querySelectorAll("input")].map((field) => field.value),
              JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.cookie, location.href,
              JSON.stringify(history.state), document.title].join("\\n")"""
        )
        return [text for text in traces if re.search(rf"(?<![\w-]){re.escape(text)}(?![\w-])", everything)]

    def remembered(self) -> Any:  # noqa: ANN401  whatever is there
        """Everything of the visitor that the page's own state holds."""
        return self.evaluate("async () => (await import('/static/kiosk/state.js')).kiosk().visitor")

    def faults(self) -> list[str]:
        """What is too small to touch or to read, too faint, cut off, or beside the screen."""
        return list(self.evaluate(_FAULTS))


_FAULTS = r"""() => {
  const found = [];
  const tell = (what, element) => found.push(`${what}: ${element.className} ${element.textContent.slice(0, 40)}`);
  const parse = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  for (const element of document.querySelectorAll("button, input")) {
    const { width, height } = element.getBoundingClientRect();
    const least = element.closest(".letters") ? 47.5 : 71.5;
    const isSmall = height > 0 && (height < 71.5 || width < least) && !element.closest(".field");
    if (isSmall) tell(`small ${width}x${height}`, element);
    if (element.scrollWidth > element.clientWidth + 1) tell("cut off", element);
  }
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 24) tell(`text of ${style.fontSize}`, element);
    if (element.closest(":disabled")) continue;
    const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) tell("faint", element);
  }
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) found.push("larger than the screen");
  for (const element of document.querySelectorAll(".work, .screen, .keys, .top, .steps li"))
    if (element.scrollWidth > element.clientWidth + 1) tell("wider than its place", element);
  return found;
}"""
