"""pure: do members come back (retention), and what have they brought so far (lifetime value)? By the month of their
first purchase.

    cohort  | month | members | active | permille
    --------|-------|---------|--------|---------
    2026-01 |     0 |     100 |    100 |     1000     the month of the first purchase
    2026-01 |     1 |     100 |     42 |      420     42 of the 100 bought something in February
"""

from collections import defaultdict
from collections.abc import Iterable

from sync.hub.reports.days import month_of, months_between
from sync.hub.reports.purchases import Histories, Purchase, histories_of, visits_of
from sync.hub.reports.report import Asked, Cells, Note, Report, each, permille

RETENTION_COLUMNS = ("cohort", "currency", "month", "members", "active", "active_permille", "visits", "kept_minor")
VALUE_COLUMNS = (
    *("cohort", "currency", "members", "visits", "spent_minor", "returned_minor", "kept_minor"),
    *("kept_per_member_minor", "visits_per_member_permille", "once_only"),
)

_UNFINISHED = Note("last_month_unfinished", "The month of the last day counts up to that day only.")
_MEMBERS_ONLY = Note("members_only", "Only purchases with a member count; who bought without one before is not seen.")
_HISTORIC = Note(
    "historic_value",
    "What members have brought up to the last day, not a forecast: younger cohorts had less time, and no costs are"
    " taken off.",
)


def report_retention(asked: Asked, rows: Iterable[Purchase]) -> Report:
    """How many of the members who came first in a month bought something in each month after it. Cohorts are those of
    the span that was asked for; members are judged by all their purchases up to its last day."""
    last = month_of(asked.until)
    cells: list[Cells] = []
    for (cohort, currency), members in sorted(_cohorts(histories_of(rows), asked).items()):
        active: dict[int, int] = defaultdict(int)
        visits: dict[int, int] = defaultdict(int)
        kept: dict[int, int] = defaultdict(int)
        for history in members:
            for later in {months_between(cohort, month_of(row.business_day)) for row in visits_of(history)}:
                active[later] += 1
            for row in history:
                later = months_between(cohort, month_of(row.business_day))
                visits[later] += row.visits
                kept[later] += row.kept_minor
        for month in range(months_between(cohort, last) + 1):
            share = permille(active[month], len(members))
            cells.append((cohort, currency, month, len(members), active[month], share, visits[month], kept[month]))
    figures = {"members": sum(int(row[3] or 0) for row in cells if row[2] == 0)}
    return Report(
        name="retention",
        since=asked.since,
        until=asked.until,
        columns=RETENTION_COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_UNFINISHED, _MEMBERS_ONLY),
    )


def report_lifetime_value(asked: Asked, rows: Iterable[Purchase]) -> Report:
    """What each cohort has brought up to the last day."""
    cells: list[Cells] = []
    for (cohort, currency), members in sorted(_cohorts(histories_of(rows), asked).items()):
        visits = [sum(row.visits for row in history) for history in members]
        spent = sum(row.spent_minor for history in members for row in history)
        returned = sum(row.returned_minor for history in members for row in history)
        cells.append(
            (
                *(cohort, currency, len(members), sum(visits), spent, returned, spent - returned),
                each(spent - returned, len(members)),
                each(1000 * sum(visits), len(members)),
                sum(count == 1 for count in visits),
            )
        )
    figures = {"members": sum(int(row[2] or 0) for row in cells), "visits": sum(int(row[3] or 0) for row in cells)}
    return Report(
        name="lifetime-value",
        since=asked.since,
        until=asked.until,
        columns=VALUE_COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_HISTORIC, _MEMBERS_ONLY),
    )


def _cohorts(histories: Histories, asked: Asked) -> dict[tuple[str, str], list[list[Purchase]]]:
    """Histories up to the last day, by the month of their first purchase and currency; cohorts of the span alone."""
    found: dict[tuple[str, str], list[list[Purchase]]] = defaultdict(list)
    for (_, currency), history in histories.items():
        seen = [row for row in history if row.business_day <= asked.until]
        visits = visits_of(seen)
        if visits and visits[0].business_day >= asked.since:
            found[month_of(visits[0].business_day), currency].append(seen)
    return found
