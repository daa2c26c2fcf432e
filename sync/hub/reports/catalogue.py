"""sql: every report by its name.

report = build_report(tx, "sales", Asked(since="2026-11-01", until="2026-11-21", now_ms=now), risk)
"""

import datetime as dt
from collections.abc import Callable, Mapping

from loyalty.errors import NotFound
from loyalty.transactions import Tx
from sync.hub.reports.cohorts import report_lifetime_value, report_retention
from sync.hub.reports.coupon_losses import read_coupon_loss
from sync.hub.reports.days import add_days
from sync.hub.reports.exposure import Risk, report_exposure
from sync.hub.reports.journeys import report_attribution, report_channels
from sync.hub.reports.liability import report_liability
from sync.hub.reports.member_rows import (
    read_debt,
    read_ended,
    read_holders,
    read_lots,
    read_purchases,
    read_stores,
    read_touches,
)
from sync.hub.reports.offers import WINDOW_DAYS, report_offers
from sync.hub.reports.report import Asked, Report
from sync.hub.reports.segments import report_segments
from sync.hub.reports.shop_reports import (
    report_cash_up,
    report_day_closes,
    report_points,
    report_redemptions,
    report_sales,
    report_taxes,
    report_tenders,
)
from sync.hub.reports.shop_rows import (
    read_day_closes,
    read_offer_sums,
    read_points,
    read_redemptions,
    read_sales,
    read_shifts,
    read_taxes,
    read_tenders,
)

_DAY_MS = 86_400_000


class UnknownReport(NotFound):
    """There is no such report."""

    code, hint = "unknown_report", "Choose one of the reports that head office lists."


def build_report(tx: Tx, name: str, asked: Asked, risk: Risk) -> Report:
    """The report of that name. Raises UnknownReport."""
    build = BUILDERS.get(name)
    if build is None:
        raise UnknownReport
    return build(tx, asked, risk)


def _sales(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_sales(asked, read_sales(tx, asked))


def _tenders(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_tenders(asked, read_tenders(tx, asked))


def _taxes(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_taxes(asked, read_taxes(tx, asked))


def _points(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_points(asked, read_points(tx, asked))


def _redemptions(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_redemptions(asked, read_redemptions(tx, asked))


def _cash_up(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_cash_up(asked, read_shifts(tx, asked))


def _day_closes(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_day_closes(asked, read_day_closes(tx, asked))


def _liability(tx: Tx, asked: Asked, risk: Risk) -> Report:
    now = asked.now_ms
    return report_liability(asked, read_lots(tx, now), read_ended(tx, now), read_debt(tx), risk.value)


def _offers(tx: Tx, asked: Asked, _: Risk) -> Report:
    rows = read_purchases(tx, asked, add_days(asked.since, -WINDOW_DAYS))
    return report_offers(asked, read_offer_sums(tx, asked), read_holders(tx, asked), rows)


def _segments(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_segments(asked, read_purchases(tx, asked))


def _retention(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_retention(asked, read_purchases(tx, asked))


def _lifetime_value(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_lifetime_value(asked, read_purchases(tx, asked))


def _exposure(tx: Tx, asked: Asked, risk: Risk) -> Report:
    stores = [row for row in read_stores(tx) if asked.store in (None, row.store)]
    return report_exposure(asked, stores, risk, read_coupon_loss(tx))


def _attribution(tx: Tx, asked: Asked, _: Risk) -> Report:
    return report_attribution(asked, read_purchases(tx, asked, asked.since), read_touches(tx, 0, _end_of(asked.until)))


def _channels(tx: Tx, asked: Asked, _: Risk) -> Report:
    touches = read_touches(tx, _end_of(add_days(asked.since, -2)), _end_of(asked.until))
    return report_channels(asked, read_purchases(tx, asked, asked.since), touches)


def _end_of(day: str) -> int:
    """The end of a day anywhere on earth, in milliseconds: no business day is later than its calendar day by more."""
    return (dt.date.fromisoformat(day).toordinal() - dt.date(1970, 1, 1).toordinal() + 2) * _DAY_MS


BUILDERS: Mapping[str, Callable[[Tx, Asked, Risk], Report]] = {
    "sales": _sales,
    "tenders": _tenders,
    "taxes": _taxes,
    "points": _points,
    "points-liability": _liability,
    "redemptions": _redemptions,
    "offers": _offers,
    "segments": _segments,
    "retention": _retention,
    "lifetime-value": _lifetime_value,
    "cash-up": _cash_up,
    "day-closes": _day_closes,
    "exposure": _exposure,
    "attribution": _attribution,
    "channels": _channels,
}
"""What `/v1/reports/{name}` knows, in the order the screens list them."""
