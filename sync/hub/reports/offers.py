"""pure: what offers were used for, and whether those who used one bought more than they would have (lift).

Nobody drew lots who gets an offer, so what is compared is how spending *changed*, in the WINDOW_DAYS before and after a
day, the day itself left out (a use is a purchase; counting it would make every offer look good):

    used      members who used the offer; their day is that of the first use
    compared  members who were handed the offer as a coupon and did not use it; their day is that of the coupon.
              Of an offer that is no coupon: members who bought without it; their day is their first purchase
    lift      mean change of the used - mean change of the compared, in minor units for a member, with the interval that
              holds the true difference 95 times of 100 if members were alike (Welch):
              lift +- 1.96 * sqrt(variance / n of the used + variance / n of the compared)

Members whose window is not over yet are in neither group. Money is integers; only the square root is cut.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from sync.hub.reports.days import add_days
from sync.hub.reports.purchases import Histories, Purchase, histories_of, visits_of
from sync.hub.reports.report import Asked, Cells, Note, Report, each, permille

WINDOW_DAYS = 28
SMALL = 30
COLUMNS = (
    *("offer", "currency", "sales", "uses", "discount_minor", "uses_back", "discount_back_minor"),
    *("coupons_issued", "coupons_used", "coupons_voided", "coupons_used_permille"),
    *("compared_with", "used_members", "compared_members", "used_change_minor", "compared_change_minor"),
    *("lift_minor", "lift_low_minor", "lift_high_minor", "few"),
)

_NOT_RANDOM = Note(
    "not_randomised",
    "Nobody drew lots: members who use an offer differ from those who do not, and part of any lift is that difference."
    " Only a hold-out group drawn by lot would tell the offer's own part.",
)
_WINDOW = Note(
    "window",
    f"Changes compare the {WINDOW_DAYS} days after with the {WINDOW_DAYS} days before; the day of use itself is left"
    " out, and so are members whose days after it are not over.",
)
_FEW = Note(
    "few", f"`few` is 1 where one of the groups has fewer than {SMALL} members: read the interval, not the lift."
)


class OfferSums(NamedTuple):
    """An offer over the span, in one currency."""

    offer: str
    currency: str
    sales: int
    uses: int
    discount_minor: int
    uses_back: int
    discount_back_minor: int
    coupons_issued: int
    coupons_used: int
    coupons_voided: int


class OfferMember(NamedTuple):
    """A member who was handed an offer or used it: the days of the first time, None for never."""

    member: bytes
    offer: str
    currency: str
    issued_day: str | None
    used_day: str | None


class Lift(NamedTuple):
    """Two groups compared, in minor units for a member. Both ends of the interval are None where a group has fewer than
    two members, the lift where one is empty."""

    used: int
    compared: int
    used_change: int | None
    compared_change: int | None
    lift: int | None
    low: int | None
    high: int | None


def report_offers(
    asked: Asked, sums: Sequence[OfferSums], holders: Iterable[OfferMember], rows: Iterable[Purchase]
) -> Report:
    """Every offer of the span: uses, coupons, and lift."""
    histories = histories_of(rows)
    spending = {key: _Spending(history) for key, history in histories.items()}
    by_offer: dict[tuple[str, str], list[OfferMember]] = defaultdict(list)
    for holder in holders:
        by_offer[holder.offer, holder.currency].append(holder)
    cells: list[Cells] = []
    for row in sorted(sums):
        people = by_offer[row.offer, row.currency]
        used = {
            each.member: each.used_day
            for each in people
            if each.used_day and asked.since <= each.used_day <= asked.until
        }
        handed = _handed(people, asked)
        others = handed or _others(histories, row.currency, people, asked)
        lift = measure(
            _changes(used, row.currency, spending, asked.until), _changes(others, row.currency, spending, asked.until)
        )
        few = int(min(lift.used, lift.compared) < SMALL)
        share = permille(row.coupons_used, row.coupons_issued)
        cells.append((*row, share, "holders" if handed else "buyers", *lift, few))
    figures = {"offers": len(cells), "uses": sum(row.uses for row in sums)}
    return Report(
        name="offers",
        since=asked.since,
        until=asked.until,
        columns=COLUMNS,
        rows=cells,
        figures=figures,
        notes=(_NOT_RANDOM, _WINDOW, _FEW),
    )


def measure(used: Sequence[int], compared: Sequence[int]) -> Lift:
    """The lift between two groups of changes.

    >>> measure([300, 100], [100, -100])
    Lift(used=2, compared=2, used_change=200, compared_change=0, lift=200, low=-77, high=477)
    """
    ours, theirs = each(sum(used), len(used)), each(sum(compared), len(compared))
    if not used or not compared:
        return Lift(len(used), len(compared), ours, theirs, None, None, None)
    exact = Fraction(sum(used), len(used)) - Fraction(sum(compared), len(compared))
    lift = _whole(exact)
    if min(len(used), len(compared)) < 2:
        return Lift(len(used), len(compared), ours, theirs, lift, None, None)
    spread = _variance(used) / len(used) + _variance(compared) / len(compared)
    half = Fraction(isqrt(int(spread * 196 * 196)), 100)
    return Lift(len(used), len(compared), ours, theirs, lift, _whole(exact - half), _whole(exact + half))


class _Spending:
    """What one member kept, summed up to each day, so that any window is two look-ups."""

    def __init__(self, history: Sequence[Purchase]) -> None:
        self._days = [row.business_day for row in history]
        self._sums = [0]
        for row in history:
            self._sums.append(self._sums[-1] + row.kept_minor)

    def between(self, first: str, last: str) -> int:
        """What was kept from the first day to the last, both included."""
        return self._sums[bisect_right(self._days, last)] - self._sums[bisect_left(self._days, first)]


def _handed(people: Iterable[OfferMember], asked: Asked) -> dict[bytes, str]:
    return {
        each.member: each.issued_day
        for each in people
        if each.used_day is None and each.issued_day and asked.since <= each.issued_day <= asked.until
    }


def _others(histories: Histories, currency: str, people: Iterable[OfferMember], asked: Asked) -> dict[bytes, str]:
    users = {each.member for each in people if each.used_day is not None}
    found = {}
    for (member, paid_in), history in histories.items():
        if paid_in == currency and member not in users:
            days = [row.business_day for row in visits_of(history) if asked.since <= row.business_day <= asked.until]
            if days:
                found[member] = days[0]
    return found


def _changes(
    days: Mapping[bytes, str], currency: str, spending: Mapping[tuple[bytes, str], _Spending], until: str
) -> list[int]:
    found = []
    for member, day in sorted(days.items()):
        if add_days(day, WINDOW_DAYS) > until:
            continue
        own = spending.get((member, currency))
        if own is None:
            found.append(0)
            continue
        after = own.between(add_days(day, 1), add_days(day, WINDOW_DAYS))
        found.append(after - own.between(add_days(day, -WINDOW_DAYS), add_days(day, -1)))
    return found


def _variance(values: Sequence[int]) -> Fraction:
    """The variance of a sample: sum of squares about the mean over n - 1."""
    mean = Fraction(sum(values), len(values))
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1)


def _whole(value: Fraction) -> int:
    """Rounded half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
