"""edge: the line between a page and its store, for the requests of one path: cut, losing answers, keeping them back, or
giving a wrong one.

    line = Line(screen.page, "**/v1/sales")
    line.lose_answers()
    screen.press("Enter")             # booked, but the till does not hear of it
    screen.expect_text(".banner", "cannot be booked twice")
    line.mend()

A line is laid once and never taken away; what happens on it is asked anew for each request. `page.unroute` is no way to
mend it: a request whose handler is still at work then goes on by itself, and the handler that ends it a moment later
fails with "Route is already handled!". So only this module may install routes; tests/tidy/test_luck.py looks.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

from playwright.sync_api import APIResponse, Error, Page, Route

# What the driver says to a handler that still waits for an answer when the test, and with it the context, has ended.
_GONE = ("Request context disposed", "Target page, context or browser has been closed")
_PATIENCE_MS = 120_000
_Deed = Literal["carry", "cut", "lose", "keep", "answer"]


class Line:
    """The requests of `page` whose address matches `pattern`, as playwright writes patterns. Whole at first."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.sent: list[Any] = []  # what each request carried, decoded; None where it had no body
        self._does: _Deed = "carry"
        self._instead: dict[str, Any] = {}
        self._left: float = math.inf  # for how many requests more
        self._meanwhile: Callable[[], None] = _nothing
        self._kept: list[tuple[Route, APIResponse]] = []
        page.route(pattern, self._take)

    def cut(self, times: float = math.inf, meanwhile: Callable[[], None] | None = None) -> None:
        """From now on requests do not reach the store; after so many `times` the line is whole again. `meanwhile` is
        called with each, before the page hears that it failed."""
        self._does, self._left, self._meanwhile = "cut", times, meanwhile or _nothing

    def lose_answers(self, times: float = math.inf, meanwhile: Callable[[], None] | None = None) -> None:
        """From now on the store hears and answers, and the page hears nothing; otherwise as `cut`."""
        self._does, self._left, self._meanwhile = "lose", times, meanwhile or _nothing

    def keep_answers(self) -> None:
        """From now on the store answers, and the page goes on waiting until `hand_over`."""
        self._does, self._left, self._meanwhile = "keep", math.inf, _nothing

    def answer(self, status: int, **body: object) -> None:
        """From now on the page gets this problem instead, and the store hears nothing."""
        self._does, self._left, self._meanwhile = "answer", math.inf, _nothing
        self._instead = {"status": status, "json": body}

    def mend(self) -> None:
        """From now on everything passes. What is under way ends as it began; nothing is waited for."""
        self._does = "carry"

    @property
    def kept(self) -> list[str]:
        """The answers that were kept back, as text."""
        return [answer.text() for _, answer in self._kept]

    def hand_over(self) -> None:
        """Give the page what was kept back, whether or not it still waits."""
        while self._kept:
            route, answer = self._kept.pop(0)
            route.fulfill(response=answer)

    def _take(self, route: Route) -> None:
        self.sent.append(route.request.post_data_json)
        does = self._does if self._left > 0 else "carry"
        self._left -= 1
        try:
            self._pass_on(route, does)
        except Error as error:
            # A page that loads again or closes lets go of its requests quietly. When its context closes, the question
            # to the store is broken off here; then there is nobody left whom the answer could reach.
            if not any(reason in error.message for reason in _GONE):
                raise

    def _pass_on(self, route: Route, does: _Deed) -> None:
        if does == "carry":
            return route.continue_()
        if does == "answer":
            return route.fulfill(**self._instead)
        answer = route.fetch(timeout=_PATIENCE_MS) if does != "cut" else None
        self._meanwhile()
        if does == "keep" and answer is not None:
            return self._kept.append((route, answer))
        return route.abort()


def _nothing() -> None:
    pass
