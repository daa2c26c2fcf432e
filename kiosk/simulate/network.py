"""pure: a network as bad as its manners say: messages are lost, doubled, late, out of order, held up by a cut line,
or come back when everybody has long forgotten them.

A request and its answer are two messages, each with its own luck: an answer that is lost leaves work done that nobody
was told of.
"""

from msgspec import Struct

from kiosk.simulate.chance import Chance
from kiosk.simulate.scheduler import Action, Scheduler

_OLD_MS = (60_000, 1_500_000)


class Manners(Struct, frozen=True, kw_only=True):
    """Chances from 0 to 1 for each message, and how long one is under way at the most."""

    loss: float = 0.0
    doubling: float = 0.0
    late: float = 0.0
    replay: float = 0.0
    delay_ms: int = 200


GOOD = Manners()


class Network:
    """Everything between the shops and head office. `cut` names the shops whose line is down."""

    def __init__(self, scheduler: Scheduler, chance: Chance, manners: Manners) -> None:
        self.manners = manners
        self.cut: dict[str, bool] = {}
        self._scheduler, self._chance = scheduler, chance

    def send(self, shop: str, what: str, arrive: Action) -> None:
        """Send a message from or to `shop`. `arrive` is what its arrival does: never, once, or more than once."""
        manners, chance = self.manners, self._chance
        if self.cut.get(shop) or chance.random() < manners.loss:
            return
        self._plan(shop, what, arrive, chance.randrange(1, manners.delay_ms + 1))
        if manners.doubling and chance.random() < manners.doubling:
            self._plan(shop, f"{what} (double)", arrive, chance.randrange(1, 4 * manners.delay_ms + 1))
        if manners.late and chance.random() < manners.late:
            self._plan(shop, f"{what} (late)", arrive, chance.randrange(1, 100 * manners.delay_ms + 1))
        if manners.replay and chance.random() < manners.replay:
            self._plan(shop, f"{what} (replayed)", arrive, chance.randrange(*_OLD_MS))

    def _plan(self, shop: str, what: str, arrive: Action, delay_ms: int) -> None:
        def deliver() -> None:
            if not self.cut.get(shop):
                arrive()

        self._scheduler.after(delay_ms, what, deliver)
