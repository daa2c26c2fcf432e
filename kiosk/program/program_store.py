"""sql: the loyalty program as it lies in the tables: rules, types of activity, rewards, and what caps have left.

Every version of each is a row; the newest row of a name says what it is now, and whether it is live.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Literal, NamedTuple
from uuid import UUID

from kiosk.offers.offer_store import Mark
from loyalty.earning_rules.context import Used, first_day
from loyalty.earning_rules.rule import Caps, EarningRule, decode_rule
from loyalty.merge_store import group_of
from loyalty.transactions import Row, Tx

Sort = Literal["earning_rule", "activity_type", "reward"]
_NEWEST = (
    "SELECT name, version, live, op, content FROM definition AS newest WHERE sort = ?"
    " AND version = (SELECT max(version) FROM definition WHERE definition.sort = newest.sort"
    " AND definition.name = newest.name)"
)
_USED = (
    "SELECT total(CASE WHEN business_day = ? THEN points END), total(points) FROM rule_points"
    " WHERE member = ? AND sort = ? AND rule = ? AND business_day BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM sale_void WHERE sale_void.sale = rule_points.op)"
)


class DefinitionRow(NamedTuple):
    """A rule, type or reward as it is now. `revision` names its newest change, `content` is its JSON."""

    name: str
    version: int
    live: bool
    revision: str
    content: bytes


class FirstActivity(NamedTuple):
    """The activity that has a key already."""

    op: UUID
    at: int
    business_day: str


def read_program_mark(tx: Tx) -> Mark | None:
    """The mark of the newest change of the program, None before the first (kiosk/offers/offer_store.py: Mark)."""
    row = tx.execute("SELECT book, op FROM definition ORDER BY book DESC LIMIT 1").fetchone()
    return Mark(*row) if row else None


def read_program_book(tx: Tx) -> int:
    """How often anything of the program was changed."""
    row = tx.execute("SELECT max(book) FROM definition").fetchone()
    return int(row[0] or 0) if row else 0


def read_definition(tx: Tx, sort: Sort, name: str) -> DefinitionRow | None:
    """One of them as it is now, live or ended."""
    row = tx.execute(f"{_NEWEST} AND name = ?", (sort, name)).fetchone()
    return _definition(row) if row else None


def read_definitions(tx: Tx, sort: Sort, *, live_only: bool = False) -> list[DefinitionRow]:
    """All of a sort as they are now, by name."""
    rows = tx.execute(f"{_NEWEST} AND live >= ? ORDER BY name", (sort, int(live_only)))
    return [_definition(row) for row in rows]


def count_live(tx: Tx, sort: Sort) -> int:
    """How many of a sort are live."""
    return len(tx.execute(f"{_NEWEST} AND live = 1", (sort,)).fetchall())


def read_version(tx: Tx, sort: Sort, name: str, version: int) -> bytes | None:
    """The JSON of one of them as it was in one version."""
    row = tx.execute(
        "SELECT content FROM definition WHERE sort = ? AND name = ? AND version = ?", (sort, name, version)
    ).fetchone()
    return row[0].encode() if row else None


def read_rule_version(tx: Tx, name: str, version: int) -> EarningRule | None:
    """A rule as it was in one version."""
    content = read_version(tx, "earning_rule", name, version)
    return decode_rule(content) if content is not None else None


def read_used(tx: Tx, member: UUID, sort: Sort, capped: Iterable[tuple[str, Caps]], day: str) -> dict[str, Used]:
    """What these rules, or types, gave a member, and all who were merged into it, on the business day and in the period
    of each that holds it.

    What a voided sale earned does not count. A return gives no room back: else buying and returning would open it again
    and again.
    """
    found = {}
    today = dt.date.fromisoformat(day)
    group = group_of(tx, member)
    for name, caps in capped:
        since = first_day(today, caps.period).isoformat()
        of_day, of_period = 0, 0
        for each in group:
            row = tx.execute(_USED, (day, each.bytes, sort, name, min(since, day), day)).fetchone()
            assert row is not None
            of_day, of_period = of_day + int(row[0]), of_period + int(row[1])
        found[name] = Used(of_day, of_period)
    return found


def find_activity(tx: Tx, key: bytes) -> FirstActivity | None:
    """Who came first under this key."""
    row = tx.execute("SELECT op, at, business_day FROM activity WHERE activity_key = ?", (key,)).fetchone()
    return FirstActivity(UUID(bytes=row[0]), row[1], row[2]) if row else None


def _definition(row: Row) -> DefinitionRow:
    name, version, live, op, content = row
    return DefinitionRow(name, version, bool(live), op.hex(), content.encode())
