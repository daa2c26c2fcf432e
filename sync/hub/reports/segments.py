"""pure: who buys lately, often, much (RFM), and where members moved between two days.

Each member with a purchase in the year before a day gets three scores from 1 to 5, among all members who pay in the
same currency. Equal figures get equal scores, whatever order they come in, so no score is drawn by lot:

    recency             5 - 5 * better // members       `better` counts those who came strictly later
    frequency, money    1 + 5 * worse // members        `worse` counts those with strictly less

    days since the last visit   2   2   9   30   200          visits    7   1   1   1   3
    better                      0   0   2    3     4          worse     4   0   0   0   3
    recency                     5   5   3    2     1          frequency 5   1   1   1   4

Recency counts days, frequency visits, money what was kept of the spending. The names, by recency (down) and frequency:

         | 1           2           3          4          5
    -----|---------------------------------------------------
       5 | new         promising   promising  champions  champions
       4 | new         promising   promising  champions  champions
       3 | fading      fading      loyal      loyal      loyal
       2 | asleep      asleep      at_risk    at_risk    at_risk
       1 | asleep      asleep      at_risk    at_risk    at_risk

A member without a purchase in that year is `gone`, one whose first purchase is still to come is `none`.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sync.hub.reports.days import add_days, days_between
from sync.hub.reports.purchases import Histories, Purchase, histories_of, visits_of
from sync.hub.reports.report import Asked, Cells, Note, Report

LOOK_BACK_DAYS = 365
COLUMNS = (
    *("part", "currency", "segment", "was", "recency", "frequency", "money", "members", "visits", "kept_minor"),
    "days_since_last",
)

_NAMES = (
    ("asleep", "asleep", "at_risk", "at_risk", "at_risk"),
    ("asleep", "asleep", "at_risk", "at_risk", "at_risk"),
    ("fading", "fading", "loyal", "loyal", "loyal"),
    ("new", "promising", "promising", "champions", "champions"),
    ("new", "promising", "promising", "champions", "champions"),
)
_RANKS = Note(
    "scores_are_ranks",
    "Scores rank members among each other on that day: a member can move without buying less, because others buy more.",
)
_YEAR = Note(
    "one_year", f"A day is judged by the {LOOK_BACK_DAYS} days up to it. Sales without a member are in no segment."
)


_Figures = tuple[int, int, int]


class Standing(NamedTuple):
    """How a member stands on a day. `recency`, `frequency`, `money` are scores from 1 to 5."""

    days_since_last: int
    visits: int
    kept_minor: int
    recency: int
    frequency: int
    money: int

    @property
    def segment(self) -> str:
        """The name that the scores have."""
        return _NAMES[self.recency - 1][self.frequency - 1]


def report_segments(asked: Asked, rows: Iterable[Purchase]) -> Report:
    """The grid on the last day that was asked for, the segments with their sums, and the movement since the first."""
    histories = histories_of(rows)
    now = judge_members(histories, asked.until)
    before = judge_members(histories, asked.since)
    cells = [*_grid(now), *_sums(now), *_movement(histories, before, now, asked)]
    figures = {
        "members": len(now),
        "moved": sum(int(row[7] or 0) for row in cells if row[0] == "movement" and row[2] != row[3]),
    }
    return Report(
        name="segments",
        since=asked.since,
        until=asked.until,
        columns=COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_RANKS, _YEAR),
    )


def judge_members(histories: Histories, day: str) -> dict[tuple[bytes, str], Standing]:
    """The standing of every member with a purchase in the year up to a day, by member and currency."""
    since = add_days(day, 1 - LOOK_BACK_DAYS)
    found: dict[str, dict[bytes, _Figures]] = defaultdict(dict)
    for (member, currency), history in histories.items():
        seen = [row for row in history if since <= row.business_day <= day]
        visits = visits_of(seen)
        if visits:
            found[currency][member] = (
                days_between(visits[-1].business_day, day),
                sum([row.visits for row in visits]),
                sum([row.kept_minor for row in seen]),
            )
    return {
        (member, currency): standing
        for currency, figures in found.items()
        for member, standing in _score(figures).items()
    }


def score_down(value: int, ordered: Sequence[int]) -> int:
    """5 for the smallest figure, down to 1; `ordered` has all of them, the smallest first."""
    return 5 - 5 * bisect_left(ordered, value) // len(ordered)


def score_up(value: int, ordered: Sequence[int]) -> int:
    """1 for the smallest figure, up to 5."""
    return 1 + 5 * bisect_left(ordered, value) // len(ordered)


def _score(figures: Mapping[bytes, _Figures]) -> dict[bytes, Standing]:
    recency, frequency, money = (sorted(column) for column in zip(*figures.values(), strict=True))
    return {
        member: Standing(
            days, visits, kept, score_down(days, recency), score_up(visits, frequency), score_up(kept, money)
        )
        for member, (days, visits, kept) in figures.items()
    }


def _grid(now: Mapping[tuple[bytes, str], Standing]) -> list[Cells]:
    groups: dict[tuple[str, int, int, int], list[Standing]] = defaultdict(list)
    for (_, currency), standing in now.items():
        groups[currency, standing.recency, standing.frequency, standing.money].append(standing)
    return [
        ("grid", key[0], group[0].segment, None, key[1], key[2], key[3], *_figures(group))
        for key, group in sorted(groups.items())
    ]


def _sums(now: Mapping[tuple[bytes, str], Standing]) -> list[Cells]:
    groups: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for (_, currency), standing in now.items():
        groups[currency, standing.segment].append(standing)
    return [
        ("segment", currency, name, None, None, None, None, *_figures(group))
        for (currency, name), group in sorted(groups.items())
    ]


def _movement(
    histories: Histories,
    before: Mapping[tuple[bytes, str], Standing],
    now: Mapping[tuple[bytes, str], Standing],
    asked: Asked,
) -> list[Cells]:
    moves: dict[tuple[str, str, str], int] = defaultdict(int)
    for key, history in histories.items():
        began = next((row.business_day for row in visits_of(history)), None)
        if began is None or began > asked.until:
            continue
        was = before[key].segment if key in before else ("none" if began > asked.since else "gone")
        moves[key[1], was, now[key].segment if key in now else "gone"] += 1
    return [
        ("movement", currency, name, was, None, None, None, members, None, None, None)
        for (currency, was, name), members in sorted(moves.items())
    ]


def _figures(group: Sequence[Standing]) -> Cells:
    members = len(group)
    return (
        members,
        sum(standing.visits for standing in group),
        sum(standing.kept_minor for standing in group),
        sum(standing.days_since_last for standing in group) // members,
    )
