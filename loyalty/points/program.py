"""pure: the rules of a points program: when points begin and end, what they are worth, what happens to debt.

They are asked when a posting is made; the posting carries what they said. So a changed program never changes the past.

    program = Program(time_zone="Europe/Warsaw", pending_days=14, validity=Period(12, "month", "month"))
    begins = program.begins_at(sold_at)          # 14 days later
    program.ends_at(sold_at if begins is None else begins)
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from loyalty.points.decide import RedeemRules
from loyalty.points.periods import Period, end_of_day, end_of_period

DebtPolicy = Literal["carry", "refund", "forgive"]


class Program(Struct, frozen=True, kw_only=True):
    """How points work in this shop. Times are milliseconds, calendars are those of `time_zone` (IANA).

    `pending_days` 0: earned points count at once; `validity` None: they never end. `grace_days`: how long points that
    come back with goods last at the least. `debt`: what happens when points that are to be taken back were spent:
    carry them as debt, keep their value of the refund, or forgive less than `forgive_below`. `hold_ms` is how long a
    reservation lasts by the role that makes it, `adjust_limits` how many points a role may give or take by hand; a role
    that is not named gets the shortest hold and may adjust nothing. `tender_earns`: what is paid with points earns too.
    """

    time_zone: str = "UTC"
    pending_days: int = 0
    validity: Period | None = None
    grace_days: int = 14
    debt: DebtPolicy = "carry"
    forgive_below: int = 0
    redeem: RedeemRules = RedeemRules()
    hold_ms: Mapping[str, int] = {}
    adjust_limits: Mapping[str, int] = {}
    tender_earns: bool = False

    def begins_at(self, at: int) -> int | None:
        """From when points earned at `at` may be spent; None at once."""
        return end_of_period(at, Period(self.pending_days, "day"), self.time_zone) if self.pending_days else None

    def ends_at(self, begins: int) -> int | None:
        """The first instant at which points that begin at `begins` are gone; None never."""
        return end_of_period(begins, self.validity, self.time_zone) if self.validity else None

    def keep_until(self, at: int) -> int:
        """The end that points which come back at `at` get at the least."""
        return end_of_day(at, self.grace_days, self.time_zone)

    def lapses_at(self, at: int, role: str) -> int:
        """When a hold that `role` places at `at` lapses."""
        return at + self.hold_ms.get(role, min(self.hold_ms.values(), default=180_000))
