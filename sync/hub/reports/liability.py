"""pure: what the points that members hold come to: by age, by what is left of their time, and in money.

Outstanding are points in lots that have not ended: spendable, pending, or set aside. Debt (points owed) is told apart,
because whoever owes points is not sure to pay them back.

Breakage is the part of points that ended unused. It is told as it was *observed*, in lots whose time is over, and shown
beside the full value, never instead of it: what members will do with the points they hold now is not known.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from sync.hub.reports.days import day_number
from sync.hub.reports.report import Asked, Cell, Cells, Note, Report, permille

COLUMNS = ("part", "bucket", "lots", "points", "pending_points", "held_points", "currency", "value_minor")
AGES = ((30, "0-30"), (90, "31-90"), (180, "91-180"), (365, "181-365"))
ENDINGS = ((30, "within 30"), (90, "31-90"), (180, "91-180"), (365, "181-365"))

_AS_OF_NOW = Note(
    "as_of_now", "Points are those of this moment, whatever days were asked for; they belong to no store."
)
_DEBT = Note("debt_apart", "Debt is not taken off: points that begin or are earned settle it first.")
_OBSERVED = Note(
    "breakage_observed",
    "Breakage is what ended unused of points whose time is over. It is no promise for points that are held now.",
)
_NO_VALUE = Note("no_point_value", "No value of a point is configured at head office, so nothing is told in money.")


class PointValue(Struct, frozen=True, kw_only=True):
    """What points are worth: `minor` minor units of `currency` for `points` points; 0 minor: nobody said."""

    currency: str = ""
    minor: int = 0
    points: int = 1

    def worth(self, points: int) -> int | None:
        """The value of points, cut to whole minor units; None where nobody said."""
        return points * self.minor // self.points if self.minor else None


class LotSum(NamedTuple):
    """Open lots that began on one day and end on one (days since 1970; None never), added up."""

    began: int
    ends: int | None
    lots: int
    free: int
    held: int
    pending: int


class EndedSum(NamedTuple):
    """Lots whose time is over, added up: what was in them for good, and what of it ended unused."""

    points: int
    unused: int


def report_liability(asked: Asked, lots: Sequence[LotSum], ended: EndedSum, debt: int, value: PointValue) -> Report:
    """Points outstanding by age and by remaining time, and what they come to."""
    today = day_number(asked.now_ms)
    cells = [
        *_buckets("age", ((_age(lot, today), lot) for lot in lots), value),
        *_buckets("ends", ((_ending(lot, today), lot) for lot in lots), value),
    ]
    outstanding = sum(lot.free + lot.held for lot in lots)
    figures: dict[str, Cell] = {
        "outstanding_points": outstanding,
        "pending_points": sum(lot.pending for lot in lots),
        "held_points": sum(lot.held for lot in lots),
        "debt_points": debt,
        "ended_points": ended.points,
        "ended_unused_points": ended.unused,
        "observed_breakage_permille": permille(ended.unused, ended.points),
    }
    if value.minor:
        figures |= {"currency": value.currency, "value_minor": value.worth(outstanding)}
        if ended.points:
            likely = outstanding * (ended.points - ended.unused) // ended.points
            figures["value_after_observed_breakage_minor"] = value.worth(likely)
    notes = (_AS_OF_NOW, _DEBT, _OBSERVED) if value.minor else (_AS_OF_NOW, _DEBT, _OBSERVED, _NO_VALUE)
    return Report(
        name="points-liability",
        since=asked.since,
        until=asked.until,
        columns=COLUMNS,
        rows=cells,
        figures=figures,
        notes=notes,
    )


def _buckets(part: str, lots: Iterable[tuple[tuple[int, str], LotSum]], value: PointValue) -> list[Cells]:
    groups: dict[tuple[int, str], list[LotSum]] = defaultdict(list)
    for bucket, lot in lots:
        groups[bucket].append(lot)
    cells: list[Cells] = []
    for (_, name), group in sorted(groups.items()):
        points = sum(lot.free + lot.held for lot in group)
        counts = (
            sum(lot.lots for lot in group),
            points,
            sum(lot.pending for lot in group),
            sum(lot.held for lot in group),
        )
        cells.append((part, name, *counts, value.currency or None, value.worth(points)))
    return cells


def _age(lot: LotSum, today: int) -> tuple[int, str]:
    age = today - lot.began
    if age < 0:
        return (-1, "pending")
    return next(((most, name) for most, name in AGES if age <= most), (9_999, "over 365"))


def _ending(lot: LotSum, today: int) -> tuple[int, str]:
    if lot.ends is None:
        return (99_999, "never")
    left = lot.ends - today
    return next(((most, name) for most, name in ENDINGS if left <= most), (9_999, "over 365"))
