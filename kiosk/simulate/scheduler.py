"""pure: virtual time. Nothing waits: the clock jumps to whatever comes next, so a day passes in a moment.

scheduler.after(1_000, "till-2 asks again", ask)
while (what := scheduler.step()) is not None:
    ...
"""

import heapq
from collections.abc import Callable

Action = Callable[[], None]


class Scheduler:
    """What is going to happen, by time and then by the order in which it was planned. Times are milliseconds."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.steps = 0
        self._order = 0
        self._plans: list[tuple[int, int, str, Action]] = []

    def after(self, delay_ms: int, what: str, action: Action) -> None:
        """Plan an action. A delay below 0 is now."""
        self._order += 1
        heapq.heappush(self._plans, (self.now_ms + max(delay_ms, 0), self._order, what, action))

    def step(self, until_ms: int | None = None) -> str | None:
        """Let the next thing happen and say what it was; None when nothing is planned, or nothing before `until_ms`,
        to which the clock is then set."""
        if not self._plans or (until_ms is not None and self._plans[0][0] > until_ms):
            if until_ms is not None:
                self.now_ms = max(self.now_ms, until_ms)
            return None
        self.now_ms, _, what, action = heapq.heappop(self._plans)
        self.steps += 1
        action()
        return what
