"""pure: what everything in a universe shares: its time, its luck, its network, and the truth.

`note` writes a line of the trace: time, who, what. The last lines are told with a breach.
"""

from collections import deque
from uuid import UUID

from msgspec import Struct

from kiosk.simulate.chance import Chance, draw_bytes
from kiosk.simulate.machines import Machines
from kiosk.simulate.network import Manners, Network
from kiosk.simulate.scheduler import Scheduler
from kiosk.simulate.truth import Truth
from loyalty.exposure import OfflinePolicy
from loyalty.ids import uuid7

START_MS = 1_790_000_000_000
"""The true time at which every universe begins."""

_TRACE_LINES = 60


class Mix(Struct, frozen=True, kw_only=True):
    """What a universe is made of: drawn from its seed, so that some have much of one thing and none of another.

    `catalogue` is the number of products that head office tells of from the beginning; more than a page, where not 0.
    `manners` is the network's; the chances of faults are for each time that luck is asked (every few seconds).
    """

    shops: int
    members: int
    coupons: int
    tills: int
    seconds: int
    pause_ms: int
    manners: Manners
    apply_ms: int
    leases: bool
    expiry: bool
    returns: bool
    power_cut: float
    hub_crash: float
    hub_restore: float
    forgotten_timeline: float
    restore: float
    revert: float
    new_disk: float
    clone: float
    cut_line: float
    clock_jump: float
    full_disk: float
    bit_flip: float
    kiosks: int
    cards: bool
    bundles: bool
    consents: bool
    catalogue: int
    snapshots: bool
    policy: OfflinePolicy


class World:
    """The things that every part of a universe is given."""

    def __init__(self, chance: Chance, mix: Mix, machines: Machines, *, keep_trace: bool = False) -> None:
        self.chance, self.mix, self.machines = chance, mix, machines
        self.scheduler = Scheduler()
        self.network = Network(self.scheduler, chance, mix.manners)
        self.truth = Truth()
        self.trouble = True
        self.trace: deque[str] = deque(maxlen=None if keep_trace else _TRACE_LINES)

    @property
    def now_ms(self) -> int:
        """Milliseconds since the universe began: a clock that only goes forward."""
        return self.scheduler.now_ms

    def excuse(self, subject: tuple[str, int | UUID]) -> int:
        """How much of something that head office keeps may be used once more, because it went back in time."""
        return self.truth.excuse(subject, self.now_ms)

    def luck(self, chance: float) -> bool:
        """Whether something of that chance happens now; never once the trouble is over."""
        return self.trouble and chance > 0 and self.chance.random() < chance

    def new_id(self) -> UUID:
        """An id that nobody had before."""
        return uuid7(START_MS + self.now_ms, draw_bytes(self.chance, 10))

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.now_ms / 1000:10.3f}  {who:<8} {what}")
