"""pure: which pictures a report has (sync/hub/reports/svg.py draws them).

    charts_of(report)      # ({"name": "due_by_day", "svg": "<svg …"}, …)

Money is drawn in one currency: the one with the most rows, where there are several; the table has them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loyalty.errors import InvalidInput
from loyalty.money import currency_exponent
from sync.hub.reports.days import list_days, weekday_of
from sync.hub.reports.report import Cells, Report
from sync.hub.reports.shop_reports import rate_order
from sync.hub.reports.svg import Bars, Chart, Intervals, Shades, draw

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BARS_MAX = 24
_DAYS_MAX = 92
_OPENING, _CLOSING = 8, 19


class Picture(Struct, frozen=True):
    """A chart as SVG text. `name` says what it shows, for whoever gives it a heading."""

    name: str
    svg: str


class _Rows:
    """The rows of a report by the names of their columns, in one currency where they have one."""

    def __init__(self, report: Report) -> None:
        self._columns = {name: place for place, name in enumerate(report.columns)}
        self.report = report
        self.rows: Sequence[Cells] = report.rows
        self.currency = ""
        if "currency" in self._columns:
            seen = Counter(str(row[self._columns["currency"]] or "") for row in report.rows)
            self.currency = min(seen, key=lambda currency: (-seen[currency], currency)) if seen else ""
            self.rows = [row for row in report.rows if (self.text(row, "currency")) == self.currency]

    @property
    def digits(self) -> int:
        """Decimal digits of the currency; 0 where there is none."""
        try:
            return currency_exponent(self.currency) if self.currency else 0
        except InvalidInput:
            return 0

    def where(self, column: str, value: str) -> list[Cells]:
        """The rows with a text in a column."""
        return [row for row in self.rows if self.text(row, column) == value]

    def text(self, row: Cells, column: str) -> str:
        """A cell as text."""
        return str(row[self._columns[column]] or "")

    def number(self, row: Cells, column: str) -> int:
        """A cell as a number; nothing is 0."""
        value = row[self._columns[column]]
        return value if isinstance(value, int) else 0

    def sums(self, by: str, column: str, rows: Iterable[Cells] | None = None) -> dict[str, int]:
        """A column added up by another, in the order they come."""
        found: dict[str, int] = defaultdict(int)
        for row in self.rows if rows is None else rows:
            found[self.text(row, by)] += self.number(row, column)
        return dict(found)


def charts_of(report: Report) -> tuple[Picture, ...]:
    """The pictures of a report; none where there is nothing to see."""
    make = _CHARTS.get(report.name)
    if make is None or not report.rows:
        return ()
    return tuple(Picture(name, draw(chart)) for name, chart in make(_Rows(report)))


Named = list[tuple[str, Chart]]


def _sales(rows: _Rows) -> Named:
    by_day = rows.sums("business_day", "due_minor")
    grid: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows.rows:
        grid[weekday_of(rows.text(row, "business_day"))][rows.number(row, "hour")] += rows.number(row, "sales")
    hours = sorted({rows.number(row, "hour") for row in rows.rows})
    span = list(range(min(hours[0], _OPENING), max(hours[-1], _CLOSING) + 1))
    heat = Shades(
        title="Sales by weekday and hour",
        rows=WEEKDAYS,
        columns=[str(hour) for hour in span],
        cells=[[grid[day].get(hour, 0) if day in grid else None for hour in span] for day in range(7)],
        column_name="hour",
        unit="sales",
    )
    return [("due_by_day", _by_day(rows, "Due by day", {"due": by_day})), ("sales_by_hour", heat)]


def _by_day(rows: _Rows, title: str, series: Mapping[str, Mapping[str, int]]) -> Bars:
    days = list_days(rows.report.since, rows.report.until)
    labels = [day[5:] for day in days]
    if len(days) > _DAYS_MAX:
        seen = sorted({day[:7] for day in days})
        columns = [
            (name, [sum(value for day, value in values.items() if day[:7] == month) for month in seen])
            for name, values in series.items()
        ]
        return Bars(title=title, labels=seen, series=columns, unit=rows.currency, digits=rows.digits)
    columns = [(name, [values.get(day, 0) for day in days]) for name, values in series.items()]
    if len(columns) == 1:
        columns = [("", columns[0][1])]
    return Bars(title=title, labels=labels, series=columns, unit=rows.currency, digits=rows.digits)


def _tenders(rows: _Rows) -> Named:
    return [("taken_by_kind", _pairs(rows, "Taken and refunded", "kind", ("taken_minor", "refunded_minor")))]


def _taxes(rows: _Rows) -> Named:
    rows = _Rows(replace(rows.report, rows=sorted(rows.rows, key=lambda row: rate_order(rows.text(row, "rate")))))
    return [("tax_by_rate", _pairs(rows, "Tax by rate", "rate", ("tax_minor", "returned_tax_minor")))]


def _pairs(rows: _Rows, title: str, by: str, columns: Sequence[str]) -> Bars:
    sums = [rows.sums(by, column) for column in columns]
    labels = list(sums[0])[:_BARS_MAX]
    series = [
        (name.removesuffix("_minor"), [each[label] for label in labels])
        for name, each in zip(columns, sums, strict=True)
    ]
    return Bars(title=title, labels=labels, series=series, unit=rows.currency, digits=rows.digits)


def _points(rows: _Rows) -> Named:
    sums = rows.sums("kind", "points")
    bars = Bars(title="Points by kind", labels=list(sums), series=[("", list(sums.values()))], unit="points")
    return [("points_by_kind", bars)]


def _liability(rows: _Rows) -> Named:
    found: Named = []
    for part, name in (("age", "points_by_age"), ("ends", "points_by_end")):
        sums = rows.sums("bucket", "points", rows.where("part", part))
        bars = Bars(title=name.replace("_", " "), labels=list(sums), series=[("", list(sums.values()))], unit="points")
        found.append((name, bars))
    return found


def _redemptions(rows: _Rows) -> Named:
    names = [f"{rows.text(row, 'kind')} {rows.text(row, 'name')}".strip() for row in rows.rows]
    labels = list(dict.fromkeys(names))[:_BARS_MAX]
    outcomes = ("used", "undone", "refused")
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for name, row in zip(names, rows.rows, strict=True):
        counts[name, rows.text(row, "outcome").partition(":")[0]] += rows.number(row, "times")
    series = [(outcome, [counts[label, outcome] for label in labels]) for outcome in outcomes]
    return [("times_by_kind", Bars(title="Redemptions and refusals", labels=labels, series=series, unit="times"))]


def _offers(rows: _Rows) -> Named:
    sums = rows.sums("offer", "discount_minor")
    labels = list(sums)[:_BARS_MAX]
    bars = Bars(
        title="Discount by offer",
        labels=labels,
        series=[("", [sums[label] for label in labels])],
        unit=rows.currency,
        digits=rows.digits,
    )
    measured = [row for row in rows.rows if rows.text(row, "lift_low_minor")]
    intervals = Intervals(
        title="Lift for a member, with its interval",
        labels=[rows.text(row, "offer") for row in measured],
        values=[
            (rows.number(row, "lift_low_minor"), rows.number(row, "lift_minor"), rows.number(row, "lift_high_minor"))
            for row in measured
        ],
        unit=rows.currency,
        digits=rows.digits,
    )
    return [("discount_by_offer", bars), *([("lift", intervals)] if measured else [])]


def _segments(rows: _Rows) -> Named:
    scores = ("5", "4", "3", "2", "1")
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows.where("part", "grid"):
        counts[rows.text(row, "recency"), rows.text(row, "frequency")] += rows.number(row, "members")
    grid = Shades(
        title="Members by recency and frequency",
        rows=scores,
        columns=scores[::-1],
        cells=[[counts[recency, frequency] for frequency in scores[::-1]] for recency in scores],
        row_name="recency",
        column_name="frequency",
        unit="members",
    )
    sums = rows.sums("segment", "members", rows.where("part", "segment"))
    bars = Bars(title="Members by segment", labels=list(sums), series=[("", list(sums.values()))], unit="members")
    return [("rfm_grid", grid), ("members_by_segment", bars)]


def _retention(rows: _Rows) -> Named:
    cohorts = list(dict.fromkeys(rows.text(row, "cohort") for row in rows.rows))
    most = max(rows.number(row, "month") for row in rows.rows)
    shares = {
        (rows.text(row, "cohort"), rows.number(row, "month")): rows.number(row, "active_permille") for row in rows.rows
    }
    grid = Shades(
        title="Active members in percent by cohort and month",
        rows=cohorts,
        columns=[str(month) for month in range(most + 1)],
        cells=[[shares.get((cohort, month)) for month in range(most + 1)] for cohort in cohorts],
        row_name="cohort",
        column_name="month",
        unit="%",
        digits=1,
    )
    return [("retention_grid", grid)]


def _value(rows: _Rows) -> Named:
    sums = rows.sums("cohort", "kept_per_member_minor")
    bars = Bars(
        title="Kept per member by cohort",
        labels=list(sums),
        series=[("", list(sums.values()))],
        unit=rows.currency,
        digits=rows.digits,
    )
    return [("kept_per_member", bars)]


def _cash_up(rows: _Rows) -> Named:
    return [("variance_by_day", _by_day(rows, "Over and short", {"": rows.sums("business_day", "variance_minor")}))]


def _exposure(rows: _Rows) -> Named:
    sums = {name: value for name, value in rows.sums("store", "exposure_minor").items() if value}
    labels = sorted(sums, key=lambda name: (-sums[name], name))[:_BARS_MAX]
    if not labels:
        return []
    values = [sums[label] for label in labels]
    return [
        (
            "exposure_by_store",
            Bars(
                title="Exposure by store", labels=labels, series=[("", values)], unit=rows.currency, digits=rows.digits
            ),
        )
    ]


def _attribution(rows: _Rows) -> Named:
    kinds = list(dict.fromkeys(rows.text(row, "kind") for row in rows.rows))
    sums = {model: rows.sums("kind", "spent_minor", rows.where("model", model)) for model in ("first", "last")}
    series = [(f"{model}_touch", [values.get(kind, 0) for kind in kinds]) for model, values in sums.items()]
    bars = Bars(title="Spending by touch", labels=kinds, series=series, unit=rows.currency, digits=rows.digits)
    return [("spending_by_touch", bars)]


def _channels(rows: _Rows) -> Named:
    sums = rows.sums("channels", "members")
    bars = Bars(
        title="Members by number of channels", labels=list(sums), series=[("", list(sums.values()))], unit="members"
    )
    return [("members_by_channels", bars)]


_CHARTS: Mapping[str, Callable[[_Rows], Named]] = {
    "sales": _sales,
    "tenders": _tenders,
    "taxes": _taxes,
    "points": _points,
    "points-liability": _liability,
    "redemptions": _redemptions,
    "offers": _offers,
    "segments": _segments,
    "retention": _retention,
    "lifetime-value": _value,
    "cash-up": _cash_up,
    "exposure": _exposure,
    "attribution": _attribution,
    "channels": _channels,
}
