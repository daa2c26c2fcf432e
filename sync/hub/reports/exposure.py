"""pure: the most that can be lost now to stores that head office cannot hear (loyalty/exposure.py gives the reasons).

    exposure_max = limit of a store * silent stores + value of the points that are lent out

The limit of a store bounds points and coupons together, so coupons that a silent store takes on its own are in it.

A store is silent when it has not been heard for longer than the setting says. One that never came, or was revoked, can
spend nothing; one in quarantine may still be running somewhere and counts as silent.
"""

from collections.abc import Iterable
from typing import NamedTuple

from loyalty.exposure import OfflinePolicy, worst_case_minor
from sync.hub.reports.days import time_text
from sync.hub.reports.liability import PointValue
from sync.hub.reports.report import Asked, Cell, Cells, Note, Report
from sync.hub.settings import Settings

_MINUTE_MS = 60_000

COLUMNS = (
    *("store", "name", "state", "silent", "last_contact", "queued", "currency"),
    *("limit_minor", "lent_points", "lent_minor", "exposure_minor"),
)

_CEILING = Note(
    "ceiling",
    "This is a ceiling: every silent store would have to pay out its whole limit, every lent point would have to be"
    " spent by a copy. What came to light is debt and an incident already, and not in here.",
)


class StoreRow(NamedTuple):
    """A store as head office knows it. `lent_points` are those of its open leases."""

    store: bytes
    code: str
    name: str
    state: str
    last_contact: int | None
    queued: int
    lent_points: int = 0


class Risk(NamedTuple):
    """What a chain risks by its settings: `store_limit_minor` (C) for each store, and after how long a store is
    silent."""

    store_limit_minor: int
    silent_after_ms: int
    value: PointValue


def risk_of(settings: Settings) -> Risk:
    """What the settings say of it."""
    value = PointValue(currency=settings.currency, minor=settings.point_value_minor, points=settings.point_value_points)
    return Risk(settings.store_exposure_minor, settings.silent_after_minutes * _MINUTE_MS, value)


def is_silent(row: StoreRow, now_ms: int, after_ms: int) -> bool:
    """Whether a store that could spend has not been heard for too long."""
    if row.state == "quarantined":
        return True
    return row.state == "active" and (row.last_contact is None or now_ms - row.last_contact > after_ms)


def report_exposure(asked: Asked, stores: Iterable[StoreRow], risk: Risk, coupon_loss_minor: int = 0) -> Report:
    """Store by store, and the ceiling of them all. `coupon_loss_minor` came to light already: coupons taken twice."""
    cells: list[Cells] = []
    silent, lent = 0, 0
    for row in sorted(stores, key=lambda row: row.code):
        quiet = is_silent(row, asked.now_ms, risk.silent_after_ms)
        lent_minor = risk.value.worth(row.lent_points) or 0
        own = (risk.store_limit_minor if quiet else 0) + lent_minor
        silent += quiet
        lent += lent_minor
        contact = time_text(row.last_contact)
        limit = risk.store_limit_minor
        state = (row.code, row.name, row.state, int(quiet), contact, row.queued, risk.value.currency or None)
        cells.append((*state, limit, row.lent_points, lent_minor, own))
    policy = OfflinePolicy(member_limit_minor=0, store_limit_minor=risk.store_limit_minor, account_max_age_ms=0)
    figures: dict[str, Cell] = {
        "silent_stores": silent,
        "stores": len(cells),
        "exposure_max_minor": worst_case_minor(policy, silent, copied_leases_minor=lent),
        "coupon_loss_minor": coupon_loss_minor,
        "currency": risk.value.currency or None,
    }
    return Report(
        name="exposure",
        since=asked.since,
        until=asked.until,
        columns=COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_CEILING,),
    )
