"""pure: what members bought, day by day: the rows that segments, retention, lifetime value, offers, channels and
attribution are made of.

Members who were merged are one; what a member bought in two currencies is two histories, for there is no sum of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Purchase(NamedTuple):
    """What one member bought in one currency on one business day. `returned_minor` came back on that day, whenever it
    was bought. `at` is the time of the first sale, None on a day with returns alone."""

    member: bytes
    business_day: str
    currency: str
    channel: str
    visits: int
    spent_minor: int
    returned_minor: int
    at: int | None = None

    @property
    def kept_minor(self) -> int:
        """What was spent, less what came back."""
        return self.spent_minor - self.returned_minor


Histories = Mapping[tuple[bytes, str], list[Purchase]]
"""Purchases in the order of their days, by member and currency."""


def merge_members(rows: Iterable[Purchase], survivors: Mapping[bytes, bytes]) -> list[Purchase]:
    """The rows under the member who counts; `survivors` has who a merged member became, step by step."""
    return [row._replace(member=survivor_of(row.member, survivors)) if row.member in survivors else row for row in rows]


def survivor_of(member: bytes, survivors: Mapping[bytes, bytes]) -> bytes:
    """Who a member is now."""
    while member in survivors:
        member = survivors[member]
    return member


def histories_of(rows: Iterable[Purchase]) -> Histories:
    """The rows by member and currency, each in the order of days; days on which nothing happened in the end (a voided
    sale) are left out."""
    found: dict[tuple[bytes, str], list[Purchase]] = defaultdict(list)
    for row in rows:
        if row.visits > 0 or row.returned_minor:
            found[row.member, row.currency].append(row)
    return {key: sorted(history, key=lambda row: row.business_day) for key, history in sorted(found.items())}


def visits_of(history: Iterable[Purchase]) -> list[Purchase]:
    """The days with a purchase among the days of a history."""
    return [row for row in history if row.visits > 0]
